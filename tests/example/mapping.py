"""What Example's payloads mean, in our words. Pure: no network, no clock, nothing changed in `raw`."""

from __future__ import annotations

from connections.connectors.errors import DataError
from connections.connectors.types import (
    JSON,
    AddressData,
    ItemData,
    OrderData,
    OrderUpdate,
    ParcelData,
    RemoteStatus,
    ReturnDecisionData,
    ReturnVerdict,
    ShipmentData,
    ShopState,
)

from .fields import amount, block, blocks, count, known, moment, text

ORDER_STATUS = {
    "reserved": RemoteStatus.UNCONFIRMED,
    "open": RemoteStatus.OPEN,
    "shipped": RemoteStatus.SHIPPED,
    "cancelled": RemoteStatus.CANCELLED,
}
RETURN_RESULTS = {ReturnVerdict.ACCEPTED: "paid_back", ReturnVerdict.REJECTED: "refused"}
SHOP_STATUS = {"new": ShopState.OPEN, "sent": ShopState.COMPLETED, "cancelled": ShopState.CANCELLED}


def parse_order(raw: JSON) -> OrderData:
    """Turn an order of Example Market into an OrderData. Amounts are in `currency` with VAT included."""
    if not isinstance(raw, dict):
        raise DataError("an order that is no object", field="order")
    address = _address(block(raw, "ship_to"))
    return OrderData(
        external_id=text(raw, "number"),
        remote_status=known(raw, "status", ORDER_STATUS),
        ordered_at=moment(raw, "placed_at"),
        remote_updated_at=moment(raw, "changed_at"),
        currency=text(raw, "currency"),
        total=amount(raw, "total"),
        items=[_item(line) for line in blocks(raw, "lines")],
        billing=address,
        shipping_address=address,
    )


def _item(line: JSON) -> ItemData:
    return ItemData(
        external_id=text(line, "id"),
        product_id=text(line, "sku"),
        title=text(line, "title", is_required=False),
        quantity=count(line, "quantity"),
        quantity_shipped=count(line, "shipped"),
        unit_price=amount(line, "unit_price"),
    )


def _address(raw: JSON) -> AddressData:
    return AddressData(
        last_name=text(raw, "name"),
        street=text(raw, "street"),
        house_number=text(raw, "house_number", is_required=False),
        postcode=text(raw, "postcode", is_required=False),
        city=text(raw, "city"),
        country_code=text(raw, "country"),
        email=text(raw, "email", is_required=False),
    )


def shipment_body(shipment: ShipmentData, key: str) -> JSON:
    return {
        "reference": key,
        "shipped_at": shipment.shipped_at.isoformat(),
        "tracking_code": shipment.tracking_code,
        "carrier": shipment.transporter or "other",
        "lines": [{"id": item.item_id, "quantity": item.quantity} for item in shipment.items],
    }


def return_body(decision: ReturnDecisionData, key: str) -> JSON:
    """What came back, and what becomes of it. Raises DataError for what Example has no word for."""
    if decision.verdict not in RETURN_RESULTS:
        raise DataError(f"Example knows no {decision.verdict.value} of a return", code="connector.refused")
    line = {"id": decision.item_id, "quantity": decision.quantity}
    return {"reference": key, "line": line, "result": RETURN_RESULTS[decision.verdict]}


def parse_update(raw: JSON) -> OrderUpdate:
    """Turn an order of Example Shop into an OrderUpdate."""
    if not isinstance(raw, dict):
        raise DataError("an order that is no object", field="order")
    code = text(raw, "tracking_code", is_required=False)
    return OrderUpdate(
        external_id=text(raw, "id"),
        state=known(raw, "status", SHOP_STATUS),
        updated_at=moment(raw, "changed_at"),
        status_text=text(raw, "status"),
        reference=text(raw, "reference", is_required=False),
        parcels=[ParcelData(ref=code, tracking_code=code)] if code else [],
    )


def order_body(order: OrderData, key: str) -> JSON:
    return {
        "reference": key,
        "currency": order.currency,
        "total": str(order.total),
        "ship_to": {"name": order.shipping_address.name, "city": order.shipping_address.city},
        "lines": [
            {"sku": item.product_id, "quantity": item.quantity, "unit_price": str(item.unit_price)}
            for item in order.items
        ],
    }
