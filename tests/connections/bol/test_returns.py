"""Returns at bol: listed while they are open, decided once, found again after every cut."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connections.connectors.bol import returns
from connections.connectors.bol.connector import BolConnector
from connections.connectors.errors import ConnectorError, DataError
from connections.connectors.types import (
    Done,
    OutcomeState,
    Pending,
    Record,
    ReturnDecisionData,
    ReturnVerdict,
    VerdictData,
)
from tests.connections.bol.conftest import ask, settle
from tests.simulators.base import Fault
from tests.simulators.bol import BolSimulator

V = ReturnVerdict
OPEN, SETTLED = "returns:FBR", "returns:FBB"
LONG_AGO = datetime.now(UTC) - timedelta(minutes=5)
KEY = "bol-0123456789ab-A1-r1"
HANDLE = "PUT /retailer/returns/"


def listed(connector: BolConnector, stream: str = OPEN, cursor: str = "") -> list[Record]:
    return [record for page in connector.fetch(stream, cursor) for record in page.records]


def coming_back(bol: BolSimulator, quantity: int = 3) -> tuple[str, ReturnDecisionData]:
    """A return of one line, and the decision to accept all of it."""
    return_id = bol.add_return(bol.add_order(quantity=quantity))
    return return_id, ReturnDecisionData(bol.rma(return_id), return_id, V.ACCEPTED, quantity)


def verdicts(connector: BolConnector, return_id: str) -> list[VerdictData]:
    (line,) = connector.parse_returns(connector.fetch_one(OPEN, return_id))
    return list(line.verdicts)


# -- reading --------------------------------------------------------------------------------------


def test_what_is_open_is_read_whole_each_time(bol: BolSimulator, connector: BolConnector) -> None:
    for _ in range(returns.PAGE_SIZE + 3):
        coming_back(bol, 1)
    assert len(listed(connector)) == returns.PAGE_SIZE + 3
    assert [record.version for record in listed(connector)] == [record.version for record in listed(connector)]
    bol.handle_return_by_hand(next(iter(bol.returns)))
    assert len(listed(connector)) == returns.PAGE_SIZE + 2


def test_a_return_has_a_line_for_each_item(bol: BolSimulator, connector: BolConnector) -> None:
    number = bol.add_order(lines=[("MUG", 1, "10.00"), ("TEA", 2, "5.00")])
    return_id = bol.add_return(number)
    (record,) = listed(connector)
    mug, tea = connector.parse_returns(record.raw)
    assert (mug.return_id, mug.external_id, mug.order_ref) == (return_id, bol.rma(return_id), number)
    assert (tea.quantity, tea.ean) == (2, bol.orders[number].items[1].ean)
    assert (tea.reason, tea.comment) == ("Verkeerde maat of afmeting - Te klein", "Past niet")
    assert mug.registered_at.tzinfo is UTC
    whole = connector.parse_returns(connector.fetch_one(OPEN, return_id))[0]
    assert (whole.title, whole.transporter) == ("Product MUG", "PostNL")


def test_what_bols_warehouse_settled_arrives_decided(bol: BolSimulator, connector: BolConnector) -> None:
    bol.add_return(bol.add_order(fulfilment="FBB", quantity=2), settled="RETURN_RECEIVED")
    bol.add_return(bol.add_order())
    (record,) = listed(connector, SETTLED)
    (line,) = connector.parse_returns(record.raw)
    assert line.verdicts == [VerdictData(V.ACCEPTED, 2)]


def test_settled_ones_are_read_until_well_before_the_last_read(bol: BolSimulator, connector: BolConnector) -> None:
    for _ in range(2 * returns.PAGE_SIZE):
        return_id = bol.add_return(bol.add_order(fulfilment="FBB"), settled="RETURN_RECEIVED")
        bol.returns[return_id].registered_at -= timedelta(days=60)
    *_pages, last = connector.fetch(SETTLED, "")
    assert last.cursor
    later = list(connector.fetch(SETTLED, last.cursor))
    assert [len(page.records) for page in later] == [returns.PAGE_SIZE]  # all of it is old: one page tells
    assert later[-1].cursor == last.cursor  # an idle read writes nothing


def test_a_read_of_settled_ones_that_is_cut_keeps_its_cursor(bol: BolSimulator, connector: BolConnector) -> None:
    for _ in range(returns.PAGE_SIZE + 1):
        bol.add_return(bol.add_order(fulfilment="FBB"), settled="RETURN_RECEIVED")
    first, last = connector.fetch(SETTLED, "")
    assert (first.cursor, bool(last.cursor)) == ("", True)


@pytest.mark.parametrize(
    ("result", "verdict"),
    [
        ("RETURN_RECEIVED", V.ACCEPTED),
        ("EXCHANGE_PRODUCT", V.EXCHANGED),
        ("RETURN_DOES_NOT_MEET_CONDITIONS", V.REJECTED),
        ("REPAIR_PRODUCT", V.REPAIRED),
        ("CUSTOMER_KEEPS_PRODUCT_PAID", V.KEEPS),
        ("STILL_APPROVED", V.ACCEPTED),
        ("EXPIRED", V.CANCELLED),
    ],
)
def test_every_result_has_its_meaning(
    bol: BolSimulator, connector: BolConnector, result: str, verdict: ReturnVerdict
) -> None:
    return_id, _decision = coming_back(bol)
    bol.handle_return_by_hand(return_id, result)
    assert verdicts(connector, return_id) == [VerdictData(verdict, 3)]


def test_what_is_handled_with_less_brings_no_more(connector: BolConnector) -> None:
    raw = _raw(handled=True, processingResults=[_result(1)])
    assert connector.parse_returns(raw)[0].verdicts == [VerdictData(V.ACCEPTED, 1), VerdictData(V.CANCELLED, 2)]


def test_what_is_still_processed_is_not_decided(connector: BolConnector) -> None:
    raw = _raw(handled=True, processingResults=[_result(3, processingResult="PENDING")])
    assert connector.parse_returns(raw)[0].verdicts == []


def _result(quantity: int | None, **values: Any) -> dict[str, Any]:
    return {"quantity": quantity, "handlingResult": "RETURN_RECEIVED", "processingResult": "ACCEPTED", **values}


def _raw(**values: Any) -> dict[str, Any]:
    item = {
        "rmaId": "31234567",
        "orderId": "4012345678",
        "ean": "9789076174082",
        "expectedQuantity": 3,
        "returnReason": {"mainReason": "Verkeerd besteld", "customerComments": ""},
        "handled": False,
        "processingResults": [],
        **values,
    }
    return {"returnId": "1", "registrationDateTime": "2026-11-14T11:06:48.423+01:00", "returnItems": [item]}


@pytest.mark.parametrize(
    "raw",
    [
        None,
        [],
        {},
        {**_raw(), "registrationDateTime": None},
        {**_raw(), "registrationDateTime": "yesterday"},
        {**_raw(), "returnItems": "none"},
        {**_raw(), "returnItems": [None]},
        _raw(rmaId=None),
        _raw(orderId=""),
        _raw(expectedQuantity=0),
        _raw(expectedQuantity="3"),
        _raw(expectedQuantity=10**12),
        _raw(processingResults=[_result(1, handlingResult="SOMETHING_NEW")]),
        _raw(processingResults=[_result(None)]),
        _raw(returnReason="because"),
    ],
)
def test_what_cannot_be_read_is_named(connector: BolConnector, raw: Any) -> None:
    with pytest.raises(DataError):
        connector.parse_returns(raw)


def test_a_row_without_a_number_is_a_record_of_its_own(connector: BolConnector) -> None:
    record = returns.record_of({"returnItems": []})
    assert record.external_id.startswith("unreadable-")
    assert returns.record_of({"returnItems": []}).external_id == record.external_id


# -- deciding -------------------------------------------------------------------------------------


@pytest.mark.parametrize("verdict", [*returns.RESULTS])
def test_a_decision_is_accepted_and_then_done(
    bol: BolSimulator, connector: BolConnector, verdict: ReturnVerdict
) -> None:
    return_id, decision = coming_back(bol)
    decision = replace(decision, verdict=verdict)
    receipt = connector.decide_return("", decision, key=KEY)
    assert isinstance(receipt, Pending)
    assert settle(connector, receipt.ticket).state == OutcomeState.DONE
    (effect,) = bol.effects("handle_return")
    assert (effect.reference, effect.data["quantity"]) == (returns.RESULTS[verdict], 3)
    assert verdicts(connector, return_id) == [VerdictData(verdict, 3)]
    assert isinstance(connector.find_return_decision("", decision, key=KEY, since=LONG_AGO), Done)


def test_a_part_leaves_the_rest_open(bol: BolSimulator, connector: BolConnector) -> None:
    _return_id, decision = coming_back(bol)
    settle(connector, connector.decide_return("", replace(decision, quantity=1), key=KEY).ticket)  # type: ignore[union-attr]
    assert len(listed(connector)) == 1
    rest = replace(decision, verdict=V.REJECTED, quantity=2, decided_before=1)
    assert connector.find_return_decision("", rest, key=KEY, since=LONG_AGO) is None
    settle(connector, connector.decide_return("", rest, key=KEY).ticket)  # type: ignore[union-attr]
    assert isinstance(connector.find_return_decision("", rest, key=KEY, since=LONG_AGO), Done)
    assert listed(connector) == []


@pytest.mark.parametrize("fault", [Fault.RESET_AFTER, Fault.BAD_GATEWAY_AFTER, Fault.TRUNCATED, Fault.HTML_200])
def test_after_a_cut_it_is_found_and_not_told_again(bol: BolSimulator, connector: BolConnector, fault: Fault) -> None:
    _return_id, decision = coming_back(bol)
    bol.fail(HANDLE, fault)
    with pytest.raises(ConnectorError):
        connector.decide_return("", decision, key=KEY)
    found = connector.find_return_decision("", decision, key=KEY, since=LONG_AGO)
    assert isinstance(found, Pending)
    assert settle(connector, found.ticket).state == OutcomeState.DONE
    assert len(bol.effects("handle_return")) == 1


def test_what_never_arrived_is_surely_absent(bol: BolSimulator, connector: BolConnector) -> None:
    _return_id, decision = coming_back(bol)
    bol.fail(HANDLE, Fault.ERROR_503_BEFORE)
    with pytest.raises(ConnectorError):
        connector.decide_return("", decision, key=KEY)
    assert connector.find_return_decision("", decision, key=KEY, since=LONG_AGO) is None


def test_a_refusal_has_bols_words(bol: BolSimulator, connector: BolConnector) -> None:
    _return_id, decision = coming_back(bol)
    bol.fail_next_process("RMA is closed")
    receipt = connector.decide_return("", decision, key=KEY)
    outcome = settle(connector, receipt.ticket)  # type: ignore[union-attr]
    assert (outcome.state, outcome.detail) == (OutcomeState.REFUSED, "RMA is closed")


@pytest.mark.parametrize("executes", [True, False])
def test_a_time_out_is_no_failure_the_return_tells(bol: BolSimulator, connector: BolConnector, executes: bool) -> None:
    _return_id, decision = coming_back(bol)
    bol.time_out_next_process(executes=executes)
    receipt = connector.decide_return("", decision, key=KEY)
    assert settle(connector, receipt.ticket).state == OutcomeState.GONE  # type: ignore[union-attr]
    found = connector.find_return_decision("", decision, key=KEY, since=LONG_AGO)
    assert isinstance(found, Done) if executes else found is None


def test_a_ticket_of_another_decision_does_not_stand_for_ours(bol: BolSimulator, connector: BolConnector) -> None:
    """An earlier part is on its way when ours is looked up: its success is not ours."""
    _return_id, decision = coming_back(bol)
    connector.decide_return("", replace(decision, quantity=1), key=KEY)
    ours = replace(decision, verdict=V.REJECTED, quantity=2, decided_before=1)
    for process in bol.processes.values():
        process.made_at -= timedelta(minutes=5)  # not young any more, so what it did would be seen
    found = connector.find_return_decision("", ours, key=KEY, since=LONG_AGO)
    assert isinstance(found, Pending)
    assert settle(connector, found.ticket).state == OutcomeState.GONE


def test_a_return_that_is_gone_is_named(connector: BolConnector) -> None:
    with pytest.raises(DataError) as caught:
        connector.fetch_one(OPEN, "404404")
    assert caught.value.code == "order.gone"


def test_its_answer_comes_later(bol: BolSimulator, connector: BolConnector) -> None:
    _return_id, decision = coming_back(bol)
    receipt = connector.decide_return("", decision, key=KEY)
    assert ask(connector, receipt.ticket).state == OutcomeState.PENDING  # type: ignore[union-attr]
