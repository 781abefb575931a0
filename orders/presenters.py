"""The list of orders and what could not be read, as templates show them: plain values, words through gettext."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from channable.core.exact_json import dumps
from connections.messages import message_for
from connections.models import OrderConnection, RefusedRecord
from connections.presenters import kind_label
from orders import listing
from orders.look import status_badge
from orders.paging import Page, Position, page_links, with_query
from orders.row_html import rows_html

LONGEST_PAYLOAD = 20_000


def amount(value: Decimal) -> str:
    """Two places, more only where they are used: 12.50, 0.1234."""
    places = 2 if value == value.quantize(Decimal("0.01")) else 4
    return str(number_format(value, decimal_pos=places, use_l10n=True, force_grouping=True))


def order_table(company_id: int, page: Page, asked: listing.Asked, *, place: str) -> dict[str, Any]:
    """The rows and what leads on from them; `place` is the query string's `at`."""
    url = reverse("orders:list", args=[company_id])
    one, _zero, end = reverse("orders:detail", args=[company_id, 0]).rpartition("0")  # asked once, not for each row
    orders = [_order_row(row, f"{one}{row['id']}{end}") for row in page.rows]
    return {
        "orders": orders,
        "rows": rows_html(orders),
        "refresh_url": with_query(url, asked.query, at=place if Position.load(place) else ""),
        "page": page_links(page, url, asked.query),
        "search": asked.term,
        "is_filtered": asked.is_narrowed,
        "clear_url": url,
    }


def around_the_table(company_id: int, asked: listing.Asked, counts: dict[str, int]) -> dict[str, Any]:
    """What the whole page shows besides; not asked for again when the table refreshes."""
    url = reverse("orders:list", args=[company_id])
    return {
        "tabs": _tabs(asked.tab, counts, lambda key: with_query(url, {"tab": key, **asked.search})),
        "active_tab": asked.tab.key,
        "search_action": url,
        "unreadable_url": reverse("orders:unreadable", args=[company_id]),
        "shown_only": _shown_only(asked),
    }


def _shown_only(asked: listing.Asked) -> str:
    """What narrows the list without being seen in a tab or the search field, in a sentence."""
    pair = OrderConnection.objects.filter(pk=asked.pair_id).first() if asked.pair_id is not None else None
    told = {"pair": pair.name if pair else "", "error": message_for(asked.error_code).title}
    if pair and asked.error_code:
        return _("Only orders of “%(pair)s” with this error are shown: %(error)s.") % told
    if pair:
        return _("Only orders of “%(pair)s” are shown.") % told
    return _("Only orders with this error are shown: %(error)s.") % told if asked.error_code else ""


def _order_row(row: dict[str, Any], url: str) -> dict[str, Any]:
    code = row["error_code"]
    return {
        **row,
        "url": url,
        "marketplace_kind": row["connection__kind"],
        "marketplace_label": kind_label(row["connection__kind"]),
        "total_amount": amount(row["total_amount"]),
        "badge": status_badge(row["status"]),
        "error": {"title": message_for(code).title, "code": code} if code else None,
    }


def _tabs(active: listing.Tab, counts: dict[str, int], url_of: Callable[[str], str]) -> list[dict[str, Any]]:
    """Tabs of rare states show only while they have orders."""
    rare = {"partial", "unconfirmed", "manual"}
    return [
        {
            "key": tab.key,
            "label": tab.label,
            "count": counts[tab.key] if tab.is_exact else min(counts[tab.key], listing.COUNTED_UP_TO),
            "is_capped": not tab.is_exact and counts[tab.key] > listing.COUNTED_UP_TO,
            "url": url_of(tab.key),
            "is_active": tab is active,
            "tone": "danger" if tab.needs_attention and counts[tab.key] else "neutral",
        }
        for tab in listing.TABS
        if tab.key not in rare or counts[tab.key] or tab is active
    ]


def unreadable_row(record: RefusedRecord, *, may_see: bool) -> dict[str, Any]:
    message = message_for(record.error_code)
    return {
        "external_id": record.external_id,
        "marketplace_kind": record.connection.kind,
        "marketplace_label": record.connection.label,
        "seen_at": record.last_seen_at,
        "title": message.title,
        "detail": record.error_detail,
        "advice": message.remedy,
        "payload": _pretty(record.payload) if may_see else "",
    }


def _pretty(payload: Any) -> str:
    text = json.dumps(json.loads(dumps(payload)), indent=2, ensure_ascii=False)
    return text if len(text) <= LONGEST_PAYLOAD else text[:LONGEST_PAYLOAD] + "\n…"
