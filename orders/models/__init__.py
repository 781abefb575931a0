"""The tables of an order: the order itself, items and their parts, addresses, what went out and why."""

from .attachment import Attachment, AttachmentKind, Delivery, FileState
from .finding import Finding
from .history import Actor, EventLevel, OrderEvent
from .item import ItemPart, OrderItem
from .order import Address, AddressKind, Order, OrderQuerySet
from .payload import OrderPayload
from .product import LinkSource, ProductLink
from .returns import Return, ReturnDecision, ReturnStatus
from .shipment import Cancellation, NoticeKind, Shipment, ShopNotice
from .synced import SyncedOrder

__all__ = [
    "Actor",
    "Address",
    "AddressKind",
    "Attachment",
    "AttachmentKind",
    "Cancellation",
    "Delivery",
    "EventLevel",
    "FileState",
    "Finding",
    "ItemPart",
    "LinkSource",
    "NoticeKind",
    "Order",
    "OrderEvent",
    "OrderItem",
    "OrderPayload",
    "OrderQuerySet",
    "ProductLink",
    "Return",
    "ReturnDecision",
    "ReturnStatus",
    "Shipment",
    "ShopNotice",
    "SyncedOrder",
]
