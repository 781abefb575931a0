"""Reading what a WooCommerce shop sends, whatever plugins made of it. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

from ..errors import DataError
from ..types import JSON

LINE_PRODUCT = "_channable_product_id"  # meta of a line: ItemData.product_id as we were given it
LONGEST_QUANTITY = 9  # digits; nobody sends more, and no column holds it


def text_of(row: JSON, name: str) -> str:
    """A text, or a number as text; "" for anything else or nothing."""
    value = row.get(name) if isinstance(row, dict) else None
    is_plain = isinstance(value, str | int) and not isinstance(value, bool)
    return str(value).strip() if is_plain else ""


def required(row: JSON, name: str, field: str) -> str:
    text = text_of(row, name)
    if not text:
        raise DataError(f"The shop's order has no {field}.", field=field)
    return text


def moment(text: str, field: str) -> datetime:
    """The fields ending in _gmt have no offset and are UTC; fulfilments end in Z."""
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise DataError(f"{field} of the shop's order is not a date.", field=field) from None


def rows_of(parent: JSON, name: str) -> list[JSON]:
    """The objects of a list; nulls and other things that plugins leave there are passed over."""
    value = parent.get(name) if isinstance(parent, dict) else None
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def meta(parent: JSON, key: str) -> JSON:
    """The newest value under this key, or None: WordPress allows several, plugins read the last."""
    values = [row.get("value") for row in rows_of(parent, "meta_data") if row.get("key") == key]
    return values[-1] if values else None


def line_ref(line: JSON) -> str:
    """The product id we were given when we made the line; a SKU may have been changed since."""
    return str(meta(line, LINE_PRODUCT) or text_of(line, "sku") or text_of(line, "product_id"))


def pieces(row: JSON, name: str, field: str) -> int:
    """A number of pieces; refunds count theirs below zero."""
    text = text_of(row, name).removeprefix("-")
    if not (text.isascii() and text.isdecimal()) or len(text) > LONGEST_QUANTITY:
        raise DataError(f"{field} of the shop's order is no number of pieces.", code="shop.unreadable", field=field)
    return int(text)
