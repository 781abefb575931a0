"""Simulators and clients are checked against the vendors' own descriptions, requests and answers.

The descriptions are not part of this repository: `API_SPECS_DIR` names their folder (default
`../shared/specs`). Where it is absent these checks are skipped with a reason. Every system's
exchanges are counted, so that a run in which nothing was checked cannot pass for a good one.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from .base import Request, Response

ROOT = Path(__file__).resolve().parents[2]
SPECS = (ROOT / os.environ.get("API_SPECS_DIR", "../shared/specs")).resolve()


SIMULATED = ("bol", "woocommerce")  # the systems with a simulator of ours


def specs_available(system: str) -> bool:
    return (SPECS / system).is_dir()


@dataclass
class Tally:
    """How many exchanges with one system were checked in this process, and what was wrong."""

    exchanges: int = 0
    failures: list[str] = field(default_factory=list)


TALLIES: dict[str, Tally] = {}


class DescriptionValidator:
    """Base of the validators: subclasses say what is wrong with one exchange."""

    def __init__(self, system: str) -> None:
        self.tally = TALLIES.setdefault(system, Tally())

    def errors(self, request: Request, response: Response) -> list[str]:
        raise NotImplementedError

    def check(self, request: Request, response: Response) -> None:
        self.tally.exchanges += 1
        line = f"{request.method} {request.path} -> {response.status}"
        self.tally.failures += [f"{line}: {error}" for error in self.errors(request, response)]
