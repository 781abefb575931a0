"""How each status looks and what is next, in words: the one table behind lists, badges and details."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from orders.models.returns import ReturnStatus
from orders.states import OrderStatus, PartStatus

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Look:
    tone: str
    icon: str
    next_title: Text
    next_text: Text


S = OrderStatus

STATUS_LOOK: dict[OrderStatus, Look] = {
    S.AWAITING_CONFIRMATION: Look(
        "neutral",
        "clock",
        _("The marketplace still verifies this order"),
        _("Nothing goes to the shop before it is confirmed. That happens by itself."),
    ),
    S.NOT_SHIPPED: Look(
        "info",
        "box",
        _("Ship it in your shop"),
        _("As soon as the shop completes the order, its tracking code goes to the marketplace."),
    ),
    S.WAITING: Look(
        "progress",
        "clock",
        _("A tracking code is awaited"),
        _("The shop completed the order without one. When the time is over, it is sent without."),
    ),
    S.PENDING_SHIPMENT: Look(
        "progress",
        "send",
        _("The shipment goes to the marketplace"),
        _("Within a few minutes; nothing needs to be done."),
    ),
    S.PROCESSING: Look(
        "progress",
        "sync",
        _("The marketplace works on the shipment"),
        _("It was accepted; its answer is followed up."),
    ),
    S.SHIPPED: Look("success", "truck", _("All done"), _("The marketplace knows that it was shipped.")),
    S.PARTIAL: Look(
        "warning",
        "partial",
        _("Part of it is open"),
        _("Ship or cancel the rest, in your shop or here; each parcel is told."),
    ),
    S.PENDING_CANCELLATION: Look(
        "progress",
        "send",
        _("The cancellation goes to the marketplace"),
        _("Within a few minutes; nothing needs to be done."),
    ),
    S.CANCELLED: Look("neutral", "x-circle", _("Cancelled"), _("Nothing is open any more.")),
    S.CANCELLATION_REQUEST: Look(
        "warning",
        "hand",
        _("The buyer asks to cancel"),
        _("Cancel it here or in your shop to accept, or ship it as usual."),
    ),
    S.MANUAL: Look(
        "neutral",
        "user",
        _("Handled by a person"),
        _("Nothing automatic is sent. It closes here when the marketplace says so."),
    ),
}

# A new order that isn't in the shop yet.
GOES_TO_SHOP = Look(
    "info", "send", _("It is being created in your shop"), _("Within a few minutes; nothing needs to be done.")
)

# A closed order of which something comes back.
RETURN_WAITS = Look(
    "warning", "return", _("A return waits for you"), _("Decide below what becomes of it; the marketplace is told.")
)

PART_LOOK: dict[PartStatus, tuple[str, str]] = {
    PartStatus.OPEN: ("info", "box"),
    PartStatus.WAITING: ("progress", "clock"),
    PartStatus.PENDING_SHIPMENT: ("progress", "send"),
    PartStatus.PROCESSING: ("progress", "sync"),
    PartStatus.SHIPPED: ("success", "truck"),
    PartStatus.PENDING_CANCELLATION: ("progress", "send"),
    PartStatus.CANCELLED: ("neutral", "x-circle"),
}


def status_badge(status: str) -> dict[str, str]:
    look = STATUS_LOOK[OrderStatus(status)]
    return {"label": str(OrderStatus(status).label), "tone": look.tone, "icon": look.icon}


def part_badge(status: str) -> dict[str, str]:
    tone, icon = PART_LOOK[PartStatus(status)]
    return {"label": str(PartStatus(status).label), "tone": tone, "icon": icon}


RETURN_LOOK: dict[ReturnStatus, tuple[str, str]] = {
    ReturnStatus.NEW: ("warning", "return"),
    ReturnStatus.PROCESSING: ("progress", "sync"),
    ReturnStatus.ACCEPTED: ("success", "check-circle"),
    ReturnStatus.REJECTED: ("neutral", "x-circle"),
    ReturnStatus.REPAIRED: ("success", "cog"),
    ReturnStatus.KEEPS: ("success", "check-circle"),
    ReturnStatus.EXCHANGED: ("success", "sync"),
    ReturnStatus.CANCELLED: ("neutral", "x-circle"),
    ReturnStatus.MANUAL: ("neutral", "user"),
}


def return_badge(status: str) -> dict[str, str]:
    tone, icon = RETURN_LOOK[ReturnStatus(status)]
    return {"label": str(ReturnStatus(status).label), "tone": tone, "icon": icon}
