"""What is told to the other side: shipments and cancellations, and notices to the shop; one row per decision."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from channable.tenants.models import TenantForeignKey, TenantModel, scoped_manager
from orders.models.order import Order


class DecisionStatus(models.TextChoices):
    """How far it has come at the marketplace, or a notice in the shop."""

    PENDING = "pending", _("Pending")
    PROCESSING = "processing", _("Processing")
    CONFIRMED = "confirmed", _("Confirmed")
    REFUSED = "refused", _("Refused")


class Decision(TenantModel):
    """What they share. `source_ref` makes repeated news harmless: the same
    parcel or the same cancellation of the shop is one row."""

    order = TenantForeignKey(Order, on_delete=models.CASCADE, related_name="%(class)ss")
    number = models.PositiveSmallIntegerField()  # 1, 2, … within the order; part of our reference
    source_ref = models.CharField(max_length=200)
    status = models.CharField(
        _("status"), max_length=10, choices=DecisionStatus.choices, default=DecisionStatus.PENDING
    )
    remote_id = models.CharField(_("id at the marketplace"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    confirmed_at = models.DateTimeField(_("confirmed"), null=True, blank=True)

    objects: Any  # each kind has its own

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.number}"


class Shipment(Decision):
    """A parcel. `*_original` is as received; the plain field is what the marketplace was sent."""

    tracking_code = models.CharField(_("tracking code"), max_length=200, blank=True)
    tracking_code_original = models.CharField(_("tracking code as received"), max_length=200, blank=True)
    transporter = models.CharField(_("transporter"), max_length=100, blank=True)
    transporter_original = models.CharField(_("transporter as received"), max_length=200, blank=True)
    tracking_url = models.TextField(_("tracking page"), blank=True)
    return_tracking_code = models.CharField(_("return code"), max_length=200, blank=True)
    return_transporter = models.CharField(_("return transporter"), max_length=100, blank=True)
    delivery_bill_id = models.CharField(_("delivery note number"), max_length=100, blank=True)
    shipped_at = models.DateTimeField(_("shipped"))

    objects = scoped_manager()

    class Meta:
        verbose_name = _("shipment")
        verbose_name_plural = _("shipments")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["company", "order", "number"], name="shipment_number_once"),
            models.UniqueConstraint(fields=["company", "order", "source_ref"], name="shipment_source_once"),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["company", "tracking_code"], name="shipment_tracking_code", condition=~Q(tracking_code="")
            ),
        ]


class Cancellation(Decision):
    """Items the seller cancels at the marketplace."""

    reason = models.CharField(_("reason"), max_length=40, blank=True)

    objects = scoped_manager()

    class Meta:
        verbose_name = _("cancellation")
        verbose_name_plural = _("cancellations")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["company", "order", "number"], name="cancellation_number_once"),
            models.UniqueConstraint(fields=["company", "order", "source_ref"], name="cancellation_source_once"),
        ]


class NoticeKind(models.TextChoices):
    """What those who pack in the shop have to know."""

    REQUESTED = "requested", _("The buyer asks to cancel")
    WITHDRAWN = "withdrawn", _("The buyer no longer asks to cancel")
    CANCELLED = "cancelled", _("Nothing of it is to be shipped any more")
    PART_CANCELLED = "part_cancelled", _("Some of it is not to be shipped any more")
    NOT_CANCELLED = "not_cancelled", _("The cancellation was refused")
    RETURNED = "returned", _("Goods come back")


class ShopNotice(Decision):
    """Told to the shop once, as a note; some hold the order there, or release it."""

    kind = models.CharField(_("kind"), max_length=16, choices=NoticeKind.choices)
    text = models.TextField(_("text"))

    objects = scoped_manager()

    class Meta:
        verbose_name = _("notice to the shop")
        verbose_name_plural = _("notices to the shop")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["company", "order", "number"], name="notice_number_once"),
            models.CheckConstraint(condition=Q(kind__in=NoticeKind.values), name="notice_known_kind"),
        ]
