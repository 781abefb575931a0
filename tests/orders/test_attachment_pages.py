"""Files on an order's page, and the one address that hands a file out."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from channable.middleware import MOST_BYTES as LARGEST_BODY
from channable.tenants.models import Company, User
from channable.tenants.roles import Role
from channable.tenants.scope import company_scope
from connections.models import OrderConnection
from orders import storage
from orders.models import Attachment, Order
from orders.services.attachments import delete_expired
from tests.factories import (
    AttachmentFactory,
    OrderEventFactory,
    OrderFactory,
    OrderItemFactory,
    ProjectFactory,
    member,
)
from tests.orders.documents import file, files_in, pdf, png
from tests.orders.test_by_hand import picky

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("private_files")]


@pytest.fixture
def order(pair: OrderConnection) -> Order:
    """A mug, and three teas, in the shop."""
    order: Order = OrderFactory(order_connection=pair, shop_order_id="7")
    OrderItemFactory(order=order, product_id="TEA", title="Tea", quantity=3)
    return order


def url(order: Order, name: str = "") -> str:
    return f"/companies/{order.company_id}/orders/{order.pk}/{name}"


def upload(client: Client, order: Order, content: bytes = pdf(), name: str = "invoice.pdf", **values: Any) -> str:
    """What the order's page says then."""
    data = {"kind": "invoice", "file": SimpleUploadedFile(name, content), **values}
    answer = client.post(url(order, "attachments/"), data, follow=True)
    assert answer.redirect_chain == [(f"{url(order)}#attachments", 302)]
    return answer.content.decode()


def stored(order: Order) -> list[Attachment]:
    with company_scope(order.company_id):
        return list(Attachment.objects.order_by("number"))


# -- adding ---------------------------------------------------------------------------------------


def test_an_invoice_is_added_from_the_page(client: Client, alice: User, order: Order, private_files: Path) -> None:
    page = upload(client, order, name="Rechnung Müller.pdf")
    assert "goes to the marketplace once what it is about is shipped" in page
    assert "Rechnung Müller.pdf" in page and "Waits for the shipment" in page
    (invoice,) = stored(order)
    assert (invoice.user, invoice.delivery, files_in(private_files)) == (alice, "waiting", [invoice.storage_key])


def test_one_of_a_shipped_order_goes_at_once(client: Client, pair: OrderConnection) -> None:
    order = OrderFactory(order_connection=pair, status="shipped")
    assert "The invoice goes to the marketplace." in upload(client, order)


def test_a_label_is_kept_for_printing(client: Client, order: Order) -> None:
    page = upload(client, order, png(), "label.png", kind="label")
    assert "The file is kept with the order." in page
    assert stored(order)[0].file_type == ".png"


def test_only_some_items_may_be_meant(client: Client, order: Order) -> None:
    with company_scope(order.company_id):
        tea = order.items.get(product_id="TEA").pk
    upload(client, order, items=[tea])
    assert stored(order)[0].item_ids == [tea]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"file": ""}, "Choose a file first."),
        ({"file": SimpleUploadedFile("a.pdf", b"")}, "The file is empty."),
        ({"file": SimpleUploadedFile("a.pdf", b"MZ")}, "whole PDF file"),
        ({"file": SimpleUploadedFile("a.pdf", b"%PDF-1.4", content_type="application/pdf")}, "whole PDF file"),
        ({"file": SimpleUploadedFile("a.pdf", pdf("x" * 11_000_000))}, "larger than 10 MB"),
        ({"kind": "contract"}, "contract is not one of the available choices"),
        ({"kind": "label", "file": SimpleUploadedFile("a.pdf", b"MZ")}, "PDF, PNG or ZPL"),
        ({"items": ["999999"]}, "999999 is not one of the available choices"),
    ],
)
def test_what_is_wrong_is_said_on_the_orders_page(
    client: Client, order: Order, private_files: Path, values: dict[str, Any], words: str
) -> None:
    assert words in upload(client, order, **values)
    assert stored(order) == []
    assert not private_files.exists()


def test_the_same_file_sent_twice_is_kept_once(client: Client, order: Order, private_files: Path) -> None:
    upload(client, order)
    assert "This very file is there already." in upload(client, order)
    assert len(files_in(private_files)) == 1


@pytest.mark.parametrize(
    "name", ["../../../etc/cron.d/x.pdf", "a\0b.pdf", "\u202egpj.pdf", "x" * 4096 + ".pdf", "%2e%2e%2fx"]
)
def test_a_hostile_name_only_names(client: Client, order: Order, private_files: Path, name: str) -> None:
    upload(client, order, name=name)
    (attachment,) = stored(order)
    assert files_in(private_files) == [attachment.storage_key]
    assert attachment.filename.endswith(".pdf") and len(attachment.filename) <= 104
    answer = client.get(url(order, f"attachments/{attachment.pk}/"), follow=True)
    assert answer.status_code == 200
    assert "\n" not in answer["Content-Disposition"]


def test_more_than_any_file_is_refused_before_it_is_read(client: Client, order: Order) -> None:
    class Unread:
        """As a server's input: whoever reads from it has begun to."""

        def read(self, *args: Any) -> bytes:
            raise AssertionError("it was read")

        readline = read

        def close(self) -> None: ...

    answer = client.generic(
        "POST", url(order, "attachments/"), content_type="multipart/form-data; boundary=x",
        CONTENT_LENGTH=str(LARGEST_BODY + 1), **{"wsgi.input": Unread()},
    )  # fmt: skip
    assert answer.status_code == 413
    assert "at most 10 MB" in answer.content.decode()


def test_a_marketplace_without_invoices_is_offered_none(client: Client, company: Company) -> None:
    with company_scope(company.pk), picky(ProjectFactory(company=company)) as order:
        form = client.get(url(order)).context["attach"]["form"]
        assert [value for value, _label in form.fields["kind"].choices] == ["label"]
        assert "invoice is not one of the available choices" in upload(client, order)


# -- showing --------------------------------------------------------------------------------------


def test_a_reader_sees_and_opens_files_and_changes_nothing(bob: User, client: Client, order: Order) -> None:
    upload(client, order)
    reader = Client()
    reader.force_login(bob)
    page = reader.get(url(order))
    assert page.context["attach"] is None
    assert [(one["title"], one["remove_url"]) for one in page.context["attachments"]] == [("Invoice 1", "")]
    assert reader.get(page.context["attachments"][0]["url"], follow=True).status_code == 200


def test_a_refusal_is_shown_with_its_remedy(client: Client, pair: OrderConnection) -> None:
    order = OrderFactory(order_connection=pair, status="shipped", error_code="invoice.refused", error_detail="No VAT")
    AttachmentFactory(order=order, delivery="refused", error_detail="No VAT")
    page = client.get(url(order))
    assert "Add a corrected invoice and remove this one, or resend it." in page.content.decode()
    assert page.context["problem"]["action"]["url"] == url(order, "resend/")
    assert page.context["attachments"][0]["badge"]["label"] == "Refused"


def test_what_was_deleted_stays_on_the_page_without_its_file(client: Client, order: Order) -> None:
    AttachmentFactory(order=order, number=1, state="deleted", filename="", storage_key="")
    AttachmentFactory(order=order, number=2, state="expected")
    (row,) = client.get(url(order)).context["attachments"]
    assert (row["title"], row["url"], row["badge"]["label"]) == ("Invoice 1", "", "Deleted")


def test_more_files_take_no_more_queries(client: Client, order: Order) -> None:
    def statements() -> int:
        with CaptureQueriesContext(database) as captured:
            client.get(url(order))
        return len(captured)

    OrderEventFactory(order=order)
    AttachmentFactory(order=order)
    statements()
    few = statements()
    for _ in range(5):
        AttachmentFactory(order=order)
    assert statements() == few


def test_names_are_escaped(client: Client, order: Order) -> None:
    AttachmentFactory(order=order, filename="<img src=x onerror=alert(1)>.pdf")
    assert "<img src=x" not in client.get(url(order)).content.decode()


def test_a_file_is_removed_from_the_page(client: Client, order: Order, private_files: Path) -> None:
    upload(client, order)
    attachment = stored(order)[0]
    page = client.post(url(order, f"attachments/{attachment.pk}/remove/"), follow=True)
    assert "The file is removed." in page.content.decode()
    assert client.get(url(order, f"attachments/{attachment.pk}/")).status_code == 410
    assert delete_expired() == 1
    assert files_in(private_files) == []


# -- handing out ----------------------------------------------------------------------------------


def link(client: Client, order: Order) -> str:
    attachment = stored(order)[-1]
    return str(client.get(url(order, f"attachments/{attachment.pk}/"))["Location"])


def test_a_link_hands_the_file_out_without_a_log_in(client: Client, order: Order) -> None:
    upload(client, order, name="Rechnung Müller.pdf")
    answer = Client().get(link(client, order))
    assert (answer.status_code, b"".join(answer)) == (200, pdf())  # type: ignore[arg-type]
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"] == "attachment; filename*=utf-8''Rechnung%20M%C3%BCller.pdf"
    assert answer["Content-Length"] == str(len(pdf()))
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer["Cache-Control"] == "private, no-store"
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "Set-Cookie" not in answer.headers


def test_a_link_is_good_for_five_minutes(client: Client, order: Order, time_machine: Any) -> None:
    upload(client, order)
    address = link(client, order)
    time_machine.move_to(timezone.now() + timedelta(minutes=5, seconds=1))
    answer = Client().get(address)
    assert answer.status_code == 410
    assert "This link has expired" in answer.content.decode()


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_a_link_only_hands_out(client: Client, order: Order, method: str) -> None:
    upload(client, order)
    assert getattr(Client(), method)(link(client, order)).status_code == 405


@pytest.mark.parametrize("token", ["x", "WzEsMV0:1x:y", "..%2f..%2fetc%2fpasswd", "a" * 5000])
def test_a_link_that_nobody_gave_leads_nowhere(token: str) -> None:
    assert Client().get(f"/files/{token}").status_code == 404


def test_a_file_that_the_storage_lost_is_gone_and_no_failure(client: Client, order: Order) -> None:
    upload(client, order)
    address = link(client, order)
    storage.delete(stored(order)[0].storage_key)
    assert Client().get(address).status_code == 410


def test_another_companys_file_cannot_be_opened(client: Client, order: Order, charlie: User) -> None:
    upload(client, order)
    attachment, own = stored(order)[0], charlie.memberships.get().company_id
    stranger = Client()
    stranger.force_login(charlie)
    for company_id in (own, order.company_id):
        path = f"/companies/{company_id}/orders/{order.pk}/attachments/{attachment.pk}/"
        assert stranger.get(path).status_code == 404
        assert stranger.post(f"{path}remove/").status_code == 404
        assert stranger.post(f"/companies/{company_id}/orders/{order.pk}/attachments/").status_code == 404


def test_a_file_of_another_order_is_not_there(client: Client, order: Order, pair: OrderConnection) -> None:
    other = AttachmentFactory(order=OrderFactory(order_connection=pair))
    assert client.get(url(order, f"attachments/{other.pk}/")).status_code == 404


def test_files_of_every_company_are_deleted(order: Order, private_files: Path) -> None:
    for one in (order, OrderFactory()):
        attachment = AttachmentFactory(order=one, expires_at=timezone.now() - timedelta(seconds=1))
        storage.save(attachment.storage_key, file())
    assert delete_expired() == 2
    assert files_in(private_files) == []


@pytest.mark.parametrize("role", [Role.READ_ONLY, Role.SETUP_ONLY])
def test_who_may_not_handle_orders_adds_nothing(company: Company, order: Order, role: Role) -> None:
    client = Client()
    client.force_login(member(company, role))
    data = {"kind": "invoice", "file": SimpleUploadedFile("a.pdf", pdf())}
    assert client.post(url(order, "attachments/"), data).status_code == 403
    assert stored(order) == []
