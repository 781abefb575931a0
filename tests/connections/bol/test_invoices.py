"""Invoices at bol: one upload for each shipment, finished where it was cut, and found without a reference."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connections.connectors.bol.connector import BolConnector
from connections.connectors.errors import AuthError, ContractError, DataError, RateLimited, TransientError
from connections.connectors.types import Done, InvoiceData, OutcomeState, Pending
from tests.connections.bol.conftest import settle
from tests.simulators.base import Fault
from tests.simulators.bol import BolSimulator

PDF = b"%PDF-1.4\n%%EOF\n"
KEY = "bol-0123456789ab-A1-i1"
UPLOAD = "POST /retailer/shipments/invoices/"


def invoice(*items: str, others: tuple[str, ...] = (), content: bytes = PDF) -> InvoiceData:
    return InvoiceData(content, datetime.now(UTC), items, others)


def in_two_parcels(bol: BolSimulator) -> str:
    number = bol.add_order(lines=[("MUG", 1, "10.00"), ("TEA", 2, "5.00")])
    bol.ship_by_hand(number, line=0)
    bol.ship_by_hand(number, line=1)
    return number


def taken(bol: BolSimulator) -> list[tuple[str, str]]:
    """(shipment, reference) of what bol really took."""
    return [(effect.subject, effect.reference) for effect in bol.effects("invoice")]


def uploads(bol: BolSimulator) -> int:
    return sum(line.startswith(UPLOAD) for line in bol.requests)


def sent(connector: BolConnector, number: str, data: InvoiceData) -> str:
    receipt = connector.upload_invoice(number, data, key=KEY)
    assert isinstance(receipt, Pending)
    return receipt.ticket


def test_each_shipment_gets_it_by_a_call_of_its_own(bol: BolSimulator, connector: BolConnector) -> None:
    number = in_two_parcels(bol)
    data = invoice()
    ticket = sent(connector, number, data)
    assert settle(connector, ticket).state is OutcomeState.DONE
    assert taken(bol) == [(shipment["id"], KEY) for shipment in bol.shipments]
    assert [effect.data for effect in bol.effects("invoice")] == [PDF, PDF]
    found = connector.find_invoice(number, data, key=KEY, since=data.made_at)
    assert found == Pending(ticket)


def test_one_for_an_item_goes_to_its_shipment_alone(bol: BolSimulator, connector: BolConnector) -> None:
    number = in_two_parcels(bol)
    settle(connector, sent(connector, number, invoice(bol.orders[number].items[1].id)))
    assert taken(bol) == [(bol.shipments[1]["id"], KEY)]


def test_without_a_shipment_it_is_refused(bol: BolSimulator, connector: BolConnector) -> None:
    number = bol.add_order()
    with pytest.raises(DataError, match="no shipment") as caught:
        connector.upload_invoice(number, invoice(), key=KEY)
    assert caught.value.code == "invoice.refused"
    assert connector.find_invoice(number, invoice(), key=KEY, since=datetime.now(UTC)) is None
    assert uploads(bol) == 0


def test_what_was_cut_half_way_is_finished_and_not_repeated(bol: BolSimulator, connector: BolConnector) -> None:
    number, data = in_two_parcels(bol), invoice()
    second = bol.shipments[1]["id"]
    bol.fail(f"{UPLOAD}{second}", Fault.RESET_BEFORE)
    with pytest.raises(TransientError) as caught:
        connector.upload_invoice(number, data, key=KEY)
    assert caught.value.was_sent
    assert connector.find_invoice(number, data, key=KEY, since=data.made_at) is None  # half is none
    settle(connector, sent(connector, number, data))
    assert sorted(taken(bol)) == sorted((shipment["id"], KEY) for shipment in bol.shipments)


@pytest.mark.parametrize("fault", [Fault.RATE_LIMIT, Fault.RESET_BEFORE])
def test_what_stops_the_second_says_not_that_nothing_was_sent(
    bol: BolSimulator, connector: BolConnector, fault: Fault
) -> None:
    number = in_two_parcels(bol)
    bol.fail(f"{UPLOAD}{bol.shipments[1]['id']}", fault)
    with pytest.raises(TransientError) as caught:
        connector.upload_invoice(number, invoice(), key=KEY)
    assert caught.value.was_sent


def test_before_anything_was_sent_each_failure_is_what_it_is(bol: BolSimulator, connector: BolConnector) -> None:
    number = in_two_parcels(bol)
    bol.fail(UPLOAD, Fault.RATE_LIMIT)
    with pytest.raises(RateLimited):
        connector.upload_invoice(number, invoice(), key=KEY)
    bol.is_active = False
    with pytest.raises(AuthError):
        connector.upload_invoice(number, invoice(), key=KEY)
    assert taken(bol) == []


def test_a_token_that_ran_out_is_renewed_and_the_file_sent_whole(bol: BolSimulator, connector: BolConnector) -> None:
    number = in_two_parcels(bol)
    connector.check()
    bol.revoke_tokens()
    settle(connector, sent(connector, number, invoice()))
    assert [effect.data for effect in bol.effects("invoice")] == [PDF, PDF]


def test_bols_refusal_comes_in_its_own_words(bol: BolSimulator, connector: BolConnector) -> None:
    number = in_two_parcels(bol)
    bol.fail_next_process("The invoice lacks a VAT number")
    outcome = settle(connector, sent(connector, number, invoice()))
    assert (outcome.state, outcome.detail) == (OutcomeState.REFUSED, "The invoice lacks a VAT number")


def test_what_bol_cannot_read_fails_in_its_process(bol: BolSimulator, connector: BolConnector) -> None:
    number = bol.add_order()
    bol.ship_by_hand(number)
    outcome = settle(connector, sent(connector, number, invoice(content=b"MZ")))
    assert outcome.state is OutcomeState.REFUSED


def test_a_failed_upload_is_not_found_and_can_be_sent_again(bol: BolSimulator, connector: BolConnector) -> None:
    number, data = bol.add_order(), invoice()
    bol.ship_by_hand(number)
    bol.fail_next_process("not now")
    settle(connector, sent(connector, number, data))
    assert connector.find_invoice(number, data, key=KEY, since=data.made_at) is None
    settle(connector, sent(connector, number, data))
    assert len(taken(bol)) == 1


def test_another_invoice_of_the_order_is_not_taken_for_it(bol: BolSimulator, connector: BolConnector) -> None:
    number = bol.add_order()
    bol.ship_by_hand(number)
    first = sent(connector, number, invoice())
    settle(connector, first)
    second = invoice(others=(first,))
    assert connector.find_invoice(number, second, key="second", since=second.made_at) is None
    settle(connector, sent(connector, number, second))
    assert len(taken(bol)) == 2


def test_an_older_one_is_not_taken_for_it(bol: BolSimulator, connector: BolConnector) -> None:
    """Uploaded in the seller account before this one was handed in."""
    bol.advance(minutes=-30)
    number = bol.add_order()
    bol.ship_by_hand(number)
    settle(connector, sent(connector, number, InvoiceData(PDF, datetime.now(UTC) - timedelta(hours=1))))
    bol.advance(minutes=30)
    data = invoice()
    assert connector.find_invoice(number, data, key=KEY, since=data.made_at) is None


def test_once_bol_forgot_its_process_the_buyers_request_tells(bol: BolSimulator, connector: BolConnector) -> None:
    number, data = bol.add_order(), invoice()
    bol.ship_by_hand(number)
    shipment_id = bol.shipments[0]["id"]
    bol.request_invoice(shipment_id)
    assert connector.find_invoice(number, data, key=KEY, since=data.made_at) is None
    sent(connector, number, data)
    bol.forget_processes()
    assert connector.find_invoice(number, data, key=KEY, since=data.made_at) == Done(f"requested:{shipment_id}")
    assert connector.upload_invoice(number, data, key=KEY) == Done(f"requested:{shipment_id}")
    assert len(taken(bol)) == 1


def test_a_request_says_nothing_of_a_second_invoice(bol: BolSimulator, connector: BolConnector) -> None:
    number = bol.add_order()
    bol.ship_by_hand(number)
    bol.request_invoice(bol.shipments[0]["id"])
    first = sent(connector, number, invoice())
    bol.forget_processes()
    second = invoice(others=(first,))
    assert connector.find_invoice(number, second, key="second", since=second.made_at) is None


def test_one_that_bol_found_wrong_later_has_not_arrived(bol: BolSimulator, connector: BolConnector) -> None:
    number, data = bol.add_order(), invoice()
    bol.ship_by_hand(number)
    bol.request_invoice(bol.shipments[0]["id"])
    sent(connector, number, data)
    bol.forget_processes()
    bol.invoice_requests[0]["steps"].append(("INVOICE_VIRUS_DETECTED", datetime.now(UTC)))
    assert connector.find_invoice(number, data, key=KEY, since=data.made_at) is None


@pytest.mark.parametrize(
    "answer", [[], {"invoiceRequests": {}}, {"invoiceRequests": [{"shipmentId": "7", "status": "FINISHED"}]}]
)
def test_requests_that_cannot_be_read_say_nothing_of_ours(answering: Callable[..., Any], answer: Any) -> None:
    """A wrong "absent" would send it twice."""
    item = {"orderItemId": "1", "ean": "1"}
    connector, _server = answering({
        "GET /retailer/shipments": [(200, {"shipments": [{"shipmentId": "7", "shipmentItems": [item]}]})],
        "GET /shared/process-status": [(200, {})],
        "GET /retailer/shipments/invoices/requests": [(200, answer)],
    })  # fmt: skip
    with pytest.raises(ContractError):
        connector.find_invoice("1", invoice(), key=KEY, since=datetime.now(UTC))


# -- labels ---------------------------------------------------------------------------------------


def test_the_labels_of_an_order_are_read_one_after_the_other(bol: BolSimulator, connector: BolConnector) -> None:
    number = bol.add_order(lines=[("MUG", 1, "10.00"), ("TEA", 2, "5.00")], party="BOL")
    labels = {bol.ship_with_label(number, line=0), bol.ship_with_label(number, line=1)}
    having: list[str] = []
    while (label := connector.fetch_label(number, having)) is not None:
        assert label.content == bol.labels[label.external_id]
        having.append(label.external_id)
    assert (set(having), len(having)) == (labels, 2)


def test_a_parcel_with_an_own_label_has_none(bol: BolSimulator, connector: BolConnector) -> None:
    number = bol.add_order()
    bol.ship_by_hand(number)
    assert connector.fetch_label(number, []) is None


def test_a_label_that_bol_no_longer_has_is_refused(bol: BolSimulator, connector: BolConnector) -> None:
    number = bol.add_order(party="BOL")
    bol.ship_with_label(number)
    bol.labels.clear()
    with pytest.raises(DataError):
        connector.fetch_label(number, [])
