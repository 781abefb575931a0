"""Setting up order connections: pairing two accounts, activating, pausing, removing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from channable.tenants.models import Company, Project
from connections.connectors.types import FulfilmentType
from connections.dispatch import request_sync
from connections.models import Connection, ConnectionState, OrderConnection, TransporterRule
from connections.options import Options, WrongOption
from connections.streams import read_again_from_the_start, refresh_activity


class SetupError(Exception):
    """Why it can't be set up like this, in a sentence for the person who tried."""


class WrongPair(SetupError):
    """An order connection joins a marketplace to a shop of the same company."""


class Overlap(SetupError):
    """Another active order connection would take the same orders."""


class NotReady(SetupError):
    """An account has to be renewed first, or the settings are impossible."""


def create_order_connection(
    *,
    company: Company,
    project: Project,
    name: str,
    marketplace: Connection,
    shop: Connection,
    channel: str = "",
    fulfilment_type: str = FulfilmentType.MERCHANT.value,
    start_at: datetime | None = None,
    settings: Mapping[str, Any] | None = None,
) -> OrderConnection:
    """A new pair, not active yet; inside its company. Orders placed before `start_at` (default: now)
    are left alone. Raises SetupError."""
    if not marketplace.is_marketplace or shop.is_marketplace:
        raise WrongPair(_("An order connection needs a marketplace on one side and a shop on the other."))
    if fulfilment_type not in list(FulfilmentType):
        raise SetupError(_("The fulfilment type is “merchant” or “marketplace”."))
    _check_settings(settings or {})
    return OrderConnection.objects.create(
        company=company,
        project=project,
        name=name,
        marketplace=marketplace,
        shop=shop,
        channel=channel,
        fulfilment_type=fulfilment_type,
        start_at=start_at or timezone.now(),
        settings=dict(settings or {}),
    )


def change_settings(order_connection: OrderConnection, given: Mapping[str, Any]) -> None:
    """Set these; None sets a default back, all others stay. From now on orders go by them: what is in the
    shop already is left as it is. Raises SetupError."""
    settings = {name: value for name, value in {**order_connection.settings, **given}.items() if value is not None}
    if unknown := set(given) - {field.name for field in fields(Options)}:
        raise SetupError(f"There is no setting {', '.join(sorted(unknown))}.")
    _check_settings(settings)
    order_connection.settings = settings
    order_connection.save(update_fields=["settings"])
    order_connection.__dict__.pop("options", None)


def _check_settings(settings: Mapping[str, Any]) -> None:
    try:
        Options.checked(settings)
    except (WrongOption, TypeError) as error:
        raise SetupError(str(error)) from error


def activate(order_connection: OrderConnection) -> None:
    """Begin to sync: the account's open orders from the start date are read again. Raises SetupError."""
    _lock(order_connection.marketplace)  # two activations at once must see each other
    order_connection.refresh_from_db()
    if order_connection.deleted_at:
        raise NotReady(_("This order connection was deleted."))
    _refuse_unready(order_connection)
    _refuse_overlap(order_connection)
    order_connection.is_active = True
    order_connection.activated_at = timezone.now()
    order_connection.save(update_fields=["is_active", "activated_at"])
    _refresh(order_connection)
    read_again_from_the_start(order_connection.marketplace)


def pause(order_connection: OrderConnection) -> None:
    """Stop the loop; what was pulled is kept and goes on after activating again."""
    order_connection.is_active = False
    order_connection.save(update_fields=["is_active"])
    _refresh(order_connection)


def sync_now(order_connection: OrderConnection) -> int:
    """Make both accounts' streams due at once. How many there are."""
    return request_sync([order_connection.marketplace_id, order_connection.shop_id])


def _lock(connection: Connection) -> None:
    Connection.objects.select_for_update().get(pk=connection.pk)


def _refresh(order_connection: OrderConnection) -> None:
    refresh_activity(order_connection.marketplace)
    refresh_activity(order_connection.shop)


def _refuse_unready(order_connection: OrderConnection) -> None:
    for connection in (order_connection.marketplace, order_connection.shop):
        if connection.deleted_at or connection.state == ConnectionState.EXPIRED:
            raise NotReady(_("“%(account)s” has to be connected again first.") % {"account": connection.label})
    requires_tracking = order_connection.marketplace.connector_class.capabilities.requires_tracking
    if requires_tracking and not _has_default_transporter(order_connection):
        raise NotReady(_("This marketplace demands tracking: choose a default transporter first."))


def _has_default_transporter(order_connection: OrderConnection) -> bool:
    rules = TransporterRule.objects.asked_for(order_connection)
    return bool(order_connection.options.default_transporter) or any(not rule.pattern for rule in rules)


def _refuse_overlap(order_connection: OrderConnection) -> None:
    others = OrderConnection.objects.active().filter(marketplace_id=order_connection.marketplace_id)
    for other in others.exclude(pk=order_connection.pk):
        if other.overlaps(order_connection):
            raise Overlap(
                _(
                    "“%(other)s” is active and already takes these orders (same account, channel and fulfilment "
                    "type). Pause it, or choose another channel or fulfilment type here."
                )
                % {"other": other.name}
            )
