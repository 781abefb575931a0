"""What a WooCommerce shop holds: its options, orders, products, taxes and clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from .base import Response, Simulator, Validator

STATUSES = {"pending", "processing", "on-hold", "completed", "cancelled", "refunded", "failed", "checkout-draft"}
HTML = {"Content-Type": "text/html; charset=UTF-8"}
PAGE = b"<!DOCTYPE html><html><body><p>There has been a critical error on this website.</p></body></html>"


def error(status: int, code: str, message: str = "", **data: Any) -> Response:
    return Response.of({"code": code, "message": message or code, "data": {"status": status, **data}}, status)


def money(amount: Decimal) -> str:
    return f"{amount.quantize(Decimal('0.01'), ROUND_HALF_UP):f}"


class ShopState(Simulator):
    name = "woocommerce"

    def __init__(
        self,
        validator: Validator | None = None,
        *,
        hpos: bool = True,
        basic_over_http: bool = False,
        permalinks: str = "pretty",
        fulfillments: bool = False,
        extension: bool = False,
        ast: bool = False,
        calc_taxes: bool = True,
        prices_include_tax: bool = True,
        may_read_settings: bool = True,
        filters_modified: bool = True,
        rounds_at_subtotal: bool = False,
        creates_products: bool = False,
        custom_statuses: Iterable[str] = (),
    ) -> None:
        super().__init__(validator)
        self.hpos, self.basic_over_http, self.permalinks = hpos, basic_over_http, permalinks
        self.has_fulfillments, self.has_extension, self.has_ast = fulfillments, extension, ast
        self.calc_taxes, self.prices_include_tax = calc_taxes, prices_include_tax
        self.may_read_settings, self.filters_modified = may_read_settings, filters_modified
        self.rounds_at_subtotal = rounds_at_subtotal
        self.creates_products = creates_products  # a product for every SKU that is asked for, for demos
        self.statuses = STATUSES | set(custom_statuses)
        self.consumer_key, self.consumer_secret = "ck_" + "1" * 40, "cs_" + "2" * 40
        self.may_write = True
        self.is_revoked = False
        self.is_down = False
        self.moved_to = ""  # another address, to which everything is redirected for good
        self.utc_offset = timedelta(hours=1)  # the shop's own zone
        self.orders: dict[str, dict[str, Any]] = {}
        self.products: dict[str, dict[str, Any]] = {}
        self.notes: dict[str, list[dict[str, Any]]] = {}
        self.refunds: dict[str, list[dict[str, Any]]] = {}
        self.fulfillments: dict[str, list[dict[str, Any]]] = {}
        self.trackings: dict[str, dict[str, list[dict[str, Any]]]] = {"extension": {}, "ast": {}}
        self.tax_rates: list[dict[str, Any]] = []
        self.tax_settings = {"woocommerce_tax_based_on": "shipping", "woocommerce_shipping_tax_class": "inherit"}
        self.after_page: Callable[[int], None] | None = None  # called when a page of orders was answered
        self._nonces: set[str] = set()
        self._poison: dict[str, Callable[[dict[str, Any]], Any]] = {}
        self._took_stock: set[int] = set()
        self._reduced: dict[int, int] = {}  # pieces that each line of an order took from the stock
        self.stops_while_refunding = False  # the script ends once a refund is saved, before all that follows
        self._last_id = 100
        self.add_tax_rate("21.0000")

    @property
    def key(self) -> str:
        return self.consumer_key

    @property
    def secret(self) -> str:
        return self.consumer_secret

    @secret.setter
    def secret(self, value: str) -> None:
        self.consumer_secret = value

    def _id(self) -> int:
        self._last_id += 1
        return self._last_id

    def add_tax_rate(self, rate: str, *, country: str = "", tax_class: str = "standard", **more: Any) -> None:
        row = {"id": self._id(), "country": country, "state": "", "postcode": "", "city": "", "rate": rate}
        row |= {"name": "VAT", "priority": 1, "compound": False, "shipping": True, "order": 0, "class": tax_class}
        self.tax_rates.append(row | {"postcodes": [], "cities": []} | more)

    # -- time -------------------------------------------------------------------------------------
    def _dates(self, name: str, at: datetime) -> dict[str, str]:
        """A field in the shop's zone and its twin in UTC, both without offset."""
        local = at.replace(tzinfo=None) + self.utc_offset
        return {
            name: local.isoformat(timespec="seconds"),
            f"{name}_gmt": at.replace(tzinfo=None).isoformat(timespec="seconds"),
        }

    def _touch(self, order: dict[str, Any]) -> None:
        order.update(self._dates("date_modified", self.now()))

    # -- metas ------------------------------------------------------------------------------------
    def _metas(self, given: dict[str, Any]) -> list[dict[str, Any]]:
        return [{"id": self._id(), "key": row["key"], "value": row["value"]} for row in given.get("meta_data", [])]

    def _meta(self, order: dict[str, Any], key: str) -> Any:
        return next((row["value"] for row in order["meta_data"] if row["key"] == key), None)

    def _set_meta(self, order: dict[str, Any], key: str, value: Any) -> None:
        order["meta_data"] = [row for row in order["meta_data"] if row["key"] != key]
        order["meta_data"].append({"id": self._id(), "key": key, "value": value})
