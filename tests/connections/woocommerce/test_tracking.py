"""The tracking code is found wherever the shop keeps it."""

from typing import Any

import pytest

from connections.connectors.types import OrderUpdate, ParcelItem, ShopState

from .conftest import OPTIONS, an_item, an_order, connector_for

SOURCES = ["fulfillments", "extension", "ast", "meta"]


def created(shop: Any, *items: Any, **settings: str) -> tuple[Any, str]:
    connector = connector_for(shop, **settings)
    return connector, connector.create_order(an_order(*items), key="bol:1:1", options=OPTIONS).remote_id


def update_of(connector: Any, order_id: str) -> OrderUpdate:
    return connector.parse_update(connector.fetch_one("updates", order_id))


@pytest.mark.parametrize("source", SOURCES)
def test_each_source_gives_code_and_carrier(shop, source: str):
    connector, order_id = created(shop)
    shop.ship(order_id, "3SABC1", "postnl", via=source)
    update = update_of(connector, order_id)
    assert (update.state, update.reference) == (ShopState.COMPLETED, "bol:1:1")
    assert [(parcel.tracking_code, parcel.transporter) for parcel in update.parcels] == [("3SABC1", "postnl")]


@pytest.mark.parametrize("source", SOURCES)
def test_several_parcels_keep_their_own_names(shop, source: str):
    connector, order_id = created(shop)
    shop.add_tracking(order_id, "3SABC1", via=source)
    shop.add_tracking(order_id, "3SABC2", via=source)
    first, second = update_of(connector, order_id).parcels
    assert {first.tracking_code, second.tracking_code} == {"3SABC1", "3SABC2"}
    assert first.ref != second.ref
    again = update_of(connector, order_id).parcels
    assert [parcel.ref for parcel in again] == [first.ref, second.ref]


def test_an_order_completed_without_a_code_has_no_parcel(shop):
    connector, order_id = created(shop)
    shop.complete(order_id)
    update = update_of(connector, order_id)
    assert (update.state, update.parcels) == (ShopState.COMPLETED, [])


def test_a_part_that_was_sent_leaves_the_order_open(shop):
    shop.add_product("CUP")
    connector, order_id = created(shop, an_item("MUG", 3), an_item("CUP", 1))
    shop.partial_fulfil(order_id, {"MUG": 2}, "3SPART")
    update = update_of(connector, order_id)
    assert update.state == ShopState.OPEN
    assert [(parcel.tracking_code, parcel.items) for parcel in update.parcels] == [("3SPART", [ParcelItem("MUG", 2)])]


def test_a_parcels_items_are_named_as_we_named_them_even_if_the_sku_changed(shop):
    product_id = shop.add_product("OLD")
    connector, order_id = created(shop, an_item(product_id), product_field="id")
    shop.orders[order_id]["line_items"][0]["sku"] = "OLD"
    shop.partial_fulfil(order_id, {"OLD": 1}, "3SABC1")
    assert update_of(connector, order_id).parcels[0].items == [ParcelItem(product_id, 1)]


def test_the_same_code_in_two_plugins_is_one_parcel(shop):
    connector, order_id = created(shop)
    for source in SOURCES[1:]:
        shop.add_tracking(order_id, "3SABC1", via=source)
    assert len(update_of(connector, order_id).parcels) == 1


def test_routes_that_the_shop_has_not_are_asked_for_once(shop):
    connector, order_id = created(shop)
    for _ in range(3):
        update_of(connector, order_id)
    asked = [line for line in shop.requests if line.endswith("/shipment-trackings")]
    assert len(asked) == 2
    assert not [line for line in shop.requests if line.endswith("/fulfillments")]


def test_a_code_in_an_order_field_named_in_the_settings_is_found(shop):
    connector, order_id = created(shop, tracking_meta_keys="_parcel_code, _other")
    shop._set_meta(shop.orders[order_id], "_parcel_code", "3SMETA")
    assert update_of(connector, order_id).parcels[0].tracking_code == "3SMETA"


def test_a_late_code_makes_the_order_appear_again(shop):
    connector, order_id = created(shop)
    shop.complete(order_id)
    shop.advance(minutes=5)
    cursor = [page.cursor for page in connector.fetch("updates", "")][-1]
    before = {record.version for page in connector.fetch("updates", "") for record in page.records}
    shop.advance(minutes=30)
    shop.add_tracking(order_id, "3SLATE", via="meta")
    after = [record for page in connector.fetch("updates", cursor) for record in page.records]
    assert [record.external_id for record in after] == [order_id]
    assert after[0].version not in before
