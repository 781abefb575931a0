"""Orders in every state, brought there by events alone, and everything that may happen to them.

A situation is a way to be in a state; a telling is one thing that an event may say. Both are what
`orders/matrix.py` is held against.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from connections.connectors.types import (
    AddressData,
    ItemData,
    OrderData,
    OrderUpdate,
    ParcelData,
    ParcelItem,
    RemoteStatus,
    ShopState,
)
from orders.models import Actor, Order
from orders.models.item import ItemPart
from orders.models.shipment import Cancellation, Shipment, ShopNotice
from orders.services import events
from orders.services.apply import apply
from orders.services.events import CancelledByHand, Cause, Event, MarketplaceNews, Piece, ShippedByHand, ShopNews
from orders.services.orphans import delete_order_connection
from orders.states import OrderStatus
from tests.factories import OrderFactory, OrderItemFactory, OutboxMessageFactory

START = datetime(2026, 3, 2, 10, tzinfo=UTC)
SHOP_ID = "77"
OPEN, COMPLETED, CANCELLED = ShopState.OPEN, ShopState.COMPLETED, ShopState.CANCELLED
O = OrderStatus  # noqa: E741


class Bench:
    """One order of a mug and three teas, of bol and for a WooCommerce shop, and a clock."""

    def __init__(self, project: Any, *, status: OrderStatus = O.NOT_SHIPPED, fulfilment_type: str = "merchant") -> None:
        is_confirmed = status != O.AWAITING_CONFIRMATION
        order = OrderFactory(
            order_connection__project=project,
            status=status,
            is_confirmed=is_confirmed,
            remote_status="open" if is_confirmed else "unconfirmed",
            fulfilment_type=fulfilment_type,
            ordered_at=START,
        )
        OrderItemFactory(order=order, external_id="l2", product_id="TEA", quantity=3)
        if is_confirmed:
            OutboxMessageFactory(connection=order.shop, subject_id=order.pk, reference=order.reference)
        self.pk: int = order.pk
        self.mug, self.tea = (item.pk for item in order.items.order_by("id"))
        self.at = START
        self.last_news: ShopNews | None = None  # of the shop
        self.counter = 0

    @property
    def order(self) -> Order:
        return Order.objects.select_related("order_connection").get(pk=self.pk)

    def happens(self, event: Event) -> bool:
        self.at += timedelta(minutes=1)
        if isinstance(event, ShopNews):
            self.last_news = event
        return apply(self.pk, event, self.cause(self.at))

    @staticmethod
    def cause(at: datetime) -> Cause:
        return Cause(Actor.SYSTEM, at, at)

    def number(self) -> str:
        """A new one: of a form, a parcel, a code."""
        self.counter += 1
        return str(self.counter)

    # -- what is told -------------------------------------------------------------------------------
    def marketplace(
        self, status: RemoteStatus = RemoteStatus.OPEN, *, requested: bool | None = None, **lines: dict[str, Any]
    ) -> MarketplaceNews:
        """As the order is known here, but for what is said; `lines` by product id."""
        order = self.order
        asked = order.cancellation_requested if requested is None else requested
        items = []
        for item in order.items.order_by("id"):
            line = ItemData(
                item.external_id, item.product_id, item.quantity, Decimal("20.00"), cancellation_requested=asked
            )
            items.append(replace(line, **lines.get(item.product_id, {})))
        address = AddressData()
        return MarketplaceNews(
            OrderData(order.external_id, status, START, "EUR", Decimal("20.00"), items, address, address)
        )

    def shipped_there(self) -> MarketplaceNews:
        """Its lines say so too, as bol's do."""
        gone = {"MUG": 0, "TEA": 0}
        for part in ItemPart.objects.filter(order_id=self.pk, status="cancelled").select_related("item"):
            gone[part.item.product_id] += part.quantity
        quantities = {item.product_id: item.quantity for item in self.order.items.all()}
        lines = {
            sku: {"quantity_shipped": quantities[sku] - gone[sku], "quantity_cancelled": gone[sku]} for sku in gone
        }
        return self.marketplace(RemoteStatus.SHIPPED, **lines)

    def shop(self, state: ShopState, *items: ParcelItem, code: bool = False) -> ShopNews:
        """Newer than all before; parcels told so far are told again, and a new one with what `code` or `items` say."""
        at = self.at + timedelta(minutes=1)
        parcels = list(self.last_news.update.parcels) if self.last_news else []
        if code or items:
            number = self.number()
            parcels.append(ParcelData(f"p{number}", f"3SABCD{number:0>8}", "PostNL", items=items or None))
        update = OrderUpdate(SHOP_ID, state, at, status_text=state.value, parcels=tuple(parcels))
        return ShopNews(update, f"{at.isoformat()}")

    def ship(self, *items: int) -> ShippedByHand:
        pieces = tuple(Piece(item) for item in items) or None
        return ShippedByHand(self.number(), pieces, tracking_code="3SHAND12345678", transporter="POSTNL")

    def cancel(self, *items: int) -> CancelledByHand:
        return CancelledByHand(self.number(), tuple(Piece(item) for item in items) or None, "out_of_stock")

    # -- decisions ----------------------------------------------------------------------------------
    def shipments(self) -> list[int]:
        return list(Shipment.objects.filter(order_id=self.pk).order_by("number").values_list("pk", flat=True))

    def cancellations(self) -> list[int]:
        return list(Cancellation.objects.filter(order_id=self.pk).order_by("number").values_list("pk", flat=True))

    def notices(self) -> list[int]:
        return list(ShopNotice.objects.filter(order_id=self.pk).order_by("number").values_list("pk", flat=True))

    def told_by_hand(self, model: type[Shipment] | type[Cancellation]) -> list[str]:
        found = model.objects.filter(order_id=self.pk, source_ref__startswith="hand:")
        return [source.removeprefix("hand:") for source in found.values_list("source_ref", flat=True)]


# -- steps: what brings an order into its state -----------------------------------------------------------

Step = Callable[[Bench], Any]


def _shipment(event: Callable[[int], Event]) -> Step:
    """Of the newest one."""
    return lambda bench: bench.happens(event(bench.shipments()[-1]))


def _cancellation(event: Callable[[int], Event]) -> Step:
    return lambda bench: bench.happens(event(bench.cancellations()[-1]))


def in_shop(bench: Bench) -> None:
    bench.happens(events.CreatedInShop(SHOP_ID, "W-77"))
    bench.happens(bench.shop(OPEN))


def orphaned(bench: Bench) -> None:
    delete_order_connection(bench.order.order_connection)


STEPS: dict[str, Step] = {
    "in shop": in_shop,
    "asked": lambda b: b.happens(b.marketplace(requested=True)),
    "asked, unconfirmed": lambda b: b.happens(b.marketplace(RemoteStatus.UNCONFIRMED, requested=True)),
    "asks no more": lambda b: b.happens(b.marketplace(requested=False)),
    "verified again": lambda b: b.happens(b.marketplace(RemoteStatus.UNCONFIRMED)),
    "shipped there": lambda b: b.happens(b.shipped_there()),
    "mug cancelled there": lambda b: b.happens(b.marketplace(MUG={"quantity_cancelled": 1})),
    "cancelled there": lambda b: b.happens(b.marketplace(RemoteStatus.CANCELLED)),
    "completed": lambda b: b.happens(b.shop(COMPLETED)),
    "completed with code": lambda b: b.happens(b.shop(COMPLETED, code=True)),
    "parcel of one tea": lambda b: b.happens(b.shop(OPEN, ParcelItem("TEA", 1))),
    "cancelled in shop": lambda b: b.happens(b.shop(CANCELLED)),
    "time over": lambda b: b.happens(events.WaitOver()),
    "ship": lambda b: b.happens(b.ship()),
    "ship mug": lambda b: b.happens(b.ship(b.mug)),
    "cancel": lambda b: b.happens(b.cancel()),
    "cancel mug": lambda b: b.happens(b.cancel(b.mug)),
    "cancel tea": lambda b: b.happens(b.cancel(b.tea)),
    "accepted": _shipment(events.ShipmentAccepted),
    "confirmed": _shipment(events.ShipmentConfirmed),
    "refused": _shipment(lambda pk: events.ShipmentRefused(pk, "shipment.refused", "no")),
    "cancellation accepted": _cancellation(events.CancellationAccepted),
    "cancellation confirmed": _cancellation(events.CancellationConfirmed),
    "cancellation refused": _cancellation(lambda pk: events.CancellationRefused(pk, "cancellation.refused", "no")),
    "shop not told": lambda b: b.happens(events.ShopNotTold(b.notices()[-1], "no")),
    "failed": lambda b: b.happens(events.Failed("product.not_found", "no MUG")),
    "resent": lambda b: b.happens(events.Resent()),
    "manual": lambda b: b.happens(events.TakenManually()),
    "orphaned": orphaned,
}

# Ways to be in each state, as steps. Three words in front: "unconfirmed" and "theirs" (shipped by the marketplace)
# say how the order began, otherwise it is open; all but "asked, unconfirmed" are joined by "; ".
SITUATIONS: dict[OrderStatus, tuple[str, ...]] = {
    O.AWAITING_CONFIRMATION: (
        "unconfirmed",
        "unconfirmed; in shop; asked, unconfirmed",
        "ship; refused; verified again",
        "cancel; cancellation refused; verified again",
        "ship; refused; verified again; resent",
        "ship; refused; verified again; resent; accepted",
        "cancel; cancellation refused; verified again; resent",
    ),
    O.NOT_SHIPPED: (
        "",
        "in shop",
        "failed",
        "theirs; in shop",
        "in shop; completed with code; refused",
        "in shop; ship; refused",
        "in shop; cancel; cancellation refused",
        "in shop; cancelled in shop; cancellation refused",
        "in shop; asked; asks no more; shop not told",
        "in shop; orphaned",
    ),
    O.WAITING: (
        "in shop; completed",
        "in shop; completed; completed with code; refused",
        "in shop; completed; ship; refused",
        "in shop; completed; cancel; cancellation refused",
        "in shop; completed; asked; asks no more",
        "in shop; completed; time over; refused",
    ),
    O.PENDING_SHIPMENT: (
        "ship",
        "in shop; completed with code",
        "in shop; completed; completed with code",
        "in shop; asked; completed with code",
        "in shop; cancel tea; cancellation confirmed; ship",
        "in shop; cancel tea; ship",
        "in shop; ship mug; confirmed; ship",
        "in shop; ship mug; accepted; ship",
    ),
    O.PROCESSING: (
        "ship; accepted",
        "in shop; completed with code; accepted",
        "in shop; completed; completed with code; accepted",
        "in shop; asked; completed with code; accepted",
        "in shop; cancel tea; cancellation confirmed; ship; accepted",
        "in shop; cancel tea; ship; accepted",
        "in shop; ship mug; confirmed; ship; accepted",
        "in shop; ship mug; accepted; ship; accepted",
    ),
    O.SHIPPED: (
        "shipped there",
        "in shop; completed with code; confirmed",
        "in shop; shipped there",
        "in shop; cancel tea; cancellation confirmed; ship; confirmed",
        "in shop; completed with code; shipped there",
        "in shop; cancel; shipped there",
        "in shop; manual; shipped there",
        "in shop; completed with code; refused; shipped there",
        "in shop; ship mug; mug cancelled there; shipped there",
    ),
    O.PARTIAL: (
        "ship mug",
        "in shop; parcel of one tea",
        "in shop; parcel of one tea; accepted",
        "in shop; parcel of one tea; confirmed",
        "in shop; parcel of one tea; cancel mug",
        "in shop; cancel tea",
        "in shop; cancel tea; cancellation confirmed",
        "in shop; completed; cancel tea",
        "in shop; completed; ship mug",
        "in shop; completed; ship mug; confirmed",
        "in shop; ship mug; confirmed; ship; refused",
        "in shop; ship mug; confirmed; cancel; cancellation refused",
        "in shop; ship mug; confirmed; parcel of one tea",
        "in shop; cancel tea; asked; asks no more",
    ),
    O.PENDING_CANCELLATION: (
        "cancel",
        "in shop; cancel",
        "in shop; cancelled in shop",
        "in shop; completed; cancel",
        "in shop; asked; cancel",
        "in shop; manual; cancel",
        "in shop; ship mug; confirmed; cancel",
        "in shop; cancel; cancellation accepted",
        "in shop; cancel tea; cancellation confirmed; cancel mug",
        "in shop; cancel tea; cancel mug",
        "in shop; completed with code; refused; cancel",
        "unconfirmed; manual; cancel",
    ),
    O.CANCELLED: (
        "cancelled there",
        "in shop; cancelled there",
        "in shop; cancelled there; shop not told",
        "in shop; cancel; cancellation confirmed",
        "in shop; cancel; cancelled there",
        "in shop; completed with code; cancelled there",
        "in shop; ship; cancelled there",
        "in shop; cancel; cancellation refused; cancelled there",
    ),
    O.CANCELLATION_REQUEST: (
        "asked",
        "in shop; asked",
        "in shop; completed; asked",
        "in shop; asked; completed with code; refused",
        "in shop; asked; cancel; cancellation refused",
        "in shop; asked; cancel mug",
        "in shop; ship mug; asked",
        "in shop; ship mug; accepted; asked",
        "in shop; ship mug; confirmed; asked",
        "in shop; cancel tea; cancellation confirmed; asked",
    ),
    O.MANUAL: (
        "manual",
        "unconfirmed; manual",
        "in shop; manual",
        "in shop; completed; manual",
        "in shop; asked; manual",
        "in shop; completed with code; manual",
        "in shop; completed with code; accepted; manual",
        "in shop; completed with code; refused; manual",
        "in shop; cancel; cancellation refused; manual",
        "in shop; cancel tea; cancellation accepted; manual",
        "in shop; cancel tea; cancellation confirmed; manual",
        "in shop; ship mug; accepted; manual",
        "in shop; ship mug; confirmed; manual",
    ),
}


def bring_about(project: Any, situation: str) -> Bench:
    steps = [step for step in situation.split("; ") if step]
    status, fulfilment_type = O.NOT_SHIPPED, "merchant"
    if steps and steps[0] == "unconfirmed":
        status = O.AWAITING_CONFIRMATION
    if steps and steps[0] == "theirs":
        fulfilment_type = "marketplace"
    bench = Bench(project, status=status, fulfilment_type=fulfilment_type)
    for step in steps:
        if step in STEPS:
            STEPS[step](bench)
        elif step not in ("unconfirmed", "theirs"):
            raise KeyError(step)
    return bench


# -- tellings: what may happen then ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Told:
    """What is applied. `before`: something that happens first, and isn't looked at."""

    event: Event
    before: Event | None = None
    at: datetime | None = None


Telling = Callable[[Bench], Iterator[Told]]


def _one(make: Callable[[Bench], Event]) -> Telling:
    def tell(bench: Bench) -> Iterator[Told]:
        yield Told(make(bench))

    return tell


def _news(make: Callable[[Bench], Event]) -> Telling:
    """Of the shop: only of orders that are there."""

    def tell(bench: Bench) -> Iterator[Told]:
        if bench.order.shop_order_id:
            yield Told(make(bench))

    return tell


def _same_news(bench: Bench) -> Iterator[Told]:
    if bench.last_news:
        yield Told(bench.last_news, at=bench.last_news.update.updated_at)


def _older_news(bench: Bench) -> Iterator[Told]:
    if bench.last_news:
        update = replace(bench.last_news.update, updated_at=START - timedelta(hours=1), state=CANCELLED)
        yield Told(ShopNews(update, "older"))


def _each(found: Callable[[Bench], list[int]], make: Callable[[int], Event], *, twice: bool = False) -> Telling:
    """Of each decision; `twice`: looked at when it is told the second time."""

    def tell(bench: Bench) -> Iterator[Told]:
        for pk in found(bench):
            yield Told(make(pk), events.ShopTold(pk) if twice else None)

    return tell


def _once_more(model: type[Shipment] | type[Cancellation], make: Callable[[str], Event]) -> Telling:
    def tell(bench: Bench) -> Iterator[Told]:
        for once in bench.told_by_hand(model):
            yield Told(make(once))

    return tell


def _more_teas(bench: Bench, difference: int) -> Event:
    return bench.marketplace(TEA={"quantity": 3 + difference})


S, C, N = Bench.shipments, Bench.cancellations, Bench.notices
TELLINGS: dict[tuple[type, str], Telling] = {
    (MarketplaceNews, "open, and nobody asks to cancel"): _one(lambda b: b.marketplace(requested=False)),
    (MarketplaceNews, "verified again"): _one(lambda b: b.marketplace(RemoteStatus.UNCONFIRMED)),
    (MarketplaceNews, "the buyer asks to cancel"): _one(lambda b: b.marketplace(requested=True)),
    (MarketplaceNews, "a part was shipped there"): _one(lambda b: b.marketplace(MUG={"quantity_shipped": 1})),
    (MarketplaceNews, "a part was cancelled there"): _one(lambda b: b.marketplace(MUG={"quantity_cancelled": 1})),
    (MarketplaceNews, "shipped"): _one(Bench.shipped_there),
    (MarketplaceNews, "cancelled"): _one(lambda b: b.marketplace(RemoteStatus.CANCELLED)),
    (MarketplaceNews, "more of an item is ordered"): _one(lambda b: _more_teas(b, 1)),
    (MarketplaceNews, "less of an item is ordered"): _one(lambda b: _more_teas(b, -1)),
    (events.CreatedInShop, ""): _one(lambda b: events.CreatedInShop("78", "W-78", adopted=True)),
    (ShopNews, "open"): _news(lambda b: b.shop(OPEN)),
    (ShopNews, "completed, with a code for all that is open"): _news(lambda b: b.shop(COMPLETED, code=True)),
    (ShopNews, "completed, without a code"): _news(lambda b: b.shop(COMPLETED)),
    (ShopNews, "a parcel with a part of it"): _news(lambda b: b.shop(OPEN, ParcelItem("MUG", 1))),
    (ShopNews, "cancelled"): _news(lambda b: b.shop(CANCELLED)),
    (ShopNews, "the same once more"): _same_news,
    (ShopNews, "older than what we hold"): _older_news,
    (events.WaitOver, ""): _one(lambda b: events.WaitOver()),
    (events.ShopTold, ""): _each(N, events.ShopTold),
    (events.ShopTold, "told before"): _each(N, events.ShopTold, twice=True),
    (events.ShopNotTold, ""): _each(N, lambda pk: events.ShopNotTold(pk, "gone")),
    (events.ShopNotTold, "told before"): _each(N, lambda pk: events.ShopNotTold(pk, "gone"), twice=True),
    (ShippedByHand, "all that is open"): _one(Bench.ship),
    (ShippedByHand, "a part"): _one(lambda b: b.ship(b.mug)),
    (ShippedByHand, "the same once more"): _once_more(Shipment, ShippedByHand),
    (CancelledByHand, "all that is open"): _one(Bench.cancel),
    (CancelledByHand, "a part"): _one(lambda b: b.cancel(b.mug)),
    (CancelledByHand, "the same once more"): _once_more(Cancellation, CancelledByHand),
    (events.TakenManually, ""): _one(lambda b: events.TakenManually()),
    (events.Resent, ""): _one(lambda b: events.Resent()),
    (events.ProductLinked, ""): _one(lambda b: events.ProductLinked("MUG", "CUP-7")),
    (events.ShipmentAccepted, ""): _each(S, events.ShipmentAccepted),
    (events.ShipmentConfirmed, ""): _each(S, events.ShipmentConfirmed),
    (events.ShipmentRefused, ""): _each(S, lambda pk: events.ShipmentRefused(pk, "shipment.refused", "late")),
    (events.CancellationAccepted, ""): _each(C, events.CancellationAccepted),
    (events.CancellationConfirmed, ""): _each(C, events.CancellationConfirmed),
    (events.CancellationRefused, ""): _each(
        C, lambda pk: events.CancellationRefused(pk, "cancellation.refused", "late")
    ),
    (events.Failed, ""): _one(lambda b: events.Failed("connector.refused", "no")),
    (events.Orphaned, ""): _one(lambda b: events.Orphaned()),
    (events.Adopted, ""): _one(lambda b: events.Adopted(b.order.order_connection_id)),
}
