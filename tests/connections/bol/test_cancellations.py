"""Cancellations: whole items, one call each, finished where they were cut."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connections.connectors.bol.connector import BolConnector
from connections.connectors.errors import ConnectorError, DataError, TransientError
from connections.connectors.types import CancellationData, Done, OutcomeState, Pending, ShippedItem
from tests.connections.bol.conftest import PAYLOADS, ask, settle
from tests.simulators.base import Fault
from tests.simulators.bol import BolSimulator

LONG_AGO = datetime.now(UTC) - timedelta(minutes=5)
KEY = "bol-0123456789ab-A1-c1"
CANCEL = "PUT /retailer/orders/cancellation"


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


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("out_of_stock", "OUT_OF_STOCK"),
        ("customer_request", "REQUESTED_BY_CUSTOMER"),
        ("other", "OTHER"),
        ("", "OTHER"),
    ],
)
def test_reasons_are_told_in_bols_codes(bol: BolSimulator, connector: BolConnector, reason: str, code: str) -> None:
    number = bol.add_order()
    items = cancellation_of(bol, number).items
    receipt = connector.cancel_order(number, CancellationData(items, reason), key=KEY)
    settle(connector, receipt.ticket)  # type: ignore[union-attr]
    assert [effect.reference for effect in bol.effects("cancel")] == [code]


def test_what_is_shipped_cannot_be_cancelled(bol: BolSimulator, connector: BolConnector) -> None:
    number = bol.add_order(quantity=2)
    data = cancellation_of(bol, number)
    bol.orders[number].items[0].shipped = 1
    with pytest.raises(DataError, match="shipped") as caught:
        connector.cancel_order(number, data, key=KEY)
    assert caught.value.code == "cancellation.refused"
    assert CANCEL not in bol.requests


def test_one_item_that_cannot_be_cancelled_keeps_all_from_being_sent(
    bol: BolSimulator, connector: BolConnector
) -> None:
    number = bol.add_order(lines=[("MUG", 1, "10.00"), ("TEA", 1, "5.00")])
    data = cancellation_of(bol, number)
    bol.ship_by_hand(number, line=1)
    with pytest.raises(DataError):
        connector.cancel_order(number, data, key=KEY)
    assert CANCEL not in bol.requests


def test_an_item_of_another_order_is_refused(bol: BolSimulator, connector: BolConnector) -> None:
    mine, other = bol.add_order(), bol.add_order()
    with pytest.raises(DataError, match="has no item"):
        connector.cancel_order(mine, cancellation_of(bol, other), key=KEY)
    assert CANCEL not in bol.requests


def test_what_is_on_its_way_is_not_asked_for_again(bol: BolSimulator, connector: BolConnector) -> None:
    number = bol.add_order()
    data = cancellation_of(bol, number)
    first = connector.cancel_order(number, data, key=KEY)
    assert connector.find_cancellation(number, data, key=KEY, since=LONG_AGO) == first
    assert connector.cancel_order(number, data, key=KEY) == first
    assert bol.requests.count(CANCEL) == 1


def test_an_item_that_bol_refuses_refuses_the_whole_once_all_are_answered(
    bol: BolSimulator, connector: BolConnector
) -> None:
    number = bol.add_order(lines=[("MUG", 1, "10.00"), ("TEA", 1, "5.00")])
    receipt = connector.cancel_order(number, cancellation_of(bol, number), key=KEY)
    assert isinstance(receipt, Pending)
    assert ask(connector, receipt.ticket).state == OutcomeState.PENDING
    bol.fail_next_process("Order item is blocked")
    outcome = settle(connector, receipt.ticket)
    assert (outcome.state, outcome.detail) == (OutcomeState.REFUSED, "Order item is blocked")
    assert len(bol.effects("cancel")) == 1  # the other one's is seen when the order is read


def test_a_failed_cancellation_can_be_asked_for_again(bol: BolSimulator, connector: BolConnector) -> None:
    number = bol.add_order()
    data = cancellation_of(bol, number)
    bol.fail_next_process()
    receipt = connector.cancel_order(number, data, key=KEY)
    assert settle(connector, receipt.ticket).state == OutcomeState.REFUSED  # type: ignore[union-attr]
    assert connector.find_cancellation(number, data, key=KEY, since=LONG_AGO) is None
    again = connector.cancel_order(number, data, key=KEY)
    assert settle(connector, again.ticket).state == OutcomeState.DONE  # type: ignore[union-attr]


def test_an_item_refused_after_another_was_accepted_is_no_refusal_of_the_whole(answering: Callable[..., Any]) -> None:
    """The first is being cancelled: whoever takes the whole for refused would ship it."""
    order = json.loads((PAYLOADS / "order.json").read_text())
    items = [ShippedItem(item["orderItemId"], item["quantity"]) for item in order["orderItems"]]
    refusal = {"title": "Bad Request", "status": 400, "detail": "This item cannot be cancelled."}
    connector, _server = answering({
        f"GET /retailer/orders/{order['orderId']}": [(200, order)],
        "GET /shared/process-status": [(200, {})],
        CANCEL: [(202, {"processStatusId": "1"}), (400, refusal)],
    })  # fmt: skip
    with pytest.raises(TransientError, match="This item cannot be cancelled") as caught:
        connector.cancel_order(order["orderId"], CancellationData(items), key=KEY)
    assert caught.value.was_sent
    with pytest.raises(DataError):  # where nothing was accepted, the same answer is a plain refusal
        connector.cancel_order(order["orderId"], CancellationData(items), key=KEY)
