"""What a person, or a client in their name, does with an order."""

from __future__ import annotations

from django.utils.translation import gettext as _

from channable.core.clock import utcnow
from channable.tenants.models import User
from connections.models import Connection
from orders.models import Actor, LinkSource, Order, OrderItem, ProductLink
from orders.services.apply import apply
from orders.services.events import CancelledByHand, Cause, Event, ProductLinked, Resent, ShippedByHand, TakenManually
from orders.services.products import NOT_FOUND
from orders.services.work import NOT_TOLD, Conflict, NotPossible

MOST_AT_ONCE = 1000  # orders that are resent with a link

__all__ = ["Conflict", "NotPossible", "cancel", "handle_manually", "link_product", "may_resend", "resend", "ship"]


def resend(order: Order, *, user: User | None) -> None:
    """Try again what failed; the remote is asked first whether it has it. Raises NotPossible."""
    if not may_resend(order):
        raise Conflict(_("This order is closed; there is nothing to send."))
    if order.order_connection is None or not order.order_connection.is_active:
        raise Conflict(_("The order connection is paused; activate it first."))
    _by(order, Resent(), user)


def may_resend(order: Order) -> bool:
    """Of a closed order only what the shop was not told is left to send."""
    return not order.is_closed or order.error_code == NOT_TOLD


def handle_manually(order: Order, *, user: User | None) -> None:
    """Stop following the order. Raises NotPossible."""
    if order.is_closed:
        raise Conflict(_("This order is closed; there is nothing left to handle."))
    _by(order, TakenManually(), user)


def ship(order: Order, shipment: ShippedByHand, *, user: User | None) -> None:
    """Tell the marketplace that it, or a part of it, was shipped. Raises NotPossible."""
    _by(order, shipment, user)


def cancel(order: Order, cancellation: CancelledByHand, *, user: User | None) -> None:
    """Cancel it, or a part of it, at the marketplace as the seller. Raises NotPossible."""
    _by(order, cancellation, user)


def link_product(shop: Connection, product_id: str, shop_product_id: str, *, user: User | None) -> int:
    """Remember which product of the shop is meant, and send all orders anew that wait for it; inside the
    company. How many those are: at most MOST_AT_ONCE, so that a page answers in time. Raises NotPossible."""
    shop_product_id = shop_product_id.strip()
    if not 0 < len(shop_product_id) <= 200 or not shop_product_id.isprintable():
        raise NotPossible(_("That can't be a product of the shop."))
    ProductLink.objects.update_or_create(
        company_id=shop.company_id,
        shop=shop,
        product_id=product_id,
        defaults={"shop_product_id": shop_product_id, "source": LinkSource.PERSON, "user": user},
    )
    now = utcnow()
    cause = Cause(Actor.USER if user else Actor.SYSTEM, now, now, user=user)
    waiting = waiting_for(shop, product_id)
    for order_id in waiting:
        apply(order_id, ProductLinked(product_id, shop_product_id), cause)
    return len(waiting)


def waiting_for(shop: Connection, product_id: str) -> list[int]:
    """Open orders that the shop refused for want of a product, and that have this one."""
    items = OrderItem.objects.filter(product_id=product_id).values("order_id")
    orders = Order.objects.open().filter(shop=shop, error_code=NOT_FOUND, shop_order_id="", is_manual=False)
    return list(orders.filter(pk__in=items).order_by("pk").values_list("pk", flat=True)[:MOST_AT_ONCE])


def _by(order: Order, event: Event, user: User | None) -> None:
    """By a person; where none is named, by whoever may use the machine."""
    now = utcnow()
    actor = Actor.USER if user else Actor.SYSTEM
    apply(order.pk, event, Cause(actor=actor, occurred_at=now, now=now, user=user))
