"""Files of an order: taken in, linked to, removed and, once they are expired, deleted.

A file has its row before it is written, and its row lets go of it only after it is deleted. So whatever dies in
between leaves a row that says where the file is, and the next round of `delete_expired` goes on from there.
Storing and deleting are outside of any transaction, since the storage may be on the other side of a network.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import IO, Any

import structlog
from django.conf import settings
from django.core import signing
from django.db.models import F, Max, Q
from django.db.models.functions import Least, Now
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from channable.core.clock import utcnow
from channable.tenants.models import User
from channable.tenants.scope import all_companies, company_scope
from orders import storage
from orders.files import MOST_BYTES, FileFacts, FileType, clean_name, look_at
from orders.models import Actor, Attachment, AttachmentKind, Delivery, FileState, Order, OrderItem
from orders.models.attachment import UNDER_WAY
from orders.services.apply import apply
from orders.services.events import AttachmentRemoved, AttachmentStored, Cause
from orders.services.work import Conflict, NotPossible

log = structlog.get_logger(__name__)

LINK_SECONDS = 300
LINK_SALT = "orders.attachment"
STORED_WITHIN = timedelta(hours=1)  # what is still not stored by then never will be: its process died
NOT_STORED = lazy("The file could not be stored; try again.")
AT_ONCE = 500  # files deleted in one round
TYPES = {
    AttachmentKind.INVOICE: frozenset({FileType.PDF}),
    AttachmentKind.LABEL: frozenset(FileType),
}


class WrongType(NotPossible):
    """The file is none of those that are taken."""


class WrongSize(NotPossible):
    """Nothing, or more than we take."""


class Expired(Exception):
    """The file is deleted, or about to be."""


# -- taking in ------------------------------------------------------------------------------------


def add(
    order: Order,
    kind: AttachmentKind,
    file: IO[bytes],
    *,
    name: str,
    user: User | None,
    item_ids: Iterable[int] = (),
    source: Actor | None = None,
) -> Attachment:
    """Keep a file, and send it to the marketplace if it is an invoice. Outside of any transaction.

    `item_ids`: the lines it is about, none for all. Raises NotPossible: WrongType, WrongSize, Conflict where the same
    file is there already, or its sentence alone.
    """
    facts, now = look_at(file), utcnow()
    file_type = _accepted_type(kind, facts)
    cause = Cause(source or (Actor.USER if user else Actor.SYSTEM), now, now, user=user)
    key = storage.new_key(order.company_id, file_type)
    with company_scope(order.company_id):
        locked = _locked(order.pk)
        _refuse(locked, kind, facts, now)
        attachment = Attachment.objects.create(
            company_id=locked.company_id,
            order=locked,
            number=(Attachment.objects.filter(order=locked).aggregate(most=Max("number"))["most"] or 0) + 1,
            kind=kind,
            item_ids=_items_of(locked, item_ids),
            source=cause.actor,
            user=user,
            filename=clean_name(name, file_type, otherwise=kind.value),
            file_type=file_type.value,
            size=facts.size,
            sha256=facts.sha256,
            storage_key=key,
            created_at=now,
            expires_at=now + timedelta(days=settings.ATTACHMENTS_KEPT_DAYS),
        )
    _write(attachment, file)
    with company_scope(order.company_id):
        apply(order.pk, AttachmentStored(attachment.pk), cause)
        attachment.refresh_from_db()
    if attachment.state != FileState.STORED:
        storage.delete(key)  # it took so long that `delete_expired` came first
        raise NotPossible(NOT_STORED)
    return attachment


def _accepted_type(kind: AttachmentKind, facts: FileFacts) -> FileType:
    """By its own bytes. Raises WrongSize, WrongType."""
    if not facts.size:
        raise WrongSize(_("The file is empty."))
    if facts.size > MOST_BYTES:
        raise WrongSize(_("The file is larger than 10 MB."))
    if facts.type is None or facts.type not in TYPES[kind]:
        if kind == AttachmentKind.INVOICE:
            raise WrongType(_("An invoice has to be a whole PDF file."))
        raise WrongType(_("A label has to be a PDF, PNG or ZPL file."))
    return facts.type


def _locked(order_id: int) -> Order:
    """The same file sent twice at once is seen by the second."""
    orders = Order.objects.select_for_update(of=("self",)).select_related("connection", "order_connection")
    order: Order = orders.get(pk=order_id)
    return order


def _refuse(order: Order, kind: AttachmentKind, facts: FileFacts, now: datetime) -> None:
    """Raises NotPossible."""
    if kind == AttachmentKind.INVOICE and not order.connection.connector_class.capabilities.takes_invoices:
        told = {"marketplace": order.connection.kind_label}
        raise NotPossible(_("%(marketplace)s takes no invoices from us.") % told)
    pair = order.order_connection
    if kind == AttachmentKind.INVOICE and (pair is None or pair.deleted_at):
        raise Conflict(_("Its order connection was removed, so nothing can be sent. Use the seller account."))
    same = Attachment.objects.filter(order=order, kind=kind, sha256=facts.sha256, expires_at__gt=now)
    # What was refused may come again, and what a process left half stored when it died is none.
    same = same.exclude(delivery=Delivery.REFUSED)
    if same.exclude(state=FileState.EXPECTED, created_at__lt=now - STORED_WITHIN).exists():
        raise Conflict(_("This very file is there already."))


def _items_of(order: Order, item_ids: Iterable[int]) -> list[int]:
    asked = sorted(set(item_ids))
    if len(asked) != OrderItem.objects.filter(order=order, pk__in=asked).count():
        raise NotPossible(_("One of the items is not in this order."))
    return asked


def _write(attachment: Attachment, file: IO[bytes]) -> None:
    """Raises NotPossible; what was written of it is deleted with the next round."""
    try:
        storage.save(attachment.storage_key, file)
    except Exception as error:  # whatever a storage on the network may raise
        log.exception("file can't be stored", attachment=attachment.pk, company=attachment.company_id)
        with company_scope(attachment.company_id):
            Attachment.objects.filter(pk=attachment.pk).update(expires_at=Now())
        raise NotPossible(NOT_STORED) from error


# -- labels from the marketplace ------------------------------------------------------------------


def keep_label(label: Attachment, content: bytes) -> bool:
    """Store what a marketplace gave for a row that waits for it. False: it is none of the files that we take, or the
    row is gone. Outside of any transaction; repeating it replaces the file."""
    file = io.BytesIO(content)
    facts = look_at(file)
    if facts.type is None or not 0 < facts.size <= MOST_BYTES:
        return False
    key = label.storage_key or storage.new_key(label.company_id, facts.type)
    if not _update(label, storage_key=key):
        return False
    storage.save(key, file)
    kept = _update(
        label,
        state=FileState.STORED,
        filename=clean_name(f"label-{label.number}", facts.type, otherwise="label"),
        file_type=facts.type.value,
        size=facts.size,
        sha256=facts.sha256,
    )
    if not kept:
        storage.delete(key)
    return kept


def _update(label: Attachment, **values: Any) -> bool:
    """False: it was given up meanwhile."""
    with company_scope(label.company_id):
        rows = Attachment.objects.filter(pk=label.pk).exclude(state=FileState.DELETED)
        return bool(rows.update(**values))


# -- handing out ----------------------------------------------------------------------------------


def link_to(attachment: Attachment) -> str:
    """The path of an address that works for five minutes, for whoever has it. Raises Expired."""
    if not attachment.is_there(utcnow()):
        raise Expired
    token = signing.dumps([attachment.company_id, attachment.pk], salt=LINK_SALT)
    return reverse("file", args=[token])


def linked(token: str) -> Attachment | None:
    """What a link leads to; None if we never gave it. Raises Expired. Outside of any scope: the link names its
    company, under our signature."""
    try:
        company_id, attachment_id = signing.loads(token, salt=LINK_SALT, max_age=LINK_SECONDS)
    except signing.SignatureExpired:
        raise Expired from None
    except signing.BadSignature:
        return None
    with company_scope(company_id):
        attachment: Attachment | None = Attachment.objects.filter(pk=attachment_id).first()
    if attachment is not None and not attachment.is_there(utcnow()):
        raise Expired
    return attachment


# -- letting go -----------------------------------------------------------------------------------


def remove(attachment: Attachment, *, user: User | None) -> None:
    """It can't be had any more from now on; its file is deleted with the next round. Inside the company."""
    now = utcnow()
    cause = Cause(Actor.USER if user else Actor.SYSTEM, now, now, user=user)
    apply(attachment.order_id, AttachmentRemoved(attachment.pk), cause)


def expire_all(order: Order) -> int:
    """Part of erasing an order: its files are deleted with the next round. Never empty `storage_key` by hand: nobody
    would know of the file any more. How many there are; inside the company."""
    live = Attachment.objects.filter(order=order, expires_at__gt=Now()).exclude(state=FileState.DELETED)
    return int(live.update(expires_at=Now()))


def delete_expired() -> int:
    """Delete files that are expired, and what a process that died left half stored. How many."""
    count = 0
    for company_id, attachment_id, key in _expired():
        try:
            # The file first: a row without a file is gone through again, a file without a row would stay for ever.
            if key:
                storage.delete(key)
        except Exception:
            # One that the storage does not let go of must not keep the others.
            log.exception("file can't be deleted", attachment=attachment_id, company=company_id)
            continue
        with company_scope(company_id):
            count += _let_go(attachment_id, key)
    return count


def _expired() -> list[tuple[int, int, str]]:
    """(company, attachment, key), the longest expired first."""
    half_stored = Q(state=FileState.EXPECTED, delivery=Delivery.NONE, created_at__lt=utcnow() - STORED_WITHIN)
    with all_companies():  # files of every company
        rows = Attachment.objects.exclude(state=FileState.DELETED).filter(Q(expires_at__lte=Now()) | half_stored)
        return list(rows.order_by("expires_at").values_list("company_id", "pk", "storage_key")[:AT_ONCE])


def _let_go(attachment_id: int, key: str) -> int:
    """Its row keeps what names nobody. Not if it got a file meanwhile: that is for the next round."""
    values: dict[str, Any] = {"state": FileState.DELETED, "storage_key": "", "filename": "", "sha256": ""}
    values |= {"error_detail": "", "expires_at": Least(F("expires_at"), Now())}
    rows = Attachment.objects.filter(pk=attachment_id, storage_key=key)
    rows.filter(delivery__in=UNDER_WAY).update(delivery=Delivery.NONE)
    return int(rows.exclude(state=FileState.DELETED).update(**values))
