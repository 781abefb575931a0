"""Shipping, cancelling and returns on an order's page: which items, how many, and with what."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar
from uuid import uuid4

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from connections.connectors.types import CancellationReason, ReturnVerdict
from connections.transporters import CODES
from orders.files import FileType
from orders.models import AttachmentKind, Order, OrderItem, Return
from orders.services.events import CancelledByHand, Piece, ReturnDecided, ReturnReported, ShippedByHand
from orders.services.work import UNTOUCHED

REASONS = [
    (CancellationReason.CUSTOMER_REQUEST, _("The buyer asked for it")),
    (CancellationReason.OUT_OF_STOCK, _("Out of stock")),
    (CancellationReason.BAD_CONDITION, _("Damaged or in bad condition")),
    (CancellationReason.WRONG_PRICE, _("The price was wrong")),
    (CancellationReason.SHIPPING_COST, _("Shipping costs too much")),
    (CancellationReason.TOO_LATE, _("Not available in time")),
    (CancellationReason.ORDERED_TWICE, _("Ordered twice")),
    (CancellationReason.OTHER, _("Another reason")),
]

VERDICTS = {
    ReturnVerdict.ACCEPTED: _("Accept: taken back, the buyer is paid back"),
    ReturnVerdict.REJECTED: _("Reject: the buyer is not paid back"),
    ReturnVerdict.KEEPS: _("The buyer keeps it and is paid back"),
    ReturnVerdict.EXCHANGED: _("Exchange: another one is sent, nothing is paid back"),
    ReturnVerdict.REPAIRED: _("Repair: it is sent back, nothing is paid back"),
    ReturnVerdict.CANCELLED: _("Cancel: nothing comes back, nothing is paid back"),
}


class PiecesForm(forms.Form):
    """A quantity for each item of which something is open, at first all of it."""

    name: ClassVar[str]  # of the form on the page
    # Sent along, so that a form that is sent twice ships or cancels once.
    once = forms.CharField(max_length=40, widget=forms.HiddenInput)

    def __init__(self, order: Order, items: Iterable[OrderItem], data: Any = None) -> None:
        """`items` with their parts."""
        super().__init__(data, auto_id=f"{self.name}_%s")
        self.initial["once"] = uuid4().hex
        for item in items:
            is_open = sum(part.quantity for part in item.parts.all() if part.status in UNTOUCHED)
            if is_open:
                self.fields[f"item_{item.pk}"] = forms.IntegerField(
                    label=item.title or item.product_id,
                    help_text=_("of %(open)s open") % {"open": is_open},
                    min_value=0,
                    max_value=is_open,
                    initial=is_open,
                )
        self.order_fields([name for name in self.fields if name.startswith("item_")])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        asked = [cleaned.get(name) for name in self.fields if name.startswith("item_")]
        if asked and not any(asked) and not self.errors:
            raise forms.ValidationError(_("Choose at least one item."))
        return cleaned

    @property
    def pieces(self) -> tuple[Piece, ...]:
        values = self.cleaned_data.items()
        return tuple(Piece(int(name.removeprefix("item_")), n) for name, n in values if name.startswith("item_") and n)


class ShipForm(PiecesForm):
    name = "ship"

    tracking_code = forms.CharField(label=_("Tracking code"), max_length=200, required=False)
    transporter = forms.ChoiceField(label=_("Transporter"), required=False)
    return_tracking_code = forms.CharField(label=_("Code of the return label"), max_length=200)
    return_transporter = forms.ChoiceField(label=_("Transporter of the return"), required=False)
    delivery_bill_id = forms.CharField(label=_("Number of the delivery note"), max_length=100, required=False)

    def __init__(self, order: Order, items: Iterable[OrderItem], data: Any = None) -> None:
        super().__init__(order, items, data)
        codes = sorted(CODES.items(), key=lambda pair: pair[1].casefold())
        for name, unknown in (("transporter", _("By the settings or the code")), ("return_transporter", "")):
            self.fields[name].choices = [("", unknown), *codes]  # type: ignore[attr-defined]
        capabilities = order.connection.connector_class.capabilities
        self.fields["tracking_code"].required = capabilities.requires_tracking
        if not capabilities.requires_return_tracking:
            del self.fields["return_tracking_code"], self.fields["return_transporter"]
        if not capabilities.takes_delivery_note:
            del self.fields["delivery_bill_id"]

    @property
    def event(self) -> ShippedByHand:
        names = ("tracking_code", "transporter", "return_tracking_code", "return_transporter", "delivery_bill_id")
        values = {name: self.cleaned_data.get(name, "") for name in names}
        return ShippedByHand(self.cleaned_data["once"], self.pieces or None, **values)


class CancelForm(PiecesForm):
    name = "cancel"

    reason = forms.ChoiceField(label=_("Reason"), choices=REASONS)

    def __init__(self, order: Order, items: Iterable[OrderItem], data: Any = None) -> None:
        super().__init__(order, items, data)
        usual = CancellationReason.CUSTOMER_REQUEST if order.cancellation_requested else CancellationReason.OUT_OF_STOCK
        self.initial["reason"] = usual

    @property
    def event(self) -> CancelledByHand:
        return CancelledByHand(self.cleaned_data["once"], self.pieces or None, self.cleaned_data["reason"])


class LinkForm(forms.Form):
    """Which product of the shop is meant by one of the order's."""

    name = "link"
    product_id = forms.ChoiceField(label=_("Product of the marketplace"))
    shop_product_id = forms.CharField(
        label=_("The same product in the shop"),
        max_length=200,
        help_text=_("Its SKU there, or its id where products are found by id."),
    )

    def __init__(self, order: Order, items: Iterable[OrderItem], data: Any = None) -> None:
        super().__init__(data, auto_id=f"{self.name}_%s")
        choices = {item.product_id: f"{item.title or item.product_id} ({item.product_id})" for item in items}
        self.fields["product_id"].choices = list(choices.items())  # type: ignore[attr-defined]


class DecideForm(forms.Form):
    """What becomes of a return, or of some of its pieces."""

    once = forms.CharField(max_length=40, widget=forms.HiddenInput)
    verdict = forms.ChoiceField(label=_("Decision"))
    quantity = forms.IntegerField(label=_("Pieces"), min_value=1)

    def __init__(self, returned: Return, quantity: int, data: Any = None) -> None:
        """`quantity`: so many can be decided about."""
        super().__init__(data, auto_id=f"return-{returned.pk}-%s")
        self.returned = returned
        capabilities = returned.order.connection.connector_class.capabilities
        allowed = set(ReturnVerdict) if returned.is_test else capabilities.return_verdicts
        self.fields["verdict"].choices = [  # type: ignore[attr-defined]
            (verdict.value, words) for verdict, words in VERDICTS.items() if verdict in allowed
        ]
        self.initial.update(once=uuid4().hex, quantity=quantity)
        self.fields["quantity"].widget.attrs["max"] = quantity
        if quantity == 1 or not (capabilities.decides_partial_returns or returned.is_test):
            self.fields["quantity"].widget = forms.HiddenInput()

    @property
    def event(self) -> ReturnDecided:
        given = self.cleaned_data
        return ReturnDecided(given["once"], self.returned.pk, ReturnVerdict(given["verdict"]), given["quantity"])


class ReportForm(forms.Form):
    """A return that the marketplace has to be told of."""

    name = "report"
    once = forms.CharField(max_length=40, widget=forms.HiddenInput)
    item = forms.ChoiceField(label=_("Product"))
    quantity = forms.IntegerField(label=_("Pieces"), min_value=1, initial=1)
    verdict = forms.ChoiceField(label=_("Decision"))

    def __init__(self, order: Order, items: Iterable[OrderItem], data: Any = None) -> None:
        super().__init__(data, auto_id=f"{self.name}_%s")
        self.initial["once"] = uuid4().hex
        self.fields["item"].choices = [(str(item.pk), item.title or item.product_id) for item in items]  # type: ignore[attr-defined]
        allowed = order.connection.connector_class.capabilities.return_verdicts
        self.fields["verdict"].choices = [  # type: ignore[attr-defined]
            (verdict.value, words) for verdict, words in VERDICTS.items() if verdict in allowed
        ]

    @property
    def event(self) -> ReturnReported:
        given = self.cleaned_data
        return ReturnReported(given["once"], int(given["item"]), given["quantity"], ReturnVerdict(given["verdict"]))


class AttachForm(forms.Form):
    """A file for the order. What is in it is looked at by services/attachments.py, not here."""

    name = "attach"
    file = forms.FileField(
        label=_("Drop a file here, or choose one"),
        help_text=_("PDF, or PNG and ZPL for labels; at most 10 MB."),
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ",".join(FileType), "class": "drop"}),
        error_messages={"required": _("Choose a file first.")},
    )
    kind = forms.ChoiceField(label=_("What it is"), widget=forms.RadioSelect)
    items = forms.TypedMultipleChoiceField(
        label=_("Only for these items"), coerce=int, required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, order: Order, items: Iterable[OrderItem], data: Any = None, files: Any = None) -> None:
        super().__init__(data, files, auto_id=f"{self.name}_%s")
        marketplace = {"marketplace": order.connection.kind_label}
        choices: list[tuple[str, Any]] = [
            (AttachmentKind.LABEL.value, _("A shipping label: it is kept here for printing"))
        ]
        lines = [(item.pk, item.title or item.product_id) for item in items]
        if order.connection.connector_class.capabilities.takes_invoices:
            told = gettext("An invoice: it goes to %(marketplace)s") % marketplace
            choices.insert(0, (AttachmentKind.INVOICE.value, told))
        if len(choices) == 1 or len(lines) < 2:
            del self.fields["items"]
        else:
            self.fields["items"].choices = lines  # type: ignore[attr-defined]
        self.fields["kind"].choices = choices  # type: ignore[attr-defined]
        self.initial["kind"] = choices[0][0]


OrderForm = ShipForm | CancelForm | LinkForm | ReportForm
