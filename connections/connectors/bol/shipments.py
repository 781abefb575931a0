"""Finding a shipment that an earlier call may have made.

The list of shipments carries our reference but may lag; process statuses are there at once but carry
no reference, only the first item. Two parcels of one item look alike there, so a ticket taken from
them is good only once the list confirms it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from ..errors import ContractError, DataError
from ..types import JSON, Done, Outcome, OutcomeState, Pending, Receipt, ShipmentData
from . import fields, mapping
from .client import BolClient
from .processes import CHECK, statuses_of

PAGE_SIZE = 50
MOST_PAGES = 200  # of one order's shipments
OVERLAP = timedelta(minutes=10)  # clocks differ, lists lag
LISTED_AFTER = timedelta(seconds=60)


def find(client: BolClient, order_id: str, shipment: ShipmentData, *, key: str, since: datetime) -> Receipt | None:
    """Done if listed, Pending if it may be on its way, None if it is surely absent."""
    reference, item_id = key[: mapping.LONGEST_REFERENCE], shipment.items[0].item_id
    others = 0
    for one in of_order(client, order_id):
        if one.get("shipmentReference") == reference:
            return Done(str(one.get("shipmentId", "")))
        others += mapping.holds(one, item_id) and is_since(one, "shipmentDateTime", since)
    status = _unlisted(client, item_id, others, since)
    return Pending(CHECK.join((str(status["processStatusId"]), order_id, reference))) if status else None


def checked(client: BolClient, outcome: Outcome, status: JSON) -> Outcome:
    """What the process status of a ticket with CHECK says of our own shipment.

    GONE (read the truth again) if it turned out to be another parcel's.
    """
    _, order_id, reference = outcome.ticket.split(CHECK, 2)
    if outcome.state is OutcomeState.REFUSED:
        return Outcome(outcome.ticket, OutcomeState.GONE)
    if outcome.state is not OutcomeState.DONE:
        return outcome
    for one in of_order(client, order_id):
        if one.get("shipmentReference") == reference:
            return Outcome(outcome.ticket, OutcomeState.DONE, remote_id=str(one.get("shipmentId", "")))
    return Outcome(outcome.ticket, OutcomeState.PENDING if is_young(status) else OutcomeState.GONE)


def is_since(raw: JSON, name: str, since: datetime) -> bool:
    """With room for clocks that differ."""
    at = _moment(raw, name)
    return at is not None and at >= since - OVERLAP


def _moment(raw: JSON, name: str) -> datetime | None:
    """A look-up that can't be read says nothing of our shipment, least of all that it was refused."""
    try:
        return fields.moment(raw, name)
    except DataError as error:
        raise ContractError(error.detail) from None


def _unlisted(client: BolClient, item_id: str, listed: int, since: datetime) -> JSON | None:
    """The newest write for this item that may be missing in the list, of which `listed` are others'."""
    statuses = statuses_of(client, item_id, "CREATE_SHIPMENT")
    recent = [one for one in statuses if is_since(one, "createTimestamp", since)]
    pending = [one for one in recent if one.get("status") == "PENDING"]
    done = [one for one in recent if one.get("status") == "SUCCESS"]
    missing = done if len(done) > listed and is_young(done[0]) else []
    return next(iter([*pending, *missing]), None)


def is_young(status: JSON) -> bool:
    made_at = _moment(status, "createTimestamp")
    return made_at is not None and datetime.now(UTC) - made_at < LISTED_AFTER


def of_order(client: BolClient, order_id: str) -> Iterator[JSON]:
    """Elements of the list of shipments, the newest first."""
    for page in range(1, MOST_PAGES):
        answer = client.get_shipments(order_id, page)
        shipments = answer.get("shipments", []) if isinstance(answer, dict) else None
        if not isinstance(shipments, list) or not all(isinstance(one, dict) for one in shipments):
            raise ContractError("a list of shipments that is no list of objects")
        yield from shipments
        if len(shipments) < PAGE_SIZE:
            return
