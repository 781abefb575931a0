"""Invoices: bol takes one for each shipment, so an order in two parcels gets it twice, by two calls.

An upload carries no reference of ours. It is found again by the process statuses of its shipment, among those that
are no receipt of another invoice, or by what the buyer's request for an invoice has come to.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from ..errors import ContractError, DataError, TransientError
from ..steps import later_calls
from ..types import JSON, Done, InvoiceData, Pending, Receipt
from . import mapping
from .client import BolClient
from .processes import SEPARATOR, ids_in, statuses_of, ticket_of
from .shipments import is_since, of_order

EVENT = "UPLOAD_INVOICE"
ARRIVED = ("INVOICE_UPLOADED", "FINISHED")  # of a request, by its transitions
REQUESTED = "requested:"  # how a receipt begins that names the shipment, where bol keeps no process status any more


def upload(client: BolClient, order_id: str, invoice: InvoiceData, *, key: str) -> Receipt:
    """Shipments that have it already are passed over, so that what was cut half-way can be finished. Raises DataError
    if there is no shipment yet, or bol refuses the first of them."""
    found = {one: _receipt_of(client, one, invoice, invoice.made_at) for one in _shipments(client, order_id, invoice)}
    for shipment_id in [one for one, receipt in found.items() if not receipt]:
        found[shipment_id] = _sent(client, shipment_id, invoice, key, is_first=not any(found.values()))
    if not found:
        raise DataError("bol has no shipment of these items", code="invoice.refused", field="items")
    return _receipt(list(found.values()))


def find(client: BolClient, order_id: str, invoice: InvoiceData, *, since: datetime) -> Receipt | None:
    """None unless each of the shipments has it."""
    receipts = [_receipt_of(client, one, invoice, since) for one in _shipments(client, order_id, invoice)]
    return _receipt(receipts) if receipts and all(receipts) else None


def _sent(client: BolClient, shipment_id: str, invoice: InvoiceData, key: str, *, is_first: bool) -> str:
    if is_first:
        return ticket_of(client.upload_invoice(shipment_id, f"{key}.pdf", invoice.content))
    try:
        with later_calls():
            return ticket_of(client.upload_invoice(shipment_id, f"{key}.pdf", invoice.content))
    except DataError as error:
        # Not a refusal of the whole: the shipments before it have the invoice.
        raise TransientError(f"accepted in part: {error.detail}", status=error.status) from None


def _receipt(receipts: list[str]) -> Receipt:
    """Process statuses are asked for what became of them; what has none any more has arrived."""
    asked_for = [one for one in receipts if not one.startswith(REQUESTED)]
    return Pending(SEPARATOR.join(asked_for)) if asked_for else Done(SEPARATOR.join(receipts))


def _shipments(client: BolClient, order_id: str, invoice: InvoiceData) -> list[str]:
    """Ids of those that hold something of what it is about, the oldest first."""
    found = [one for one in of_order(client, order_id) if _is_about(one, invoice)]
    return [str(one["shipmentId"]) for one in reversed(found) if one.get("shipmentId")]


def _is_about(shipment: JSON, invoice: InvoiceData) -> bool:
    return not invoice.item_ids or any(mapping.holds(shipment, item_id) for item_id in invoice.item_ids)


def _receipt_of(client: BolClient, shipment_id: str, invoice: InvoiceData, since: datetime) -> str:
    """What there is of this invoice for one shipment; "" if nothing."""
    others = {one for receipt in invoice.others for one in ids_in(receipt)}
    for status in statuses_of(client, shipment_id, EVENT):
        is_on = status.get("status") in ("PENDING", "SUCCESS")
        if is_on and ticket_of(status) not in others and is_since(status, "createTimestamp", since):
            return ticket_of(status)
    # Statuses are kept for a limited time. A request tells no more than that an invoice came, so only where there is
    # no other.
    if not others and any(_has_arrived(one, since) for one in _requests(client, shipment_id)):
        return f"{REQUESTED}{shipment_id}"
    return ""


def _requests(client: BolClient, shipment_id: str) -> list[JSON]:
    """Of buyers who asked for an invoice."""
    answer = client.get_invoice_requests(shipment_id, "ALL")
    requests = answer.get("invoiceRequests", []) if isinstance(answer, Mapping) else None
    if not isinstance(requests, list):
        raise ContractError("a list of invoice requests that is no list")
    return [one for one in requests if isinstance(one, Mapping) and one.get("shipmentId") == shipment_id]


def _has_arrived(request: JSON, since: datetime) -> bool:
    """Uploaded since then, and not found wrong afterwards."""
    if request.get("status") not in ARRIVED:
        return False
    steps = request.get("statusTransitions")
    if not isinstance(steps, list) or not all(isinstance(one, Mapping) for one in steps):
        raise ContractError("an invoice request without a list of its transitions")
    return any(one.get("status") == ARRIVED[0] and is_since(one, "statusDateTime", since) for one in steps)
