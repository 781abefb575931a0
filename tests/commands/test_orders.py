"""What people do with one order from a shell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from channable.tenants.scope import company_scope
from orders.models import Attachment, Order, ProductLink
from orders.models.shipment import Cancellation, Shipment
from tests.factories import OrderConnectionFactory, OrderFactory, OrderItemFactory, ProjectFactory
from tests.orders.documents import pdf


@pytest.fixture
def order(transactional_db: None) -> Order:
    """A mug, and three teas."""
    order: Order = OrderFactory(external_id="A1", shop_order_id="7")
    OrderItemFactory(order=order, product_id="TEA", quantity=3)
    return order


def test_a_shipment_is_confirmed_by_command(order: Order, run: Any) -> None:
    arguments = ("--company", order.company_id, "A1", "--item", "TEA=2", "--code", "3SX", "--transporter", "postnl")
    assert run("ship_order", *arguments) == {"order": order.pk, "status": "partial"}
    with company_scope(order.company_id):
        shipment = Shipment.objects.get()
        assert (shipment.tracking_code, shipment.transporter) == ("3SX", "POSTNL")
        assert order.events.get(code="hand.shipped").actor == "system"


def test_an_order_is_cancelled_by_command(order: Order, run: Any) -> None:
    done = run("cancel_order", "--company", order.company_id, f"#{order.pk}", "--reason", "out_of_stock")
    assert done["status"] == "pending_cancellation"
    with company_scope(order.company_id):
        assert Cancellation.objects.get().reason == "out_of_stock"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["NONE"], "no order NONE"),
        (["#999999"], "no order #999999"),
        (["A1", "--item", "CUP"], "no item CUP"),
        (["A1", "--item", "TEA=9"], "Of TEA 3 are open"),
    ],
)
@pytest.mark.parametrize("command", ["ship_order", "cancel_order"])
def test_what_is_not_there_is_said(order: Order, run: Any, command: str, arguments: list[str], words: str) -> None:
    assert words in run(command, "--company", order.company_id, *arguments)["error"]


def test_a_number_that_two_accounts_have_is_asked_about(order: Order, run: Any) -> None:
    pair = OrderConnectionFactory(project=ProjectFactory(company=order.company))
    other = OrderFactory(order_connection=pair, external_id="A1")
    error = run("cancel_order", "--company", order.company_id, "A1")["error"]
    assert f"#{order.pk}, #{other.pk}" in error


def test_another_companys_order_is_not_there(order: Order, run: Any) -> None:
    stranger = OrderFactory(external_id="B1")
    assert "no order B1" in run("ship_order", "--company", order.company_id, "B1")["error"]
    assert f"no order #{stranger.pk}" in run("ship_order", "--company", order.company_id, f"#{stranger.pk}")["error"]


def test_a_product_is_linked_by_command(order: Order, run: Any) -> None:
    with company_scope(order.company_id):
        Order.objects.update(error_code="product.not_found", shop_order_id="")
    arguments = ("--company", order.company_id, "--shop", order.shop_id, "TEA", "TEA-GREEN")
    assert run("link_product", *arguments) == {"shop": order.shop_id, "orders": 1}
    with company_scope(order.company_id):
        assert ProductLink.objects.get().shop_product_id == "TEA-GREEN"


def test_only_a_shop_of_the_company_has_products_to_link(order: Order, run: Any) -> None:
    stranger = OrderFactory()
    for shop in (order.connection_id, stranger.shop_id, 999_999):
        answer = run("link_product", "--company", order.company_id, "--shop", shop, "TEA", "X")
        assert "no shop" in answer["error"]


def test_a_test_order_is_sent_by_command(order: Order, run: Any) -> None:
    pair = order.order_connection
    assert pair is not None
    made = run("send_test_order", "--company", order.company_id, pair.pk, "TEA", "--quantity", 2)
    with company_scope(order.company_id):
        assert Order.objects.get(pk=made["order"]).is_test
    assert "quantity" in run("send_test_order", "--company", order.company_id, pair.pk, "TEA", "--quantity", 0)["error"]


@pytest.fixture
def invoice(tmp_path: Path, private_files: Path) -> Path:
    path = tmp_path / "Invoice 1.pdf"
    path.write_bytes(pdf())
    return path


def test_an_invoice_is_handed_in_by_command(order: Order, run: Any, say: Any, invoice: Path) -> None:
    done = run("upload_invoice", "--company", order.company_id, "A1", invoice, "--item", "TEA")
    with company_scope(order.company_id):
        attachment = Attachment.objects.get()
        assert (attachment.filename, attachment.item_ids) == ("Invoice 1.pdf", [order.items.get(product_id="TEA").pk])
        assert attachment.source == "system"
    assert done == {"order": order.pk, "attachment": attachment.pk, "delivery": "waiting"}
    invoice.write_bytes(pdf("Invoice 2"))
    assert "Invoice 2 of A1: Waits for the shipment." in say(
        "upload_invoice", "--company", order.company_id, "A1", invoice
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["NONE", "FILE"], "no order NONE"),
        (["A1", "FILE", "--item", "CUP"], "no item CUP"),
        (["A1", "nowhere.pdf"], "nowhere.pdf can't be read: No such file"),
        (["A1", "."], "can't be read: Is a directory"),
        (["A1", __file__], "whole PDF"),
    ],
)
def test_an_invoice_that_cannot_be_handed_in_says_why(
    order: Order, run: Any, invoice: Path, arguments: list[str], words: str
) -> None:
    given = [str(invoice) if one == "FILE" else one for one in arguments]
    assert words in run("upload_invoice", "--company", order.company_id, *given)["error"]
