from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connections.connectors.errors import AuthError, ConnectorError, DataError
from connections.connectors.types import AddressData
from connections.connectors.vendure import documents
from connections.connectors.vendure.checkout import note_lines

from .conftest import OPTIONS, an_item, an_order

pytestmark = pytest.mark.xdist_group("vendure")

WRITES = [
    "createDraftOrder",
    "addNoteToOrder",
    "addItemToDraftOrder",
    "setCustomerForDraftOrder",
    "setDraftOrderShippingAddress",
    "setDraftOrderBillingAddress",
    "setDraftOrderShippingMethod",
    "transitionOrderToState",
    "addManualPaymentToOrder",
]


def create(connector, order, **options):
    return connector.create_order(order, key=f"key-{order.external_id}", options=replace(OPTIONS, **options))


def create_until_done(connector, order, tries=10):
    """What the engine does: look up what an answer left open, and go on from there."""
    key, since, found = f"key-{order.external_id}", datetime.now(UTC), None
    for _ in range(tries):
        try:
            return connector.create_order(order, key=key, options=OPTIONS, found=found)
        except ConnectorError:
            found = connector.find_order(key, since=since)
    raise AssertionError("never done")


def test_good_credentials_tell_whose_account_it_is(connector, proxy):
    info = connector.check()
    assert info.account_id == proxy.url.removeprefix("http://") + "/admin-api#__default_channel__"
    assert info.currency == "EUR"


def test_wrong_credentials_are_refused_without_showing_them(connect):
    with pytest.raises(AuthError) as error:
        connect(password="not-the-one").check()
    assert "not-the-one" not in str(error.value)


def test_an_unknown_channel_token_is_refused(connect):
    with pytest.raises(AuthError):
        connect(channel_token="nowhere").check()


def test_an_expired_session_is_renewed(connector, vendure):
    connector.check()
    vendure.end_session(connector.account.tokens.current().value)
    assert connector.check().currency == "EUR"


def test_an_order_arrives_whole(connector, vendure):
    one, other = vendure.add_product(price=1000), vendure.add_product(price=2000, reduced_tax=True)
    order = an_order(an_item(one, 2), an_item(other, 1, "20.00"))
    done = create(connector, order, memo="Gift")
    made = vendure.order(done.remote_id)
    assert (made["state"], made["totalWithTax"], made["code"]) == ("PaymentSettled", 4000, done.number)
    assert {line["productVariant"]["sku"]: line["quantity"] for line in made["lines"]} == {one: 2, other: 1}
    assert made["customer"] == {
        "firstName": "Jip",
        "lastName": "de Vries",
        "emailAddress": order.customer.email,
        "user": None,
    }
    assert made["shippingAddress"]["streetLine1"] == "Dorpsstraat 12 a"
    assert made["payments"][0]["transactionId"] == f"key-{order.external_id}"
    notes = [entry for entry in made["history"]["items"] if entry["type"] == "ORDER_NOTE"]
    assert "Gift" in notes[0]["data"]["note"]
    assert not notes[0]["isPublic"]
    assert vendure.stock(one) == (50, 2)
    assert not done.notes


@pytest.mark.parametrize(("price", "total"), [("12.50", 2500), ("7.33", 1466)])
def test_the_marketplaces_price_is_what_the_shop_shows(connector, vendure, price, total):
    sku = vendure.add_product(price=1000)
    done = create(connector, an_order(an_item(sku, 2, price)))
    made = vendure.order(done.remote_id)
    assert (made["state"], made["totalWithTax"]) == ("PaymentSettled", total)
    assert [(one["sku"], one["taxRate"]) for one in made["surcharges"]] == [(sku, 21)]
    refunds = [refund for payment in made["payments"] for refund in payment["refunds"]]
    assert sum(payment["amount"] for payment in made["payments"]) - sum(one["total"] for one in refunds) == total
    assert all(one["state"] == "Settled" for one in refunds)
    assert not done.notes


def test_shipping_paid_at_the_marketplace_is_in_the_total(connector, vendure):
    done = create(connector, an_order(an_item(vendure.add_product()), total="13.95"))
    made = vendure.order(done.remote_id)
    assert made["totalWithTax"] == 1395
    assert [one["priceWithTax"] for one in made["surcharges"]] == [395]


def test_a_price_that_is_kept_is_said(connect, vendure):
    done = create(connect(prices="keep"), an_order(an_item(vendure.add_product(), price="12.50")))
    assert vendure.order(done.remote_id)["totalWithTax"] == 1000
    assert done.notes == ["The shop's total is 10.00 EUR, the marketplace's 12.50."]


def test_lines_of_the_same_product_are_one_line(connector, vendure):
    sku = vendure.add_product()
    done = create(connector, an_order(an_item(sku, 1), an_item(sku, 2)))
    assert [line["quantity"] for line in vendure.order(done.remote_id)["lines"]] == [3]


def test_the_shipping_method_is_the_one_that_was_set(connect, vendure):
    done = create(connect(shipping_method="express"), an_order(an_item(vendure.add_product()), total="19.95"))
    assert vendure.order(done.remote_id)["shippingWithTax"] == 995
    with pytest.raises(DataError, match="pigeon"):
        create(connect(shipping_method="pigeon"), an_order(an_item(vendure.add_product())))


def test_a_customer_with_two_orders_is_one_customer(connector, vendure):
    sku = vendure.add_product()
    first = an_order(an_item(sku))
    second = replace(an_order(an_item(sku)), customer=first.customer)
    ids = [create(connector, one).remote_id for one in (first, second)]
    assert len({vendure.order(one)["customer"]["emailAddress"] for one in ids}) == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda order, sku: replace(order, items=[an_item("nowhere")]), "product.not_found"),
        (lambda order, sku: replace(order, items=[an_item(sku, 51)]), "product.out_of_stock"),
        (lambda order, sku: replace(order, currency="SEK"), "pricing.currency"),
        (
            lambda order, sku: replace(order, shipping_address=AddressData(street="X", country_code="XX")),
            "address.unusable",
        ),
    ],
)
def test_what_the_shop_refuses_leaves_nothing_behind(connector, vendure, change, code):
    sku = vendure.add_product()
    order = change(an_order(an_item(sku)), sku)
    before = len(vendure.orders())
    with pytest.raises(DataError) as error:
        create(connector, order)
    assert error.value.code == code
    assert len(vendure.orders()) == before
    assert vendure.stock(sku) == (50, 0)


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("price", ["10.00", "12.50", "7.50"])
def test_an_answer_that_is_lost_makes_no_second_order(connector, vendure, proxy, write, price):
    sku = vendure.add_product()
    order = an_order(an_item(sku, 2, price))
    proxy.lose(write)
    done = create_until_done(connector, order)
    made = vendure.paid_with(f"key-{order.external_id}")
    assert [(one["id"], one["state"]) for one in made] == [(done.remote_id, "PaymentSettled")]
    assert made[0]["totalWithTax"] == order.total * 100
    assert vendure.stock(sku) == (50, 2)


@pytest.mark.parametrize("price", ["12.50", "7.50"])
@pytest.mark.parametrize(
    "write", ['"Modifying"', "modifyOrder", '"ArrangingAdditionalPayment"', '"PaymentSettled"', "settleRefund"]
)
def test_a_lost_answer_leaves_no_price_half_changed(connector, vendure, proxy, write, price):
    order = an_order(an_item(vendure.add_product(), 2, price))
    proxy.lose(write)
    done = create_until_done(connector, order)
    made = vendure.order(done.remote_id)
    assert (made["state"], made["totalWithTax"]) == ("PaymentSettled", order.total * 100)
    assert len(made["surcharges"]) == 1
    refunds = [refund for payment in made["payments"] for refund in payment["refunds"]]
    paid = sum(payment["amount"] for payment in made["payments"]) - sum(one["total"] for one in refunds)
    assert paid == order.total * 100
    assert all(one["state"] == "Settled" for one in refunds)


def test_an_order_lost_at_every_step_is_still_one_order(connector, vendure, proxy):
    order = an_order(an_item(vendure.add_product(), 2, "12.50"))
    for write in [*WRITES[2:], "modifyOrder"]:
        proxy.lose(write)
    done = create_until_done(connector, order, tries=30)
    assert [one["id"] for one in vendure.paid_with(f"key-{order.external_id}")] == [done.remote_id]


def test_an_order_that_was_never_sent_is_surely_absent(connector):
    assert connector.find_order("key-nobody", since=datetime.now(UTC) - timedelta(days=1)) is None


def test_a_reference_that_begins_alike_is_another_order(connector, vendure, proxy):
    order = an_order(an_item(vendure.add_product()))
    proxy.lose("addItemToDraftOrder")
    with pytest.raises(ConnectorError):
        connector.create_order(order, key="key-half-10", options=OPTIONS)
    since = datetime.now(UTC)
    assert connector.find_order("key-half-1", since=since) is None
    assert connector.find_order("key-half-10", since=since).is_complete is False


def test_a_product_is_found_by_the_first_id_that_the_shop_has(connector, vendure):
    sku = vendure.add_product(price=1000)
    order = an_order(an_item("NEW-1"))
    done = create(connector, order, shop_ids={"NEW-1": ["NEW-1", "none", sku]})
    assert done.matches == {"NEW-1": sku}
    lines = vendure.order(done.remote_id)["lines"]
    assert [line["productVariant"]["sku"] for line in lines] == [sku]
    assert create(connector, an_order(an_item(sku)), shop_ids={sku: [sku, "none"]}).matches == {}


def test_each_id_that_was_tried_is_named_where_none_is_there(connector):
    with pytest.raises(DataError, match="'NEW-1' or 'none'") as caught:
        create(connector, an_order(an_item("NEW-1")), shop_ids={"NEW-1": ["NEW-1", "none"]})
    assert caught.value.code == "product.not_found"


def test_a_test_order_is_marked_in_its_note(connector, vendure):
    sku = vendure.add_product()
    done = create(connector, an_order(an_item(sku)), is_test=True)
    found = connector.client.query(documents.ORDER_NOTES, id=done.remote_id)["order"]
    assert "TEST ORDER - do not ship" in note_lines(found)
