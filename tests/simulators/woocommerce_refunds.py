"""The refunds of a WooCommerce shop.

Source: WooCommerce REST API v3, "Order refunds", and WooCommerce's public source for what the documentation leaves
out: `wc_create_refund` (saved first, then stock, then the status) and the controller of order refunds (metas last;
its errors carry no status, so they are answered with 500).
"""

from __future__ import annotations

import copy
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from .base import Request, Response, route
from .woocommerce_checkout import CENT
from .woocommerce_orders import ORDERS, Orders
from .woocommerce_state import HTML, PAGE, money

REFUNDS = ORDERS + r"/(?P<order_id>\d+)/refunds"


def _without_status(code: str, message: str, number: int) -> Response:
    return Response.of({"code": code, "message": message, "data": number}, 500)


class Refunds(Orders):
    @route("GET", REFUNDS)
    def list_refunds(self, request: Request, order_id: str) -> Response:
        """Nobody looks whether there is such an order: one that is gone has no refunds."""
        rows = list(self.refunds.get(order_id, [])) if order_id in self.orders else []
        by = {"id": "id", "date": "date_created_gmt"}[request.query.get("orderby", "date")]
        rows.sort(key=lambda row: (row[by], row["id"]), reverse=request.query.get("order", "desc") == "desc")
        return self._listed(request, rows)

    @route("POST", REFUNDS)
    def create_refund(self, request: Request, order_id: str) -> Response:
        order, body = self.orders.get(order_id), self._body(request)
        if order is None:
            return _without_status("woocommerce_rest_invalid_order_id", "Invalid order ID.", 404)
        lines = {int(line["id"]): line for line in body.get("line_items", [])}
        amount = Decimal(body["amount"]) if "amount" in body else self._amount_of(lines)
        if amount < 0:
            text = "Refund amount must be greater than zero."
            return _without_status("woocommerce_rest_invalid_order_refund", text, 400)
        refused = "Invalid refund amount." if amount > self._left(order) else ""
        if not refused and body.get("api_refund", True):
            refused = "The payment gateway for this order does not exist."
        if refused:
            return _without_status("woocommerce_rest_cannot_create_order_refund", refused, 500)
        refund = self._save_refund(order, amount, lines, body.get("reason", ""))
        if self.stops_while_refunding:
            return Response(500, PAGE, HTML)
        self._finish_refund(order, lines, restocks=body.get("api_restock", True))
        refund["meta_data"] = self._metas(body)
        return Response.of(refund, 201)

    @staticmethod
    def _amount_of(lines: dict[int, dict[str, Any]]) -> Decimal:
        taxes = [tax for line in lines.values() for tax in line.get("refund_tax", [])]
        return sum((Decimal(str(row["refund_total"])) for row in [*lines.values(), *taxes]), Decimal(0))

    def _left(self, order: dict[str, Any]) -> Decimal:
        refunds = self.refunds.get(str(order["id"]), [])
        return Decimal(order["total"]) - sum((Decimal(row["amount"]) for row in refunds), Decimal(0))

    def _save_refund(
        self, order: dict[str, Any], amount: Decimal, lines: dict[int, dict[str, Any]], reason: str
    ) -> dict[str, Any]:
        """Lines that the order has not are passed over; pieces are not counted against the earlier ones."""
        refund = {
            "id": self._id(), **self._dates("date_created", self.now()), "amount": money(amount), "reason": reason,
            "refunded_by": 1, "refunded_payment": False, "meta_data": [],
            "line_items": [
                self._refunded(line, lines[line["id"]]) for line in order["line_items"] if line["id"] in lines
            ],
        }  # fmt: skip
        self.refunds.setdefault(str(order["id"]), []).append(refund)
        order["refunds"].insert(0, {"id": refund["id"], "reason": reason, "total": f"-{money(amount)}"})
        self.record("refund", str(order["id"]), order["transaction_id"], copy.deepcopy(refund))
        return refund

    def _refunded(self, line: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
        total = Decimal(str(given.get("refund_total", 0)))
        taxes = [
            {"id": int(tax["id"]), "total": f"{-Decimal(str(tax['refund_total'])):f}"}
            for tax in given.get("refund_tax", [])
        ]
        pieces = given.get("quantity", 0)
        return {
            "id": self._id(), **{name: line[name] for name in ("name", "product_id", "variation_id", "tax_class")},
            "quantity": -pieces, "subtotal": money(-total), "subtotal_tax": money(self._sum(taxes)),
            "total": money(-total), "total_tax": money(self._sum(taxes)),
            "taxes": [{**tax, "subtotal": tax["total"]} for tax in taxes],
            "meta_data": [{"id": self._id(), "key": "_refunded_item_id", "value": str(line["id"])}],
            "sku": line["sku"], "price": -total / pieces if pieces else Decimal(0),
        }  # fmt: skip

    def _finish_refund(self, order: dict[str, Any], lines: dict[int, dict[str, Any]], *, restocks: bool) -> None:
        for line in order["line_items"]:
            pieces = lines.get(line["id"], {}).get("quantity", 0)
            if restocks and pieces and self._reduced.get(line["id"]):
                self._move_stock(line, pieces)
        if self._left(order) <= 0:
            self._change_status(order, "refunded")
        self._touch(order)

    def _change_status(self, order: dict[str, Any], status: str) -> None:
        """An order that is set to "refunded" by hand gets a refund of all that is left, without lines."""
        super()._change_status(order, status)
        if status == "refunded" and (left := self._left(order)) > 0:
            self._save_refund(order, left, {}, "Order fully refunded.")

    def refund_by_hand(
        self, order_id: str, sku: str, quantity: int, *, restock: bool = True, reason: str = "Came back"
    ) -> str:
        """As a person does on the order's page, which fills in the line's amount. Returns the refund's id."""
        with self.lock:
            order = self.orders[str(order_id)]
            line = next(line for line in order["line_items"] if line["sku"] == sku)
            part = lambda text: (Decimal(text) * quantity / line["quantity"]).quantize(CENT, ROUND_HALF_UP)  # noqa: E731
            taxes = [{"id": tax["id"], "refund_total": part(tax["total"])} for tax in line["taxes"]]
            given = {"quantity": quantity, "refund_total": part(line["total"]), "refund_tax": taxes}
            lines = {line["id"]: given}
            refund = self._save_refund(order, min(self._amount_of(lines), self._left(order)), lines, reason)
            self._finish_refund(order, lines, restocks=restock)
            return str(refund["id"])
