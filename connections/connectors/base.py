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
    NoticeData,
    OrderData,
    OrderUpdate,
    Outcome,
    Page,
    Receipt,
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
