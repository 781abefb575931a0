"""Returns of a seller account at bol: what buyers send back, and what is decided about it.

Written from "v10 - Retailer API", Returns, and bol's page "Returns". An item is handled once all that was expected is
handled; to handle it again changes its result, as the description of the PUT says, so a decision that is sent twice
stands twice in the ledger. What bol makes of a handling is known at once; `keep_pending` holds it back.

Where the description is silent both ways are there: handled ones are sorted by registration, or by decision
(`sorts_by_decision`); a list holds whole returns, or the items of its kind alone (`lists_in_part`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .base import Request, Response, route
from .bol_bodies import answer, bad_request
from .bol_state import Item, Order, SellerAccount

# What a seller may ask for, and what bol makes of each result.
ASKED_FOR = {
    "RETURN_RECEIVED", "EXCHANGE_PRODUCT", "RETURN_DOES_NOT_MEET_CONDITIONS", "REPAIR_PRODUCT",
    "CUSTOMER_KEEPS_PRODUCT_PAID", "STILL_APPROVED",
}  # fmt: skip
CANCELLED = {"EXPIRED", "CANCELLED_BY_CUSTOMER", "FAILED_TO_CREATE_SHIPPING_LABEL"}
REJECTED = {"RETURN_DOES_NOT_MEET_CONDITIONS", "EXCESSIVE_RETURN"}
SECOND_WORDS = {"STILL_APPROVED", "STILL_RECEIVED"}  # of pieces that were refused, or reported lost
MOST_PIECES = 9999
OF_CUSTOMERS = (
    "salutation", "firstName", "surname", "streetName", "houseNumber", "houseNumberExtension", "zipCode", "city",
    "countryCode", "email", "company", "vatNumber",
)  # fmt: skip
REASON = ("Verkeerde maat of afmeting", "Te klein", "Past niet")  # main, detailed, the buyer's own words
Lines = Sequence[tuple[int, int]]  # place in the order, pieces


@dataclass
class ReturnResult:
    pieces: int
    handling: str
    at: datetime
    is_pending: bool = False

    @property
    def processing(self) -> str:
        if self.is_pending:
            return "PENDING"
        return "CANCELLED" if self.handling in CANCELLED else "REJECTED" if self.handling in REJECTED else "ACCEPTED"


@dataclass
class ReturnItem:
    rma_id: str
    order: Order
    item: Item
    quantity: int
    reason: tuple[str, str, str]
    results: list[ReturnResult] = field(default_factory=list)

    @property
    def left(self) -> int:
        handled = sum(one.pieces for one in self.results if one.handling not in SECOND_WORDS)
        return max(self.quantity - handled, 0)

    @property
    def is_handled(self) -> bool:
        return not self.left

    def as_of(self, moment: datetime) -> ReturnItem:
        results = [one for one in self.results if one.at <= moment]
        return ReturnItem(self.rma_id, self.order, self.item, self.quantity, self.reason, results)

    def handle(self, pieces: int, handling: str, at: datetime, *, is_pending: bool = False) -> None:
        """More of it, or all of it anew; an approval after all stands beside the refusal."""
        if not self.left and handling not in SECOND_WORDS:
            self.results.clear()
        self.results.append(ReturnResult(pieces, handling, at, is_pending))


@dataclass
class Return:
    id: str
    registered_at: datetime
    method: str
    items: list[ReturnItem]


class Returns(SellerAccount):
    page_size = 50

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.returns: dict[str, Return] = {}
        self.sorts_by_decision = False
        self.lists_in_part = False
        self.keep_pending = False  # what is handled from now on is still processed

    # -- buyers -------------------------------------------------------------------------------------
    def add_return(
        self,
        order_id: str,
        *,
        line: int | None = None,
        quantity: int = 0,
        lines: Lines = (),
        reason: tuple[str, str, str] = REASON,
        settled: str = "",
    ) -> str:
        """A buyer registers a return of one line or of all of them, or of these `lines`; returns its number.

        `quantity` 0: all pieces of a line. `settled`: it is dealt with already, with this handling result, as bol's
        warehouse does and what a seller registers for a buyer is.
        """
        order = self.orders[order_id]
        places = [(line, quantity)] if line is not None else [(place, quantity) for place in range(len(order.items))]
        items = [
            ReturnItem(self._id(), order, order.items[place], pieces or order.items[place].quantity, reason)
            for place, pieces in lines or places
        ]
        made = Return(self._id(), self._now(), items[0].item.method, items)
        with self.lock:
            for item in items if settled else []:
                item.handle(item.quantity, settled, self._now(), is_pending=self.keep_pending)
            self.returns[made.id] = made
        return made.id

    def rma(self, return_id: str, line: int = 0) -> str:
        return self.returns[return_id].items[line].rma_id

    # -- the seller, in the account's own pages, or bol's customer service ----------------------------
    def handle_return_by_hand(
        self, return_id: str, result: str = "RETURN_RECEIVED", quantity: int = 0, *, line: int | None = None
    ) -> None:
        """One item or all of them; `quantity` 0: all that is left, or of what is handled all anew."""
        items = self.returns[return_id].items
        with self.lock:
            for item in items[slice(line, line + 1 if line is not None else None)]:
                pieces = quantity or item.left or item.quantity
                item.handle(pieces, result, self._now(), is_pending=self.keep_pending)

    def process_returns(self) -> None:
        """bol makes up its mind about all that was handled."""
        with self.lock:
            self.keep_pending = False
            for result in [one for made in self.returns.values() for item in made.items for one in item.results]:
                result.is_pending = False

    # -- the API --------------------------------------------------------------------------------------
    @route("GET", "/retailer/returns")
    def list_returns(self, request: Request) -> Response:
        """Handled ones newest first, the others oldest first."""
        query = request.query
        page, handled, method = (
            query.get("page", "1"),
            query.get("handled", "false"),
            query.get("fulfilment-method", ""),
        )
        if not page.isdigit() or int(page) < 1:
            return bad_request("page", "must be greater than or equal to 1")
        if handled not in ("true", "false") or method not in ("", "FBR", "FBB"):
            return bad_request("handled", "a value is not allowed")
        with self.lock:
            rows = self._listed_returns(method, is_handled=handled == "true")
            start = (int(page) - 1) * self.page_size
            found = [
                self._poisoned(made.id, _return(made, items)) for made, items in rows[start : start + self.page_size]
            ]
        return answer({"returns": found})

    def _listed_returns(self, method: str, *, is_handled: bool) -> list[tuple[Return, list[ReturnItem]]]:
        """With the items that a list shows; what is younger than the lag is not in it."""
        before = self._now() - self.list_lag
        made = [one for one in self.returns.values() if method in ("", one.method) and one.registered_at <= before]
        made.sort(key=self._position, reverse=is_handled)
        rows = [(one, [item.as_of(before) for item in one.items]) for one in made]
        if self.lists_in_part:
            parts = [(one, [item for item in items if item.is_handled == is_handled]) for one, items in rows]
            return [(one, items) for one, items in parts if items]
        # A return is open as long as one of its items is.
        return [(one, items) for one, items in rows if all(item.is_handled for item in items) == is_handled]

    def _position(self, made: Return) -> tuple[datetime, str]:
        decided = [result.at for item in made.items for result in item.results]
        return max(decided) if self.sorts_by_decision and decided else made.registered_at, made.id

    @route("GET", "/retailer/returns/(?P<return_id>[^/]+)")
    def get_return(self, request: Request, return_id: str) -> Response:
        with self.lock:
            found = self.returns.get(return_id)
            if found is None:
                return self.not_found(request)
            return answer(self._poisoned(return_id, _return(found, found.items, is_whole=True)))

    def _poisoned(self, return_id: str, body: dict[str, Any]) -> dict[str, Any]:
        mutate: Callable[[dict[str, Any]], Any] | None = self._poison.get(return_id)
        if mutate is not None:
            body = json.loads(json.dumps(body))
            mutate(body)
        return body

    @route("PUT", "/retailer/returns/(?P<rma_id>[^/]+)")
    def handle_return(self, request: Request, rma_id: str) -> Response:
        body = request.json()
        result, quantity = body.get("handlingResult"), body.get("quantityReturned")
        if not rma_id.isdigit():
            return bad_request("rma-id", "must be a number")
        if result not in ASKED_FOR:
            return bad_request("handlingResult", f"{result} is unknown")
        if not isinstance(quantity, int) or not 1 <= quantity <= MOST_PIECES:
            return bad_request("quantityReturned", f"must be between 1 and {MOST_PIECES}")
        return self._accept(rma_id, "HANDLE_RETURN_ITEM", lambda: self._handle(rma_id, result, quantity))

    def _handle(self, rma_id: str, result: str, quantity: int) -> str:
        made, item = next(
            ((made, item) for made in self.returns.values() for item in made.items if item.rma_id == rma_id),
            (None, None),
        )
        if made is None or item is None:
            return "Return item does not exist"
        if made.method == "FBB":
            return "Return item is handled by bol"
        if quantity > (item.left or item.quantity):
            return "Quantity is larger than the expected quantity"
        item.handle(quantity, result, self._now(), is_pending=self.keep_pending)
        self.record("handle_return", item.order.id, result, {"return": made.id, "rma": rma_id, "quantity": quantity})
        return ""

    def _accept(self, entity_id: str, event_type: str, execute: Callable[[], str]) -> Response:
        raise NotImplementedError


def _return(made: Return, items: Sequence[ReturnItem], *, is_whole: bool = False) -> dict[str, Any]:
    return {
        "returnId": made.id, "registrationDateTime": made.registered_at.isoformat(timespec="milliseconds"),
        "fulfilmentMethod": made.method, "returnItems": [_item(item, is_whole=is_whole) for item in items],
    }  # fmt: skip


def _item(item: ReturnItem, *, is_whole: bool) -> dict[str, Any]:
    main, detailed, words = item.reason
    reason = {"mainReason": main, "customerComments": words} | ({"detailedReason": detailed} if detailed else {})
    body = {
        "rmaId": item.rma_id, "orderId": item.order.id, "ean": item.item.ean, "expectedQuantity": item.quantity,
        "returnReason": reason, "handled": item.is_handled, "processingResults": list(map(_result, item.results)),
    }  # fmt: skip
    if not is_whole:
        return body
    customer = {name: item.order.details[name] for name in OF_CUSTOMERS if name in item.order.details}
    return body | {"title": f"Product {item.item.sku}", "trackAndTrace": f"3SRET{item.rma_id[-8:]}",
                   "transporterName": "PostNL", "customerDetails": customer}  # fmt: skip


def _result(one: ReturnResult) -> dict[str, Any]:
    return {"quantity": one.pieces, "processingResult": one.processing, "handlingResult": one.handling,
            "processingDateTime": one.at.isoformat(timespec="seconds")}  # fmt: skip
