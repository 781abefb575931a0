"""What follows when the marketplace tells an order's present state.

Our status is decided from its facts and ours together, so reading the same again changes nothing and
shipped never turns back into open, while "confirmed", "cancelled there" and "shipped there by hand"
do arrive.
"""

from __future__ import annotations

from connections.connectors.types import ItemData, OrderData, RemoteStatus
from orders.models import EventLevel, ItemPart, OrderItem
from orders.models.shipment import Cancellation, DecisionStatus, Shipment
from orders.services.events import MarketplaceNews
from orders.services.rules.notices import cancelled_quantities, tell_cancelled, tell_requested, tell_withdrawn
from orders.services.work import Work
from orders.states import PartStatus

# Which parts a shipment or cancellation seen at the marketplace is about: first those we told it of.
SHIPPED_FIRST = [
    PartStatus.PROCESSING,
    PartStatus.PENDING_SHIPMENT,
    PartStatus.WAITING,
    PartStatus.OPEN,
    PartStatus.PENDING_CANCELLATION,
]
CANCELLED_FIRST = [
    PartStatus.PENDING_CANCELLATION,
    PartStatus.OPEN,
    PartStatus.WAITING,
    PartStatus.PENDING_SHIPMENT,
    PartStatus.PROCESSING,
]
CLOSED_THERE = {RemoteStatus.SHIPPED: PartStatus.SHIPPED, RemoteStatus.CANCELLED: PartStatus.CANCELLED}


def news(work: Work, event: MarketplaceNews) -> None:
    data, before, was_closed = event.data, cancelled_quantities(work), work.is_closed
    closed_as = CLOSED_THERE.get(data.remote_status)
    by_hand = any(not _is_ours(part, closed_as) for part in work.live()) if closed_as else False
    _items(work, data)
    if closed_as != PartStatus.CANCELLED:
        _quantities(work, data)
    if closed_as and not was_closed:
        work.move_all(work.live(), closed_as)
        _tell_closed(work, closed_as, by_hand=by_hand)
    if work.is_closed and not was_closed:
        _withdraw_if_closed_there(work)
    elif not was_closed:
        _request(work, data)
        _confirmation(work, confirmed=data.remote_status == RemoteStatus.OPEN)
    by_others = cancelled_quantities(work) - before
    if by_others and work.options.retrieves_cancellations:
        tell_cancelled(work, by_others)


def _items(work: Work, data: OrderData) -> None:
    """Lines that appeared, and quantities that changed, where we can still follow them."""
    by_external_id = {item.external_id: item for item in work.items.values()}
    for line in data.items:
        item = by_external_id.get(line.external_id)
        if item is not None and item.quantity != line.quantity:
            _quantity_changed(work, item, line)


def _quantity_changed(work: Work, item: OrderItem, line: ItemData) -> None:
    difference = line.quantity - item.quantity
    if difference > 0:
        work.add_part(item, difference)
    for part in [one for one in work.untouched() if one.item_id == item.pk]:
        if difference < 0:
            taken = min(part.quantity, -difference)
            work.shrink(part, taken)
            difference += taken
    kept = line.quantity - min(difference, 0)
    text = f"Quantity of {item.product_id} changed at the marketplace: {item.quantity} -> {line.quantity}"
    work.note("order.quantity_changed", text, EventLevel.WARNING)
    item.quantity = kept
    item.save(update_fields=["quantity"])


def _quantities(work: Work, data: OrderData) -> None:
    """What was shipped and cancelled there, line by line."""
    by_external_id = {item.external_id: item for item in work.items.values()}
    for line in data.items:
        item = by_external_id.get(line.external_id)
        if item is None:
            continue
        _bring_to(work, item, line.quantity_shipped, PartStatus.SHIPPED)
        _bring_to(work, item, line.quantity_cancelled, PartStatus.CANCELLED)


def _bring_to(work: Work, item: OrderItem, quantity: int, status: PartStatus) -> None:
    """Move live parts until `quantity` of the item has the status. Never the other way: what we know
    as shipped stays shipped."""
    parts = [part for part in work.parts if part.item_id == item.pk]
    missing = quantity - sum(part.quantity for part in parts if part.status == status)
    for former in SHIPPED_FIRST if status == PartStatus.SHIPPED else CANCELLED_FIRST:
        for part in [one for one in parts if one.status == former]:
            if missing <= 0:
                return
            moved = work.move(part, status, min(part.quantity, missing))
            missing -= moved.quantity


def _tell_closed(work: Work, status: PartStatus, *, by_hand: bool) -> None:
    """Shipped or cancelled there, by us or by hand: closed here too, and nothing more is sent."""
    if by_hand and status == PartStatus.SHIPPED:
        work.note("order.shipped_there", "Shipped in the seller account; nothing is sent for it.")
    elif by_hand:
        work.note("order.cancelled_there", "Cancelled at the marketplace; nothing is sent for it.", EventLevel.WARNING)


def _is_ours(part: ItemPart, status: PartStatus) -> bool:
    expected = PartStatus.PENDING_CANCELLATION if status == PartStatus.CANCELLED else PartStatus.PROCESSING
    return part.status == expected


def _withdraw_if_closed_there(work: Work) -> None:
    order = work.order
    work.set(cancellation_requested=False, is_confirmed=True)
    work.solve()
    work.withdraw_all()
    for model in (Shipment, Cancellation):
        open_ones = model.objects.filter(order=order, status__in=[DecisionStatus.PENDING, DecisionStatus.PROCESSING])
        confirmed = PartStatus.SHIPPED if model is Shipment else PartStatus.CANCELLED
        for decision in open_ones:
            if any(part.status == confirmed for part in work.of(decision)):
                decision.status, decision.confirmed_at = DecisionStatus.CONFIRMED, work.cause.now
                decision.save(update_fields=["status", "confirmed_at"])


def _request(work: Work, data: OrderData) -> None:
    """The buyer asks to cancel, or takes that back."""
    requested = any(line.cancellation_requested for line in data.items)
    if requested and not work.order.cancellation_requested:
        work.note("order.cancellation_requested", "The buyer asks to cancel the order.", EventLevel.WARNING)
        if work.options.retrieves_cancellations:
            tell_requested(work)
    if not requested and work.order.cancellation_requested:
        work.note("order.request_withdrawn", "The buyer no longer asks to cancel the order.")
        if work.options.retrieves_cancellations and work.untouched():  # what is being cancelled isn't shipped as usual
            tell_withdrawn(work)
    work.set(cancellation_requested=requested)


def _confirmation(work: Work, *, confirmed: bool) -> None:
    order = work.order
    if confirmed and not order.is_confirmed:
        work.set(is_confirmed=True)
        work.note("order.confirmed", "Confirmed by the marketplace.")
        if not order.is_manual and not order.shop_order_id:
            work.send_creation()
    elif not confirmed and order.is_confirmed and not order.shop_order_id and len(work.untouched()) == len(work.parts):
        # The message itself asks again before it is sent, so one that is due right now is safe too.
        work.set(is_confirmed=False)
        work.withdraw_creation()
