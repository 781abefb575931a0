"""What a file is, by its own bytes, and what it may be called. Pure; nothing believes a name or a header."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import IO

MOST_BYTES = 10 * 1024 * 1024
LONGEST_STEM = 100
END = 1024  # how near to its end a PDF says that it ends (PDF 1.7, annex H.3.4.4)
CHUNK = 64 * 1024
PNG_BEGINS = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
PNG_ENDS = b"\0\0\0\0IEND\xaeB\x60\x82"
PRINTER_TEXT = bytes([*b"\x10\t\n\r", *range(0x20, 0x7F)])  # drivers begin with a 0x10


class FileType(StrEnum):
    """What is taken; the value is its ending."""

    PDF = ".pdf"
    PNG = ".png"
    ZPL = ".zpl"  # Zebra's printer language

    @property
    def content_type(self) -> str:
        """What it is served as; a label printer's commands have no registered type."""
        return {FileType.PDF: "application/pdf", FileType.PNG: "image/png"}.get(self, "application/octet-stream")


@dataclass(frozen=True, slots=True)
class FileFacts:
    type: FileType | None  # None: none of those
    size: int
    sha256: str


def look_at(file: IO[bytes]) -> FileFacts:
    """Read it through once, in pieces, and leave it at its beginning."""
    file.seek(0)
    digest, size = hashlib.sha256(), 0
    head = tail = b""
    while chunk := file.read(CHUNK):
        digest.update(chunk)
        size += len(chunk)
        head = head or chunk[:END]
        tail = (tail + chunk)[-END:]
    file.seek(0)
    return FileFacts(type_of(head, tail), size, digest.hexdigest())


def type_of(head: bytes, tail: bytes) -> FileType | None:
    """By its first and last bytes: what begins as something else, or goes on as something else behind its end, is
    none of ours, even if a lenient reader would find a PDF in it."""
    if head.startswith(b"%PDF-") and head[5:6].isdigit() and _ends_as_pdf(tail):
        return FileType.PDF
    if head.startswith(PNG_BEGINS) and tail.endswith(PNG_ENDS):
        return FileType.PNG
    if b"^XA" in head and tail.rstrip().endswith(b"^XZ") and not head.strip(PRINTER_TEXT):
        return FileType.ZPL
    return None


def _ends_as_pdf(tail: bytes) -> bool:
    _before, end, behind = tail.rpartition(b"%%EOF")
    return bool(end) and not behind.strip(b"\0\t\n\f\r ")


def clean_name(name: str, file_type: FileType, *, otherwise: str) -> str:
    """A name that is safe to show and to save under, with the ending of what the file really is.

    No folders, nothing that can't be seen (control characters, marks that turn the reading direction), nothing a
    file system or a header trips over; `otherwise` if nothing is left.
    """
    base = unicodedata.normalize("NFC", name[:4096]).replace("\\", "/").rpartition("/")[2]
    seen = "".join(" " if unicodedata.category(one)[0] in "CZ" else one for one in base)
    seen = " ".join("".join("_" if one in '<>:"|?*%;' else one for one in seen).split())
    stem, dot, ending = seen.rpartition(".")
    if not dot or f".{ending.lower()}" not in set(FileType):
        stem = seen
    return (stem[:LONGEST_STEM].strip(" .") or otherwise) + file_type.value
