"""What becomes of a message after a call: sent, refused, to be looked up, or given up."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db.models import Value
from django.db.models.functions import Now

from connections.connectors.errors import AuthError, ConnectorError, DataError, RateLimited, TransientError
from connections.connectors.types import Found
from connections.health import backoff_seconds
from connections.models import OutboxMessage, OutboxStatus
from connections.outbox import Effect
from connections.waits import scaled

CALL_SECONDS = scaled(60)  # a call, whatever it consists of, is cut after this
MOST_TRIES = 8


@dataclass
class Job:
    """A message taken under a fence. `sends` False: look it up first."""

    message: OutboxMessage
    effect: Effect
    data: Any
    sends: bool
    fence: UUID
    counts: bool  # the account was well, so a failure is this message's own
    ends: float
    half: Found | None = None

    def time_left(self) -> float:
        return self.ends - time.monotonic() - scaled(1)


def after_failed_send(job: Job, error: ConnectorError) -> None:
    message = job.message
    message.looks_first = job.half is not None  # what was half made is gone on with, not begun again
    if isinstance(error, RateLimited):
        wait(message, OutboxStatus.READY, error.retry_after)
    elif isinstance(error, AuthError):
        wait(message, OutboxStatus.READY, 0)  # nothing is tried while the connection is expired
    elif isinstance(error, TransientError) and not error.was_sent:
        _count(job)
        wait(message, OutboxStatus.READY, backoff_seconds(message.tries))
    else:
        _count(job)
        wait(message, OutboxStatus.UNKNOWN, scaled(message.connection.connector_class.capabilities.works_on_seconds))
    _give_up_if_tired(job)


def after_failed_look_up(job: Job, error: ConnectorError) -> None:
    """It stays what it is; the question is asked again."""
    message = job.message
    message.error_code, message.error_detail = error.code, error.detail[:1000]
    status = OutboxStatus.UNKNOWN if message.status == OutboxStatus.SENDING else OutboxStatus(message.status)
    if isinstance(error, RateLimited):
        wait(message, status, error.retry_after)
        return
    if not isinstance(error, AuthError):
        _count(job)
    wait(message, status, backoff_seconds(message.tries))
    _give_up_if_tired(job)


def _count(job: Job) -> None:
    """A try counts if the account was well before it; while it is down nothing is counted."""
    if job.counts:
        job.message.tries += 1


def _give_up_if_tired(job: Job) -> None:
    message = job.message
    if message.tries < MOST_TRIES:
        return
    detail = f"{message.tries} tries failed; the last one: {message.error_detail or message.error_code}"
    message.error_code, message.error_detail = "outbox.dead", detail[:1000]
    settle(message, OutboxStatus.DEAD)
    job.effect.on_refused(message, ConnectorError(detail, code="outbox.dead"))


def refuse(message: OutboxMessage, effect: Effect, error: DataError) -> None:
    status = OutboxStatus.DEAD if error.code == "outbox.needs_check" else OutboxStatus.REJECTED
    message.error_code, message.error_detail = error.code, error.detail[:1000]
    settle(message, status)
    effect.on_refused(message, error)


def begin_sending(job: Job) -> None:
    """Written down and committed before the call: whoever finds this after a crash knows what may have happened."""
    message = job.message
    works_on = scaled(message.connection.connector_class.capabilities.works_on_seconds)
    job.sends = True
    job.fence = message.fence = uuid4()
    message.status = OutboxStatus.SENDING
    message.looks_first = False
    message.attempt += 1
    message.deadline_at = from_now(CALL_SECONDS)
    message.not_before = from_now(CALL_SECONDS + works_on)
    if message.first_sent_at is None:
        message.first_sent_at = Now()
    message.save()
    message.refresh_from_db(fields=["first_sent_at", "deadline_at", "not_before"])


def wait(message: OutboxMessage, status: OutboxStatus, seconds: float) -> None:
    message.status = status
    message.not_before = from_now(seconds)
    message.absences = 0
    message.save()


def settle(message: OutboxMessage, status: OutboxStatus, *, detail: str = "") -> None:
    message.status = status
    message.settled_at = Now()
    if detail:
        message.error_detail = detail[:1000]
    message.save()


def from_now(seconds: float) -> datetime:
    """On the database's clock."""
    return Now() + Value(timedelta(seconds=seconds))  # type: ignore[return-value]
