"""Effects at remote accounts: what is written down before anything goes out.

`ready -> sending -> sent | rejected | unknown`, and then at rest: sent, rejected, dead, withdrawn.
An effect is written in the transaction that decided it and is unique per account, kind and subject,
so deciding twice is harmless. `relay.py` says whose turn it is, `sender.py` carries effects out, `settling.py`
writes down what became of them, `follow_up.py` asks for late answers. What a kind means is registered
from above in `EFFECTS`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.db.models import Value
from django.db.models.functions import Now

from connections.connectors.errors import ConnectorError
from connections.connectors.types import Done, Found, Receipt
from connections.models import OutboxMessage, OutboxStatus
from connections.waits import scaled

AT_REST = (OutboxStatus.REJECTED, OutboxStatus.DEAD, OutboxStatus.WITHDRAWN)
LATE_SECONDS = scaled(600)


class Withdrawn(Exception):
    """What was decided is not wanted any more; says why."""


class Postponed(Exception):
    """Not now: its order connection is paused."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """What a look-up found: `receipt` whole, or `half` made. `news` is handed to `on_sent`."""

    receipt: Receipt | None = None
    half: Found | None = None
    news: Any = None


class Effect:
    """What one kind of message does. `load` and the `on_…` methods run inside a transaction of the
    company; `send` and `find` talk to the remote outside of any."""

    kind: ClassVar[str]

    def load(self, message: OutboxMessage) -> Any:
        """Everything `send` and `find` need."""
        raise NotImplementedError

    def check(self, message: OutboxMessage, data: Any) -> None:
        """Asked before each sending. Raises Withdrawn if it isn't wanted any more, Postponed if not
        now, DataError if it can't be sent as it is."""

    def send(self, connector: Any, data: Any, *, key: str, half: Found | None) -> Receipt:
        raise NotImplementedError

    def find(self, connector: Any, data: Any, *, key: str, since: datetime) -> Lookup | None:
        """None: surely absent. Raises NotImplementedError where the remote can neither search nor list."""
        raise NotImplementedError

    def on_sent(self, message: OutboxMessage, receipt: Receipt, *, adopted: bool, news: Any) -> None:
        raise NotImplementedError

    def on_confirmed(self, message: OutboxMessage, done: Done) -> None:
        raise NotImplementedError

    def on_refused(self, message: OutboxMessage, error: ConnectorError) -> None:
        """Refused, or given up (code "outbox.dead", "outbox.needs_check")."""
        raise NotImplementedError


EFFECTS: dict[str, Effect] = {}


def register(effect: Effect) -> None:
    EFFECTS[effect.kind] = effect


def enqueue(
    *,
    company_id: int,
    connection_id: int,
    kind: str,
    subject_id: int,
    reference: str,
    decided_at: datetime,
    now: datetime,
    wait_seconds: float = 0,
) -> OutboxMessage:
    """Decide an effect, in the caller's transaction. One that is at rest is opened again and looked up.

    `wait_seconds`: not before then, where the remote shows late what the effect builds on.
    """
    message, created = OutboxMessage.objects.select_for_update().get_or_create(
        company_id=company_id,
        connection_id=connection_id,
        kind=kind,
        subject_id=subject_id,
        defaults={
            "reference": reference,
            "looks_first": is_late(decided_at, now),
            "not_before": Now() + Value(timedelta(seconds=wait_seconds)),
        },
    )
    if not created and message.status in AT_REST:
        reopen(message)
    return message


def is_late(decided_at: datetime, now: datetime) -> bool:
    """Whether somebody may have done it before us: what was decided long ago (a back-fill, a long
    stop, a restored backup) is looked up before it is sent for the first time."""
    return (now - decided_at).total_seconds() > LATE_SECONDS


def reopen(message: OutboxMessage) -> None:
    """Send it again, as a new attempt of the same effect; the remote is asked first."""
    if message.status == OutboxStatus.REJECTED:
        message.first_sent_at = None  # clearly refused: nothing that was sent can still appear there
    message.status = OutboxStatus.READY
    message.looks_first = True
    message.tries = message.absences = 0
    message.error_code = message.error_detail = message.ticket = ""
    message.settled_at = message.follow_up_at = None
    message.not_before = Now()
    message.save()


def withdraw(kind: str, subject_ids: Iterable[int]) -> None:
    """Take back what was surely never sent; what is on its way is left to be settled."""
    waiting = OutboxMessage.objects.filter(
        kind=kind, subject_id__in=list(subject_ids), status=OutboxStatus.READY, first_sent_at=None
    )
    waiting.update(status=OutboxStatus.WITHDRAWN, settled_at=Now())
