"""The part of a line that pieces are worth, to the cent, whatever the shop rounds and whatever went back before."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from connections.connectors.errors import DataError
from connections.connectors.types import ParcelItem
from connections.connectors.woocommerce.shares import amount_of, shares_of


def a_line(quantity: int, total: str, total_tax: str = "0.00", taxes: dict[int, str] | None = None) -> Any:
    rates = [{"id": rate, "total": tax} for rate, tax in (taxes or {}).items()]
    return {"id": 1, "sku": "MUG", "quantity": quantity, "total": total, "total_tax": total_tax, "taxes": rates}


def an_order(*lines: Any, total: str = "1000.00") -> Any:
    return {"total": total, "line_items": [{**line, "id": number} for number, line in enumerate(lines, 1)]}


def a_refund(amount: str, *, pieces: int = 0, net: str = "0.00", taxes: dict[int, str] | None = None) -> Any:
    tax = sum((Decimal(one) for one in (taxes or {}).values()), Decimal(0))
    line = a_line(-pieces, f"-{net}", f"-{tax}", {rate: f"-{one}" for rate, one in (taxes or {}).items()})
    return {"amount": amount, "line_items": [{**line, "meta_data": [{"key": "_refunded_item_id", "value": "1"}]}]}


def shares(order: Any, *refunds: Any, pieces: int = 1) -> Any:
    return shares_of(order, refunds, [ParcelItem("MUG", pieces)])


def amount(order: Any, *refunds: Any, pieces: int = 1) -> str:
    return str(amount_of(order, refunds, shares(order, *refunds, pieces=pieces)))


@pytest.mark.parametrize(
    ("line", "pieces", "worth"),
    [
        (a_line(1, "16.53", "3.47", {7: "3.4713"}), 1, "20.00"),
        (a_line(3, "8.26", "1.74", {7: "1.7346"}), 2, "6.67"),
        (a_line(3, "0.01"), 1, "0.00"),
        (a_line(3, "0.02"), 1, "0.01"),
        (a_line(2, "0.00"), 1, "0.00"),
    ],
)
def test_pieces_are_worth_their_part_of_the_line_with_vat(line: Any, pieces: int, worth: str):
    assert amount(an_order(line), pieces=pieces) == worth


def test_a_currency_without_cents_has_whole_amounts():
    order = an_order(a_line(3, "909", "91", {7: "90.9"}), total="1000")
    assert amount(order) == "333"
    [share] = shares(order)
    assert (share.worth.net, dict(share.worth.taxes)) == (Decimal(303), {7: Decimal(30)})


def test_each_rate_gets_its_own_part():
    [share] = shares(an_order(a_line(2, "20.00", "3.50", {7: "1.00", 8: "2.5001"})))
    assert dict(share.worth.taxes) == {7: Decimal("0.50"), 8: Decimal("1.25")}
    assert (share.worth.net, share.worth.gross) == (Decimal("10.00"), Decimal("11.75"))


def test_a_rate_that_takes_nothing_is_left_out():
    [share] = shares(an_order(a_line(1, "10.00", "0.00", {7: ""})))
    assert dict(share.worth.taxes) == {}


def test_the_cents_by_which_the_lines_exceed_the_total_are_not_asked_for():
    """As where the shop rounds at the subtotal."""
    lines = [a_line(1, "3.34"), a_line(1, "3.34"), a_line(1, "3.34")]
    assert amount(an_order(*lines, total="10.00"), pieces=3) == "10.00"
    with pytest.raises(DataError) as caught:
        amount(an_order(*lines, total="9.97"), pieces=3)
    assert caught.value.code == "refund.refused"


def test_money_that_went_back_for_the_line_before_counts():
    order = an_order(a_line(2, "20.00"))
    with pytest.raises(DataError, match=r"only 5\.00 left") as caught:
        amount(order, a_refund("15.00", net="15.00"))
    assert caught.value.code == "refund.refused"
    assert amount(order, a_refund("9.99", pieces=1, net="9.99")) == "10.01"


def test_pieces_that_went_back_for_nothing_leave_no_more_than_their_part_to_the_others():
    assert amount(an_order(a_line(3, "30.00")), a_refund("0.00", pieces=1), pieces=2) == "20.00"


def test_tax_that_a_person_refunded_before_is_not_refunded_again():
    order = an_order(a_line(2, "20.00", "4.20", {7: "4.20"}))
    [share] = shares(order, a_refund("12.10", pieces=1, net="8.00", taxes={7: "4.10"}))
    assert (share.worth.gross, dict(share.worth.taxes)) == (Decimal("12.10"), {7: Decimal("0.10")})


@pytest.mark.parametrize(
    ("field", "value"),
    [("total", None), ("total", True), ("total", []), ("total", "1e11"), ("total_tax", "x"), ("quantity", 1.5)],
)
def test_what_is_no_amount_is_named(field: str, value: Any):
    with pytest.raises(DataError) as caught:
        amount(an_order({**a_line(1, "1.00"), field: value}))
    assert (caught.value.code, caught.value.field) == ("shop.unreadable", f"line_items[].{field}")
