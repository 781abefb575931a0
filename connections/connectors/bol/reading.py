"""Reading bol's lists of orders: complete, to be gone on with, and cheap when nothing happened.

bol has no cursor of its own. A read takes every open order, then what changed since the former read
began: by minutes (`change-interval-minute`, at most 60) or, after a longer stop, day by day
(`latest-change-date`, up to three months back). Where bol stops us half-way, because the allowance
for lists is used up, the next read goes on from that page.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ..errors import ContractError, DataError
from ..types import JSON, Page, Record
from . import fields, mapping
from .client import BolClient

PAGE_SIZE = 50
MOST_PAGES = 2000
OVERLAP = timedelta(minutes=10)
LONGEST_INTERVAL = 60  # minutes
SHORTEST_INTERVAL = 15
HISTORY = timedelta(days=90)
# The cursor stays while the next read still reaches back behind it, so idle reads write nothing.
CURSOR_STEP = timedelta(minutes=20)
OPEN, CHANGED = "open", "changed"  # names of lists; those by day are named after their day

Query = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Cursor:
    """`since`: when the last complete read began, None before the first. In the middle of a read also
    when it `began`, the list it is in, and the next page of that."""

    since: datetime | None = None
    began: datetime | None = None
    listing: str = ""
    page: int = 1

    @classmethod
    def parse(cls, text: str) -> Cursor:
        since, *rest = text.split("|")
        if not rest:
            return cls(_moment(since))
        began, listing, page = rest
        return cls(_moment(since), _moment(began), listing, int(page))

    def __str__(self) -> str:
        since = self.since.isoformat() if self.since else ""
        return f"{since}|{self.began.isoformat()}|{self.listing}|{self.page}" if self.began else since


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def read_orders(client: BolClient, method: str, text: str) -> Iterator[Page]:
    """Pages of reduced orders shipped by `method` (FBR or FBB), from the cursor `text` on.

    An order may slip from page to page while they are read: within the open ones the next read finds
    it; a read that is gone on with takes the page before once more.
    """
    at, now = Cursor.parse(text), datetime.now(UTC)
    queries = lists_since(at.since, now)
    todo = _still_to_read(list(queries), at)
    told: set[str] = set()
    for name, following in zip(todo, [*todo[1:], ""], strict=True):
        query = {**queries[name], "fulfilment-method": method}
        for page in range(max(at.page - 1, 1) if name == at.listing else 1, MOST_PAGES):
            orders = _listed(client.get_orders(page=page, **query))
            is_last = len(orders) < PAGE_SIZE
            text = _next(at, text, at.began or now, (following, 1) if is_last else (name, page + 1))
            yield Page([record_of(order) for order in orders if _is_news(order, told)], text)
            if is_last:
                break
        else:
            raise ContractError(f"more than {MOST_PAGES} pages of orders")


def lists_since(since: datetime | None, now: datetime) -> dict[str, Query]:
    """The lists that hold what is open and whatever changed since, with the overlap; by their names."""
    lists: dict[str, Query] = {OPEN: {"status": "OPEN"}}
    if since is None:
        return lists
    minutes = -(-int((now - since + OVERLAP).total_seconds()) // 60) + 1
    if minutes <= LONGEST_INTERVAL:
        return lists | {CHANGED: {"status": "ALL", "change-interval-minute": max(minutes, SHORTEST_INTERVAL)}}
    first = max(since - OVERLAP, now - HISTORY).astimezone(fields.AMSTERDAM).date()
    count = (now.astimezone(fields.AMSTERDAM).date() - first).days + 1
    days = [(first + timedelta(days=number)).isoformat() for number in range(count)]
    return lists | {day: {"status": "ALL", "latest-change-date": day} for day in days}


def list_orders(client: BolClient, method: str, since: datetime) -> Iterator[Page]:
    """Every order of this kind that is open or changed since then, as reduced orders; one may come twice."""
    for name, query in lists_since(since, datetime.now(UTC)).items():
        for page in range(1, MOST_PAGES):
            orders = _listed(client.get_orders(page=page, **query, **{"fulfilment-method": method}))
            yield Page([record_of(order) for order in orders], "")
            if len(orders) < PAGE_SIZE:
                break
        else:
            raise ContractError(f"more than {MOST_PAGES} pages of orders in the list {name}")


def _still_to_read(names: list[str], at: Cursor) -> list[str]:
    if at.began is None:
        return names
    if at.listing in names:
        return names[names.index(at.listing) :]
    return names[1:]  # minutes no longer reach back far enough, so all days are read


def _next(at: Cursor, text: str, began: datetime, place: tuple[str, int]) -> str:
    """The cursor behind a page; `place` is the next list and its page, the list "" if there is none.

    A read of a page per list leaves no places, and mostly not even a new cursor.
    """
    listing, page = place
    is_in_the_middle = Cursor.parse(text).began is not None
    if listing and (page > 1 or is_in_the_middle):
        return str(Cursor(at.since, began, listing, page))
    if listing or (at.since and not is_in_the_middle and began - at.since <= CURSOR_STEP):
        return text
    return str(Cursor(began))


def _listed(answer: JSON) -> list[JSON]:
    """The elements of `orders`; an empty list comes as an object without it."""
    orders = answer.get("orders", []) if isinstance(answer, dict) else None
    if not isinstance(orders, list):
        raise ContractError("a list of orders that is no list")
    return orders


def record_of(order: JSON) -> Record:
    """One element of a list. What can't even be asked for, as it has no number, is its own record: its
    parsing fails and is seen."""
    order_id = order.get("orderId") if isinstance(order, dict) else None
    if not isinstance(order_id, str) or not order_id.strip():
        return Record(f"unreadable-{_digest(order)}", raw=order or {})
    try:
        return Record(order_id, _version(order), ordered_at=fields.moment(order, "orderPlacedDateTime"))
    except DataError:
        return Record(order_id, _digest(order))  # the whole order is asked for and tells what is wrong


def _version(order: JSON) -> str:
    """Changes with any state of any item, whatever their order."""
    return _digest(sorted(_states(order)))


def _states(order: JSON) -> set[str]:
    return {
        "|".join(str(item.get(name)) for name in mapping.STATES_OF_AN_ITEM)
        for item in fields.blocks(order, "orderItems")
    }


def _is_news(order: JSON, told: set[str]) -> bool:
    """Whether it says more than this read has told already; `told` learns it.

    The lists filter item by item. An open order of which one item changed is in both, once whole and once
    with that item alone: two versions of one state, and each would have the whole order asked for again.
    """
    try:
        states = _states(order) if isinstance(order, dict) else set()
    except DataError:
        return True
    is_news = not states or not states <= told
    told |= states
    return is_news


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, default=str, sort_keys=True).encode()).hexdigest()[:32]
