"""The project's errors: each says what failed, where, and what to do about it.

    ConfluenceError
    ├── SettingError       an option or an environment variable is missing or wrong
    ├── CredentialsError   there is no sign-in, or it was refused
    ├── TokenFileError     the token file cannot be read or written
    │   └── SealError      its secrets were sealed with another client secret
    ├── SnapshotError      a pulled directory cannot be read or written
    ├── AnswerError        the service answered, and its answer is final (403, 404, …)
    │   ├── MissingError   Confluence's own REST API says that there is no such page or space
    │   ├── NotFoundError  that API answers 404
    │   └── NoAccessError  the account may not see it, or not any more (403, 404, 410)
    │       └── DeniedError    403, which may also mean that the API is turned off
    ├── RenderingError     a page is there, and is too much to be rendered
    └── FailureError       no usable answer: network, time-out, 429, 5xx, or an unreadable body
        ├── TooLargeError  perhaps because the answer would be too large
        ├── EmptyError     the answer is empty, which a page may be, too
        └── StoreError     the server that machines share cannot be used

They become `mkdocs.exceptions.PluginError` in one place, `guarded.py`, and `click.ClickException`
in one, `cli/`; `HeldElsewhereError` is for threads only, and becomes neither. No message contains a
token: messages are made from names, addresses and the service's own words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Self


class ConfluenceError(Exception):
    """What went wrong, and the remedy; `str()` gives both.

    Args:
        what: A sentence that says what failed and where (setting, host, path).
        remedy: A sentence that says what to do.
        detail: What is different each time: the service's own words, a trace ID.
    """

    def __init__(self, what: str, remedy: str, detail: str = "") -> None:
        super().__init__(what, remedy, detail)
        self.what = what
        self.remedy = remedy
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.what} {self.remedy}"

    def full_text(self) -> str:
        """Return the message with its detail, for a place where nothing else has room for it."""
        return f"{self} {self.detail}".strip()

    def copy(self) -> Self:
        """Return an equal error, for another thread to raise: a traceback belongs to one."""
        return type(self)(self.what, self.remedy, self.detail)


class SettingError(ConfluenceError):
    """An option or an environment variable is missing or wrong."""


class CredentialsError(ConfluenceError):
    """There is no sign-in, or the authorization server refused it for good."""


class TokenFileError(ConfluenceError):
    """The token file cannot be read or written."""


class SealError(TokenFileError):
    """The secrets in the token file cannot be opened with the client secret that there is."""


class SnapshotError(ConfluenceError):
    """A directory that `pull` wrote, or is to write, cannot be read or written."""


class AnswerError(ConfluenceError):
    """The service answered, and asking again would give the same answer."""


class MissingError(AnswerError):
    """Confluence's own REST API answers, and has no such page or space."""


class NotFoundError(AnswerError):
    """Confluence's own REST API answers 404."""


class NoAccessError(AnswerError):
    """The account may not see a page, or not any more: no copy of it may be shown either."""


class DeniedError(NoAccessError):
    """The service answers 403, because of this page or because the whole API is turned off."""

    def narrow(self) -> Self:
        """Return the error for a page when others are exported, so that the API is turned on."""
        return type(self)(
            self.what, "The account may not see it; other pages are exported.", self.detail
        )


class FailureError(ConfluenceError):
    """There was no usable answer, but a later try may get one."""


class RenderingError(ConfluenceError):
    """A page is there, and is too much to be rendered."""


class TooLargeError(FailureError):
    """There was no usable answer, perhaps because of its size: asking for less may help."""


class EmptyError(FailureError):
    """The answer is empty; so is a page without any text, but that is rare."""


class StoreError(FailureError):
    """The server that `CONFLUENCE_MD_STORE` names cannot be used."""


class MissingPagesError(Exception):
    """Pages could not be fetched; `str()` is the report of all of them."""


class HeldElsewhereError(Exception):
    """Another machine makes an export at the moment, so that this one may do something else.

    Args:
        name: Of the lease that ends when it is there.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name
