"""Telling the marketplace of a shipment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from connections.connectors import MarketplaceConnector
from connections.connectors.errors import DataError
from connections.connectors.types import (
    Found,
    Receipt,
    ShipmentData,
)
from connections.models import OutboxMessage
from connections.outbox import Lookup, Withdrawn
from connections.transporters import Choice
from orders.models import Address, AddressKind, ItemPart
from orders.models.shipment import DecisionStatus, Shipment
from orders.services import events
from orders.services.effects.common import DecisionEffect, items_of, refuse_orphan_or_paused
from orders.services.work import CONFIRM_SHIPMENT, choose_for
from orders.states import PartStatus


@dataclass(frozen=True, slots=True)
class Parcel:
    shipment: Shipment
    data: ShipmentData
    parts: list[ItemPart]


class ConfirmShipment(DecisionEffect):
    """Subject: the shipment."""

    kind = CONFIRM_SHIPMENT
    decision = Shipment
    refusal = "shipment.refused"

    def load(self, message: OutboxMessage) -> Parcel:
        shipment = Shipment.objects.select_related("order__order_connection").get(pk=message.subject_id)
        parts = list(ItemPart.objects.filter(shipment=shipment).select_related("item").order_by("id"))
        return Parcel(shipment, _shipment_data(shipment, parts), parts)

    def check(self, message: OutboxMessage, data: Parcel) -> None:
        on_the_way = {PartStatus.PENDING_SHIPMENT, PartStatus.PROCESSING}
        if data.shipment.status == DecisionStatus.CONFIRMED:
            raise Withdrawn("the marketplace has confirmed it")
        if not any(part.status in on_the_way for part in data.parts):
            raise Withdrawn("nothing of it is to be shipped any more")
        if data.shipment.order.is_manual:
            raise Withdrawn("the order is handled manually")
        refuse_orphan_or_paused(data.shipment.order)
        if data.data.tracking_code and not data.data.transporter:
            detail = f"No transporter is known for {data.shipment.transporter_original or 'this tracking code'}."
            raise DataError(detail, code="shipment.transporter_needed")

    def send(self, connector: MarketplaceConnector, data: Parcel, *, key: str, half: Found | None) -> Receipt:
        return connector.confirm_shipment(data.shipment.order.external_id, data.data, key=key)

    def find(self, connector: MarketplaceConnector, data: Parcel, *, key: str, since: datetime) -> Lookup | None:
        receipt = connector.find_shipment(data.shipment.order.external_id, data.data, key=key, since=since)
        return Lookup(receipt) if receipt else None

    def accepted(self, decision_id: int) -> events.Event:
        return events.ShipmentAccepted(decision_id)

    def confirmed(self, decision_id: int, remote_id: str, adopted: bool) -> events.Event:
        return events.ShipmentConfirmed(decision_id, remote_id, adopted)

    def refused(self, decision_id: int, code: str, detail: str) -> events.Event:
        return events.ShipmentRefused(decision_id, code, detail)


def _shipment_data(shipment: Shipment, parts: list[ItemPart]) -> ShipmentData:
    order = shipment.order
    choice = Choice(shipment.transporter, shipment.tracking_code)
    if not choice.transporter:
        # Asked again, because a rule or default may have been set since: that is how this error is solved.
        choice = choose_for(order, named=shipment.transporter_original, tracking_code=shipment.tracking_code)
    address = Address.objects.filter(order=order, kind=AddressKind.SHIPPING).first()
    return ShipmentData(
        items=items_of(parts),
        shipped_at=shipment.shipped_at,
        tracking_code=choice.tracking_code,
        transporter=choice.transporter,
        transporter_name=shipment.transporter_original,
        tracking_url=shipment.tracking_url,
        return_tracking_code=shipment.return_tracking_code,
        return_transporter=shipment.return_transporter,
        delivery_bill_id=shipment.delivery_bill_id,
        country_code=address.country_code if address else order.country_code,
    )
