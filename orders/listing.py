"""The list of all orders: tabs with counts and search, quick at millions of rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import connection as database
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from orders.models import Order
from orders.models.order import OrderQuerySet
from orders.paging import id_in
from orders.states import OPEN_STATES, OrderStatus

COUNTED_UP_TO = 10_000
MOST_HITS = 500
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


def counts(company_id: int) -> dict[str, int]:
    """How many orders each tab has, in one statement over the lists' indexes; those that are not exact
    are counted up to 10,001."""
    listed = "(SELECT count(*) FROM (SELECT 1 FROM orders_order WHERE company_id = %s AND {}{}) AS listed)"
    limits = ("" if tab.is_exact else f" LIMIT {COUNTED_UP_TO + 1}" for tab in TABS)
    columns = ", ".join(listed.format(tab.condition, limit) for tab, limit in zip(TABS, limits, strict=True))
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
    """The orders asked for, and whether more were found than are looked at."""
    orders: OrderQuerySet = asked.tab.narrow(Order.objects.all())
    ids = found_by(company_id, asked.term) if asked.term else None
    if ids is not None:
        orders = orders.filter(pk__in=ids)
    if asked.error_code:
        orders = orders.filter(error_code=asked.error_code)
    if asked.pair_id is not None:
        orders = orders.filter(order_connection=asked.pair_id)
    return orders, ids is not None and len(ids) >= MOST_HITS
