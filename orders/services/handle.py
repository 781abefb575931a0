"""What a person, or a client in their name, does with an order."""

from __future__ import annotations

from django.utils.translation import gettext as _

from channable.core.clock import utcnow
from channable.tenants.models import User
from connections.models import Connection, OrderConnection
from orders.models import Actor, LinkSource, Order, OrderItem, ProductLink
from orders.services.apply import apply
from orders.services.events import (
    CancelledByHand,
    Cause,
    Event,
    ProductLinked,
    RefundResent,
    Resent,
    ReturnDecided,
    ReturnReported,
    ReturnTakenManually,
    ShippedByHand,
    TakenManually,
)
from orders.services.products import NOT_FOUND
from orders.services.work import INVOICE_REFUSED, NOT_TOLD, Conflict, NotPossible

MOST_AT_ONCE = 500  # orders that one click is about

__all__ = [
    "Conflict",
    "NotPossible",
    "cancel",
    "decide_return",
    "handle_all_manually",
    "handle_manually",
    "handle_return_manually",
    "link_product",
    "may_resend",
    "refund_again",
    "report_return",
    "resend",
    "resend_all",
    "ship",
]


def resend(order: Order, *, user: User | None) -> None:
    """Try again what failed; the remote is asked first whether it has it. Raises NotPossible."""
    if not may_resend(order):
        raise Conflict(_("This order is closed; there is nothing to send."))
    if order.order_connection is None or not order.order_connection.is_active:
        raise Conflict(_("The order connection is paused; activate it first."))
    _by(order, Resent(), user)


def may_resend(order: Order) -> bool:
    """Of a closed order only what the shop was not told and a refused invoice are left to send."""
    return not order.is_closed or order.error_code in (NOT_TOLD, INVOICE_REFUSED)


def handle_manually(order: Order, *, user: User | None) -> None:
    """Stop following the order. Raises NotPossible."""
    if order.is_closed:
        raise Conflict(_("This order is closed; there is nothing left to handle."))
    _by(order, TakenManually(), user)


def resend_all(pair: OrderConnection, error_code: str, *, user: User | None) -> tuple[int, int]:
    """Try again what stopped for this cause, the oldest first. How many were, and how many are left: at most
    MOST_AT_ONCE go at once, so that a page answers in time. Raises NotPossible."""
    if not pair.is_active:
        raise Conflict(_("The order connection is paused; activate it first."))
    return _each(pair, error_code, Resent(), user)


def handle_all_manually(pair: OrderConnection, error_code: str, *, user: User | None) -> tuple[int, int]:
    """Stop following what stopped for this cause; as `resend_all`."""
    return _each(pair, error_code, TakenManually(), user)


def _each(pair: OrderConnection, error_code: str, event: Event, user: User | None) -> tuple[int, int]:
    stopped = Order.objects.open().filter(order_connection=pair, error_code=error_code) if error_code else None
    found = list(stopped.order_by("pk").values_list("pk", flat=True)) if stopped is not None else []
    for order_id in found[:MOST_AT_ONCE]:
        apply(order_id, event, _cause(user))
    return len(found[:MOST_AT_ONCE]), len(found[MOST_AT_ONCE:])


def ship(order: Order, shipment: ShippedByHand, *, user: User | None) -> None:
    """Tell the marketplace that it, or a part of it, was shipped. Raises NotPossible."""
    _by(order, shipment, user)


def cancel(order: Order, cancellation: CancelledByHand, *, user: User | None) -> None:
    """Cancel it, or a part of it, at the marketplace as the seller. Raises NotPossible."""
    _by(order, cancellation, user)


def decide_return(order: Order, decision: ReturnDecided, *, user: User | None) -> None:
    """Tell the marketplace what becomes of a return, or a part of it. Raises NotPossible."""
    _by(order, decision, user)


def report_return(order: Order, report: ReturnReported, *, user: User | None) -> None:
    """Tell the marketplace of a return that it doesn't know yet. Raises NotPossible."""
    _by(order, report, user)


def handle_return_manually(order: Order, *, return_pk: int, user: User | None) -> None:
    """A person sees to this return elsewhere. Raises NotPossible."""
    _by(order, ReturnTakenManually(return_pk), user)


def refund_again(order: Order, *, return_pk: int, user: User | None) -> None:
    """Write down in the shop what it refused before. Raises NotPossible."""
    _by(order, RefundResent(return_pk), user)


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
    waiting = waiting_for(shop, product_id)
    for order_id in waiting:
        apply(order_id, ProductLinked(product_id, shop_product_id), _cause(user))
    return len(waiting)


def waiting_for(shop: Connection, product_id: str) -> list[int]:
    """Open orders that the shop refused for want of a product, and that have this one."""
    items = OrderItem.objects.filter(product_id=product_id).values("order_id")
    orders = Order.objects.open().filter(shop=shop, error_code=NOT_FOUND, shop_order_id="", is_manual=False)
    return list(orders.filter(pk__in=items).order_by("pk").values_list("pk", flat=True)[:MOST_AT_ONCE])


def _by(order: Order, event: Event, user: User | None) -> None:
    apply(order.pk, event, _cause(user))


def _cause(user: User | None) -> Cause:
    """A person; where none is named, whoever may use the machine."""
    now = utcnow()
    return Cause(Actor.USER if user else Actor.SYSTEM, now, now, user=user)
