"""A WooCommerce shop: REST API v3 with the behaviour measured on WooCommerce 11.0.1.

It takes orders for unknown products and for more than is in stock, never compares references, ignores
filters by meta, lists trashed orders only with status=trash, keeps times to the second, and answers
errors as WordPress does. Sources: WooCommerce REST API documentation v3; the Shipment Tracking
extension's API documentation; the behaviour of a real shop.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any
from urllib.parse import quote, urlsplit

from .base import Request, Response, Simulator, Validator, route

ORDERS = r"/wp-json/wc/v3/orders"
PRODUCTS = r"/wp-json/wc/v3/products"
STATUSES = {"pending", "processing", "on-hold", "completed", "cancelled", "refunded", "failed", "checkout-draft"}
TAKES_STOCK = {"processing", "on-hold", "completed"}
HTML = {"Content-Type": "text/html; charset=UTF-8"}
PAGE = b"<!DOCTYPE html><html><body><p>There has been a critical error on this website.</p></body></html>"
ADDRESS = ("first_name", "last_name", "company", "address_1", "address_2", "city", "state", "postcode", "country")


def error(status: int, code: str, message: str = "", **data: Any) -> Response:
    return Response.of({"code": code, "message": message or code, "data": {"status": status, **data}}, status)


def money(amount: Decimal) -> str:
    return f"{amount.quantize(Decimal('0.01'), ROUND_HALF_UP):f}"


class WooCommerceSimulator(Simulator):
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
        custom_statuses: Iterable[str] = (),
    ) -> None:
        super().__init__(validator)
        self.hpos, self.basic_over_http, self.permalinks = hpos, basic_over_http, permalinks
        self.has_fulfillments, self.has_extension, self.has_ast = fulfillments, extension, ast
        self.calc_taxes, self.prices_include_tax = calc_taxes, prices_include_tax
        self.may_read_settings, self.filters_modified = may_read_settings, filters_modified
        self.statuses = STATUSES | set(custom_statuses)
        self.key, self.secret = "ck_" + "1" * 40, "cs_" + "2" * 40
        self.may_write = True
        self.utc_offset = timedelta(hours=1)  # the shop's own zone
        self.orders: dict[str, dict[str, Any]] = {}
        self.products: dict[str, dict[str, Any]] = {}
        self.notes: dict[str, list[dict[str, Any]]] = {}
        self.refunds: dict[str, list[dict[str, Any]]] = {}
        self.fulfillments: dict[str, list[dict[str, Any]]] = {}
        self.trackings: dict[str, list[dict[str, Any]]] = {}
        self.tax_rates: list[dict[str, Any]] = []
        self.tax_settings = {"woocommerce_tax_based_on": "shipping", "woocommerce_shipping_tax_class": "inherit"}
        self.after_page: Callable[[int], None] | None = None  # called when a page of orders was answered
        self._nonces: set[str] = set()
        self._poison: dict[str, Callable[[dict[str, Any]], Any]] = {}
        self._took_stock: set[int] = set()
        self._last_id = 100
        self.add_tax_rate("21.0000")

    # -- set up and drive -------------------------------------------------------------------------
    def _id(self) -> int:
        self._last_id += 1
        return self._last_id

    def add_tax_rate(self, rate: str, *, country: str = "", tax_class: str = "standard", **more: Any) -> None:
        row = {"id": self._id(), "country": country, "state": "", "postcode": "", "city": "", "rate": rate}
        row |= {"name": "VAT", "priority": 1, "compound": False, "shipping": True, "order": 0, "class": tax_class}
        self.tax_rates.append(row | {"postcodes": [], "cities": []} | more)

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

    def change_keys(self) -> tuple[str, str]:
        """The old keys stop working; returns the new ones."""
        self.key, self.secret = f"ck_{self._id():040d}", f"cs_{self._id():040d}"
        return self.key, self.secret

    def revoke_keys(self) -> None:
        self.change_keys()

    def poison(self, order_id: str, mutate: Callable[[dict[str, Any]], Any]) -> None:
        """From now on answers hold what `mutate` makes of a copy of this order."""
        self._poison[str(order_id)] = mutate

    def complete(
        self, order_id: str, tracking_code: str | None = None, provider: str = "postnl", via: str = "extension"
    ) -> None:
        """As a merchant does: note the code, then set the order to completed."""
        if tracking_code:
            self.add_tracking(order_id, tracking_code, provider, via=via)
        self.set_status(order_id, "completed")
        self.record("complete", str(order_id), data=tracking_code)

    def add_tracking(
        self, order_id: str, tracking_code: str, provider: str = "postnl", *, via: str = "extension"
    ) -> None:
        with self.lock:
            order = self.orders[str(order_id)]
            if via == "fulfillments":
                self.partial_fulfil(order_id, None, tracking_code, provider)
                return
            tracking = {
                "tracking_id": hashlib.md5(tracking_code.encode()).hexdigest(),  # noqa: S324
                "tracking_provider": provider, "tracking_link": f"https://track.example/{tracking_code}",
                "tracking_number": tracking_code, "date_shipped": self.now().date().isoformat(),
            }  # fmt: skip
            if via == "meta":
                epoch = str(int(self.now().timestamp()))
                items = [*(self._meta(order, "_wc_shipment_tracking_items") or []), tracking | {"date_shipped": epoch}]
                self._set_meta(order, "_wc_shipment_tracking_items", items)
            else:
                self.has_extension, self.has_ast = (
                    self.has_extension or via == "extension",
                    self.has_ast or via == "ast",
                )
                self.trackings.setdefault(str(order_id), []).append(tracking)
            self._touch(order)

    def partial_fulfil(
        self, order_id: str, quantities: dict[str, int] | None, tracking_code: str = "", provider: str = "postnl"
    ) -> None:
        """A fulfilment of core for these quantities by SKU, or for everything. The status stays."""
        with self.lock:
            self.has_fulfillments = True
            order = self.orders[str(order_id)]
            wanted = (
                {line["sku"]: line["quantity"] for line in order["line_items"]} if quantities is None else quantities
            )
            items = [
                {"item_id": line["id"], "qty": wanted[line["sku"]]}
                for line in order["line_items"]
                if wanted.get(line["sku"])
            ]
            metas = [{"key": "_items", "value": items}]
            if tracking_code:
                metas += [
                    {"key": "_tracking_number", "value": tracking_code},
                    {"key": "_shipment_provider", "value": provider},
                ]
            self._add_fulfilment(str(order_id), {"status": "fulfilled", "is_fulfilled": True, "meta_data": metas})

    def cancel(self, order_id: str) -> None:
        self.set_status(order_id, "cancelled")

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

    # -- answering --------------------------------------------------------------------------------
    def handle(self, request: Request) -> Response:
        if request.path == "/" and "rest_route" in request.query:
            request.path = "/wp-json" + request.query["rest_route"]
        elif request.path.startswith("/wp-json") and self.permalinks == "plain":
            return Response(404, b"<!DOCTYPE html><title>Page not found</title>", HTML)
        with self.lock:
            return super().handle(request)

    def not_found(self, request: Request) -> Response:
        if not request.path.startswith("/wp-json"):
            return Response(404, b"<!DOCTYPE html><title>Page not found</title>", HTML)
        return error(404, "rest_no_route", "No route was found matching the URL and request method.")

    def authenticate(self, request: Request) -> Response | None:
        if request.path.rstrip("/") == "/wp-json":
            return None
        if self._is_signed(request) or (self.basic_over_http and self._is_basic(request)):
            if request.method != "GET" and not self.may_write:
                return error(
                    401, "woocommerce_rest_authentication_error", "The API key does not have write permissions."
                )
            return None
        if "oauth_signature" in request.query:
            return error(401, "woocommerce_rest_authentication_error", "Invalid signature, nonce or key.")
        return error(401, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.")

    def _is_basic(self, request: Request) -> bool:
        given = request.headers.get("Authorization", "")
        expected = "Basic " + base64.b64encode(f"{self.key}:{self.secret}".encode()).decode()
        by_query = (request.query.get("consumer_key"), request.query.get("consumer_secret"))
        return given == expected or by_query == (self.key, self.secret)

    def _is_signed(self, request: Request) -> bool:
        """OAuth 1.0a: known key, time within 15 minutes, a nonce never seen, HMAC-SHA1 or -SHA256."""
        query = request.query
        nonce, stamp = query.get("oauth_nonce", ""), query.get("oauth_timestamp", "")
        digest = {"HMAC-SHA1": hashlib.sha1, "HMAC-SHA256": hashlib.sha256}.get(query.get("oauth_signature_method", ""))
        is_timely = stamp.isdigit() and abs(datetime.now(UTC).timestamp() - int(stamp)) < 900
        if digest is None or not is_timely or not nonce or nonce in self._nonces:
            return False
        self._nonces.add(nonce)
        escape = lambda text: quote(text, safe="~")  # noqa: E731
        pairs = sorted((escape(name), escape(value)) for name, value in query.items() if name != "oauth_signature")
        address = self.url + urlsplit(request.url).path
        base = "&".join([request.method, escape(address), escape("&".join(f"{name}={value}" for name, value in pairs))])
        expected = base64.b64encode(hmac.new(f"{self.secret}&".encode(), base.encode(), digest).digest()).decode()
        return query.get("oauth_consumer_key") == self.key and hmac.compare_digest(expected, query["oauth_signature"])

    def _listed(self, request: Request, rows: list[Any]) -> Response:
        per_page, page = request.query.get("per_page", "10"), request.query.get("page", "1")
        if not per_page.isdigit() or not 1 <= int(per_page) <= 100:
            return error(400, "rest_invalid_param", "Invalid parameter(s): per_page")
        if not page.isdigit() or int(page) < 1:
            return error(400, "rest_invalid_param", "Invalid parameter(s): page")
        size, start = int(per_page), (int(page) - 1) * int(per_page)
        totals = {"X-WP-Total": str(len(rows)), "X-WP-TotalPages": str(-(-len(rows) // size))}
        response = Response.of(rows[start : start + size], **totals)
        response.headers["Link"] = f'<{request.url}>; rel="next"'  # repeats nonce and signature: not to be followed
        return response

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
                "woocommerce_tax_round_at_subtotal": "no",
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

    def _move_stock(self, order: dict[str, Any], direction: int) -> None:
        for line in order["line_items"]:
            product = self.products.get(str(line["variation_id"] or line["product_id"]))
            if product and product["manage_stock"] == "parent":
                product = self.products.get(str(product["parent_id"]))
            if product and product["manage_stock"]:
                product["stock_quantity"] += direction * line["quantity"]
                product["stock_status"] = "instock" if product["stock_quantity"] > 0 else "outofstock"

    # -- orders -----------------------------------------------------------------------------------
    @route("GET", ORDERS)
    def list_orders(self, request: Request) -> Response:
        """meta_key and meta_value are ignored without a word, as any unknown parameter."""
        query, rows = request.query, list(self.orders.values())
        statuses = query.get("status", "any").split(",")
        if unknown := set(statuses) - self.statuses - {"any", "trash", "auto-draft"}:
            return error(400, "rest_invalid_param", f"Invalid parameter(s): status {unknown}")
        rows = [row for row in rows if row["status"] in statuses or ("any" in statuses and row["status"] != "trash")]
        for name, field in (("after", "date_created"), ("modified_after", "date_modified")):
            if name in query:
                if "T" not in query[name]:
                    return error(400, "rest_invalid_param", f"Invalid parameter(s): {name}")
                if name == "after" or self.filters_modified:
                    rows = self._later(rows, query, name, field)
        if self.list_lag:
            horizon = (self.now() - self.list_lag).replace(tzinfo=None).isoformat()
            rows = [row for row in rows if row["date_created_gmt"] < horizon]
        if "search" in query:
            rows = [row for row in rows if self._is_hit(row, query["search"])]
        by = {"id": "id", "date": "date_created_gmt", "modified": "date_modified_gmt"}[query.get("orderby", "date")]
        rows.sort(key=lambda row: (row[by], row["id"]), reverse=query.get("order", "desc") == "desc")
        response = self._listed(request, [self._shown(row) for row in rows])
        if self.after_page is not None:
            self.after_page(int(query.get("page", "1")))
        return response

    def _later(self, rows: list[dict[str, Any]], query: dict[str, str], name: str, field: str) -> list[dict[str, Any]]:
        """Strictly later, to the second; in the shop's zone unless dates_are_gmt is set."""
        limit = datetime.fromisoformat(query[name]).replace(tzinfo=None, microsecond=0).isoformat()
        field = f"{field}_gmt" if query.get("dates_are_gmt") == "true" else field
        return [row for row in rows if row[field] > limit]

    def _is_hit(self, row: dict[str, Any], text: str) -> bool:
        """Number and addresses; the transaction id only with the newer order storage. Never meta."""
        places = [row["number"], *(str(value) for value in row["billing"].values())]
        return any(text in place for place in (*places, row["transaction_id"] if self.hpos else ""))

    def _shown(self, order: dict[str, Any]) -> Any:
        shown = copy.deepcopy(order)
        mutate = self._poison.get(str(order["id"]))
        return (mutate(shown) or shown) if mutate else shown

    @route("GET", ORDERS + r"/(?P<order_id>\d+)")
    def get_order(self, request: Request, order_id: str) -> Response:
        order = self.orders.get(order_id)
        if order is None:
            return error(404, "woocommerce_rest_shop_order_invalid_id", "Invalid ID.")
        return Response.of(self._shown(order))

    @route("POST", ORDERS)
    def create_order(self, request: Request) -> Response:
        body = self._body(request)
        refused = self._refuse(body)
        if refused is not None:
            return refused
        order = self._new_order(body)
        self.orders[str(order["id"])] = order
        self._change_status(order, "processing" if body.get("set_paid") else body.get("status", "pending"))
        self.record("create_order", str(order["id"]), order["transaction_id"], copy.deepcopy(order))
        return Response.of(order, 201)

    @route("PUT", ORDERS + r"/(?P<order_id>\d+)")
    def update_order(self, request: Request, order_id: str) -> Response:
        order, body = self.orders.get(order_id), self._body(request)
        if order is None:
            return error(404, "woocommerce_rest_shop_order_invalid_id", "Invalid ID.")
        refused = self._refuse(body)
        if refused is not None:
            return refused
        for name in ("transaction_id", "customer_note", "payment_method", "payment_method_title"):
            order[name] = body.get(name, order[name])
        for entry in body.get("meta_data", []):
            self._set_meta(order, entry["key"], entry["value"])
        if "status" in body:
            self._change_status(order, body["status"])
        self._touch(order)  # even if nothing changed
        self.record("update_order", order_id, order["transaction_id"], body)
        return Response.of(order)

    @route("DELETE", ORDERS + r"/(?P<order_id>\d+)")
    def delete_order(self, request: Request, order_id: str) -> Response:
        order = self.orders.get(order_id)
        if order is None:
            return error(404, "woocommerce_rest_shop_order_invalid_id", "Invalid ID.")
        shown = copy.deepcopy(order)
        if request.query.get("force") == "true":
            del self.orders[order_id]
        elif order["status"] == "trash":
            return error(410, "woocommerce_rest_already_trashed", "The order has already been deleted.")
        else:
            self.trash(order_id)
        self.record("delete_order", order_id, order["transaction_id"])
        return Response.of(shown)

    def _body(self, request: Request) -> Any:
        try:
            return request.json() if request.body else {}
        except ValueError:
            return None

    def _refuse(self, body: Any) -> Response | None:
        if not isinstance(body, dict):
            return error(400, "rest_invalid_json", "Invalid JSON body passed.")
        status, email = body.get("status"), body.get("billing", {}).get("email")
        if status is not None and status not in self.statuses:
            return error(400, "rest_invalid_param", "Invalid parameter(s): status")
        if email is not None and ("@" not in email or email.startswith("@")):
            return error(400, "rest_invalid_param", "Invalid parameter(s): billing")
        currency = body.get("currency", "EUR")
        if len(currency) != 3 or not currency.isupper():
            return error(400, "rest_invalid_param", "Invalid parameter(s): currency")
        if any(not line.get("quantity", 1) for line in body.get("line_items", [])):
            return Response(500, PAGE, HTML)
        return None

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
        exact = [Decimal(row.pop("_exact")) for row in (*lines, *shipping, *fees)]
        sums = [sum((Decimal(row[name]) for row in rows), Decimal(0)) for rows, name in (
            ((*lines, *fees), "total_tax"), (shipping, "total_tax"), (shipping, "total"), (lines, "subtotal"), (lines, "total"))]  # fmt: skip
        cart_tax, shipping_tax, shipping_total, before, after = sums
        return {
            "id": order_id, "parent_id": 0, "status": "pending", "currency": body.get("currency", "EUR"),
            "version": "11.0.1", "prices_include_tax": self.prices_include_tax, **self._dates("date_created", at),
            **self._dates("date_modified", at), "discount_total": money(before - after), "discount_tax": "0.00",
            "shipping_total": money(shipping_total), "shipping_tax": money(shipping_tax), "cart_tax": money(cart_tax),
            "total": money(sum(exact, cart_tax + shipping_tax)), "total_tax": money(cart_tax + shipping_tax),
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
        tax = self._tax(total, place, tax_class) if product and product["tax_status"] == "taxable" else Decimal(0)
        return {
            "id": self._id(), "name": product["name"] if product else "",
            "product_id": (product["parent_id"] if is_variation else product["id"]) if product else 0,
            "variation_id": product["id"] if is_variation else 0, "quantity": quantity, "tax_class": tax_class,
            "subtotal": money(self._decimal(given.get("subtotal", total)) if product else Decimal(0)),
            "subtotal_tax": money(tax), "total": money(total), "total_tax": money(tax), "taxes": [],
            "meta_data": self._metas(given), "sku": product["sku"] if product else None,
            "price": total / quantity, "_exact": str(total),
        }  # fmt: skip

    def _cost(self, given: dict[str, Any], place: str, defaults: dict[str, str]) -> dict[str, Any]:
        total = self._decimal(given.get("total", "0"))
        tax = self._tax(total, place, "") if given.get("tax_status", "taxable") == "taxable" else Decimal(0)
        own = {name: given.get(name, value) for name, value in defaults.items()}
        return {
            "id": self._id(), **own, "total": money(total), "total_tax": money(tax), "taxes": [],
            "meta_data": self._metas(given), "_exact": str(total),
        }  # fmt: skip

    @staticmethod
    def _decimal(value: Any) -> Decimal:
        try:
            return Decimal(str(value))
        except InvalidOperation:
            return Decimal(0)

    def _tax(self, amount: Decimal, place: str, tax_class: str) -> Decimal:
        """The shop's own tax on an amount without tax, rounded per line."""
        rates = [row for row in self.tax_rates if row["class"] == (tax_class or "standard")]
        fitting = [row for row in rates if row["country"] == place] or [row for row in rates if not row["country"]]
        if not self.calc_taxes or not fitting:
            return Decimal(0)
        return (amount * Decimal(fitting[0]["rate"]) / 100).quantize(Decimal("0.01"), ROUND_HALF_UP)

    def _metas(self, given: dict[str, Any]) -> list[dict[str, Any]]:
        return [{"id": self._id(), "key": row["key"], "value": row["value"]} for row in given.get("meta_data", [])]

    def _meta(self, order: dict[str, Any], key: str) -> Any:
        return next((row["value"] for row in order["meta_data"] if row["key"] == key), None)

    def _set_meta(self, order: dict[str, Any], key: str, value: Any) -> None:
        order["meta_data"] = [row for row in order["meta_data"] if row["key"] != key]
        order["meta_data"].append({"id": self._id(), "key": key, "value": value})

    def _change_status(self, order: dict[str, Any], status: str) -> None:
        """Stock is taken once at processing and given back at cancelled."""
        order["status"] = status
        if status in TAKES_STOCK and order["id"] not in self._took_stock:
            self._took_stock.add(order["id"])
            self._move_stock(order, -1)
        elif status == "cancelled" and order["id"] in self._took_stock:
            self._took_stock.remove(order["id"])
            self._move_stock(order, +1)
        if status == "processing" and order["date_paid"] is None:
            order.update(self._dates("date_paid", self.now()))
        if status == "completed":
            order.update(self._dates("date_completed", self.now()))

    # -- notes, refunds ---------------------------------------------------------------------------
    @route("GET", ORDERS + r"/(?P<order_id>\d+)/notes")
    def list_notes(self, request: Request, order_id: str) -> Response:
        return Response.of(self.notes.get(order_id, []))

    @route("POST", ORDERS + r"/(?P<order_id>\d+)/notes")
    def create_note(self, request: Request, order_id: str) -> Response:
        """Does not move date_modified."""
        if order_id not in self.orders:
            return error(404, "woocommerce_rest_order_invalid_id", "Invalid order ID.")
        body = self._body(request)
        note = {"id": self._id(), "author": "system", **self._dates("date_created", self.now()), "note": body["note"],
                "customer_note": body.get("customer_note", False)}  # fmt: skip
        self.notes.setdefault(order_id, []).append(note)
        return Response.of(note, 201)

    @route("POST", ORDERS + r"/(?P<order_id>\d+)/refunds")
    def create_refund(self, request: Request, order_id: str) -> Response:
        order, body = self.orders.get(order_id), self._body(request)
        if order is None:
            return error(404, "woocommerce_rest_invalid_order", "Invalid order ID.")
        refund = {"id": self._id(), **self._dates("date_created", self.now()), "amount": body["amount"],
                  "reason": body.get("reason", ""), "refunded_by": 1, "refunded_payment": False, "meta_data": [],
                  "line_items": []}  # fmt: skip
        self.refunds.setdefault(order_id, []).append(refund)
        order["refunds"].append({"id": refund["id"], "reason": refund["reason"], "total": f"-{body['amount']}"})
        if sum(Decimal(row["amount"]) for row in self.refunds[order_id]) >= Decimal(order["total"]):
            self._change_status(order, "refunded")
        if body.get("api_restock"):
            self._move_stock(order, +1)
        self._touch(order)
        self.record("refund", order_id, order["transaction_id"], refund)
        return Response.of(refund, 201)

    # -- tracking ---------------------------------------------------------------------------------
    @route("GET", ORDERS + r"/(?P<order_id>\d+)/fulfillments")
    def list_fulfillments(self, request: Request, order_id: str) -> Response:
        if not self.has_fulfillments:
            return self.not_found(request)
        return Response.of(self.fulfillments.get(order_id, []))

    @route("POST", ORDERS + r"/(?P<order_id>\d+)/fulfillments")
    def create_fulfillment(self, request: Request, order_id: str) -> Response:
        if not self.has_fulfillments or order_id not in self.orders:
            return self.not_found(request)
        return Response.of(self._add_fulfilment(order_id, self._body(request)), 201)

    def _add_fulfilment(self, order_id: str, body: dict[str, Any]) -> dict[str, Any]:
        """Moves the order's date_modified and sets a meta; its status stays."""
        order = self.orders[order_id]
        row = {"id": self._id(), "entity_type": "WC_Order", "entity_id": order_id, "status": body["status"],
               "is_fulfilled": body["is_fulfilled"],
               "date_updated": self.now().replace(tzinfo=None).isoformat(timespec="seconds") + "Z",
               "date_deleted": None, "meta_data": self._metas(body)}  # fmt: skip
        self.fulfillments.setdefault(order_id, []).append(row)
        sent = sum(i["qty"] for f in self.fulfillments[order_id] for i in self._meta(f, "_items") or [])
        is_whole = sent >= sum(line["quantity"] for line in order["line_items"])
        self._set_meta(order, "_fulfillment_status", "fulfilled" if is_whole else "partially_fulfilled")
        self._touch(order)
        return row

    @route("GET", r"/wp-json/wc-shipment-tracking/v3/orders/(?P<order_id>\d+)/shipment-trackings")
    def extension_trackings(self, request: Request, order_id: str) -> Response:
        return Response.of(self.trackings.get(order_id, [])) if self.has_extension else self.not_found(request)

    @route("GET", r"/wp-json/wc-ast/v3/orders/(?P<order_id>\d+)/shipment-trackings")
    def ast_trackings(self, request: Request, order_id: str) -> Response:
        return Response.of(self.trackings.get(order_id, [])) if self.has_ast else self.not_found(request)
