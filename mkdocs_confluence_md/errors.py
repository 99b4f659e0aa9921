"""The project's errors: each says what failed, where, and what to do about it.

    ConfluenceError
    ├── SettingError       an option or an environment variable is missing or wrong
    ├── CredentialsError   nobody is signed in, or the sign-in was refused
    ├── TokenFileError     the token file cannot be read or written
    ├── AnswerError        the service answered, and its answer is final (403, 404, …)
    └── FailureError       no usable answer: network, time-out, 429, 5xx, or an unreadable body

They become `mkdocs.exceptions.PluginError` in `plugin.py` and nowhere else. No message contains a
token: messages are made from names, addresses and the service's own words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Self


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

    def copy(self) -> Self:
        """Return an equal error, for another thread to raise: a traceback belongs to one."""
        return type(self)(self.what, self.remedy, self.detail)


class SettingError(ConfluenceError):
    """An option or an environment variable is missing or wrong."""


class CredentialsError(ConfluenceError):
    """Nobody is signed in, or the authorization server refused the sign-in for good."""


class TokenFileError(ConfluenceError):
    """The token file cannot be read or written."""


class AnswerError(ConfluenceError):
    """The service answered, and asking again would give the same answer."""


class FailureError(ConfluenceError):
    """There was no usable answer, but a later try may get one."""


@dataclass(frozen=True)
class PageFailure:
    """A page that could not be had, and why."""

    title: str
    """As in `nav`; empty where the page has no title there."""
    page_id: str
    url: str
    """Where a person would look at the page; empty where the site is not known."""
    error: ConfluenceError


def describe_page(title: str, page_id: str) -> str:
    """Name a page for a person: by its title where it has one, always with its ID."""
    return f"“{title}” (page {page_id})" if title else f"Page {page_id}"


def describe_age(seconds: float) -> str:
    """Say how long ago something was, in the largest unit that makes a whole number."""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            number = int(seconds // length)
            return f"{number} {unit}{'s' * (number > 1)}"
    return "a minute"


def report_stale_pages(count: int, total: int, age: float, error: ConfluenceError) -> str:
    """Tell in one message that pages are copies from earlier.

    Args:
        count: How many.
        total: How many Confluence pages the site has.
        age: Of the oldest copy, in seconds.
        error: Why there is no newer one; of the first page, where there are several reasons.
    """
    since = describe_age(age)
    copies = (
        f"a copy from {since} ago stands in for it"
        if count == 1
        else f"copies from up to {since} ago stand in for them"
    )
    return f"{count} of {total} pages from Confluence could not be fetched; {copies}. {error}"


def report_failures(failures: Sequence[PageFailure]) -> str:
    """Tell of all failing pages in one message: pages with the same cause stand together."""
    by_cause: dict[tuple[str, str], list[PageFailure]] = {}
    for failure in failures:
        by_cause.setdefault((failure.error.what, failure.error.remedy), []).append(failure)
    count = "1 page" if len(failures) == 1 else f"{len(failures)} pages"
    lines = [f"{count} could not be fetched from Confluence."]
    for (what, remedy), pages in by_cause.items():
        lines += ["", f"  {what}", f"  {remedy}"]
        for page in pages:
            lines.append(f"  - {describe_page(page.title, page.page_id)} {page.url}".rstrip())
            if page.error.detail:
                lines.append(f"    {page.error.detail}")
    return "\n".join(lines)
