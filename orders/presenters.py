"""Orders as templates show them: plain values, words through gettext, a constant number of queries."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from django.db.models import Q
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from channable.core.exact_json import dumps
from connections.messages import message_for
from connections.models import Exchange, OutboxMessage, RefusedRecord
from connections.presenters import kind_label, problem
from orders import listing
from orders.look import GOES_TO_SHOP, STATUS_LOOK, part_badge, status_badge
from orders.models import Address, EventLevel, Order, OrderEvent
from orders.models.shipment import Cancellation, DecisionStatus, Shipment
from orders.services.work import CANCEL_ORDER, CONFIRM_SHIPMENT, CREATE_ORDER
from orders.states import OrderStatus
from orders.transporters import CODES

LATE_SECONDS = 60  # when "we learned of it" is worth telling
LONGEST_PAYLOAD = 20_000
MOST_EVENTS = 300

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
}
LEVEL_TONES = {EventLevel.INFO: "neutral", EventLevel.WARNING: "warning", EventLevel.ERROR: "danger"}
DECISION_LOOK = {
    DecisionStatus.PENDING: ("progress", "send"),
    DecisionStatus.PROCESSING: ("progress", "sync"),
    DecisionStatus.CONFIRMED: ("success", "check-circle"),
    DecisionStatus.REFUSED: ("danger", "x-circle"),
}


def amount(value: Decimal) -> str:
    """Two places, more only where they are used: 12.50, 0.1234."""
    places = 2 if value == value.quantize(Decimal("0.01")) else 4
    return str(number_format(value, decimal_pos=places, use_l10n=True, force_grouping=True))


def order_table(company_id: int, rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    return {"orders": [_order_row(company_id, row) for row in rows]}


def _order_row(company_id: int, row: dict[str, Any]) -> dict[str, Any]:
    code = row["error_code"]
    return {
        **row,
        "url": reverse("orders:detail", args=[company_id, row["id"]]),
        "marketplace_kind": row["connection__kind"],
        "marketplace_label": kind_label(row["connection__kind"]),
        "total_amount": amount(row["total_amount"]),
        "badge": status_badge(row["status"]),
        "error": {"title": message_for(code).title, "code": code} if code else None,
    }


def tabs(active: listing.Tab, counts: dict[str, int], url_of: Callable[[str], str]) -> list[dict[str, Any]]:
    """Tabs of rare states show only while they have orders."""
    rare = {"partial", "unconfirmed", "manual"}
    return [
        {
            "key": tab.key,
            "label": tab.label,
            "count": min(counts[tab.key], listing.COUNTED_UP_TO),
            "is_capped": counts[tab.key] > listing.COUNTED_UP_TO,
            "url": url_of(tab.key),
            "is_active": tab is active,
            "tone": "danger" if tab.needs_attention and counts[tab.key] else "neutral",
        }
        for tab in listing.TABS
        if tab.key not in rare or counts[tab.key] or tab is active
    ]


def unreadable_row(record: RefusedRecord, *, may_see: bool) -> dict[str, Any]:
    message = message_for(record.error_code)
    return {
        "external_id": record.external_id,
        "marketplace_kind": record.connection.kind,
        "marketplace_label": record.connection.label,
        "seen_at": record.last_seen_at,
        "title": message.title,
        "detail": record.error_detail,
        "advice": message.remedy,
        "payload": _pretty(record.payload) if may_see else "",
    }


def _pretty(payload: Any) -> str:
    import json

    text = json.dumps(json.loads(dumps(payload)), indent=2, ensure_ascii=False)
    return text if len(text) <= LONGEST_PAYLOAD else text[:LONGEST_PAYLOAD] + "\n…"


class OrderDetail:
    """Everything orders/order_detail.html shows of one order."""

    def __init__(self, order: Order, *, may_handle: bool) -> None:
        self.order = order
        self.may_handle = may_handle

    def context(self) -> dict[str, Any]:
        order = self.order
        is_problem = bool(order.error_code)
        return {
            "list_url": reverse("orders:list", args=[order.company_id]),
            "order": self._head(),
            "next_step": self._next_step(),
            "problem": self._problem() if is_problem else None,
            "actions": self._actions() if self.may_handle else [],
            "items": self._items(),
            "shipping": self._address("shipping"),
            "billing": None if self._is_same_address else self._address("billing"),
            "money": self._money(),
            "shipments": [self._shipment(shipment) for shipment in self._shipments],
            "timeline": self._timeline(),
        }

    def _url(self, name: str) -> str:
        return reverse(f"orders:{name}", args=[self.order.company_id, self.order.pk])

    def _head(self) -> dict[str, Any]:
        order = self.order
        pair, shop = order.order_connection, order.shop
        return {
            "number": order.number,
            "badge": status_badge(order.status),
            "marketplace_label": order.connection.label,
            "marketplace_kind": order.connection.kind,
            "shop_label": shop.label if shop else "",
            "shop_kind": shop.kind if shop else "",
            "shop_number": order.shop_number or order.shop_order_id,
            "ordered_at": order.ordered_at,
            "order_connection": {
                "name": pair.name,
                "url": reverse("setup:order_connection", args=[order.company_id, pair.pk]),
            }
            if pair
            else None,
            "is_test": order.is_test,
            "marketplace_url": None,
            "shop_url": None,
            "facts": self._facts(),
        }

    def _facts(self) -> list[dict[str, Any]]:
        order = self.order
        facts = [
            (_("Marketplace number"), order.external_id),
            (_("Status in the shop"), order.shop_status),
            (_("Channel"), order.channel),
            (_("Fulfilment"), _("by the marketplace") if order.fulfilment_type == "marketplace" else _("by you")),
            (_("Delivery method"), order.delivery_method),
            (_("Promised delivery"), order.delivery_promise),
            (_("Expires"), order.expires_on.isoformat() if order.expires_on else ""),
            (_("Our reference"), order.reference),
        ]
        return [{"label": label, "value": value} for label, value in facts if value]

    def _next_step(self) -> dict[str, Any]:
        order = self.order
        look = STATUS_LOOK[OrderStatus(order.status)]
        if order.status == OrderStatus.NOT_SHIPPED and not order.shop_order_id:
            look = GOES_TO_SHOP
        return {
            "title": look.next_title,
            "text": look.next_text,
            "tone": look.tone,
            "icon": look.icon,
            "at": order.waiting_until,
        }

    def _problem(self) -> dict[str, Any]:
        order = self.order
        wanted = message_for(order.error_code).action
        buttons = {"resend": _("Resend"), "handle_manually": _("Handle manually")}
        urls = {"resend": "resend", "handle_manually": "manual"}
        action = None
        if self.may_handle and not order.is_closed and wanted in buttons:
            action = {"label": buttons[wanted], "url": self._url(urls[wanted]), "method": "post"}
        return problem(
            order.error_code,
            since=order.error_since,
            detail=order.error_detail,
            action=action,
            shows_detail=self.may_handle,
        )

    def _actions(self) -> list[dict[str, Any]]:
        """Besides the one button of a problem."""
        order = self.order
        if order.is_closed:
            return []
        wanted = message_for(order.error_code).action if order.error_code else ""
        actions = []
        if (order.is_manual or order.error_code) and wanted != "resend":
            actions.append({"label": _("Resend"), "icon": "sync", "url": self._url("resend"), "tone": ""})
        if not order.is_manual and wanted != "handle_manually":
            actions.append({"label": _("Handle manually"), "icon": "user", "url": self._url("manual"), "tone": ""})
        return actions

    def _items(self) -> list[dict[str, Any]]:
        items = self.order.items.prefetch_related("parts").order_by("id")
        return [
            {
                "title": item.title or item.product_id,
                "sku": item.product_id,
                "ean": item.ean,
                "unit_price": amount(item.unit_price),
                "currency": self.order.currency,
                "quantity": item.quantity,
                "parts": [
                    {"quantity": part.quantity, "badge": part_badge(part.status)}
                    for part in sorted(item.parts.all(), key=lambda part: part.pk)
                ],
            }
            for item in items
        ]

    @cached_property
    def _addresses(self) -> dict[str, Address]:
        return {address.kind: address for address in self.order.addresses.all()}

    @property
    def _is_same_address(self) -> bool:
        shown = [_address(address) for address in self._addresses.values()]
        return len(shown) < 2 or shown[0] == shown[1]

    def _address(self, kind: str) -> dict[str, Any] | None:
        address = self._addresses.get(kind)
        return _address(address) if address else None

    def _money(self) -> list[dict[str, Any]]:
        order = self.order
        rows = [
            (_("Subtotal"), order.subtotal, True),
            (_("Shipping"), order.shipping_amount, False),
            (_("Transaction fee"), order.transaction_fee, False),
            (_("Discount"), -order.discount_amount, False),
        ]
        shown = [(label, value, False) for label, value, always in rows if always or value]
        shown.append((_("Total, VAT included"), order.total_amount, True))
        return [
            {"label": label, "amount": amount(value), "currency": order.currency, "is_total": is_total}
            for label, value, is_total in shown
        ]

    @cached_property
    def _shipments(self) -> Sequence[Shipment]:
        return list(Shipment.objects.filter(order=self.order).prefetch_related("parts__item").order_by("number"))

    def _shipment(self, shipment: Shipment) -> dict[str, Any]:
        tone, icon = DECISION_LOOK[DecisionStatus(shipment.status)]
        items = [f"{part.quantity} × {part.item.title or part.item.product_id}" for part in shipment.parts.all()]  # noqa: RUF001
        return {
            "transporter": CODES.get(shipment.transporter, shipment.transporter_original),
            "tracking_code": shipment.tracking_code,
            "tracking_url": shipment.tracking_url if shipment.tracking_url.startswith(("https://", "http://")) else "",
            "shipped_at": shipment.shipped_at,
            "badge": {"label": shipment.get_status_display(), "tone": tone, "icon": icon},
            "items_text": ", ".join(items),
        }

    def _timeline(self) -> list[dict[str, Any]]:
        events = list(self.order.events.select_related("user").order_by("-id")[:MOST_EVENTS])
        exchanges = self._exchanges()
        # A message led to several events: its call stands at the first that isn't a mere change of status.
        first = {event.message_id: event.pk for event in events if event.message_id and event.code != "order.status"}
        return [
            _entry(event, exchanges.get(event.message_id or 0) if event.pk in first.values() else None)
            for event in events
        ]

    def _exchanges(self) -> dict[int, Exchange]:
        """The last call of each outgoing message, for those who may see the answers."""
        if not self.may_handle:
            return {}
        decisions = Cancellation.objects.filter(order=self.order).values_list("pk", flat=True)
        messages = OutboxMessage.objects.filter(
            Q(kind=CREATE_ORDER, subject_id=self.order.pk)
            | Q(kind=CONFIRM_SHIPMENT, subject_id__in=[shipment.pk for shipment in self._shipments])
            | Q(kind=CANCEL_ORDER, subject_id__in=decisions)
        )
        ids = list(messages.values_list("pk", flat=True))
        return {row.message_id or 0: row for row in Exchange.objects.filter(message_id__in=ids).order_by("started_at")}


def _address(address: Address) -> dict[str, Any]:
    return {
        "name": address.name,
        "company": address.company_name,
        "lines": [line for line in (address.line1, address.supplement, address.pickup_point_name) if line],
        "postcode": address.postcode,
        "city": address.city,
        "country": address.country_code,
        "email": address.email,
        "phone": address.phone,
    }


def _entry(event: OrderEvent, exchange: Exchange | None) -> dict[str, Any]:
    is_late = (event.recorded_at - event.occurred_at).total_seconds() > LATE_SECONDS
    return {
        "at": event.occurred_at,
        "title": _status_text(event) if event.code == "order.status" else event.message,
        "detail": "",
        "actor": event.user.get_full_name() if event.user else event.get_actor_display(),
        "icon": EVENT_ICONS.get(event.code, "alert" if event.level == EventLevel.ERROR else "circle"),
        "tone": LEVEL_TONES[EventLevel(event.level)],
        "recorded_at": event.recorded_at if is_late else None,
        "exchange": _exchange(exchange) if exchange else None,
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
