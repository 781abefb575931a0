"""What bol's orders mean: exact amounts, whole addresses, states that follow from the items."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from connections.connectors.bol import mapping
from connections.connectors.bol.connector import BolConnector
from connections.connectors.bol.transporters import BY_COUNTRY, TRANSPORTERS
from connections.connectors.errors import DataError
from connections.connectors.types import FulfilmentType, OrderData, RemoteStatus
from connections.transporters import CODES
from tests.connections.bol.conftest import PAYLOADS
from tests.simulators.bol import BolSimulator


def example() -> dict[str, Any]:
    raw: dict[str, Any] = json.loads((PAYLOADS / "order.json").read_text(), parse_float=Decimal)
    return raw


def parsed(mutate: Callable[[dict[str, Any]], Any]) -> OrderData:
    raw = example()
    mutate(raw)
    return mapping.parse_order(raw)


def test_an_order_is_parsed_whole(bol: BolSimulator, connector: BolConnector) -> None:
    number = bol.add_order(lines=[("MUG", 2, "19.99"), ("TEA", 1, "4.50")], country="BE", company="Bakkerij")
    order = connector.parse_order(connector.fetch_one("orders:FBR", number))
    assert (order.external_id, order.remote_status, order.channel) == (number, RemoteStatus.OPEN, "BE")
    assert (order.total, order.currency) == (Decimal("44.48"), "EUR")
    assert [(item.product_id, item.quantity, item.unit_price) for item in order.items] == [
        ("MUG", 2, Decimal("19.99")),
        ("TEA", 1, Decimal("4.50")),
    ]
    assert order.ordered_at.tzinfo is UTC
    assert order.shipping_address.line1 == "Dorpsstraat 1"
    assert order.customer.is_business
    assert order.expires_on and order.delivery_promise


def test_the_state_follows_from_the_items(bol: BolSimulator, connector: BolConnector) -> None:
    number = bol.add_order(lines=[("MUG", 2, "19.99"), ("TEA", 1, "4.50")])
    mug, tea = bol.orders[number].items

    def state() -> RemoteStatus:
        return connector.parse_order(connector.fetch_one("orders:FBR", number)).remote_status

    mug.cancelled = 2
    assert state() == RemoteStatus.OPEN
    tea.shipped = 1
    assert state() == RemoteStatus.SHIPPED
    tea.shipped, tea.cancelled = 0, 1
    assert state() == RemoteStatus.CANCELLED


def test_a_buyers_request_is_on_the_item(bol: BolSimulator, connector: BolConnector) -> None:
    number = bol.add_order()
    bol.request_cancellation(number)
    order = connector.parse_order(connector.fetch_one("orders:FBR", number))
    assert order.items[0].cancellation_requested


def test_discounts_are_what_was_taken_off(bol: BolSimulator, connector: BolConnector) -> None:
    number = bol.add_order(quantity=2)
    bol.orders[number].items[0].discount = Decimal("3.00")
    order = connector.parse_order(connector.fetch_one("orders:FBR", number))
    assert (order.total, order.discount, order.items[0].discount) == (
        Decimal("37.00"),
        Decimal("3.00"),
        Decimal("3.00"),
    )


def test_items_that_bol_ships_are_left_to_bol(bol: BolSimulator, connector: BolConnector) -> None:
    number = bol.add_order(lines=[("MUG", 1, "10.00"), ("TEA", 1, "5.00")])
    bol.orders[number].items[1].method = "FBB"
    order = connector.parse_order(connector.fetch_one("orders:FBR", number))
    assert order.fulfilment_type == FulfilmentType.MERCHANT
    assert [item.product_id for item in order.items] == ["MUG"]
    assert order.total == Decimal("10.00")


def test_the_documented_example_is_read() -> None:
    order = mapping.parse_order(json.loads((PAYLOADS / "order.json").read_text(), parse_float=Decimal))
    assert order.external_id == "1042823870"
    assert order.ordered_at == datetime(2019, 4, 30, 14, 47, 32, tzinfo=UTC)
    assert order.fulfilment_type == FulfilmentType.MARKETPLACE
    assert order.customer.gender == "male"


BROKEN: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "no items": (lambda raw: raw.pop("orderItems"), "orderItems"),
    "no number": (lambda raw: raw.pop("orderId"), "orderId"),
    "no address": (lambda raw: raw.pop("shipmentDetails"), "shipmentDetails"),
    "an unknown method": (lambda raw: raw["orderItems"][0]["fulfilment"].update(method="FBX"), "fulfilment.method"),
    "no quantity": (lambda raw: raw["orderItems"][0].pop("quantity"), "orderItems[0].quantity"),
    "a price in words": (lambda raw: raw["orderItems"][0].update(unitPrice="ten"), "orderItems[0].unitPrice"),
    "a strange salutation": (lambda raw: raw["billingDetails"].update(salutation="X"), "billingDetails.salutation"),
}


@pytest.mark.parametrize(("mutate", "place"), BROKEN.values(), ids=BROKEN.keys())
def test_what_cannot_be_used_names_its_place(mutate: Callable[[dict[str, Any]], Any], place: str) -> None:
    raw = json.loads((PAYLOADS / "order.json").read_text(), parse_float=Decimal)
    mutate(raw)
    with pytest.raises(DataError, match=place.replace("[", r"\[").replace("]", r"\]")):
        mapping.parse_order(raw)


@pytest.mark.parametrize(
    ("block", "name", "place"),
    [("fulfilment", "timeFrameType", "orderItems[0].fulfilment.timeFrameType"),
     ("fulfilment", "distributionParty", "orderItems[0].fulfilment.distributionParty")],
)  # fmt: skip
def test_a_code_that_nobody_knows_is_never_guessed(block: str, name: str, place: str) -> None:
    with pytest.raises(DataError) as caught:
        parsed(lambda raw: raw["orderItems"][0][block].update({name: "NIGHTLY"}))
    assert caught.value.field == place


@pytest.mark.parametrize("code", ["NLD", "Nederland", "N", "1", ""])
def test_a_country_is_a_country(code: str) -> None:
    with pytest.raises(DataError) as caught:
        parsed(lambda raw: raw["shipmentDetails"].update(countryCode=code))
    assert caught.value.field == "shipmentDetails.countryCode"


def test_without_billing_details_the_address_of_delivery_counts() -> None:
    order = parsed(lambda raw: raw.pop("billingDetails"))
    assert order.billing.line1 == "Examplestraat 199"
    assert order.customer.last_name == "Buyer"
    with pytest.raises(DataError) as caught:
        parsed(lambda raw: (raw.pop("billingDetails"), raw["shipmentDetails"].update(salutation="X")))
    assert caught.value.field == "shipmentDetails.salutation"


def test_an_address_is_read_whole() -> None:
    order = mapping.parse_order(example())
    assert order.billing.line1 == "Examplestraat 21 X"
    assert (order.billing.supplement, order.billing.company) == ("Extra informatie", "Example Payer")
    assert (order.billing.vat_number, order.billing.tax_id_number) == ("NL000000000B01", "12345678")
    assert (order.channel_order_number, order.customer.is_business) == ("Mijn order ref", True)
    assert order.shipping_address.email == "relay-1@example.com"


def test_the_telephone_number_of_the_delivery_is_the_customers() -> None:
    order = parsed(lambda raw: raw["shipmentDetails"].update(deliveryPhoneNumber="012123456"))
    assert (order.customer.phone, order.shipping_address.phone) == ("012123456", "012123456")


def test_a_pick_up_point_is_named(bol: BolSimulator, connector: BolConnector) -> None:
    number = bol.add_order(pickupPointName="Albert Heijn: UTRECHT")
    order = connector.parse_order(connector.fetch_one("orders:FBR", number))
    assert order.shipping_address.pickup_point_name == "Albert Heijn: UTRECHT"


@pytest.mark.parametrize(
    ("fulfilment", "party", "expected"), [("FBR", "BOL", True), ("FBR", "RETAILER", False), ("FBB", "BOL", False)]
)
def test_only_what_the_merchant_ships_may_need_bols_label(
    bol: BolSimulator, connector: BolConnector, fulfilment: str, party: str, expected: bool
) -> None:
    number = bol.add_order(fulfilment=fulfilment, party=party)
    assert connector.parse_order(connector.fetch_one("orders:FBR", number)).uses_marketplace_label is expected


def test_commission_is_told_for_all_pieces_and_kept_for_one() -> None:
    order = parsed(lambda raw: raw["orderItems"][0].update(quantity=3, totalPrice=Decimal("59.97")))
    assert (order.commission, order.items[0].commission) == (Decimal("8.59"), Decimal("0.7367"))


def test_amounts_are_exact_also_from_a_payload_that_was_kept() -> None:
    """json.loads gives floats where nobody asked for Decimals."""
    kept = mapping.parse_order(json.loads((PAYLOADS / "order.json").read_text()))
    assert kept == mapping.parse_order(example())
    assert kept.total == Decimal("52.97")
    assert parsed(lambda raw: raw["orderItems"][0].update(unitPrice=20, totalPrice=20)).total == Decimal("52.98")


def test_a_price_above_the_sum_is_no_negative_discount() -> None:
    assert parsed(lambda raw: raw["orderItems"][0].update(totalPrice=Decimal("25.00"))).items[0].discount == 0


def test_dates_of_several_items_are_the_earliest() -> None:
    order = mapping.parse_order(example())
    assert (order.delivery_promise, order.expires_on) == ("2018-01-16", date(2018, 1, 16))


def test_an_exact_date_is_a_promise_too() -> None:
    def appoint(raw: dict[str, Any]) -> None:
        for item in raw["orderItems"]:
            del item["fulfilment"]["latestDeliveryDate"]
            item["fulfilment"].update(exactDeliveryDate="2018-04-21", timeFrameType="APPOINTMENT")

    order = parsed(appoint)
    assert (order.delivery_promise, order.delivery_method) == ("2018-04-21", "APPOINTMENT")


def test_without_a_reference_the_ean_is_the_product(bol: BolSimulator, connector: BolConnector) -> None:
    number = bol.add_order(sku="")
    item = connector.parse_order(connector.fetch_one("orders:FBR", number)).items[0]
    assert item.product_id == item.ean == bol.orders[number].items[0].ean


def test_what_may_be_absent_is_absent() -> None:
    def strip(raw: dict[str, Any]) -> None:
        for item in raw["orderItems"]:
            for name in ("offer", "product", "fulfilment", "discounts"):
                del item[name]
        del raw["shipmentDetails"]["email"]

    order = parsed(strip)
    assert (order.items[0].product_id, order.delivery_promise, order.expires_on) == ("", "", None)
    assert order.fulfilment_type == FulfilmentType.MERCHANT


def test_null_is_absent() -> None:
    order = parsed(lambda raw: raw["billingDetails"].update(company=None, vatNumber=None, extraAddressInformation=None))
    assert (order.billing.company, order.customer.is_business) == ("", False)


def test_what_no_column_can_hold_is_taken_out() -> None:
    order = parsed(lambda raw: raw["shipmentDetails"].update(firstName=" A\x00d\ud800a\x1b "))
    assert order.shipping_address.first_name == "Ada"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("2026-07-01T12:00:00", datetime(2026, 7, 1, 10, tzinfo=UTC)),  # no offset: Dutch time
        ("2026-01-14T14:07:31.63598354+01:00", datetime(2026, 1, 14, 13, 7, 31, 635983, tzinfo=UTC)),
        ("2026-01-14T14:07:31Z", datetime(2026, 1, 14, 14, 7, 31, tzinfo=UTC)),
    ],
)
def test_moments_are_utc(said: str, meant: datetime) -> None:
    assert parsed(lambda raw: raw.update(orderPlacedDateTime=said)).ordered_at == meant


@pytest.mark.parametrize("said", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "soon", "2026-13-01"])
def test_a_moment_that_is_none_is_refused(said: str) -> None:
    with pytest.raises(DataError) as caught:
        parsed(lambda raw: raw.update(orderPlacedDateTime=said))
    assert caught.value.field == "orderPlacedDateTime"


def test_every_transporter_with_a_code_of_bols_is_one_of_ours() -> None:
    mapped = {*TRANSPORTERS, *(unified for _country, unified in BY_COUNTRY)}
    assert mapped <= set(CODES)
