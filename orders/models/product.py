"""Which product of a shop is meant by a marketplace's product id."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from channable.tenants.models import TenantForeignKey, TenantModel, User, scoped_manager
from connections.models import Connection


class LinkSource(models.TextChoices):
    PERSON = "person", _("chosen by a person")  # nothing else is tried
    FOUND = "found", _("found by an alternative id")  # tried first


class ProductLink(TenantModel):
    """Remembered for every later order that goes to this shop."""

    shop = TenantForeignKey(Connection, on_delete=models.CASCADE, related_name="+")
    product_id = models.CharField(_("product at the marketplace"), max_length=200)  # OrderItem.product_id
    shop_product_id = models.CharField(_("product in the shop"), max_length=200)
    source = models.CharField(_("source"), max_length=8, choices=LinkSource.choices)
    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", db_index=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    objects = scoped_manager()

    class Meta:
        verbose_name = _("product link")
        verbose_name_plural = _("product links")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["company", "shop", "product_id"], name="product_link_once"),
            models.CheckConstraint(condition=Q(source__in=LinkSource.values), name="product_link_known_source"),
        ]

    def __str__(self) -> str:
        return f"{self.product_id}: {self.shop_product_id}"
