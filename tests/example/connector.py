"""Example Market: orders come from it, shipments go back. Of returns the seller tells it, not the other way round."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from connections.connectors.base import Account, Capabilities, Field, MarketplaceConnector
from connections.connectors.errors import ContractError
from connections.connectors.http import HttpClient
from connections.connectors.types import (
    JSON,
    AccountInfo,
    Done,
    OrderData,
    Page,
    Record,
    ReturnDecisionData,
    ShipmentData,
    StreamSpec,
)

from . import mapping
from .client import ExampleClient

OVERLAP = timedelta(minutes=10)
FIELDS = (
    Field("url", "Address of the API"),
    Field("api_key", "API key", "Example > Settings > API", is_secret=True),
)


class ExampleConnector(MarketplaceConnector):
    kind = "example"
    label = "Example Market"
    api_version = "1"
    credential_fields = FIELDS
    # What isn't declared is never asked: no cancellations here, so those methods stay as they are.
    capabilities = Capabilities(
        index_delay_seconds=0,
        return_verdicts=frozenset(mapping.RETURN_RESULTS),
        reports_returns=True,
        lists_orders=True,
    )

    def __init__(self, account: Account, http: HttpClient) -> None:
        super().__init__(account, http)
        self.client = ExampleClient(account, http)

    def check(self) -> AccountInfo:
        return account_info(self.client)

    def streams(self) -> Sequence[StreamSpec]:
        return [StreamSpec("orders", "orders")]

    def fetch(self, stream: str, cursor: str) -> Iterator[Page]:
        return changed_orders(self.client, cursor, "number")

    def orders_since(self, since: datetime) -> Iterator[Page]:
        return changed_orders(self.client, since.isoformat(), "number")

    def fetch_one(self, stream: str, external_id: str) -> JSON:
        return self.client.order(external_id)

    def parse_order(self, raw: JSON) -> OrderData:
        return mapping.parse_order(raw)

    def confirm_shipment(self, order_ref: str, shipment: ShipmentData, *, key: str) -> Done:
        """One call, never repeated here: whether to try again is the engine's to decide."""
        return _done(self.client.create_shipment(order_ref, mapping.shipment_body(shipment, key)))

    def find_shipment(self, order_ref: str, shipment: ShipmentData, *, key: str, since: datetime) -> Done | None:
        """An order tells its shipments with the references they were made with."""
        return self._made(order_ref, "shipments", key)

    def report_return(self, order_ref: str, decision: ReturnDecisionData, *, key: str) -> Done:
        """One call as well: what came back and what becomes of it. Example names the return, and that is kept."""
        return _done(self.client.create_return(order_ref, mapping.return_body(decision, key)))

    def find_reported_return(
        self, order_ref: str, decision: ReturnDecisionData, *, key: str, since: datetime
    ) -> Done | None:
        return self._made(order_ref, "returns", key)

    def _made(self, order_ref: str, what: str, key: str) -> Done | None:
        made = self.client.order(order_ref).get(what)
        if not isinstance(made, list):
            raise ContractError(f"an order without a list of {what}")
        return next((_done(one) for one in made if isinstance(one, dict) and one.get("reference") == key), None)


def account_info(client: ExampleClient) -> AccountInfo:
    account = client.account()
    if not account.get("id"):
        raise ContractError("an account without an id")
    return AccountInfo(account_id=str(account["id"]), name=str(account.get("name", "")))


def changed_orders(client: ExampleClient, cursor: str, id_field: str) -> Iterator[Page]:
    """Orders that changed since ten minutes before `cursor`, oldest change first.

    The cursor is the moment of the last change read, so a read that was cut goes on from its last
    page; what changes meanwhile moves to the end of the list and is met there.
    """
    params = {"changed_since": (datetime.fromisoformat(cursor) - OVERLAP).isoformat()} if cursor else {}
    while True:
        answer = client.orders(**params)
        orders = answer["orders"]
        if orders:
            cursor = _last_change(orders) or cursor
            yield Page([_record(row, id_field) for row in orders], cursor)
        if not answer.get("next"):
            return
        params = {**params, "after": str(answer["next"])}


def _record(row: JSON, id_field: str) -> Record:
    """A row without a number or moment is a record too: its parsing fails, which is seen and holds up nothing."""
    number, version = _text(row, id_field), _text(row, "changed_at")
    digest = hashlib.sha256(json.dumps(row, default=str, sort_keys=True).encode()).hexdigest()[:32]
    return Record(number or f"unreadable-{digest}", version or digest, raw={} if row is None else row)


def _last_change(rows: Sequence[JSON]) -> str:
    return next((moment for row in reversed(rows) if _is_moment(moment := _text(row, "changed_at"))), "")


def _is_moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _text(row: JSON, name: str) -> str:
    value = row.get(name) if isinstance(row, dict) else None
    return value if isinstance(value, str) else ""


def _done(made: JSON) -> Done:
    if not made.get("id"):
        raise ContractError("a shipment or return without an id")
    return Done(str(made["id"]))
