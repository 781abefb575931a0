"""A shop writes down once what the buyer got back, and tells it from what it paid back itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from connections.connectors.errors import AuthError, ContractError, DataError, RateLimited, TransientError
from connections.connectors.types import Done, ParcelItem, RefundData
from tests.simulators.base import Fault

from .failing import plan


def placed(platform, key):
    """The shop's id of a new order of three pieces, and a refund of one of them."""
    subject, connector = platform.new_subject(), platform.connect()
    receipt = connector.create_order(subject.data, key=key, options=platform.options)
    refund = RefundData([ParcelItem(subject.data.items[0].product_id, 1)], reason="Too small")
    return platform.answered(connector, receipt).remote_id, refund


def settled(platform, order_id, refund, key, *, seconds=None) -> Done:
    """As the engine does: whatever may have been executed is looked up, and sent again only if it is not there."""
    since, connector = datetime.now(UTC), platform.connect(seconds=seconds)
    for _ in range(10):
        try:
            return platform.answered(connector, connector.refund(order_id, refund, key=key))
        except (TransientError, ContractError, RateLimited, AuthError):
            connector = platform.connect()
        found = connector.find_refund(order_id, refund, key=key, since=since)
        if found is not None:
            return platform.answered(connector, found)
    raise AssertionError("never settled")


@pytest.fixture
def refunding(platform):
    if not type(platform.connect()).capabilities.takes_refunds:
        pytest.skip("takes no refunds")
    return platform


def test_refunding_is_refused_where_it_is_not_declared(platform):
    connector, key, since = platform.connect(), platform.new_key(), datetime.now(UTC)
    if type(connector).capabilities.takes_refunds:
        pytest.skip("takes refunds")
    order_id, refund = placed(platform, key)
    with pytest.raises(NotImplementedError):
        connector.refund(order_id, refund, key=f"{key}-r1")
    with pytest.raises(NotImplementedError):
        connector.find_refund(order_id, refund, key=f"{key}-r1", since=since)


def test_a_refund_is_made_and_found_by_its_reference_alone(refunding):
    key, since, connector = refunding.new_key(), datetime.now(UTC), refunding.connect()
    order_id, refund = placed(refunding, key)
    assert connector.find_refund(order_id, refund, key=f"{key}-r1", since=since) is None
    done = refunding.answered(connector, connector.refund(order_id, refund, key=f"{key}-r1"))
    found = connector.find_refund(order_id, refund, key=f"{key}-r1", since=since)
    assert refunding.answered(connector, found).remote_id == done.remote_id
    for other in (f"{key}-r", f"{key}-r11", key):
        assert connector.find_refund(order_id, refund, key=other, since=since) is None
    assert connector.find_order(f"{key}-r1", since=since) is None, "a refund is taken for an order"
    assert refunding.refunded(order_id, f"{key}-r1") == 1


@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.name.lower())
def test_a_refund_whose_answer_was_cut_is_made_once(refunding, fault):
    """At each of the calls it is made of."""
    for write in refunding.refunds:
        key = refunding.new_key()
        order_id, refund = placed(refunding, key)
        seconds = plan(refunding, write, fault)
        done = settled(refunding, order_id, refund, f"{key}-r1", seconds=seconds)
        refunding.simulator.heal()
        assert refunding.refunded(order_id, f"{key}-r1") == 1, write
        assert done.remote_id, write


def test_what_stops_a_half_made_refund_leads_to_another_look(refunding):
    """ "Nothing was executed" would be said of a part alone."""
    if len(refunding.refunds) == 1:
        pytest.skip("a refund is made by one call, so it is never half made")
    for write in refunding.refunds[1:]:
        key, connector, since = refunding.new_key(), refunding.connect(), datetime.now(UTC)
        order_id, refund = placed(refunding, key)
        refunding.simulator.fail(write, Fault.RATE_LIMIT)
        with pytest.raises(TransientError) as caught:
            connector.refund(order_id, refund, key=f"{key}-r1")
        assert caught.value.was_sent
        assert connector.find_refund(order_id, refund, key=f"{key}-r1", since=since) is None
        settled(refunding, order_id, refund, f"{key}-r1")
        assert refunding.refunded(order_id, f"{key}-r1") == 1


def test_two_refunds_of_one_order_are_two_and_read_back_as_ours(refunding):
    key, connector = refunding.new_key(), refunding.connect()
    order_id, refund = placed(refunding, key)
    read = lambda: connector.parse_update(connector.fetch_one(refunding.stream, order_id))  # noqa: E731
    before = read()
    made = {settled(refunding, order_id, refund, f"{key}-r{number}").remote_id for number in (1, 2)}
    after = read()
    assert before.refunds == []
    assert {one.ref for one in after.refunds} == made
    assert len(made) == 2
    assert [(one.is_ours, list(one.items)) for one in after.refunds] == [(True, list(refund.items))] * 2
    assert (after.state, after.parcels) == (before.state, before.parcels), "goods that came back change nothing else"


def test_a_refund_of_everything_is_no_cancellation_of_the_order(refunding):
    key, connector = refunding.new_key(), refunding.connect()
    order_id, refund = placed(refunding, key)
    before = connector.parse_update(connector.fetch_one(refunding.stream, order_id))
    everything = replace(refund, items=[replace(item, quantity=3) for item in refund.items])
    settled(refunding, order_id, everything, f"{key}-r1")
    assert connector.parse_update(connector.fetch_one(refunding.stream, order_id)).state is before.state


def test_more_than_is_left_is_refused_and_leaves_nothing(refunding):
    key, connector = refunding.new_key(), refunding.connect()
    order_id, refund = placed(refunding, key)
    settled(refunding, order_id, refund, f"{key}-r1")
    everything = replace(refund, items=[replace(item, quantity=3) for item in refund.items])
    with pytest.raises(DataError) as caught:
        connector.refund(order_id, everything, key=f"{key}-r2")
    assert caught.value.code == "refund.refused"
    assert refunding.refunded(order_id, f"{key}-r2") == 0


def test_a_refund_of_an_order_that_is_gone_is_refused(refunding):
    connector, key = refunding.connect(), refunding.new_key()
    refund = RefundData([ParcelItem("MUG", 1)])
    for call in (
        lambda: connector.refund("987654321", refund, key=key),
        lambda: connector.find_refund("987654321", refund, key=key, since=datetime.now(UTC)),
    ):
        with pytest.raises(DataError) as caught:
            call()
        assert caught.value.code == "order.gone"
