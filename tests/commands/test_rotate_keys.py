"""rotate_keys: every secret under the newest key, while syncs run."""

from __future__ import annotations

import base64
import threading
from typing import Any

import pytest
from django.db import connection as database

from channable.core.keyring import KeyRing
from channable.tenants.scope import all_companies, company_scope
from connections.management.commands import rotate_keys
from connections.models import Connection
from tests import factories

OLD = {"old": base64.b64encode(b"o" * 32).decode()}
NEW = {"new": base64.b64encode(b"n" * 32).decode()}


@pytest.fixture
def old_accounts(settings: Any, transactional_db: None) -> list[Connection]:
    """Three accounts of two companies, sealed with the old key; afterwards the new one is first."""
    settings.CREDENTIAL_KEYS = OLD
    company = factories.CompanyFactory()
    rows = [factories.ConnectionFactory(company=company) for _ in range(2)] + [factories.ConnectionFactory()]
    for row in rows:
        sealed(row)
    settings.CREDENTIAL_KEYS = NEW | OLD
    return rows


def sealed(row: Connection) -> None:
    with company_scope(row.company_id):
        row.sealed_credentials = row.seal("credentials", {"secret": f"secret of {row.pk}"})
        row.sealed_token = row.seal("token", {"value": f"token of {row.pk}"})
        row.save()


def stored() -> list[Connection]:
    with all_companies():
        return list(Connection.objects.order_by("pk"))


def test_every_secret_is_sealed_with_the_newest_key(run: Any, settings: Any, old_accounts: list[Connection]) -> None:
    assert run("rotate_keys") == {"resealed": 3, "key": "new"}
    settings.CREDENTIAL_KEYS = NEW  # the old key is taken away
    for row in stored():
        assert row.unseal("credentials") == {"secret": f"secret of {row.pk}"}
        assert row.unseal("token") == {"value": f"token of {row.pk}"}


def test_a_second_time_there_is_nothing_to_do(run: Any, old_accounts: list[Connection]) -> None:
    run("rotate_keys")
    assert run("rotate_keys")["resealed"] == 0


def test_more_than_a_batch_is_done(run: Any, old_accounts: list[Connection], monkeypatch: Any) -> None:
    monkeypatch.setattr(rotate_keys, "BATCH", 1)
    assert run("rotate_keys")["resealed"] == 3


def test_what_no_key_opens_is_named_and_left_and_the_others_are_done(
    run: Any, settings: Any, old_accounts: list[Connection]
) -> None:
    settings.CREDENTIAL_KEYS = {"lost": base64.b64encode(b"l" * 32).decode()}
    sealed(old_accounts[1])
    settings.CREDENTIAL_KEYS = NEW | OLD
    before = stored()[1].sealed_credentials
    answer = run("rotate_keys")
    assert (answer["resealed"], answer["unreadable"]) == (2, [old_accounts[1].pk])
    assert stored()[1].sealed_credentials == before


def test_a_token_that_no_key_opens_is_dropped(run: Any, settings: Any, old_accounts: list[Connection]) -> None:
    row = old_accounts[0]
    with company_scope(row.company_id):
        lost = KeyRing({"lost": base64.b64encode(b"l" * 32).decode()})
        Connection.objects.filter(pk=row.pk).update(sealed_token=lost.seal(b"{}", context="x"))
    assert run("rotate_keys")["resealed"] == 3
    assert stored()[0].unseal("token") == {}


def test_credentials_renewed_meanwhile_are_kept(run: Any, old_accounts: list[Connection]) -> None:
    """Another process holds the row and writes new credentials while the rotation waits for it."""
    row, holding, done = old_accounts[0], threading.Event(), threading.Event()

    def renew() -> None:
        with company_scope(row.company_id):
            mine = Connection.objects.select_for_update().get(pk=row.pk)
            holding.set()
            done.wait(0.3)
            mine.sealed_credentials = mine.seal("credentials", {"secret": "renewed"})
            mine.save()
        database.close()

    other = threading.Thread(target=renew)
    other.start()
    holding.wait(5)
    run("rotate_keys")
    other.join()
    assert stored()[0].unseal("credentials") == {"secret": "renewed"}
