"""What the rigs of one side have in common: what is sent, how it is found, and what is read."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar

from connections.connectors.base import MarketplaceConnector, PlatformConnector
from connections.connectors.types import (
    AddressData,
    CustomerData,
    Done,
    Found,
    ItemData,
    OrderData,
    Receipt,
    RemoteStatus,
    ShipmentData,
    ShippedItem,
    ShopOptions,
)

from .base import Rig, Subject

_numbers = itertools.count(1)


class MarketplaceRig(Rig):
    connector: ClassVar[type[MarketplaceConnector]]  # type: ignore[misc]
    unknown_ticket: ClassVar[str] = ""  # one that the remote never gave, where it answers later
    cancels: ClassVar[str] = ""  # pattern of the call that cancels, where it can

    def cancelled(self, subject: Subject) -> int:
        """How often the remote has cancelled it, by its own books."""
        raise NotImplementedError

    invoices: ClassVar[str] = ""  # pattern of the call that hands one in, where it takes invoices

    def invoiced(self, key: str) -> int:
        """How often the remote was handed the invoice with this key, by its own books."""
        raise NotImplementedError

    def add_label(self, order_ref: str) -> str:
        """Ship with a label of the marketplace's; the label's id, where it gives labels."""

    # -- returns, where it tells of them
    returns_stream: ClassVar[str] = ""  # the stream that tells of every return that waits for the seller
    returns_listing: ClassVar[str] = ""  # pattern of the call that lists them
    decides: ClassVar[str] = ""  # pattern of the call that decides, where the seller does

    def add_return(self) -> tuple[str, str]:
        """A buyer wants to send back a whole new order (`new_order`); (our `order_ref`, number of the return)."""
        raise NotImplementedError

    def accept_by_hand(self, return_id: str) -> None:
        """The seller accepts all of a return in the account's own pages."""
        raise NotImplementedError

    def spoil_return(self, return_id: str) -> None:
        """From now on the remote tells of it something that nobody can read."""
        raise NotImplementedError

    def decided(self, return_id: str) -> int:
        """How many decisions about it the remote has taken from us, by its own books."""
        raise NotImplementedError

    # -- returns, where the seller tells of them
    reports: ClassVar[str] = ""  # pattern of the call that does

    def reported(self, order_ref: str, key: str) -> int:
        """How often the remote was told of it, by its own books."""
        raise NotImplementedError

    def parse(self, connector: Any, raw: Any) -> OrderData:
        return connector.parse_order(raw)

    def meaning(self, parsed: OrderData) -> RemoteStatus:
        return parsed.remote_status

    def new_order(self) -> str:
        """An order of two pieces of one product for 19.99 each, to be shipped; returns our `order_ref`."""
        raise NotImplementedError

    def new_subject(self) -> Subject:
        """The whole of a new order in one parcel."""
        order_ref = self.new_order()
        connector = self.connect()
        order = connector.parse_order(connector.fetch_one(self.stream, order_ref))
        items = [ShippedItem(item.external_id, item.quantity) for item in order.items]
        parcel = ShipmentData(items, datetime.now(UTC), tracking_code=f"3S{next(_numbers):09}", country_code="NL")
        return Subject(parcel, order_ref)

    def part_of(self, subject: Subject) -> Subject:
        """One piece of it."""
        items = [replace(subject.data.items[0], quantity=1)]
        return replace(subject, data=replace(subject.data, items=items))

    def send(self, connector: Any, subject: Subject, key: str, half: Found | None = None) -> Receipt:
        return connector.confirm_shipment(subject.order_ref, subject.data, key=key)

    def find(self, connector: Any, subject: Subject, key: str, since: datetime) -> tuple[Receipt | None, Found | None]:
        return connector.find_shipment(subject.order_ref, subject.data, key=key, since=since), None


class PlatformRig(Rig):
    connector: ClassVar[type[PlatformConnector]]  # type: ignore[misc]
    tells: ClassVar[str] = ""  # pattern of the call that leaves a note, where it can
    refunds: ClassVar[Sequence[str]] = ()  # patterns of the calls that one refund is made of, where it can
    options: ClassVar[ShopOptions] = ShopOptions(number="", marketplace_name="Example Market")

    def parse(self, connector: Any, raw: Any) -> Any:
        return connector.parse_update(raw)

    def meaning(self, parsed: Any) -> Any:
        return parsed.state

    def product(self) -> str:
        """The SKU of a product that the shop has in stock."""
        raise NotImplementedError

    def refunded(self, order_id: str, key: str) -> int:
        """How often the shop has made the refund with this reference, by its own books."""
        raise NotImplementedError

    def new_subject(self) -> Subject:
        number = f"C-{next(_numbers)}"
        item = ItemData(f"{number}-1", self.product(), 3, Decimal("0.10"))
        address = AddressData(
            first_name="Ada", last_name="de Vries", street="Dorpsstraat", house_number="1", postcode="1234 AB",
            city="Utrecht", country_code="NL", email=f"{number.lower()}@example.com",
        )  # fmt: skip
        customer = CustomerData(first_name="Ada", last_name="de Vries", email=address.email)
        order = OrderData(
            number, RemoteStatus.OPEN, datetime.now(UTC), "EUR", Decimal("0.30"), [item], address, address, customer
        )
        return Subject(order)

    def send(self, connector: Any, subject: Subject, key: str, half: Found | None = None) -> Receipt:
        return connector.create_order(subject.data, key=key, options=self.options, found=half)

    def find(self, connector: Any, subject: Subject, key: str, since: datetime) -> tuple[Receipt | None, Found | None]:
        found = connector.find_order(key, since=since)
        if found is None or not found.is_complete:
            return None, found
        return Done(found.remote_id, found.number), None
