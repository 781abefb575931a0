"""Finding the order that carries our reference.

WooCommerce has no unique external id and ignores meta filters without a word. Its search looks into
transaction_id with the newer order storage (HPOS) and not with the older one (measured), so a search
that finds nothing proves nothing: what was made since the first attempt is listed then.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from ..types import JSON
from .client import Client
from .mapping import carries
from .updates import OVERLAP, STATUSES, api_time


def find(client: Client, key: str, *, since: datetime) -> JSON | None:
    """The row of the order whose reference is exactly `key`. Where there are several, the oldest."""
    listed = {"after": api_time(since - OVERLAP), "dates_are_gmt": "true"}
    for query in ({"search": key}, listed):
        for status in STATUSES:
            for row in _rows(client, {**query, "status": status, "orderby": "id", "order": "asc"}):
                if carries(row, key):
                    return row
    return None


def _rows(client: Client, query: dict[str, str]) -> Iterator[JSON]:
    """All rows. When the list becomes shorter its rows moved up: the page before is read again."""
    page, total = 1, 0
    while True:
        listing = client.orders(query, page=page)
        yield from listing.rows
        if page > 1 and listing.total < total:
            page -= 1
        elif page < listing.pages:
            page += 1
        else:
            return
        total = listing.total
