"""Returns on their pages: the list, the form to decide, and who may."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from channable.tenants.models import Company
from channable.tenants.roles import Role
from channable.tenants.scope import company_scope
from connections.models import OrderConnection, OutboxMessage
from orders.models import Order, Return, ReturnDecision
from tests.factories import OrderFactory, OrderItemFactory, ReturnFactory, member

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(pair: OrderConnection) -> Order:
    order: Order = OrderFactory(order_connection=pair, status="shipped", shop_order_id="77", number="A1")
    OrderItemFactory(order=order, product_id="TEA", quantity=3, part_status="shipped")
    return order


def url(order: Order, *parts: Any) -> str:
    return f"/companies/{order.company_id}/orders/" + "".join(f"{part}/" for part in parts)


def fresh(returned: Return) -> Return:
    with company_scope(returned.company_id):
        return Return.objects.get(pk=returned.pk)


def decide(client: Client, returned: Return, **values: Any) -> Any:
    given = {"once": "1", "verdict": "accepted", "quantity": "3", **values}
    return client.post(url(returned.order, returned.order_id, "returns", returned.pk, "decide"), given)


# -- the list -------------------------------------------------------------------------------------


def test_an_empty_list_says_what_will_be_there(client: Client, company: Company) -> None:
    page = client.get(f"/companies/{company.pk}/orders/returns/").content.decode()
    assert "Nothing has come back" in page


def test_tabs_and_search_narrow_it(client: Client, order: Order) -> None:
    ReturnFactory(order=order, return_id="R-NEW", title="New one")
    ReturnFactory(order=order, return_id="R-DONE", title="Done one", status="accepted")
    ReturnFactory(order=order, return_id="R-ERR", title="Wrong one", error_code="return.refused")
    wanted = {
        "": ["Wrong one", "Done one", "New one"],
        "?tab=open": ["Wrong one", "New one"],
        "?tab=settled": ["Done one"],
        "?tab=error": ["Wrong one"],
        "?q=R-DONE": ["Done one"],
        "?q=A1&tab=open": ["Wrong one", "New one"],
        "?q=nothing": [],
        "?tab=x": ["Wrong one", "Done one", "New one"],
    }
    for query, titles in wanted.items():
        page = client.get(url(order, "returns") + query)
        assert [row["title"] for row in page.context["returns"]] == titles, query
    assert "No return matches" in client.get(url(order, "returns") + "?q=nothing").content.decode()
    assert client.get(url(order, "returns") + "?q=%00&at=nonsense").status_code == 200


def test_it_pages_and_costs_the_same_however_many_there_are(client: Client, order: Order) -> None:
    ReturnFactory(order=order)
    client.get(url(order, "returns"))  # what a first visit costs besides
    with CaptureQueriesContext(connection) as few:
        client.get(url(order, "returns"))
    for _ in range(60):
        ReturnFactory(order=order)
    with CaptureQueriesContext(connection) as many:
        page = client.get(url(order, "returns"))
    assert len(many) == len(few) <= 16
    assert len(page.context["returns"]) == 50
    assert len(client.get(page.context["page"]["older_url"]).context["returns"]) == 11


# -- one return -----------------------------------------------------------------------------------


def test_the_orders_page_shows_it_with_a_form(client: Client, order: Order) -> None:
    ReturnFactory(order=order, quantity=3, title="Tea", reason="Te klein", comment="Past <niet>")
    page = client.get(url(order, order.pk)).content.decode()
    assert "3 × Tea" in page and "Te klein" in page and "Past &lt;niet&gt;" in page  # noqa: RUF001
    assert "A return waits for you" in page
    assert "Accept: taken back, the buyer is paid back" in page


def test_a_decision_goes_out(client: Client, order: Order) -> None:
    returned = ReturnFactory(order=order, quantity=3)
    answer = decide(client, returned, quantity="2", verdict="rejected")
    assert answer.status_code == 302
    with company_scope(order.company_id):
        decision = ReturnDecision.objects.get()
        assert (decision.verdict, decision.quantity) == ("rejected", 2)
        assert OutboxMessage.objects.filter(kind="decide_return", subject_id=decision.pk).exists()
    assert fresh(returned).status == "processing"


@pytest.mark.parametrize(
    "wrong", [{"verdict": "cancelled"}, {"verdict": ""}, {"quantity": "0"}, {"quantity": "x"}, {"once": ""}]
)
def test_what_is_wrong_with_it_is_said_there(client: Client, order: Order, wrong: dict[str, str]) -> None:
    returned = ReturnFactory(order=order, quantity=3)
    answer = decide(client, returned, **wrong)
    assert answer.status_code == 422
    assert fresh(returned).status == "new"


def test_too_many_pieces_are_refused_with_a_sentence(client: Client, order: Order) -> None:
    returned = ReturnFactory(order=order, quantity=3)
    page = client.post(
        url(order, order.pk, "returns", returned.pk, "decide"),
        {"once": "1", "verdict": "accepted", "quantity": "4"},
        follow=True,
    )
    assert "Of this return 3 can still be decided about." in page.content.decode()


def test_it_may_be_left_to_a_person(client: Client, order: Order) -> None:
    returned = ReturnFactory(order=order)
    client.post(url(order, order.pk, "returns", returned.pk, "manual"))
    assert fresh(returned).status == "manual"


def test_a_refund_that_is_missing_has_its_button(client: Client, order: Order) -> None:
    returned = ReturnFactory(order=order, status="accepted", error_code="refund.refused", error_detail="no")
    with company_scope(order.company_id):
        ReturnDecision.objects.create(
            company=order.company, order=order, returned=returned, number=1, source_ref="hand:1", verdict="accepted",
            quantity=1, status="confirmed", refund_status="refused",
        )  # fmt: skip
    assert "Write it down again" in client.get(url(order, order.pk)).content.decode()
    client.post(url(order, order.pk, "returns", returned.pk, "refund"))
    assert fresh(returned).error_code == ""


def test_a_return_of_another_order_is_not_found(client: Client, order: Order, pair: OrderConnection) -> None:
    returned = ReturnFactory(order=OrderFactory(order_connection=pair))
    for what in ("decide", "manual", "refund"):
        assert client.post(url(order, order.pk, "returns", returned.pk, what)).status_code == 404


def test_who_may_only_look_sees_no_form(order: Order, company: Company) -> None:
    ReturnFactory(order=order)
    client = Client()
    client.force_login(member(company, Role.READ_ONLY))
    page = client.get(url(order, order.pk))
    assert page.context["returns"][0]["form"] is None
    assert "Accept: taken back" not in page.content.decode()


def test_a_test_order_can_come_back_once(client: Client, pair: OrderConnection) -> None:
    order = OrderFactory(order_connection=pair, is_test=True, shop_order_id="78")
    assert "Send a test return" in client.get(url(order, order.pk)).content.decode()
    client.post(url(order, order.pk, "test-return"))
    with company_scope(order.company_id):
        assert Return.objects.get().is_test
    assert "Send a test return" not in client.get(url(order, order.pk)).content.decode()


def test_bol_can_not_be_told_of_a_return(client: Client, order: Order) -> None:
    assert "Report a return" not in client.get(url(order, order.pk)).content.decode()
    answer = client.post(url(order, order.pk, "report"), {"once": "1"})
    assert answer.status_code == 422
