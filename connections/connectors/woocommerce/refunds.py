"""Writing down in the shop what the buyer got back, once.

The marketplace paid, so no payment gateway of the shop is asked. WooCommerce saves a refund with its reason,
then raises the stock and sets the order's status, and saves metas last (its source: `wc_create_refund` and the
controller of order refunds). So our reference stands in the reason, where it is found however early the
script was stopped, and as a meta, which says that nothing is missing.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import ContractError
from ..types import JSON, Done, RefundData
from .client import Client
from .reading import meta, rows_of, text_of
from .refunded import REFUND, carries, mark
from .shares import Share, amount_of, shares_of

WITHOUT_LINES = "The shop refunded the amount alone, as old WooCommerce does: its stock was not raised."
STOPPED = "The shop was stopped while it wrote the refund down: check whether its stock was raised."


def refund(client: Client, order_id: str, refund: RefundData, *, key: str) -> Done:
    order = client.order(order_id)
    earlier = client.refunds(order_id) if rows_of(order, "refunds") else []
    for row in earlier:
        if carries(row, key):
            return _done(row, refund)
    shares = shares_of(order, earlier, refund.items)
    made = client.create_refund(order_id, _body(order, earlier, shares, refund, key))
    if not text_of(made, "id"):  # it may well have been made
        raise ContractError("The shop's answer to a new refund has no id.")
    notes = [] if rows_of(made, "line_items") else [WITHOUT_LINES]
    return Done(text_of(made, "id"), notes=notes)


def find(client: Client, order_id: str, refund: RefundData, *, key: str) -> Done | None:
    """The order comes first: of one that is gone, the shop answers an empty list of refunds."""
    if rows_of(client.order(order_id), "refunds"):
        for row in client.refunds(order_id):
            if carries(row, key):
                return _done(row, refund)
    return None


def _done(row: JSON, refund: RefundData) -> Done:
    """One that was stopped half-way cannot be gone on with: there is no changing a refund."""
    is_stopped = refund.restocks and meta(row, REFUND) is None
    return Done(text_of(row, "id"), notes=[STOPPED] if is_stopped else [])


def _body(order: JSON, earlier: Sequence[JSON], shares: Sequence[Share], refund: RefundData, key: str) -> JSON:
    return {
        "amount": f"{amount_of(order, earlier, shares):f}",
        "reason": f"{refund.reason} {mark(key)}".strip(),
        "api_refund": False,
        "api_restock": refund.restocks,
        "line_items": [
            {
                "id": share.line_id,
                "quantity": share.worth.pieces,
                "refund_total": share.worth.net,
                "refund_tax": [{"id": rate, "refund_total": tax} for rate, tax in share.worth.taxes.items()],
            }
            for share in shares
        ],
        "meta_data": [{"key": REFUND, "value": key}],
    }
