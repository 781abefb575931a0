"""Pure translations between Vendure (Admin API 3.7) and our values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from urllib.parse import urlsplit

from ..errors import ContractError
from ..types import JSON, AddressData, OrderData, OrderUpdate, ParcelData, ParcelItem, ShopState
from .reading import known, list_of, moment, object_of, pieces, text, unreadable, words
from .refunded import came_back, seen

# States of the default order process (3.7, default-order-process).
STATES = {
    "Created": ShopState.OPEN,
    "AddingItems": ShopState.OPEN,
    "Draft": ShopState.OPEN,
    "ArrangingPayment": ShopState.OPEN,
    "PaymentAuthorized": ShopState.OPEN,
    "PaymentSettled": ShopState.OPEN,
    "PartiallyShipped": ShopState.OPEN,
    "PartiallyDelivered": ShopState.OPEN,
    "Modifying": ShopState.OPEN,
    "ArrangingAdditionalPayment": ShopState.OPEN,
    "Shipped": ShopState.COMPLETED,
    "Delivered": ShopState.COMPLETED,
    "Cancelled": ShopState.CANCELLED,
}
UNPLACED = ("Created", "AddingItems", "Draft", "ArrangingPayment")
IS_PARCEL = {"Created": False, "Pending": False, "Shipped": True, "Delivered": True, "Cancelled": False}


def api_address(text: str) -> str:
    """The Admin API's address from what a person typed; the default path is added where there is none."""
    address = text.strip()
    parts = urlsplit(address if "://" in address else f"https://{address}")
    path = parts.path.rstrip("/") or "/admin-api"
    return f"{parts.scheme.lower()}://{parts.netloc.lower()}{path}"


def minor(amount: Decimal, precision: int) -> int:
    """An amount in the shop's integer units. `precision` is the shop's own, the same for every currency."""
    return int((amount * 10**precision).quantize(Decimal(1), ROUND_HALF_UP))


def major(amount: int, precision: int) -> Decimal:
    return Decimal(amount).scaleb(-precision)


def iso(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def address_input(address: AddressData) -> dict[str, str]:
    """CreateAddressInput. A pickup point goes on the second line."""
    second = ", ".join(part for part in (address.supplement, address.pickup_point_name) if part)
    return {
        "fullName": address.name,
        "company": address.company,
        "streetLine1": address.line1,
        "streetLine2": second,
        "city": address.city,
        "province": address.region,
        "postalCode": address.postcode,
        "countryCode": address.country_code.upper(),
        "phoneNumber": address.phone,
    }


def customer_input(order: OrderData, key: str) -> dict[str, str]:
    """CreateCustomerInput of a guest. Vendure wants an e-mail address; without one it gets an address
    that reaches nobody (RFC 2606), made of our reference."""
    person, address = order.customer, order.billing
    local = "".join(letter if letter.isalnum() else "-" for letter in key.lower())[:60]
    return {
        "firstName": person.first_name or address.first_name,
        "lastName": " ".join(filter(None, (person.middle_name, person.last_name))) or address.last_name,
        "emailAddress": person.email or address.email or order.shipping_address.email or f"{local}@order.invalid",
        "phoneNumber": person.phone or person.mobile or address.phone,
    }


def parse_update(raw: JSON) -> OrderUpdate:
    """Turn an Order into an OrderUpdate. Fulfilments that are `Pending` are not under way yet.

    Raises DataError ("shop.unreadable") naming the missing or unknown field.
    """
    if not isinstance(raw, dict):
        raise unreadable("order", raw)
    state = known(STATES, text(raw, "state"), "state")
    skus = {text(line, "id"): text(object_of(line, "productVariant"), "sku") for line in list_of(raw, "lines")}
    shipped = [
        one for one in list_of(raw, "fulfillments") if known(IS_PARCEL, text(one, "state"), "fulfillments.state")
    ]
    if state is ShopState.CANCELLED and came_back(raw):
        state = ShopState.OPEN
    if state is ShopState.OPEN and _everything_left(raw, shipped):
        state = ShopState.COMPLETED
    return OrderUpdate(
        external_id=text(raw, "id"),
        state=state,
        updated_at=moment(raw.get("updatedAt"), "updatedAt"),
        status_text=text(raw, "state"),
        number=text(raw, "code"),
        reference=next(filter(None, (words(one, "transactionId") for one in list_of(raw, "payments"))), ""),
        parcels=[_parcel(one, skus) for one in shipped],
        refunds=list(seen(raw, skus)),
    )


def _everything_left(raw: JSON, shipped: Sequence[JSON]) -> bool:
    """Vendure leaves an order PartiallyDelivered if a parcel arrives before the last one leaves."""
    open_items: Counter[str] = Counter({text(line, "id"): pieces(line) for line in list_of(raw, "lines")})
    for fulfilment in shipped:
        for line in list_of(fulfilment, "lines"):
            open_items[text(line, "orderLineId")] -= pieces(line)
    return bool(shipped) and all(count <= 0 for count in open_items.values())


def _parcel(fulfilment: JSON, skus: dict[str, str]) -> ParcelData:
    counts: Counter[str] = Counter()
    for line in list_of(fulfilment, "lines"):
        counts[known(skus, text(line, "orderLineId"), "fulfillments.lines.orderLineId")] += pieces(line)
    # It moves last when delivered, so the moment it was made is then closer to when it left.
    field = "updatedAt" if fulfilment["state"] == "Shipped" else "createdAt"
    return ParcelData(
        ref=text(fulfilment, "id"),
        tracking_code=words(fulfilment, "trackingCode"),
        transporter=words(fulfilment, "method"),
        items=[ParcelItem(sku, count) for sku, count in counts.items()],
        shipped_at=moment(fulfilment.get(field), f"fulfillments.{field}"),
    )


def record_id(raw: JSON) -> str:
    if not isinstance(raw, dict) or not raw.get("id"):
        raise ContractError("an order without an id")
    return str(raw["id"])
