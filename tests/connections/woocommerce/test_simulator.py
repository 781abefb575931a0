"""The simulated shop itself: what demos and journeys rely on."""

import pytest

from connections.connectors.errors import DataError
from tests.simulators.validation import specs_available

from .conftest import OPTIONS, an_item, an_order, connector_for


@pytest.mark.skipif(not specs_available("woocommerce"), reason="the vendor's description is not at hand")
def test_exchanges_are_checked_against_the_vendors_description(shop):
    before = shop.validator.tally.exchanges
    connector_for(shop).create_order(an_order(), key="bol:1:1", options=OPTIONS)
    assert shop.validator.tally.exchanges - before == len(shop.requests) > 0


def test_what_was_done_is_in_the_ledger_with_our_reference(shop):
    connector = connector_for(shop)
    ids = [connector.create_order(an_order(), key=f"bol:1:{n}", options=OPTIONS).remote_id for n in range(4)]
    shop.complete(ids[0])
    shop.ship(ids[1], "3SABC1", "dhl")
    shop.cancel(ids[2])
    shop.cancel(ids[3])
    shop.reopen(ids[3])
    kinds = ["create_order"] * 4 + ["complete", "ship", "cancel", "cancel", "reopen"]
    assert [effect.kind for effect in shop.ledger] == kinds
    assert [effect.reference for effect in shop.effects("create_order")] == [f"bol:1:{n}" for n in range(4)]
    assert [effect.reference for effect in shop.effects("ship")] == ["bol:1:1"]


def test_the_listing_shows_orders_with_their_reference(shop):
    for number in range(2):
        connector_for(shop).create_order(an_order(), key=f"bol:1:{number}", options=OPTIONS)
    rows = shop.listing()
    assert [(row["reference"], row["status"], row["total"]) for row in rows] == [
        ("bol:1:1", "processing", "20.00"),
        ("bol:1:0", "processing", "20.00"),
    ]
    assert rows[0]["metas"]["_channable_order"] == "1001"


def test_products_are_made_for_unknown_skus_only_where_wanted(make_shop):
    order = an_order(an_item("NEW"))
    with pytest.raises(DataError):
        connector_for(make_shop()).create_order(order, key="k", options=OPTIONS)
    shop = make_shop(creates_products=True)
    connector_for(shop).create_order(order, key="k", options=OPTIONS)
    assert [line["sku"] for line in shop.order_with("k")["line_items"]] == ["NEW"]


@pytest.mark.parametrize("end", ["cancel", "trash"])
def test_stock_is_taken_once_and_given_back_by_a_cancellation(shop, end: str):
    product_id = shop.add_product("FEW", stock=5)
    done = connector_for(shop).create_order(an_order(an_item("FEW", 2)), key="k", options=OPTIONS)
    assert shop.products[product_id]["stock_quantity"] == 3
    getattr(shop, end)(done.remote_id)
    assert shop.products[product_id]["stock_quantity"] == (5 if end == "cancel" else 3)
