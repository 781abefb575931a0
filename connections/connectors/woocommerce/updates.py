"""Reading the orders that changed, page by page, without losing one.

`modified_after` is strictly greater-than and to the second; trashed orders are only listed with
status=trash; the list moves under the reader's feet (all measured on WooCommerce 11.0.1).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta

from ..errors import DataError
from ..types import JSON, Page, Record
from .client import Client, Listing
from .mapping import Meaning, version_of
from .reading import moment, text_of

OVERLAP = timedelta(minutes=10)
# A new connection knows no orders; one made anew wants those that its predecessor left open.
FIRST_READ = timedelta(days=30)
# date_modified has whole seconds: a row this young may change again without showing it.
SETTLING = timedelta(seconds=3)
STATUSES = ("any", "trash")  # "any" leaves out the trash


@dataclass(frozen=True, slots=True)
class Cursor:
    """Everything modified until `since` was read. While a read is under way it also says since when
    and where, so that one cut off by its deadline goes on instead of starting over for ever."""

    since: str
    started: str = ""
    status: int = 0  # index into STATUSES
    page: int = 1
    total: int = 0  # rows the list had when last seen

    @classmethod
    def load(cls, text: str, now: datetime) -> Cursor:
        """A resumed read goes back a page: rows may have left the list meanwhile."""
        if not text:
            return cls(since=(now - FIRST_READ).isoformat())
        cursor = cls(**json.loads(text))
        return replace(cursor, page=max(cursor.page - 1, 1), total=0)

    def dump(self) -> str:
        return json.dumps(asdict(self))

    @property
    def query(self) -> dict[str, str]:
        return {
            "status": STATUSES[self.status],
            "modified_after": api_time(datetime.fromisoformat(self.since) - OVERLAP),
            "dates_are_gmt": "true",  # else it is taken for the shop's own time
            "orderby": "id",
            "order": "asc",
        }

    def after(self, listing: Listing) -> Cursor:
        """Where to go on. If the list became shorter, rows moved up over the border of the page, so the
        page before is read again. `started` is the shop's clock at the first page: what changes
        while we read is seen next time."""
        started = self.started or listing.read_at.isoformat()
        if self.page > 1 and listing.total < self.total:
            return replace(self, started=started, page=self.page - 1, total=listing.total)
        if self.page < listing.pages:
            return replace(self, started=started, page=self.page + 1, total=listing.total)
        if self.status + 1 < len(STATUSES):
            return Cursor(self.since, started, self.status + 1)
        return Cursor(since=started)


def api_time(at: datetime) -> str:
    """UTC, without offset, as `dates_are_gmt=true` expects."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def changed_orders(client: Client, cursor_text: str, meaning: Meaning) -> Iterator[Page]:
    """Pages of records without `raw`: tracking has to be asked for order by order."""
    cursor = Cursor.load(cursor_text, datetime.now(UTC))
    seen: set[tuple[str, str]] = set()
    is_under_way = True
    read = time.time_ns()
    while is_under_way:
        listing = client.orders(cursor.query, page=cursor.page)
        cursor = cursor.after(listing)
        is_under_way = bool(cursor.started)
        records = [_record(row, listing.read_at, read, meaning) for row in listing.rows if text_of(row, "id")]
        fresh = {(record.external_id, record.version): record for record in records}
        yield Page([record for at, record in fresh.items() if at not in seen], cursor.dump())
        seen |= fresh.keys()


def list_orders(client: Client, since: datetime, meaning: Meaning) -> Iterator[Page]:
    """Orders changed since then, as the list has them: without parcels that only plug-ins know."""
    cursor = Cursor(since.isoformat())
    while True:
        listing = client.orders(cursor.query, page=cursor.page)
        cursor = cursor.after(listing)
        rows = [row for row in listing.rows if text_of(row, "id")]
        yield Page([Record(text_of(row, "id"), version_of(row, meaning), raw={"order": row}) for row in rows], "")
        if not cursor.started:
            return


def _record(row: JSON, read_at: datetime, read: int, meaning: Meaning) -> Record:
    """A row that may change again unnoticed is news in every read (`read` is its number)."""
    version = version_of(row, meaning)
    modified = _moment_or_none(row, "date_modified_gmt")
    if modified is None or abs(read_at - modified) <= SETTLING:
        version = f"{version}@{read}"
    return Record(text_of(row, "id"), version=version, ordered_at=_moment_or_none(row, "date_created_gmt"))


def _moment_or_none(row: JSON, name: str) -> datetime | None:
    """The list only announces orders; what is wrong with one is told when it is read whole."""
    try:
        return moment(text_of(row, name), name)
    except DataError:
        return None
