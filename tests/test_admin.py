"""The admin looks over all companies: who may, what it shows, what it costs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from channable.tenants.admin_site import over_all_companies
from channable.tenants.models import ApiToken, Company, User
from channable.tenants.scope import all_companies, company_scope
from connections.models import Exchange, Heartbeat
from orders.models import Cancellation, Order, OrderEvent, ReturnDecision, Shipment, ShopNotice, SyncedOrder
from tests import factories

pytestmark = pytest.mark.django_db

SECRET = "planted-secret-8c1f"
MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
OWNED = [model for model in MODELS if "company" in {field.name for field in model._meta.get_fields()}]


def address(model: type, page: str = "changelist", *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


@pytest.fixture
def staff_client() -> Callable[..., Client]:
    def sign_in(**fields: Any) -> Client:
        client = Client()
        client.force_login(factories.UserFactory(**fields))
        return client

    return sign_in


@pytest.fixture
def root(staff_client: Callable[..., Client]) -> Client:
    return staff_client(email="root@example.com", is_staff=True, is_superuser=True)


def everything_of_a_company() -> Company:
    """A row in every table of ours, with a secret wherever one is kept."""
    order = factories.OrderFactory(error_code="product_not_found", shop_number="S-1")
    company, account = order.company, order.connection
    factories.member(company, "owner")
    stream = factories.StreamFactory(connection=account)
    factories.SyncRunFactory(stream=stream)
    factories.RefusedRecordFactory(connection=account)
    factories.OutboxMessageFactory(connection=order.shop)
    factories.ProductLinkFactory(shop=order.shop)
    factories.FindingFactory(order=order)
    factories.TransporterRuleFactory(project=order.project)
    ApiToken.issue(company, label="robot")
    with company_scope(company.pk):
        account.sealed_credentials = account.seal("credentials", {"secret": SECRET})
        account.sealed_token = account.seal("token", {"token": SECRET})
        account.save()
        owned = {"company": company, "order": order}
        Shipment.objects.create(**owned, number=1, source_ref="p1", shipped_at=timezone.now(), tracking_code="3S1")
        Cancellation.objects.create(**owned, number=1, source_ref="c1")
        ShopNotice.objects.create(**owned, number=1, source_ref="n1", kind="cancelled", text="Do not ship.")
        factories.AttachmentFactory(order=order)
        ReturnDecision.objects.create(
            **owned,
            number=1,
            source_ref="r1",
            returned=factories.ReturnFactory(order=order),
            verdict="accepted",
            quantity=1,
        )
        OrderEvent.objects.create(**owned, code="received", message="Received from bol.", occurred_at=timezone.now())
        SyncedOrder.objects.create(
            company=company, connection_id=account.pk, order_id=order.pk, first_synced_at=timezone.now()
        )
        Exchange.objects.create(
            company=company, connection_id=account.pk, started_at=timezone.now(), duration_ms=3, method="POST", url="/x"
        )
    return company


@pytest.fixture
def two_companies() -> tuple[Company, Company]:
    Heartbeat.objects.create(beat_at=timezone.now())
    every_minute = IntervalSchedule.objects.create(every=60, period="seconds")
    PeriodicTask.objects.create(name="Dispatch", task="connections.tasks.dispatch_due", interval=every_minute)
    person = factories.UserFactory()
    Authenticator.objects.create(user=person, type="totp", data={"secret": SECRET})
    return everything_of_a_company(), everything_of_a_company()


# -- who may enter ------------------------------------------------------------------------------------


def test_a_visitor_is_sent_to_our_own_log_in() -> None:
    answer = Client().get("/admin/", follow=True)
    assert answer.redirect_chain[-1][0].startswith(reverse("account_login"))


def test_the_admin_has_no_log_in_of_its_own() -> None:
    answer = Client().post("/admin/login/", {"username": "root@example.com", "password": "correct horse battery"})
    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_a_member_is_refused_everywhere(model: type, staff_client: Callable[..., Client]) -> None:
    answer = staff_client().get(address(model), follow=True)
    assert answer.status_code == 403


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_staff_without_rights_are_refused_everywhere(model: type, staff_client: Callable[..., Client]) -> None:
    assert staff_client(is_staff=True).get(address(model)).status_code == 403


def test_staff_may_not_lift_themselves_to_superusers(staff_client: Callable[..., Client]) -> None:
    from django.contrib.auth.models import Permission

    person = factories.UserFactory(is_staff=True)
    person.user_permissions.add(*Permission.objects.filter(codename__in=["change_user", "view_user"]))
    client = Client()
    client.force_login(person)
    form = {"email": person.email, "name": "New name", "time_zone": "UTC", "is_superuser": "on"}
    assert client.post(address(User, "change", person.pk), form).status_code == 302
    person.refresh_from_db()
    assert (person.name, person.is_superuser) == ("New name", False)


def test_staff_may_not_touch_a_superuser(staff_client: Callable[..., Client]) -> None:
    from django.contrib.auth.models import Permission

    person, boss = factories.UserFactory(is_staff=True), factories.UserFactory(is_superuser=True, name="Boss")
    person.user_permissions.add(*Permission.objects.filter(codename__in=["change_user", "view_user"]))
    client = Client()
    client.force_login(person)
    assert client.post(address(User, "change", boss.pk), {"name": "Mine"}).status_code == 403
    assert client.get(f"/admin/tenants/user/{boss.pk}/password/").status_code == 403


# -- what it shows ------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_every_list_and_page_opens_over_all_companies_without_a_secret(
    model: Any, root: Client, two_companies: tuple[Company, Company]
) -> None:
    listed = root.get(address(model))
    assert listed.status_code == 200
    with all_companies():
        rows = list(model._default_manager.all()[:5])
    pages = [listed, *(root.get(address(model, "change", row.pk)) for row in rows)]
    assert all(page.status_code == 200 for page in pages)
    with all_companies():
        accounts = [row for c in two_companies for row in factories.Connection.objects.filter(company=c)]
    kept = [SECRET, *(a.sealed_credentials for a in accounts), *(a.sealed_token for a in accounts)]
    kept += ApiToken.objects.values_list("hash", flat=True)
    for page in pages:
        html = page.content.decode()
        assert not [secret for secret in kept if secret and secret in html]


@pytest.mark.parametrize("model", OWNED, ids=lambda model: model._meta.label)
def test_rows_of_both_companies_are_listed(model: Any, root: Client, two_companies: tuple[Company, Company]) -> None:
    html = root.get(address(model)).content.decode()
    assert all(company.name in html for company in two_companies)


def test_an_order_shows_its_items_and_its_history_and_cannot_be_changed(
    root: Client, two_companies: tuple[Company, Company]
) -> None:
    with all_companies():
        order = Order.objects.first()
    page = address(Order, "change", order.pk)
    html = root.get(page).content.decode()
    assert "Received from bol." in html and "MUG" in html and "3S1" in html
    assert root.post(page, {"number": "stolen"}).status_code == 403
    assert root.post(address(Order, "delete", order.pk), {"post": "yes"}).status_code == 403
    assert root.get(address(Order, "add")).status_code == 403


def test_the_credentials_of_a_connection_cannot_be_overwritten(
    root: Client, two_companies: tuple[Company, Company]
) -> None:
    with all_companies():
        account = factories.Connection.objects.exclude(sealed_credentials="").first()
    form = {"label": "Renamed", "is_paused": "on", "sealed_credentials": "x", "kind": "x", "account_id": "x"}
    assert root.post(address(type(account), "change", account.pk), form).status_code == 302
    with all_companies():
        changed = type(account).objects.get(pk=account.pk)
    assert (changed.label, changed.is_paused) == ("Renamed", True)
    assert changed.sealed_credentials == account.sealed_credentials
    assert (changed.kind, changed.account_id) == (account.kind, account.account_id)


def test_a_token_is_revoked_from_the_list(root: Client, two_companies: tuple[Company, Company]) -> None:
    token = ApiToken.objects.first()
    root.post(address(ApiToken), {"action": "revoke", "_selected_action": [token.pk]})
    assert [t.pk for t in ApiToken.objects.exclude(revoked_at=None)] == [token.pk]


def test_streams_are_made_due_from_the_list(root: Client) -> None:
    later = timezone.now() + timedelta(hours=1)
    stream = factories.StreamFactory(next_run_at=later)
    root.post(address(type(stream)), {"action": "run_now", "_selected_action": [stream.pk]})
    with all_companies():
        assert type(stream).objects.get(pk=stream.pk).next_run_at < later


def test_a_periodic_task_can_be_slowed_down(root: Client, two_companies: tuple[Company, Company]) -> None:
    task = PeriodicTask.objects.get(name="Dispatch")
    slow = IntervalSchedule.objects.create(every=90, period="seconds")
    form = {
        "name": task.name, "regtask": "", "task": task.task, "interval": slow.pk, "args": "[]", "kwargs": "{}",
        "headers": "{}", "enabled": "on",
    }  # fmt: skip
    assert root.post(address(PeriodicTask, "change", task.pk), form).status_code == 302
    task.refresh_from_db()
    assert task.interval_id == slow.pk


# -- finding ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["number", "shop_number", "pk"])
def test_an_order_is_found_by_its_whole_number(field: str, root: Client) -> None:
    wanted = factories.OrderFactory(number="C0001", shop_number="WC-77")
    factories.OrderFactory(number="C00012", shop_number="WC-777")
    found = root.get(address(Order), {"q": getattr(wanted, field)}).context["cl"].result_list
    assert [order.pk for order in found] == [wanted.pk]


@pytest.mark.parametrize("query", ["C000", "' OR 1=1 --", "9" * 40, "٣"])
def test_a_search_for_anything_else_finds_nothing(query: str, root: Client) -> None:
    factories.OrderFactory(number="C0001")
    assert not root.get(address(Order), {"q": query}).context["cl"].result_list


def test_orders_are_filtered_by_company_status_system_and_error(root: Client) -> None:
    wanted = factories.OrderFactory(status="waiting", error_code="product_not_found")
    factories.OrderFactory()
    for query in (
        {"company": wanted.company_id},
        {"status__exact": "waiting"},
        {"connection": wanted.connection_id},
        {"error": "any"},
        {"error": "product_not_found"},
        {"company": wanted.company_id, "error": "any"},
    ):
        found = root.get(address(Order), query).context["cl"].result_list
        assert [order.pk for order in found] == [wanted.pk], query


def test_orders_are_filtered_by_the_system_they_come_from(root: Client) -> None:
    pair = factories.OrderConnectionFactory()
    here = factories.OrderFactory(
        order_connection=pair, connection=factories.ConnectionFactory(company=pair.company, kind="vendure")
    )
    factories.OrderFactory()
    found = root.get(address(Order), {"kind": "vendure"}).context["cl"].result_list
    assert [order.pk for order in found] == [here.pk]


def test_a_filter_keeps_the_others(root: Client) -> None:
    html = root.get(address(Order), {"status__exact": "waiting"}).content.decode()
    assert '<input type="hidden" name="status__exact" value="waiting">' in html


@pytest.mark.parametrize("value", ["abc", "9" * 40, "-1", "' OR 1=1"])
def test_a_company_number_that_is_none_finds_nothing(value: str, root: Client) -> None:
    factories.OrderFactory()
    assert not root.get(address(Order), {"company": value}).context["cl"].result_list


# -- what it costs ------------------------------------------------------------------------------------


def test_the_list_of_orders_costs_the_same_whatever_is_in_it(root: Client) -> None:
    for _ in range(2):
        factories.OrderFactory()
    root.get(address(Order))  # content types are remembered
    with CaptureQueriesContext(connection) as few:
        root.get(address(Order))
    for _ in range(8):
        factories.OrderFactory()
    with CaptureQueriesContext(connection) as many:
        root.get(address(Order))
    assert len(many) == len(few) <= 12


@pytest.mark.parametrize(
    "query", [{}, {"status__exact": "waiting"}, {"company": "1"}, {"q": "C1"}, {"_facets": "True"}]
)
def test_orders_are_never_counted_without_a_bound(query: dict[str, str], root: Client) -> None:
    factories.OrderFactory()
    with CaptureQueriesContext(connection) as queries:
        assert root.get(address(Order), query).status_code in (200, 302)
    for statement in (entry["sql"] for entry in queries if "orders_order" in entry["sql"]):
        assert "DISTINCT" not in statement
        assert "COUNT(" not in statement or "LIMIT 10000)" in statement, statement


def test_an_order_of_a_thousand_items_opens_with_its_newest(root: Client) -> None:
    order = factories.OrderFactory()
    with company_scope(order.company_id):
        item = factories.OrderItem
        item.objects.bulk_create(
            item(company=order.company, order=order, external_id=f"l{n}", product_id="P", quantity=1, unit_price=1)
            for n in range(1000)
        )
    answer = root.get(address(Order, "change", order.pk))
    inlines = {inline.opts.model: len(inline.formset.forms) for inline in answer.context["inline_admin_formsets"]}
    assert inlines[item] == 200


# -- the walls ----------------------------------------------------------------------------------------


def boom(request: Any) -> Any:
    Company.objects.create(name="half made")
    raise RuntimeError("in the middle")


@pytest.mark.django_db(transaction=True)
def test_a_failing_view_leaves_nothing_behind_and_gives_the_role_back() -> None:
    with pytest.raises(RuntimeError):
        over_all_companies(boom)(None)
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == ("channable_app",)
    with all_companies():
        assert not Company.objects.filter(name="half made").exists()


def test_the_model_of_every_owned_table_is_in_the_admin_or_part_of_an_order() -> None:
    from django.apps import apps

    inside_an_order = {"orders.Address", "orders.OrderPayload", "orders.OrderItem", "orders.ItemPart",
                       "orders.Shipment", "orders.Cancellation", "orders.ShopNotice", "orders.OrderEvent",
                       "orders.Attachment", "orders.ReturnDecision"}  # fmt: skip
    ours = {m._meta.label for m in apps.get_models() if m._meta.app_label in ("tenants", "connections", "orders")}
    assert ours - inside_an_order == {m._meta.label for m in MODELS} & ours
