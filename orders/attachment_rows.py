"""The files of an order as its page shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.translation import gettext as _

from orders.models import Attachment, Delivery, FileState

DELIVERY_LOOK = {
    Delivery.WAITING: ("neutral", "clock"),
    Delivery.PENDING: ("progress", "send"),
    Delivery.PROCESSING: ("progress", "sync"),
    Delivery.CONFIRMED: ("success", "check-circle"),
    Delivery.REFUSED: ("danger", "x-circle"),
}


def attachment_row(attachment: Attachment, now: datetime, *, may_handle: bool) -> dict[str, Any]:
    """One row of orders/_attachments.html."""
    is_there = attachment.is_there(now)
    args = [attachment.company_id, attachment.order_id, attachment.pk]
    return {
        "title": attachment.title,
        "filename": attachment.filename,
        "what": f"{attachment.file_type.removeprefix('.').upper()}, {filesizeformat(attachment.size)}",
        "at": attachment.created_at,
        "by": attachment.user.get_full_name() if attachment.user else attachment.get_source_display(),
        "expires_at": attachment.expires_at,
        "badge": _badge(attachment, is_there=is_there),
        "detail": attachment.error_detail if may_handle else "",
        "url": reverse("orders:attachment", args=args) if is_there else "",
        "remove_url": reverse("orders:detach", args=args) if is_there and may_handle else "",
    }


def _badge(attachment: Attachment, *, is_there: bool) -> dict[str, str] | None:
    delivery = Delivery(attachment.delivery)
    if delivery in DELIVERY_LOOK and attachment.kind == "invoice":
        tone, icon = DELIVERY_LOOK[delivery]
        return {"label": str(delivery.label), "tone": tone, "icon": icon}
    return None if is_there else {"label": _("Deleted"), "tone": "neutral", "icon": "x"}


def shown(attachments: Any) -> list[Attachment]:
    """Those that ever had a file, the newest first."""
    return list(attachments.exclude(state=FileState.EXPECTED).select_related("user").order_by("-number"))
