"""How a WooCommerce shop makes an order of what it is sent: lines, taxes, totals, stock."""

from __future__ import annotations

from decimal import ROUND_HALF_DOWN, ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from .woocommerce_access import Access
from .woocommerce_state import money

TAKES_STOCK = {"processing", "on-hold", "completed"}
CENT = Decimal("0.01")
ADDRESS = ("first_name", "last_name", "company", "address_1", "address_2", "city", "state", "postcode", "country")


class Checkout(Access):
    def _new_order(self, body: dict[str, Any]) -> dict[str, Any]:
        at, order_id = self.now(), self._id()
        place = body.get("shipping", {}).get("country") or body.get("billing", {}).get("country", "")
        lines = [self._line(line, place) for line in body.get("line_items", [])]
        shipping = [
            self._cost(row, place, {"method_title": "", "method_id": ""}) for row in body.get("shipping_lines", [])
        ]
        fees = [
            self._cost(row, place, {"name": "", "tax_class": "", "tax_status": "taxable", "amount": row["total"]})
            for row in body.get("fee_lines", [])
        ]
        nets, taxes = self._added(lines, rounds_net=not self.rounds_at_subtotal)
        fee_nets, fee_taxes = self._added(fees, rounds_net=False)
        shipping_total, shipping_tax = self._added(shipping, rounds_net=True)
        cart_tax = taxes + fee_taxes
        before = sum((Decimal(row["subtotal"]) for row in lines), Decimal(0))
        return {
            "id": order_id, "parent_id": 0, "status": "pending", "currency": body.get("currency", "EUR"),
            "version": "11.0.1", "prices_include_tax": self.prices_include_tax, **self._dates("date_created", at),
            **self._dates("date_modified", at), "discount_total": money(before - nets), "discount_tax": "0.00",
            "shipping_total": money(shipping_total), "shipping_tax": money(shipping_tax), "cart_tax": money(cart_tax),
            "total": money(nets + fee_nets + shipping_total + cart_tax + shipping_tax),
            "total_tax": money(cart_tax + shipping_tax),
            "customer_id": body.get("customer_id", 0), "order_key": f"wc_order_{order_id}",
            "billing": {name: body.get("billing", {}).get(name, "") for name in (*ADDRESS, "email", "phone")},
            "shipping": {name: body.get("shipping", {}).get(name, "") for name in (*ADDRESS, "phone")},
            "payment_method": body.get("payment_method", ""),
            "payment_method_title": body.get("payment_method_title", ""),
            "transaction_id": body.get("transaction_id", ""), "customer_ip_address": "", "customer_user_agent": "",
            "created_via": "rest-api", "customer_note": body.get("customer_note", ""), "date_completed": None,
            "date_completed_gmt": None, "date_paid": None, "date_paid_gmt": None, "cart_hash": "",
            "number": str(order_id), "meta_data": self._metas(body), "line_items": lines, "tax_lines": [],
            "shipping_lines": shipping, "fee_lines": fees, "coupon_lines": [], "refunds": [],
        }  # fmt: skip

    def _added(self, rows: list[dict[str, Any]], *, rounds_net: bool) -> tuple[Decimal, Decimal]:
        """Net and tax of these rows in all: each tax in whole cents unless the shop rounds at the subtotal."""
        exact = [row.pop("_exact") for row in rows]
        nets = [net.quantize(CENT, ROUND_HALF_UP) if rounds_net else net for net, _ in exact]
        return sum(nets, Decimal(0)), sum((self._rounded(tax) for _, tax in exact), Decimal(0))

    def _rounded(self, tax: Decimal) -> Decimal:
        """Half a cent goes down where prices include tax."""
        if self.rounds_at_subtotal:
            return tax
        return tax.quantize(CENT, ROUND_HALF_DOWN if self.prices_include_tax else ROUND_HALF_UP)

    def _line(self, given: dict[str, Any], place: str) -> dict[str, Any]:
        """An unknown product makes a line of product 0 for 0.00; a known SKU is resolved."""
        wanted = str(given.get("variation_id") or given.get("product_id") or "")
        by_sku = [row for row in self.products.values() if given.get("sku") and row["sku"] == given["sku"]]
        product = self.products.get(wanted) or (by_sku[0] if by_sku else None)
        quantity = given.get("quantity", 1)
        price = Decimal(product["price"] or "0") * quantity if product else Decimal(0)
        total = self._decimal(given.get("total", price)) if product else Decimal(0)
        is_variation = bool(product) and product["type"] == "variation"
        tax_class = product["tax_class"] if product else ""
        taxes = self._taxes(total, place, tax_class) if product and product["tax_status"] == "taxable" else []
        tax = self._sum(taxes)
        return {
            "id": self._id(), "name": product["name"] if product else "",
            "product_id": (product["parent_id"] if is_variation else product["id"]) if product else 0,
            "variation_id": product["id"] if is_variation else 0, "quantity": quantity, "tax_class": tax_class,
            "subtotal": money(self._decimal(given.get("subtotal", total)) if product else Decimal(0)),
            "subtotal_tax": money(tax), "total": money(total), "total_tax": money(tax), "taxes": taxes,
            "meta_data": self._metas(given), "sku": product["sku"] if product else None,
            "price": total / quantity, "_exact": (total, tax),
        }  # fmt: skip

    def _cost(self, given: dict[str, Any], place: str, defaults: dict[str, str]) -> dict[str, Any]:
        total = self._decimal(given.get("total", "0"))
        taxes = self._taxes(total, place, "") if given.get("tax_status", "taxable") == "taxable" else []
        tax = self._sum(taxes)
        own = {name: given.get(name, value) for name, value in defaults.items()}
        return {
            "id": self._id(), **own, "total": money(total), "total_tax": money(tax), "taxes": taxes,
            "meta_data": self._metas(given), "_exact": (total, tax),
        }  # fmt: skip

    @staticmethod
    def _decimal(value: Any) -> Decimal:
        try:
            return Decimal(str(value))
        except InvalidOperation:
            return Decimal(0)

    def _taxes(self, amount: Decimal, place: str, tax_class: str) -> list[dict[str, Any]]:
        """The shop's own tax on an amount without tax, per rate, unrounded."""
        rates = [row for row in self.tax_rates if row["class"] == (tax_class or "standard")]
        fitting = [row for row in rates if row["country"] == place] or [row for row in rates if not row["country"]]
        if not self.calc_taxes or not fitting:
            return []
        tax = f"{amount * Decimal(fitting[0]['rate']) / 100:f}"
        return [{"id": fitting[0]["id"], "total": tax, "subtotal": tax}]

    @staticmethod
    def _sum(taxes: list[dict[str, Any]]) -> Decimal:
        return sum((Decimal(tax["total"]) for tax in taxes), Decimal(0))

    def _change_status(self, order: dict[str, Any], status: str) -> None:
        """Stock is taken once at processing and given back at cancelled."""
        order["status"] = status
        if status in TAKES_STOCK and order["id"] not in self._took_stock:
            self._took_stock.add(order["id"])
            for line in order["line_items"]:
                self._move_stock(line, -line["quantity"])
        elif status == "cancelled" and order["id"] in self._took_stock:
            self._took_stock.remove(order["id"])
            for line in order["line_items"]:
                self._move_stock(line, self._reduced.get(line["id"], 0))
        if status == "processing" and order["date_paid"] is None:
            order.update(self._dates("date_paid", self.now()))
        if status == "completed":
            order.update(self._dates("date_completed", self.now()))

    def _move_stock(self, line: dict[str, Any], pieces: int) -> None:
        """A line remembers how many pieces it took, so that no more are given back."""
        product = self.products.get(str(line["variation_id"] or line["product_id"]))
        if product and product["manage_stock"] == "parent":
            product = self.products.get(str(product["parent_id"]))
        if product and product["manage_stock"]:
            self._reduced[line["id"]] = self._reduced.get(line["id"], 0) - pieces
            product["stock_quantity"] += pieces
            product["stock_status"] = "instock" if product["stock_quantity"] > 0 else "outofstock"
