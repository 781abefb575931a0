"""The effects of orders at remotes: create in the shop, confirm a shipment, cancel at the marketplace."""

from orders.services.effects.cancellation import CancelOrder
from orders.services.effects.creation import CreateOrder
from orders.services.effects.shipment import ConfirmShipment

EFFECTS = (CreateOrder(), ConfirmShipment(), CancelOrder())

__all__ = ["EFFECTS", "CancelOrder", "ConfirmShipment", "CreateOrder"]
