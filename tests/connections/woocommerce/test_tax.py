"""Amounts without tax are chosen so that the shop's own arithmetic leads back to the marketplace's total."""

import itertools
import random
from decimal import Decimal
from typing import Any

import pytest

from connections.connectors.types import ShopOptions
from connections.connectors.woocommerce.order import Product, build
from connections.connectors.woocommerce.tax import Place, TaxRules, rules_from
from tests.simulators.woocommerce import WooCommerceSimulator

from .conftest import an_item, an_order

NL = {"woocommerce_calc_taxes": "yes", "woocommerce_default_country": "NL:NB", "woocommerce_price_num_decimals": "2"}


def rate_row(rate: str, **more: Any) -> dict[str, Any]:
    row = {"id": 1, "country": "", "state": "", "postcodes": [], "cities": [], "rate": rate, "priority": 1}
    return row | {"compound": False, "shipping": True, "order": 0, "class": "standard"} | more


def totals(order: Any, rate: str, **shop_options: Any) -> tuple[Decimal, Decimal]:
    """What the marketplace asks, and what a shop with this rate makes of what we send."""
    shop = WooCommerceSimulator(**shop_options)
    shop.tax_rates.clear()
    shop.add_tax_rate(rate)
    products = {item.product_id: Product(int(shop.add_product(item.product_id))) for item in order.items}
    rules = TaxRules(
        is_on=True,
        rates=shop.tax_rates,
        prices_include_tax=shop.prices_include_tax,
        rounds_at_subtotal=shop.rounds_at_subtotal,
    )
    made = shop._new_order(build(order, products, rules, key="k", options=ShopOptions(number="")))
    return order.total, Decimal(made["total"])


def random_order(seed: int) -> Any:
    draw = random.Random(seed)
    prices = [Decimal(draw.randint(1, 20_000)) / 100 for _ in range(draw.randint(1, 6))]
    items = [
        an_item(f"S{index}", draw.randint(1, 4), str(price), discount=min(price, Decimal(draw.choice(["0", "0.37"]))))
        for index, price in enumerate(prices)
    ]
    return an_order(*items, shipping=Decimal(draw.randint(0, 999)) / 100, transaction_fee=Decimal(draw.choice([0, 1])))


@pytest.mark.parametrize("rate", ["0.0000", "7.0000", "9.0000", "19.0000", "21.0000", "25.5000"])
@pytest.mark.parametrize(("rounds_at_subtotal", "prices_include_tax"), list(itertools.product([False, True], repeat=2)))
def test_the_total_is_exact_whatever_the_rate_and_the_shops_way_to_round(
    rate: str, rounds_at_subtotal: bool, prices_include_tax: bool
):
    for seed in range(60):
        options = {"rounds_at_subtotal": rounds_at_subtotal, "prices_include_tax": prices_include_tax}
        wanted, made = totals(random_order(seed), rate, **options)
        assert made == wanted, f"seed {seed}"


@pytest.mark.parametrize("cents", range(1, 60))
def test_every_amount_of_one_line_is_reached(cents: int):
    wanted, made = totals(an_order(an_item(price=str(Decimal(cents) / 100))), "21.0000")
    assert made == wanted


def test_the_most_specific_rate_counts_once_per_priority():
    rows = [rate_row("21"), rate_row("20", id=2, country="FR"), rate_row("8.5", id=3, country="FR", postcodes=["971*"])]
    rules = rules_from(NL, {}, rows)
    assert rules.rate(Place("FR", postcode="97110"), "") == Decimal("0.085")
    assert rules.rate(Place("FR", postcode="75001"), "") == Decimal("0.20")
    assert rules.rate(Place("DE"), "") == Decimal("0.21")


def test_compound_rates_apply_on_top_of_the_others():
    rows = [rate_row("5"), rate_row("10", id=2, priority=2, compound=True)]
    assert rules_from(NL, {}, rows).rate(Place("CA"), "") == Decimal("0.155")


@pytest.mark.parametrize(
    ("pattern", "postcode", "fits"),
    [
        ("1234 AB", "1234ab", True),
        ("12*", "1299 ZZ", True),
        ("1000...1999", "1500", True),
        ("1000...1999", "2500", False),
        ("1000...1999", "x", False),
        ("", "anything", True),
        ("*", "anything", True),
    ],
)
def test_postcodes_are_whole_or_begin_alike_or_lie_between(pattern: str, postcode: str, fits: bool):
    rules = rules_from(NL, {}, [rate_row("21", postcodes=[pattern])])
    assert bool(rules.rate(Place("NL", postcode=postcode), "")) is fits


def test_an_older_shop_names_postcodes_in_one_text():
    row = rate_row("21", postcode="1000;2000", postcodes=[])
    assert rules_from(NL, {}, [row]).rate(Place("NL", postcode="2000"), "") == Decimal("0.21")


def test_shipping_is_untaxed_where_its_rate_or_its_goods_are():
    free = rules_from(NL, {}, [rate_row("21", shipping=False)])
    assert free.rate(Place("NL"), "", for_shipping=True) == 0
    order = an_order(an_item("GIFT"), shipping=Decimal("4.99"))
    rules = rules_from(NL, {}, [rate_row("21")])
    body = build(order, {"GIFT": Product(1, tax_class=None)}, rules, key="k", options=ShopOptions(number=""))
    assert body["shipping_lines"][0]["total"] == "4.99"
