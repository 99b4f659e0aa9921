"""A pulled site reads in other hosts as the plugin builds it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from benchmarks.hosts import ROOT, ZENSICAL, build_all, compare, read_site

if TYPE_CHECKING:
    from pathlib import Path


def test_the_example_site_is_the_same_in_each_host(tmp_path: Path) -> None:
    hosts = ["mkdocs", "properdocs", *["zensical"] * ZENSICAL.exists()]
    assert "zensical" in hosts or "CI" not in os.environ, "run: make zensical"

    comparisons = build_all(ROOT / "example-site/mkdocs.yml", tmp_path)

    assert [each.host for each in comparisons] == hosts
    for each in comparisons:
        assert (each.broken, each.different) == ((), ())
        assert each.equal_pages == each.pages >= 23
        assert each.equal_links == each.links >= 50
        assert each.equal_images == each.images >= 4


def write_page(directory: Path, path: str, content: str) -> None:
    (directory / path).parent.mkdir(parents=True, exist_ok=True)
    page = f"<article class='x'>{content}</article>"
    (directory / path).write_text(page, encoding="utf-8")


def test_what_is_different_is_seen(tmp_path: Path) -> None:
    own, other = tmp_path / "own", tmp_path / "other"
    write_page(own, "a/index.html", '<p id="x"><a href="../b/#y">b</a> <img src="../x.png"></p>')
    write_page(own, "b/index.html", '<h2 id="y">B</h2><a href="../a/">a</a>')
    write_page(other, "a/index.html", '<p><a href="/b/#no">b</a> <img src="./../x.png"></p>')
    write_page(other, "b/index.html", '<h2 id="y">B</h2><a href="../a">a</a>')

    comparison = compare("other", read_site(own), other)

    assert not comparison.is_equal
    assert comparison.different == ("a/index.html",)
    assert (comparison.equal_pages, comparison.pages) == (1, 2)
    assert (comparison.equal_links, comparison.links) == (1, 2)
    assert (comparison.equal_images, comparison.images) == (1, 1)
    assert comparison.broken == (
        "a/index.html: <a href='/b#no'>",
        "a/index.html: <img src='/x.png'>",
    )
