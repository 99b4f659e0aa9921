"""The token file: load, lock, replace atomically.

One JSON file holds the tokens of all sign-ins, each under a key of its own. It is never part of
a site or of a cache. A file that cannot be understood is reported and left as it is.
"""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import filelock
import platformdirs

from mkdocs_confluence_md.errors import TokenFileError

if TYPE_CHECKING:
    from collections.abc import Iterator

_FORMAT_VERSION = 1
# Whoever holds the lock waits for one answer of the authorization server, a minute at most.
_LOCK_SECONDS = 90.0
_REMEDY = "Name a file that you may write to in CONFLUENCE_MD_TOKEN_FILE."


@dataclass(frozen=True)
class Tokens:
    """The current tokens of one sign-in."""

    refresh_token: str = field(repr=False)
    access_token: str = field(default="", repr=False)
    """Empty before the first refresh."""
    expires_at: float = 0.0
    """When the access token expires, in seconds since the epoch."""
    scope: str = ""
    """Scopes as granted, separated by spaces."""


def default_token_file() -> Path:
    """Return the path in the user's config directory."""
    return platformdirs.user_config_path("mkdocs-confluence-md") / "tokens.json"


class TokenStore:
    """The token file at a path; nothing is read or created before it is needed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = filelock.FileLock(
            path.with_name(path.name + ".lock"), timeout=_LOCK_SECONDS, mode=0o600
        )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other threads and processes from refreshing; its directory is made writable first.

        Raises:
            TokenFileError: The directory cannot be written to, so that a new refresh token
                would be lost: better not to ask for one.
        """
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock.acquire()
        except filelock.Timeout:
            raise TokenFileError(
                f"Another process has kept the token file {self.path} locked for too long.",
                "End that process, or try again later.",
            ) from None
        except OSError as error:
            raise self._complain("cannot be locked", error) from error
        try:
            yield
        finally:
            self._lock.release()

    def load(self, key: str) -> Tokens | None:
        """Return the tokens of one sign-in, None if there is none.

        Raises:
            TokenFileError: The file exists and cannot be read or understood.
        """
        entry = self._read_sign_ins().get(key)
        if entry is None:
            return None
        try:
            return Tokens(**entry)
        except TypeError:
            raise self._corrupt() from None

    def save(self, key: str, tokens: Tokens) -> None:
        """Replace the tokens of one sign-in; on disk before this returns. Call it locked.

        Raises:
            TokenFileError: The file cannot be written.
        """
        sign_ins = self._read_sign_ins() | {key: asdict(tokens)}
        text = json.dumps({"version": _FORMAT_VERSION, "sign_ins": sign_ins}, indent=2)
        try:
            _replace_atomically(self.path, text)
        except OSError as error:
            raise self._complain("cannot be written", error) from error

    def _read_sign_ins(self) -> dict[str, dict[str, Any]]:
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._complain("cannot be read", error) from error
        except ValueError:
            raise self._corrupt() from None
        sign_ins = content.get("sign_ins") if isinstance(content, dict) else None
        if not isinstance(sign_ins, dict) or content.get("version") != _FORMAT_VERSION:
            raise self._corrupt()
        return sign_ins

    def _complain(self, verb: str, error: OSError) -> TokenFileError:
        reason = error.strerror or type(error).__name__
        return TokenFileError(f"The token file {self.path} {verb}: {reason}.", _REMEDY)

    def _corrupt(self) -> TokenFileError:
        return TokenFileError(
            f"The token file {self.path} is damaged, or of a newer version.",
            "It was left as it is: move it away and sign in again.",
        )


def _replace_atomically(path: Path, text: str) -> None:
    """Write a file (mode 0600) so that a reader, or a crash, finds the old one or the new one."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
