"""Reading bol's lists of returns: what is open in every read, and what was settled since the former one.

What the seller has to decide about is listed as not handled, oldest first; handled, it leaves that list and stands in
the other, newest first. "Newest" is by a date that bol doesn't name. So a read takes the settled ones until a page
holds nothing that was registered or settled since the former read, and once an hour goes three months back: if bol
sorts by registration, something settled today may stand far behind. Only what was settled since is told, and three
pages are read at a time, as returns and their decisions share bol's allowance.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ..errors import ContractError, DataError
from ..types import JSON, Page, Record
from . import fields
from .client import BolClient

PAGE_SIZE = 50
MOST_PAGES = 2000
AT_ONCE = 3  # pages of settled ones in one read; the next one goes on
OVERLAP = timedelta(minutes=10)
HISTORY = timedelta(days=90)  # so long may a refusal be taken back
WALK_EVERY = timedelta(hours=1)
# The cursor stays while the next read still reaches back behind it, so idle reads write nothing.
CURSOR_STEP = timedelta(minutes=20)
OPEN, SETTLED = "open", "settled"
# Goods in bol's warehouse are handled by bol: nobody has to be told before that is done.
LISTS = {"FBR": (OPEN, SETTLED), "FBB": (SETTLED,)}
# What of an item of a return changes.
STATES = ("rmaId", "orderId", "expectedQuantity", "handled")


@dataclass(frozen=True, slots=True)
class Cursor:
    """`since`: when the last complete read began; `walked`: when the last one began that went all the way back.
    In the middle of a read also when it `began`, its list and next page, and whether it goes all the way."""

    since: datetime | None = None
    walked: datetime | None = None
    began: datetime | None = None
    listing: str = ""
    page: int = 1
    is_walk: bool = False

    @classmethod
    def parse(cls, text: str) -> Cursor:
        since, walked, *rest = text.split("|") if text else ("", "")
        if not rest:
            return cls(_moment(since), _moment(walked))
        began, listing, page, is_walk = rest
        return cls(_moment(since), _moment(walked), _moment(began), listing, int(page), is_walk == "walk")

    def __str__(self) -> str:
        parts = [_text(self.since), _text(self.walked)]
        if self.began:
            parts += [_text(self.began), self.listing, str(self.page), "walk" if self.is_walk else ""]
        return "|".join(parts)


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _text(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""


def read_returns(client: BolClient, method: str, text: str) -> Iterator[Page]:
    """Pages of returns of what is shipped by `method` (FBR or FBB), from the cursor `text` on.

    The first read tells what is open and is settled from now on: what was settled before is history, of orders that
    are not followed. The elements of the lists are whole but for title, tracking code and the buyer's address,
    which aren't worth a call each.
    """
    at, now = Cursor.parse(text), datetime.now(UTC)
    told: set[str] = set()
    if OPEN in LISTS[method]:
        for page in _open(client, method, at, text, now=now):
            told |= {record.external_id for record in page.records}
            text = page.cursor
            yield page
    yield from _settled(client, method, at, text, now=now, told=told)


def _open(client: BolClient, method: str, at: Cursor, text: str, *, now: datetime) -> Iterator[Page]:
    """All of them. One may slip to the page before while they are read: the next read finds it, and a read that is
    gone on with takes the page before once more."""
    is_resumed = at.listing == OPEN
    for page in range(max(at.page - 1, 1) if is_resumed else 1, MOST_PAGES):
        rows = _listed(client, method, OPEN, page)
        is_last = len(rows) < PAGE_SIZE
        if not is_last and at.listing != SETTLED:  # the place among the settled ones is kept
            text = str(Cursor(at.since, at.walked, at.began or now, OPEN, page + 1))
        yield Page([record_of(row) for row in rows], text)
        if is_last:
            return
    raise ContractError(f"more than {MOST_PAGES} pages of returns")


def _settled(client: BolClient, method: str, at: Cursor, text: str, *, now: datetime, told: set[str]) -> Iterator[Page]:
    """What was settled since the former read, but for what is open in part and was told already."""
    is_resumed = at.listing == SETTLED
    began = at.began or now
    is_walk = at.is_walk if is_resumed else at.walked is None or now - at.walked >= WALK_EVERY
    news_from = ((at.walked if is_walk else at.since) or began) - OVERLAP
    reaches = began - HISTORY if is_walk and at.walked else news_from
    first = at.page if is_resumed else 1
    for page in range(first, first + AT_ONCE):
        rows = _listed(client, method, SETTLED, page)
        is_last = len(rows) < PAGE_SIZE or page >= MOST_PAGES or all(_is_before(row, reaches) for row in rows)
        news = [record_of(row) for row in rows if not _is_before(row, news_from)]
        text = (
            _behind(at, text, began, is_walk)
            if is_last
            else str(Cursor(at.since, at.walked, began, SETTLED, page + 1, is_walk))
        )
        yield Page([record for record in news if record.external_id not in told], text)
        if is_last:
            return


def _behind(at: Cursor, text: str, began: datetime, is_walk: bool) -> str:
    """The cursor once all is read; mostly the one that there was."""
    if is_walk:
        return str(Cursor(began, began))
    if at.since and Cursor.parse(text).began is None and began - at.since <= CURSOR_STEP:
        return text
    return str(Cursor(began, at.walked))


def _listed(client: BolClient, method: str, listing: str, page: int) -> list[JSON]:
    """The elements of `returns`; an empty list may come as an object without it."""
    query = {"handled": "true" if listing == SETTLED else "false", "fulfilment-method": method}
    answer = client.get_returns(page=page, **query)
    rows = answer.get("returns", []) if isinstance(answer, dict) else None
    if not isinstance(rows, list):
        raise ContractError("a list of returns that is no list")
    return rows


def record_of(row: JSON) -> Record:
    """One element of a list. What has no number is its own record: its parsing fails and is seen."""
    return_id = row.get("returnId") if isinstance(row, dict) else None
    if not isinstance(return_id, str) or not return_id.strip():
        return Record(f"unreadable-{_digest(row)}", raw=row or {})
    return Record(return_id, _version(row), raw=row)


def _version(row: JSON) -> str:
    """Changes with whatever is decided about any of its items, whatever their order."""
    try:
        items = fields.blocks(row, "returnItems")
        states = [
            [*(item.get(name) for name in STATES), sorted(map(_digest, fields.blocks(item, "processingResults")))]
            for item in items
        ]
    except DataError:
        return _digest(row)
    return _digest(sorted(map(_digest, states)))


def _is_before(row: JSON, moment: datetime) -> bool:
    """Whether it was both registered and last decided about before. What has no readable dates is not: it is told."""
    if not isinstance(row, dict):
        return False
    try:
        moments = [fields.moment(row, "registrationDateTime")]
        for item in fields.blocks(row, "returnItems"):
            results = fields.blocks(item, "processingResults")
            moments += [fields.moment(result, "processingDateTime") for result in results]
    except DataError:
        return False
    known = [one for one in moments if one]
    return bool(known) and max(known) < moment


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, default=str, sort_keys=True).encode()).hexdigest()[:32]
