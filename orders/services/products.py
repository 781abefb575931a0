"""Which product of the shop an item is: the marketplace's id, alternatives, what was found, what a person chose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from connections.connectors.types import ItemData, OrderData
from connections.options import ALTERNATIVE_IDS, Options
from orders.models import LinkSource, Order, OrderItem, ProductLink

if TYPE_CHECKING:
    from orders.services.work import Work

NOT_FOUND = "product.not_found"


def shop_ids(order: Order, data: OrderData) -> dict[str, list[str]]:
    """For ShopOptions: the ids to ask the shop for, in their order, by the marketplace's product id."""
    options = order.order_connection.options if order.order_connection else Options()
    links = _links(order, [item.product_id for item in data.items])
    return {item.product_id: _ids(item, options, links.get(item.product_id)) for item in data.items}


def _ids(item: ItemData, options: Options, link: ProductLink | None) -> list[str]:
    if link and link.source == LinkSource.PERSON:
        return [link.shop_product_id]
    first = [link.shop_product_id] if link else []
    others = [getattr(item, ALTERNATIVE_IDS[name]) for name in options.alternative_ids]
    return list(dict.fromkeys(one for one in (*first, item.product_id, *others) if one))


def _links(order: Order, product_ids: list[str]) -> dict[str, ProductLink]:
    found = ProductLink.objects.filter(shop_id=order.shop_id, product_id__in=product_ids)
    return {link.product_id: link for link in found}


def names_in_shop(order: Order, items: Mapping[int, OrderItem]) -> dict[int, set[str]]:
    """Other ids under which the shop may speak of an item."""
    links = _links(order, [item.product_id for item in items.values()])
    names = {pk: {getattr(item, field) for field in ALTERNATIVE_IDS.values()} for pk, item in items.items()}
    for pk, item in items.items():
        if item.product_id in links:
            names[pk].add(links[item.product_id].shop_product_id)
    return {pk: found - {""} for pk, found in names.items()}


def items_named(work: Work, line_ref: str) -> set[int]:
    """Items that the shop means: by the marketplace's product id; where none has it, by another that the shop may
    know it by."""
    exact = {pk for pk, item in work.items.items() if item.product_id == line_ref}
    return exact or {pk for pk, names in names_in_shop(work.order, work.items).items() if line_ref in names}


def remember_matches(work: Work, matches: Mapping[str, str]) -> None:
    """So that the next order needn't search. What a person chose stays."""
    order = work.order
    if order.shop_id is None:
        return
    rows = [
        ProductLink(
            company_id=order.company_id,
            shop_id=order.shop_id,
            product_id=product_id[:200],
            shop_product_id=shop_product_id[:200],
            source=LinkSource.FOUND,
        )
        for product_id, shop_product_id in matches.items()
    ]
    ProductLink.objects.bulk_create(rows, ignore_conflicts=True)
