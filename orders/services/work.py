"""An order locked and loaded, with what a rule may do to it. Nothing is written before `save`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.conf import settings
from django.db.models import Max

from connections.connectors.types import CancellationReason
from connections.models import Connection, OutboxMessage, TransporterRule
from connections.options import Options
from connections.outbox import enqueue, withdraw
from connections.transporters import Choice, choose
from connections.waits import scaled
from orders.models import (
    Actor,
    Attachment,
    AttachmentKind,
    Delivery,
    EventLevel,
    ItemPart,
    Order,
    OrderEvent,
    OrderItem,
    ReturnDecision,
)
from orders.models.shipment import Cancellation, Decision, DecisionStatus, NoticeKind, Shipment, ShopNotice
from orders.references import (
    attachment_reference,
    cancellation_reference,
    notice_reference,
    return_reference,
    shipment_reference,
)
from orders.services.events import Cause
from orders.states import CLOSED, TRANSITIONS, OrderStatus, PartStatus, derive_status

CREATE_ORDER, TELL_SHOP, REFUND_ORDER = "create_order", "tell_shop", "refund_order"  # at the shop
CONFIRM_SHIPMENT, CANCEL_ORDER = "confirm_shipment", "cancel_order"  # at the marketplace
DECIDE_RETURN, REPORT_RETURN = "decide_return", "report_return"  # there too
UPLOAD_INVOICE, FETCH_LABEL = "upload_invoice", "fetch_label"  # there too
NOT_TOLD, ORPHAN, INVOICE_REFUSED = "shop.not_told", "order.orphan", "invoice.refused"
BY_HAND = "hand:"  # how the source of a decision begins that a person or an API client took
LIVE = frozenset(set(PartStatus) - {PartStatus.SHIPPED, PartStatus.CANCELLED})
# Errors that no later success solves: a person has to look at them, or an order connection to adopt it.
STAYING = frozenset({"order.amounts_differ", "order.strange_date", INVOICE_REFUSED, ORPHAN})
UNTOUCHED = frozenset({PartStatus.OPEN, PartStatus.WAITING})
ON_THE_WAY = LIVE - UNTOUCHED


class InvalidTransition(Exception):
    """The table of states has no such move; nothing was written."""


class NotPossible(Exception):
    """Why it can't be done, in a sentence for the one who tried; nothing was written."""


class Conflict(NotPossible):
    """The order's present state is against it."""


class Work:
    """One event being applied to one order."""

    def __init__(self, order: Order, cause: Cause) -> None:
        self.order = order
        self.cause = cause
        self.parts: list[ItemPart] = list(ItemPart.objects.filter(order=order).order_by("id"))
        self._split: list[ItemPart] = []
        self._moved: set[int] = set()
        self._notes: list[OrderEvent] = []
        self._has_changed = False

    # -- reading ------------------------------------------------------------------------------
    @cached_property
    def items(self) -> dict[int, OrderItem]:
        return {item.pk: item for item in OrderItem.objects.filter(order=self.order).order_by("id")}

    @property
    def marketplace(self) -> Connection:
        connection: Connection = self.order.connection
        return connection

    @cached_property
    def options(self) -> Options:
        return self.order.order_connection.options if self.order.order_connection else Options()

    @property
    def is_closed(self) -> bool:
        return not self.live()

    @property
    def has_shipped(self) -> bool:
        """Whether a part became, or stayed, shipped by this event."""
        touched = [part for part in self.parts if part.pk is None or part.pk in self._moved]
        return any(part.status == PartStatus.SHIPPED for part in touched)

    def live(self) -> list[ItemPart]:
        return [part for part in self.parts if part.status in LIVE]

    def untouched(self) -> list[ItemPart]:
        return [part for part in self.parts if part.status in UNTOUCHED]

    def waiting(self) -> list[ItemPart]:
        return [part for part in self.parts if part.status == PartStatus.WAITING]

    def end_of_wait(self) -> datetime | None:
        """When a wait for a tracking code that begins now is over; None: never."""
        seconds = self.options.tracking_wait_seconds
        return None if seconds is None else self.cause.now + timedelta(seconds=seconds)

    @property
    def usual_reason(self) -> str:
        """Of a cancellation for which none is given: where the buyer asked, it does as asked."""
        return CancellationReason.CUSTOMER_REQUEST.value if self.order.cancellation_requested else ""

    def of(self, decision: Shipment | Cancellation) -> list[ItemPart]:
        """The parts a shipment or cancellation is about."""
        field = "shipment_id" if isinstance(decision, Shipment) else "cancellation_id"
        return [part for part in self.parts if getattr(part, field) == decision.pk]

    # -- changing -----------------------------------------------------------------------------
    def set(self, **values: object) -> None:
        """Facts of the order, but never its status: that is derived."""
        for name, value in values.items():
            if getattr(self.order, name) != value:
                setattr(self.order, name, value)
                self._has_changed = True

    def move(self, part: ItemPart, status: PartStatus, quantity: int | None = None) -> ItemPart:
        """Put a part (or `quantity` of it, split off) into another state; returns what was moved."""
        if quantity is not None and quantity < part.quantity:
            part = self._split_off(part, quantity)
        if part.status in UNTOUCHED:
            part.former_status = part.status
        part.status = status
        self._touch(part)
        return part

    def move_all(self, parts: Iterable[ItemPart], status: PartStatus) -> None:
        for part in list(parts):
            self.move(part, status)

    def assign(self, part: ItemPart, decision: Shipment | Cancellation) -> None:
        if isinstance(decision, Shipment):
            part.shipment = decision
        else:
            part.cancellation = decision
        self._touch(part)

    def take_back(self, parts: Iterable[ItemPart]) -> None:
        """What was refused is what it was before."""
        for part in parts:
            part.status = part.former_status or PartStatus.OPEN
            self._touch(part)

    def add_part(self, item: OrderItem, quantity: int) -> None:
        self._split.append(ItemPart(company_id=self.order.company_id, order=self.order, item=item, quantity=quantity))
        self.parts.append(self._split[-1])

    def shrink(self, part: ItemPart, quantity: int) -> None:
        """Take `quantity` out of a part; one that is left empty is deleted by `save`."""
        part.quantity -= quantity
        self._touch(part)

    def _split_off(self, part: ItemPart, quantity: int) -> ItemPart:
        part.quantity -= quantity
        self._touch(part)
        split = ItemPart(
            company_id=part.company_id,
            order_id=part.order_id,
            item_id=part.item_id,
            quantity=quantity,
            status=part.status,
            former_status=part.former_status,
        )
        self._split.append(split)
        self.parts.append(split)
        return split

    def _touch(self, part: ItemPart) -> None:
        if part.pk:
            self._moved.add(part.pk)

    # -- decisions ----------------------------------------------------------------------------
    def is_decided(self, model: type[Decision], source_ref: str) -> bool:
        """Whether this very parcel, cancellation or decision was told before."""
        return bool(model.objects.filter(order=self.order, source_ref=source_ref).exists())

    def shipment(self, *, source_ref: str, **values: object) -> Shipment:
        number = self._next_number(Shipment)
        return Shipment.objects.create(
            company_id=self.order.company_id, order=self.order, number=number, source_ref=source_ref, **values
        )

    def cancellation(self, *, source_ref: str, reason: str) -> Cancellation:
        number = self._next_number(Cancellation)
        return Cancellation.objects.create(
            company_id=self.order.company_id, order=self.order, number=number, source_ref=source_ref, reason=reason
        )

    def return_decision(self, *, source_ref: str, **values: object) -> ReturnDecision:
        number = self._next_number(ReturnDecision)
        return ReturnDecision.objects.create(
            company_id=self.order.company_id, order=self.order, number=number, source_ref=source_ref, **values
        )

    def _end_test(self, decision: Shipment | Cancellation, status: PartStatus) -> None:
        """Of a test order the marketplace is told nothing: what it would confirm is confirmed here."""
        decision.status, decision.confirmed_at = DecisionStatus.CONFIRMED, self.cause.now
        decision.save(update_fields=["status", "confirmed_at"])
        self.move_all(self.of(decision), status)
        self.note("order.test_ended", f"A test order: {self.marketplace.kind_label} is not told.")

    def tell_shop(self, kind: NoticeKind, text: str) -> None:
        """Let those know who pack. Nobody is told where the order isn't in the shop, the shop takes no notices,
        or a person handles the order."""
        order = self.order
        if not order.shop_order_id or order.is_manual:
            return
        if order.shop is None or not order.shop.connector_class.capabilities.takes_notices:
            return
        number = self._next_number(ShopNotice)
        notice = ShopNotice.objects.create(
            company_id=order.company_id, order=order, number=number, source_ref=kind, kind=kind, text=text
        )
        self.send_notice(notice)

    def _next_number(self, model: type[Decision | Attachment]) -> int:
        numbered: Any = model.objects
        found = numbered.filter(order=self.order).aggregate(most=Max("number"))
        return int(found["most"] or 0) + 1

    def send_creation(self) -> None:
        self._enqueue(CREATE_ORDER, self.order.shop_id, self.order.pk, self.order.reference, self.order.ordered_at)

    def send_shipment(self, shipment: Shipment) -> None:
        if self.order.is_test:
            self._end_test(shipment, PartStatus.SHIPPED)
            return
        reference = shipment_reference(self.order.reference, shipment.number)
        self._enqueue(CONFIRM_SHIPMENT, self.order.connection_id, shipment.pk, reference, shipment.shipped_at)

    def send_cancellation(self, cancellation: Cancellation) -> None:
        if self.order.is_test:
            self._end_test(cancellation, PartStatus.CANCELLED)
            return
        reference = cancellation_reference(self.order.reference, cancellation.number)
        self._enqueue(CANCEL_ORDER, self.order.connection_id, cancellation.pk, reference, self.cause.occurred_at)

    def send_notice(self, notice: ShopNotice) -> None:
        reference = notice_reference(self.order.reference, notice.number)
        self._enqueue(TELL_SHOP, self.order.shop_id, notice.pk, reference, self.cause.occurred_at)

    def send_return_decision(self, decision: ReturnDecision, kind: str = DECIDE_RETURN) -> None:
        reference = return_reference(self.order.reference, decision.number)
        self._enqueue(kind, self.order.connection_id, decision.pk, reference, self.cause.occurred_at)

    def send_refund(self, decision: ReturnDecision) -> None:
        reference = return_reference(self.order.reference, decision.number)
        self._enqueue(REFUND_ORDER, self.order.shop_id, decision.pk, reference, self.cause.occurred_at)

    def send_invoice(self, attachment: Attachment) -> None:
        reference = attachment_reference(self.order.reference, attachment.number)
        capabilities = self.marketplace.connector_class.capabilities
        # What was shipped just now may not be listed there yet.
        wait = scaled(capabilities.index_delay_seconds) if capabilities.invoices_follow_shipment else 0
        self._enqueue(
            UPLOAD_INVOICE,
            self.order.connection_id,
            attachment.pk,
            reference,
            self.cause.occurred_at,
            wait_seconds=wait,
        )

    def ask_for_label(self) -> None:
        """One that we don't have yet. The row is there before the file, as with every file."""
        label = Attachment.objects.create(
            company_id=self.order.company_id,
            order=self.order,
            number=self._next_number(Attachment),
            kind=AttachmentKind.LABEL,
            source=Actor.MARKETPLACE,
            delivery=Delivery.PENDING,
            expires_at=self.cause.now + timedelta(days=settings.ATTACHMENTS_KEPT_DAYS),
        )
        reference = attachment_reference(self.order.reference, label.number)
        wait = scaled(self.marketplace.connector_class.capabilities.index_delay_seconds)
        self._enqueue(FETCH_LABEL, self.order.connection_id, label.pk, reference, self.cause.now, wait_seconds=wait)

    def _enqueue(
        self,
        kind: str,
        connection_id: int | None,
        subject_id: int,
        reference: str,
        decided_at: datetime,
        *,
        wait_seconds: float = 0,
    ) -> None:
        if connection_id is None:
            return  # nobody to tell: the order has no shop any more
        enqueue(
            company_id=self.order.company_id,
            connection_id=connection_id,
            kind=kind,
            subject_id=subject_id,
            reference=reference,
            decided_at=decided_at,
            now=self.cause.now,
            wait_seconds=wait_seconds,
        )

    def withdraw_all(self) -> None:
        """Nothing more is to be sent for this order; what is on its way settles by itself."""
        withdraw(CREATE_ORDER, [self.order.pk])
        withdraw(CONFIRM_SHIPMENT, Shipment.objects.filter(order=self.order).values_list("pk", flat=True))
        withdraw(CANCEL_ORDER, Cancellation.objects.filter(order=self.order).values_list("pk", flat=True))

    def withdraw_creation(self) -> None:
        withdraw(CREATE_ORDER, [self.order.pk])

    def withdraw_creation_if_done(self) -> None:
        """An order of which nothing is open any more needn't come to the shop, where it would be shipped again."""
        if not self.untouched():
            self.withdraw_creation()

    def send_what_is_decided(self) -> None:
        """What was withdrawn before it was sent goes out after all; what is on its way is left alone."""
        pending = {"order": self.order, "status": DecisionStatus.PENDING}
        for shipment in Shipment.objects.filter(**pending):
            self.send_shipment(shipment)
        for cancellation in Cancellation.objects.filter(**pending):
            self.send_cancellation(cancellation)
        for notice in ShopNotice.objects.filter(**pending):
            self.send_notice(notice)
        for decision in ReturnDecision.objects.filter(**pending).select_related("returned"):
            self.send_return_decision(decision, DECIDE_RETURN if decision.returned.return_id else REPORT_RETURN)
        for decision in ReturnDecision.objects.filter(order=self.order, refund_status=DecisionStatus.PENDING):
            self.send_refund(decision)

    def creation(self) -> OutboxMessage | None:
        return OutboxMessage.objects.filter(kind=CREATE_ORDER, subject_id=self.order.pk).first()

    # -- errors and the timeline --------------------------------------------------------------
    def flag(self, code: str, detail: str = "") -> None:
        """Mark that a person is needed; the status stays."""
        self.note(code, detail or code, EventLevel.ERROR)
        since = self.order.error_since if self.order.error_code == code else self.cause.now
        self.set(error_code=code, error_detail=detail[:2000], error_since=since)

    def solve(self, matches: Callable[[str], bool] = lambda code: code not in STAYING) -> None:
        """Clear the error, if it is one of those."""
        if self.order.error_code and matches(self.order.error_code):
            self.set(error_code="", error_detail="", error_since=None)

    def went_on(self) -> None:
        """What held it up is over, unless what is open of it still misses in the shop."""
        if self.order.shop_order_id or not self.untouched():
            self.solve()

    def find_by(self, text: str) -> None:
        """Let the search find the order by this too."""
        if text and text.lower() not in self.order.search_text:
            self.set(search_text=f"{self.order.search_text} {text.lower()}")

    def note(self, code: str, message: str, level: EventLevel = EventLevel.INFO, **more: str) -> None:
        cause = self.cause
        self._notes.append(
            OrderEvent(
                company_id=self.order.company_id,
                order=self.order,
                level=level,
                code=code,
                message=message[:2000],
                actor=cause.actor,
                user=cause.user,
                run_id=cause.run_id,
                message_id=cause.message_id,
                occurred_at=cause.occurred_at,
                recorded_at=cause.now,
                **more,
            )
        )

    # -- writing ------------------------------------------------------------------------------
    def save(self) -> bool:
        """Derive the status, check the move and write everything. Returns whether anything was written.
        Raises InvalidTransition."""
        self._derive()
        self._save_parts()
        OrderEvent.objects.bulk_create(self._notes)
        if self._has_changed or self._notes or self._moved or self._split:
            self.order.modified_at = self.cause.now
            self.order.save()
            return True
        return False

    def _derive(self) -> None:
        order = self.order
        to = derive_status(
            [part.status for part in self.parts if part.quantity],
            is_confirmed=order.is_confirmed,
            cancellation_requested=order.cancellation_requested,
            is_manual=order.is_manual,
        )
        self._derive_wait(to)
        if to in CLOSED:
            self.solve(lambda code: code == ORPHAN)
        if to == order.status:
            return
        if to not in TRANSITIONS[OrderStatus(order.status)]:
            raise InvalidTransition(f"{order.status} -> {to}")
        text = f"Changed shipping status: {order.status} -> {to}"
        self.note("order.status", text, from_status=order.status, to_status=to)
        self.set(status=to)

    def _derive_wait(self, to: OrderStatus) -> None:
        """A wait lasts as long as a part waits, also of a partial order. One that was broken off, by a request of
        the buyer or by a person, begins anew; where an error is to be solved first, it doesn't."""
        order = self.order
        if to not in (OrderStatus.WAITING, OrderStatus.PARTIAL) or not self.waiting():
            self.set(waiting_until=None)
        elif order.waiting_until is None and to != order.status and not order.error_code:
            self.set(waiting_until=self.end_of_wait())

    def _save_parts(self) -> None:
        changed = [part for part in self.parts if part.pk in self._moved]
        ItemPart.objects.filter(pk__in=[part.pk for part in changed if not part.quantity]).delete()
        fields = ["quantity", "status", "former_status", "shipment", "cancellation"]
        ItemPart.objects.bulk_update([part for part in changed if part.quantity], fields)
        ItemPart.objects.bulk_create(self._split)


def choose_for(order: Order, *, named: str, tracking_code: str) -> Choice:
    """Which transporter a parcel of this order goes with; `named` by the shop."""
    pair = order.order_connection
    rules = TransporterRule.objects.asked_for(pair) if pair else []
    default = pair.options.default_transporter if pair else ""
    return choose(named=named, tracking_code=tracking_code, default=default, rules=rules, country=order.country_code)
