"""Secrets at rest: AES-256-GCM under a ring of keys.

A sealed value reads `<key id>:<base64 of nonce + ciphertext>`. The context (company/table/row/field)
is authenticated with it, so a ciphertext moved to another row or company is refused. The first key
of the ring seals; all of them open, so keys rotate while everything runs.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12


class SealBroken(Exception):
    """The value was not sealed with a key of this ring for this context."""


class KeyRing:
    """`keys` maps key ids to base64 of 32 bytes; the first seals. Raises ValueError on a bad key."""

    def __init__(self, keys: Mapping[str, str]) -> None:
        self._ciphers = {key_id: AESGCM(_decoded(key_id, text)) for key_id, text in keys.items()}

    def __bool__(self) -> bool:
        return bool(self._ciphers)

    @property
    def current_key_id(self) -> str:
        return next(iter(self._ciphers))

    def seal(self, plain: bytes, *, context: str) -> str:
        key_id = self.current_key_id
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._ciphers[key_id].encrypt(nonce, plain, context.encode())
        return f"{key_id}:{base64.b64encode(nonce + sealed).decode()}"

    def open(self, value: str, *, context: str) -> bytes:
        """Raises SealBroken if the key is unknown or anything was changed or moved."""
        key_id, _, text = value.partition(":")
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise SealBroken(f"key {key_id!r} is not in the ring")
        try:
            raw = base64.b64decode(text, validate=True)
            return cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], context.encode())
        except (InvalidTag, ValueError) as error:
            raise SealBroken(f"value sealed with key {key_id!r} does not open for {context}") from error

    def is_current(self, value: str) -> bool:
        return value.startswith(f"{self.current_key_id}:")


def _decoded(key_id: str, text: str) -> bytes:
    if not key_id or ":" in key_id:
        raise ValueError(f"key id {key_id!r} must be a short word without a colon")
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise ValueError(f"key {key_id!r} is not base64") from error
    if len(key) != 32:
        raise ValueError(f"key {key_id!r} has {len(key)} bytes instead of 32")
    return key
