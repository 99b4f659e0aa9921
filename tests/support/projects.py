"""MkDocs projects in a temporary directory, built as a person would: by the command."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

import processes
from mkdocs_confluence_md.auth.sign_ins import login_key
from mkdocs_confluence_md.auth.token_store import SignIn
from mkdocs_confluence_md.network.throttling import Patience

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mkdocs_confluence_md.auth.token_store import SignInStore
    from standin import StandIn

BIN = Path(sys.executable).parent
PASSED_VARIABLES = (
    "PATH",
    "HOME",
    "PYTHON_KEYRING_BACKEND",
    "COVERAGE_PROCESS_START",
    "COVERAGE_PROCESS_CONFIG",
)
PAGES = {
    "101": "# Deploy\n\nRoll out the *new* version.\n",
    "102": "# Roll back\n\nRoll back to the old one.\n",
    "103": "Owner: Jane Doe\n\nNo heading here.\n",
    "104": "# On-call\n\n- one\n- two\n",
    "11113988156": "# A large ID\n\nText.\n",
}

STEADY = Patience(
    connect=30.0,
    silence=30.0,
    token=30.0,
    answer=60.0,
    large_answer=60.0,
    # Nobody wants to wait for the faults of a test as long as for real ones.
    first_wait=0.01,
    longest_wait=1.0,
    page=1.0,
    build=5.0,
)
"""An answer may come late on a busy machine; where one never comes, a test says how long it waits.
"""

CALM = replace(STEADY, page=60.0, build=60.0)
"""For what is to come, however often it is asked for."""

HOOK = """
from mkdocs_confluence_md.network.throttling import Patience

def on_config(config):
    config.plugins["confluence-md"].patience = PATIENCE
    config.plugins["confluence-md"].watch_seconds = WATCH_SECONDS
"""


@dataclass(frozen=True)
class Built:
    """What a build left behind."""

    exit_code: int
    log: str
    """Standard output and standard error, without what themes and hosts advertise."""
    site_dir: Path

    def page(self, path: str) -> str:
        """Return the HTML of a page, by its path in the site."""
        return (self.site_dir / path / "index.html").read_text(encoding="utf-8")

    def messages(self) -> str:
        """Return the log without the lines that tell of progress only."""
        lines = [line for line in self.log.splitlines() if not line.startswith("INFO ")]
        return "\n".join(line.rstrip() for line in lines).strip()


@dataclass
class Project:
    """A `mkdocs.yml` with its files.

    `environment` holds the variables of the build, besides those that any process has.
    """

    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    patience: Patience = STEADY
    watch_seconds: float | None = None
    """Takes the place of the option `watch`."""

    options: dict[str, object] = field(default_factory=dict)
    """Of the plugin, in all configurations."""

    def __post_init__(self) -> None:
        (self.root / "docs").mkdir(parents=True, exist_ok=True)
        self.write("docs/index.md", "# Home\n")
        self.token_file = self.root / "config" / "tokens.json"

    def write(self, path: str, text: str) -> None:
        """Write a file of the project."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def configure(
        self,
        nav: list[Any],
        *,
        options: Mapping[str, object] | None = None,
        theme: str = "mkdocs",
        settings: Mapping[str, object] | None = None,
        **more_options: object,
    ) -> None:
        """Write `mkdocs.yml` with the plugin's options."""
        self._write_hook(self.patience)
        config = {
            "site_name": "Handbook",
            "theme": {"name": theme},
            "hooks": ["impatient.py"],
            "plugins": [{"confluence-md": {**self.options, **(options or {}), **more_options}}],
            "nav": ["index.md", *nav],
            **(settings or {}),
        }
        self.write("mkdocs.yml", yaml.safe_dump(config, sort_keys=False, allow_unicode=True))

    def build(self, *arguments: str, host: str = "mkdocs", strict: bool = True) -> Built:
        """Run `mkdocs build` or `properdocs build`."""
        command = [host, "build", "-f", "mkdocs.yml", *["--strict"] * strict, *arguments]
        finished = processes.run(
            command, directory=self.root, environment=self.variables(), together=True
        )
        return Built(finished.exit_code, _without_colours(finished.stdout), self.root / "site")

    def warm_up(self) -> Built:
        """Build while all is well, as what a test is about comes later: with all patience."""
        self._write_hook(STEADY)
        built = self.build()
        assert built.exit_code == 0, built.log
        self._write_hook(self.patience)
        return built

    def lose_patience(self, **seconds: float) -> None:
        """Wait no longer than this for what will never come, from the next build on."""
        self.patience = replace(self.patience, **seconds)
        self._write_hook(self.patience)

    def run(self, *arguments: str, **variables: str) -> tuple[int, str, str]:
        """Run `confluence-md`; return exit code, standard output and standard error."""
        finished = processes.run(
            ["confluence-md", *arguments],
            directory=self.root,
            environment={**self.variables(), **variables},
        )
        assert "Traceback" not in finished.stderr
        return finished.exit_code, finished.stdout, finished.stderr

    def _write_hook(self, patience: Patience) -> None:
        hook = HOOK.replace("WATCH_SECONDS", repr(self.watch_seconds))
        self.write("impatient.py", hook.replace("PATIENCE", repr(patience)))

    def variables(self) -> dict[str, str]:
        """Return the environment of a build."""
        return {
            **{name: os.environ[name] for name in PASSED_VARIABLES if name in os.environ},
            **processes.AT_START,
            "CONFLUENCE_MD_TOKEN_FILE": str(self.token_file),
            **self.environment,
        }


def make_login(standin: StandIn, **changed: object) -> SignIn:
    """Make a login for the stand-in whose access token has expired."""
    sign_in = SignIn(
        client_id=standin.client_id,
        client_secret=standin.client_secret,
        refresh_token=standin.oauth.issue_refresh_token(),
        access_token=standin.oauth.issue_access_token(expires_in=-1),
        expires_at=1_000_000_000.0,
        refreshed_at=1_000_000_000.0,
        auth_url=standin.url,
        site=standin.url,
        gateway="site",
    )
    return replace(sign_in, **changed)  # type: ignore[arg-type]  # fields by name


def keep_login(store: SignInStore, sign_in: SignIn) -> None:
    """Put a login where sign-ins are kept, as `confluence-md login` does."""
    with store.locked():
        store.save(login_key(sign_in.site), sign_in)


def _without_colours(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)
