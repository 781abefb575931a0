"""What the shop paid back, by whomever. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from ..types import JSON, ParcelItem, SeenRefund
from .reading import known, list_of, moment, pieces, text, words

MARK = re.compile(r"\[Reference: (.+)\]\Z")
# States of the default refund process (3.7), and whether money was paid back, or is to be.
IS_REFUND = {"Pending": True, "Settled": True, "Failed": False}
AT_ONCE = timedelta(minutes=1)


def mark(key: str) -> str:
    """What a reason of ours ends with."""
    return f"[Reference: {key}]"


def key_of(refund: JSON) -> str:
    """Our reference, "" in a person's refund."""
    found = MARK.search(words(refund, "reason"))
    return found[1] if found else ""


def with_lines(payments: Sequence[JSON]) -> list[JSON]:
    """The refunds that name lines, each once: one that is drawn from several payments is as many refunds, and
    may name its lines with each."""
    found: list[tuple[int, JSON]] = []
    for number, payment in enumerate(payments):
        for refund in list_of(payment, "refunds"):
            is_refund = known(IS_REFUND, text(refund, "state"), "payments.refunds.state")
            is_told = any(number != other and _are_one(refund, one) for other, one in found)
            if is_refund and list_of(refund, "lines") and not is_told:
                found.append((number, refund))
    return [refund for _, refund in found]


def _are_one(refund: JSON, other: JSON) -> bool:
    if words(refund, "reason") != words(other, "reason") or counts_of(refund) != counts_of(other):
        return False
    made, earlier = (moment(one.get("createdAt"), "payments.refunds.createdAt") for one in (refund, other))
    return bool(key_of(refund)) or abs(made - earlier) <= AT_ONCE


def counts_of(refund: JSON) -> Counter[str]:
    """Pieces by the id of the order's line."""
    counts: Counter[str] = Counter()
    for line in list_of(refund, "lines"):
        counts[text(line, "orderLineId")] += pieces(line)
    return counts


def seen(order: JSON, skus: Mapping[str, str]) -> Iterator[SeenRefund]:
    """`skus` by the id of the order's line. An amount alone says nothing of goods."""
    for refund in with_lines(list_of(order, "payments")):
        field = "payments.refunds.lines.orderLineId"
        items = [
            ParcelItem(known(skus, line, field), quantity) for line, quantity in counts_of(refund).items() if quantity
        ]
        if items:
            yield SeenRefund(
                ref=text(refund, "id"),
                items=items,
                made_at=moment(refund.get("createdAt"), "payments.refunds.createdAt"),
                reason=words(refund, "reason"),
                is_ours=bool(key_of(refund)),
            )


def came_back(order: JSON) -> bool:
    """Whether refunds of ours are for every piece of the order: then taking them back into stock emptied it, and
    nobody called it off."""
    counts: Counter[str] = Counter()
    for refund in with_lines(list_of(order, "payments")):
        if key_of(refund):
            counts += counts_of(refund)
    lines = list_of(order, "lines")
    return bool(counts) and all(pieces(line, "orderPlacedQuantity") <= counts[text(line, "id")] for line in lines)
