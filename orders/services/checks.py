"""What an order must be before we store it, whatever a marketplace sends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from connections.connectors.errors import DataError
from connections.connectors.types import ItemData, OrderData

LARGEST_AMOUNT = Decimal(10) ** 10  # what a column holds
MOST_LINES = 20_000
LONGEST_NUMBER = 90
FUTURE = timedelta(days=1)


def refuse_unusable(data: OrderData) -> None:
    """Raises DataError naming the first thing that no shop and no column could take."""
    for problem in _problems(data):
        raise DataError(problem, code="order.unreadable")


def _problems(data: OrderData) -> Iterator[str]:
    if not 0 < len(data.external_id) <= LONGEST_NUMBER or not data.external_id.isprintable():
        yield "the order number is empty, too long or not printable"
    if not (len(data.currency) == 3 and data.currency.isascii() and data.currency.isupper()):
        yield f"{data.currency[:10]!r} is no ISO 4217 currency"
    if not data.items:
        yield "the order has no lines"
    if len(data.items) > MOST_LINES:
        yield f"the order has {len(data.items)} lines"
    if len({item.external_id for item in data.items}) != len(data.items):
        yield "two lines have the same id"
    amounts = [data.total, data.subtotal, data.shipping, data.discount, data.transaction_fee, data.commission]
    if not all(_is_amount(amount) for amount in amounts):
        yield "an amount is out of all proportion"
    if data.total < 0:
        yield f"the total is negative: {data.total}"
    for item in data.items:
        yield from _problems_of_line(item)


def _problems_of_line(item: ItemData) -> Iterator[str]:
    if not 0 < len(item.external_id) <= 100:
        yield "a line has no id, or one that is too long"
    if not 0 < item.quantity < 1_000_000:
        yield f"line {item.external_id[:40]} has the quantity {item.quantity}"
    if item.quantity_shipped < 0 or item.quantity_cancelled < 0:
        yield f"line {item.external_id[:40]} has a negative quantity"
    amounts = [item.unit_price, item.shipping, item.discount, item.commission]
    if not all(_is_amount(amount) for amount in amounts) or item.unit_price < 0:
        yield f"line {item.external_id[:40]} has an impossible price"
    if len(item.product_id) > 200:
        yield f"line {item.external_id[:40]} has a product id that is too long"


def _is_amount(amount: Decimal) -> bool:
    return amount.is_finite() and abs(amount) < LARGEST_AMOUNT


def amounts_differ(data: OrderData) -> str:
    """In words, how the total differs from the lines; "" if it does not.

    Discounts of lines may stand in the order's discount or beside it: both are accepted.
    """
    goods = sum((item.unit_price * item.quantity for item in data.items), Decimal(0))
    of_lines = sum((item.discount for item in data.items), Decimal(0))
    extra = data.shipping + data.transaction_fee
    tolerance = Decimal("0.01") * max(1, len(data.items))
    for discount in (data.discount, of_lines, data.discount + of_lines):
        if abs(goods + extra - discount - data.total) <= tolerance:
            return ""
    expected = goods + extra - max(data.discount, of_lines)
    return f"The total is {data.total} {data.currency}, its lines add up to {expected}."


def flag_of(data: OrderData, now: datetime) -> tuple[str, str]:
    """(error code, detail) of an order that is stored and passed on, but that a person should see."""
    if difference := amounts_differ(data):
        return "order.amounts_differ", difference
    if data.ordered_at > now + FUTURE:
        return "order.strange_date", f"The marketplace says it was ordered on {data.ordered_at:%Y-%m-%d}."
    return "", ""
