"""Accounts at remote systems, what is polled of them, and what goes out to them."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from channable.core.exact_json import ExactDecoder, ExactEncoder
from channable.core.keyring import KeyRing
from channable.tenants.models import Project, TenantForeignKey, TenantModel, scoped_manager
from connections.connectors import CONNECTORS, Connector
from connections.connectors.types import FulfilmentType
from connections.options import Options
from connections.transporters import LONGEST_PATTERN, Rule


def key_ring() -> KeyRing:
    return KeyRing(settings.CREDENTIAL_KEYS)


class ConnectionState(models.TextChoices):
    WORKING = "working", _("Working")
    EXPIRED = "expired", _("Expired")  # authorisation ran out or was revoked: its owners must renew it
    FAULTY = "faulty", _("Faulty")  # errors for a while now; still tried
    OUTDATED = "outdated", _("Outdated")  # needs a permission it does not have


class ConnectionQuerySet(models.QuerySet["Connection"]):
    def present(self) -> ConnectionQuerySet:
        return self.filter(deleted_at=None)


class Connection(TenantModel):
    """One account at a remote system: a marketplace seller account or a shop.

    Its identity is the account id that the remote tells, so connecting the same account again
    renews this row, also after deletion, and its orders are never taken for new ones.
    `not_before` and `failures` are pace, breaker and Retry-After in one: shared by all workers.
    """

    kind = models.CharField(_("system"), max_length=40)
    label = models.CharField(_("label"), max_length=200)
    account_id = models.CharField(_("account id"), max_length=300)
    account_name = models.CharField(_("account name"), max_length=300, blank=True)
    settings = models.JSONField(_("settings"), default=dict, blank=True)
    sealed_credentials = models.TextField(editable=False, blank=True)
    sealed_token = models.TextField(editable=False, blank=True)
    token_expires_at = models.DateTimeField(null=True, editable=False)
    token_lease_until = models.DateTimeField(null=True, editable=False)
    state = models.CharField(
        _("state"), max_length=10, choices=ConnectionState.choices, default=ConnectionState.WORKING
    )
    is_paused = models.BooleanField(_("paused by a person"), default=False)
    not_before = models.DateTimeField(_("slowed down until"), default=timezone.now)
    failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    # One sender at a time: shops stand one or two calls at once, and order keeps history readable.
    sender_lease_until = models.DateTimeField(null=True, editable=False)
    sender_token = models.UUIDField(null=True, editable=False)
    error_code = models.CharField(_("error"), max_length=60, blank=True)
    error_detail = models.TextField(_("error detail"), blank=True)
    error_since = models.DateTimeField(_("since"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    deleted_at = models.DateTimeField(_("deleted"), null=True, blank=True)

    objects = scoped_manager(ConnectionQuerySet)

    class Meta:
        verbose_name = _("connection")
        verbose_name_plural = _("connections")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["company", "kind", "account_id"], name="connection_one_per_account"),
            models.CheckConstraint(condition=Q(state__in=ConnectionState.values), name="connection_known_state"),
        ]

    def __str__(self) -> str:
        return self.label

    def __repr__(self) -> str:
        return f"<Connection {self.pk} {self.kind}>"

    @property
    def connector_class(self) -> type[Connector]:
        return CONNECTORS[self.kind]

    @property
    def is_marketplace(self) -> bool:
        return self.connector_class.role == "marketplace"

    @property
    def kind_label(self) -> str:
        return self.connector_class.label

    # Ciphertexts are bound to this company and row, so they need the row's id.
    def _context(self, field: str) -> str:
        if self.pk is None:
            raise ValueError("a connection must be saved before a secret can be sealed for it")
        return f"{self.company_id}/connections_connection/{self.pk}/{field}"

    def seal(self, field: str, value: Mapping[str, str]) -> str:
        return key_ring().seal(json.dumps(dict(value)).encode(), context=self._context(field))

    def unseal(self, field: str) -> dict[str, str]:
        """Raises SealBroken when the key is gone or the value was moved here from another row."""
        sealed = getattr(self, f"sealed_{field}")
        return json.loads(key_ring().open(sealed, context=self._context(field))) if sealed else {}


class OrderConnectionQuerySet(models.QuerySet["OrderConnection"]):
    def active(self) -> OrderConnectionQuerySet:
        return self.filter(is_active=True, deleted_at=None)

    def present(self) -> OrderConnectionQuerySet:
        return self.filter(deleted_at=None)


class OrderConnection(TenantModel):
    """One marketplace account (with its channel and fulfilment type) paired with one shop."""

    project = TenantForeignKey(Project, on_delete=models.PROTECT, related_name="order_connections", db_index=True)
    name = models.CharField(_("name"), max_length=200)
    marketplace = TenantForeignKey(Connection, on_delete=models.PROTECT, related_name="+", db_index=True)
    shop = TenantForeignKey(Connection, on_delete=models.PROTECT, related_name="+", db_index=True)
    channel = models.CharField(_("channel"), max_length=40, blank=True, help_text=_("Empty: all of the account."))
    fulfilment_type = models.CharField(
        _("fulfilment"),
        max_length=12,
        choices=[
            (FulfilmentType.MERCHANT.value, _("by merchant")),
            (FulfilmentType.MARKETPLACE.value, _("by marketplace")),
        ],
        default=FulfilmentType.MERCHANT.value,
    )
    settings = models.JSONField(_("settings"), default=dict, blank=True)
    is_active = models.BooleanField(_("active"), default=False)
    start_at = models.DateTimeField(_("orders from"), help_text=_("Orders placed before this moment are left alone."))
    activated_at = models.DateTimeField(_("activated"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    deleted_at = models.DateTimeField(_("deleted"), null=True, blank=True)

    objects = scoped_manager(OrderConnectionQuerySet)

    class Meta:
        verbose_name = _("order connection")
        verbose_name_plural = _("order connections")

    def __str__(self) -> str:
        return self.name

    @cached_property
    def options(self) -> Options:
        return Options.from_json(self.settings)

    def takes(self, channel: str, fulfilment_type: str) -> bool:
        return self.fulfilment_type == fulfilment_type and self.channel in ("", channel)

    def overlaps(self, other: OrderConnection) -> bool:
        """Whether one order could belong to both."""
        same_channel = self.channel == other.channel or "" in (self.channel, other.channel)
        same_account = self.marketplace_id == other.marketplace_id
        return same_account and self.fulfilment_type == other.fulfilment_type and same_channel


class TransporterRuleQuerySet(models.QuerySet["TransporterRule"]):
    def asked_for(self, order_connection: OrderConnection) -> list[Rule]:
        """In the order in which they are asked: its own, then those of its project."""
        own_or_all = Q(order_connection=order_connection) | Q(order_connection=None)
        rows = self.filter(own_or_all, project_id=order_connection.project_id)
        return [row.rule for row in rows.order_by(F("order_connection").asc(nulls_last=True), "position", "id")]


class TransporterRule(TenantModel):
    """Which transporter a tracking code means, for a project or one of its order connections; without a
    pattern it is the default. See transporters.Rule."""

    project = TenantForeignKey(Project, on_delete=models.CASCADE, related_name="transporter_rules", db_index=True)
    order_connection = TenantForeignKey(OrderConnection, on_delete=models.CASCADE, null=True, related_name="+")
    position = models.PositiveIntegerField(_("position"), default=0)
    pattern = models.CharField(_("tracking code"), max_length=LONGEST_PATTERN, blank=True)
    transporter = models.CharField(_("transporter"), max_length=100)
    country_code = models.CharField(_("country"), max_length=2, blank=True)
    removes_match = models.BooleanField(_("remove matched text"), default=False)

    objects = scoped_manager(TransporterRuleQuerySet)

    class Meta:
        verbose_name = _("transporter rule")
        verbose_name_plural = _("transporter rules")

    def __str__(self) -> str:
        return f"{self.pattern or 'default'}: {self.transporter}"

    @property
    def rule(self) -> Rule:
        return Rule(self.transporter, self.pattern, self.country_code, self.removes_match)


def first_run_at(period_seconds: int) -> Any:
    """The database's now plus a jitter within the period, so that streams made together don't run together."""
    return Now() + Value(timedelta(seconds=random.uniform(0, min(period_seconds, 300))))  # noqa: S311


class Stream(TenantModel):
    """One thing polled of one account; all its order connections share it.

    Due times and leases are on the database's clock. `lease_token` fences: every write transaction
    of a run checks it, so a worker that lost its lease can write nothing more.
    """

    connection = TenantForeignKey(Connection, on_delete=models.CASCADE, related_name="streams")
    name = models.CharField(_("name"), max_length=60)
    topic = models.CharField(_("topic"), max_length=20)
    period_seconds = models.PositiveIntegerField(_("period in seconds"))
    is_active = models.BooleanField(_("polled"), default=False)
    cursor = models.TextField(_("cursor"), blank=True)
    next_run_at = models.DateTimeField(_("next run"), default=timezone.now)
    lease_until = models.DateTimeField(_("leased until"), null=True, blank=True)
    lease_token = models.UUIDField(null=True, editable=False)
    last_run_at = models.DateTimeField(_("last run"), null=True, blank=True)
    last_success_at = models.DateTimeField(_("last success"), null=True, blank=True)
    # The last 24 outcomes, one letter each: d(one), f(ailed), l(imited).
    outcomes = models.CharField(max_length=24, blank=True, editable=False)
    sync_requested_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = scoped_manager()

    class Meta:
        verbose_name = _("stream")
        verbose_name_plural = _("streams")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["company", "connection", "name"], name="stream_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["next_run_at"], name="stream_due", condition=Q(is_active=True)),
        ]

    def __str__(self) -> str:
        return self.name


class RunOutcome(models.TextChoices):
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    LIMITED = "limited", _("Slowed down")
    FAILED = "failed", _("Failed")
    LOST = "lost", _("Lost its lease")


class SyncRun(TenantModel):
    """A run that changed or failed something; one that found nothing only touches its stream.

    The counts balance: seen = new + changed + same + passed_over + refused.
    """

    stream = TenantForeignKey(Stream, on_delete=models.CASCADE, related_name="runs")
    connection = TenantForeignKey(Connection, on_delete=models.CASCADE, related_name="runs")
    started_at = models.DateTimeField(_("started"))
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    outcome = models.CharField(_("outcome"), max_length=10, choices=RunOutcome.choices, default=RunOutcome.RUNNING)
    seen = models.PositiveIntegerField(_("seen"), default=0)
    new = models.PositiveIntegerField(_("new"), default=0)
    changed = models.PositiveIntegerField(_("changed"), default=0)
    same = models.PositiveIntegerField(_("unchanged"), default=0)
    passed_over = models.PositiveIntegerField(_("not ours"), default=0)
    refused = models.PositiveIntegerField(_("unreadable"), default=0)
    error_code = models.CharField(_("error"), max_length=60, blank=True)
    error_detail = models.TextField(_("error detail"), blank=True)

    objects = scoped_manager()

    class Meta:
        verbose_name = _("sync run")
        verbose_name_plural = _("sync runs")
        indexes: ClassVar = [
            models.Index(F("company"), F("started_at").desc(), F("id").desc(), name="sync_run_newest"),
            models.Index(F("company"), F("connection"), F("started_at").desc(), name="sync_run_connection"),
        ]

    def __str__(self) -> str:
        return f"{self.pk}"


class RefusedRecord(TenantModel):
    """Something a remote sent that we could not read, kept with its payload until it can be.

    Visible beside the orders: an order that cannot be read is not an order that isn't there.
    """

    connection = TenantForeignKey(Connection, on_delete=models.CASCADE, related_name="refused_records")
    topic = models.CharField(_("topic"), max_length=20)
    external_id = models.CharField(_("number there"), max_length=200)
    version = models.CharField(max_length=200, blank=True, editable=False)
    error_code = models.CharField(_("error"), max_length=60)
    error_detail = models.TextField(_("error detail"))
    payload = models.JSONField(_("as received"), null=True, encoder=ExactEncoder, decoder=ExactDecoder)
    first_seen_at = models.DateTimeField(_("first seen"), default=timezone.now)
    last_seen_at = models.DateTimeField(_("last seen"), default=timezone.now)
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)

    objects = scoped_manager()

    class Meta:
        verbose_name = _("unreadable record")
        verbose_name_plural = _("unreadable records")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["company", "connection", "topic", "external_id"], name="refused_record_once"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                F("company"), F("last_seen_at").desc(), name="refused_record_open", condition=Q(resolved_at=None)
            ),
        ]

    def __str__(self) -> str:
        return self.external_id


class OutboxStatus(models.TextChoices):
    READY = "ready", _("Ready")  # to be sent
    SENDING = "sending", _("Being sent")  # committed before the call; past its deadline it counts as unknown
    SENT = "sent", _("Sent")  # the remote has it (a ticket: its final answer is still awaited)
    REJECTED = "rejected", _("Refused")  # clearly refused; nothing was executed
    UNKNOWN = "unknown", _("Unknown")  # may have been executed: looked up before anything else
    DEAD = "dead", _("Needs a person")  # tried often enough, or cannot be looked up
    WITHDRAWN = "withdrawn", _("Withdrawn")  # not needed any more, surely never executed


class OutboxMessage(TenantModel):
    """One effect at a remote account, written in the transaction that decided it.

    The subject is the row of the decision itself: the order for its creation, the shipment, the
    cancellation. `reference` is made of the marketplace's own facts, never of our ids, and goes
    where the remote can find it again. See outbox.py for what happens to it.
    """

    connection = TenantForeignKey(Connection, on_delete=models.PROTECT, related_name="outbox")
    kind = models.CharField(_("kind"), max_length=30)
    subject_id = models.BigIntegerField(_("subject"))
    reference = models.CharField(_("our reference"), max_length=120)
    status = models.CharField(_("status"), max_length=10, choices=OutboxStatus.choices, default=OutboxStatus.READY)
    looks_first = models.BooleanField(default=False, editable=False)  # resent, or after a long stop
    not_before = models.DateTimeField(_("not before"), default=timezone.now)
    attempt = models.PositiveIntegerField(_("calls made"), default=0)
    tries = models.PositiveIntegerField(_("tries that counted"), default=0)
    absences = models.PositiveIntegerField(default=0, editable=False)  # look-ups in a row that found nothing
    first_sent_at = models.DateTimeField(_("first sent"), null=True, blank=True)
    deadline_at = models.DateTimeField(null=True, editable=False)
    fence = models.UUIDField(null=True, editable=False)
    ticket = models.TextField(_("ticket"), blank=True)
    follow_up_at = models.DateTimeField(_("ask again"), null=True, blank=True)
    remote_id = models.CharField(_("id there"), max_length=200, blank=True)
    error_code = models.CharField(_("error"), max_length=60, blank=True)
    error_detail = models.TextField(_("error detail"), blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)

    objects = scoped_manager()

    class Meta:
        verbose_name = _("outgoing message")
        verbose_name_plural = _("outbox")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["company", "connection", "kind", "subject_id"], name="outbox_once"),
            models.CheckConstraint(condition=Q(status__in=OutboxStatus.values), name="outbox_known_status"),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["connection", "not_before"],
                name="outbox_due",
                condition=Q(status__in=["ready", "sending", "unknown"]),
            ),
            models.Index(fields=["follow_up_at"], name="outbox_follow_up", condition=~Q(ticket="")),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.reference}"


class Exchange(TenantModel):
    """A call to a remote that wrote something or failed, masked. Partitioned by week, pruned by
    dropping partitions; the table is made in SQL by the first migration."""

    connection_id = models.BigIntegerField()
    message_id = models.BigIntegerField(null=True)  # OutboxMessage, when one was being sent
    started_at = models.DateTimeField(_("at"))
    duration_ms = models.PositiveIntegerField(_("duration in ms"))
    method = models.CharField(_("method"), max_length=8)
    url = models.TextField(_("address"))
    status = models.PositiveSmallIntegerField(_("status"), null=True)
    request_id = models.CharField(_("request id there"), max_length=200, blank=True)
    request_body = models.TextField(_("request"), blank=True)
    response_body = models.TextField(_("answer"), blank=True)
    error = models.TextField(_("error"), blank=True)

    objects = scoped_manager()

    class Meta:
        verbose_name = _("exchange")
        verbose_name_plural = _("exchanges")
        managed = False
        db_table = "connections_exchange"

    def __str__(self) -> str:
        return f"{self.method} {self.status}"


class Heartbeat(models.Model):
    """When the engine was last alive: one row, on the database's clock. After a long stop (or a
    restored backup) every waiting message is looked up before it is sent."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    beat_at = models.DateTimeField()

    class Meta:
        verbose_name = _("heartbeat")

    def __str__(self) -> str:
        return str(self.beat_at)
