"""What is declared works; what isn't is refused before anything is sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from connections.connectors.errors import ContractError, DataError, TransientError
from connections.connectors.types import CancellationData, InvoiceData, NoticeData, OutcomeState, Pending
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


@pytest.mark.parametrize("holds", [True, False, None])
def test_a_shop_is_told_once_where_it_takes_notices(platform, holds):
    connector, key, since = platform.connect(), platform.new_key(), datetime.now(UTC)
    order_id, notice = placed(platform, connector, key), NoticeData("The buyer asks to cancel this order.", holds)
    if not can(platform).takes_notices:
        with pytest.raises(NotImplementedError):
            connector.tell(order_id, notice, key=f"{key}-n1")
        with pytest.raises(NotImplementedError):
            connector.find_notice(order_id, notice, key=f"{key}-n1", since=since)
        return
    assert connector.find_notice(order_id, notice, key=f"{key}-n1", since=since) is None
    platform.answered(connector, connector.tell(order_id, notice, key=f"{key}-n1"))
    platform.answered(connector, connector.find_notice(order_id, notice, key=f"{key}-n1", since=since))
    # Another one of the same order, whose reference begins alike, is not taken for it.
    assert connector.find_notice(order_id, notice, key=f"{key}-n", since=since) is None
    assert connector.find_notice(order_id, notice, key=f"{key}-n11", since=since) is None
    # Nor is a notice taken for an order.
    assert connector.find_order(f"{key}-n1", since=since) is None


def test_a_notice_whose_answer_was_cut_is_found(platform):
    connector, key, since = platform.connect(), platform.new_key(), datetime.now(UTC)
    if not can(platform).takes_notices:
        pytest.skip("takes no notices")
    order_id, notice = placed(platform, connector, key), NoticeData("Do not ship this order.", holds=True)
    platform.simulator.fail(platform.tells, Fault.BAD_GATEWAY_AFTER)
    with pytest.raises(TransientError):
        connector.tell(order_id, notice, key=f"{key}-n1")
    platform.answered(connector, connector.find_notice(order_id, notice, key=f"{key}-n1", since=since))


def test_a_notice_of_an_order_that_is_gone_is_refused(platform):
    connector, key, since = platform.connect(), platform.new_key(), datetime.now(UTC)
    if not can(platform).takes_notices:
        pytest.skip("takes no notices")
    with pytest.raises(DataError):
        connector.tell("987654321", NoticeData("Do not ship this order."), key=f"{key}-n1")
    with pytest.raises(DataError):
        connector.find_notice("987654321", NoticeData("x"), key=f"{key}-n1", since=since)


def invoice_of(*, others=()):
    return InvoiceData(b"%PDF-1.4\n%%EOF\n", datetime.now(UTC), others=others)


def shipped_order(marketplace, connector):
    """Its number; the shipment is confirmed and listed."""
    subject = marketplace.new_subject()
    marketplace.answered(connector, marketplace.send(connector, subject, marketplace.new_key()))
    marketplace.settle_down()
    return subject.order_ref


def receipt_text(receipt):
    return receipt.ticket if isinstance(receipt, Pending) else receipt.remote_id


def test_an_invoice_is_handed_in_once_where_it_is_taken(marketplace):
    connector, key, since = marketplace.connect(), marketplace.new_key(), datetime.now(UTC)
    invoice = invoice_of()
    if not can(marketplace).takes_invoices:
        with pytest.raises(NotImplementedError):
            connector.upload_invoice("1", invoice, key=key)
        with pytest.raises(NotImplementedError):
            connector.find_invoice("1", invoice, key=key, since=since)
        return
    order_ref = shipped_order(marketplace, connector)
    assert connector.find_invoice(order_ref, invoice, key=key, since=since) is None
    receipt = connector.upload_invoice(order_ref, invoice, key=key)
    marketplace.answered(connector, receipt)
    found = connector.find_invoice(order_ref, invoice, key=key, since=since)
    marketplace.answered(connector, found)
    assert marketplace.invoiced(key) == 1
    # The next one of the order is not taken for it.
    other = invoice_of(others=[receipt_text(receipt)])
    assert connector.find_invoice(order_ref, other, key=f"{key}0", since=since) is None
    marketplace.answered(connector, connector.upload_invoice(order_ref, other, key=f"{key}0"))
    assert (marketplace.invoiced(key), marketplace.invoiced(f"{key}0")) == (1, 1)


@pytest.mark.parametrize("fault", [Fault.BAD_GATEWAY_AFTER, Fault.RESET_AFTER, Fault.TRUNCATED, Fault.HTML_200])
def test_an_invoice_whose_answer_was_cut_is_found(marketplace, fault):
    if not can(marketplace).takes_invoices:
        pytest.skip("takes no invoices")
    connector, key, since = marketplace.connect(), marketplace.new_key(), datetime.now(UTC)
    order_ref, invoice = shipped_order(marketplace, connector), invoice_of()
    marketplace.simulator.fail(marketplace.invoices, fault)
    with pytest.raises((TransientError, ContractError)):
        connector.upload_invoice(order_ref, invoice, key=key)
    found = connector.find_invoice(order_ref, invoice, key=key, since=since)
    marketplace.answered(connector, found)
    assert marketplace.invoiced(key) == 1


def test_what_stands_in_an_invoice_is_not_kept_of_the_exchange(marketplace):
    if not can(marketplace).takes_invoices:
        pytest.skip("takes no invoices")
    exchanges = []
    connector = marketplace.connect(exchanges=exchanges)
    order_ref = shipped_order(marketplace, connector)
    invoice = replace(invoice_of(), content=b"%PDF-1.4\n(Invoice for Ada de Vries, Dorpsstraat 1)\n%%EOF\n")
    connector.upload_invoice(order_ref, invoice, key=marketplace.new_key())
    assert exchanges and "Ada" not in repr(exchanges)


def test_a_label_is_given_where_that_is_declared(marketplace):
    connector = marketplace.connect()
    if not can(marketplace).gives_labels:
        with pytest.raises(NotImplementedError):
            connector.fetch_label("1", [])
        return
    assert type(connector).label_type
    order_ref = marketplace.new_order()
    assert connector.fetch_label(order_ref, []) is None
    label_id = marketplace.add_label(order_ref)
    marketplace.settle_down()
    label = connector.fetch_label(order_ref, [])
    assert label.external_id == label_id
    assert label.content.startswith(b"%PDF-")
    assert connector.fetch_label(order_ref, [label_id]) is None


def placed(platform, connector, key):
    """The shop's id of a new order."""
    receipt = connector.create_order(platform.new_subject().data, key=key, options=platform.options)
    return platform.answered(connector, receipt).remote_id
