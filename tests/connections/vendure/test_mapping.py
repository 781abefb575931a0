from __future__ import annotations

import copy
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from connections.connectors.errors import DataError
from connections.connectors.types import ParcelItem, ShopState
from connections.connectors.vendure.mapping import STATES, api_address, iso, major, minor, parse_update

RAW = {
    "id": "7",
    "code": "KLS8GYYP2CDCKVM7",
    "state": "PartiallyShipped",
    "updatedAt": "2026-03-01T10:00:00.000Z",
    "payments": [
        {"transactionId": None, "refunds": []},
        {
            "transactionId": "our-reference",
            "refunds": [
                {
                    "id": "5",
                    "createdAt": "2026-03-05T10:00:00.000Z",
                    "state": "Settled",
                    "reason": "Too small",
                    "lines": [{"orderLineId": "1", "quantity": 1}],
                }
            ],
        },
    ],
    "lines": [{"id": "1", "quantity": 2, "orderPlacedQuantity": 2, "productVariant": {"sku": "A"}}],
    "fulfillments": [
        {
            "id": "3",
            "state": "Shipped",
            "method": "PostNL",
            "trackingCode": " 3S1 ",
            "createdAt": "2026-03-01T09:00:00.000Z",
            "updatedAt": "2026-03-01T10:00:00.000Z",
            "lines": [{"orderLineId": "1", "quantity": 1}],
        }
    ],
}

REFUND = ["payments", 1, "refunds", 0]


def changed(path, value):
    raw = copy.deepcopy(RAW)
    place = raw
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return raw


def test_a_partly_shipped_order_is_open_with_its_parcel():
    update = parse_update(RAW)
    assert (update.state, update.reference, update.number) == (ShopState.OPEN, "our-reference", "KLS8GYYP2CDCKVM7")
    assert update.parcels[0].tracking_code == "3S1"
    assert update.parcels[0].items == [ParcelItem("A", 1)]
    assert update.parcels[0].shipped_at == datetime(2026, 3, 1, 10, tzinfo=UTC)


def test_a_refund_is_read_with_its_lines():
    [refund] = parse_update(RAW).refunds
    assert (refund.ref, refund.items, refund.reason) == ("5", [ParcelItem("A", 1)], "Too small")
    assert (refund.made_at, refund.is_ours) == (datetime(2026, 3, 5, 10, tzinfo=UTC), False)


@pytest.mark.parametrize(
    ("reason", "is_ours"),
    [
        ("Too small [Reference: bol:1:1-r1]", True),
        ("[Reference: bol:1:1-r1]", True),
        ("Reference: 1", False),
        ("[Reference: 1] said the buyer", False),
        (None, False),
    ],
)
def test_a_refund_with_our_reference_is_ours(reason, is_ours):
    assert parse_update(changed([*REFUND, "reason"], reason)).refunds[0].is_ours is is_ours


@pytest.mark.parametrize(
    ("path", "value"),
    [(["state"], "Failed"), (["lines"], []), (["lines"], None), (["lines", 0, "quantity"], 0)],
)
def test_a_refund_that_failed_or_names_no_pieces_is_left_out(path, value):
    assert parse_update(changed([*REFUND, *path], value)).refunds == []


@pytest.mark.parametrize(
    ("change", "count"),
    [
        ({}, 1),  # the same lines with each payment that it is drawn from
        ({"createdAt": "2026-03-05T11:00:00.000Z"}, 2),
        ({"reason": "Too large"}, 2),
        ({"lines": [{"orderLineId": "1", "quantity": 2}]}, 2),
    ],
)
def test_a_refund_that_is_drawn_from_two_payments_is_one(change, count):
    raw = copy.deepcopy(RAW)
    raw["payments"][0]["refunds"] = [raw["payments"][1]["refunds"][0] | {"id": "4"} | change]
    assert len(parse_update(raw).refunds) == count


def test_two_refunds_of_one_payment_that_look_alike_are_two():
    raw = copy.deepcopy(RAW)
    raw["payments"][1]["refunds"] *= 2
    assert len(parse_update(raw).refunds) == 2


@pytest.mark.parametrize(
    ("reason", "quantity", "state"),
    [
        ("[Reference: r1]", 2, ShopState.COMPLETED),
        ("[Reference: r1]", 1, ShopState.CANCELLED),  # a person took the other piece off
        ("Came back", 2, ShopState.CANCELLED),
    ],
)
def test_an_order_that_only_our_refunds_emptied_was_not_called_off(reason, quantity, state):
    raw = changed([*REFUND, "reason"], reason) | {"state": "Cancelled"}
    raw["payments"][1]["refunds"][0]["lines"][0]["quantity"] = quantity
    raw["lines"][0]["quantity"] = 0
    assert parse_update(raw).state is state


@pytest.mark.parametrize("state", STATES)
def test_every_documented_state_is_known(state):
    assert parse_update(changed(["state"], state)).state is STATES[state]


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        (["id"], None, "id"),
        (["id"], 7, "id"),
        (["state"], "Teleported", "state"),
        (["updatedAt"], "yesterday", "updatedAt"),
        (["updatedAt"], None, "updatedAt"),
        (["lines"], "x", "lines"),
        (["lines", 0], None, "lines"),
        (["lines", 0, "productVariant"], None, "productVariant"),
        (["lines", 0, "quantity"], "2", "quantity"),
        (["lines", 0, "quantity"], -1, "quantity"),
        (["fulfillments", 0, "state"], "Lost", "fulfillments.state"),
        (["fulfillments", 0, "lines", 0, "orderLineId"], "9", "fulfillments.lines.orderLineId"),
        (["fulfillments", 0, "lines", 0, "quantity"], True, "quantity"),
        (["fulfillments", 0, "updatedAt"], {}, "fulfillments.updatedAt"),
        (["fulfillments", 0, "trackingCode"], 5, "trackingCode"),
        (["payments", 0, "transactionId"], 5, "transactionId"),
        (["payments", 1, "refunds"], "x", "refunds"),
        ([*REFUND, "id"], None, "id"),
        ([*REFUND, "state"], "Lost", "payments.refunds.state"),
        ([*REFUND, "createdAt"], "yesterday", "payments.refunds.createdAt"),
        ([*REFUND, "reason"], 5, "reason"),
        ([*REFUND, "lines"], [None], "lines"),
        ([*REFUND, "lines", 0, "orderLineId"], "9", "payments.refunds.lines.orderLineId"),
        ([*REFUND, "lines", 0, "quantity"], -1, "quantity"),
    ],
)
def test_what_cannot_be_read_names_its_field(path, value, field):
    with pytest.raises(DataError) as error:
        parse_update(changed(path, value))
    assert error.value.field == field
    assert error.value.code == "shop.unreadable"


@pytest.mark.parametrize("raw", [None, [], "text", 7, {}])
def test_what_is_no_order_at_all_is_refused(raw):
    with pytest.raises(DataError):
        parse_update(raw)


@pytest.mark.parametrize("field", ["payments", "fulfillments"])
def test_a_nullable_list_may_be_null(field):
    assert parse_update(changed([field], None)).external_id == "7"


def test_a_fulfilment_that_has_not_left_is_no_parcel():
    for state in ("Created", "Pending", "Cancelled"):
        assert parse_update(changed(["fulfillments", 0, "state"], state)).parcels == []


@pytest.mark.parametrize(
    ("amount", "precision", "units"),
    [("49.95", 2, 4995), ("0.005", 2, 1), ("-7.50", 2, -750), ("1000", 0, 1000), ("1.2345", 4, 12345)],
)
def test_amounts_are_exact_in_the_shops_units(amount, precision, units):
    assert minor(Decimal(amount), precision) == units


def test_units_become_amounts_with_the_shops_decimals():
    assert str(major(4950, 2)) == "49.50"
    assert str(major(5, 0)) == "5"


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("shop.example.com", "https://shop.example.com/admin-api"),
        (" https://Shop.Example.com/ ", "https://shop.example.com/admin-api"),
        ("https://shop.example.com/vendure/admin/", "https://shop.example.com/vendure/admin"),
        ("http://127.0.0.1:3000", "http://127.0.0.1:3000/admin-api"),
    ],
)
def test_the_address_may_be_typed_in_several_ways(typed, address):
    assert api_address(typed) == address


def test_moments_are_sent_in_utc():
    assert iso(datetime(2026, 3, 1, 10, tzinfo=UTC)) == "2026-03-01T10:00:00.000Z"
