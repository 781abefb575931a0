"""Telling the shop's staff about an order: a private note, and a hold that can be taken back.

The note comes last, so that where it stands everything was done; the hold may be set again.
"""

from __future__ import annotations

from ..errors import ContractError
from ..steps import later_calls
from ..types import JSON, Done, NoticeData, ShopState
from . import mapping
from .client import Client
from .reading import meta, text_of

ON_HOLD = "on-hold"  # keeps the stock that "processing" took
HELD = "_channable_held"  # meta of an order that we hold: the status it had


def tell(client: Client, order_id: str, notice: NoticeData, *, key: str, meaning: mapping.Meaning) -> Done:
    change = _change(client.order(order_id), notice, meaning)
    if change:
        client.update_order(order_id, change)
    with later_calls():
        made = client.create_note(order_id, f"{notice.text} {_mark(key)}")
    note_id = text_of(made, "id")
    if not note_id:  # it may well have been made
        raise ContractError("The shop's answer to a new note has no id.")
    return Done(note_id)


def find(client: Client, order_id: str, *, key: str) -> Done | None:
    for note in client.notes(order_id):
        if _mark(key) in text_of(note, "note"):
            return Done(text_of(note, "id"))
    return None


def _mark(key: str) -> str:
    return f"[{key}]"


def _change(order: JSON, notice: NoticeData, meaning: mapping.Meaning) -> JSON:
    """What to change of the order; {} where nothing is to be changed, or a person changed it meanwhile."""
    status = text_of(order, "status").removeprefix("wc-")
    held = meta(order, HELD)
    may_hold = all(mapping.state_of(one, order, meaning) is ShopState.OPEN for one in (status, ON_HOLD))
    if notice.holds is True and status != ON_HOLD and may_hold:
        return {"status": ON_HOLD, "meta_data": [{"key": HELD, "value": status}]}
    if notice.holds is False and status == ON_HOLD and held:
        return {"status": str(held), "meta_data": [{"key": HELD, "value": ""}]}
    return {}
