"""What a remote sent, as it sent it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from channable.core.exact_json import ExactDecoder, ExactEncoder
from channable.tenants.models import TenantForeignKey, TenantModel, scoped_manager
from orders.models.order import Order


class OrderPayload(TenantModel):
    """Append-only, stored when it changed; never read by rules, deleted after the retention period.
    `replay_payload` parses one again."""

    order = TenantForeignKey(Order, on_delete=models.CASCADE, related_name="payloads")
    source = models.CharField(_("from"), max_length=12)  # marketplace or shop
    api_version = models.CharField(_("API version"), max_length=40)
    run_id = models.BigIntegerField(_("sync run"), null=True, blank=True)
    body = models.JSONField(_("as received"), encoder=ExactEncoder, decoder=ExactDecoder)
    received_at = models.DateTimeField(_("received"), default=timezone.now)

    objects = scoped_manager()

    class Meta:
        verbose_name = _("payload")
        verbose_name_plural = _("payloads")
        indexes: ClassVar = [
            models.Index(F("company"), F("order"), F("id").desc(), name="payload_of_order"),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.pk}"
