"""Cancelling order items: whole ones, one call each, because bol takes exactly one at a time."""

from __future__ import annotations

from ..errors import DataError, TransientError
from ..types import CancellationData, Done, ItemData, OrderData, Pending, Receipt, ShippedItem
from . import mapping
from .client import BolClient
from .processes import SEPARATOR, statuses_of, ticket_of

EVENT = "CANCEL_ORDER"


def cancel(client: BolClient, order: OrderData, cancellation: CancellationData) -> Receipt:
    """What is cancelled already or on its way is passed over, so that a call that was cut half-way can be
    finished. Raises DataError before anything is sent if an item can't be cancelled."""
    left = [item for item in cancellation.items if not _is_cancelled(order, item)]
    for item in left:
        _refuse_unless_whole(order, item)
    reason = mapping.REASONS.get(cancellation.reason, "OTHER")
    tickets: list[str] = []
    for item in left:
        try:
            tickets.append(_under_way(client, item) or ticket_of(client.cancel_order_item(item.item_id, reason)))
        except DataError as error:
            if not tickets:
                raise
            # Not a refusal of the whole: the items before it are being cancelled.
            raise TransientError(f"accepted in part: {error.detail}", status=error.status) from None
    return Pending(SEPARATOR.join(tickets)) if tickets else Done(order.external_id)


def find(client: BolClient, order: OrderData, cancellation: CancellationData) -> Receipt | None:
    """Done if all is cancelled, Pending if all of the rest is on its way, else None."""
    left = [item for item in cancellation.items if not _is_cancelled(order, item)]
    tickets = [_under_way(client, item) for item in left]
    if not tickets:
        return Done(order.external_id)
    return Pending(SEPARATOR.join(tickets)) if all(tickets) else None


def _is_cancelled(order: OrderData, wanted: ShippedItem) -> bool:
    return _item(order, wanted).quantity_cancelled >= wanted.quantity


def _item(order: OrderData, wanted: ShippedItem) -> ItemData:
    for item in order.items:
        if item.external_id == wanted.item_id:
            return item
    raise _refused(f"the order has no item {wanted.item_id[:40]}")


def _refuse_unless_whole(order: OrderData, wanted: ShippedItem) -> None:
    item = _item(order, wanted)
    left = item.quantity - item.quantity_shipped - item.quantity_cancelled
    if wanted.quantity > left:
        raise _refused(f"{wanted.quantity} pieces are to be cancelled and {left} are open, the others are shipped")
    if wanted.quantity < left:
        raise _refused(f"bol cancels whole items only, and {left} pieces are open")


def _under_way(client: BolClient, item: ShippedItem) -> str:
    """The process status of a cancellation that was asked for already; "" if there is none. One that succeeded
    counts: the order may show it a moment later."""
    for status in statuses_of(client, item.item_id, EVENT):
        if status.get("status") in ("PENDING", "SUCCESS"):
            return ticket_of(status)
    return ""


def _refused(detail: str) -> DataError:
    return DataError(detail, code="cancellation.refused", field="items")
