"""Every form in which people refer to a Confluence page is read, or answered with a remedy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkdocs_confluence_md.confluence.refs import (
    Complaint,
    PageRef,
    SpaceRef,
    TreeRef,
    decode_tiny_code,
    editor_url,
    is_confluence_url,
    parse_nav_entry,
    parse_reference,
    view_url,
)
from strategies import (
    ALMOST_REFERENCES,
    NUMBERS,
    encode_tiny_code,
    page_urls,
)

SITE = "https://acme.atlassian.net"
PASTE = (
    "Open the page in Confluence and paste its address, like "
    "https://acme.atlassian.net/wiki/spaces/ENG/pages/123456/Title, or write confluence:123456."
)
DIGITS_ONLY = "this is neither a page ID (only digits) nor the address of a page."

IDS = st.text("0123456789", min_size=1, max_size=60)
PADDING = st.sampled_from(["", " ", "  ", "\t", "\n"])


@given(IDS, PADDING, PADDING)
def test_any_digits_are_a_page_id_to_the_letter(page_id: str, before: str, after: str) -> None:
    assert parse_reference(f"{before}{page_id}{after}") == PageRef(page_id)
    assert parse_reference(f"{before}confluence:{after}{page_id}{after}") == PageRef(page_id)


@given(page_urls(), PADDING)
def test_every_form_of_url_gives_the_page_and_the_host(
    case: tuple[str, str, str], padding: str
) -> None:
    url, host, page_id = case

    assert parse_reference(f"confluence:{padding}{url}{padding}") == PageRef(page_id, host)
    assert parse_reference(url) == PageRef(page_id, host)
    assert is_confluence_url(url)


@pytest.mark.parametrize(
    ("path", "page_id"),
    [
        ("/wiki/spaces/ENG/pages/123456", "123456"),
        ("/wiki/spaces/ENG/pages/123456/", "123456"),
        ("/wiki/spaces/ENG/pages/123456/Deploy+runbook", "123456"),
        ("/wiki/spaces/ENG/pages/123456/A%2FB?atlOrigin=abc#Heading-Text", "123456"),
        ("/wiki/spaces/ENG/pages/123456/2024", "123456"),
        ("/wiki/spaces/~712020abc/pages/123456/Home", "123456"),
        ("/wiki/spaces/%7E712020abc/pages/123456/Home", "123456"),
        ("/wiki/spaces/ENG/pages/edit-v2/123456?draftShareId=9", "123456"),
        ("/wiki/spaces/ENG/pages/edit/123456", "123456"),
        ("/wiki/pages/edit-v2/123456", "123456"),
        ("/wiki/pages/viewpage.action?pageId=123456", "123456"),
        ("/wiki/pages/viewpage.action?spaceKey=ENG&pageId=123456&search_id=9", "123456"),
        ("/wiki/pages/resumedraft.action?draftId=123456", "123456"),
        ("/wiki/spaces/ENG/overview?homepageId=123456", "123456"),
        ("/wiki/x/LIQHD", "201819180"),
        ("/wiki/x/LIQHD/", "201819180"),
        ("/wiki/x/Fc1bBw?atlOrigin=abc", "123456789"),
        ("/wiki/x/PABylgI", "11113988156"),
        # As exporters and Confluence's own API write it.
        ("/spaces/ENG/pages/123456/Deploy+runbook", "123456"),
        ("/spaces/~712020abc/pages/edit-v2/123456", "123456"),
        ("/spaces/ENG/overview?homepageId=123456", "123456"),
        ("/pages/viewpage.action?pageId=123456", "123456"),
        ("/pages/edit-v2/123456", "123456"),
        ("/x/LIQHD", "201819180"),
    ],
)
def test_a_pasted_address_is_read(path: str, page_id: str) -> None:
    assert parse_reference(f"confluence:{SITE}{path}") == PageRef(page_id, "acme.atlassian.net")


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("CONFLUENCE:123456", PageRef("123456")),
        ("confluence: 123456", PageRef("123456")),
        ("confluence:0123", PageRef("0123")),
        ("confluence:987654/", TreeRef("987654")),
        ("987654/", TreeRef("987654")),
        ("confluence:space/ENG", SpaceRef("ENG")),
        ("confluence:space/ENG/", SpaceRef("ENG")),
        ("confluence:space/~712020abc", SpaceRef("~712020abc")),
        ("HTTPS://acme.atlassian.net/wiki/x/LIQHD", PageRef("201819180", "acme.atlassian.net")),
        ("acme.atlassian.net/spaces/ENG/pages/7/T", PageRef("7", "acme.atlassian.net")),
        ("acme.atlassian.net/x/LIQHD", PageRef("201819180", "acme.atlassian.net")),
        (
            "http://localhost:8080/wiki/spaces/ENG/pages/7/T",
            PageRef("7", "localhost"),
        ),
    ],
)
def test_the_other_forms_are_read(text: str, reference: object) -> None:
    assert parse_reference(text) == reference


@given(NUMBERS)
def test_a_tiny_code_decodes_to_the_id_that_it_was_made_of(number: int) -> None:
    assert decode_tiny_code(encode_tiny_code(number)) == str(number)


@pytest.mark.parametrize("code", ["", "A", "AAAA", "A B", "LIQHD!", "LIQHDLIQHDLI", "Ä"])
def test_what_no_page_has_as_its_tiny_code_decodes_to_nothing(code: str) -> None:
    assert decode_tiny_code(code) is None


@pytest.mark.parametrize(
    ("title", "value", "reference"),
    [
        ("Deploy", "confluence:123456", PageRef("123456")),
        (None, "confluence:123456", PageRef("123456")),
        ("confluence", "123456", PageRef("123456")),
        ("confluence", " 123456 ", PageRef("123456")),
        ("confluence", "confluence:123456", PageRef("123456")),
        ("confluence", "987654/", TreeRef("987654")),
        ("confluence", f"{SITE}/wiki/x/LIQHD", PageRef("201819180", "acme.atlassian.net")),
        (
            "confluence",
            "https://wiki.acme.example/wiki/spaces/ENG/pages/7/T",
            PageRef("7", "wiki.acme.example"),
        ),
        ("Space", "confluence:space/ENG", SpaceRef("ENG")),
    ],
)
def test_a_nav_entry_is_read(title: str | None, value: str, reference: object) -> None:
    assert parse_nav_entry(title, value) == reference


@pytest.mark.parametrize(
    ("title", "value"),
    [
        (None, "index.md"),
        (None, "123456"),
        (None, ""),
        ("Number", "123456"),
        ("Home", "index.md"),
        ("Wiki", f"{SITE}/wiki/spaces/ENG/pages/123456/T"),
        ("Confluences", "123456"),
        ("confluence", "notes.md"),
        ("confluence", "2024-plans.md"),
        ("confluence", "https://example.com/"),
        ("confluence", "https://acme.atlassian.net/jira/boards/1"),
        ("Guide", "guides/confluence:1.md"),
    ],
)
def test_a_nav_entry_of_somebody_else_is_left_alone(title: str | None, value: str) -> None:
    assert parse_nav_entry(title, value) is None


@pytest.mark.parametrize(
    ("title", "value"),
    [
        ("confluence", ""),
        ("confluence", "  "),
        ("confluence", "-5"),
        ("confluence", f"{SITE}/wiki/spaces/ENG/blog/2024/05/06/7/T"),
        ("Page", "confluence:"),
        (None, "confluence:abc"),
    ],
)
def test_a_slip_in_a_nav_entry_is_complained_of(title: str | None, value: str) -> None:
    complaint = parse_nav_entry(title, value)

    assert isinstance(complaint, Complaint)
    assert complaint.entry == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("abc", DIGITS_ONLY),
        ("-5", DIGITS_ONLY),
        ("12 34", DIGITS_ONLY),
        ("12\n34", DIGITS_ONLY),
        ("1.5", DIGITS_ONLY),
        ("123/4", DIGITS_ONLY),
        ("\uff11\uff12", DIGITS_ONLY),  # digits, but full-width ones
        ("confluence:12", DIGITS_ONLY),
        ("https://", "this is not a valid URL."),
        ("https://[acme", "this is not a valid URL."),
        ("https://acme.atlassian.net:port/wiki/x/LIQHD", "this is not a valid URL."),
        (f"{SITE}/wiki/spaces/ENG/blog/2024/05/06/7/T", "this is a blog post, not a page."),
        (f"{SITE}/wiki/spaces/ENG/folder/7", "this is a folder, not a page."),
        (f"{SITE}/wiki/spaces/ENG/database/7", "this is a database, not a page."),
        (
            f"{SITE}/wiki/display/ENG/Deploy+runbook",
            "an address with /display/ has a title but no page ID.",
        ),
        (
            f"{SITE}/wiki/l/cp/abcDEF12",
            "a share link with /l/cp/ can only be resolved by Confluence.",
        ),
        # What the share dialog gives has no /wiki in it.
        (f"{SITE}/l/cp/abcDEF12", "a share link with /l/cp/ can only be resolved by Confluence."),
        (f"{SITE}/wiki/x/", "the code of this short link cannot be decoded."),
        (f"{SITE}/wiki/x/A$", "the code of this short link cannot be decoded."),
        (
            f"{SITE}/wiki/pages/viewpage.action?title=T&spaceKey=ENG",
            "this address has no page ID in its query.",
        ),
        (
            f"{SITE}/wiki/pages/viewpage.action?pageId=abc",
            "this address has no page ID in its query.",
        ),
        (f"{SITE}/wiki/home", "this is not the address of a Confluence Cloud page."),
        (
            f"{SITE}/wiki/spaces/ENG/pages/abc",
            "this is not the address of a Confluence Cloud page.",
        ),
        (SITE, "this is not the address of a Confluence Cloud page."),
        ("https://example.com/", "this is not the address of a Confluence Cloud page."),
    ],
)
def test_what_is_no_page_is_explained(text: str, reason: str) -> None:
    entry = f"confluence:{text}"

    assert str(parse_reference(entry)) == f"'{entry}': {reason} {PASTE}"


def test_a_whiteboard_is_no_page() -> None:
    complaint = parse_reference(f"{SITE}/wiki/spaces/ENG/whiteboard/7")

    assert isinstance(complaint, Complaint)
    assert complaint.reason == "this is a whiteboard, not a page."
    assert complaint.remedy == PASTE


@pytest.mark.parametrize("path", ["", "/", "/overview", "/overview/", "/pages"])
def test_the_address_of_a_space_is_no_page(path: str) -> None:
    complaint = parse_reference(f"{SITE}/wiki/spaces/ENG{path}")

    assert isinstance(complaint, Complaint)
    assert complaint.reason == "this is the address of a space, not of a page."
    assert complaint.remedy == (
        "Write confluence:space/ENG for all of its pages, or paste the address of one page."
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'': the page ID is missing. Write confluence:123456."),
        ("confluence:", "'confluence:': the page ID is missing. Write confluence:123456."),
        (
            "confluence:space/",
            "'confluence:space/': this is not a valid space key. Write the key that "
            "follows /wiki/spaces/ in the address of the space: confluence:space/ENG.",
        ),
        (
            "confluence:space/two words",
            "'confluence:space/two words': this is not a valid space key. Write the key that "
            "follows /wiki/spaces/ in the address of the space: confluence:space/ENG.",
        ),
    ],
)
def test_a_complaint_reads_well(text: str, message: str) -> None:
    assert str(parse_reference(text)) == message


@given(ALMOST_REFERENCES)
def test_any_text_is_a_reference_or_a_complaint_that_quotes_it(text: str) -> None:
    for answer in (parse_reference(text), parse_nav_entry("confluence", f"confluence:{text}")):
        if isinstance(answer, Complaint):
            assert text in answer.entry
            assert answer.entry in str(answer)
            assert answer.reason.endswith(".")
            assert answer.remedy.endswith(".")
            assert answer.remedy in str(answer)
        else:
            assert isinstance(answer, PageRef | TreeRef | SpaceRef)


@given(st.none() | st.text() | st.just("confluence"), ALMOST_REFERENCES)
def test_no_text_in_nav_is_a_traceback(title: str | None, value: str) -> None:
    answer = parse_nav_entry(title, value)

    assert answer is None or isinstance(answer, PageRef | TreeRef | SpaceRef | Complaint)


@given(ALMOST_REFERENCES)
def test_any_text_is_a_confluence_url_or_is_not(text: str) -> None:
    if is_confluence_url(text):
        assert isinstance(parse_nav_entry("confluence", text), PageRef | Complaint)


@pytest.mark.parametrize(
    ("url", "answer"),
    [
        (f"{SITE}/wiki", True),
        (f"{SITE}/wiki/home", True),
        ("https://ACME.Atlassian.net/wiki/home", True),
        ("https://wiki.acme.example/wiki/x/LIQHD", True),
        ("https://wiki.acme.example/wiki/spaces/ENG/pages/7", True),
        ("https://wiki.acme.example/wiki/spaces/ENG/blog/2024/05/06/7", True),
        (f"{SITE}/spaces/ENG/pages/7/T", True),
        (f"{SITE}/x/LIQHD", True),
        (f"{SITE}/pages/viewpage.action?pageId=7", True),
        (f"{SITE}/pages", False),
        (f"{SITE}/xy/LIQHD", False),
        ("https://wiki.acme.example/spaces/ENG/pages/7/T", False),
        ("https://wiki.acme.example/x/LIQHD", False),
        (SITE, False),
        (f"{SITE}/wikis", False),
        (f"{SITE}/jira/boards/1", False),
        (f"{SITE}/l/cp/abcDEF12", True),
        ("https://acme.atlassian.net.evil.example/wiki/home", False),
        ("https://en.wikipedia.org/wiki/Confluence", False),
        ("https://github.com/acme/handbook/wiki/Home", False),
        ("mailto:acme@atlassian.net", False),
        ("/wiki/spaces/ENG/pages/7", False),
        ("notes.md", False),
        ("", False),
        ("https://[acme.atlassian.net/wiki", False),
        ("https://acme.atlassian.net:port/wiki", False),
    ],
)
def test_confluence_urls_are_told_from_others(url: str, *, answer: bool) -> None:
    assert is_confluence_url(url) is answer


@given(IDS)
def test_our_own_links_lead_to_the_page(page_id: str) -> None:
    for make_url in (view_url, editor_url):
        assert parse_reference(make_url(SITE, page_id)) == PageRef(page_id, "acme.atlassian.net")


def test_the_link_to_the_editor_does_without_the_word_edit() -> None:
    assert "edit" not in editor_url(SITE, "123456")


def test_a_url_may_be_pasted_without_its_scheme() -> None:
    assert parse_reference("acme.atlassian.net/wiki/spaces/ENG/pages/123/T") == PageRef(
        "123", "acme.atlassian.net"
    )
