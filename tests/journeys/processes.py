"""The product's own processes, as `make run` starts them, on the database of this test."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings

from channable.dev import run
from channable.dev.folders import ROOT


def environment(name: str, worker_id: str) -> dict[str, str]:
    """The test's database, and a Redis database that no other test process uses."""
    return {
        **os.environ,
        "DATABASE_URL": _with_path(os.environ["DATABASE_URL"], settings.DATABASES["default"]["NAME"]),
        "REDIS_URL": _with_path(os.environ["REDIS_URL"], str(_redis_database(worker_id))),
        "SYNC_INTERVAL_SECONDS": "5",
        "PROCESS_NAME": name,
        "PORT": str(18_000 + _redis_database(worker_id)),
    }


def _with_path(url: str, path: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{path}"))


def _redis_database(worker_id: str) -> int:
    return 1 if worker_id == "master" else 2 + int(worker_id.removeprefix("gw"))


class Started:
    """One process. Leaves nothing behind when the test ends, however it ends."""

    def __init__(self, name: str, worker_id: str) -> None:
        os.environ["PORT"] = environment(name, worker_id)["PORT"]
        program = next(one for one in run.programs() if one.name == name.partition("-")[0])
        argv = [_unique(part, name) for part in program.argv]
        self.redis_url = environment(name, worker_id)["REDIS_URL"]
        self.process = subprocess.Popen(
            argv,
            cwd=ROOT,
            env=environment(name, worker_id),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def kill(self) -> None:
        """SIGKILL, to it and its children: nothing of it runs another instruction."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def _unique(part: str, name: str) -> str:
    return part.replace("demo@", f"{name}@")


@contextmanager
def running(*names: str, worker_id: str) -> Iterator[list[Started]]:
    """Processes by their names in `make run`; "worker-2" is a second worker."""
    started = [Started(name, worker_id) for name in names]
    try:
        yield started
    finally:
        for one in started:
            one.kill()


def purge(worker_id: str) -> None:
    """Messages of a former test are none of the next one's."""
    import redis

    with redis.Redis.from_url(environment("tests", worker_id)["REDIS_URL"]) as client:
        client.flushdb()
