"""What has to be read from the shop before an order can be made: its products and its tax rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..errors import DataError
from ..types import JSON, ItemData, ShopOptions
from .client import Client
from .order import Product, product_from
from .reading import text_of
from .tax import TaxRules, rules_from

SKUS_PER_CALL = 20  # keeps the address well below the 2,000 characters that hosts allow
MOST_TAX_PAGES = 50


@dataclass(frozen=True, slots=True)
class Match:
    product: Product
    shop_id: str  # the one of `ShopOptions.ids_of` under which the shop has it


def find_products(client: Client, items: Sequence[ItemData], *, by: str, options: ShopOptions) -> dict[str, Match]:
    """The shop's product of each item, by ItemData.product_id. Not kept between orders: stock changes.

    Raises DataError "product.not_found" for the first item that has none.
    """
    ids = {item.product_id: options.ids_of(item.product_id) for item in items}
    found: dict[str, Match] = {}
    for place in range(max(map(len, ids.values()), default=0)):
        wanted = {pid: one[place] for pid, one in ids.items() if pid not in found and place < len(one)}
        asked = list(dict.fromkeys(wanted.values()))
        there = dict(_by_id(client, asked) if by == "id" else _by_sku(client, asked)) if asked else {}
        found |= {pid: Match(there[shop_id], shop_id) for pid, shop_id in wanted.items() if shop_id in there}
    for index, item in enumerate(items):
        if item.product_id not in found:
            tried = " or ".join(repr(one) for one in ids[item.product_id])
            raise DataError(
                f"The shop has no product with {'id' if by == 'id' else 'SKU'} {tried}.",
                code="product.not_found",
                field=f"items[{index}].product_id",
                reason="missing_reference",
            )
    return found


def _by_id(client: Client, wanted: Sequence[str]) -> Iterator[tuple[str, Product]]:
    for product_id in wanted:
        row = client.product(product_id) if product_id.isascii() and product_id.isdecimal() else None
        if row is not None and row.get("status") != "trash":
            yield product_id, product_from(row)


def _by_sku(client: Client, wanted: Sequence[str]) -> Iterator[tuple[str, Product]]:
    """`sku` takes several, separated by commas; one that holds a comma goes alone. An empty one would
    not filter at all."""
    plain = [sku for sku in wanted if sku and "," not in sku]
    calls = [plain[start : start + SKUS_PER_CALL] for start in range(0, len(plain), SKUS_PER_CALL)]
    calls += [[sku] for sku in wanted if "," in sku]
    for skus in calls:
        rows = client.products({"sku": ",".join(skus)}).rows
        for sku in skus:
            row = _best(rows, sku)
            if row is not None:
                yield sku, product_from(row)


def _best(rows: Sequence[JSON], sku: str) -> JSON | None:
    """The shop's own comparison ignores case; ours prefers the exact spelling. Translation plugins give
    every language's copy the same SKU: the published one that was made first is the original."""
    same = [row for row in rows if text_of(row, "sku").casefold() == sku.strip().casefold()]
    return min(
        same,
        key=lambda row: (text_of(row, "sku") != sku, row.get("status") != "publish", int(text_of(row, "id") or 0)),
        default=None,
    )


def read_tax_rules(client: Client) -> TaxRules:
    """Raises DataError naming `vat_rate` if the key may not read them: amounts without VAT would be a guess."""
    general, tax = client.settings("general"), client.settings("tax")
    if general is None or tax is None:
        raise DataError(
            "The key may not read the shop's tax settings: use a key of an administrator or shop manager, "
            "or fill in the VAT percentage in the settings.",
            code="connector.refused",
            field="vat_rate",
        )
    is_on = general.get("woocommerce_calc_taxes") == "yes"
    return rules_from(general, tax, list(_tax_rates(client)) if is_on else [])


def _tax_rates(client: Client) -> Iterator[JSON]:
    for page in range(1, MOST_TAX_PAGES + 1):
        listing = client.taxes(page=page)
        yield from listing.rows
        if page >= listing.pages:
            return
