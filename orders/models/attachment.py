"""Files of an order: invoices for the buyer and shipping labels. The file itself is in the private storage."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from channable.tenants.models import TenantForeignKey, TenantModel, User, scoped_manager
from orders.models.history import Actor
from orders.models.order import Order


class AttachmentKind(models.TextChoices):
    INVOICE = "invoice", _("Invoice")
    LABEL = "label", _("Shipping label")


class FileState(models.TextChoices):
    """Where the file is. It has a row before it is written and until after it is deleted, so none is ever forgotten."""

    EXPECTED = "expected", _("Being stored")
    STORED = "stored", _("Stored")
    DELETED = "deleted", _("Deleted")  # the row stays: it says that there was one, and when it expired


class Delivery(models.TextChoices):
    """How far an invoice has come on its way to the marketplace."""

    NONE = "none", _("Kept here")
    WAITING = "waiting", _("Waits for the shipment")
    PENDING = "pending", _("Goes to the marketplace")
    PROCESSING = "processing", _("The marketplace checks it")
    CONFIRMED = "confirmed", _("At the marketplace")
    REFUSED = "refused", _("Refused")


UNDER_WAY = frozenset({Delivery.WAITING, Delivery.PENDING, Delivery.PROCESSING})


class Attachment(TenantModel):
    """One file of one order. Personal data: the file is deleted when it expires, its name with it.

    An order with files can't be deleted: they would stay behind. `expire_all` of services/attachments.py
    comes first.
    """

    order = TenantForeignKey(Order, on_delete=models.PROTECT, related_name="attachments")
    number = models.PositiveSmallIntegerField()  # 1, 2, … within the order; part of our reference
    kind = models.CharField(_("kind"), max_length=10, choices=AttachmentKind.choices)
    # The lines it is about (OrderItem ids); empty: all of them.
    item_ids = ArrayField(models.BigIntegerField(), default=list, blank=True, verbose_name=_("items"))
    source = models.CharField(_("from"), max_length=12, choices=Actor.choices)
    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", db_index=False)

    # -- the file
    state = models.CharField(_("file"), max_length=10, choices=FileState.choices, default=FileState.EXPECTED)
    filename = models.CharField(_("name"), max_length=150, blank=True)  # cleaned; with the ending of what it really is
    file_type = models.CharField(_("type"), max_length=4, blank=True)  # files.FileType: .pdf, .png or .zpl
    size = models.PositiveIntegerField(_("bytes"), default=0)
    sha256 = models.CharField(max_length=64, blank=True, editable=False)
    storage_key = models.CharField(max_length=100, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    expires_at = models.DateTimeField(_("expires"))

    # -- on its way to the marketplace, or (a label) from there
    delivery = models.CharField(_("delivery"), max_length=10, choices=Delivery.choices, default=Delivery.NONE)
    # What the marketplace gave for it: its ticket for an invoice, its id of a label.
    remote_id = models.CharField(_("id at the marketplace"), max_length=200, blank=True)
    delivered_at = models.DateTimeField(_("delivered"), null=True, blank=True)
    error_detail = models.TextField(_("error detail"), blank=True)

    objects = scoped_manager()

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["company", "order", "number"], name="attachment_number_once"),
            models.CheckConstraint(condition=Q(kind__in=AttachmentKind.values), name="attachment_known_kind"),
            models.CheckConstraint(condition=Q(state__in=FileState.values), name="attachment_known_state"),
            models.CheckConstraint(condition=Q(delivery__in=Delivery.values), name="attachment_known_delivery"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["expires_at"], name="attachment_expires", condition=~Q(state="deleted")),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"

    @property
    def title(self) -> str:
        """Names nobody, unlike the file's own name."""
        return _now("%(kind)s %(number)d") % {"kind": self.get_kind_display(), "number": self.number}

    def is_there(self, now: datetime) -> bool:
        """Whether the file can be had."""
        return self.state == FileState.STORED and self.expires_at > now

    @property
    def api_type(self) -> str:
        """The public API's `attachment_type`. `order.connection` is loaded."""
        if self.kind == AttachmentKind.INVOICE:
            return "INVOICE"
        return str(self.order.connection.connector_class.label_type)
