"""Rows of any number of orders and of what belongs to them, made by the database from a number alone.

Every value of order `i` follows from `i`, so that tables can be filled in any sequence and side by side, and the
same number of orders gives the same data each time. What isn't said here has the model's own default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import models

from connections.models import OutboxMessage
from orders.models import Address, ItemPart, Order, OrderEvent, OrderItem, Shipment

YEARS = "interval '2 years'"
FIRST = "Anna Bram Carla Daan Eva Finn Greta Hugo Iris Jan Kees Lotte Milan Noor Olaf Petra Quinten Roos Sem Tess Uma"
LAST = (
    "Jansen Bakker Visser Smit Meijer Mulder Bos Vos Peters Hendriks Dekker Brouwer Dijkstra Koster Willems Postma "
    "Kuipers Veenstra Kramer Schouten Wolters Verhoeven Jacobs Martens Peeters Claes Goossens Wouters Lambert Dubois "
    "Moreau Laurent Schmidt Weber Wagner Becker Hoffmann Koch Richter Schneider"
)
DOMAINS = "gmail.com gmail.com gmail.com gmail.com hotmail.com hotmail.com outlook.com ziggo.nl kpnmail.nl example.org"
KINDS = "Large Small Wooden Steel Cotton Linen Classic Modern Round Folding Garden Kitchen"
THINGS = (
    "mug bowl plate lamp chair table shelf basket towel blanket pillow curtain rug vase clock mirror kettle pan knife "
    "board bottle backpack wallet umbrella scarf glove sock lantern candle planter watering-can hammock tent stool"
)
COLOURS = "red blue green black white grey yellow purple brown orange"
CITIES = "Utrecht Amsterdam Rotterdam Eindhoven Groningen Antwerpen Gent Brussel Berlin Hamburg Paris Lille"
ERRORS = "product.not_found shop.stock address.unusable shipment.refused connector.refused outbox.needs_check"
# Of the open orders, in hundredths.
OPEN = [
    ("not_shipped", 60), ("waiting", 12), ("pending_shipment", 7), ("processing", 6), ("partial", 5),
    ("awaiting_confirmation", 4), ("pending_cancellation", 2), ("cancellation_request", 2), ("manual", 2),
]  # fmt: skip


@dataclass(frozen=True)
class Owners:
    """Whose the orders are: parallel lists, and the share of all orders that belongs to each."""

    companies: list[int]
    projects: list[int]
    pairs: list[int]
    markets: list[int]
    shops: list[int]
    shares: list[float]


def words(text: str, number: str) -> str:
    """SQL: one of these words."""
    given = text.split()
    return f"(ARRAY[{', '.join(repr(word) for word in given)}])[1 + ({number}) % {len(given)}]"


def _status() -> str:
    """SQL: open are 45 of 100 of the newest fiftieth and a few stragglers, together about one of 100; of the rest
    three of 100 were cancelled."""
    bounds, total = [], 0
    for status, share in OPEN:
        total += share
        bounds.append(f"WHEN b % 100 < {total} THEN '{status}'")
    is_open = "(newest AND a % 100 < 45) OR a % 1000 = 7"
    return f"CASE WHEN {is_open} THEN CASE {' '.join(bounds)} END WHEN a % 100 < 97 THEN 'shipped' ELSE 'cancelled' END"


def made(owners: Owners, total: int) -> str:
    """SQL of a subquery `o` with the facts of the orders from %(low)s to %(high)s."""
    bounds, sum_ = [], 0.0
    for share in owners.shares[:-1]:
        sum_ += share
        bounds.append(sum_)
    one = f"""
        SELECT i, hashint8extended(i, 1) & 2147483647 AS a, hashint8extended(i, 2) & 2147483647 AS b,
               hashint8extended(i, 3) & 2147483647 AS c, hashint8extended(i, 4) & 2147483647 AS d,
               now() - {YEARS} * (1 - i / {total}.0::float8) AS at, i > {total} * 0.98 AS newest
        FROM generate_series(%(low)s::bigint, %(high)s) AS i OFFSET 0"""
    two = f"""
        SELECT *, 1 + width_bucket(d / 2147483648.0::float8, ARRAY{bounds}::float8[]) AS n, {_status()} AS status,
               lpad((i * 2654435761 % 10000000000)::text, 10, '0') AS number, c % 4080 AS product,
               {words(FIRST, "a >> 4")} AS first, {words(LAST, "b >> 4")} AS last, {words(CITIES, "c >> 4")} AS city
        FROM ({one}) AS one OFFSET 0"""
    three = f"""
        SELECT *, status NOT IN ('shipped', 'cancelled') AS is_open,
               lower(first || '.' || last) || c % 90 + 10 || '@' || {words(DOMAINS, "c >> 8")} AS email,
               {words(KINDS, "product")} || ' ' || {words(THINGS, "product / 12")} || ' '
                   || {words(COLOURS, "product / 408")} AS title,
               'SKU-' || lpad(product::text, 5, '0') AS sku, (8710000000000 + product)::text AS ean,
               CASE WHEN status <> 'shipped' THEN '' ELSE '3SYZXG' || lpad((i * 736338717 % 1000000000)::text, 9, '0')
                   END AS code,
               {_pick(owners.companies)} AS company, {_pick(owners.projects)} AS project, {_pick(owners.pairs)} AS pair,
               {_pick(owners.markets)} AS market, {_pick(owners.shops)} AS shop
        FROM ({two}) AS two OFFSET 0"""
    return f"({three}) AS o"


def _pick(ids: list[int]) -> str:
    return f"(ARRAY{ids}::bigint[])[n]"


KEYS = {"company_id": "company", "order_id": "i"}
# Per table the columns that tell rows apart; several dictionaries are several rows of an order.
ROWS: Mapping[type[models.Model], list[dict[str, str]]] = {
    Order: [
        {
            "id": "i", "company_id": "company", "project_id": "project", "order_connection_id": "pair",
            "connection_id": "market", "shop_id": "shop", "external_id": "number", "number": "number",
            "channel": "'NL'", "remote_status": "CASE WHEN is_open THEN 'open' ELSE status END",
            "remote_version": "md5(number)", "remote_updated_at": "at", "ordered_at": "at - interval '3 minutes'",
            "currency": "'EUR'", "subtotal": "(c % 20000) / 100.0", "total_amount": "(c % 20000) / 100.0 + 4.95",
            "shipping_amount": "4.95", "payment_method": "'ideal'",
            "customer": "jsonb_build_object('first_name', first, 'last_name', last, 'email', email, 'phone', '')",
            "customer_name": "first || ' ' || last", "country_code": words("NL NL NL BE DE", "c >> 6"),
            "items_count": "1 + c % 3", "ship_by": "at + interval '1 day'", "status": "status",
            "waiting_until": "CASE WHEN status = 'waiting' THEN now() + interval '3 hours' END",
            "error_code": f"CASE WHEN is_open AND d % 10 = 0 THEN {words(ERRORS, 'd >> 4')} ELSE '' END",
            "error_since": "CASE WHEN is_open AND d % 10 = 0 THEN at END",
            "reference": "'bol-0123456789ab-' || number", "shop_order_id": "i::text", "shop_number": "'W' || i",
            "shop_status": "'completed'", "shop_updated_at": "at",
            "search_text": "lower(concat_ws(' ', number, first, last, email, sku, ean, title, 'W' || i, code))",
        }
    ],
    Address: [
        {
            **KEYS, "id": f"2 * i - {number}", "kind": f"'{kind}'", "first_name": "first", "last_name": "last",
            "email": "email", "street": "'Dorpsstraat'", "house_number": "(b % 200)::text", "postcode": "'1234 AB'",
            "city": "city", "country_code": "'NL'",
        }
        for number, kind in enumerate(["shipping", "billing"])
    ],
    OrderItem: [
        {
            **KEYS, "id": "i", "external_id": "number || '-1'", "product_id": "sku", "title": "title", "ean": "ean",
            "quantity": "1 + c % 3", "unit_price": "(c % 20000) / 100.0",
        }
    ],
    ItemPart: [
        {
            **KEYS, "id": "i", "item_id": "i", "quantity": "1 + c % 3",
            "status": "CASE WHEN status IN ('shipped', 'cancelled') THEN status ELSE 'open' END",
            "shipment_id": "CASE WHEN code <> '' THEN i END",
        }
    ],
    Shipment: [
        {
            **KEYS, "id": "i", "number": "1", "source_ref": "code", "status": "'confirmed'", "confirmed_at": "at",
            "tracking_code": "code", "tracking_code_original": "code", "transporter": "'TNT'",
            "transporter_original": "'PostNL'", "shipped_at": "at",
        }
    ],
    OrderEvent: [
        {
            **KEYS, "id": f"2 * i - {1 - number}", "code": f"'{code}'", "message": f"'{text}'",
            "to_status": "'not_shipped'", "actor": f"'{actor}'", "run_id": "1 + i / 10", "occurred_at": "at",
            "recorded_at": f"at + interval '{number} hour'",
        }
        for number, (code, text, actor) in enumerate(
            [("order.received", "Received from bol.", "marketplace"), ("order.created", "Created in the shop.", "shop")]
        )
    ],
    OutboxMessage: [
        {
            "id": "i", "company_id": "company", "connection_id": "shop", "kind": "'create_order'", "subject_id": "i",
            "reference": "'bol-0123456789ab-' || number", "status": "'sent'", "attempt": "1", "remote_id": "i::text",
            "first_sent_at": "at", "settled_at": "at",
        }
    ],
}  # fmt: skip
ONLY = {Shipment: "code <> ''"}


def insert(model: type[models.Model], source: str) -> list[str]:
    """The statements that write a model's rows of the orders of `source`."""
    statements = []
    for given in ROWS[model]:
        fields = list(model._meta.concrete_fields)
        unknown = set(given) - {field.column for field in fields}
        assert not unknown, f"{model.__name__} has no columns {unknown}"
        columns = ", ".join(f'"{field.column}"' for field in fields)
        values = ", ".join(given.get(str(field.column), "") or _default(field) for field in fields)
        only = f"WHERE {ONLY[model]}" if model in ONLY else ""
        statements.append(f"INSERT INTO {model._meta.db_table} ({columns}) SELECT {values} FROM {source} {only}")
    return statements


def _default(field: models.Field[Any, Any]) -> str:
    """SQL of what the model gives a column: moments are those of the order."""
    if isinstance(field, models.DateTimeField) and not field.null:
        return "at"
    value = field.get_default()
    if value is None:
        return "NULL"
    if isinstance(value, bool | int):
        return str(value).lower()
    return "'{}'" if value == {} else f"'{value}'"
