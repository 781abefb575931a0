"""The rows of All orders: what people see, and that nothing in them is taken for HTML."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone, translation

from orders.row_html import rows_html

HOSTILE = "<script>alert(1)</script>\"'&{0}{x}%s"
TEXTS = [
    "url",
    "number",
    "customer_name",
    "country_code",
    "total_amount",
    "currency",
    "shop_number",
    "marketplace_label",
]


def an_order(**values: Any) -> dict[str, Any]:
    return {
        "id": 7, "url": "/o/7/", "number": "A1", "ordered_at": datetime(2026, 1, 31, 23, 30, tzinfo=UTC),
        "marketplace_kind": "bol", "marketplace_label": "bol", "shop_number": "W1", "customer_name": "Ada",
        "country_code": "NL", "items_count": 2, "total_amount": "12.50", "currency": "EUR", "status": "shipped",
        "error": None, **values,
    }  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_nothing_that_others_wrote_is_taken_for_html(name: str) -> None:
    html = rows_html([an_order(**{name: HOSTILE})])
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#x27;&amp;{0}{x}%s" in html


@pytest.mark.parametrize("name", ["code", "title"])
def test_nothing_in_an_error_is_taken_for_html(name: str) -> None:
    html = rows_html([an_order(error={"code": "a", "title": "b", name: HOSTILE})])
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_what_is_missing_is_a_dash() -> None:
    html = rows_html([an_order(shop_number="", customer_name="")])
    assert html.count("\u2013") == 2


def test_each_person_sees_times_in_their_own_zone_and_words() -> None:
    order = [an_order()]
    with timezone.override(ZoneInfo("UTC")):
        assert "Jan. 31, 2026, 11:30 p.m." in rows_html(order)
    with timezone.override(ZoneInfo("Asia/Tokyo")):
        assert "Feb. 1, 2026, 8:30 a.m." in rows_html(order)
        with translation.override("nl"):
            assert "1 februari 2026" in rows_html(order)
    with timezone.override(ZoneInfo("UTC")):
        assert "Jan. 31, 2026, 11:30 p.m." in rows_html(order)
