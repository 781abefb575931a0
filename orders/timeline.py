"""What happened to an order, newest first, with the calls that belong to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from connections.models import Exchange, OutboxMessage
from orders.models import EventLevel, Order, OrderEvent

LATE_SECONDS = 60  # when "we learned of it" is worth telling
MOST_EVENTS = 300
MOST_EXCHANGES = 100

EVENT_ICONS = {
    "order.received": "box",
    "order.created_in_shop": "shop",
    "order.status": "circle",
    "shop.shipped": "truck",
    "shop.completed": "check",
    "shop.cancelled": "x-circle",
    "shipment.sent": "send",
    "shipment.confirmed": "check-circle",
    "cancellation.sent": "send",
    "cancellation.confirmed": "x-circle",
    "order.taken_manually": "user",
    "order.resent": "sync",
    "order.wait_over": "clock",
    "order.cancellation_requested": "hand",
    "hand.shipped": "truck",
    "hand.cancelled": "x-circle",
    "shop.told": "shop",
    "return.announced": "return",
    "return.sent": "send",
    "return.confirmed": "check-circle",
    "return.decided_there": "check-circle",
    "hand.decided": "return",
    "shop.refunded": "shop",
    "shop.refund_written": "shop",
    "attachment.stored": "file",
    "attachment.label": "file",
    "attachment.removed": "x",
    "invoice.sent": "send",
    "invoice.confirmed": "check-circle",
}
LEVEL_TONES = {EventLevel.INFO: "neutral", EventLevel.WARNING: "warning", EventLevel.ERROR: "danger"}

Entry = dict[str, Any]


def timeline(order: Order, messages: Sequence[OutboxMessage], *, shows_exchanges: bool) -> list[Entry]:
    """The order's events; each call stands at the event it led to, and by itself if it led to none yet."""
    events = list(order.events.select_related("user").order_by("-id")[:MOST_EVENTS])
    calls = _calls(messages) if shows_exchanges else []
    entries = {event.pk: _entry(event) for event in events}
    alone = []
    for call in calls:
        event = _event_of(call, events)
        if event is None:
            alone.append((call.started_at, _attempt(call)))
        else:
            entries[event.pk]["exchanges"].append(_exchange(call))
    return _merged([(event.recorded_at, entries[event.pk]) for event in events], alone)


def _calls(messages: Iterable[OutboxMessage]) -> list[Exchange]:
    """The newest calls, oldest first."""
    newest = Exchange.objects.filter(message_id__in=[message.pk for message in messages]).order_by("-started_at")
    return list(reversed(newest[:MOST_EXCHANGES]))


def _event_of(call: Exchange, events: Sequence[OrderEvent]) -> OrderEvent | None:
    """The first event of the call's message after it, else the last one before; a mere change of status is none."""
    mine = [event for event in events if event.message_id == call.message_id and event.code != "order.status"]
    later = [event for event in mine if event.recorded_at >= call.started_at]
    return later[-1] if later else next(iter(mine), None)


def _merged(told: list[tuple[datetime, Entry]], alone: list[tuple[datetime, Entry]]) -> list[Entry]:
    """Both newest first; the events keep their order among themselves."""
    merged, left = [], sorted(alone, key=itemgetter(0))
    for at, entry in told:
        while left and left[-1][0] > at:
            merged.append(left.pop()[1])
        merged.append(entry)
    return merged + [entry for _at, entry in reversed(left)]


def _entry(event: OrderEvent) -> Entry:
    is_late = (event.recorded_at - event.occurred_at).total_seconds() > LATE_SECONDS
    return {
        "at": event.occurred_at,
        "title": _status_text(event) if event.code == "order.status" else event.message,
        "detail": "",
        "actor": event.user.get_full_name() if event.user else event.get_actor_display(),
        "icon": EVENT_ICONS.get(event.code, "alert" if event.level == EventLevel.ERROR else "circle"),
        "tone": LEVEL_TONES[EventLevel(event.level)],
        "recorded_at": event.recorded_at if is_late else None,
        "exchanges": [],
    }


def _attempt(call: Exchange) -> Entry:
    return {
        "at": call.started_at,
        "title": _("Sent, without a result so far"),
        "detail": "",
        "actor": _("Order sync"),
        "icon": "send",
        "tone": "neutral",
        "recorded_at": None,
        "exchanges": [_exchange(call)],
    }


def _status_text(event: OrderEvent) -> str:
    return f"{event.get_from_status_display()} → {event.get_to_status_display()}"


def _exchange(exchange: Exchange) -> dict[str, Any]:
    is_fine = exchange.status is not None and exchange.status < 400
    return {
        "method": exchange.method,
        "path": urlsplit(exchange.url).path,
        "status": exchange.status,
        "duration_ms": exchange.duration_ms,
        "tone": "success" if is_fine else "danger",
        "request_body": exchange.request_body,
        "response_body": exchange.response_body or exchange.error,
    }
