"""A seller account at bol: log-in, orders, shipments, cancellations, returns, invoices, labels and process statuses.

Written from the descriptions "v10 - Retailer API" and "v10 - Shared API" and bol's pages on
authentication and conventions. Log-in is at the same address as the API here. Nothing is de-duplicated:
bol has no idempotency key, and a shipment of what is no longer open fails in its process status.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from .base import Request, Response, Validator, multipart, route
from .bol_access import Access
from .bol_bodies import (
    LABEL_TYPE,
    MEDIA_TYPE,
    answer,
    bad_request,
    invoice_request,
    problem,
    process_status,
    reduced_order,
    reduced_shipment,
    whole_order,
    whole_shipment,
)
from .bol_returns import Returns
from .bol_state import Item, Order, Process
from .openapi import OpenApiValidator
from .validation import specs_available

METHODS, STATUSES = ("FBR", "FBB", "ALL"), ("OPEN", "SHIPPED", "ALL")
REASONS = {
    "OUT_OF_STOCK", "REQUESTED_BY_CUSTOMER", "BAD_CONDITION", "HIGHER_SHIPCOST", "INCORRECT_PRICE",
    "NOT_AVAIL_IN_TIME", "NO_BOL_GUARANTEE", "ORDERED_TWICE", "RETAIN_ITEM", "TECH_ISSUE", "UNFINDABLE_ITEM", "OTHER",
}  # fmt: skip
LONGEST_REFERENCE = 90
MOST_ITEMS = 100
MOST_STATUSES = 1000  # in one question


def description() -> OpenApiValidator:
    """The check against the vendor's own files; only where they are at hand (`specs_available("bol")`)."""
    # Both are "required" in the description and missing in real answers.
    tolerated = [r"'orders' is a required property", r"'violations' is a required property"]
    # bol's own demo answers with it; the description does not know it.
    tolerated.append(r"links/\d+: Additional properties are not allowed \('method' was unexpected\)")
    files = ["retailer-v10.openapi.json", "shared-v10.openapi.json"]
    return OpenApiValidator("bol", files, tolerated=tolerated)


class BolSimulator(Access, Returns):
    def __init__(self, validator: Validator | None = None) -> None:
        super().__init__(validator or (description() if specs_available("bol") else None))

    @property
    def settings(self) -> dict[str, str]:
        """What the account's form is filled in with to reach this simulator."""
        return {"api_url": self.url, "login_url": self.url}

    def not_found(self, request: Request) -> Response:
        return problem(404, "Not Found", f"{request.path} is not found.")

    @route("GET", "/retailer/retailers/current")
    def retailer(self, request: Request) -> Response:
        return answer(
            {"retailerId": self.retailer_id, "displayName": "Demo seller", "companyName": "Demo seller B.V.",
             "vatNumber": "NL123456789B01", "kvkNumber": "99887766", "registrationDate": "2019-01-01"}
        )  # fmt: skip

    # -- orders -------------------------------------------------------------------------------------
    @route("GET", "/retailer/orders")
    def list_orders(self, request: Request) -> Response:
        """Filtered item by item; an empty page is an object without `orders`."""
        refused = _refused_query(request.query)
        if refused is not None:
            return refused
        with self.lock:
            found = [(order, items) for order in self._sorted() if (items := self._listed(order, request.query))]
            page = [reduced_order(order, items) for order, items in self._page(found, request)]
        return answer({"orders": page} if page else {})

    def _page(self, rows: list[Any], request: Request) -> list[Any]:
        start = (int(request.query.get("page", "1")) - 1) * self.page_size
        return rows[start : start + self.page_size]

    def _sorted(self) -> list[Order]:
        visible = [one for one in self.orders.values() if one.placed_at <= self._now() - self.list_lag]
        return sorted(visible, key=lambda order: (order.placed_at, order.id))

    def _listed(self, order: Order, query: dict[str, str]) -> list[Item]:
        method, status = query.get("fulfilment-method", "FBR"), query.get("status", "OPEN")
        items = [item for item in order.items if method in ("ALL", item.method)]
        if status == "OPEN":
            items = [item for item in items if item.open]
        elif status == "SHIPPED":
            items = [item for item in items if item.shipped]
        if minutes := query.get("change-interval-minute"):
            since = self._now() - timedelta(minutes=int(minutes))
            items = [item for item in items if item.changed_at >= since]
        if day := query.get("latest-change-date"):
            items = [item for item in items if item.changed_at.date().isoformat() == day]
        return items

    @route("GET", "/retailer/orders/(?P<order_id>[^/]+)")
    def get_order(self, request: Request, order_id: str) -> Response:
        order = self.orders.get(order_id)
        if order is None:
            return self.not_found(request)
        with self.lock:
            body = whole_order(order)
        if mutate := self._poison.get(order_id):
            body = json.loads(json.dumps(body, default=str))
            mutate(body)
        return answer(body)

    @route("PUT", "/retailer/orders/cancellation")
    def cancel(self, request: Request) -> Response:
        items = request.json().get("orderItems", [])
        if len(items) != 1:
            return bad_request("orderItems", "size must be between 1 and 1")
        item_id, reason = items[0].get("orderItemId"), items[0].get("reasonCode")
        if reason not in REASONS:
            return bad_request("orderItems[0].reasonCode", f"{reason} is unknown")
        return self._accept(item_id, "CANCEL_ORDER", lambda: self._cancel(item_id, reason))

    def _cancel(self, item_id: str, reason: str) -> str:
        found = self._item(item_id)
        if found is None or not found[1].open or found[1].method == "FBB":
            return "Order item is not open"
        order, item = found
        item.cancelled += item.open
        item.changed_at = self._now()
        self.record("cancel", order.id, reason, {"item": item_id})
        return ""

    def _item(self, item_id: str) -> tuple[Order, Item] | None:
        for order in self.orders.values():
            for item in order.items:
                if item.id == item_id:
                    return order, item
        return None

    # -- shipments ----------------------------------------------------------------------------------
    @route("POST", "/retailer/shipments")
    def create_shipment(self, request: Request) -> Response:
        body = request.json()
        refused = _refused_shipment(body)
        if refused is not None:
            return refused
        return self._accept(body["orderItems"][0]["orderItemId"], "CREATE_SHIPMENT", lambda: self._ship(body))

    def _ship(self, body: dict[str, Any]) -> str:
        found = [(self._item(one["orderItemId"]), one.get("quantity")) for one in body["orderItems"]]
        if any(one is None for one, _quantity in found):
            return "Order item does not exist"
        pairs = [(one[0], one[1], quantity or one[1].open) for one, quantity in found if one]
        if len({order.id for order, _item, _quantity in pairs}) != 1:
            return "Order items belong to different orders"
        if any(item.method == "FBB" for _order, item, _quantity in pairs):
            return "Order item is fulfilled by bol"
        if any(not item.open or quantity > item.open for _order, item, quantity in pairs):
            return "Order item is not open"
        for _order, item, quantity in pairs:
            item.shipped += quantity
            item.changed_at = self._now()
        order = pairs[0][0]
        self._add_shipment(order, body)
        self.record("ship", order.id, body.get("shipmentReference", ""), body)
        return ""

    @route("GET", "/retailer/shipments")
    def list_shipments(self, request: Request) -> Response:
        """Newest first."""
        order_id = request.query.get("order-id", "")
        if order_id and "fulfilment-method" in request.query:
            return bad_request("order-id", "only valid without fulfilment-method")
        with self.lock:
            rows = [one for one in reversed(self.shipments) if not order_id or one["order"].id == order_id]
            rows = [one for one in rows if one["at"] <= self._now() - self.list_lag]
            page = [reduced_shipment(one) for one in self._page(rows, request)]
        return answer({"shipments": page})

    @route("GET", "/retailer/shipments/(?P<shipment_id>[^/]+)")
    def get_shipment(self, request: Request, shipment_id: str) -> Response:
        with self.lock:
            found = self._shipment(shipment_id)
            return answer(whole_shipment(found)) if found else self.not_found(request)

    def _shipment(self, shipment_id: str) -> dict[str, Any] | None:
        return next((one for one in self.shipments if one["id"] == shipment_id), None)

    # -- invoices and labels ------------------------------------------------------------------------
    @route("POST", "/retailer/shipments/invoices/(?P<shipment_id>[^/]+)")
    def upload_invoice(self, request: Request, shipment_id: str) -> Response:
        """Nothing is de-duplicated: a second upload is a second invoice."""
        file = multipart(request.headers["Content-Type"], request.body).get("invoice")
        if file is None:
            return bad_request("invoice", "must not be null")
        if self._shipment(shipment_id) is None:
            return self.not_found(request)
        return self._accept(shipment_id, "UPLOAD_INVOICE", lambda: self._keep_invoice(shipment_id, *file))

    def _keep_invoice(self, shipment_id: str, filename: str, content: bytes) -> str:
        if not content.startswith(b"%PDF-"):
            return "The invoice is not a PDF"
        for asked in self.invoice_requests:
            if asked["shipment_id"] == shipment_id:
                asked["steps"].append(("INVOICE_UPLOADED", self._now()))
        self.record("invoice", shipment_id, filename.removesuffix(".pdf"), content)
        return ""

    @route("GET", "/retailer/shipments/invoices/requests")
    def list_invoice_requests(self, request: Request) -> Response:
        shipment_id, state = request.query.get("shipment-id", ""), request.query.get("state", "OPEN")
        if state not in ("OPEN", "UPLOAD_ERROR", "ALL"):
            return bad_request("state", "a value is not allowed")
        wanted = {"OPEN": ("INVOICE_REQUESTED",), "UPLOAD_ERROR": ("INVOICE_INCORRECT", "INVOICE_VIRUS_DETECTED")}
        with self.lock:
            rows = [one for one in self.invoice_requests if shipment_id in ("", one["shipment_id"])]
            rows = [one for one in rows if state == "ALL" or one["steps"][-1][0] in wanted[state]]
            return answer({"invoiceRequests": [invoice_request(one) for one in self._page(rows, request)]})

    @route("GET", "/retailer/shipping-labels/(?P<label_id>[^/]+)")
    def get_label(self, request: Request, label_id: str) -> Response:
        if label_id not in self.labels:
            refused = problem(404, "Not Found", f"{request.path} is not found.")
            return Response(404, refused.body, {"Content-Type": LABEL_TYPE})  # as its description says
        headers = {"Content-Type": LABEL_TYPE, "X-Track-And-Trace-Code": "3SBOL1", "X-Transporter-Code": "TNT"}
        return Response(200, self.labels[label_id], headers)

    # -- process statuses ---------------------------------------------------------------------------
    def _accept(self, entity_id: str, event_type: str, execute: Callable[[], str]) -> Response:
        with self.lock:
            process = Process(self._id(), entity_id, event_type, self._now(), execute, self.polls)
            self.processes[process.id] = process
            if not self.polls:
                self._decide(process)
            return answer(process_status(process, self.url), 202)

    @route("POST", "/shared/process-status")
    def bulk_status(self, request: Request) -> Response:
        """Asking is what moves a process on; those that are not kept any more are left out."""
        ids = [one.get("processStatusId") for one in request.json().get("processStatusQueries", [])]
        if not 1 <= len(ids) <= MOST_STATUSES:
            return bad_request("processStatusQueries", f"size must be between 1 and {MOST_STATUSES}")
        with self.lock:
            known = [self.processes[one] for one in ids if one in self.processes]
            for process in known:
                process.polls -= 1
                if process.polls < 0:
                    self._decide(process)
            return answer({"processStatuses": [process_status(process, self.url) for process in known]})

    @route("GET", "/shared/process-status")
    def entity_status(self, request: Request) -> Response:
        """Newest first."""
        wanted = (request.query.get("entity-id"), request.query.get("event-type"))
        if None in wanted:
            return bad_request("entity-id", "entity-id and event-type are required")
        with self.lock:
            found = [one for one in self.processes.values() if (one.entity_id, one.event_type) == wanted]
            page = [process_status(one, self.url) for one in self._page(found[::-1], request)]
        return answer({"processStatuses": page})


def _refused_query(query: dict[str, str]) -> Response | None:
    """What the description does not allow of the list of orders."""
    page, minutes = query.get("page", "1"), query.get("change-interval-minute", "1")
    if not page.isdigit() or int(page) < 1:
        return bad_request("page", "must be greater than or equal to 1")
    if not minutes.isdigit() or not 1 <= int(minutes) <= 60:
        return bad_request("change-interval-minute", "must be less than or equal to 60")
    if query.get("fulfilment-method", "FBR") not in METHODS or query.get("status", "OPEN") not in STATUSES:
        return bad_request("status", "a value is not allowed")
    try:
        date.fromisoformat(query.get("latest-change-date", "2026-01-01"))
    except ValueError:
        return bad_request("latest-change-date", "must be a date")
    return None


def _refused_shipment(body: dict[str, Any]) -> Response | None:
    items, reference, transport = body.get("orderItems", []), body.get("shipmentReference"), body.get("transport")
    if not 1 <= len(items) <= MOST_ITEMS:
        return bad_request("orderItems", f"1 to {MOST_ITEMS} items")
    if any(not one.get("orderItemId") or one.get("quantity", 1) < 1 for one in items):
        return bad_request("orderItems", "an item without an id or a quantity")
    if reference is not None and not 0 < len(reference) <= LONGEST_REFERENCE:
        return bad_request("shipmentReference", f"null or 1 to {LONGEST_REFERENCE} characters")
    if transport is not None and not transport.get("transporterCode"):
        return bad_request("transport.transporterCode", "must not be null")
    if transport and body.get("shippingLabelId"):
        return bad_request("shippingLabelId", "either a label or a transport")
    return None


__all__ = ["MEDIA_TYPE", "BolSimulator", "Item", "Order", "description"]
