"""What a person does with an order that needs one."""

from __future__ import annotations

from django.utils.translation import gettext as _

from channable.core.clock import utcnow
from channable.tenants.models import User
from orders.models import Actor, Order
from orders.services.apply import apply
from orders.services.events import Cause, Event, Resent, TakenManually


class NotPossible(Exception):
    """Why it can't be done, in a sentence for the person who tried."""


def resend(order: Order, *, user: User) -> None:
    """Try again what failed; the remote is asked first whether it has it. Raises NotPossible."""
    if order.is_closed:
        raise NotPossible(_("This order is closed; there is nothing to send."))
    if order.order_connection is None or not order.order_connection.is_active:
        raise NotPossible(_("The order connection is paused; activate it first."))
    _by(order, Resent(), user)


def handle_manually(order: Order, *, user: User) -> None:
    """Stop following the order. Raises NotPossible."""
    if order.is_closed:
        raise NotPossible(_("This order is closed; there is nothing left to handle."))
    _by(order, TakenManually(), user)


def _by(order: Order, event: Event, user: User) -> None:
    now = utcnow()
    apply(order.pk, event, Cause(actor=Actor.USER, occurred_at=now, now=now, user=user))
