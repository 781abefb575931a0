"""What the buyer got back is written down in a real Vendure: the right amount, once, and the goods go into stock."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from connections.connectors.errors import ConnectorError, DataError
from connections.connectors.types import ParcelItem, RefundData, ShopState

from .conftest import OPTIONS, an_item, an_order

pytestmark = pytest.mark.xdist_group("vendure")

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
WRITES = ["refundOrder", "cancelOrder", "settleRefund"]


def place(connector, *items, **options):
    order = an_order(*items)
    key = f"key-{order.external_id}"
    return connector.create_order(order, key=key, options=replace(OPTIONS, **options)).remote_id, f"{key}-r1"


def back(*items, **more):
    return RefundData([ParcelItem(sku, quantity) for sku, quantity in items], **more)


def refund_until_done(connector, order_id, refund, key, tries=10):
    """What the engine does: look up what an answer left open, and send it anew if it is not there whole."""
    for _ in range(tries):
        try:
            return connector.refund(order_id, refund, key=key)
        except DataError:
            raise
        except ConnectorError:
            found = connector.find_refund(order_id, refund, key=key, since=LONG_AGO)
            if found is not None:
                return found
    raise AssertionError("never done")


def refunds(vendure, order_id):
    return [one for payment in vendure.order(order_id)["payments"] for one in payment["refunds"] if one["lines"]]


def paid_back(vendure, order_id):
    """In all by refunds with our reference, in cents."""
    made = [one for payment in vendure.order(order_id)["payments"] for one in payment["refunds"]]
    return sum(one["total"] for one in made if "[Reference: " in (one["reason"] or ""))


def update_of(connector, order_id):
    return connector.parse_update(connector.fetch_one("updates", order_id))


def test_a_refund_is_settled_with_our_reference_and_the_goods_are_in_stock_again(connector, vendure):
    sku = vendure.add_product()
    order_id, key = place(connector, an_item(sku, 3))
    vendure.ship(order_id, "3S1")
    done = connector.refund(order_id, back((sku, 2), reason="Too small"), key=key)
    [refund] = refunds(vendure, order_id)
    assert (done.remote_id, done.notes) == (refund["id"], [])
    assert (refund["total"], refund["state"], refund["transactionId"]) == (2000, "Settled", key)
    assert refund["reason"] == f"Too small [Reference: {key}]"
    assert [line["quantity"] for line in refund["lines"]] == [2]
    assert vendure.stock(sku) == (49, 0)


def test_goods_that_are_not_kept_stay_out_of_stock(connector, vendure):
    sku = vendure.add_product()
    order_id, key = place(connector, an_item(sku, 3))
    vendure.ship(order_id, "3S1")
    connector.refund(order_id, back((sku, 2), restocks=False), key=key)
    assert [one["state"] for one in refunds(vendure, order_id)] == ["Settled"]
    assert vendure.stock(sku) == (47, 0)
    assert vendure.order(order_id)["lines"][0]["quantity"] == 3


@pytest.mark.parametrize("price", ["10.00", "12.50", "7.33"])
def test_pieces_are_worth_what_the_buyer_paid(connector, vendure, price):
    """Above the shop's price the money came in two payments, so it goes back from both."""
    sku, other = vendure.add_product(price=1000), vendure.add_product(price=2000, reduced_tax=True)
    order_id, key = place(connector, an_item(sku, 2, price), an_item(other, 1, "20.00"))
    vendure.ship(order_id, "3S1")
    connector.refund(order_id, back((sku, 1)), key=key)
    assert paid_back(vendure, order_id) == int(Decimal(price) * 100)
    connector.refund(order_id, back((sku, 1), (other, 1)), key=f"{key}2")
    assert paid_back(vendure, order_id) == int(Decimal(price) * 200) + 2000
    made = [one for payment in vendure.order(order_id)["payments"] for one in payment["refunds"]]
    assert all(one["state"] == "Settled" for one in made)


def test_pieces_that_come_back_one_by_one_are_worth_the_whole_line(connector, vendure):
    """10.00 for three."""
    sku = vendure.add_product(price=500)
    order_id, key = place(connector, an_item(sku, 3, "5.00", discount=Decimal("5.00")))
    vendure.ship(order_id, "3S1")
    for number in (1, 2, 3):
        connector.refund(order_id, back((sku, 1)), key=f"{key}{number}")
    assert [one["total"] for one in refunds(vendure, order_id)] == [333, 334, 333]


@pytest.mark.parametrize("wanted", [[4], [2, 2], []])
def test_more_than_there_is_is_refused_and_leaves_nothing(connector, vendure, wanted):
    sku = vendure.add_product()
    order_id, key = place(connector, an_item(sku, 3))
    vendure.ship(order_id, "3S1")
    with pytest.raises(DataError) as caught:
        connector.refund(order_id, back(*((sku, quantity) for quantity in wanted)), key=key)
    assert caught.value.code == "refund.refused"
    with pytest.raises(DataError):
        connector.refund(order_id, back((sku, 1), ("nowhere", 1)), key=key)
    assert refunds(vendure, order_id) == []
    assert vendure.stock(sku) == (47, 0)


def test_pieces_that_a_person_refunded_count(connector, vendure):
    sku = vendure.add_product()
    order_id, key = place(connector, an_item(sku, 3))
    vendure.ship(order_id, "3S1")
    vendure.refund_by_hand(order_id, sku, 2, amount=2000, restock=True)
    with pytest.raises(DataError, match="has 1 of") as caught:
        connector.refund(order_id, back((sku, 2)), key=key)
    assert caught.value.code == "refund.refused"
    connector.refund(order_id, back((sku, 1)), key=key)
    assert vendure.stock(sku) == (50, 0)


def test_money_that_a_person_refunded_counts(connector, vendure):
    sku, other = vendure.add_product(), vendure.add_product()
    order_id, key = place(connector, an_item(sku), an_item(other))
    vendure.refund_by_hand(order_id, other, 1, amount=1500)
    with pytest.raises(DataError) as caught:
        connector.refund(order_id, back((sku, 1)), key=key)
    assert caught.value.code == "refund.refused"
    assert paid_back(vendure, order_id) == 0


def test_pieces_without_a_price_are_refused(connector, vendure):
    """Without an amount Vendure would refund the shop's own price."""
    sku, other = vendure.add_product(), vendure.add_product()
    order_id, key = place(connector, an_item(sku, 1, "0.00"), an_item(other))
    with pytest.raises(DataError) as caught:
        connector.refund(order_id, back((sku, 1)), key=key)
    assert caught.value.code == "refund.refused"


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("price", ["10.00", "12.50"])
def test_an_answer_that_is_lost_makes_no_second_refund(connector, vendure, proxy, write, price):
    sku = vendure.add_product(price=1000)
    order_id, key = place(connector, an_item(sku, 2, price))
    vendure.ship(order_id, "3S1")
    proxy.lose(write)
    done = refund_until_done(connector, order_id, back((sku, 2)), key)
    found = connector.find_refund(order_id, back((sku, 2)), key=key, since=LONG_AGO)
    assert found.remote_id == done.remote_id
    assert paid_back(vendure, order_id) == int(Decimal(price) * 200)
    assert len(refunds(vendure, order_id)) == 1
    assert vendure.stock(sku) == (50, 0)


def test_a_refund_lost_at_every_step_is_still_one(connector, vendure, proxy):
    sku = vendure.add_product(price=1000)
    order_id, key = place(connector, an_item(sku, 2, "12.50"))
    vendure.ship(order_id, "3S1")
    for write in [*WRITES, "refundOrder", "settleRefund"]:
        proxy.lose(write)
    refund_until_done(connector, order_id, back((sku, 2)), key, tries=20)
    assert paid_back(vendure, order_id) == 2500
    assert vendure.stock(sku) == (50, 0)


def test_a_half_made_refund_is_not_found_until_it_is_whole(connector, vendure, proxy):
    sku = vendure.add_product()
    order_id, key = place(connector, an_item(sku, 2))
    vendure.ship(order_id, "3S1")
    for write in ("refundOrder", "cancelOrder"):
        proxy.lose(write)
        with pytest.raises(ConnectorError):
            connector.refund(order_id, back((sku, 1)), key=key)
        assert connector.find_refund(order_id, back((sku, 1)), key=key, since=LONG_AGO) is None
    assert [one["state"] for one in refunds(vendure, order_id)] == ["Pending"]
    connector.refund(order_id, back((sku, 1)), key=key)
    assert [one["state"] for one in refunds(vendure, order_id)] == ["Settled"]
    assert vendure.stock(sku) == (49, 0)


def test_asked_for_twice_it_is_made_once(connector, vendure):
    sku = vendure.add_product()
    order_id, key = place(connector, an_item(sku, 3))
    vendure.ship(order_id, "3S1")
    first = connector.refund(order_id, back((sku, 1)), key=key)
    assert connector.refund(order_id, back((sku, 1)), key=key) == first
    assert (paid_back(vendure, order_id), vendure.stock(sku)) == (1000, (48, 0))


def test_only_the_exact_reference_counts(connector, vendure):
    sku = vendure.add_product()
    order_id, key = place(connector, an_item(sku, 3))
    connector.refund(order_id, back((sku, 1)), key=f"{key}1")
    for other in (key, f"{key}11", key[1:], "1"):
        assert connector.find_refund(order_id, back((sku, 1)), key=other, since=LONG_AGO) is None


def test_a_long_reason_leaves_room_for_the_reference(connector, vendure):
    sku = vendure.add_product()
    order_id, key = place(connector, an_item(sku, 1))
    connector.refund(order_id, back((sku, 1), reason="long " * 100), key=key)
    [refund] = refunds(vendure, order_id)
    assert len(refund["reason"]) <= 255
    assert connector.find_refund(order_id, back((sku, 1)), key=key, since=LONG_AGO) is not None


def test_a_payment_method_of_the_shop_that_settles_by_itself_makes_no_second_refund(connector, vendure, proxy):
    """Orders paid by the name of a method that the shop has: then that method settles, with a number of its own."""
    sku = vendure.add_product()
    order_id, key = place(connector, an_item(sku, 2), payment_method="gateway-Settled")
    vendure.ship(order_id, "3S1")
    proxy.lose("refundOrder")
    refund_until_done(connector, order_id, back((sku, 2)), key)
    [refund] = refunds(vendure, order_id)
    assert (refund["total"], refund["state"], refund["transactionId"]) == (2000, "Settled", "gateway-1")
    assert vendure.stock(sku) == (50, 0)


def test_a_payment_method_of_the_shop_that_fails_is_a_refusal(connector, vendure):
    sku = vendure.add_product()
    order_id, key = place(connector, an_item(sku, 2), payment_method="gateway-Failed")
    vendure.ship(order_id, "3S1")
    with pytest.raises(DataError) as caught:
        connector.refund(order_id, back((sku, 2)), key=key)
    assert caught.value.code == "refund.refused"
    assert update_of(connector, order_id).refunds == []
    assert vendure.stock(sku) == (48, 0)


def test_an_order_that_is_not_there_is_gone(connector):
    for call in (connector.refund, lambda *args, key: connector.find_refund(*args, key=key, since=LONG_AGO)):
        with pytest.raises(DataError) as caught:
            call("999999", back(("SKU", 1)), key="r1")
        assert caught.value.code == "order.gone"


def test_a_line_that_was_sent_in_part_keeps_its_stock_and_that_is_said(connector, vendure):
    """Vendure would raise the stock and set an open piece free as well (tried)."""
    sku = vendure.add_product()
    order_id, key = place(connector, an_item(sku, 3))
    vendure.ship(order_id, "3S1", items={sku: 1})
    done = connector.refund(order_id, back((sku, 1)), key=key)
    assert "only a part of it was sent" in done.notes[0]
    assert (paid_back(vendure, order_id), vendure.stock(sku)) == (1000, (49, 2))
    assert vendure.order(order_id)["lines"][0]["quantity"] == 3
    assert connector.find_refund(order_id, back((sku, 1)), key=key, since=LONG_AGO) is not None


def test_pieces_that_a_person_cancelled_are_not_raised_twice(connector, vendure):
    sku = vendure.add_product()
    order_id, key = place(connector, an_item(sku, 2))
    vendure.ship(order_id, "3S1")
    vendure.cancel(order_id)
    assert vendure.stock(sku) == (50, 0)
    done = connector.refund(order_id, back((sku, 2)), key=key)
    assert "cancelled in the shop before" in done.notes[0]
    assert (paid_back(vendure, order_id), vendure.stock(sku)) == (2000, (50, 0))


def test_our_refund_is_read_back_as_ours_and_a_persons_as_theirs(connector, vendure):
    sku = vendure.add_product()
    order_id, key = place(connector, an_item(sku, 3, "12.50"))
    vendure.ship(order_id, "3S1")
    assert update_of(connector, order_id).refunds == []
    done = connector.refund(order_id, back((sku, 1)), key=key)
    [hand] = vendure.refund_by_hand(order_id, sku, 1, amount=500, reason="Scratched")
    ours, theirs = update_of(connector, order_id).refunds
    assert (ours.ref, ours.items, ours.is_ours) == (done.remote_id, [ParcelItem(sku, 1)], True)
    assert (theirs.ref, theirs.items, theirs.is_ours) == (hand, [ParcelItem(sku, 1)], False)
    assert theirs.reason == "Scratched"
    assert abs((datetime.now(UTC) - theirs.made_at).total_seconds()) < 60


def test_a_persons_refund_that_is_drawn_from_two_payments_is_one(connector, vendure):
    sku = vendure.add_product(price=1000)
    order_id, _key = place(connector, an_item(sku, 1, "12.50"))
    vendure.ship(order_id, "3S1")
    assert len(vendure.refund_by_hand(order_id, sku, 1, amount=1250)) == 2
    assert [refund.items for refund in update_of(connector, order_id).refunds] == [[ParcelItem(sku, 1)]]


def test_the_refund_of_a_price_difference_names_no_pieces_and_is_left_out(connector, vendure):
    order_id, _key = place(connector, an_item(vendure.add_product(price=1000), 1, "7.50"))
    assert update_of(connector, order_id).refunds == []


@pytest.mark.parametrize("delivered", [True, False])
def test_our_refund_of_everything_that_was_sent_calls_nothing_off(connector, vendure, delivered):
    """It empties the order, which Vendure calls Cancelled."""
    sku = vendure.add_product()
    order_id, key = place(connector, an_item(sku, 2))
    parcel = vendure.ship(order_id, "3S1")
    if delivered:
        vendure.move(parcel, "Delivered")
    before = update_of(connector, order_id)
    connector.refund(order_id, back((sku, 1)), key=f"{key}1")
    assert update_of(connector, order_id).state is ShopState.COMPLETED
    connector.refund(order_id, back((sku, 1)), key=f"{key}2")
    update = update_of(connector, order_id)
    assert (update.status_text, update.state) == ("Cancelled", ShopState.COMPLETED)
    assert update.parcels == before.parcels


def test_our_refund_of_what_never_was_sent_in_the_shop_calls_nothing_off(connector, vendure):
    """As of orders that the marketplace ships."""
    sku = vendure.add_product()
    order_id, key = place(connector, an_item(sku, 2))
    connector.refund(order_id, back((sku, 2)), key=key)
    update = update_of(connector, order_id)
    assert (update.status_text, update.state) == ("Cancelled", ShopState.OPEN)
    assert vendure.stock(sku) == (50, 0)


def test_a_person_who_cancels_the_rest_after_our_refund_calls_that_off(connector, vendure):
    one, other = vendure.add_product(), vendure.add_product()
    order_id, key = place(connector, an_item(one), an_item(other))
    vendure.ship(order_id, "3S1", items={one: 1})
    connector.refund(order_id, back((one, 1)), key=key)
    assert update_of(connector, order_id).state is ShopState.OPEN
    vendure.cancel(order_id)
    assert update_of(connector, order_id).state is ShopState.CANCELLED


def test_an_order_of_which_something_came_back_is_not_taken_for_half_made(connector, vendure):
    """What was taken into stock is gone from its total, which is then no longer the marketplace's."""
    sku = vendure.add_product()
    order = an_order(an_item(sku, 2))
    key = f"key-{order.external_id}"
    order_id = connector.create_order(order, key=key, options=OPTIONS).remote_id
    connector.refund(order_id, back((sku, 1)), key=f"{key}-r1")
    assert vendure.order(order_id)["totalWithTax"] == 1000
    found = connector.find_order(key, since=LONG_AGO)
    assert (found.remote_id, found.is_complete) == (order_id, True)


def test_a_persons_refund_is_seen_though_it_moves_nothing_of_the_order(connector, vendure):
    sku = vendure.add_product()
    order_id, _key = place(connector, an_item(sku, 2))
    vendure.ship(order_id, "3S1")
    before = vendure.order(order_id)["updatedAt"]
    vendure.refund_by_hand(order_id, sku, 1, amount=1000)
    assert vendure.order(order_id)["updatedAt"] == before
    # as if the last read were long ago, so that no overlap covers it
    pages, cursor = [], "2099-01-01T00:00:00.000Z"
    while not pages or cursor.partition(" ")[2]:
        pages += list(connector.fetch("updates", cursor))
        cursor = pages[-1].cursor
    read = {record.external_id: record.raw for page in pages for record in page.records}
    assert [refund.items for refund in connector.parse_update(read[order_id]).refunds] == [[ParcelItem(sku, 1)]]


def test_orders_are_looked_through_for_refunds_page_by_page(connector, vendure):
    sku = vendure.add_product()
    made = {place(connector, an_item(sku))[0] for _ in range(5)}
    connector.page_size = 2
    cursor, seen, calls = "2099-01-01T00:00:00.000Z", set(), 0
    while calls == 0 or cursor.partition(" ")[2]:
        *_, last = connector.fetch("updates", cursor)
        assert len(last.records) <= 2
        cursor, calls = last.cursor, calls + 1
        seen |= {record.external_id for record in last.records}
    still = {one["id"] for one in vendure.orders() if one["state"].startswith("Partially")}
    assert made <= seen | still
    assert cursor == "2099-01-01T00:00:00.000Z"
