"""Returns: what appears, who decides, what goes out for it, and what each side may not do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connections.connectors.types import (
    OrderUpdate,
    ParcelItem,
    ReturnData,
    ReturnVerdict,
    SeenRefund,
    ShopState,
    VerdictData,
)
from connections.models import OutboxMessage, OutboxStatus
from connections.outbox import Postponed
from orders.models import Order, Return, ReturnDecision, ReturnStatus, ShopNotice
from orders.models.returns import derive_return_status
from orders.next_step import next_step
from orders.services import events
from orders.services.effects import DecideReturn
from orders.services.events import ReturnDecided, ReturnReported
from orders.services.handle import (
    Conflict,
    NotPossible,
    decide_return,
    handle_manually,
    handle_return_manually,
    refund_again,
    report_return,
)
from orders.services.sample_orders import send_test_return
from orders.states import OrderStatus
from tests.factories import OrderFactory, OrderItemFactory
from tests.orders.test_apply import NOW, happens, timeline

pytestmark = pytest.mark.usefixtures("inside")
V = ReturnVerdict


@pytest.fixture
def order(inside: Any, project: Any) -> Order:
    """A mug and three teas, shipped, in the shop."""
    order: Order = OrderFactory(order_connection__project=project, shop_order_id="77", status="shipped")
    OrderItemFactory(order=order, product_id="TEA", ean="8712345000017", quantity=3, part_status="shipped")
    return order


def announced(order: Order, *verdicts: VerdictData, number: str = "r-1", **values: Any) -> Return:
    """Three teas come back, or what is said."""
    given = {"quantity": 3, "ean": "8712345000017", "reason": "Te klein", **values}
    data = ReturnData(number, "R1", order.external_id, registered_at=NOW, verdicts=verdicts, **given)
    happens(order, events.ReturnNews(data, f"{number}-{len(verdicts)}"))
    return Return.objects.get(external_id=number)


def again(returned: Return) -> Return:
    return Return.objects.get(pk=returned.pk)


def decide(returned: Return, verdict: ReturnVerdict = V.ACCEPTED, quantity: int | None = None, once: str = "1") -> None:
    decide_return(returned.order, ReturnDecided(once, returned.pk, verdict, quantity), user=None)


def outgoing(kind: str) -> list[OutboxMessage]:
    return list(OutboxMessage.objects.filter(kind=kind, status=OutboxStatus.READY).order_by("id"))


def refunded(*items: ParcelItem, ref: str = "9", is_ours: bool = False) -> events.ShopNews:
    refund = SeenRefund(ref, items, NOW, is_ours=is_ours)
    update = OrderUpdate("77", ShopState.COMPLETED, NOW, status_text="completed", refunds=[refund])
    return events.ShopNews(update, version=f"refund-{ref}")


# -- appearing ------------------------------------------------------------------------------------


def test_a_return_is_listed_and_told_to_the_shop(order: Order) -> None:
    returned = announced(order)
    assert (returned.status, returned.product_id, returned.quantity) == ("new", "TEA", 3)
    assert ShopNotice.objects.get().text == "3 x TEA comes back to you (bol). Reason: Te klein."
    assert timeline(order) == ["return.announced"]
    assert "r1" in Order.objects.get().search_text.split()
    assert outgoing("decide_return") == []


def test_told_again_nothing_changes(order: Order) -> None:
    announced(order)
    announced(order)
    assert Return.objects.count() == ShopNotice.objects.count() == 1
    assert timeline(order) == ["return.announced"]


def test_two_lines_of_one_product_come_back_one_after_the_other(order: Order) -> None:
    second = OrderItemFactory(order=order, product_id="TEA", ean="8712345000017", quantity=2, part_status="shipped")
    announced(order)
    returned = announced(order, number="r-2", quantity=2)
    assert returned.item == second


def test_what_fits_no_line_is_shown_and_never_refunded(order: Order) -> None:
    returned = announced(order, ean="4000000000000", title="Something else")
    decide(returned)
    happens(order, events.ReturnConfirmed(ReturnDecision.objects.get().pk))
    assert (again(returned).status, again(returned).item) == ("accepted", None)
    assert outgoing("refund_order") == []


def test_the_orders_page_says_whose_turn_it_is(order: Order) -> None:
    returned = announced(order)
    order.status = OrderStatus.SHIPPED
    assert next_step(order, [], [returned])["title"] == "A return waits for you"
    decide(returned)
    assert next_step(order, [], [again(returned)])["title"] == "All done"


# -- deciding -------------------------------------------------------------------------------------


def test_accepted_goes_to_the_marketplace_and_then_to_the_shop(order: Order) -> None:
    returned = announced(order)
    decide(returned)
    decision = ReturnDecision.objects.get()
    assert again(returned).status == "processing"
    assert [one.reference for one in outgoing("decide_return")] == [f"{order.reference}-r1"]
    assert outgoing("refund_order") == []
    happens(order, events.ReturnAccepted(decision.pk))
    happens(order, events.ReturnConfirmed(decision.pk))
    assert again(returned).status == "accepted"
    (refund,) = outgoing("refund_order")
    assert (refund.subject_id, refund.connection_id) == (decision.pk, order.shop_id)
    happens(order, events.RefundedInShop(decision.pk, "31"))
    assert ReturnDecision.objects.get().refund_id == "31"
    assert timeline(order)[1:] == [
        "hand.decided", "return.sent", "return.confirmed", "shop.refund_written",
    ]  # fmt: skip


@pytest.mark.parametrize("verdict", [V.REJECTED, V.REPAIRED, V.EXCHANGED])
def test_what_pays_nothing_back_is_no_refund(order: Order, verdict: ReturnVerdict) -> None:
    returned = announced(order)
    decide(returned, verdict)
    happens(order, events.ReturnConfirmed(ReturnDecision.objects.get().pk))
    assert again(returned).status == verdict
    assert outgoing("refund_order") == []


def test_a_part_leaves_the_rest_open(order: Order) -> None:
    returned = announced(order)
    decide(returned, V.ACCEPTED, 1)
    happens(order, events.ReturnConfirmed(ReturnDecision.objects.get().pk))
    assert again(returned).status == "new"
    decide(returned, V.REJECTED, None, once="2")
    happens(order, events.ReturnConfirmed(ReturnDecision.objects.latest("pk").pk))
    assert again(returned).status == "accepted"
    assert [(one.verdict, one.quantity) for one in returned.decisions.order_by("number")] == [
        ("accepted", 1),
        ("rejected", 2),
    ]


def test_one_decision_at_a_time_is_on_its_way(order: Order) -> None:
    returned = announced(order)
    decide(returned, V.ACCEPTED, 1)
    decide(returned, V.REJECTED, 2, once="2")
    first, second = outgoing("decide_return")
    effect = DecideReturn()
    happens(order, events.ReturnAccepted(first.subject_id))
    with pytest.raises(Postponed):
        effect.check(second, effect.load(second))
    happens(order, events.ReturnConfirmed(first.subject_id))
    effect.check(second, effect.load(second))
    assert effect.load(second).data.decided_before == 1


def test_what_the_shop_remarks_stands_on_the_timeline(order: Order) -> None:
    announced(order, VerdictData(V.ACCEPTED, 3))
    decision = ReturnDecision.objects.get()
    happens(order, events.RefundedInShop(decision.pk, "31", ("The stock was not raised.",)))
    assert order.events.get(code="shop.note").message == "The stock was not raised."


def test_sent_twice_it_is_decided_once(order: Order) -> None:
    returned = announced(order)
    decide(returned, V.ACCEPTED, 1)
    decide(returned, V.ACCEPTED, 1)
    assert ReturnDecision.objects.count() == 1


@pytest.mark.parametrize("quantity", [0, -1, 4])
def test_no_more_than_came_back(order: Order, quantity: int) -> None:
    returned = announced(order)
    with pytest.raises(NotPossible, match="3 can still be decided"):
        decide(returned, V.ACCEPTED, quantity)
    assert not ReturnDecision.objects.exists()


def test_what_is_decided_stays(order: Order) -> None:
    returned = announced(order)
    decide(returned)
    with pytest.raises(Conflict, match="decided already"):
        decide(returned, V.REJECTED, once="2")


def test_a_decision_that_the_marketplace_does_not_know_is_refused(order: Order) -> None:
    returned = announced(order)
    with pytest.raises(NotPossible, match="bol does not take this decision"):
        decide(returned, V.CANCELLED)


def test_of_an_orphan_nothing_can_be_decided(order: Order) -> None:
    returned = announced(order)
    Order.objects.update(order_connection=None)
    with pytest.raises(Conflict, match="seller account"):
        decide(returned)


def test_a_setting_decides_at_once(order: Order) -> None:
    type(order.order_connection).objects.update(settings={"return_decision": "accepted"})
    returned = announced(order)
    assert returned.status == "processing"
    assert len(outgoing("decide_return")) == 1


def test_a_person_may_keep_it_to_themselves(order: Order) -> None:
    returned = announced(order)
    handle_return_manually(order, return_pk=returned.pk, user=None)
    assert again(returned).status == "manual"
    announced(order, VerdictData(V.REJECTED, 3))
    assert again(returned).status == "rejected"
    with pytest.raises(Conflict, match="decided already"):
        handle_return_manually(order, return_pk=returned.pk, user=None)


# -- refused --------------------------------------------------------------------------------------


def test_a_refused_decision_is_an_error_and_can_be_taken_again(order: Order) -> None:
    returned = announced(order)
    decide(returned)
    decision = ReturnDecision.objects.get()
    happens(order, events.ReturnRefused(decision.pk, "return.refused", "RMA is closed"))
    assert (again(returned).status, again(returned).error_code) == ("new", "return.refused")
    OutboxMessage.objects.filter(kind="decide_return").update(status=OutboxStatus.REJECTED)
    decide(returned, once="2")
    assert (again(returned).status, again(returned).error_code) == ("processing", "")
    (message,) = outgoing("decide_return")
    assert (message.subject_id, message.looks_first) == (decision.pk, True)
    assert ReturnDecision.objects.count() == 1


def test_another_decision_after_a_refused_one_is_another_effect(order: Order) -> None:
    returned = announced(order)
    decide(returned)
    happens(order, events.ReturnRefused(ReturnDecision.objects.get().pk, "return.refused", "no"))
    decide(returned, V.REJECTED, once="2")
    assert [one.verdict for one in ReturnDecision.objects.order_by("number")] == ["accepted", "rejected"]


def test_a_refund_that_the_shop_refuses_is_an_error_and_may_be_written_again(order: Order) -> None:
    returned = announced(order, VerdictData(V.ACCEPTED, 3))
    decision = ReturnDecision.objects.get()
    happens(order, events.NotRefundedInShop(decision.pk, "refund.refused", "Invalid refund amount."))
    assert (again(returned).status, again(returned).error_code) == ("accepted", "refund.refused")
    OutboxMessage.objects.filter(kind="refund_order").update(status=OutboxStatus.REJECTED)
    refund_again(order, return_pk=returned.pk, user=None)
    assert again(returned).error_code == ""
    assert outgoing("refund_order")[0].looks_first
    happens(order, events.RefundedInShop(decision.pk, "31"))
    with pytest.raises(Conflict, match="No refund"):
        refund_again(order, return_pk=returned.pk, user=None)


# -- decided there --------------------------------------------------------------------------------


def test_settled_by_the_marketplace_arrives_as_accepted(order: Order) -> None:
    returned = announced(order, VerdictData(V.ACCEPTED, 3))
    assert returned.status == "accepted"
    assert timeline(order) == ["return.announced", "return.decided_there"]
    assert outgoing("decide_return") == []
    assert len(outgoing("refund_order")) == 1
    announced(order, VerdictData(V.ACCEPTED, 3))
    assert ReturnDecision.objects.count() == 1


def test_ours_seen_there_is_confirmed_and_not_counted_twice(order: Order) -> None:
    returned = announced(order)
    decide(returned)
    announced(order, VerdictData(V.ACCEPTED, 3))
    assert again(returned).status == "accepted"
    assert ReturnDecision.objects.get().status == "confirmed"
    happens(order, events.ReturnConfirmed(ReturnDecision.objects.get().pk))  # its answer comes later
    assert len(outgoing("refund_order")) == 1


def test_what_was_decided_otherwise_there_makes_ours_void(order: Order) -> None:
    returned = announced(order)
    decide(returned)
    announced(order, VerdictData(V.REJECTED, 3))
    assert again(returned).status == "rejected"
    assert outgoing("decide_return") == outgoing("refund_order") == []


def test_one_that_nobody_could_tell_about_and_was_executed_is_found(order: Order) -> None:
    returned = announced(order)
    decide(returned)
    happens(order, events.ReturnRefused(ReturnDecision.objects.get().pk, "outbox.dead", "time-out"))
    announced(order, VerdictData(V.ACCEPTED, 3))
    assert (again(returned).status, again(returned).error_code) == ("accepted", "")
    assert ReturnDecision.objects.count() == 1


def test_a_return_that_is_gone_is_cancelled(order: Order) -> None:
    returned = announced(order)
    happens(order, events.ReturnGone(returned.pk))
    happens(order, events.ReturnGone(returned.pk))
    assert again(returned).status == "cancelled"
    assert timeline(order) == ["return.announced", "return.gone"]


# -- the shop -------------------------------------------------------------------------------------


def test_a_refund_of_the_shops_staff_accepts_it(order: Order) -> None:
    returned = announced(order)
    happens(order, refunded(ParcelItem("TEA", 2)))
    happens(order, refunded(ParcelItem("TEA", 2)))  # read again
    (decision,) = ReturnDecision.objects.all()
    assert (decision.verdict, decision.quantity) == ("accepted", 2)
    happens(order, events.ReturnConfirmed(decision.pk))
    assert outgoing("refund_order") == []  # it began there
    assert again(returned).status == "new"
    happens(order, refunded(ParcelItem("TEA", 1), ref="10"))
    assert [one.quantity for one in ReturnDecision.objects.order_by("number")] == [2, 1]


def test_our_own_refund_is_no_news(order: Order) -> None:
    announced(order)
    happens(order, refunded(ParcelItem("TEA", 3), is_ours=True))
    happens(order, refunded(ParcelItem("MUG", 1), ref="11"))  # the shop's own affair
    assert not ReturnDecision.objects.exists()


def test_settings_keep_the_refund_out_of_the_shop(order: Order) -> None:
    type(order.order_connection).objects.update(settings={"refunds_in_shop": False})
    announced(order, VerdictData(V.ACCEPTED, 3))
    assert outgoing("refund_order") == []


def test_of_a_manual_order_the_shop_hears_nothing(project: Any) -> None:
    order = OrderFactory(order_connection__project=project, shop_order_id="78")
    handle_manually(order, user=None)
    announced(order, VerdictData(V.ACCEPTED, 1), ean="", product_id="MUG", quantity=1)
    assert outgoing("refund_order") == []
    assert not ShopNotice.objects.exists()


# -- reports and tests ----------------------------------------------------------------------------


def test_bol_tells_of_returns_itself(order: Order) -> None:
    item = order.items.get(product_id="TEA")
    with pytest.raises(NotPossible, match="bol tells of returns itself"):
        report_return(order, ReturnReported("1", item.pk, 1), user=None)


def test_a_test_order_comes_back_and_no_marketplace_hears_of_it(project: Any) -> None:
    order = OrderFactory(order_connection__project=project, shop_order_id="79", is_test=True)
    (returned,) = send_test_return(order)
    assert (returned.status, returned.is_test) == ("new", True)
    decide(returned, V.CANCELLED)
    assert again(returned).status == "cancelled"
    assert outgoing("decide_return") == []
    with pytest.raises(Conflict, match="a return already"):
        send_test_return(order)


def test_an_accepted_test_return_is_refunded_in_the_shop(project: Any) -> None:
    order = OrderFactory(order_connection__project=project, shop_order_id="79", is_test=True)
    (returned,) = send_test_return(order)
    decide(returned)
    assert len(outgoing("refund_order")) == 1


def test_only_a_test_order_has_a_test_return(order: Order) -> None:
    with pytest.raises(NotPossible, match="Only a test order"):
        send_test_return(order)


# -- the rule of the status -----------------------------------------------------------------------

DECISIONS = st.lists(
    st.builds(
        ReturnDecision,
        verdict=st.sampled_from([one.value for one in V]),
        quantity=st.integers(1, 3),
        status=st.sampled_from(["pending", "processing", "confirmed", "refused"]),
    ),
    max_size=4,
)


@given(st.integers(1, 6), DECISIONS, st.booleans())
def test_a_status_follows_from_the_decisions(quantity: int, decisions: Sequence[Any], is_manual: bool) -> None:
    status = derive_return_status(quantity, decisions, is_manual=is_manual)
    confirmed = [one for one in decisions if one.status == "confirmed"]
    under_way = [one for one in decisions if one.status in ("pending", "processing")]
    if sum(one.quantity for one in confirmed) >= quantity:
        assert status in {one.verdict for one in confirmed}
        assert not (status == "rejected" and any(one.verdict == "accepted" for one in confirmed))
    elif under_way:
        assert status == ReturnStatus.PROCESSING
    else:
        assert status == (ReturnStatus.MANUAL if is_manual else ReturnStatus.NEW)
