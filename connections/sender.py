"""Carrying effects out: one message at a time per account, and never blindly twice.

`sending` with attempt, fence, deadline and our reference is committed before the call. Whatever may
have been executed without our knowing (cut answer, own crash) is looked up by its reference, not
before the call can't be running any more, and twice across the remote's index delay, before it is
sent again under the same reference. No transaction is open while we talk to the remote.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import structlog
from django.conf import settings
from django.db import connection as database
from django.db import transaction
from django.db.models import Q, Value
from django.db.models.functions import Now

from channable.tenants.scope import all_companies, company_scope
from connections.accounts import connector_for
from connections.connectors import Connector
from connections.connectors.errors import AuthError, ConnectorError, DataError, RateLimited, TransientError
from connections.connectors.types import Found, Pending, Receipt
from connections.exchanges import Recorder
from connections.health import OPEN_FOR_BUSINESS, backoff_seconds, note_failure, note_success
from connections.models import Connection, Heartbeat, OutboxMessage, OutboxStatus
from connections.outbox import EFFECTS, Effect, Lookup, Postponed, Withdrawn

log = structlog.get_logger(__name__)

CALL_SECONDS = 60  # a call, whatever it consists of, is cut after this
LEASE_SECONDS = 90  # longer than a call
RUN_SECONDS = 240
MOST_TRIES = 8
POSTPONED_SECONDS = 60
LONG_STOP = timedelta(minutes=10)
DUE = Q(status__in=[OutboxStatus.READY, OutboxStatus.SENDING, OutboxStatus.UNKNOWN])
FIRST_QUESTION_SECONDS = 2  # how soon an asynchronous answer is asked for


@dataclass(frozen=True, slots=True)
class SenderClaim:
    company_id: int
    connection_id: int
    token: UUID


CLAIM = """
WITH due AS (
    SELECT c.id FROM connections_connection c JOIN tenants_company t ON t.id = c.company_id
    WHERE c.not_before <= now() AND c.state IN ('working', 'faulty') AND NOT c.is_paused AND c.deleted_at IS NULL
      AND (c.sender_lease_until IS NULL OR c.sender_lease_until < now())
      AND t.sync_paused_reason = '' AND c.kind <> ALL(%(paused)s)
      AND EXISTS (SELECT FROM connections_outboxmessage m WHERE m.connection_id = c.id
                  AND m.status IN ('ready', 'sending', 'unknown') AND m.not_before <= now())
    ORDER BY c.sender_lease_until NULLS FIRST
    LIMIT %(most)s
    FOR UPDATE OF c SKIP LOCKED
)
UPDATE connections_connection c
SET sender_lease_until = now() + make_interval(secs => %(lease)s), sender_token = gen_random_uuid()
FROM due WHERE c.id = due.id
RETURNING c.company_id, c.id, c.sender_token
"""


def claim_senders(*, most: int = 200) -> list[SenderClaim]:
    """Lease the accounts for which something is due; also the engine's heartbeat."""
    with all_companies(), database.cursor() as cursor:  # outboxes of every company
        _beat()
        cursor.execute(CLAIM, {"most": most, "lease": LEASE_SECONDS, "paused": settings.PAUSED_KINDS})
        return [SenderClaim(*row) for row in cursor.fetchall()]


def _beat() -> None:
    """After a long stop, or in a restored backup, others may have done what still waits here: it is
    looked up before it is sent."""
    if Heartbeat.objects.filter(pk=1, beat_at__gte=Now() - Value(LONG_STOP)).update(beat_at=Now()):
        return
    woken = OutboxMessage.objects.filter(status=OutboxStatus.READY).update(looks_first=True)
    Heartbeat.objects.update_or_create(pk=1, defaults={"beat_at": Now()})
    log.warning("woke after a long stop", looked_up_first=woken)


# Takes the lease under a token of its own, so that a doubled task finds it taken.
START = """
UPDATE connections_connection
SET sender_lease_until = now() + make_interval(secs => %(lease)s), sender_token = %(own)s
WHERE company_id = %(company)s AND id = %(connection)s AND sender_token = %(token)s AND sender_lease_until > now()
"""
EXTEND = """
UPDATE connections_connection SET sender_lease_until = now() + make_interval(secs => %(lease)s)
WHERE company_id = %(company)s AND id = %(connection)s AND sender_token = %(own)s
"""
RELEASE = """
UPDATE connections_connection SET sender_lease_until = NULL, sender_token = NULL
WHERE company_id = %(company)s AND id = %(connection)s AND sender_token = %(own)s
"""


def send_due(claim: SenderClaim) -> int:
    """Send what is due for one account, until nothing is or the time is up. How many messages were tried."""
    sender = Sender(claim)
    if not sender.update(START, token=claim.token):
        return 0
    count = 0
    ends = time.monotonic() + RUN_SECONDS
    try:
        while time.monotonic() < ends and (job := sender.next()) is not None:
            sender.work(job)
            count += 1
    finally:
        sender.update(RELEASE)
    return count


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
        return self.ends - time.monotonic() - 1


@dataclass
class Sender:
    claim: SenderClaim
    own: UUID = field(default_factory=uuid4)
    recorder: Recorder = field(default_factory=Recorder)

    def update(self, statement: str, **values: Any) -> bool:
        claim = self.claim
        keys: dict[str, Any] = {"company": claim.company_id, "connection": claim.connection_id, "own": self.own}
        with company_scope(self.claim.company_id), database.cursor() as cursor:
            cursor.execute(statement, {"lease": LEASE_SECONDS, **values, **keys})
            return bool(cursor.rowcount == 1)

    # -- taking -------------------------------------------------------------------------------
    def next(self) -> Job | None:
        """Take the next due message; None if there is none, the account has to rest, or the lease is lost."""
        while True:
            with company_scope(self.claim.company_id):
                if not self.update(EXTEND):
                    return None
                account = self._account()
                message = self._due() if account else None
                if account is None or message is None:
                    return None
                job = self._take(account, message)
            if job is not None:
                return job

    def _account(self) -> Connection | None:
        open_now = Connection.objects.filter(OPEN_FOR_BUSINESS, pk=self.claim.connection_id, not_before__lte=Now())
        return open_now.first()

    def _due(self) -> OutboxMessage | None:
        due = OutboxMessage.objects.filter(DUE, connection_id=self.claim.connection_id, not_before__lte=Now())
        return due.select_for_update().order_by("not_before", "id").first()

    def _take(self, account: Connection, message: OutboxMessage) -> Job | None:
        """Mark the message as being worked on; None if it settled by itself."""
        message.connection = account
        effect = EFFECTS[message.kind]
        job = Job(message, effect, None, False, uuid4(), account.failures == 0, time.monotonic() + CALL_SECONDS)
        try:
            with transaction.atomic():
                job.data = effect.load(message)
                if message.status == OutboxStatus.READY and not self._is_sendable(message, effect, job.data):
                    return None
        except Exception:
            # A defect of ours in one message must not stop the others.
            log.exception("outgoing message can't be made", message_id=message.pk, kind=message.kind)
            self._after_failed_look_up(job, ConnectorError("internal failure; see the logs", code="internal"))
            return None
        if message.status == OutboxStatus.READY and not message.looks_first:
            _begin_sending(job)
        else:
            message.fence = job.fence
            message.not_before = _from_now(CALL_SECONDS + 5)
            message.save(update_fields=["fence", "not_before"])
        return job

    def _is_sendable(self, message: OutboxMessage, effect: Effect, data: Any) -> bool:
        """False: it isn't wanted any more or can't be sent as it is, and that is written down."""
        try:
            effect.check(message, data)
        except Withdrawn as reason:
            _settle(message, OutboxStatus.WITHDRAWN, detail=str(reason))
        except Postponed:
            _wait(message, OutboxStatus.READY, POSTPONED_SECONDS)
        except DataError as error:
            self._refuse(message, effect, error)
        else:
            return True
        return False

    # -- working ------------------------------------------------------------------------------
    def work(self, job: Job) -> None:
        """Look up or send, outside of any transaction, and write down what came of it."""
        try:
            connector = connector_for(job.message.connection, record=self.recorder, time_left=job.time_left)
            if not job.sends and not self._look_up(job, connector):
                return
            receipt = job.effect.send(connector, job.data, key=job.message.reference, half=job.half)
        except ConnectorError as error:
            self._failed(job, error)
        except NotImplementedError:
            self._failed(job, DataError("the remote can neither search nor list", code="outbox.needs_check"))
        except Exception:
            # A defect of ours in one message must not stop the others.
            log.exception("outgoing message failed", message_id=job.message.pk, kind=job.message.kind)
            self._failed(job, ConnectorError("internal failure; see the logs", code="internal"))
        else:
            self._sent(job, receipt)

    def _look_up(self, job: Job, connector: Connector) -> bool:
        """Ask the remote for it. True: it is absent or half made, and now marked as being sent."""
        message = job.message
        since = message.first_sent_at or message.created_at
        found = job.effect.find(connector, job.data, key=message.reference, since=since)
        if found is not None and found.receipt is not None:
            self._sent(job, found.receipt, found)
            return False
        with company_scope(self.claim.company_id):
            if not self.update(EXTEND) or not self._still_ours(job):
                return False
            if found is None and not self._surely_absent(job, connector):
                return False
            job.data = job.effect.load(job.message)
            if not self._is_sendable(job.message, job.effect, job.data):
                return False
            job.half = found.half if found else None
            job.ends = time.monotonic() + CALL_SECONDS
            _begin_sending(job)
        return True

    def _surely_absent(self, job: Job, connector: Connector) -> bool:
        """Two look-ups across the remote's index delay. Where nothing was ever sent from here one is enough."""
        message = job.message
        message.absences += 1
        if message.first_sent_at is None or message.absences >= 2:
            message.absences = 0
            return True
        message.not_before = _from_now(type(connector).capabilities.index_delay_seconds)
        if message.status == OutboxStatus.SENDING:
            message.status = OutboxStatus.UNKNOWN
        message.save()
        self.recorder.save(message.connection, message_id=message.pk)
        note_success(message.connection)
        return False

    # -- settling -----------------------------------------------------------------------------
    def _still_ours(self, job: Job) -> bool:
        """Lock the message again; False if somebody else took it over meanwhile."""
        fenced = OutboxMessage.objects.select_for_update().filter(pk=job.message.pk, fence=job.fence)
        row = fenced.first()
        if row is None:
            log.warning("fenced off", message_id=job.message.pk)
            return False
        row.connection = job.message.connection
        job.message = row
        return True

    def _sent(self, job: Job, receipt: Receipt, found: Lookup | None = None) -> None:
        with company_scope(self.claim.company_id):
            if not self._still_ours(job):
                return
            message = job.message
            message.error_code = message.error_detail = ""
            message.looks_first = False
            if isinstance(receipt, Pending):
                message.ticket, message.follow_up_at = receipt.ticket, _from_now(FIRST_QUESTION_SECONDS)
            else:
                message.remote_id, message.ticket, message.follow_up_at = receipt.remote_id[:200], "", None
            _settle(message, OutboxStatus.SENT)
            adopted, news = (True, found.news) if found else (False, None)
            job.effect.on_sent(message, receipt, adopted=adopted, news=news)
            note_success(message.connection)
            self.recorder.save(message.connection, message_id=message.pk)

    def _failed(self, job: Job, error: ConnectorError) -> None:
        with company_scope(self.claim.company_id):
            if not self._still_ours(job):
                return
            message = job.message
            message.error_code, message.error_detail = error.code, error.detail[:1000]
            if not isinstance(error, DataError) and error.code != "internal":
                note_failure(message.connection, error)
            if isinstance(error, DataError):
                self._refuse(message, job.effect, error)
            elif job.sends:
                self._after_failed_send(job, error)
            else:
                self._after_failed_look_up(job, error)
            self.recorder.save(message.connection, message_id=message.pk)

    def _after_failed_send(self, job: Job, error: ConnectorError) -> None:
        message = job.message
        message.looks_first = job.half is not None  # what was half made is gone on with, not begun again
        if isinstance(error, RateLimited):
            _wait(message, OutboxStatus.READY, error.retry_after)
        elif isinstance(error, AuthError):
            _wait(message, OutboxStatus.READY, 0)  # nothing is tried while the connection is expired
        elif isinstance(error, TransientError) and not error.was_sent:
            self._count(job)
            _wait(message, OutboxStatus.READY, backoff_seconds(message.tries))
        else:
            self._count(job)
            _wait(message, OutboxStatus.UNKNOWN, message.connection.connector_class.capabilities.works_on_seconds)
        self._give_up_if_tired(job)

    def _after_failed_look_up(self, job: Job, error: ConnectorError) -> None:
        """It stays what it is; the question is asked again."""
        message = job.message
        message.error_code, message.error_detail = error.code, error.detail[:1000]
        status = OutboxStatus.UNKNOWN if message.status == OutboxStatus.SENDING else OutboxStatus(message.status)
        if isinstance(error, RateLimited):
            _wait(message, status, error.retry_after)
            return
        if not isinstance(error, AuthError):
            self._count(job)
        _wait(message, status, backoff_seconds(message.tries))
        self._give_up_if_tired(job)

    def _count(self, job: Job) -> None:
        """A try counts if the account was well before it; while it is down nothing is counted."""
        if job.counts:
            job.message.tries += 1

    def _give_up_if_tired(self, job: Job) -> None:
        message = job.message
        if message.tries < MOST_TRIES:
            return
        detail = f"{message.tries} tries failed; the last one: {message.error_detail or message.error_code}"
        message.error_code, message.error_detail = "outbox.dead", detail[:1000]
        _settle(message, OutboxStatus.DEAD)
        job.effect.on_refused(message, ConnectorError(detail, code="outbox.dead"))

    def _refuse(self, message: OutboxMessage, effect: Effect, error: DataError) -> None:
        status = OutboxStatus.DEAD if error.code == "outbox.needs_check" else OutboxStatus.REJECTED
        message.error_code, message.error_detail = error.code, error.detail[:1000]
        _settle(message, status)
        effect.on_refused(message, error)


def _begin_sending(job: Job) -> None:
    """Written down and committed before the call: whoever finds this after a crash knows what may have happened."""
    message = job.message
    works_on = message.connection.connector_class.capabilities.works_on_seconds
    job.sends = True
    job.fence = message.fence = uuid4()
    message.status = OutboxStatus.SENDING
    message.looks_first = False
    message.attempt += 1
    message.deadline_at = _from_now(CALL_SECONDS)
    message.not_before = _from_now(CALL_SECONDS + works_on)
    if message.first_sent_at is None:
        message.first_sent_at = Now()
    message.save()
    message.refresh_from_db(fields=["first_sent_at", "deadline_at", "not_before"])


def _wait(message: OutboxMessage, status: OutboxStatus, seconds: float) -> None:
    message.status = status
    message.not_before = _from_now(seconds)
    message.absences = 0
    message.save()


def _settle(message: OutboxMessage, status: OutboxStatus, *, detail: str = "") -> None:
    message.status = status
    message.settled_at = Now()
    if detail:
        message.error_detail = detail[:1000]
    message.save()


def _from_now(seconds: float) -> datetime:
    """On the database's clock."""
    return Now() + Value(timedelta(seconds=seconds))  # type: ignore[return-value]
