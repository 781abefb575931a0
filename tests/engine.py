"""The engine, turned by hand: what beat and workers do, in this process and at once.

Tests move rows, not clocks: `hurry` makes due whatever waits for its time.
"""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from channable.tenants.scope import all_companies
from connections import dispatch, follow_up, relay, sender
from connections.models import Connection, OutboxMessage, OutboxStatus, Stream
from connections.tasks import HANDLERS
from orders.models import Order
from orders.services.waiting import end_waits

IN_MOTION = Q(status__in=[OutboxStatus.READY, OutboxStatus.SENDING, OutboxStatus.UNKNOWN]) | ~Q(ticket="")


def sync() -> int:
    """Run every due stream once."""
    claims = dispatch.claim_due()
    for claim in claims:
        run = dispatch.start_run(claim.company_id, claim.stream_id, claim.token)
        if run:
            dispatch.run_stream(run, HANDLERS[run.stream.topic])
    return len(claims)


def send() -> int:
    """Send what is due for every account."""
    return sum(sender.send_due(claim) for claim in relay.claim_senders())


def ask() -> int:
    """Ask for due asynchronous answers."""
    return sum(follow_up.follow_up(*account) for account in follow_up.accounts_to_ask())


def hurry() -> None:
    """Whatever waits for its time is due now; leases of dead workers have run out."""
    now = timezone.now() - timedelta(seconds=1)
    with all_companies():  # the test's whole database
        Connection.objects.update(not_before=now, sender_lease_until=None)
        Stream.objects.update(next_run_at=Now(), lease_until=None)
        OutboxMessage.objects.filter(IN_MOTION).update(not_before=now)
        OutboxMessage.objects.exclude(ticket="").update(follow_up_at=now)


def round_trip() -> None:
    """One round of everything: read both sides, send, ask."""
    hurry()
    sync()
    send()
    ask()


def settle(rounds: int = 8) -> None:
    """Rounds until nothing is on its way any more."""
    for _ in range(rounds):
        round_trip()
        with all_companies():  # the test's whole database
            if not OutboxMessage.objects.filter(IN_MOTION).exists():
                return
    with all_companies():
        left = list(OutboxMessage.objects.filter(IN_MOTION).values_list("kind", "status", "error_code", "error_detail"))
    raise AssertionError(f"still on its way after {rounds} rounds: {left}")


def end_waiting() -> int:
    """As if the time to wait for a tracking code were over."""
    with all_companies():  # the test's whole database
        Order.objects.exclude(waiting_until=None).update(waiting_until=timezone.now() - timedelta(seconds=1))
    return end_waits()
