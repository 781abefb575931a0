"""What is billed: one dated fact per order."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from channable.tenants.models import TenantModel, scoped_manager


class SyncedOrder(TenantModel):
    """An order that reached a shop for the first time: written in the transaction that saw the
    shop's id, never changed, and kept when the order's data is erased (so no foreign keys)."""

    connection_id = models.BigIntegerField(_("seller account"))
    order_id = models.BigIntegerField(_("order"))
    first_synced_at = models.DateTimeField(_("first synced"))

    objects = scoped_manager()

    class Meta:
        verbose_name = _("synced order")
        verbose_name_plural = _("synced orders")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["company", "order_id"], name="synced_order_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["company", "first_synced_at"], name="synced_order_month"),
        ]

    def __str__(self) -> str:
        return f"{self.order_id}"
