"""Wall clock and processor time, of this process and of the PostgreSQL backends that serve it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds."""

    wall: float
    own: float  # processor time of this process
    server: float  # processor time of the PostgreSQL backend

    @property
    def cpu(self) -> float:
        return self.own + self.server


def timed(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def spent(work: Callable[[], Any], backend: int) -> Spent:
    """What `work` takes; `backend` is the process id of the connection it uses."""
    server, own, wall = cpu_seconds(backend), time.process_time(), time.perf_counter()
    work()
    return Spent(time.perf_counter() - wall, time.process_time() - own, cpu_seconds(backend) - server)


def cpu_seconds(pid: int) -> float:
    """Of a process of this machine, to the nanosecond (`/proc/<pid>/schedstat`, Linux)."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
