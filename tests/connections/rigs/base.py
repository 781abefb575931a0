"""What a rig has to tell and to do. Subclasses are small: the remote's names for what we all have."""

from __future__ import annotations

import contextlib
import copy
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest

from connections.connectors.base import Account, Connector, Token
from connections.connectors.errors import DataError
from connections.connectors.http import Exchange, HttpClient
from connections.connectors.types import (
    Done,
    Found,
    Outcome,
    OutcomeState,
    Pending,
    Receipt,
)
from tests.connections.memory_tokens import MemoryTokens
from tests.simulators.base import Simulator

_numbers = itertools.count(1)


class RememberingTokens(MemoryTokens):
    """Every token it ever gave out is a secret too."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def renew(self, request: Callable[[], Token], *, rejected: str = "") -> Token:
        token = super().renew(request, rejected=rejected)
        self.seen.append(token.value)
        return token


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to be sent, and to which order of the remote (marketplaces)."""

    data: Any
    order_ref: str = ""


@dataclass
class Rig:
    """A remote that is being served, and how to reach it."""

    pytest_request: pytest.FixtureRequest
    simulator: Simulator = field(init=False)  # or a proxy before a real remote

    # -- what the remote is like
    connector: ClassVar[type[Connector]]
    marks: ClassVar[Sequence[pytest.MarkDecorator]] = ()
    stream: ClassVar[str]  # the stream that lists every order
    page_size: ClassVar[int]
    listing: ClassVar[str]  # pattern of "METHOD /path" of the call that lists them
    writes: ClassVar[Sequence[str]]  # patterns of the calls one effect is made of
    statuses: ClassVar[Mapping[str, Any]]  # every documented status and what it means to us
    # Why a status that is not documented is no DataError, where remotes let people invent them.
    invents_statuses: ClassVar[str] = ""
    has_clock: ClassVar[bool] = True  # simulator.advance moves it
    patience_seconds: ClassVar[float] = 1.0  # a call longer than this counts as hanging

    # -- to be filled in
    @contextlib.contextmanager
    def served(self) -> Iterator[None]:
        """Start the remote and set `self.simulator`."""
        raise NotImplementedError
        yield

    def credentials(self) -> dict[str, str]:
        raise NotImplementedError

    def wrong_credentials(self) -> Sequence[dict[str, str]]:
        """Each secret replaced by another that looks alike."""
        good = self.credentials()
        secrets = [one.name for one in self.connector.credential_fields if one.is_secret]
        return [{**good, name: _altered(good[name])} for name in secrets]

    def settings(self) -> dict[str, str]:
        return {}

    def add_records(self, count: int) -> None:
        """That many new orders in the stream."""
        raise NotImplementedError

    def record_ids(self) -> list[str]:
        """The ids of all orders that the stream has to tell of."""
        raise NotImplementedError

    def with_status(self, raw: Any, status: str) -> Any:
        """`raw`, a copy, as it would be if the order had this status."""
        raise NotImplementedError

    def spoil(self, external_id: str) -> None:
        """From now on the remote tells of this order something that nobody can read."""
        pytest.skip("a real remote cannot be made to tell nonsense")

    def new_subject(self) -> Subject:
        """Something that the remote will accept, not sent yet."""
        raise NotImplementedError

    def effects(self, subject: Subject, key: str) -> int:
        """How often the remote has done it, by its own books."""
        raise NotImplementedError

    def whole(self, subject: Subject, key: str) -> bool:
        """Whether what the remote has is all that was sent, with the exact amounts or quantities."""
        raise NotImplementedError

    # -- the same for all
    def connect(
        self,
        credentials: Mapping[str, str] | None = None,
        *,
        exchanges: list[Exchange] | None = None,
        seconds: float | None = None,
    ) -> Any:
        """A connector as the engine makes one. `seconds` is what each call may take."""
        credentials = credentials or self.credentials()
        http = HttpClient(
            allow_private=True,
            record=None if exchanges is None else exchanges.append,
            time_left=None if seconds is None else lambda: seconds,
            secrets=[value for value in credentials.values() if len(value) >= 6],
        )
        return self.connector(Account(credentials, RememberingTokens(), self.settings()), http)

    def secrets(self, connector: Connector) -> list[str]:
        names = [one.name for one in self.connector.credential_fields if one.is_secret]
        return [*(connector.account.credentials[name] for name in names), *connector.account.tokens.seen]

    def settle_down(self) -> None:
        """Let a minute pass at the remote, so that nothing in it is brand new."""
        if self.has_clock:
            self.simulator.advance(minutes=1)

    def parse(self, connector: Any, raw: Any) -> Any:
        raise NotImplementedError

    def meaning(self, parsed: Any) -> Any:
        """What `statuses` speaks of."""
        raise NotImplementedError

    def payload(self) -> Any:
        """One whole order, as it is stored."""
        if not self.record_ids():
            self.add_records(1)
        connector = self.connect()
        record = next(record for page in connector.fetch(self.stream, "") for record in page.records)
        return copy.deepcopy(record.raw or connector.fetch_one(self.stream, record.external_id))

    def send(self, connector: Any, subject: Subject, key: str, half: Found | None = None) -> Receipt:
        raise NotImplementedError

    def find(self, connector: Any, subject: Subject, key: str, since: datetime) -> tuple[Receipt | None, Found | None]:
        """(whole, half made); both None: surely absent."""
        raise NotImplementedError

    def answered(self, connector: Any, receipt: Receipt) -> Done:
        """The remote's last word on a write that it accepted. Raises DataError if that is no."""
        if isinstance(receipt, Done):
            return receipt
        for _ in range(20):
            outcome = self.ask(connector, receipt)
            if outcome.state is OutcomeState.DONE:
                return Done(outcome.remote_id)
            if outcome.state is OutcomeState.REFUSED:
                raise DataError(outcome.detail)
            assert outcome.state is OutcomeState.PENDING, outcome
        raise AssertionError("never answered")

    def ask(self, connector: Any, receipt: Pending) -> Outcome:
        self.settle_down()
        (outcome,) = connector.follow_up([receipt.ticket])
        assert outcome.ticket == receipt.ticket
        return outcome

    @staticmethod
    def new_key() -> str:
        return f"conform:{next(_numbers)}:{datetime.now(UTC):%H%M%S%f}"


def _altered(secret: str) -> str:
    """Another secret of the same length and letters."""
    return secret[:-4] + secret[-4:].translate(str.maketrans("0123456789abcdef", "1234567890bcdefa"))
