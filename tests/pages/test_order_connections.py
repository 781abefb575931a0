"""Order connections and their accounts, as their pages show them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from channable.tenants.models import Company, User
from channable.tenants.roles import ALLOWED, Permission, Role
from channable.tenants.scope import all_companies, company_scope
from connections.models import Connection, OrderConnection, Stream
from orders.models import Order
from tests.factories import (
    ConnectionFactory,
    OrderConnectionFactory,
    OrderFactory,
    StreamFactory,
    SyncRunFactory,
    member,
)

pytestmark = pytest.mark.django_db
Count = Callable[[Callable[[], object]], int]


def url_of(pair: OrderConnection, end: str = "") -> str:
    return f"/companies/{pair.company_id}/order-connections/{pair.pk}/{end}"


def page_of(client: Client, url: str, **more: Any) -> str:
    response = client.get(url, **more)
    assert response.status_code == 200
    return response.content.decode()


def later(minutes: int = 3) -> Any:
    return timezone.now() + timedelta(minutes=minutes)


# -- the list ---------------------------------------------------------------------------------------


def test_the_list_tells_health_runs_and_counts(client: Client, company: Company, pair: OrderConnection) -> None:
    StreamFactory(connection=pair.marketplace, outcomes="ddfd", last_run_at=timezone.now(), next_run_at=later())
    for error in ("", "", "product.not_found"):
        OrderFactory(order_connection=pair, error_code=error)
    OrderFactory(order_connection=pair, status="shipped")
    (row,) = client.get(f"/companies/{company.pk}/order-connections/").context["order_connections"]
    assert (row["open_orders"], row["errors_count"], row["health"]["text"]) == (3, 1, "Works")
    assert [bar["tone"] for bar in row["outcomes"]] == ["success", "success", "danger", "success"]


def test_an_expired_account_is_the_health_of_its_order_connections(
    client: Client, company: Company, pair: OrderConnection
) -> None:
    with company_scope(company.pk):
        Connection.objects.filter(pk=pair.shop_id).update(state="expired", error_code="connector.auth")
    (row,) = client.get(f"/companies/{company.pk}/order-connections/").context["order_connections"]
    assert row["health"]["tone"] == "danger"
    assert pair.shop.label in row["health"]["text"]


def test_what_never_ran_shows_a_dash_and_no_inner_value(
    client: Client, company: Company, pair: OrderConnection
) -> None:
    page = page_of(client, f"/companies/{company.pk}/order-connections/")
    assert "never" in page
    assert "link_label" not in page


def test_the_list_takes_a_constant_number_of_queries(
    client: Client, company: Company, pair: OrderConnection, statements: Count
) -> None:
    url = f"/companies/{company.pk}/order-connections/"
    client.get(url)
    few = statements(lambda: client.get(url))
    for _ in range(5):
        more = OrderConnectionFactory(project=pair.project)
        StreamFactory(connection=more.marketplace)
        OrderFactory(order_connection=more)
    assert statements(lambda: client.get(url)) == few <= 18


@pytest.mark.parametrize("page", ["order-connections", "connections", "runs"])
def test_an_empty_page_says_what_it_is_for(client: Client, company: Company, page: str) -> None:
    assert "yet" in page_of(client, f"/companies/{company.pk}/{page}/")


# -- one --------------------------------------------------------------------------------------------


def test_errors_are_grouped_by_cause_with_a_way_to_their_orders(client: Client, pair: OrderConnection) -> None:
    for code in ("product.not_found", "product.not_found", "address.unusable"):
        OrderFactory(order_connection=pair, error_code=code)
    OrderFactory(order_connection=pair, error_code="product.not_found", status="cancelled")
    errors = client.get(url_of(pair)).context["errors"]
    assert [(error["count"], str(error["title"])) for error in errors] == [
        (2, "A product was not found in the shop"),
        (1, "The address cannot be used by the shop"),
    ]
    narrowed = client.get(errors[1]["url"])
    assert [row["error_code"] for row in narrowed.context["orders"]] == ["address.unusable"]
    assert "Only orders of “bol to Webshop” with this error are shown" in narrowed.content.decode()


def test_what_is_read_is_listed_with_its_times(client: Client, pair: OrderConnection) -> None:
    StreamFactory(connection=pair.marketplace, name="orders:FBR", next_run_at=later())
    StreamFactory(connection=pair.shop, name="updates", topic="updates", next_run_at=later())
    assert [stream["name"] for stream in client.get(url_of(pair)).context["streams"]] == ["orders:FBR", "updates"]


def test_the_page_takes_a_constant_number_of_queries(client: Client, pair: OrderConnection, statements: Count) -> None:
    stream = StreamFactory(connection=pair.marketplace)
    client.get(url_of(pair))
    few = statements(lambda: client.get(url_of(pair)))
    for _ in range(6):
        OrderFactory(order_connection=pair, error_code="product.not_found")
        SyncRunFactory(stream=stream)
    assert statements(lambda: client.get(url_of(pair))) == few <= 20


def test_an_order_connection_can_be_paused(client: Client, pair: OrderConnection) -> None:
    page = client.post(url_of(pair, "switch/"), follow=True).content.decode()
    assert "Paused. What was pulled is kept" in page
    with company_scope(pair.company_id):
        assert not OrderConnection.objects.get(pk=pair.pk).is_active


def test_what_forbids_activating_is_said(client: Client, pair: OrderConnection) -> None:
    with company_scope(pair.company_id):
        OrderConnection.objects.filter(pk=pair.pk).update(is_active=False)
        Connection.objects.filter(pk=pair.shop_id).update(state="expired")
    page = client.post(url_of(pair, "switch/"), follow=True).content.decode()
    assert "has to be connected again first" in page


# -- sync now ---------------------------------------------------------------------------------------


@pytest.fixture
def stream(pair: OrderConnection) -> Stream:
    stream: Stream = StreamFactory(connection=pair.marketplace, next_run_at=later())
    return stream


def test_sync_now_makes_both_accounts_due(client: Client, pair: OrderConnection, stream: Stream) -> None:
    other = StreamFactory(connection=pair.shop, name="updates", topic="updates", next_run_at=later())
    page = client.post(url_of(pair, "sync/"), follow=True).content.decode()
    assert "The sync begins now" in page
    with all_companies():
        assert not Stream.objects.filter(pk__in=[stream.pk, other.pk], next_run_at__gt=timezone.now()).exists()


def test_progress_is_shown_while_a_sync_runs_and_its_result_after(
    client: Client, pair: OrderConnection, stream: Stream
) -> None:
    htmx = {"headers": {"HX-Request": "true"}}
    assert "Waiting for its turn" in client.post(url_of(pair, "sync/"), **htmx).content.decode()
    with all_companies():
        Stream.objects.filter(pk=stream.pk).update(next_run_at=later(), lease_until=later())
    assert "Syncing" in page_of(client, url_of(pair, "sync/"), **htmx)
    with all_companies():
        Stream.objects.filter(pk=stream.pk).update(lease_until=None)
    SyncRunFactory(stream=stream, seen=5, new=3, changed=2)
    page = page_of(client, url_of(pair, "sync/"), **htmx)
    assert "Done: 3 new, 2 changed." in page
    assert "<html" not in page
    assert "hx-trigger" not in page  # it has ended: nothing asks any more


def test_a_sync_that_failed_says_why(client: Client, pair: OrderConnection, stream: Stream) -> None:
    SyncRunFactory(stream=stream, outcome="failed", error_code="connector.auth")
    page = page_of(client, url_of(pair, "sync/"), headers={"HX-Request": "true"})
    assert "tone-danger" in page


@pytest.mark.parametrize("obstacle", ["paused", "account", "expired", "slowed", "company"])
def test_what_cannot_be_synced_now_says_why_and_starts_nothing(
    client: Client, company: Company, pair: OrderConnection, stream: Stream, obstacle: str
) -> None:
    with all_companies():
        account = Connection.objects.filter(pk=pair.marketplace_id)
        {
            "paused": lambda: OrderConnection.objects.filter(pk=pair.pk).update(is_active=False),
            "account": lambda: account.update(is_paused=True),
            "expired": lambda: account.update(state="expired"),
            "slowed": lambda: account.update(not_before=later()),
            "company": lambda: Company.objects.filter(pk=company.pk).update(sync_paused_reason="An invoice is open"),
        }[obstacle]()
    page = client.post(url_of(pair, "sync/"), follow=True).content.decode()
    assert "The sync begins now" not in page
    assert 'class="notice tone-warning"' in page
    with all_companies():
        assert Stream.objects.get(pk=stream.pk).next_run_at > timezone.now()


@pytest.mark.parametrize("role", [Role.READ_ONLY, Role.SETUP_ONLY])
def test_who_may_not_sync_is_told_and_refused(company: Company, pair: OrderConnection, role: Role) -> None:
    client = Client()
    client.force_login(member(company, role))
    assert "Your role may not start a sync." in page_of(client, url_of(pair))
    assert client.post(url_of(pair, "sync/")).status_code == 403


# -- accounts ---------------------------------------------------------------------------------------


def test_accounts_tell_their_state_and_error_in_words(client: Client, company: Company, bob: User) -> None:
    ConnectionFactory(company=company, state="expired", error_code="connector.auth", error_detail="401 wrong key")
    url = f"/companies/{company.pk}/connections/"
    page = page_of(client, url)
    assert "Expired" in page
    assert "401 wrong key" in page
    reader = Client()
    reader.force_login(bob)
    assert "401 wrong key" not in page_of(reader, url)


def test_an_account_never_shows_its_credentials(client: Client, company: Company) -> None:
    account = ConnectionFactory(company=company)
    with company_scope(company.pk):
        account.sealed_credentials = account.seal("credentials", {"consumer_key": "ck_secret"})
        account.save()
    page = page_of(client, f"/companies/{company.pk}/connections/")
    assert "secret" not in page
    assert account.sealed_credentials not in page


def test_a_test_order_is_sent_from_the_page(client: Client, pair: OrderConnection) -> None:
    url = f"/companies/{pair.company_id}/order-connections/{pair.pk}/test/"
    wrong = client.post(url, {"product_id": "", "quantity": 0, "unit_price": "x", "country_code": "XX"})
    assert wrong.status_code == 422
    assert wrong.context["test"]["is_open"]
    given = {"product_id": "MUG", "quantity": 2, "unit_price": "5.00", "country_code": "BE"}
    page = client.post(url, given, follow=True).content.decode()
    assert "The test order goes to the shop" in page
    assert "do not ship" in page
    with company_scope(pair.company_id):
        assert Order.objects.get().is_test


def test_only_those_who_run_syncs_are_offered_a_test_order(company: Company, pair: OrderConnection) -> None:
    for role in Role:
        visitor = Client()
        visitor.force_login(member(company, role))
        context = visitor.get(f"/companies/{company.pk}/order-connections/{pair.pk}/").context
        assert (context["test"] is not None) == (Permission.RUN_SYNCS in ALLOWED[role])


# -- one click for all of a cause -----------------------------------------------------------------------


def all_of(client: Client, pair: OrderConnection, error: str, do: str = "resend") -> str:
    url = f"/companies/{pair.company_id}/order-connections/{pair.pk}/handle/"
    return client.post(url, {"error": error, "do": do}, follow=True).content.decode()


def test_all_orders_of_one_cause_are_resent_and_others_are_not(client: Client, pair: OrderConnection) -> None:
    for _ in range(3):
        OrderFactory(order_connection=pair, error_code="product.out_of_stock")
    OrderFactory(order_connection=pair, error_code="address.unusable")
    OrderFactory(order_connection=pair, error_code="product.out_of_stock", status="shipped")
    elsewhere = OrderConnectionFactory(project=pair.project)
    OrderFactory(order_connection=elsewhere, error_code="product.out_of_stock")
    page = client.get(f"/companies/{pair.company_id}/order-connections/{pair.pk}/").content.decode()
    assert "Resend all" in page
    assert "3 orders are handled." in all_of(client, pair, "product.out_of_stock")
    with company_scope(pair.company_id):
        left = Order.objects.exclude(error_code="").values_list("error_code", "order_connection", "status")
        assert sorted(left) == sorted(
            [
                ("address.unusable", pair.pk, "not_shipped"),
                ("product.out_of_stock", pair.pk, "shipped"),
                ("product.out_of_stock", elsewhere.pk, "not_shipped"),
            ]
        )


def test_all_orders_of_one_cause_are_handled_manually(client: Client, pair: OrderConnection) -> None:
    OrderFactory(order_connection=pair, error_code="order.gone")
    assert "1 order is handled." in all_of(client, pair, "order.gone", "handle_manually")
    with company_scope(pair.company_id):
        assert Order.objects.get().status == "manual"


@pytest.mark.parametrize(("error", "do"), [("", "resend"), ("product.out_of_stock", "delete"), ("nothing", "resend")])
def test_what_makes_no_sense_changes_nothing(client: Client, pair: OrderConnection, error: str, do: str) -> None:
    OrderFactory(order_connection=pair)
    OrderFactory(order_connection=pair, error_code="product.out_of_stock")
    all_of(client, pair, error, do)
    with company_scope(pair.company_id):
        assert Order.objects.filter(error_code="product.out_of_stock", status="not_shipped").count() == 1


def test_a_paused_order_connection_resends_nothing(client: Client, pair: OrderConnection) -> None:
    OrderFactory(order_connection=pair, error_code="product.out_of_stock")
    with company_scope(pair.company_id):
        OrderConnection.objects.filter(pk=pair.pk).update(is_active=False)
    assert "activate it first" in all_of(client, pair, "product.out_of_stock")


def test_a_reader_is_offered_nothing_for_all(bob: User, pair: OrderConnection) -> None:
    OrderFactory(order_connection=pair, error_code="product.out_of_stock")
    visitor = Client()
    visitor.force_login(bob)
    page = visitor.get(f"/companies/{pair.company_id}/order-connections/{pair.pk}/").content.decode()
    assert "Resend all" not in page
