"""An order's values as columns: the one mapping between OrderData and the tables, both ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

from channable.core.exact_json import clean, clean_text
from connections.connectors.types import (
    AddressData,
    CustomerData,
    FulfilmentType,
    ItemData,
    OrderData,
    RemoteStatus,
)
from orders.models import Address, AddressKind, Order, OrderItem

LONGEST_SEARCH_TEXT = 4000


def _values(data: AddressData | CustomerData | ItemData) -> dict[str, Any]:
    """A flat dataclass as a dictionary; `asdict` would copy each value deeply."""
    names, read = _READERS[type(data)]
    return dict(zip(names, read(data), strict=True))


def _reader(kind: type[Any]) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]:
    names = tuple(kind.__dataclass_fields__)
    return names, attrgetter(*names)


_READERS = {kind: _reader(kind) for kind in (AddressData, CustomerData, ItemData)}


def remote_owned(data: OrderData, suffix: str) -> dict[str, Any]:
    """The columns of an order that belong to the marketplace and follow it."""
    return {
        "external_id_internal": data.external_id_internal,
        "channel_order_number": data.channel_order_number,
        "number": data.external_id + (suffix if data.fulfilment_type == FulfilmentType.MARKETPLACE else ""),
        "channel": data.channel,
        "fulfilment_type": data.fulfilment_type.value,
        "remote_status": data.remote_status.value,
        "remote_updated_at": data.remote_updated_at,
        "ordered_at": data.ordered_at,
        "currency": data.currency,
        "subtotal": data.subtotal,
        "shipping_amount": data.shipping,
        "discount_amount": data.discount,
        "total_amount": data.total,
        "transaction_fee": data.transaction_fee,
        "commission": data.commission,
        "payment_method": data.payment_method,
        "transaction_id": data.transaction_id,
        "payment_iban": data.payment_iban,
        "items_count": sum(item.quantity for item in data.items),
        "delivery_method": data.delivery_method,
        "delivery_carrier": data.delivery_carrier,
        "delivery_promise": data.delivery_promise,
        "shipment_promise": data.shipment_promise,
        "ship_by": data.ship_by,
        "expires_on": data.expires_on,
        "uses_marketplace_label": data.uses_marketplace_label,
    }


def personal(data: OrderData) -> dict[str, Any]:
    """The columns of an order that hold personal data."""
    customer, address = data.customer, data.shipping_address
    name = " ".join(part for part in (customer.first_name, customer.last_name) if part) or address.name
    return {
        "customer": _values(customer),
        "customer_name": name or customer.company or address.company,
        "country_code": address.country_code or data.billing.country_code,
        "search_text": search_text(data, name),
    }


def search_text(data: OrderData, name: str) -> str:
    words = [data.external_id, data.external_id_internal, data.channel_order_number, name, data.customer.company]
    words += [data.customer.email or data.billing.email, data.shipping_address.company]
    for item in data.items:
        words += [item.product_id, item.ean, item.title]
    return " ".join(word for word in words if word).lower()[:LONGEST_SEARCH_TEXT]


def address_row(address: AddressData) -> dict[str, Any]:
    values = _values(address)
    values["company_name"] = values.pop("company")
    return values


def item_row(item: ItemData) -> dict[str, Any]:
    values = _values(item)
    for name in ("quantity_shipped", "quantity_cancelled"):
        del values[name]
    return values


def storable(model: type[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The same values, fit for single-row updates: text cleaned and no longer than its column."""
    return {name: _fit(model, name, value) for name, value in values.items()}


def _fit(model: type[Any], name: str, value: Any) -> Any:
    if isinstance(value, str):
        most = getattr(model._meta.get_field(name), "max_length", None)
        return clean_text(value)[:most]
    return clean(value) if isinstance(value, dict) else value


# -- and back -------------------------------------------------------------------------------------


def order_data(order: Order) -> OrderData:
    """The order as the marketplace told it, for the shop. Reads its items and addresses."""
    addresses = {address.kind: address for address in order.addresses.all()}
    billing = _address_data(addresses.get(AddressKind.BILLING))
    return OrderData(
        external_id=order.external_id,
        remote_status=RemoteStatus(order.remote_status),
        ordered_at=order.ordered_at,
        currency=order.currency,
        total=order.total_amount,
        items=[_item_data(item) for item in order.items.order_by("id")],
        billing=billing,
        shipping_address=_address_data(addresses.get(AddressKind.SHIPPING)) if addresses else billing,
        customer=CustomerData(**order.customer),
        fulfilment_type=FulfilmentType(order.fulfilment_type),
        channel=order.channel,
        remote_updated_at=order.remote_updated_at,
        subtotal=order.subtotal,
        shipping=order.shipping_amount,
        discount=order.discount_amount,
        transaction_fee=order.transaction_fee,
        commission=order.commission,
        payment_method=order.payment_method,
        transaction_id=order.transaction_id,
        payment_iban=order.payment_iban,
        external_id_internal=order.external_id_internal,
        channel_order_number=order.channel_order_number,
        delivery_method=order.delivery_method,
        delivery_carrier=order.delivery_carrier,
        delivery_promise=order.delivery_promise,
        shipment_promise=order.shipment_promise,
        ship_by=order.ship_by,
        expires_on=order.expires_on,
        uses_marketplace_label=order.uses_marketplace_label,
    )


def _address_data(address: Address | None) -> AddressData:
    if address is None:
        return AddressData()
    names = [field.attname for field in Address._meta.concrete_fields]
    values = {name: getattr(address, name) for name in names if name not in ("id", "company_id", "order_id", "kind")}
    values["company"] = values.pop("company_name")
    return AddressData(**values)


def _item_data(item: OrderItem) -> ItemData:
    names = [field.attname for field in OrderItem._meta.concrete_fields]
    return ItemData(**{name: getattr(item, name) for name in names if name not in ("id", "company_id", "order_id")})
