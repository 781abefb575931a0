"""WooCommerce as the shop: orders are created there, their fulfilment is read back. See README.md."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import TYPE_CHECKING

from ..base import Account, Capabilities, PlatformConnector
from ..errors import AuthError, ConnectorError, ContractError, DataError
from ..steps import later_calls
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
    RefundData,
    ShopOptions,
    StreamSpec,
)
from . import catalogue, mapping, notices, refunds
from .address import shop_address
from .client import ADVANCED_SHIPMENT_TRACKING, SHIPMENT_TRACKING, Client
from .fields import CREDENTIALS, SETTINGS
from .lookup import find
from .order import build, check_quantities, check_stock
from .reading import meta, rows_of, text_of
from .tax import HUNDRED, TaxRules
from .updates import changed_orders, list_orders

if TYPE_CHECKING:
    from ..http import HttpClient

TOLERANCE = Decimal("0.02")  # two lines' rounding; more is worth a remark
FAR_FUTURE = "2099-01-01T00:00:00"


class WooCommerceConnector(PlatformConnector):
    kind = "woocommerce"
    label = "WooCommerce"
    api_version = "wc/v3"
    credential_fields = CREDENTIALS
    setting_fields = SETTINGS
    capabilities = Capabilities(
        # Core reads its own tables at once; hosts that cache API answers keep them for seconds.
        index_delay_seconds=15,
        # PHP goes on after we hung up; shops are known to time out while sending mails. Hosts stop a
        # script after 30 to 120 seconds.
        works_on_seconds=120,
        takes_notices=True,
        takes_refunds=True,
        lists_orders=True,
    )

    def __init__(self, account: Account, http: HttpClient) -> None:
        super().__init__(account, http)
        self._absent: set[str] = set()  # tracking routes this shop has not

    # -- who --------------------------------------------------------------------------------------
    @cached_property
    def client(self) -> Client:
        credentials = self.account.credentials
        return Client(
            self.http,
            shop=shop_address(credentials.get("shop_url", "")),
            key=credentials.get("consumer_key", "").strip(),
            secret=credentials.get("consumer_secret", "").strip(),
            auth=self._setting("auth_method"),
            permalinks=self._setting("permalinks"),
        )

    def _setting(self, name: str) -> str:
        default = next(field.default for field in self.setting_fields if field.name == name)
        return self.account.settings.get(name, "").strip() or default

    @cached_property
    def meaning(self) -> mapping.Meaning:
        return mapping.meaning_of(
            self._setting("completed_statuses"),
            self._setting("cancelled_statuses"),
            self._setting("tracking_meta_keys"),
        )

    def check(self) -> AccountInfo:
        """The shop's address is its id: WooCommerce has no other that stays."""
        try:
            probe = self.client.orders({"modified_after": FAR_FUTURE, "dates_are_gmt": "true", "per_page": "1"})
        except AuthError as error:
            raise AuthError(
                f"The shop does not accept the consumer key and secret for its orders ({error.detail})",
                code=error.code,
                status=error.status,
                request_id=error.request_id,
            ) from None
        self._require_write_permission()
        general = self.client.settings("general")
        _, _, address = self.client.shop.partition("://")
        return AccountInfo(
            account_id=address.lower(),
            name=self._site_name() or address,
            country_code=(general or {}).get("woocommerce_default_country", "").partition(":")[0],
            currency=(general or {}).get("woocommerce_currency", ""),
            notes=self._notes(is_filtered=probe.total == 0, may_read_settings=general is not None),
        )

    def _require_write_permission(self) -> None:
        try:
            self.client.try_writing()
        except AuthError as error:
            raise AuthError(
                f"The keys may only read: make new ones with the permissions Read/Write ({error.detail})",
                code=error.code,
                status=error.status,
                request_id=error.request_id,
            ) from None

    def _site_name(self) -> str:
        """Some security plugins close the index; it is only for show."""
        try:
            return text_of(self.client.site(), "name")
        except ConnectorError:
            return ""

    def _notes(self, *, is_filtered: bool, may_read_settings: bool) -> list[str]:
        notes = ["The shop's own mails cannot be held back per order; switch them off in WooCommerce if unwanted."]
        if not is_filtered:
            notes.append("The shop cannot list changed orders (WooCommerce before 5.8): each round reads all of them.")
        if not may_read_settings and not self._setting("vat_rate"):
            notes.append("The key may not read the shop's tax settings: fill in the VAT percentage.")
        if self.client.permalinks == "plain":
            notes.append("The shop uses plain permalinks.")
        if self.client.shop.startswith("http://"):
            notes.append("The shop has no HTTPS: addresses of buyers travel unencrypted.")
        return notes

    def web_address(self, external_id: str) -> str:
        """Works with both order storages: the older one redirects from here to its own page."""
        return f"{self.client.shop}/wp-admin/admin.php?page=wc-orders&action=edit&id={external_id}"

    # -- fulfilment comes back --------------------------------------------------------------------
    def streams(self) -> Sequence[StreamSpec]:
        return [StreamSpec("updates", "updates")]

    def fetch(self, stream: str, cursor: str) -> Iterator[Page]:
        return changed_orders(self.client, cursor, self.meaning)

    def fetch_one(self, stream: str, external_id: str) -> JSON:
        """{"order", "fulfillments", "trackings", "refunds"}: the order, what the tracking sources say of it, and
        its refunds whole; the order itself tells only their amounts."""
        found = self.client.order(external_id)
        has_fulfilments = meta(found, mapping.FULFILLMENT_STATUS) is not None
        fulfillments = self._fulfillments(external_id) if has_fulfilments else None
        trackings = None if fulfillments else self._trackings(external_id)
        paid_back = self.client.refunds(external_id) if rows_of(found, "refunds") else []
        parts = {"fulfillments": fulfillments, "trackings": trackings, "refunds": paid_back}
        return {"order": found, **{name: rows or [] for name, rows in parts.items()}}

    def _fulfillments(self, order_id: str) -> list[JSON] | None:
        return self._unless_absent("fulfillments", self.client.fulfillments, order_id)

    def _trackings(self, order_id: str) -> list[JSON] | None:
        for namespace in (SHIPMENT_TRACKING, ADVANCED_SHIPMENT_TRACKING):
            rows = self._unless_absent(namespace, self.client.shipment_trackings, namespace, order_id)
            if rows:
                return rows
        return None

    def _unless_absent(self, route: str, read: Callable[..., list[JSON] | None], *args: str) -> list[JSON] | None:
        """Routes that the shop has not are asked for once in our lifetime."""
        if route in self._absent:
            return None
        rows = read(*args)
        if rows is None:
            self._absent.add(route)
        return rows

    def orders_since(self, since: datetime) -> Iterator[Page]:
        return list_orders(self.client, since, self.meaning)

    def parse_update(self, raw: JSON) -> OrderUpdate:
        return mapping.parse_update(raw, self.meaning)

    # -- orders go out ----------------------------------------------------------------------------
    def create_order(self, order: OrderData, *, key: str, options: ShopOptions, found: Found | None = None) -> Receipt:
        """One call makes the order, paid and with its reference. A half-made one is thrown away first:
        what a script that was stopped left out of it cannot be told.

        Raises DataError: before anything is sent "product.not_found", "product.out_of_stock" and
        "connector.refused" (no quantity, unknown VAT); by the shop's answer "pricing.currency",
        "address.unusable", "connector.refused", or "product.not_found" if a product went meanwhile.
        """
        if found is not None:
            with later_calls():
                if self._is_there(found.remote_id):
                    self._discard(found.remote_id)
        check_quantities(order)
        found_there = catalogue.find_products(
            self.client, order.items, by=self._setting("product_field"), options=options
        )
        products = {product_id: match.product for product_id, match in found_there.items()}
        if options.checks_stock:
            check_stock(order.items, products)
        body = build(order, products, self.tax_rules, key=key, options=options)
        made = self.client.create_order(body)
        remote_id = text_of(made, "id")
        if not remote_id:  # it may well have been made
            raise ContractError("The shop's answer to a new order has no id.")
        if not mapping.has_every_product(made):
            with later_calls():
                self._discard(remote_id)
            raise DataError(
                "The shop made the order without some of its products; it was cancelled and put in the trash.",
                code="product.not_found",
                field="items",
                reason="missing_reference",
            )
        matches = {pid: match.shop_id for pid, match in found_there.items() if match.shop_id != pid}
        return Done(remote_id, text_of(made, "number"), _total_notes(made, order), matches)

    def _is_there(self, order_id: str) -> bool:
        try:
            self.client.order(order_id)
        except DataError as error:
            if error.code != "order.gone":
                raise
            return False
        return True

    def _discard(self, order_id: str) -> None:
        """Cancelled, so that stock comes back; without our reference, so that no look-up finds it."""
        body = {
            "status": "cancelled",
            "transaction_id": "",
            "meta_data": [{"key": mapping.REFERENCE, "value": ""}],
        }
        self.client.update_order(order_id, body)
        self.client.trash_order(order_id)

    @cached_property
    def tax_rules(self) -> TaxRules:
        """Read once per run, with the first order that is created."""
        percentage = self._setting("vat_rate")
        if not percentage:
            return catalogue.read_tax_rules(self.client)
        try:
            rate = Decimal(percentage.replace(",", ".").rstrip("% ")) / HUNDRED
            is_usable = 0 <= rate < 1
        except InvalidOperation:
            is_usable = False
        if not is_usable:
            raise DataError("The VAT percentage in the settings is none.", code="connector.refused", field="vat_rate")
        return TaxRules(fixed_rate=rate)

    def find_order(self, key: str, *, since: datetime) -> Found | None:
        """Found in the trash counts too: it was made, and thrown away by a person."""
        row = find(self.client, key, since=since)
        if row is None:
            return None
        return Found(text_of(row, "id"), text_of(row, "number"), is_complete=mapping.is_whole(row))

    # -- what the shop's staff is told ------------------------------------------------------------
    def tell(self, order_id: str, notice: NoticeData, *, key: str) -> Receipt:
        return notices.tell(self.client, order_id, notice, key=key, meaning=self.meaning)

    def find_notice(self, order_id: str, notice: NoticeData, *, key: str, since: datetime) -> Receipt | None:
        return notices.find(self.client, order_id, key=key)

    # -- what the buyer got back ------------------------------------------------------------------
    def refund(self, order_id: str, refund: RefundData, *, key: str) -> Receipt:
        return refunds.refund(self.client, order_id, refund, key=key)

    def find_refund(self, order_id: str, refund: RefundData, *, key: str, since: datetime) -> Receipt | None:
        return refunds.find(self.client, order_id, refund, key=key)


def _total_notes(made: JSON, wanted: OrderData) -> list[str]:
    try:
        total = Decimal(text_of(made, "total"))
    except InvalidOperation:
        return ["The shop gave no total for the order."]
    if abs(total - wanted.total) <= TOLERANCE:
        return []
    return [f"shop total differs: {total} {text_of(made, 'currency')} instead of {wanted.total}"]
