"""Masks secrets and personal data in what we keep of a conversation with a remote system.

Works on text, not on parsed values, so that a body that was cut, is broken, or has a PHP notice in
front of its JSON is masked just as well. Long bodies are cut first: cost does not grow with them.
What is masked: values under keys that name a secret or a person's data, known secrets wherever they
stand, and text shaped like an e-mail address, an IBAN, a bearer token or a shop's API key.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Collection
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus, unquote_plus, urlsplit, urlunsplit

from .exact_json import clean_text

MASK = "***"
LIMIT = 64 * 1024  # characters kept of a body
CUT = "…"
SHORTEST_SECRET = 4  # masking "a" wherever it stands would hide everything and protect nothing

# Parts of a key, lower case and without separators, whose value is masked whatever it is.
KEYS_OF_ACCESS = (
    "password|passwd|passphrase|secret|token|apikey|accesskey|privatekey|consumerkey|authorization|signature"
    "|credential|cookie|sessionid|oauthnonce|jwt|bearer|clientassertion"
)
KEYS_OF_PERSONS = (
    "email|phone|mobile|faxnumber|firstname|lastname|surname|middlename|fullname|familyname|givenname|initials"
    "|customername|buyername|recipientname|displayname|username|accountholder|salutation|nickname"
    "|street|housenumber|houseext|extraaddress|addressline|address1|address2|address3|addition|postcode|postalcode"
    "|zipcode|city|locality|suburb|village|company|organi[sz]ationname|iban|bban|accountnumber|cardnumber"
    "|vatnumber|taxid|taxnumber|kvknumber|cocnumber|fiscalcode|birth|passport|gender"
    "|ipaddress|useragent|customernote|giftmessage|buyermessage|pickuppointname|latitude|longitude"
)
SENSITIVE_KEY = re.compile(f"{KEYS_OF_ACCESS}|{KEYS_OF_PERSONS}")
SENSITIVE_EXACT = frozenset({"zip", "bic", "dob", "tel", "fax", "pwd", "auth", "code2fa", "authcode", "attn", "county"})
# Under these, `name` and the like are a person's too.
PERSON = re.compile("customer|billing|shipping|address|buyer|recipient|contact|person|consignee|invoiceto|shipto")
PERSON_KEYS = frozenset({"name", "title", "note", "state", "province", "region", "address", "line1", "line2", "line3"})

EMAIL = re.compile(r"(?<![^\s\"'<>()\[\]{},;:=\\@])[^\s\"'<>()\[\]{},;:=\\@]++@[^\s\"'<>()\[\]{},;:=\\@&]+")
EMAIL_QUOTED = re.compile(r"(?<![\w.+%~*-])[\w.+%~*-]+?%40[\w.-]+", re.IGNORECASE)
IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){11,30}(?![A-Za-z0-9])")
KEY_SHAPED = re.compile(
    r"\b(?:Bearer|Basic)\s+[\w.~+/=-]{8,}|\bc[ks]_[0-9a-f]{20,}|\bshp[a-z]{2}_\w{16,}"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?",
    re.IGNORECASE,
)
LONGEST_WORD = 2048
LAST_WORD_END = re.compile(r".*[\s\"{}\[\],&<>]", re.DOTALL)
PAIR = re.compile(r"([\w.\[\]%-]{2,80})(=|:[ \t]*)([^&\s\"'<>;,]+)")
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|"(?:[^"\\]|\\.?)*+\Z|[{}\[\]:,]|[^\s"{}\[\]:,]+|\s+', re.DOTALL)


def redact(body: str | bytes | None, *, secrets: Collection[str] = (), limit: int = LIMIT) -> str:
    """`body` as it may be kept: masked, at most `limit` characters."""
    text, was_cut = _cut(body or "", limit, secrets)
    text = clean_text(text)
    for secret in _spellings(secrets):
        text = text.replace(secret, MASK)
    start = _json_start(text)
    before, data = (text, "") if start < 0 else (text[:start], text[start:])
    text = _mask_text(before) + _JsonMask(secrets).mask(data)
    return text[: limit - 1] + CUT if was_cut or len(text) > limit else text


def redact_url(url: str, *, secrets: Collection[str] = ()) -> str:
    """`url` without user, password and fragment, its query masked."""
    parts = urlsplit(url)
    netloc = parts.netloc.rpartition("@")[2]
    path = redact(parts.path, secrets=secrets)
    return urlunsplit((parts.scheme, netloc, path, redact(parts.query, secrets=secrets), ""))


def is_sensitive_key(key: str) -> bool:
    plain = re.sub(r"[^a-z0-9]", "", key.lower())
    return plain in SENSITIVE_EXACT or SENSITIVE_KEY.search(plain) is not None


def _cut(body: str | bytes, limit: int, secrets: Collection[str]) -> tuple[str, bool]:
    """The first `limit` characters, without a word that the cut may have made unrecognisable."""
    head = body[: limit + 1]
    if isinstance(head, bytes):
        if b"\0" in head:
            return f"({len(body)} bytes that are no text)", False
        head = head.decode("utf-8", "replace")
    if len(body) <= limit:
        return head, False
    head = head[:limit]
    whole = LAST_WORD_END.match(head[-LONGEST_WORD:])
    head = head[:-LONGEST_WORD] + (whole.group() if whole else "")
    for secret in _spellings(secrets):  # one with spaces in it may have lost its end
        for size in range(len(secret) - 1, 3, -1):
            if head.endswith(secret[:size]):
                head = head[:-size]
                break
    return head, True


def _spellings(secrets: Collection[str]) -> list[str]:
    """Every way a secret may be written in a body, longest first."""
    found: set[str] = set()
    for secret in secrets:
        if len(secret) >= SHORTEST_SECRET:
            found |= {secret, quote(secret, safe=""), quote(secret), quote_plus(secret), json.dumps(secret)[1:-1]}
            found |= {b64encode(secret.encode()).decode(), secret.replace("/", "\\/")}
    return sorted(found, key=len, reverse=True)


def _json_start(text: str) -> int:
    """Where JSON begins (after a BOM, blanks or notices of PHP), or -1."""
    found = re.search(r'(?:\A\ufeff?\s*|[>\n]\s*)([{\[](?=\s*["{\[\]}\d-])|"(?=[^"]*"\s*\Z))', text)
    return found.start(1) if found else -1


def _mask_text(text: str) -> str:
    text = KEY_SHAPED.sub(MASK, text)
    text = PAIR.sub(_mask_pair, text)
    return _mask_shapes(text)


def _mask_pair(found: re.Match[str]) -> str:
    key, sign, value = found.groups()
    if is_sensitive_key(unquote_plus(key)):
        return f"{key}{sign}{MASK}"
    plain = unquote_plus(value)
    if plain != value and _mask_shapes(plain) != plain:
        return f"{key}{sign}{MASK}"
    return found.group()


def _mask_shapes(text: str) -> str:
    if "@" in text:
        text = EMAIL.sub(MASK, text)
    if "%40" in text:
        text = EMAIL_QUOTED.sub(MASK, text)
    return IBAN.sub(_mask_iban, text)


def _mask_iban(found: re.Match[str]) -> str:
    """Masks an IBAN, also where a word after it was taken for another group of four."""
    text = found.group()
    ends = [len(text), *(gap.start() for gap in re.finditer("[ -]", text))]
    for end in sorted(ends, reverse=True):
        if end >= 15 and _is_iban(text[:end]):
            return MASK + text[end:]
    return text


def _is_iban(text: str) -> bool:
    """By its check digits (ISO 13616): tracking codes look like IBANs and are wanted in the log."""
    plain = re.sub("[ -]", "", text).upper()
    digits = "".join(str(int(character, 36)) for character in plain[4:] + plain[:4])
    return int(digits) % 97 == 1


@dataclass
class _Frame:
    """One open object or array."""

    is_object: bool
    is_masked: bool  # all values inside are masked
    is_person: bool
    key: str = ""
    expects_key: bool = True
    pair_is_masked: bool = False  # {"key": "billing_phone", "value": …}: the key stands in a value
    value_at: int = -1  # where the "value" of such a pair was written


@dataclass
class _JsonMask:
    """Walks the tokens of JSON, whole or broken, and writes them again, masked."""

    secrets: Collection[str] = ()
    out: list[str] = field(default_factory=list)
    stack: list[_Frame] = field(default_factory=list)

    def mask(self, text: str) -> str:
        for found in TOKEN.finditer(text):
            piece = found.group()
            if piece in "{[":
                self._open(piece)
            elif piece in "}]":
                self.out.append(piece)
                if self.stack:
                    self.stack.pop()
            elif piece == ",":
                self.out.append(piece)
                if self.stack:
                    self.stack[-1].expects_key = True
            elif piece == ":":
                self.out.append(piece)
                if self.stack:
                    self.stack[-1].expects_key = False
            elif piece.isspace():
                self.out.append(piece)
            else:
                self._scalar(piece)
        return "".join(self.out)

    def _open(self, piece: str) -> None:
        above = self.stack[-1] if self.stack else _Frame(False, False, False)
        self.out.append(piece)
        is_masked = above.is_masked or self._is_value_masked(above)
        is_person = above.is_person or PERSON.search(_plain(above.key)) is not None
        self.stack.append(_Frame(piece == "{", is_masked, is_person, key="" if piece == "{" else above.key))

    def _is_value_masked(self, frame: _Frame) -> bool:
        if frame.is_masked or is_sensitive_key(frame.key):
            return True
        plain = _plain(frame.key)
        return (frame.is_person and plain in PERSON_KEYS) or (frame.pair_is_masked and plain == "value")

    def _scalar(self, piece: str) -> None:
        frame = self.stack[-1] if self.stack else _Frame(False, False, False)
        if frame.is_object and frame.expects_key:
            frame.key = _unquote(piece)
            self.out.append(self._text(piece))
        elif self._is_value_masked(frame) and piece not in {"null", "true", "false", '""'}:
            self.out.append(f'"{MASK}"')
        else:
            self._note_pair(frame, piece)
            self.out.append(self._text(piece))

    def _note_pair(self, frame: _Frame, piece: str) -> None:
        plain = _plain(frame.key)
        if plain == "value":
            frame.value_at = len(self.out)
        elif plain in {"key", "name"} and is_sensitive_key(_unquote(piece)):
            frame.pair_is_masked = True
            if frame.value_at >= 0:
                self.out[frame.value_at] = f'"{MASK}"'

    def _text(self, piece: str) -> str:
        """A string masked by what stands in it; other tokens hold only what a number can."""
        if not piece.startswith('"'):
            return _mask_shapes(piece)
        plain = _unquote(piece)
        masked = plain
        for secret in _spellings(self.secrets) if "\\" in piece else ():
            masked = masked.replace(secret, MASK)
        if masked[:1] in {"{", "["}:  # JSON within JSON
            masked = _JsonMask(self.secrets).mask(masked) if len(self.stack) < 100 else MASK
        else:
            masked = _mask_text(masked)
        return piece if masked == plain else json.dumps(masked, ensure_ascii=False)


def _plain(key: str) -> str:
    return re.sub(r"[^a-z0-9]", "", key.lower())


def _unquote(piece: str) -> str:
    if "\\" not in piece:
        return piece.strip('"')
    try:
        return str(json.loads(piece, strict=False))
    except ValueError:
        return piece.strip('"')
