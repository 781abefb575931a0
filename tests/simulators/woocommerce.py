"""A WooCommerce shop: REST API v3 with the behaviour measured on WooCommerce 11.0.1.

It takes orders for unknown products and for more than is in stock, never compares references, ignores
filters by meta, lists trashed orders only with status=trash, keeps times to the second, and answers
errors as WordPress does. Sources: WooCommerce REST API documentation v3; the Shipment Tracking
extension's API documentation; the behaviour of a real shop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .base import Request, Response, route
from .woocommerce_state import error
from .woocommerce_tracking import Tracking

PRODUCTS = r"/wp-json/wc/v3/products"


class WooCommerceSimulator(Tracking):
    name = "woocommerce"

    # -- set up -----------------------------------------------------------------------------------
    def add_product(
        self, sku: str, price: str = "10.00", *, stock: int | None = None, parent_id: int = 0, **more: Any
    ) -> str:
        """Returns the id. With `parent_id` it is a variation of that product."""
        product_id, at = self._id(), self.now()
        row = {
            "id": product_id, "name": f"Product {sku}", "slug": f"product-{product_id}",
            "permalink": f"{self.url}/product/{product_id}/", **self._dates("date_created", at),
            **self._dates("date_modified", at), "type": "variation" if parent_id else "simple", "status": "publish",
            "sku": sku, "price": price, "regular_price": price, "sale_price": "", "tax_status": "taxable",
            "tax_class": "", "manage_stock": stock is not None, "stock_quantity": stock,
            "stock_status": "outofstock" if stock is not None and stock <= 0 else "instock", "backorders": "no",
            "backorders_allowed": False, "backordered": False, "purchasable": True, "virtual": False,
            "parent_id": parent_id, "meta_data": [],
        }  # fmt: skip
        with self.lock:
            self.products[str(product_id)] = row | more
        return str(product_id)

    def poison(self, order_id: str, mutate: Callable[[dict[str, Any]], Any]) -> None:
        """From now on answers hold what `mutate` makes of a copy of this order."""
        self._poison[str(order_id)] = mutate

    # -- what goes wrong --------------------------------------------------------------------------
    def change_keys(self) -> tuple[str, str]:
        """The old keys stop working; returns the new ones."""
        self.consumer_key, self.consumer_secret = f"ck_{self._id():040d}", f"cs_{self._id():040d}"
        return self.consumer_key, self.consumer_secret

    def revoke_keys(self) -> None:
        self.is_revoked = True

    def restore_keys(self) -> None:
        """The same keys work again."""
        self.is_revoked = False

    def go_down(self) -> None:
        """Everything is answered with 503 and a page, until `come_back`."""
        self.is_down = True

    def come_back(self) -> None:
        self.is_down = False

    # -- what the merchant does -------------------------------------------------------------------
    def complete(self, order_id: str) -> None:
        """Sent, and no code noted."""
        self.set_status(order_id, "completed")
        self.record("complete", str(order_id), self.reference_of(order_id))

    def ship(self, order_id: str, code: str, provider: str = "postnl", *, via: str = "extension") -> None:
        """Note the code, then set the order to completed. `via` says where the code is kept:
        "fulfillments" (core), "extension" (Shipment Tracking), "ast" or "meta" (a field of the order)."""
        self.add_tracking(order_id, code, provider, via=via)
        self.set_status(order_id, "completed")
        self.record("ship", str(order_id), self.reference_of(order_id), {"code": code, "provider": provider})

    def cancel(self, order_id: str) -> None:
        self.set_status(order_id, "cancelled")
        self.record("cancel", str(order_id), self.reference_of(order_id))

    def reopen(self, order_id: str) -> None:
        """Back to processing, from wherever it was, the trash included."""
        self.set_status(order_id, "processing")
        self.record("reopen", str(order_id), self.reference_of(order_id))

    def trash(self, order_id: str) -> None:
        with self.lock:
            order = self.orders[str(order_id)]
            order["status"] = "trash"
            self._touch(order)

    def set_status(self, order_id: str, status: str) -> None:
        with self.lock:
            order = self.orders[str(order_id)]
            self._change_status(order, status)
            self._touch(order)

    # -- what is there ----------------------------------------------------------------------------
    def reference_of(self, order_id: str) -> str:
        """The reference that the order was made with."""
        return self.orders[str(order_id)]["transaction_id"]

    def order_with(self, reference: str) -> dict[str, Any]:
        """The one order that was made with this reference. Raises AssertionError if there is not one."""
        with self.lock:
            found = [order for order in self.orders.values() if order["transaction_id"] == reference]
        assert len(found) == 1, f"{len(found)} orders carry {reference}"
        return found[0]

    def listing(self) -> list[dict[str, Any]]:
        """All orders, the newest first: id, number, status, total, reference and metas by key."""
        with self.lock:
            return [
                {name: order[name] for name in ("id", "number", "status", "total")}
                | {"reference": order["transaction_id"]}
                | {"metas": {row["key"]: row["value"] for row in order["meta_data"]}}
                for order in reversed(self.orders.values())
            ]

    # -- the shop ---------------------------------------------------------------------------------
    @route("GET", r"/wp-json/?")
    def index(self, request: Request) -> Response:
        return Response.of({"name": "Demo shop", "home": self.url, "namespaces": ["wp/v2", "wc/v3"]})

    @route("GET", r"/wp-json/wc/v3/settings/(?P<group>general|tax)")
    def settings(self, request: Request, group: str) -> Response:
        if not self.may_read_settings:
            return error(403, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.")
        values = {
            "general": {
                "woocommerce_default_country": "NL",
                "woocommerce_currency": "EUR",
                "woocommerce_calc_taxes": "yes" if self.calc_taxes else "no",
                "woocommerce_price_num_decimals": "2",
            },
            "tax": {
                "woocommerce_prices_include_tax": "yes" if self.prices_include_tax else "no",
                "woocommerce_tax_round_at_subtotal": "yes" if self.rounds_at_subtotal else "no",
                **self.tax_settings,
            },
        }
        return Response.of([{"id": name, "value": value} for name, value in values[group].items()])

    @route("GET", r"/wp-json/wc/v3/taxes")
    def taxes(self, request: Request) -> Response:
        return self._listed(request, self.tax_rates)

    # -- products ---------------------------------------------------------------------------------
    @route("GET", PRODUCTS)
    def list_products(self, request: Request) -> Response:
        """Variations are found by SKU only."""
        sku = request.query.get("sku", "")
        if self.creates_products:
            self._make_missing(sku)
        wanted = {part.lower() for part in (*sku.split(","), sku)}
        rows = [
            row
            for row in self.products.values()
            if (row["sku"].lower() in wanted if sku else row["type"] != "variation")
        ]
        return self._listed(request, rows)

    @route("GET", PRODUCTS + r"/(?P<product_id>\d+)")
    def get_product(self, request: Request, product_id: str) -> Response:
        row = self.products.get(product_id)
        return Response.of(row) if row else error(404, "woocommerce_rest_product_invalid_id", "Invalid ID.")

    def _make_missing(self, skus: str) -> None:
        known = {row["sku"] for row in self.products.values()}
        for sku in () if skus in known else skus.split(","):
            if sku and sku not in known:
                self.add_product(sku)
