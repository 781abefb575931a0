"""Which accounts have something to be sent, and who may send it; also the engine's heartbeat."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection as database
from django.db.models import Value
from django.db.models.functions import Now

from channable.tenants.scope import all_companies
from connections.models import Heartbeat, OutboxMessage, OutboxStatus
from connections.waits import scaled

log = structlog.get_logger(__name__)

LEASE_SECONDS = scaled(90)  # longer than a call
LONG_STOP = timedelta(seconds=scaled(600))


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
