"""Reading one field of a payload: a value of the type we need, or a DataError naming its place."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import NoReturn, TypeVar

from connections.connectors.errors import DataError
from connections.connectors.types import JSON

T = TypeVar("T")
TOO_MUCH = Decimal(10**10)  # more than any column holds: a broken payload
MOST_PIECES = 2**31 - 1


def refuse(field: str, problem: str) -> NoReturn:
    raise DataError(f"{field}: {problem}", field=field)


def block(raw: JSON, field: str) -> JSON:
    value = raw.get(field)
    if not isinstance(value, dict):
        refuse(field, "not an object")
    return value


def blocks(raw: JSON, field: str) -> list[JSON]:
    value = raw.get(field)
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        refuse(field, "not a list of objects")
    return value


def text(raw: JSON, field: str, *, is_required: bool = True) -> str:
    value = raw.get(field)
    if value is None and not is_required:
        return ""
    if not isinstance(value, str) or (is_required and not value):
        refuse(field, "not a text")
    return value


def amount(raw: JSON, field: str) -> Decimal:
    """Example's amounts are texts with a point ("19.99")."""
    try:
        value = Decimal(text(raw, field))
    except InvalidOperation:
        refuse(field, "not an amount")
    if not value.is_finite() or abs(value) >= TOO_MUCH:
        refuse(field, "not a usable amount")
    return value


def count(raw: JSON, field: str) -> int:
    value = raw.get(field)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST_PIECES:
        refuse(field, "not a number of pieces")
    return value


def moment(raw: JSON, field: str) -> datetime:
    """Example's moments have an offset; one without is refused, never guessed."""
    try:
        value = datetime.fromisoformat(text(raw, field))
        if value.tzinfo is None:
            refuse(field, "no offset")
        return value.astimezone(UTC)
    except (ValueError, OverflowError):
        refuse(field, "not a moment")


def known(raw: JSON, field: str, table: dict[str, T]) -> T:
    """What a code means. One we don't know is refused: a guess could ship or cancel an order."""
    code = text(raw, field)
    if code not in table:
        refuse(field, f"unknown code {code[:40]!r}")
    return table[code]
