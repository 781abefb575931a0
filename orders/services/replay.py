"""Parsing a stored payload again, after a mapping was put right."""

from __future__ import annotations

from channable.core.clock import utcnow
from connections.accounts import marketplace_for
from connections.connectors.types import OrderData
from orders.models import Actor, Order, OrderPayload
from orders.services.checks import refuse_unusable
from orders.services.columns import order_data
from orders.services.events import Cause
from orders.services.update import take_over


def replay(payload: OrderPayload, *, dry_run: bool) -> str:
    """Read a payload of the marketplace again and apply what it says; inside its company. Returns what
    changed in words. With `dry_run` nothing is written. Raises DataError if it still can't be read."""
    order = Order.objects.select_for_update(of=("self",)).select_related("connection").get(pk=payload.order_id)
    connector = marketplace_for(order.connection)
    data = connector.parse_order(payload.body)
    refuse_unusable(data)
    differences = _differences(order_data(order), data)
    if not dry_run:
        now = utcnow()
        cause = Cause(Actor.SYSTEM, now, now)
        take_over(order, data, version=order.remote_version, suffix=connector.fulfilled_suffix, cause=cause)
    return "; ".join(differences) or "nothing differs"


def _differences(held: OrderData, read: OrderData) -> list[str]:
    names = ("remote_status", "ordered_at", "currency", "total", "subtotal", "shipping", "channel", "fulfilment_type")
    found = [
        f"{name}: {getattr(held, name)} -> {getattr(read, name)}"
        for name in names
        if getattr(held, name) != getattr(read, name)
    ]
    if [item.external_id for item in held.items] != [item.external_id for item in read.items]:
        found.append(f"lines: {len(held.items)} -> {len(read.items)}")
    return found
