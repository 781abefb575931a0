"""The body of POST /orders, from an order of a marketplace. Pure.

Amounts come with VAT and leave without: WooCommerce adds the tax itself (tax.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from ..errors import DataError
from ..types import JSON, AddressData, ItemData, OrderData, ShopOptions
from .mapping import REFERENCE
from .reading import LINE_PRODUCT, text_of
from .tax import Amount, Place, TaxRules, settle

TEST_NOTE = "TEST ORDER - do not ship"
STANDARD = ""  # the name of the standard tax class


@dataclass(frozen=True, slots=True)
class Product:
    """What of the shop's product matters here. `tax_class` None: not taxed.

    `stock` is what can still be sold, None for without limit; `stock_key` tells which products share it
    (variations may use their parent's).
    """

    product_id: int
    variation_id: int = 0
    tax_class: str | None = STANDARD
    stock: int | None = None
    stock_key: str = ""


def product_from(row: JSON) -> Product:
    """From a row of /products; one of type "variation" is ordered through its parent."""
    own_id, parent_id = int(text_of(row, "id") or 0), int(text_of(row, "parent_id") or 0)
    is_variation = row.get("type") == "variation"
    is_taxed = row.get("tax_status", "taxable") == "taxable"
    return Product(
        product_id=parent_id if is_variation else own_id,
        variation_id=own_id if is_variation else 0,
        tax_class=text_of(row, "tax_class") if is_taxed else None,
        stock=_stock(row),
        stock_key=str(parent_id if row.get("manage_stock") == "parent" else own_id),
    )


def _stock(row: JSON) -> int | None:
    if row.get("backorders_allowed"):
        return None
    quantity = row.get("stock_quantity")
    if row.get("manage_stock") and isinstance(quantity, int | Decimal):
        return int(quantity)
    return 0 if row.get("stock_status") == "outofstock" else None


def check_quantities(order: OrderData) -> None:
    """WooCommerce answers a quantity of 0 with a broken page (measured)."""
    if not order.items:
        raise DataError("The order has no items.", code="connector.refused", field="items")
    for index, item in enumerate(order.items):
        if item.quantity < 1:
            raise DataError(
                f"The quantity of {item.product_id!r} is {item.quantity}.",
                code="connector.refused",
                field=f"items[{index}].quantity",
            )


def check_stock(items: Sequence[ItemData], products: Mapping[str, Product]) -> None:
    """WooCommerce itself takes an order for more than there is (measured: stock goes below 0)."""
    wanted: dict[str, int] = {}
    for index, item in enumerate(items):
        product = products[item.product_id]
        wanted[product.stock_key] = wanted.get(product.stock_key, 0) + item.quantity
        if product.stock is not None and wanted[product.stock_key] > product.stock:
            raise DataError(
                f"Of {item.product_id!r} the shop has {product.stock}, the order wants {wanted[product.stock_key]}.",
                code="product.out_of_stock",
                field=f"items[{index}].product_id",
            )


def build(
    order: OrderData, products: Mapping[str, Product], rules: TaxRules, *, key: str, options: ShopOptions
) -> JSON:
    """`products` by ItemData.product_id. One amount per line, then shipping, then the fee."""
    discounts = _discounts(order)
    place = _tax_place(order, rules)
    classes = [products[item.product_id].tax_class for item in order.items]
    shipping_class = _shipping_class(classes, rules)
    amounts = settle(
        [
            *(
                Amount(_gross(item) - discount, _rate(rules, place, tax_class))
                for item, discount, tax_class in zip(order.items, discounts, classes, strict=True)
            ),
            Amount(order.shipping, _rate(rules, place, shipping_class, for_shipping=True), is_shipping=True),
            Amount(order.transaction_fee, rules.rate(place, STANDARD)),
        ],
        rules,
    )
    *lines, shipping, fee = amounts
    body = {
        "set_paid": True,
        "currency": order.currency,
        "transaction_id": key,
        "payment_method": "channable",
        "payment_method_title": options.payment_method or options.marketplace_name or order.payment_method,
        "customer_note": _note(order, options),
        "billing": _billing(order),
        "shipping": _address(order.shipping_address),
        "line_items": [
            _line(item, products[item.product_id], discount, amount)
            for item, discount, amount in zip(order.items, discounts, lines, strict=True)
        ],
        "meta_data": _metas(order, key, options),
    }
    if options.customer_id:
        body["customer_id"] = _customer_id(options.customer_id)
    title = options.shipping_method or order.delivery_method or "Shipping"
    body["shipping_lines"] = [{"method_id": "flat_rate", "method_title": title, "total": _text(shipping.net)}]
    if fee.gross:
        body["fee_lines"] = [{"name": "Transaction fee", "tax_status": "taxable", "total": _text(fee.net)}]
    return body


def _customer_id(text: str) -> int:
    """Raises DataError for what can't be a customer of WooCommerce."""
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 2**63:
        raise DataError("The customer in the settings is no customer's number.", code="connector.refused")
    return int(text)


def _text(amount: Decimal) -> str:
    """A plain decimal: WooCommerce's prices are strings."""
    return f"{amount:f}"


def _gross(item: ItemData) -> Decimal:
    return item.unit_price * item.quantity


def _rate(rules: TaxRules, place: Place, tax_class: str | None, *, for_shipping: bool = False) -> Decimal:
    return Decimal(0) if tax_class is None else rules.rate(place, tax_class, for_shipping=for_shipping)


def _discounts(order: OrderData) -> list[Decimal]:
    """Per line. What of the order's discount is in no line is shared out by price: as a negative fee
    WooCommerce would spread it, and its tax, over everything by rules of its own."""
    own = [item.discount for item in order.items]
    rest = max(order.discount - sum(own, Decimal(0)), Decimal(0))
    weights = [max(_gross(item) - discount, Decimal(0)) for item, discount in zip(order.items, own, strict=True)]
    total = sum(weights, Decimal(0))
    shares = [Decimal(0)] * len(own)
    for index, weight in enumerate(weights):
        if total:
            shares[index] = (rest * weight / total).quantize(Decimal("0.01"), ROUND_HALF_UP)
            rest, total = rest - shares[index], total - weight
    return [discount + share for discount, share in zip(own, shares, strict=True)]


def _tax_place(order: OrderData, rules: TaxRules) -> Place:
    if rules.based_on == "base":
        return rules.base
    is_billing = rules.based_on == "billing" or not order.shipping_address.country_code
    address = order.billing if is_billing else order.shipping_address
    return Place(address.country_code, address.region_code, address.postcode, address.city)


def _shipping_class(classes: Sequence[str | None], rules: TaxRules) -> str | None:
    """ "inherit" means the standard class if any line has it, else one of the lines' classes; where no
    line is taxed, shipping is not either."""
    if rules.shipping_class != "inherit":
        return rules.shipping_class
    found = [tax_class for tax_class in classes if tax_class is not None]
    return STANDARD if STANDARD in found else next(iter(found), None)


def _line(item: ItemData, product: Product, discount: Decimal, amount: Amount) -> JSON:
    before = amount.net + discount / (1 + amount.rate)
    line: dict[str, JSON] = {
        "product_id": product.product_id,
        "quantity": item.quantity,
        "subtotal": _text(before.quantize(Decimal("0.000001")) if discount else amount.net),
        "total": _text(amount.net),
        "meta_data": [{"key": LINE_PRODUCT, "value": item.product_id}],
    }
    return line | ({"variation_id": product.variation_id} if product.variation_id else {})


def _address(address: AddressData) -> dict[str, str]:
    """Blank parts are left out: an empty e-mail address is refused as an invalid one."""
    supplement = [address.pickup_point_name, address.supplement]
    parts = {
        "first_name": " ".join(part for part in (address.first_name, address.middle_name) if part),
        "last_name": address.last_name,
        "company": address.company,
        "address_1": address.line1,
        "address_2": ", ".join(part for part in supplement if part),
        "city": address.city,
        "state": address.region_code or address.region,
        "postcode": address.postcode,
        "country": address.country_code,
    }
    return {name: value for name, value in parts.items() if value}


def _billing(order: OrderData) -> dict[str, str]:
    contact = {
        "email": order.billing.email or order.customer.email or order.shipping_address.email,
        "phone": order.billing.phone or order.customer.phone or order.customer.mobile or order.shipping_address.phone,
    }
    return _address(order.billing) | {name: value for name, value in contact.items() if value}


def _note(order: OrderData, options: ShopOptions) -> str:
    gifts = [f"{item.product_id}: {item.gift_message}" for item in order.items if item.gift_message]
    return "\n".join(part for part in (TEST_NOTE if options.is_test else "", options.memo, *gifts) if part)


def _metas(order: OrderData, key: str, options: ShopOptions) -> list[JSON]:
    """`_order_number` is what Sequential Order Numbers shows; `_billing_vat_number` is EU VAT Number's."""
    values = {
        REFERENCE: key,
        "_channable_order": order.external_id,
        "_channable_marketplace": options.marketplace_name,
        "_channable_tag": options.tag,
        "_channable_test": "yes" if options.is_test else "",
        "_order_number": options.number,
        "_billing_vat_number": order.billing.vat_number,
    }
    return [{"key": name, "value": value} for name, value in values.items() if value]
