"""bol as a marketplace: orders and returns come from there, what was done or decided goes back. Retailer API v10."""

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
    FulfilmentType,
    InvoiceData,
    LabelData,
    OrderData,
    Outcome,
    Page,
    Pending,
    Receipt,
    ReturnData,
    ReturnDecisionData,
    ShipmentData,
    StreamSpec,
)
from . import cancellations, decisions, invoices, labels, mapping, processes, return_mapping, shipments
from .client import DEFAULT_API_URL, DEFAULT_LOGIN_URL, BolClient
from .processes import CHECK
from .reading import list_orders, read_orders
from .returns import read_returns


class BolConnector(MarketplaceConnector):
    kind = "bol"
    label = "bol"
    api_version = "v10"
    fulfilled_suffix = "-FBB"
    label_type = "BOL_VVB_LABEL"
    credential_fields = (
        Field("client_id", "Client id", "Seller account > Settings > Services > API settings"),
        Field("client_secret", "Client secret", is_secret=True),
    )
    setting_fields = (
        Field("api_url", "Address of the API", is_required=False, default=DEFAULT_API_URL),
        Field("login_url", "Address for logging in", is_required=False, default=DEFAULT_LOGIN_URL),
    )
    capabilities = Capabilities(
        cancels_orders=True,
        cancels_partially=True,
        return_verdicts=frozenset(return_mapping.HANDLINGS),
        decides_partial_returns=True,
        takes_invoices=True,
        invoices_follow_shipment=True,
        gives_labels=True,
        lists_orders=True,
        index_delay_seconds=shipments.LISTED_AFTER.seconds,
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
            StreamSpec("returns:FBR", "returns", fulfilment_type=FulfilmentType.MERCHANT, lists_open_only=True),
            StreamSpec("returns:FBB", "returns", fulfilment_type=FulfilmentType.MARKETPLACE),
        ]

    # -- reading ------------------------------------------------------------------------------
    def fetch(self, stream: str, cursor: str) -> Iterator[Page]:
        topic, _colon, method = stream.partition(":")
        read = read_returns if topic == "returns" else read_orders
        return read(self.client, method, cursor)

    def fetch_one(self, stream: str, external_id: str) -> JSON:
        get = self.client.get_return if stream.startswith("returns") else self.client.get_order
        try:
            return get(external_id)
        except DataError as error:
            if error.status == 404:
                raise DataError(error.detail, code="order.gone", status=404) from None
            raise

    def orders_since(self, since: datetime) -> Iterator[Page]:
        for stream in self.streams():
            yield from list_orders(self.client, stream.name.partition(":")[2], since)

    def parse_order(self, raw: JSON) -> OrderData:
        return mapping.parse_order(raw)

    # -- shipments ----------------------------------------------------------------------------
    def confirm_shipment(self, order_ref: str, shipment: ShipmentData, *, key: str) -> Receipt:
        return Pending(processes.ticket_of(self.client.create_shipment(mapping.shipment_body(shipment, key))))

    def find_shipment(self, order_ref: str, shipment: ShipmentData, *, key: str, since: datetime) -> Receipt | None:
        return shipments.find(self.client, order_ref, shipment, key=key, since=since)

    # -- cancellations ------------------------------------------------------------------------
    def cancel_order(self, order_ref: str, cancellation: CancellationData, *, key: str) -> Receipt:
        return cancellations.cancel(self.client, self._order(order_ref), cancellation)

    def find_cancellation(
        self, order_ref: str, cancellation: CancellationData, *, key: str, since: datetime
    ) -> Receipt | None:
        return cancellations.find(self.client, self._order(order_ref), cancellation)

    def _order(self, order_ref: str) -> OrderData:
        return self.parse_order(self.fetch_one("", order_ref))

    # -- returns ------------------------------------------------------------------------------
    def parse_returns(self, raw: JSON) -> Sequence[ReturnData]:
        return return_mapping.parse_returns(raw)

    def decide_return(self, order_ref: str, decision: ReturnDecisionData, *, key: str) -> Receipt:
        return decisions.decide(self.client, decision)

    def find_return_decision(
        self, order_ref: str, decision: ReturnDecisionData, *, key: str, since: datetime
    ) -> Receipt | None:
        return decisions.find(self.client, decision, since=since)

    # -- invoices and labels ------------------------------------------------------------------
    def upload_invoice(self, order_ref: str, invoice: InvoiceData, *, key: str) -> Receipt:
        return invoices.upload(self.client, order_ref, invoice, key=key)

    def find_invoice(self, order_ref: str, invoice: InvoiceData, *, key: str, since: datetime) -> Receipt | None:
        return invoices.find(self.client, order_ref, invoice, since=since)

    def fetch_label(self, order_ref: str, having: Sequence[str]) -> LabelData | None:
        return labels.fetch(self.client, order_ref, having)

    # -- answers that come later --------------------------------------------------------------
    def follow_up(self, tickets: Sequence[str]) -> Iterator[Outcome]:
        """Raises ContractError for a status that nobody knows, once all others are told."""
        known = processes.statuses_by_id(self.client, tickets)
        strange = []
        for ticket in tickets:
            statuses = [known.get(one) for one in processes.ids_in(ticket)]
            if not processes.is_readable(statuses):
                strange.append(ticket)
                continue
            outcome = processes.outcome_of(ticket, statuses)
            if CHECK in ticket:
                check = decisions.checked if decisions.is_ticket(ticket) else shipments.checked
                outcome = check(self.client, outcome, statuses[0])
            yield outcome
        if strange:
            raise ContractError(f"process statuses that are not documented: {', '.join(strange)[:200]}")
