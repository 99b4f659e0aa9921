"""Each form of the table comes out as it should in real builds, with two themes."""

from __future__ import annotations

import pytest

from benchmarks.forms import THEMES, build, is_right
from form_rows import read_forms


@pytest.mark.parametrize("theme", THEMES)
def test_all_forms_have_their_structure_in_a_build(theme: str) -> None:
    forms = read_forms()
    assert len(forms) >= 120
    assert len({str(form) for form in forms}) == len(forms)

    built = build(forms, theme)

    assert [
        str(form) for form, got in zip(forms, built, strict=True) if not is_right(form, got)
    ] == []
