"""What a process has ready before others are forked from it: importing this does it.

Two thirds of a small build would go into these otherwise, each time anew: the theme's templates are
compiled, the patterns of Markdown too, and coverage decides of each file whether to measure it.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import markdown
from jinja2 import Environment, FileSystemBytecodeCache

from processes import MEASURED, MEASURED_LATER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coverage import Coverage

# As MkDocs has them.
EXTENSIONS = ("toc", "tables", "fenced_code")


@contextmanager
def measure() -> Iterator[None]:
    """Measure what this process does; it has been forked from one that imported this module."""
    assert _measuring is not None
    _measuring.start()
    try:
        yield
    finally:
        _measuring.stop()
        _measuring.save()


def _keep_templates() -> None:
    """Have Jinja keep what it compiles; it compiles anew what has changed."""
    directory = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    kept = FileSystemBytecodeCache(directory)
    original = Environment.__init__

    def initialise(environment: Environment, *arguments: Any, **options: Any) -> None:  # noqa: ANN401  as the original
        original(environment, *arguments, **options)
        # Others, like a sandbox, compile the same template to something else.
        if type(environment) is Environment and environment.bytecode_cache is None:
            environment.bytecode_cache = kept

    Environment.__init__ = initialise  # type: ignore[method-assign, assignment]


def _prepare_measuring(config: str) -> Coverage:
    import coverage  # noqa: PLC0415  an installed wheel is tested without it

    os.environ[MEASURED] = config
    prepared = coverage.process_startup(force=True)
    assert prepared is not None
    # Coverage remembers what it decides of a file, so this is code of each that has been imported.
    for module in list(sys.modules.values()):
        if name := getattr(module, "__file__", None):
            names = {"__name__": module.__name__, "__file__": name}
            exec(compile("", name, "exec"), names)  # noqa: S102  nothing
    prepared.stop()
    return prepared


markdown.markdown("# A page\n", extensions=EXTENSIONS)
_keep_templates()
_config = os.environ.pop(MEASURED_LATER, None)
_measuring = _prepare_measuring(_config) if _config else None
