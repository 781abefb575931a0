"""What follows when goods come back: told by the marketplace, decided by a person or the shop, answered by both.

A decision is about a number of pieces of one line of a return. What the marketplace shows as decided is decided here
too, whoever did it. Where the buyer is paid back the shop writes the refund down, unless it began there.
"""

from __future__ import annotations

from collections import Counter

from django.utils.translation import gettext as _

from connections.connectors.types import FulfilmentType, OrderUpdate, ReturnData, ReturnVerdict
from connections.outbox import withdraw
from orders.models import EventLevel, NoticeKind, OrderItem, Return, ReturnDecision, ReturnStatus
from orders.models.returns import UNDER_WAY, derive_return_status
from orders.models.shipment import DecisionStatus
from orders.services.events import (
    NotRefundedInShop,
    RefundedInShop,
    RefundResent,
    ReturnAccepted,
    ReturnConfirmed,
    ReturnDecided,
    ReturnGone,
    ReturnNews,
    ReturnRefused,
    ReturnReported,
    ReturnTakenManually,
)
from orders.services.products import items_named
from orders.services.work import BY_HAND, DECIDE_RETURN, REPORT_RETURN, Conflict, NotPossible, Work

FROM_SHOP, FROM_MARKETPLACE = "shop:", "there:"  # how the source of a decision begins
NOT_REFUNDED = "refund.refused"
REPORTED = "reported:"  # how our number of a return begins that the marketplace has not numbered yet
WORDS = {
    ReturnVerdict.ACCEPTED: "accepted",
    ReturnVerdict.REJECTED: "rejected",
    ReturnVerdict.REPAIRED: "to be repaired",
    ReturnVerdict.KEEPS: "kept by the buyer, who is paid back",
    ReturnVerdict.EXCHANGED: "to be exchanged",
    ReturnVerdict.CANCELLED: "cancelled",
}


class Case:
    """A line of a return with its decisions, under the order's lock."""

    def __init__(self, work: Work, returned: Return) -> None:
        self.work = work
        self.returned = returned
        self.decisions: list[ReturnDecision] = list(returned.decisions.order_by("number"))

    @classmethod
    def of(cls, work: Work, return_pk: int) -> Case:
        return cls(work, Return.objects.get(pk=return_pk, order=work.order))

    @classmethod
    def of_decision(cls, work: Work, decision_id: int) -> tuple[Case, ReturnDecision]:
        returned_id = ReturnDecision.objects.values_list("returned_id", flat=True).get(pk=decision_id)
        case = cls.of(work, returned_id)
        return case, next(one for one in case.decisions if one.pk == decision_id)

    @property
    def open(self) -> int:
        """Pieces that nobody decided about."""
        standing = sum(one.quantity for one in self.decisions if one.status != DecisionStatus.REFUSED)
        return max(self.returned.quantity - standing, 0)

    @property
    def name(self) -> str:
        return f"{self.returned.product_id or self.returned.ean or self.returned.title or self.returned.external_id}"

    def settled(self) -> Counter[str]:
        """Pieces by verdict, as the marketplace has them."""
        found: Counter[str] = Counter()
        for one in self.decisions:
            if one.status == DecisionStatus.CONFIRMED:
                found[one.verdict] += one.quantity
        return found

    def decide(self, verdict: ReturnVerdict, quantity: int, source_ref: str) -> ReturnDecision:
        decision = self.work.return_decision(
            source_ref=source_ref, returned=self.returned, verdict=verdict.value, quantity=quantity
        )
        self.decisions.append(decision)
        return decision

    def flag(self, code: str, detail: str) -> None:
        self.work.note(code, detail or code, EventLevel.ERROR)
        self.returned.error_code, self.returned.error_detail = code, detail[:2000]

    def solve(self, *codes: str) -> None:
        """Clear the error, if it is one of those; without codes any."""
        if self.returned.error_code and (not codes or self.returned.error_code in codes):
            self.returned.error_code = self.returned.error_detail = ""

    def confirm(self, decision: ReturnDecision, remote_id: str = "") -> None:
        """The marketplace has it; where the buyer is paid back the shop hears of it."""
        decision.status, decision.confirmed_at = DecisionStatus.CONFIRMED, self.work.cause.now
        decision.remote_id = remote_id[:200] or decision.remote_id
        if self._is_for_the_shop(decision):
            decision.refund_status = DecisionStatus.PENDING
            self.work.send_refund(decision)
        decision.save()

    def _is_for_the_shop(self, decision: ReturnDecision) -> bool:
        order = self.work.order
        if decision.refund_status or decision.source_ref.startswith(FROM_SHOP) or order.is_manual:
            return False
        if not ReturnVerdict(decision.verdict).refunds_buyer or self.returned.item_id is None:
            return False
        if not order.shop_order_id or order.shop is None or not self.work.options.refunds_in_shop:
            return False
        return bool(order.shop.connector_class.capabilities.takes_refunds)

    def save(self) -> None:
        returned = self.returned
        returned.status = derive_return_status(returned.quantity, self.decisions, is_manual=returned.is_manual)
        returned.modified_at = self.work.cause.now
        returned.save()


# -- the marketplace tells ------------------------------------------------------------------------


def news(work: Work, event: ReturnNews) -> None:
    """A return appears, or more was decided about it there. Nothing that is decided here is undone by it."""
    data = event.data
    returned = _known(work, data)
    case = Case(work, returned or _appeared(work, data))
    case.returned.remote_version = event.version[:200]
    if returned is not None and returned.quantity != data.quantity:
        work.note("return.quantity_changed", f"{case.name}: {data.quantity} come back instead of {returned.quantity}.")
        returned.quantity = data.quantity
    _take_over(case, data)
    case.save()
    if returned is None and case.returned.status == ReturnStatus.NEW:
        _begin(case)


def _known(work: Work, data: ReturnData) -> Return | None:
    """By its number; or one that the seller reported, which has its number there from now on."""
    known = Return.objects.filter(order=work.order, connection=work.marketplace)
    returned = known.filter(external_id=data.external_id[:200]).first()
    if returned is None and data.return_id:
        item = _item_of(work, data)
        reported_ones = known.filter(external_id__startswith=REPORTED, return_id=data.return_id[:200], item=item)
        returned = reported_ones.first()
        if returned is not None:
            returned.external_id = data.external_id[:200]
    return returned


def _appeared(work: Work, data: ReturnData) -> Return:
    item = _item_of(work, data)
    returned = Return.objects.create(
        company_id=work.order.company_id,
        order=work.order,
        item=item,
        connection=work.marketplace,
        external_id=data.external_id[:200],
        return_id=data.return_id[:200],
        quantity=data.quantity,
        title=(data.title or (item.title if item else ""))[:500],
        product_id=(item.product_id if item else data.product_id)[:200],
        ean=(data.ean or (item.ean if item else ""))[:40],
        reason=data.reason[:500],
        comment=data.comment[:4000],
        tracking_code=data.tracking_code[:200],
        transporter=data.transporter[:200],
        is_test=work.order.is_test,
        registered_at=data.registered_at,
        created_at=work.cause.now,
        modified_at=work.cause.now,
    )
    why = f": {data.reason}" if data.reason else ""
    work.note("return.announced", f"{data.quantity} x {returned.product_id or data.title} comes back{why}.")
    for found_by in (data.return_id, data.external_id, data.tracking_code):
        work.find_by(found_by)
    return returned


def _item_of(work: Work, data: ReturnData) -> OrderItem | None:
    """By the line's id; else the product's, of several lines the first of which not all has come back."""
    for item in work.items.values():
        if data.item_id and item.external_id == data.item_id:
            return item
    named = [
        item
        for item in work.items.values()
        if (data.ean and item.ean == data.ean) or (data.product_id and item.product_id == data.product_id)
    ]
    back: Counter[int] = Counter()
    for item_id, quantity in Return.objects.filter(order=work.order).values_list("item_id", "quantity"):
        back[item_id] += quantity
    return next((item for item in named if back[item.pk] < item.quantity), named[0] if named else None)


def _begin(case: Case) -> None:
    """Those who unpack have to know; some shops decide about every return alike."""
    work, returned = case.work, case.returned
    why = f" Reason: {returned.reason}." if returned.reason else ""
    text = f"{returned.quantity} x {case.name} comes back to you ({work.marketplace.kind_label})."
    work.tell_shop(NoticeKind.RETURNED, text + why)
    verdict = work.options.return_decision
    if verdict and not work.order.is_manual:
        decision = case.decide(ReturnVerdict(verdict), case.open, f"settings:{returned.external_id}"[:200])
        work.note("return.decided", f"{case.name}: {WORDS[ReturnVerdict(verdict)]}, as the settings say.")
        _send(case, decision)
        case.save()


def _take_over(case: Case, data: ReturnData) -> None:
    """What is decided there and not here: first what we told it, then what others did."""
    told: Counter[str] = Counter()
    for one in data.verdicts:
        told[one.verdict.value] += one.quantity
    for verdict, quantity in told.items():
        missing = quantity - case.settled()[verdict]
        for decision in [one for one in case.decisions if one.verdict == verdict and _is_unconfirmed(one)]:
            if decision.quantity <= missing:
                missing -= decision.quantity
                withdraw(DECIDE_RETURN, [decision.pk])
                case.confirm(decision)
                case.solve("return.refused", "outbox.dead", "outbox.needs_check")
        if missing > 0:
            number = len(case.decisions) + 1
            source_ref = f"{FROM_MARKETPLACE}{case.returned.external_id}:{number}"[:200]
            decision = case.decide(ReturnVerdict(verdict), missing, source_ref)
            case.work.note("return.decided_there", f"{case.name}: {WORDS[ReturnVerdict(verdict)]}, at the marketplace.")
            case.confirm(decision)
    if case.settled().total() >= case.returned.quantity:
        _drop_what_came_too_late(case)


def _is_unconfirmed(decision: ReturnDecision) -> bool:
    """Also one that counts as refused may have been executed: nobody may have been able to tell."""
    return decision.status != DecisionStatus.CONFIRMED and not decision.source_ref.startswith(FROM_MARKETPLACE)


def _drop_what_came_too_late(case: Case) -> None:
    """All of it is decided there: what we have not told yet is void, what is on its way settles by itself."""
    for decision in case.decisions:
        if decision.status == DecisionStatus.PENDING:
            withdraw(DECIDE_RETURN, [decision.pk])
            decision.status = DecisionStatus.REFUSED
            decision.save(update_fields=["status"])
    case.solve()


def gone(work: Work, event: ReturnGone) -> None:
    case = Case.of(work, event.return_pk)
    if not case.open and case.returned.status not in (ReturnStatus.NEW, ReturnStatus.PROCESSING):
        return
    _drop_what_came_too_late(case)
    if case.open:
        decision = case.decide(ReturnVerdict.CANCELLED, case.open, f"{FROM_MARKETPLACE}{event.return_pk}:gone")
        case.confirm(decision)
    work.note("return.gone", f"{case.name}: the marketplace knows this return no more.", EventLevel.WARNING)
    case.save()


# -- a person or the shop decides -----------------------------------------------------------------


def decided(work: Work, event: ReturnDecided) -> None:
    """Raises NotPossible."""
    source_ref = f"{BY_HAND}{event.once}"
    if work.is_decided(ReturnDecision, source_ref):
        return
    case = Case.of(work, event.return_pk)
    _refuse_orphan(work)
    quantity = case.open if event.quantity is None else event.quantity
    _refuse_decision(case, event.verdict, quantity)
    decision = _refused_before(case, event.verdict, quantity)
    if decision is None:
        decision = case.decide(event.verdict, quantity, source_ref)
    else:  # it is looked up at the marketplace before it is sent again
        decision.status = DecisionStatus.PENDING
        decision.save(update_fields=["status"])
    case.returned.is_manual = False
    case.solve("return.refused", "outbox.dead", "outbox.needs_check")
    work.note("hand.decided", f"{quantity} x {case.name}: {WORDS[event.verdict]}.")
    _send(case, decision)
    case.save()


def _refuse_orphan(work: Work) -> None:
    pair = work.order.order_connection
    if pair is None or pair.deleted_at:
        raise Conflict(_("Its order connection was removed; decide in the seller account."))


def _refuse_decision(case: Case, verdict: ReturnVerdict, quantity: int) -> None:
    capabilities = case.work.marketplace.connector_class.capabilities
    if verdict not in capabilities.return_verdicts and not case.returned.is_test:
        told = {"marketplace": case.work.marketplace.kind_label}
        raise NotPossible(_("%(marketplace)s does not take this decision.") % told)
    if not case.open:
        raise Conflict(_("All of this return is decided already."))
    if not 0 < quantity <= case.open:
        raise NotPossible(_("Of this return %(open)s can still be decided about.") % {"open": case.open})
    if quantity < case.open and not capabilities.decides_partial_returns and not case.returned.is_test:
        told = {"marketplace": case.work.marketplace.kind_label}
        raise NotPossible(_("%(marketplace)s takes one decision for all pieces of a return.") % told)


def _refused_before(case: Case, verdict: ReturnVerdict, quantity: int) -> ReturnDecision | None:
    """The same decision that failed: it goes out again as the same effect, or it might be executed twice."""
    failed = [one for one in case.decisions if one.status == DecisionStatus.REFUSED and _is_unconfirmed(one)]
    return next((one for one in failed if (one.verdict, one.quantity) == (verdict.value, quantity)), None)


def _send(case: Case, decision: ReturnDecision) -> None:
    """Of a test return the marketplace is told nothing."""
    if case.returned.is_test:
        case.confirm(decision)
        case.work.note("return.test", f"A test: {case.work.marketplace.kind_label} is not told.")
    else:
        kind = REPORT_RETURN if not case.returned.return_id else DECIDE_RETURN
        case.work.send_return_decision(decision, kind)


def reported(work: Work, event: ReturnReported) -> None:
    """Raises NotPossible."""
    source_ref = f"{BY_HAND}{event.once}"
    if work.is_decided(ReturnDecision, source_ref):
        return
    _refuse_orphan(work)
    item = _refuse_report(work, event)
    data = ReturnData(
        external_id=f"{REPORTED}{work.order.external_id}:{event.once}"[:200],
        return_id="",
        order_ref=work.order.external_id,
        quantity=event.quantity,
        registered_at=work.cause.occurred_at,
        item_id=item.external_id,
        reason=event.reason,
    )
    case = Case(work, _appeared(work, data))
    decision = case.decide(event.verdict, event.quantity, source_ref)
    _send(case, decision)
    case.save()


def _refuse_report(work: Work, event: ReturnReported) -> OrderItem:
    capabilities = work.marketplace.connector_class.capabilities
    if not capabilities.reports_returns:
        told = {"marketplace": work.marketplace.kind_label}
        raise NotPossible(_("%(marketplace)s tells of returns itself; they can't be reported to it.") % told)
    item = work.items.get(event.item_id)
    if item is None:
        raise NotPossible(_("The order has no such product."))
    if event.verdict not in capabilities.return_verdicts:
        raise NotPossible(
            _("%(marketplace)s does not take this decision.") % {"marketplace": work.marketplace.kind_label}
        )
    back = sum(Return.objects.filter(item=item).values_list("quantity", flat=True))
    if not 0 < event.quantity <= item.quantity - back:
        told_open = {"open": max(item.quantity - back, 0)}
        raise NotPossible(_("Of this product %(open)s can still come back.") % told_open)
    return item


def taken_manually(work: Work, event: ReturnTakenManually) -> None:
    """Raises NotPossible."""
    case = Case.of(work, event.return_pk)
    if not case.open:
        raise Conflict(_("All of this return is decided already."))
    case.returned.is_manual = True
    case.solve()
    work.note("return.taken_manually", f"{case.name}: a person sees to this return.", EventLevel.WARNING)
    case.save()


def refund_resent(work: Work, event: RefundResent) -> None:
    """The shop is asked first whether it has it. Raises NotPossible."""
    case = Case.of(work, event.return_pk)
    refused_ones = [one for one in case.decisions if one.refund_status == DecisionStatus.REFUSED]
    if not refused_ones:
        raise Conflict(_("No refund of this return is missing in the shop."))
    for decision in refused_ones:
        decision.refund_status = DecisionStatus.PENDING
        decision.save(update_fields=["refund_status"])
        work.send_refund(decision)
    case.solve()
    work.note("hand.refund_resent", f"The refund of {case.name} is written down in the shop again.")
    case.save()


def refunds_seen(work: Work, update: OrderUpdate) -> None:
    """A refund that the shop's staff made accepts what comes back of those lines. Ours are known; one without a
    return here is the shop's own affair."""
    if not update.refunds or work.order.is_manual:
        return
    open_cases = [Case(work, one) for one in Return.objects.filter(order=work.order).order_by("registered_at", "id")]
    for refund in update.refunds:
        if refund.is_ours:
            continue
        for line in refund.items:
            left = line.quantity
            meant = items_named(work, line.line_ref)
            for case in [one for one in open_cases if one.returned.item_id in meant]:
                left -= _accept_from_shop(case, left, f"{FROM_SHOP}refund-{refund.ref}:{case.returned.external_id}")


def _accept_from_shop(case: Case, left: int, source_ref: str) -> int:
    """So many of the refunded pieces are those of this return."""
    source_ref = source_ref[:200]
    before = next((one for one in case.decisions if one.source_ref == source_ref), None)
    if before is not None:
        return before.quantity
    quantity = min(left, case.open)
    try:
        _refuse_decision(case, ReturnVerdict.ACCEPTED, quantity)
    except NotPossible:
        return 0  # a person decides about the rest
    decision = case.decide(ReturnVerdict.ACCEPTED, quantity, source_ref)
    case.work.note("shop.refunded", f"{quantity} x {case.name}: refunded in the shop, so it is accepted.")
    _send(case, decision)
    case.save()
    return quantity


# -- both sides answer ----------------------------------------------------------------------------


def accepted(work: Work, event: ReturnAccepted) -> None:
    case, decision = Case.of_decision(work, event.decision_id)
    if decision.status == DecisionStatus.PENDING:
        decision.status = DecisionStatus.PROCESSING
        decision.save(update_fields=["status"])
        work.note("return.sent", f"Sent the decision about {case.name} to {work.marketplace.kind_label}.")
        case.save()


def confirmed(work: Work, event: ReturnConfirmed) -> None:
    case, decision = Case.of_decision(work, event.decision_id)
    if decision.status == DecisionStatus.CONFIRMED:
        return
    if not case.returned.return_id and event.remote_id:
        case.returned.return_id = event.remote_id[:200]
    case.confirm(decision, event.remote_id)
    case.solve("return.refused", "outbox.dead", "outbox.needs_check")
    work.note("return.confirmed", f"{work.marketplace.kind_label} confirmed the decision about {case.name}.")
    case.save()


def refused(work: Work, event: ReturnRefused) -> None:
    case, decision = Case.of_decision(work, event.decision_id)
    if decision.status not in UNDER_WAY:
        return
    decision.status = DecisionStatus.REFUSED
    decision.save(update_fields=["status"])
    case.flag(event.code, event.detail)
    case.save()


def refunded(work: Work, event: RefundedInShop) -> None:
    case, decision = Case.of_decision(work, event.decision_id)
    if decision.refund_status == DecisionStatus.CONFIRMED:
        return
    decision.refund_status, decision.refund_id = DecisionStatus.CONFIRMED, event.remote_id[:200]
    decision.save(update_fields=["refund_status", "refund_id"])
    case.solve(NOT_REFUNDED)
    work.note("shop.refund_written", f"The refund of {decision.quantity} x {case.name} stands in the shop.")
    for note in event.notes:
        work.note("shop.note", note, EventLevel.WARNING)
    case.save()


def not_refunded(work: Work, event: NotRefundedInShop) -> None:
    """The buyer has the money; only the shop's books miss it."""
    case, decision = Case.of_decision(work, event.decision_id)
    if decision.refund_status == DecisionStatus.CONFIRMED:
        return
    decision.refund_status = DecisionStatus.REFUSED
    decision.save(update_fields=["refund_status"])
    case.flag(event.code, event.detail)
    case.save()


def restocks(returned: Return, decision: ReturnDecision) -> bool:
    """Whether what comes back is to be sold again from the shop's stock."""
    order = returned.order
    if order.fulfilment_type == FulfilmentType.MARKETPLACE or decision.verdict != ReturnVerdict.ACCEPTED:
        return False
    return bool(order.order_connection and order.order_connection.options.restocks_returns)
