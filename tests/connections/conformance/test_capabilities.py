"""What is declared works; what isn't is refused before anything is sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from connections.connectors.errors import DataError, TransientError
from connections.connectors.types import CancellationData, OutcomeState, Pending
from tests.simulators.base import Fault


def can(rig):
    return type(rig.connect()).capabilities


def test_parts_of_an_order_are_shipped_one_by_one_where_that_is_declared(marketplace):
    subject = marketplace.part_of(marketplace.new_subject())
    connector, since = marketplace.connect(), datetime.now(UTC)
    if not can(marketplace).ships_partially:
        pytest.skip("ships orders whole")
    for key in (marketplace.new_key(), marketplace.new_key()):
        assert marketplace.find(connector, subject, key, since) == (None, None)
        marketplace.answered(connector, marketplace.send(connector, subject, key))
        assert marketplace.effects(subject, key) == 1


def test_a_shipment_without_a_code_is_refused_only_where_that_is_declared(marketplace):
    subject, key = marketplace.new_subject(), marketplace.new_key()
    subject = replace(subject, data=replace(subject.data, tracking_code="", transporter=""))
    connector = marketplace.connect()
    if can(marketplace).requires_tracking:
        with pytest.raises(DataError):
            marketplace.send(connector, subject, key)
        assert marketplace.effects(subject, key) == 0
    else:
        marketplace.answered(connector, marketplace.send(connector, subject, key))
        assert marketplace.effects(subject, key) == 1


def test_what_has_less_to_ship_is_refused_and_stays_as_it_is(marketplace):
    subject = marketplace.new_subject()
    connector = marketplace.connect()
    marketplace.answered(connector, marketplace.send(connector, subject, marketplace.new_key()))
    key = marketplace.new_key()
    with pytest.raises(DataError):
        marketplace.answered(connector, marketplace.send(connector, subject, key))
    assert marketplace.effects(subject, key) == 0


def test_cancelling_works_where_it_is_declared(marketplace):
    subject, key, since = marketplace.new_subject(), marketplace.new_key(), datetime.now(UTC)
    connector, cancellation = marketplace.connect(), CancellationData(subject.data.items, "out_of_stock")
    if not can(marketplace).cancels_orders:
        with pytest.raises(NotImplementedError):
            connector.cancel_order(subject.order_ref, cancellation, key=key)
        with pytest.raises(NotImplementedError):
            connector.find_cancellation(subject.order_ref, cancellation, key=key, since=since)
        return
    assert connector.find_cancellation(subject.order_ref, cancellation, key=key, since=since) is None
    marketplace.answered(connector, connector.cancel_order(subject.order_ref, cancellation, key=key))
    found = connector.find_cancellation(subject.order_ref, cancellation, key=key, since=since)
    marketplace.answered(connector, found)
    assert marketplace.cancelled(subject) == 1


def test_a_cancellation_whose_answer_was_cut_is_found(marketplace):
    if not can(marketplace).cancels_orders:
        pytest.skip("cancels no orders")
    subject, key, since = marketplace.new_subject(), marketplace.new_key(), datetime.now(UTC)
    connector, cancellation = marketplace.connect(), CancellationData(subject.data.items, "other")
    marketplace.simulator.fail(marketplace.cancels, Fault.BAD_GATEWAY_AFTER)
    with pytest.raises(TransientError):
        connector.cancel_order(subject.order_ref, cancellation, key=key)
    found = connector.find_cancellation(subject.order_ref, cancellation, key=key, since=since)
    marketplace.answered(connector, found)
    assert marketplace.cancelled(subject) == 1


def test_each_late_answer_is_told_once(rig):
    connector = rig.connect()
    receipts = [rig.send(connector, rig.new_subject(), rig.new_key()) for _ in range(2)]
    tickets = [receipt.ticket for receipt in receipts if isinstance(receipt, Pending)]
    if not tickets:
        with pytest.raises(NotImplementedError):
            list(connector.follow_up(["1"]))
        return
    rig.settle_down()
    outcomes = list(connector.follow_up([*tickets, rig.unknown_ticket]))
    assert sorted(outcome.ticket for outcome in outcomes) == sorted([*tickets, rig.unknown_ticket])
    states = {outcome.ticket: outcome.state for outcome in outcomes}
    assert states[rig.unknown_ticket] is OutcomeState.GONE
