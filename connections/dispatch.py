"""Which streams are due, who may run them, and a run's lease.

The truth is in PostgreSQL; a task in Redis is a hint. The dispatcher claims due rows and leases
each for a minute under a new token; a lost hint makes the row due again, a doubled one finds the
lease taken. The token fences: every write of a run first moves its lease, and a run that lost it
can write nothing more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, TypeVar
from uuid import UUID, uuid4

import structlog
from django.db import connection as database
from django.db.models import Model
from django.db.models.functions import Now

from channable.core import failpoints, stopping
from channable.tenants.scope import all_companies, company_scope
from connections.accounts import connector_for
from connections.connectors import Connector
from connections.connectors.errors import ConnectorError, RateLimited
from connections.exchanges import Recorder
from connections.health import note_failure, note_success
from connections.models import Connection, RunOutcome, Stream, SyncRun
from connections.waits import scaled

log = structlog.get_logger(__name__)

LEASE_SECONDS = scaled(60)
RUN_SECONDS = scaled(240)  # a run stops between pages after this; the next one goes on
OUTCOMES_KEPT = 24

M = TypeVar("M", bound=Model)


class LeaseLost(Exception):
    """Somebody else runs this stream now; nothing more may be written."""


@dataclass(frozen=True, slots=True)
class Claim:
    company_id: int
    stream_id: int
    token: UUID


# Of an account `c` of a company `t`; asked again when a run starts, as people may have paused it meanwhile.
MAY_RUN = """
c.not_before <= now() AND c.state IN ('working', 'faulty') AND NOT c.is_paused AND c.deleted_at IS NULL
AND t.sync_paused_reason = ''
"""

# Fair over companies: the first due stream of each, then the second, … with a cap per company.
# The conditions stand again beside FOR UPDATE, so that a row claimed meanwhile is not claimed twice.
CLAIM = f"""
WITH due AS (
    SELECT s.id, s.next_run_at, row_number() OVER (PARTITION BY s.company_id ORDER BY s.next_run_at) AS turn
    FROM connections_stream s
    JOIN connections_connection c ON c.company_id = s.company_id AND c.id = s.connection_id
    JOIN tenants_company t ON t.id = s.company_id
    WHERE s.is_active AND s.next_run_at <= now() AND (s.lease_until IS NULL OR s.lease_until < now())
      AND {MAY_RUN}
), picked AS (
    SELECT s.id FROM connections_stream s JOIN due ON due.id = s.id
    WHERE due.turn <= %(per_company)s
      AND s.is_active AND s.next_run_at <= now() AND (s.lease_until IS NULL OR s.lease_until < now())
    ORDER BY due.turn, due.next_run_at
    LIMIT %(most)s
    FOR UPDATE OF s SKIP LOCKED
)
UPDATE connections_stream s
SET lease_until = now() + make_interval(secs => %(lease)s), lease_token = gen_random_uuid()
FROM picked WHERE s.id = picked.id
RETURNING s.company_id, s.id, s.lease_token
"""  # noqa: S608 (a constant)


def claim_due(*, most: int = 1000, per_company: int = 200) -> list[Claim]:
    """Lease the streams that are due now."""
    with all_companies(), database.cursor() as cursor:  # due streams of every company
        cursor.execute(CLAIM, {"most": most, "per_company": per_company, "lease": LEASE_SECONDS})
        return [Claim(*row) for row in cursor.fetchall()]


# Takes the lease under a token of its own, so that a doubled task finds it taken, and moves the due
# time by whole periods, so that a late run keeps its phase.
START = """
UPDATE connections_stream s
SET lease_until = now() + make_interval(secs => %(lease)s),
    lease_token = %(own)s,
    last_run_at = now(),
    next_run_at = s.next_run_at + make_interval(secs => s.period_seconds * greatest(
        1, ceil((extract(epoch FROM now() - s.next_run_at) + 0.001) / s.period_seconds)))
FROM connections_connection c JOIN tenants_company t ON t.id = c.company_id
WHERE c.company_id = s.company_id AND c.id = s.connection_id AND {may_run}
  AND s.company_id = %(company)s AND s.id = %(stream)s AND s.lease_token = %(token)s AND s.lease_until > now()
RETURNING now(), {stream}, {connection}
"""

EXTEND = """
UPDATE connections_stream
SET lease_until = now() + make_interval(secs => %(lease)s), cursor = coalesce(%(cursor)s, cursor)
WHERE company_id = %(company)s AND id = %(stream)s AND lease_token = %(token)s
"""

FINISH = """
UPDATE connections_stream
SET lease_until = NULL, lease_token = NULL, outcomes = right(outcomes || %(letter)s, %(kept)s),
    cursor = coalesce(%(cursor)s, cursor),
    next_run_at = CASE WHEN %(has_more)s THEN now() ELSE next_run_at END,
    last_success_at = CASE WHEN %(letter)s = 'd' THEN now() ELSE last_success_at END
WHERE company_id = %(company)s AND id = %(stream)s AND lease_token = %(token)s
"""


@dataclass
class Counts:
    """What a run saw; `seen` is the sum of the others."""

    new: int = 0
    changed: int = 0
    same: int = 0
    passed_over: int = 0
    refused: int = 0

    @property
    def seen(self) -> int:
        return self.new + self.changed + self.same + self.passed_over + self.refused

    @property
    def matter(self) -> bool:
        return bool(self.new or self.changed or self.refused)


@dataclass
class Run:
    """One run of one stream. `now` is read once, from the database: a worker's own clock may be wrong."""

    stream: Stream
    connection: Connection
    token: UUID
    now: datetime
    _lease_ends: float  # time.monotonic() from before the statement that took or moved the lease: never too late
    counts: Counts = field(default_factory=Counts)
    recorder: Recorder = field(default_factory=Recorder)
    row: SyncRun | None = None
    has_more: bool = False  # it stopped half-way: due again at once
    _unsaved: str | None = None  # a cursor that the next write takes with it
    _ends: float = field(default_factory=lambda: time.monotonic() + RUN_SECONDS)

    @property
    def connector(self) -> Connector:
        """Made anew per run: a session of its own on the process's connection pool."""
        if not hasattr(self, "_connector"):
            self._connector = connector_for(self.connection, record=self.recorder, time_left=self.time_left)
        return self._connector

    def time_left(self) -> float:
        """Seconds until the lease or the run ends; outside calls are cut before."""
        return min(self._ends, self._lease_ends) - time.monotonic() - scaled(2)

    @property
    def is_out_of_time(self) -> bool:
        """Whether to stop after this page; what is left is due again at once."""
        return time.monotonic() > self._ends or stopping.is_asked()

    def keep(self) -> None:
        """Extend the lease if less than half of it is left. Raises LeaseLost."""
        if self._lease_ends - time.monotonic() < LEASE_SECONDS / 2:
            with self.transaction():
                pass

    def pass_by(self, cursor: str) -> None:
        """Go on from `cursor` after a page that had nothing to write.

        It is saved with whatever is written next: a page, the lease, at the latest the run's end. A
        transaction for the cursor alone would cost more than the page, and a crash before only makes
        the next run read again what hadn't changed. Raises LeaseLost.
        """
        if cursor != self.stream.cursor:
            self.stream.cursor = self._unsaved = cursor
        self.keep()

    @contextmanager
    def inside(self) -> Iterator[None]:
        """A transaction of the company to read in; it needs no lease."""
        with company_scope(self.connection.company_id):
            yield

    @contextmanager
    def transaction(self, cursor: str | None = None) -> Iterator[None]:
        """A transaction of the company in which this run may write; saves the cursor with it.
        Raises LeaseLost, and nothing was written then."""
        cursor = self._unsaved if cursor is None else cursor
        lease_ends = time.monotonic() + LEASE_SECONDS
        with company_scope(self.connection.company_id):
            self._extend(cursor)
            yield
            failpoints.reach(f"run.writing:{self.stream.topic}")
        failpoints.reach(f"run.written:{self.stream.topic}")
        self._lease_ends = lease_ends
        if cursor is not None:
            self.stream.cursor, self._unsaved = cursor, None

    def _extend(self, cursor: str | None) -> None:
        if not self._execute(EXTEND, lease=LEASE_SECONDS, cursor=cursor):
            raise LeaseLost

    def _execute(self, statement: str, **values: Any) -> bool:
        """Run a statement that compares the token; whether our lease still held."""
        keys: dict[str, Any] = {"company": self.connection.company_id, "stream": self.stream.pk, "token": self.token}
        with database.cursor() as cursor:
            cursor.execute(statement, {**values, **keys})
            return bool(cursor.rowcount == 1)

    def ensure_row(self) -> SyncRun:
        """This run's SyncRun, for rows that want to name it; inside a `transaction`."""
        if self.row is None:
            self.row = SyncRun.objects.create(
                company_id=self.connection.company_id,
                stream=self.stream,
                connection=self.connection,
                started_at=self.now,
            )
        return self.row

    def finish(self, outcome: RunOutcome, error: ConnectorError | None = None) -> None:
        """Give the lease back and write down how it went; nothing if the lease is lost."""
        failpoints.reach(f"run.finishing:{self.stream.topic}")
        letter = {RunOutcome.DONE: "d", RunOutcome.LIMITED: "l"}.get(outcome, "f")
        with company_scope(self.connection.company_id):
            ends = {"letter": letter, "kept": OUTCOMES_KEPT, "has_more": self.has_more, "cursor": self._unsaved}
            if not self._execute(FINISH, **ends):
                return
            if error is None:
                note_success(self.connection)
            else:
                note_failure(self.connection, error)
            if self.counts.matter or error is not None or self.row is not None:
                self._write_row(outcome, error)
            self.recorder.save(self.connection)

    def _write_row(self, outcome: RunOutcome, error: ConnectorError | None) -> None:
        row = self.ensure_row()
        row.finished_at = Now()  # by the same clock as the start
        row.outcome = outcome
        for name in ("seen", "new", "changed", "same", "passed_over", "refused"):
            setattr(row, name, getattr(self.counts, name))
        if error is not None:
            row.error_code, row.error_detail = error.code, error.detail[:2000]
        row.save()


def start_run(company_id: int, stream_id: int, token: UUID) -> Run | None:
    """Take the lease that the dispatcher gave; None if it isn't ours (any more), or the account was paused."""
    own, lease_ends = uuid4(), time.monotonic() + LEASE_SECONDS
    with company_scope(company_id), database.cursor() as cursor:
        keys: dict[str, Any] = {"company": company_id, "stream": stream_id, "token": token}
        cursor.execute(_start(), {**keys, "own": own, "lease": LEASE_SECONDS})
        started = cursor.fetchone()
    if started is None:
        return None
    stream = _stream_of(started[1:])
    failpoints.reach(f"run.started:{stream.topic}")
    return Run(stream=stream, connection=stream.connection, token=own, now=started[0], _lease_ends=lease_ends)


@cache
def _start() -> str:
    """START with the columns of both models, in the order in which `_stream_of` takes them."""
    return START.format(may_run=MAY_RUN, stream=_columns("s", Stream), connection=_columns("c", Connection))


def _columns(alias: str, model: type[Model]) -> str:
    return ", ".join(f"{alias}.{field.column}" for field in model._meta.concrete_fields)


def _stream_of(row: Sequence[Any]) -> Stream:
    """A stream with its account, from one row of both: one statement instead of two."""
    count = len(Stream._meta.concrete_fields)
    stream, connection = _from_row(Stream, row[:count]), _from_row(Connection, row[count:])
    stream.connection = connection
    return stream


def _from_row(model: type[M], row: Sequence[Any]) -> M:
    """As the ORM does it, with each field's own conversion (JSON)."""
    values = list(row)
    for place, column, convert in _conversions(model):
        values[place] = convert(values[place], column, database)
    return model.from_db(database.alias, [field.attname for field in model._meta.concrete_fields], values)


@cache
def _conversions(model: type[Model]) -> list[tuple[int, Any, Callable[..., Any]]]:
    """The few fields whose value PostgreSQL doesn't give as Python wants it: place in the row, column, conversion."""
    columns = [field.get_col(model._meta.db_table) for field in model._meta.concrete_fields]
    return [
        (place, column, convert)
        for place, column in enumerate(columns)
        for convert in [*database.ops.get_db_converters(column), *column.get_db_converters(database)]
    ]


def run_stream(run: Run, handler: object) -> None:
    """Run a stream's handler and finish the run, whatever happens."""
    try:
        handler(run)  # type: ignore[operator]
    except LeaseLost:
        log.warning("lease lost", stream=run.stream.pk)
    except RateLimited as error:
        run.finish(RunOutcome.LIMITED, error)
    except ConnectorError as error:
        run.finish(RunOutcome.FAILED, error)
    except Exception:
        # The one place that catches everything: a defect of ours must not stop the other streams.
        log.exception("sync run failed", stream=run.stream.pk)
        run.finish(RunOutcome.FAILED, ConnectorError("internal failure; see the logs", code="internal"))
    else:
        run.finish(RunOutcome.DONE)


def request_sync(connection_ids: list[int]) -> int:
    """*Sync now*: make the accounts' polled streams due; inside their company. How many there are.

    A stream being run right now is due again when that run has ended.
    """
    return Stream.objects.filter(connection_id__in=connection_ids, is_active=True).update(next_run_at=Now())
