"""Each form of the table comes out as it should, and a text as specified stays as it is."""

from __future__ import annotations

import pytest

from form_rows import Form, read_forms
from mkdocs_confluence_md.markdown.extension import ConfluenceExtension
from mkdocs_confluence_md.markdown.repairs.kinds import KINDS
from rendering import USUAL, make_markdown
from structure import read_structure


def drop_source_links(lines: list[str]) -> list[str]:
    """Leave out links to the page in Confluence: where that is, only a build knows."""
    kept: list[str] = []
    is_link = False
    for line in lines:
        is_link = is_link or line.startswith("<a.confluence-source")
        if is_link and line.startswith(("<a", "</a")):
            is_link = line != "</a>"
        elif kept and kept[-1].startswith("  ") and line.startswith("  "):
            kept[-1] += line[2:]
        else:
            kept.append(line)
    return kept


@pytest.mark.parametrize("form", read_forms(), ids=str)
def test_a_form_has_the_structure_that_is_meant(form: Form) -> None:
    extension = ConfluenceExtension()
    html = make_markdown(extension, f"{USUAL}- pymdownx.arithmatex:\n    generic: true\n").convert(
        form.markdown
    )

    assert read_structure(html, whole=True) == drop_source_links(form.structure)
    assert extension.repairs.keys() <= KINDS.keys()
    if form.kinds is None:
        assert extension.repairs
    else:
        assert dict(extension.repairs) == form.kinds


@pytest.mark.parametrize("form", read_forms(), ids=str)
def test_repairs_can_be_switched_off(form: Form) -> None:
    extension = ConfluenceExtension(repairs=False)

    make_markdown(extension).convert(form.markdown)

    assert not extension.repairs
