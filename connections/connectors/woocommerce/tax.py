"""From marketplace prices with VAT to the shop's prices without, so that the shop's total comes out right.

WooCommerce takes the amounts of an order without tax and computes the tax itself, from its own tax
table. So we look the rate up there the way WooCommerce does, and choose net amounts that lead back to
the gross ones after its rounding. Pure.

Source: WooCommerce REST API v3, "Tax rates" and "Setting options" (groups general and tax).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_DOWN, ROUND_HALF_UP, Decimal, InvalidOperation

from ..errors import ContractError
from ..types import JSON

FINE = Decimal("0.000001")  # what is left of a net amount that has no exact cent
HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Place:
    country: str = ""
    state: str = ""
    postcode: str = ""
    city: str = ""


@dataclass(frozen=True, slots=True)
class TaxRules:
    """The shop's tax settings and table. `fixed_rate` replaces the table (0.21 for 21 %)."""

    is_on: bool = False
    based_on: str = "shipping"  # shipping, billing or base
    base: Place = Place()
    shipping_class: str = "inherit"  # or a tax class, "" being the standard one
    rounds_at_subtotal: bool = False
    prices_include_tax: bool = False
    decimals: int = 2
    rates: Sequence[JSON] = ()
    fixed_rate: Decimal | None = None

    @property
    def rounding(self) -> str:
        """WooCommerce rounds half a cent of tax down where prices include tax, else up."""
        return ROUND_HALF_DOWN if self.prices_include_tax else ROUND_HALF_UP

    @property
    def unit(self) -> Decimal:
        return Decimal(1).scaleb(-self.decimals)

    def rounded(self, tax: Decimal) -> Decimal:
        return tax.quantize(self.unit, self.rounding)

    def rate(self, place: Place, tax_class: str, *, for_shipping: bool = False) -> Decimal:
        """What the tax adds to one unit of money, e.g. 0.21: of each priority the most specific rate
        counts; compound ones apply on top of the others."""
        if self.fixed_rate is not None:
            return self.fixed_rate
        simple, compound, taken = Decimal(1), Decimal(1), set()
        for row in sorted((row for row in self.rates if _applies(row, place, tax_class)), key=_rank):
            if row.get("priority") in taken:
                continue
            taken.add(row.get("priority"))
            share = _percentage(row) if row.get("shipping", True) or not for_shipping else Decimal(0)
            if row.get("compound"):
                compound *= 1 + share
            else:
                simple += share
        return simple * compound - 1 if self.is_on else Decimal(0)


def rules_from(general: Mapping[str, str], tax: Mapping[str, str], rates: Sequence[JSON]) -> TaxRules:
    """From the values of the settings groups "general" and "tax" and the rows of /taxes."""
    country, _, state = general.get("woocommerce_default_country", "").partition(":")
    decimals = general.get("woocommerce_price_num_decimals", "")
    return TaxRules(
        is_on=general.get("woocommerce_calc_taxes") == "yes",
        based_on=tax.get("woocommerce_tax_based_on") or "shipping",
        base=Place(
            country, state, general.get("woocommerce_store_postcode", ""), general.get("woocommerce_store_city", "")
        ),
        shipping_class=tax.get("woocommerce_shipping_tax_class", "inherit"),
        rounds_at_subtotal=tax.get("woocommerce_tax_round_at_subtotal") == "yes",
        prices_include_tax=tax.get("woocommerce_prices_include_tax") == "yes",
        decimals=min(int(decimals), 6) if decimals.isdecimal() else 2,
        rates=rates,
    )


def _percentage(row: JSON) -> Decimal:
    try:
        return Decimal(str(row["rate"])) / HUNDRED
    except (KeyError, InvalidOperation):
        raise ContractError("A tax rate of the shop has no readable percentage.") from None


def _rank(row: JSON) -> tuple[int, bool, bool, bool, bool, int, int]:
    return (
        int(row.get("priority") or 0),
        not row.get("country"),
        not row.get("state"),
        not _places(row, "postcode"),
        not _places(row, "city"),
        int(row.get("order") or 0),
        int(row.get("id") or 0),
    )


def _applies(row: JSON, place: Place, tax_class: str) -> bool:
    return (
        (row.get("class") or "standard") == (tax_class or "standard")
        and (row.get("country") or "").upper() in {"", place.country.upper()}
        and (row.get("state") or "").upper() in {"", place.state.upper()}
        and _matches(_places(row, "postcode"), place.postcode)
        and _matches(_places(row, "city"), place.city)
    )


def _places(row: JSON, name: str) -> list[str]:
    """`postcodes` and `cities` came with WooCommerce 5.3; before, one text with semicolons."""
    plural = {"postcode": "postcodes", "city": "cities"}[name]
    many = row.get(plural) or str(row.get(name) or "").split(";")
    return [str(one).strip().upper() for one in many if str(one).strip() not in {"", "*"}]


def _matches(patterns: Sequence[str], text: str) -> bool:
    text = text.strip().upper()
    return not patterns or any(_matches_one(pattern, text) for pattern in patterns)


def _matches_one(pattern: str, text: str) -> bool:
    """A postcode is given whole, with * at its end, or as a range 1000...1999."""
    low, is_range, high = pattern.partition("...")
    if is_range:
        numbers = [part.strip() for part in (low, text, high)]
        return all(number.isdecimal() for number in numbers) and int(low) <= int(text) <= int(high)
    if pattern.endswith("*"):
        return text.startswith(pattern[:-1])
    return pattern.replace(" ", "") == text.replace(" ", "")


@dataclass(frozen=True, slots=True)
class Amount:
    """A line of the order: what the buyer paid, VAT included, and what the shop is told."""

    gross: Decimal
    rate: Decimal
    net: Decimal = Decimal(0)
    is_shipping: bool = False


def net_of(gross: Decimal, rate: Decimal, rules: TaxRules) -> Decimal:
    """`gross` without tax: in whole cents if the shop's rounding leads back from there, else finer."""
    exact = gross / (1 + rate)
    net = gross - rules.rounded(exact * rate)
    if not rules.rounds_at_subtotal and net + rules.rounded(net * rate) == gross:
        return net
    return exact.quantize(FINE)


def _added(amount: Amount, rules: TaxRules) -> Decimal:
    """What one line adds to the shop's total: net and tax each in whole cents, or, where the shop
    rounds at the subtotal, as they are; the net of shipping is in whole cents always."""
    tax = amount.net * amount.rate
    if rules.rounds_at_subtotal and not amount.is_shipping:
        return amount.net + tax
    net = amount.net.quantize(rules.unit, ROUND_HALF_UP)
    return net + (tax if rules.rounds_at_subtotal else rules.rounded(tax))


def total_of(amounts: Sequence[Amount], rules: TaxRules) -> Decimal:
    """The total that the shop will show for these lines."""
    total = sum((_added(amount, rules) for amount in amounts), Decimal(0))
    return total.quantize(rules.unit, ROUND_HALF_UP)


def settle(amounts: Sequence[Amount], rules: TaxRules) -> list[Amount]:
    """The amounts with `net` filled in, so that the shop's total is the sum of the gross ones.

    About one gross amount in six cannot be reached by whole cents of net at 21 %; finer ones reach nearly
    all. What is missing then in all is moved into the first line where it makes the total right.
    """
    settled = [replace(amount, net=net_of(amount.gross, amount.rate, rules)) for amount in amounts]
    wanted = sum((amount.gross for amount in amounts), Decimal(0)).quantize(rules.unit, ROUND_HALF_UP)
    missing = wanted - total_of(settled, rules)
    for index, amount in enumerate(settled if missing else ()):
        trial = [*settled[:index], replace(amount, net=amount.net + missing), *settled[index + 1 :]]
        if total_of(trial, rules) == wanted:
            return trial
    return settled
