"""After an answer was lost, the order is found again, whatever order storage the shop has."""

from datetime import UTC, datetime, timedelta

import pytest

from connections.connectors.errors import ConnectorError, TransientError
from tests.simulators.base import Fault

from .conftest import OPTIONS, an_order, connector_for

KEY = "bol:1:1001"


@pytest.mark.parametrize("hpos", [True, False])
@pytest.mark.parametrize(
    "fault",
    [Fault.RESET_AFTER, Fault.BAD_GATEWAY_AFTER, Fault.GATEWAY_TIMEOUT_AFTER, Fault.TRUNCATED, Fault.HTML_200],
)
def test_an_order_whose_answer_was_cut_is_found(make_shop, hpos: bool, fault: Fault):
    shop, since = make_shop(hpos=hpos), datetime.now(UTC)
    connector = connector_for(shop)
    shop.fail("POST /wp-json/wc/v3/orders$", fault)
    with pytest.raises(ConnectorError):
        connector.create_order(an_order(), key=KEY, options=OPTIONS)
    found = connector.find_order(KEY, since=since)
    [made] = shop.effects("create_order")
    assert found is not None
    assert (found.remote_id, found.is_complete) == (made.subject, True)


@pytest.mark.parametrize("hpos", [True, False])
def test_only_the_exact_reference_counts(make_shop, hpos: bool):
    shop, since = make_shop(hpos=hpos), datetime.now(UTC)
    connector = connector_for(shop)
    connector.create_order(an_order(), key=KEY + "1", options=OPTIONS)
    assert connector.find_order(KEY, since=since) is None
    assert connector.find_order("", since=since) is None


def test_an_order_is_found_beyond_the_first_page_of_a_busy_shop(make_shop):
    shop, since = make_shop(hpos=False), datetime.now(UTC)
    connector = connector_for(shop)
    for number in range(230):
        order = shop._new_order({"transaction_id": f"other-{number}"})
        shop.orders[str(order["id"])] = order
    done = connector.create_order(an_order(), key=KEY, options=OPTIONS)
    found = connector.find_order(KEY, since=since)
    assert found is not None
    assert found.remote_id == done.remote_id


@pytest.mark.parametrize("hpos", [True, False])
def test_an_order_in_the_trash_is_found(make_shop, hpos: bool):
    shop = make_shop(hpos=hpos)
    connector = connector_for(shop)
    done = connector.create_order(an_order(), key=KEY, options=OPTIONS)
    shop.trash(done.remote_id)
    found = connector.find_order(KEY, since=datetime.now(UTC))
    assert found is not None
    assert found.remote_id == done.remote_id


def test_an_order_whose_payment_reference_was_overwritten_is_found_by_its_meta(shop):
    connector = connector_for(shop)
    done = connector.create_order(an_order(), key=KEY, options=OPTIONS)
    shop.orders[done.remote_id]["transaction_id"] = "changed by a plugin"
    assert connector.find_order(KEY, since=datetime.now(UTC)) is not None


def test_a_look_up_that_fails_never_says_absent(shop):
    connector = connector_for(shop)
    shop.fail("GET /wp-json/wc/v3/orders$", Fault.ERROR_500_BEFORE, times=9)
    with pytest.raises(TransientError):
        connector.find_order(KEY, since=datetime.now(UTC) - timedelta(hours=1))


def test_an_order_that_the_lists_do_not_show_yet_is_missed_until_they_do(shop):
    """Why the engine looks twice, across `index_delay_seconds`."""
    connector = connector_for(shop)
    connector.create_order(an_order(), key=KEY, options=OPTIONS)
    shop.list_lag = timedelta(seconds=10)
    assert connector.find_order(KEY, since=datetime.now(UTC)) is None
    shop.advance(seconds=connector.capabilities.index_delay_seconds)
    assert connector.find_order(KEY, since=datetime.now(UTC)) is not None
