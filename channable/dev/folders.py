"""Where things of a checkout live: `var/`, and private folders outside it where that is needed."""

import hashlib
import os
import stat
from pathlib import Path

from channable.dev.errors import DevError

ROOT = Path(__file__).resolve().parents[2]
VAR = ROOT / "var"


def checkout_id(root: Path = ROOT) -> str:
    """Ten hex digits that tell this checkout and this user from every other on the machine."""
    return hashlib.sha256(f"{os.getuid()}:{root}".encode()).hexdigest()[:10]


def make_var() -> Path:
    """Make `var/` and `var/log`, and prove that they can be written to."""
    try:
        for name in ("log", "static"):
            (VAR / name).mkdir(parents=True, exist_ok=True)
        probe = VAR / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise DevError(f"Can't write to {VAR} ({error.strerror}): check who owns that folder.") from None
    return VAR


def private_folder(path: Path, *, owner: int | None = None, mode: int = 0o700) -> Path:
    """Make a folder only `owner` (a user id; default: we) can use, or check that the one there is just that.

    `/tmp` and `/var/tmp` belong to everybody: a folder put there by somebody else, or a link, is refused.
    """
    owner = os.getuid() if owner is None else owner
    try:
        path.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o777 & ~mode:
            raise DevError(f"{path} isn't a private folder of this user: remove it and try again.") from None
    except OSError as error:
        raise DevError(f"Can't make the folder {path}: {error.strerror}.") from None
    else:
        path.chmod(mode)
        if owner != os.getuid():
            os.chown(path, owner, -1)
    return path


def write_private(path: Path, text: str) -> None:
    """Write a file that holds a secret: mode 0600 from its first byte, never half written."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)
