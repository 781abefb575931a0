"""Remotes as unhelpful as a vendor's documentation allows: they refuse no repeat, their lists lag."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import datetime
from typing import Any

from connections.connectors.base import Capabilities
from tests.example.connector import ExampleConnector
from tests.example.shop import ExampleShopConnector
from tests.example.simulator import ExampleMarket, ExampleShop
from tests.simulators.base import Request, Response, route


class MarketConnector(ExampleConnector):
    capabilities = Capabilities(index_delay_seconds=30)


class ShopConnector(ExampleShopConnector):
    capabilities = Capabilities(index_delay_seconds=30)


CONNECTORS = {one.kind: one for one in (MarketConnector, ShopConnector)}


class Market(ExampleMarket):
    """Takes every shipment, also of what was shipped before, and shows it once `list_lag` is over."""

    page_size = 100

    def __init__(self) -> None:
        super().__init__()
        self._poison: dict[str, Callable[[dict[str, Any]], Any]] = {}

    def poison(self, order_id: str, mutate: Callable[[dict[str, Any]], Any]) -> None:
        """From now on answers hold what `mutate` makes of this order."""
        self._poison[order_id] = mutate

    @route("GET", "/orders")
    def list_orders(self, request: Request) -> Response:
        answer = super().list_orders(request).json()
        rows = [self._poison.get(row["number"], lambda order: order)(row) for row in answer["orders"]]
        return Response.of({**answer, "orders": rows})

    @route("GET", "/orders/(?P<order_id>[^/]+)")
    def get_order(self, request: Request, order_id: str) -> Response:
        with self.lock:
            row = self.orders.get(order_id)
            return Response.of(self._as_known(row)) if row else self.not_found(request)

    def _as_known(self, row: dict[str, Any]) -> dict[str, Any]:
        horizon = (self.now() - self.list_lag).isoformat()
        shown = [one for one in row["shipments"] if one["made_at"] <= horizon]
        return {**copy.deepcopy(row), "shipments": shown}

    @route("POST", "/orders/(?P<order_id>[^/]+)/shipments")
    def create_shipment(self, request: Request, order_id: str) -> Response:
        body = request.json()
        with self.lock:
            order = self.orders.get(order_id)
            if order is None:
                return self.not_found(request)
            for sent in body["lines"]:
                line = next(line for line in order["lines"] if line["id"] == sent["id"])
                line["shipped"] = min(line["quantity"], line["shipped"] + sent["quantity"])
            shipment = {"id": f"S-{self._number()}", "made_at": self._moment(), **body}
            order["shipments"].append(shipment)
            order["status"] = "shipped"
            order["changed_at"] = self._moment()
            self.record("ship", order_id, body["reference"], shipment)
        return Response.of(shipment, 201)

    def touch(self, order_id: str, at: datetime | None = None) -> None:
        """Something about the order changed that means nothing to us."""
        with self.lock:
            self.orders[order_id]["changed_at"] = (at or self.now()).isoformat(timespec="microseconds")


class Shop(ExampleShop):
    """Creates whatever it is asked to; searches miss what is younger than `list_lag`."""

    page_size = 100

    @route("GET", "/orders")
    def list_orders(self, request: Request) -> Response:
        response = super().list_orders(request)
        if not self.list_lag or "reference" not in request.query:
            return response
        horizon = (self.now() - self.list_lag).isoformat()
        with self.lock:
            made = {effect.subject: effect.at.isoformat() for effect in self.ledger if effect.kind == "create_order"}
        rows = [row for row in self.orders.values() if row.get("reference") == request.query["reference"]]
        return Response.of({"orders": [row for row in rows if made.get(row["id"], "") <= horizon], "next": None})
