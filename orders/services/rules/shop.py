"""What follows when the shop has the order, completes it, reopens it or cancels it."""

from __future__ import annotations

from connections.connectors.types import FulfilmentType, OrderUpdate, ParcelData, ShopState
from orders.models import EventLevel, ItemPart, SyncedOrder
from orders.models.shipment import Cancellation, DecisionStatus, Shipment, ShopNotice
from orders.services.events import CreatedInShop, ShopNews, ShopNotTold, ShopTold, WaitOver
from orders.services.products import items_named, remember_matches
from orders.services.rules.notices import cancelled_quantities, tell_cancelled, tell_requested
from orders.services.rules.returns import refunds_seen
from orders.services.work import NOT_TOLD, Work, choose_for
from orders.states import PartStatus

WITHOUT_CODE = "without code"  # the source of a shipment that no parcel was told for


def created(work: Work, event: CreatedInShop) -> None:
    """The order stands in the shop. Billed once, in the transaction that saw the shop's id."""
    order = work.order
    if order.shop_order_id:
        return
    work.set(shop_order_id=event.shop_order_id, shop_number=event.number)
    work.solve()
    work.find_by(event.number)
    how = "Found in" if event.adopted else "Order sent to"
    work.note("order.created_in_shop", f"{how} {order.shop.kind_label}: {event.number or event.shop_order_id}")
    for note in event.notes:
        work.note("shop.note", note)
    for product_id, shop_product_id in event.matches.items():
        work.note("product.matched", f"{product_id} was found in the shop as {shop_product_id}.")
    remember_matches(work, event.matches)
    if not order.is_test:
        row = SyncedOrder(
            company_id=order.company_id,
            order_id=order.pk,
            connection_id=order.connection_id,
            first_synced_at=work.cause.now,
        )
        SyncedOrder.objects.bulk_create([row], ignore_conflicts=True)
    _tell_what_happened_meanwhile(work)


def _tell_what_happened_meanwhile(work: Work) -> None:
    """It was cancelled, or the buyer asked for that, while it was on its way to the shop."""
    if quantities := cancelled_quantities(work):
        tell_cancelled(work, quantities)
    if work.order.cancellation_requested and work.untouched():
        tell_requested(work)


def told(work: Work, event: ShopTold) -> None:
    notice = ShopNotice.objects.get(pk=event.notice_id)
    if notice.status == DecisionStatus.CONFIRMED:
        return
    notice.status, notice.confirmed_at = DecisionStatus.CONFIRMED, work.cause.now
    notice.remote_id = event.remote_id[:200]
    notice.save(update_fields=["status", "confirmed_at", "remote_id"])
    work.solve(lambda code: code == NOT_TOLD)
    work.note("shop.told", f"Told {work.order.shop.kind_label}: {notice.text}")


def not_told(work: Work, event: ShopNotTold) -> None:
    """Also of a closed order a person has to know: in the shop somebody may still pack it."""
    notice = ShopNotice.objects.get(pk=event.notice_id)
    if notice.status == DecisionStatus.CONFIRMED:
        return
    notice.status = DecisionStatus.REFUSED
    notice.save(update_fields=["status"])
    work.flag(NOT_TOLD, event.detail)


def news(work: Work, event: ShopNews) -> None:
    order, update = work.order, event.update
    if order.shop_updated_at and update.updated_at < order.shop_updated_at:
        work.note("shop.old_news", "Older news of the shop came late and was ignored.")
        return
    work.set(shop_version=event.version[:200], shop_updated_at=update.updated_at)
    work.set(shop_status=update.status_text[:60], shop_number=(update.number or order.shop_number)[:100])
    work.solve(lambda code: code == "shop.unreadable")
    refunds_seen(work, update)
    if work.is_closed or order.is_manual or not order.is_confirmed:
        return
    if order.fulfilment_type == FulfilmentType.MARKETPLACE:
        return  # shipped by the marketplace itself: there is nothing to tell it
    STATES[update.state](work, update)


def _open(work: Work, update: OrderUpdate) -> None:
    """Open, or opened again. Parcels sent off so far are told already."""
    _ship_parcels(work, [parcel for parcel in update.parcels if parcel.tracking_code and parcel.items is not None])
    if waiting := work.waiting():
        work.move_all(waiting, PartStatus.OPEN)
        work.note("shop.reopened", "Opened again in the shop.")


def _completed(work: Work, update: OrderUpdate) -> None:
    parcels = [parcel for parcel in update.parcels if parcel.tracking_code]
    _ship_parcels(work, parcels)
    # What went with a parcel that was refused waits for a person, and not for its code.
    refused = {_source_of(parcel) for parcel in parcels}
    parts = [part for part in work.parts if part.status == PartStatus.OPEN]
    if without := [part for part in parts if not (part.shipment and part.shipment.source_ref in refused)]:
        _wait(work, without)


def _cancelled(work: Work, update: OrderUpdate) -> None:
    parts = work.untouched()
    if not parts:
        return
    if not work.marketplace.connector_class.capabilities.cancels_orders:
        if work.order.error_code != "cancellation.unsupported":
            work.flag("cancellation.unsupported", "Cancelled in the shop; the marketplace takes no cancellations.")
        return
    source_ref = f"shop:{update.external_id}"
    if work.is_decided(Cancellation, source_ref):
        return
    cancellation = work.cancellation(source_ref=source_ref, reason=work.usual_reason)
    for part in parts:
        work.assign(work.move(part, PartStatus.PENDING_CANCELLATION), cancellation)
    work.solve()
    work.note("shop.cancelled", "Cancelled in the shop.", EventLevel.WARNING)
    work.send_cancellation(cancellation)


STATES = {ShopState.OPEN: _open, ShopState.COMPLETED: _completed, ShopState.CANCELLED: _cancelled}


# -- parcels --------------------------------------------------------------------------------------


def _ship_parcels(work: Work, parcels: list[ParcelData]) -> None:
    """Parcels that list their items first: one that doesn't takes all that is still open."""
    for parcel in sorted(parcels, key=lambda one: one.items is None):
        parts = _parts_of(work, parcel)
        if parts:
            _ship(work, parcel, parts)


def _parts_of(work: Work, parcel: ParcelData) -> list[tuple[ItemPart, int]]:
    """Which untouched parts, and how much of each, go with the parcel."""
    if parcel.items is None:
        return [(part, part.quantity) for part in work.untouched()]
    found: list[tuple[ItemPart, int]] = []
    free = {id(part): part.quantity for part in work.untouched()}
    for line in parcel.items:
        missing, meant = line.quantity, items_named(work, line.line_ref)
        for part in work.untouched():
            if part.item_id in meant and missing and free[id(part)]:
                taken = min(missing, free[id(part)])
                free[id(part)] -= taken
                missing -= taken
                found.append((part, taken))
    return found


def _ship(work: Work, parcel: ParcelData, parts: list[tuple[ItemPart, int]]) -> None:
    source_ref = _source_of(parcel)
    if work.is_decided(Shipment, source_ref):
        return
    choice = choose_for(work.order, named=parcel.transporter, tracking_code=parcel.tracking_code[:200])
    shipment = work.shipment(
        source_ref=source_ref,
        tracking_code=choice.tracking_code,
        tracking_code_original=parcel.tracking_code[:200],
        transporter=choice.transporter,
        transporter_original=parcel.transporter[:200],
        tracking_url=parcel.tracking_url,
        shipped_at=parcel.shipped_at or work.cause.occurred_at,
    )
    for part, quantity in parts:
        work.assign(work.move(part, PartStatus.PENDING_SHIPMENT, quantity), shipment)
    work.solve()
    work.find_by(parcel.tracking_code)
    work.find_by(choice.tracking_code)
    work.note("shop.shipped", f"Shipped in the shop with {parcel.transporter or choice.transporter or 'a code'}.")
    work.send_shipment(shipment)


def _source_of(parcel: ParcelData) -> str:
    return f"shop:{parcel.ref}"[:200]


# -- waiting for a code ---------------------------------------------------------------------------


def _wait(work: Work, parts: list[ItemPart]) -> None:
    """Completed without a code: it often follows soon."""
    if work.options.tracking_wait_seconds == 0:
        _ship_without_code(work, parts)
        return
    work.move_all(parts, PartStatus.WAITING)
    work.set(waiting_until=work.end_of_wait())
    work.note("shop.completed", "Completed in the shop without a tracking code.")


def wait_over(work: Work, event: WaitOver) -> None:
    """Does nothing where nothing waits for the end of a time."""
    if work.order.waiting_until is None:
        return
    work.set(waiting_until=None)
    _ship_without_code(work, work.waiting())


def _ship_without_code(work: Work, parts: list[ItemPart]) -> None:
    """Sent without a code, unless the marketplace refuses that."""
    if work.marketplace.connector_class.capabilities.requires_tracking:
        work.move_all([part for part in parts if part.status == PartStatus.OPEN], PartStatus.WAITING)
        work.flag("shipment.code_needed", "No tracking code came in time, and the marketplace demands one.")
        return
    if work.is_decided(Shipment, WITHOUT_CODE):
        return
    shipment = work.shipment(source_ref=WITHOUT_CODE, shipped_at=work.cause.occurred_at)
    for part in parts:
        work.assign(work.move(part, PartStatus.PENDING_SHIPMENT), shipment)
    work.note("order.wait_over", "No tracking code came in time; shipped without one.", EventLevel.WARNING)
    work.send_shipment(shipment)
