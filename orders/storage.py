"""Where files of orders are kept: the private storage of settings.STORAGES, which nothing serves by itself.

Never inside a transaction: it may be on the other side of a network.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import IO, Any

from django.core.files import File
from django.core.files.storage import FileSystemStorage, Storage, storages

from orders.files import FileType


class PrivateFolder(FileSystemStorage):
    """A folder of this machine for our user alone. What is saved is on the disk, also after a power cut: the row
    that follows says so."""

    def __init__(self, location: str) -> None:
        super().__init__(location=location, file_permissions_mode=0o600, directory_permissions_mode=0o700)

    def _save(self, name: str, content: Any) -> str:
        saved: str = super()._save(name, content)  # type: ignore[misc]
        path = Path(self.path(saved))
        for one in (path, path.parent, path.parent.parent):
            descriptor = os.open(one, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        return saved


def new_key(company_id: int, file_type: FileType) -> str:
    """Tells the company and nothing else."""
    return f"{company_id}/{secrets.token_hex(16)}{file_type.value}"


def save(key: str, file: IO[bytes]) -> None:
    """Write it under this very key. What an earlier try may have left there is replaced."""
    delete(key)
    file.seek(0)
    saved = _storage().save(key, File(file))
    if saved != key:
        raise RuntimeError(f"the storage kept it as {saved} instead of {key}")


def open_file(key: str) -> Any:
    """The file, open for reading. Raises FileNotFoundError."""
    return _storage().open(key, "rb")


def read(key: str) -> bytes:
    """All of it: at most files.MOST_BYTES. Raises FileNotFoundError."""
    with open_file(key) as file:
        content: bytes = file.read()
    return content


def delete(key: str) -> None:
    """Also where it is not there any more."""
    _storage().delete(key)


def _storage() -> Storage:
    return storages["private"]
