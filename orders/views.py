"""Orders as people see them: the list, one order, and what could not be read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from channable.tenants.access import CompanyRequest, requires
from channable.tenants.roles import Permission
from connections.models import OrderConnection, RefusedRecord
from orders import listing, presenters
from orders.detail import OrderDetail
from orders.models import Order
from orders.paging import Position, id_in, page_links, page_of, with_query
from orders.services.handle import NotPossible, handle_manually, resend

LONGEST_SEARCH = 100


@require_GET
@requires(Permission.VIEW_ORDERS)
@vary_on_headers("HX-Request")
def order_list(request: CompanyRequest) -> HttpResponse:
    """All orders: `tab`, `q` (search), `error` and `pair` narrow, `at` is a place in the list."""
    query = _query(request)
    tab = listing.BY_KEY.get(query.get("tab", ""), listing.TABS[0])
    term = query.get("q", "")
    ids = listing.found_by(request.company.pk, term) if term else None
    orders = listing.orders_in(tab, ids, query.get("error", ""), id_in(query.get("pair", "")))
    page = page_of(orders.values(*listing.COLUMNS), Position.load(request.GET.get("at", "")), by="created_at")
    url = reverse("orders:list", args=[request.company.pk])
    context: dict[str, Any] = {
        **presenters.order_table(request.company.pk, page.rows),
        "refresh_url": with_query(url, query, at=request.GET.get("at", "")[:LONGEST_SEARCH]),
        "page": page_links(page, url, query),
        "search": term,
        "is_cut": ids is not None and len(ids) >= listing.MOST_HITS,
        "is_filtered": bool(query.keys() - {"tab"}) or tab is not listing.TABS[0],
        "clear_url": url,
        "empty": None if page.rows else _nothing_yet(request),
    }
    if _wants_table_alone(request):
        return render(request, "orders/_order_table.html", context)
    unreadable_count = RefusedRecord.objects.filter(resolved_at=None)[: listing.COUNTED_UP_TO].count()
    context |= {
        "tabs": presenters.tabs(
            tab, listing.counts(request.company.pk), lambda key: with_query(url, {"tab": key, "q": term})
        ),
        "active_tab": tab.key,
        "search_action": url,
        "unreadable_count": unreadable_count,
        "unreadable_url": reverse("orders:unreadable", args=[request.company.pk]),
    }
    return render(request, "orders/order_list.html", context)


def _query(request: HttpRequest) -> dict[str, str]:
    """What narrows the list. A NUL, which no database takes, can't be part of a search."""
    names = ("tab", "q", "error", "pair")
    return {
        name: value
        for name in names
        if (value := request.GET.get(name, "").replace("\x00", "").strip()[:LONGEST_SEARCH])
    }


def _wants_table_alone(request: HttpRequest) -> bool:
    """htmx refreshes or pages; going back in the browser's history it needs the whole page again."""
    return "HX-Request" in request.headers and "HX-History-Restore-Request" not in request.headers


def _nothing_yet(request: CompanyRequest) -> dict[str, Any]:
    if OrderConnection.objects.active().exists():
        text = _("As soon as a marketplace has an open order, it is listed here.")
        return {"icon": "box", "title": _("No orders yet"), "text": text, "url": None, "link_label": ""}
    return {
        "icon": "link",
        "title": _("No orders yet"),
        "text": _("Orders arrive once an order connection joins a marketplace to your shop and is active."),
        "url": reverse("setup:order_connections", args=[request.company.pk]),
        "link_label": _("Order connections"),
    }


@require_GET
@requires(Permission.VIEW_ORDERS)
def order_detail(request: CompanyRequest, order_id: int) -> HttpResponse:
    order: Order = get_object_or_404(
        Order.objects.select_related("connection", "shop", "order_connection", "project"), pk=order_id
    )
    may_handle = request.membership.may(Permission.HANDLE_ORDERS)
    return render(request, "orders/order_detail.html", OrderDetail(order, may_handle=may_handle).context())


@require_POST
@requires(Permission.HANDLE_ORDERS)
def resend_order(request: CompanyRequest, order_id: int) -> HttpResponse:
    done = _("It is tried again; the other system is asked first whether it has it.")
    return _handled(request, order_id, resend, done)


@require_POST
@requires(Permission.HANDLE_ORDERS)
def take_manually(request: CompanyRequest, order_id: int) -> HttpResponse:
    done = _("The order is yours now: nothing automatic is sent for it.")
    return _handled(request, order_id, handle_manually, done)


def _handled(request: CompanyRequest, order_id: int, handle: Callable[..., None], done: str) -> HttpResponse:
    """Do it, say what came of it, and show the order again."""
    order = get_object_or_404(Order, pk=order_id)
    try:
        handle(order, user=request.user)
    except NotPossible as reason:
        messages.error(request, str(reason))
    else:
        messages.success(request, done)
    return redirect("orders:detail", request.company.pk, order_id)


@require_GET
@requires(Permission.VIEW_ORDERS)
def unreadable(request: CompanyRequest) -> HttpResponse:
    """What a marketplace sent and we could not read, newest first, in pages of fifty."""
    records = RefusedRecord.objects.filter(resolved_at=None).select_related("connection")
    page = page_of(records, Position.load(request.GET.get("at", "")), by="first_seen_at")
    may_see = request.membership.may(Permission.HANDLE_ORDERS)
    context = {
        "list_url": reverse("orders:list", args=[request.company.pk]),
        "records": [presenters.unreadable_row(record, may_see=may_see) for record in page.rows],
        "page": page_links(page, reverse("orders:unreadable", args=[request.company.pk]), {}),
    }
    return render(request, "orders/unreadable_list.html", context)
