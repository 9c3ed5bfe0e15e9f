"""Keep the pages of the documentation readable on GitHub, and not on their site alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.pages import PAGES, ROOT, SNIPPET, read

DOCS = ROOT / "docs"
EVERY_PAGE = [*PAGES, *sorted((DOCS / "ko").glob("*.md"))]

every_page = pytest.mark.parametrize(
    "doc", EVERY_PAGE, ids=lambda doc: str(doc.relative_to(ROOT)).replace("/", "-")
)


def prose(doc: Path) -> str:
    """Return a page without its code blocks."""
    return SNIPPET.sub("", read(doc))


def anchors(doc: Path) -> set[str]:
    """Return the anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", prose(doc), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


@every_page
def test_every_link_has_a_text(doc: Path) -> None:
    """No link leaves its text to Sphinx: GitHub shows nothing there."""
    assert re.findall(r"\[\]\([^)]*\)", prose(doc)) == []


@every_page
def test_links_to_headings(doc: Path) -> None:
    """The anchor of a link is one that GitHub gives a heading; Sphinx knows these as well."""
    linked = re.findall(r"\]\(([^)#:\s]*\.md)?#([^)]+)\)", prose(doc))

    missing = [
        f"{page}#{anchor}"
        for page, anchor in linked
        if anchor not in anchors(doc.parent / page if page else doc)
    ]

    assert missing == []


def test_index_links_to_every_page() -> None:
    """Where the table of contents is no list, as on GitHub, the index leads to each page."""
    pages = {str(path.relative_to(DOCS)) for path in EVERY_PAGE if DOCS in path.parents}
    linked = re.findall(r"^- \[.*?\]\(([^)#:\s]+)\)", prose(DOCS / "index.md"), re.MULTILINE)

    assert set(linked) == pages - {"index.md"}
