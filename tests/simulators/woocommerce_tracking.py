"""Where a WooCommerce shop may keep its parcels: core's fulfilments and two plugins."""

from __future__ import annotations

import hashlib
from typing import Any

from .base import Request, Response, route
from .woocommerce_orders import ORDERS
from .woocommerce_refunds import Refunds
from .woocommerce_state import error

ONE = r"/orders/(?P<order_id>\d+)/shipment-trackings"


class Tracking(Refunds):
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

    @route("GET", r"/wp-json/wc-shipment-tracking/v3" + ONE)
    def extension_trackings(self, request: Request, order_id: str) -> Response:
        return self._plugin_trackings(request, "extension", order_id) if self.has_extension else self.not_found(request)

    @route("GET", r"/wp-json/wc-ast/v3" + ONE)
    def ast_trackings(self, request: Request, order_id: str) -> Response:
        return self._plugin_trackings(request, "ast", order_id) if self.has_ast else self.not_found(request)

    def _plugin_trackings(self, request: Request, plugin: str, order_id: str) -> Response:
        if order_id not in self.orders:
            return error(404, "woocommerce_rest_shop_order_invalid_id", "Invalid ID.")
        return Response.of(self.trackings[plugin].get(order_id, []))

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
                self.trackings[via].setdefault(str(order_id), []).append(tracking)
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
