"""A page of a marketplace's orders into the tables, in a handful of statements.

What is known with the same version is skipped without a write; what is new goes in by whole tables;
what changed is updated in its remote-owned columns alone and then decided about by `apply`; what
can't be read becomes a visible row and holds up nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import structlog

from channable.core.exact_json import clean, clean_text
from connections.connectors import MarketplaceConnector
from connections.connectors.errors import ConnectorError, DataError
from connections.connectors.types import JSON, AddressData, ItemData, OrderData, Record, RemoteStatus
from connections.dispatch import Run
from connections.models import OrderConnection, OutboxMessage, OutboxStatus, RefusedRecord
from connections.outbox import is_late
from orders.models import Actor, Address, AddressKind, EventLevel, ItemPart, Order, OrderEvent, OrderItem, OrderPayload
from orders.models.shipment import Shipment
from orders.references import order_reference
from orders.rows import insert, next_ids
from orders.services.apply import apply
from orders.services.checks import flag_of, refuse_unusable
from orders.services.columns import address_row, item_row, personal, remote_owned, storable
from orders.services.events import Cause, MarketplaceNews
from orders.services.work import CREATE_ORDER
from orders.states import OrderStatus, PartStatus, derive_status
from orders.versions import version_of

log = structlog.get_logger(__name__)

ASK_AGAIN = timedelta(minutes=15)  # a record that could not be read is not asked for sooner


@dataclass(frozen=True, slots=True)
class Known:
    order_id: int
    version: str


@dataclass(frozen=True, slots=True)
class Fresh:
    """A record that has to be written: read, and if it could be, parsed."""

    record: Record
    version: str
    raw: JSON
    data: OrderData | None = None
    pair: OrderConnection | None = None
    known: Known | None = None
    error: DataError | None = None


@dataclass
class Intake:
    """The orders of one account during one run."""

    run: Run
    pairs: Sequence[OrderConnection]
    account: Any = field(init=False)

    def __post_init__(self) -> None:
        self.account = self.run.connection

    @property
    def connector(self) -> MarketplaceConnector:
        return self.run.connector  # type: ignore[return-value]

    # -- reading ------------------------------------------------------------------------------
    def page(self, records: Sequence[Record], cursor: str) -> None:
        """Take in one page and move the cursor with it.

        Where the remote fails in the middle, what was read so far is kept, the cursor stays and the
        error goes on. Raises LeaseLost, ConnectorError.
        """
        fresh: list[Fresh] = []
        try:
            for record, version, known in self._candidates(records):
                self.run.keep()
                if (one := self._read(record, version, known)) is not None:
                    fresh.append(one)
        except ConnectorError:
            self._write(fresh, None)
            raise
        self._write(fresh, cursor)

    def _candidates(self, records: Sequence[Record]) -> list[tuple[Record, str, Known | None]]:
        """The records of a page that are new or changed, each once."""
        unique = {record.external_id: record for record in records}
        with self.run.inside():
            known = self._known(unique)
            candidates = [
                (record, version, known.get(record.external_id))
                for record in unique.values()
                if (version := version_of(record)) and not _is_same(known.get(record.external_id), version)
            ]
            waiting = self._refused_lately(candidates) if candidates else {}
        self.run.counts.same += len(unique) - len(candidates)
        fresh = [one for one in candidates if waiting.get(one[0].external_id) != one[1]]
        self.run.counts.same += len(candidates) - len(fresh)
        return fresh

    def _known(self, external_ids: Iterable[str]) -> dict[str, Known]:
        rows = Order.objects.filter(connection=self.account, external_id__in=list(external_ids))
        return {
            number: Known(pk, version)
            for number, pk, version in rows.values_list("external_id", "pk", "remote_version")
        }

    def _refused_lately(self, candidates: list[tuple[Record, str, Known | None]]) -> dict[str, str]:
        numbers = [record.external_id for record, _version, _known in candidates]
        rows = RefusedRecord.objects.filter(
            connection=self.account,
            topic=self.run.stream.topic,
            external_id__in=numbers,
            resolved_at=None,
            last_seen_at__gt=self.run.now - ASK_AGAIN,
        )
        return dict(rows.values_list("external_id", "version"))

    def _read(self, record: Record, version: str, known: Known | None) -> Fresh | None:
        """Fetch and parse one record; None if it is none of ours. Only errors of the record are caught."""
        if known is None and record.ordered_at and not any(record.ordered_at >= one.start_at for one in self.pairs):
            self.run.counts.passed_over += 1
            return None
        raw = record.raw
        try:
            if raw is None:
                raw = self.connector.fetch_one(self.run.stream.name, record.external_id)
            data = self._parse(raw)
        except DataError as error:
            return Fresh(record, version, raw, known=known, error=error)
        pair = self._pair_for(data)
        if known is None and pair is None:
            self.run.counts.passed_over += 1
            return None
        return Fresh(record, version, raw, data, pair, known)

    def _parse(self, raw: JSON) -> OrderData:
        try:
            data = self.connector.parse_order(raw)
        except ConnectorError:
            raise
        except Exception as error:
            # Whatever a marketplace sends, one record must not stop the others.
            log.exception("order could not be parsed", connection=self.account.pk)
            raise DataError(f"unexpected form ({type(error).__name__})") from error
        refuse_unusable(data)
        return data

    def _pair_for(self, data: OrderData) -> OrderConnection | None:
        for pair in self.pairs:
            if pair.takes(data.channel, data.fulfilment_type.value) and data.ordered_at >= pair.start_at:
                return pair
        return None

    # -- writing ------------------------------------------------------------------------------
    def _write(self, fresh: list[Fresh], cursor: str | None) -> None:
        if not fresh and cursor == self.run.stream.cursor:
            self.run.keep()  # nothing to write: an idle poll leaves no trace
            return
        with self.run.transaction(cursor):
            if not fresh:
                return
            self.run.ensure_row()
            new = [one for one in fresh if one.data and one.known is None]
            changed = [one for one in fresh if one.data and one.known]
            self._insert(new)
            for one in changed:
                self._update(one)
            self._refuse([one for one in fresh if one.error])
            self._resolve([one.record.external_id for one in new + changed])

    def _resolve(self, numbers: list[str]) -> None:
        """What could be read at last is no longer among the unreadable."""
        if numbers:
            rows = RefusedRecord.objects.filter(connection=self.account, external_id__in=numbers, resolved_at=None)
            rows.update(resolved_at=self.run.now)

    def _refuse(self, refused: list[Fresh]) -> None:
        """Keep what could not be read, where people see it."""
        rows = [
            RefusedRecord(
                company_id=self.account.company_id,
                connection=self.account,
                topic=self.run.stream.topic,
                external_id=clean_text(one.record.external_id)[:200],
                version=one.version,
                error_code=one.error.code,
                error_detail=clean_text(one.error.detail)[:2000],
                payload=clean(one.raw),
                first_seen_at=self.run.now,
                last_seen_at=self.run.now,
            )
            for one in refused
            if one.error
        ]
        RefusedRecord.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["company", "connection", "topic", "external_id"],
            update_fields=["version", "error_code", "error_detail", "payload", "last_seen_at", "resolved_at"],
        )
        self.run.counts.refused += len(rows)

    # -- new orders ---------------------------------------------------------------------------
    def _insert(self, new: list[Fresh]) -> None:
        if not new:
            return
        orders = [self._order_row(pk, one) for pk, one in zip(next_ids(Order, len(new)), new, strict=True)]
        made = set(insert(Order, orders, unless_exists=["company_id", "connection_id", "external_id"]))
        pairs = [(row, one) for row, one in zip(orders, new, strict=True) if row["id"] in made]
        insert(Address, [row for order, one in pairs for row in self._address_rows(order, one)])
        self._insert_items(pairs)
        insert(OrderEvent, [row for order, one in pairs for row in self._event_rows(order, one)])
        insert(OrderPayload, [self._payload_row(order["id"], one) for order, one in pairs])
        insert(OutboxMessage, [self._message_row(order) for order, _one in pairs if _goes_to_shop(order)])
        self.run.counts.new += len(pairs)
        self.run.counts.same += len(new) - len(pairs)  # somebody else was quicker

    def _order_row(self, pk: int, one: Fresh) -> dict[str, Any]:
        data, pair, now = one.data, one.pair, self.run.now
        assert data is not None and pair is not None
        code, detail = flag_of(data, now)
        is_confirmed = data.remote_status != RemoteStatus.UNCONFIRMED
        requested = any(item.cancellation_requested for item in data.items)
        parts = [status for item in data.items for status, _quantity in _split(item, data.remote_status)]
        return {
            "id": pk,
            "company_id": self.account.company_id,
            "project_id": pair.project_id,
            "order_connection_id": pair.pk,
            "connection_id": self.account.pk,
            "shop_id": pair.shop_id,
            "external_id": data.external_id,
            "remote_version": one.version,
            **remote_owned(data, self.connector.fulfilled_suffix),
            **personal(data),
            "is_test": False,
            "status": derive_status(parts, is_confirmed=is_confirmed, cancellation_requested=requested).value,
            "is_confirmed": is_confirmed,
            "cancellation_requested": requested,
            "is_manual": False,
            "error_code": code,
            "error_detail": detail,
            "error_since": now if code else None,
            "reference": order_reference(self.account.kind, self.account.account_id, data.external_id),
            "shop_order_id": "",
            "shop_number": "",
            "shop_version": "",
            "shop_status": "",
            "is_obfuscated": False,
            "retrieved_at": now,
            "created_at": now,
            "modified_at": now,
        }

    def _address_rows(self, order: Mapping[str, Any], one: Fresh) -> list[dict[str, Any]]:
        assert one.data is not None
        keys = {"company_id": order["company_id"], "order_id": order["id"]}
        return [{**keys, "kind": kind.value, **address_row(address)} for kind, address in _addresses(one.data)]

    def _insert_items(self, pairs: list[tuple[dict[str, Any], Fresh]]) -> None:
        lines = [(order, item, one.data) for order, one in pairs if one.data for item in one.data.items]
        items, parts = [], []
        for pk, (order, item, data) in zip(next_ids(OrderItem, len(lines)), lines, strict=True):
            keys = {"company_id": order["company_id"], "order_id": order["id"]}
            items.append({"id": pk, **keys, **item_row(item)})
            for status, quantity in _split(item, data.remote_status):
                parts.append({**keys, "item_id": pk, "quantity": quantity, "status": status.value, "former_status": ""})
        insert(OrderItem, items)
        insert(ItemPart, parts)

    def _event_rows(self, order: Mapping[str, Any], one: Fresh) -> list[dict[str, Any]]:
        received = self._event(order, "order.received", f"Received from {self.account.kind_label}.")
        received["to_status"] = order["status"]
        if not order["error_code"]:
            return [received]
        flagged = self._event(order, order["error_code"], order["error_detail"])
        return [received, {**flagged, "level": EventLevel.ERROR.value}]

    def _event(self, order: Mapping[str, Any], code: str, message: str) -> dict[str, Any]:
        return {
            "company_id": order["company_id"],
            "order_id": order["id"],
            "level": EventLevel.INFO.value,
            "code": code,
            "message": message,
            "from_status": "",
            "to_status": "",
            "actor": Actor.MARKETPLACE.value,
            "run_id": self.run.ensure_row().pk,
            "occurred_at": order["ordered_at"],
            "recorded_at": self.run.now,
        }

    def _payload_row(self, order_id: int, one: Fresh) -> dict[str, Any]:
        return {
            "company_id": self.account.company_id,
            "order_id": order_id,
            "source": "marketplace",
            "api_version": self.connector.api_version,
            "run_id": self.run.ensure_row().pk,
            "body": one.raw,
            "received_at": self.run.now,
        }

    def _message_row(self, order: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "company_id": order["company_id"],
            "connection_id": order["shop_id"],
            "kind": CREATE_ORDER,
            "subject_id": order["id"],
            "reference": order["reference"],
            "status": OutboxStatus.READY.value,
            "looks_first": is_late(order["ordered_at"], self.run.now),
            "not_before": self.run.now,
            "attempt": 0,
            "tries": 0,
            "absences": 0,
            "ticket": "",
            "remote_id": "",
            "error_code": "",
            "error_detail": "",
            "created_at": self.run.now,
        }

    # -- changed orders -----------------------------------------------------------------------
    def _update(self, one: Fresh) -> None:
        """Remote-owned columns follow the marketplace; what that means is decided by `apply`."""
        data = one.data
        assert data is not None and one.known is not None
        order = Order.objects.select_for_update(of=("self",)).get(pk=one.known.order_id)
        if order.remote_updated_at and data.remote_updated_at and data.remote_updated_at < order.remote_updated_at:
            self.run.counts.same += 1  # older than what we hold
            return
        values = remote_owned(data, self.connector.fulfilled_suffix)
        if not order.is_obfuscated:
            values |= personal(data)
            values["search_text"] = _keep_found(order, values["search_text"])
            self._update_addresses(order, data)
            insert(OrderPayload, [self._payload_row(order.pk, one)])
        Order.objects.filter(pk=order.pk).update(
            **storable(Order, values), remote_version=one.version, modified_at=self.run.now
        )
        self._add_lines(order, data)
        occurred_at = data.remote_updated_at or self.run.now
        cause = Cause(Actor.MARKETPLACE, occurred_at, self.run.now, run_id=self.run.ensure_row().pk)
        apply(order.pk, MarketplaceNews(data), cause)
        self.run.counts.changed += 1

    def _update_addresses(self, order: Order, data: OrderData) -> None:
        for kind, address in _addresses(data):
            values = storable(Address, address_row(address))
            Address.objects.filter(order=order, kind=kind).exclude(**values).update(**values)

    def _add_lines(self, order: Order, data: OrderData) -> None:
        known = set(OrderItem.objects.filter(order=order).values_list("external_id", flat=True))
        for line in data.items:
            if line.external_id not in known:
                item = OrderItem.objects.create(
                    company_id=order.company_id, order=order, **storable(OrderItem, item_row(line))
                )
                ItemPart.objects.create(company_id=order.company_id, order=order, item=item, quantity=line.quantity)


def _addresses(data: OrderData) -> list[tuple[AddressKind, AddressData]]:
    return [(AddressKind.BILLING, data.billing), (AddressKind.SHIPPING, data.shipping_address)]


def _is_same(known: Known | None, version: str) -> bool:
    return known is not None and known.version == version


def _split(item: ItemData, remote: RemoteStatus) -> list[tuple[PartStatus, int]]:
    """The parts of a line as the marketplace first tells it."""
    shipped = min(item.quantity_shipped, item.quantity)
    cancelled = min(item.quantity_cancelled, item.quantity - shipped)
    rest = {RemoteStatus.SHIPPED: PartStatus.SHIPPED, RemoteStatus.CANCELLED: PartStatus.CANCELLED}.get(
        remote, PartStatus.OPEN
    )
    parts = (
        (PartStatus.SHIPPED, shipped),
        (PartStatus.CANCELLED, cancelled),
        (rest, item.quantity - shipped - cancelled),
    )
    return [(status, quantity) for status, quantity in parts if quantity]


def _goes_to_shop(order: Mapping[str, Any]) -> bool:
    return order["is_confirmed"] and order["status"] not in (OrderStatus.SHIPPED, OrderStatus.CANCELLED)


def _keep_found(order: Order, text: str) -> str:
    """Shop number and tracking codes were added to the search text by us."""
    codes = Shipment.objects.filter(order=order).values_list("tracking_code", flat=True)
    return " ".join(word for word in (text, order.shop_number.lower(), *(code.lower() for code in codes)) if word)
