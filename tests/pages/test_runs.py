"""Sync runs: the list in pages, and one with its counts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from channable.tenants.models import Company
from connections.models import OrderConnection, Stream
from orders.paging import PAGE_SIZE
from tests.factories import ConnectionFactory, OrderEventFactory, OrderFactory, StreamFactory, SyncRunFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def stream(pair: OrderConnection) -> Stream:
    stream: Stream = StreamFactory(connection=pair.marketplace)
    return stream


def ids(context: Any) -> list[str]:
    return [run["url"] for run in context["runs"]]


def test_pages_hold_every_run_once_even_when_ids_and_times_disagree(
    client: Client, company: Company, stream: Stream
) -> None:
    now = timezone.now()
    for number in range(PAGE_SIZE + 9):
        SyncRunFactory(stream=stream, started_at=now - timedelta(minutes=number * 7 % 20))
    first = client.get(f"/companies/{company.pk}/runs/").context
    second = client.get(first["page"]["older_url"]).context
    seen = ids(first) + ids(second)
    assert len(seen) == len(set(seen)) == PAGE_SIZE + 9
    assert second["page"]["older_url"] is None or ids(client.get(second["page"]["older_url"]).context) == []
    assert ids(client.get(second["page"]["newer_url"]).context) == ids(first)


def test_tabs_and_an_order_connection_narrow_the_list(
    client: Client, company: Company, pair: OrderConnection, stream: Stream
) -> None:
    failed = SyncRunFactory(stream=stream, outcome="failed", error_code="internal")
    fine = SyncRunFactory(stream=stream)
    SyncRunFactory(stream=StreamFactory(connection=ConnectionFactory(company=company)))
    url = f"/companies/{company.pk}/runs/"
    assert len(ids(client.get(url).context)) == 3
    assert ids(client.get(url, {"tab": "failed"}).context) == [f"{url}{failed.pk}/"]
    assert set(ids(client.get(url, {"pair": pair.pk}).context)) == {f"{url}{failed.pk}/", f"{url}{fine.pk}/"}


@pytest.mark.parametrize("query", ["pair=²", "pair=x", "pair=" + "9" * 40, "at=nonsense", "tab=nothing", "at=%00"])
def test_a_query_that_makes_no_sense_is_ignored(client: Client, company: Company, stream: Stream, query: str) -> None:
    SyncRunFactory(stream=stream)
    assert len(ids(client.get(f"/companies/{company.pk}/runs/?{query}").context)) == 1


def test_the_counts_of_a_run_balance_on_its_page(client: Client, company: Company, stream: Stream) -> None:
    run = SyncRunFactory(stream=stream, seen=21, new=1, changed=2, same=3, passed_over=5, refused=10)
    shown = client.get(f"/companies/{company.pk}/runs/{run.pk}/").context["run"]
    assert shown["seen"] == sum(shown[name] for name in ("new", "changed", "same", "passed_over", "refused"))


def test_a_run_tells_what_it_did_to_which_order(client: Client, pair: OrderConnection, stream: Stream) -> None:
    run = SyncRunFactory(stream=stream)
    order = OrderFactory(order_connection=pair, number="C1")
    OrderEventFactory(order=order, run_id=run.pk, message="Received from bol.", recorded_at=run.started_at)
    OrderEventFactory(order=order, message="Something else.")
    page = client.get(f"/companies/{pair.company_id}/runs/{run.pk}/").content.decode()
    assert "C1: Received from bol." in page
    assert "Something else." not in page


def test_a_run_that_failed_says_why(client: Client, company: Company, stream: Stream) -> None:
    run = SyncRunFactory(stream=stream, outcome="failed", error_code="connector.auth", error_detail="401")
    page = client.get(f"/companies/{company.pk}/runs/{run.pk}/").content.decode()
    assert "What to do" in page
