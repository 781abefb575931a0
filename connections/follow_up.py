"""Asking what became of writes that a remote answers later (process statuses, feeds)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import structlog
from django.db import connection as database
from django.db.models import Value
from django.db.models.functions import Now

from channable.core import failpoints
from channable.core.clock import utcnow
from channable.tenants.scope import all_companies, company_scope
from connections.accounts import connector_for
from connections.connectors.errors import ConnectorError, DataError
from connections.connectors.types import Done, Outcome, OutcomeState
from connections.exchanges import Recorder
from connections.health import note_failure, note_success
from connections.models import OutboxMessage, OutboxStatus
from connections.outbox import EFFECTS
from connections.waits import scaled

log = structlog.get_logger(__name__)

AT_ONCE = 100  # tickets asked for in one go
CLAIMED_SECONDS = scaled(120)  # nobody else asks for them meanwhile
SHORTEST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = scaled(5), scaled(300)

DUE = """
SELECT DISTINCT m.company_id, m.connection_id
FROM connections_outboxmessage m
JOIN connections_connection c ON c.company_id = m.company_id AND c.id = m.connection_id
JOIN tenants_company t ON t.id = m.company_id
WHERE m.ticket <> '' AND m.follow_up_at <= now()
  AND c.not_before <= now() AND c.state IN ('working', 'faulty') AND NOT c.is_paused AND c.deleted_at IS NULL
  AND t.sync_paused_reason = ''
LIMIT %s
"""

TAKE = """
UPDATE connections_outboxmessage SET follow_up_at = now() + make_interval(secs => %(claimed)s)
WHERE company_id = %(company)s AND id IN (
    SELECT id FROM connections_outboxmessage
    WHERE company_id = %(company)s AND connection_id = %(connection)s AND ticket <> '' AND follow_up_at <= now()
    ORDER BY follow_up_at LIMIT %(most)s FOR UPDATE SKIP LOCKED)
RETURNING id
"""


def accounts_to_ask(*, most: int = 500) -> list[tuple[int, int]]:
    """(company, connection) of which answers are due."""
    with all_companies(), database.cursor() as cursor:  # outboxes of every company
        cursor.execute(DUE, [most])
        return [(company, connection) for company, connection in cursor.fetchall()]


def follow_up(company_id: int, connection_id: int) -> int:
    """Ask one account for its due answers and write them down. How many were asked for."""
    messages = _take(company_id, connection_id)
    if not messages:
        return 0
    account = messages[0].connection
    failpoints.reach("follow_up.taken")
    recorder = Recorder()
    by_ticket = {message.ticket: message for message in messages}
    try:
        for outcome in connector_for(account, record=recorder).follow_up(list(by_ticket)):
            if message := by_ticket.pop(outcome.ticket, None):
                failpoints.reach(f"follow_up.answered:{message.kind}")
                _settle(company_id, message.pk, outcome)
                failpoints.reach(f"follow_up.settled:{message.kind}")
    except ConnectorError as error:
        with company_scope(company_id):
            note_failure(account, error)
            recorder.save(account)
    else:
        with company_scope(company_id):
            note_success(account)
    return len(messages)


def _take(company_id: int, connection_id: int) -> Sequence[OutboxMessage]:
    values = {"company": company_id, "connection": connection_id, "claimed": CLAIMED_SECONDS, "most": AT_ONCE}
    with company_scope(company_id):
        with database.cursor() as cursor:
            cursor.execute(TAKE, values)
            ids = [pk for (pk,) in cursor.fetchall()]
        return list(OutboxMessage.objects.select_related("connection").filter(pk__in=ids).order_by("id"))


def _settle(company_id: int, message_id: int, outcome: Outcome) -> None:
    with company_scope(company_id):
        message = OutboxMessage.objects.select_for_update().filter(pk=message_id, ticket=outcome.ticket).first()
        if message is None:
            return  # answered meanwhile
        if outcome.state == OutcomeState.PENDING:
            message.follow_up_at = Now() + Value(timedelta(seconds=_patience(message)))
            message.save(update_fields=["follow_up_at"])
            return
        message.ticket, message.follow_up_at = "", None
        message.settled_at = Now()
        if outcome.state == OutcomeState.GONE:
            # Nobody knows what became of it: read the truth and decide again.
            message.status, message.not_before, message.settled_at = OutboxStatus.UNKNOWN, Now(), None
            message.save()
        elif outcome.state == OutcomeState.REFUSED:
            error = DataError(outcome.detail, code=outcome.code or "connector.refused")
            message.status, message.error_code, message.error_detail = (
                OutboxStatus.REJECTED,
                error.code,
                error.detail[:1000],
            )
            message.save()
            EFFECTS[message.kind].on_refused(message, error)
        else:
            message.remote_id = outcome.remote_id[:200] or message.remote_id
            message.save()
            EFFECTS[message.kind].on_confirmed(message, Done(message.remote_id))


def _patience(message: OutboxMessage) -> float:
    """As long again as it has taken so far, 5 s to 5 minutes."""
    sent_at = message.first_sent_at or message.created_at
    return min(max((utcnow() - sent_at).total_seconds(), SHORTEST_WAIT_SECONDS), LONGEST_WAIT_SECONDS)
