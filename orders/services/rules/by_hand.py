"""What follows when a person or an API client ships or cancels: refused with a reason, or decided like any other."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _

from connections.connectors.types import FulfilmentType
from connections.transporters import OTHER, Choice, unified
from orders.models import EventLevel, ItemPart
from orders.models.shipment import Cancellation, Shipment
from orders.services.events import CancelledByHand, Piece, ShippedByHand
from orders.services.rules.notices import cancelled_quantities, tell_cancelled
from orders.services.work import BY_HAND, Conflict, NotPossible, Work, choose_for
from orders.states import OrderStatus, PartStatus

O = OrderStatus  # noqa: E741

SHIPPABLE = frozenset({O.NOT_SHIPPED, O.WAITING, O.PARTIAL, O.CANCELLATION_REQUEST})
CANCELLABLE = SHIPPABLE | {O.MANUAL}
SENT = frozenset({O.SHIPPED, O.PENDING_SHIPMENT, O.PROCESSING})

Share = tuple[ItemPart, int]


def shipped(work: Work, event: ShippedByHand) -> None:
    """Final at once: no code is waited for. Raises NotPossible."""
    source_ref = f"{BY_HAND}{event.once}"
    if work.is_decided(Shipment, source_ref):
        return
    _refuse_orphan(work)
    _refuse_unshippable(work)
    shares = _shares(work, event.pieces)
    if not shares:
        raise Conflict(_("Can not resubmit a sent shipment: nothing of it is open any more."))
    choice = _choice(work, event)
    _refuse_shipment(work, event, shares, choice)
    shipment = work.shipment(
        source_ref=source_ref,
        tracking_code=choice.tracking_code,
        tracking_code_original=event.tracking_code,
        transporter=choice.transporter,
        transporter_original=event.transporter,
        tracking_url=event.tracking_url,
        return_tracking_code=event.return_tracking_code,
        return_transporter=event.return_transporter,
        delivery_bill_id=event.delivery_bill_id,
        shipped_at=work.cause.occurred_at,
    )
    for part, quantity in shares:
        work.assign(work.move(part, PartStatus.PENDING_SHIPMENT, quantity), shipment)
    work.went_on()
    work.find_by(event.tracking_code)
    work.find_by(choice.tracking_code)
    work.note("hand.shipped", f"Shipment confirmed by hand: {_words(work, shares)}.")
    work.send_shipment(shipment)
    work.withdraw_creation_if_done()


def cancelled(work: Work, event: CancelledByHand) -> None:
    """Raises NotPossible."""
    source_ref = f"{BY_HAND}{event.once}"
    if work.is_decided(Cancellation, source_ref):
        return
    _refuse_orphan(work)
    if work.order.status not in CANCELLABLE:
        raise Conflict(_cannot(work, _("It can't be cancelled: %(why)s")))
    shares = _shares(work, event.pieces)
    if not shares:
        raise Conflict(_("Nothing of it is open any more, so there is nothing to cancel."))
    _refuse_cancellation(work, shares)
    before = cancelled_quantities(work)
    cancellation = work.cancellation(source_ref=source_ref, reason=event.reason or work.usual_reason)
    for part, quantity in shares:
        work.assign(work.move(part, PartStatus.PENDING_CANCELLATION, quantity), cancellation)
    work.went_on()
    work.note("hand.cancelled", f"Cancelled by hand: {_words(work, shares)}.", EventLevel.WARNING)
    work.send_cancellation(cancellation)
    work.withdraw_creation_if_done()
    tell_cancelled(work, cancelled_quantities(work) - before)


def _choice(work: Work, event: ShippedByHand) -> Choice:
    """What is said is meant; a name that nobody knows travels as other, with the name beside it."""
    if event.transporter:
        return Choice(unified(event.transporter) or OTHER, event.tracking_code)
    return choose_for(work.order, named="", tracking_code=event.tracking_code)


# -- what it is about -----------------------------------------------------------------------------


def _shares(work: Work, pieces: Sequence[Piece] | None) -> list[Share]:
    """Open parts, and how much of each. What is named and not open any more is passed over, unless a quantity
    is asked for that there isn't."""
    if not pieces:
        return [(part, part.quantity) for part in work.untouched()]
    found: list[Share] = []
    for piece in {piece.item_id: piece for piece in pieces}.values():
        if piece.item_id not in work.items:
            raise NotPossible(_("Item %(id)s is not in this order.") % {"id": piece.item_id})
        parts = [part for part in work.untouched() if part.item_id == piece.item_id]
        found += _taken(work, parts, piece)
    return found


def _taken(work: Work, parts: Sequence[ItemPart], piece: Piece) -> list[Share]:
    is_open = sum(part.quantity for part in parts)
    if piece.quantity is not None and not 0 < piece.quantity <= is_open:
        words = {"item": work.items[piece.item_id].product_id, "open": is_open, "asked": piece.quantity}
        raise NotPossible(_("Of %(item)s %(open)s are open, not %(asked)s.") % words)
    left = is_open if piece.quantity is None else piece.quantity
    found = []
    for part in parts:
        share = min(part.quantity, left)
        left -= share
        if share:
            found.append((part, share))
    return found


def _is_all_that_is_open(work: Work, shares: Sequence[Share]) -> bool:
    return sum(quantity for _part, quantity in shares) == sum(part.quantity for part in work.untouched())


def _splits_an_item(work: Work, shares: Sequence[Share]) -> bool:
    """Whether of some item a piece is taken and another stays open."""
    taken: dict[int, int] = {}
    for part, quantity in shares:
        taken[part.item_id] = taken.get(part.item_id, 0) + quantity
    return any(
        quantity < sum(part.quantity for part in work.untouched() if part.item_id == item_id)
        for item_id, quantity in taken.items()
    )


def _words(work: Work, shares: Sequence[Share]) -> str:
    return ", ".join(f"{quantity} x {work.items[part.item_id].product_id}" for part, quantity in shares)


# -- what can't be done ---------------------------------------------------------------------------


def _refuse_orphan(work: Work) -> None:
    pair = work.order.order_connection
    if pair is None or pair.deleted_at:
        raise Conflict(_("Its order connection was removed, so nothing can be sent. Use the seller account."))


def _refuse_unshippable(work: Work) -> None:
    if work.order.status in SENT:
        raise Conflict(_("Can not resubmit a sent shipment: it is shipped already, or on its way."))
    if work.order.status not in SHIPPABLE:
        raise Conflict(_cannot(work, _("It can't be shipped: %(why)s")))
    if work.order.fulfilment_type == FulfilmentType.MARKETPLACE:
        raise Conflict(_("The marketplace ships this order itself; there is nothing to tell it."))


def _cannot(work: Work, sentence: str) -> str:
    reasons = {
        O.CANCELLED: _("the order is cancelled."),
        O.PENDING_CANCELLATION: _("its cancellation is on the way to the marketplace."),
        O.MANUAL: _("it is handled manually; resend it first to take it back."),
        O.AWAITING_CONFIRMATION: _("the marketplace still verifies the order."),
        O.SHIPPED: _("it is shipped already."),
        O.PENDING_SHIPMENT: _("its shipment is on the way to the marketplace."),
        O.PROCESSING: _("the marketplace works on its shipment."),
    }
    return sentence % {"why": reasons[OrderStatus(work.order.status)]}


def _refuse_shipment(work: Work, event: ShippedByHand, shares: Sequence[Share], choice: Choice) -> None:
    """What this marketplace, or anyone, can't do with it."""
    capabilities, name = work.marketplace.connector_class.capabilities, {"marketplace": work.marketplace.kind_label}
    if not capabilities.ships_partially and not _is_all_that_is_open(work, shares):
        raise NotPossible(_("%(marketplace)s takes an order only as a whole: ship all of it.") % name)
    if capabilities.requires_tracking and not event.tracking_code:
        raise NotPossible(_("%(marketplace)s takes no shipment without a tracking code.") % name)
    if capabilities.requires_return_tracking and not event.return_tracking_code:
        raise NotPossible(_("%(marketplace)s takes no shipment without the code of the return label.") % name)
    if event.tracking_code and not choice.transporter:
        raise NotPossible(_("Say whose tracking code it is: no transporter is chosen, and none is the default."))


def _refuse_cancellation(work: Work, shares: Sequence[Share]) -> None:
    capabilities, name = work.marketplace.connector_class.capabilities, {"marketplace": work.marketplace.kind_label}
    if not capabilities.cancels_orders:
        raise NotPossible(_("%(marketplace)s takes no cancellations from us; cancel in the seller account.") % name)
    is_whole = _is_all_that_is_open(work, shares) and len(work.untouched()) == len(work.parts)
    if not capabilities.cancels_partially and not is_whole:
        raise NotPossible(_("%(marketplace)s cancels an order only as a whole.") % name)
    if not capabilities.cancels_quantities and _splits_an_item(work, shares):
        raise NotPossible(_("%(marketplace)s cancels all of an item or nothing of it.") % name)
