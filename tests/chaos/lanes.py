"""Processes beside each other, each with servers of its own, that play one scenario after the other."""

from __future__ import annotations

import multiprocessing
import os
import queue
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from channable.dev.__main__ import TEST_ENVIRONMENT
from channable.dev.folders import VAR
from channable.dev.servers import start_servers


@dataclass(frozen=True)
class Job:
    name: str  # of a scenario, or of a mutant that some scenario has to find out
    is_slice: bool
    seed: int


def play(jobs: list[Job], lanes: int) -> Iterator[dict[str, Any]]:
    """Results as they come. A lane that dies takes only its own scenario with it."""
    context = multiprocessing.get_context("spawn")
    todo, results = context.Queue(), context.Queue()
    for job in jobs:
        todo.put(job)
    processes = [context.Process(target=_lane, args=(number, todo, results)) for number in range(min(lanes, len(jobs)))]
    for process in processes:
        todo.put(None)
        process.start()
    count = 0
    while count < len(jobs):
        try:
            yield results.get(timeout=1)
            count += 1
        except queue.Empty:
            if not any(process.is_alive() for process in processes) and results.empty():
                break
    for process in processes:
        process.join()


def _lane(number: int, todo: Any, results: Any) -> None:
    servers = start_servers("chaos")
    try:
        environment = {**TEST_ENVIRONMENT, **servers.environment(), "LOG_LEVEL": os.environ.get("LOG_LEVEL", "ERROR")}
        os.environ.update({**environment, "DJANGO_SETTINGS_MODULE": "channable.settings"})
        import django

        django.setup()

        from tests.chaos.lane import Lane

        lane = Lane(servers, VAR / "chaos" / f"lane-{number}")
        for job in iter(todo.get, None):
            results.put(lane.play(job.name, is_slice=job.is_slice, seed=job.seed))
    finally:
        servers.stop()
