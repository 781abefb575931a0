"""`make run`: the whole product with its demo, from one command."""

import base64
import os
import platform
import secrets
import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.request

from channable.dev import processes
from channable.dev.errors import DevError
from channable.dev.folders import ROOT, VAR, make_var, write_private
from channable.dev.locks import FileLock
from channable.dev.servers import Servers, read_env_file, start_servers
from channable.dev.supervisor import Program, Supervisor

HOST = "127.0.0.1"
EMAIL, PASSWORD = "demo@example.com", "demo-demo-demo"
READY_SECONDS = 180


def port() -> int:
    """Where the pages are: PORT, 8000 by default."""
    return _port_from("PORT", 8000)


def simulators_port() -> int:
    """Where the simulated marketplaces and shops are: SIMULATORS_PORT, 8900 by default."""
    return _port_from("SIMULATORS_PORT", 8900)


def simulators() -> Program:
    """They start first, because the demo's accounts are tested while they are connected, and end last."""
    argv = [sys.executable, "-m", "tests.simulators", "--port", str(simulators_port())]
    return Program("simulators", argv, ends_last=True)


def programs() -> list[Program]:
    """What runs beside the simulators, once the database is ready."""
    python = sys.executable
    gunicorn = [python, "-m", "gunicorn", "channable.wsgi:application", "--bind", f"{HOST}:{port()}"]
    celery = [python, "-m", "celery", "-A", "channable"]
    beat_files = ["--pidfile=", "--loglevel", "INFO"]
    threads = ["--pool", "threads", "--concurrency", "32"]
    return [
        Program("web", [*gunicorn, "--workers", "2", "--threads", "4", "--graceful-timeout", "20"]),
        Program("worker", [*celery, "worker", *threads, "-Q", "sync,outbox,default", "-n", "demo@%h", "-l", "INFO"]),
        Program("beat", [*celery, "beat", *beat_files]),
        Program("demo", [python, "-m", "tests.simulators.demo"]),
    ]


def run() -> int:
    """Start everything and stay until Ctrl-C. Returns the exit code."""
    check_machine()
    make_var()
    read_env_file()
    lock = become_the_only_run()
    check_ports()
    print("Starting PostgreSQL and Valkey...", flush=True)
    servers = start_servers("run")
    try:
        return _run_with(servers, lock)
    finally:
        servers.stop()
        lock.path.write_text("")
        lock.release()
        print("Stopped.", flush=True)


def _run_with(servers: Servers, lock: FileLock) -> int:
    os.environ.update({**demo_environment(), **servers.environment()})
    with Supervisor(VAR / "log", cwd=ROOT) as supervisor:
        lock.path.write_text(f"{os.getpid()} {supervisor.run_id} {port()}\n")
        supervisor.start(simulators())
        for name, arguments in (("migrate", ["migrate", "--noinput"]), ("seed", ["seed_demo"])):
            if name == "seed":
                _wait_for_port(simulators_port(), supervisor)
            code = supervisor.call(Program(name, [sys.executable, "manage.py", *arguments]))
            if supervisor.stopping.is_set():
                return 0
            if code:
                raise DevError(f"`manage.py {arguments[0]}` failed (exit {code}): see the lines above.")
        for program in programs():
            supervisor.start(program)
        threading.Thread(target=_announce, args=(supervisor,), daemon=True).start()
        supervisor.watch()
    return 0


def demo_environment() -> dict[str, str]:
    """The settings of the demo. Its two secrets are made once and kept in `var/demo.env` (mode 0600)."""
    path = VAR / "demo.env"
    if not path.exists():
        key = base64.b64encode(secrets.token_bytes(32)).decode()
        write_private(path, f"SECRET_KEY={secrets.token_urlsafe(48)}\nCREDENTIAL_KEYS=demo:{key}\n")
    kept = dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)
    defaults = {"DEMO": "1", "ALLOW_PRIVATE_ADDRESSES": "true", "SYNC_INTERVAL_SECONDS": "10", **kept}
    defaults |= {"PORT": str(port()), "SIMULATORS_PORT": str(simulators_port())}
    return {name: os.environ.get(name, value) for name, value in defaults.items()}


# Checks: one clear sentence each ---------------------------------------------------------------------------------


def check_machine() -> None:
    """Raises DevError on an operating system that can't run this (the Makefile has looked at Python)."""
    if sys.platform not in ("linux", "darwin"):
        raise DevError(f"Linux or macOS is needed, this is {platform.system()}: use docker/compose.yaml, or WSL.")


def check_ports() -> None:
    """Raises DevError if another program listens where we want to."""
    for variable, number in (("PORT", port()), ("SIMULATORS_PORT", simulators_port())):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, number))
            except OSError as error:
                reason = (
                    "is taken by another program" if error.errno in _IN_USE else f"can't be used ({error.strerror})"
                )
                raise DevError(f"Port {number} {reason}: free it, or choose another with {variable}=...") from None


def become_the_only_run() -> FileLock:
    """Hold the checkout's run lock; ends what a killed run left behind. Raises DevError if a run is alive."""
    lock = FileLock(VAR / "run.lock")
    fields = lock.path.read_text().split()
    if not lock.take():
        where = f" at http://{HOST}:{fields[2]}" if len(fields) > 2 else ""
        raise DevError(f"It is already running{where}: press Ctrl-C there, or `make stop`.")
    if len(fields) > 1 and (count := processes.end_marked(fields[1], patience=5)):
        print(f"Ended {count} processes left over by a run that was killed.", flush=True)
    return lock


def stop_run() -> bool:
    """Tell a living run to stop and wait until it has. Returns whether there was one."""
    make_var()
    lock = FileLock(VAR / "run.lock")
    try:
        if lock.take():
            fields = lock.path.read_text().split()
            return len(fields) > 1 and processes.end_marked(fields[1], patience=25) > 0
        processes.send([int(lock.path.read_text().split()[0])], signal.SIGTERM)
        lock.wait()
        return True
    finally:
        lock.release()


# Details ---------------------------------------------------------------------------------------------------------

_IN_USE = (48, 98)  # EADDRINUSE of macOS and of Linux


def _port_from(variable: str, default: int) -> int:
    text = os.environ.get(variable) or str(default)
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise DevError(f"{variable} must be a port number, not {text!r}.")
    return int(text)


def _wait_for_port(number: int, supervisor: Supervisor) -> None:
    deadline = time.monotonic() + 60
    while not supervisor.stopping.is_set():
        try:
            socket.create_connection((HOST, number), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise DevError(f"The simulators don't answer on port {number}: see var/log/simulators.log.") from None
            time.sleep(0.1)


def _announce(supervisor: Supervisor) -> None:
    """Print the box when the pages answer, or say where to look if they don't."""
    deadline = time.monotonic() + READY_SECONDS
    while not supervisor.stopping.is_set() and time.monotonic() < deadline:
        if _ready():
            for line in _box():
                supervisor.say(line)
            return
        time.sleep(0.3)
    if not supervisor.stopping.is_set():
        supervisor.say(f"Not ready after {READY_SECONDS} s: see var/log/web.log and var/log/worker.log.")


def _ready() -> bool:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port()}/health/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _box() -> list[str]:
    lines = [
        f"Open   http://{HOST}:{port()}/",
        f"Sign in   {EMAIL}   {PASSWORD}",
        "Demo orders arrive by themselves. Ctrl-C ends everything; your data stays.",
    ]
    width = max(map(len, lines)) + 4
    edge = "+" + "-" * width + "+"
    return [edge, *(f"|  {line.ljust(width - 2)}|" for line in lines), edge]
