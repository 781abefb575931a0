"""The effects of orders at remotes: created in the shop and told to it, shipped, cancelled and invoiced at
the marketplace."""

from orders.services.effects.cancellation import CancelOrder
from orders.services.effects.creation import CreateOrder
from orders.services.effects.invoice import UploadInvoice
from orders.services.effects.label import FetchLabel
from orders.services.effects.notice import TellShop
from orders.services.effects.shipment import ConfirmShipment

EFFECTS = (CreateOrder(), ConfirmShipment(), CancelOrder(), TellShop(), UploadInvoice(), FetchLabel())

__all__ = ["EFFECTS", "CancelOrder", "ConfirmShipment", "CreateOrder", "FetchLabel", "TellShop", "UploadInvoice"]
