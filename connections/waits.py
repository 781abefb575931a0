"""How long the engine waits: one factor on every lease, deadline and pause.

Production's waits are made for slow remotes (a call may take a minute, and go on for 90 seconds after we
hung up). Proofs on running processes shorten them all alike, so their proportions stay.
"""

from __future__ import annotations

from django.conf import settings


def scaled(seconds: float) -> float:
    factor: float = settings.ENGINE_WAIT_SCALE
    return seconds * factor
