"""Accounts: tested before they are stored, sealed, renewed and never doubled."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection as database

from channable.core.keyring import SealBroken
from channable.tenants.models import Company
from channable.tenants.scope import company_scope
from connections.accounts import MissingField, UnknownKind, connect_account
from connections.connectors.base import Token
from connections.connectors.errors import AuthError
from connections.models import Connection, Stream
from connections.tokens import SharedTokens
from orders.services.orphans import delete_account
from tests.factories import CompanyFactory, ConnectionFactory
from tests.simulators.bol import BolSimulator
from tests.world import connect

pytestmark = pytest.mark.django_db(transaction=True)
PLANTED = "planted-secret-9f8e7d6c5b4a"


@pytest.fixture
def bol() -> Iterator[BolSimulator]:
    simulator = BolSimulator()
    simulator.client_secret = PLANTED
    with simulator.served():
        yield simulator


def test_an_account_is_known_by_what_the_remote_says(company: Company, bol: BolSimulator) -> None:
    account = connect(company, bol)
    assert (account.account_id, account.account_name) == (bol.retailer_id, "Demo seller")
    with company_scope(company.pk):
        found = set(Stream.objects.values_list("name", "is_active"))
        assert found == {(f"{topic}:{method}", False) for topic in ("orders", "returns") for method in ("FBR", "FBB")}


def test_wrong_credentials_leave_nothing_behind(company: Company, bol: BolSimulator) -> None:
    given = {"client_id": bol.client_id, "client_secret": "wrong-secret"}
    with pytest.raises(AuthError) as caught:
        connect_account(company=company, kind="bol", label="bol", credentials=given, options=bol.settings)
    assert "wrong-secret" not in str(caught.value)
    with company_scope(company.pk):
        assert not Connection.objects.exists()


def test_what_is_missing_or_unknown_is_named(company: Company) -> None:
    with pytest.raises(MissingField, match="Client secret"):
        connect_account(company=company, kind="bol", label="bol", credentials={"client_id": "1"})
    with pytest.raises(UnknownKind, match="known are"):
        connect_account(company=company, kind="nosuch", label="x", credentials={})


def test_the_same_account_is_renewed_also_after_it_was_deleted(company: Company, bol: BolSimulator) -> None:
    first = connect(company, bol)
    with company_scope(company.pk):
        delete_account(Connection.objects.get(pk=first.pk))
        assert Connection.objects.get(pk=first.pk).sealed_credentials == ""
    again = connect(company, bol)
    assert again.pk == first.pk
    with company_scope(company.pk):
        assert Connection.objects.get().deleted_at is None


def test_the_same_account_in_two_companies_is_two(company: Company, bol: BolSimulator) -> None:
    mine, theirs = connect(company, bol), connect(CompanyFactory(), bol)
    assert mine.pk != theirs.pk


def test_a_dump_of_the_database_holds_no_secret(company: Company, bol: BolSimulator) -> None:
    account = connect(company, bol)
    SharedTokens(account).renew(lambda: Token("planted-token-1a2b3c", datetime.now(UTC) + timedelta(minutes=5)))
    owner = settings.DATABASE_OWNER_URL.replace("/channable?", f"/{settings.DATABASES['default']['NAME']}?")
    with psycopg.connect(owner) as server:
        tables = server.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        dump = "\n".join(
            str(row)
            for (table,) in tables
            for row in server.execute(f'SELECT t::text FROM "{table}" AS t')  # type: ignore[arg-type]  # noqa: S608
        )
    assert "Demo seller" in dump  # it is the whole of it
    assert PLANTED not in dump
    assert "planted-token" not in dump


def test_a_sealed_value_moved_to_another_row_is_refused(company: Company, bol: BolSimulator) -> None:
    account = connect(company, bol)
    other = ConnectionFactory(company=company, kind="bol")
    with company_scope(company.pk):
        other.sealed_credentials = account.sealed_credentials
        with pytest.raises(SealBroken):
            other.unseal("credentials")


def test_no_secret_is_in_a_repr(company: Company, bol: BolSimulator) -> None:
    account = connect(company, bol)
    assert PLANTED not in f"{account!r} {account} {vars(account)}"


def test_workers_renew_a_token_once_between_them(company: Company, bol: BolSimulator) -> None:
    account = connect(company, bol)
    requests: list[int] = []
    tokens: list[Token] = []
    barrier = Barrier(4)

    def request() -> Token:
        requests.append(1)
        return Token("fresh", datetime.now(UTC) + timedelta(minutes=5))

    def renew() -> None:
        barrier.wait()
        try:
            tokens.append(SharedTokens(account).renew(request))
        finally:
            database.close()

    threads = [Thread(target=renew) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(requests) == 1
    assert {token.value for token in tokens} == {"fresh"}


def test_a_token_that_is_nearly_over_is_not_handed_out(company: Company, bol: BolSimulator) -> None:
    tokens = SharedTokens(connect(company, bol))
    tokens.renew(lambda: Token("old", datetime.now(UTC) + timedelta(seconds=30)))
    assert tokens.current() is None


def test_a_failed_renewal_frees_the_lease(company: Company, bol: BolSimulator) -> None:
    tokens = SharedTokens(connect(company, bol))

    def refused() -> Token:
        raise AuthError("no")

    with pytest.raises(AuthError):
        tokens.renew(refused)
    fresh: Any = Token("fresh", datetime.now(UTC) + timedelta(minutes=5))
    assert tokens.renew(lambda: fresh) == fresh
