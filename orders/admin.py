"""All orders of all companies in the admin: to be looked at, never to be changed."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from channable.tenants.admin_base import CompanyFilter, ErrorFilter, ReadOnlyAdmin, ReadOnlyInline, is_id
from channable.tenants.models import Company
from connections.admin import ConnectionFilter, KindOfConnectionFilter
from connections.connectors.types import FulfilmentType
from orders.models import (
    Attachment,
    Cancellation,
    Finding,
    ItemPart,
    Order,
    OrderEvent,
    OrderItem,
    ProductLink,
    Return,
    ReturnDecision,
    Shipment,
    ShopNotice,
    SyncedOrder,
)

MOST_FOUND = 500


class ItemInline(ReadOnlyInline):
    model = OrderItem
    fields = ("external_id", "product_id", "title", "ean", "quantity", "unit_price", "discount")


class PartInline(ReadOnlyInline):
    model = ItemPart
    fields = ("item", "quantity", "status", "shipment", "cancellation")
    select_related = ("item", "shipment", "cancellation")


class ShipmentInline(ReadOnlyInline):
    model = Shipment
    fields = ("number", "status", "tracking_code", "transporter", "remote_id", "shipped_at", "confirmed_at")


class CancellationInline(ReadOnlyInline):
    model = Cancellation
    fields = ("number", "status", "reason", "remote_id", "created_at", "confirmed_at")


class NoticeInline(ReadOnlyInline):
    model = ShopNotice
    fields = ("number", "status", "kind", "text", "created_at", "confirmed_at")


class ReturnInline(ReadOnlyInline):
    model = Return
    fields = ("return_id", "external_id", "product_id", "quantity", "status", "reason", "error_code", "registered_at")


class AttachmentInline(ReadOnlyInline):
    """Without the file's name and without a way to the file: support needs neither."""

    model = Attachment
    fields = ("number", "kind", "state", "file_type", "size", "delivery", "remote_id", "created_at", "expires_at")


class EventInline(ReadOnlyInline):
    """The status history: who, why, when it happened and when we learned it."""

    model = OrderEvent
    verbose_name_plural = _("status history")
    fields = ("occurred_at", "recorded_at", "actor", "user", "from_status", "to_status", "code", "message")
    select_related = ("user",)


class FulfilmentFilter(admin.SimpleListFilter):
    """The choices are named here: Django would look for the values in the whole table."""

    title = _("fulfilment")
    parameter_name = "fulfilment"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            (FulfilmentType.MERCHANT.value, _("by merchant")),
            (FulfilmentType.MARKETPLACE.value, _("by marketplace")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        return queryset.filter(fulfilment_type=self.value()) if self.value() else queryset


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "company", "connection", "number", "shop_number", "customer_name", "country_code", "items_count",
        "total_amount", "currency", "status", "error_code", "ordered_at", "created_at",
    )  # fmt: skip
    list_display_links = ("id", "number")
    list_select_related = ("company", "connection")
    list_filter = (
        CompanyFilter, ConnectionFilter, KindOfConnectionFilter, "status", ErrorFilter, FulfilmentFilter, "is_test",
    )  # fmt: skip
    search_fields = ("number",)  # shows the field; what is searched is said below
    search_help_text = _("The whole number: of the marketplace, of the shop, or our id.")
    inlines = (
        ItemInline, PartInline, ShipmentInline, CancellationInline, NoticeInline, ReturnInline, AttachmentInline,
        EventInline,
    )  # fmt: skip
    fieldsets = (
        (None, {"fields": ("company", "project", "order_connection", "number", "status", "waiting_until")}),
        (_("Error"), {"fields": ("error_code", "error_detail", "error_since")}),
        (
            _("Marketplace"),
            {
                "fields": (
                    "connection", "external_id", "external_id_internal", "channel", "fulfilment_type", "remote_status",
                    "remote_updated_at", "ordered_at", "ship_by", "is_test",
                )
            },
        ),
        (
            _("Money"),
            {
                "fields": (
                    "currency", "subtotal", "shipping_amount", "discount_amount", "total_amount", "transaction_fee",
                    "commission",
                )
            },
        ),
        (_("Customer"), {"fields": ("customer_name", "country_code", "delivery_method", "is_obfuscated")}),
        (
            _("Shop"),
            {"fields": ("shop", "reference", "shop_order_id", "shop_number", "shop_status", "shop_updated_at")},
        ),
        (_("Flags"), {"fields": ("is_confirmed", "cancellation_requested", "is_manual")}),
        (_("Dates"), {"fields": ("retrieved_at", "created_at", "modified_at")}),
    )  # fmt: skip

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """Over all companies by primary key, inside one by the index of its own list."""
        return ("-created_at", "-id") if request.GET.get("company") else ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Order]:
        """Without the wide columns that only the search and the shop need."""
        return super().get_queryset(request).defer("search_text", "customer")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Order], search_term: str
    ) -> tuple[QuerySet[Order], bool]:
        """Whole numbers only, each by its index: any part of a number would read the whole table."""
        term = search_term.strip()
        if not term:
            return queryset, False
        return queryset.filter(pk__in=_found(term)), False


def _found(term: str) -> set[int]:
    """Ids of orders with this number. The indexes begin with the company, so every company is named:
    one step into the index for each, rather than a walk through the table."""
    orders = Order.objects.filter(company__in=Company.objects.all())
    found: set[int] = set()
    for field in ("number", "shop_number"):
        found.update(orders.filter(**{field: term}).values_list("pk", flat=True)[:MOST_FOUND])
    if is_id(term):
        found.update(Order.objects.filter(pk=term).values_list("pk", flat=True))
    return found


@admin.register(ProductLink)
class ProductLinkAdmin(ReadOnlyAdmin):
    list_display = ("id", "company", "shop", "product_id", "shop_product_id", "source", "created_at")
    list_select_related = ("company", "shop")
    list_filter = (CompanyFilter,)


class ReturnDecisionInline(ReadOnlyInline):
    model = ReturnDecision
    fields = (
        "number", "verdict", "quantity", "status", "remote_id", "refund_status", "refund_id", "created_at",
        "confirmed_at",
    )  # fmt: skip


@admin.register(Return)
class ReturnAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "company", "connection", "order", "return_id", "external_id", "product_id", "quantity", "status",
        "error_code", "registered_at",
    )  # fmt: skip
    list_select_related = ("company", "connection", "order")
    list_filter = (CompanyFilter, ConnectionFilter, "status", ErrorFilter, "is_test")
    inlines = (ReturnDecisionInline,)


@admin.register(Finding)
class FindingAdmin(ReadOnlyAdmin):
    """What differs between a marketplace, a shop and us."""

    list_display = ("id", "company", "order_connection", "external_id", "code", "first_seen_at", "resolved_at")
    list_select_related = ("company", "order_connection")
    list_filter = (CompanyFilter,)


@admin.register(SyncedOrder)
class SyncedOrderAdmin(ReadOnlyAdmin):
    """What is billed: one dated fact for each order."""

    list_display = ("id", "company", "connection_id", "order_id", "first_synced_at")
    list_select_related = ("company",)
    list_filter = (CompanyFilter,)
