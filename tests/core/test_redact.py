"""What may be kept of a conversation: never a secret, never a person's data."""

import json
import time
from base64 import b64encode
from urllib.parse import quote, urlencode

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from channable.core.redact import LIMIT, is_sensitive_key, redact, redact_url

BOL = {
    "orderId": "1042823870",
    "shipmentDetails": {
        "pickupPointName": "Albert Heijn Utrecht",
        "salutation": "MALE",
        "firstName": "Billie",
        "surname": "Jansen",
        "streetName": "Dorpstraat",
        "houseNumber": "1",
        "houseNumberExtension": "B",
        "extraAddressInformation": "Apartment",
        "zipCode": "1111ZZ",
        "city": "Utrecht",
        "countryCode": "NL",
        "email": "billie@verkopen.bol.com",
        "company": "Jansen bv",
        "deliveryPhoneNumber": "012123456",
        "language": "nl",
    },
    "billingDetails": {"vatNumber": "NL999999999B99", "kvkNumber": "99887766", "orderReference": "MijnReferentie"},
    "orderItems": [
        {"orderItemId": "2012345678", "quantity": 10, "unitPrice": 12.99, "product": {"ean": "0000007740404"}}
    ],
}
WOO = {
    "id": 727,
    "billing": {
        "first_name": "Joanna",
        "last_name": "Doerr",
        "address_1": "969 Market",
        "postcode": "94103",
        "city": "San Francisco",
        "state": "CA",
        "email": "joanna.doerr@example.com",
        "phone": "(555) 555-5555",
    },
    "customer_ip_address": "198.51.100.20",
    "customer_user_agent": "curl/7.1",
    "customer_note": "Bell of Doerr broken",
    "meta_data": [
        {"id": 1, "key": "_billing_phone2", "value": "0612345678"},
        {"value": "Joanna", "key": "_shipping_first_name"},
        {"id": 2, "key": "_order_key", "value": "kept"},
    ],
    "line_items": [{"name": "Woo Single #1", "sku": "SKU-1", "total": "6.00"}],
}
VENDURE = {
    "query": "mutation ($input: CreateAddressInput!) { setOrderShippingAddress(input: $input) { code } }",
    "variables": {
        "input": {
            "fullName": "Piet Hein",
            "streetLine1": "Zilvervloot",
            "postalCode": "1234 AB",
            "phoneNumber": "061",
            "emailAddress": "piet@hein.nl",
            "customFields": {"reference": "bol-1-2"},
        },
        "customer": {"title": "Dr.", "name": "Piet Hein"},
    },
}


@pytest.mark.parametrize(
    ("body", "hidden", "kept"),
    [
        (
            BOL,
            ["Billie", "Jansen", "Dorpstraat", "1111ZZ", "012123456", "NL999", "998877", "Albert", "Apartment"],
            ["1042823870", "12.99", '"NL"'],
        ),
        (
            WOO,
            ["Joanna", "Doerr", "Market", "94103", "Francisco", "CA", "555", "198.51", "curl", "0612345678"],
            ["727", "SKU-1", "Woo Single", "6.00", "kept"],
        ),
        (VENDURE, ["Piet", "Hein", "Zilver", "1234 AB", "061", "Dr."], ["setOrderShippingAddress", "bol-1-2"]),
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("nested", [False, True])
def test_orders_keep_what_explains_them_and_lose_who_bought(body, hidden, kept, indent, nested):
    text = json.dumps(body, indent=indent)
    masked = redact(json.dumps({"body": text}) if nested else text)
    seen = json.loads(masked)["body"] if nested else masked
    assert json.loads(seen)
    assert [word for word in hidden if word in seen] == []
    assert [word for word in kept if word not in seen] == []


@pytest.mark.parametrize("cut", range(20, 600, 7))
def test_a_body_that_was_cut_is_masked_just_as_well(cut):
    masked = redact(json.dumps(BOL)[:cut])
    assert [word for word in ("Billie", "Jans", "Dorp", "1111", "0121", "NL99", "Albert") if word in masked] == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("grant_type=password&username=jan&password=geheim", "grant_type=password&username=***&password=***"),
        ("email=jan%40shop.nl&ref=12", "email=***&ref=12"),
        ("q=jan%40shop.nl&ref=12", "q=***&ref=12"),
        ("billing%5Bfirst_name%5D=Jan&n=1", "billing%5Bfirst_name%5D=***&n=1"),
        ("Authorization: Bearer abc.def-ghi_123", "Authorization: ***"),
        ("Pay to NL91 ABNA 0417 1643 00 please", "Pay to *** please"),
        ("Parcel RR123456785NL is 3SABCD1234567", "Parcel RR123456785NL is 3SABCD1234567"),
        ("key ck_0123456789abcdef0123456789abcdef01234567 refused", "key *** refused"),
        ('{"a": "<jan@shop.nl>", "b": ["jan\\u0040shop.nl"], "c": null}', '{"a": "<***>", "b": ["***"], "c": null}'),
        ('{"phones": ["06", {"x": 5}], "email": null}', '{"phones": ["***", {"x": "***"}], "email": null}'),
        ('{"\\u0065mail": "x y"}', '{"\\u0065mail": "***"}'),
        ('<br />\n<b>Notice</b>: x\n{"phone": 316}', '<br />\n<b>Notice</b>: x\n{"phone": "***"}'),
        ('"just text"', '"just text"'),
        ("", ""),
        (None, ""),
        (b"%PDF\x00\x01", "(6 bytes that are no text)"),
        ("a\x00b", "ab"),
    ],
)
def test_bodies_of_other_kinds_are_masked(body, expected):
    assert redact(body) == expected


@pytest.mark.parametrize(
    "key", ["consumer_secret", "oauth_signature", "client-secret", "accessToken", "X-Api-Key", "Set-Cookie", "ZIP"]
)
def test_a_key_is_known_in_any_spelling(key):
    assert is_sensitive_key(key)


@pytest.mark.parametrize(
    "key", ["id", "sku", "total", "status", "quantity", "orderReference", "trackAndTrace", "transporterCode", "ean"]
)
def test_harmless_keys_stay(key):
    assert not is_sensitive_key(key)


def test_an_address_loses_its_user_its_fragment_and_its_keys():
    url = "https://u:p@shop.nl/wc/v3/orders?consumer_key=ck_1&search=jan%40shop.nl&page=2#x"
    assert redact_url(url, secrets=["zz"]) == "https://shop.nl/wc/v3/orders?consumer_key=***&search=***&page=2"


secrets = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), min_size=6, max_size=40).filter(
    lambda text: text.strip() == text and not text.isalnum() and len(set(text)) > 3
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
mailboxes = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._+!#$%*/?^`|~-]{0,20}@[a-z0-9-]{1,12}\.[a-z]{2,5}", fullmatch=True)


def ways(value: str, around) -> list[str]:
    """Bodies in which `value` may stand."""
    return [
        json.dumps({"x": around, "message": f"wrong: {value} here", "y": around}),
        json.dumps([around, {"a": {"b": [value]}}], ensure_ascii=False, indent=1),
        json.dumps({"outer": json.dumps({"inner": value})}),
        urlencode({"a": "1", "q": value, "z": "2"}),
        f"<p>text {value} text</p>",
        f"PHP Warning: x in /y.php on line 3\n{json.dumps({'k': value})}",
        json.dumps({"message": f"wrong: {value} here"})[:-4],
    ]


@settings(max_examples=150, deadline=None)
@given(secret=secrets, around=anything)
@example(secret='a"b\\c/d é&=', around=None)
@example(secret="p@ss w0rd%40", around=None)
def test_a_known_secret_never_survives(secret, around):
    spellings = {secret, quote(secret, safe=""), json.dumps(secret)[1:-1], b64encode(secret.encode()).decode()}
    for body in ways(secret, around):
        masked = redact(body, secrets=[secret])
        assert not [spelling for spelling in spellings if spelling in masked]


@settings(max_examples=150, deadline=None)
@given(mailbox=mailboxes, around=anything)
@example(mailbox="0~@0.aa", around=None)
def test_an_e_mail_address_never_survives(mailbox, around):
    for body in ways(mailbox, around):
        masked = redact(body)
        assert mailbox not in masked
        assert quote(mailbox, safe="") not in masked


@settings(max_examples=100, deadline=None)
@given(
    key=st.sampled_from(["firstName", "street_name", "access_token", "consumer_secret", "phone", "zipCode"]),
    value=st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), min_size=3),
    around=anything.filter(lambda value: str(value).isascii()),
)
def test_a_value_under_a_personal_key_never_survives(key, value, around):
    for body in (
        json.dumps({"a": around, key: value}, ensure_ascii=False),
        json.dumps({"x": [{key: [value, {"y": value}]}, around]}, ensure_ascii=False),
    ):
        assert value not in redact(body)
        assert value not in redact(body[:-3])


@settings(max_examples=200, deadline=None)
@given(st.text() | st.binary() | anything.map(json.dumps))
def test_any_body_can_be_masked(body):
    assert len(redact(body, secrets=["s3cret"])) <= LIMIT


@settings(max_examples=100, deadline=None)
@given(anything)
def test_json_stays_json(value):
    assert json.loads(redact(json.dumps(value))) is not ...


@pytest.mark.parametrize("offset", range(-30, 31, 3))
def test_a_secret_cut_in_two_does_not_survive(offset):
    for secret in ("pass phrase of many words", "tok-abcdefghijkl"):
        body = "x " * (LIMIT // 2 + offset) + secret + " tail" * 100
        masked = redact(body, secrets=[secret])
        assert secret[:6] not in masked
        assert len(masked) <= LIMIT


@pytest.mark.parametrize(
    "body",
    [
        b"a" * 20_000_000,
        b'{"a":"' + b"x@" * 10_000_000,
        b"[" * 20_000_000,
        b'"\\' * 10_000_000,
        b"a=" * 10_000_000,
        b"NL91" * 5_000_000,
        b"a b" * 6_000_000,
        b"%40" * 6_000_000,
        b'{"a":"[' * 3_000_000,
        json.dumps(["a@b.nl"] * 2_000_000).encode(),
        b"<\n" * 10_000_000,
        b"{ " * 9_000_000,
        b">" + b" " * 20_000_000,
    ],
    ids=range(13),
)
def test_a_huge_body_does_not_stall(body):
    """Counted in this thread's own work, so a busy machine does not matter; a stall would take minutes."""
    started = time.thread_time()
    assert len(redact(body, secrets=["some-secret-1"])) <= LIMIT
    assert time.thread_time() - started < 10
