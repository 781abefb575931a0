"""Goods that come back: one row per line of a return, and what is decided about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import ClassVar, Protocol

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from channable.tenants.models import TenantForeignKey, TenantModel, scoped_manager
from connections.connectors.types import ReturnVerdict
from connections.models import Connection
from orders.models.item import OrderItem
from orders.models.order import Order
from orders.models.shipment import Decision, DecisionStatus


class ReturnStatus(models.TextChoices):
    NEW = "new", _("New")  # a decision is awaited, of all of it or of a part
    PROCESSING = "processing", _("Processing")  # decided, and on its way to the marketplace
    ACCEPTED = "accepted", _("Accepted")
    REJECTED = "rejected", _("Rejected")
    REPAIRED = "repaired", _("Repaired")
    KEEPS = "keeps", _("Buyer keeps it")
    EXCHANGED = "exchanged", _("Exchanged")
    CANCELLED = "cancelled", _("Cancelled")
    MANUAL = "manual", _("Manual")  # a person sees to it outside of this tool


OPEN_RETURNS = frozenset({ReturnStatus.NEW, ReturnStatus.PROCESSING})
UNDER_WAY = frozenset({DecisionStatus.PENDING, DecisionStatus.PROCESSING})
# Where pieces were decided differently the return shows the first of these: what the buyer gets back counts most.
STRONGEST_FIRST = (
    ReturnVerdict.ACCEPTED,
    ReturnVerdict.KEEPS,
    ReturnVerdict.EXCHANGED,
    ReturnVerdict.REPAIRED,
    ReturnVerdict.REJECTED,
    ReturnVerdict.CANCELLED,
)


class DecisionLike(Protocol):
    """What the rule below asks of a decision."""

    verdict: str
    quantity: int
    status: str


def derive_return_status(quantity: int, decisions: Iterable[DecisionLike], *, is_manual: bool = False) -> ReturnStatus:
    """What a return's status is, from the decisions about its pieces; one that was refused doesn't count."""
    standing = [one for one in decisions if one.status != DecisionStatus.REFUSED]
    settled: Counter[str] = Counter()
    for one in standing:
        if one.status == DecisionStatus.CONFIRMED:
            settled[one.verdict] += one.quantity
    if settled.total() >= quantity:
        return ReturnStatus(next(verdict for verdict in STRONGEST_FIRST if settled[verdict]))
    if any(one.status in UNDER_WAY for one in standing):
        return ReturnStatus.PROCESSING
    return ReturnStatus.MANUAL if is_manual else ReturnStatus.NEW


class Return(TenantModel):
    """A quantity of one item that comes back, as the marketplace tells it (or the seller tells the marketplace)."""

    order = TenantForeignKey(Order, on_delete=models.CASCADE, related_name="returns")
    # None where nothing of the order fits what the marketplace names.
    item = TenantForeignKey(OrderItem, on_delete=models.CASCADE, null=True, blank=True, related_name="returns")
    connection = TenantForeignKey(Connection, on_delete=models.PROTECT, related_name="returns")
    external_id = models.CharField(_("number of the line there"), max_length=200)
    return_id = models.CharField(_("return there"), max_length=200, blank=True)
    quantity = models.PositiveIntegerField(_("quantity"))
    title = models.CharField(_("title"), max_length=500, blank=True)
    product_id = models.CharField(_("product"), max_length=200, blank=True)
    ean = models.CharField(_("EAN"), max_length=40, blank=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    comment = models.TextField(_("comment of the buyer"), blank=True)
    tracking_code = models.CharField(_("tracking code"), max_length=200, blank=True)
    transporter = models.CharField(_("transporter"), max_length=200, blank=True)
    status = models.CharField(_("status"), max_length=12, choices=ReturnStatus.choices, default=ReturnStatus.NEW)
    is_manual = models.BooleanField(_("handled by a person"), default=False)
    is_test = models.BooleanField(_("test"), default=False)
    error_code = models.CharField(_("error"), max_length=60, blank=True)
    error_detail = models.TextField(_("error detail"), blank=True)
    remote_version = models.CharField(max_length=200, blank=True, editable=False)  # of the return's record there
    checked_at = models.DateTimeField(null=True, blank=True, editable=False)  # asked for by itself
    registered_at = models.DateTimeField(_("registered there"))
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    modified_at = models.DateTimeField(_("modified"), default=timezone.now)

    objects = scoped_manager()

    class Meta:
        verbose_name = _("return")
        verbose_name_plural = _("returns")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["company", "connection", "external_id"], name="return_once"),
            models.CheckConstraint(condition=Q(status__in=ReturnStatus.values), name="return_known_status"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="return_not_empty"),
        ]
        indexes: ClassVar = [
            models.Index(F("company"), F("created_at").desc(), F("id").desc(), name="return_newest"),
            models.Index(
                F("company"), F("status"), F("created_at").desc(), F("id").desc(), name="return_by_status"
            ),
            models.Index(
                F("company"), F("created_at").desc(), F("id").desc(),
                name="return_error", condition=~Q(error_code=""),
            ),
            models.Index(fields=["company", "order"], name="return_of_order"),
            models.Index(fields=["company", "connection", "return_id"], name="return_of_return"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.external_id

    @property
    def needs_decision(self) -> bool:
        return self.status in (ReturnStatus.NEW, ReturnStatus.MANUAL) or bool(self.error_code)


class ReturnDecision(Decision):
    """What was decided about so many pieces. `refund_status` is the shop's side: "" where it has nothing to do."""

    returned = TenantForeignKey(Return, on_delete=models.CASCADE, related_name="decisions")
    verdict = models.CharField(_("decision"), max_length=12, choices=[(one.value, one.value) for one in ReturnVerdict])
    quantity = models.PositiveIntegerField(_("quantity"))
    refund_status = models.CharField(_("refund in the shop"), max_length=10, choices=DecisionStatus.choices, blank=True)
    refund_id = models.CharField(_("refund there"), max_length=200, blank=True)

    objects = scoped_manager()

    class Meta:
        verbose_name = _("decision about a return")
        verbose_name_plural = _("decisions about returns")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["company", "order", "number"], name="return_decision_number_once"),
            models.UniqueConstraint(fields=["company", "order", "source_ref"], name="return_decision_source_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="return_decision_not_empty"),
        ]
        indexes: ClassVar = [models.Index(fields=["company", "returned"], name="decision_of_return")]
