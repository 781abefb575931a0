"""What the shop paid back, by whomever. Pure.

Source: WooCommerce REST API v3, "Order refunds".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from ..types import JSON, ParcelItem, SeenRefund
from .reading import line_ref, meta, moment, pieces, required, rows_of, text_of

REFUND = "_channable_refund"  # meta of a refund: our key
REFUNDED_LINE = "_refunded_item_id"  # meta of a line of a refund: the line of the order that it is about
MARK = re.compile(r"\[Reference: .+\]\Z")


def mark(key: str) -> str:
    """What a reason of ours ends with."""
    return f"[Reference: {key}]"


def carries(refund: JSON, key: str) -> bool:
    """Whether this is the refund that we made with `key`."""
    return meta(refund, REFUND) == key or text_of(refund, "reason").endswith(mark(key))


def is_ours(refund: JSON) -> bool:
    return bool(meta(refund, REFUND)) or MARK.search(text_of(refund, "reason")) is not None


def is_return(refunds: list[JSON]) -> bool:
    """Whether it was a refund of ours that paid the last of an order back: the newest is what set the status
    to "refunded". Then the goods came back by the marketplace; nobody called the order off in the shop."""
    return bool(refunds) and is_ours(max(refunds, key=_number))


def _number(refund: JSON) -> int:
    """Ids count up in both order storages."""
    text = text_of(refund, "id")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else 0


def seen(refunds: list[JSON], order: JSON) -> Iterator[SeenRefund]:
    """Those that name pieces; an amount alone says nothing of goods."""
    lines = {text_of(line, "id"): line for line in rows_of(order, "line_items")}
    for refund in refunds:
        items = list(_items(refund, lines))
        if items:
            field = "refunds[].date_created_gmt"
            yield SeenRefund(
                ref=required(refund, "id", "refunds[].id"),
                items=items,
                made_at=moment(required(refund, "date_created_gmt", field), field),
                reason=text_of(refund, "reason"),
                is_ours=is_ours(refund),
            )


def _items(refund: JSON, lines: Mapping[str, JSON]) -> Iterator[ParcelItem]:
    counts: Counter[str] = Counter()
    for row in rows_of(refund, "line_items"):
        # A line that was deleted since is named as the refund itself names it.
        line = lines.get(str(meta(row, REFUNDED_LINE)), row)
        counts[line_ref(line)] += pieces(row, "quantity", "refunds[].line_items[].quantity")
    for ref, quantity in counts.items():
        if ref and quantity:
            yield ParcelItem(ref, quantity)
