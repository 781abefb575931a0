"""The list of order connections as its page shows it, in a constant number of queries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Count, Q
from django.urls import reverse
from django.utils.translation import gettext as _

from connections.models import OrderConnection, Stream
from connections.presenters import health, sparkline
from orders.models import Order
from orders.states import OPEN_STATES


def pair_rows(company_id: int, pairs: Sequence[OrderConnection]) -> list[dict[str, Any]]:
    accounts = {connection_id for pair in pairs for connection_id in (pair.marketplace_id, pair.shop_id)}
    streams = streams_of(accounts)
    counts = _counts([pair.pk for pair in pairs])
    return [
        {
            "name": pair.name,
            "url": reverse("setup:order_connection", args=[company_id, pair.pk]),
            "project": pair.project.name,
            "marketplace_kind": pair.marketplace.kind,
            "marketplace_label": pair.marketplace.label,
            "shop_kind": pair.shop.kind,
            "shop_label": pair.shop.label,
            "badge": active_badge(pair),
            "health": health([pair.marketplace, pair.shop], is_active=pair.is_active),
            **run_times(feeding(pair, streams)),
            "open_orders": counts.get(pair.pk, {}).get("open", 0),
            "errors_count": counts.get(pair.pk, {}).get("errors", 0),
        }
        for pair in pairs
    ]


def streams_of(connection_ids: set[int]) -> list[Stream]:
    return list(Stream.objects.filter(connection_id__in=connection_ids, is_active=True).order_by("name"))


def feeding(pair: OrderConnection, streams: Sequence[Stream]) -> list[Stream]:
    """The streams that feed this order connection."""
    mine = [stream for stream in streams if stream.connection_id in (pair.marketplace_id, pair.shop_id)]
    return mine if pair.is_active else []


def _counts(pair_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """Open orders and errors of each order connection."""
    open_orders = Order.objects.filter(order_connection__in=pair_ids, status__in=OPEN_STATES)
    rows = open_orders.values("order_connection").annotate(open=Count("id"), errors=Count("id", ~Q(error_code="")))
    return {row["order_connection"]: {"open": row["open"], "errors": row["errors"]} for row in rows}


def active_badge(pair: OrderConnection) -> dict[str, str]:
    if pair.is_active:
        return {"label": _("Active"), "tone": "success", "icon": "play"}
    return {"label": _("Paused"), "tone": "neutral", "icon": "pause"}


def run_times(streams: Sequence[Stream]) -> dict[str, Any]:
    """Last and next run over the streams, and the bars of the first of them (the orders)."""
    ran = [stream.last_run_at for stream in streams if stream.last_run_at]
    due = [stream.next_run_at for stream in streams]
    orders = next((stream for stream in streams if stream.topic == "orders"), None)
    return {
        "last_run_at": max(ran, default=None),
        "next_run_at": min(due, default=None),
        **sparkline(orders.outcomes if orders else ""),
    }
