"""Telling the shop's staff about an order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from connections.connectors import PlatformConnector
from connections.connectors.errors import ConnectorError
from connections.connectors.types import Done, Found, NoticeData, Pending, Receipt
from connections.models import OutboxMessage, OutboxStatus
from connections.outbox import Effect, Lookup, Postponed, Withdrawn
from orders.models import Actor, NoticeKind, ShopNotice
from orders.services import events
from orders.services.apply import apply
from orders.services.effects.common import cause, refuse_orphan_or_paused
from orders.services.work import TELL_SHOP

HOLDS = {
    NoticeKind.REQUESTED: True,
    NoticeKind.CANCELLED: True,
    NoticeKind.WITHDRAWN: False,
    NoticeKind.NOT_CANCELLED: False,
}


@dataclass(frozen=True, slots=True)
class Notice:
    notice: ShopNotice
    data: NoticeData


class TellShop(Effect):
    """Subject: the notice. In their order: one that came later makes an earlier hold, or its end, void."""

    kind = TELL_SHOP

    def load(self, message: OutboxMessage) -> Notice:
        notice = ShopNotice.objects.select_related("order__order_connection").get(pk=message.subject_id)
        return Notice(notice, NoticeData(notice.text, HOLDS.get(NoticeKind(notice.kind))))

    def check(self, message: OutboxMessage, data: Notice) -> None:
        notice, order = data.notice, data.notice.order
        if order.is_manual:
            raise Withdrawn("the order is handled manually")
        others = ShopNotice.objects.filter(order=order, kind__in=HOLDS)
        if data.data.holds is not None and others.filter(number__gt=notice.number).exists():
            raise Withdrawn("something newer is told")
        earlier = others.filter(number__lt=notice.number).values("pk")
        under_way = [OutboxStatus.SENDING, OutboxStatus.UNKNOWN]
        if OutboxMessage.objects.filter(kind=TELL_SHOP, subject_id__in=earlier, status__in=under_way).exists():
            raise Postponed
        refuse_orphan_or_paused(order)

    def send(self, connector: PlatformConnector, data: Notice, *, key: str, half: Found | None) -> Receipt:
        return connector.tell(data.notice.order.shop_order_id, data.data, key=key)

    def find(self, connector: PlatformConnector, data: Notice, *, key: str, since: datetime) -> Lookup | None:
        receipt = connector.find_notice(data.notice.order.shop_order_id, data.data, key=key, since=since)
        return Lookup(receipt) if receipt else None

    def on_sent(self, message: OutboxMessage, receipt: Receipt, *, adopted: bool, news: object) -> None:
        if not isinstance(receipt, Pending):
            self.on_confirmed(message, receipt)

    def on_confirmed(self, message: OutboxMessage, done: Done) -> None:
        self._apply(message, events.ShopTold(message.subject_id, done.remote_id), Actor.SYSTEM)

    def on_refused(self, message: OutboxMessage, error: ConnectorError) -> None:
        self._apply(message, events.ShopNotTold(message.subject_id, error.detail), Actor.SHOP)

    def _apply(self, message: OutboxMessage, event: events.Event, actor: Actor) -> None:
        order_id = ShopNotice.objects.values_list("order_id", flat=True).get(pk=message.subject_id)
        apply(order_id, event, cause(actor, message))
