"""What is next for an order, in words: its status, or what holds up what its status promises."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from connections.messages import message_for
from connections.models import Connection, ConnectionState, OutboxMessage, OutboxStatus
from orders.look import GOES_TO_SHOP, RETURN_WAITS, STATUS_LOOK, Look
from orders.models import Order, Return
from orders.states import OrderStatus

ON_ITS_WAY = frozenset({OutboxStatus.READY, OutboxStatus.SENDING, OutboxStatus.UNKNOWN})


def next_step(order: Order, messages: Sequence[OutboxMessage], returns: Sequence[Return] = ()) -> dict[str, Any]:
    """What orders/order_detail.html shows. `messages`, with their accounts: all that was ever to be sent."""
    waiting = [message for message in messages if message.status in ON_ITS_WAY]
    held_up = None if order.is_closed or order.is_manual else _held_up(order, waiting)
    look, at = held_up or (_look(order), order.waiting_until)
    if order.is_closed and any(returned.needs_decision for returned in returns):
        look = RETURN_WAITS
    return {"title": look.next_title, "text": look.next_text, "tone": look.tone, "icon": look.icon, "at": at}


def _look(order: Order) -> Look:
    if order.status == OrderStatus.NOT_SHIPPED and not order.shop_order_id:
        return GOES_TO_SHOP
    return STATUS_LOOK[OrderStatus(order.status)]


def _held_up(order: Order, waiting: Sequence[OutboxMessage]) -> tuple[Look, datetime | None] | None:
    """Why what is to be sent doesn't go at once, and until when; None if nothing stands in its way."""
    if order.order_connection is not None and not order.order_connection.is_active:
        paused = _("It goes on as soon as the order connection is activated again.")
        return Look("warning", "pause", _("The order connection is paused"), paused), None
    for message in waiting:
        found = _blocked(message.connection) or _tried_again(message)
        if found:
            return found
    return None


def _blocked(account: Connection) -> tuple[Look, datetime | None] | None:
    name = {"account": account.label}
    if account.state == ConnectionState.EXPIRED:
        text = _("What is to be sent waits for it, and goes by itself then.")
        return Look("danger", "key", _("“%(account)s” has to be connected again") % name, text), None
    if account.is_paused:
        text = _("What is to be sent waits until it is used again.")
        return Look("warning", "pause", _("“%(account)s” is paused") % name, text), None
    if account.not_before > timezone.now():
        reason = message_for(account.error_code).title if account.error_code else _("It asked us to slow down.")
        return Look("warning", "clock", _("“%(account)s” is given a pause") % name, reason), account.not_before
    return None


def _tried_again(message: OutboxMessage) -> tuple[Look, datetime | None] | None:
    if not message.error_code:
        return None
    told = {"what": message_for(message.error_code).title}
    text = _("%(what)s. Nothing needs to be done: it goes by itself, and never twice.") % told
    at = message.not_before if message.not_before > timezone.now() else None
    return Look("warning", "sync", _("It is tried again"), text), at
