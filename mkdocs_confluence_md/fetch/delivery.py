"""Things that are fetched for somebody who waits: handed over, or said why not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from mkdocs_confluence_md.errors import ConfluenceError, FailureError

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

T = TypeVar("T")


def deliver(future: Future[T], find: Callable[[], T]) -> None:
    """Give something to those who wait for it, or what went wrong; nothing if nobody wants it."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(find())
    except ConfluenceError as error:
        future.set_exception(error)
    except Exception as error:  # noqa: BLE001  the last net: it must not hide other pages' errors
        future.set_exception(explain_unexpected(error))


def deliver_error(future: Future[T], error: Exception) -> None:
    """Say what went wrong with all; each thread raises an error of its own."""

    def fail() -> T:
        raise error.copy() if isinstance(error, ConfluenceError) else error

    deliver(future, fail)


def describe_absence(what: str = "this page") -> FailureError:
    """Say that something is not in the cache, and that nothing else may be asked."""
    return FailureError(
        f"There is no copy of {what} in the cache, and `offline` is on.",
        "Build once with the network, or turn the option `offline` (or the environment "
        "variable CONFLUENCE_MD_OFFLINE) off.",
    )


def explain_unexpected(error: Exception) -> FailureError:
    """Say that an error is none of those that are foreseen."""
    return FailureError(
        f"Something unexpected happened: {_locate(error)}.",
        "This is a mistake in mkdocs-confluence-md. Please report it.",
    )


def _locate(error: Exception) -> str:
    """Name an error and the line that raised it; its text may hold anything, so it is left out."""
    traceback = error.__traceback__
    while traceback and traceback.tb_next:
        traceback = traceback.tb_next
    if traceback is None:
        return type(error).__name__
    file = Path(traceback.tb_frame.f_code.co_filename).name
    return f"{type(error).__name__} in {file}, line {traceback.tb_lineno}"
