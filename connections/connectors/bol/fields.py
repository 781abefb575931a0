"""Reading one field of a payload: the value in the type we need, or a DataError naming its place.

Every function takes the object, the key and the path of the object ("orderItems[2].offer."), and
treats null as absent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NoReturn, TypeVar
from zoneinfo import ZoneInfo

from ..errors import DataError
from ..types import JSON

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
MAX_INTEGER = 2**31 - 1  # int32 in the description
MAX_AMOUNT = Decimal(10**10)  # no order of a shop costs more; more is a broken payload
# PostgreSQL cannot store U+0000; the other control characters and lone surrogates are garbage too.
UNSTORABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
COUNTRY = re.compile(r"[A-Z]{2}")

T = TypeVar("T")


def refuse(field: str, problem: str) -> NoReturn:
    raise DataError(f"{field}: {problem}", field=field)


def block(raw: JSON, key: str, path: str = "", *, is_required: bool = False) -> Mapping[str, Any]:
    """A nested object; {} if it is absent and not required."""
    value = raw.get(key)
    if value is None and not is_required:
        return {}
    if not isinstance(value, Mapping):
        refuse(path + key, "missing" if value is None else "not an object")
    return value


def blocks(raw: JSON, key: str, path: str = "") -> Sequence[Mapping[str, Any]]:
    """A list of objects; () if it is absent."""
    value = raw.get(key)
    if value is None:
        return ()
    if not isinstance(value, list):
        refuse(path + key, "not a list")
    for position, element in enumerate(value):
        if not isinstance(element, Mapping):
            refuse(f"{path}{key}[{position}]", "not an object")
    return value


def text(raw: JSON, key: str, path: str = "", *, is_required: bool = False) -> str:
    """Trimmed text; numbers are accepted, since ids and house numbers have come as both."""
    value = raw.get(key)
    if isinstance(value, bool) or not isinstance(value, str | int | None):
        refuse(path + key, "not a text")
    cleaned = "" if value is None else UNSTORABLE.sub("", str(value)).strip()
    if is_required and not cleaned:
        refuse(path + key, "missing")
    return cleaned


def country(raw: JSON, key: str, path: str = "", *, is_required: bool = False) -> str:
    """ISO 3166-1 alpha-2, in capitals."""
    code = text(raw, key, path, is_required=is_required).upper()
    if code and not COUNTRY.fullmatch(code):
        refuse(path + key, f"{code[:40]!r} is no country code")
    return code


def flag(raw: JSON, key: str, path: str = "") -> bool:
    value = raw.get(key)
    if value is not None and not isinstance(value, bool):
        refuse(path + key, "neither true nor false")
    return bool(value)


def count(raw: JSON, key: str, path: str = "", *, minimum: int = 0) -> int:
    """A whole number of pieces."""
    value = raw.get(key)
    if value is None:
        refuse(path + key, "missing")
    if isinstance(value, bool) or not isinstance(value, int):
        refuse(path + key, "not a whole number")
    if not minimum <= value <= MAX_INTEGER:
        refuse(path + key, f"{value} is out of range")
    return value


def amount(raw: JSON, key: str, path: str = "", *, can_be_negative: bool = False) -> Decimal:
    """A required amount. Payloads that were stored and read again may hold floats: their shortest
    text is the number as it was sent."""
    value = raw.get(key)
    if value is None:
        refuse(path + key, "missing")
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        refuse(path + key, "not a number")
    number = Decimal(str(value))
    if not number.is_finite() or abs(number) >= MAX_AMOUNT:
        refuse(path + key, "not a usable amount")
    if number < 0 and not can_be_negative:
        refuse(path + key, "negative")
    return number


def moment(raw: JSON, key: str, path: str = "") -> datetime | None:
    """ISO 8601 with an offset, given back in UTC; one without an offset is Dutch time."""
    value = text(raw, key, path)
    if not value:
        return None
    try:
        parsed = datetime.fromisoformat(value)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=AMSTERDAM)).astimezone(UTC)
    except (ValueError, OverflowError):
        refuse(path + key, "not a moment")


def day(raw: JSON, key: str, path: str = "") -> date | None:
    """An ISO date, in the Netherlands."""
    value = text(raw, key, path)
    if not value:
        return None
    try:
        return date.fromisoformat(value[:10])
    except ValueError:
        refuse(path + key, "not a date")


def choice(raw: JSON, key: str, table: Mapping[str, T], path: str = "", *, default: T) -> T:
    """The meaning of a code; `default` if there is none, a DataError if we don't know it."""
    value = text(raw, key, path)
    if not value:
        return default
    if value not in table:
        refuse(path + key, f"unknown code {value[:40]!r}")
    return table[value]
