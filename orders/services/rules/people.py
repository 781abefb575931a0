"""What follows when a step fails, and when a person handles the order."""

from __future__ import annotations

from connections.models import OrderConnection, OutboxMessage, OutboxStatus
from connections.outbox import AT_REST
from orders.models import EventLevel
from orders.models.shipment import Cancellation, DecisionStatus, Shipment, ShopNotice
from orders.services.events import Adopted, Failed, Orphaned, ProductLinked, Resent, TakenManually
from orders.services.rules.attachments import resend_refused, resume
from orders.services.work import CANCEL_ORDER, CONFIRM_SHIPMENT, ON_THE_WAY, ORPHAN, STAYING, UNTOUCHED, Work
from orders.states import PartStatus


def failed(work: Work, event: Failed) -> None:
    if not work.is_closed:
        work.flag(event.code, event.detail)


def taken_manually(work: Work, event: TakenManually) -> None:
    """Nothing automatic is sent any more; what is on its way settles by itself."""
    if work.is_closed or work.order.is_manual:
        return
    work.set(is_manual=True, waiting_until=None)
    work.solve(lambda code: True)
    work.withdraw_all()
    _take_back_unsent(work)
    work.note("order.taken_manually", "Taken out of automatic handling.", EventLevel.WARNING)


def _take_back_unsent(work: Work) -> None:
    """Decided and never sent: its parts are what they were, so that a person may decide anew. Resent, it goes out."""
    for kind, model in ((CONFIRM_SHIPMENT, Shipment), (CANCEL_ORDER, Cancellation)):
        unsent = OutboxMessage.objects.filter(kind=kind, status=OutboxStatus.WITHDRAWN).values("subject_id")
        for decision in model.objects.filter(order=work.order, status=DecisionStatus.PENDING, pk__in=unsent):
            decision.status = DecisionStatus.REFUSED
            decision.save(update_fields=["status"])
            work.take_back([part for part in work.of(decision) if part.status in ON_THE_WAY])


def product_linked(work: Work, event: ProductLinked) -> None:
    work.note("product.linked", f"{event.product_id} is {event.shop_product_id} in the shop.")
    _open_again(work)


def resent(work: Work, event: Resent) -> None:
    work.note("order.resent", "Resent by hand.")
    _open_again(work)


def _open_again(work: Work) -> None:
    """What failed; each is looked up at the remote before it is sent."""
    work.solve(lambda code: True)
    for notice in ShopNotice.objects.filter(order=work.order, status=DecisionStatus.REFUSED):
        notice.status = DecisionStatus.PENDING
        notice.save(update_fields=["status"])
        work.send_notice(notice)
    resend_refused(work)
    if work.is_closed:
        return
    work.set(is_manual=False)
    creation = work.creation()
    is_at_rest = creation is None or creation.status in AT_REST
    if not work.order.shop_order_id and work.order.is_confirmed and is_at_rest:
        work.send_creation()
    for shipment in Shipment.objects.filter(order=work.order, status=DecisionStatus.REFUSED):
        if _retake(work, shipment, PartStatus.PENDING_SHIPMENT):
            work.send_shipment(shipment)
    for cancellation in Cancellation.objects.filter(order=work.order, status=DecisionStatus.REFUSED):
        if _retake(work, cancellation, PartStatus.PENDING_CANCELLATION):
            work.send_cancellation(cancellation)
    work.send_what_is_decided()


def orphaned(work: Work, event: Orphaned) -> None:
    if not work.is_closed:
        work.withdraw_all()
        work.flag(ORPHAN, "Its order connection was removed; nothing is sent any more.")


def adopted(work: Work, event: Adopted) -> None:
    """Goes on with another order connection, and in its shop if it is in none yet."""
    pair = OrderConnection.objects.get(pk=event.order_connection_id)
    work.set(order_connection=pair, project_id=pair.project_id)
    if not work.order.shop_order_id:
        work.set(shop=pair.shop)
    work.solve(lambda code: code == ORPHAN or code not in STAYING)
    work.note("order.adopted", f"Goes on with {pair.name}.")
    if not work.order.shop_order_id and work.order.is_confirmed and not work.order.is_manual:
        work.send_creation()
    work.send_what_is_decided()
    resume(work)


def _retake(work: Work, decision: Shipment | Cancellation, status: PartStatus) -> bool:
    """The parts that the refused decision was about, unless they went another way meanwhile."""
    parts = [part for part in work.of(decision) if part.status in UNTOUCHED]
    if not parts:
        return False
    work.move_all(parts, status)
    decision.status = DecisionStatus.PENDING
    decision.save(update_fields=["status"])
    return True
