"""The engine with one promise broken: each of these must be found out, or the suite proves nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from channable.tenants.scope import company_scope
from connections import dispatch, sender
from connections.connectors import CONNECTORS
from connections.models import OutboxMessage, OutboxStatus
from connections.settling import Job
from orders.services.arrivals import Arrival


def no_look_up() -> None:
    """What may have been executed is sent again, and nobody asks the remote."""
    take = sender.Sender._take

    def blindly(self: Any, account: Any, message: OutboxMessage) -> Any:
        message.status, message.looks_first = OutboxStatus.READY, False
        return take(self, account, message)

    sender.Sender._take = blindly  # type: ignore[method-assign]


def look_up_too_early() -> None:
    """The remote is asked while it may still be executing, or before its lists show what it did."""
    for connector in CONNECTORS.values():
        connector.capabilities = dataclasses.replace(connector.capabilities, works_on_seconds=0, index_delay_seconds=0)


def cursor_before_commit() -> None:
    """The cursor is saved, and then what was read up to there."""
    transaction = dispatch.Run.transaction

    @contextmanager
    def early(self: dispatch.Run, cursor: str | None = None) -> Iterator[None]:
        if cursor is not None:
            with company_scope(self.connection.company_id):
                self._extend(cursor)
        with transaction(self, None):
            yield

    dispatch.Run.transaction = early  # type: ignore[method-assign,assignment]


def lease_not_checked() -> None:
    """Who began something goes on with it, however long it was away and whoever took it over."""
    for module, names in ((dispatch, ("START", "EXTEND", "FINISH")), (sender, ("START", "EXTEND"))):
        for name in names:
            statement = getattr(module, name)
            for condition in (
                " AND s.lease_token = %(token)s AND s.lease_until > now()",
                " AND lease_token = %(token)s",
                " AND sender_token = %(token)s AND sender_lease_until > now()",
                " AND sender_token = %(own)s",
            ):
                statement = statement.replace(condition, "")
            assert statement != getattr(module, name)
            setattr(module, name, statement)
    Job.time_left = lambda self: 60.0  # type: ignore[method-assign]


def reference_from_our_id() -> None:
    """Our own numbers, which a restored backup gives to other orders."""
    order_row = Arrival.order

    def numbered(self: Any, pk: int, one: Any) -> dict[str, Any]:
        return {**order_row(self, pk, one), "reference": f"order-{pk}"}

    Arrival.order = numbered  # type: ignore[method-assign]


MUTANTS: dict[str, Callable[[], None]] = {
    one.__name__: one
    for one in (no_look_up, look_up_too_early, cursor_before_commit, lease_not_checked, reference_from_our_id)
}
