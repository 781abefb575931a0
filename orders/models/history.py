"""The timeline of an order: who did what, why, when it happened and when we learned it."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from channable.tenants.models import TenantForeignKey, TenantModel, User, scoped_manager
from orders.models.order import Order
from orders.states import OrderStatus


class Actor(models.TextChoices):
    """Who caused an event."""

    MARKETPLACE = "marketplace", _("Marketplace")
    SHOP = "shop", _("Shop")
    SYSTEM = "system", _("Order sync")
    USER = "user", _("Person")
    TOKEN = "token", _("API client")
    TIME_LIMIT = "time_limit", _("Time limit")


class EventLevel(models.TextChoices):
    INFO = "info", _("Information")
    WARNING = "warning", _("Warning")
    ERROR = "error", _("Error")


class OrderEvent(TenantModel):
    """One thing that happened. Append-only. A change of status has `to_status`."""

    order = TenantForeignKey(Order, on_delete=models.CASCADE, related_name="events")
    level = models.CharField(_("level"), max_length=8, choices=EventLevel.choices, default=EventLevel.INFO)
    code = models.CharField(_("kind"), max_length=60)
    message = models.TextField(_("message"))
    from_status = models.CharField(_("from"), max_length=24, blank=True, choices=OrderStatus.choices)
    to_status = models.CharField(_("to"), max_length=24, blank=True, choices=OrderStatus.choices)
    actor = models.CharField(_("by"), max_length=12, choices=Actor.choices, default=Actor.SYSTEM)
    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", db_index=False)
    run_id = models.BigIntegerField(_("sync run"), null=True, blank=True)
    message_id = models.BigIntegerField(_("outgoing message"), null=True, blank=True)
    occurred_at = models.DateTimeField(_("happened"))
    recorded_at = models.DateTimeField(_("learned"), default=timezone.now)

    objects = scoped_manager()

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        indexes: ClassVar = [
            models.Index(F("company"), F("order"), F("id").desc(), name="event_of_order"),
            # Finds what a run did, by the moment it started; costs next to nothing to keep.
            BrinIndex(fields=["recorded_at"], name="event_recorded", pages_per_range=32, autosummarize=True),
        ]

    def __str__(self) -> str:
        return self.message
