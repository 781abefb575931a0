"""How the suite lets calls fail, and what must be true of every failure."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from connections.connectors.errors import AuthError, ConnectorError, ContractError, RateLimited, TransientError
from connections.connectors.types import Done, Found, Receipt
from tests.connections.rigs import Rig
from tests.connections.rigs.base import Subject
from tests.simulators.base import Fault

HANGS = {Fault.HANG_BEFORE, Fault.HANG_AFTER}
# What each fault is to us; see connections/connectors/errors.py.
ERRORS: dict[Fault, type[ConnectorError]] = {
    **dict.fromkeys(Fault, TransientError),
    Fault.RATE_LIMIT: RateLimited,
    Fault.HTML_200: ContractError,
    Fault.BROKEN_JSON: ContractError,
    Fault.OTHER_JSON: ContractError,
}


def failure_of(
    rig: Rig,
    call: Callable[[Any], Any],
    *,
    credentials: Mapping[str, str] | None = None,
    exchanges: list[Any] | None = None,
    seconds: float | None = None,
) -> ConnectorError:
    """The error that `call(connector)` ends with, after a look at whether it or its record tells a secret."""
    exchanges = [] if exchanges is None else exchanges
    connector = rig.connect(credentials, exchanges=exchanges, seconds=seconds)
    with pytest.raises(ConnectorError) as caught:
        call(connector)
    error = caught.value
    told = [*traceback.format_exception(error), repr(error), error.detail, error.code, repr(exchanges)]
    assert [secret for secret in rig.secrets(connector) if secret in "".join(told)] == []
    return error


def plan(rig: Rig, pattern: str, fault: Fault, *, times: int = 1) -> float | None:
    """Plan the fault; returns the seconds that a call may take then."""
    rig.simulator.fail(pattern, fault, times=times, seconds=rig.patience_seconds + 1)
    return rig.patience_seconds if fault in HANGS else None


def settle(rig: Rig, subject: Subject, key: str, *, seconds: float | None = None) -> Done:
    """What the engine does with an order to be created, or a shipment to be confirmed."""
    return settle_by(
        rig,
        lambda connector, half: rig.send(connector, subject, key, half),
        lambda connector, since: rig.find(connector, subject, key, since),
        seconds=seconds,
    )


def settle_by(
    rig: Rig,
    send: Callable[[Any, Found | None], Receipt],
    find: Callable[[Any, datetime], tuple[Receipt | None, Found | None]],
    *,
    seconds: float | None = None,
) -> Done:
    """What the engine does with an effect, each try by another worker: what surely was not executed is
    sent again; whatever may have been is looked up, and sent only if it is absent or half made."""
    since, half = datetime.now(UTC), None
    connector = rig.connect(seconds=seconds)
    for _ in range(10):
        try:
            return rig.answered(connector, send(connector, half))
        except (TransientError, ContractError, RateLimited, AuthError) as error:
            connector = rig.connect()
            if _is_surely_not_executed(error):
                half = None
                continue
        whole, half = find(connector, since)
        if whole is not None:
            return rig.answered(connector, whole)
    raise AssertionError("never settled")


def _is_surely_not_executed(error: ConnectorError) -> bool:
    return isinstance(error, RateLimited | AuthError) or (isinstance(error, TransientError) and not error.was_sent)
