"""What can happen to an order. Facts only; `rules/` says what follows from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from channable.tenants.models import User
from connections.connectors.types import OrderData, OrderUpdate, ReturnData, ReturnVerdict
from orders.models import Actor


@dataclass(frozen=True, slots=True)
class Cause:
    """Who caused an event, and when it happened there. `now` is the moment of the run that tells."""

    actor: Actor
    occurred_at: datetime
    now: datetime
    run_id: int | None = None
    message_id: int | None = None
    user: User | None = None


@dataclass(frozen=True, slots=True)
class MarketplaceNews:
    """The marketplace tells the order's present state."""

    data: OrderData


@dataclass(frozen=True, slots=True)
class CreatedInShop:
    shop_order_id: str
    number: str = ""
    notes: tuple[str, ...] = ()
    adopted: bool = False  # found there by our reference, made by an earlier attempt
    matches: Mapping[str, str] = field(default_factory=dict)  # product id -> what it was found by in the shop


@dataclass(frozen=True, slots=True)
class ShopNews:
    """The shop tells the order's present state. `version` is the one of its record."""

    update: OrderUpdate
    version: str


@dataclass(frozen=True, slots=True)
class WaitOver:
    """The time to wait for a tracking code is over."""


@dataclass(frozen=True, slots=True)
class Piece:
    """How much of an item; None: all of it that is open."""

    item_id: int
    quantity: int | None = None


@dataclass(frozen=True, slots=True)
class ShippedByHand:
    """A person or an API client tells a shipment. `pieces` None: all that is open.

    `once` makes telling it again harmless. `transporter` is a unified code or any text.
    """

    once: str
    pieces: tuple[Piece, ...] | None = None
    tracking_code: str = ""
    transporter: str = ""
    tracking_url: str = ""
    return_tracking_code: str = ""
    return_transporter: str = ""
    delivery_bill_id: str = ""


@dataclass(frozen=True, slots=True)
class CancelledByHand:
    """A person or an API client cancels as the seller. `reason` is a CancellationReason, "" = none given."""

    once: str
    pieces: tuple[Piece, ...] | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ShipmentAccepted:
    shipment_id: int


@dataclass(frozen=True, slots=True)
class ShipmentConfirmed:
    shipment_id: int
    remote_id: str = ""
    adopted: bool = False


@dataclass(frozen=True, slots=True)
class ShipmentRefused:
    shipment_id: int
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class CancellationAccepted:
    cancellation_id: int


@dataclass(frozen=True, slots=True)
class CancellationConfirmed:
    cancellation_id: int
    remote_id: str = ""
    adopted: bool = False


@dataclass(frozen=True, slots=True)
class CancellationRefused:
    cancellation_id: int
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class ShopTold:
    """A notice stands at the shop's order."""

    notice_id: int
    remote_id: str = ""


@dataclass(frozen=True, slots=True)
class ShopNotTold:
    notice_id: int
    detail: str


@dataclass(frozen=True, slots=True)
class ReturnNews:
    """The marketplace tells a return's line, with all that was decided about it. `version` is its record's."""

    data: ReturnData
    version: str = ""


@dataclass(frozen=True, slots=True)
class ReturnGone:
    """The marketplace knows the return no more."""

    return_pk: int


@dataclass(frozen=True, slots=True)
class ReturnDecided:
    """A person or an API client decides about a return; `quantity` None: all of it that is open."""

    once: str
    return_pk: int
    verdict: ReturnVerdict
    quantity: int | None = None


@dataclass(frozen=True, slots=True)
class ReturnReported:
    """The seller tells of a return that the marketplace doesn't know yet."""

    once: str
    item_id: int
    quantity: int
    verdict: ReturnVerdict = ReturnVerdict.ACCEPTED
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ReturnTakenManually:
    """A person sees to the return outside of this tool."""

    return_pk: int


@dataclass(frozen=True, slots=True)
class RefundResent:
    """A person wants a refund that the shop refused to be written down again."""

    return_pk: int


@dataclass(frozen=True, slots=True)
class ReturnAccepted:
    """The marketplace took the decision; its final answer follows."""

    decision_id: int


@dataclass(frozen=True, slots=True)
class ReturnConfirmed:
    decision_id: int
    remote_id: str = ""
    adopted: bool = False


@dataclass(frozen=True, slots=True)
class ReturnRefused:
    decision_id: int
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class RefundedInShop:
    decision_id: int
    remote_id: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NotRefundedInShop:
    decision_id: int
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Failed:
    """A step failed; the order keeps its status and carries the error."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class TakenManually:
    """A person takes the order out of automatic handling."""


@dataclass(frozen=True, slots=True)
class ProductLinked:
    """A person says which product of the shop is meant; the order waited for that."""

    product_id: str
    shop_product_id: str


@dataclass(frozen=True, slots=True)
class Resent:
    """A person wants what failed to be tried again."""


@dataclass(frozen=True, slots=True)
class Orphaned:
    """Its order connection was removed."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """Another order connection goes on with an orphan."""

    order_connection_id: int


@dataclass(frozen=True, slots=True)
class AttachmentStored:
    """A file of the order is in the storage now."""

    attachment_id: int


@dataclass(frozen=True, slots=True)
class AttachmentRemoved:
    """A person does not want it any more."""

    attachment_id: int


@dataclass(frozen=True, slots=True)
class InvoiceAccepted:
    """`receipt` is the marketplace's ticket."""

    attachment_id: int
    receipt: str = ""


@dataclass(frozen=True, slots=True)
class InvoiceConfirmed:
    attachment_id: int
    receipt: str = ""
    adopted: bool = False


@dataclass(frozen=True, slots=True)
class InvoiceRefused:
    attachment_id: int
    detail: str


@dataclass(frozen=True, slots=True)
class LabelFetched:
    """Its label is stored, or (`remote_id` "") there is none to be had."""

    attachment_id: int
    remote_id: str = ""


Event = (
    MarketplaceNews
    | CreatedInShop
    | ShopNews
    | WaitOver
    | ShippedByHand
    | CancelledByHand
    | ShipmentAccepted
    | ShipmentConfirmed
    | ShipmentRefused
    | CancellationAccepted
    | CancellationConfirmed
    | CancellationRefused
    | ShopTold
    | ShopNotTold
    | ReturnNews
    | ReturnGone
    | ReturnDecided
    | ReturnReported
    | ReturnTakenManually
    | RefundResent
    | ReturnAccepted
    | ReturnConfirmed
    | ReturnRefused
    | RefundedInShop
    | NotRefundedInShop
    | Failed
    | TakenManually
    | ProductLinked
    | Resent
    | Orphaned
    | Adopted
    | AttachmentStored
    | AttachmentRemoved
    | InvoiceAccepted
    | InvoiceConfirmed
    | InvoiceRefused
    | LabelFetched
)
