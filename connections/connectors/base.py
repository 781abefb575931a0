"""The contract between the engine and a remote system.

A connector knows one remote and nothing of orders' states, tenants or the database. It gets the
account's credentials and settings, a token store shared by all workers, and an HTTP client that
guards addresses, caps time and size and turns failures into the five errors (`errors.py`).

Fetching (network) and parsing (pure) are apart, so that one broken order never hides the others and
a stored payload can be parsed again. Idempotency is the engine's: a connector offers a write that
carries our reference and a look-up that finds it again, and never retries a write itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Protocol

from .types import (
    JSON,
    AccountInfo,
    CancellationData,
    Found,
    InvoiceData,
    LabelData,
    NoticeData,
    OrderData,
    OrderUpdate,
    Outcome,
    Page,
    Receipt,
    RefundData,
    ReturnData,
    ReturnDecisionData,
    ReturnVerdict,
    ShipmentData,
    ShopOptions,
    StreamSpec,
)

if TYPE_CHECKING:
    from .http import HttpClient


@dataclass(frozen=True, slots=True)
class Field:
    """One credential or setting that a person fills in."""

    name: str
    label: str
    help: str = ""
    is_secret: bool = False
    is_required: bool = True
    default: str = ""
    choices: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the remote can do. Methods behind a False flag are never called."""

    cancels_orders: bool = False
    cancels_partially: bool = False  # some lines and not the others
    cancels_quantities: bool = False  # some pieces of a line
    ships_partially: bool = True
    requires_tracking: bool = False  # a shipment without a code is refused
    requires_return_tracking: bool = False  # one without the code of the return label is refused
    takes_delivery_note: bool = False  # the number of the delivery note is of use to it
    takes_notices: bool = False  # a shop: `tell` and `find_notice` work
    takes_refunds: bool = False  # a shop: `refund` and `find_refund` work
    return_verdicts: frozenset[ReturnVerdict] = frozenset()  # what the seller may decide about a return there
    decides_partial_returns: bool = False  # some pieces of a line of a return
    reports_returns: bool = False  # the seller tells the marketplace of returns, not the other way round
    takes_invoices: bool = False  # a marketplace: `upload_invoice` and `find_invoice` work
    invoices_follow_shipment: bool = False  # it takes an invoice only for what is shipped
    gives_labels: bool = False  # a marketplace: `fetch_label` works
    lists_orders: bool = False  # `orders_since` works: what is there can be compared with what is here
    # How long after a write its look-up may still miss it.
    index_delay_seconds: int = 30
    # How long the remote may go on executing after we hung up; no look-up before that.
    works_on_seconds: int = 90


@dataclass(frozen=True, slots=True)
class Token:
    value: str = field(repr=False)
    expires_at: datetime


class TokenStore(Protocol):
    """Access tokens shared by all workers of one account."""

    def current(self) -> Token | None:
        """The stored token if it is still good for a minute, else None."""

    def renew(self, request: Callable[[], Token], *, rejected: str = "") -> Token:
        """Get a new token with `request` and store it; only one worker does so at a time.

        `rejected` is a token value the remote just refused; it is not handed out again.
        """


@dataclass(frozen=True, slots=True)
class Account:
    """What a connector is told about the account it talks to."""

    credentials: Mapping[str, str] = field(repr=False)
    tokens: TokenStore
    settings: Mapping[str, str] = field(default_factory=dict)


class Connector:
    """What both sides share. Streams are named "topic" or "topic:detail"."""

    kind: ClassVar[str]  # slug; the public API's channel_name or platform_name
    label: ClassVar[str]
    role: ClassVar[str]  # "marketplace" or "platform"
    api_version: ClassVar[str]
    credential_fields: ClassVar[Sequence[Field]] = ()
    setting_fields: ClassVar[Sequence[Field]] = ()
    capabilities: ClassVar[Capabilities] = Capabilities()

    def __init__(self, account: Account, http: HttpClient) -> None:
        self.account = account
        self.http = http

    def check(self) -> AccountInfo:
        """Who we are there. Raises AuthError with a clear detail if the credentials don't work."""
        raise NotImplementedError

    def streams(self) -> Sequence[StreamSpec]:
        raise NotImplementedError

    def fetch(self, stream: str, cursor: str) -> Iterator[Page]:
        """Pages of records changed since `cursor` ("" = everything that matters, from the start),
        overlapping the former read by at least ten minutes."""
        raise NotImplementedError

    def fetch_one(self, stream: str, external_id: str) -> JSON:
        """The whole record, where lists are reduced; also used to read one again.
        Raises DataError with code "order.gone" if the remote no longer has it."""
        raise NotImplementedError

    def orders_since(self, since: datetime) -> Iterator[Page]:
        """Every order that is open or changed since then, whatever was read before; cursors are "". At a marketplace
        `raw` may be None, as in `fetch`; a shop's says at least state, number and reference when it is parsed."""
        raise NotImplementedError

    def follow_up(self, tickets: Sequence[str]) -> Iterator[Outcome]:
        """What became of writes answered with Pending; one Outcome per ticket."""
        raise NotImplementedError

    def web_address(self, external_id: str) -> str:
        """Where a person sees this order at the remote; "" if there is no such page."""
        return ""


class MarketplaceConnector(Connector):
    """Orders come from here; shipments and cancellations go back."""

    role = "marketplace"
    # Added to the number of orders that the marketplace ships itself, so that shops see the difference.
    fulfilled_suffix: ClassVar[str] = ""
    label_type: ClassVar[str] = ""  # what the public API calls its labels (`attachment_type`)

    def parse_order(self, raw: JSON) -> OrderData:
        """Pure. Raises DataError naming the missing or unknown field; never guesses."""
        raise NotImplementedError

    def confirm_shipment(self, order_ref: str, shipment: ShipmentData, *, key: str) -> Receipt:
        """Tell the marketplace that these items were shipped. `order_ref` is OrderData.external_id;
        `key` is our reference for this shipment (at most 90 characters)."""
        raise NotImplementedError

    def find_shipment(self, order_ref: str, shipment: ShipmentData, *, key: str, since: datetime) -> Receipt | None:
        """The shipment that an earlier `confirm_shipment` may have made, or None if surely absent."""
        raise NotImplementedError

    def cancel_order(self, order_ref: str, cancellation: CancellationData, *, key: str) -> Receipt:
        """Cancel these items as the seller. Items already cancelled there are passed over."""
        raise NotImplementedError

    def find_cancellation(
        self, order_ref: str, cancellation: CancellationData, *, key: str, since: datetime
    ) -> Receipt | None:
        """Done if every item is cancelled there, Pending if on its way, None if any is still open."""
        raise NotImplementedError

    def parse_returns(self, raw: JSON) -> Sequence[ReturnData]:
        """The lines of one record of a stream with the topic "returns". Pure. Raises DataError."""
        raise NotImplementedError

    def decide_return(self, order_ref: str, decision: ReturnDecisionData, *, key: str) -> Receipt:
        """Tell the marketplace what becomes of a return, or a part of it."""
        raise NotImplementedError

    def find_return_decision(
        self, order_ref: str, decision: ReturnDecisionData, *, key: str, since: datetime
    ) -> Receipt | None:
        """The decision that an earlier `decide_return` may have left, or None if surely absent."""
        raise NotImplementedError

    def report_return(self, order_ref: str, decision: ReturnDecisionData, *, key: str) -> Receipt:
        """Tell the marketplace of a return that it does not know yet; `external_id` and `return_id` are ""."""
        raise NotImplementedError

    def find_reported_return(
        self, order_ref: str, decision: ReturnDecisionData, *, key: str, since: datetime
    ) -> Receipt | None:
        """The return that an earlier `report_return` may have made, or None if surely absent."""
        raise NotImplementedError

    def upload_invoice(self, order_ref: str, invoice: InvoiceData, *, key: str) -> Receipt:
        """Hand the buyer's invoice to the marketplace. Where a part of it is there already it is passed over."""
        raise NotImplementedError

    def find_invoice(self, order_ref: str, invoice: InvoiceData, *, key: str, since: datetime) -> Receipt | None:
        """The invoice that an earlier `upload_invoice` may have left, or None if it is absent, or not whole."""
        raise NotImplementedError

    def fetch_label(self, order_ref: str, having: Sequence[str]) -> LabelData | None:
        """A shipping label of the order that is not one of `having` (ids); None if there is no other."""
        raise NotImplementedError


class PlatformConnector(Connector):
    """Orders are created here; their fulfilment comes back."""

    role = "platform"

    def parse_update(self, raw: JSON) -> OrderUpdate:
        """Pure. Raises DataError naming the missing or unknown field; never guesses."""
        raise NotImplementedError

    def create_order(self, order: OrderData, *, key: str, options: ShopOptions, found: Found | None = None) -> Receipt:
        """Create the order with our reference `key`; may be several calls. With `found` (half made)
        go on from there. Raises DataError if the shop refuses; nothing is left behind then."""
        raise NotImplementedError

    def find_order(self, key: str, *, since: datetime) -> Found | None:
        """The order carrying our reference, or None if surely absent. `since` is the first attempt,
        for shops that can only list."""
        raise NotImplementedError

    def tell(self, order_id: str, notice: NoticeData, *, key: str) -> Receipt:
        """Put a note that carries `key` to the shop's order, for its staff and not for the buyer, and hold or
        release the order where the shop can. An order that is completed or cancelled there gets the note alone.
        Raises DataError with code "order.gone" if the shop has it no more."""
        raise NotImplementedError

    def find_notice(self, order_id: str, notice: NoticeData, *, key: str, since: datetime) -> Receipt | None:
        """The notice that an earlier `tell` may have left, or None if it is surely absent or half made."""
        raise NotImplementedError

    def refund(self, order_id: str, refund: RefundData, *, key: str) -> Receipt:
        """Write down, with our reference `key`, what the buyer got back; no money is moved by it. Raises DataError
        "order.gone", or "refund.refused" where the shop has less of it left to refund."""
        raise NotImplementedError

    def find_refund(self, order_id: str, refund: RefundData, *, key: str, since: datetime) -> Receipt | None:
        """The refund that an earlier `refund` may have made, or None if it is surely absent."""
        raise NotImplementedError
