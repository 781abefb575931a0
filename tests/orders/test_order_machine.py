"""Random lives of orders: rows in PostgreSQL beside a simple model of our own, compared after every step."""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.db.models.functions import Now
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from connections.connectors.types import ParcelItem, RemoteStatus, ShopState
from connections.models import OrderConnection, OutboxMessage, OutboxStatus
from connections.outbox import EFFECTS, Withdrawn
from orders.models import Order
from orders.models.item import ItemPart
from orders.models.shipment import Cancellation, Shipment, ShopNotice
from orders.services import events
from orders.services.orphans import delete_order_connection
from orders.services.work import NotPossible
from tests.orders import order_model
from tests.orders.order_model import ON_ITS_WAY, Message, OrderModel
from tests.orders.situations import Bench

# The same lives in every run; more of them, and others in each run: ORDER_LIVES=2000.
LIVES = int(os.environ.get("ORDER_LIVES", "0"))
PROFILE = settings(
    max_examples=LIVES or 40,
    derandomize=not LIVES,
    stateful_step_count=30,
    deadline=None,
    database=None,
    phases=[Phase.generate],  # to shorten a life that failed takes minutes
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
MODELS = {"confirm_shipment": Shipment, "cancel_order": Cancellation, "tell_shop": ShopNotice}
SKUS = st.sampled_from([["MUG"], ["TEA"], ["MUG", "TEA"]])
CLOSED = {"shipped", "cancelled"}


class Undo(Exception):
    pass


def order_machine(project: Any) -> type[RuleBasedStateMachine]:
    """In the test's company; each life is undone at its end."""

    class OrderMachine(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.savepoint = transaction.atomic()
            self.savepoint.__enter__()
            self.bench, self.model = Bench(project), OrderModel()
            self.shipped_there: Counter[str] = Counter()
            self.cancelled_there: Counter[str] = Counter()
            self.asks = self.verifies = False
            self.answered: set[Message] = set()
            self.executed: Counter[Message] = Counter()  # what really happened at a remote
            self.parcels: list[tuple[str, str, int]] = []
            self.was_closed = ""

        def teardown(self) -> None:
            self.savepoint.__exit__(Undo, Undo(), None)

        # -- the marketplace --------------------------------------------------------------------------
        def open_there(self, sku: str) -> int:
            return {"MUG": 1, "TEA": 3}[sku] - self.shipped_there[sku] - self.cancelled_there[sku]

        @rule(skus=SKUS)
        def is_shipped_by_hand_there(self, skus: list[str]) -> None:
            for sku in skus:
                self.shipped_there[sku] += self.open_there(sku)

        @rule(skus=SKUS)
        def is_cancelled_there(self, skus: list[str]) -> None:
            for sku in skus:
                self.cancelled_there[sku] += self.open_there(sku)

        @rule()
        def buyer_asks_or_asks_no_more(self) -> None:
            self.asks = not self.asks

        @rule()
        @precondition(lambda self: self.verifies or not self.executed)
        def is_verified_or_verified_again(self) -> None:
            self.verifies = not self.verifies

        @rule()
        def marketplace_tells(self) -> None:
            is_over = not any(self.open_there(sku) for sku in ("MUG", "TEA"))
            status = RemoteStatus.UNCONFIRMED if self.verifies else RemoteStatus.OPEN
            if is_over:
                status = RemoteStatus.SHIPPED if self.shipped_there.total() else RemoteStatus.CANCELLED
            lines = {
                sku: {"quantity_shipped": self.shipped_there[sku], "quantity_cancelled": self.cancelled_there[sku]}
                for sku in ("MUG", "TEA")
            }
            asked = self.asks and not is_over
            self.bench.happens(self.bench.marketplace(status, requested=asked, **lines))
            unconfirmed = status == RemoteStatus.UNCONFIRMED
            self.model.marketplace(self.shipped_there, self.cancelled_there, asked=asked, unconfirmed=unconfirmed)

        # -- the shop ---------------------------------------------------------------------------------
        @rule(
            state=st.sampled_from(["open", "completed", "completed", "cancelled"]),
            parcel=st.sampled_from([None, None, ("", 0), ("MUG", 1), ("TEA", 1), ("TEA", 3)]),
        )
        @precondition(lambda self: self.model.is_in_shop)
        def shop_tells(self, state: str, parcel: tuple[str, int] | None) -> None:
            items = [ParcelItem(*parcel)] if parcel and parcel[0] else []
            news = self.bench.shop(ShopState(state), *items, code=parcel is not None)
            if parcel:
                self.parcels.append((news.update.parcels[-1].ref, *parcel))
            self.bench.happens(news)
            self.model.shop(state, self.parcels)

        @rule()
        @precondition(lambda self: self.bench.last_news is not None)
        def shop_tells_the_same_again(self) -> None:
            assert self.bench.last_news
            news = self.bench.last_news
            self.bench.happens(news)
            self.model.shop(news.update.state.value, self.parcels)

        @rule()
        @precondition(lambda self: self.bench.order.waiting_until is not None)
        def the_time_to_wait_is_over(self) -> None:
            self.bench.happens(events.WaitOver())
            self.model.wait_over()

        # -- people -----------------------------------------------------------------------------------
        @rule(skus=SKUS)
        def is_shipped_by_hand(self, skus: list[str]) -> None:
            event = self.bench.ship(*self.items(skus))
            assert self.is_taken(event) == self.model.ship(event.once, skus)

        @rule(skus=SKUS)
        def is_cancelled_by_hand(self, skus: list[str]) -> None:
            event = self.bench.cancel(*self.items(skus))
            assert self.is_taken(event) == self.model.cancel(event.once, skus)

        @rule()
        def is_handled_manually(self) -> None:
            self.bench.happens(events.TakenManually())
            self.model.handle_manually()

        @rule()
        @precondition(lambda self: not self.model.is_removed)
        def is_resent(self) -> None:
            self.bench.happens(events.Resent())
            self.model.resend()

        @rule()
        @precondition(lambda self: not self.model.is_removed)
        def order_connection_is_removed(self) -> None:
            delete_order_connection(self.bench.order.order_connection)
            self.model.remove()

        @rule()
        @precondition(lambda self: self.model.is_removed and not self.model.is_closed)
        def another_order_connection_goes_on(self) -> None:
            pair = self.bench.order.order_connection
            OrderConnection.objects.filter(pk=pair.pk).update(deleted_at=None, is_active=True)
            self.bench.happens(events.Adopted(pair.pk))
            self.model.adopt()

        def items(self, skus: list[str]) -> list[int]:
            return [{"MUG": self.bench.mug, "TEA": self.bench.tea}[sku] for sku in skus]

        def is_taken(self, event: events.Event) -> bool:
            try:
                with transaction.atomic():
                    self.bench.happens(event)
            except NotPossible:
                return False
            return True

        # -- what goes out, and its answers -----------------------------------------------------------
        @rule(data=st.data())
        @precondition(lambda self: self.ready())
        def something_is_sent(self, data: st.DataObject) -> None:
            """Or given up, as the sender does, if it isn't wanted any more."""
            message = data.draw(st.sampled_from(self.ready()), label="message")
            if not self.is_wanted(message):
                message.status = OutboxStatus.WITHDRAWN
                message.save()
                return
            name = self.name(message)
            assert name in self.model.to_go_out()
            assert name not in self.model.sent, "sent twice"
            message.status, message.first_sent_at = OutboxStatus.SENT, Now()
            message.save()
            self.model.sent.add(name)
            self.answered.discard(name)

        @rule(data=st.data(), good=st.booleans(), at_once=st.booleans())
        @precondition(lambda self: self.unanswered())
        def an_answer_comes(self, data: st.DataObject, good: bool, at_once: bool) -> None:
            kind, number = name = data.draw(st.sampled_from(self.unanswered()), label="of")
            if kind in ("create_order", "tell_shop"):
                self.answered.add(name)
                getattr(self, f"answer_{kind}")(number, good)
                return
            what = "shipment" if kind == "confirm_shipment" else "cancellation"
            pk = MODELS[kind].objects.get(order_id=self.bench.pk, number=number).pk
            decision = (self.model.shipments if what == "shipment" else self.model.cancellations)[number - 1]
            title = what.title()
            if not at_once and decision.status == "pending":
                self.bench.happens(getattr(events, f"{title}Accepted")(pk))
                getattr(self.model, f"{what}_accepted")(number)
                return
            self.answered.add(name)
            if good and self.execute(kind, number):
                self.bench.happens(getattr(events, f"{title}Confirmed")(pk, f"R-{number}"))
                getattr(self.model, f"{what}_confirmed")(number)
                return
            OutboxMessage.objects.filter(kind=kind, subject_id=pk).update(status=OutboxStatus.REJECTED)
            is_known = decision.status in ("refused", "confirmed")
            self.bench.happens(getattr(events, f"{title}Refused")(pk, f"{what}.refused", "no"))
            if not is_known:
                getattr(self.model, f"{what}_refused")(number)

        def execute(self, kind: str, number: int) -> bool:
            """The marketplace does it, if all of it is open there."""
            field = "shipment" if kind == "confirm_shipment" else "cancellation"
            wanted = Counter(one.sku for one in self.model.pieces if getattr(one, field) == number)
            if any(self.open_there(sku) < quantity for sku, quantity in wanted.items()):
                return False
            self.executed[kind, number] += 1
            assert self.executed[kind, number] == 1, "done twice at the marketplace"
            there = self.shipped_there if field == "shipment" else self.cancelled_there
            there.update(wanted)
            return True

        def answer_create_order(self, number: int, good: bool) -> None:
            if good:
                self.executed["create_order", number] += 1
                assert self.executed["create_order", number] == 1, "made twice in the shop"
                self.bench.happens(events.CreatedInShop("77", "W-77"))
                self.model.created()
            else:
                OutboxMessage.objects.filter(kind="create_order").update(status=OutboxStatus.REJECTED)
                self.bench.happens(events.Failed("product.not_found", "no"))
                self.model.creation_refused()

        def answer_tell_shop(self, number: int, good: bool) -> None:
            pk = ShopNotice.objects.get(order_id=self.bench.pk, number=number).pk
            if good:
                self.bench.happens(events.ShopTold(pk, "N-1"))
                self.model.notice_told(number)
            else:
                OutboxMessage.objects.filter(kind="tell_shop", subject_id=pk).update(status=OutboxStatus.REJECTED)
                self.bench.happens(events.ShopNotTold(pk, "no"))
                self.model.notice_refused(number)

        def ready(self) -> list[OutboxMessage]:
            return list(OutboxMessage.objects.filter(status=OutboxStatus.READY).order_by("id"))

        def unanswered(self) -> list[Message]:
            return sorted(self.model.sent - self.answered)

        def name(self, message: OutboxMessage) -> Message:
            model = MODELS.get(message.kind)
            return message.kind, model.objects.get(pk=message.subject_id).number if model else 1

        @staticmethod
        def is_wanted(message: OutboxMessage) -> bool:
            """What the sender asks before each sending."""
            effect = EFFECTS[message.kind]
            try:
                effect.check(message, effect.load(message))
            except Withdrawn:
                return False
            return True

        # -- after every step -------------------------------------------------------------------------
        @invariant()
        def status_and_quantities_are_the_models(self) -> None:
            order = self.bench.order
            parts = ItemPart.objects.filter(order_id=self.bench.pk).select_related("item")
            found: Counter[tuple[str, str]] = Counter()
            for part in parts:
                found[part.item.product_id, part.status] += part.quantity
            assert (order.status, found) == (self.model.status, self.model.quantities)

        @invariant()
        def what_goes_out_is_the_models(self) -> None:
            found = {self.name(message) for message in self.ready() if self.is_wanted(message)}
            assert found == self.model.to_go_out()

        @invariant()
        def a_manual_order_sends_nothing_by_itself(self) -> None:
            if self.bench.order.is_manual:
                kinds = {message.kind for message in self.ready() if self.is_wanted(message)}
                assert kinds <= {"cancel_order"}  # which a person decided since

        @invariant()
        def closed_stays_closed(self) -> None:
            status = self.bench.order.status
            assert not self.was_closed or status == self.was_closed
            self.was_closed = status if status in CLOSED else ""

        @invariant()
        def nothing_waits_for_ever(self) -> None:
            """Its wait ends, or a person sees an error."""
            order = Order.objects.get(pk=self.bench.pk)
            waits = any(piece.state == "waiting" for piece in self.model.pieces)
            if waits and order.status in ("waiting", "partial"):
                assert order.waiting_until or order.error_code

        @invariant()
        def what_is_on_its_way_is_sent_or_answered(self) -> None:
            if self.model.is_manual or self.model.is_removed:
                return
            coming = self.model.to_go_out() | set(self.unanswered())
            for piece in self.model.pieces:
                if piece.state in ON_ITS_WAY:
                    assert ("confirm_shipment", piece.shipment) in coming
                elif piece.state == "pending_cancellation":
                    assert ("cancel_order", piece.cancellation) in coming

    return OrderMachine


@pytest.mark.usefixtures("inside")
def test_an_order_lives_as_its_model_does(project: Any) -> None:
    run_state_machine_as_test(order_machine(project), settings=PROFILE)


def test_the_model_knows_nothing_of_the_product() -> None:
    source = Path(order_model.__file__).read_text()
    assert not re.search(r"^\s*(from|import) (orders|connections|channable|tests)", source, re.MULTILINE)
