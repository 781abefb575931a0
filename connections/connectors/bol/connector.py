"""bol as a marketplace: orders come from there, shipments and cancellations go back. Retailer API v10."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from ..base import Account, Capabilities, Field, MarketplaceConnector
from ..errors import ContractError, DataError
from ..http import HttpClient
from ..types import (
    JSON,
    AccountInfo,
    CancellationData,
    Done,
    FulfilmentType,
    OrderData,
    Outcome,
    OutcomeState,
    Page,
    Pending,
    Receipt,
    ShipmentData,
    ShippedItem,
    StreamSpec,
)
from . import fields, mapping, shipments
from .client import DEFAULT_API_URL, DEFAULT_LOGIN_URL, BolClient
from .reading import read_orders
from .shipments import CHECK

AT_ONCE = 1000  # process statuses in one question
SEPARATOR = ","  # between the process statuses of one ticket


class BolConnector(MarketplaceConnector):
    kind = "bol"
    label = "bol"
    api_version = "v10"
    fulfilled_suffix = "-FBB"
    credential_fields = (
        Field("client_id", "Client id", "Seller account > Settings > Services > API settings"),
        Field("client_secret", "Client secret", is_secret=True),
    )
    setting_fields = (
        Field("api_url", "Address of the API", is_required=False, default=DEFAULT_API_URL),
        Field("login_url", "Address for logging in", is_required=False, default=DEFAULT_LOGIN_URL),
    )
    capabilities = Capabilities(
        cancels_orders=True, cancels_partially=True, index_delay_seconds=shipments.LISTED_AFTER.seconds
    )

    def __init__(self, account: Account, http: HttpClient) -> None:
        super().__init__(account, http)
        self.client = BolClient(account, http)

    def check(self) -> AccountInfo:
        retailer = self.client.get_retailer_information()
        if not isinstance(retailer, dict) or not retailer.get("retailerId"):
            raise ContractError("the retailer has no retailerId")
        name = str(retailer.get("displayName") or retailer.get("companyName") or "")
        return AccountInfo(account_id=str(retailer["retailerId"]), name=name, country_code="NL", currency="EUR")

    def streams(self) -> Sequence[StreamSpec]:
        return [
            StreamSpec("orders:FBR", "orders", fulfilment_type=FulfilmentType.MERCHANT),
            StreamSpec("orders:FBB", "orders", fulfilment_type=FulfilmentType.MARKETPLACE),
        ]

    # -- reading ------------------------------------------------------------------------------
    def fetch(self, stream: str, cursor: str) -> Iterator[Page]:
        return read_orders(self.client, stream.partition(":")[2], cursor)

    def fetch_one(self, stream: str, external_id: str) -> JSON:
        try:
            return self.client.get_order(external_id)
        except DataError as error:
            if error.status == 404:
                raise DataError(error.detail, code="order.gone", status=404) from None
            raise

    def parse_order(self, raw: JSON) -> OrderData:
        return mapping.parse_order(raw)

    # -- shipments ----------------------------------------------------------------------------
    def confirm_shipment(self, order_ref: str, shipment: ShipmentData, *, key: str) -> Receipt:
        return Pending(_ticket(self.client.create_shipment(mapping.shipment_body(shipment, key))))

    def find_shipment(self, order_ref: str, shipment: ShipmentData, *, key: str, since: datetime) -> Receipt | None:
        return shipments.find(self.client, order_ref, shipment, key=key, since=since)

    def _on_its_way(self, items: Sequence[ShippedItem], event_type: str, since: datetime) -> Pending | None:
        tickets = []
        for item in items:
            for status in shipments.process_statuses(self.client, item.item_id, event_type):
                is_recent = shipments.is_since(status, "createTimestamp", since)
                if is_recent and status.get("status") in ("PENDING", "SUCCESS"):
                    tickets.append(str(status["processStatusId"]))
        return Pending(SEPARATOR.join(tickets)) if tickets else None

    # -- cancellations ------------------------------------------------------------------------
    def cancel_order(self, order_ref: str, cancellation: CancellationData, *, key: str) -> Receipt:
        """One call per item, since bol takes exactly one at a time, and only whole items. What is cancelled
        already, or on its way, is passed over, so that a call that was cut half-way can be finished."""
        reason = mapping.REASONS.get(cancellation.reason, "OTHER")
        open_items = self._open_quantities(order_ref)
        left = [item for item in cancellation.items if open_items.get(item.item_id)]
        for item in left:
            if item.quantity < open_items[item.item_id]:
                detail = f"bol cancels whole items only, and {open_items[item.item_id]} pieces are open"
                raise DataError(detail, code="cancellation.refused", reason="shipment_failure")
        tickets = [self._cancel_item(item, reason) for item in left]
        return Pending(SEPARATOR.join(tickets)) if tickets else Done(order_ref)

    def _cancel_item(self, item: ShippedItem, reason: str) -> str:
        for status in shipments.process_statuses(self.client, item.item_id, "CANCEL_ORDER"):
            if status.get("status") == "PENDING":
                return str(status["processStatusId"])
        return _ticket(self.client.cancel_order_item(item.item_id, reason))

    def _open_quantities(self, order_id: str) -> dict[str, int]:
        order = mapping.parse_order(self.fetch_one("", order_id))
        return {
            item.external_id: item.quantity - item.quantity_shipped - item.quantity_cancelled for item in order.items
        }

    def find_cancellation(
        self, order_ref: str, cancellation: CancellationData, *, key: str, since: datetime
    ) -> Receipt | None:
        open_items = self._open_quantities(order_ref)
        left = [item for item in cancellation.items if open_items.get(item.item_id)]
        if not left:
            return Done(order_ref)
        found = [self._on_its_way([item], "CANCEL_ORDER", since) for item in left]
        tickets = [one.ticket for one in found if one]
        return Pending(SEPARATOR.join(tickets)) if len(tickets) == len(left) else None

    # -- answers that come later --------------------------------------------------------------
    def follow_up(self, tickets: Sequence[str]) -> Iterator[Outcome]:
        ids = list(dict.fromkeys(one for ticket in tickets for one in _ids(ticket)))
        known: dict[str, JSON] = {}
        for start in range(0, len(ids), AT_ONCE):
            answer = self.client.get_process_status_bulk(ids[start : start + AT_ONCE])
            for status in fields.blocks(answer, "processStatuses") if isinstance(answer, dict) else ():
                known[str(status.get("processStatusId"))] = status
        for ticket in tickets:
            outcome = _outcome(ticket, [known.get(one) for one in _ids(ticket)])
            yield shipments.checked(self.client, outcome, known.get(_ids(ticket)[0])) if CHECK in ticket else outcome


def _ids(ticket: str) -> list[str]:
    return ticket.partition(CHECK)[0].split(SEPARATOR)


def _ticket(status: JSON) -> str:
    if not isinstance(status, dict) or not status.get("processStatusId"):
        raise ContractError("a process status without a processStatusId")
    return str(status["processStatusId"])


def _outcome(ticket: str, statuses: Sequence[JSON | None]) -> Outcome:
    """One answer for all process statuses of a ticket: the worst of them."""
    states = [
        mapping.OUTCOMES.get(str(one.get("status")), OutcomeState.GONE) if one else OutcomeState.GONE
        for one in statuses
    ]
    for state in (OutcomeState.REFUSED, OutcomeState.GONE, OutcomeState.PENDING):
        if state in states:
            worst = statuses[states.index(state)] or {}
            return Outcome(ticket, state, detail=str(worst.get("errorMessage") or "")[:500])
    last = statuses[-1] or {}
    return Outcome(ticket, OutcomeState.DONE, remote_id=str(last.get("entityId") or ""))
