"""What the buyer got back is written down in the shop: the right amount, once, and no money moves."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from connections.connectors.errors import ConnectorError, ContractError, DataError, RateLimited, TransientError
from connections.connectors.types import ParcelItem, RefundData, ShopState
from tests.simulators.base import Fault, Response
from tests.simulators.woocommerce import WooCommerceSimulator

from .conftest import OPTIONS, an_item, an_order, connector_for

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
CUTS = [Fault.RESET_AFTER, Fault.BAD_GATEWAY_AFTER, Fault.GATEWAY_TIMEOUT_AFTER, Fault.TRUNCATED, Fault.HTML_200]
POST = r"POST .*/refunds$"


def placed(shop: Any, *items: Any, **more: Any) -> tuple[Any, str]:
    connector = connector_for(shop)
    return connector, connector.create_order(an_order(*items, **more), key="bol:1:1001", options=OPTIONS).remote_id


def back(*items: tuple[str, int], **more: Any) -> RefundData:
    return RefundData([ParcelItem(sku, quantity) for sku, quantity in items or [("MUG", 1)]], **more)


def amounts(shop: Any, order_id: str) -> list[str]:
    return [refund["amount"] for refund in shop.refunds[order_id]]


def stock(shop: Any, sku: str) -> int:
    return next(row["stock_quantity"] for row in shop.products.values() if row["sku"] == sku)


def test_a_refund_has_its_lines_our_reference_and_the_reason(shop):
    connector, order_id = placed(shop, an_item("MUG", 3))
    done = connector.refund(order_id, back(("MUG", 2), reason="Too small"), key="ref-r1")
    [refund] = shop.refunds[order_id]
    assert (done.remote_id, done.notes) == (str(refund["id"]), [])
    assert (refund["amount"], refund["refunded_payment"]) == ("40.00", False)
    assert refund["reason"] == "Too small [Reference: ref-r1]"
    assert [(row["key"], row["value"]) for row in refund["meta_data"]] == [("_channable_refund", "ref-r1")]
    [line] = refund["line_items"]
    assert (line["quantity"], line["total"], line["total_tax"]) == (-2, "-33.06", "-6.94")
    assert line["taxes"][0]["id"] == shop.orders[order_id]["line_items"][0]["taxes"][0]["id"]
    assert [effect.subject for effect in shop.effects("refund")] == [order_id]


def test_no_gateway_is_asked_for_money(shop):
    """WooCommerce would ask one unless it is told not to."""
    connector, order_id = placed(shop)
    sent: list[Any] = []
    create = shop.create_refund
    shop.create_refund = lambda request, order_id: sent.append(request.json()) or create(request, order_id)
    connector.refund(order_id, back(), key="ref-r1")
    assert [body["api_refund"] for body in sent] == [False]


@pytest.mark.parametrize("restocks", [True, False])
def test_the_stock_is_raised_where_the_goods_are_kept(shop, restocks: bool):
    shop.add_product("FEW", stock=5)
    connector, order_id = placed(shop, an_item("FEW", 3))
    connector.refund(order_id, back(("FEW", 2), restocks=restocks), key="ref-r1")
    assert stock(shop, "FEW") == (4 if restocks else 2)


def test_goods_that_came_back_are_not_given_back_again_by_a_cancellation(shop):
    shop.add_product("FEW", stock=5)
    connector, order_id = placed(shop, an_item("FEW", 3))
    connector.refund(order_id, back(("FEW", 2)), key="ref-r1")
    shop.cancel(order_id)
    assert stock(shop, "FEW") == 5


@pytest.mark.parametrize("including", [True, False])
@pytest.mark.parametrize("price", ["0.01", "0.10", "3.33", "9.99", "19.95", "1234.56"])
def test_pieces_that_come_back_one_by_one_are_worth_the_whole_line(make_shop, price: str, including: bool):
    shop = make_shop(prices_include_tax=including)
    connector, order_id = placed(shop, an_item("MUG", 3, price), shipping=Decimal("2.99"))
    for number in (1, 2, 3):
        connector.refund(order_id, back(), key=f"ref-r{number}")
    assert sum(map(Decimal, amounts(shop, order_id))) == Decimal(price) * 3
    assert all(abs(Decimal(amount) - Decimal(price)) <= Decimal("0.01") for amount in amounts(shop, order_id))
    lines = [line for refund in shop.refunds[order_id] for line in refund["line_items"]]
    [line] = shop.orders[order_id]["line_items"]
    for name in ("total", "total_tax"):
        assert sum(Decimal(row[name]) for row in lines) == -Decimal(line[name])


def test_the_last_piece_takes_the_cents_that_rounding_left(shop):
    """10.00 for three."""
    connector, order_id = placed(shop, an_item("MUG", 3, "5.00", discount=Decimal("5.00")))
    for number in (1, 2, 3):
        connector.refund(order_id, back(), key=f"ref-r{number}")
    assert amounts(shop, order_id) == ["3.33", "3.33", "3.34"]
    assert shop.orders[order_id]["status"] == "refunded"


@pytest.mark.parametrize("at_subtotal", [True, False])
def test_many_small_lines_can_all_come_back(make_shop, at_subtotal: bool):
    """Where the shop rounds at the subtotal its lines come to some cents more, or less, than its total."""
    shop = make_shop(rounds_at_subtotal=at_subtotal)
    skus = [f"S{number}" for number in range(30)]
    for sku in skus:
        shop.add_product(sku)
    connector, order_id = placed(shop, *(an_item(sku, 1, f"0.{number + 1:02d}") for number, sku in enumerate(skus)))
    connector.refund(order_id, back(*((sku, 1) for sku in skus)), key="ref-r1")
    assert abs(Decimal(amounts(shop, order_id)[0]) - Decimal("4.65")) <= Decimal("0.15")


def test_reduced_rates_and_untaxed_products_come_back_at_their_price(shop):
    shop.add_tax_rate("9.0000", tax_class="reduced-rate", country="NL")
    shop.add_product("BOOK", tax_class="reduced-rate")
    shop.add_product("GIFT", tax_status="none")
    connector, order_id = placed(shop, an_item("BOOK", 1, "10.99"), an_item("GIFT", 2, "25.00"))
    connector.refund(order_id, back(("BOOK", 1), ("GIFT", 1)), key="ref-r1")
    assert amounts(shop, order_id) == ["35.99"]
    taxes = [[tax["total"] for tax in line["taxes"]] for line in shop.refunds[order_id][0]["line_items"]]
    assert taxes == [["-0.91"], []]


def test_a_shop_without_taxes_refunds_the_price_as_it_is(make_shop):
    shop = make_shop(calc_taxes=False)
    connector, order_id = placed(shop)
    connector.refund(order_id, back(), key="ref-r1")
    assert amounts(shop, order_id) == ["20.00"]


def test_two_lines_of_the_same_product_are_refunded_one_after_the_other(shop):
    connector, order_id = placed(shop, an_item("MUG", 1, "20.00"), an_item("MUG", 2, "10.00"))
    connector.refund(order_id, back(("MUG", 1)), key="ref-r1")
    connector.refund(order_id, back(("MUG", 1), ("MUG", 1)), key="ref-r2")
    assert amounts(shop, order_id) == ["20.00", "20.00"]


def test_a_product_whose_sku_was_changed_since_is_known_by_the_one_it_had(shop):
    connector, order_id = placed(shop)
    shop.orders[order_id]["line_items"][0]["sku"] = "CUP"
    connector.refund(order_id, back(), key="ref-r1")
    assert amounts(shop, order_id) == ["20.00"]


@pytest.mark.parametrize("wanted", [[("MUG", 4)], [("MUG", 2), ("MUG", 2)], [("CUP", 1)], [("MUG", 1), ("CUP", 1)], []])
def test_more_than_there_is_is_refused_before_the_call(shop, wanted: list[tuple[str, int]]):
    connector, order_id = placed(shop, an_item("MUG", 3))
    with pytest.raises(DataError) as caught:
        connector.refund(order_id, RefundData([ParcelItem(sku, count) for sku, count in wanted]), key="ref-r1")
    assert caught.value.code == "refund.refused"
    assert shop.effects("refund") == []


def test_pieces_that_a_person_refunded_count(shop):
    connector, order_id = placed(shop, an_item("MUG", 3))
    shop.refund_by_hand(order_id, "MUG", 2)
    with pytest.raises(DataError, match="1 of 'MUG' left") as caught:
        connector.refund(order_id, back(("MUG", 2)), key="ref-r1")
    assert caught.value.code == "refund.refused"
    connector.refund(order_id, back(("MUG", 1)), key="ref-r2")
    assert amounts(shop, order_id) == ["40.00", "20.00"]


def test_money_that_a_person_refunded_counts(shop):
    """An amount without lines: less of the order is left than the pieces are worth."""
    connector, order_id = placed(shop, an_item("MUG", 2))
    shop.set_status(order_id, "refunded")
    with pytest.raises(DataError) as caught:
        connector.refund(order_id, back(), key="ref-r1")
    assert caught.value.code == "refund.refused"
    assert amounts(shop, order_id) == ["40.00"]


def test_what_the_shop_itself_refuses_is_told_from_a_shop_that_is_unwell(shop):
    """WooCommerce answers a refused refund with 500."""
    connector, order_id = placed(shop)
    shop._left = lambda order: Decimal(0)
    with pytest.raises(DataError) as caught:
        connector.refund(order_id, back(), key="ref-r1")
    assert (caught.value.code, caught.value.status) == ("refund.refused", 500)
    assert "Invalid refund amount" in caught.value.detail


def test_an_order_that_is_gone_is_said_so(shop):
    connector, order_id = placed(shop)
    del shop.orders[order_id]
    for call in (connector.refund, lambda *args, key: connector.find_refund(*args, key=key, since=LONG_AGO)):
        with pytest.raises(DataError) as caught:
            call(order_id, back(), key="ref-r1")
        assert caught.value.code == "order.gone"


def test_an_order_that_goes_while_it_is_refunded_is_said_so(shop):
    connector, order_id = placed(shop)
    create = shop.create_refund
    shop.create_refund = lambda request, order_id: shop.orders.pop(order_id) and create(request, order_id)
    with pytest.raises(DataError) as caught:
        connector.refund(order_id, back(), key="ref-r1")
    assert caught.value.code == "order.gone"


@pytest.mark.parametrize("fault", CUTS)
def test_a_refund_whose_answer_was_cut_is_found(shop, fault: Fault):
    connector, order_id = placed(shop, an_item("MUG", 2))
    assert connector.find_refund(order_id, back(), key="ref-r1", since=LONG_AGO) is None
    shop.fail(POST, fault)
    with pytest.raises(ConnectorError) as caught:
        connector.refund(order_id, back(), key="ref-r1")
    assert not isinstance(caught.value, DataError)
    found = connector.find_refund(order_id, back(), key="ref-r1", since=LONG_AGO)
    assert (found.remote_id, found.notes) == (str(shop.refunds[order_id][0]["id"]), [])
    assert amounts(shop, order_id) == ["20.00"]


@pytest.mark.parametrize("fault", [Fault.ERROR_500_BEFORE, Fault.RATE_LIMIT, Fault.RESET_BEFORE, Fault.FORBIDDEN_HTML])
def test_a_refund_that_did_not_come_through_is_surely_absent(shop, fault: Fault):
    connector, order_id = placed(shop)
    shop.fail(POST, fault)
    with pytest.raises((TransientError, RateLimited)):
        connector.refund(order_id, back(), key="ref-r1")
    assert connector.find_refund(order_id, back(), key="ref-r1", since=LONG_AGO) is None
    assert shop.refunds == {}


def test_asked_for_twice_it_is_made_once(shop):
    connector, order_id = placed(shop, an_item("MUG", 2))
    first = connector.refund(order_id, back(), key="ref-r1")
    assert connector.refund(order_id, back(), key="ref-r1") == first
    assert amounts(shop, order_id) == ["20.00"]


def test_only_the_exact_reference_counts(shop):
    connector, order_id = placed(shop, an_item("MUG", 3))
    connector.refund(order_id, back(), key="ref-r11")
    for other in ("ref-r1", "ref-r111", "r11", "f-r11"):
        assert connector.find_refund(order_id, back(), key=other, since=LONG_AGO) is None
    shop.refund_by_hand(order_id, "MUG", 1, reason="See ref-r1")
    assert connector.find_refund(order_id, back(), key="ref-r1", since=LONG_AGO) is None


def test_a_script_that_was_stopped_half_way_leaves_a_refund_that_is_found(shop):
    """Saved with its reason; neither the stock nor our meta came to it."""
    shop.add_product("FEW", stock=5)
    connector, order_id = placed(shop, an_item("FEW", 2))
    shop.stops_while_refunding = True
    with pytest.raises(TransientError):
        connector.refund(order_id, back(("FEW", 1)), key="ref-r1")
    shop.stops_while_refunding = False
    found = connector.find_refund(order_id, back(("FEW", 1)), key="ref-r1", since=LONG_AGO)
    assert "stock" in found.notes[0]
    assert connector.refund(order_id, back(("FEW", 1)), key="ref-r1") == found
    assert amounts(shop, order_id) == ["20.00"]
    gone = back(("FEW", 1), restocks=False)
    assert connector.find_refund(order_id, gone, key="ref-r1", since=LONG_AGO).notes == []


def test_an_old_shop_that_passes_over_the_lines_is_remarked_on(shop):
    """WooCommerce before 5.0 or so wants the lines in another form and writes the amount alone."""
    connector, order_id = placed(shop)
    shop._refunded = None
    create = shop._save_refund
    shop._save_refund = lambda order, amount, lines, reason: create(order, amount, {}, reason)
    done = connector.refund(order_id, back(), key="ref-r1")
    assert "stock was not raised" in done.notes[0]


def test_the_hundred_and_first_refund_is_found(shop):
    connector, order_id = placed(shop, an_item("MUG", 1), transaction_fee=Decimal("2.00"))
    order = shop.orders[order_id]
    for number in range(101):
        shop._save_refund(order, Decimal("0.01"), {}, f"Cent {number}")
    connector.refund(order_id, back(), key="ref-r1")
    assert connector.find_refund(order_id, back(), key="ref-r1", since=LONG_AGO) is not None


@pytest.mark.parametrize(
    ("field", "value"),
    [("total", None), ("total", "x"), ("total", "NaN"), ("total_tax", "1e400"), ("quantity", "two"), ("id", "x")],
)
def test_an_order_of_unreadable_amounts_is_refused_and_nothing_is_sent(shop, field: str, value: Any):
    connector, order_id = placed(shop)
    shop.validator = None
    shop.poison(order_id, lambda order: order["line_items"][0].update({field: value}))
    with pytest.raises(DataError) as caught:
        connector.refund(order_id, back(), key="ref-r1")
    assert caught.value.field
    assert shop.effects("refund") == []


@pytest.mark.parametrize("answer", [b"{}", b"[]", b"null", b'{"id": null}', b'{"id": ""}', b"<html></html>"])
def test_an_answer_that_says_nothing_of_use_leaves_it_open(shop, answer: bytes):
    connector, order_id = placed(shop)
    shop.validator = None
    create = shop.create_refund
    shop.create_refund = lambda request, order_id: create(request, order_id) and Response(201, answer)
    with pytest.raises(ContractError):
        connector.refund(order_id, back(), key="ref-r1")
    del shop.create_refund
    assert connector.find_refund(order_id, back(), key="ref-r1", since=LONG_AGO) is not None


@pytest.mark.parametrize("answer", [b"{}", b"null", b'{"code": 1}', b"<html></html>"])
def test_a_broken_page_is_no_refusal(shop, answer: bytes):
    connector, order_id = placed(shop)
    shop.create_refund = lambda request, order_id: Response(500, answer)
    with pytest.raises(TransientError):
        connector.refund(order_id, back(), key="ref-r1")


def update_of(connector: Any, order_id: str) -> Any:
    return connector.parse_update(connector.fetch_one("updates", order_id))


def test_our_refund_is_read_back_as_ours_and_a_persons_as_theirs(shop):
    connector, order_id = placed(shop, an_item("MUG", 3))
    assert update_of(connector, order_id).refunds == []
    done = connector.refund(order_id, back(("MUG", 1)), key="ref-r1")
    hand = shop.refund_by_hand(order_id, "MUG", 2, reason="Broken")
    ours, theirs = update_of(connector, order_id).refunds
    assert (ours.ref, ours.items, ours.is_ours) == (done.remote_id, [ParcelItem("MUG", 1)], True)
    assert (theirs.ref, theirs.items, theirs.is_ours) == (hand, [ParcelItem("MUG", 2)], False)
    assert (theirs.reason, abs((theirs.made_at - shop.now()).total_seconds()) < 60) == ("Broken", True)


def test_a_refund_that_was_stopped_half_way_is_ours_too(shop):
    connector, order_id = placed(shop)
    shop.stops_while_refunding = True
    with pytest.raises(TransientError):
        connector.refund(order_id, back(), key="ref-r1")
    assert [refund.is_ours for refund in update_of(connector, order_id).refunds] == [True]


def test_refunds_are_asked_for_only_where_there_are_some(shop: WooCommerceSimulator):
    connector, order_id = placed(shop, an_item("MUG", 2))
    asked = f"GET /wp-json/wc/v3/orders/{order_id}/refunds"
    update_of(connector, order_id)
    assert asked not in shop.requests
    shop.refund_by_hand(order_id, "MUG", 1)
    update_of(connector, order_id)
    assert shop.requests.count(asked) == 1


def test_a_refund_makes_the_order_appear_again(shop):
    connector, order_id = placed(shop)
    shop.advance(minutes=30)
    pages = list(connector.fetch("updates", ""))
    before = {record.version for page in pages for record in page.records}
    shop.refund_by_hand(order_id, "MUG", 1)
    records = [record for page in connector.fetch("updates", pages[-1].cursor) for record in page.records]
    assert [record.external_id for record in records] == [order_id]
    assert records[0].version not in before


@pytest.mark.parametrize("completed", [True, False])
def test_our_refund_of_everything_calls_nothing_off(shop, completed: bool):
    """Also where the order was never completed in the shop, as those that the marketplace ships."""
    connector, order_id = placed(shop, an_item("MUG", 2))
    if completed:
        shop.complete(order_id)
    before = update_of(connector, order_id).state
    connector.refund(order_id, back(("MUG", 2)), key="ref-r1")
    update = update_of(connector, order_id)
    assert (update.status_text, update.state) == ("refunded", before)
    assert before is (ShopState.COMPLETED if completed else ShopState.OPEN)


def test_a_person_who_refunds_everything_calls_it_off(shop):
    connector, order_id = placed(shop, an_item("MUG", 2))
    shop.set_status(order_id, "refunded")
    assert update_of(connector, order_id).state is ShopState.CANCELLED


def test_a_person_who_refunds_the_rest_after_our_refund_calls_that_off(shop):
    connector, order_id = placed(shop, an_item("MUG", 2))
    connector.refund(order_id, back(("MUG", 1)), key="ref-r1")
    assert update_of(connector, order_id).state is ShopState.OPEN
    shop.set_status(order_id, "refunded")
    assert update_of(connector, order_id).state is ShopState.CANCELLED


def test_shipping_that_a_person_refunded_before_makes_ours_no_cancellation(shop):
    connector, order_id = placed(shop, an_item("MUG", 1), shipping=Decimal("2.99"))
    shop._save_refund(shop.orders[order_id], Decimal("2.99"), {}, "Shipping")
    connector.refund(order_id, back(), key="ref-r1")
    update = update_of(connector, order_id)
    assert (update.status_text, update.state) == ("refunded", ShopState.OPEN)
