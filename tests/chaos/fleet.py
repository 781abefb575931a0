"""The product's processes, kept alive as a supervisor would: whatever dies is started anew.

`python -m tests.chaos.fleet` loads the product once and forks its processes from there, so that a
death costs little more than what it costs the product itself.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
WORKER = ["worker", "--pool", "threads", "--concurrency", "8", "-Q", "sync,outbox,default", "-l", "WARNING"]
NEWS = {signal.SIGTERM, signal.SIGCHLD}
BEAT = ["beat", "--pidfile=", "-l", "WARNING"]

# What a worker and a beat load when they start: once here, not again after each death.
LOADED_AT_START = [
    "celery.app.control", "celery.apps.beat", "celery.apps.worker", "celery.backends.base", "celery.bin.celery",
    "celery.concurrency.thread", "celery.contrib.django.task", "celery.worker.autoscale", "celery.worker.consumer",
    "django_celery_beat.schedulers", "kombu.transport.redis",
]  # fmt: skip


class Fleet:
    """The suite's side: starts the program below and names its processes."""

    def __init__(self, folder: Path, environment: dict[str, str], *, workers: int = 3, beats: int = 2) -> None:
        self.folder = folder
        self.environment = {**os.environ, **environment, "CHAOS_FOLDER": str(folder)}
        self.roles = [f"worker-{number}" for number in range(workers)] + [f"beat-{number}" for number in range(beats)]
        self.process: subprocess.Popen[bytes] | None = None

        self.skew: dict[str, float] = {}

    def set_skew(self, seconds: dict[str, float]) -> None:
        """How wrong the clocks of processes are that start from now on, by role."""
        self.skew = seconds
        self.environment["CHAOS_SKEW"] = ",".join(f"{role}={by}" for role, by in seconds.items())

    def start(self) -> None:
        (self.folder / "pids").mkdir(parents=True, exist_ok=True)
        with (self.folder / "fleet.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.chaos.fleet", *self.roles],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def pids(self, role: str = "") -> list[int]:
        found = []
        for path in (self.folder / "pids").glob(f"{role}*"):
            with contextlib.suppress(OSError, ValueError):
                found.append(int(path.read_text()))
        return found

    def kill_one(self, chance: random.Random, role: str = "") -> bool:
        """SIGKILL to one of them, whatever it is doing."""
        pids = self.pids(role)
        with contextlib.suppress(ProcessLookupError, IndexError):
            os.kill(chance.choice(pids), signal.SIGKILL)
            return True
        return False

    def kill(self) -> None:
        """SIGKILL to all of them: as if the machine had gone."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def drain(self, patience: float = 60) -> float:
        """SIGTERM; how many seconds it took until the last one had ended by itself."""
        assert self.process is not None
        began = time.monotonic()
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(patience)
        seconds = time.monotonic() - began
        self.kill()
        return seconds


# -- the program --------------------------------------------------------------------------------------


def main(roles: list[str]) -> None:
    """SIGTERM and deaths are waited for, so neither can come in between a fork and its being written down."""
    folder = Path(os.environ["CHAOS_FOLDER"])
    signal.pthread_sigmask(signal.SIG_BLOCK, NEWS)
    _load(folder)
    children = {_spawn(role, folder): role for role in roles}
    is_stopping = False
    while children:
        if signal.sigwait(NEWS) == signal.SIGTERM:
            is_stopping = True
            for pid in children:
                os.kill(pid, signal.SIGTERM)
        for role in _ended(children):
            if not is_stopping:
                children[_spawn(role, folder)] = role


def _ended(children: dict[int, str]) -> list[str]:
    """The roles of those that died since."""
    roles = []
    while children and (pid := os.waitpid(-1, os.WNOHANG)[0]):
        roles.append(children.pop(pid))
    return roles


def _load(folder: Path) -> None:
    import django

    django.setup()

    for module in LOADED_AT_START:
        import_module(module)

    from channable.celery import app
    from connections.connectors import CONNECTORS
    from tests.chaos import mutants, remotes
    from tests.chaos.plan import Plan

    app.loader.import_default_modules()
    CONNECTORS.update(remotes.CONNECTORS)
    Plan(folder).listen()
    if name := os.environ.get("CHAOS_MUTANT"):
        mutants.MUTANTS[name]()
    if os.environ.get("CHAOS_TWICE"):
        _deliver_twice(app)


def _spawn(role: str, folder: Path) -> int:
    pid = os.fork()
    if pid:
        (folder / "pids" / role).write_text(str(pid))
        return pid
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, NEWS)
        _become(role)
    finally:
        os._exit(1)


def _become(role: str) -> None:
    from channable.celery import app

    random.seed()
    _skew(role)
    name = role.partition("-")[0]
    if name == "worker":
        app.start([*WORKER, "-n", f"{role}-{os.getpid()}@%h", "--without-mingle", "--without-gossip"])
    else:
        app.start(BEAT)
    os._exit(0)


def _skew(role: str) -> None:
    """The clock of this process is wrong by so many seconds: CHAOS_SKEW="worker-0=600,beat-1=-600"."""
    wrong = dict(one.split("=") for one in os.environ.get("CHAOS_SKEW", "").split(",") if one)
    if role in wrong:
        from datetime import timedelta

        import time_machine

        from channable.core.clock import utcnow

        time_machine.travel(utcnow() + timedelta(seconds=float(wrong[role])), tick=True).start()


def _deliver_twice(app: Any) -> None:
    """Every task comes twice, each copy when it likes."""
    from threading import Timer

    send = app.amqp.send_task_message

    def twice(producer: Any, name: str, message: Any, **options: Any) -> None:
        for _ in range(2):
            Timer(random.uniform(0, 0.8), again, [name, message, options]).start()

    def again(name: str, message: Any, options: dict[str, Any]) -> None:
        with app.producer_or_acquire() as producer:
            send(producer, name, message, **options)

    app.amqp.send_task_message = twice


if __name__ == "__main__":
    main(sys.argv[1:])
