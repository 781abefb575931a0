"""Labels of bol's own programme (VVB). bol tells the id of a label with the shipment that was made with it, so one
can be read once the order is shipped; which labels were bought before that, it does not tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..types import JSON, LabelData
from .client import BolClient
from .shipments import of_order


def fetch(client: BolClient, order_id: str, having: Sequence[str]) -> LabelData | None:
    for shipment in of_order(client, order_id):
        label_id = _label_of(client.get_shipment(str(shipment.get("shipmentId", ""))))
        if label_id and label_id not in having:
            return LabelData(label_id, client.get_shipping_label(label_id))
    return None


def _label_of(shipment: JSON) -> str:
    transport = shipment.get("transport") if isinstance(shipment, Mapping) else None
    label_id = transport.get("shippingLabelId") if isinstance(transport, Mapping) else None
    return label_id if isinstance(label_id, str) else ""
