"""Order connections, their accounts and their runs: pages that show orders and connections together."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from channable.pages.accounts import account_rows
from channable.pages.forms import TestOrderForm
from channable.pages.pair_detail import PairDetail
from channable.pages.pairs import pair_rows
from channable.pages.runs import TABS, run_context, run_list_context, runs_in
from channable.pages.syncing import sync_state
from channable.tenants.access import CompanyRequest, requires
from channable.tenants.roles import Permission
from connections import services
from connections.models import Connection, OrderConnection, SyncRun
from orders.paging import Position, id_in, page_of
from orders.services.handle import NotPossible, handle_all_manually, resend_all
from orders.services.sample_orders import send_test_order


def _pairs() -> QuerySet[OrderConnection]:
    pairs: QuerySet[OrderConnection] = OrderConnection.objects.present()
    return pairs.select_related("project", "marketplace", "shop").order_by("name", "id")


@require_GET
@requires(Permission.VIEW_SETUP)
def order_connections(request: CompanyRequest) -> HttpResponse:
    nothing = {
        "icon": "link",
        "title": _("No order connections yet"),
        "text": _(
            "An order connection joins one marketplace account to one shop. "
            "`manage.py create_order_connection` makes one."
        ),
        "url": None,
        "link_label": "",
    }
    context = {"order_connections": pair_rows(request.company.pk, list(_pairs())), "empty": nothing}
    return render(request, "connections/order_connection_list.html", context)


@require_GET
@requires(Permission.VIEW_SETUP)
def order_connection(request: CompanyRequest, pair_id: int) -> HttpResponse:
    pair = get_object_or_404(_pairs(), pk=pair_id)
    detail = PairDetail(pair, request.company, request.membership)
    return render(request, "connections/order_connection_detail.html", detail.context())


@require_http_methods(["GET", "POST"])
@requires(Permission.VIEW_SETUP)
@vary_on_headers("HX-Request")
def sync_now(request: CompanyRequest, pair_id: int) -> HttpResponse:
    """POST makes both accounts due at once; GET shows how far that has come (htmx asks every two seconds)."""
    pair = get_object_or_404(_pairs(), pk=pair_id)
    if request.method == "POST":
        _start_sync(request, pair)
    if request.headers.get("HX-Request"):
        sync = sync_state(pair, request.company, request.membership, tells_result=request.method == "GET")
        return render(request, "connections/_sync_now.html", {"sync": sync})
    return redirect("setup:order_connection", request.company.pk, pair.pk)


def _start_sync(request: CompanyRequest, pair: OrderConnection) -> None:
    if not request.membership.may(Permission.RUN_SYNCS):
        raise PermissionDenied
    why_not = sync_state(pair, request.company, request.membership)["why_not"]
    if why_not:
        _tell(request, messages.WARNING, why_not)
        return
    services.sync_now(pair)
    _tell(request, messages.SUCCESS, _("The sync begins now; this page shows what it finds."))


def _tell(request: CompanyRequest, level: int, text: str) -> None:
    """For the page that follows; htmx shows the state in its place."""
    if not request.headers.get("HX-Request"):
        messages.add_message(request, level, text)


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


@require_POST
@requires(Permission.HANDLE_ORDERS)
def handle_all(request: CompanyRequest, pair_id: int) -> HttpResponse:
    """Do the same with all orders that stopped for one cause: `error` is its code, `do` what to do."""
    pair = get_object_or_404(_pairs(), pk=pair_id)
    handle = {"resend": resend_all, "handle_manually": handle_all_manually}.get(request.POST.get("do", ""))
    try:
        if handle is not None:
            count, left = handle(pair, request.POST.get("error", ""), user=request.user)
            done = ngettext("%(count)s order is handled.", "%(count)s orders are handled.", count) % {"count": count}
            rest = _("%(left)s are left: do it once more.") % {"left": left} if left else ""
            messages.success(request, f"{done} {rest}".strip())
    except NotPossible as reason:
        messages.error(request, str(reason))
    return redirect("setup:order_connection", request.company.pk, pair.pk)


@require_POST
@requires(Permission.RUN_SYNCS)
def test_order(request: CompanyRequest, pair_id: int) -> HttpResponse:
    """Make a test order and show it on its way to the shop."""
    pair = get_object_or_404(_pairs(), pk=pair_id)
    form = TestOrderForm(request.POST, auto_id="test_%s")
    if not form.is_valid():
        detail = PairDetail(pair, request.company, request.membership, form=form)
        return render(request, "connections/order_connection_detail.html", detail.context(), status=422)
    order = send_test_order(pair, form.wanted)
    messages.success(request, _("The test order goes to the shop; the marketplace knows nothing of it."))
    return redirect("orders:detail", request.company.pk, order.pk)


@require_GET
@requires(Permission.VIEW_SETUP)
def connections(request: CompanyRequest) -> HttpResponse:
    nothing = {
        "icon": "plug",
        "title": _("No accounts yet"),
        "text": _("Connect a seller account or a shop with `manage.py connect_account`."),
        "url": None,
        "link_label": "",
    }
    accounts = list(Connection.objects.present().order_by("label", "id"))
    context = {"connections": account_rows(accounts, request.membership), "empty": nothing}
    return render(request, "connections/connection_list.html", context)


@require_GET
@requires(Permission.VIEW_SETUP)
def runs(request: CompanyRequest) -> HttpResponse:
    """Newest first; `tab` narrows by outcome, `pair` to the accounts of an order connection."""
    pair_id = id_in(request.GET.get("pair", ""))
    pair = get_object_or_404(OrderConnection, pk=pair_id) if pair_id is not None else None
    tab = request.GET.get("tab", "")
    query = {"tab": tab if tab in TABS else "all", "pair": str(pair.pk) if pair else ""}
    page = page_of(runs_in(query["tab"], pair), Position.load(request.GET.get("at", "")), by="started_at")
    return render(request, "connections/sync_run_list.html", run_list_context(request.company.pk, page, query))


@require_GET
@requires(Permission.VIEW_SETUP)
def run(request: CompanyRequest, run_id: int) -> HttpResponse:
    found: SyncRun = get_object_or_404(SyncRun.objects.select_related("connection", "stream"), pk=run_id)
    may_see = request.membership.may(Permission.HANDLE_ORDERS)
    return render(request, "connections/sync_run_detail.html", run_context(found, may_see=may_see))
