"""An invoice on its way to the marketplace: when it goes, what becomes of it, and what a person does then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from connections.connectors.errors import DataError
from connections.connectors.types import Done, Pending, RemoteStatus
from connections.models import OutboxMessage, OutboxStatus
from connections.outbox import Postponed, Withdrawn
from orders import storage
from orders.models import Attachment, AttachmentKind, Order
from orders.models.shipment import Shipment
from orders.services import events
from orders.services.attachments import add, delete_expired, expire_all, remove
from orders.services.effects import FetchLabel, UploadInvoice
from orders.services.events import CancelledByHand, Piece, ShippedByHand
from orders.services.handle import Conflict, cancel, resend, ship
from tests.factories import AttachmentFactory, OrderFactory, OrderItemFactory
from tests.orders.documents import file, pdf
from tests.orders.test_apply import happens, marketplace_says, timeline
from tests.orders.test_by_hand import picky

pytestmark = pytest.mark.usefixtures("inside", "private_files")


@pytest.fixture
def order(inside: Any, project: Any) -> Order:
    """At bol: a mug, and three teas."""
    order: Order = OrderFactory(order_connection__project=project, shop_order_id="77")
    OrderItemFactory(order=order, product_id="TEA", quantity=3)
    return order


@pytest.fixture
def shipped(order: Order) -> Order:
    return happens(order, marketplace_says(order, RemoteStatus.SHIPPED), at=timezone.now())


def item(order: Order, sku: str) -> int:
    return int(order.items.get(product_id=sku).pk)


def invoice(order: Order, text: str = "Invoice 1", *skus: str) -> Attachment:
    ids = [item(order, sku) for sku in skus]
    return add(order, AttachmentKind.INVOICE, file(pdf(text)), name="i.pdf", user=None, item_ids=ids)


def messages(kind: str = "upload_invoice") -> list[OutboxMessage]:
    return list(OutboxMessage.objects.filter(kind=kind).order_by("id"))


def delivery(attachment: Attachment) -> str:
    attachment.refresh_from_db()
    return attachment.delivery


# -- when it goes ---------------------------------------------------------------------------------


def test_of_a_shipped_order_it_goes_at_once(shipped: Order) -> None:
    attachment = invoice(shipped)
    (message,) = messages()
    assert (attachment.delivery, message.subject_id) == ("pending", attachment.pk)
    assert message.reference == f"{shipped.reference}-i1"
    assert message.connection_id == shipped.connection_id
    # bol lists a shipment up to a minute late.
    assert 50 < (message.not_before - timezone.now()).total_seconds() <= 60


def test_before_that_it_waits_for_the_shipment(order: Order) -> None:
    attachment = invoice(order)
    assert (attachment.delivery, messages()) == ("waiting", [])
    ship(order, ShippedByHand("1"), user=None)
    assert delivery(attachment) == "waiting"  # bol does not know of the shipment yet
    happens(order, events.ShipmentConfirmed(Shipment.objects.get().pk), at=timezone.now())
    assert delivery(attachment) == "pending"
    assert [message.subject_id for message in messages()] == [attachment.pk]


def test_one_for_some_items_waits_for_those_alone(order: Order) -> None:
    mug, all_of_it = invoice(order, "mug", "MUG"), invoice(order, "all")
    ship(order, ShippedByHand("1", (Piece(item(order, "MUG")),)), user=None)
    happens(order, events.ShipmentConfirmed(Shipment.objects.get().pk), at=timezone.now())
    assert (delivery(mug), delivery(all_of_it)) == ("pending", "waiting")
    cancel(order, CancelledByHand("2"), user=None)
    happens(order, marketplace_says(order, RemoteStatus.SHIPPED), at=timezone.now())
    assert delivery(all_of_it) == "pending"


def test_shipped_in_the_seller_account_counts_too(order: Order) -> None:
    attachment = invoice(order)
    happens(order, marketplace_says(order, RemoteStatus.SHIPPED), at=timezone.now())
    assert delivery(attachment) == "pending"


def test_of_a_cancelled_order_none_goes(order: Order) -> None:
    attachment = invoice(order)
    happens(order, marketplace_says(order, RemoteStatus.CANCELLED), at=timezone.now())
    assert (delivery(attachment), messages()) == ("waiting", [])


def test_where_no_shipment_is_needed_it_goes_at_once(project: Any) -> None:
    with picky(project, takes_invoices=True) as order:
        assert invoice(order).delivery == "pending"


def test_of_a_test_order_the_marketplace_hears_nothing(project: Any) -> None:
    order = OrderFactory(order_connection__project=project, is_test=True, status="shipped")
    assert (invoice(order).delivery, messages()) == ("confirmed", [])


# -- what is sent ---------------------------------------------------------------------------------


def test_what_goes_out_is_the_file_and_what_it_is_about(shipped: Order) -> None:
    first = invoice(shipped, "first")
    Attachment.objects.filter(pk=first.pk).update(remote_id="17")
    invoice(shipped, "second", "TEA")
    seen: list[Any] = []

    class Marketplace:
        def upload_invoice(self, order_ref: str, data: Any, *, key: str) -> Done:
            seen.append((order_ref, data, key))
            return Done("1")

    effect, message = UploadInvoice(), messages()[1]
    effect.send(Marketplace(), effect.load(message), key=message.reference, half=None)  # type: ignore[arg-type]
    ((order_ref, data, key),) = seen
    assert (order_ref, key) == (shipped.external_id, f"{shipped.reference}-i2")
    assert data.content == pdf("second")
    assert data.item_ids == [shipped.items.get(product_id="TEA").external_id]
    assert data.others == ["17"]


def test_a_file_that_a_restored_backup_lacks_is_refused(shipped: Order) -> None:
    attachment = invoice(shipped)
    storage.delete(attachment.storage_key)
    effect, message = UploadInvoice(), messages()[0]
    with pytest.raises(DataError, match="no longer in our storage") as caught:
        effect.send(None, effect.load(message), key="k", half=None)  # type: ignore[arg-type]
    assert caught.value.code == "invoice.refused"


def checked(message: OutboxMessage) -> None:
    UploadInvoice().check(message, UploadInvoice().load(message))


def test_one_that_is_gone_or_not_wanted_any_more_is_not_sent(shipped: Order) -> None:
    attachment = invoice(shipped)
    checked(messages()[0])
    Attachment.objects.filter(pk=attachment.pk).update(delivery="confirmed")
    with pytest.raises(Withdrawn, match="not to be sent"):
        checked(messages()[0])
    expire_all(shipped)
    with pytest.raises(Withdrawn, match="expired"):
        checked(messages()[0])


@pytest.mark.parametrize("status", [OutboxStatus.SENDING, OutboxStatus.UNKNOWN])
def test_two_of_one_order_never_go_at_once(shipped: Order, status: OutboxStatus) -> None:
    """By what bol tells they could be taken for each other."""
    invoice(shipped, "first")
    invoice(shipped, "second")
    OutboxMessage.objects.filter(pk=messages()[0].pk).update(status=status)
    with pytest.raises(Postponed):
        checked(messages()[1])


def test_a_paused_order_connection_holds_it_up_and_a_removed_one_ends_it(shipped: Order) -> None:
    attachment = invoice(shipped)
    pairs = type(shipped.order_connection).objects
    pairs.update(is_active=False)
    with pytest.raises(Postponed):
        checked(messages()[0])
    pairs.update(deleted_at=timezone.now())
    with pytest.raises(Withdrawn):
        checked(messages()[0])
    OutboxMessage.objects.update(status=OutboxStatus.WITHDRAWN)
    pairs.update(deleted_at=None, is_active=True)
    happens(shipped, events.Adopted(shipped.order_connection_id or 0), at=timezone.now())
    assert (delivery(attachment), messages()[0].status) == ("pending", "ready")


# -- what becomes of it ---------------------------------------------------------------------------


def test_accepted_then_confirmed(shipped: Order) -> None:
    attachment = invoice(shipped)
    effect, message = UploadInvoice(), messages()[0]
    effect.on_sent(message, Pending("17"), adopted=False, news=None)
    assert (delivery(attachment), attachment.remote_id) == ("processing", "17")
    effect.on_confirmed(message, Done("541757635"))
    effect.on_confirmed(message, Done("541757635"))
    assert (delivery(attachment), attachment.remote_id) == ("confirmed", "17")  # by that it is told from others
    told = list(shipped.events.order_by("-id").values_list("message", flat=True)[:2])
    assert told == ["bol has invoice 1.", "Sent invoice 1 to bol"]


def test_found_there_is_said(shipped: Order) -> None:
    attachment = invoice(shipped)
    UploadInvoice().on_sent(messages()[0], Done("1"), adopted=True, news=None)
    assert delivery(attachment) == "confirmed"
    assert shipped.events.get(code="invoice.sent").message == "Found invoice 1 at bol"


def refused(order: Order, detail: str = "The VAT number is missing") -> Order:
    OutboxMessage.objects.filter(kind="upload_invoice").update(status=OutboxStatus.REJECTED)
    UploadInvoice().on_refused(messages()[-1], DataError(detail, code="connector.refused"))
    return Order.objects.get(pk=order.pk)


def test_a_refused_invoice_needs_a_person_also_for_a_closed_order(shipped: Order) -> None:
    attachment = invoice(shipped)
    order = refused(shipped)
    assert (order.status, order.error_code, order.error_detail) == (
        "shipped",
        "invoice.refused",
        "The VAT number is missing",
    )
    assert order in Order.objects.needing_attention()
    assert (delivery(attachment), attachment.error_detail) == ("refused", "The VAT number is missing")


def test_resend_sends_it_again_and_a_confirmation_solves_it(shipped: Order) -> None:
    attachment = invoice(shipped)
    order = refused(shipped)
    resend(order, user=None)
    order.refresh_from_db()
    assert (order.error_code, delivery(attachment), messages()[0].status) == ("", "pending", "ready")
    with pytest.raises(Conflict):
        resend(order, user=None)


def test_a_corrected_one_and_the_first_removed_solves_it(shipped: Order) -> None:
    first = invoice(shipped)
    order = refused(shipped)
    invoice(order, "corrected")
    UploadInvoice().on_sent(messages()[1], Done("18"), adopted=False, news=None)
    order.refresh_from_db()
    assert order.error_code == "invoice.refused"  # the first is still refused
    remove(first, user=None)
    order.refresh_from_db()
    assert order.error_code == ""


def test_it_hides_no_error_that_holds_up_the_order_and_no_success_of_another_hides_it(order: Order) -> None:
    with_error = happens(order, events.Failed("product.not_found", "SKU MUG"), at=timezone.now())
    Attachment.objects.filter(pk=invoice(with_error).pk).update(delivery="pending")
    attachment = Attachment.objects.get()
    happens(order, events.InvoiceRefused(attachment.pk, "no"), at=timezone.now())
    assert Order.objects.get(pk=order.pk).error_code == "product.not_found"
    other = OrderFactory(order_connection=order.order_connection)
    refusal = AttachmentFactory(order=other, delivery="pending")
    happens(other, events.InvoiceRefused(refusal.pk, "no"), at=timezone.now())
    happens(other, events.CreatedInShop("9"), at=timezone.now())
    assert Order.objects.get(pk=other.pk).error_code == "invoice.refused"


def test_what_was_removed_before_it_went_is_withdrawn(shipped: Order) -> None:
    remove(invoice(shipped), user=None)
    assert [message.status for message in messages()] == ["withdrawn"]


def test_an_expired_one_is_not_said_to_be_under_way(order: Order) -> None:
    attachment = invoice(order)
    expire_all(order)
    delete_expired()
    assert delivery(attachment) == "none"
    happens(order, marketplace_says(order, RemoteStatus.SHIPPED), at=timezone.now())
    assert messages() == []


# -- labels ---------------------------------------------------------------------------------------


@pytest.fixture
def labelled(project: Any) -> Order:
    """Shipped with one of bol's labels."""
    order = OrderFactory(order_connection__project=project, uses_marketplace_label=True)
    return happens(order, marketplace_says(order, RemoteStatus.SHIPPED), at=timezone.now())


def test_a_label_is_asked_for_once_its_order_is_shipped(labelled: Order, shipped: Order) -> None:
    (label,) = Attachment.objects.all()
    assert (label.order_id, label.kind, label.state, label.delivery) == (labelled.pk, "label", "expected", "pending")
    assert [message.subject_id for message in messages("fetch_label")] == [label.pk]
    happens(labelled, marketplace_says(labelled, RemoteStatus.SHIPPED), at=timezone.now())
    assert len(messages("fetch_label")) == 1


class Labels:
    """What a marketplace has of them."""

    def __init__(self, *labels: bytes) -> None:
        self.labels = {str(number): label for number, label in enumerate(labels, 1)}

    def fetch_label(self, order_ref: str, having: list[str]) -> Any:
        from connections.connectors.types import LabelData

        left = [one for one in self.labels if one not in having]
        return LabelData(left[0], self.labels[left[0]]) if left else None


def fetched(labels: Labels) -> None:
    """Ask until nothing waits."""
    effect = FetchLabel()
    for _ in range(5):
        for message in OutboxMessage.objects.filter(kind="fetch_label", status="ready").order_by("id"):
            data = effect.load(message)
            effect.check(message, data)
            receipt = effect.send(labels, data, key=message.reference, half=None)  # type: ignore[arg-type]
            OutboxMessage.objects.filter(pk=message.pk).update(status=OutboxStatus.SENT)
            effect.on_sent(message, receipt, adopted=False, news=None)


def test_all_its_labels_are_kept(labelled: Order, private_files: Path) -> None:
    fetched(Labels(pdf("label 1"), pdf("label 2")))
    labels = list(Attachment.objects.filter(state="stored").order_by("number"))
    assert [storage.read(label.storage_key) for label in labels] == [pdf("label 1"), pdf("label 2")]
    assert [(one.filename, one.source, one.remote_id) for one in labels] == [
        ("label-1.pdf", "marketplace", "1"),
        ("label-2.pdf", "marketplace", "2"),
    ]
    assert Attachment.objects.count() == 2  # the question that found no other left nothing
    assert timeline(labelled)[-2:] == ["attachment.label", "attachment.label"]


def test_where_there_is_none_nothing_is_said_of_it(labelled: Order) -> None:
    before = timeline(labelled)
    fetched(Labels())
    assert not Attachment.objects.exists()
    assert timeline(labelled) == before


def test_a_label_that_is_no_file_of_ours_is_not_kept(labelled: Order, private_files: Path) -> None:
    effect, message = FetchLabel(), messages("fetch_label")[0]
    with pytest.raises(DataError) as caught:
        effect.send(Labels(b"<html>"), effect.load(message), key="k", half=None)  # type: ignore[arg-type]
    effect.on_refused(message, caught.value)
    assert not Attachment.objects.exists()
    assert not private_files.exists()


def test_a_label_that_came_while_its_worker_died_is_replaced_and_not_doubled(
    labelled: Order, private_files: Path
) -> None:
    effect, message = FetchLabel(), messages("fetch_label")[0]
    effect.send(Labels(pdf("label")), effect.load(message), key="k", half=None)  # type: ignore[arg-type]
    fetched(Labels(pdf("label")))
    (label,) = Attachment.objects.all()
    assert (label.state, label.delivery) == ("stored", "confirmed")
    assert len([path for path in private_files.rglob("*") if path.is_file()]) == 1


def test_a_label_that_nobody_waits_for_is_not_fetched(labelled: Order) -> None:
    effect, message = FetchLabel(), messages("fetch_label")[0]
    Attachment.objects.all().delete()
    with pytest.raises(Withdrawn):
        effect.check(message, effect.load(message))
