"""What a WooCommerce order says, in our words. Pure.

Source: WooCommerce REST API v3 (orders, order fulfillments), the Shipment Tracking extension's API, and
what was measured on WooCommerce 11.0.1; see README.md.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from ..errors import DataError
from ..types import JSON, OrderUpdate, ParcelData, ParcelItem, ShopState
from .reading import LONGEST_QUANTITY, line_ref, meta, moment, required, rows_of, text_of
from .refunded import is_return, seen

REFERENCE = "_channable_reference"  # meta of an order: our key
FULFILLMENT_STATUS = "_fulfillment_status"
TRACKING_ITEMS = "_wc_shipment_tracking_items"  # where Shipment Tracking and AST both keep theirs

COMPLETED = frozenset({"completed"})
# "failed" is a payment that did not succeed; the shop ships neither of these. Of "refunded", see state_of.
CANCELLED = frozenset({"cancelled", "refunded", "failed", "trash"})

UNPAID = frozenset({"pending", "checkout-draft", "auto-draft"})


@dataclass(frozen=True, slots=True)
class Meaning:
    """How one shop uses its statuses and metas, from the connection's settings."""

    completed: Collection[str] = COMPLETED
    cancelled: Collection[str] = CANCELLED
    tracking_keys: Sequence[str] = ()


def words(text: str) -> list[str]:
    """A setting that lists things: separated by commas or blanks, "wc-" before a status left out."""
    return [word.removeprefix("wc-") for word in text.replace(",", " ").split()]


def meaning_of(completed: str, cancelled: str, tracking_keys: str) -> Meaning:
    """The shop's own statuses come on top of WooCommerce's; one may be moved to the other side."""
    own_completed, own_cancelled = frozenset(words(completed)), frozenset(words(cancelled))
    return Meaning(
        completed=(COMPLETED - own_cancelled) | own_completed,
        cancelled=(CANCELLED - own_completed) | own_cancelled,
        tracking_keys=[key.strip() for key in tracking_keys.split(",") if key.strip()],
    )


def carries(order: JSON, key: str) -> bool:
    """Whether this order is the one we made with `key`. Exact: searches of the shop find parts too."""
    return bool(key) and key in {meta(order, REFERENCE), text_of(order, "transaction_id")}


def has_every_product(order: JSON) -> bool:
    """WooCommerce takes a line of an unknown product without a word, as product 0 for 0.00 (measured)."""
    lines = rows_of(order, "line_items")
    return bool(lines) and all(text_of(line, "product_id") not in {"", "0"} for line in lines)


def is_whole(order: JSON) -> bool:
    """Whether nothing is missing of an order that we made: its products and its payment. WooCommerce
    saves the order, then pays it; a script that its host stopped in between leaves it unpaid."""
    is_unpaid = text_of(order, "status") in UNPAID and not order.get("date_paid_gmt")
    return has_every_product(order) and not is_unpaid


def version_of(row: JSON, meaning: Meaning) -> str:
    """A digest of what can change of an order, from its row in the list."""
    keys = (TRACKING_ITEMS, FULFILLMENT_STATUS, *meaning.tracking_keys)
    facts = [text_of(row, "status"), text_of(row, "date_modified_gmt"), *(meta(row, key) for key in keys)]
    facts += [text_of(refund, "id") for refund in rows_of(row, "refunds")]
    return hashlib.sha256(json.dumps(facts, default=str, sort_keys=True).encode()).hexdigest()[:32]


# -- the update -----------------------------------------------------------------------------------
def parse_update(raw: JSON, meaning: Meaning) -> OrderUpdate:
    """Turn {"order", "fulfillments", "trackings", "refunds"}, as put together by `fetch_one`, into an OrderUpdate.

    Statuses that plugins add mean open unless the settings say otherwise: shops invent them freely
    ("packing", "wc-awaiting-pickup"), and most are stops on the way.
    Raises DataError naming the missing or unreadable field.
    """
    order = raw.get("order") if isinstance(raw, dict) else None
    if not isinstance(order, dict):
        raise DataError("The shop's answer holds no order.", field="order")
    status = required(order, "status", "status").removeprefix("wc-")
    parcels, refunds = list(_parcels(raw, order, meaning)), rows_of(raw, "refunds")
    return OrderUpdate(
        external_id=required(order, "id", "id"),
        state=state_of(status, order, meaning, has_parcels=bool(parcels), came_back=is_return(refunds)),
        updated_at=moment(required(order, "date_modified_gmt", "date_modified_gmt"), "date_modified_gmt"),
        status_text=status,
        number=text_of(order, "number"),
        reference=str(meta(order, REFERENCE) or text_of(order, "transaction_id")),
        parcels=parcels,
        refunds=list(seen(refunds, order)),
    )


def state_of(
    status: str, order: JSON, meaning: Meaning, *, has_parcels: bool = False, came_back: bool = False
) -> ShopState:
    """ "refunded" is set when the whole amount was paid back, before shipping (a cancellation) or after
    (a return): the date of completion and the parcels tell which. Where a refund of ours set it, the order
    `came_back`, and that says nothing new of what was sent: some are never completed in the shop."""
    if status in meaning.completed:
        return ShopState.COMPLETED
    if status == "refunded" and status in meaning.cancelled:
        if order.get("date_completed_gmt") or has_parcels:
            return ShopState.COMPLETED
        return ShopState.OPEN if came_back else ShopState.CANCELLED
    return ShopState.CANCELLED if status in meaning.cancelled else ShopState.OPEN


def _parcels(raw: JSON, order: JSON, meaning: Meaning) -> Iterator[ParcelData]:
    """From the first source that has any: plugins copy each other's codes, which would double them."""
    for source in (
        [_fulfilment(row, order) for row in rows_of(raw, "fulfillments") if _is_sent(row)],
        _distinct(_tracking(row, order) for row in rows_of(raw, "trackings")),
        _distinct(_tracking(row, order) for row in rows_of({"rows": meta(order, TRACKING_ITEMS)}, "rows")),
        _distinct(_plain_code(order, key) for key in meaning.tracking_keys),
    ):
        if source:
            yield from source
            return


def _distinct(parcels: Iterable[ParcelData | None]) -> list[ParcelData]:
    """One parcel per code: a code that was entered twice is still one parcel."""
    found: dict[str, ParcelData] = {}
    for parcel in parcels:
        if parcel is not None:
            found.setdefault(parcel.tracking_code, parcel)
    return list(found.values())


def _is_sent(row: JSON) -> bool:
    return row.get("is_fulfilled") is True and not row.get("date_deleted")


def _fulfilment(row: JSON, order: JSON) -> ParcelData:
    """One element of /orders/{id}/fulfillments; each names its items, so a part of the order can go."""
    updated = text_of(row, "date_updated")
    return ParcelData(
        ref=f"fulfillment-{required(row, 'id', 'fulfillments[].id')}",
        tracking_code=str(meta(row, "_tracking_number") or ""),
        transporter=str(meta(row, "_shipment_provider") or ""),
        tracking_url=str(meta(row, "_tracking_url") or ""),
        items=_items(meta(row, "_items"), order),
        shipped_at=moment(updated, "fulfillments[].date_updated") if updated else None,
    )


def _items(entries: JSON, order: JSON) -> list[ParcelItem] | None:
    if entries is None:
        return None
    field = "fulfillments[].meta_data._items"
    lines = {text_of(line, "id"): line for line in rows_of(order, "line_items")}
    items = []
    for entry in rows_of({"entries": entries}, "entries"):
        line, quantity = lines.get(text_of(entry, "item_id")), text_of(entry, "qty")
        if line is None or not quantity.isdecimal() or len(quantity) > LONGEST_QUANTITY:
            raise DataError("A fulfilment of the shop names what the order does not have.", field=field)
        items.append(ParcelItem(line_ref=line_ref(line), quantity=int(quantity)))
    return items


def _tracking(row: JSON, order: JSON) -> ParcelData | None:
    """One parcel of Shipment Tracking or AST, from its API or its meta.

    It names no items: whatever is open. `date_shipped` is a day of the shop's zone, so the moment of
    completion stands for it.
    """
    code = text_of(row, "tracking_number")
    if not code:
        return None
    return ParcelData(
        ref=f"tracking-{text_of(row, 'tracking_id') or code}",
        tracking_code=code,
        transporter=text_of(row, "tracking_provider") or text_of(row, "custom_tracking_provider"),
        tracking_url=text_of(row, "tracking_link") or text_of(row, "custom_tracking_link"),
        shipped_at=_completed_at(order),
    )


def _plain_code(order: JSON, key: str) -> ParcelData | None:
    """A code that another plugin keeps in a meta of its own, named in the settings."""
    code = meta(order, key)
    if not isinstance(code, str) or not code.strip():
        return None
    return ParcelData(ref=f"meta-{key}", tracking_code=code.strip(), shipped_at=_completed_at(order))


def _completed_at(order: JSON) -> datetime | None:
    text = text_of(order, "date_completed_gmt")
    return moment(text, "date_completed_gmt") if text else None
