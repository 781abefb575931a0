"""Handing an invoice to the marketplace."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from channable.core.clock import utcnow
from connections.connectors import MarketplaceConnector
from connections.connectors.errors import ConnectorError, DataError
from connections.connectors.types import Done, Found, InvoiceData, Pending, Receipt
from connections.models import OutboxMessage, OutboxStatus
from connections.outbox import Effect, Lookup, Postponed, Withdrawn
from orders import storage
from orders.models import Actor, Attachment, Delivery, OrderItem
from orders.services import events
from orders.services.apply import apply
from orders.services.effects.common import cause, refuse_orphan_or_paused
from orders.services.work import INVOICE_REFUSED, UPLOAD_INVOICE


@dataclass(frozen=True, slots=True)
class Invoice:
    attachment: Attachment
    item_ids: list[str]
    others: list[str]


class UploadInvoice(Effect):
    """Subject: the attachment. Its file is read outside of any transaction."""

    kind = UPLOAD_INVOICE

    def load(self, message: OutboxMessage) -> Invoice:
        attachment = Attachment.objects.select_related("order__order_connection", "order__connection")
        found = attachment.get(pk=message.subject_id)
        items = OrderItem.objects.filter(order=found.order, pk__in=found.item_ids).order_by("id")
        others = _others(found).exclude(remote_id="").order_by("number")
        return Invoice(
            found,
            list(items.values_list("external_id", flat=True)),
            list(others.values_list("remote_id", flat=True)),
        )

    def check(self, message: OutboxMessage, data: Invoice) -> None:
        attachment = data.attachment
        if not attachment.is_there(utcnow()):
            raise Withdrawn("its file has expired")
        if attachment.delivery != Delivery.PENDING:
            raise Withdrawn("it is not to be sent any more")
        refuse_orphan_or_paused(attachment.order)
        # An upload may not carry our reference: two of one order at once could be taken for each other.
        under_way = [OutboxStatus.SENDING, OutboxStatus.UNKNOWN]
        others = OutboxMessage.objects.filter(kind=UPLOAD_INVOICE, subject_id__in=_others(attachment).values("pk"))
        if others.filter(status__in=under_way).exists():
            raise Postponed

    def send(self, connector: MarketplaceConnector, data: Invoice, *, key: str, half: Found | None) -> Receipt:
        invoice = _with_file(data)
        return connector.upload_invoice(data.attachment.order.external_id, invoice, key=key)

    def find(self, connector: MarketplaceConnector, data: Invoice, *, key: str, since: datetime) -> Lookup | None:
        receipt = connector.find_invoice(data.attachment.order.external_id, _with_file(data), key=key, since=since)
        return Lookup(receipt) if receipt else None

    def on_sent(self, message: OutboxMessage, receipt: Receipt, *, adopted: bool, news: Any) -> None:
        if isinstance(receipt, Pending):
            _apply(message, events.InvoiceAccepted(message.subject_id, receipt.ticket), Actor.SYSTEM)
        else:
            event = events.InvoiceConfirmed(message.subject_id, receipt.remote_id, adopted)
            _apply(message, event, Actor.MARKETPLACE)

    def on_confirmed(self, message: OutboxMessage, done: Done) -> None:
        _apply(message, events.InvoiceConfirmed(message.subject_id, done.remote_id), Actor.MARKETPLACE)

    def on_refused(self, message: OutboxMessage, error: ConnectorError) -> None:
        _apply(message, events.InvoiceRefused(message.subject_id, error.detail or error.code), Actor.MARKETPLACE)


def _others(attachment: Attachment) -> Any:
    return Attachment.objects.filter(order=attachment.order, kind=attachment.kind).exclude(pk=attachment.pk)


def _with_file(data: Invoice) -> InvoiceData:
    """Raises DataError where a restored backup knows of a file that the storage lacks."""
    attachment = data.attachment
    try:
        content = storage.read(attachment.storage_key)
    except FileNotFoundError:
        raise DataError("The file is no longer in our storage; add it again.", code=INVOICE_REFUSED) from None
    return InvoiceData(content, attachment.created_at, data.item_ids, data.others)


def _apply(message: OutboxMessage, event: events.Event, actor: Actor) -> None:
    order_id = Attachment.objects.values_list("order_id", flat=True).get(pk=message.subject_id)
    apply(order_id, event, cause(actor, message))
