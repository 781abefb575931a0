"""create_company, create_api_token."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.management import CommandError

from channable.tenants.models import ApiToken, Membership, Project, User
from channable.tenants.scope import company_scope
from tests import factories


def test_a_company_is_made_with_its_owner_and_a_project(run: Any) -> None:
    made = run("create_company", "--name", "Mugs BV", "--owner-email", "Owner@Example.com")
    member = Membership.objects.get(company_id=made["company"])
    assert (member.user.email, member.role) == ("owner@example.com", "owner")
    assert not member.user.has_usable_password()
    with company_scope(made["company"]):
        assert Project.objects.get().pk == made["project"]


def test_a_new_owner_has_the_password_from_stdin_and_a_confirmed_address(run: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n"))
    run("create_company", "--name", "Mugs BV", "--owner-email", "owner@example.com", "--password-stdin")
    owner = User.objects.get()
    assert owner.check_password("correct horse battery")
    assert owner.emailaddress_set.get().verified


def test_somebody_known_becomes_the_owner_of_another_company(run: Any) -> None:
    person = factories.UserFactory(email="agency@example.com")
    made = run("create_company", "--name", "Client", "--owner-email", "Agency@example.com")
    assert (made["user"], made["user_is_new"]) == (person.pk, False)


@pytest.mark.parametrize(
    ("given", "password", "said"),
    [
        (("", "owner@example.com"), None, "1 to 200"),
        (("x" * 201, "owner@example.com"), None, "1 to 200"),
        (("Mugs", "not an address"), None, "valid email"),
        (("Mugs", "owner@example.com"), "short", "too short"),
        (("Mugs", "known@example.com"), "correct horse battery", "has an account already"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_left(
    run: Any, monkeypatch: Any, given: tuple[str, str], password: str | None, said: str
) -> None:
    factories.UserFactory(email="known@example.com")
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
    more = ["--password-stdin"] if password else []
    answer = run("create_company", "--name", given[0], "--owner-email", given[1], *more)
    assert said in answer["error"]
    assert User.objects.count() == 1 and not Membership.objects.exists()


def test_a_token_is_shown_once_and_kept_as_a_hash(run: Any) -> None:
    company = factories.CompanyFactory()
    made = run("create_api_token", "--company", company.pk, "--label", "ERP")
    token = ApiToken.objects.get()
    assert token.hash == ApiToken.hash_of(made["token"])
    assert (token.pk, token.label, token.company_id) == (made["id"], "ERP", company.pk)


def test_a_third_token_is_refused(run: Any) -> None:
    company = factories.CompanyFactory()
    ApiToken.issue(company), ApiToken.issue(company)
    assert "Two tokens are valid already" in run("create_api_token", "--company", company.pk)["error"]


def test_an_unknown_company_is_named(run: Any) -> None:
    assert run("create_api_token", "--company", 999_999) == {"error": "There is no company 999999."}


def test_a_person_is_told_in_a_sentence(say: Any) -> None:
    with pytest.raises(CommandError, match="There is no company 999999"):
        say("create_api_token", "--company", 999_999)
    assert say("create_api_token", "--company", factories.CompanyFactory().pk).startswith("cos_")
