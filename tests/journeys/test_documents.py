"""bol and WooCommerce: invoices and labels on their way, in every weather."""

from __future__ import annotations

from pathlib import Path

import pytest

from channable.tenants.scope import company_scope
from connections.models import Exchange
from orders import storage
from orders.models import Attachment, AttachmentKind
from orders.services.attachments import add
from orders.services.handle import resend
from tests import engine
from tests.orders.documents import file, pdf
from tests.simulators.base import Fault
from tests.world import World

pytestmark = pytest.mark.usefixtures("private_files")
UPLOAD = "POST /retailer/shipments/invoices/"


def invoiced(world: World, number: str, text: str = "Invoice 1") -> Attachment:
    order = world.order(number)
    return add(order, AttachmentKind.INVOICE, file(pdf(text)), name="invoice.pdf", user=None)


def shipped_order(world: World) -> str:
    number: str = world.market.add_order()
    engine.settle()
    world.shop.ship(world.order(number).shop_order_id, "3SABCD12345678", "PostNL")
    engine.settle()
    assert world.order(number).status == "shipped"
    return number


def attachments(world: World) -> list[Attachment]:
    with company_scope(world.company.pk):
        return list(Attachment.objects.order_by("id"))


def taken(world: World) -> list[tuple[str, bytes]]:
    """(reference, file) of what bol really took."""
    return [(effect.reference, effect.data) for effect in world.market.effects("invoice")]


def test_an_invoice_reaches_bol_once_its_order_is_shipped(world: World) -> None:
    number = world.market.add_order()
    engine.settle()
    invoiced(world, number)
    engine.settle()
    assert taken(world) == []
    world.shop.ship(world.order(number).shop_order_id, "3SABCD12345678", "PostNL")
    engine.settle()
    assert taken(world) == [(f"{world.order(number).reference}-i1", pdf())]
    (attachment,) = attachments(world)
    assert (attachment.delivery, world.order(number).error_code) == ("confirmed", "")
    assert world.timeline(number)[-2:] == ["invoice.sent", "invoice.confirmed"]
    for _ in range(2):
        engine.round_trip()
    assert len(taken(world)) == 1


@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.name.lower())
def test_whatever_becomes_of_the_answer_it_is_there_once(world: World, fault: Fault) -> None:
    number = shipped_order(world)
    invoiced(world, number)
    world.market.fail(UPLOAD, fault, seconds=1)
    engine.settle(rounds=12)
    assert len(taken(world)) == 1
    assert [one.delivery for one in attachments(world)] == ["confirmed"]


def test_two_invoices_of_one_order_that_were_cut_are_two(world: World) -> None:
    number = shipped_order(world)
    first, second = invoiced(world, number, "first"), invoiced(world, number, "second")
    world.market.fail(UPLOAD, Fault.RESET_AFTER, times=2)
    engine.settle(rounds=16)
    assert sorted(content for _reference, content in taken(world)) == [pdf("first"), pdf("second")]
    receipts = {one.pk: one.remote_id for one in attachments(world)}
    assert receipts[first.pk] != receipts[second.pk]


def test_what_bol_refuses_is_seen_and_sent_again(world: World) -> None:
    number = shipped_order(world)
    world.market.fail_next_process("The invoice lacks a VAT number")
    invoiced(world, number)
    engine.settle()
    order = world.order(number)
    assert (order.error_code, order.error_detail) == ("invoice.refused", "The invoice lacks a VAT number")
    with company_scope(world.company.pk):
        resend(order, user=None)
    engine.settle()
    assert (world.order(number).error_code, len(taken(world))) == ("", 1)


def test_what_stands_in_a_file_is_kept_in_no_exchange(world: World) -> None:
    number = shipped_order(world)
    invoiced(world, number, "For Ada de Vries, Dorpsstraat 1")
    engine.settle()
    with company_scope(world.company.pk):
        bodies = list(Exchange.objects.filter(url__contains="/invoices/").values_list("request_body", flat=True))
    assert bodies and all("bytes of a file" in body for body in bodies)


def test_labels_of_bols_programme_are_kept_with_their_order(world: World, private_files: Path) -> None:
    number = world.market.add_order(lines=[("MUG", 1, "20.00"), ("TEA", 1, "5.00")], party="BOL")
    engine.settle()
    labels = {world.market.labels[world.market.ship_with_label(number, line=line)] for line in (0, 1)}
    engine.settle(rounds=10)
    kept = attachments(world)
    assert {storage.read(one.storage_key) for one in kept} == labels
    assert [(one.kind, one.delivery) for one in kept] == [("label", "confirmed")] * 2


def test_a_label_that_cannot_be_had_stops_nothing(world: World) -> None:
    number = world.market.add_order(party="BOL")
    engine.settle()
    world.market.ship_with_label(number)
    world.market.labels.clear()
    engine.settle()
    assert attachments(world) == []
    assert (world.order(number).status, world.order(number).error_code) == ("shipped", "")
