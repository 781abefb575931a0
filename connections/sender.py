"""Carrying effects out: one message at a time per account, and never blindly twice.

`sending` with attempt, fence, deadline and our reference is committed before the call. Whatever may
have been executed without our knowing (cut answer, own crash) is looked up by its reference, not
before the call can't be running any more, and twice across the remote's index delay, before it is
sent again under the same reference. No transaction is open while we talk to the remote.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import structlog
from django.db import connection as database
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from channable.core import failpoints, stopping
from channable.tenants.scope import company_scope
from connections.accounts import connector_for
from connections.connectors import Connector
from connections.connectors.errors import ConnectorError, DataError
from connections.connectors.types import Pending, Receipt
from connections.exchanges import Recorder
from connections.health import OPEN_FOR_BUSINESS, note_failure, note_success
from connections.models import Connection, OutboxMessage, OutboxStatus
from connections.outbox import EFFECTS, Effect, Lookup, Postponed, Withdrawn
from connections.relay import LEASE_SECONDS, SenderClaim
from connections.settling import (
    CALL_SECONDS,
    Job,
    after_failed_look_up,
    after_failed_send,
    begin_sending,
    from_now,
    refuse,
    settle,
    wait,
)
from connections.waits import scaled

log = structlog.get_logger(__name__)

RUN_SECONDS = scaled(240)
POSTPONED_SECONDS = scaled(60)
DUE = Q(status__in=[OutboxStatus.READY, OutboxStatus.SENDING, OutboxStatus.UNKNOWN])
FIRST_QUESTION_SECONDS = scaled(2)  # how soon an asynchronous answer is asked for


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
    """Send what is due for one account, until nothing is, the time is up or the worker stops. How many
    messages were tried."""
    sender = Sender(claim)
    if not sender.start():
        return 0
    count = 0
    ends = time.monotonic() + RUN_SECONDS
    try:
        while time.monotonic() < ends and not stopping.is_asked() and (job := sender.next()) is not None:
            sender.work(job)
            count += 1
    finally:
        sender.release()
    return count


@dataclass
class Sender:
    claim: SenderClaim
    own: UUID = field(default_factory=uuid4)
    recorder: Recorder = field(default_factory=Recorder)

    # -- the lease ----------------------------------------------------------------------------
    def start(self) -> bool:
        """Take the lease that was handed out; False if it isn't ours (any more)."""
        with company_scope(self.claim.company_id):
            return self._update(START, token=self.claim.token)

    def release(self) -> None:
        with company_scope(self.claim.company_id):
            self._update(RELEASE)

    def _update(self, statement: str, **values: Any) -> bool:
        """Run a statement that compares the token; whether our lease still held."""
        claim = self.claim
        keys: dict[str, Any] = {"company": claim.company_id, "connection": claim.connection_id, "own": self.own}
        with database.cursor() as cursor:
            cursor.execute(statement, {"lease": LEASE_SECONDS, **values, **keys})
            return bool(cursor.rowcount == 1)

    # -- taking -------------------------------------------------------------------------------
    def next(self) -> Job | None:
        """Take the next due message; None if there is none, the account has to rest, or the lease is lost."""
        while True:
            with company_scope(self.claim.company_id):
                if not self._update(EXTEND):
                    return None
                account = self._account()
                message = self._due() if account else None
                if account is None or message is None:
                    return None
                job = self._take(account, message)
            if job is not None:
                failpoints.reach(f"sender.taken:{job.message.kind}")
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
            after_failed_look_up(job, ConnectorError("internal failure; see the logs", code="internal"))
            return None
        if message.status == OutboxStatus.READY and not message.looks_first:
            begin_sending(job)
        else:
            message.fence = job.fence
            message.not_before = from_now(CALL_SECONDS + scaled(5))
            message.save(update_fields=["fence", "not_before"])
        return job

    def _is_sendable(self, message: OutboxMessage, effect: Effect, data: Any) -> bool:
        """False: it isn't wanted any more or can't be sent as it is, and that is written down."""
        try:
            effect.check(message, data)
        except Withdrawn as reason:
            settle(message, OutboxStatus.WITHDRAWN, detail=str(reason))
        except Postponed:
            wait(message, OutboxStatus.READY, POSTPONED_SECONDS)
        except DataError as error:
            refuse(message, effect, error)
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
            failpoints.reach(f"sender.called:{job.message.kind}")
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
        failpoints.reach(f"sender.looked_up:{message.kind}")
        if found is not None and found.receipt is not None:
            self._sent(job, found.receipt, found)
            return False
        with company_scope(self.claim.company_id):
            if not self._update(EXTEND) or not self._still_ours(job):
                return False
            if found is None and not self._surely_absent(job, connector):
                return False
            job.data = job.effect.load(job.message)
            if not self._is_sendable(job.message, job.effect, job.data):
                return False
            job.half = found.half if found else None
            job.ends = time.monotonic() + CALL_SECONDS
            begin_sending(job)
        failpoints.reach(f"sender.taken_again:{message.kind}")
        return True

    def _surely_absent(self, job: Job, connector: Connector) -> bool:
        """Two look-ups across the remote's index delay. Where nothing was ever sent from here one is enough."""
        message = job.message
        message.absences += 1
        if message.first_sent_at is None or message.absences >= 2:
            message.absences = 0
            return True
        message.not_before = from_now(scaled(type(connector).capabilities.index_delay_seconds))
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
                message.ticket, message.follow_up_at = receipt.ticket, from_now(FIRST_QUESTION_SECONDS)
            else:
                message.remote_id, message.ticket, message.follow_up_at = receipt.remote_id[:200], "", None
            settle(message, OutboxStatus.SENT)
            adopted, news = (True, found.news) if found else (False, None)
            job.effect.on_sent(message, receipt, adopted=adopted, news=news)
            note_success(message.connection)
            self.recorder.save(message.connection, message_id=message.pk)
            failpoints.reach(f"sender.settling:{message.kind}")
        failpoints.reach(f"sender.settled:{message.kind}")

    def _failed(self, job: Job, error: ConnectorError) -> None:
        with company_scope(self.claim.company_id):
            if not self._still_ours(job):
                return
            message = job.message
            message.error_code, message.error_detail = error.code, error.detail[:1000]
            if not isinstance(error, DataError) and error.code != "internal":
                note_failure(message.connection, error)
            if isinstance(error, DataError):
                refuse(message, job.effect, error)
            elif job.sends:
                after_failed_send(job, error)
            else:
                after_failed_look_up(job, error)
            self.recorder.save(message.connection, message_id=message.pk)
