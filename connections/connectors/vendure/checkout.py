"""Creating one order: a dozen calls, each of which may be cut, and all of which can be taken up again.

Every step looks at what the order holds before it does anything, so a half-made order is finished by
running the same steps on it. Nobody can set a line's price through the API, so the shop's prices are
paid first and the difference becomes a modification with surcharges (Order Modification, 3.7).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from decimal import Decimal

from ..errors import DataError
from ..steps import later_calls
from ..types import JSON, Done, Found, ItemData, OrderData, ShopOptions
from . import documents
from .client import VendureClient
from .mapping import address_input, customer_input, major, minor

TEST_NOTE = "TEST ORDER - do not ship"
REFUND_REASON = "Marketplace price"
PRICE_DIFFERENCE = "Price difference"  # how the surcharge of a line is described
TOTAL = re.compile(r"Total: \d+(\.\d+)? [A-Z]{3}\Z")


@dataclass(slots=True)
class Wanted:
    """What one line of the shop's order should be; `total` in the shop's units, VAT included."""

    variant_id: str
    quantity: int = 0
    total: int = 0


@dataclass(slots=True)
class Plan:
    precision: int
    total: int  # of the order, in the shop's units
    lines: dict[str, Wanted] = field(default_factory=dict)  # by the shop's SKU
    matches: dict[str, str] = field(default_factory=dict)  # product id -> the shop's SKU, where that is another


class Checkout:
    def __init__(
        self, client: VendureClient, order: OrderData, key: str, options: ShopOptions, *, method: str, adjusts: bool
    ) -> None:
        self.client = client
        self.order = order
        self.key = key
        self.options = options
        self.method = method  # code or name of the shipping method, "" = the first eligible one
        self.adjusts = adjusts  # whether the shop's total is brought to the marketplace's

    def run(self, found: Found | None) -> Done:
        with later_calls() if found else nullcontext():
            plan = self._plan()
            order = self._state(found.remote_id) if found else None
        if order is None:
            order = self.client.mutate(documents.CREATE_DRAFT, currency=self.order.currency)
            with later_calls():
                self._sign(order, plan)
        with later_calls():
            if not order["payments"]:
                order = self._place(order, plan)
            notes = self._match(order, plan)
        return Done(remote_id=order["id"], number=order["code"], notes=notes, matches=plan.matches)

    # -- before anything is written

    def _plan(self) -> Plan:
        """Raises DataError if the shop lacks a product or the currency."""
        items = [item for item in self.order.items if item.quantity > item.quantity_cancelled]
        ids = {item.product_id: self.options.ids_of(item.product_id) for item in items}
        skus = sorted({sku for one in ids.values() for sku in one})
        data = self.client.query(documents.SETUP, skus=skus, take=min(1000, 10 * len(skus) or 1))
        if self.order.currency not in data["activeChannel"]["availableCurrencyCodes"]:
            raise DataError(
                f"the channel has no prices in {self.order.currency}", code="pricing.currency", reason="pricing"
            )
        precision = data["globalSettings"]["serverConfig"]["moneyStrategyPrecision"]
        variants = {pid: _variant(one, data["productVariants"]["items"]) for pid, one in ids.items()}
        lines = {variant["sku"]: Wanted(str(variant["id"])) for variant in variants.values()}
        for item in items:
            line = lines[variants[item.product_id]["sku"]]
            line.quantity += _open_quantity(item)
            line.total += minor(_line_total(item), precision)
        matches = {pid: variant["sku"] for pid, variant in variants.items() if variant["sku"] != pid}
        return Plan(precision, minor(self._total(items), precision), lines, matches)

    def _total(self, items: list[ItemData]) -> Decimal:
        """The source's own total; computed only if the marketplace has cancelled something of it."""
        if all(item.quantity_cancelled == 0 for item in self.order.items):
            return self.order.total
        return sum((_line_total(item) + item.shipping for item in items), Decimal(0))

    # -- until it is paid

    def _sign(self, order: JSON, plan: Plan) -> None:
        """A draft carries our reference before it carries anything else."""
        note = note_text(self.key, self.order, self.options, total=major(plan.total, plan.precision))
        self.client.mutate(documents.ADD_NOTE, input={"id": order["id"], "note": note, "isPublic": False})

    def _place(self, order: JSON, plan: Plan) -> JSON:
        """The order, paid. What the shop refuses is taken away again."""
        order_id = order["id"]
        try:
            if order["state"] == "Draft":
                self._fill(order, plan)
                order = self._transition(order_id, "ArrangingPayment")
            return self._pay(order_id)
        except DataError:
            self._discard(order_id)
            raise

    def _fill(self, order: JSON, plan: Plan) -> None:
        self._set_lines(order, plan)
        order_id = order["id"]
        if not order["customer"]:
            self._set_customer(order_id)
        self._set_address(order_id, documents.SET_SHIPPING_ADDRESS, address_input(self.order.shipping_address))
        self._set_address(order_id, documents.SET_BILLING_ADDRESS, address_input(self.order.billing))
        if not order["shippingLines"]:
            self._set_method(order_id)

    def _set_lines(self, order: JSON, plan: Plan) -> None:
        there = {line["productVariant"]["id"]: line for line in order["lines"]}
        for wanted in plan.lines.values():
            line = there.pop(wanted.variant_id, None)
            if line is None:
                item = {"productVariantId": wanted.variant_id, "quantity": wanted.quantity}
                self.client.mutate(documents.ADD_ITEM, id=order["id"], input=item)
            elif line["quantity"] != wanted.quantity:
                change = {"orderLineId": line["id"], "quantity": wanted.quantity}
                self.client.mutate(documents.ADJUST_LINE, id=order["id"], input=change)
        for line in there.values():
            self.client.mutate(documents.REMOVE_LINE, id=order["id"], line=line["id"])

    def _set_customer(self, order_id: str) -> None:
        """The one that the settings name; else a guest, found again by e-mail address. One who has an account is
        refused as a guest, so is named by id."""
        if self.options.customer_id:
            self.client.mutate(documents.SET_CUSTOMER, id=order_id, customer=self.options.customer_id)
            return
        person = customer_input(self.order, self.key)
        known = self.client.query(documents.CUSTOMERS, email=person["emailAddress"])["customers"]["items"]
        if known:
            self.client.mutate(documents.SET_CUSTOMER, id=order_id, customer=known[0]["id"])
        else:
            self.client.mutate(documents.SET_CUSTOMER, id=order_id, input=person)

    def _set_address(self, order_id: str, document: str, address: JSON) -> None:
        try:
            self.client.mutate(document, id=order_id, input=address)
        except DataError as error:
            raise DataError(
                error.detail, code="address.unusable", reason="address_parsing", status=error.status
            ) from error

    def _set_method(self, order_id: str) -> None:
        methods = self.client.query(documents.SHIPPING_METHODS, id=order_id)["eligibleShippingMethodsForDraftOrder"]
        chosen = [one for one in methods if not self.method or self.method in (one["code"], one["name"])]
        if not chosen:
            wanted = f"shipping method {self.method!r}" if self.method else "shipping method"
            raise DataError(f"the shop has no {wanted} for this order", code="connector.refused")
        self.client.mutate(documents.SET_SHIPPING_METHOD, id=order_id, method=chosen[0]["id"])

    def _pay(self, order_id: str) -> JSON:
        """Pay what is still open. The payment's transaction id is what the order is found by."""
        payment = {
            "orderId": order_id,
            "method": self.options.payment_method or self.options.marketplace_name or "Marketplace",
            "transactionId": self.key,
            "metadata": {"marketplaceOrder": self.order.external_id},
        }
        return self.client.mutate(documents.PAY, input=payment)

    def _discard(self, order_id: str) -> None:
        """Leave nothing behind; if that fails too, the look-up finds the draft and it is tried again."""
        order = self._state(order_id)
        if order and order["state"] == "Draft":
            self.client.mutate(documents.DELETE_DRAFT, id=order_id)
        elif order and order["state"] == "ArrangingPayment" and not order["payments"]:
            self._transition(order_id, "Cancelled")

    # -- after it is paid

    def _match(self, order: JSON, plan: Plan) -> list[str]:
        """Bring the shop's total to the marketplace's; what cannot be brought there is said, never hidden."""
        notes = []
        try:
            if self.adjusts:
                order = self._adjust(order, plan)
        except DataError as error:
            notes.append(f"The shop refused to change the prices ({error.detail}).")
            order = self._state(order["id"]) or order
        if order["totalWithTax"] != plan.total:
            here, there = (major(amount, plan.precision) for amount in (order["totalWithTax"], plan.total))
            notes.append(f"The shop's total is {here} {order['currencyCode']}, the marketplace's {there}.")
        return notes

    def _adjust(self, order: JSON, plan: Plan) -> JSON:
        """Each part looks at the state, so it goes on wherever it was cut."""
        order_id = order["id"]
        if order["totalWithTax"] != plan.total and not order["modifications"]:
            if order["state"] != "Modifying":
                order = self._transition(order_id, "Modifying")
            order = self._modify(order, plan)
        if order["state"] == "Modifying":
            order = self._transition(order_id, "ArrangingAdditionalPayment" if _owed(order) > 0 else "PaymentSettled")
        if order["state"] == "ArrangingAdditionalPayment":
            if _owed(order) > 0:
                self._pay(order_id)
            order = self._transition(order_id, "PaymentSettled")
        self._settle_refunds(order)
        return order

    def _modify(self, order: JSON, plan: Plan) -> JSON:
        difference = plan.total - order["totalWithTax"]
        change: dict[str, JSON] = {
            "dryRun": False,
            "orderId": order["id"],
            "note": f"Prices of {self.options.marketplace_name or 'the marketplace'}",
            "surcharges": self._surcharges(order, plan),
        }
        if difference < 0:
            payment = order["payments"][0]["id"]
            change["refunds"] = [{"paymentId": payment, "amount": -difference, "reason": REFUND_REASON}]
        try:
            return self.client.mutate(documents.MODIFY, input=change)
        except DataError:
            self._transition(order["id"], "PaymentSettled")
            raise

    def _surcharges(self, order: JSON, plan: Plan) -> list[JSON]:
        """One per line at the line's own tax rate, and one for the rest (shipping, fees, discounts)."""
        rates = [line["taxRate"] for line in order["lines"]]
        result, rest = [], plan.total - order["totalWithTax"]
        for line in order["lines"]:
            sku = line["productVariant"]["sku"]
            amount = plan.lines[sku].total - line["proratedLinePriceWithTax"] if sku in plan.lines else 0
            rest -= amount
            result.append(self._surcharge(f"{PRICE_DIFFERENCE} {sku}", amount, line["taxRate"], sku))
        result.append(self._surcharge("Shipping and other differences", rest, max(rates, default=0)))
        return [one for one in result if one["price"]]

    def _surcharge(self, description: str, amount: int, rate: JSON, sku: str = "") -> JSON:
        return {
            "description": description,
            "sku": sku,
            "price": amount,
            "priceIncludesTax": True,
            "taxRate": rate,
            "taxDescription": "VAT",
        }

    def _settle_refunds(self, order: JSON) -> None:
        for payment in order["payments"]:
            for refund in payment["refunds"]:
                if refund["state"] == "Pending" and refund["reason"] == REFUND_REASON:
                    settled = {"id": refund["id"], "transactionId": self.key}
                    self.client.mutate(documents.SETTLE_REFUND, input=settled)

    # -- small change

    def _state(self, order_id: str) -> JSON:
        return self.client.query(documents.ORDER_STATE, id=order_id)["order"]

    def _transition(self, order_id: str, state: str) -> JSON:
        return self.client.mutate(documents.TRANSITION, id=order_id, state=state)


def note_text(key: str, order: OrderData, options: ShopOptions, *, total: Decimal) -> str:
    """Our private note: what `find_order` goes by, and what people want to see. `total` has the shop's precision."""
    lines = [f"Reference: {key}", f"Order: {options.marketplace_name} {order.external_id}".replace(":  ", ": ")]
    lines.append(f"Total: {total} {order.currency}")
    lines += [f"Number: {options.number}"] if options.number else []
    lines += [f"Tag: {options.tag}"] if options.tag else []
    lines += [TEST_NOTE] if options.is_test else []
    return "\n".join([*lines, *([options.memo] if options.memo else [])])


def carries(order: JSON, key: str) -> bool:
    """Whether one of the order's notes begins with our reference."""
    return any(lines[0] == f"Reference: {key}" for lines in _notes(order))


def differs(order: JSON, key: str) -> bool:
    """Whether an order nobody has modified yet has another total than our note says."""
    totals = [line for lines in _notes(order) if lines[0] == f"Reference: {key}" for line in lines if TOTAL.match(line)]
    return bool(totals) and int(totals[0].split()[1].replace(".", "")) != order["totalWithTax"]


def note_lines(order: JSON) -> list[str]:
    return [line for lines in _notes(order) for line in lines]


def _notes(order: JSON) -> list[list[str]]:
    """The lines of every note (`data` is free JSON)."""
    entries = [entry.get("data") or {} for entry in order["history"]["items"]]
    return [note.split("\n") for note in (entry.get("note") for entry in entries) if isinstance(note, str)]


def _variant(skus: Sequence[str], variants: list[JSON]) -> JSON:
    """The one that has the first of these SKUs that any has."""
    for sku in skus:
        same = [one for one in variants if one["sku"] == sku and one["enabled"]]
        if len(same) == 1:
            return same[0]
        if same:
            raise _not_found(f"{len(same)} products have SKU {sku!r}")
    raise _not_found(f"no product has SKU {' or '.join(repr(sku) for sku in skus)}")


def _not_found(detail: str) -> DataError:
    return DataError(detail, code="product.not_found", reason="missing_reference", field="product_id")


def _open_quantity(item: ItemData) -> int:
    return item.quantity - item.quantity_cancelled


def _line_total(item: ItemData) -> Decimal:
    return item.unit_price * _open_quantity(item) - item.discount


def _owed(order: JSON) -> int:
    """What is still to be paid. A modification's `isSettled` can't be used: queries say false with a refund (3.7.3)."""
    refunds = [refund for payment in order["payments"] for refund in payment["refunds"]]
    paid = sum(payment["amount"] for payment in order["payments"])
    return int(order["totalWithTax"] - paid + sum(refund["total"] for refund in refunds))
