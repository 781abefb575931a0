"""The effects of orders at remotes: create in the shop, confirm a shipment, cancel at the marketplace."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from channable.core.clock import utcnow
from connections.connectors import MarketplaceConnector, PlatformConnector
from connections.connectors.errors import ConnectorError, DataError
from connections.connectors.types import (
    CancellationData,
    Done,
    Found,
    OrderData,
    OrderUpdate,
    Pending,
    Receipt,
    ShipmentData,
    ShippedItem,
    ShopOptions,
)
from connections.messages import MESSAGES
from connections.models import OutboxMessage
from connections.options import Options
from connections.outbox import Effect, Lookup, Postponed, Withdrawn
from orders.models import Actor, Address, AddressKind, ItemPart, Order
from orders.models.shipment import Cancellation, DecisionStatus, Shipment
from orders.services import events
from orders.services.apply import apply
from orders.services.columns import order_data
from orders.services.events import Cause
from orders.services.work import CANCEL_ORDER, CONFIRM_SHIPMENT, CREATE_ORDER
from orders.states import PartStatus
from orders.transporters import choose


def _cause(actor: Actor, message: OutboxMessage) -> Cause:
    now = utcnow()
    return Cause(actor, now, now, message_id=message.pk)


def _refuse_orphan_or_paused(order: Order) -> None:
    pair = order.order_connection
    if pair is None or pair.deleted_at:
        raise Withdrawn("the order connection was removed")
    if not pair.is_active:
        raise Postponed


# -- create the order in the shop -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Creation:
    order: Order
    data: OrderData
    options: ShopOptions


@dataclass(frozen=True, slots=True)
class ShopState:
    """The shop's own record of an order that was found there."""

    update: OrderUpdate
    version: str


class CreateOrder(Effect):
    """Subject: the order."""

    kind = CREATE_ORDER

    def load(self, message: OutboxMessage) -> Creation:
        order = Order.objects.select_related("connection", "order_connection").get(pk=message.subject_id)
        return Creation(order, order_data(order), shop_options(order))

    def check(self, message: OutboxMessage, data: Creation) -> None:
        order = data.order
        if order.shop_order_id:
            raise Withdrawn("the order is in the shop already")
        if order.is_closed:
            raise Withdrawn("the order is closed")
        if order.is_manual:
            raise Withdrawn("the order is handled manually")
        if not order.is_confirmed:
            raise Withdrawn("the marketplace verifies the order again")
        _refuse_orphan_or_paused(order)

    def send(self, connector: PlatformConnector, data: Creation, *, key: str, half: Found | None) -> Receipt:
        return connector.create_order(data.data, key=key, options=data.options, found=half)

    def find(self, connector: PlatformConnector, data: Creation, *, key: str, since: datetime) -> Lookup | None:
        found = connector.find_order(key, since=since)
        if found is None:
            return None
        if not found.is_complete:
            return Lookup(half=found)
        return Lookup(Done(found.remote_id, found.number), news=_state_in(connector, found.remote_id))

    def on_sent(self, message: OutboxMessage, receipt: Receipt, *, adopted: bool, news: ShopState | None) -> None:
        if isinstance(receipt, Pending):
            return
        self._created(message, receipt, adopted=adopted)
        if news is not None:
            # It may have been completed before we knew that it was there.
            cause = Cause(Actor.SHOP, news.update.updated_at, utcnow(), message_id=message.pk)
            apply(message.subject_id, events.ShopNews(news.update, news.version), cause)

    def on_confirmed(self, message: OutboxMessage, done: Done) -> None:
        self._created(message, done, adopted=False)

    def _created(self, message: OutboxMessage, done: Done, *, adopted: bool) -> None:
        event = events.CreatedInShop(done.remote_id[:100], done.number[:100], tuple(done.notes), adopted)
        apply(message.subject_id, event, _cause(Actor.SYSTEM, message))

    def on_refused(self, message: OutboxMessage, error: ConnectorError) -> None:
        code = error.code if error.code in MESSAGES else "connector.refused"
        apply(message.subject_id, events.Failed(code, error.detail), _cause(Actor.SHOP, message))


def _state_in(connector: PlatformConnector, shop_order_id: str) -> ShopState | None:
    """What the shop says of the order now; None if it can't be read: the next sync tells."""
    stream = next(one.name for one in connector.streams() if one.topic == "updates")
    try:
        # The version stays unknown, so the next sync reads it once more; applying it twice is harmless.
        return ShopState(connector.parse_update(connector.fetch_one(stream, shop_order_id)), "")
    except DataError:
        return None


def shop_options(order: Order) -> ShopOptions:
    """How the order is to look in the shop, by the settings of its order connection."""
    options = order.order_connection.options if order.order_connection else Options()
    marketplace = order.connection.kind_label
    number = {"marketplace": order.number, "prefix": options.number_prefix + order.number, "shop": ""}
    return ShopOptions(
        number=number[options.number_scheme],
        payment_method=options.payment_method,
        shipping_method=options.shipping_method,
        marketplace_name=marketplace,
        memo=f"Order {order.number} from {marketplace}",
        tag=options.tag,
        is_test=order.is_test,
        checks_stock=options.checks_stock,
    )


# -- tell the marketplace of a shipment -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Parcel:
    shipment: Shipment
    data: ShipmentData
    parts: list[ItemPart]


class ConfirmShipment(Effect):
    """Subject: the shipment."""

    kind = CONFIRM_SHIPMENT

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
        _refuse_orphan_or_paused(data.shipment.order)
        if data.data.tracking_code and not data.data.transporter:
            detail = f"No transporter is known for {data.shipment.transporter_original or 'this tracking code'}."
            raise DataError(detail, code="shipment.transporter_needed")

    def send(self, connector: MarketplaceConnector, data: Parcel, *, key: str, half: Found | None) -> Receipt:
        return connector.confirm_shipment(data.shipment.order.external_id, data.data, key=key)

    def find(self, connector: MarketplaceConnector, data: Parcel, *, key: str, since: datetime) -> Lookup | None:
        receipt = connector.find_shipment(data.shipment.order.external_id, data.data, key=key, since=since)
        return Lookup(receipt) if receipt else None

    def on_sent(self, message: OutboxMessage, receipt: Receipt, *, adopted: bool, news: object) -> None:
        order_id = _order_of(Shipment, message)
        if isinstance(receipt, Pending):
            apply(order_id, events.ShipmentAccepted(message.subject_id), _cause(Actor.SYSTEM, message))
        else:
            self._confirmed(message, receipt, adopted=adopted)

    def on_confirmed(self, message: OutboxMessage, done: Done) -> None:
        self._confirmed(message, done, adopted=False)

    def _confirmed(self, message: OutboxMessage, done: Done, *, adopted: bool) -> None:
        event = events.ShipmentConfirmed(message.subject_id, done.remote_id, adopted)
        apply(_order_of(Shipment, message), event, _cause(Actor.MARKETPLACE, message))

    def on_refused(self, message: OutboxMessage, error: ConnectorError) -> None:
        event = events.ShipmentRefused(message.subject_id, _code(error, "shipment.refused"), error.detail)
        apply(_order_of(Shipment, message), event, _cause(Actor.MARKETPLACE, message))


def _shipment_data(shipment: Shipment, parts: list[ItemPart]) -> ShipmentData:
    order = shipment.order
    options = order.order_connection.options if order.order_connection else Options()
    # Asked again, because a default may have been set since: that is how this error is solved.
    transporter = shipment.transporter or choose(
        named=shipment.transporter_original,
        tracking_code=shipment.tracking_code,
        default=options.default_transporter,
    )
    address = Address.objects.filter(order=order, kind=AddressKind.SHIPPING).first()
    return ShipmentData(
        items=_items(parts),
        shipped_at=shipment.shipped_at,
        tracking_code=shipment.tracking_code,
        transporter=transporter,
        transporter_name=shipment.transporter_original,
        tracking_url=shipment.tracking_url,
        return_tracking_code=shipment.return_tracking_code,
        return_transporter=shipment.return_transporter,
        delivery_bill_id=shipment.delivery_bill_id,
        country_code=address.country_code if address else order.country_code,
    )


def _items(parts: list[ItemPart]) -> list[ShippedItem]:
    quantities: dict[str, int] = {}
    for part in parts:
        quantities[part.item.external_id] = quantities.get(part.item.external_id, 0) + part.quantity
    return [ShippedItem(item_id, quantity) for item_id, quantity in quantities.items()]


# -- cancel at the marketplace ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cancelling:
    cancellation: Cancellation
    data: CancellationData
    parts: list[ItemPart]


class CancelOrder(Effect):
    """Subject: the cancellation."""

    kind = CANCEL_ORDER

    def load(self, message: OutboxMessage) -> Cancelling:
        cancellation = Cancellation.objects.select_related("order__order_connection").get(pk=message.subject_id)
        parts = list(ItemPart.objects.filter(cancellation=cancellation).select_related("item").order_by("id"))
        return Cancelling(cancellation, CancellationData(_items(parts), cancellation.reason), parts)

    def check(self, message: OutboxMessage, data: Cancelling) -> None:
        if not any(part.status == PartStatus.PENDING_CANCELLATION for part in data.parts):
            raise Withdrawn("nothing of it is to be cancelled any more")
        _refuse_orphan_or_paused(data.cancellation.order)

    def send(self, connector: MarketplaceConnector, data: Cancelling, *, key: str, half: Found | None) -> Receipt:
        return connector.cancel_order(data.cancellation.order.external_id, data.data, key=key)

    def find(self, connector: MarketplaceConnector, data: Cancelling, *, key: str, since: datetime) -> Lookup | None:
        receipt = connector.find_cancellation(data.cancellation.order.external_id, data.data, key=key, since=since)
        return Lookup(receipt) if receipt else None

    def on_sent(self, message: OutboxMessage, receipt: Receipt, *, adopted: bool, news: object) -> None:
        if isinstance(receipt, Pending):
            event = events.CancellationAccepted(message.subject_id)
            apply(_order_of(Cancellation, message), event, _cause(Actor.SYSTEM, message))
        else:
            self._confirmed(message, receipt, adopted=adopted)

    def on_confirmed(self, message: OutboxMessage, done: Done) -> None:
        self._confirmed(message, done, adopted=False)

    def _confirmed(self, message: OutboxMessage, done: Done, *, adopted: bool) -> None:
        event = events.CancellationConfirmed(message.subject_id, done.remote_id, adopted)
        apply(_order_of(Cancellation, message), event, _cause(Actor.MARKETPLACE, message))

    def on_refused(self, message: OutboxMessage, error: ConnectorError) -> None:
        event = events.CancellationRefused(message.subject_id, _code(error, "cancellation.refused"), error.detail)
        apply(_order_of(Cancellation, message), event, _cause(Actor.MARKETPLACE, message))


def _order_of(model: type[Shipment] | type[Cancellation], message: OutboxMessage) -> int:
    return model.objects.values_list("order_id", flat=True).get(pk=message.subject_id)


def _code(error: ConnectorError, fallback: str) -> str:
    """The error's own code where it says more than that it was refused."""
    return (
        error.code
        if error.code in MESSAGES and error.code not in ("connector.refused", "order.unreadable")
        else fallback
    )


EFFECTS = (CreateOrder(), ConfirmShipment(), CancelOrder())
