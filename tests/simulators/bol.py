"""A seller account at bol: log-in, orders, shipments, cancellations and process statuses.

Written from the descriptions "v10 - Retailer API" and "v10 - Shared API" and bol's pages on
authentication and conventions. Log-in is at the same address as the API here. Nothing is de-duplicated:
bol has no idempotency key, and a shipment of what is no longer open fails in its process status.
"""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from .base import Request, Response, Simulator, Validator, route
from .openapi import OpenApiValidator
from .validation import specs_available

MEDIA_TYPE = "application/vnd.retailer.v10+json"
AMSTERDAM = ZoneInfo("Europe/Amsterdam")
Line = tuple[str, int, str]  # sku, quantity, unit price


def description() -> OpenApiValidator:
    """The check against the vendor's own files; only where they are at hand (`specs_available("bol")`)."""
    # Both are "required" in the description and missing in real answers.
    tolerated = [r"'orders' is a required property", r"'violations' is a required property"]
    files = ["retailer-v10.openapi.json", "shared-v10.openapi.json"]
    return OpenApiValidator("bol", files, tolerated=tolerated)


@dataclass
class Item:
    id: str
    sku: str
    ean: str
    quantity: int
    unit_price: Decimal
    method: str
    discount: Decimal = Decimal(0)
    shipped: int = 0
    cancelled: int = 0
    cancellation_requested: bool = False
    changed_at: datetime = field(default_factory=lambda: datetime.now(AMSTERDAM))

    @property
    def open(self) -> int:
        return self.quantity - self.shipped - self.cancelled


@dataclass
class Order:
    id: str
    placed_at: datetime
    items: list[Item]
    details: dict[str, Any]


@dataclass
class Process:
    """An asynchronous write: decided when it is asked for `polls` times."""

    id: str
    entity_id: str
    event_type: str
    made_at: datetime
    execute: Callable[[], str]  # does it; returns why it failed, or ""
    polls: int
    status: str = "PENDING"
    error: str = ""


class BolSimulator(Simulator):
    name = "bol"
    page_size = 50

    def __init__(self, validator: Validator | None = None) -> None:
        super().__init__(validator or (description() if specs_available("bol") else None))
        self.client_id, self.client_secret = secrets.token_hex(8), secrets.token_hex(16)
        self.retailer_id = str(10_000_000 + secrets.randbelow(9_000_000))
        self.token_seconds = 299
        self.polls = 1  # how often a process status is PENDING before it is decided
        self.limits: dict[str, tuple[int, float]] = {}  # "GET /retailer/orders" -> (calls, seconds)
        self.orders: dict[str, Order] = {}
        self.shipments: list[dict[str, Any]] = []
        self.processes: dict[str, Process] = {}
        self._tokens: dict[str, float] = {}
        self._fail_next: list[str] = []
        self._status_next: list[str] = []
        self._used: dict[str, list[float]] = {}
        self._poison: dict[str, Callable[[dict[str, Any]], Any]] = {}
        self._last = secrets.randbelow(10**6) * 1000

    @property
    def settings(self) -> dict[str, str]:
        """What the account's form is filled in with to reach this simulator."""
        return {"api_url": self.url, "login_url": self.url}

    # -- the buyer, the seller account, and mischief ------------------------------------------------
    def _id(self) -> str:
        with self.lock:
            self._last += 1
            return str(1_000_000_000 + self._last)

    def add_order(
        self,
        sku: str = "MUG",
        quantity: int = 1,
        unit_price: str = "20.00",
        *,
        lines: Sequence[Line] = (),
        country: str = "NL",
        fulfilment: str = "FBR",
        order_id: str = "",
        placed_at: datetime | None = None,
        **details: Any,
    ) -> str:
        """A buyer places an order; returns its number. `details` go into both addresses."""
        items = [
            Item(self._id(), sku, f"87{index:011d}", count, Decimal(price), fulfilment, changed_at=self._now())
            for index, (sku, count, price) in enumerate(lines or [(sku, quantity, unit_price)])
        ]
        order = Order(order_id or self._id(), placed_at or self._now(), items, _details(country, details))
        with self.lock:
            self.orders[order.id] = order
        return order.id

    def ship_by_hand(self, order_id: str) -> None:
        """In the seller account, without us."""
        with self.lock:
            for item in self.orders[order_id].items:
                item.shipped += item.open
                item.changed_at = self._now()

    def cancel_by_hand(self, order_id: str) -> None:
        with self.lock:
            for item in self.orders[order_id].items:
                item.cancelled += item.open
                item.changed_at = self._now()

    def request_cancellation(self, order_id: str, *, withdrawn: bool = False) -> None:
        """The buyer asks to cancel, or no longer does."""
        with self.lock:
            for item in self.orders[order_id].items:
                item.cancellation_requested = not withdrawn
                item.changed_at = self._now()

    def poison(self, order_id: str, mutate: Callable[[dict[str, Any]], Any]) -> None:
        """From now on the order's own answer holds what `mutate` makes of it."""
        self._poison[order_id] = mutate

    def heal(self) -> None:
        super().heal()
        self._poison.clear()

    def fail_next_process(self, message: str = "Order item is not open") -> None:
        """The next write is accepted, and fails in its process status."""
        self._fail_next.append(message)

    def time_out_next_process(self) -> None:
        """The next write is executed, and its process status says TIMEOUT."""
        self._status_next.append("TIMEOUT")

    def forget_processes(self) -> None:
        """Statuses are kept only for a limited time; what is pending is executed."""
        with self.lock:
            for process in list(self.processes.values()):
                self._decide(process)
            self.processes.clear()

    def revoke_tokens(self) -> None:
        with self.lock:
            self._tokens.clear()

    def change_secret(self) -> str:
        """The seller makes a new secret; tokens of the old one stop working."""
        self.client_secret = secrets.token_hex(16)
        self.revoke_tokens()
        return self.client_secret

    def _now(self) -> datetime:
        return self.now().astimezone(AMSTERDAM)

    # -- answering ----------------------------------------------------------------------------------
    def answer(self, request: Request) -> Response:
        if request.path == "/token" or request.path.rpartition("/")[2] in self._poison:
            return self.handle(request)  # the log-in server has no description of its own, mischief none at all
        response = super().answer(request)
        endpoint = self._endpoint(request)
        allowed, seconds = self.limits.get(endpoint, (1000, 1.0))
        left = max(allowed - len(self._recent(endpoint, seconds)), 0)
        response.headers |= {
            "X-RateLimit-Limit": str(allowed),
            "X-RateLimit-Remaining": str(left),
            "X-RateLimit-Reset": str(max(1, round(seconds))),
        }
        return response

    def handle(self, request: Request) -> Response:
        endpoint = self._endpoint(request)
        if endpoint in self.limits:
            allowed, seconds = self.limits[endpoint]
            if len(self._recent(endpoint, seconds)) >= allowed:
                wait = max(1, round(seconds))
                return _problem(429, "Too Many Requests", f"Too many requests, retry in {wait} seconds.", wait)
        self._used.setdefault(endpoint, []).append(time.monotonic())
        return super().handle(request)

    def _endpoint(self, request: Request) -> str:
        parts = request.path.split("/")
        path = "/".join(parts[:3]) + ("/*" if len(parts) > 3 else "")
        return f"{request.method} {path}"

    def _recent(self, endpoint: str, seconds: float) -> list[float]:
        since = time.monotonic() - seconds
        return [moment for moment in self._used.get(endpoint, []) if moment > since]

    def authenticate(self, request: Request) -> Response | None:
        if request.path == "/token":
            return None
        accepted = request.headers.get("Accept", "")
        if accepted != MEDIA_TYPE:
            return _problem(406, "Not Acceptable", f"{accepted} is not supported")
        if request.body and request.headers.get("Content-Type", "").partition(";")[0] != MEDIA_TYPE:
            return _problem(415, "Unsupported Media Type", "use the v10 media type")
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        ends = self._tokens.get(token)
        if ends is None:
            return _problem(401, "Unauthorized", "The request did not contain a valid token")
        if ends < self.now().timestamp():
            return _problem(401, "Expired JWT", "JWT expired")
        return None

    def not_found(self, request: Request) -> Response:
        return _problem(404, "Not Found", f"{request.path} is not found.")

    @route("POST", "/token")
    def token(self, request: Request) -> Response:
        expected = base64.b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {expected}":
            return Response.of({"error": "invalid_client", "error_description": "Invalid client credentials"}, 401)
        if request.form().get("grant_type") != "client_credentials":
            return Response.of({"error": "unsupported_grant_type"}, 400)
        value = secrets.token_urlsafe(24)
        with self.lock:
            self._tokens[value] = self.now().timestamp() + self.token_seconds
        answer = {"access_token": value, "token_type": "Bearer", "expires_in": self.token_seconds, "scope": "RETAILER"}
        return Response.of(answer)

    @route("GET", "/retailer/retailers/current")
    def retailer(self, request: Request) -> Response:
        return _json(
            {"retailerId": self.retailer_id, "displayName": "Demo seller", "companyName": "Demo seller B.V.",
             "vatNumber": "NL123456789B01", "kvkNumber": "99887766", "registrationDate": "2019-01-01"}
        )  # fmt: skip

    # -- orders -------------------------------------------------------------------------------------
    @route("GET", "/retailer/orders")
    def list_orders(self, request: Request) -> Response:
        query = request.query
        found = [rows for order in self._sorted() if (rows := self._reduced(order, query))]
        start = (int(query.get("page", "1")) - 1) * self.page_size
        page = found[start : start + self.page_size]
        return _json({"orders": page} if page else {})

    def _sorted(self) -> list[Order]:
        with self.lock:
            visible = [one for one in self.orders.values() if one.placed_at <= self._now() - self.list_lag]
            return sorted(visible, key=lambda order: (order.placed_at, order.id))

    def _reduced(self, order: Order, query: dict[str, str]) -> dict[str, Any] | None:
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
        if not items:
            return None
        placed_at = order.placed_at.isoformat(timespec="seconds")
        return {"orderId": order.id, "orderPlacedDateTime": placed_at, "orderItems": [_reduced_item(i) for i in items]}

    @route("GET", "/retailer/orders/(?P<order_id>[^/]+)")
    def get_order(self, request: Request, order_id: str) -> Response:
        order = self.orders.get(order_id)
        if order is None:
            return self.not_found(request)
        with self.lock:
            body = _order(order)
        if mutate := self._poison.get(order_id):
            body = json.loads(json.dumps(body, default=str))
            mutate(body)
        return _json(body)

    @route("PUT", "/retailer/orders/cancellation")
    def cancel(self, request: Request) -> Response:
        items = request.json().get("orderItems", [])
        if len(items) != 1:
            return _problem(400, "Bad Request", "exactly one order item", violations=[("orderItems", "size must be 1")])
        item_id, reason = items[0]["orderItemId"], items[0]["reasonCode"]

        def execute() -> str:
            found = self._item(item_id)
            if found is None or not found[1].open:
                return "Order item is not open"
            order, item = found
            item.cancelled += item.open
            item.changed_at = self._now()
            self.record("cancel", order.id, reason, {"item": item_id})
            return ""

        return self._accept(item_id, "CANCEL_ORDER", execute)

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
        items = body.get("orderItems", [])
        if not 1 <= len(items) <= 100:
            return _problem(400, "Bad Request", "order items", violations=[("orderItems", "1 to 100 items")])
        if len(body.get("shipmentReference") or "x") > 90:
            return _problem(400, "Bad Request", "reference", violations=[("shipmentReference", "at most 90")])
        return self._accept(items[0]["orderItemId"], "CREATE_SHIPMENT", lambda: self._ship(body))

    def _ship(self, body: dict[str, Any]) -> str:
        found = [(self._item(one["orderItemId"]), one.get("quantity")) for one in body["orderItems"]]
        if any(one is None for one, _quantity in found):
            return "Order item does not exist"
        pairs = [(one[0], one[1], quantity or one[1].open) for one, quantity in found if one]
        if len({order.id for order, _item, _quantity in pairs}) != 1:
            return "Order items belong to different orders"
        if any(not item.open or quantity > item.open for _order, item, quantity in pairs):
            return "Order item is not open"
        for _order, item, quantity in pairs:
            item.shipped += quantity
            item.changed_at = self._now()
        order = pairs[0][0]
        shipment = {"id": self._id(), "order": order, "body": body, "at": self._now()}
        self.shipments.append(shipment)
        self.record("ship", order.id, body.get("shipmentReference", ""), body)
        return ""

    @route("GET", "/retailer/shipments")
    def list_shipments(self, request: Request) -> Response:
        order_id = request.query.get("order-id", "")
        with self.lock:
            rows = [one for one in self.shipments if not order_id or one["order"].id == order_id]
            rows = [one for one in rows if one["at"] <= self._now() - self.list_lag]
        start = (int(request.query.get("page", "1")) - 1) * self.page_size
        page = [_reduced_shipment(one) for one in rows[start : start + self.page_size]]
        return _json({"shipments": page})

    # -- process statuses ---------------------------------------------------------------------------
    def _accept(self, entity_id: str, event_type: str, execute: Callable[[], str]) -> Response:
        with self.lock:
            process = Process(self._id(), entity_id, event_type, self._now(), execute, self.polls)
            self.processes[process.id] = process
            if not self.polls:
                self._decide(process)
        return _json(self._status(process, peek=True), 202)

    def _decide(self, process: Process) -> None:
        if process.status != "PENDING":
            return
        process.error = self._fail_next.pop(0) if self._fail_next else process.execute()
        process.status = "FAILURE" if process.error else self._status_next.pop(0) if self._status_next else "SUCCESS"

    def _status(self, process: Process, *, peek: bool = False) -> dict[str, Any]:
        with self.lock:
            if not peek and process.status == "PENDING":
                process.polls -= 1
                if process.polls < 0:
                    self._decide(process)
        answer: dict[str, Any] = {
            "processStatusId": process.id, "entityId": process.entity_id, "eventType": process.event_type,
            "description": f"{process.event_type} of {process.entity_id}", "status": process.status,
            "createTimestamp": process.made_at.isoformat(timespec="milliseconds"),
            "links": [{"rel": "self", "href": f"{self.url}/shared/process-status/{process.id}", "method": "GET"}],
        }  # fmt: skip
        return answer | ({"errorMessage": process.error} if process.error else {})

    @route("POST", "/shared/process-status")
    def bulk_status(self, request: Request) -> Response:
        ids = [one["processStatusId"] for one in request.json()["processStatusQueries"]]
        known = [self.processes[one] for one in ids if one in self.processes]
        return _json({"processStatuses": [self._status(process) for process in known]})

    @route("GET", "/shared/process-status")
    def entity_status(self, request: Request) -> Response:
        query = request.query
        found = [
            one
            for one in self.processes.values()
            if one.entity_id == query.get("entity-id") and one.event_type == query.get("event-type")
        ]
        return _json({"processStatuses": [self._status(one, peek=True) for one in reversed(found)][:50]})


def _details(country: str, details: dict[str, Any]) -> dict[str, Any]:
    address = {
        "salutation": "FEMALE", "firstName": "Ada", "surname": "de Vries", "streetName": "Dorpsstraat",
        "houseNumber": "1", "zipCode": "1234 AB", "city": "Utrecht", "countryCode": country,
        "email": "relay@verkopen.example.com",
    }  # fmt: skip
    return address | details


def _reduced_item(item: Item) -> dict[str, Any]:
    return {
        "orderItemId": item.id, "ean": item.ean, "fulfilmentMethod": item.method,
        "fulfilmentStatus": "OPEN" if item.open else "HANDLED", "quantity": item.quantity,
        "quantityShipped": item.shipped, "quantityCancelled": item.cancelled,
        "cancellationRequest": item.cancellation_requested,
        "latestChangedDateTime": item.changed_at.isoformat(timespec="milliseconds"),
    }  # fmt: skip


def _order(order: Order) -> dict[str, Any]:
    return {
        "orderId": order.id, "pickupPoint": False,
        "orderPlacedDateTime": order.placed_at.isoformat(timespec="seconds"),
        "shipmentDetails": {**order.details, "language": "nl"}, "billingDetails": dict(order.details),
        "orderItems": [_order_item(item) for item in order.items],
    }  # fmt: skip


def _order_item(item: Item) -> dict[str, Any]:
    soon = item.changed_at.date() + timedelta(days=2)
    discounts = [{"title": "Promotion", "amount": item.discount}] if item.discount else []
    return {
        "orderItemId": item.id, "cancellationRequest": item.cancellation_requested,
        "fulfilment": {"method": item.method, "distributionParty": "RETAILER", "latestDeliveryDate": soon.isoformat(),
                       "expiryDate": (soon + timedelta(days=5)).isoformat(), "timeFrameType": "REGULAR"},
        "offer": {"offerId": f"offer-{item.sku}", "reference": item.sku},
        "product": {"ean": item.ean, "title": f"Product {item.sku}"},
        "quantity": item.quantity, "quantityShipped": item.shipped, "quantityCancelled": item.cancelled,
        "unitPrice": item.unit_price, "totalPrice": item.unit_price * item.quantity - item.discount,
        "discounts": discounts, "commission": Decimal("1.32"),
        "latestChangedDateTime": item.changed_at.isoformat(timespec="milliseconds"),
    }  # fmt: skip


def _reduced_shipment(shipment: dict[str, Any]) -> dict[str, Any]:
    order, body = shipment["order"], shipment["body"]
    eans = {item.id: item.ean for item in order.items}
    return {
        "shipmentId": shipment["id"], "shipmentDateTime": shipment["at"].isoformat(timespec="seconds"),
        "order": {"orderId": order.id, "orderPlacedDateTime": order.placed_at.isoformat(timespec="seconds")},
        "shipmentItems": [
            {"orderItemId": one["orderItemId"], "ean": eans[one["orderItemId"]]} for one in body["orderItems"]
        ],
        "transport": {"transportId": f"9{shipment['id']}"}, "shipmentReference": body.get("shipmentReference", ""),
    }  # fmt: skip


def _json(body: Any, status: int = 200) -> Response:
    return Response.of(body, status, content_type=f"{MEDIA_TYPE};charset=UTF-8")


def _problem(
    status: int, title: str, detail: str, retry_after: int = 0, violations: Sequence[tuple[str, str]] = ()
) -> Response:
    body: dict[str, Any] = {"type": "https://api.bol.com/problems", "title": title, "status": status, "detail": detail}
    body |= {"host": "Instance-112", "instance": "https://api.bol.com/retailer"}
    if violations:
        body["violations"] = [{"name": name, "reason": reason} for name, reason in violations]
    response = Response.of(body, status, content_type=MEDIA_TYPE)
    if retry_after:
        response.headers["Retry-After"] = str(retry_after)
    return response
