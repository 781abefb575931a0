"""Orders whose order connection or account was removed: never gone, and taken up again later."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q
from django.utils import timezone

from connections.models import Connection, OrderConnection
from connections.services import pause
from orders.models import Actor, Order
from orders.services.apply import apply
from orders.services.events import Adopted, Cause, Orphaned


def delete_order_connection(order_connection: OrderConnection) -> int:
    """Stop it for good; its open orders stay, flagged as orphans. How many there are."""
    pause(order_connection)
    order_connection.deleted_at = timezone.now()
    order_connection.save(update_fields=["deleted_at"])
    now = timezone.now()
    orphans = list(Order.objects.open().filter(order_connection=order_connection).values_list("pk", flat=True))
    for order_id in orphans:
        apply(order_id, Orphaned(), Cause(Actor.SYSTEM, now, now))
    return len(orphans)


def delete_account(connection: Connection) -> int:
    """Forget an account's credentials and stop what uses it. Its row stays: connecting the same account
    again renews it, so that its orders are never taken for new ones. How many orders became orphans."""
    sides = [{"marketplace": connection}, {"shop": connection}]
    pairs = {pair for side in sides for pair in OrderConnection.objects.present().filter(**side)}
    count = sum(delete_order_connection(pair) for pair in pairs)
    connection.sealed_credentials = connection.sealed_token = ""
    connection.deleted_at = timezone.now()
    connection.save(update_fields=["sealed_credentials", "sealed_token", "deleted_at"])
    return count


def adopt_orphans(marketplace: Connection, *, now: datetime) -> int:
    """Orphans of the account that an active order connection takes go on with it. How many did."""
    count = 0
    removed = Q(order_connection=None) | Q(order_connection__deleted_at__isnull=False)
    orphans = list(Order.objects.open().filter(removed, connection=marketplace))
    pairs = OrderConnection.objects.active().filter(marketplace=marketplace) if orphans else []
    for order in orphans:
        pair = next((one for one in pairs if one.takes(order.channel, order.fulfilment_type)), None)
        if pair is not None:
            apply(order.pk, Adopted(pair.pk), Cause(Actor.SYSTEM, now, now))
            count += 1
    return count
