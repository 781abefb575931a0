"""One scenario after the other on servers of one's own."""

from __future__ import annotations

import shutil
import traceback
from pathlib import Path
from typing import Any

from channable.dev.servers import Servers
from connections.connectors import CONNECTORS
from tests.chaos import remotes, scenarios
from tests.chaos.names import MUTANTS
from tests.chaos.scenarios import Setting
from tests.chaos.stage import Machines
from tests.chaos.verdict import Verdict


class Lane:
    def __init__(self, servers: Servers, folder: Path) -> None:
        CONNECTORS.update(remotes.CONNECTORS)
        shutil.rmtree(folder, ignore_errors=True)
        self.folder = folder
        self.machines = Machines(servers)
        self.machines.make_template()

    def play(self, name: str, *, is_slice: bool, seed: int) -> dict[str, Any]:
        """The verdict on a scenario, or on whether a mutant is found out (always with the small sizes)."""
        mutant = name if name in MUTANTS else ""
        scenario = MUTANTS.get(name, name)
        folder = self.folder / (mutant or "product")
        setting = Setting(self.machines, folder, is_slice or bool(mutant), seed, mutant)
        try:
            verdict = getattr(scenarios, scenario)(setting)
        except Exception:
            verdict = Verdict(scenario, other=[f"the scenario itself failed: {traceback.format_exc()}"])
            return {**verdict.as_json(), "mutant": mutant, "is_expected": False}
        return {**verdict.as_json(), "mutant": mutant, "is_expected": verdict.is_clean != bool(mutant)}
