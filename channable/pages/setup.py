"""Order connections, their accounts and their runs: pages that show orders and connections together."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from channable.pages import presenters
from channable.tenants.access import CompanyRequest, requires
from channable.tenants.roles import Permission
from connections import services
from connections.models import Connection, OrderConnection, RunOutcome, SyncRun
from connections.presenters import run_row

PAGE_SIZE = 50
RUN_TABS = (
    ("all", lazy("All"), None),
    ("failed", lazy("Failed"), RunOutcome.FAILED),
    ("limited", lazy("Slowed down"), RunOutcome.LIMITED),
)


def _pairs() -> Any:
    return OrderConnection.objects.present().select_related("project", "marketplace", "shop").order_by("name", "id")


@require_GET
@requires(Permission.VIEW_SETUP)
def order_connections(request: CompanyRequest) -> HttpResponse:
    empty = {
        "icon": "link",
        "title": _("No order connections yet"),
        "text": _(
            "An order connection joins one marketplace account to one shop. "
            "`manage.py create_order_connection` makes one."
        ),
        "url": None,
        "link_label": "",
    }
    context = {"order_connections": presenters.pair_rows(request.company.pk, list(_pairs())), "empty": empty}
    return render(request, "connections/order_connection_list.html", context)


@require_GET
@requires(Permission.VIEW_SETUP)
def order_connection(request: CompanyRequest, pair_id: int) -> HttpResponse:
    pair = get_object_or_404(_pairs(), pk=pair_id)
    detail = presenters.PairDetail(pair, request.membership)
    return render(request, "connections/order_connection_detail.html", detail.context())


@require_http_methods(["GET", "POST"])
@requires(Permission.VIEW_SETUP)
def sync_now(request: CompanyRequest, pair_id: int) -> HttpResponse:
    """POST makes both accounts due at once; GET shows how far that has come (htmx asks every two seconds)."""
    pair = get_object_or_404(_pairs(), pk=pair_id)
    if request.method == "POST":
        if not request.membership.may(Permission.RUN_SYNCS):
            return render(request, "403.html", status=403)
        services.sync_now(pair)
    if request.headers.get("HX-Request"):
        sync = presenters.sync_state(pair, request.membership)
        return render(request, "connections/_sync_now.html", {"sync": sync})
    if request.method == "POST":
        messages.success(request, _("The sync begins now; this page shows what it finds."))
    return redirect("setup:order_connection", request.company.pk, pair.pk)


@require_POST
@requires(Permission.RUN_SYNCS)
def switch(request: CompanyRequest, pair_id: int) -> HttpResponse:
    """Activate or pause."""
    pair = get_object_or_404(_pairs(), pk=pair_id)
    try:
        if pair.is_active:
            services.pause(pair)
            messages.success(request, _("Paused. What was pulled is kept and goes on when you activate it again."))
        else:
            services.activate(pair)
            messages.success(request, _("Active: all open orders are read now."))
    except services.SetupError as reason:
        messages.error(request, str(reason))
    return redirect("setup:order_connection", request.company.pk, pair.pk)


@require_GET
@requires(Permission.VIEW_SETUP)
def connections(request: CompanyRequest) -> HttpResponse:
    empty = {
        "icon": "plug",
        "title": _("No accounts yet"),
        "text": _("Connect a seller account or a shop with `manage.py connect_account`."),
        "url": None,
        "link_label": "",
    }
    accounts = list(Connection.objects.present().order_by("label", "id"))
    context = {"connections": presenters.account_rows(accounts, request.membership), "empty": empty}
    return render(request, "connections/connection_list.html", context)


@require_GET
@requires(Permission.VIEW_SETUP)
def runs(request: CompanyRequest) -> HttpResponse:
    """Sync runs, newest first, in pages of fifty; `pair` narrows to the accounts of an order connection."""
    found = SyncRun.objects.select_related("connection", "stream").order_by("-started_at", "-id")
    key = request.GET.get("tab", "all")
    outcome = {tab: value for tab, _label, value in RUN_TABS}.get(key)
    if outcome:
        found = found.filter(outcome=outcome)
    pair_id = request.GET.get("pair", "")
    if pair_id.isdigit():
        pair = get_object_or_404(OrderConnection, pk=min(int(pair_id), 2**63 - 1))
        found = found.filter(connection_id__in=[pair.marketplace_id, pair.shop_id])
    before = request.GET.get("before", "")
    if before.isdigit():
        found = found.filter(pk__lt=min(int(before), 2**63 - 1))
    rows = list(found[: PAGE_SIZE + 1])
    url = reverse("setup:runs", args=[request.company.pk])
    keep = f"tab={key}&pair={pair_id}" if pair_id.isdigit() else f"tab={key}"
    older = rows[PAGE_SIZE - 1].pk if len(rows) > PAGE_SIZE else None
    context = {
        "tabs": [
            {"key": tab, "label": label, "count": None, "url": f"{url}?tab={tab}", "is_active": tab == key}
            for tab, label, _value in RUN_TABS
        ],
        "runs": [run_row(run, reverse("setup:run", args=[request.company.pk, run.pk])) for run in rows[:PAGE_SIZE]],
        "page": {
            "newer_url": f"{url}?{keep}" if before else None,
            "older_url": f"{url}?{keep}&before={older}" if older else None,
        },
    }
    return render(request, "connections/sync_run_list.html", context)


@require_GET
@requires(Permission.VIEW_SETUP)
def run(request: CompanyRequest, run_id: int) -> HttpResponse:
    found: SyncRun = get_object_or_404(SyncRun.objects.select_related("connection", "stream"), pk=run_id)
    may_see = request.membership.may(Permission.HANDLE_ORDERS)
    return render(request, "connections/sync_run_detail.html", presenters.run_context(found, may_see=may_see))
