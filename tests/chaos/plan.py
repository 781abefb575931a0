"""Who dies where: files in a folder, taken by the process that reaches the moment they name.

Taking is a rename, so each is taken once however many processes there are, and it outlives them all.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from channable.core import failpoints

KILL, STOP = "kill", "stop"

# Every moment at which a process of the engine can die and leave something half done.
RUNS = ["started", "writing", "written", "finishing"]
SENDS = ["taken", "called", "settling", "settled"]
LOOK_UPS = ["looked_up", "taken_again"]
KINDS = ["create_order", "confirm_shipment"]
MOMENTS = [
    "dispatch.claimed",
    "relay.claimed",
    *(f"run.{moment}:{topic}" for topic in ("orders", "updates") for moment in RUNS),
    *(f"sender.{moment}:{kind}" for kind in KINDS for moment in SENDS),
    *(f"sender.{moment}:{kind}" for kind in KINDS for moment in LOOK_UPS),
    "follow_up.taken",
    "follow_up.answered:confirm_shipment",
    "follow_up.settled:confirm_shipment",
]
# Those of what happens to an order later on.
LATER_KINDS = ["cancel_order", "tell_shop"]
LATER_MOMENTS = [
    *(f"sender.{moment}:{kind}" for kind in LATER_KINDS for moment in [*SENDS, *LOOK_UPS]),
    "follow_up.answered:cancel_order",
    "follow_up.settled:cancel_order",
]
# Those of goods that come back.
RETURN_KINDS = ["decide_return", "refund_order"]
RETURN_MOMENTS = [
    *(f"run.{moment}:returns" for moment in RUNS),
    *(f"sender.{moment}:{kind}" for kind in RETURN_KINDS for moment in [*SENDS, *LOOK_UPS]),
    "follow_up.answered:decide_return",
    "follow_up.settled:decide_return",
]


@dataclass(frozen=True, slots=True)
class Taken:
    moment: str
    pid: int
    which: str  # a process may come to the same moment again


class Plan:
    """Deaths that are planned, and those that came true."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("planned", "taken"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def add(self, moment: str, what: str = KILL) -> None:
        (self.folder / "planned" / f"{moment}={what}").touch()

    def clear(self) -> None:
        for path in (self.folder / "planned").iterdir():
            path.unlink(missing_ok=True)

    def is_pending(self, moment: str, what: str = KILL) -> bool:
        return (self.folder / "planned" / f"{moment}={what}").exists()

    def taken(self, what: str = KILL) -> list[Taken]:
        """Those that came true, in any order."""
        found = [path.name.rsplit("=", 2) for path in (self.folder / "taken").iterdir()]
        return [Taken(moment, int(which.partition("-")[0]), which) for moment, kind, which in found if kind == what]

    # -- in the process that dies -----------------------------------------------------------------
    def listen(self) -> None:
        failpoints.listener = self._reached

    def _reached(self, moment: str) -> None:
        for what, number in ((KILL, signal.SIGKILL), (STOP, signal.SIGSTOP)):
            planned = self.folder / "planned" / f"{moment}={what}"
            try:
                planned.rename(self.folder / "taken" / f"{moment}={what}={os.getpid()}-{os.urandom(4).hex()}")
            except FileNotFoundError:
                continue
            os.kill(os.getpid(), number)
