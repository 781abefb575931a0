"""Orders as people see them: the list, one order, and what could not be read."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from channable.tenants.access import CompanyRequest, requires
from channable.tenants.models import User
from channable.tenants.roles import Permission
from connections.models import OrderConnection, RefusedRecord
from orders import listing, presenters, return_listing
from orders.detail import OrderDetail
from orders.forms import CancelForm, DecideForm, LinkForm, ReportForm, ShipForm
from orders.models import Order, Return
from orders.paging import Position, page_links, page_of
from orders.services.handle import (
    NotPossible,
    cancel,
    decide_return,
    handle_manually,
    handle_return_manually,
    link_product,
    refund_again,
    report_return,
    resend,
    ship,
)
from orders.services.sample_orders import send_test_return


@require_GET
@requires(Permission.VIEW_ORDERS)
@vary_on_headers("HX-Request")
def order_list(request: CompanyRequest) -> HttpResponse:
    """All orders: `tab`, `q` (search), `error` and `pair` narrow, `at` is a place in the list."""
    company_id = request.company.pk
    asked = listing.Asked.of(request.GET)
    place = request.GET.get("at", "")
    orders, is_cut = listing.orders_for(company_id, asked)
    page = page_of(orders.values(*listing.COLUMNS), Position.load(place), by="created_at")
    context = presenters.order_table(company_id, page, asked, place=place)
    context |= {"is_cut": is_cut, "empty": None if page.rows else _nothing_yet(request)}
    if _wants_table_alone(request):
        return render(request, "orders/_order_table.html", context)
    context |= presenters.around_the_table(company_id, asked, listing.counts(company_id))
    context["unreadable_count"] = RefusedRecord.objects.filter(resolved_at=None)[: listing.COUNTED_UP_TO].count()
    return render(request, "orders/order_list.html", context)


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
    may_handle = request.membership.may(Permission.HANDLE_ORDERS)
    page = OrderDetail(_whole(order_id), may_handle=may_handle, opens=request.GET.get("do", ""))
    return render(request, "orders/order_detail.html", page.context())


def _whole(order_id: int) -> Order:
    orders = Order.objects.select_related("connection", "shop", "order_connection", "project")
    order: Order = get_object_or_404(orders, pk=order_id)
    return order


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


@require_POST
@requires(Permission.HANDLE_ORDERS)
def ship_order(request: CompanyRequest, order_id: int) -> HttpResponse:
    return _told(request, order_id, ShipForm, ship, _("The shipment goes to the marketplace."))


@require_POST
@requires(Permission.HANDLE_ORDERS)
def cancel_order(request: CompanyRequest, order_id: int) -> HttpResponse:
    return _told(request, order_id, CancelForm, cancel, _("The cancellation goes to the marketplace."))


@require_POST
@requires(Permission.HANDLE_ORDERS)
def link_order_product(request: CompanyRequest, order_id: int) -> HttpResponse:
    order = _whole(order_id)
    page = OrderDetail(order, may_handle=True)
    form = LinkForm(order, page.items, request.POST)
    if order.shop is None or not form.is_valid():
        page = OrderDetail(order, may_handle=True, form=form)
        return render(request, "orders/order_detail.html", page.context(), status=422)
    given = form.cleaned_data
    try:
        count = link_product(order.shop, given["product_id"], given["shop_product_id"], user=request.user)
    except NotPossible as reason:
        messages.error(request, str(reason))
    else:
        done = ngettext("%(count)s order is sent to the shop.", "%(count)s orders are sent to the shop.", count)
        messages.success(request, _("The product is linked.") + " " + done % {"count": count})
    return redirect("orders:detail", request.company.pk, order_id)


def _told(
    request: CompanyRequest,
    order_id: int,
    kind: type[ShipForm | CancelForm | ReportForm],
    tell: Callable[..., None],
    done: str,
) -> HttpResponse:
    """What a person fills in, or the form again with what is wrong with it."""
    order = _whole(order_id)
    page = OrderDetail(order, may_handle=True)
    form = kind(order, page.items, request.POST)
    if form.is_valid():
        return _handled(request, order_id, partial(_tell, tell, form.event), done)
    page = OrderDetail(order, may_handle=True, form=form)
    return render(request, "orders/order_detail.html", page.context(), status=422)


@require_POST
@requires(Permission.HANDLE_ORDERS)
def report_order_return(request: CompanyRequest, order_id: int) -> HttpResponse:
    return _told(request, order_id, ReportForm, report_return, _("The return goes to the marketplace."))


@require_POST
@requires(Permission.HANDLE_ORDERS)
def decide(request: CompanyRequest, order_id: int, return_id: int) -> HttpResponse:
    order = _whole(order_id)
    returned = get_object_or_404(Return, pk=return_id, order=order)
    returned.order = order
    form = DecideForm(returned, returned.quantity, request.POST)
    if form.is_valid():
        done = _("The decision goes to the marketplace.")
        return _handled(request, order_id, partial(_tell, decide_return, form.event), done)
    page = OrderDetail(order, may_handle=True, decide_form=form)
    return render(request, "orders/order_detail.html", page.context(), status=422)


@require_POST
@requires(Permission.HANDLE_ORDERS)
def take_return_manually(request: CompanyRequest, order_id: int, return_id: int) -> HttpResponse:
    get_object_or_404(Return, pk=return_id, order=order_id)
    done = _("The return is yours now: nothing is sent for it.")
    return _handled(request, order_id, partial(handle_return_manually, return_pk=return_id), done)


@require_POST
@requires(Permission.HANDLE_ORDERS)
def refund_return_again(request: CompanyRequest, order_id: int, return_id: int) -> HttpResponse:
    get_object_or_404(Return, pk=return_id, order=order_id)
    done = _("It is written down in the shop again; the shop is asked first whether it has it.")
    return _handled(request, order_id, partial(refund_again, return_pk=return_id), done)


@require_POST
@requires(Permission.HANDLE_ORDERS)
def test_return(request: CompanyRequest, order_id: int) -> HttpResponse:
    def send(order: Order, *, user: User) -> None:
        send_test_return(order)

    return _handled(request, order_id, send, _("All of it comes back, as a test. No marketplace hears of it."))


@require_GET
@requires(Permission.VIEW_ORDERS)
def return_list(request: CompanyRequest) -> HttpResponse:
    """Returns, newest first: `tab` and `q` (a whole number, code or product) narrow, `at` is a place in the list."""
    asked = return_listing.Asked.of(request.GET)
    page = page_of(asked.returns, Position.load(request.GET.get("at", "")), by="created_at")
    return render(request, "orders/return_list.html", return_listing.context(request.company.pk, page, asked))


def _tell(tell: Callable[..., None], event: object, order: Order, *, user: User) -> None:
    tell(order, event, user=user)


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
