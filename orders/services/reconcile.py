"""Comparing what we hold with both remotes: what is missing, doubled or different, and no more than that.

The engine keeps its promises order by order; this looks at the result from outside, as an accountant would. It
changes nothing at a remote and nothing of an order. What is on its way or changed just now is no finding.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Q

from channable.core.clock import utcnow
from channable.tenants.scope import all_companies, company_scope
from connections.accounts import marketplace_for, platform_for
from connections.connectors import Connector, MarketplaceConnector, PlatformConnector
from connections.connectors.errors import DataError
from connections.connectors.types import JSON, OrderData, OrderUpdate, RemoteStatus
from connections.models import ConnectionState, OrderConnection, OutboxMessage, OutboxStatus, RefusedRecord
from orders.models import Cancellation, Finding, ItemPart, Order, ReturnDecision, Shipment, ShopNotice
from orders.models.shipment import Decision
from orders.services import differences
from orders.services.differences import Difference, Ours
from orders.services.work import CANCEL_ORDER, CONFIRM_SHIPMENT, CREATE_ORDER, REFUND_ORDER, TELL_SHOP
from orders.states import OPEN_STATES, PartStatus

DAYS = 7
# Three rounds: what changed later may not have come through.
JUST_NOW = timedelta(minutes=15)
NIGHT_HOURS = 6  # from midnight UTC; order connections are spread over them
IN_MOTION = Q(status__in=[OutboxStatus.READY, OutboxStatus.SENDING, OutboxStatus.UNKNOWN]) | ~Q(ticket="")
DECISIONS: dict[str, type[Decision]] = {
    CONFIRM_SHIPMENT: Shipment,
    CANCEL_ORDER: Cancellation,
    TELL_SHOP: ShopNotice,
    REFUND_ORDER: ReturnDecision,
}


class CannotCompare(Exception):
    """Why, in a sentence for the one who tried."""


@dataclass(slots=True)
class Comparison:
    """What one run saw. `passed_over`: numbers that could not be compared now, whose findings stay as they are."""

    found: list[Difference] = field(default_factory=list)
    compared: int = 0
    passed_over: set[str] = field(default_factory=set)
    opened: int = 0
    resolved: int = 0


def reconcile(pair: OrderConnection, *, days: int = DAYS, now: datetime | None = None) -> Comparison:
    """Compare the last `days` and write down what was found. Raises CannotCompare, ConnectorError; nothing is
    written then."""
    _refuse_unable(pair)
    now = now or utcnow()
    comparison, since = Comparison(), now - timedelta(days=days)
    listed_there = _Marketplace(pair, since)
    listed_in_shop = _Shop(pair, since)
    ours = _ours(pair, since, now, comparison)
    for one in ours.values():
        _compare(one, listed_there, listed_in_shop, comparison)
    comparison.found += listed_there.missing_here(now, comparison)
    with company_scope(pair.company_id):
        comparison.found = _still_true(pair, comparison, ours)
        _write(pair, comparison, now)
    return comparison


def pairs_of_the_hour(hour: int) -> list[tuple[int, int]]:
    """(company, order connection) whose turn it is in this hour of the night, UTC."""
    if hour >= NIGHT_HOURS:
        return []
    with all_companies():  # the order connections of every company
        rows = OrderConnection.objects.active().order_by("pk").values_list("company_id", "pk")
        return [(company_id, pk) for company_id, pk in rows if pk % NIGHT_HOURS == hour]


def _refuse_unable(pair: OrderConnection) -> None:
    for account in (pair.marketplace, pair.shop):
        if account.state == ConnectionState.EXPIRED or account.deleted_at:
            raise CannotCompare(f"{account.label} has to be connected again first.")
        if not account.connector_class.capabilities.lists_orders:
            raise CannotCompare(f"{account.kind_label} cannot list its orders, so there is nothing to compare with.")


def _compare(one: Ours, marketplace: _Marketplace, shop: _Shop, comparison: Comparison) -> None:
    try:
        found = [*differences.at_marketplace(one, marketplace.order(one.external_id))]
        # What is closed differently there is one difference, not two.
        found += [] if found else differences.in_shop(one, shop.order(one), shop.carrying[one.reference])
    except DataError:  # unreadable: shown elsewhere
        comparison.passed_over.add(one.external_id)
        return
    comparison.compared += 1
    comparison.found += found


class _Marketplace:
    """The marketplace's side: numbers from its lists, orders asked for one by one."""

    def __init__(self, pair: OrderConnection, since: datetime) -> None:
        self.pair = pair
        self.connector: MarketplaceConnector = marketplace_for(pair.marketplace)
        self.stream = _stream(self.connector, "orders")
        # Where the list has whole orders they are taken as they are.
        self.listed: dict[str, JSON] = {}
        for page in self.connector.orders_since(since):
            self.listed.update({record.external_id: record.raw for record in page.records})

    def order(self, number: str) -> OrderData | None:
        """None: gone. Raises DataError."""
        raw = self.listed.get(number)
        if raw is None:
            try:
                raw = self.connector.fetch_one(self.stream, number)
            except DataError as error:
                if error.code == "order.gone":
                    return None
                raise
        return self.connector.parse_order(raw)

    def missing_here(self, now: datetime, comparison: Comparison) -> Iterator[Difference]:
        """Open orders of the lists that this order connection should hold."""
        for number in self._unknown():
            try:
                data = self.order(number)
            except DataError:
                comparison.passed_over.add(number)
                continue
            if data and self._is_wanted(data) and data.ordered_at < now - JUST_NOW:
                placed = f"{data.ordered_at:%Y-%m-%d %H:%M} UTC"
                yield Difference(
                    differences.MISSING_HERE, number, f"Placed {placed}, {data.remote_status.value} there."
                )

    def _is_wanted(self, data: OrderData) -> bool:
        is_open = data.remote_status in (RemoteStatus.OPEN, RemoteStatus.UNCONFIRMED)
        is_taken = self.pair.takes(data.channel, data.fulfilment_type.value) and data.ordered_at >= self.pair.start_at
        return is_open and is_taken

    def _unknown(self) -> list[str]:
        with company_scope(self.pair.company_id):
            account, listed = self.pair.marketplace, list(self.listed)
            held = Order.objects.filter(connection=account, external_id__in=listed)
            known = set(held.values_list("external_id", flat=True))
            unreadable = RefusedRecord.objects.filter(connection=account, topic="orders", resolved_at=None)
            known |= set(unreadable.values_list("external_id", flat=True))
        return [number for number in listed if number not in known]


class _Shop:
    """The shop's side: its lists, and what they don't have asked for one by one."""

    def __init__(self, pair: OrderConnection, since: datetime) -> None:
        self.connector: PlatformConnector = platform_for(pair.shop)
        self.stream = _stream(self.connector, "updates")
        self.listed: dict[str, OrderUpdate] = {}
        self.carrying: dict[str, list[OrderUpdate]] = defaultdict(list)
        for page in self.connector.orders_since(since):
            for record in page.records:
                self._list(record.raw)

    def _list(self, raw: JSON) -> None:
        """A shop's orders that we did not create are passed over, readable or not."""
        try:
            update = self.connector.parse_update(raw)
        except DataError:
            return
        if update.reference and update.external_id not in self.listed:
            self.listed[update.external_id] = update
            self.carrying[update.reference].append(update)

    def order(self, ours: Ours) -> OrderUpdate | None:
        """None: gone, or never there. Raises DataError."""
        number = ours.shop_order_id
        if not number or number in self.listed:
            return self.listed.get(number)
        try:
            return self.connector.parse_update(self.connector.fetch_one(self.stream, number))
        except DataError as error:
            if error.code == "order.gone":
                return None
            raise


def _stream(connector: Connector, topic: str) -> str:
    return next(one.name for one in connector.streams() if one.topic == topic)


# -- our side -------------------------------------------------------------------------------------------------


def _ours(pair: OrderConnection, since: datetime, now: datetime, comparison: Comparison) -> dict[int, Ours]:
    """Orders that are open or changed since, but for what changed just now or is on its way."""
    with company_scope(pair.company_id):
        recent = Q(status__in=OPEN_STATES) | Q(modified_at__gte=since) | Q(ordered_at__gte=since)
        orders = Order.objects.filter(recent, order_connection=pair, is_test=False)
        moving = _in_motion(pair)
        found = {}
        for order in orders.order_by("pk").iterator():
            if order.pk in moving or order.modified_at > now - JUST_NOW:
                comparison.passed_over.add(order.external_id)
            else:
                found[order.pk] = _as_ours(order)
        _count_parts(found)
    return found


def _as_ours(order: Order) -> Ours:
    return Ours(
        pk=order.pk,
        external_id=order.external_id,
        reference=order.reference,
        status=order.status,
        error_code=order.error_code,
        fulfilment_type=order.fulfilment_type,
        shop_order_id=order.shop_order_id,
        is_confirmed=order.is_confirmed,
        is_manual=order.is_manual,
        modified_at=order.modified_at,
    )


def _count_parts(found: dict[int, Ours]) -> None:
    counters = {PartStatus.SHIPPED: "shipped", PartStatus.CANCELLED: "cancelled", PartStatus.OPEN: "untouched"}
    parts = ItemPart.objects.filter(order_id__in=found, status__in=counters)
    for order_id, line, status, quantity in parts.values_list("order_id", "item__external_id", "status", "quantity"):
        getattr(found[order_id], counters[PartStatus(status)])[line] += quantity


def _in_motion(pair: OrderConnection) -> set[int]:
    """Orders for which a message waits, is being sent or answered."""
    accounts = [pair.marketplace_id, pair.shop_id]
    moving = OutboxMessage.objects.filter(IN_MOTION, connection_id__in=accounts)
    subjects: dict[str, set[int]] = defaultdict(set)
    for kind, subject_id in moving.values_list("kind", "subject_id"):
        subjects[kind].add(subject_id)
    found = set(subjects[CREATE_ORDER])
    for kind, model in DECISIONS.items():
        found |= set(model.objects.filter(pk__in=subjects[kind]).values_list("order_id", flat=True))
    return found


def _still_true(pair: OrderConnection, comparison: Comparison, ours: dict[int, Ours]) -> list[Difference]:
    """Without what moved or came in while we were looking."""
    numbers = [one.external_id for one in comparison.found]
    rows = Order.objects.filter(connection=pair.marketplace, external_id__in=numbers)
    columns = rows.values_list("pk", "external_id", "modified_at")
    now_held = {number: (pk, modified_at) for pk, number, modified_at in columns}
    moving = _in_motion(pair)
    kept = []
    for one in comparison.found:
        pk, modified_at = now_held.get(one.external_id, (None, None))
        is_same = pk == one.order_id and (pk is None or ours[pk].modified_at == modified_at)
        if is_same and pk not in moving:
            kept.append(one)
        else:
            comparison.passed_over.add(one.external_id)
    return kept


# -- writing --------------------------------------------------------------------------------------------------


def _write(pair: OrderConnection, comparison: Comparison, now: datetime) -> None:
    rows = Finding.objects.select_for_update().filter(order_connection=pair)
    known = {(row.code, row.external_id): row for row in rows}
    for one in comparison.found:
        row = known.pop((one.code, one.external_id), None) or Finding(
            company_id=pair.company_id,
            order_connection=pair,
            code=one.code,
            external_id=one.external_id,
            first_seen_at=now,
        )
        if row.pk is None or row.resolved_at:
            comparison.opened += 1
            row.first_seen_at = now
        row.order_id, row.detail, row.last_seen_at, row.resolved_at = one.order_id, one.detail, now, None
        row.save()
    _resolve([row for row in known.values() if row.resolved_at is None], comparison, now)


def _resolve(rows: Iterable[Finding], comparison: Comparison, now: datetime) -> None:
    for row in rows:
        if row.external_id not in comparison.passed_over:
            row.resolved_at = now
            row.save(update_fields=["resolved_at"])
            comparison.resolved += 1
