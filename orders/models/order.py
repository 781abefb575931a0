"""An order as the marketplace told it, and what we decided about it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from channable.tenants.models import Project, TenantForeignKey, TenantModel, scoped_manager
from connections.connectors.types import FulfilmentType, RemoteStatus
from connections.models import Connection, OrderConnection
from orders.states import OPEN_STATES, OrderStatus


def amount(label: Any, **kwargs: Any) -> models.DecimalField:  # type: ignore[type-arg]
    """An amount in the order's currency, VAT included."""
    return models.DecimalField(label, max_digits=14, decimal_places=4, **kwargs)


class OrderQuerySet(models.QuerySet["Order"]):
    def open(self) -> OrderQuerySet:
        return self.filter(status__in=OPEN_STATES)

    def needing_attention(self) -> OrderQuerySet:
        return self.filter(~Q(error_code="") | Q(status=OrderStatus.CANCELLATION_REQUEST))

    def newest_first(self) -> OrderQuerySet:
        return self.order_by("-created_at", "-id")

    def waiting_too_long(self) -> OrderQuerySet:
        """Orders whose time to wait for a tracking code is over, by the database's clock."""
        return self.filter(waiting_until__lte=Now())


class Order(TenantModel):
    """One order of a marketplace account. Its commercial data is the marketplace's and is never
    edited by us; `status` is written by `orders.services.apply` alone.

    One wide row, so that lists read one table. Amounts are in `currency` with VAT included.
    """

    project = TenantForeignKey(Project, on_delete=models.PROTECT, related_name="orders")
    order_connection = TenantForeignKey(
        OrderConnection, on_delete=models.PROTECT, null=True, related_name="orders", db_index=True
    )
    connection = TenantForeignKey(Connection, on_delete=models.PROTECT, related_name="+")
    shop = TenantForeignKey(Connection, on_delete=models.PROTECT, null=True, related_name="+")

    # -- the marketplace's facts
    external_id = models.CharField(_("marketplace number"), max_length=100)
    external_id_internal = models.CharField(_("second marketplace number"), max_length=100, blank=True)
    channel_order_number = models.CharField(_("channel order number"), max_length=100, blank=True)
    number = models.CharField(_("number"), max_length=120)  # external_id with the suffix of its fulfilment type
    channel = models.CharField(_("channel"), max_length=40, blank=True)
    fulfilment_type = models.CharField(_("fulfilment"), max_length=12, default=FulfilmentType.MERCHANT.value)
    remote_status = models.CharField(
        _("status at the marketplace"), max_length=12, choices=[(s.value, s.value) for s in RemoteStatus]
    )
    remote_version = models.CharField(max_length=200, blank=True, editable=False)
    remote_updated_at = models.DateTimeField(_("changed at the marketplace"), null=True, blank=True)
    ordered_at = models.DateTimeField(_("ordered"))
    currency = models.CharField(_("currency"), max_length=3)
    subtotal = amount(_("subtotal"), default=0)
    shipping_amount = amount(_("shipping"), default=0)
    discount_amount = amount(_("discount"), default=0)
    total_amount = amount(_("total"))
    transaction_fee = amount(_("transaction fee"), default=0)
    commission = amount(_("commission"), default=0)
    payment_method = models.CharField(_("payment method"), max_length=100, blank=True)
    transaction_id = models.CharField(_("transaction id"), max_length=200, blank=True)
    payment_iban = models.CharField(_("IBAN"), max_length=40, blank=True)
    customer = models.JSONField(_("customer"), default=dict, blank=True)  # types.CustomerData
    customer_name = models.CharField(_("customer"), max_length=300, blank=True)
    country_code = models.CharField(_("country"), max_length=2, blank=True)
    items_count = models.PositiveIntegerField(_("items"), default=0)  # sum of quantities
    delivery_method = models.CharField(_("delivery method"), max_length=200, blank=True)
    delivery_carrier = models.CharField(_("delivery carrier"), max_length=200, blank=True)
    delivery_promise = models.CharField(_("promised delivery"), max_length=40, blank=True)
    shipment_promise = models.CharField(_("promised shipment"), max_length=40, blank=True)
    ship_by = models.DateTimeField(_("ship by"), null=True, blank=True)
    expires_on = models.DateField(_("expires"), null=True, blank=True)
    uses_marketplace_label = models.BooleanField(_("with the marketplace's label"), default=False)
    is_test = models.BooleanField(_("test order"), default=False)

    # -- what we decided
    status = models.CharField(_("status"), max_length=24, choices=OrderStatus.choices)
    is_confirmed = models.BooleanField(default=True)
    cancellation_requested = models.BooleanField(default=False)
    is_manual = models.BooleanField(default=False)
    waiting_until = models.DateTimeField(_("waits until"), null=True, blank=True)
    error_code = models.CharField(_("error"), max_length=60, blank=True)
    error_detail = models.TextField(_("error detail"), blank=True)
    error_since = models.DateTimeField(_("error since"), null=True, blank=True)

    # -- the shop's facts
    reference = models.CharField(_("our reference"), max_length=120)
    shop_order_id = models.CharField(_("shop order id"), max_length=100, blank=True)
    shop_number = models.CharField(_("shop number"), max_length=100, blank=True)
    shop_version = models.CharField(max_length=200, blank=True, editable=False)
    shop_status = models.CharField(_("status in the shop"), max_length=60, blank=True)
    shop_updated_at = models.DateTimeField(_("changed in the shop"), null=True, blank=True)

    search_text = models.TextField(editable=False, blank=True)
    is_obfuscated = models.BooleanField(_("personal data erased"), default=False)
    retrieved_at = models.DateTimeField(_("retrieved"), default=timezone.now)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    modified_at = models.DateTimeField(_("modified"), default=timezone.now)

    objects = scoped_manager(OrderQuerySet)

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["company", "connection", "external_id"], name="order_once"),
            models.CheckConstraint(condition=Q(status__in=OrderStatus.values), name="order_known_status"),
        ]
        indexes: ClassVar = [
            models.Index(F("company"), F("created_at").desc(), F("id").desc(), name="order_newest"),
            models.Index(F("company"), F("status"), F("created_at").desc(), F("id").desc(), name="order_status_newest"),
            models.Index(
                F("company"),
                F("created_at").desc(),
                F("id").desc(),
                name="order_attention",
                condition=~Q(error_code="") | Q(status="cancellation_request"),
            ),
            models.Index(fields=["waiting_until"], name="order_waiting", condition=Q(waiting_until__isnull=False)),
            models.Index(
                fields=["company", "shop", "shop_order_id"], name="order_in_shop", condition=~Q(shop_order_id="")
            ),
            models.Index(F("company"), OpClass(F("number"), name="varchar_pattern_ops"), name="order_number_prefix"),
            models.Index(
                F("company"),
                OpClass(F("shop_number"), name="varchar_pattern_ops"),
                name="order_shop_number_prefix",
                condition=~Q(shop_number=""),
            ),
            GinIndex(F("company"), OpClass(F("search_text"), name="gin_trgm_ops"), name="order_search"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def has_error(self) -> bool:
        return bool(self.error_code)

    @property
    def is_closed(self) -> bool:
        return self.status not in OPEN_STATES


class AddressKind(models.TextChoices):
    BILLING = "billing", _("Billing")
    SHIPPING = "shipping", _("Shipping")


class Address(TenantModel):
    """Where an order is billed or shipped to. Personal data: erased after the retention period."""

    order = TenantForeignKey(Order, on_delete=models.CASCADE, related_name="addresses")
    kind = models.CharField(_("kind"), max_length=8, choices=AddressKind.choices)
    first_name = models.CharField(_("first name"), max_length=200, blank=True)
    middle_name = models.CharField(_("middle name"), max_length=200, blank=True)
    last_name = models.CharField(_("last name"), max_length=200, blank=True)
    company_name = models.CharField(_("company"), max_length=200, blank=True)
    email = models.CharField(_("e-mail"), max_length=320, blank=True)
    phone = models.CharField(_("phone"), max_length=60, blank=True)
    street = models.CharField(_("street"), max_length=300, blank=True)
    house_number = models.CharField(_("house number"), max_length=40, blank=True)
    house_number_suffix = models.CharField(_("house number suffix"), max_length=60, blank=True)
    supplement = models.CharField(_("supplement"), max_length=300, blank=True)
    postcode = models.CharField(_("postcode"), max_length=40, blank=True)
    city = models.CharField(_("city"), max_length=200, blank=True)
    region = models.CharField(_("region"), max_length=200, blank=True)
    region_code = models.CharField(_("region code"), max_length=40, blank=True)
    country_code = models.CharField(_("country"), max_length=2, blank=True)
    vat_number = models.CharField(_("VAT number"), max_length=60, blank=True)
    tax_id_number = models.CharField(_("tax id"), max_length=60, blank=True)
    pickup_point_name = models.CharField(_("pick-up point"), max_length=200, blank=True)
    shipping_center_id = models.CharField(_("shipping centre"), max_length=100, blank=True)

    objects = scoped_manager()

    class Meta:
        verbose_name = _("address")
        verbose_name_plural = _("addresses")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["company", "order", "kind"], name="address_once"),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()

    @property
    def name(self) -> str:
        return " ".join(part for part in (self.first_name, self.middle_name, self.last_name) if part)

    @property
    def line1(self) -> str:
        return " ".join(part for part in (self.street, self.house_number, self.house_number_suffix) if part)
