"""What a person, or a client in their name, does with an order."""

from __future__ import annotations

from django.utils.translation import gettext as _

from channable.core.clock import utcnow
from channable.tenants.models import User
from orders.models import Actor, Order
from orders.services.apply import apply
from orders.services.events import CancelledByHand, Cause, Event, Resent, ShippedByHand, TakenManually
from orders.services.work import NOT_TOLD, Conflict, NotPossible

__all__ = ["Conflict", "NotPossible", "cancel", "handle_manually", "may_resend", "resend", "ship"]


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


def _by(order: Order, event: Event, user: User | None) -> None:
    """By a person; where none is named, by whoever may use the machine."""
    now = utcnow()
    actor = Actor.USER if user else Actor.SYSTEM
    apply(order.pk, event, Cause(actor=actor, occurred_at=now, now=now, user=user))
