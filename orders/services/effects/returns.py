"""Returns: what the seller decides goes to the marketplace, what the buyer was paid back to the shop."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from connections.connectors import MarketplaceConnector, PlatformConnector
from connections.connectors.errors import ConnectorError
from connections.connectors.types import (
    Done,
    Found,
    ParcelItem,
    Pending,
    Receipt,
    RefundData,
    ReturnDecisionData,
    ReturnVerdict,
)
from connections.messages import MESSAGES
from connections.models import OutboxMessage, OutboxStatus
from connections.outbox import Effect, Lookup, Postponed, Withdrawn
from orders.models import Actor, Order, Return, ReturnDecision
from orders.models.shipment import DecisionStatus
from orders.services import events
from orders.services.apply import apply
from orders.services.effects.common import PLAIN_REFUSALS, DecisionEffect, cause, refuse_orphan_or_paused
from orders.services.rules.returns import NOT_REFUNDED, restocks
from orders.services.work import DECIDE_RETURN, REFUND_ORDER, REPORT_RETURN


@dataclass(frozen=True, slots=True)
class Deciding:
    decision: ReturnDecision
    order: Order
    data: ReturnDecisionData


class DecideReturn(DecisionEffect):
    """Subject: the decision."""

    kind = DECIDE_RETURN
    decision = ReturnDecision
    refusal = "return.refused"

    def load(self, message: OutboxMessage) -> Deciding:
        decision = _decision(message)
        returned = decision.returned
        earlier = returned.decisions.filter(number__lt=decision.number, status=DecisionStatus.CONFIRMED)
        data = ReturnDecisionData(
            external_id=returned.external_id,
            return_id=returned.return_id,
            verdict=ReturnVerdict(decision.verdict),
            quantity=decision.quantity,
            decided_before=sum(earlier.values_list("quantity", flat=True)),
            item_id=returned.item.external_id if returned.item else "",
        )
        return Deciding(decision, decision.order, data)

    def check(self, message: OutboxMessage, data: Deciding) -> None:
        if data.decision.status != DecisionStatus.PENDING:
            raise Withdrawn("it is decided already")
        refuse_orphan_or_paused(data.order)
        # A look-up counts pieces, so it could take another decision about the same line for this one.
        earlier = data.decision.returned.decisions.filter(number__lt=data.decision.number)
        under_way = OutboxMessage.objects.filter(
            kind__in=[DECIDE_RETURN, REPORT_RETURN],
            subject_id__in=earlier.values("pk"),
            status__in=[OutboxStatus.SENDING, OutboxStatus.UNKNOWN],
        )
        if earlier.filter(status=DecisionStatus.PROCESSING).exists() or under_way.exists():
            raise Postponed

    def send(self, connector: MarketplaceConnector, data: Deciding, *, key: str, half: Found | None) -> Receipt:
        return connector.decide_return(data.order.external_id, data.data, key=key)

    def find(self, connector: MarketplaceConnector, data: Deciding, *, key: str, since: datetime) -> Lookup | None:
        receipt = connector.find_return_decision(data.order.external_id, data.data, key=key, since=since)
        return Lookup(receipt) if receipt else None

    def accepted(self, decision_id: int) -> events.Event:
        return events.ReturnAccepted(decision_id)

    def confirmed(self, decision_id: int, remote_id: str, adopted: bool) -> events.Event:
        return events.ReturnConfirmed(decision_id, remote_id, adopted)

    def refused(self, decision_id: int, code: str, detail: str) -> events.Event:
        return events.ReturnRefused(decision_id, code, detail)


class ReportReturn(DecideReturn):
    """Subject: the decision about a return that the marketplace doesn't know yet."""

    kind = REPORT_RETURN

    def send(self, connector: MarketplaceConnector, data: Deciding, *, key: str, half: Found | None) -> Receipt:
        return connector.report_return(data.order.external_id, data.data, key=key)

    def find(self, connector: MarketplaceConnector, data: Deciding, *, key: str, since: datetime) -> Lookup | None:
        receipt = connector.find_reported_return(data.order.external_id, data.data, key=key, since=since)
        return Lookup(receipt) if receipt else None


@dataclass(frozen=True, slots=True)
class Refunding:
    order: Order
    returned: Return
    data: RefundData


class RefundOrder(Effect):
    """Subject: the decision that pays the buyer back."""

    kind = REFUND_ORDER

    def load(self, message: OutboxMessage) -> Refunding:
        decision = _decision(message)
        returned = decision.returned
        reason = returned.reason or f"Returned ({decision.order.connection.kind_label})"
        items = [ParcelItem(returned.product_id, decision.quantity)]
        data = RefundData(items, reason=reason, restocks=restocks(returned, decision))
        return Refunding(decision.order, returned, data)

    def check(self, message: OutboxMessage, data: Refunding) -> None:
        if data.order.is_manual:
            raise Withdrawn("the order is handled manually")
        refuse_orphan_or_paused(data.order)

    def send(self, connector: PlatformConnector, data: Refunding, *, key: str, half: Found | None) -> Receipt:
        return connector.refund(data.order.shop_order_id, data.data, key=key)

    def find(self, connector: PlatformConnector, data: Refunding, *, key: str, since: datetime) -> Lookup | None:
        receipt = connector.find_refund(data.order.shop_order_id, data.data, key=key, since=since)
        return Lookup(receipt) if receipt else None

    def on_sent(self, message: OutboxMessage, receipt: Receipt, *, adopted: bool, news: object) -> None:
        if not isinstance(receipt, Pending):
            self.on_confirmed(message, receipt)

    def on_confirmed(self, message: OutboxMessage, done: Done) -> None:
        self._apply(message, events.RefundedInShop(message.subject_id, done.remote_id, tuple(done.notes)))

    def on_refused(self, message: OutboxMessage, error: ConnectorError) -> None:
        is_telling = error.code in MESSAGES and error.code not in PLAIN_REFUSALS
        code = error.code if is_telling else NOT_REFUNDED
        self._apply(message, events.NotRefundedInShop(message.subject_id, code, error.detail))

    def _apply(self, message: OutboxMessage, event: events.Event) -> None:
        order_id = ReturnDecision.objects.values_list("order_id", flat=True).get(pk=message.subject_id)
        apply(order_id, event, cause(Actor.SHOP, message))


def _decision(message: OutboxMessage) -> ReturnDecision:
    found = ReturnDecision.objects.select_related("returned__item", "order__order_connection", "order__connection")
    decision: ReturnDecision = found.get(pk=message.subject_id)
    decision.returned.order = decision.order
    return decision
