"""Reading what a Vendure shop sends. Pure; DataError ("shop.unreadable") names the field."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypeVar

from ..errors import DataError
from ..types import JSON

T = TypeVar("T")

MOST_PIECES = 2**31 - 1  # GraphQL's Int


def moment(value: JSON, field: str) -> datetime:
    """A DateTime scalar (ISO 8601, UTC)."""
    try:
        parsed = datetime.fromisoformat(value)
        return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        raise DataError(f"{field} is not a moment: {value!r:.80}", code="shop.unreadable", field=field) from None


def unreadable(field: str, value: JSON) -> DataError:
    return DataError(f"{field} is {value!r:.80}", code="shop.unreadable", field=field)


def text(raw: JSON, field: str) -> str:
    value = raw.get(field) if isinstance(raw, dict) else None
    if not isinstance(value, str) or not value:
        raise unreadable(field, value)
    return value


def words(raw: JSON, field: str) -> str:
    """Optional text."""
    value = raw.get(field)
    if value is not None and not isinstance(value, str):
        raise unreadable(field, value)
    return (value or "").strip()


def object_of(raw: JSON, field: str) -> JSON:
    value = raw.get(field)
    if not isinstance(value, dict):
        raise unreadable(field, value)
    return value


def list_of(raw: JSON, field: str) -> list[JSON]:
    """A list of objects; null is an empty one (`payments` and `fulfillments` are nullable)."""
    value = (raw.get(field) if isinstance(raw, dict) else raw) or []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise unreadable(field, value)
    return value


def pieces(raw: JSON, field: str = "quantity") -> int:
    value = raw.get(field)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST_PIECES:
        raise unreadable(field, value)
    return value


def known(table: Mapping[str, T], code: str, field: str) -> T:
    if code not in table:
        raise unreadable(field, code)
    return table[code]
