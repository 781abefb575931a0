"""What bol's payloads mean, in our words. Pure: no network, no clock, nothing changed in `raw`.

Amounts are numbers in EUR with VAT included. Source: description "v10 - Retailer API" (10.x, April 2026).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from ..errors import DataError
from ..types import (
    JSON,
    AddressData,
    CancellationReason,
    CustomerData,
    FulfilmentType,
    ItemData,
    OrderData,
    RemoteStatus,
    ShipmentData,
)
from . import fields
from .transporters import transporter_code

Block = Mapping[str, Any]

METHODS = {"FBR": FulfilmentType.MERCHANT, "FBB": FulfilmentType.MARKETPLACE}
GENDERS = {"MALE": "male", "FEMALE": "female", "UNKNOWN": "unknown"}
PARTIES = {"RETAILER": False, "BOL": True}  # whether bol's own label programme (VVB) ships it
TIME_FRAMES = {name: name for name in ("REGULAR", "EVENING", "APPOINTMENT", "SAMEDAY", "SUNDAY")}
# Our reasons in bol's; what has no code of its own travels as OTHER.
REASONS: dict[str, str] = {
    CancellationReason.CUSTOMER_REQUEST: "REQUESTED_BY_CUSTOMER",
    CancellationReason.OUT_OF_STOCK: "OUT_OF_STOCK",
    CancellationReason.BAD_CONDITION: "BAD_CONDITION",
    CancellationReason.WRONG_PRICE: "INCORRECT_PRICE",
    CancellationReason.SHIPPING_COST: "HIGHER_SHIPCOST",
    CancellationReason.TOO_LATE: "NOT_AVAIL_IN_TIME",
    CancellationReason.ORDERED_TWICE: "ORDERED_TWICE",
}
LONGEST_REFERENCE = 90
# What of an element of the reduced lists tells that an item changed.
STATES_OF_AN_ITEM = (
    "orderItemId",
    "fulfilmentStatus",
    "quantity",
    "quantityShipped",
    "quantityCancelled",
    "cancellationRequest",
    "latestChangedDateTime",
)


def parse_order(raw: JSON) -> OrderData:
    """Turn the answer of "Get an order by order id" into an OrderData.

    bol tells no total of the order: it is the sum of what the customer paid for its items. Where an
    order mixes both fulfilment methods, the items that bol ships are left to bol.
    """
    if not isinstance(raw, Mapping):
        raise DataError("the order is not an object", field="order")
    order_id = fields.text(raw, "orderId", is_required=True)
    fulfilment_type, lines = _lines(raw)
    items = [_item(line, path) for line, path in lines]
    shipping = fields.block(raw, "shipmentDetails", is_required=True)
    billing, billing_path = fields.block(raw, "billingDetails"), "billingDetails."
    if not billing:
        billing, billing_path = shipping, "shipmentDetails."
    total = sum((fields.amount(line, "totalPrice", path) for line, path in lines), Decimal(0))
    fulfilments = [(fields.block(line, "fulfilment", path), f"{path}fulfilment.") for line, path in lines]
    ordered_at = fields.moment(raw, "orderPlacedDateTime")
    if ordered_at is None:
        fields.refuse("orderPlacedDateTime", "missing")
    changes = [fields.moment(line, "latestChangedDateTime", path) for line, path in lines]
    expiries = [day for block, path in fulfilments if (day := fields.day(block, "expiryDate", path))]
    return OrderData(
        external_id=order_id,
        remote_status=_remote_status(items),
        ordered_at=ordered_at,
        remote_updated_at=max((change for change in changes if change), default=None),
        currency="EUR",
        total=total,
        subtotal=total,
        discount=sum((item.discount for item in items), Decimal(0)),
        commission=sum((fields.amount(line, "commission", path) for line, path in lines), Decimal(0)),
        items=items,
        billing=_address(billing, billing_path),
        shipping_address=_address(shipping, "shipmentDetails."),
        customer=_customer(
            billing, billing_path, phone=fields.text(shipping, "deliveryPhoneNumber", "shipmentDetails.")
        ),
        fulfilment_type=fulfilment_type,
        channel=fields.country(shipping, "countryCode", "shipmentDetails.", is_required=True),
        channel_order_number=fields.text(billing, "orderReference", billing_path),
        payment_method="bol",
        delivery_method=_delivery_method(fulfilments),
        delivery_promise=_promise(fulfilments),
        expires_on=min(expiries, default=None),
        uses_marketplace_label=_uses_bols_label(fulfilments) and fulfilment_type is FulfilmentType.MERCHANT,
    )


def _lines(raw: JSON) -> tuple[FulfilmentType, list[tuple[Block, str]]]:
    """The items that are ours to handle, each with its place, and who ships them."""
    by_type: dict[FulfilmentType, list[tuple[Block, str]]] = {}
    for position, line in enumerate(fields.blocks(raw, "orderItems")):
        path = f"orderItems[{position}]."
        fulfilment = fields.block(line, "fulfilment", path)
        method = fields.choice(fulfilment, "method", METHODS, f"{path}fulfilment.", default=FulfilmentType.MERCHANT)
        by_type.setdefault(method, []).append((line, path))
    if not by_type:
        fields.refuse("orderItems", "missing")
    first = FulfilmentType.MERCHANT if FulfilmentType.MERCHANT in by_type else FulfilmentType.MARKETPLACE
    return first, by_type[first]


def _item(line: Block, path: str) -> ItemData:
    offer, product = fields.block(line, "offer", path), fields.block(line, "product", path)
    quantity = fields.count(line, "quantity", path, minimum=1)
    unit_price = fields.amount(line, "unitPrice", path)
    ean = fields.text(product, "ean", f"{path}product.")
    reference = fields.text(offer, "reference", f"{path}offer.")
    commission = fields.amount(line, "commission", path)
    return ItemData(
        external_id=fields.text(line, "orderItemId", path, is_required=True),
        product_id=reference or ean,
        title=fields.text(product, "title", f"{path}product."),
        ean=ean,
        reference_code=reference,
        channel_product_id=fields.text(offer, "offerId", f"{path}offer."),
        quantity=quantity,
        unit_price=unit_price,
        # What was taken off the unit prices; `discounts` says why, but not for how many pieces.
        discount=max(unit_price * quantity - fields.amount(line, "totalPrice", path), Decimal(0)),
        commission=(commission / quantity).quantize(Decimal("0.0001")),  # bol tells it for all pieces
        quantity_shipped=fields.count(line, "quantityShipped", path),
        quantity_cancelled=fields.count(line, "quantityCancelled", path),
        cancellation_requested=fields.flag(line, "cancellationRequest", path),
    )


def _remote_status(items: Sequence[ItemData]) -> RemoteStatus:
    """bol has no status of the order: it follows from its items' quantities."""
    if any(item.quantity_shipped + item.quantity_cancelled < item.quantity for item in items):
        return RemoteStatus.OPEN
    return RemoteStatus.SHIPPED if any(item.quantity_shipped for item in items) else RemoteStatus.CANCELLED


def _address(block: Block, path: str) -> AddressData:
    return AddressData(
        first_name=fields.text(block, "firstName", path),
        last_name=fields.text(block, "surname", path),
        company=fields.text(block, "company", path),
        email=fields.text(block, "email", path),
        phone=fields.text(block, "deliveryPhoneNumber", path),
        street=fields.text(block, "streetName", path),
        house_number=fields.text(block, "houseNumber", path),
        house_number_suffix=fields.text(block, "houseNumberExtension", path),
        supplement=fields.text(block, "extraAddressInformation", path),
        postcode=fields.text(block, "zipCode", path),
        city=fields.text(block, "city", path),
        country_code=fields.country(block, "countryCode", path),
        vat_number=fields.text(block, "vatNumber", path),
        tax_id_number=fields.text(block, "kvkNumber", path),
        pickup_point_name=fields.text(block, "pickupPointName", path),
    )


def _customer(billing: Block, path: str, *, phone: str) -> CustomerData:
    company = fields.text(billing, "company", path)
    return CustomerData(
        first_name=fields.text(billing, "firstName", path),
        last_name=fields.text(billing, "surname", path),
        company=company,
        email=fields.text(billing, "email", path),
        phone=phone,  # bol tells it with the address of delivery alone
        gender=fields.choice(billing, "salutation", GENDERS, path, default="unknown"),
        is_business=bool(company or fields.text(billing, "vatNumber", path)),
    )


def _uses_bols_label(fulfilments: Sequence[tuple[Block, str]]) -> bool:
    parties = [fields.choice(block, "distributionParty", PARTIES, path, default=False) for block, path in fulfilments]
    return any(parties)


def _delivery_method(fulfilments: Sequence[tuple[Block, str]]) -> str:
    frames = {fields.choice(block, "timeFrameType", TIME_FRAMES, path, default="") for block, path in fulfilments}
    return ", ".join(sorted(frame for frame in frames if frame))


def _promise(fulfilments: Sequence[tuple[Block, str]]) -> str:
    """The earliest day by which anything of it must be delivered. bol sets one of the two fields."""
    days = [
        day
        for block, path in fulfilments
        for name in ("exactDeliveryDate", "latestDeliveryDate")
        if (day := fields.day(block, name, path))
    ]
    return min(days).isoformat() if days else ""


def holds(shipment: JSON, item_id: str) -> bool:
    """Whether an element of the list of shipments is about this item."""
    items = shipment.get("shipmentItems")
    rows = items if isinstance(items, list) else []
    return any(isinstance(one, Mapping) and one.get("orderItemId") == item_id for one in rows)


def shipment_body(shipment: ShipmentData, key: str) -> JSON:
    """The body of "Create a shipment". Without a code and a transporter `transport` is left out."""
    items = [{"orderItemId": item.item_id, "quantity": item.quantity} for item in shipment.items]
    body: dict[str, Any] = {"orderItems": items, "shipmentReference": key[:LONGEST_REFERENCE]}
    if shipment.tracking_code or shipment.transporter:
        transport = {"transporterCode": transporter_code(shipment.transporter, shipment.country_code)}
        if shipment.tracking_code:
            transport["trackAndTrace"] = shipment.tracking_code
        body["transport"] = transport
    return body
