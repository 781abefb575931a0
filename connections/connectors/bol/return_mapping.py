"""What bol says of a return, in our words. Pure: no network, no clock, nothing changed in `raw`.

An item of a return carries what was done with its pieces (`processingResults`), each with two words: what the seller
or bol's warehouse asked for (`handlingResult`) and what bol made of it (`processingResult`). Money follows only where
both agree: the buyer counts as paid back if a handling that pays was ACCEPTED, and never otherwise.

Neither word is an enumeration in the description "v10 - Retailer API" (10.x, April 2026); they are those of bol's
page "Returns" (v3 to v10), of its news of 6 December 2019, and FAILED_TO_COLLECT_BY_TRANSPORTER as a client met it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..errors import DataError
from ..types import JSON, ReturnData, ReturnVerdict, VerdictData
from . import fields

# What a seller may ask for; STILL_APPROVED, which takes a refusal back, has no verdict of ours.
HANDLINGS: dict[ReturnVerdict, str] = {
    ReturnVerdict.ACCEPTED: "RETURN_RECEIVED",
    ReturnVerdict.REJECTED: "RETURN_DOES_NOT_MEET_CONDITIONS",
    ReturnVerdict.REPAIRED: "REPAIR_PRODUCT",
    ReturnVerdict.KEEPS: "CUSTOMER_KEEPS_PRODUCT_PAID",
    ReturnVerdict.EXCHANGED: "EXCHANGE_PRODUCT",
}
VERDICTS: dict[str, ReturnVerdict | None] = {
    **{handling: verdict for verdict, handling in HANDLINGS.items()},
    "STILL_APPROVED": ReturnVerdict.ACCEPTED,  # after it was refused, exchanged or to be repaired
    "STILL_RECEIVED": ReturnVerdict.ACCEPTED,  # after it was reported lost
    "CUSTOMER_KEEPS_PRODUCT_FREE_OF_CHARGE": ReturnVerdict.KEEPS,
    "RETURN_ITEM_LOST": ReturnVerdict.KEEPS,  # paid back, and nothing comes back into stock
    "EXCESSIVE_RETURN": ReturnVerdict.REJECTED,  # pieces beyond those that were ordered
    "EXPIRED": ReturnVerdict.CANCELLED,  # not sent back in time
    "CANCELLED_BY_CUSTOMER": ReturnVerdict.CANCELLED,
    "FAILED_TO_CREATE_SHIPPING_LABEL": ReturnVerdict.CANCELLED,
    "FAILED_TO_COLLECT_BY_TRANSPORTER": ReturnVerdict.CANCELLED,
}
PROCESSINGS = {name: name for name in ("ACCEPTED", "REJECTED", "CANCELLED", "PENDING")}
# These are said of pieces about which something else was said before, which is void then.
SECOND_WORDS = ("STILL_APPROVED", "STILL_RECEIVED")
BEYOND = "EXCESSIVE_RETURN"
EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Result:
    """One element of `processingResults`. `verdict` None: bol has not made up its mind."""

    verdict: ReturnVerdict | None
    pieces: int
    handling: str
    at: datetime


def parse_returns(raw: JSON) -> Sequence[ReturnData]:
    """Turn an element of "Get returns", or the answer of "Get a return by return id", into its lines.

    Title, tracking code and transporter are in the single answer alone.
    """
    if not isinstance(raw, dict):
        raise DataError("the return is not an object", field="return")
    return_id = fields.text(raw, "returnId", is_required=True)
    registered_at = fields.moment(raw, "registrationDateTime")
    if registered_at is None:
        fields.refuse("registrationDateTime", "missing")
    items = fields.blocks(raw, "returnItems")
    if not items:
        fields.refuse("returnItems", "missing")
    return [_line(item, f"returnItems[{position}].", return_id, registered_at) for position, item in enumerate(items)]


def _line(item: JSON, path: str, return_id: str, registered_at: datetime) -> ReturnData:
    reason, reason_path = fields.block(item, "returnReason", path), f"{path}returnReason."
    words = [fields.text(reason, name, reason_path) for name in ("mainReason", "detailedReason")]
    results = _results(item, path)
    quantity = _quantity(item, path, results)
    return ReturnData(
        external_id=fields.text(item, "rmaId", path, is_required=True),
        return_id=return_id,
        order_ref=fields.text(item, "orderId", path, is_required=True),
        quantity=quantity,
        registered_at=registered_at,
        ean=fields.text(item, "ean", path),
        title=fields.text(item, "title", path),
        reason=" - ".join(dict.fromkeys(word for word in words if word)),  # bol often says the same twice
        comment=fields.text(reason, "customerComments", reason_path),
        tracking_code=fields.text(item, "trackAndTrace", path),
        transporter=fields.text(item, "transporterName", path),
        verdicts=_verdicts(results, quantity, is_handled=fields.flag(item, "handled", path)),
    )


def _results(item: JSON, path: str) -> list[Result]:
    found = []
    for position, raw in enumerate(fields.blocks(item, "processingResults", path)):
        place = f"{path}processingResults[{position}]."
        verdict, handling = _verdict(raw, place), fields.text(raw, "handlingResult", place)
        at = fields.moment(raw, "processingDateTime", place) or EARLIEST
        found.append(Result(verdict, fields.count(raw, "quantity", place), handling, at))
    return found


def _verdict(raw: JSON, path: str) -> ReturnVerdict | None:
    said = fields.choice(raw, "processingResult", PROCESSINGS, path, default="")
    asked = fields.choice(raw, "handlingResult", VERDICTS, path, default=None)
    if not said:
        fields.refuse(f"{path}processingResult", "missing")
    if said == "PENDING":
        return None
    if said == "CANCELLED":
        return ReturnVerdict.CANCELLED
    if asked is None:
        fields.refuse(f"{path}handlingResult", "missing")
    return ReturnVerdict.REJECTED if said == "REJECTED" and asked.refunds_buyer else asked


def _quantity(item: JSON, path: str, results: Sequence[Result]) -> int:
    """As many as were expected, or as came back if that is more."""
    expected = fields.count(item, "expectedQuantity", path, minimum=1)
    return max([expected, *(one.pieces for one in results if one.handling != BEYOND)])


def _verdicts(results: Sequence[Result], quantity: int, *, is_handled: bool) -> list[VerdictData]:
    """What stands, for `quantity` pieces at most: a result may be changed later, so the newest counts first
    (of one moment the last).

    Handled, with less than was expected: the rest does not come back. Handled, and nothing said yet: bol is at it,
    and nothing is decided that anybody could name.
    """
    found: Counter[ReturnVerdict] = Counter()
    left, void = quantity, 0
    for one in sorted(results, key=lambda one: (one.handling != BEYOND, one.at))[::-1]:
        if one.handling in SECOND_WORDS:
            if one.verdict is None:
                continue  # until bol has made up its mind the first word stands
            pieces, void = one.pieces, void + one.pieces
        else:
            pieces = max(one.pieces - void, 0)
            void = max(void - one.pieces, 0)
        pieces = min(pieces, left)
        left -= pieces
        if one.verdict is not None:
            found[one.verdict] += pieces
    if is_handled and results:
        found[ReturnVerdict.CANCELLED] += left
    return [VerdictData(verdict, pieces) for verdict, pieces in found.items() if pieces]


def handled_pieces(raw: JSON, rma_id: str) -> tuple[int, int]:
    """(pieces of the item, pieces that are handled or on their way to be). Raises DataError."""
    for line in parse_returns(raw):
        if line.external_id == rma_id:
            break
    else:
        raise DataError(f"the return has no item {rma_id[:40]}", field="returnItems")
    item = next(one for one in raw["returnItems"] if fields.text(one, "rmaId") == rma_id)
    if item.get("handled"):
        return line.quantity, line.quantity
    pending = sum(one.pieces for one in _results(item, "") if one.verdict is None)
    return line.quantity, min(sum(one.quantity for one in line.verdicts) + pending, line.quantity)


def decision_body(verdict: ReturnVerdict, quantity: int) -> dict[str, Any]:
    """The body of "Handle a return by rma id"."""
    return {"handlingResult": HANDLINGS[verdict], "quantityReturned": quantity}
