"""PostgreSQL and Valkey for a run or a test: yours where the environment names them, embedded ones otherwise.

Several commands may use the servers of a checkout at once (`make run` and `make shell`): each holds a shared lock, and
the last one to leave stops the servers. The lock vanishes with its holder, so a killed command never keeps them alive,
and what it left running is found again by the next. A test run has servers to itself: a second one beside it gets
servers of its own (`test-2`), so that their test databases don't meet. The servers of the demo and of
benchmarks wait for the disk, those of the tests don't; what the chaos suite crashes outlives a crash.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Literal

from channable.dev.errors import DevError
from channable.dev.folders import ROOT, VAR, make_var
from channable.dev.locks import FileLock
from channable.dev.postgres import Outlives, Postgres, embedded_postgres
from channable.dev.valkey import Valkey, embedded_valkey

Profile = Literal["run", "test", "bench", "chaos"]
OUTLIVES: dict[Profile, Outlives] = {
    "run": "power failure",
    "bench": "power failure",
    "chaos": "crash",
    "test": "nothing",
}


@dataclass
class Servers:
    """Where the servers are; `stop()` when done. URLs as Django, Celery and libpq read them."""

    database_url: str
    owner_url: str
    redis_url: str
    embedded: list[Postgres | Valkey]
    in_use: FileLock | None = None

    def environment(self) -> dict[str, str]:
        """The variables that hand the servers to Django and Celery."""
        return {
            "DATABASE_URL": self.database_url,
            "DATABASE_OWNER_URL": self.owner_url,
            "REDIS_URL": self.redis_url,
        }

    def stop(self) -> None:
        """Leave; the last one to leave stops the embedded servers. Servers of yours are never touched."""
        if self.in_use is None:
            return
        if self.in_use.take():
            for server in self.embedded:
                server.stop()
        self.in_use.release()
        self.in_use = None


def read_env_file() -> None:
    """Take variables from `.env` as the settings do; those of the environment win."""
    import environ

    if (ROOT / ".env").exists():
        environ.Env.read_env(ROOT / ".env")


def start_servers(profile: Profile) -> Servers:
    """Start (or find) the servers of a profile. Raises DevError, whose text says what to do."""
    make_var()
    read_env_file()
    database, owner, redis = (os.environ.get(n, "") for n in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"))
    if bool(database) != bool(owner):
        raise DevError(
            "Set both DATABASE_URL (the role channable_app) and DATABASE_OWNER_URL (the role channable_owner), "
            "or neither to use the embedded PostgreSQL."
        )
    if database and redis:
        return Servers(database, owner, redis, [])
    return _start_embedded(profile, database, owner, redis)


def _start_embedded(profile: Profile, database: str, owner: str, redis: str) -> Servers:
    name, in_use = _claim(profile)
    outlives = OUTLIVES[profile]
    servers = Servers(database, owner, redis, [], in_use)
    try:
        with FileLock(VAR / name / "start.lock"):
            if not database:
                postgres = embedded_postgres(name, outlives)
                servers.embedded.append(postgres)
                if profile != "run":
                    postgres.stop()  # one left over may still hold connections to databases we make anew
                postgres.start()
                servers.database_url, servers.owner_url = postgres.app_url, postgres.owner_url
            if not redis:
                valkey = embedded_valkey(name, durable=outlives == "power failure")
                servers.embedded.append(valkey)
                valkey.start()
                servers.redis_url = valkey.url
    except BaseException:
        servers.stop()
        raise
    return servers


def _claim(profile: Profile) -> tuple[str, FileLock]:
    """The name of the servers to use and our lock on them: shared for `run`, alone for the others."""
    for name in _names(profile):
        lock = FileLock(VAR / name / "in-use.lock")
        if profile == "run":
            lock.share()
            return name, lock
        if lock.take():
            return name, lock
        lock.release()
    raise AssertionError("names never end")


def _names(profile: Profile) -> Iterator[str]:
    yield profile
    yield from (f"{profile}-{number}" for number in count(2))


def all_embedded() -> list[Postgres | Valkey]:
    """Every embedded server this checkout ever had, for stopping them all."""
    names = sorted(folder.parent.name for folder in VAR.glob("*/in-use.lock"))
    return [server for n in names for server in (embedded_postgres(n), embedded_valkey(n, durable=True))]
