"""What pieces that come back were worth: their part of a line of the shop's order, VAT and all. Pure.

Amounts are in the order's currency, rounded to the decimals that the shop shows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from ..errors import DataError
from ..types import JSON, ParcelItem
from .reading import line_ref, meta, pieces, required, rows_of, text_of
from .refunded import REFUNDED_LINE

FINEST = -6  # decimals that WooCommerce calculates with
LARGEST = Decimal(10) ** 10


@dataclass(frozen=True, slots=True)
class Worth:
    """Pieces and what they came to. `taxes` by the id of the tax rate."""

    pieces: int = 0
    gross: Decimal = Decimal(0)
    taxes: Mapping[int, Decimal] = field(default_factory=dict)

    @property
    def net(self) -> Decimal:
        return self.gross - sum(self.taxes.values(), Decimal(0))


@dataclass(frozen=True, slots=True)
class Line:
    line_id: int
    ref: str  # as a parcel names it
    whole: Worth
    refunded: Worth  # before

    @property
    def left(self) -> int:
        return max(self.whole.pieces - self.refunded.pieces, 0)


@dataclass(frozen=True, slots=True)
class Share:
    line_id: int
    worth: Worth


def shares_of(order: JSON, refunds: Sequence[JSON], items: Sequence[ParcelItem]) -> list[Share]:
    """Of each line that the items name. `refunds` are the order's earlier ones.

    Raises DataError "refund.refused" where the shop has less left of it, "shop.unreadable" for amounts that are none.
    """
    unit = _unit(order)
    lines = [_line(row, refunds, unit) for row in rows_of(order, "line_items")]
    wanted: Counter[str] = Counter()
    for item in items:
        wanted[item.line_ref] += item.quantity
    shares = [share for ref, quantity in wanted.items() for share in _taken(lines, ref, quantity, unit)]
    if not shares:
        raise _refused("The refund names no pieces.")
    return shares


def amount_of(order: JSON, refunds: Sequence[JSON], shares: Sequence[Share]) -> Decimal:
    """What these shares come to. The shop rounds its lines apart from its total, so cents may be missing there."""
    unit = _unit(order)
    amount = sum((share.worth.gross for share in shares), Decimal(0))
    paid_back = sum((abs(_amount(row, "amount", "refunds[].amount")) for row in refunds), Decimal(0))
    left = max(_amount(order, "total", "total") - paid_back, Decimal(0))
    if left < amount - unit * (len(rows_of(order, "line_items")) + 1):
        raise _refused(f"Of the order's amount the shop has {left} left to refund, and {amount} is to be.")
    return min(amount, left).quantize(unit, ROUND_HALF_UP)


def _refused(detail: str) -> DataError:
    return DataError(detail, code="refund.refused")


def _taken(lines: Sequence[Line], ref: str, quantity: int, unit: Decimal) -> Iterator[Share]:
    """From the lines of this product, one after the other."""
    own = [line for line in lines if line.ref == ref]
    missing = quantity
    for line in own:
        taken = min(missing, line.left)
        if taken > 0:
            yield _share(line, taken, unit)
            missing -= taken
    if missing > 0:
        left = sum(line.left for line in own)
        raise _refused(f"The shop has {left} of {ref!r} left to refund, and {quantity} came back.")


def _share(line: Line, quantity: int, unit: Decimal) -> Share:
    whole, before = line.whole, line.refunded
    gross = _part(whole.gross, before.gross, line, quantity, unit)
    if gross < _proportion(whole.gross, line, quantity, unit) - unit * whole.pieces:
        rest = whole.gross - before.gross
        raise _refused(f"Of the amount of {line.ref!r} the shop has only {rest} left to refund.")
    taxes = {
        rate: _part(tax, before.taxes.get(rate, Decimal(0)), line, quantity, unit) for rate, tax in whole.taxes.items()
    }
    worth = Worth(quantity, gross, taxes)
    return Share(line.line_id, worth if worth.net >= 0 else Worth(quantity, gross))


def _part(amount: Decimal, before: Decimal, line: Line, quantity: int, unit: Decimal) -> Decimal:
    """Never more than is left of it; the last pieces take the cents that rounding left over."""
    part, rest = _proportion(amount, line, quantity, unit), max(amount - before, Decimal(0))
    is_rounding = abs(rest - part) <= unit * line.whole.pieces
    return rest if quantity == line.left and is_rounding else min(part, rest)


def _proportion(amount: Decimal, line: Line, quantity: int, unit: Decimal) -> Decimal:
    return (amount * quantity / line.whole.pieces).quantize(unit, ROUND_HALF_UP)


# -- reading --------------------------------------------------------------------------------------
def _unit(order: JSON) -> Decimal:
    """The shop's smallest coin: amounts come with as many decimals as it shows."""
    exponent = _amount(order, "total", "total").as_tuple().exponent
    return Decimal(1).scaleb(min(max(int(exponent), FINEST), 0))


def _line(row: JSON, refunds: Sequence[JSON], unit: Decimal) -> Line:
    line_id = _id(row, "line_items[].id")
    earlier = [
        _worth(one, unit, "refunds[].line_items[]")
        for refund in refunds
        for one in rows_of(refund, "line_items")
        if str(meta(one, REFUNDED_LINE)) == str(line_id)
    ]
    return Line(line_id, line_ref(row), _worth(row, unit, "line_items[]"), _sum(earlier))


def _worth(row: JSON, unit: Decimal, where: str) -> Worth:
    """Of a line of the order, or of a refund: there everything is negative."""
    taxes: dict[int, Decimal] = {}
    for tax in rows_of(row, "taxes"):
        if text_of(tax, "total"):  # "" where the rate takes nothing
            amount = abs(_amount(tax, "total", f"{where}.taxes[].total")).quantize(unit, ROUND_HALF_UP)
            taxes[_id(tax, f"{where}.taxes[].id")] = amount
    gross = abs(_amount(row, "total", f"{where}.total")) + abs(_amount(row, "total_tax", f"{where}.total_tax"))
    return Worth(pieces(row, "quantity", f"{where}.quantity"), gross, taxes)


def _sum(worths: Sequence[Worth]) -> Worth:
    taxes: dict[int, Decimal] = {}
    for rate, tax in [pair for worth in worths for pair in worth.taxes.items()]:
        taxes[rate] = taxes.get(rate, Decimal(0)) + tax
    gross = sum((worth.gross for worth in worths), Decimal(0))
    return Worth(sum(worth.pieces for worth in worths), gross, taxes)


def _id(row: JSON, name: str) -> int:
    text = required(row, "id", name)
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise DataError(f"{name} of the shop's order is no id.", code="shop.unreadable", field=name)
    return int(text)


def _amount(row: JSON, name: str, place: str) -> Decimal:
    value = row.get(name)
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or abs(amount) >= LARGEST:
        raise DataError(f"{place} of the shop's order is no amount.", code="shop.unreadable", field=place)
    return amount
