"""Returns: what bol lists, what it says was decided, and telling it what the seller decides.

A return has items, each with an rmaId of its own; decisions are about those. What the seller has to decide about
is listed as not handled, in every read; what is handled leaves that list. Goods in bol's warehouse are handled
by bol itself. Source: "v10 - Retailer API", Returns, and bol's page "Returns" on what they mean.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from ..errors import ContractError, DataError
from ..types import (
    JSON,
    Done,
    Outcome,
    OutcomeState,
    Page,
    Pending,
    Receipt,
    Record,
    ReturnData,
    ReturnDecisionData,
    ReturnVerdict,
    VerdictData,
)
from . import fields
from .client import BolClient
from .processes import CHECK, statuses_of, ticket_of
from .shipments import is_since, is_young

EVENT = "HANDLE_RETURN_ITEM"
PAGE_SIZE = 50
MOST_PAGES = 200
# Handled ones are listed newest first, by a date that bol does not name; so far behind the last read they are read.
LOOK_BACK = timedelta(days=14)
HISTORY = timedelta(days=90)  # of a first read
STEP = timedelta(days=1)  # the cursor moves so seldom that idle reads write nothing

RESULTS = {
    ReturnVerdict.ACCEPTED: "RETURN_RECEIVED",
    ReturnVerdict.REJECTED: "RETURN_DOES_NOT_MEET_CONDITIONS",
    ReturnVerdict.REPAIRED: "REPAIR_PRODUCT",
    ReturnVerdict.EXCHANGED: "EXCHANGE_PRODUCT",
    ReturnVerdict.KEEPS: "CUSTOMER_KEEPS_PRODUCT_PAID",
}
# Besides those that a seller may ask for: one that bol approved in the end, and what its own warehouse says.
VERDICTS = {result: verdict for verdict, result in RESULTS.items()} | {
    "STILL_APPROVED": ReturnVerdict.ACCEPTED,
    "STILL_RECEIVED": ReturnVerdict.ACCEPTED,
    "RETURN_ITEM_LOST": ReturnVerdict.ACCEPTED,
    "CUSTOMER_KEEPS_PRODUCT_FREE_OF_CHARGE": ReturnVerdict.KEEPS,
    "EXPIRED": ReturnVerdict.CANCELLED,
    "CANCELLED_BY_CUSTOMER": ReturnVerdict.CANCELLED,
    "FAILED_TO_CREATE_SHIPPING_LABEL": ReturnVerdict.CANCELLED,
    "EXCESSIVE_RETURN": ReturnVerdict.REJECTED,
}


# -- reading --------------------------------------------------------------------------------------


def read_open(client: BolClient) -> Iterator[Page]:
    """All that the seller has to decide about. It needs no cursor: what is open is listed."""
    for page in range(1, MOST_PAGES):
        rows = _listed(client.get_returns(page=page, handled="false", **{"fulfilment-method": "FBR"}))
        yield Page([record_of(row) for row in rows], "")
        if len(rows) < PAGE_SIZE:
            return
    raise ContractError(f"more than {MOST_PAGES} pages of returns")


def read_settled(client: BolClient, cursor: str) -> Iterator[Page]:
    """What bol's own warehouse dealt with, from well before the last read on."""
    now = datetime.now(UTC)
    since = datetime.fromisoformat(cursor) if cursor else now - HISTORY
    following = cursor if cursor and now - since < STEP else now.isoformat()
    for page in range(1, MOST_PAGES):
        rows = _listed(client.get_returns(page=page, handled="true", **{"fulfilment-method": "FBB"}))
        is_last = len(rows) < PAGE_SIZE or all(_is_before(row, since - LOOK_BACK) for row in rows)
        yield Page([record_of(row) for row in rows], following if is_last else cursor)
        if is_last:
            return
    raise ContractError(f"more than {MOST_PAGES} pages of returns")


def _listed(answer: JSON) -> list[JSON]:
    """The elements of `returns`; an empty list may come as an object without it."""
    rows = answer.get("returns", []) if isinstance(answer, dict) else None
    if not isinstance(rows, list):
        raise ContractError("a list of returns that is no list")
    return rows


def _is_before(row: JSON, moment: datetime) -> bool:
    """What has no readable date is not old: it is read and tells what is wrong."""
    try:
        at = fields.moment(row, "registrationDateTime") if isinstance(row, dict) else None
    except DataError:
        return False
    return at is not None and at < moment


def record_of(row: JSON) -> Record:
    """The element of a list is whole but for title and tracking code, which aren't worth a call for each."""
    return_id = row.get("returnId") if isinstance(row, dict) else None
    digest = hashlib.sha256(json.dumps(row, default=str, sort_keys=True).encode()).hexdigest()[:32]
    if not isinstance(return_id, str | int) or isinstance(return_id, bool) or not str(return_id).strip():
        return Record(f"unreadable-{digest}", raw=row or {})
    return Record(str(return_id).strip(), version=digest, raw=row)


def parse_returns(raw: JSON) -> list[ReturnData]:
    """Raises DataError naming the field."""
    if not isinstance(raw, dict):
        raise DataError("a return that is no object")
    return_id = fields.text(raw, "returnId", is_required=True)
    registered_at = fields.moment(raw, "registrationDateTime")
    if registered_at is None:
        fields.refuse("registrationDateTime", "missing")
    items = fields.blocks(raw, "returnItems")
    return [_line(item, return_id, registered_at, f"returnItems[{n}].") for n, item in enumerate(items)]


def _line(item: JSON, return_id: str, registered_at: datetime, path: str) -> ReturnData:
    reason = fields.block(item, "returnReason", path)
    words = [fields.text(reason, name, f"{path}returnReason.") for name in ("mainReason", "detailedReason")]
    quantity = fields.count(item, "expectedQuantity", path, minimum=1)
    return ReturnData(
        external_id=fields.text(item, "rmaId", path, is_required=True),
        return_id=return_id,
        order_ref=fields.text(item, "orderId", path, is_required=True),
        quantity=quantity,
        registered_at=registered_at,
        ean=fields.text(item, "ean", path),
        title=fields.text(item, "title", path),
        reason=" - ".join(word for word in words if word),
        comment=fields.text(reason, "customerComments", f"{path}returnReason."),
        tracking_code=fields.text(item, "trackAndTrace", path),
        transporter=fields.text(item, "transporterName", path),
        verdicts=_verdicts(item, quantity, path),
    )


def _verdicts(item: JSON, quantity: int, path: str) -> list[VerdictData]:
    """What was processed. A return that is handled with less than was expected brings no more."""
    found = []
    for n, result in enumerate(fields.blocks(item, "processingResults", path)):
        where = f"{path}processingResults[{n}]."
        pieces = fields.count(result, "quantity", where)
        verdict = fields.choice(result, "handlingResult", VERDICTS, where, default=ReturnVerdict.ACCEPTED)
        if fields.text(result, "processingResult", where) == "PENDING" or not pieces:
            continue
        found.append(VerdictData(verdict, pieces))
    left = quantity - sum(one.quantity for one in found)
    if fields.flag(item, "handled", path) and found and left > 0:
        found.append(VerdictData(ReturnVerdict.CANCELLED, left))
    return found


# -- deciding -------------------------------------------------------------------------------------


def decide(client: BolClient, decision: ReturnDecisionData) -> Receipt:
    body = {"handlingResult": RESULTS[decision.verdict], "quantityReturned": decision.quantity}
    return Pending(ticket_of(client.handle_return(decision.external_id, body)))


def find(client: BolClient, decision: ReturnDecisionData, *, since: datetime) -> Receipt | None:
    """Done if the return shows it, Pending if a write about this item is on its way; that one may be another
    decision's, so its ticket is good only once the return shows more than before."""
    if _decided(client, decision.return_id, decision.external_id) > decision.decided_before:
        return Done(decision.external_id)
    for status in statuses_of(client, decision.external_id, EVENT):
        if status.get("status") == "PENDING" and is_since(status, "createTimestamp", since):
            before = str(decision.decided_before)
            parts = (str(status["processStatusId"]), decision.return_id, decision.external_id, before)
            return Pending(CHECK.join(parts))
    return None


def is_ticket(ticket: str) -> bool:
    """Whether a ticket with CHECK is about a return."""
    return ticket.count(CHECK) == 3


def checked(client: BolClient, outcome: Outcome, status: JSON) -> Outcome:
    """What the process status of such a ticket says of our own decision."""
    _id, return_id, rma_id, before = outcome.ticket.split(CHECK)
    if outcome.state is OutcomeState.REFUSED:
        return Outcome(outcome.ticket, OutcomeState.GONE)
    if outcome.state is not OutcomeState.DONE:
        return outcome
    if _decided(client, return_id, rma_id) > int(before):
        return Outcome(outcome.ticket, OutcomeState.DONE, remote_id=rma_id)
    return Outcome(outcome.ticket, OutcomeState.PENDING if is_young(status) else OutcomeState.GONE)


def _decided(client: BolClient, return_id: str, rma_id: str) -> int:
    """So many pieces of this item are decided about. A look-up that can't be read says nothing of it."""
    try:
        lines = parse_returns(client.get_return(return_id))
    except DataError as error:
        if error.status == 404:
            return 0
        raise ContractError(error.detail) from None
    return sum(one.quantity for line in lines if line.external_id == rma_id for one in line.verdicts)
