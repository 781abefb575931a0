"""`python -m channable.dev <command>`: what the Makefile calls."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence

from channable.dev.errors import DevError
from channable.dev.folders import ROOT, VAR, checkout_id
from channable.dev.run import check_machine, demo_environment, run, stop_run
from channable.dev.servers import Profile, all_embedded, start_servers

USAGE = """usage: python -m channable.dev <command>

  run                  everything with the demo, until Ctrl-C
  test [...]           the tests, with servers of their own; further arguments go to pytest
  chaos [...]          the chaos suite alone; further arguments choose scenarios
  manage [...]         manage.py on the servers of `run`
  check [...]          manage.py on the servers of the tests
  exec <program> [...] any program with the servers of the tests in its environment
  bench <program> [...] any program with durable servers of its own, for benchmarks
  servers              start the servers of `run` and print their addresses, until Ctrl-C
  stop                 stop a run of this checkout and its servers
  clean                stop, then delete all data of this checkout"""

# For tests alone; nothing they protect outlives a test.
TEST_ENVIRONMENT = {
    "SECRET_KEY": "tests-only-" + "0" * 50,
    "CREDENTIAL_KEYS": "tests:" + "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    "ALLOW_PRIVATE_ADDRESSES": "true",
    "BEHIND_HTTPS": "false",  # the test client and the browser speak http
}


def main(argv: Sequence[str]) -> int:
    """Do one command; its exit code, 2 with one sentence for what the developer can put right."""
    command = COMMANDS.get(argv[0]) if argv else None
    if command is None:
        print(USAGE, file=sys.stderr)
        return 2
    try:
        check_machine()
        return command(argv[1:])
    except DevError as error:
        print(f"\n{error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def test(arguments: Sequence[str]) -> int:
    """pytest in parallel, and the slice of chaos after a whole run; CI=true and a terminal print the same."""
    parallel = [] if _chooses_workers(arguments) else ["-n", os.environ.get("TEST_WORKERS", "auto")]
    code = _with_servers("test", [sys.executable, "-m", "pytest", *parallel, *arguments], TEST_ENVIRONMENT)
    return code or (0 if arguments else chaos(["--slice"]))


def chaos(arguments: Sequence[str]) -> int:
    """The scenarios, on servers they start and crash themselves, whatever servers are set outside."""
    outside = {"DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_ADMIN_URL", "REDIS_URL"}
    environment = {name: value for name, value in os.environ.items() if name not in outside}
    return _foreground([sys.executable, "-m", "tests.chaos", *arguments], environment)


def manage(arguments: Sequence[str]) -> int:
    """manage.py with the demo's settings."""
    return _with_servers("run", [sys.executable, "manage.py", *arguments], demo_environment())


def check(arguments: Sequence[str]) -> int:
    """manage.py for checks that need a database, but not the demo's."""
    return _with_servers("test", [sys.executable, "manage.py", *arguments], TEST_ENVIRONMENT)


def execute(arguments: Sequence[str]) -> int:
    """Any program, on the servers of the tests."""
    return _with_servers("test", _program(arguments), TEST_ENVIRONMENT)


def bench(arguments: Sequence[str]) -> int:
    """Any program, on servers of its own that wait for the disk."""
    return _with_servers("bench", _program(arguments), TEST_ENVIRONMENT)


def _program(arguments: Sequence[str]) -> Sequence[str]:
    if not arguments:
        raise DevError("Say which program: python -m channable.dev exec <program> [...]")
    return arguments


def servers(arguments: Sequence[str]) -> int:
    """Hold the servers of `run` until Ctrl-C or SIGTERM."""
    found = start_servers("run")
    try:
        for name, value in found.environment().items():
            print(f"export {name}='{value}'", flush=True)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
    finally:
        found.stop()
    return 0


def stop(arguments: Sequence[str]) -> int:
    """End a living run, then any embedded server."""
    was_running = stop_run()
    for server in all_embedded():
        server.stop()
    print("Stopped." if was_running else "Nothing was running; embedded servers are stopped.")
    return 0


def clean(arguments: Sequence[str]) -> int:
    """Delete `var/` (but for uv in it) and what root's servers keep elsewhere."""
    stop(arguments)
    for path in VAR.iterdir():
        if path.name != "uv":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.rmtree(f"/var/tmp/channable-{checkout_id()}", ignore_errors=True)  # noqa: S108 - ours, checked at start
    return 0


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "run": lambda arguments: run(),
    "test": test,
    "chaos": chaos,
    "manage": manage,
    "check": check,
    "exec": execute,
    "bench": bench,
    "servers": servers,
    "stop": stop,
    "clean": clean,
}


def _with_servers(profile: Profile, argv: Sequence[str], settings: dict[str, str]) -> int:
    """Run a program to its end with the servers in its environment; settings given outside win."""
    found = start_servers(profile)
    try:
        return _foreground(argv, {**settings, **os.environ, **found.environment()})
    finally:
        found.stop()


def _foreground(argv: Sequence[str], environment: dict[str, str]) -> int:
    """Its exit code. Ctrl-C reaches it through the terminal, SIGTERM is passed on; we wait for it either way."""
    with subprocess.Popen(argv, env=environment, cwd=ROOT) as process:
        signal.signal(signal.SIGTERM, lambda number, frame: process.terminate())
        signal.signal(signal.SIGINT, lambda number, frame: None)
        code = process.wait()
    return code if code >= 0 else 128 - code


def _chooses_workers(arguments: Sequence[str]) -> bool:
    return any(a.startswith(("-n", "--numprocesses", "--pdb")) or a == "no:xdist" for a in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
