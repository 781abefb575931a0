"""The lines of an order, and how much of each is in which state."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from channable.tenants.models import TenantForeignKey, TenantModel, scoped_manager
from orders.models.order import Order, amount
from orders.models.shipment import Cancellation, Shipment
from orders.states import PartStatus


class OrderItem(TenantModel):
    """One line as the marketplace told it. Amounts are per unit with VAT included; `discount` is
    for the whole line."""

    order = TenantForeignKey(Order, on_delete=models.CASCADE, related_name="items")
    external_id = models.CharField(_("line id there"), max_length=100)
    product_id = models.CharField(_("product"), max_length=200)
    title = models.CharField(_("title"), max_length=500, blank=True)
    ean = models.CharField(_("EAN"), max_length=40, blank=True)
    article_number = models.CharField(_("article number"), max_length=100, blank=True)
    reference_code = models.CharField(_("reference"), max_length=200, blank=True)
    channel_product_id = models.CharField(_("product id there"), max_length=100, blank=True)
    quantity = models.PositiveIntegerField(_("quantity"))
    unit_price = amount(_("price"))
    shipping = amount(_("shipping"), default=0)
    discount = amount(_("discount"), default=0)
    commission = amount(_("commission"), default=0)
    price_tax = amount(_("VAT in the price"), null=True)
    shipping_tax = amount(_("VAT in the shipping"), null=True)
    delivery_period = models.CharField(_("delivery period"), max_length=60, blank=True)
    gift_message = models.TextField(_("gift message"), blank=True)
    cancellation_requested = models.BooleanField(default=False)

    objects = scoped_manager()

    class Meta:
        verbose_name = _("item")
        verbose_name_plural = _("items")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["company", "order", "external_id"], name="item_once"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.product_id}"


class ItemPart(TenantModel):
    """A quantity of an item in one state. The parts of an item always add up to its quantity."""

    order = TenantForeignKey(Order, on_delete=models.CASCADE, related_name="parts")
    item = TenantForeignKey(OrderItem, on_delete=models.CASCADE, related_name="parts")
    quantity = models.PositiveIntegerField(_("quantity"))
    status = models.CharField(_("status"), max_length=24, choices=PartStatus.choices, default=PartStatus.OPEN)
    # What it goes back to if what is on its way is refused.
    former_status = models.CharField(max_length=24, blank=True, editable=False)
    shipment = TenantForeignKey(Shipment, on_delete=models.PROTECT, null=True, related_name="parts")
    cancellation = TenantForeignKey(Cancellation, on_delete=models.PROTECT, null=True, related_name="parts")

    objects = scoped_manager()

    class Meta:
        verbose_name = _("part of an item")
        verbose_name_plural = _("parts of items")
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(status__in=PartStatus.values), name="part_known_status"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="part_not_empty"),
        ]
        indexes: ClassVar = [models.Index(fields=["company", "order"], name="part_of_order")]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.status}"
