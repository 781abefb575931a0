"""Shipments and cancellations: accepted now, answered later, found again when the answer was cut."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connections.connectors.bol.connector import BolConnector
from connections.connectors.errors import ConnectorError, DataError, TransientError
from connections.connectors.types import (
    CancellationData,
    Done,
    Outcome,
    OutcomeState,
    Pending,
    ShipmentData,
    ShippedItem,
)
from tests.simulators.base import Fault
from tests.simulators.bol import BolSimulator

LONG_AGO = datetime.now(UTC) - timedelta(minutes=5)
KEY = "bol-0123456789ab-A1-s1"


def shipment_of(bol: BolSimulator, number: str, **values: str) -> ShipmentData:
    items = [ShippedItem(item.id, item.quantity) for item in bol.orders[number].items]
    given = {"tracking_code": "3SABCD12345678", "transporter": "POSTNL", **values}
    return ShipmentData(items, datetime.now(UTC), **given)  # type: ignore[arg-type]


def ask(connector: BolConnector, ticket: str) -> Outcome:
    (outcome,) = connector.follow_up([ticket])
    return outcome


def settle(connector: BolConnector, ticket: str) -> Outcome:
    for _ in range(5):
        outcome = ask(connector, ticket)
        if outcome.state != OutcomeState.PENDING:
            return outcome
    raise AssertionError("still pending")


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


# -- cancellations --------------------------------------------------------------------------------


def cancellation_of(bol: BolSimulator, number: str) -> CancellationData:
    return CancellationData([ShippedItem(item.id, item.quantity) for item in bol.orders[number].items], "out_of_stock")


def test_each_item_is_cancelled_by_a_call_of_its_own(bol: BolSimulator, connector: BolConnector) -> None:
    number = bol.add_order(lines=[("MUG", 1, "10.00"), ("TEA", 2, "5.00")])
    receipt = connector.cancel_order(number, cancellation_of(bol, number), key=KEY)
    assert isinstance(receipt, Pending)
    assert settle(connector, receipt.ticket).state == OutcomeState.DONE
    assert [effect.reference for effect in bol.effects("cancel")] == ["OUT_OF_STOCK", "OUT_OF_STOCK"]
    found = connector.find_cancellation(number, cancellation_of(bol, number), key=KEY, since=LONG_AGO)
    assert isinstance(found, Done)


def test_a_cancellation_cut_half_way_is_finished_and_not_repeated(bol: BolSimulator, connector: BolConnector) -> None:
    number = bol.add_order(lines=[("MUG", 1, "10.00"), ("TEA", 2, "5.00")])
    data = cancellation_of(bol, number)
    bol.fail("PUT /retailer/orders/cancellation", Fault.RESET_AFTER)
    with pytest.raises(ConnectorError):
        connector.cancel_order(number, data, key=KEY)
    assert connector.find_cancellation(number, data, key=KEY, since=LONG_AGO) is None  # half is none
    receipt = connector.cancel_order(number, data, key=KEY)
    settle(connector, receipt.ticket)  # type: ignore[union-attr]
    assert len(bol.effects("cancel")) == 2


def test_part_of_an_item_cannot_be_cancelled(bol: BolSimulator, connector: BolConnector) -> None:
    number = bol.add_order(quantity=3)
    part = CancellationData([ShippedItem(bol.orders[number].items[0].id, 1)])
    with pytest.raises(DataError) as caught:
        connector.cancel_order(number, part, key=KEY)
    assert caught.value.code == "cancellation.refused"


def test_what_is_cancelled_already_is_done(bol: BolSimulator, connector: BolConnector) -> None:
    number = bol.add_order()
    data = cancellation_of(bol, number)
    bol.cancel_by_hand(number)
    assert isinstance(connector.cancel_order(number, data, key=KEY), Done)
