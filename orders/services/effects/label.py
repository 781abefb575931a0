"""Fetching a shipping label that was made at the marketplace.

It changes nothing there, but it must not get lost either: the outbox gives it an account's pace and patience.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connections.connectors import MarketplaceConnector
from connections.connectors.errors import ConnectorError, DataError
from connections.connectors.types import Done, Found, Pending, Receipt
from connections.models import OutboxMessage
from connections.outbox import Effect, Lookup, Withdrawn
from orders.models import Actor, Attachment, AttachmentKind, Delivery
from orders.services import events
from orders.services.apply import apply
from orders.services.attachments import keep_label
from orders.services.effects.common import cause, refuse_orphan_or_paused
from orders.services.work import FETCH_LABEL


@dataclass(frozen=True, slots=True)
class Wanted:
    label: Attachment | None
    having: list[str]


class FetchLabel(Effect):
    """Subject: the attachment that waits for it."""

    kind = FETCH_LABEL

    def load(self, message: OutboxMessage) -> Wanted:
        found = Attachment.objects.select_related("order__order_connection").filter(pk=message.subject_id).first()
        if found is None:
            return Wanted(None, [])
        labels = Attachment.objects.filter(order=found.order, kind=AttachmentKind.LABEL).exclude(remote_id="")
        return Wanted(found, list(labels.order_by("number").values_list("remote_id", flat=True)))

    def check(self, message: OutboxMessage, data: Wanted) -> None:
        if data.label is None or data.label.delivery != Delivery.PENDING:
            raise Withdrawn("nothing waits for it any more")
        refuse_orphan_or_paused(data.label.order)

    def send(self, connector: MarketplaceConnector, data: Wanted, *, key: str, half: Found | None) -> Receipt:
        if data.label is None:
            return Done("")
        label = connector.fetch_label(data.label.order.external_id, data.having)
        if label is None:
            return Done("")
        if not keep_label(data.label, label.content):
            raise DataError("The label is no file that we can keep.", code="connector.refused")
        return Done(label.external_id)

    def find(self, connector: MarketplaceConnector, data: Wanted, *, key: str, since: datetime) -> Lookup | None:
        """There is nothing at the marketplace that fetching it again could double."""
        return None

    def on_sent(self, message: OutboxMessage, receipt: Receipt, *, adopted: bool, news: Any) -> None:
        if not isinstance(receipt, Pending):
            self.on_confirmed(message, receipt)

    def on_confirmed(self, message: OutboxMessage, done: Done) -> None:
        self._apply(message, done.remote_id)

    def on_refused(self, message: OutboxMessage, error: ConnectorError) -> None:
        """No order stops for it: the label can be had in the seller account."""
        self._apply(message, "")

    def _apply(self, message: OutboxMessage, label_id: str) -> None:
        label = Attachment.objects.filter(pk=message.subject_id).first()
        if label is not None:
            event = events.LabelFetched(label.pk, label_id)
            apply(label.order_id, event, cause(Actor.MARKETPLACE, message))
