"""Notices: a private note, and a hold that ends as it began."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connections.connectors.errors import ContractError, DataError, TransientError
from connections.connectors.types import NoticeData
from connections.connectors.woocommerce.connector import WooCommerceConnector
from tests.connections.woocommerce.conftest import OPTIONS, an_order, connector_for
from tests.simulators.base import Fault
from tests.simulators.woocommerce import WooCommerceSimulator

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
HOLD = NoticeData("Do not ship this order.", holds=True)
RELEASE = NoticeData("Ship it as usual.", holds=False)


@pytest.fixture
def connector(shop: WooCommerceSimulator) -> WooCommerceConnector:
    return connector_for(shop)


@pytest.fixture
def order_id(shop: WooCommerceSimulator, connector: WooCommerceConnector) -> str:
    shop.add_product("MUG", stock=5)
    return connector.create_order(an_order(), key="ref-1", options=OPTIONS).remote_id  # type: ignore[union-attr]


def status(shop: WooCommerceSimulator, order_id: str) -> str:
    return str(shop.orders[order_id]["status"])


def test_a_hold_ends_as_it_began_and_keeps_the_stock(
    shop: WooCommerceSimulator, connector: WooCommerceConnector, order_id: str
) -> None:
    stock = next(iter(shop.products.values()))["stock_quantity"]
    connector.tell(order_id, HOLD, key="ref-1-n1")
    assert status(shop, order_id) == "on-hold"
    assert next(iter(shop.products.values()))["stock_quantity"] == stock
    connector.tell(order_id, RELEASE, key="ref-1-n2")
    assert status(shop, order_id) == "processing"
    notes = shop.notes[order_id]
    assert [note["note"] for note in notes] == ["Do not ship this order. [ref-1-n1]", "Ship it as usual. [ref-1-n2]"]
    assert not any(note["customer_note"] for note in notes)


def test_a_status_of_the_shops_own_is_restored(shop: WooCommerceSimulator) -> None:
    shop.statuses.add("packing")
    shop.add_product("MUG")
    connector = connector_for(shop)
    order_id = connector.create_order(an_order(), key="ref-1", options=OPTIONS).remote_id  # type: ignore[union-attr]
    shop.set_status(order_id, "packing")
    connector.tell(order_id, HOLD, key="n1")
    connector.tell(order_id, RELEASE, key="n2")
    assert status(shop, order_id) == "packing"


@pytest.mark.parametrize("now", ["completed", "cancelled", "refunded", "failed"])
def test_what_is_dealt_with_in_the_shop_gets_the_note_alone(
    shop: WooCommerceSimulator, connector: WooCommerceConnector, order_id: str, now: str
) -> None:
    shop.set_status(order_id, now)
    connector.tell(order_id, HOLD, key="n1")
    assert (status(shop, order_id), len(shop.notes[order_id])) == (now, 1)


def test_a_hold_by_a_person_is_not_ended_by_us(
    shop: WooCommerceSimulator, connector: WooCommerceConnector, order_id: str
) -> None:
    shop.set_status(order_id, "on-hold")
    connector.tell(order_id, HOLD, key="n1")
    connector.tell(order_id, RELEASE, key="n2")
    assert status(shop, order_id) == "on-hold"


def test_what_a_person_changed_meanwhile_stays(
    shop: WooCommerceSimulator, connector: WooCommerceConnector, order_id: str
) -> None:
    connector.tell(order_id, HOLD, key="n1")
    shop.set_status(order_id, "completed")
    connector.tell(order_id, RELEASE, key="n2")
    assert status(shop, order_id) == "completed"


def test_a_hold_whose_note_was_cut_is_found_and_one_without_it_is_not(
    shop: WooCommerceSimulator, connector: WooCommerceConnector, order_id: str
) -> None:
    shop.fail(r"POST .*/notes$", Fault.ERROR_503_BEFORE)
    with pytest.raises(TransientError) as caught:
        connector.tell(order_id, HOLD, key="n1")
    assert caught.value.was_sent  # the hold was
    assert connector.find_notice(order_id, HOLD, key="n1", since=LONG_AGO) is None
    shop.fail(r"POST .*/notes$", Fault.RESET_AFTER)
    with pytest.raises(TransientError):
        connector.tell(order_id, HOLD, key="n1")
    assert connector.find_notice(order_id, HOLD, key="n1", since=LONG_AGO)
    assert status(shop, order_id) == "on-hold"


def test_too_many_calls_after_the_hold_are_no_plain_too_many(
    shop: WooCommerceSimulator, connector: WooCommerceConnector, order_id: str
) -> None:
    shop.fail(r"POST .*/notes$", Fault.RATE_LIMIT)
    with pytest.raises(TransientError):
        connector.tell(order_id, HOLD, key="n1")


def test_an_order_deleted_for_good_is_gone(
    shop: WooCommerceSimulator, connector: WooCommerceConnector, order_id: str
) -> None:
    del shop.orders[order_id]
    with pytest.raises(DataError) as caught:
        connector.tell(order_id, HOLD, key="n1")
    assert caught.value.code == "order.gone"
    with pytest.raises(DataError) as caught:
        connector.find_notice(order_id, HOLD, key="n1", since=LONG_AGO)
    assert caught.value.code == "order.gone"


def test_another_page_at_the_shops_address_tells_nothing(
    shop: WooCommerceSimulator, connector: WooCommerceConnector, order_id: str
) -> None:
    shop.fail(r"GET .*/notes$", Fault.HTML_200)
    with pytest.raises(ContractError):
        connector.find_notice(order_id, HOLD, key="n1", since=LONG_AGO)


def test_a_shop_to_which_on_hold_means_shipped_is_not_held(shop: WooCommerceSimulator, order_id: str) -> None:
    connector_for(shop, completed_statuses="completed,on-hold").tell(order_id, HOLD, key="n1")
    assert (status(shop, order_id), len(shop.notes[order_id])) == ("processing", 1)
