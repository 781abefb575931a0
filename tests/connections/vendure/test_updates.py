from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connections.connectors.errors import DataError
from connections.connectors.types import ParcelItem, ShopState

from .conftest import OPTIONS, an_item, an_order

pytestmark = pytest.mark.xdist_group("vendure")


def create(connector, *items):
    order = an_order(*items)
    return connector.create_order(order, key=f"key-{order.external_id}", options=OPTIONS).remote_id


def read(connector, order_id, cursor=""):
    records = [record for page in connector.fetch("updates", cursor) for record in page.records]
    return connector.parse_update([one.raw for one in records if one.external_id == order_id][-1])


def test_a_shipped_order_comes_back_with_its_code(connector, vendure):
    sku = vendure.add_product()
    order_id = create(connector, an_item(sku, 3))
    fulfilment = vendure.fulfil(order_id, "3SABC", "PostNL")
    assert read(connector, order_id).parcels == []
    vendure.move(fulfilment, "Shipped")
    update = read(connector, order_id)
    assert update.state is ShopState.COMPLETED
    assert update.reference.startswith("key-ORDER-")
    (parcel,) = update.parcels
    assert (parcel.tracking_code, parcel.transporter) == ("3SABC", "PostNL")
    assert parcel.items == [ParcelItem(sku, 3)]
    assert abs((datetime.now(UTC) - parcel.shipped_at).total_seconds()) < 60
    assert vendure.stock(sku) == (47, 0)


def test_every_parcel_of_a_partly_shipped_order_is_seen(connector, vendure):
    one, other = vendure.add_product(), vendure.add_product()
    order_id = create(connector, an_item(one, 2), an_item(other))
    for number in (1, 2):
        vendure.ship(order_id, f"T{number}", items={one: 1})
        # as if the last read were long ago: the second parcel does not move the order's updatedAt
        update = read(connector, order_id, "2099-01-01T00:00:00.000Z")
        assert update.state is ShopState.OPEN
        assert [parcel.tracking_code for parcel in update.parcels] == [f"T{n}" for n in range(1, number + 1)]
    vendure.ship(order_id, "T3", items={other: 1})
    assert read(connector, order_id).state is ShopState.COMPLETED


def test_a_parcel_that_arrives_before_the_last_one_leaves_is_no_obstacle(connector, vendure):
    sku = vendure.add_product()
    order_id = create(connector, an_item(sku, 2))
    vendure.move(vendure.ship(order_id, "T1", items={sku: 1}), "Delivered")
    vendure.ship(order_id, "T2", items={sku: 1})
    update = read(connector, order_id)
    assert update.status_text == "PartiallyDelivered"
    assert update.state is ShopState.COMPLETED


def test_a_cancelled_order_is_cancelled(connector, vendure):
    order_id = create(connector, an_item(vendure.add_product()))
    vendure.cancel(order_id)
    assert read(connector, order_id).state is ShopState.CANCELLED


def test_pages_have_no_gap_and_no_repeat(connector, vendure):
    sku = vendure.add_product()
    made = {create(connector, an_item(sku)) for _ in range(3)}
    connector.page_size = 2
    pages = list(connector.fetch("updates", ""))
    ids = [record.external_id for page in pages for record in page.records]
    placed = {one["id"] for one in vendure.orders() if one["state"] not in ("Draft", "ArrangingPayment")}
    assert made <= set(ids) == placed
    # two lists overlap (changed, and those that do not move), so only the first may not repeat
    assert len(ids) - len(set(ids)) <= sum(one["state"].startswith("Partially") for one in vendure.orders())
    again = [record for page in connector.fetch("updates", pages[-1].cursor) for record in page.records]
    assert made <= {record.external_id for record in again}


def test_one_order_can_be_read_again_and_a_missing_one_is_gone(connector, vendure):
    order_id = create(connector, an_item(vendure.add_product()))
    assert connector.parse_update(connector.fetch_one("updates", order_id)).external_id == order_id
    with pytest.raises(DataError) as error:
        connector.fetch_one("updates", "999999")
    assert error.value.code == "order.gone"
