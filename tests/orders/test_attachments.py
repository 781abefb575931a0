"""Files of an order: taken in, handed out by links that end, and deleted; none is ever without its row."""

from __future__ import annotations

import io
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core import signing
from django.db.models import ProtectedError
from django.utils import timezone

from orders import storage
from orders.files import MOST_BYTES, FileType
from orders.models import Actor, Attachment, AttachmentKind, FileState, Order
from orders.services import attachments
from orders.services.attachments import Expired, WrongSize, WrongType, add, delete_expired, expire_all, link_to, linked
from orders.services.handle import Conflict, NotPossible
from tests.factories import AttachmentFactory, OrderFactory, OrderItemFactory, UserFactory
from tests.orders.documents import file, files_in, pdf, png, zpl
from tests.orders.test_by_hand import picky

pytestmark = pytest.mark.usefixtures("inside", "private_files")
INVOICE, LABEL = AttachmentKind.INVOICE, AttachmentKind.LABEL


@pytest.fixture
def order(inside: Any, project: Any) -> Order:
    """At bol: a mug, and three teas."""
    order: Order = OrderFactory(order_connection__project=project, shop_order_id="77")
    OrderItemFactory(order=order, product_id="TEA", quantity=3)
    return order


def added(order: Order, content: bytes | None = None, kind: AttachmentKind = INVOICE, **values: Any) -> Attachment:
    return add(order, kind, file(content), **{"name": "invoice.pdf", "user": None, **values})


class Unreliable(io.BytesIO):
    """A file that can be looked at once, and not written."""

    def read(self, *args: Any) -> bytes:
        if self.tell() == 0:
            self.times = getattr(self, "times", 0) + 1
        if self.times > 1:
            raise OSError("the disk is full")
        return super().read(*args)


# -- taking in ------------------------------------------------------------------------------------


def test_a_file_is_kept_with_what_is_known_of_it(order: Order, private_files: Path) -> None:
    user = UserFactory()
    invoice = added(order, name="../Müller.PDF", user=user, item_ids=[order.items.get(product_id="TEA").pk])
    assert (invoice.number, invoice.kind, invoice.state) == (1, "invoice", "stored")
    assert (invoice.filename, invoice.file_type, invoice.size) == ("Müller.pdf", ".pdf", len(pdf()))
    assert (invoice.source, invoice.user, len(invoice.item_ids)) == (Actor.USER, user, 1)
    assert timedelta(days=89) < invoice.expires_at - timezone.now() < timedelta(days=91)
    assert storage.read(invoice.storage_key) == pdf()
    event = order.events.get(code="attachment.stored")
    assert (event.actor, event.user, event.message) == (Actor.USER, user, "Invoice 1 was added.")


def test_its_key_tells_the_company_and_no_name_and_its_folder_is_ours_alone(order: Order, private_files: Path) -> None:
    added(order, name="Ada de Vries.pdf")
    (key,) = files_in(private_files)
    assert key.startswith(f"{order.company_id}/") and key.endswith(".pdf")
    assert "Ada" not in key and order.number not in key
    assert stat.S_IMODE((private_files / key).stat().st_mode) == 0o600
    assert stat.S_IMODE((private_files / key).parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("content", "kind", "error"),
    [
        (b"", INVOICE, WrongSize("The file is empty.")),
        (b"", LABEL, WrongSize("The file is empty.")),
        (pdf("x" * MOST_BYTES), INVOICE, WrongSize("larger than 10 MB")),
        (pdf("x" * 11_000_000), LABEL, WrongSize("larger than 10 MB")),
        (png(), INVOICE, WrongType("whole PDF")),
        (zpl(), INVOICE, WrongType("whole PDF")),
        (b"<html>" + pdf(), INVOICE, WrongType("whole PDF")),
        (b"MZ", LABEL, WrongType("PDF, PNG or ZPL")),
    ],
)
def test_what_is_not_taken_leaves_nothing_behind(
    order: Order, private_files: Path, content: bytes, kind: AttachmentKind, error: NotPossible
) -> None:
    with pytest.raises(type(error), match=str(error)):
        added(order, content, kind)
    assert not Attachment.objects.exists()
    assert not private_files.exists()


def test_the_largest_file_is_taken(order: Order) -> None:
    room = MOST_BYTES - len(pdf(""))
    assert added(order, pdf("x" * room)).size == MOST_BYTES


def test_labels_are_kept_in_each_of_their_types(order: Order) -> None:
    types = [added(order, content, LABEL).file_type for content in (pdf(), png(), zpl())]
    assert types == [".pdf", ".png", ".zpl"]


def test_the_same_file_is_there_only_once(order: Order, private_files: Path) -> None:
    first = added(order)
    with pytest.raises(Conflict, match="there already"):
        added(order, name="other.pdf")
    added(order, pdf("Invoice 2"))
    added(order, kind=LABEL)
    added(OrderFactory(order_connection=order.order_connection))
    assert len(files_in(private_files)) == 4
    Attachment.objects.filter(pk=first.pk).update(delivery="refused")
    assert added(order).number == 4
    expire_all(order)
    assert added(order).number == 5


def test_items_of_another_order_are_refused(order: Order) -> None:
    other = OrderFactory(order_connection=order.order_connection)
    with pytest.raises(NotPossible, match="not in this order"):
        added(order, item_ids=[other.items.get().pk])


def test_a_marketplace_without_invoices_gets_none_and_labels_are_kept(project: Any) -> None:
    with picky(project) as order:
        with pytest.raises(NotPossible, match="Picky takes no invoices"):
            added(order)
        assert added(order, kind=LABEL).delivery == "none"


def test_an_orphan_has_nobody_to_send_it(order: Order) -> None:
    type(order.order_connection).objects.update(deleted_at=timezone.now())
    with pytest.raises(Conflict, match="was removed"):
        added(order)


# -- what dies in between -------------------------------------------------------------------------


def test_a_storage_that_fails_is_said_and_the_file_may_come_again(order: Order, private_files: Path) -> None:
    with pytest.raises(NotPossible, match="could not be stored"):
        add(order, INVOICE, Unreliable(pdf()), name="x.pdf", user=None)
    assert not Attachment.objects.filter(state=FileState.STORED).exists()
    assert added(order).state == "stored"
    assert delete_expired() == 1
    assert len(files_in(private_files)) == 1


def test_what_a_process_left_half_stored_is_deleted_with_its_file(order: Order, private_files: Path) -> None:
    """Killed after the file was written and before its row knew."""
    half = added(order)
    long_ago = timezone.now() - timedelta(hours=2)
    Attachment.objects.filter(pk=half.pk).update(state="expected", delivery="none", created_at=long_ago)
    with pytest.raises(Expired):
        link_to(Attachment.objects.get(pk=half.pk))
    added(order)  # whose process died is not in the way of the next one
    assert delete_expired() == 1
    assert len(files_in(private_files)) == 1
    assert Attachment.objects.get(pk=half.pk).state == "deleted"


def test_one_that_is_stored_just_now_is_left_alone(order: Order) -> None:
    AttachmentFactory(order=order, state="expected")
    assert delete_expired() == 0


def test_a_deletion_that_was_cut_is_gone_through_again(order: Order, private_files: Path) -> None:
    """Killed after the file was deleted and before its row let go."""
    attachment = added(order)
    expire_all(order)
    storage.delete(attachment.storage_key)
    assert delete_expired() == 1
    assert delete_expired() == 0


# -- letting go -----------------------------------------------------------------------------------


def test_an_expired_file_is_deleted_and_its_row_names_nobody(order: Order, private_files: Path) -> None:
    kept, gone = added(order), added(order, pdf("Invoice 2"), name="Ada de Vries.pdf")
    Attachment.objects.filter(pk=gone.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert delete_expired() == 1
    assert files_in(private_files) == [kept.storage_key]
    gone.refresh_from_db()
    assert (gone.state, gone.filename, gone.sha256, gone.storage_key) == ("deleted", "", "", "")
    assert (gone.kind, gone.delivery) == ("invoice", "none")


def test_a_file_that_cannot_be_deleted_holds_up_no_other(order: Order, private_files: Path) -> None:
    stuck, other = added(order), added(order, pdf("Invoice 2"))
    path = private_files / stuck.storage_key
    path.unlink()
    (path / "in the way").mkdir(parents=True)
    expire_all(order)
    assert delete_expired() == 1
    assert Attachment.objects.get(pk=other.pk).state == "deleted"
    assert Attachment.objects.get(pk=stuck.pk).state == "stored"  # tried again with the next round


def test_an_order_with_files_cannot_be_deleted(order: Order) -> None:
    added(order)
    with pytest.raises(ProtectedError):
        order.delete()


def test_what_a_person_removes_cannot_be_had_any_more(order: Order, private_files: Path) -> None:
    invoice, user = added(order), UserFactory()
    attachments.remove(invoice, user=user)
    invoice.refresh_from_db()
    with pytest.raises(Expired):
        link_to(invoice)
    assert invoice.delivery == "none"
    assert order.events.get(code="attachment.removed").user == user
    attachments.remove(invoice, user=user)
    assert order.events.filter(code="attachment.removed").count() == 1
    delete_expired()
    assert files_in(private_files) == []


# -- links ----------------------------------------------------------------------------------------


def token_of(attachment: Attachment) -> str:
    return link_to(attachment).rpartition("/")[2]


def test_a_link_leads_to_its_file(order: Order) -> None:
    invoice = added(order)
    assert linked(token_of(invoice)) == invoice


def test_a_link_ends_after_five_minutes(order: Order, time_machine: Any) -> None:
    invoice = added(order)
    now = timezone.now()
    time_machine.move_to(now, tick=False)
    token = token_of(invoice)
    time_machine.move_to(now + timedelta(seconds=299), tick=False)
    assert linked(token) == invoice
    time_machine.move_to(now + timedelta(seconds=301), tick=False)
    with pytest.raises(Expired):
        linked(token)


def test_a_link_ends_with_its_file(order: Order) -> None:
    invoice = added(order)
    token = token_of(invoice)
    expire_all(order)
    with pytest.raises(Expired):
        linked(token)


def test_a_link_that_we_never_gave_leads_nowhere(order: Order) -> None:
    invoice = added(order)
    token = token_of(invoice)
    forged = [
        signing.dumps([invoice.company_id, invoice.pk], salt="orders.attachment", key="another key of another site"),
        signing.dumps([invoice.company_id, invoice.pk], salt="something.else"),
        f"{token[:-1]}{'A' if token[-1] != 'A' else 'B'}",
        f"x{token}",
        "1",
        "",
    ]
    assert [linked(one) for one in forged] == [None] * len(forged)


def test_the_public_api_calls_each_by_its_own_name(order: Order) -> None:
    assert added(order).api_type == "INVOICE"
    assert added(order, kind=LABEL).api_type == "BOL_VVB_LABEL"
    assert FileType(".pdf").content_type == "application/pdf"
