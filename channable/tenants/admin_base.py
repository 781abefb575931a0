"""What the admin pages of several apps share: read-only pages, bounded lists, filters without queries."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

MOST_COUNTED = 10_000
MOST_INLINE_ROWS = 200


def is_id(text: str) -> bool:
    """Whether this can be a primary key: digits that fit in 64 bits."""
    return text.isascii() and text.isdigit() and len(text) < 19


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than 10,000 rows: counting millions takes the database minutes, and nobody
    turns to page 101. Filters lead to what is older."""

    @cached_property
    def count(self) -> int:
        rows: QuerySet[Model] = self.object_list  # type: ignore[assignment]
        return rows.order_by()[:MOST_COUNTED].count()


class BoundedAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """The base of all our lists: never a count of the whole table, newest first by primary key."""

    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # they count
    list_per_page = 50
    list_max_show_all = 0
    ordering: ClassVar[Any] = ("-id",)
    # Sorting millions of rows by a column without an index would take minutes.
    sortable_by: ClassVar[Any] = ()


class ReadOnlyAdmin(BoundedAdmin):
    """For what the engine writes: to be looked at, changed by nobody."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnlyInline(admin.TabularInline):  # type: ignore[type-arg]
    """Rows of the object that is shown: its newest 200, so that an order of 10,000 lines still opens."""

    extra = 0
    can_delete = False
    show_change_link = False
    ordering = ("-id",)
    select_related: tuple[str, ...] = ()
    parent_field = "order"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request).select_related(*self.select_related)
        match = request.resolver_match
        parent = match.kwargs.get("object_id") if match else None
        if parent is None or not is_id(parent):
            return rows.none()
        newest = self.model._default_manager.filter(**{self.parent_field: parent}).order_by("-id")
        return rows.filter(pk__in=newest.values("pk")[:MOST_INLINE_ROWS])

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class TextFilter(admin.SimpleListFilter):
    """A filter with a field to type into, for what has too many values to list."""

    template = "admin/text_filter.html"
    field_name = ""

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return [("", "")]  # Django leaves out a filter without choices

    def choices(self, changelist: ChangeList) -> Any:
        """One entry: the form, and the other parameters that it must carry along."""
        others = {name: value for name, value in changelist.params.items() if name != self.parameter_name}
        yield {
            "name": self.parameter_name,
            "value": self.value() or "",
            "others": others.items(),
            "cleared": changelist.get_query_string(remove=[str(self.parameter_name)]),
        }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = (self.value() or "").strip()
        return queryset.filter(**{self.field_name: value}) if value else queryset


class NumberFilter(TextFilter):
    """By an id. What isn't a number finds nothing."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = (self.value() or "").strip()
        return super().queryset(request, queryset) if not value or is_id(value) else queryset.none()


class CompanyFilter(NumberFilter):
    """By the company's number, which the list of companies shows."""

    title = _("company number")
    parameter_name = "company"
    field_name = "company_id"


class ErrorFilter(admin.SimpleListFilter):
    """By what went wrong; codes are typed into the address or followed from a row."""

    title = _("error")
    parameter_name = "error"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return [("any", _("Any error")), ("none", _("No error"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case None:
                return queryset
            case "any":
                return queryset.exclude(error_code="")
            case "none":
                return queryset.filter(error_code="")
        return queryset.filter(error_code=self.value())
