"""One order as its page shows it, in a constant number of queries."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from channable.core.clock import utcnow
from connections.connectors.types import FulfilmentType
from connections.messages import message_for
from connections.models import OutboxMessage
from connections.presenters import problem
from connections.transporters import CODES
from orders.attachment_rows import attachment_row, shown
from orders.forms import AttachForm, CancelForm, DecideForm, LinkForm, OrderForm, ReportForm, ShipForm
from orders.look import part_badge, return_badge, status_badge
from orders.models import Address, Attachment, Order, OrderItem, Return, ReturnDecision
from orders.models.shipment import Cancellation, DecisionStatus, Shipment, ShopNotice
from orders.next_step import next_step
from orders.presenters import amount
from orders.services.handle import may_resend
from orders.services.products import NOT_FOUND
from orders.services.rules.by_hand import CANCELLABLE, SHIPPABLE
from orders.services.work import (
    CANCEL_ORDER,
    CONFIRM_SHIPMENT,
    CREATE_ORDER,
    DECIDE_RETURN,
    FETCH_LABEL,
    REFUND_ORDER,
    REPORT_RETURN,
    TELL_SHOP,
    UPLOAD_INVOICE,
)
from orders.timeline import timeline

OF_RETURNS = (DECIDE_RETURN, REPORT_RETURN, REFUND_ORDER)
DECISION_LOOK = {
    DecisionStatus.PENDING: ("progress", "send"),
    DecisionStatus.PROCESSING: ("progress", "sync"),
    DecisionStatus.CONFIRMED: ("success", "check-circle"),
    DecisionStatus.REFUSED: ("danger", "x-circle"),
}


class OrderDetail:
    """Everything orders/order_detail.html shows of one order."""

    def __init__(
        self,
        order: Order,
        *,
        may_handle: bool,
        opens: str = "",
        form: OrderForm | None = None,
        decide_form: DecideForm | None = None,
    ) -> None:
        """`opens` names the form that is shown open; `form` and `decide_form` are those with errors."""
        self.order = order
        self.may_handle = may_handle
        self.opens = form.name if form else opens
        self.form = form
        self.decide_form = decide_form

    def context(self) -> dict[str, Any]:
        order = self.order
        is_problem = bool(order.error_code)
        return {
            "list_url": reverse("orders:list", args=[order.company_id]),
            "order": self._head(),
            "next_step": next_step(order, self._messages, self._returns),
            "problem": self._problem() if is_problem else None,
            "actions": self._actions() if self.may_handle else [],
            "forms": self._forms() if self.may_handle else [],
            "items": self._item_rows(),
            "shipping": self._address("shipping"),
            "billing": None if self._is_same_address else self._address("billing"),
            "money": self._money(),
            "shipments": [self._shipment(shipment) for shipment in self._shipments],
            "returns": [self._return(returned) for returned in self._returns],
            "test_return_url": self._test_return_url(),
            "attachments": self._attachment_rows(),
            "attach": {"form": AttachForm(order, self.items), "url": self._url("attach")} if self.may_handle else None,
            "timeline": timeline(order, self._messages, shows_exchanges=self.may_handle),
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

    def _problem(self) -> dict[str, Any]:
        order = self.order
        wanted = message_for(order.error_code).action
        buttons = {
            "resend": {"label": _("Resend"), "url": self._url("resend"), "method": "post"},
            "handle_manually": {"label": _("Handle manually"), "url": self._url("manual"), "method": "post"},
            "link": {"label": _("Link the product"), "url": f"{self._url('detail')}?do=link#link", "method": "get"},
            "ship": {"label": _("Enter the code"), "url": f"{self._url('detail')}?do=ship#ship", "method": "get"},
        }
        action = buttons.get(wanted) if self.may_handle and may_resend(order) else None
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

    @cached_property
    def items(self) -> Sequence[OrderItem]:
        return list(self.order.items.prefetch_related("parts").order_by("id"))

    def _forms(self) -> list[dict[str, Any]]:
        """What a person can tell the marketplace now, and what will happen."""
        order, capabilities = self.order, self.order.connection.connector_class.capabilities
        marketplace = {"marketplace": order.connection.kind_label}
        shown: list[tuple[type[OrderForm], str, Any, Any, Any]] = []
        if order.error_code == NOT_FOUND and not order.is_closed and order.shop is not None:
            told = _("It is remembered, and all orders that wait for this product are sent to the shop at once.")
            shown.append((LinkForm, "link", _("Link the product"), told, _("Link and resend")))
        if order.status in SHIPPABLE and order.fulfilment_type == FulfilmentType.MERCHANT:
            told = _("%(marketplace)s is told that it was shipped. The order in the shop is left as it is.")
            shown.append((ShipForm, "truck", _("Confirm shipment"), told % marketplace, _("Confirm shipment")))
        if order.status in CANCELLABLE and capabilities.cancels_orders:
            told = _("%(marketplace)s is told that you cancel; the buyer is refunded. This can't be taken back.")
            title = _("Accept the cancellation") if order.cancellation_requested else _("Cancel items")
            shown.append((CancelForm, "x-circle", title, told % marketplace, title))
        if capabilities.reports_returns and not order.is_test:
            told = _("%(marketplace)s is told what came back and whether the buyer is paid back.")
            shown.append((ReportForm, "return", _("Report a return"), told % marketplace, _("Report the return")))
        return [
            {
                "name": kind.name,
                "icon": icon,
                "title": title,
                "told": told,
                "button": button,
                "tone": "danger" if kind is CancelForm else "primary",
                "url": self._url(kind.name),
                "is_open": self.opens == kind.name,
                "form": self.form if isinstance(self.form, kind) else kind(order, self.items),
            }
            for kind, icon, title, told, button in shown
        ]

    def _item_rows(self) -> list[dict[str, Any]]:
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
            for item in self.items
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

    # -- returns ------------------------------------------------------------------------------
    @cached_property
    def _returns(self) -> Sequence[Return]:
        """With their decisions; the order itself is on them, so that nothing is asked for again."""
        found = list(Return.objects.filter(order=self.order).prefetch_related("decisions").order_by("id"))
        for returned in found:
            returned.order = self.order
        return found

    def _return(self, returned: Return) -> dict[str, Any]:
        decisions = sorted(returned.decisions.all(), key=lambda one: one.number)
        return {
            "id": f"return-{returned.pk}",
            "title": returned.title or returned.product_id or returned.ean,
            "product_id": returned.product_id,
            "quantity": returned.quantity,
            "return_id": returned.return_id,
            "reason": returned.reason,
            "comment": returned.comment,
            "tracking_code": returned.tracking_code,
            "registered_at": returned.registered_at,
            "badge": return_badge(returned.status),
            "decisions": [self._decision(one) for one in decisions],
            "problem": self._return_problem(returned),
            "form": self._decide_form(returned, decisions),
            "decide_url": self._return_url("decide", returned),
            "manual_url": "" if returned.is_manual else self._return_url("return_manual", returned),
        }

    def _return_url(self, name: str, returned: Return) -> str:
        return reverse(f"orders:{name}", args=[self.order.company_id, self.order.pk, returned.pk])

    def _decision(self, decision: ReturnDecision) -> dict[str, Any]:
        tone, icon = DECISION_LOOK[DecisionStatus(decision.status)]
        refund = {
            DecisionStatus.PENDING: _("The refund is being written down in the shop."),
            DecisionStatus.CONFIRMED: _("The refund stands in the shop."),
            DecisionStatus.REFUSED: _("The refund is missing in the shop."),
        }
        return {
            "verdict": return_badge(decision.verdict)["label"],
            "quantity": decision.quantity,
            "at": decision.confirmed_at or decision.created_at,
            "badge": {"label": decision.get_status_display(), "tone": tone, "icon": icon},
            "refund": refund.get(DecisionStatus(decision.refund_status)) if decision.refund_status else "",
        }

    def _return_problem(self, returned: Return) -> dict[str, Any] | None:
        if not returned.error_code:
            return None
        again = {"label": _("Write it down again"), "url": self._return_url("refund_again", returned), "method": "post"}
        is_refund = message_for(returned.error_code).action == "refund"
        return problem(
            returned.error_code,
            since=None,
            detail=returned.error_detail,
            action=again if is_refund and self.may_handle else None,
            shows_detail=self.may_handle,
        )

    def _decide_form(self, returned: Return, decisions: Sequence[ReturnDecision]) -> DecideForm | None:
        """Where something is still to be decided."""
        standing = sum(one.quantity for one in decisions if one.status != DecisionStatus.REFUSED)
        is_open = returned.quantity - standing
        if is_open <= 0 or not self.may_handle:
            return None
        if self.decide_form is not None and self.decide_form.returned.pk == returned.pk:
            return self.decide_form
        form = DecideForm(returned, is_open)
        return form if form.fields["verdict"].choices else None  # type: ignore[attr-defined]

    def _test_return_url(self) -> str:
        """Test orders can be returned for a test, once."""
        if not self.order.is_test or self._returns or not self.may_handle:
            return ""
        return self._url("test_return")

    def _attachment_rows(self) -> list[dict[str, Any]]:
        now = utcnow()
        return [attachment_row(one, now, may_handle=self.may_handle) for one in shown(self.order.attachments)]

    @cached_property
    def _messages(self) -> Sequence[OutboxMessage]:
        """What goes or went out for this order."""
        decisions = Cancellation.objects.filter(order=self.order).values("pk")
        messages = OutboxMessage.objects.filter(
            Q(kind=CREATE_ORDER, subject_id=self.order.pk)
            | Q(kind=CONFIRM_SHIPMENT, subject_id__in=[shipment.pk for shipment in self._shipments])
            | Q(kind=CANCEL_ORDER, subject_id__in=decisions)
            | Q(kind=TELL_SHOP, subject_id__in=ShopNotice.objects.filter(order=self.order).values("pk"))
            | Q(kind__in=OF_RETURNS, subject_id__in=ReturnDecision.objects.filter(order=self.order).values("pk"))
            | Q(
                kind__in=[UPLOAD_INVOICE, FETCH_LABEL],
                subject_id__in=Attachment.objects.filter(order=self.order).values("pk"),
            )
        )
        return list(messages.select_related("connection").order_by("id"))


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
