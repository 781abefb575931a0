"""Creating an order in the shop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from channable.core.clock import utcnow
from connections.connectors import PlatformConnector
from connections.connectors.errors import ConnectorError, DataError
from connections.connectors.types import (
    Done,
    Found,
    FulfilmentType,
    OrderData,
    OrderUpdate,
    Pending,
    Receipt,
    ShopOptions,
)
from connections.messages import MESSAGES
from connections.models import OutboxMessage
from connections.options import Options
from connections.outbox import Effect, Lookup, Withdrawn
from orders.models import Actor, ItemPart, Order
from orders.services import events
from orders.services.apply import apply
from orders.services.columns import order_data
from orders.services.effects.common import cause, refuse_orphan_or_paused
from orders.services.events import Cause
from orders.services.products import shop_ids
from orders.services.work import CREATE_ORDER, UNTOUCHED


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
        data = as_wanted(order_data(order), order.order_connection.options if order.order_connection else Options())
        return Creation(order, data, replace(shop_options(order), shop_ids=shop_ids(order, data)))

    def check(self, message: OutboxMessage, data: Creation) -> None:
        order = data.order
        if order.shop_order_id:
            raise Withdrawn("the order is in the shop already")
        if not ItemPart.objects.filter(order=order, status__in=UNTOUCHED).exists():
            raise Withdrawn("nothing of the order is open")
        if order.is_manual:
            raise Withdrawn("the order is handled manually")
        if not order.is_confirmed:
            raise Withdrawn("the marketplace verifies the order again")
        refuse_orphan_or_paused(order)

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
            told = Cause(Actor.SHOP, news.update.updated_at, utcnow(), message_id=message.pk)
            apply(message.subject_id, events.ShopNews(news.update, news.version), told)

    def on_confirmed(self, message: OutboxMessage, done: Done) -> None:
        self._created(message, done, adopted=False)

    def _created(self, message: OutboxMessage, done: Done, *, adopted: bool) -> None:
        event = events.CreatedInShop(
            done.remote_id[:100], done.number[:100], tuple(done.notes), adopted, dict(done.matches)
        )
        apply(message.subject_id, event, cause(Actor.SYSTEM, message))

    def on_refused(self, message: OutboxMessage, error: ConnectorError) -> None:
        code = error.code if error.code in MESSAGES else "connector.refused"
        apply(message.subject_id, events.Failed(code, error.detail), cause(Actor.SHOP, message))


def _state_in(connector: PlatformConnector, shop_order_id: str) -> ShopState | None:
    """What the shop says of the order now; None if it can't be read: the next sync tells."""
    stream = next(one.name for one in connector.streams() if one.topic == "updates")
    try:
        # The version stays unknown, so the next sync reads it once more; applying it twice is harmless.
        return ShopState(connector.parse_update(connector.fetch_one(stream, shop_order_id)), "")
    except DataError:
        return None


def as_wanted(data: OrderData, options: Options) -> OrderData:
    """Without what the settings keep out of the shop; the total is that of what is left."""
    if not options.includes_discount:
        in_lines = sum((item.discount for item in data.items), Decimal(0))
        items = [replace(item, discount=Decimal(0)) for item in data.items]
        total = data.total + max(data.discount, in_lines)
        data = replace(data, items=items, discount=Decimal(0), total=total)
    if not options.includes_transaction_fee:
        data = replace(data, total=data.total - data.transaction_fee, transaction_fee=Decimal(0))
    return data


def shop_options(order: Order) -> ShopOptions:
    """How the order is to look in the shop, by the settings of its order connection."""
    options = order.order_connection.options if order.order_connection else Options()
    marketplace = order.connection.kind_label
    number = {"marketplace": order.number, "prefix": options.number_prefix + order.number, "shop": ""}
    return ShopOptions(
        number=number[options.number_scheme],
        payment_method=options.payment_method,
        shipping_method=options.shipping_methods.get(order.delivery_method) or options.shipping_method,
        customer_id=options.customer_id,
        marketplace_name=marketplace,
        memo="\n".join(_memo(order, marketplace)),
        tag=", ".join(one for one in (options.tag, _mark(order, marketplace)) if one),
        is_test=order.is_test,
        checks_stock=options.checks_stock,
    )


def _memo(order: Order, marketplace: str) -> Iterator[str]:
    """What those who pack have to know before anything else."""
    yield f"Order {order.number} from {marketplace}"
    if order.fulfilment_type == FulfilmentType.MARKETPLACE:
        yield f"{marketplace} ships this order itself: do not ship it."
    elif order.uses_marketplace_label:
        yield f"Ship it with the label of {marketplace}."


def _mark(order: Order, marketplace: str) -> str:
    """No shop of ours can create an order as shipped without moving its stock, so these are told by a tag."""
    return f"Fulfilled by {marketplace}" if order.fulfilment_type == FulfilmentType.MARKETPLACE else ""
