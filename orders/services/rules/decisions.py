"""What follows when the marketplace accepts, confirms or refuses what we told it."""

from __future__ import annotations

from connections.messages import MESSAGES
from orders.models.shipment import Cancellation, DecisionStatus, Shipment
from orders.services.events import (
    CancellationAccepted,
    CancellationConfirmed,
    CancellationRefused,
    ShipmentAccepted,
    ShipmentConfirmed,
    ShipmentRefused,
)
from orders.services.rules.notices import tell_not_cancelled
from orders.services.work import BY_HAND, LIVE, ON_THE_WAY, Work
from orders.states import PartStatus

NOTHING_OPEN = "nothing of the order is open any more."


def shipment_accepted(work: Work, event: ShipmentAccepted) -> None:
    """Taken, its final answer is followed up."""
    shipment = Shipment.objects.get(pk=event.shipment_id)
    if _set(shipment, DecisionStatus.PROCESSING, unless=DecisionStatus.CONFIRMED):
        parts = work.of(shipment)
        work.move_all([part for part in parts if part.status == PartStatus.PENDING_SHIPMENT], PartStatus.PROCESSING)
        work.note("shipment.sent", f"Sent shipment update to {work.marketplace.kind_label}")


def shipment_confirmed(work: Work, event: ShipmentConfirmed) -> None:
    shipment = Shipment.objects.get(pk=event.shipment_id)
    if shipment.status == DecisionStatus.PENDING:
        how = "Found the shipment at" if event.adopted else "Sent shipment update to"
        work.note("shipment.sent", f"{how} {work.marketplace.kind_label}")
    if _confirm(work, shipment, event.remote_id):
        work.move_all([part for part in work.of(shipment) if part.status in LIVE], PartStatus.SHIPPED)
        work.note("shipment.confirmed", f"{work.marketplace.kind_label} confirmed the shipment.")
        _after_closing(work)


def shipment_refused(work: Work, event: ShipmentRefused) -> None:
    """The parts are what they were before; the order carries the error."""
    shipment = Shipment.objects.get(pk=event.shipment_id)
    if not _set(shipment, DecisionStatus.REFUSED, unless=DecisionStatus.CONFIRMED):
        return
    work.take_back([part for part in work.of(shipment) if part.status in ON_THE_WAY])
    if work.is_closed:
        work.note("shipment.refused", f"{work.marketplace.kind_label} refused a shipment; {NOTHING_OPEN}")
    else:
        work.flag(event.code if event.code in MESSAGES else "shipment.refused", event.detail)


def cancellation_accepted(work: Work, event: CancellationAccepted) -> None:
    cancellation = Cancellation.objects.get(pk=event.cancellation_id)
    if _set(cancellation, DecisionStatus.PROCESSING, unless=DecisionStatus.CONFIRMED):
        work.note("cancellation.sent", f"Sent cancellation to {work.marketplace.kind_label}")


def cancellation_confirmed(work: Work, event: CancellationConfirmed) -> None:
    cancellation = Cancellation.objects.get(pk=event.cancellation_id)
    if _confirm(work, cancellation, event.remote_id):
        work.move_all([part for part in work.of(cancellation) if part.status in LIVE], PartStatus.CANCELLED)
        work.note("cancellation.confirmed", f"{work.marketplace.kind_label} confirmed the cancellation.")
        _after_closing(work)


def cancellation_refused(work: Work, event: CancellationRefused) -> None:
    cancellation = Cancellation.objects.get(pk=event.cancellation_id)
    if not _set(cancellation, DecisionStatus.REFUSED, unless=DecisionStatus.CONFIRMED):
        return
    work.take_back([part for part in work.of(cancellation) if part.status in ON_THE_WAY])
    if work.is_closed:
        work.note("cancellation.refused", f"{work.marketplace.kind_label} refused a cancellation; {NOTHING_OPEN}")
    else:
        work.flag(event.code if event.code in MESSAGES else "cancellation.refused", event.detail)
        if cancellation.source_ref.startswith(BY_HAND):  # the shop, where it didn't begin, holds it for that
            tell_not_cancelled(work)


def _after_closing(work: Work) -> None:
    work.went_on()
    if work.is_closed:
        work.set(cancellation_requested=False)


def _set(decision: Shipment | Cancellation, status: DecisionStatus, *, unless: DecisionStatus) -> bool:
    """Note how far it has come; False if it was there already or further."""
    if decision.status in (status, unless):
        return False
    decision.status = status
    decision.save(update_fields=["status"])
    return True


def _confirm(work: Work, decision: Shipment | Cancellation, remote_id: str) -> bool:
    if decision.status == DecisionStatus.CONFIRMED:
        return False
    decision.status = DecisionStatus.CONFIRMED
    decision.confirmed_at = work.cause.now
    decision.remote_id = remote_id[:200] or decision.remote_id
    decision.save(update_fields=["status", "confirmed_at", "remote_id"])
    return True
