"""The only writer of an order's status: one event, applied to one locked order, in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog
from django.db import transaction

from channable.core import failpoints
from orders.models import EventLevel, Order, OrderEvent
from orders.services import events
from orders.services.events import Cause, Event
from orders.services.rules import attachments, by_hand, decisions, marketplace, people, returns, shop
from orders.services.work import InvalidTransition, Work

log = structlog.get_logger(__name__)

RULES: dict[type, Callable[[Work, Any], None]] = {
    events.MarketplaceNews: marketplace.news,
    events.CreatedInShop: shop.created,
    events.ShopNews: shop.news,
    events.WaitOver: shop.wait_over,
    events.ShippedByHand: by_hand.shipped,
    events.CancelledByHand: by_hand.cancelled,
    events.ShipmentAccepted: decisions.shipment_accepted,
    events.ShipmentConfirmed: decisions.shipment_confirmed,
    events.ShipmentRefused: decisions.shipment_refused,
    events.CancellationAccepted: decisions.cancellation_accepted,
    events.CancellationConfirmed: decisions.cancellation_confirmed,
    events.CancellationRefused: decisions.cancellation_refused,
    events.ShopTold: shop.told,
    events.ShopNotTold: shop.not_told,
    events.ReturnNews: returns.news,
    events.ReturnGone: returns.gone,
    events.ReturnDecided: returns.decided,
    events.ReturnReported: returns.reported,
    events.ReturnTakenManually: returns.taken_manually,
    events.RefundResent: returns.refund_resent,
    events.ReturnAccepted: returns.accepted,
    events.ReturnConfirmed: returns.confirmed,
    events.ReturnRefused: returns.refused,
    events.RefundedInShop: returns.refunded,
    events.NotRefundedInShop: returns.not_refunded,
    events.Failed: people.failed,
    events.TakenManually: people.taken_manually,
    events.ProductLinked: people.product_linked,
    events.Resent: people.resent,
    events.Orphaned: people.orphaned,
    events.Adopted: people.adopted,
    events.AttachmentStored: attachments.stored,
    events.AttachmentRemoved: attachments.removed,
    events.InvoiceAccepted: attachments.invoice_accepted,
    events.InvoiceConfirmed: attachments.invoice_confirmed,
    events.InvoiceRefused: attachments.invoice_refused,
    events.LabelFetched: attachments.label_fetched,
}


def apply(order_id: int, event: Event, cause: Cause) -> bool:
    """Change what follows from `event`: parts, flags, status, timeline and outbox, all or nothing.

    Inside the order's company. Repeating an event changes nothing. A move that the table of states
    does not have is written on the timeline and otherwise ignored: it is news that came too late.
    Returns whether anything was written.
    """
    try:
        with transaction.atomic():
            order = Order.objects.select_for_update(of=("self",)).select_related(
                "connection", "order_connection", "shop"
            )
            work = Work(order.get(pk=order_id), cause)
            before = work.order.status
            RULES[type(event)](work, event)
            if work.has_shipped:
                attachments.follow_shipment(work)
            is_written = work.save()
            failpoints.reach(f"order.applied:{type(event).__name__}:{before}:{work.order.status}")
            return is_written
    except InvalidTransition as refused:
        log.warning("impossible move", order=order_id, move=str(refused), cause=type(event).__name__)
        _record_as_ignored(order_id, event, cause, str(refused))
        return True


def _record_as_ignored(order_id: int, event: Event, cause: Cause, move: str) -> None:
    order = Order.objects.get(pk=order_id)
    OrderEvent.objects.create(
        company_id=order.company_id,
        order=order,
        level=EventLevel.WARNING,
        code="order.ignored",
        message=f"Ignored {type(event).__name__}: {move} can't be right any more.",
        actor=cause.actor,
        user=cause.user,
        run_id=cause.run_id,
        message_id=cause.message_id,
        occurred_at=cause.occurred_at,
        recorded_at=cause.now,
    )
