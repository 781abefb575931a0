"""The list of all orders: tabs with counts and search, quick at millions of rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psycopg
from django.db import OperationalError, transaction
from django.db import connection as database
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from orders.models import Order
from orders.models.order import OrderQuerySet
from orders.paging import id_in
from orders.states import OPEN_STATES, OrderStatus

COUNTED_UP_TO = 10_000
MOST_HITS = 250  # five pages; each may cost the reading of a row of every company
SEARCH_MS = 180  # then a search answers what it has found
LONGEST_TEXT = 100
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
    def is_exact(self) -> bool:
        """Open orders and errors are few beside the closed ones, so they are counted to the end."""
        return self.needs_attention or (bool(self.statuses) and OPEN_STATES.issuperset(self.statuses))

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


def count_of(tab: Tab) -> str:
    """The statement that counts a tab, for the company in its one parameter."""
    limit = "" if tab.is_exact else f" LIMIT {COUNTED_UP_TO + 1}"
    listed = f"SELECT 1 FROM orders_order WHERE company_id = %s AND {tab.condition}{limit}"  # noqa: S608 - our own words
    return f"SELECT count(*) FROM ({listed}) AS listed"  # noqa: S608


def counts(company_id: int, tabs: Sequence[Tab] = TABS) -> dict[str, int]:
    """How many orders each tab has, in one statement over the lists' indexes; those that are not exact
    are counted up to 10,001."""
    columns = ", ".join(f"({count_of(tab)})" for tab in tabs)
    with database.cursor() as cursor:
        cursor.execute(f"SELECT {columns}", [company_id] * len(tabs))
        row = cursor.fetchone()
    return {tab.key: count for tab, count in zip(tabs, row, strict=True)}


@dataclass(frozen=True, slots=True)
class Found:
    """Ids of at most 250 orders that a search found, and whether there may be more."""

    ids: list[int]
    is_cut: bool


def found_by(company_id: int, term: str) -> Found:
    """By a whole tracking code or the beginning of a number first, then by any part of numbers, customer,
    products and tracking codes."""
    ids = _by_number(company_id, term)
    return Found(ids[:MOST_HITS], len(ids) >= MOST_HITS) if ids else _by_text(term)


# Ranges and equality, which can use an index; LIKE could not under row-level security. In the index's own order: the
# planner would read the table for the beginning of very many numbers.
BY_NUMBER = """
(SELECT id FROM orders_order WHERE company_id = %(company)s AND number ~>=~ {0} AND number ~<~ {1}
   ORDER BY number USING ~<~ LIMIT %(most)s)
UNION
(SELECT id FROM orders_order WHERE company_id = %(company)s AND NOT (shop_number = '')
   AND shop_number ~>=~ {0} AND shop_number ~<~ {1} ORDER BY shop_number USING ~<~ LIMIT %(most)s)
UNION
(SELECT order_id FROM orders_shipment WHERE company_id = %(company)s AND NOT (tracking_code = '')
   AND tracking_code = {0} LIMIT %(most)s)
"""
AS_TYPED = BY_NUMBER.format("%(first)s", "%(last)s")
IN_CAPITALS = BY_NUMBER.format("%(FIRST)s", "%(LAST)s")


def _by_number(company_id: int, term: str) -> list[int]:
    """Numbers and codes have digits and no blanks; most are in capitals, whatever was typed."""
    if not any(character.isdigit() for character in term) or " " in term:
        return []
    values = {"first": term, "FIRST": term.upper()}
    beyond = {"last": term + "\U0010ffff", "LAST": term.upper() + "\U0010ffff"}
    statement = AS_TYPED if term == term.upper() else f"{AS_TYPED} UNION {IN_CAPITALS}"
    with database.cursor() as cursor:
        cursor.execute(statement, {"company": company_id, "most": MOST_HITS, **values, **beyond})
        return [pk for (pk,) in cursor.fetchall()]


LIMIT_TIME = "SELECT current_setting('statement_timeout'), set_config('statement_timeout', %s::text, true)"


def _by_text(term: str) -> Found:
    """The function's last row is NULL if there may be more; what it takes too long for stays unfound."""
    try:
        with transaction.atomic(), database.cursor() as cursor:
            cursor.execute(LIMIT_TIME, [SEARCH_MS])
            (former, _new) = cursor.fetchone()
            cursor.execute("SELECT search_orders(%s, %s)", [term, MOST_HITS])
            ids = [pk for (pk,) in cursor.fetchall()]
            cursor.execute(LIMIT_TIME, [former])
    except OperationalError as error:  # cut off outside the function, which answers what it has when it is
        if not isinstance(error.__cause__, psycopg.errors.QueryCanceled):
            raise
        return Found([], is_cut=True)
    return Found([pk for pk in ids if pk is not None], None in ids)


@dataclass(frozen=True, slots=True)
class Asked:
    """What narrows the list: a tab, a search, an error code, an order connection."""

    tab: Tab = TABS[0]
    term: str = ""
    error_code: str = ""
    pair_id: int | None = None

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Asked:
        """From a query string; what makes no sense in it is passed over."""

        def text(name: str) -> str:
            return query.get(name, "").replace("\x00", "").strip()[:LONGEST_TEXT]  # no database takes a NUL

        return cls(BY_KEY.get(text("tab"), TABS[0]), text("q"), text("error"), id_in(text("pair")))

    @property
    def query(self) -> dict[str, str]:
        """The same as a query string's values."""
        pair = str(self.pair_id) if self.pair_id is not None else ""
        return {
            "tab": self.tab.key if self.tab is not TABS[0] else "",
            **self.search,
            "error": self.error_code,
            "pair": pair,
        }

    @property
    def search(self) -> dict[str, str]:
        """What another tab keeps."""
        return {"q": self.term}

    @property
    def is_narrowed(self) -> bool:
        return self != Asked()


def orders_for(company_id: int, asked: Asked) -> tuple[OrderQuerySet, bool]:
    """The orders asked for, and whether a search may have left some out."""
    orders: OrderQuerySet = asked.tab.narrow(Order.objects.all())
    found = found_by(company_id, asked.term) if asked.term else None
    if found is not None:
        orders = orders.filter(pk__in=found.ids)
    if asked.error_code:
        orders = orders.filter(error_code=asked.error_code)
    if asked.pair_id is not None:
        orders = orders.filter(order_connection=asked.pair_id)
    return orders, found is not None and found.is_cut
