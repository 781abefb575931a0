"""Vendure as a shop: orders go there, their fulfilment comes back. Admin GraphQL API 3.7."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from ..base import Account, Capabilities, Field, PlatformConnector
from ..errors import AuthError, DataError
from ..http import HttpClient
from ..types import (
    JSON,
    AccountInfo,
    Done,
    Found,
    NoticeData,
    OrderData,
    OrderUpdate,
    Page,
    Receipt,
    Record,
    RefundData,
    ShopOptions,
    StreamSpec,
)
from . import documents, mapping, refunds
from .checkout import REFUND_REASON, Checkout, carries, differs, note_lines
from .client import VendureClient
from .reading import moment
from .refunded import key_of

OVERLAP = timedelta(minutes=10)
CLOCK_DIFFERENCE = timedelta(hours=1)
# States in which a further parcel does not move the order's `updatedAt` (tried), so these are always read.
STILL = ["PartiallyShipped", "PartiallyDelivered"]
STILL_FOR = timedelta(days=60)
# A refund moves nothing of its order (tried), so orders this young are looked through in turn, a page with each poll.
REFUNDED_FOR = timedelta(days=100)
BY_CHANGE = {"updatedAt": "ASC", "id": "ASC"}
UNPAID = ["Draft", "ArrangingPayment"]
CHANGING = {"Modifying", "ArrangingAdditionalPayment", *UNPAID}


class VendureConnector(PlatformConnector):
    kind = "vendure"
    label = "Vendure"
    api_version = "3.7"
    credential_fields = (
        Field("url", "Admin API address", help="For example https://shop.example.com/admin-api"),
        Field(
            "username", "User name", help="An administrator for us alone; its role needs the rights on the help page."
        ),
        Field("password", "Password", is_secret=True),
    )
    setting_fields = (
        Field("channel_token", "Channel token", help="Only for shops with several channels.", is_required=False),
        Field("shipping_method", "Shipping method code", help="Empty: the first eligible one.", is_required=False),
        Field(
            "prices",
            "When the marketplace's price differs",
            is_required=False,
            default="adjust",
            choices=(("adjust", "Add surcharges so that the totals are equal"), ("keep", "Keep the shop's price")),
        ),
    )
    page_size = 100  # the API's own limit for administrators is 1000
    capabilities = Capabilities(
        index_delay_seconds=0, works_on_seconds=60, takes_notices=True, takes_refunds=True, lists_orders=True
    )

    def __init__(self, account: Account, http: HttpClient) -> None:
        super().__init__(account, http)
        self.client = VendureClient(account, http)

    def check(self) -> AccountInfo:
        data = self.client.query(documents.CHECK)
        channel = data["activeChannel"]
        if self.client.channel not in ("", channel["token"]):  # a shop with one channel takes any token for it
            raise AuthError(f"the channel token is not that of channel {channel['code']}")
        notes = ["Vendure sends its own order confirmation if the shop has its e-mail plug-in."]
        if not channel["pricesIncludeTax"]:
            notes.append("Prices of this channel are without VAT; totals are compared with VAT.")
        return AccountInfo(
            account_id=f"{self.client.url.partition('://')[2]}#{channel['code']}",
            name=channel["code"].strip("_"),
            currency=channel["defaultCurrencyCode"],
            notes=notes,
        )

    def streams(self) -> Sequence[StreamSpec]:
        return [StreamSpec("updates", "updates")]

    def fetch(self, stream: str, cursor: str) -> Iterator[Page]:
        """Placed orders by `updatedAt`, those that move without it, and a page of all that may have been refunded.
        The cursor is the newest `updatedAt` read, and how many orders were looked through for refunds."""
        newest, _, looked_at = cursor.partition(" ")
        start = moment(newest, "cursor") - OVERLAP if newest else datetime(2000, 1, 1, tzinfo=UTC)
        read: set[str] = set()
        for orders in self._changed(start):
            newest = max(newest, mapping.iso(moment(orders[-1]["updatedAt"], "updatedAt")))
            read |= {str(order["id"]) for order in orders}
            yield _page(orders, f"{newest} {looked_at}".strip())
        for orders in self._still(start):
            read |= {str(order["id"]) for order in orders}
            yield _page(orders, f"{newest} {looked_at}".strip())
        if cursor:  # a first read has seen them all
            orders = self._refundable(int(looked_at or 0))
            is_end = len(orders) < self.page_size
            looked_at = "" if is_end else str(int(looked_at or 0) + len(orders))
            yield _page([order for order in orders if str(order["id"]) not in read], f"{newest} {looked_at}".strip())

    def orders_since(self, since: datetime) -> Iterator[Page]:
        for orders in self._changed(since):
            yield _page(orders, "")

    def _changed(self, start: datetime) -> Iterator[list[JSON]]:
        """Pages from a moment on. `after` is exclusive and moments tie, so those read at the last one are skipped."""
        skip = 0
        while True:
            after = mapping.iso(start - timedelta(milliseconds=1))
            where = {"updatedAt": {"after": after}, "state": {"notIn": list(mapping.UNPLACED)}}
            orders = self._orders(where, skip)
            if orders:
                yield orders
            if len(orders) < self.page_size:
                return
            last = moment(orders[-1]["updatedAt"], "updatedAt")
            ties = sum(moment(one["updatedAt"], "updatedAt") == last for one in orders)
            start, skip = (last, ties) if last > start else (start, skip + len(orders))

    def _still(self, before: datetime) -> Iterator[list[JSON]]:
        after = mapping.iso(datetime.now(UTC) - STILL_FOR)
        where = {
            "state": {"in": STILL},
            "_and": [{"updatedAt": {"after": after}}, {"updatedAt": {"before": mapping.iso(before)}}],
        }
        for skip in range(0, 100_000, self.page_size):
            orders = self._orders(where, skip)
            if orders:
                yield orders
            if len(orders) < self.page_size:
                return

    def _refundable(self, skip: int) -> list[JSON]:
        """Orders that grow too old make the others move up; what is passed over so is seen the next time round."""
        after = mapping.iso(datetime.now(UTC) - REFUNDED_FOR)
        where = {"orderPlacedAt": {"after": after}, "state": {"notIn": list(mapping.UNPLACED)}}
        return self._orders(where, skip, sort={"id": "ASC"})

    def _orders(
        self, where: JSON, skip: int, document: str = documents.ORDERS, *, sort: JSON = BY_CHANGE
    ) -> list[JSON]:
        options = {"filter": where, "sort": sort, "skip": skip, "take": self.page_size}
        return list(self.client.query(document, options=options)["orders"]["items"])

    def fetch_one(self, stream: str, external_id: str) -> JSON:
        order = self.client.query(documents.ORDER, id=external_id)["order"]
        if order is None:
            raise DataError(f"no order {external_id}", code="order.gone")
        return order

    def parse_update(self, raw: JSON) -> OrderUpdate:
        return mapping.parse_update(raw)

    def create_order(self, order: OrderData, *, key: str, options: ShopOptions, found: Found | None = None) -> Done:
        if found and found.is_complete:
            return Done(found.remote_id, found.number)
        method = options.shipping_method or self.account.settings.get("shipping_method", "")
        return Checkout(self.client, order, key, options, method=method, adjusts=self._adjusts).run(found)

    def find_order(self, key: str, *, since: datetime) -> Found | None:
        """By the payment's transaction id; before it is paid, by our note on a draft made since `since`."""
        paid = self._orders({"transactionId": {"eq": key}}, 0, documents.FIND)
        if paid:
            return _found(paid[0], is_complete=self._is_complete(paid[0], key))
        made = {"state": {"in": UNPAID}, "createdAt": {"after": mapping.iso(since - CLOCK_DIFFERENCE)}}
        for skip in range(0, 100_000, self.page_size):
            drafts = self._orders(made, skip, documents.FIND)
            for draft in drafts:
                if carries(draft, key):
                    return _found(draft, is_complete=False)
            if len(drafts) < self.page_size:
                break
        return None

    def _is_complete(self, order: JSON, key: str) -> bool:
        """A paid order that waits neither for its price difference nor for the settling of its refund."""
        if order["state"] in CHANGING:
            return False
        paid_back = [one for payment in order["payments"] for one in payment["refunds"]]
        if any(one["state"] == "Pending" and one["reason"] == REFUND_REASON for one in paid_back):
            return False
        if any(key_of(one) for one in paid_back):
            return True  # goods came back, and what was taken into stock is gone from the total
        is_untouched = order["state"] == "PaymentSettled" and not order["modifications"] and not order["fulfillments"]
        return not (self._adjusts and is_untouched and differs(order, key))

    def tell(self, order_id: str, notice: NoticeData, *, key: str) -> Done:
        """A private note; its states know no hold."""
        note = f"{notice.text} [{key}]"
        made = self.client.mutate(documents.ADD_NOTE, input={"id": order_id, "note": note, "isPublic": False})
        return Done(str(made.get("id", "")))

    def find_notice(self, order_id: str, notice: NoticeData, *, key: str, since: datetime) -> Done | None:
        order = self.client.query(documents.ORDER_NOTES, id=order_id)["order"]
        if order is None:
            raise DataError(f"no order {order_id}", code="order.gone")
        return Done(order_id) if any(f"[{key}]" in line for line in note_lines(order)) else None

    def refund(self, order_id: str, refund: RefundData, *, key: str) -> Receipt:
        return refunds.refund(self.client, order_id, refund, key=key)

    def find_refund(self, order_id: str, refund: RefundData, *, key: str, since: datetime) -> Receipt | None:
        return refunds.find(self.client, order_id, key=key)

    @property
    def _adjusts(self) -> bool:
        return self.account.settings.get("prices", "adjust") != "keep"


def _page(orders: list[JSON], cursor: str) -> Page:
    return Page([Record(mapping.record_id(raw), raw=raw) for raw in orders], cursor)


def _found(order: JSON, *, is_complete: bool) -> Found:
    return Found(order["id"], order["code"], is_complete)
