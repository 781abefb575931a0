"""The rows of All orders as HTML, made without the template engine.

This is the page that is most often asked for: every open list asks for its fifty rows again each ten seconds. In a
template they took 16 of the page's 20 ms. What a row holds is told in templates/orders/_order_table.html.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any

from django.contrib.humanize.templatetags.humanize import naturaltime
from django.templatetags.static import static
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localtime
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from orders.look import status_badge

ROW = """
<tr role="row">
  <th role="rowheader" scope="row" class="row-link nowrap"><a id="order-{id}" href="{url}">{number}</a></th>
  <td role="cell" class="nowrap card-end"><time datetime="{iso}" title="{exact}" data-relative>{ago}</time></td>
  <td role="cell">{marketplace}</td>
  <td role="cell" class="nowrap card-end" data-label="{shop_label}">{shop_number}</td>
  <td role="cell"><span class="cell-cut" title="{customer_name}">{customer}</span></td>
  <td role="cell" class="col-wide card-hide">{country_code}</td>
  <td role="cell" class="number col-wide card-hide">{items_count}</td>
  <td role="cell" class="number card-end">{total_amount} <span class="muted">{currency}</span></td>
  <td role="cell" class="card-full cell-status">{badge}{error}</td>
</tr>
"""
NONE = "–"  # noqa: RUF001 - as elsewhere on pages
NO_NUMBER = mark_safe(f'<span class="muted">{NONE}</span>')  # noqa: S308 - our own
NAMED = ("id", "url", "number", "customer_name", "country_code", "items_count", "total_amount", "currency")


def rows_html(orders: Iterable[Mapping[str, Any]]) -> SafeString:
    """The rows of the orders that `presenters.order_table` describes; everything in them is escaped."""
    language, shop_label = get_language() or "", _("Shop")
    return mark_safe("".join(_row(order, shop_label, language) for order in orders))  # noqa: S308 - each is safe


def _row(order: Mapping[str, Any], shop_label: str, language: str) -> str:
    at: datetime = order["ordered_at"]
    return format_html(
        ROW,
        **{name: order[name] for name in NAMED},
        iso=at.astimezone(UTC).isoformat(),
        exact=_exact(localtime(at).replace(tzinfo=None), language),
        ago=naturaltime(at),
        marketplace=_marketplace(order["marketplace_kind"], order["marketplace_label"]),
        shop_label=shop_label,
        shop_number=order["shop_number"] or NO_NUMBER,
        customer=order["customer_name"] or NONE,
        badge=_badge(order["status"], language),
        error=_error(order["error"]) if order["error"] else "",
    )


@lru_cache(5000)
def _exact(at: datetime, language: str) -> str:
    """What clocks show in the person's own zone, in their words; with its zone two people's times would be one key."""
    return date_format(at, "DATETIME_FORMAT")


@cache
def _marketplace(kind: str, label: str) -> SafeString:
    mark = static(f"img/connectors/{kind}.svg")
    image = '<span class="connector"><img src="{}" alt="" width="20" height="20"><span>{}</span></span>'
    return format_html(image, mark, label)


@cache
def _badge(status: str, language: str) -> SafeString:
    """Of one language: the label is in the words of the person who asks."""
    badge = status_badge(status)
    return format_html('<span class="badge tone-{}">{}{}</span>', badge["tone"], _icon(badge["icon"]), badge["label"])


def _error(error: Mapping[str, Any]) -> SafeString:
    return format_html('<span class="cell-error" title="{}">{}{}</span>', error["code"], _icon("alert"), error["title"])


@cache
def _icon(name: str) -> SafeString:
    use = '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>'
    return format_html(use, static("img/icons.svg"), name)
