"""Checks exchanges with WooCommerce against the vendor's tables and a live store's self-description.

From the tables (properties-v3.json): which fields an order has, which may be written, and their types;
the official examples say the same of answers. The community OpenAPI file adds the taxes and the query
parameters. Plugins' routes, settings and fulfilments are not in these files.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from functools import cache
from typing import Any

import yaml

from .base import Request, Response
from .validation import SPECS, DescriptionValidator

FOLDER = SPECS / "woocommerce"
REFUNDS = r"/orders/\d+/refunds"
AUTHENTICATION = re.compile(r"oauth_\w+|consumer_key|consumer_secret|rest_route")
TYPES = {
    "integer": int, "string": str, "boolean": bool, "object": dict, "array": list, "date-time": str, "number": Decimal,
}  # fmt: skip

# Where real shops differ from the tables, as measured on WooCommerce 11.0.1.
OTHER_TYPES = {
    "line_items.price": (int, Decimal),  # the table says string, the example shows a number
    "tax_lines.rate_id": (int,),  # likewise
    "meta_data.value": (object,),  # any JSON
    "refunded.price": (int, Decimal),  # as that of an order's line
    "refunded.tax_class": (str,),  # the table says integer, the example shows a text
}
NEWER_FIELDS = {
    "shipping.phone",  # since WooCommerce 5.6
    "fee_lines.amount",  # answered for years, never in the tables
    "products.parent_id",
}
# What "Create a refund" asks for, though the tables of a refund call it read-only or leave it out.
ASKED_FOR = {"refunded.id", "refunded.refund_tax"}
NESTED = {
    "billing": "Order - Billing properties",
    "shipping": "Order - Shipping properties",
    "meta_data": "Order - Meta data properties",
    "line_items": "Order - Line items properties",
    "shipping_lines": "Order - Shipping lines properties",
    "fee_lines": "Order - Fee lines properties",
    "tax_lines": "Order - Tax lines properties",
    "refunds": "Order - Refunds properties",
}
NESTED_IN_REFUND = {
    "meta_data": "Order refund - Meta data properties",
    "line_items": "Order refund - Line items properties",
}


@cache
def tables() -> dict[str, Any]:
    """{resource: {table: {field: (type, is_read_only)}}}"""
    found = json.loads((FOLDER / "properties-v3.json").read_text())
    return {
        resource: {
            name: {
                next(iter(row.values())).strip("`"): (row["type"], "read-only" in row["description"]) for row in rows
            }
            for name, rows in by_name.items()
        }
        for resource, by_name in found.items()
    }


@cache
def live_store() -> Any:
    text = (FOLDER / "woocommerce-v3-community.openapi.yml").read_text()
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506


@cache
def example_keys(name: str) -> frozenset[str]:
    example = json.loads((FOLDER / "examples" / f"{name}.json").read_text())
    return frozenset(example[0] if isinstance(example, list) else example)


class WooCommerceDescription(DescriptionValidator):
    def __init__(self) -> None:
        super().__init__("woocommerce")
        self.found: list[str] = []

    def check(self, request: Request, response: Response) -> None:
        before = len(self.tally.failures)
        super().check(request, response)
        self.found += self.tally.failures[before:]

    def assert_clean(self) -> None:
        assert not self.found, "\n".join(self.found)

    def errors(self, request: Request, response: Response) -> list[str]:
        path = request.path.removeprefix("/wp-json/wc/v3")
        problems = [*self._query(request, path), *self._sent(request, path)]
        if response.status < 300 and path != request.path:
            problems += self._answered(path, json.loads(response.body, parse_float=Decimal))
        return problems

    def _query(self, request: Request, path: str) -> list[str]:
        given = {name for name in request.query if not AUTHENTICATION.fullmatch(name)}
        operation = live_store()["paths"].get(re.sub(r"/\d+", "/{id}", path), {}).get(request.method.lower())
        if operation is None:
            return []
        known = {parameter["name"] for parameter in operation.get("parameters", [])}
        return [f"unknown parameter {name}" for name in sorted(given - known)]

    def _sent(self, request: Request, path: str) -> list[str]:
        if request.method in {"POST", "PUT"} and re.fullmatch(r"/orders(/\d+)?", path):
            return list(_fields(request.json(), "Order properties", "", is_sent=True))
        if request.method == "POST" and re.fullmatch(REFUNDS, path):
            return list(_refund_fields(request.json(), is_sent=True))
        return []

    def _answered(self, path: str, body: Any) -> list[str]:
        rows = body if isinstance(body, list) else [body]
        if re.fullmatch(r"/orders(/\d+)?", path):
            wanted = example_keys("orders.retrieve-an-order") - {"_links"}
            return [problem for row in rows for problem in _order_errors(row, wanted)]
        if re.fullmatch(REFUNDS, path):
            wanted = example_keys("order-refunds.list-all-refunds") - {"_links"}
            problems = [f"refunds: {wanted ^ row.keys()}" for row in rows if wanted ^ row.keys()]
            return [*problems, *(problem for row in rows for problem in _refund_fields(row, is_sent=False))]
        if re.fullmatch(r"/orders/\d+/fulfillments", path):
            wanted = example_keys("order-fulfillments.list-response")
            return [f"fulfillments: {wanted ^ row.keys()}" for row in rows if wanted ^ row.keys()]
        if re.fullmatch(r"/products(/\d+)?", path):
            table = tables()["products"]["Product properties"]
            return [f"product has {name}" for row in rows for name in row.keys() - table.keys()]
        if path == "/taxes":
            known = live_store()["components"]["schemas"]["tax"]["properties"]
            return [f"tax has {name}" for row in rows for name in row.keys() - known.keys()]
        return []


def _order_errors(row: dict[str, Any], wanted: frozenset[str]) -> list[str]:
    missing = [f"order lacks {name}" for name in sorted(wanted - row.keys())]
    return [*missing, *_fields(row, "Order properties", "", is_sent=False)]


def _refund_fields(row: dict[str, Any], *, is_sent: bool) -> Any:
    """Its own tables; the lines are told from those of orders by the name "refunded"."""
    table = tables()["order-refunds"]
    for name, value in row.items():
        if name in NESTED_IN_REFUND:
            prefix = "refunded." if name == "line_items" else f"{name}."
            for part in value:
                yield from _misfits(part, table[NESTED_IN_REFUND[name]], prefix, is_sent=is_sent)
    yield from _misfits(row, table["Order refund properties"], "", is_sent=is_sent)


def _fields(row: dict[str, Any], table_name: str, prefix: str, *, is_sent: bool) -> Any:
    """What is wrong with this object of an order, and with those inside of it."""
    yield from _misfits(row, tables()["orders"][table_name], prefix, is_sent=is_sent)
    for name, value in row.items():
        if name in NESTED and name in tables()["orders"][table_name]:
            for part in value if isinstance(value, list) else [value]:
                yield from _fields(part, NESTED[name], f"{name}.", is_sent=is_sent)


def _misfits(row: dict[str, Any], table: dict[str, tuple[str, bool]], prefix: str, *, is_sent: bool) -> Any:
    """Unknown fields, read-only ones sent, values of another type."""
    for name, value in row.items():
        full = f"{prefix}{name}"
        if full in NEWER_FIELDS or (is_sent and full in ASKED_FOR):
            continue
        if name not in table:
            yield f"unknown field {full}"
            continue
        kind, is_read_only = table[name]
        if is_sent and is_read_only:
            yield f"{full} is read-only"
        allowed = OTHER_TYPES.get(".".join(full.split(".")[-2:]), (TYPES[kind],))
        if value is not None and not isinstance(value, allowed):
            yield f"{full} is {type(value).__name__}, not {kind}"
