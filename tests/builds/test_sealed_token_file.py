"""The token file in CI, whose caches others may read: sealed with the client secret."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from projects import Project

if TYPE_CHECKING:
    from pathlib import Path

    from standin import StandIn


def make_job(root: Path, standin: StandIn, environment: dict[str, str], **more: str) -> Project:
    project = Project(root, {**environment, "CI": "true", **more})
    project.configure([{"Deploy": "confluence:101"}], site=standin.url, max_age=0)
    return project


@pytest.fixture
def first(tmp_path: Path, standin: StandIn) -> Project:
    """Return a job that has built the site."""
    job = make_job(tmp_path / "first", standin, standin.environment())
    built = job.build()
    assert built.exit_code == 0, built.log
    return job


def make_next(first: Project, root: Path, standin: StandIn, **more: str) -> Project:
    """Return a job on another machine, to which a cache has carried the token file."""
    job = make_job(root, standin, first.environment, **more)
    job.token_file.parent.mkdir()
    shutil.copy(first.token_file, job.token_file)
    return job


def test_no_secret_is_in_it(first: Project, standin: StandIn) -> None:
    text = first.token_file.read_text()

    assert '"sealed"' in text
    assert not [each for each in standin.oauth.secrets() if each in text]


def test_the_next_job_goes_on_from_it(first: Project, tmp_path: Path, standin: StandIn) -> None:
    standin.oauth.expire_access_tokens()
    job = make_next(first, tmp_path / "next", standin)

    built = job.build()

    assert (built.exit_code, built.messages()) == (0, "")
    assert (standin.oauth.refreshes, standin.oauth.reuses) == (2, 0)


def test_a_valid_token_in_it_is_used(first: Project, tmp_path: Path, standin: StandIn) -> None:
    assert make_next(first, tmp_path / "next", standin).build().exit_code == 0
    assert standin.oauth.refreshes == 1


def test_a_replaced_client_secret_begins_anew_and_is_said_once(
    first: Project, tmp_path: Path, standin: StandIn
) -> None:
    standin.oauth.client_secret = "stand-in-secret-that-is-new"
    job = make_next(
        first,
        tmp_path / "next",
        standin,
        CONFLUENCE_MD_CLIENT_SECRET=standin.oauth.client_secret,
        CONFLUENCE_MD_REFRESH_TOKEN=standin.oauth.issue_refresh_token(),
    )
    shutil.copy(first.token_file, job.token_file)
    same_seed = make_next(
        first,
        tmp_path / "same",
        standin,
        CONFLUENCE_MD_CLIENT_SECRET=standin.oauth.client_secret,
    )

    assert job.build().exit_code == 0
    built = same_seed.build()

    # Not a warning, which `--strict` would fail for: nothing is wrong if the seed is accepted.
    said = "was sealed with another client secret. The sign-in begins anew, with CONFLUENCE_MD_REF"
    assert built.log.count(said) == 1
    assert built.exit_code == 0, built.log
    standin.oauth.reuses = 0  # of the seed, which both have
    assert said not in same_seed.build().log


def test_elsewhere_it_is_as_it_was(tmp_path: Path, standin: StandIn) -> None:
    project = make_job(tmp_path / "laptop", standin, standin.environment(), CI="")

    assert project.build().exit_code == 0
    assert '"sealed"' not in project.token_file.read_text()
