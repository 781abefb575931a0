"""One order connection as its page shows it: health, errors by cause, runs, what is polled, settings."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Min, Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from channable.pages.forms import TestOrderForm
from channable.pages.pairs import active_badge, feeding, run_times, streams_of
from channable.pages.syncing import sync_state
from channable.tenants.models import Company, Membership
from channable.tenants.roles import Permission
from connections.messages import message_for
from connections.models import OrderConnection, Stream, SyncRun
from connections.presenters import account_problem, health, run_row, sparkline
from orders.models import Finding, Order
from orders.states import OPEN_STATES

NEWEST_RUNS = 5
MOST_FINDINGS = 20


class PairDetail:
    """Everything connections/order_connection_detail.html shows."""

    def __init__(
        self, pair: OrderConnection, company: Company, membership: Membership, *, form: TestOrderForm | None = None
    ) -> None:
        """`form` is the one of a test order, with errors."""
        self.pair = pair
        self.form = form
        self.company = company
        self.membership = membership
        self.streams = feeding(pair, streams_of({pair.marketplace_id, pair.shop_id}))

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
            "sync": sync_state(pair, self.company, self.membership, self.streams),
            "switch": self._switch(),
            "problem": self._problem(),
            "errors": self._errors(orders_url),
            "findings": self._findings(),
            "findings_count": Finding.objects.open().filter(order_connection=pair).count(),
            "runs": [run_row(run, reverse("setup:run", args=[pair.company_id, run.pk])) for run in newest],
            "streams": [self._stream(stream) for stream in self.streams],
            "settings": settings_of(pair),
            "test": self._test(),
        }

    def _test(self) -> dict[str, Any] | None:
        if not self.membership.may(Permission.RUN_SYNCS):
            return None
        return {
            "url": reverse("setup:order_connection_test", args=[self.pair.company_id, self.pair.pk]),
            "form": self.form or TestOrderForm(auto_id="test_%s", initial={"country_code": "NL"}),
            "is_open": self.form is not None,
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
            "badge": active_badge(pair),
            "health": health([pair.marketplace, pair.shop], is_active=pair.is_active),
            "open_orders": counted["count"],
            "oldest_unsynced_at": counted["oldest"],
            **run_times(self.streams),
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
        may_handle = self.membership.may(Permission.HANDLE_ORDERS)
        return [
            {
                "code": row["error_code"],
                "all": self._all(row["error_code"]) if may_handle else None,
                "title": message_for(row["error_code"]).title,
                "count": row["count"],
                "remedy": message_for(row["error_code"]).remedy,
                "url": f"{orders_url}&tab=attention&error={row['error_code']}",
            }
            for row in rows
        ]

    def _findings(self) -> list[dict[str, Any]]:
        """What the nightly comparison found, the newest first."""
        rows = Finding.objects.open().filter(order_connection=self.pair).order_by("-last_seen_at", "-id")
        return [
            {
                "title": message_for(row.code).title,
                "number": row.external_id,
                "detail": row.detail,
                "remedy": message_for(row.code).remedy,
                "first_seen_at": row.first_seen_at,
                "url": reverse("orders:detail", args=[self.pair.company_id, row.order_id]) if row.order_id else "",
            }
            for row in rows[:MOST_FINDINGS]
        ]

    def _all(self, code: str) -> dict[str, Any] | None:
        """One click for the whole group, where its remedy is one."""
        labels = {"resend": _("Resend all"), "handle_manually": _("Handle all manually")}
        wanted = message_for(code).action
        if wanted not in labels:
            return None
        url = reverse("setup:order_connection_handle", args=[self.pair.company_id, self.pair.pk])
        return {"url": url, "label": labels[wanted], "name": wanted}

    def _stream(self, stream: Stream) -> dict[str, Any]:
        account = self.pair.marketplace if stream.connection_id == self.pair.marketplace_id else self.pair.shop
        return {
            "name": stream.name,
            "kind": account.kind,
            "label": account.label,
            "last_run_at": stream.last_run_at,
            "next_run_at": stream.next_run_at,
            **sparkline(stream.outcomes),
        }


def settings_of(pair: OrderConnection) -> list[dict[str, Any]]:
    options = pair.options
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
        (
            _("Products"),
            [
                (_("Found by"), ", ".join([_("the marketplace's id"), *options.alternative_ids])),
                (_("Without stock"), _("refuse") if options.checks_stock else _("create anyway")),
            ],
        ),
    ]
    return [
        {"title": title, "rows": [{"label": label, "value": value} for label, value in rows if value]}
        for title, rows in groups
    ]


def _time_text(seconds: int) -> str:
    if seconds < 3600:
        return ngettext("%(count)d minute", "%(count)d minutes", seconds // 60) % {"count": seconds // 60}
    return _("%(hours)g hours") % {"hours": round(seconds / 3600, 1)}
