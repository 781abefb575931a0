"""Answers that come later: asked for in bulk, and each told once."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from connections.connectors.bol import processes
from connections.connectors.bol.connector import BolConnector
from connections.connectors.errors import ContractError
from connections.connectors.types import OutcomeState, Pending, ShipmentData, ShippedItem
from tests.connections.bol.conftest import PAYLOADS
from tests.simulators.bol import BolSimulator

BULK = "POST /shared/process-status"


def ship(bol: BolSimulator, connector: BolConnector) -> str:
    number = bol.add_order()
    items = [ShippedItem(item.id, item.quantity) for item in bol.orders[number].items]
    receipt = connector.confirm_shipment(number, ShipmentData(items, datetime.now(UTC)), key=number)
    assert isinstance(receipt, Pending)
    return receipt.ticket


def test_many_answers_are_asked_for_in_one_call(bol: BolSimulator, connector: BolConnector) -> None:
    bol.polls = 0
    tickets = [ship(bol, connector) for _ in range(5)]
    outcomes = list(connector.follow_up(tickets))
    assert [one.ticket for one in outcomes] == tickets
    assert {one.state for one in outcomes} == {OutcomeState.DONE}
    assert bol.requests.count(BULK) == 1


def test_more_than_bol_takes_at_once_are_asked_for_in_several(bol: BolSimulator, connector: BolConnector) -> None:
    tickets = [f"{number}" for number in range(1001)]
    assert {one.state for one in connector.follow_up(tickets)} == {OutcomeState.GONE}
    assert bol.requests.count(BULK) == 2


def test_nobody_is_asked_for_nothing(bol: BolSimulator, connector: BolConnector) -> None:
    assert list(connector.follow_up([])) == []
    assert bol.requests == []


def test_each_answer_is_told_as_it_is(bol: BolSimulator, connector: BolConnector) -> None:
    bol.polls = 0
    done = ship(bol, connector)
    bol.fail_next_process("Order item is blocked")
    refused = ship(bol, connector)
    bol.time_out_next_process()
    timed_out = ship(bol, connector)
    bol.polls = 5
    pending = ship(bol, connector)
    states = {one.ticket: (one.state, one.detail) for one in connector.follow_up([done, refused, timed_out, pending])}
    assert states == {
        done: (OutcomeState.DONE, ""),
        refused: (OutcomeState.REFUSED, "Order item is blocked"),
        timed_out: (OutcomeState.GONE, ""),
        pending: (OutcomeState.PENDING, ""),
    }


def test_a_status_that_nobody_knows_is_reported_once_the_others_are_told(answering: Callable[..., Any]) -> None:
    statuses = [{"processStatusId": "1", "status": "PARKED"}, {"processStatusId": "2", "status": "SUCCESS"}]
    strange = [{"processStatusId": "3", "status": ["SUCCESS"]}, {"processStatusId": "4"}]
    connector, _server = answering({BULK: [(200, {"processStatuses": [*statuses, *strange]})]})
    told: list[str] = []
    with pytest.raises(ContractError, match="1, 3, 4"):
        told.extend(one.ticket for one in connector.follow_up(["1", "2", "3", "4"]))
    assert told == ["2"]


@pytest.mark.parametrize("body", [None, [], "x", {"processStatuses": {}}, {"processStatuses": 7}])
def test_an_answer_that_is_none_settles_nothing(body: object, answering: Callable[..., Any]) -> None:
    connector, _server = answering({BULK: [(200, body)]})
    with pytest.raises(ContractError):
        list(connector.follow_up(["1"]))


def test_the_documented_example_is_read(answering: Callable[..., Any]) -> None:
    connector, _server = answering({BULK: [(200, json.loads((PAYLOADS / "process-statuses.json").read_text()))]})
    pending, failed, forgotten = connector.follow_up(["1", "2", "3"])
    assert (pending.state, forgotten.state) == (OutcomeState.PENDING, OutcomeState.GONE)
    assert (failed.state, failed.detail) == (OutcomeState.REFUSED, "Order item is not open.")


@pytest.mark.parametrize(
    ("states", "whole"),
    [
        (["SUCCESS", "SUCCESS"], OutcomeState.DONE),
        (["SUCCESS", "PENDING"], OutcomeState.PENDING),
        (["FAILURE", "PENDING"], OutcomeState.PENDING),  # settled when nothing of it is on its way
        (["SUCCESS", "FAILURE"], OutcomeState.REFUSED),
        (["TIMEOUT", "SUCCESS"], OutcomeState.GONE),
        (["SUCCESS", None], OutcomeState.GONE),
        (["FAILURE", "TIMEOUT"], OutcomeState.REFUSED),
    ],
)
def test_several_answers_of_one_ticket_are_one(states: list[str | None], whole: OutcomeState) -> None:
    statuses = [{"status": state} if state else None for state in states]
    assert processes.outcome_of("1,2", statuses).state is whole
