"""What the shop's staff is told of an order, in words. They stand in the shop, so they name the marketplace."""

from __future__ import annotations

from collections import Counter

from orders.models.shipment import NoticeKind
from orders.services.work import Work
from orders.states import PartStatus

CANCELLED = frozenset({PartStatus.CANCELLED, PartStatus.PENDING_CANCELLATION})


def tell_requested(work: Work) -> None:
    text = f"The buyer asks {_name(work)} to cancel this order. Cancel it to accept, or ship it as usual."
    work.tell_shop(NoticeKind.REQUESTED, text)


def tell_withdrawn(work: Work) -> None:
    work.tell_shop(NoticeKind.WITHDRAWN, "The buyer no longer asks to cancel this order. Ship it as usual.")


def tell_not_cancelled(work: Work) -> None:
    work.tell_shop(NoticeKind.NOT_CANCELLED, f"{_name(work)} refused the cancellation. Ship this order as usual.")


def tell_cancelled(work: Work, quantities: Counter[int]) -> None:
    """So much of these items won't be wanted any more, or nothing of the whole order."""
    if all(part.status in CANCELLED for part in work.parts if part.quantity):
        text = f"Cancelled at {_name(work)}: do not ship this order. Cancel it here to get its stock back."
        work.tell_shop(NoticeKind.CANCELLED, text)
        return
    what = ", ".join(f"{quantity} x {work.items[item_id].product_id}" for item_id, quantity in quantities.items())
    work.tell_shop(NoticeKind.PART_CANCELLED, f"Cancelled at {_name(work)}: do not ship {what}.")


def cancelled_quantities(work: Work) -> Counter[int]:
    """By item, what is cancelled or about to be."""
    found: Counter[int] = Counter()
    for part in work.parts:
        if part.status in CANCELLED:
            found[part.item_id] += part.quantity
    return found


def _name(work: Work) -> str:
    return work.marketplace.kind_label
