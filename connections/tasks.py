"""Thin tasks: hints that something may be due. The truth is in PostgreSQL, so each may run twice,
late or never."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.conf import settings
from django.db import connection as database

from channable.celery import app
from channable.core import failpoints
from channable.tenants.scope import all_companies
from channable.tenants.tasks import TenantTask
from connections import dispatch, follow_up, relay, sender

# A hint that comes late finds its lease gone and does nothing, so this only bounds what piles up while no
# worker runs. It is long because a worker compares it with its own clock, and clocks may be minutes wrong.
EXPIRES = 1500

# Hints that wait longer than their lease are for nothing, and what they are about is handed out again. After a stop
# everything is due at once: without a bound workers would be busy with stale hints alone.
MOST_WAITING = {"sync": 1000, "outbox": 200}

# What the records of a stream mean, by its topic; registered by the app that knows.
HANDLERS: dict[str, Callable[[dispatch.Run], None]] = {}


@app.task(expires=EXPIRES)
def dispatch_due() -> None:
    """Hand out the streams that are due."""
    for claim in dispatch.claim_due(most=_room("sync")):
        failpoints.reach("dispatch.claimed")
        hand_out(claim)


def hand_out(claim: dispatch.Claim) -> None:
    sync_stream.apply_async((claim.company_id, claim.stream_id, str(claim.token)), expires=EXPIRES)


def _room(queue: str) -> int:
    """How many more hints a queue takes."""
    with app.connection_or_acquire() as broker:
        waiting = broker.default_channel.queue_declare(queue=queue, durable=True, auto_delete=False).message_count
    return max(0, MOST_WAITING[queue] - int(waiting))


@app.task(base=TenantTask)
def sync_stream(company_id: int, stream_id: int, token: str) -> None:
    """Run one sync of one stream; does nothing if the lease isn't ours any more."""
    run = dispatch.start_run(company_id, stream_id, UUID(token))
    if run:
        dispatch.run_stream(run, HANDLERS[run.stream.topic])


@app.task(expires=EXPIRES)
def relay_outbox() -> None:
    """Hand out the accounts for which something is due to be sent."""
    for claim in relay.claim_senders(most=_room("outbox")):
        failpoints.reach("relay.claimed")
        arguments = (claim.company_id, claim.connection_id, str(claim.token))
        send_due.apply_async(arguments, expires=EXPIRES)


@app.task(base=TenantTask)
def send_due(company_id: int, connection_id: int, token: str) -> None:
    """Send what is due for one account, if the lease is still ours."""
    sender.send_due(relay.SenderClaim(company_id, connection_id, UUID(token)))


@app.task(expires=EXPIRES)
def follow_up_due() -> None:
    """Ask the accounts whose asynchronous answers are due."""
    for company_id, connection_id in follow_up.accounts_to_ask():
        ask_account.apply_async((company_id, connection_id), expires=EXPIRES)


@app.task(base=TenantTask)
def ask_account(company_id: int, connection_id: int) -> None:
    follow_up.follow_up(company_id, connection_id)


@app.task
def prune_exchanges() -> None:
    """Make the next weeks' partitions and drop those past retention."""
    with all_companies(), database.cursor() as cursor:  # a table of every company
        cursor.execute("SELECT ensure_exchange_partitions(%s)", [settings.EXCHANGES_KEPT_WEEKS])
