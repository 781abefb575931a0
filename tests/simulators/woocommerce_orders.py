"""The orders of a WooCommerce shop: list, make, change, throw away."""

from __future__ import annotations

import copy
from datetime import datetime
from typing import Any

from .base import Request, Response, route
from .woocommerce_checkout import Checkout
from .woocommerce_state import HTML, PAGE, error

ORDERS = r"/wp-json/wc/v3/orders"
# Of some 160.
CURRENCIES = {"AUD", "BGN", "CAD", "CHF", "CZK", "DKK", "EUR", "GBP", "HUF", "NOK", "PLN", "RON", "SEK", "TRY", "USD"}


class Orders(Checkout):
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
            return error(400, "woocommerce_rest_shop_order_invalid_id", "Invalid ID.")
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

    @staticmethod
    def _is_bad_email(email: str | None) -> bool:
        return email is not None and ("@" not in email or email.startswith("@"))

    def _refuse(self, body: Any) -> Response | None:
        if not isinstance(body, dict):
            return error(400, "rest_invalid_json", "Invalid JSON body passed.")
        wrong = {
            "status": body.get("status") not in {None, *self.statuses},
            "billing": self._is_bad_email(body.get("billing", {}).get("email")),
            "currency": body.get("currency", "EUR") not in CURRENCIES,
        }
        params = {name: f"{name} is not valid." for name, is_wrong in wrong.items() if is_wrong}
        if params:
            return error(400, "rest_invalid_param", f"Invalid parameter(s): {', '.join(params)}", params=params)
        if any(not line.get("quantity", 1) for line in body.get("line_items", [])):
            return Response(500, PAGE, HTML)
        return None

    # -- notes ------------------------------------------------------------------------------------
    @route("GET", ORDERS + r"/(?P<order_id>\d+)/notes")
    def list_notes(self, request: Request, order_id: str) -> Response:
        if order_id not in self.orders:
            return error(404, "woocommerce_rest_order_invalid_id", "Invalid order ID.")
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
        self.record("note", order_id, note["note"])
        return Response.of(note, 201)
