"""`nav` as it is written: what is ours, and what MkDocs would refuse, each with its line."""

from __future__ import annotations

import re

import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from mkdocs_confluence_md.confluence.refs import PageRef, SpaceRef, TreeRef
from mkdocs_confluence_md.project import Declared, Flaw, explain_yaml, find_entries, find_value


def read(nav: str) -> list[Declared | Flaw]:
    node = yaml.compose(nav, yaml.SafeLoader)
    return list(find_entries(node)) if node else []


def flaws(nav: str) -> list[str]:
    return [f"{each.line}: {each}" for each in read(nav) if isinstance(each, Flaw)]


def test_entries_of_all_forms_are_found_wherever_they_stand() -> None:
    found = read(
        """
- Home: index.md
- Deploy: confluence:1
- confluence: "2"
- confluence:3
- Section:
    - Handbook: confluence:4/
    - Deeper:
        - Wiki: confluence:space/ENG
- confluence: notes.md
- Elsewhere: https://acme.atlassian.net/wiki/spaces/ENG/pages/5/Title
"""
    )

    assert found == [
        Declared(3, "Deploy", "confluence:1", PageRef("1")),
        Declared(4, "", "2", PageRef("2")),
        Declared(5, "", "confluence:3", PageRef("3")),
        Declared(7, "Handbook", "confluence:4/", TreeRef("4")),
        Declared(9, "Wiki", "confluence:space/ENG", SpaceRef("ENG")),
    ]


def test_a_number_is_explained_with_what_to_write_instead() -> None:
    assert flaws("- confluence: 123456\n- Deploy: 0042\n- 77\n") == [
        "1: 'confluence: 123456': MkDocs refuses a number in nav. "
        'Write confluence: "123456" or confluence:123456',
        "2: 'Deploy: 0042': MkDocs refuses a number in nav. Write Deploy: confluence:0042",
        "3: '77': MkDocs refuses a number in nav. Write confluence: \"77\" or confluence:77",
    ]


def test_other_values_that_mkdocs_refuses_are_explained() -> None:
    assert flaws("- Draft:\n- Rate: 1.5\n- Truth: yes\n- {a: b.md, c: d.md}\n- - nested.md\n") == [
        "1: 'Draft:' has no page. Write a file, or a page of Confluence: confluence:123456.",
        "2: 'Rate: 1.5': MkDocs refuses this in nav, because to YAML it is not text. "
        "Put it between quotation marks.",
        "3: 'Truth: yes': MkDocs refuses this in nav, because to YAML it is not text. "
        "Put it between quotation marks.",
        "4: This entry of nav has 2 titles (a, c), and MkDocs wants one. "
        "Begin each entry with a dash, and indent what is below it.",
        "5: This entry of nav is neither a page nor a list. Write a page, or a list.",
    ]


def test_a_reference_that_leads_nowhere_is_a_complaint_with_its_line() -> None:
    [flaw] = flaws(
        "- Post: confluence:https://acme.atlassian.net/wiki/spaces/ENG/blog/2025/1/1/9\n"
    )

    assert flaw.startswith("1: 'confluence:https://acme")
    assert "this is a blog post, not a page." in flaw


def test_a_nav_that_is_no_list_is_one_flaw() -> None:
    assert flaws("Home: index.md\n") == [
        "1: nav is not a list. Begin each of its entries with a dash."
    ]


def test_a_mistake_in_yaml_has_its_line() -> None:
    try:
        yaml.compose("nav:\n  - a: [b\n  - c: d\n", yaml.SafeLoader)
    except yaml.YAMLError as error:
        flaw = explain_yaml(error)

    assert flaw.line == 3
    assert str(flaw).startswith("This is not valid YAML: ")


def test_the_last_of_two_equal_keys_counts_as_for_yaml() -> None:
    root = yaml.compose("nav: [a.md]\nnav: [b.md]\n", yaml.SafeLoader)

    nav = find_value(root, "nav")
    assert nav
    assert [each.value for each in nav.value] == ["b.md"]
    assert find_value(root, "theme") is None
    assert find_value(None, "nav") is None


LINE_BREAK = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
"""YAML 1.1's."""

leaves = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.dates())


@given(st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
@example([{"\x85": None, "0\x85": None}])
def test_whatever_nav_is_is_read_or_refused_with_its_line(nav: object) -> None:
    text = yaml.safe_dump({"nav": nav}, allow_unicode=True)
    node = find_value(yaml.compose(text, yaml.SafeLoader), "nav")
    assert node

    for each in find_entries(node):
        assert 1 <= each.line <= len(LINE_BREAK.findall(text)) + 1
