"""What an account's failures and successes do to the account.

Pace, breaker and Retry-After are one thing: `not_before` and `failures` on its row, shared by all
workers and shown on its page. All times are the database's.
"""

from __future__ import annotations

import random

import structlog
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce, Now

from connections.connectors.errors import AuthError, ConnectorError, RateLimited
from connections.models import Connection, ConnectionState
from connections.waits import scaled

log = structlog.get_logger(__name__)

FAULTY_AFTER = 3  # failures in a row
LONGEST_PAUSE_SECONDS = 900
OPEN_FOR_BUSINESS = Q(state__in=[ConnectionState.WORKING, ConnectionState.FAULTY], is_paused=False, deleted_at=None)


def backoff_seconds(failures: int) -> float:
    """5 s, 10 s, 20 s, … up to a quarter of an hour, with a jitter of a fifth."""
    longest = scaled(min(LONGEST_PAUSE_SECONDS, 5 * 2 ** min(max(failures, 1) - 1, 10)))
    return longest * random.uniform(0.8, 1.2)  # noqa: S311


def note_failure(connection: Connection, error: ConnectorError) -> None:
    """Record a failure of the account as a whole; inside a transaction of its company."""
    rows = Connection.objects.filter(pk=connection.pk)
    told = {
        "error_code": error.code,
        "error_detail": error.detail[:1000],
        "error_since": Coalesce("error_since", Now()),
    }
    if isinstance(error, RateLimited):
        rows.update(not_before=_from_now(error.retry_after))
    elif isinstance(error, AuthError):
        rows.update(state=ConnectionState.EXPIRED, sealed_token="", **told)
        log.warning("connection expired", connection=connection.pk, code=error.code)
    else:
        failures = connection.failures + 1
        state = ConnectionState.FAULTY if failures >= FAULTY_AFTER else connection.state
        rows.update(failures=F("failures") + 1, state=state, not_before=_from_now(backoff_seconds(failures)), **told)
        log.warning("connection failed", connection=connection.pk, code=error.code, failures=failures)


def note_success(connection: Connection) -> None:
    """The account answered: forget its failures. Writes only if there is something to forget."""
    if connection.failures or connection.error_code or connection.state == ConnectionState.FAULTY:
        Connection.objects.filter(pk=connection.pk).exclude(state=ConnectionState.EXPIRED).update(
            failures=0, state=ConnectionState.WORKING, error_code="", error_detail="", error_since=None
        )


def _from_now(seconds: float) -> object:
    from datetime import timedelta

    return Now() + Value(timedelta(seconds=seconds))
