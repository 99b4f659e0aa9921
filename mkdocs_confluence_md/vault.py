"""The system's keyring, where the extra `keyring` is installed and there is one."""

from __future__ import annotations

import importlib.util
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol

from mkdocs_confluence_md.errors import TokenFileError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_SERVICE = "mkdocs-confluence-md"


class Vault(Protocol):
    """Keeps secrets by key and name."""

    def load(self, key: str, names: Sequence[str]) -> dict[str, str]:
        """Return the secrets of a key; one that is not there is empty."""

    def save(self, key: str, secrets: Mapping[str, str]) -> None:
        """Keep the secrets of a key."""

    def remove(self, key: str, names: Sequence[str]) -> None:
        """Forget the secrets of a key."""


class KeyringVault:
    """The system's keyring: one item a secret, because some systems limit an item's size."""

    def load(self, key: str, names: Sequence[str]) -> dict[str, str]:
        """Return the secrets of a key; one that is not there is empty."""
        import keyring  # noqa: PLC0415  slow, and an extra

        with _keyring_errors():
            return {name: keyring.get_password(_SERVICE, f"{key} {name}") or "" for name in names}

    def save(self, key: str, secrets: Mapping[str, str]) -> None:
        """Keep the secrets of a key, the first one first."""
        import keyring  # noqa: PLC0415  slow, and an extra

        with _keyring_errors():
            for name, secret in secrets.items():
                keyring.set_password(_SERVICE, f"{key} {name}", secret)

    def remove(self, key: str, names: Sequence[str]) -> None:
        """Forget the secrets of a key."""
        import keyring  # noqa: PLC0415  slow, and an extra
        from keyring.errors import PasswordDeleteError  # noqa: PLC0415  the same

        with _keyring_errors():
            for name in names:
                with suppress(PasswordDeleteError):  # not there
                    keyring.delete_password(_SERVICE, f"{key} {name}")


def find_vault() -> Vault | None:
    """Return the system's keyring; None where there is none, or the extra is not installed."""
    if importlib.util.find_spec("keyring") is None:
        return None
    import keyring  # noqa: PLC0415  slow, and an extra

    # Backends without a real keyring behind them have no priority.
    return KeyringVault() if keyring.get_keyring().priority > 0 else None


@contextmanager
def _keyring_errors() -> Iterator[None]:
    from keyring.errors import KeyringError  # noqa: PLC0415  an extra

    try:
        yield
    except KeyringError as error:
        raise TokenFileError(
            f"The system's keyring cannot be used: {str(error) or type(error).__name__}.",
            "Unlock it, or uninstall the package keyring to keep tokens in a file.",
        ) from None
