"""What a marketplace changed about an order: its own columns follow, what it means is decided by `apply`."""

from __future__ import annotations

from typing import Any

from connections.connectors.types import OrderData
from orders.models import Address, AddressKind, ItemPart, Order, OrderItem
from orders.models.shipment import Shipment
from orders.services.apply import apply
from orders.services.columns import address_row, item_row, personal, remote_owned, storable
from orders.services.events import Cause, MarketplaceNews


def take_over(order: Order, data: OrderData, *, version: str, suffix: str, cause: Cause) -> None:
    """Write the remote-owned columns of a locked order, addresses and new lines, then apply the news.

    Personal data that was erased stays erased. `suffix` is the marketplace's for orders that it ships.
    """
    values = remote_owned(data, suffix)
    if not order.is_obfuscated:
        values |= _personal(order, data)
    Order.objects.filter(pk=order.pk).update(**storable(Order, values), remote_version=version, modified_at=cause.now)
    _add_lines(order, data)
    apply(order.pk, MarketplaceNews(data), cause)


def _personal(order: Order, data: OrderData) -> dict[str, Any]:
    """Personal columns of the order; its address rows are updated where they differ."""
    for kind, address in ((AddressKind.BILLING, data.billing), (AddressKind.SHIPPING, data.shipping_address)):
        values = storable(Address, address_row(address))
        Address.objects.filter(order=order, kind=kind).exclude(**values).update(**values)
    values = personal(data)
    # Shop number and tracking codes were added to the search text by us.
    codes = Shipment.objects.filter(order=order).values_list("tracking_code", flat=True)
    found_by = [values["search_text"], order.shop_number.lower(), *(code.lower() for code in codes)]
    return {**values, "search_text": " ".join(word for word in found_by if word)}


def _add_lines(order: Order, data: OrderData) -> None:
    """Lines that the marketplace added since."""
    known = set(OrderItem.objects.filter(order=order).values_list("external_id", flat=True))
    for line in data.items:
        if line.external_id not in known:
            values = storable(OrderItem, item_row(line))
            item = OrderItem.objects.create(company_id=order.company_id, order=order, **values)
            ItemPart.objects.create(company_id=order.company_id, order=order, item=item, quantity=line.quantity)
