"""Files as people and attackers hand them in."""

from __future__ import annotations

import io
import zlib
from pathlib import Path


def pdf(text: str = "Invoice 1") -> bytes:
    return b"%PDF-1.4\n1 0 obj\n(" + text.encode() + b")\nendobj\ntrailer\n%%EOF\n"


def png() -> bytes:
    """A black dot."""
    header = b"\0\0\0\x01\0\0\0\x01\x08\0\0\0\0"
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0\0")), (b"IEND", b"")]
    packed = [len(body).to_bytes(4) + kind + body + zlib.crc32(kind + body).to_bytes(4) for kind, body in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def zpl() -> bytes:
    return b"\x10CT~~CD,~CC^~CT~\r\n^XA^FO50,50^FDAda de Vries^FS^XZ\r\n"


def file(content: bytes | None = None) -> io.BytesIO:
    return io.BytesIO(pdf() if content is None else content)


def files_in(folder: Path) -> list[str]:
    """Their keys."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
