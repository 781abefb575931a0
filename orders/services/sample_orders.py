"""Test orders and test returns: they go to the shop marked as such, and no marketplace ever hears of them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from channable.core.clock import utcnow
from connections.connectors import MarketplaceConnector
from connections.connectors.types import (
    AddressData,
    CustomerData,
    FulfilmentType,
    ItemData,
    OrderData,
    RemoteStatus,
    ReturnData,
)
from connections.models import OrderConnection
from orders.models import Actor, Order, OrderItem, Return
from orders.services.apply import apply
from orders.services.arrivals import Arrival, New, Origin
from orders.services.checks import refuse_unusable
from orders.services.events import Cause, ReturnNews
from orders.services.work import Conflict, NotPossible

PREFIX = "TEST-"
# Where the buyer of a test order lives: an address that shops accept, of nobody.
PLACES = {
    "NL": ("Voorbeeldstraat", "1234 AB", "Utrecht"),
    "BE": ("Voorbeeldstraat", "1000", "Brussel"),
    "DE": ("Musterstraße", "10115", "Berlin"),
    "FR": ("Rue de l'Exemple", "75001", "Paris"),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """`unit_price` in EUR, VAT included."""

    product_id: str
    quantity: int = 1
    unit_price: Decimal = Decimal("9.99")
    country_code: str = "NL"


def send_test_order(pair: OrderConnection, wanted: Wanted) -> Order:
    """Make one and send it to the shop, also before the order connection is active; inside its company.
    Raises DataError for what no order can have."""
    now = utcnow()
    number = f"{PREFIX}{now:%y%m%d}-{secrets.token_hex(3).upper()}"
    street, postcode, city = PLACES.get(wanted.country_code, PLACES["NL"])
    address = AddressData(
        first_name="Test",
        last_name="Do not ship",
        email="test@example.com",
        street=street,
        house_number="1",
        postcode=postcode,
        city=city,
        country_code=wanted.country_code,
    )
    total = wanted.unit_price * wanted.quantity
    item = ItemData(f"{number}-1", wanted.product_id, wanted.quantity, wanted.unit_price, title=wanted.product_id)
    data = OrderData(
        external_id=number,
        remote_status=RemoteStatus.OPEN,
        ordered_at=now,
        currency="EUR",
        total=total,
        subtotal=total,
        items=[item],
        billing=address,
        shipping_address=address,
        customer=CustomerData(first_name="Test", last_name="Do not ship", email="test@example.com"),
        channel=pair.channel,
        fulfilment_type=FulfilmentType.MERCHANT,
    )
    refuse_unusable(data)
    connector: type[MarketplaceConnector] = pair.marketplace.connector_class
    origin = Origin(pair.marketplace, now, connector.api_version, None)
    ((row, _one),) = Arrival(origin, connector.fulfilled_suffix, is_test=True).insert([New("", None, data, pair)])
    return Order.objects.get(pk=row["id"])


def send_test_return(order: Order) -> list[Return]:
    """As if all of a test order came back: a return for each of its items; inside its company. Decisions about them
    go to the shop and never to the marketplace. Raises NotPossible."""
    if not order.is_test:
        raise NotPossible(_("Only a test order can have a test return."))
    if Return.objects.filter(order=order).exists():
        raise Conflict(_("This order has a return already."))
    now = utcnow()
    for item in OrderItem.objects.filter(order=order).order_by("id"):
        data = ReturnData(
            external_id=f"{order.external_id}-return-{item.external_id}",
            return_id=f"{order.external_id}-return",
            order_ref=order.external_id,
            quantity=item.quantity,
            registered_at=now,
            item_id=item.external_id,
            reason="Test",
        )
        apply(order.pk, ReturnNews(data), Cause(Actor.SYSTEM, now, now))
    return list(Return.objects.filter(order=order).order_by("id"))
