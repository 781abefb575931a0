"""What a file is, by its own bytes, and what it may be called."""

from __future__ import annotations

import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.files import FileType, clean_name, look_at
from tests.orders.documents import pdf, png, zpl

HTML = b"<html><script>alert(1)</script></html>"


@pytest.mark.parametrize(
    ("content", "file_type"),
    [
        (pdf(), FileType.PDF),
        (pdf().rstrip(), FileType.PDF),
        (pdf().replace(b"endobj", b"/Encrypt 5 0 R endobj"), FileType.PDF),
        (pdf() + b"\0\r\n", FileType.PDF),
        (pdf("x" * 3_000_000), FileType.PDF),
        (png(), FileType.PNG),
        (zpl(), FileType.ZPL),
        (b"^XA^XZ", FileType.ZPL),
    ],
)
def test_a_file_is_what_its_bytes_say(content: bytes, file_type: FileType) -> None:
    facts = look_at(io.BytesIO(content))
    assert (facts.type, facts.size) == (file_type, len(content))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"%PDF-",
        b"%PDF-1.4\n1 0 obj",  # cut off
        HTML + pdf(),  # a lenient reader finds the PDF, a browser the page
        b"PK\x03\x04" + pdf(),
        b"\n" + pdf(),
        pdf() + b"PK\x05\x06" + b"\0" * 18,  # an archive behind it
        pdf() + HTML,
        b"%PDF-x" + pdf()[6:],
        png()[:-4],
        png() + HTML,
        b"\x89PNG\r\n\x1a\n" + HTML,
        b"GIF89a" + HTML,
        b"MZ\x90\0",
        HTML,
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"^XA" + b"\xff\xfe" + b"^XZ",
        b"^XA^FO50",
        "^XA^FDé^XZ".encode(),
    ],
)
def test_what_is_none_of_ours_or_two_things_at_once_is_nothing(content: bytes) -> None:
    assert look_at(io.BytesIO(content)).type is None


def test_looking_at_a_file_leaves_it_at_its_beginning() -> None:
    file = io.BytesIO(pdf())
    file.seek(5)
    assert look_at(file).sha256 == look_at(file).sha256
    assert file.read() == pdf()


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("invoice.pdf", "invoice.pdf"),
        ("Rechnung Müller.PDF", "Rechnung Müller.pdf"),
        ("invoice", "invoice.pdf"),
        ("2026.11.27", "2026.11.27.pdf"),
        ("../../etc/passwd", "passwd.pdf"),
        ("..\\..\\boot.ini", "boot.ini.pdf"),
        ("..", "file.pdf"),
        (".pdf", "file.pdf"),
        ("", "file.pdf"),
        ("a\0b.pdf", "a b.pdf"),
        ("a\r\nSet-Cookie: x=1.pdf", "a Set-Cookie_ x=1.pdf"),
        ("invoice\u202efdp.exe", "invoice fdp.exe.pdf"),  # would read "invoiceexe.pdf"
        ("in\u200bvoice\ufeff.pdf", "in voice.pdf"),
        ('a"; filename="b.exe', "a__ filename=_b.exe.pdf"),
        ("label.zpl", "label.pdf"),  # what it is decides, not what it is called
        ("x" * 4096 + ".pdf", "x" * 100 + ".pdf"),
        ("🧾.pdf", "🧾.pdf"),
    ],
)
def test_a_name_keeps_what_can_be_shown_and_saved(name: str, cleaned: str) -> None:
    assert clean_name(name, FileType.PDF, otherwise="file") == cleaned


@given(st.text(max_size=300))
def test_no_name_harms_anybody(name: str) -> None:
    cleaned = clean_name(name, FileType.PDF, otherwise="file")
    assert cleaned.endswith(".pdf") and 4 < len(cleaned) <= 104
    assert not set(cleaned) & set('/\\<>:"|?*%;\0\r\n')
    assert all(unicodedata.category(one)[0] != "C" for one in cleaned)
    assert not cleaned.startswith((".", " "))
