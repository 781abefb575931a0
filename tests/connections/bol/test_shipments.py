"""Shipments: accepted now, answered later, found again when the answer was cut."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connections.connectors.bol.connector import BolConnector
from connections.connectors.errors import ConnectorError, ContractError, DataError, TransientError
from connections.connectors.types import Done, OutcomeState, Pending, ShipmentData, ShippedItem
from tests.connections.bol.conftest import ask, settle
from tests.simulators.base import Fault
from tests.simulators.bol import BolSimulator

LONG_AGO = datetime.now(UTC) - timedelta(minutes=5)
KEY = "bol-0123456789ab-A1-s1"


def shipment_of(bol: BolSimulator, number: str, **values: str) -> ShipmentData:
    items = [ShippedItem(item.id, item.quantity) for item in bol.orders[number].items]
    given = {"tracking_code": "3SABCD12345678", "transporter": "POSTNL", **values}
    return ShipmentData(items, datetime.now(UTC), **given)  # type: ignore[arg-type]


def test_a_shipment_is_accepted_then_done(bol: BolSimulator, connector: BolConnector) -> None:
    number = bol.add_order(quantity=2)
    receipt = connector.confirm_shipment(number, shipment_of(bol, number), key=KEY)
    assert isinstance(receipt, Pending)
    assert ask(connector, receipt.ticket).state == OutcomeState.PENDING
    assert settle(connector, receipt.ticket).state == OutcomeState.DONE
    (effect,) = bol.effects("ship")
    assert (effect.subject, effect.reference) == (number, KEY)
    assert effect.data["transport"] == {"transporterCode": "TNT", "trackAndTrace": "3SABCD12345678"}


def test_without_a_code_no_transport_is_made_up(bol: BolSimulator, connector: BolConnector) -> None:
    number = bol.add_order()
    receipt = connector.confirm_shipment(number, shipment_of(bol, number, tracking_code="", transporter=""), key=KEY)
    assert settle(connector, receipt.ticket).state == OutcomeState.DONE  # type: ignore[union-attr]
    assert "transport" not in bol.effects("ship")[0].data


@pytest.mark.parametrize(
    ("transporter", "country", "code"),
    [("DPD", "NL", "DPD-NL"), ("DPD", "BE", "DPD-BE"), ("DHL", "DE", "DHL_DE"), ("YODEL", "NL", "OTHER")],
)
def test_transporters_are_told_in_bols_codes(
    bol: BolSimulator, connector: BolConnector, transporter: str, country: str, code: str
) -> None:
    number = bol.add_order()
    data = shipment_of(bol, number, transporter=transporter, country_code=country)
    receipt = connector.confirm_shipment(number, data, key=KEY)
    settle(connector, receipt.ticket)  # type: ignore[union-attr]
    assert bol.effects("ship")[0].data["transport"]["transporterCode"] == code


def test_a_failure_is_told_in_bols_words(bol: BolSimulator, connector: BolConnector) -> None:
    number = bol.add_order()
    bol.fail_next_process("Order item is not open")
    receipt = connector.confirm_shipment(number, shipment_of(bol, number), key=KEY)
    outcome = settle(connector, receipt.ticket)  # type: ignore[union-attr]
    assert (outcome.state, outcome.detail) == (OutcomeState.REFUSED, "Order item is not open")


def test_a_refused_body_is_a_data_error(bol: BolSimulator, connector: BolConnector) -> None:
    number = bol.add_order()
    with pytest.raises(DataError, match="1 to 100 items"):
        connector.confirm_shipment(number, ShipmentData([], datetime.now(UTC)), key=KEY)
    assert bol.effects("ship") == []
    if bol.validator is not None:
        bol.validator.found.clear()  # type: ignore[attr-defined]


@pytest.mark.parametrize("fault", [Fault.RESET_AFTER, Fault.BAD_GATEWAY_AFTER, Fault.HTML_200, Fault.TRUNCATED])
def test_a_shipment_whose_answer_was_cut_is_found(fault: Fault, bol: BolSimulator, connector: BolConnector) -> None:
    number = bol.add_order()
    data = shipment_of(bol, number)
    connector.check()
    bol.fail("POST /retailer/shipments", fault)
    with pytest.raises(ConnectorError):
        connector.confirm_shipment(number, data, key=KEY)
    found = connector.find_shipment(number, data, key=KEY, since=LONG_AGO)
    assert isinstance(found, Pending)
    assert settle(connector, found.ticket).state == OutcomeState.DONE
    assert isinstance(connector.find_shipment(number, data, key=KEY, since=LONG_AGO), Done)
    assert len(bol.effects("ship")) == 1


def test_a_shipment_that_was_never_made_is_absent(bol: BolSimulator, connector: BolConnector) -> None:
    number = bol.add_order()
    assert connector.find_shipment(number, shipment_of(bol, number), key=KEY, since=LONG_AGO) is None
    bol.ship_by_hand(number)
    assert connector.find_shipment(number, shipment_of(bol, number), key=KEY, since=LONG_AGO) is None


def test_a_forgotten_status_is_gone_and_the_truth_is_in_the_shipments(
    bol: BolSimulator, connector: BolConnector
) -> None:
    number = bol.add_order()
    data = shipment_of(bol, number)
    receipt = connector.confirm_shipment(number, data, key=KEY)
    bol.forget_processes()
    assert ask(connector, receipt.ticket).state == OutcomeState.GONE  # type: ignore[union-attr]
    assert isinstance(connector.find_shipment(number, data, key=KEY, since=LONG_AGO), Done)


def test_a_time_out_there_is_no_failure(bol: BolSimulator, connector: BolConnector) -> None:
    number = bol.add_order()
    bol.time_out_next_process()
    receipt = connector.confirm_shipment(number, shipment_of(bol, number), key=KEY)
    assert settle(connector, receipt.ticket).state == OutcomeState.GONE  # type: ignore[union-attr]


def test_writes_are_never_repeated_by_the_connector(bol: BolSimulator, connector: BolConnector) -> None:
    number = bol.add_order()
    connector.check()
    bol.fail("POST /retailer/shipments", Fault.ERROR_500_BEFORE, times=5)
    before = bol.requests.count("POST /retailer/shipments")
    with pytest.raises(TransientError):
        connector.confirm_shipment(number, shipment_of(bol, number), key=KEY)
    bol.heal()
    assert bol.requests.count("POST /retailer/shipments") == before


def test_a_time_out_that_was_never_executed_is_surely_absent(bol: BolSimulator, connector: BolConnector) -> None:
    number = bol.add_order()
    data = shipment_of(bol, number)
    bol.time_out_next_process(executes=False)
    receipt = connector.confirm_shipment(number, data, key=KEY)
    assert settle(connector, receipt.ticket).state == OutcomeState.GONE  # type: ignore[union-attr]
    assert connector.find_shipment(number, data, key=KEY, since=LONG_AGO) is None
    assert bol.effects("ship") == []


def test_what_bol_ships_itself_cannot_be_shipped(bol: BolSimulator, connector: BolConnector) -> None:
    number = bol.add_order(fulfilment="FBB")
    receipt = connector.confirm_shipment(number, shipment_of(bol, number), key=KEY)
    assert settle(connector, receipt.ticket).state == OutcomeState.REFUSED  # type: ignore[union-attr]


def test_a_transporter_without_a_code_is_told_alone(bol: BolSimulator, connector: BolConnector) -> None:
    number = bol.add_order()
    receipt = connector.confirm_shipment(number, shipment_of(bol, number, tracking_code=""), key=KEY)
    settle(connector, receipt.ticket)  # type: ignore[union-attr]
    assert bol.effects("ship")[0].data["transport"] == {"transporterCode": "TNT"}


def test_a_code_of_an_unnamed_transporter_travels_as_other(bol: BolSimulator, connector: BolConnector) -> None:
    number = bol.add_order()
    receipt = connector.confirm_shipment(number, shipment_of(bol, number, transporter=""), key=KEY)
    settle(connector, receipt.ticket)  # type: ignore[union-attr]
    transport = bol.effects("ship")[0].data["transport"]
    assert transport == {"transporterCode": "OTHER", "trackAndTrace": "3SABCD12345678"}


SHIPMENTS, STATUSES = "GET /retailer/shipments", "GET /shared/process-status"
STRANGE = {
    "no list": {SHIPMENTS: {"shipments": "none"}},
    "no objects": {SHIPMENTS: {"shipments": [7]}},
    "no moment": {SHIPMENTS: {"shipments": [{"shipmentItems": [{"orderItemId": "1"}], "shipmentDateTime": "soon"}]}},
    "no statuses": {STATUSES: {"processStatuses": {}}},
    "a status of no moment": {STATUSES: {"processStatuses": [{"processStatusId": "1", "createTimestamp": "soon"}]}},
}


@pytest.mark.parametrize("said", STRANGE.values(), ids=STRANGE.keys())
def test_a_look_up_that_cannot_be_read_is_neither_absence_nor_refusal(
    said: dict[str, object], answering: Callable[..., Any]
) -> None:
    bodies = {SHIPMENTS: {"shipments": []}, STATUSES: {"processStatuses": []}, **said}
    connector, _server = answering({line: [(200, body)] for line, body in bodies.items()})
    with pytest.raises(ContractError):
        connector.find_shipment("A1", ShipmentData([ShippedItem("1", 1)], LONG_AGO), key=KEY, since=LONG_AGO)


@pytest.mark.parametrize("said", [None, [], {}, {"processStatusId": ""}, {"processStatusId": None}])
def test_an_acceptance_without_a_ticket_may_have_been_executed(said: object, answering: Callable[..., Any]) -> None:
    connector, _server = answering({"POST /retailer/shipments": [(202, said)]})
    with pytest.raises(ContractError):
        connector.confirm_shipment("A1", ShipmentData([ShippedItem("1", 1)], LONG_AGO), key=KEY)


def test_a_refusal_is_told_in_the_words_of_its_problem(answering: Callable[..., Any]) -> None:
    problem = {"title": "Bad Request", "status": 400, "detail": "Not valid.", "violations": [
        {"name": "transport.trackAndTrace", "reason": "is too long"}, "strange", {"name": "x"}]}  # fmt: skip
    connector, server = answering({"POST /retailer/shipments": [(400, problem)]})
    with pytest.raises(DataError, match=r"Not valid\.; transport.trackAndTrace: is too long") as caught:
        connector.confirm_shipment("A1", ShipmentData([ShippedItem("1", 1)], LONG_AGO), key=KEY)
    assert caught.value.status == 400
    assert sum(one.method == "POST" and "shipments" in one.target for one in server.requests) == 1
