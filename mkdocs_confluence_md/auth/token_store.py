"""The token file: load, lock, replace atomically.

One JSON file holds all sign-ins, each under a key of its own. With the extra `keyring` its secrets
are in the system's keyring, and the file has the rest; in CI, whose caches carry the file from one
machine to the next, they are sealed with a key from the client secret. It is replaced as a whole,
so that a reader, or a crash, finds the old one or the new one. A file that cannot be parsed is
reported and left as it is.
"""

from __future__ import annotations

import base64
import glob
import importlib.util
import json
import os
import secrets
import tempfile
import threading
import time
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import platformdirs

from mkdocs_confluence_md.auth.sealing import Seal
from mkdocs_confluence_md.auth.trust import is_token
from mkdocs_confluence_md.errors import SealError, TokenFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from filelock import BaseFileLock
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


# On Windows a file cannot be replaced while somebody reads it, which takes milliseconds.
_TRIES = 100
_PAUSE_SECONDS = 0.02


class ReplaceableFile:
    """A file of mode 0600 that is replaced as a whole. Callers lock it against other writers.

    The new file is written next to the old one, into space reserved in advance, so that a full
    disk is found before it does harm.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reserved: Path | None = None
        self._written: Path | None = None

    def reserve(self, size: int) -> None:
        """Take room for the next file, in bytes.

        Raises:
            OSError: There is none.
        """
        self._reserved = self._make_temporary_file(size)

    def replace(self, text: str) -> None:
        """Write the new file; it is on disk before this returns.

        Raises:
            OSError: It cannot be written, or not take the old one's place: see `find_written`.
        """
        target = self._reserved or self._make_temporary_file(0)
        with target.open("r+", encoding="utf-8") as file:
            file.write(text)
            file.truncate()
            file.flush()
            os.fsync(file.fileno())
        self._reserved, self._written = None, target
        _rename(target, self._path)
        self._written = None
        _sync_directory(self._path.parent)

    def find_written(self) -> Path | None:
        """Return the new file that could not take the old one's place; None if there is none."""
        return self._written

    def release(self) -> None:
        """Remove temporary files next to the file, also those of processes that were killed.

        A file that could not take its place is left where it is.
        """
        pattern = f"{glob.escape(str(self._path))}.new-*"
        for name in glob.glob(pattern):  # noqa: PTH207  Path's cannot escape
            if Path(name) != self._written:
                with suppress(OSError):  # somebody else's, in a directory for all
                    Path(name).unlink()
        self._reserved = self._written = None

    def _make_temporary_file(self, size: int) -> Path:
        descriptor, name = tempfile.mkstemp(dir=self._path.parent, prefix=f"{self._path.name}.new-")
        with os.fdopen(descriptor, "wb") as file:
            file.write(b" " * size)
            file.flush()
            os.fsync(file.fileno())
        return Path(name)


def _rename(source: Path, target: Path) -> None:
    for _ in range(_TRIES if os.name == "nt" else 0):
        with suppress(PermissionError):
            source.replace(target)
            return
        time.sleep(_PAUSE_SECONDS)
    source.replace(target)


def _sync_directory(directory: Path) -> None:
    """Make a rename last, where the system can: Windows opens no directories."""
    if os.name == "nt":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


SECRETS = ("refresh_token", "access_token", "client_secret")

_TIMES = ("expires_at", "refreshed_at")
_LATEST_SECONDS = 1e11

_FORMAT_VERSION = 1
_SEALED = "sealed"
_PURPOSE = "tokens"
# The holder of the lock waits for two answers of the authorization server at most.
_LOCK_SECONDS = 180.0
# Room for tokens that are longer than the present ones.
_RESERVE_BYTES = 16_384
_REMEDY = "Set CONFLUENCE_MD_TOKEN_FILE to the path of a file that you may write."


@dataclass(frozen=True)
class SignIn:
    """One sign-in: the current tokens of a chain, and what belongs to them."""

    client_id: str
    refresh_token: str = field(repr=False)
    access_token: str = field(default="", repr=False)
    """Empty before the first refresh."""
    client_secret: str = field(default="", repr=False)
    """Empty where the environment has it."""
    expires_at: float = 0.0
    """When the access token expires, in seconds since the epoch."""
    refreshed_at: float = 0.0
    """When the refresh token was issued, in seconds since the epoch; 0 if that is not known."""
    scope: str = ""
    """Scopes as granted, separated by spaces."""
    auth_url: str = ""
    """The authorization server that issued the tokens."""
    site: str = ""
    """The origin of the Confluence site; empty for a chain that the environment began."""
    cloud_id: str = ""
    environment: str = "production"
    """The app's environment, as the option of this name."""
    gateway: str = "api"
    """The format of the base URL, as the option of this name."""


def default_token_file() -> Path:
    """Return the path in the user's config directory.

    Raises:
        TokenFileError: This user has no home directory.
    """
    try:
        return platformdirs.user_config_path("mkdocs-confluence-md") / "tokens.json"
    except RuntimeError:
        raise TokenFileError(
            "The token file has no default path, because this user has no home directory.", _REMEDY
        ) from None


def check_sign_in(sign_in: SignIn) -> SignIn:
    """Return a sign-in whose fields are of the right types.

    Raises:
        TypeError: One is not, or a secret could not stand in a request.
    """
    for name, value in asdict(sign_in).items():
        if name in SECRETS:
            right = value == "" or is_token(value)
        else:
            right = _is_time(value) if name in _TIMES else isinstance(value, str)
        if not right:
            raise TypeError(name)
    return sign_in


def _is_time(value: object) -> bool:
    """Return True for seconds since the epoch that can be shown as a date."""
    return isinstance(value, int | float) and 0 <= value < _LATEST_SECONDS


class SignInStore(Protocol):
    """Keeps sign-ins, each under a key: `TokenStore` in a file, `SharedTokenStore` on a server."""

    def locked(self) -> AbstractContextManager[None]:
        """Keep others out, and make sure that the next `save` will succeed."""

    def list_keys(self) -> list[str]:
        """Return the keys of all sign-ins."""

    def read_public(self) -> dict[str, dict[str, Any]]:
        """Return the fields of all sign-ins that are not secret, by key."""

    def load(self, key: str) -> SignIn | None:
        """Return a sign-in, None if there is none."""

    def save(self, key: str, sign_in: SignIn, *, replaces: SignIn | None = None) -> None:
        """Store a sign-in in place of the one whose refresh token was used. Call it locked."""

    def remove(self, key: str) -> None:
        """Forget a sign-in. Call it locked."""

    def describe_place(self, key: str) -> str:
        """Name where the secrets of a sign-in are, for people."""


class TokenStore:
    """The token file at a path; nothing is read or created before it is needed.

    Args:
        path: Of the file; where it is a link, of what it links to.
        find_vault: Returns where secrets are to be kept; None for the file itself.
        client_secret: Opens secrets that are sealed; empty if there is none.
        is_sealed: Seal secrets with it, because the file travels between machines, by ways that
            others can read. So none of them are kept in a keyring, which would stay behind.
    """

    def __init__(
        self,
        path: Path,
        *,
        find_vault: Callable[[], Vault | None] = find_vault,
        client_secret: str = "",
        is_sealed: bool = False,
    ) -> None:
        self.path = path.resolve()
        self._find_vault = find_vault
        self._client_secret = client_secret
        self._is_sealed = is_sealed and bool(client_secret)
        self._file = ReplaceableFile(self.path)
        self._lock: BaseFileLock | None = None
        self._making = threading.Lock()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other threads and processes out, and make sure that the next `save` will succeed.

        Raises:
            TokenFileError: It would not, so that a new refresh token would be lost: better not to
                ask for one.
        """
        from filelock import FileLock, Timeout  # noqa: PLC0415  most builds only read

        path = self.path.with_name(self.path.name + ".lock")
        with self._making:
            self._lock = self._lock or FileLock(path, timeout=_LOCK_SECONDS, mode=0o600)
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock.acquire()
        except Timeout:
            raise TokenFileError(
                f"Another process has kept the token file {self.path} locked for too long.",
                "End that process, or try again later.",
            ) from None
        except OSError as error:
            raise self._complain("cannot be locked", error) from error
        try:
            self._reserve()
            yield
        finally:
            self._file.release()
            self._lock.release()

    def list_keys(self) -> list[str]:
        """Return the keys of all sign-ins.

        Raises:
            TokenFileError: As `read_public`.
        """
        return list(self.read_public())

    def read_public(self) -> dict[str, dict[str, Any]]:
        """Return the fields of all sign-ins that are not secret, by key, and `keyring`.

        Raises:
            TokenFileError: The file exists and cannot be read or understood.
        """
        return {
            key: {name: entry[name] for name in entry if name not in (*SECRETS, _SEALED)}
            for key, entry in self._read_entries().items()
        }

    def read_secrets(self) -> list[str]:
        """Return all secrets that are in the file itself.

        Raises:
            TokenFileError: As `read_public`.
        """
        return [
            str(entry[name])
            for entry in self._read_entries().values()
            for name in SECRETS
            if entry.get(name)
        ]

    def load(self, key: str) -> SignIn | None:
        """Return a sign-in, None if there is none.

        Raises:
            SealError: It was sealed with another client secret.
            TokenFileError: The file exists and cannot be read or understood, or the keyring
                that has the secrets cannot be reached.
        """
        entry = self._read_entries().get(key)
        if entry is None:
            return None
        try:
            content = dict(entry)
            if name := content.pop("keyring", None):
                content.update(json.loads(self._read_keyring(key, str(name))))
            if (sealed := content.pop(_SEALED, None)) is not None:
                content.update(json.loads(self._unseal(key, base64.b64decode(sealed))))
            return check_sign_in(SignIn(**content))
        except (TypeError, ValueError):
            raise self._corrupt() from None

    def save(self, key: str, sign_in: SignIn, *, replaces: SignIn | None = None) -> None:
        """Replace a sign-in; it is on disk before this returns. Call it locked.

        Args:
            key: Of the sign-in.
            sign_in: What is stored.
            replaces: Not looked at: the lock of a file does not expire while it is held.

        Raises:
            TokenFileError: It cannot be written.
        """
        del replaces
        entry = asdict(sign_in)
        entries = self._read_entries()
        old = entries.get(key, {})
        # Of a sealed entry, only what an earlier one has left in a keyring is looked for.
        vault = self._find_vault() if not self._is_sealed or old.get("keyring") else None
        if self._is_sealed or vault:
            text = json.dumps({name: entry.pop(name) for name in SECRETS})
            if self._is_sealed:
                sealed = Seal(self._client_secret, _PURPOSE).close(text.encode(), key)
                entry[_SEALED] = base64.b64encode(sealed).decode()
            elif vault:
                entry["keyring"] = vault.save(text)
        self._write_entries(entries | {key: entry})
        # The file names the new secrets now, so the old ones can go.
        self._forget_secrets(old, vault)

    def remove(self, key: str) -> None:
        """Forget a sign-in. Call it locked.

        Raises:
            TokenFileError: The file cannot be written, or the keyring that has the secrets cannot
                be reached.
        """
        entries = self._read_entries()
        entry = entries.pop(key, {})
        if entry.get("keyring"):
            self._forget_secrets(entry, self._need_vault(key))
        self._write_entries(entries)

    def describe_place(self, key: str) -> str:
        """Return the path of the file, or `keyring` if that has the secrets of a sign-in."""
        return "keyring" if self._read_entries().get(key, {}).get("keyring") else str(self.path)

    def _reserve(self) -> None:
        size = self.path.stat().st_size if self.path.exists() else 0
        try:
            self._file.reserve(size + _RESERVE_BYTES)
        except OSError as error:
            raise self._complain("cannot be written", error) from error
        if not self._is_sealed and (vault := self._find_vault()):
            vault.remove(vault.save("x" * _RESERVE_BYTES))

    def _unseal(self, key: str, sealed: bytes) -> bytes:
        if not self._client_secret:
            raise SealError(
                f"The token file {self.path} is sealed, and CONFLUENCE_MD_CLIENT_SECRET is not "
                "set.",
                "Set it to the client secret that the file was sealed with.",
            )
        content = Seal(self._client_secret, _PURPOSE).open(sealed, key)
        if content is None:
            raise SealError(
                f"The token file {self.path} was sealed with another client secret.",
                "Set CONFLUENCE_MD_CLIENT_SECRET to that one, or sign in again.",
            )
        return content

    def _need_vault(self, key: str) -> Vault:
        if vault := self._find_vault():
            return vault
        raise TokenFileError(
            f"The secrets of {key!r} are in the system's keyring, which cannot be reached.",
            "Install mkdocs-confluence-md[keyring] here too, or sign in again: "
            "confluence-md login.",
        )

    def _read_keyring(self, key: str, name: str) -> str:
        text = self._need_vault(key).load(name)
        if text is None:
            raise TokenFileError(
                f"The secrets of {key!r} are no longer in the system's keyring.",
                "Sign in again: confluence-md login.",
            )
        return text

    def _forget_secrets(self, entry: dict[str, Any], vault: Vault | None) -> None:
        if vault and entry.get("keyring"):
            vault.remove(str(entry["keyring"]))

    def _read_entries(self) -> dict[str, dict[str, Any]]:
        try:
            self._check_owner()
            content = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._complain("cannot be read", error) from error
        except (ValueError, RecursionError):
            raise self._corrupt() from None
        entries = content.get("sign_ins") if isinstance(content, dict) else None
        if not isinstance(entries, dict) or content.get("version") != _FORMAT_VERSION:
            raise self._corrupt()
        if not all(isinstance(entry, dict) for entry in entries.values()):
            raise self._corrupt()
        return entries

    def _check_owner(self) -> None:
        """Refuse a file that another user may have written, or may read as its owner.

        Raises:
            TokenFileError: It is one.
        """
        # Windows keeps users apart by their directories; root may read all files anyway.
        if hasattr(os, "getuid") and self.path.stat().st_uid not in (os.getuid(), 0):
            raise TokenFileError(f"The token file {self.path} belongs to another user.", _REMEDY)

    def _write_entries(self, entries: dict[str, dict[str, Any]]) -> None:
        text = json.dumps({"version": _FORMAT_VERSION, "sign_ins": entries}, indent=2)
        try:
            self._file.replace(text)
        except OSError as error:
            raise self._complain("cannot be written", error) from error

    def _complain(self, verb: str, error: OSError) -> TokenFileError:
        reason = error.strerror or type(error).__name__
        written = self._file.find_written()
        rescue = f" The new tokens are in {written}: give that file its name." if written else ""
        return TokenFileError(f"The token file {self.path} {verb}: {reason}.{rescue}", _REMEDY)

    def _corrupt(self) -> TokenFileError:
        return TokenFileError(
            f"The token file {self.path} is damaged, or was written by a newer version.",
            "Move it away, and sign in again. It was not changed.",
        )
