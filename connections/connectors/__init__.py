"""The remote systems we know. Adding one is a folder here, one line below and a simulator."""

from __future__ import annotations

from .base import Connector, MarketplaceConnector, PlatformConnector

CONNECTORS: dict[str, type[Connector]] = {connector.kind: connector for connector in ()}

__all__ = ["CONNECTORS", "Connector", "MarketplaceConnector", "PlatformConnector"]
