"""Cancelling items at the marketplace."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from connections.connectors import MarketplaceConnector
from connections.connectors.types import (
    CancellationData,
    Found,
    Receipt,
)
from connections.models import OutboxMessage
from connections.outbox import Lookup, Withdrawn
from orders.models import ItemPart
from orders.models.shipment import Cancellation
from orders.services import events
from orders.services.effects.common import DecisionEffect, items_of, refuse_orphan_or_paused
from orders.services.work import CANCEL_ORDER
from orders.states import PartStatus


@dataclass(frozen=True, slots=True)
class Cancelling:
    cancellation: Cancellation
    data: CancellationData
    parts: list[ItemPart]


class CancelOrder(DecisionEffect):
    """Subject: the cancellation."""

    kind = CANCEL_ORDER
    decision = Cancellation
    refusal = "cancellation.refused"

    def load(self, message: OutboxMessage) -> Cancelling:
        cancellation = Cancellation.objects.select_related("order__order_connection").get(pk=message.subject_id)
        parts = list(ItemPart.objects.filter(cancellation=cancellation).select_related("item").order_by("id"))
        return Cancelling(cancellation, CancellationData(items_of(parts), cancellation.reason), parts)

    def check(self, message: OutboxMessage, data: Cancelling) -> None:
        if not any(part.status == PartStatus.PENDING_CANCELLATION for part in data.parts):
            raise Withdrawn("nothing of it is to be cancelled any more")
        refuse_orphan_or_paused(data.cancellation.order)

    def send(self, connector: MarketplaceConnector, data: Cancelling, *, key: str, half: Found | None) -> Receipt:
        return connector.cancel_order(data.cancellation.order.external_id, data.data, key=key)

    def find(self, connector: MarketplaceConnector, data: Cancelling, *, key: str, since: datetime) -> Lookup | None:
        receipt = connector.find_cancellation(data.cancellation.order.external_id, data.data, key=key, since=since)
        return Lookup(receipt) if receipt else None

    def accepted(self, decision_id: int) -> events.Event:
        return events.CancellationAccepted(decision_id)

    def confirmed(self, decision_id: int, remote_id: str, adopted: bool) -> events.Event:
        return events.CancellationConfirmed(decision_id, remote_id, adopted)

    def refused(self, decision_id: int, code: str, detail: str) -> events.Event:
        return events.CancellationRefused(decision_id, code, detail)
