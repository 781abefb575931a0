"""The remote systems we know. Adding one is a folder here, one line below and a simulator."""

from __future__ import annotations

from .base import Connector, MarketplaceConnector, PlatformConnector
from .bol.connector import BolConnector
from .vendure.connector import VendureConnector
from .woocommerce.connector import WooCommerceConnector

_KNOWN: list[type[Connector]] = [
    BolConnector,
    VendureConnector,
    WooCommerceConnector,
]

CONNECTORS: dict[str, type[Connector]] = {connector.kind: connector for connector in _KNOWN}

__all__ = ["CONNECTORS", "Connector", "MarketplaceConnector", "PlatformConnector"]
