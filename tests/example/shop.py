"""Example Shop: orders are created there, their fulfilment comes back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from connections.connectors.base import Account, Capabilities, PlatformConnector
from connections.connectors.errors import ContractError
from connections.connectors.http import HttpClient
from connections.connectors.types import (
    JSON,
    AccountInfo,
    Done,
    Found,
    OrderData,
    OrderUpdate,
    Page,
    ShopOptions,
    StreamSpec,
)

from . import mapping
from .client import ExampleClient
from .connector import FIELDS, account_info, changed_orders


class ExampleShopConnector(PlatformConnector):
    kind = "example_shop"
    label = "Example Shop"
    api_version = "1"
    credential_fields = FIELDS
    capabilities = Capabilities(index_delay_seconds=0, lists_orders=True)

    def __init__(self, account: Account, http: HttpClient) -> None:
        super().__init__(account, http)
        self.client = ExampleClient(account, http)

    def check(self) -> AccountInfo:
        return account_info(self.client)

    def streams(self) -> Sequence[StreamSpec]:
        return [StreamSpec("updates", "updates")]

    def fetch(self, stream: str, cursor: str) -> Iterator[Page]:
        return changed_orders(self.client, cursor, "id")

    def orders_since(self, since: datetime) -> Iterator[Page]:
        return changed_orders(self.client, since.isoformat(), "id")

    def fetch_one(self, stream: str, external_id: str) -> JSON:
        return self.client.order(external_id)

    def parse_update(self, raw: JSON) -> OrderUpdate:
        return mapping.parse_update(raw)

    def create_order(self, order: OrderData, *, key: str, options: ShopOptions, found: Found | None = None) -> Done:
        """One call, so an order is there whole or not at all and `found` is never half made."""
        made = self.client.create_order(mapping.order_body(order, key))
        return Done(_id(made))

    def find_order(self, key: str, *, since: datetime) -> Found | None:
        """The shop searches by reference, and finds parts of it too."""
        rows = self.client.orders(reference=key)["orders"]
        return next((Found(_id(row)) for row in rows if row.get("reference") == key), None)


def _id(order: JSON) -> str:
    if not order.get("id"):
        raise ContractError("an order without an id")
    return str(order["id"])
