"""Files of an order: added, opened and removed; and the one address that hands a file out."""

from __future__ import annotations

import structlog
from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST, require_safe

from channable.tenants.access import CompanyRequest, requires, requires_outside
from channable.tenants.roles import Permission
from channable.tenants.scope import company_scope
from orders import storage
from orders.files import FileType
from orders.forms import AttachForm
from orders.models import Attachment, AttachmentKind, Delivery, Order
from orders.services import attachments
from orders.services.handle import NotPossible

log = structlog.get_logger(__name__)

# A file comes from outside: it is saved and not shown, and whatever shows it all the same runs nothing of it.
FILE_HEADERS = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}


@require_POST
@requires_outside(Permission.HANDLE_ORDERS)
def add_attachment(request: CompanyRequest, company_id: int, order_id: int) -> HttpResponse:
    """Whatever comes of it is said on the order's page: a browser can't fill in a file again."""
    with company_scope(company_id):
        order: Order = get_object_or_404(Order.objects.select_related("connection"), pk=order_id)
        form = AttachForm(order, order.items.order_by("id"), request.POST, request.FILES)
        is_valid = form.is_valid()
    if is_valid:
        _add(request, order, form)
    for errors in form.errors.values():
        messages.error(request, " ".join(map(str, errors)))
    return _to_the_order(company_id, order_id)


def _add(request: CompanyRequest, order: Order, form: AttachForm) -> None:
    given = form.cleaned_data
    file, kind, item_ids = given["file"], AttachmentKind(given["kind"]), given.get("items", [])
    try:
        added = attachments.add(order, kind, file, name=file.name, user=request.user, item_ids=item_ids)
    except NotPossible as reason:
        messages.error(request, str(reason))
    else:
        messages.success(request, _told(added))


def _told(added: Attachment) -> str:
    if added.delivery == Delivery.WAITING:
        return _("The invoice is kept, and goes to the marketplace once what it is about is shipped.")
    if added.delivery == Delivery.PENDING:
        return _("The invoice goes to the marketplace.")
    return _("The file is kept with the order.")


@require_GET
@requires(Permission.VIEW_ORDERS)
def open_attachment(request: CompanyRequest, order_id: int, attachment_id: int) -> HttpResponse:
    """A page may have been open for long, so its link makes the one that works for five minutes."""
    attachment = get_object_or_404(Attachment, order_id=order_id, pk=attachment_id)
    try:
        return redirect(attachments.link_to(attachment))
    except attachments.Expired:
        return _gone(request)


@require_POST
@requires(Permission.HANDLE_ORDERS)
def remove_attachment(request: CompanyRequest, order_id: int, attachment_id: int) -> HttpResponse:
    attachment = get_object_or_404(Attachment, order_id=order_id, pk=attachment_id)
    attachments.remove(attachment, user=request.user)
    messages.success(request, _("The file is removed. What the marketplace has of it stays there."))
    return _to_the_order(request.company.pk, order_id)


@require_safe
def file(request: HttpRequest, token: str) -> HttpResponseBase:
    """The file itself, for whoever has the link while it is good: without a log-in."""
    try:
        attachment = attachments.linked(token)
        if attachment is None:
            raise Http404
        content = storage.open_file(attachment.storage_key)
    except attachments.Expired:
        return _gone(request)
    except FileNotFoundError:
        log.exception("a file is missing in the storage")
        return _gone(request)
    content_type = FileType(attachment.file_type).content_type
    response = FileResponse(content, as_attachment=True, filename=attachment.filename, content_type=content_type)
    for name, value in FILE_HEADERS.items():
        response[name] = value
    return response


def _gone(request: HttpRequest) -> HttpResponse:
    return render(request, "410.html", status=410)


def _to_the_order(company_id: int, order_id: int) -> HttpResponse:
    return redirect(f"{reverse('orders:detail', args=[company_id, order_id])}#attachments")
