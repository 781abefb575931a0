"""Decisions about returns: accepted now, answered later, never made twice, found again after every cut."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connections.connectors.bol import decisions
from connections.connectors.bol.connector import BolConnector
from connections.connectors.errors import ConnectorError, ContractError, DataError, RateLimited, TransientError
from connections.connectors.types import (
    Done,
    OutcomeState,
    Pending,
    Receipt,
    ReturnDecisionData,
    ReturnVerdict,
    ShipmentData,
    ShippedItem,
)
from tests.connections.bol.conftest import ask, settle
from tests.simulators.base import Fault
from tests.simulators.bol import BolSimulator

V = ReturnVerdict
LONG_AGO = datetime.now(UTC) - timedelta(minutes=5)
KEY = "bol-0123456789ab-A1-r1"
HANDLE = "PUT /retailer/returns/"
RESULTS = {
    V.ACCEPTED: "RETURN_RECEIVED",
    V.REJECTED: "RETURN_DOES_NOT_MEET_CONDITIONS",
    V.REPAIRED: "REPAIR_PRODUCT",
    V.EXCHANGED: "EXCHANGE_PRODUCT",
    V.KEEPS: "CUSTOMER_KEEPS_PRODUCT_PAID",
}


def coming_back(bol: BolSimulator, quantity: int = 3) -> ReturnDecisionData:
    """A return of one line, and the decision to accept all of it."""
    return_id = bol.add_return(bol.add_order(quantity=quantity))
    return ReturnDecisionData(bol.rma(return_id), return_id, V.ACCEPTED, quantity)


def decide(connector: BolConnector, decision: ReturnDecisionData) -> str:
    receipt = connector.decide_return("", decision, key=KEY)
    assert isinstance(receipt, Pending)
    return receipt.ticket


def find(connector: BolConnector, decision: ReturnDecisionData, *, since: datetime = LONG_AGO) -> Receipt | None:
    return connector.find_return_decision("", decision, key=KEY, since=since)


def verdicts(connector: BolConnector, return_id: str) -> dict[ReturnVerdict, int]:
    (line,) = connector.parse_returns(connector.fetch_one("returns:FBR", return_id))
    return {one.verdict: one.quantity for one in line.verdicts}


def puts(bol: BolSimulator) -> int:
    return sum(line.startswith(HANDLE) for line in bol.arrivals)


# -- deciding -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("verdict", "result"), RESULTS.items())
def test_a_decision_is_accepted_then_done_and_reads_back_as_it_was_made(
    bol: BolSimulator, connector: BolConnector, verdict: ReturnVerdict, result: str
) -> None:
    decision = replace(coming_back(bol), verdict=verdict)
    ticket = decide(connector, decision)
    assert ask(connector, ticket).state == OutcomeState.PENDING
    assert settle(connector, ticket).state == OutcomeState.DONE
    (effect,) = bol.effects("handle_return")
    assert (effect.reference, effect.data["rma"], effect.data["quantity"]) == (result, decision.external_id, 3)
    assert verdicts(connector, decision.return_id) == {verdict: 3}
    assert find(connector, decision) == Done(decision.external_id)


def test_what_may_be_decided_is_declared(connector: BolConnector) -> None:
    assert connector.capabilities.return_verdicts == frozenset(RESULTS)
    assert connector.capabilities.decides_partial_returns


def test_bol_has_no_word_for_a_cancelled_return(bol: BolSimulator, connector: BolConnector) -> None:
    decision = replace(coming_back(bol), verdict=V.CANCELLED)
    with pytest.raises(DataError, match="knows no cancelled"):
        connector.decide_return("", decision, key=KEY)
    assert puts(bol) == 0


def test_parts_are_decided_one_by_one(bol: BolSimulator, connector: BolConnector) -> None:
    decision = coming_back(bol)
    part = replace(decision, quantity=1)
    settle(connector, decide(connector, part))
    assert verdicts(connector, decision.return_id) == {V.ACCEPTED: 1}
    rest = replace(decision, verdict=V.REJECTED, quantity=2, decided_before=1)
    assert isinstance(find(connector, part), Done)
    for process in bol.processes.values():
        process.made_at -= timedelta(minutes=2)  # brand new, it might be ours, not shown yet
    assert find(connector, rest) is None
    settle(connector, decide(connector, rest))
    assert verdicts(connector, decision.return_id) == {V.ACCEPTED: 1, V.REJECTED: 2}
    assert isinstance(find(connector, rest), Done)


def test_each_item_of_a_return_is_decided_for_itself(bol: BolSimulator, connector: BolConnector) -> None:
    return_id = bol.add_return(bol.add_order(lines=[("MUG", 1, "10.00"), ("TEA", 2, "5.00")]))
    mug = ReturnDecisionData(bol.rma(return_id, 0), return_id, V.REJECTED, 1)
    tea = ReturnDecisionData(bol.rma(return_id, 1), return_id, V.ACCEPTED, 2)
    settle(connector, decide(connector, mug))
    assert find(connector, tea) is None
    settle(connector, decide(connector, tea))
    lines = connector.parse_returns(connector.fetch_one("returns:FBR", return_id))
    assert [(one.verdicts[0].verdict, one.verdicts[0].quantity) for one in lines] == [(V.REJECTED, 1), (V.ACCEPTED, 2)]


@pytest.mark.parametrize("quantity", [0, -1, 10_000])
def test_a_number_of_pieces_that_bol_does_not_take_is_not_sent(
    bol: BolSimulator, connector: BolConnector, quantity: int
) -> None:
    with pytest.raises(DataError, match="1 to 9999"):
        connector.decide_return("", replace(coming_back(bol), quantity=quantity), key=KEY)
    assert bol.requests == []


def test_nothing_is_sent_for_what_the_seller_handled_by_hand(bol: BolSimulator, connector: BolConnector) -> None:
    """bol would take it for a change of the seller's mind, and pay the buyer."""
    decision = coming_back(bol)
    bol.handle_return_by_hand(decision.return_id, "RETURN_DOES_NOT_MEET_CONDITIONS")
    with pytest.raises(DataError, match="3 of 3 pieces are handled") as caught:
        connector.decide_return("", decision, key=KEY)
    assert caught.value.code == "connector.refused"
    assert puts(bol) == 0
    assert verdicts(connector, decision.return_id) == {V.REJECTED: 3}


def test_nothing_is_sent_for_what_bol_is_still_at(bol: BolSimulator, connector: BolConnector) -> None:
    decision = coming_back(bol)
    bol.keep_pending = True
    bol.handle_return_by_hand(decision.return_id)
    assert verdicts(connector, decision.return_id) == {}
    with pytest.raises(DataError):
        connector.decide_return("", decision, key=KEY)
    bol.process_returns()
    assert verdicts(connector, decision.return_id) == {V.ACCEPTED: 3}


def test_what_is_left_can_be_decided_after_a_part_was_handled_by_hand(
    bol: BolSimulator, connector: BolConnector
) -> None:
    decision = coming_back(bol)
    bol.handle_return_by_hand(decision.return_id, quantity=1)
    with pytest.raises(DataError, match="1 of 3"):
        connector.decide_return("", decision, key=KEY)
    settle(connector, decide(connector, replace(decision, quantity=2)))
    assert verdicts(connector, decision.return_id) == {V.ACCEPTED: 3}


def test_a_return_that_is_gone_or_of_another_number_is_refused(bol: BolSimulator, connector: BolConnector) -> None:
    decision, other = coming_back(bol), coming_back(bol)
    for wrong in (replace(decision, return_id="404404"), replace(decision, return_id=other.return_id)):
        with pytest.raises(DataError):
            connector.decide_return("", wrong, key=KEY)
    assert puts(bol) == 0


def test_a_return_that_cannot_be_read_is_not_decided_blindly(bol: BolSimulator, connector: BolConnector) -> None:
    decision = coming_back(bol)
    bol.poison(decision.return_id, lambda raw: raw["returnItems"][0].update(processingResults=[{"quantity": 1}]))
    with pytest.raises(DataError, match="processingResult: missing"):
        connector.decide_return("", decision, key=KEY)
    assert puts(bol) == 0


def test_what_bol_handles_itself_is_refused(bol: BolSimulator, connector: BolConnector) -> None:
    return_id = bol.add_return(bol.add_order(fulfilment="FBB"))
    ticket = decide(connector, ReturnDecisionData(bol.rma(return_id), return_id, V.ACCEPTED, 1))
    outcome = settle(connector, ticket)
    assert (outcome.state, outcome.detail) == (OutcomeState.REFUSED, "Return item is handled by bol")
    assert bol.effects("handle_return") == []


def test_a_refusal_is_told_in_bols_words(bol: BolSimulator, connector: BolConnector) -> None:
    decision = coming_back(bol)
    bol.fail_next_process("RMA is closed")
    outcome = settle(connector, decide(connector, decision))
    assert (outcome.state, outcome.detail) == (OutcomeState.REFUSED, "RMA is closed")
    assert find(connector, decision) is None


def test_a_refused_body_is_a_data_error(answering: Callable[..., Any]) -> None:
    problem = {"title": "Bad Request", "status": 400, "detail": "Not valid.",
               "violations": [{"name": "quantityReturned", "reason": "is too much"}]}  # fmt: skip
    connector, _server = answering({
        "GET /retailer/returns/1": [(200, _raw())],
        "PUT /retailer/returns/31": [(400, problem)],
    })  # fmt: skip
    with pytest.raises(DataError, match="quantityReturned: is too much"):
        connector.decide_return("", OURS, key=KEY)


def test_the_allowance_is_shared_by_reading_one_and_not_run_against(bol: BolSimulator, connector: BolConnector) -> None:
    bol.limits["GET /retailer/returns/*"] = (1, 60.0)
    first, second = coming_back(bol), coming_back(bol)
    decide(connector, first)
    before = len(bol.requests)
    with pytest.raises(RateLimited):
        connector.decide_return("", second, key=KEY)
    assert len(bol.requests) == before


# -- cut half-way ---------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [Fault.RESET_AFTER, Fault.BAD_GATEWAY_AFTER, Fault.TRUNCATED, Fault.HTML_200])
@pytest.mark.parametrize("polls", [0, 1])
def test_a_decision_whose_answer_was_cut_is_found_and_not_made_again(
    bol: BolSimulator, connector: BolConnector, fault: Fault, polls: int
) -> None:
    bol.polls = polls
    decision = coming_back(bol)
    bol.fail(HANDLE, fault)
    with pytest.raises(ConnectorError):
        connector.decide_return("", decision, key=KEY)
    found = find(connector, decision)
    if isinstance(found, Pending):
        outcome = settle(connector, found.ticket)
        assert (outcome.state, outcome.remote_id) == (OutcomeState.DONE, decision.external_id)
    assert found
    assert isinstance(find(connector, decision), Done)
    assert len(bol.effects("handle_return")) == 1


def test_what_never_arrived_is_surely_absent(bol: BolSimulator, connector: BolConnector) -> None:
    decision = coming_back(bol)
    bol.fail(HANDLE, Fault.ERROR_503_BEFORE)
    with pytest.raises(TransientError):
        connector.decide_return("", decision, key=KEY)
    assert find(connector, decision) is None
    assert puts(bol) == 1


@pytest.mark.parametrize("executes", [True, False])
def test_a_time_out_there_is_no_failure_the_return_tells(
    bol: BolSimulator, connector: BolConnector, executes: bool
) -> None:
    decision = coming_back(bol)
    bol.time_out_next_process(executes=executes)
    assert settle(connector, decide(connector, decision)).state == OutcomeState.GONE
    assert find(connector, decision) == (Done(decision.external_id) if executes else None)


def test_a_forgotten_status_is_gone_and_the_truth_is_in_the_return(bol: BolSimulator, connector: BolConnector) -> None:
    decision = coming_back(bol)
    ticket = decide(connector, decision)
    bol.forget_processes()
    assert ask(connector, ticket).state == OutcomeState.GONE
    assert isinstance(find(connector, decision), Done)


def test_a_decision_that_bol_is_at_has_arrived(bol: BolSimulator, connector: BolConnector) -> None:
    """bol has the result and no word on it yet; the buyer is not paid back by that."""
    decision = coming_back(bol)
    bol.keep_pending, bol.polls = True, 0
    decide(connector, decision)
    assert verdicts(connector, decision.return_id) == {}
    assert isinstance(find(connector, decision), Done)


def test_another_decision_on_its_way_is_not_taken_for_ours(bol: BolSimulator, connector: BolConnector) -> None:
    """An earlier part's; once the return shows it and no more, ours is clearly absent."""
    decision = coming_back(bol)
    bol.advance(minutes=-2)
    decide(connector, replace(decision, quantity=1))
    ours = replace(decision, verdict=V.REJECTED, quantity=2, decided_before=1)
    found = find(connector, ours)
    assert isinstance(found, Pending)
    assert settle(connector, found.ticket).state == OutcomeState.GONE
    assert find(connector, ours) is None


def test_one_that_failed_meanwhile_is_looked_for_again(bol: BolSimulator, connector: BolConnector) -> None:
    decision = coming_back(bol)
    decide(connector, decision)
    found = find(connector, decision)
    bol.fail_next_process("RMA is closed")
    assert isinstance(found, Pending)
    assert settle(connector, found.ticket).state == OutcomeState.GONE
    assert find(connector, decision) is None  # sent again, it is refused in bol's words


def test_one_of_long_before_is_not_ours(bol: BolSimulator, connector: BolConnector) -> None:
    decision = coming_back(bol)
    bol.advance(hours=-1)
    decide(connector, replace(decision, quantity=1))
    bol.advance(hours=1)
    assert find(connector, replace(decision, quantity=2), since=datetime.now(UTC)) is None


def test_a_return_that_shows_it_late_is_waited_for(answering: Callable[..., Any]) -> None:
    done = _status("SUCCESS", datetime.now(UTC))
    connector, _server = answering({
        "GET /retailer/returns/1": [(200, _raw()), (200, _raw()), (200, _raw(1))],
        "GET /shared/process-status": [(200, {"processStatuses": [done]})],
        "POST /shared/process-status": [(200, {"processStatuses": [done]})],
    })  # fmt: skip
    found = find(connector, OURS)
    assert isinstance(found, Pending)
    assert [ask(connector, found.ticket).state for _ in range(2)] == [OutcomeState.PENDING, OutcomeState.DONE]


def test_one_that_shows_nothing_for_a_minute_has_done_nothing(answering: Callable[..., Any]) -> None:
    done = _status("SUCCESS", datetime.now(UTC) - timedelta(seconds=90))
    connector, _server = answering({
        "GET /retailer/returns/1": [(200, _raw())],
        "GET /shared/process-status": [(200, {"processStatuses": [done]})],
        "POST /shared/process-status": [(200, {"processStatuses": [done]})],
    })  # fmt: skip
    assert find(connector, OURS) is None
    assert ask(connector, "77|1|31|0").state == OutcomeState.GONE


def test_tickets_of_shipments_and_returns_are_told_apart(bol: BolSimulator, connector: BolConnector) -> None:
    number, decision = bol.add_order(), coming_back(bol)
    shipment = ShipmentData([ShippedItem(bol.orders[number].items[0].id, 1)], datetime.now(UTC))
    connector.confirm_shipment(number, shipment, key="parcel")
    decide(connector, decision)
    found = [connector.find_shipment(number, shipment, key="parcel", since=LONG_AGO), find(connector, decision)]
    tickets = [one.ticket for one in found if isinstance(one, Pending)]
    assert [decisions.is_ticket(ticket) for ticket in tickets] == [False, True]
    list(connector.follow_up(tickets))
    assert [one.state for one in connector.follow_up(tickets)] == [OutcomeState.DONE, OutcomeState.DONE]


# -- what bol should not say ----------------------------------------------------------------------

OURS = ReturnDecisionData("31", "1", V.ACCEPTED, 1)


def _raw(accepted: int = 0) -> dict[str, Any]:
    results = [
        {"quantity": accepted, "processingResult": "ACCEPTED", "handlingResult": "RETURN_RECEIVED",
         "processingDateTime": "2026-03-09T10:55:37+01:00"}
    ]  # fmt: skip
    item = {"rmaId": "31", "orderId": "40", "expectedQuantity": 1, "handled": bool(accepted),
            "processingResults": results if accepted else []}  # fmt: skip
    return {"returnId": "1", "registrationDateTime": "2026-03-02T11:06:48+01:00", "returnItems": [item]}


def _status(status: str, at: datetime) -> dict[str, Any]:
    return {"processStatusId": "77", "entityId": "31", "eventType": "HANDLE_RETURN_ITEM", "status": status,
            "createTimestamp": at.isoformat()}  # fmt: skip


@pytest.mark.parametrize(
    "said",
    [None, [], {}, {**_raw(), "returnItems": "none"}, {**_raw(), "returnItems": []}, {**_raw(), "returnId": None}],
)
def test_a_look_up_that_cannot_be_read_is_neither_absence_nor_refusal(
    said: object, answering: Callable[..., Any]
) -> None:
    connector, _server = answering({"GET /retailer/returns/1": [(200, said)]})
    with pytest.raises(ContractError):
        find(connector, OURS)


@pytest.mark.parametrize("said", [{}, [{"processStatusId": "77", "status": "PENDING", "createTimestamp": "soon"}]])
def test_statuses_that_cannot_be_read_are_neither_absence_nor_refusal(
    said: object, answering: Callable[..., Any]
) -> None:
    connector, _server = answering(
        {"GET /retailer/returns/1": [(200, _raw())], "GET /shared/process-status": [(200, {"processStatuses": said})]}
    )
    with pytest.raises(ContractError):
        find(connector, OURS)


@pytest.mark.parametrize("said", [None, [], {}, {"processStatusId": ""}, {"processStatusId": None}])
def test_an_acceptance_without_a_ticket_may_have_been_executed(said: object, answering: Callable[..., Any]) -> None:
    connector, _server = answering({
        "GET /retailer/returns/1": [(200, _raw())],
        "PUT /retailer/returns/31": [(202, said)],
    })  # fmt: skip
    with pytest.raises(ContractError):
        connector.decide_return("", OURS, key=KEY)


def test_a_return_that_is_gone_shows_no_decision(answering: Callable[..., Any]) -> None:
    problem = {"title": "Not Found", "status": 404, "detail": "The return is not found."}
    connector, _server = answering({
        "GET /retailer/returns/1": [(404, problem)],
        "GET /shared/process-status": [(200, {})],
    })  # fmt: skip
    assert find(connector, OURS) is None
