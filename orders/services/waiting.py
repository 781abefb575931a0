"""Orders that were completed in the shop without a tracking code wait for it only so long."""

from __future__ import annotations

from channable.core.clock import utcnow
from channable.tenants.scope import all_companies, company_scope
from orders.models import Actor, Order
from orders.services.apply import apply
from orders.services.events import Cause, WaitOver


def end_waits(*, most: int = 500) -> int:
    """Ship what has waited long enough; how many orders that were. Each in a transaction of its own."""
    with all_companies():  # the waiting orders of every company
        due = list(
            Order.objects.waiting_too_long()
            .order_by("waiting_until")
            .values_list("company_id", "pk", "waiting_until")[:most]
        )
    for company_id, order_id, until in due:
        with company_scope(company_id):
            # It may have got its code meanwhile; then there is nothing waiting any more.
            order = Order.objects.select_for_update().get(pk=order_id)
            if order.waiting_until == until:
                apply(order_id, WaitOver(), Cause(Actor.TIME_LIMIT, until, utcnow()))
    return len(due)
