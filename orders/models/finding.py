"""What differs between the two remotes and us, found by comparing."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from channable.tenants.models import TenantForeignKey, TenantModel, scoped_manager
from connections.models import OrderConnection
from orders.models.order import Order


class FindingQuerySet(models.QuerySet["Finding"]):
    def open(self) -> FindingQuerySet:
        return self.filter(resolved_at=None)


class Finding(TenantModel):
    """One difference of one order. `code` is one of connections/messages.py, which has its remedy."""

    order_connection = TenantForeignKey(OrderConnection, on_delete=models.CASCADE, related_name="findings")
    order = TenantForeignKey(Order, on_delete=models.CASCADE, null=True, related_name="+")  # None: we don't hold it
    code = models.CharField(_("kind"), max_length=60)
    external_id = models.CharField(_("marketplace number"), max_length=100)
    detail = models.TextField(_("detail"), blank=True)
    first_seen_at = models.DateTimeField(_("first seen"), default=timezone.now)
    last_seen_at = models.DateTimeField(_("last seen"), default=timezone.now)
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)

    objects = scoped_manager(FindingQuerySet)

    class Meta:
        verbose_name = _("difference")
        verbose_name_plural = _("differences")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["company", "order_connection", "code", "external_id"], name="finding_once"),
        ]
        indexes: ClassVar = [
            models.Index(
                F("company"),
                F("order_connection"),
                F("last_seen_at").desc(),
                F("id").desc(),
                name="finding_open",
                condition=Q(resolved_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.external_id}: {self.code}"
