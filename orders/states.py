"""The states of an order, derived from the states of its parts. No database here.

A part is a quantity of one item with a status of its own. `derive_status` is the one rule that
says what the order's status is; `TRANSITIONS` is the guard that says which moves can be right.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import models
from django.utils.translation import gettext_lazy as _


class OrderStatus(models.TextChoices):
    AWAITING_CONFIRMATION = "awaiting_confirmation", _("Awaiting confirmation")  # still verified by the marketplace
    NOT_SHIPPED = "not_shipped", _("Not shipped")  # open: in the shop, or on its way there
    WAITING = "waiting", _("Waiting")  # completed in the shop, its tracking code is awaited
    PENDING_SHIPMENT = "pending_shipment", _("Pending shipment")  # decided, not yet accepted by the marketplace
    PROCESSING = "processing", _("Processing")  # accepted by the marketplace, its answer is followed up
    SHIPPED = "shipped", _("Shipped")  # nothing is open; at least one item was shipped
    PARTIAL = "partial", _("Partial")  # some items are dealt with, others are open
    PENDING_CANCELLATION = "pending_cancellation", _("Pending cancellation")  # decided, not confirmed there yet
    CANCELLED = "cancelled", _("Cancelled")  # every item was cancelled
    CANCELLATION_REQUEST = "cancellation_request", _("Cancellation request")  # the buyer asks; may still be shipped
    MANUAL = "manual", _("Manual")  # taken out of automatic handling by a person


class PartStatus(models.TextChoices):
    OPEN = "open", _("Open")
    WAITING = "waiting", _("Waiting for a code")
    PENDING_SHIPMENT = "pending_shipment", _("Pending shipment")
    PROCESSING = "processing", _("Processing")
    SHIPPED = "shipped", _("Shipped")
    PENDING_CANCELLATION = "pending_cancellation", _("Pending cancellation")
    CANCELLED = "cancelled", _("Cancelled")


O = OrderStatus  # noqa: E741  (the table below is read by columns)

CLOSED = frozenset({O.SHIPPED, O.CANCELLED})
OPEN_STATES = frozenset(set(OrderStatus) - CLOSED)

# Every status has a row. A move that is not here is a defect or news that came too late.
TRANSITIONS: dict[OrderStatus, frozenset[OrderStatus]] = {
    O.AWAITING_CONFIRMATION: frozenset(
        {
            O.NOT_SHIPPED,
            O.CANCELLED,
            O.SHIPPED,
            O.PARTIAL,
            O.MANUAL,
            O.CANCELLATION_REQUEST,
            # what a person decided about it before
            O.PENDING_SHIPMENT,
            O.PROCESSING,
            O.PENDING_CANCELLATION,
        }
    ),
    O.NOT_SHIPPED: frozenset(
        {
            O.WAITING,
            O.PENDING_SHIPMENT,
            O.SHIPPED,
            O.PARTIAL,
            O.PENDING_CANCELLATION,
            O.CANCELLED,
            O.CANCELLATION_REQUEST,
            O.MANUAL,
            O.AWAITING_CONFIRMATION,  # the marketplace verifies again
        }
    ),
    O.WAITING: frozenset(
        {
            O.NOT_SHIPPED,  # reopened in the shop
            O.PENDING_SHIPMENT,
            O.SHIPPED,
            O.PARTIAL,
            O.PENDING_CANCELLATION,
            O.CANCELLED,
            O.CANCELLATION_REQUEST,
            O.MANUAL,
        }
    ),
    O.PENDING_SHIPMENT: frozenset(
        {
            O.PROCESSING,
            O.SHIPPED,
            O.PARTIAL,
            O.CANCELLED,
            O.MANUAL,
            # refused: back to where its parts were
            O.NOT_SHIPPED,
            O.WAITING,
            O.CANCELLATION_REQUEST,
            O.PENDING_CANCELLATION,
        }
    ),
    O.PROCESSING: frozenset(
        {
            O.SHIPPED,
            O.PARTIAL,
            O.CANCELLED,
            O.MANUAL,
            O.NOT_SHIPPED,
            O.WAITING,
            O.CANCELLATION_REQUEST,
            O.PENDING_CANCELLATION,
        }
    ),
    O.SHIPPED: frozenset({O.WAITING}),  # the marketplace still shows it unshipped: retried
    O.PARTIAL: frozenset(set(OrderStatus) - {O.PARTIAL, O.AWAITING_CONFIRMATION}),
    O.PENDING_CANCELLATION: frozenset(
        {
            O.CANCELLED,
            O.PARTIAL,
            O.SHIPPED,
            # refused: back to where it was
            O.NOT_SHIPPED,
            O.WAITING,
            O.MANUAL,
            O.CANCELLATION_REQUEST,
            O.AWAITING_CONFIRMATION,  # handed back by a person who cancelled it unconfirmed
        }
    ),
    O.CANCELLED: frozenset(),
    O.CANCELLATION_REQUEST: frozenset(
        {
            O.NOT_SHIPPED,  # withdrawn by the buyer
            O.WAITING,
            O.AWAITING_CONFIRMATION,  # the marketplace verifies again
            O.PENDING_SHIPMENT,
            O.PROCESSING,
            O.SHIPPED,
            O.PARTIAL,
            O.PENDING_CANCELLATION,
            O.CANCELLED,
            O.MANUAL,
        }
    ),
    O.MANUAL: frozenset(
        {
            O.PENDING_CANCELLATION,
            O.CANCELLED,
            O.SHIPPED,
            # handed back by a person: to where its parts are
            O.AWAITING_CONFIRMATION,
            O.NOT_SHIPPED,
            O.WAITING,
            O.PARTIAL,
            O.PENDING_SHIPMENT,
            O.PROCESSING,
            O.CANCELLATION_REQUEST,
        }
    ),
}


def derive_status(
    parts: Iterable[PartStatus | str],
    *,
    is_confirmed: bool = True,
    cancellation_requested: bool = False,
    is_manual: bool = False,
) -> OrderStatus:
    """What an order's status is, from its parts' statuses and its three flags."""
    found = {PartStatus(part) for part in parts}
    live = found - {PartStatus.SHIPPED, PartStatus.CANCELLED}
    if not live:
        return O.SHIPPED if PartStatus.SHIPPED in found else O.CANCELLED
    if is_manual:
        return O.PENDING_CANCELLATION if live == {PartStatus.PENDING_CANCELLATION} else O.MANUAL
    if not is_confirmed:
        return O.AWAITING_CONFIRMATION
    untouched = live & {PartStatus.OPEN, PartStatus.WAITING}
    if untouched:
        return _of_open_parts(found, untouched, cancellation_requested=cancellation_requested)
    for part, status in _ON_THE_WAY:
        if part in live:
            return status
    raise AssertionError(f"no rule for {found}")


_ON_THE_WAY = (
    (PartStatus.PENDING_SHIPMENT, O.PENDING_SHIPMENT),
    (PartStatus.PROCESSING, O.PROCESSING),
    (PartStatus.PENDING_CANCELLATION, O.PENDING_CANCELLATION),
)


def _of_open_parts(found: set[PartStatus], untouched: set[PartStatus], *, cancellation_requested: bool) -> OrderStatus:
    if cancellation_requested:
        return O.CANCELLATION_REQUEST
    if found - untouched:
        return O.PARTIAL
    return O.WAITING if PartStatus.WAITING in untouched else O.NOT_SHIPPED
