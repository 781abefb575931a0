"""The list of returns: tabs with counts and search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from connections.messages import message_for
from orders.listing import COUNTED_UP_TO, LONGEST_TEXT
from orders.look import return_badge
from orders.models import Return, ReturnStatus
from orders.paging import Page, page_links, with_query

S = ReturnStatus
SETTLED = (S.ACCEPTED, S.REJECTED, S.REPAIRED, S.KEEPS, S.EXCHANGED, S.CANCELLED)


@dataclass(frozen=True, slots=True)
class Tab:
    key: str
    label: str | Promise
    condition: Q
    tone: str = "neutral"  # of its count, where it has any


TABS = (
    Tab("all", _("All"), Q()),
    Tab("open", _("To be decided"), Q(status__in=(S.NEW, S.MANUAL)), "warning"),
    Tab("error", _("With an error"), ~Q(error_code=""), "danger"),
    Tab("processing", _("Processing"), Q(status=S.PROCESSING)),
    Tab("settled", _("Decided"), Q(status__in=SETTLED)),
)
BY_KEY = {tab.key: tab for tab in TABS}


@dataclass(frozen=True, slots=True)
class Asked:
    """What narrows the list. The search is for whole numbers, codes and products."""

    tab: Tab = TABS[0]
    term: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Asked:
        """From a query string; what makes no sense in it is passed over."""
        term = query.get("q", "").replace("\x00", "").strip()[:LONGEST_TEXT]
        return cls(BY_KEY.get(query.get("tab", ""), TABS[0]), term)

    @property
    def query(self) -> dict[str, str]:
        return {"tab": self.tab.key if self.tab is not TABS[0] else "", "q": self.term}

    @property
    def returns(self) -> QuerySet[Return]:
        found: QuerySet[Return] = Return.objects.filter(self.tab.condition)
        if self.term:
            names = ("order__number", "order__shop_number", "return_id", "external_id", "tracking_code", "product_id")
            condition = Q(ean=self.term)
            for name in names:
                condition |= Q(**{name: self.term})
            found = found.filter(condition)
        return found.select_related("order__connection", "order__shop")


def context(company_id: int, page: Page, asked: Asked) -> dict[str, Any]:
    """What orders/return_list.html shows."""
    url = reverse("orders:returns", args=[company_id])
    return {
        "list_url": reverse("orders:list", args=[company_id]),
        "returns": [row(company_id, one) for one in page.rows],
        "page": page_links(page, url, asked.query),
        "tabs": [_tab(tab, asked, url) for tab in TABS],
        "active_tab": asked.query["tab"],
        "search": asked.term,
        "search_action": url,
        "clear_url": url,
        "is_filtered": asked != Asked(),
    }


def _tab(tab: Tab, asked: Asked, url: str) -> dict[str, Any]:
    count = Return.objects.filter(tab.condition)[: COUNTED_UP_TO + 1].count()
    return {
        "key": tab.key,
        "label": tab.label,
        "count": min(count, COUNTED_UP_TO),
        "is_capped": count > COUNTED_UP_TO,
        "url": with_query(url, {"tab": tab.key if tab is not TABS[0] else "", "q": asked.term}),
        "is_active": tab is asked.tab,
        "tone": tab.tone if count else "neutral",
    }


def row(company_id: int, returned: Return) -> dict[str, Any]:
    order = returned.order
    return {
        "url": reverse("orders:detail", args=[company_id, order.pk]) + f"#return-{returned.pk}",
        "number": order.number,
        "return_id": returned.return_id,
        "title": returned.title or returned.product_id or returned.ean,
        "product_id": returned.product_id,
        "quantity": returned.quantity,
        "reason": returned.reason,
        "registered_at": returned.registered_at,
        "marketplace_kind": order.connection.kind,
        "marketplace_label": order.connection.kind_label,
        "is_test": returned.is_test,
        "badge": return_badge(returned.status),
        "error": message_for(returned.error_code).title if returned.error_code else "",
    }
