"""Returns of a seller account at bol: what buyers send back, and what is decided about it.

Written from "v10 - Retailer API", Returns. An item is handled once all that was expected is processed; handling it
again changes its result, as the description of the PUT says.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .base import Request, Response, route
from .bol_bodies import answer, bad_request
from .bol_state import Item, Order, SellerAccount

ASKED_FOR = {
    "RETURN_RECEIVED", "EXCHANGE_PRODUCT", "RETURN_DOES_NOT_MEET_CONDITIONS", "REPAIR_PRODUCT",
    "CUSTOMER_KEEPS_PRODUCT_PAID", "STILL_APPROVED",
}  # fmt: skip
MOST_PIECES = 9999
OF_CUSTOMERS = (
    "salutation", "firstName", "surname", "streetName", "houseNumber", "zipCode", "city", "countryCode", "email",
)  # fmt: skip


@dataclass
class ReturnItem:
    rma_id: str
    order: Order
    item: Item
    quantity: int
    reason: tuple[str, str, str]  # main, detailed, the buyer's words
    results: list[tuple[int, str, datetime]] = field(default_factory=list)  # pieces, handling result, when

    @property
    def handled(self) -> bool:
        return sum(pieces for pieces, _result, _at in self.results) >= self.quantity


@dataclass
class Return:
    id: str
    registered_at: datetime
    method: str
    items: list[ReturnItem]

    @property
    def handled(self) -> bool:
        return all(item.handled for item in self.items)


class Returns(SellerAccount):
    page_size = 50

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.returns: dict[str, Return] = {}

    # -- buyers and the seller's own pages ----------------------------------------------------------
    def add_return(
        self,
        order_id: str,
        *,
        line: int | None = None,
        quantity: int = 0,
        reason: tuple[str, str, str] = ("Verkeerde maat of afmeting", "Te klein", "Past niet"),
        settled: str = "",
    ) -> str:
        """A buyer registers a return of one line, or of all of them; returns its number. `quantity` 0: all of it.
        `settled`: bol's warehouse has dealt with it already, with this handling result."""
        order = self.orders[order_id]
        lines = [order.items[line]] if line is not None else order.items
        items = [ReturnItem(self._id(), order, item, quantity or item.quantity, reason) for item in lines]
        made = Return(self._id(), self._now(), lines[0].method, items)
        with self.lock:
            for item in items if settled else []:
                item.results.append((item.quantity, settled, self._now()))
            self.returns[made.id] = made
        return made.id

    def rma(self, return_id: str, line: int = 0) -> str:
        return self.returns[return_id].items[line].rma_id

    def handle_return_by_hand(self, return_id: str, result: str = "RETURN_RECEIVED", quantity: int = 0) -> None:
        """The seller decides in the account's own pages; `quantity` 0: all that is left."""
        with self.lock:
            for item in self.returns[return_id].items:
                left = item.quantity - sum(pieces for pieces, _result, _at in item.results)
                if left:
                    item.results.append((quantity or left, result, self._now()))

    # -- the API --------------------------------------------------------------------------------------
    @route("GET", "/retailer/returns")
    def list_returns(self, request: Request) -> Response:
        """Handled ones newest first, the others oldest first."""
        query = request.query
        page, handled = query.get("page", "1"), query.get("handled", "false")
        method = query.get("fulfilment-method", "")
        if not page.isdigit() or int(page) < 1:
            return bad_request("page", "must be greater than or equal to 1")
        if handled not in ("true", "false") or method not in ("", "FBR", "FBB"):
            return bad_request("handled", "a value is not allowed")
        with self.lock:
            rows = [one for one in self.returns.values() if one.handled == (handled == "true")]
            rows = [one for one in rows if method in ("", one.method)]
            rows = [one for one in rows if one.registered_at <= self._now() - self.list_lag]
            rows.sort(key=lambda one: (one.registered_at, one.id), reverse=handled == "true")
            start = (int(page) - 1) * self.page_size
            found = [_return(one) for one in rows[start : start + self.page_size]]
        return answer({"returns": found})

    @route("GET", "/retailer/returns/(?P<return_id>[^/]+)")
    def get_return(self, request: Request, return_id: str) -> Response:
        with self.lock:
            found = self.returns.get(return_id)
            return answer(_return(found, is_whole=True)) if found else self.not_found(request)

    @route("PUT", "/retailer/returns/(?P<rma_id>[^/]+)")
    def handle_return(self, request: Request, rma_id: str) -> Response:
        body = request.json()
        result, quantity = body.get("handlingResult"), body.get("quantityReturned")
        if result not in ASKED_FOR:
            return bad_request("handlingResult", f"{result} is unknown")
        if not isinstance(quantity, int) or not 1 <= quantity <= MOST_PIECES:
            return bad_request("quantityReturned", f"must be between 1 and {MOST_PIECES}")
        return self._accept(rma_id, "HANDLE_RETURN_ITEM", lambda: self._handle(rma_id, result, quantity))

    def _handle(self, rma_id: str, result: str, quantity: int) -> str:
        item = next((one for made in self.returns.values() for one in made.items if one.rma_id == rma_id), None)
        if item is None:
            return "Return item does not exist"
        left = item.quantity - sum(pieces for pieces, _result, _at in item.results)
        if not left:  # its result is changed
            item.results.clear()
            left = item.quantity
        if quantity > left:
            return "Quantity is larger than the expected quantity"
        item.results.append((quantity, result, self._now()))
        self.record("handle_return", item.order.id, result, {"rma": rma_id, "quantity": quantity})
        return ""

    def _accept(self, entity_id: str, event_type: str, execute: Any) -> Response:
        raise NotImplementedError


def _return(made: Return, *, is_whole: bool = False) -> dict[str, Any]:
    return {
        "returnId": made.id, "registrationDateTime": made.registered_at.isoformat(timespec="milliseconds"),
        "fulfilmentMethod": made.method, "returnItems": [_item(item, is_whole=is_whole) for item in made.items],
    }  # fmt: skip


def _item(item: ReturnItem, *, is_whole: bool) -> dict[str, Any]:
    main, detailed, words = item.reason
    body = {
        "rmaId": item.rma_id, "orderId": item.order.id, "ean": item.item.ean, "expectedQuantity": item.quantity,
        "returnReason": {"mainReason": main, "detailedReason": detailed, "customerComments": words},
        "handled": item.handled,
        "processingResults": [
            {"quantity": pieces, "processingResult": "ACCEPTED", "handlingResult": result,
             "processingDateTime": at.isoformat(timespec="seconds")}
            for pieces, result, at in item.results
        ],
    }  # fmt: skip
    if not is_whole:
        return body
    details = item.order.details
    customer = {name: details[name] for name in OF_CUSTOMERS if name in details}
    return body | {"title": f"Product {item.item.sku}", "trackAndTrace": f"3SRET{item.rma_id[-8:]}",
                   "transporterName": "PostNL", "customerDetails": customer}  # fmt: skip
