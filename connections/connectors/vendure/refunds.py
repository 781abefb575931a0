"""Writing down in the shop what the buyer got back, once.

The marketplace paid, and the order's payment is a manual one, so no payment method moves money. Up to five calls, each
of which may be cut: a refund for each payment that it is drawn from (`refundOrder`), the pieces taken off the order,
which raises the stock (`cancelOrder`), and each refund settled with our reference (`settleRefund`). Settling
comes last: what was settled by us is whole. Until then our reference in the reason tells what is there already, and
`refund` goes on from there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import nullcontext

from ..errors import DataError
from ..steps import later_calls
from ..types import JSON, Done, RefundData
from . import documents
from .checkout import PRICE_DIFFERENCE
from .client import VendureClient
from .refunded import IS_REFUND, counts_of, key_of, mark, with_lines

LONGEST_REASON = 255  # a varchar where the shop runs on MySQL
Lines = Mapping[str, int]  # pieces by the id of the order's line


def refund(client: VendureClient, order_id: str, refund: RefundData, *, key: str) -> Done:
    order = _order(client, order_id)
    ours = _ours(order, key)
    reason = _reason(refund, key)
    lines = next((counts_of(one) for one in ours if one["lines"]), None) or _lines(order, refund)
    notes = _pay_back(client, order, lines, ours, reason=reason, key=key)
    with later_calls():
        if refund.restocks and not _is_taken_back(order, key):
            notes += _take_back(client, order, lines, reason)
        notes += _settle(client, ours, key)
    return Done(ours[0]["id"], notes=notes)


def find(client: VendureClient, order_id: str, *, key: str) -> Done | None:
    """None also for one that is half made."""
    ours = _ours(_order(client, order_id), key)
    is_whole = bool(ours) and all(one["transactionId"] == key for one in ours)
    return Done(ours[0]["id"]) if is_whole else None


def _order(client: VendureClient, order_id: str) -> JSON:
    order = client.query(documents.ORDER_REFUNDING, id=order_id)["order"]
    if order is None:
        raise DataError(f"no order {order_id}", code="order.gone")
    return order


def _refunds(payment: JSON) -> list[JSON]:
    return [one for one in payment["refunds"] if IS_REFUND.get(one["state"], True)]


def _ours(order: JSON, key: str) -> list[JSON]:
    """What there is of the refund with this key: one per payment."""
    return [one for payment in order["payments"] or () for one in _refunds(payment) if key_of(one) == key]


def _reason(refund: RefundData, key: str) -> str:
    room = LONGEST_REASON - len(mark(key)) - 1
    return f"{refund.reason[:room]} {mark(key)}".strip()


def _refused(detail: str) -> DataError:
    return DataError(detail, code="refund.refused")


# -- which pieces, and what they came to ----------------------------------------------------------
def _lines(order: JSON, refund: RefundData) -> Lines:
    """Raises DataError "refund.refused" where the order has fewer pieces left to refund."""
    before = _before(order, "")
    wanted: Counter[str] = Counter()
    for item in refund.items:
        wanted[item.line_ref] += item.quantity
    found: dict[str, int] = {}
    for sku, quantity in wanted.items():
        missing = quantity
        for line in order["lines"]:
            left = line["orderPlacedQuantity"] - before[line["id"]]
            taken = min(missing, left) if line["productVariant"]["sku"] == sku else 0
            if taken > 0:
                found[line["id"]] = taken
                missing -= taken
        if missing > 0:
            raise _refused(f"the shop has {quantity - missing} of {sku!r} left to refund, and not {quantity}")
    if not found:
        raise _refused("the refund names no pieces")
    return found


def _before(order: JSON, key: str) -> Counter[str]:
    """Pieces of all refunds but ours of this key."""
    counts: Counter[str] = Counter()
    for one in with_lines(order["payments"] or ()):
        if not key or key_of(one) != key:
            counts += counts_of(one)
    return counts


def _amount(order: JSON, lines: Lines, before: Counter[str]) -> int:
    """In the shop's units. Pieces are counted through, so that all of a line come to exactly its total."""
    amount = 0
    for line in order["lines"]:
        if quantity := lines.get(line["id"], 0):
            first = before[line["id"]]
            amount += _worth(order, line, first + quantity) - _worth(order, line, first)
    return amount


def _worth(order: JSON, line: JSON, quantity: int) -> int:
    """Of the line's first pieces: at the shop's price, and their part of what makes it the marketplace's price."""
    placed, sku = line["orderPlacedQuantity"], line["productVariant"]["sku"]
    difference = sum(
        one["priceWithTax"]
        for one in order["surcharges"]
        if one["sku"] == sku and one["description"].startswith(PRICE_DIFFERENCE)
    )
    total = line["proratedUnitPriceWithTax"] * placed + difference
    return int((2 * total * min(quantity, placed) + placed) // (2 * placed))  # half up


def _left(payment: JSON) -> int:
    paid = payment["amount"] if payment["state"] == "Settled" else 0
    return int(paid - sum(one["total"] for one in _refunds(payment)))


# -- the calls ------------------------------------------------------------------------------------
def _pay_back(
    client: VendureClient, order: JSON, lines: Lines, ours: list[JSON], *, reason: str, key: str
) -> list[str]:
    """Add to `ours` what is missing of it. An amount above 0 is always given: without one the shop takes its own."""
    missing = _amount(order, lines, _before(order, key)) - sum(one["total"] for one in ours)
    payments = order["payments"] or ()
    if not ours:
        left = sum(max(_left(payment), 0) for payment in payments)
        if missing <= 0 or left < missing - len(order["lines"]):  # the shop rounds its lines apart from its total
            raise _refused(f"of the order {left} is left to refund, and these pieces came to {missing}")
    for payment in payments:
        amount = min(missing, _left(payment))
        if amount <= 0:
            continue
        named = [] if ours else [{"orderLineId": line, "quantity": quantity} for line, quantity in lines.items()]
        change = {"paymentId": payment["id"], "amount": amount, "reason": reason, "lines": named}
        try:
            with later_calls() if ours else nullcontext():
                made = client.mutate(documents.MAKE_REFUND, input={**change, "shipping": 0, "adjustment": 0})
            if not IS_REFUND.get(made["state"], True):
                raise DataError("a payment method of the shop was asked, and it failed")
        except DataError as error:
            if ours:
                return [f"The shop refused to refund the whole amount ({error.detail})."]
            raise _refused(error.detail) from error
        ours.append(made)
        missing -= amount
    return []


def _is_taken_back(order: JSON, key: str) -> bool:
    reasons = [(entry["data"] or {}).get("reason") for entry in order["history"]["items"]]
    return any(isinstance(one, str) and one.endswith(mark(key)) for one in reasons)


def _take_back(client: VendureClient, order: JSON, lines: Lines, reason: str) -> list[str]:
    """Pieces that were sent go back into stock, pieces that never were are set free. Where a line was sent in part
    the shop would do both for each piece (3.7.3), so there nothing is done."""
    sent: Counter[str] = Counter()
    for fulfilment in order["fulfillments"] or ():
        if fulfilment["state"] != "Cancelled":
            sent += counts_of(fulfilment)
    cancelled, notes = [], []
    for line in order["lines"]:
        quantity = lines.get(line["id"], 0)
        is_split = 0 < sent[line["id"]] < line["quantity"]
        taken = 0 if is_split else min(quantity, line["quantity"])
        if taken:
            cancelled.append({"orderLineId": line["id"], "quantity": taken})
        if taken < quantity:
            why = "only a part of it was sent in the shop" if is_split else "it was cancelled in the shop before"
            notes.append(f"The stock of {line['productVariant']['sku']} was not raised by {quantity - taken}: {why}.")
    if not cancelled:
        return notes
    change = {"orderId": order["id"], "lines": cancelled, "reason": reason, "cancelShipping": False}
    try:
        client.mutate(documents.CANCEL_LINES, input=change)
    except DataError as error:
        notes.append(f"The shop refused to raise the stock ({error.detail}).")
    return notes


def _settle(client: VendureClient, ours: list[JSON], key: str) -> list[str]:
    for one in ours:
        if one["state"] == "Pending":
            try:
                client.mutate(documents.SETTLE_REFUND, input={"id": one["id"], "transactionId": key})
            except DataError as error:
                return [f"The shop refused to settle the refund ({error.detail})."]
    return []
