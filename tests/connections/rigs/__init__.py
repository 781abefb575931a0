"""One adapter per connector, so that the conformance suite can drive every remote in the same words.

The rig of kind "acme" is `tests/connections/rigs/acme.py` with a class `TheRig`. A connector of the
registry without one fails the suite.
"""

from __future__ import annotations

import importlib
import importlib.util

from connections.connectors import CONNECTORS
from connections.connectors.base import Connector
from tests.example import EXAMPLES

from .base import Rig
from .sides import MarketplaceRig, PlatformRig

KINDS: dict[str, type[Connector]] = {**EXAMPLES, **CONNECTORS}


def missing() -> list[str]:
    """The kinds that nobody has written a rig for."""
    return [kind for kind in KINDS if importlib.util.find_spec(f"{__name__}.{kind}") is None]


def rig_class(kind: str) -> type[Rig]:
    found: type[Rig] = importlib.import_module(f"{__name__}.{kind}").TheRig
    return found


RIGS: dict[str, type[Rig]] = {kind: rig_class(kind) for kind in KINDS if kind not in missing()}

__all__ = ["KINDS", "RIGS", "MarketplaceRig", "PlatformRig", "Rig", "missing"]
