"""The bodies of bol's answers, as "v10 - Retailer API" describes them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from .base import Response
from .bol_state import Item, Order, Process

MEDIA_TYPE = "application/vnd.retailer.v10+json"
LABEL_TYPE = "application/vnd.retailer.v10+pdf"
OF_DELIVERY_ALONE = {"pickupPointName", "deliveryPhoneNumber", "language"}
OF_BILLING_ALONE = {"vatNumber", "kvkNumber", "orderReference"}


def answer(body: Any, status: int = 200) -> Response:
    return Response.of(body, status, content_type=f"{MEDIA_TYPE};charset=UTF-8")


def problem(status: int, title: str, detail: str, violations: Sequence[tuple[str, str]] = ()) -> Response:
    body: dict[str, Any] = {"type": "https://api.bol.com/problems", "title": title, "status": status, "detail": detail}
    body |= {"host": "Instance-112", "instance": "https://api.bol.com/retailer"}
    if violations:
        body["violations"] = [{"name": name, "reason": reason} for name, reason in violations]
    return Response.of(body, status, content_type=MEDIA_TYPE)


def bad_request(name: str, reason: str) -> Response:
    return problem(400, "Bad Request", "The request could not be validated.", [(name, reason)])


def reduced_order(order: Order, items: Sequence[Item]) -> dict[str, Any]:
    rows = [reduced_item(item) for item in items]
    return {"orderId": order.id, "orderPlacedDateTime": _seconds(order.placed_at), "orderItems": rows}


def reduced_item(item: Item) -> dict[str, Any]:
    return {
        "orderItemId": item.id, "ean": item.ean, "fulfilmentMethod": item.method,
        "fulfilmentStatus": "OPEN" if item.open else "HANDLED", "quantity": item.quantity,
        "quantityShipped": item.shipped, "quantityCancelled": item.cancelled,
        "cancellationRequest": item.cancellation_requested, "latestChangedDateTime": _milliseconds(item.changed_at),
    }  # fmt: skip


def whole_order(order: Order) -> dict[str, Any]:
    delivery = {name: value for name, value in order.details.items() if name not in OF_BILLING_ALONE}
    billing = {name: value for name, value in order.details.items() if name not in OF_DELIVERY_ALONE}
    return {
        "orderId": order.id, "pickupPoint": "pickupPointName" in delivery,
        "orderPlacedDateTime": _seconds(order.placed_at),
        "shipmentDetails": {"language": "nl"} | delivery, "billingDetails": billing,
        "orderItems": [whole_item(item) for item in order.items],
    }  # fmt: skip


def whole_item(item: Item) -> dict[str, Any]:
    soon = item.changed_at.date() + timedelta(days=2)
    discounts = [{"title": "Promotion", "amount": item.discount}] if item.discount else []
    return {
        "orderItemId": item.id, "cancellationRequest": item.cancellation_requested,
        "fulfilment": {"method": item.method, "distributionParty": item.party, "latestDeliveryDate": soon.isoformat(),
                       "expiryDate": (soon + timedelta(days=5)).isoformat(), "timeFrameType": "REGULAR"},
        "offer": {"offerId": f"offer-{item.sku}"} | ({"reference": item.sku} if item.sku else {}),
        "product": {"ean": item.ean, "title": f"Product {item.sku}"},
        "quantity": item.quantity, "quantityShipped": item.shipped, "quantityCancelled": item.cancelled,
        "unitPrice": item.unit_price, "totalPrice": item.unit_price * item.quantity - item.discount,
        "discounts": discounts, "commission": Decimal("1.32"),
        "latestChangedDateTime": _milliseconds(item.changed_at),
    }  # fmt: skip


def reduced_shipment(shipment: dict[str, Any]) -> dict[str, Any]:
    order, body = shipment["order"], shipment["body"]
    eans = {item.id: item.ean for item in order.items}
    items = [{"orderItemId": one["orderItemId"], "ean": eans[one["orderItemId"]]} for one in body["orderItems"]]
    return {
        "shipmentId": shipment["id"], "shipmentDateTime": _seconds(shipment["at"]),
        "order": {"orderId": order.id, "orderPlacedDateTime": _seconds(order.placed_at)}, "shipmentItems": items,
        "transport": {"transportId": f"9{shipment['id']}"}, "shipmentReference": body.get("shipmentReference", ""),
    }  # fmt: skip


def whole_shipment(shipment: dict[str, Any]) -> dict[str, Any]:
    order, body = shipment["order"], shipment["body"]
    items = {item.id: item for item in order.items}
    rows = [_shipped(items[one["orderItemId"]], one.get("quantity", 1)) for one in body["orderItems"]]
    transport = {"transportId": f"9{shipment['id']}"} | {
        name: value for name, value in body.get("transport", {}).items() if name in ("transporterCode", "trackAndTrace")
    }
    if "shippingLabelId" in body:
        transport["shippingLabelId"] = body["shippingLabelId"]
    return {
        "shipmentId": shipment["id"], "shipmentDateTime": _seconds(shipment["at"]), "pickupPoint": False,
        "order": {"orderId": order.id, "orderPlacedDateTime": _seconds(order.placed_at)}, "shipmentItems": rows,
        "transport": transport, "shipmentReference": body.get("shipmentReference", ""),
    }  # fmt: skip


def _shipped(item: Item, quantity: int) -> dict[str, Any]:
    product = {"ean": item.ean, "title": f"Product {item.sku}"}
    return {"orderItemId": item.id, "quantity": quantity, "unitPrice": item.unit_price, "product": product}


def invoice_request(request: dict[str, Any]) -> dict[str, Any]:
    steps = [{"status": status, "statusDateTime": _seconds(at)} for status, at in request["steps"]]
    return {"shipmentId": request["shipment_id"], "orderId": request["order_id"], "status": steps[-1]["status"],
            "statusTransitions": steps}  # fmt: skip


def process_status(process: Process, url: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "processStatusId": process.id, "entityId": process.entity_id, "eventType": process.event_type,
        "description": f"{process.event_type} of {process.entity_id}", "status": process.status,
        "createTimestamp": _milliseconds(process.made_at),
        "links": [{"rel": "self", "href": f"{url}/shared/process-status/{process.id}", "method": "GET"}],
    }  # fmt: skip
    return body | ({"errorMessage": process.error} if process.error else {})


def _seconds(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def _milliseconds(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")
