"""Orders arrive in the shop whole, once, with the right total, or not at all."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connections.connectors.errors import AuthError, ConnectorError, DataError, TransientError
from connections.connectors.types import AddressData, Found, ShopOptions
from tests.simulators.base import Fault, Response

from .conftest import ADDRESS, OPTIONS, an_item, an_order, connector_for


def create(shop: Any, order: Any = None, *, options: ShopOptions = OPTIONS, **settings: str) -> Any:
    """The order in the shop, and what was answered."""
    done = connector_for(shop, **settings).create_order(order or an_order(), key="bol:1:1001", options=options)
    return shop.orders[done.remote_id], done


def test_an_order_is_made_paid_with_our_reference_and_the_marketplace_number(shop):
    order, done = create(shop)
    metas = {row["key"]: row["value"] for row in order["meta_data"]}
    assert (order["status"], order["transaction_id"], done.number) == ("processing", "bol:1:1001", order["number"])
    assert metas["_channable_reference"] == "bol:1:1001"
    assert (metas["_channable_order"], metas["_order_number"]) == ("1001", "BOL-1001")
    assert (order["payment_method_title"], order["customer_note"]) == ("bol", "bol order 1001")
    assert done.notes == []


def test_addresses_arrive_whole(shop):
    order, _ = create(shop)
    assert order["shipping"]["address_1"] == "Dorpsstraat 1 A"
    assert (order["billing"]["email"], order["billing"]["country"]) == ("ada@example.com", "NL")


def test_an_order_without_an_email_address_is_accepted(shop):
    """An empty address would be refused as an invalid one."""
    nameless = AddressData(last_name="Ada", country_code="NL")
    order, _ = create(shop, an_order(billing=nameless, shipping_address=nameless))
    assert order["billing"]["email"] == ""


@pytest.mark.parametrize("price", ["0.01", "0.03", "9.99", "10.00", "19.95", "20.00", "1234.56"])
@pytest.mark.parametrize("quantity", [1, 3])
def test_the_shops_total_is_the_marketplaces(shop, price: str, quantity: int):
    order, done = create(shop, an_order(an_item(price=price, quantity=quantity), shipping=Decimal("2.99")))
    assert Decimal(order["total"]) == Decimal(price) * quantity + Decimal("2.99")
    assert done.notes == []


def test_the_total_of_many_small_lines_is_exact(shop):
    for number in range(30):
        shop.add_product(f"S{number}")
    items = [an_item(f"S{number}", price=f"0.{number + 1:02d}") for number in range(30)]
    order, _ = create(shop, an_order(*items))
    assert Decimal(order["total"]) == Decimal("4.65")


def test_discounts_and_fees_are_in_the_total(shop):
    items = [an_item(price="20.00", discount=Decimal("5.00"))]
    order, done = create(shop, an_order(*items, discount=Decimal("6.00"), transaction_fee=Decimal("1.50")))
    assert Decimal(order["total"]) == Decimal("15.50")
    assert Decimal(order["discount_total"]) > 0
    assert done.notes == []


def test_reduced_rates_and_untaxed_products_keep_their_price(shop):
    shop.add_tax_rate("9.0000", tax_class="reduced-rate", country="NL")
    shop.add_product("BOOK", tax_class="reduced-rate")
    shop.add_product("GIFT", tax_status="none")
    items = [an_item("MUG"), an_item("BOOK", price="10.99"), an_item("GIFT", price="25.00")]
    order, _ = create(shop, an_order(*items))
    assert Decimal(order["total"]) == Decimal("55.99")


def test_the_rate_of_the_country_it_goes_to_counts(shop):
    shop.add_tax_rate("25.0000", country="DK")
    address = AddressData(last_name="Ada", country_code="DK")
    order, _ = create(shop, an_order(shipping_address=address, billing=ADDRESS))
    assert (order["total"], order["total_tax"]) == ("20.00", "4.00")


def test_a_shop_without_taxes_gets_the_prices_as_they_are(make_shop):
    order, _ = create(make_shop(calc_taxes=False))
    assert (order["total"], order["total_tax"]) == ("20.00", "0.00")


def test_a_different_total_is_remarked_on(shop):
    _, done = create(shop, an_order(total="21.00"))
    assert done.notes == ["shop total differs: 20.00 EUR instead of 21.00"]


def test_a_key_that_may_not_read_taxes_needs_the_vat_rate(make_shop):
    shop = make_shop(may_read_settings=False)
    with pytest.raises(DataError) as caught:
        create(shop)
    assert (caught.value.code, shop.effects("create_order")) == ("connector.refused", [])
    order, _ = create(shop, vat_rate="21")
    assert order["total"] == "20.00"


def test_an_unknown_product_is_refused_before_the_call(shop):
    with pytest.raises(DataError) as caught:
        create(shop, an_order(an_item("MUG"), an_item("NOPE")))
    assert (caught.value.code, caught.value.reason) == ("product.not_found", "missing_reference")
    assert caught.value.field == "items[1].product_id"
    assert "NOPE" in caught.value.detail
    assert shop.effects("create_order") == []


@pytest.mark.parametrize("sku", ["", " ", ",", "MUG,MUG", "ÿ☕", "x" * 500, "MUG' OR 1=1", "%", "0"])
def test_a_strange_sku_finds_no_other_product(shop, sku: str):
    with pytest.raises(DataError) as caught:
        create(shop, an_order(an_item(sku)))
    assert caught.value.code == "product.not_found"


def test_skus_with_a_comma_and_dozens_of_them_are_found(shop):
    skus = ["A,B", *(f"SKU {number}" for number in range(45))]
    for sku in skus:
        shop.add_product(sku)
    order, _ = create(shop, an_order(*(an_item(sku) for sku in skus)))
    assert [line["sku"] for line in order["line_items"]] == skus


def test_a_variation_is_ordered_through_its_parent(shop):
    parent = shop.add_product("SHIRT")
    variation = shop.add_product("SHIRT-M", parent_id=int(parent))
    order, _ = create(shop, an_order(an_item("SHIRT-M")))
    [line] = order["line_items"]
    assert (str(line["product_id"]), str(line["variation_id"])) == (parent, variation)


def test_products_can_be_found_by_id(shop):
    product_id = shop.add_product("OTHER")
    order, _ = create(shop, an_order(an_item(product_id)), product_field="id")
    assert order["line_items"][0]["sku"] == "OTHER"
    with pytest.raises(DataError):
        create(shop, an_order(an_item("OTHER")), product_field="id")


def test_more_than_the_stock_is_refused_unless_it_is_not_checked(shop):
    shop.add_product("FEW", stock=3)
    order = an_order(an_item("FEW", 2), an_item("FEW", 2))
    with pytest.raises(DataError) as caught:
        create(shop, order)
    assert (caught.value.code, caught.value.reason) == ("product.out_of_stock", "platform_failure")
    create(shop, order, options=ShopOptions(number="", checks_stock=False))
    assert [row["stock_quantity"] for row in shop.products.values() if row["sku"] == "FEW"] == [-1]


def test_backorders_are_taken(shop):
    shop.add_product("LATER", stock=0, backorders_allowed=True, backorders="yes")
    create(shop, an_order(an_item("LATER")))


@pytest.mark.parametrize("quantity", [0, -1])
def test_a_quantity_that_is_none_is_refused_before_the_call(shop, quantity: int):
    with pytest.raises(DataError) as caught:
        create(shop, an_order(an_item(quantity=quantity)))
    assert (caught.value.code, shop.effects("create_order")) == ("connector.refused", [])


def test_a_test_order_says_so(shop):
    order, _ = create(shop, options=ShopOptions(number="", is_test=True))
    assert order["customer_note"].startswith("TEST ORDER")
    assert {"key": "_channable_test", "value": "yes"}.items() <= order["meta_data"][-1].items()


@pytest.mark.parametrize(
    ("change", "code", "reason"),
    [
        ({"currency": "XXX"}, "pricing.currency", "pricing"),
        ({"billing": AddressData(last_name="Ada", email="no address")}, "address.unusable", "address_parsing"),
    ],
)
def test_a_refused_order_names_its_reason_and_leaves_nothing_behind(shop, change: Any, code: str, reason: str):
    with pytest.raises(DataError) as caught:
        create(shop, an_order(**change))
    assert (caught.value.code, caught.value.reason, caught.value.status) == (code, reason, 400)
    assert shop.orders == {}


@pytest.mark.parametrize(
    "answer", [b"<html>Bad request</html>", b"[]", b'{"data": {"params": ["currency"]}}', b'{"data": null}', b'"x"']
)
def test_a_refusal_that_says_nothing_of_use_is_a_refusal(shop, answer: bytes):
    shop.validator = None
    shop._refuse = lambda body: Response(400, answer)
    with pytest.raises(DataError) as caught:
        create(shop)
    assert caught.value.code == "connector.refused"


def test_an_order_made_without_its_products_is_undone(shop):
    """As when a product is deleted between the look-up and the order."""
    connector = connector_for(shop)
    connector.tax_rules  # noqa: B018
    made = shop._new_order

    def lose_product(body: Any) -> Any:
        shop.products.clear()
        return made(body)

    shop._new_order = lose_product
    with pytest.raises(DataError) as caught:
        connector.create_order(an_order(), key="bol:1:1001", options=OPTIONS)
    [order] = shop.orders.values()
    assert (caught.value.code, order["status"], order["transaction_id"]) == ("product.not_found", "trash", "")


def test_a_half_made_order_is_undone_before_it_is_made_again(shop):
    order, done = create(shop)
    again = connector_for(shop).create_order(
        an_order(), key="bol:1:1001", options=OPTIONS, found=Found(done.remote_id, is_complete=False)
    )
    assert (order["status"], order["transaction_id"]) == ("trash", "")
    assert again.remote_id != done.remote_id
    assert shop.order_with("bol:1:1001")["id"] == int(again.remote_id)


def test_a_half_made_order_that_has_gone_meanwhile_is_made_anew(shop):
    found = Found("999999", is_complete=False)
    connector_for(shop).create_order(an_order(), key="bol:1:1001", options=OPTIONS, found=found)
    assert shop.order_with("bol:1:1001")["status"] == "processing"


@pytest.mark.parametrize("permalinks", ["pretty", "plain"])
def test_an_order_that_was_saved_but_not_paid_is_half_made(make_shop, permalinks: str):
    """As when the host stops the script between the two."""
    shop = make_shop(permalinks=permalinks)
    connector, order = connector_for(shop), shop._new_order({"transaction_id": "bol:1:1001"})
    order["line_items"] = [shop._line({"product_id": next(iter(shop.products))}, "NL")]
    order["line_items"][0].pop("_exact")
    shop.orders[str(order["id"])] = order
    found = connector.find_order("bol:1:1001", since=datetime.now(UTC))
    assert found is not None
    assert not found.is_complete
    connector_for(shop).create_order(an_order(), key="bol:1:1001", options=OPTIONS, found=found)
    assert shop.order_with("bol:1:1001")["status"] == "processing"


@pytest.mark.parametrize("vat_rate", ["x", "-1", "100", "nan", "inf"])
def test_a_vat_rate_that_is_none_is_refused(shop, vat_rate: str):
    with pytest.raises(DataError) as caught:
        create(shop, vat_rate=vat_rate)
    assert (caught.value.field, shop.orders) == ("vat_rate", {})


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.ERROR_500_BEFORE, TransientError),
        (Fault.RESET_AFTER, TransientError),
        (Fault.BAD_GATEWAY_AFTER, TransientError),
        (Fault.TRUNCATED, TransientError),
        (Fault.HTML_200, ConnectorError),
        (Fault.BROKEN_JSON, ConnectorError),
        (Fault.FORBIDDEN_HTML, TransientError),
    ],
)
def test_a_write_that_fails_is_never_repeated(shop, fault: Fault, kind: type[Exception]):
    shop.fail("POST /wp-json/wc/v3/orders$", fault, times=1)
    with pytest.raises(kind) as caught:
        create(shop)
    assert not isinstance(caught.value, DataError)
    assert shop.requests.count("POST /wp-json/wc/v3/orders") <= 1
    assert len(shop.effects("create_order")) == int(fault.executes)


def test_a_shop_whose_clock_is_wrong_gets_the_order_once(shop):
    shop.set_clock(shop.now() + timedelta(minutes=40))
    create(shop)
    assert len(shop.effects("create_order")) == 1


def test_a_key_without_write_permission_is_an_auth_error(shop):
    shop.may_write = False
    with pytest.raises(AuthError):
        create(shop)


def ids(**more: list[str]) -> ShopOptions:
    return replace(OPTIONS, shop_ids=more)


def test_a_product_is_found_by_the_first_id_that_the_shop_has(shop):
    shop.add_product("8712345678906")
    order, done = create(shop, an_order(an_item("NEW")), options=ids(NEW=["NEW", "none", "8712345678906", "MUG"]))
    assert [line["sku"] for line in order["line_items"]] == ["8712345678906"]
    assert done.matches == {"NEW": "8712345678906"}
    assert [row["value"] for row in order["line_items"][0]["meta_data"]][:1] == ["NEW"]  # parcels speak of it so


def test_a_product_found_by_its_own_id_is_no_match_to_tell(shop):
    _order, done = create(shop, options=ids(MUG=["MUG", "TEA"]))
    assert done.matches == {}


def test_each_id_that_was_tried_is_named_where_none_is_there(shop):
    with pytest.raises(DataError, match="SKU 'NEW' or 'none'") as caught:
        create(shop, an_order(an_item("NEW")), options=ids(NEW=["NEW", "none"]))
    assert caught.value.code == "product.not_found"
    assert shop.effects("create_order") == []


def test_further_ids_are_asked_for_only_where_the_first_is_missing(shop):
    create(shop, options=ids(MUG=["MUG", "TEA"]))
    calls = [arrival for arrival in shop.arrivals if "/products" in str(arrival)]
    assert len(calls) == 1
