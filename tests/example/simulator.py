"""Example Market and Example Shop, as real HTTP servers on loopback.

Written from Example's documentation (which is the docstrings below); imports nothing of ours.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.simulators.base import Request, Response, Simulator, route


class ExampleSimulator(Simulator):
    """Account, key and the list of orders, which market and shop have in common."""

    page_size = 20
    id_field = "number"

    def __init__(self) -> None:
        super().__init__()
        self.api_key = "example-key-0123456789"
        self.orders: dict[str, dict[str, Any]] = {}
        self._last = 1000

    def authenticate(self, request: Request) -> Response | None:
        if request.headers.get("X-Api-Key") == self.api_key:
            return None
        return Response.of({"message": "Unknown API key"}, 401)

    @route("GET", "/account")
    def account(self, request: Request) -> Response:
        return Response.of({"id": "acc-1", "name": "Example"})

    @route("GET", "/orders")
    def list_orders(self, request: Request) -> Response:
        """`changed_since` (inclusive), `reference` (a part is enough), `after` (a position)."""
        query = request.query
        with self.lock:
            rows = sorted(self.orders.values(), key=self._position)
        since = datetime.fromisoformat(query["changed_since"]) if "changed_since" in query else None
        rows = [row for row in rows if since is None or datetime.fromisoformat(row["changed_at"]) >= since]
        rows = [row for row in rows if query.get("reference", "") in row.get("reference", "")]
        rows = [row for row in rows if self._position(row) > query.get("after", "")]
        more = len(rows) > self.page_size
        rows = rows[: self.page_size]
        return Response.of({"orders": rows, "next": self._position(rows[-1]) if more else None})

    @route("GET", "/orders/(?P<order_id>[^/]+)")
    def get_order(self, request: Request, order_id: str) -> Response:
        row = self.orders.get(order_id)
        return Response.of(row) if row else self.not_found(request)

    def _position(self, row: dict[str, Any]) -> str:
        return f"{row['changed_at']} {row[self.id_field]}"

    def _moment(self) -> str:
        return self.now().isoformat(timespec="microseconds")

    def _number(self) -> int:
        with self.lock:
            self._last += 1
            return self._last

    def _add(self, row: dict[str, Any]) -> str:
        with self.lock:
            row["changed_at"] = self._moment()
            self.orders[row[self.id_field]] = row
        return str(row[self.id_field])


class ExampleMarket(ExampleSimulator):
    name = "example"

    def add_order(self, *, quantity: int = 2, unit_price: str = "19.99", total: str = "39.98") -> str:
        """A buyer places an order; returns its number."""
        number = f"EX-{self._number()}"
        address = {"name": "Ada de Vries", "street": "Dorpsstraat", "house_number": "1", "postcode": "1234 AB",
                   "city": "Utrecht", "country": "NL", "email": "ada@example.com"}  # fmt: skip
        line = {"id": f"{number}-1", "sku": "MUG", "title": "Mug", "quantity": quantity, "unit_price": unit_price,
                "shipped": 0}  # fmt: skip
        return self._add({"number": number, "status": "open", "placed_at": self._moment(), "currency": "EUR",
                          "total": total, "ship_to": address, "lines": [line], "shipments": [],
                          "returns": []})  # fmt: skip

    @route("POST", "/orders/(?P<order_id>[^/]+)/shipments")
    def create_shipment(self, request: Request, order_id: str) -> Response:
        """More than is open is refused; the reference is kept and not compared."""
        body, order = request.json(), self.orders.get(order_id)
        if order is None:
            return self.not_found(request)
        lines = {line["id"]: line for line in order["lines"]}
        with self.lock:
            for sent in body["lines"]:
                line = lines.get(sent["id"])
                if line is None or sent["quantity"] > line["quantity"] - line["shipped"]:
                    return Response.of({"message": f"Line {sent['id']} has less to ship"}, 409)
            for sent in body["lines"]:
                lines[sent["id"]]["shipped"] += sent["quantity"]
            shipment = {"id": f"S-{self._number()}", **body}
            order["shipments"].append(shipment)
            if all(line["shipped"] == line["quantity"] for line in order["lines"]):
                order["status"] = "shipped"
            order["changed_at"] = self._moment()
            self.record("ship", order_id, body["reference"], shipment)
        return Response.of(shipment, 201)

    @route("POST", "/orders/(?P<order_id>[^/]+)/returns")
    def create_return(self, request: Request, order_id: str) -> Response:
        """More than was shipped and is not back yet is refused; the reference is kept and not compared."""
        body, order = request.json(), self.orders.get(order_id)
        if order is None:
            return self.not_found(request)
        sent = body["line"]
        with self.lock:
            back = sum(one["line"]["quantity"] for one in order["returns"] if one["line"]["id"] == sent["id"])
            shipped = sum(line["shipped"] for line in order["lines"] if line["id"] == sent["id"])
            if not 0 < sent["quantity"] <= shipped - back:
                return Response.of({"message": f"Line {sent['id']} has less to come back"}, 409)
            made = {"id": f"R-{self._number()}", **body}
            order["returns"].append(made)
            order["changed_at"] = self._moment()
            self.record("report_return", order_id, body["reference"], made)
        return Response.of(made, 201)


class ExampleShop(ExampleSimulator):
    name = "example_shop"
    id_field = "id"

    @route("POST", "/orders")
    def create_order(self, request: Request) -> Response:
        body = request.json()
        order_id = self.add_order(body)
        self.record("create_order", order_id, body["reference"], body)
        return Response.of(self.orders[order_id], 201)

    def add_order(self, body: dict[str, Any]) -> str:
        return self._add({"id": str(self._number()), "status": "new", "tracking_code": "", **body})

    def ship(self, order_id: str, tracking_code: str) -> None:
        """As the merchant does."""
        with self.lock:
            order = self.orders[order_id]
            order |= {"status": "sent", "tracking_code": tracking_code, "changed_at": self._moment()}

    def cancel(self, order_id: str) -> None:
        """As the merchant does."""
        with self.lock:
            self.orders[order_id] |= {"status": "cancelled", "changed_at": self._moment()}
