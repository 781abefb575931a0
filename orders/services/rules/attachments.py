"""What follows when an order gets a file, and when the marketplace accepts, confirms or refuses an invoice."""

from __future__ import annotations

from connections.outbox import withdraw
from orders.models import Attachment, AttachmentKind, Delivery, EventLevel, FileState
from orders.models.attachment import UNDER_WAY
from orders.services.events import (
    AttachmentRemoved,
    AttachmentStored,
    InvoiceAccepted,
    InvoiceConfirmed,
    InvoiceRefused,
    LabelFetched,
)
from orders.services.work import INVOICE_REFUSED, LIVE, UPLOAD_INVOICE, Work
from orders.states import PartStatus


def stored(work: Work, event: AttachmentStored) -> None:
    """An invoice goes to the marketplace, at once or when what it is about is shipped."""
    attachment = Attachment.objects.get(pk=event.attachment_id)
    if attachment.state != FileState.EXPECTED:
        return
    attachment.state = FileState.STORED
    attachment.save(update_fields=["state"])
    work.note("attachment.stored", f"{attachment.title} was added.")
    if attachment.kind == AttachmentKind.INVOICE:
        _deliver(work, attachment)


def follow_shipment(work: Work) -> None:
    """Called when something of the order was shipped: what waited for that goes on."""
    for attachment in Attachment.objects.filter(order=work.order, delivery=Delivery.WAITING).order_by("number"):
        _deliver(work, attachment)
    order = work.order
    if (
        order.uses_marketplace_label
        and not order.is_test
        and work.marketplace.connector_class.capabilities.gives_labels
    ):
        labels = Attachment.objects.filter(order=order, kind=AttachmentKind.LABEL, delivery=Delivery.PENDING)
        if not labels.exists():
            work.ask_for_label()


def label_fetched(work: Work, event: LabelFetched) -> None:
    """Asked for until there is no other: an order may have several parcels."""
    attachment = Attachment.objects.filter(pk=event.attachment_id).first()
    if attachment is None or attachment.delivery != Delivery.PENDING:
        return
    if not event.remote_id and attachment.storage_key:
        attachment.expires_at = work.cause.now  # a try may have left a file, so the row stays until that is deleted
        attachment.save(update_fields=["expires_at"])
        return
    if not event.remote_id:
        attachment.delete()
        return
    _set(attachment, Delivery.CONFIRMED, remote_id=event.remote_id[:200], delivered_at=work.cause.now)
    work.note("attachment.label", f"{attachment.title} was fetched from {work.marketplace.kind_label}.")
    work.ask_for_label()


def invoice_accepted(work: Work, event: InvoiceAccepted) -> None:
    attachment = Attachment.objects.get(pk=event.attachment_id)
    if attachment.delivery == Delivery.PENDING:
        _set(attachment, Delivery.PROCESSING, remote_id=event.receipt[:200])
        work.note("invoice.sent", f"Sent {_name(attachment)} to {work.marketplace.kind_label}")


def invoice_confirmed(work: Work, event: InvoiceConfirmed) -> None:
    """The receipt of before is kept: by it the invoice is told from others of the order."""
    attachment = Attachment.objects.get(pk=event.attachment_id)
    if attachment.delivery == Delivery.CONFIRMED:
        return
    if attachment.delivery == Delivery.PENDING:
        how = "Found {} at {}" if event.adopted else "Sent {} to {}"
        work.note("invoice.sent", how.format(_name(attachment), work.marketplace.kind_label))
    receipt = attachment.remote_id or event.receipt[:200]
    _set(attachment, Delivery.CONFIRMED, remote_id=receipt, delivered_at=work.cause.now, error_detail="")
    work.note("invoice.confirmed", f"{work.marketplace.kind_label} has {_name(attachment)}.")
    _solve(work)


def invoice_refused(work: Work, event: InvoiceRefused) -> None:
    """A person is needed, also for a closed order. An error that holds up the order itself is not hidden by it."""
    attachment = Attachment.objects.get(pk=event.attachment_id)
    if attachment.delivery not in UNDER_WAY:
        return
    _set(attachment, Delivery.REFUSED, error_detail=event.detail[:2000])
    if work.order.error_code in ("", INVOICE_REFUSED):
        work.flag(INVOICE_REFUSED, event.detail)
    else:
        work.note(INVOICE_REFUSED, event.detail, EventLevel.ERROR)


def removed(work: Work, event: AttachmentRemoved) -> None:
    """It expires now, so the file goes with the next round. What the marketplace has of it stays there."""
    attachment = Attachment.objects.get(pk=event.attachment_id)
    if attachment.expires_at <= work.cause.now:
        return
    attachment.expires_at = work.cause.now
    was_refused = attachment.delivery == Delivery.REFUSED
    if attachment.delivery in UNDER_WAY | {Delivery.REFUSED}:
        attachment.delivery = Delivery.NONE
    attachment.save(update_fields=["expires_at", "delivery"])
    withdraw(UPLOAD_INVOICE, [attachment.pk])
    work.note("attachment.removed", f"{attachment.title} was removed.", EventLevel.WARNING)
    if was_refused:
        _solve(work)


def resend_refused(work: Work) -> None:
    """Part of *Resend*: what the marketplace refused, as far as the files are still there."""
    refused = Attachment.objects.filter(order=work.order, delivery=Delivery.REFUSED).order_by("number")
    for attachment in refused:
        if attachment.is_there(work.cause.now):
            _deliver(work, attachment)


def resume(work: Work) -> None:
    """The order goes on with another order connection: what was withdrawn with the former one is sent."""
    for attachment in Attachment.objects.filter(
        order=work.order, delivery=Delivery.PENDING, kind=AttachmentKind.INVOICE
    ):
        _deliver(work, attachment)


def _deliver(work: Work, attachment: Attachment) -> None:
    capabilities, order = work.marketplace.connector_class.capabilities, work.order
    if not capabilities.takes_invoices:
        return
    if order.is_test:
        _set(attachment, Delivery.CONFIRMED, delivered_at=work.cause.now)
        work.note("order.test_ended", f"A test order: {work.marketplace.kind_label} is not told.")
    elif capabilities.invoices_follow_shipment and not _is_shipped(work, attachment):
        _set(attachment, Delivery.WAITING)
    else:
        _set(attachment, Delivery.PENDING, remote_id="", error_detail="")
        work.send_invoice(attachment)


def _is_shipped(work: Work, attachment: Attachment) -> bool:
    """Whether all that it is about is shipped, but for what was cancelled."""
    wanted = set(attachment.item_ids)
    parts = [part for part in work.parts if part.quantity and (not wanted or part.item_id in wanted)]
    return not any(part.status in LIVE for part in parts) and any(part.status == PartStatus.SHIPPED for part in parts)


def _solve(work: Work) -> None:
    if not Attachment.objects.filter(order=work.order, delivery=Delivery.REFUSED).exists():
        work.solve(lambda code: code == INVOICE_REFUSED)


def _set(attachment: Attachment, delivery: Delivery, **values: object) -> None:
    for name, value in {"delivery": delivery, **values}.items():
        setattr(attachment, name, value)
    attachment.save(update_fields=["delivery", *values])


def _name(attachment: Attachment) -> str:
    return f"invoice {attachment.number}"
