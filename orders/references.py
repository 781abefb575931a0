"""Our references at the remotes, made of the marketplace's own facts and nothing else.

Never of our ids: after a restored backup ids are given again, and a reference made of them would
adopt another customer's order.
"""

from __future__ import annotations

import hashlib

LONGEST = 90


def order_reference(kind: str, account_id: str, external_id: str) -> str:
    account = hashlib.sha256(account_id.encode()).hexdigest()[:12]
    reference = f"{kind}-{account}-{external_id}"
    if len(reference) <= LONGEST - 5 and reference.isascii() and reference.isprintable() and " " not in reference:
        return reference
    return f"{kind}-{account}-{hashlib.sha256(external_id.encode()).hexdigest()[:32]}"


def shipment_reference(reference: str, number: int) -> str:
    return f"{reference}-s{number}"


def notice_reference(reference: str, number: int) -> str:
    return f"{reference}-n{number}"


def cancellation_reference(reference: str, number: int) -> str:
    return f"{reference}-c{number}"


def return_reference(reference: str, number: int) -> str:
    """Of a decision about a return; its refund in the shop has the same."""
    return f"{reference}-r{number}"


def attachment_reference(reference: str, number: int) -> str:
    return f"{reference}-i{number}"
