"""The smallest honest connectors, one of each side: where a newcomer starts reading.

"Example Market" and "Example Shop" exist only here, so these are not in the registry; the conformance
suite holds them to the same rules as every other. See docs/writing-a-connector.md.
"""

from connections.connectors.base import Connector

from .connector import ExampleConnector
from .shop import ExampleShopConnector

EXAMPLES: dict[str, type[Connector]] = {one.kind: one for one in (ExampleConnector, ExampleShopConnector)}
