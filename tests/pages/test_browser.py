"""The pages in a real browser: they work, nobody is shut out, nothing breaks the content policy."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core import mail
from django.utils import timezone
from playwright.sync_api import Browser, Page

from channable.tenants.models import Membership
from channable.tenants.roles import Role
from channable.tenants.scope import all_companies
from connections.models import OrderConnection, Stream
from orders.models import Order
from orders.paging import PAGE_SIZE
from tests.factories import (
    OrderFactory,
    SyncRunFactory,
)
from tests.pages.browser import CHROMIUM, PASSWORD, sign_in

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: apt install chromium"),
]


def test_signing_up_makes_a_person_and_a_company(open_page: Callable[..., Page], transactional_db: None) -> None:
    page = open_page()
    page.goto("/accounts/signup/")
    page.fill("input[name=name]", "Ada de Vries")
    page.fill("input[name=company_name]", "Bakkerij De Vries")
    page.fill("input[name=email]", "ada@example.com")
    page.fill("input[name=password1]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url(re.compile("confirm-email"))
    link = re.search(r"http://\S+/accounts/confirm-email/\S+", str(mail.outbox[0].body))
    assert link
    page.goto(link[0])
    page.click("main form button[type=submit]")
    page.wait_for_load_state()
    if "/companies/" not in page.url:
        page.goto("/accounts/login/")
        page.fill("input[name=login]", "ada@example.com")
        page.fill("input[name=password]", PASSWORD)
        page.click("main button[type=submit]")
        page.wait_for_url(re.compile("/companies/"))
    assert page.get_by_role("heading", name="All orders").is_visible()
    assert page.locator(".sidebar").get_by_text("Bakkerij De Vries").is_visible()
    membership = Membership.objects.get()
    assert (membership.user.email, membership.role) == ("ada@example.com", Role.OWNER)


def test_an_order_is_found_and_opened(open_page: Callable[..., Page], filled: dict[str, str]) -> None:
    page = open_page()
    sign_in(page)
    page.fill("#search", "W-1")
    page.press("#search", "Enter")
    page.wait_for_url(re.compile("q=W-1"))
    rows = page.locator("#order-table tbody tr")
    assert rows.count() == 1
    rows.locator("a").first.click()
    page.wait_for_url(re.compile(filled["order"]))
    assert page.get_by_text("Ship it in your shop").is_visible()


def test_an_order_is_handled_with_the_one_button(open_page: Callable[..., Page], filled: dict[str, str]) -> None:
    page = open_page()
    sign_in(page)
    page.goto(filled["problem"])
    page.get_by_role("button", name="Resend").click()
    page.get_by_text("It is tried again").wait_for()
    assert not page.get_by_text("A product was not found").is_visible()


def test_a_shipment_is_confirmed_by_keyboard_alone(open_page: Callable[..., Page], filled: dict[str, str]) -> None:
    page = open_page()
    sign_in(page)
    page.goto(filled["order"])
    page.locator("#ship summary").focus()
    page.keyboard.press("Enter")
    code = page.get_by_label("Tracking code")
    code.focus()
    page.keyboard.type("3SABCD12345678")
    page.keyboard.press("Enter")
    page.get_by_text("The shipment goes to the marketplace.").first.wait_for()
    assert page.get_by_text("3SABCD12345678").first.is_visible()
    assert page.locator("#ship").count() == 0


def test_a_wrong_form_says_what_is_wrong_where_it_is(open_page: Callable[..., Page], filled: dict[str, str]) -> None:
    page = open_page(expects=("422",))
    sign_in(page)
    page.goto(filled["cancel"])
    page.locator("#cancel").get_by_label("Mug").fill("7")
    page.get_by_role("button", name="Cancel items").click()
    page.get_by_text("less than or equal to 1").wait_for()
    _expect_accessible(page)


def test_sync_now_shows_that_it_runs(open_page: Callable[..., Page], filled: dict[str, str]) -> None:
    page = open_page()
    sign_in(page)
    page.goto(filled["order connection"])
    page.get_by_role("button", name="Sync now").click()
    page.get_by_text("Waiting for its turn").wait_for()
    with all_companies():  # as if the workers had run
        stream = Stream.objects.get()
        Stream.objects.update(next_run_at=timezone.now() + timedelta(minutes=5))
        SyncRunFactory(stream=stream, new=4)
    page.get_by_text("Done: 5 new").wait_for()  # the run of before found one
    assert page.get_by_role("button", name="Sync now").is_visible()


def test_going_back_after_paging_shows_the_whole_page(open_page: Callable[..., Page], filled: dict[str, str]) -> None:
    with all_companies():
        pair = OrderConnection.objects.get()
        for _ in range(PAGE_SIZE):
            OrderFactory(order_connection=pair)
    page = open_page()
    sign_in(page)
    first = page.locator("#order-table tbody a").first.inner_text()
    page.get_by_role("link", name="Older").click()
    page.get_by_role("link", name="Newer").wait_for()
    page.go_back()
    page.get_by_role("link", name="Older").wait_for()
    assert page.get_by_role("heading", name="All orders").is_visible()
    assert page.locator(".sidebar").is_visible()
    assert page.locator("#order-table tbody a").first.inner_text() == first


@pytest.mark.parametrize("width", [820, 1024, 1280])
def test_no_column_is_out_of_sight(open_page: Callable[..., Page], filled: dict[str, str], width: int) -> None:
    page = open_page(viewport={"width": width, "height": 800})
    sign_in(page)
    with all_companies():
        order = Order.objects.latest("id")
        Order.objects.filter(pk=order.pk).update(
            number="C000123456789XY", customer_name="Willem " * 9, status="awaiting_confirmation",
            total_amount="12345.67", error_code="shipment.transporter_needed", shop_number="100000123",
        )  # fmt: skip
    for name in ("list", "order", "order connections", "order connection", "runs"):
        page.goto(filled[name])
        hidden = page.evaluate(
            "[...document.querySelectorAll('.table-wrap')].filter(wrap => wrap.scrollWidth > wrap.clientWidth).length"
        )
        assert hidden == 0, name


def test_a_session_that_ended_leads_to_the_log_in(open_page: Callable[..., Page], filled: dict[str, str]) -> None:
    page = open_page(expects=("401",))
    sign_in(page)
    page.context.clear_cookies()
    page.evaluate("htmx.trigger('#order-table', 'refresh')")
    page.wait_for_url(re.compile("/accounts/login/"))
    assert page.get_by_role("heading", name="Sign in").is_visible()


def test_everything_works_without_scripts(open_page: Callable[..., Page], filled: dict[str, str]) -> None:
    page = open_page(java_script_enabled=False)
    sign_in(page)
    for url in filled.values():
        response = page.goto(url)
        assert response is not None and response.status == 200, url
    page.goto(filled["problem"])
    page.get_by_role("button", name="Handle manually").click()
    assert page.get_by_text("The order is yours now").is_visible()


LOOKS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 800}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 800}},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}},
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS.keys())
def test_no_page_shuts_anybody_out(
    open_page: Callable[..., Page], filled: dict[str, str], look: dict[str, Any]
) -> None:
    """axe finds no violation, and no page is wider than the screen."""
    page = open_page(**look)
    for url in ("/", "/accounts/login/", "/accounts/signup/", "/accounts/password/reset/"):
        page.goto(url)
        _expect_accessible(page)
    sign_in(page)
    for url in filled.values():
        page.goto(url)
        _expect_accessible(page)


def _expect_accessible(page: Page) -> None:
    found = Axe().run(page).response["violations"]
    assert [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found] == [], page.url
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), page.url


def test_a_page_that_does_not_exist_says_so(chromium: Browser, live_server: Any) -> None:
    page = chromium.new_page()
    page.goto(f"{live_server.url}/companies/999/orders/nothing")
    assert page.get_by_role("heading", name="This page does not exist").is_visible()
    page.close()
