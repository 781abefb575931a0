"""Connecting a shop: whose it is, and what to tell its owner."""

from typing import Any

import pytest

from connections.connectors.errors import AuthError, ConnectorError, ContractError, TransientError
from connections.connectors.http import HttpClient
from connections.connectors.woocommerce.address import shop_address
from tests.simulators.base import Fault, Response

from .conftest import OPTIONS, an_order, connector_for


def test_a_shop_tells_who_it_is(shop):
    info = connector_for(shop).check()
    assert info.account_id == shop.url.removeprefix("http://")
    assert (info.name, info.country_code, info.currency) == ("Demo shop", "NL", "EUR")


@pytest.mark.parametrize("wrong", ["consumer_key", "consumer_secret"])
@pytest.mark.parametrize("method", ["oauth", "basic", "query"])
def test_wrong_keys_are_refused_with_a_clear_word_and_no_secret(make_shop, wrong: str, method: str):
    shop = make_shop(basic_over_http=True)
    with pytest.raises(AuthError) as caught:
        connector_for(shop, auth_method=method, **{wrong: "wrong-one"}).check()
    assert "consumer key" in caught.value.detail
    assert not any(secret in caught.value.detail for secret in (shop.consumer_key, shop.consumer_secret, "wrong-one"))


def test_keys_that_may_only_read_are_refused_at_once(shop):
    """WooCommerce proposes "Read" when a key is made."""
    shop.may_write = False
    with pytest.raises(AuthError) as caught:
        connector_for(shop).check()
    assert "Read/Write" in caught.value.detail


def test_connecting_writes_nothing(shop):
    connector_for(shop).check()
    assert (shop.ledger, shop.orders) == ([], {})


def test_keys_that_were_revoked_and_given_back(shop):
    connector = connector_for(shop)
    shop.revoke_keys()
    with pytest.raises(AuthError):
        connector.check()
    shop.restore_keys()
    connector.check()


def test_a_shop_that_is_down_says_nothing_of_the_keys(shop):
    connector = connector_for(shop)
    shop.go_down()
    with pytest.raises(TransientError):
        connector.check()
    shop.come_back()
    connector.check()


def test_a_shop_that_moved_says_where_to_and_gets_no_keys(shop, make_shop):
    new = make_shop()
    shop.moved_to = new.url
    with pytest.raises(AuthError) as caught:
        connector_for(shop).check()
    assert new.url in caught.value.detail
    assert caught.value.code == "connector.address_refused"
    assert not any(secret in caught.value.detail for secret in (shop.consumer_key, shop.consumer_secret))
    assert new.requests == []


def test_an_order_is_not_sent_after_a_shop_that_moved(shop, make_shop):
    new, connector = make_shop(), connector_for(shop)
    connector.check()
    connector.tax_rules  # noqa: B018
    shop.moved_to = new.url
    with pytest.raises(AuthError):
        connector.client.create_order({})
    assert (new.requests, shop.orders) == ([], {})


def test_a_shop_in_another_folder_says_which(shop):
    """What is written is never sent after a redirect, so reading from there would not be enough."""
    shop.moved_to = f"{shop.url}/winkel"
    with pytest.raises(AuthError) as caught:
        connector_for(shop).check()
    assert f"{shop.url}/winkel:" in caught.value.detail


def test_a_redirect_that_only_tidies_the_address_is_followed(shop):
    answer = shop.handle

    def tidy(request: Any) -> Any:
        if "tidy" not in request.query:
            return Response(301, b"", {"Location": f"{request.path}?{request.url.partition('?')[2]}&tidy=1"})
        return answer(request)

    shop.handle = tidy
    shop.basic_over_http, shop.validator = True, None
    connector = connector_for(shop, auth_method="query")
    assert next(iter(connector.fetch("updates", ""))).records == []


def test_keys_that_were_changed_stop_working_and_the_new_ones_work(shop):
    old = connector_for(shop)
    old.check()
    shop.change_keys()
    with pytest.raises(AuthError):
        old.check()
    connector_for(shop).check()


@pytest.mark.parametrize("method", ["oauth", "basic", "query"])
@pytest.mark.parametrize("permalinks", ["pretty", "plain"])
def test_every_way_to_ask_works_with_every_kind_of_permalinks(make_shop, method: str, permalinks: str):
    shop = make_shop(basic_over_http=True, permalinks=permalinks)
    connector = connector_for(shop, auth_method=method)
    info = connector.check()
    done = connector.create_order(an_order(), key="a b+c/ü", options=OPTIONS)
    assert shop.orders[done.remote_id]["transaction_id"] == "a b+c/ü"
    assert ("The shop uses plain permalinks." in info.notes) == (permalinks == "plain")


def test_without_https_the_keys_are_never_sent(make_shop):
    shop = make_shop(basic_over_http=True)
    seen = []
    is_signed = shop._is_signed
    shop._is_signed = lambda request: seen.append((dict(request.headers), request.query)) or is_signed(request)
    connector_for(shop).check()
    assert seen
    assert all("Authorization" not in headers and shop.consumer_secret not in str(query) for headers, query in seen)


def test_an_old_shop_is_told_so(make_shop):
    notes = connector_for(make_shop(filters_modified=False)).check().notes
    assert not any("5.8" in note for note in notes)  # no orders: nothing shows it
    shop = make_shop(filters_modified=False)
    connector_for(shop).create_order(an_order(), key="k", options=OPTIONS)
    assert any("5.8" in note for note in connector_for(shop).check().notes)


def test_a_key_that_may_not_read_settings_is_enough_to_connect(make_shop):
    info = connector_for(make_shop(may_read_settings=False)).check()
    assert (info.currency, info.country_code) == ("", "")
    assert any("VAT" in note for note in info.notes)


def test_an_address_without_woocommerce_is_said_plainly(shop):
    connector = connector_for(shop, shop_url=shop.url + "/blog")
    with pytest.raises(ConnectorError) as caught:
        connector.check()
    assert not isinstance(caught.value, AuthError)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.FORBIDDEN_HTML, TransientError),
        (Fault.HTML_200, ContractError),
        (Fault.BROKEN_JSON, ContractError),
        (Fault.ERROR_500_BEFORE, TransientError),
    ],
)
def test_a_shop_that_is_unwell_is_not_taken_for_wrong_keys(shop, fault: Fault, kind: type[Exception]):
    shop.fail("GET .*/orders$", fault, times=5)
    with pytest.raises(kind):
        connector_for(shop).check()


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("shop.example", "https://shop.example"),
        (" https://Shop.Example/ ", "https://shop.example"),
        ("https://shop.example/winkel/wp-admin/", "https://shop.example/winkel"),
        ("https://shop.example/wp-json/wc/v3", "https://shop.example"),
        ("http://shop.example:8080/Winkel", "http://shop.example:8080/Winkel"),
        ("https://shop.example/?page=1#top", "https://shop.example"),
        ("https://shop.example:443/", "https://shop.example"),
        ("HTTPS://shop.example:8443", "https://shop.example:8443"),
    ],
)
def test_the_address_may_be_typed_in_many_ways(typed: str, address: str):
    assert shop_address(typed) == address


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "   ",
        "ftp://shop.example",
        "https://",
        "https://user:pw@shop.example",
        "https://[x",
        "https://shop.example:99999",
    ],
)
def test_what_is_no_address_is_refused(typed: str):
    with pytest.raises(AuthError):
        shop_address(typed)


def test_private_addresses_stay_closed(shop):
    with pytest.raises(ConnectorError):
        connector_for(shop, HttpClient(allow_private=False)).check()
    assert shop.requests == []
