"""Paging by key: a page begins beside a row, not at a number, so that it stays quick at any depth."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a list, and whether what is asked for is older or newer than it."""

    moment: datetime
    pk: int
    older: bool = True

    def dump(self) -> str:
        text = f"{'o' if self.older else 'n'}{self.moment.isoformat()}~{self.pk}"
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def load(cls, text: str) -> Position | None:
        """None for whatever isn't one of ours: the list then begins at the top."""
        try:
            plain = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
            moment, _tilde, number = plain[1:].partition("~")
            at = datetime.fromisoformat(moment)
            pk = int(number)
        except (ValueError, binascii.Error):
            return None
        if at.tzinfo is None or not 0 < pk < 2**63 or plain[0] not in "on":
            return None
        return cls(at, pk, older=plain[0] == "o")


@dataclass(frozen=True, slots=True)
class Page:
    rows: Sequence[Any]  # newest first
    newer: Position | None
    older: Position | None


def page_of(rows: QuerySet[Any, Any], position: Position | None, *, by: str) -> Page:
    """Fifty rows (objects, or dicts of `values()`) at a position, newest first by the moment `by`.

    One more is read to know whether there are further ones.
    """
    older = position is None or position.older
    if position is not None:
        rows = rows.filter(_beyond(position, by))
    rows = rows.order_by(f"-{by}", "-id") if older else rows.order_by(by, "id")
    found = list(rows[: PAGE_SIZE + 1])
    has_more = len(found) > PAGE_SIZE
    found = found[:PAGE_SIZE] if older else found[:PAGE_SIZE][::-1]
    if not found:
        return Page([], None, None)
    has_newer = position is not None if older else has_more
    has_older = has_more if older else True
    return Page(
        found,
        Position(*_key(found[0], by), older=False) if has_newer else None,
        Position(*_key(found[-1], by)) if has_older else None,
    )


def _key(row: Any, by: str) -> tuple[datetime, int]:
    return (row[by], row["id"]) if isinstance(row, dict) else (getattr(row, by), row.pk)


def _beyond(position: Position, by: str) -> Q:
    """A range that the list's index serves, and the ties at its border."""
    if position.older:
        return Q(**{f"{by}__lte": position.moment}) & (Q(**{f"{by}__lt": position.moment}) | Q(id__lt=position.pk))
    return Q(**{f"{by}__gte": position.moment}) & (Q(**{f"{by}__gt": position.moment}) | Q(id__gt=position.pk))


def page_links(page: Page, url: str, query: dict[str, str]) -> dict[str, str | None]:
    """What components/_pagination.html wants to know."""
    return {
        "newer_url": with_query(url, query, at=page.newer.dump()) if page.newer else None,
        "older_url": with_query(url, query, at=page.older.dump()) if page.older else None,
    }


def with_query(url: str, query: dict[str, str], **more: str) -> str:
    given = {name: value for name, value in {**query, **more}.items() if value}
    return f"{url}?{urlencode(given)}" if given else url


def id_in(text: str) -> int | None:
    """An id in a query string; None for anything that can't be one."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
