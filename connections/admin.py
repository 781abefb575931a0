"""Accounts and the engine in the admin. Secrets are neither shown nor asked for."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from channable.tenants.admin_base import BoundedAdmin, CompanyFilter, ErrorFilter, NumberFilter, ReadOnlyAdmin
from connections.connectors import CONNECTORS
from connections.models import (
    Connection,
    Exchange,
    Heartbeat,
    OrderConnection,
    OutboxMessage,
    RefusedRecord,
    Stream,
    SyncRun,
    TransporterRule,
)


class KindFilter(admin.SimpleListFilter):
    """By remote system."""

    title = _("system")
    parameter_name = "kind"
    field_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(kind, connector.label) for kind, connector in sorted(CONNECTORS.items())]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{self.field_name: self.value()}) if self.value() else queryset


class KindOfConnectionFilter(KindFilter):
    field_name = "connection__kind"


class ConnectionFilter(NumberFilter):
    title = _("connection number")
    parameter_name = "connection"
    field_name = "connection_id"


@admin.register(Connection)
class ConnectionAdmin(BoundedAdmin):
    """Connected by its merchant or `connect_account`; here only the label and the pause are changed."""

    list_display = (
        "id", "company", "kind", "label", "account_id", "state", "is_paused", "failures", "error_code", "deleted_at",
    )  # fmt: skip
    list_display_links = ("id", "label")
    list_select_related = ("company",)
    list_filter = (CompanyFilter, KindFilter, "state", "is_paused", ErrorFilter)
    search_fields = ("label", "account_id", "account_name", "company__name")
    # Named one by one, so that a field added later (a secret?) does not appear by itself.
    fields = (
        "company", "kind", "label", "account_id", "account_name", "settings", "state", "is_paused", "not_before",
        "failures", "error_code", "error_detail", "error_since", "created_at", "deleted_at",
    )  # fmt: skip
    readonly_fields = tuple(name for name in fields if name not in ("label", "is_paused"))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Connection, form: Any, change: bool) -> None:
        """Writes what was changed and nothing else: workers move the other columns meanwhile."""
        if form.changed_data:
            obj.save(update_fields=form.changed_data)


@admin.register(OrderConnection)
class OrderConnectionAdmin(ReadOnlyAdmin):
    """Activated and paused by its own service, which also starts and stops the streams."""

    list_display = (
        "id", "company", "project", "name", "marketplace", "shop", "channel", "fulfilment_type", "is_active",
        "start_at",
    )  # fmt: skip
    list_display_links = ("id", "name")
    list_select_related = ("company", "project", "marketplace", "shop")
    list_filter = (CompanyFilter, "is_active", "fulfilment_type")
    search_fields = ("name", "company__name", "marketplace__label", "shop__label")


@admin.register(Stream)
class StreamAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "company", "connection", "name", "is_active", "period_seconds", "next_run_at", "last_run_at",
        "last_success_at", "outcomes",
    )  # fmt: skip
    list_display_links = ("id", "name")
    list_select_related = ("company", "connection")
    list_filter = (CompanyFilter, ConnectionFilter, KindOfConnectionFilter, "is_active")
    actions = ("run_now",)
    fields = (
        "company", "connection", "name", "topic", "period_seconds", "is_active", "cursor", "next_run_at", "lease_until",
        "last_run_at", "last_success_at", "outcomes",
    )  # fmt: skip

    def has_run_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("connections.change_stream")

    @admin.action(description=_("Run the selected streams now"), permissions=["run"])
    def run_now(self, request: HttpRequest, queryset: QuerySet[Stream]) -> None:
        count = queryset.filter(is_active=True).update(next_run_at=Now())
        self.message_user(request, _("%(count)s active streams are due now.") % {"count": count})


@admin.register(SyncRun)
class SyncRunAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "company", "connection", "stream", "started_at", "finished_at", "outcome", "seen", "new", "changed",
        "same", "passed_over", "refused", "error_code",
    )  # fmt: skip
    list_select_related = ("company", "connection", "stream")
    list_filter = (CompanyFilter, ConnectionFilter, KindOfConnectionFilter, "outcome", ErrorFilter)


@admin.register(OutboxMessage)
class OutboxMessageAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "company", "connection", "kind", "subject_id", "reference", "status", "attempt", "tries", "not_before",
        "error_code", "created_at", "settled_at",
    )  # fmt: skip
    list_select_related = ("company", "connection")
    list_filter = (CompanyFilter, ConnectionFilter, KindOfConnectionFilter, "status", ErrorFilter)
    fields = (
        "company", "connection", "kind", "subject_id", "reference", "status", "looks_first", "not_before", "attempt",
        "tries", "absences", "first_sent_at", "deadline_at", "ticket", "follow_up_at", "remote_id", "error_code",
        "error_detail", "created_at", "settled_at",
    )  # fmt: skip


@admin.register(RefusedRecord)
class RefusedRecordAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "company", "connection", "topic", "external_id", "error_code", "error_detail", "first_seen_at",
        "last_seen_at", "resolved_at",
    )  # fmt: skip
    list_select_related = ("company", "connection")
    list_filter = (CompanyFilter, ConnectionFilter, KindOfConnectionFilter, ErrorFilter)
    fields = (
        "company", "connection", "topic", "external_id", "error_code", "error_detail", "first_seen_at", "last_seen_at",
        "resolved_at", "as_received",
    )  # fmt: skip
    readonly_fields = ("as_received",)

    @admin.display(description=_("as received"))
    def as_received(self, record: RefusedRecord) -> SafeString:
        text = json.dumps(record.payload, indent=2, ensure_ascii=False, default=str)
        return format_html("<pre>{}</pre>", text[:65_536])


@admin.register(TransporterRule)
class TransporterRuleAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "company", "project", "order_connection", "position", "pattern", "country_code", "transporter",
        "removes_match",
    )  # fmt: skip
    list_select_related = ("company", "project", "order_connection")
    list_filter = (CompanyFilter,)


@admin.register(Exchange)
class ExchangeAdmin(ReadOnlyAdmin):
    """Stored masked: neither personal data nor secrets are in them."""

    list_display = (
        "started_at", "company", "connection_id", "method", "url", "status", "duration_ms", "error", "message_id",
    )  # fmt: skip
    list_select_related = ("company",)
    list_filter = (CompanyFilter, ConnectionFilter)
    ordering = ("-started_at", "-id")  # the order of its weekly partitions


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin):
    list_display = ("id", "beat_at")
