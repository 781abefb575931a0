"""What of an order differs between the marketplace, the shop and us. Pure: rows and answers in, findings out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from connections.connectors.types import FulfilmentType, OrderData, OrderUpdate, RemoteStatus, ShopState
from orders.states import CLOSED, OrderStatus

MISSING_HERE = "reconcile.missing_here"
GONE_THERE = "reconcile.gone_there"
CLOSED_THERE = "reconcile.closed_there"
NOT_SHIPPED_THERE = "reconcile.not_shipped_there"
NOT_CANCELLED_THERE = "reconcile.not_cancelled_there"
OTHER_END = "reconcile.other_end"
QUANTITIES = "reconcile.quantities"
NOT_IN_SHOP = "reconcile.not_in_shop"
GONE_IN_SHOP = "reconcile.gone_in_shop"
DOUBLED_IN_SHOP = "reconcile.doubled_in_shop"
NOT_TOLD = "reconcile.not_told"
CANCELLED_IN_SHOP = "reconcile.cancelled_in_shop"

ENDS = {RemoteStatus.SHIPPED: OrderStatus.SHIPPED, RemoteStatus.CANCELLED: OrderStatus.CANCELLED}


@dataclass(frozen=True, slots=True)
class Difference:
    code: str
    external_id: str
    detail: str  # without personal data
    order_id: int | None = None


@dataclass(frozen=True, slots=True)
class Ours:
    """An order as we hold it. Quantities by the marketplace's id of the line."""

    pk: int
    external_id: str
    reference: str
    status: str
    error_code: str
    fulfilment_type: str
    shop_order_id: str
    is_confirmed: bool
    is_manual: bool
    modified_at: datetime
    shipped: Counter[str] = field(default_factory=Counter)
    cancelled: Counter[str] = field(default_factory=Counter)
    untouched: Counter[str] = field(default_factory=Counter)  # nothing was decided, and it waits for no code

    @property
    def is_closed(self) -> bool:
        return self.status in CLOSED

    @property
    def is_followed(self) -> bool:
        """Whether the shop's word counts: not manual, not unconfirmed, nor with an error that is shown already."""
        is_ours = self.fulfilment_type != FulfilmentType.MARKETPLACE
        return is_ours and self.is_confirmed and not self.is_manual and not self.error_code

    def differs(self, code: str, detail: str) -> Difference:
        return Difference(code, self.external_id, detail, self.pk)


def at_marketplace(ours: Ours, there: OrderData | None) -> Iterator[Difference]:
    """`there` None: the marketplace has it no more."""
    if there is None:
        if not ours.is_closed:
            yield ours.differs(GONE_THERE, f"Here it is {ours.status}; the marketplace has no such order.")
        return
    end = ENDS.get(there.remote_status)
    if end and not ours.is_closed:
        yield ours.differs(CLOSED_THERE, f"There it is {end.value}, here {ours.status}.")
    elif end and ours.status != end:
        yield ours.differs(OTHER_END, f"There it is {end.value}, here {ours.status}.")
    elif not end and ours.is_closed:
        code = NOT_SHIPPED_THERE if ours.status == OrderStatus.SHIPPED else NOT_CANCELLED_THERE
        yield ours.differs(code, f"Here it is {ours.status}, there {there.remote_status.value}.")
    elif words := "; ".join(_other_quantities(ours, there)):
        yield ours.differs(QUANTITIES, words)


def _other_quantities(ours: Ours, there: OrderData) -> Iterator[str]:
    for line in there.items:
        pairs = (
            ("shipped", line.quantity_shipped, ours.shipped[line.external_id]),
            ("cancelled", line.quantity_cancelled, ours.cancelled[line.external_id]),
        )
        for what, theirs, mine in pairs:
            if theirs != mine:
                yield f"Of {line.product_id} {theirs} {what} there, {mine} here"


def in_shop(ours: Ours, there: OrderUpdate | None, alike: Sequence[OrderUpdate]) -> Iterator[Difference]:
    """`there` None: the shop has it no more. `alike`: orders of the shop that carry our reference."""
    if not ours.shop_order_id:
        if ours.is_followed and ours.untouched and not ours.is_closed:
            found = f" One with our reference stands there as {alike[0].external_id}." if alike else ""
            yield ours.differs(NOT_IN_SHOP, f"It is {ours.status} and nothing is on its way to the shop.{found}")
        return
    if there is None:
        if not ours.is_closed:
            yield ours.differs(GONE_IN_SHOP, f"The shop has no order {ours.shop_order_id} any more.")
        return
    others = [one.external_id for one in alike if one.external_id != ours.shop_order_id and is_alive(one)]
    if others:
        yield ours.differs(DOUBLED_IN_SHOP, f"Order {ours.shop_order_id} stands there again as {', '.join(others)}.")
    if not ours.is_followed or not ours.untouched:
        return
    if there.state == ShopState.COMPLETED:
        yield ours.differs(NOT_TOLD, f"Completed in the shop ({there.status_text}), here it is {ours.status}.")
    elif there.state == ShopState.CANCELLED:
        yield ours.differs(CANCELLED_IN_SHOP, f"Cancelled in the shop ({there.status_text}), here {ours.status}.")


def is_alive(update: OrderUpdate) -> bool:
    return update.state != ShopState.CANCELLED
