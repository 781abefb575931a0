"""The values that cross between a remote system and us. Plain data: no Django, no I/O.

Moments are aware UTC datetimes. Amounts are Decimals in the order's currency with VAT included,
unless a name says otherwise. Unknown text is "", an unknown optional amount is None.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

JSON = Any  # what json.loads returns, numbers with a fraction as Decimal


class RemoteStatus(StrEnum):
    """What the marketplace itself says of an order."""

    UNCONFIRMED = "unconfirmed"  # still verified there (payment, remorse period); nothing may go to the shop
    OPEN = "open"  # to be shipped
    SHIPPED = "shipped"  # nothing is open there any more, at least one item was shipped
    CANCELLED = "cancelled"  # every item was cancelled there


class FulfilmentType(StrEnum):
    MERCHANT = "merchant"
    MARKETPLACE = "marketplace"


class ShopState(StrEnum):
    """What the shop says of an order, after the connection's status mapping."""

    OPEN = "open"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class CancellationReason(StrEnum):
    """Why the seller cancels. Marketplaces know more reasons or fewer; connectors choose the nearest."""

    CUSTOMER_REQUEST = "customer_request"
    OUT_OF_STOCK = "out_of_stock"
    BAD_CONDITION = "bad_condition"
    WRONG_PRICE = "wrong_price"
    SHIPPING_COST = "shipping_cost"
    TOO_LATE = "too_late"
    ORDERED_TWICE = "ordered_twice"
    OTHER = "other"


class ReturnVerdict(StrEnum):
    """What is decided about goods that come back. `refunds_buyer` says whose money it is."""

    ACCEPTED = "accepted"  # taken back and paid back
    REJECTED = "rejected"  # does not meet the conditions
    REPAIRED = "repaired"
    KEEPS = "keeps"  # the buyer keeps it and is paid back
    EXCHANGED = "exchanged"
    CANCELLED = "cancelled"  # nothing comes back after all

    @property
    def refunds_buyer(self) -> bool:
        return self in (ReturnVerdict.ACCEPTED, ReturnVerdict.KEEPS)


class OutcomeState(StrEnum):
    """What became of a write that the remote answers later."""

    DONE = "done"
    REFUSED = "refused"
    PENDING = "pending"
    GONE = "gone"  # the remote no longer knows (or gave up): read the truth and decide again


@dataclass(frozen=True, slots=True)
class AccountInfo:
    """Who the credentials belong to. `account_id` is the remote's own id of the account, or where it
    has none the shop's address or a hash of the client id: stable for as long as the account lives."""

    account_id: str
    name: str
    country_code: str = ""
    currency: str = ""
    scopes: Sequence[str] = ()
    notes: Sequence[str] = ()  # things worth knowing that are not errors, in plain words


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """One thing to poll. `topic` says what its records are (orders, updates, …) and so who handles them."""

    name: str
    topic: str
    period_seconds: int = 300  # slower only where the remote wants it
    fulfilment_type: FulfilmentType | None = None  # only for order connections of this type; None: for all
    lists_open_only: bool = False  # what is settled leaves its lists: it is asked for by itself


@dataclass(frozen=True, slots=True)
class Record:
    """One element of a page.

    `version` changes whenever anything that matters changed; "" means: compare a hash of `raw`.
    `raw` is None where the list is reduced and `fetch_one` must be asked for the whole record.
    `ordered_at` lets orders from before the start date be passed over without asking for them.
    """

    external_id: str
    version: str = ""
    raw: JSON = None
    ordered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """`cursor` is where to go on once this page is stored; opaque to everybody but the connector."""

    records: Sequence[Record]
    cursor: str


@dataclass(frozen=True, slots=True)
class AddressData:
    first_name: str = ""
    middle_name: str = ""
    last_name: str = ""
    company: str = ""
    email: str = ""
    phone: str = ""
    street: str = ""
    house_number: str = ""
    house_number_suffix: str = ""
    supplement: str = ""
    postcode: str = ""
    city: str = ""
    region: str = ""
    region_code: str = ""
    country_code: str = ""  # ISO 3166-1 alpha-2
    vat_number: str = ""  # billing only
    tax_id_number: str = ""  # billing only
    pickup_point_name: str = ""  # shipping only
    shipping_center_id: str = ""  # shipping only

    @property
    def name(self) -> str:
        return " ".join(part for part in (self.first_name, self.middle_name, self.last_name) if part)

    @property
    def line1(self) -> str:
        return " ".join(part for part in (self.street, self.house_number, self.house_number_suffix) if part)


@dataclass(frozen=True, slots=True)
class CustomerData:
    first_name: str = ""
    middle_name: str = ""
    last_name: str = ""
    company: str = ""
    email: str = ""
    phone: str = ""
    mobile: str = ""
    gender: str = "unknown"  # male, female, unknown
    channel_customer_id: str = ""
    is_business: bool = False


@dataclass(frozen=True, slots=True)
class ItemData:
    """One order line. Amounts are per unit, except `discount`, which is for the whole line."""

    external_id: str  # the marketplace's id of the line
    product_id: str  # the merchant's own product id (SKU): what the shop is asked for
    quantity: int
    unit_price: Decimal
    title: str = ""
    ean: str = ""
    article_number: str = ""
    reference_code: str = ""
    channel_product_id: str = ""
    shipping: Decimal = Decimal(0)
    discount: Decimal = Decimal(0)
    commission: Decimal = Decimal(0)
    price_tax: Decimal | None = None
    shipping_tax: Decimal | None = None
    delivery_period: str = ""
    gift_message: str = ""
    quantity_shipped: int = 0  # as the marketplace says
    quantity_cancelled: int = 0
    cancellation_requested: bool = False  # the buyer asks for this line to be cancelled


@dataclass(frozen=True, slots=True)
class OrderData:
    """An order as the marketplace tells it. `total` is the source's own figure, never computed from
    the lines; whether they agree is checked by us and flagged."""

    external_id: str  # the marketplace's order number
    remote_status: RemoteStatus
    ordered_at: datetime
    currency: str  # ISO 4217
    total: Decimal
    items: Sequence[ItemData]
    billing: AddressData
    shipping_address: AddressData
    customer: CustomerData = CustomerData()
    fulfilment_type: FulfilmentType = FulfilmentType.MERCHANT
    channel: str = ""  # country or sales channel within the account, "" where there is only one
    remote_updated_at: datetime | None = None
    subtotal: Decimal = Decimal(0)
    shipping: Decimal = Decimal(0)
    discount: Decimal = Decimal(0)
    transaction_fee: Decimal = Decimal(0)
    commission: Decimal = Decimal(0)
    payment_method: str = ""
    transaction_id: str = ""
    payment_iban: str = ""
    external_id_internal: str = ""  # a second id of the marketplace
    channel_order_number: str = ""
    delivery_method: str = ""
    delivery_carrier: str = ""
    delivery_promise: str = ""  # ISO date, as promised to the buyer
    shipment_promise: str = ""
    ship_by: datetime | None = None
    expires_on: date | None = None  # the marketplace cancels what is not shipped by then
    uses_marketplace_label: bool = False  # shipped with a label the marketplace pays (bol VvB)


@dataclass(frozen=True, slots=True)
class ShopOptions:
    """How the merchant wants orders to look in the shop: settings of the order connection."""

    number: str  # the number to show, by the order number scheme; "" = the shop's own
    payment_method: str = ""  # name to show; "" = the marketplace's name
    shipping_method: str = ""
    customer_id: str = ""  # the shop's customer that the order is given to; "" = the buyer, as a guest
    marketplace_name: str = ""
    memo: str = ""
    tag: str = ""
    is_test: bool = False
    sends_emails: bool = False
    checks_stock: bool = True  # refuse what the shop has not in stock
    # Product id of the marketplace -> ids to ask the shop for, in this order; what isn't named is asked for as it is.
    shop_ids: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def ids_of(self, product_id: str) -> Sequence[str]:
        return self.shop_ids.get(product_id) or (product_id,)


@dataclass(frozen=True, slots=True)
class ShippedItem:
    item_id: str  # ItemData.external_id
    quantity: int


@dataclass(frozen=True, slots=True)
class ShipmentData:
    """One parcel to report to the marketplace. `transporter` is a unified code ("" = unknown)."""

    items: Sequence[ShippedItem]
    shipped_at: datetime
    tracking_code: str = ""
    transporter: str = ""
    transporter_name: str = ""
    tracking_url: str = ""
    return_tracking_code: str = ""
    return_transporter: str = ""
    delivery_bill_id: str = ""
    country_code: str = ""  # where it goes


@dataclass(frozen=True, slots=True)
class CancellationData:
    items: Sequence[ShippedItem]
    reason: str = ""  # a CancellationReason, "" = none was given; mapped by the connector


@dataclass(frozen=True, slots=True)
class ParcelItem:
    line_ref: str  # product_id (SKU) of the line, as the shop knows it
    quantity: int


@dataclass(frozen=True, slots=True)
class VerdictData:
    """So many pieces of a line of a return for which this was decided."""

    verdict: ReturnVerdict
    quantity: int


@dataclass(frozen=True, slots=True)
class ReturnData:
    """One line of a return, as the marketplace tells it: a quantity of one product of one order."""

    external_id: str  # the marketplace's id of this line (bol: rmaId)
    return_id: str  # of the whole return; lines that come back together share it
    order_ref: str  # OrderData.external_id
    quantity: int
    registered_at: datetime
    item_id: str = ""  # ItemData.external_id, where the marketplace tells it
    product_id: str = ""
    ean: str = ""
    title: str = ""
    reason: str = ""  # the buyer's, in the marketplace's words
    comment: str = ""
    tracking_code: str = ""
    transporter: str = ""
    verdicts: Sequence[VerdictData] = ()  # all that was decided about it there, by whomever


@dataclass(frozen=True, slots=True)
class ReturnDecisionData:
    """What the seller decides about `quantity` pieces of a line of a return. `decided_before`: so many were
    decided when this was; a look-up that finds more finds this decision."""

    external_id: str  # ReturnData.external_id
    return_id: str
    verdict: ReturnVerdict
    quantity: int
    decided_before: int = 0
    item_id: str = ""  # ItemData.external_id, "" = unknown


@dataclass(frozen=True, slots=True)
class RefundData:
    """What was paid back for: `items` name lines as ParcelItem does. The money went through the marketplace; the
    shop writes it down, and takes the goods back into stock where `restocks`."""

    items: Sequence[ParcelItem]
    reason: str = ""
    restocks: bool = True


@dataclass(frozen=True, slots=True)
class NoticeData:
    """Something that those who pack an order have to know. `holds` True: it must not be sent off for now;
    False: it may again; None: nothing changes about that."""

    text: str
    holds: bool | None = None


@dataclass(frozen=True, slots=True)
class ParcelData:
    """A parcel as the shop reports it. `items` None means: everything that is still open."""

    ref: str  # stable id of the parcel within the order
    tracking_code: str = ""
    transporter: str = ""  # as the shop names it; mapped by us
    tracking_url: str = ""
    items: Sequence[ParcelItem] | None = None
    shipped_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SeenRefund:
    """Something the shop paid back. `is_ours`: it carries one of our references."""

    ref: str  # stable id of the refund within the shop
    items: Sequence[ParcelItem]
    made_at: datetime
    reason: str = ""
    is_ours: bool = False


@dataclass(frozen=True, slots=True)
class OrderUpdate:
    """What the shop says of an order now. `parcels` lists all of them, not only new ones."""

    external_id: str  # the shop's order id
    state: ShopState
    updated_at: datetime
    status_text: str = ""  # the shop's own word
    number: str = ""
    reference: str = ""  # our reference, if the shop gives it back
    parcels: Sequence[ParcelData] = ()
    refunds: Sequence[SeenRefund] = ()  # all of them that name lines, not only new ones


@dataclass(frozen=True, slots=True)
class Done:
    """The remote executed the write. `notes` are plain-word remarks for the order's timeline."""

    remote_id: str
    number: str = ""
    notes: Sequence[str] = ()
    # Product id of the marketplace -> the id the shop knows it by, where that is another.
    matches: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pending:
    """The remote accepted the write and answers later; ask with `follow_up([ticket])`."""

    ticket: str


Receipt = Done | Pending


@dataclass(frozen=True, slots=True)
class Found:
    """What the look-up by our reference found. `is_complete` False: half made, go on from there."""

    remote_id: str
    number: str = ""
    is_complete: bool = True
    data: Mapping[str, JSON] = field(default_factory=dict)  # the connector's own, handed back to it


@dataclass(frozen=True, slots=True)
class Outcome:
    ticket: str
    state: OutcomeState
    detail: str = ""  # the remote's own words when refused
    code: str = ""
    remote_id: str = ""


@dataclass(frozen=True, slots=True)
class InvoiceData:
    """An invoice for the buyer: a whole PDF of at most 10 MB.

    `others` are receipts (tickets or ids there) of the order's other invoices: none of them is this one.
    """

    content: bytes = field(repr=False)
    made_at: datetime  # handed in then; what is older at the remote is not it
    item_ids: Sequence[str] = ()  # ItemData.external_id of what it is about; () = the whole order
    others: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class LabelData:
    """A shipping label that was made there: a file as it came."""

    external_id: str
    content: bytes = field(repr=False)
