"""The effects of orders at remotes: created in the shop, told to it and refunded there; shipped, cancelled and
invoiced at the marketplace, and returns decided about."""

from orders.services.effects.cancellation import CancelOrder
from orders.services.effects.creation import CreateOrder
from orders.services.effects.invoice import UploadInvoice
from orders.services.effects.label import FetchLabel
from orders.services.effects.notice import TellShop
from orders.services.effects.returns import DecideReturn, RefundOrder, ReportReturn
from orders.services.effects.shipment import ConfirmShipment

EFFECTS = (
    CreateOrder(),
    ConfirmShipment(),
    CancelOrder(),
    TellShop(),
    DecideReturn(),
    ReportReturn(),
    RefundOrder(),
    UploadInvoice(),
    FetchLabel(),
)

__all__ = [
    "EFFECTS",
    "CancelOrder",
    "ConfirmShipment",
    "CreateOrder",
    "DecideReturn",
    "FetchLabel",
    "RefundOrder",
    "ReportReturn",
    "TellShop",
    "UploadInvoice",
]
