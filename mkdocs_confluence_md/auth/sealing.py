"""Encrypt what is kept where others may read or write it, with a key from the client secret.

AES-GCM: who has no client secret can neither read a sealed value nor make one. A value is bound to
its name, so that it is of no use under another one.
"""

from __future__ import annotations

import os

_NONCE_BYTES = 12
_KEY_BYTES = 32
_NAME_BYTES = 8


class Seal:
    """Seals values, and opens them again.

    Args:
        client_secret: Of the OAuth 2.0 integration, which is random.
        purpose: What the values are for: those of one purpose cannot be opened for another.
    """

    def __init__(self, client_secret: str, purpose: str) -> None:
        # They take longer to load than a token file to read, and most builds seal nothing.
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415
        from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415

        info = f"mkdocs-confluence-md 1 {purpose}".encode()
        key = HKDF(SHA256(), _KEY_BYTES, salt=None, info=info).derive(client_secret.encode())
        self._cipher = AESGCM(key)
        name = HKDF(SHA256(), _NAME_BYTES, salt=None, info=info + b" name")
        self.name = name.derive(client_secret.encode()).hex()
        """Of the key; it tells nothing of the key or the secret."""

    def close(self, value: bytes, name: str) -> bytes:
        """Encrypt a value that is kept under a name."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, value, name.encode())

    def open(self, sealed: bytes, name: str) -> bytes | None:
        """Decrypt a value; None if it was sealed for another name, or with another secret."""
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415  the same

        nonce, encrypted = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, encrypted, name.encode())
        except (InvalidTag, ValueError):
            return None
