"""Order connections and runs as templates show them; a constant number of queries per page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Count, Min, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from channable.tenants.models import Membership
from channable.tenants.roles import Permission
from connections.messages import message_for
from connections.models import Connection, ConnectionState, OrderConnection, Stream, SyncRun
from connections.presenters import (
    account_problem,
    health,
    kind_label,
    problem,
    run_row,
    sparkline,
    state_badge,
)
from orders.models import EventLevel, Order, OrderEvent
from orders.presenters import LEVEL_TONES
from orders.states import OPEN_STATES

NEWEST_RUNS = 5
MOST_EVENTS = 100


def pair_rows(company_id: int, pairs: Sequence[OrderConnection]) -> list[dict[str, Any]]:
    accounts = {connection_id for pair in pairs for connection_id in (pair.marketplace_id, pair.shop_id)}
    streams = _streams(accounts)
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
            "badge": _active_badge(pair),
            "health": health([pair.marketplace, pair.shop], is_active=pair.is_active),
            **_times(_of(pair, streams)),
            "open_orders": counts.get(pair.pk, {}).get("open", 0),
            "errors_count": counts.get(pair.pk, {}).get("errors", 0),
        }
        for pair in pairs
    ]


def _streams(connection_ids: set[int]) -> list[Stream]:
    return list(Stream.objects.filter(connection_id__in=connection_ids, is_active=True).order_by("name"))


def _of(pair: OrderConnection, streams: Sequence[Stream]) -> list[Stream]:
    """The streams that feed this order connection."""
    mine = [stream for stream in streams if stream.connection_id in (pair.marketplace_id, pair.shop_id)]
    return mine if pair.is_active else []


def _counts(pair_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """Open orders and errors of each order connection."""
    open_orders = Order.objects.filter(order_connection__in=pair_ids, status__in=OPEN_STATES)
    rows = open_orders.values("order_connection").annotate(open=Count("id"), errors=Count("id", ~Q(error_code="")))
    return {row["order_connection"]: {"open": row["open"], "errors": row["errors"]} for row in rows}


def _active_badge(pair: OrderConnection) -> dict[str, str]:
    if pair.is_active:
        return {"label": _("Active"), "tone": "success", "icon": "play"}
    return {"label": _("Paused"), "tone": "neutral", "icon": "pause"}


def _times(streams: Sequence[Stream]) -> dict[str, Any]:
    """Last and next run over the streams, and the bars of the first of them (the orders)."""
    ran = [stream.last_run_at for stream in streams if stream.last_run_at]
    due = [stream.next_run_at for stream in streams]
    orders = next((stream for stream in streams if stream.topic == "orders"), None)
    return {
        "last_run_at": max(ran, default=None),
        "next_run_at": min(due, default=None),
        **sparkline(orders.outcomes if orders else ""),
    }


class PairDetail:
    """Everything connections/order_connection_detail.html shows."""

    def __init__(self, pair: OrderConnection, membership: Membership) -> None:
        self.pair = pair
        self.membership = membership
        self.streams = _of(pair, _streams({pair.marketplace_id, pair.shop_id}))

    def context(self) -> dict[str, Any]:
        pair = self.pair
        orders_url = reverse("orders:list", args=[pair.company_id]) + f"?pair={pair.pk}"
        runs = SyncRun.objects.filter(connection_id__in=[pair.marketplace_id, pair.shop_id])
        newest = runs.select_related("connection", "stream").order_by("-started_at", "-id")[:NEWEST_RUNS]
        return {
            "list_url": reverse("setup:order_connections", args=[pair.company_id]),
            "runs_url": reverse("setup:runs", args=[pair.company_id]) + f"?pair={pair.pk}",
            "orders_url": orders_url,
            "order_connection": self._head(),
            "sync": sync_state(pair, self.membership, self.streams),
            "switch": self._switch(),
            "problem": self._problem(),
            "errors": self._errors(orders_url),
            "runs": [run_row(run, reverse("setup:run", args=[pair.company_id, run.pk])) for run in newest],
            "settings": self._settings(),
        }

    def _head(self) -> dict[str, Any]:
        pair = self.pair
        open_orders = Order.objects.filter(order_connection=pair, status__in=OPEN_STATES)
        counted = open_orders.aggregate(count=Count("id"), oldest=Min("ordered_at", filter=Q(shop_order_id="")))
        accounts_url = reverse("setup:connections", args=[pair.company_id])
        return {
            "name": pair.name,
            "project": pair.project.name,
            "marketplace_kind": pair.marketplace.kind,
            "marketplace_label": pair.marketplace.label,
            "marketplace_account": pair.marketplace.account_name or pair.marketplace.account_id,
            "marketplace_url": accounts_url,
            "shop_kind": pair.shop.kind,
            "shop_label": pair.shop.label,
            "shop_account": pair.shop.account_name or pair.shop.account_id,
            "shop_url": accounts_url,
            "badge": _active_badge(pair),
            "health": health([pair.marketplace, pair.shop], is_active=pair.is_active),
            "open_orders": counted["count"],
            "oldest_unsynced_at": counted["oldest"],
            **_times(self.streams),
        }

    def _switch(self) -> dict[str, Any] | None:
        if not self.membership.may(Permission.RUN_SYNCS):
            return None
        url = reverse("setup:order_connection_switch", args=[self.pair.company_id, self.pair.pk])
        if self.pair.is_active:
            return {"url": url, "label": _("Pause"), "icon": "pause", "tone": ""}
        return {"url": url, "label": _("Activate"), "icon": "play", "tone": "primary"}

    def _problem(self) -> dict[str, Any] | None:
        may_see = self.membership.may(Permission.HANDLE_ORDERS)
        found = (account_problem(one, shows_detail=may_see) for one in (self.pair.marketplace, self.pair.shop))
        return next((one for one in found if one), None)

    def _errors(self, orders_url: str) -> list[dict[str, Any]]:
        open_errors = Order.objects.filter(order_connection=self.pair, status__in=OPEN_STATES).exclude(error_code="")
        rows = open_errors.values("error_code").annotate(count=Count("id")).order_by("-count", "error_code")
        return [
            {
                "title": message_for(row["error_code"]).title,
                "count": row["count"],
                "remedy": message_for(row["error_code"]).remedy,
                "url": f"{orders_url}&tab=attention&error={row['error_code']}",
            }
            for row in rows
        ]

    def _settings(self) -> list[dict[str, Any]]:
        pair, options = self.pair, self.pair.options
        wait = options.tracking_wait_seconds
        schemes = {
            "marketplace": _("the marketplace's number"),
            "prefix": _("“%(prefix)s” and the marketplace's number") % {"prefix": options.number_prefix},
            "shop": _("the shop's own"),
        }
        waits = _("until a code comes") if wait is None else _time_text(wait)
        groups = [
            (
                _("Orders"),
                [
                    (_("From"), pair.start_at.date().isoformat()),
                    (_("Channel"), pair.channel or _("all of the account")),
                    (_("Fulfilment"), pair.get_fulfilment_type_display()),
                    (_("Order number"), schemes[options.number_scheme]),
                    (_("Tag"), options.tag),
                ],
            ),
            (
                _("Shipping"),
                [
                    (_("Waits for a tracking code"), waits),
                    (_("Default transporter"), options.default_transporter or _("none")),
                    (_("Shipping method"), options.shipping_method or _("the shop's own")),
                ],
            ),
            (_("Products"), [(_("Without stock"), _("refuse") if options.checks_stock else _("create anyway"))]),
        ]
        return [
            {"title": title, "rows": [{"label": label, "value": value} for label, value in rows if value]}
            for title, rows in groups
        ]


def _time_text(seconds: int) -> str:
    if seconds < 3600:
        return ngettext("%(count)d minute", "%(count)d minutes", seconds // 60) % {"count": seconds // 60}
    return _("%(hours)g hours") % {"hours": round(seconds / 3600, 1)}


def sync_state(
    pair: OrderConnection, membership: Membership, streams: Sequence[Stream] | None = None
) -> dict[str, Any]:
    """What connections/_sync_now.html shows: the button, a sync under way, or why there is no button."""
    if streams is None:
        streams = _of(pair, _streams({pair.marketplace_id, pair.shop_id}))
    why_not = _why_not(pair, membership)
    return {
        "url": reverse("setup:order_connection_sync", args=[pair.company_id, pair.pk]),
        "is_allowed": not why_not,
        "why_not": why_not,
        "progress": None if why_not else _progress(streams),
        "result": None,
    }


def _why_not(pair: OrderConnection, membership: Membership) -> str:
    if not membership.may(Permission.RUN_SYNCS):
        return _("Your role may not start a sync.")
    if not pair.is_active:
        return _("Activate the order connection first.")
    for account in (pair.marketplace, pair.shop):
        if account.state == ConnectionState.EXPIRED:
            return _("“%(account)s” has to be connected again first.") % {"account": account.label}
        if account.not_before > timezone.now():
            return _("“%(account)s” asked us to wait a moment.") % {"account": account.label}
    return ""


def _progress(streams: Sequence[Stream]) -> dict[str, Any] | None:
    """Under way: due by now, or leased by a worker."""
    now = timezone.now()
    busy = [one for one in streams if one.next_run_at <= now or _is_leased(one, now)]
    if not busy:
        return None
    detail = _("%(done)d of %(all)d accounts read") % {"done": len(streams) - len(busy), "all": len(streams)}
    return {"label": _("Syncing"), "value": len(streams) - len(busy), "maximum": len(streams), "detail": detail}


def _is_leased(stream: Stream, now: datetime) -> bool:
    return stream.lease_until is not None and stream.lease_until > now


def account_rows(accounts: Sequence[Connection], membership: Membership) -> list[dict[str, Any]]:
    used: dict[int, int] = {}
    for marketplace, shop in OrderConnection.objects.present().values_list("marketplace_id", "shop_id"):
        used[marketplace] = used.get(marketplace, 0) + 1
        used[shop] = used.get(shop, 0) + 1
    checked: dict[int, datetime] = {}
    for stream in Stream.objects.exclude(last_success_at=None):
        if at := stream.last_success_at:
            checked[stream.connection_id] = max(at, checked.get(stream.connection_id, at))
    may_see = membership.may(Permission.HANDLE_ORDERS)
    return [
        {
            "label": account.label,
            "kind": account.kind,
            "system_label": kind_label(account.kind),
            "account_name": account.account_name,
            "account_id": account.account_id,
            "badge": state_badge(account),
            "used_by": used.get(account.pk, 0),
            "checked_at": checked.get(account.pk),
            "not_before": account.not_before if account.not_before > timezone.now() else None,
            "problem": account_problem(account, shows_detail=may_see),
        }
        for account in accounts
    ]


def run_context(run: SyncRun, *, may_see: bool) -> dict[str, Any]:
    events = OrderEvent.objects.filter(run_id=run.pk).select_related("order").order_by("id")[:MOST_EVENTS]
    facts = [(_("Not ours, passed over"), run.passed_over)]
    found = (
        problem(run.error_code, since=run.started_at, detail=run.error_detail, shows_detail=may_see)
        if run.error_code
        else None
    )
    return {
        "list_url": reverse("setup:runs", args=[run.company_id]),
        "run": {**run_row(run, ""), "connection_url": reverse("setup:connections", args=[run.company_id])}
        | {"facts": [{"label": label, "value": value} for label, value in facts]},
        "progress": None,
        "problem": found,
        "timeline": [
            {
                "at": event.recorded_at,
                "title": f"{event.order.number}: {event.message}",
                "detail": "",
                "actor": event.get_actor_display(),
                "icon": "box",
                "tone": LEVEL_TONES[EventLevel(event.level)],
                "recorded_at": None,
                "exchange": None,
            }
            for event in events
        ],
    }
