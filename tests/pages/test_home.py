"""The way in, and what is said to those who can't go further."""

from __future__ import annotations

import pytest
from django.test import Client

from channable.tenants.models import Company, Membership, User
from channable.tenants.roles import Role
from tests.factories import CompanyFactory, UserFactory

pytestmark = pytest.mark.django_db


def test_a_visitor_sees_what_this_is_and_can_sign_in() -> None:
    page = Client().get("/").content.decode()
    assert "Your marketplace orders in your own shop" in page
    assert "/accounts/login/" in page
    assert "/accounts/signup/" in page


def test_home_leads_to_the_orders_of_the_only_company(client: Client, company: Company) -> None:
    assert client.get("/").headers["Location"] == f"/companies/{company.pk}/orders/"


def test_home_leads_to_the_company_one_worked_in_last(client: Client, company: Company, alice: User) -> None:
    other = CompanyFactory(name="Second shop")
    Membership.objects.create(company=other, user=alice, role=Role.READ_ONLY)
    assert client.get("/").headers["Location"] == f"/companies/{company.pk}/orders/"
    page = client.get(f"/companies/{other.pk}/orders/").content.decode()
    assert company.name in page  # the switcher
    assert client.get("/").headers["Location"] == f"/companies/{other.pk}/orders/"


def test_home_forgets_a_company_one_has_left(client: Client, company: Company, alice: User) -> None:
    other = CompanyFactory()
    membership = Membership.objects.create(company=other, user=alice, role=Role.OWNER)
    client.get(f"/companies/{other.pk}/orders/")
    membership.delete()
    assert client.get("/").headers["Location"] == f"/companies/{company.pk}/orders/"


def test_somebody_without_a_company_is_told_what_to_do() -> None:
    client = Client()
    client.force_login(UserFactory())
    response = client.get("/")
    assert response.status_code == 200
    assert "You belong to no company yet" in response.content.decode()


def test_an_expired_session_reloads_the_page_instead_of_putting_the_log_in_into_a_list(company: Company) -> None:
    response = Client().get(f"/companies/{company.pk}/orders/", headers={"HX-Request": "true"})
    assert (response.status_code, response.headers["HX-Refresh"]) == (401, "true")


def test_pages_of_a_company_are_never_stored_by_a_browser(client: Client, company: Company) -> None:
    response = client.get(f"/companies/{company.pk}/orders/")
    assert {"private", "no-store"} <= set(response.headers["Cache-Control"].replace(" ", "").split(","))


@pytest.mark.parametrize("company_id", ["0", "999999", "9" * 30, "9" * 5000])
def test_a_company_that_cannot_be_is_not_found(client: Client, company_id: str) -> None:
    response = client.get(f"/companies/{company_id}/orders/")
    assert response.status_code == 404
    assert "This page does not exist" in response.content.decode()


def test_a_form_without_its_token_says_so_kindly(alice: User, company: Company) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    response = client.post(f"/companies/{company.pk}/orders/1/resend/")
    assert response.status_code == 403
    assert "This page was open too long" in response.content.decode()
