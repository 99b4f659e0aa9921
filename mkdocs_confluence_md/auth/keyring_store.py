"""Store secrets in the system's keyring, if the extra `keyring` is installed and there is one.

Secrets are stored in parts, because Windows takes 1,280 characters an item and tokens are longer.
"""

from __future__ import annotations

import importlib.util
import secrets
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol

from mkdocs_confluence_md.errors import TokenFileError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyring.backend import KeyringBackend

_SERVICE = "mkdocs-confluence-md"
_PART_CHARACTERS = 1000
# Backends that keep nothing, or keep it in clear text, have a priority below 1.
_LEAST_PRIORITY = 1


class Vault(Protocol):
    """Keeps texts that are secret, each under a name that it gives."""

    def save(self, text: str) -> str:
        """Keep a text and return its name, which is new each time."""

    def load(self, name: str) -> str | None:
        """Return the text of a name; None if it is not there."""

    def remove(self, name: str) -> None:
        """Forget the text of a name."""


class KeyringVault:
    """The system's keyring."""

    def save(self, text: str) -> str:
        """Keep a text in parts.

        Raises:
            TokenFileError: The keyring does not take it.
        """
        parts = [text[i : i + _PART_CHARACTERS] for i in range(0, len(text), _PART_CHARACTERS)]
        name = f"{len(parts)}-{secrets.token_hex(8)}"
        with _open_keyring() as keyring:
            for number, part in enumerate(parts):
                keyring.set_password(_SERVICE, f"{name}-{number}", part)
        return name

    def load(self, name: str) -> str | None:
        """Return the text of a name; None if a part of it is not there.

        Raises:
            TokenFileError: The keyring cannot be read.
        """
        with _open_keyring() as keyring:
            parts = [keyring.get_password(_SERVICE, item) for item in _items(name)]
        return None if None in parts else "".join(part or "" for part in parts)

    def remove(self, name: str) -> None:
        """Forget the text of a name; what is not there needs no forgetting.

        Raises:
            TokenFileError: The keyring cannot be written.
        """
        with _open_keyring() as keyring:
            for item in _items(name):
                with suppress(_delete_error()):
                    keyring.delete_password(_SERVICE, item)


def find_vault() -> Vault | None:
    """Return the system's keyring; None where there is none, or the extra is not installed.

    Raises:
        TokenFileError: The keyring that the environment names cannot be loaded.
    """
    if importlib.util.find_spec("keyring") is None:
        return None
    with _open_keyring() as keyring:
        return KeyringVault() if keyring.priority >= _LEAST_PRIORITY else None


def _items(name: str) -> list[str]:
    count = name.partition("-")[0]
    return [f"{name}-{number}" for number in range(int(count) if count.isdigit() else 0)]


def _delete_error() -> type[Exception]:
    from keyring.errors import PasswordDeleteError  # noqa: PLC0415  an extra

    return PasswordDeleteError


@contextmanager
def _open_keyring() -> Iterator[KeyringBackend]:
    try:
        import keyring  # noqa: PLC0415  slow, and an extra

        yield keyring.get_keyring()
    except Exception as error:  # noqa: BLE001  each system's backend raises errors of its own
        raise TokenFileError(
            f"The system's keyring cannot be used: {str(error) or type(error).__name__}.",
            "Unlock it, or uninstall the package keyring to keep tokens in a file.",
        ) from None
