"""Pure translations between Vendure (Admin API 3.7) and our values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import TypeVar
from urllib.parse import urlsplit

from ..errors import ContractError, DataError
from ..types import JSON, AddressData, OrderData, OrderUpdate, ParcelData, ParcelItem, ShopState

T = TypeVar("T")

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
MOST_PIECES = 2**31 - 1  # GraphQL's Int
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


def moment(value: JSON, field: str) -> datetime:
    """A DateTime scalar (ISO 8601, UTC)."""
    try:
        parsed = datetime.fromisoformat(value)
        return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        raise DataError(f"{field} is not a moment: {value!r:.80}", code="shop.unreadable", field=field) from None


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
        raise _unreadable("order", raw)
    state = _known(STATES, _text(raw, "state"), "state")
    skus = {_text(line, "id"): _text(_object(line, "productVariant"), "sku") for line in _list(raw, "lines")}
    shipped = [
        one for one in _list(raw, "fulfillments") if _known(IS_PARCEL, _text(one, "state"), "fulfillments.state")
    ]
    if state is ShopState.OPEN and _everything_left(raw, shipped):
        state = ShopState.COMPLETED
    return OrderUpdate(
        external_id=_text(raw, "id"),
        state=state,
        updated_at=moment(raw.get("updatedAt"), "updatedAt"),
        status_text=_text(raw, "state"),
        number=_text(raw, "code"),
        reference=next(filter(None, (_words(one, "transactionId") for one in _list(raw, "payments"))), ""),
        parcels=[_parcel(one, skus) for one in shipped],
    )


def _everything_left(raw: JSON, shipped: Sequence[JSON]) -> bool:
    """Vendure leaves an order PartiallyDelivered if a parcel arrives before the last one leaves."""
    open_items: Counter[str] = Counter({_text(line, "id"): _count(line) for line in _list(raw, "lines")})
    for fulfilment in shipped:
        for line in _list(fulfilment, "lines"):
            open_items[_text(line, "orderLineId")] -= _count(line)
    return bool(shipped) and all(count <= 0 for count in open_items.values())


def _parcel(fulfilment: JSON, skus: dict[str, str]) -> ParcelData:
    counts: Counter[str] = Counter()
    for line in _list(fulfilment, "lines"):
        counts[_known(skus, _text(line, "orderLineId"), "fulfillments.lines.orderLineId")] += _count(line)
    # It moves last when delivered, so the moment it was made is then closer to when it left.
    field = "updatedAt" if fulfilment["state"] == "Shipped" else "createdAt"
    return ParcelData(
        ref=_text(fulfilment, "id"),
        tracking_code=_words(fulfilment, "trackingCode"),
        transporter=_words(fulfilment, "method"),
        items=[ParcelItem(sku, count) for sku, count in counts.items()],
        shipped_at=moment(fulfilment.get(field), f"fulfillments.{field}"),
    )


def _unreadable(field: str, value: JSON) -> DataError:
    return DataError(f"{field} is {value!r:.80}", code="shop.unreadable", field=field)


def _text(raw: JSON, field: str) -> str:
    value = raw.get(field) if isinstance(raw, dict) else None
    if not isinstance(value, str) or not value:
        raise _unreadable(field, value)
    return value


def _words(raw: JSON, field: str) -> str:
    """Optional text."""
    value = raw.get(field)
    if value is not None and not isinstance(value, str):
        raise _unreadable(field, value)
    return (value or "").strip()


def _object(raw: JSON, field: str) -> JSON:
    value = raw.get(field)
    if not isinstance(value, dict):
        raise _unreadable(field, value)
    return value


def _list(raw: JSON, field: str) -> list[JSON]:
    """A list of objects; null is an empty one (`payments` and `fulfillments` are nullable)."""
    value = (raw.get(field) if isinstance(raw, dict) else raw) or []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise _unreadable(field, value)
    return value


def _count(raw: JSON) -> int:
    value = raw.get("quantity")
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST_PIECES:
        raise _unreadable("quantity", value)
    return value


def _known(table: dict[str, T], code: str, field: str) -> T:
    if code not in table:
        raise _unreadable(field, code)
    return table[code]


def record_id(raw: JSON) -> str:
    if not isinstance(raw, dict) or not raw.get("id"):
        raise ContractError("an order without an id")
    return str(raw["id"])
