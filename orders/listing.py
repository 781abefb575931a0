"""The list of all orders: tabs with counts, search and keyset paging, quick at millions of rows."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection as database
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from orders.models import Order
from orders.models.order import OrderQuerySet
from orders.states import OrderStatus

PAGE_SIZE = 50
COUNTED_UP_TO = 10_000
MOST_HITS = 500
COLUMNS = (
    "id",
    "created_at",
    "ordered_at",
    "connection__kind",
    "number",
    "shop_number",
    "customer_name",
    "country_code",
    "items_count",
    "total_amount",
    "currency",
    "status",
    "error_code",
)
S = OrderStatus


@dataclass(frozen=True, slots=True)
class Tab:
    """A list of its own: orders with one of these statuses; none given: all, or those with errors."""

    key: str
    label: str | Promise
    statuses: tuple[OrderStatus, ...] = ()
    needs_attention: bool = False

    def narrow(self, orders: OrderQuerySet) -> OrderQuerySet:
        if self.needs_attention:
            return orders.needing_attention()
        return orders.filter(status__in=self.statuses) if self.statuses else orders

    @property
    def condition(self) -> str:
        """The same in SQL, in the words of the partial index."""
        if self.needs_attention:
            return "(NOT (error_code = '') OR status = 'cancellation_request')"
        return f"status IN ({', '.join(repr(str(one.value)) for one in self.statuses)})" if self.statuses else "true"


TABS = (
    Tab("all", _("All")),
    Tab("attention", _("Needs attention"), needs_attention=True),
    Tab("not_shipped", _("Not shipped"), (S.NOT_SHIPPED,)),
    Tab("waiting", _("Waiting"), (S.WAITING,)),
    Tab("pending", _("Pending shipment"), (S.PENDING_SHIPMENT, S.PROCESSING)),
    Tab("partial", _("Partial"), (S.PARTIAL,)),
    Tab("unconfirmed", _("Awaiting confirmation"), (S.AWAITING_CONFIRMATION,)),
    Tab("manual", _("Manual"), (S.MANUAL,)),
    Tab("shipped", _("Shipped"), (S.SHIPPED,)),
    Tab("cancelled", _("Cancelled"), (S.PENDING_CANCELLATION, S.CANCELLED)),
)
BY_KEY = {tab.key: tab for tab in TABS}


def counts(company_id: int) -> dict[str, int]:
    """How many orders each tab has, counted up to 10,001, in one statement over the lists' indexes."""
    capped = "(SELECT count(*) FROM (SELECT 1 FROM orders_order WHERE company_id = %s AND {} LIMIT {}) AS listed)"
    columns = ", ".join(capped.format(tab.condition, COUNTED_UP_TO + 1) for tab in TABS)
    with database.cursor() as cursor:
        cursor.execute(f"SELECT {columns}", [company_id] * len(TABS))
        row = cursor.fetchone()
    return {tab.key: count for tab, count in zip(TABS, row, strict=True)}


def found_by(company_id: int, term: str) -> list[int]:
    """Ids of at most 500 orders for a search: by the beginning of a number first, then by any part of
    numbers, customer, products and tracking codes."""
    return _by_number(company_id, term) or _by_text(term)


BY_NUMBER = """
(SELECT id FROM orders_order WHERE company_id = %(company)s AND number ~>=~ %(first)s AND number ~<~ %(last)s LIMIT 500)
UNION
(SELECT id FROM orders_order WHERE company_id = %(company)s AND NOT (shop_number = '')
   AND shop_number ~>=~ %(first)s AND shop_number ~<~ %(last)s LIMIT 500)
"""


def _by_number(company_id: int, term: str) -> list[int]:
    """As ranges, which can use the index; LIKE could not under row-level security."""
    if not any(character.isdigit() for character in term) or " " in term:
        return []
    with database.cursor() as cursor:
        cursor.execute(BY_NUMBER, {"company": company_id, "first": term, "last": term + "\U0010ffff"})
        return [pk for (pk,) in cursor.fetchall()]


def _by_text(term: str) -> list[int]:
    with database.cursor() as cursor:
        cursor.execute("SELECT search_orders(%s, %s)", [term, MOST_HITS])
        return [pk for (pk,) in cursor.fetchall()]


# -- paging by key ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the list, and whether what is asked for is older or newer than it."""

    created_at: datetime
    order_id: int
    older: bool = True

    def dump(self) -> str:
        text = f"{'o' if self.older else 'n'}{self.created_at.isoformat()}~{self.order_id}"
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def load(cls, text: str) -> Position | None:
        """None for whatever isn't one of ours: the list then begins at the top."""
        try:
            plain = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
            moment, _tilde, order_id = plain[1:].partition("~")
            created_at = datetime.fromisoformat(moment)
            pk = int(order_id)
        except (ValueError, binascii.Error, IndexError):
            return None
        if created_at.tzinfo is None or not 0 < pk < 2**63 or plain[0] not in "on":
            return None
        return cls(created_at, pk, older=plain[0] == "o")


@dataclass(frozen=True, slots=True)
class Page:
    rows: Sequence[dict[str, Any]]  # COLUMNS, newest first
    newer: Position | None
    older: Position | None


def page_of(orders: OrderQuerySet, position: Position | None) -> Page:
    """Fifty orders at a position, newest first; one more is read to know whether there are further ones."""
    older = position is None or position.older
    if position is not None:
        orders = orders.filter(_beyond(position))
    orders = orders.order_by("-created_at", "-id") if older else orders.order_by("created_at", "id")
    rows = list(orders.values(*COLUMNS)[: PAGE_SIZE + 1])
    has_more = len(rows) > PAGE_SIZE
    rows = rows[:PAGE_SIZE]
    if not older:
        rows.reverse()
    if not rows:
        return Page([], None, None)
    first, last = rows[0], rows[-1]
    has_newer = position is not None if older else has_more
    has_older = has_more if older else True
    return Page(
        rows,
        Position(first["created_at"], first["id"], older=False) if has_newer else None,
        Position(last["created_at"], last["id"]) if has_older else None,
    )


def _beyond(position: Position) -> Q:
    """A range that the list's index serves, and the ties at its border."""
    at, pk = position.created_at, position.order_id
    if position.older:
        return Q(created_at__lte=at) & (Q(created_at__lt=at) | Q(id__lt=pk))
    return Q(created_at__gte=at) & (Q(created_at__gt=at) | Q(id__gt=pk))


def orders_in(tab: Tab, ids: Sequence[int] | None, error_code: str, pair_id: int | None) -> OrderQuerySet:
    """The orders of a tab, narrowed to what was searched or asked for."""
    orders: OrderQuerySet = tab.narrow(Order.objects.all())
    if ids is not None:
        orders = orders.filter(pk__in=ids)
    if error_code:
        orders = orders.filter(error_code=error_code)
    return orders.filter(order_connection=pair_id) if pair_id is not None else orders
