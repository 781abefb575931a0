from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from playwright.sync_api import Browser, Page, Playwright

from channable.tenants.models import Company, User
from channable.tenants.roles import Role
from connections.models import OrderConnection
from tests.factories import (
    CompanyFactory,
    OrderConnectionFactory,
    OrderEventFactory,
    OrderFactory,
    ProjectFactory,
    RefusedRecordFactory,
    StreamFactory,
    SyncRunFactory,
    member,
)
from tests.pages.browser import CHROMIUM


@pytest.fixture
def pair(company: Company) -> OrderConnection:
    pair: OrderConnection = OrderConnectionFactory(project=ProjectFactory(company=company), name="bol to Webshop")
    return pair


@pytest.fixture
def client(alice: User) -> Client:
    """Alice's browser; she owns the company."""
    client = Client()
    client.force_login(alice)
    return client


@pytest.fixture
def statements() -> Callable[[Callable[[], object]], int]:
    def count(visit: Callable[[], object]) -> int:
        with CaptureQueriesContext(database) as captured:
            visit()
        return len(captured)

    return count


# -- a real browser ---------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
    yield browser
    browser.close()


@pytest.fixture
def open_page(chromium: Browser, live_server: Any) -> Iterator[Callable[..., Page]]:
    """A page in a context of its own; what the browser complained about fails the test."""
    contexts, complaints = [], []

    def make(*, expects: tuple[str, ...] = (), **options: Any) -> Page:
        """`expects`: parts of complaints that belong to the test."""

        def complain(text: str) -> None:
            if not any(part in text for part in expects):
                complaints.append(text)

        context = chromium.new_context(base_url=live_server.url, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complain(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complain(str(error)))
        return page

    yield make
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def filled(transactional_db: None) -> dict[str, str]:
    """A company with something on each page; the addresses of these pages. Alice owns it."""
    company = CompanyFactory(name="Bakkerij De Vries")
    member(company, Role.OWNER, email="alice@example.com")
    pair: OrderConnection = OrderConnectionFactory(project=ProjectFactory(company=company))
    order = OrderFactory(order_connection=pair, shop_number="W-1", shop_order_id="1")
    OrderEventFactory(order=order)
    broken = OrderFactory(order_connection=pair, error_code="product.not_found", error_detail="SKU MUG")
    for status in ("waiting", "processing", "shipped", "cancelled", "cancellation_request"):
        OrderFactory(order_connection=pair, status=status)
    RefusedRecordFactory(connection=pair.marketplace)
    later = timezone.now() + timedelta(minutes=4)
    run = SyncRunFactory(stream=StreamFactory(connection=pair.marketplace, outcomes="dddfdl", next_run_at=later))
    base = f"/companies/{company.pk}"
    return {
        "list": f"{base}/orders/",
        "order": f"{base}/orders/{order.pk}/",
        "problem": f"{base}/orders/{broken.pk}/",
        "ship": f"{base}/orders/{order.pk}/?do=ship",
        "cancel": f"{base}/orders/{order.pk}/?do=cancel",
        "unreadable": f"{base}/orders/unreadable/",
        "order connections": f"{base}/order-connections/",
        "order connection": f"{base}/order-connections/{pair.pk}/",
        "connections": f"{base}/connections/",
        "runs": f"{base}/runs/",
        "run": f"{base}/runs/{run.pk}/",
    }
