"""Signatures against examples that others computed."""

import pytest

from connections.connectors.woocommerce.oauth import base_string, base_uri, encode, sign, signature


def test_the_base_string_is_the_one_of_the_rfc():
    """RFC 5849, 3.4.1.1, without the parameter that occurs twice, which WooCommerce does not have."""
    params = {
        "b5": "=%3D",
        "a2": "r b",
        "c@": "",
        "c2": "",
        "oauth_consumer_key": "9djdj82h48djs9d2",
        "oauth_token": "kkk9d7dh3k39sjv7",
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": "137131201",
        "oauth_nonce": "7d8f3e4a",
    }
    assert base_string("post", "http://EXAMPLE.COM:80/request?b5=%3D%253D", params) == (
        "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26b5%3D%253D%25253D%26c%2540%3D%26c2%3D"
        "%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1"
        "%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
    )


def test_the_signature_is_the_one_of_the_rfc():
    """RFC 5849, 1.2: the printer gets its photo."""
    params = {
        "file": "vacation.jpg",
        "size": "original",
        "oauth_consumer_key": "dpf43f3p2l4k3l03",
        "oauth_token": "nnch734d00sl2jdk",
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": "137131202",
        "oauth_nonce": "chapoH",
    }
    made = signature(
        "GET", "http://photos.example.net/photos", params, "kd94hf93k423kf44", token_secret="pfkkdhi9sl3r4s00"
    )
    assert made == "MdpQcU8iPSUjWoN/UDMsK2sui9I="


@pytest.mark.parametrize(
    ("text", "encoded"),
    [("abc-._~", "abc-._~"), ("a b", "a%20b"), ("+/*", "%2B%2F%2A"), ("é☕", "%C3%A9%E2%98%95"), ("%", "%25")],
)
def test_encoding_follows_rfc_3986(text: str, encoded: str):
    assert encode(text) == encoded


@pytest.mark.parametrize(
    ("url", "uri"),
    [
        ("HTTP://Shop.Example:80/wp-json", "http://shop.example/wp-json"),
        ("https://shop.example:443", "https://shop.example/"),
        ("http://shop.example:8080/x?y=1", "http://shop.example:8080/x"),
    ],
)
def test_the_base_uri_has_no_default_port_and_no_query(url: str, uri: str):
    assert base_uri(url) == uri


def test_a_signed_query_keeps_its_parameters_and_signs_with_sha256():
    signed = sign("GET", "http://a.example/", {"page": "2"}, key="ck", secret="cs", nonce="n", timestamp=1)
    assert signed["page"] == "2"
    assert signed["oauth_signature_method"] == "HMAC-SHA256"
    assert len(signed["oauth_signature"]) == 44
    assert "cs" not in signed.values()
