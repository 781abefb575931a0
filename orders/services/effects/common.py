"""What the effects share, and what shipments, cancellations and decisions about returns have in common."""

from __future__ import annotations

from typing import Any, ClassVar

from channable.core.clock import utcnow
from connections.connectors.errors import ConnectorError
from connections.connectors.types import Done, Pending, Receipt, ShippedItem
from connections.messages import MESSAGES
from connections.models import OutboxMessage
from connections.outbox import Effect, Postponed, Withdrawn
from orders.models import Actor, ItemPart, Order
from orders.models.shipment import Decision
from orders.services.apply import apply
from orders.services.events import Cause, Event

# Codes that say no more than "refused": the effect's own code says more.
PLAIN_REFUSALS = ("connector.refused", "order.unreadable")


def cause(actor: Actor, message: OutboxMessage) -> Cause:
    now = utcnow()
    return Cause(actor, now, now, message_id=message.pk)


def refuse_orphan_or_paused(order: Order) -> None:
    """Raises Withdrawn or Postponed where its order connection does not send any more, or not now."""
    pair = order.order_connection
    if pair is None or pair.deleted_at:
        raise Withdrawn("the order connection was removed")
    if not pair.is_active and not order.is_test:
        raise Postponed


def items_of(parts: list[ItemPart]) -> list[ShippedItem]:
    quantities: dict[str, int] = {}
    for part in parts:
        quantities[part.item.external_id] = quantities.get(part.item.external_id, 0) + part.quantity
    return [ShippedItem(item_id, quantity) for item_id, quantity in quantities.items()]


class DecisionEffect(Effect):
    """Tells the marketplace what was decided; the events say how that went."""

    decision: ClassVar[type[Decision]]
    refusal: ClassVar[str]  # the code of a refusal that says nothing more

    def accepted(self, decision_id: int) -> Event:
        raise NotImplementedError

    def confirmed(self, decision_id: int, remote_id: str, adopted: bool) -> Event:
        raise NotImplementedError

    def refused(self, decision_id: int, code: str, detail: str) -> Event:
        raise NotImplementedError

    def on_sent(self, message: OutboxMessage, receipt: Receipt, *, adopted: bool, news: Any) -> None:
        if isinstance(receipt, Pending):
            self._apply(message, self.accepted(message.subject_id), Actor.SYSTEM)
        else:
            self._apply(message, self.confirmed(message.subject_id, receipt.remote_id, adopted), Actor.MARKETPLACE)

    def on_confirmed(self, message: OutboxMessage, done: Done) -> None:
        self._apply(message, self.confirmed(message.subject_id, done.remote_id, False), Actor.MARKETPLACE)

    def on_refused(self, message: OutboxMessage, error: ConnectorError) -> None:
        is_telling = error.code in MESSAGES and error.code not in PLAIN_REFUSALS
        code = error.code if is_telling else self.refusal
        self._apply(message, self.refused(message.subject_id, code, error.detail), Actor.MARKETPLACE)

    def _apply(self, message: OutboxMessage, event: Event, actor: Actor) -> None:
        order_id = self.decision.objects.values_list("order_id", flat=True).get(pk=message.subject_id)
        apply(order_id, event, cause(actor, message))
