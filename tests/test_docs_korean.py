"""Keep the Korean pages, and the catalogs, equal to the English pages and to one another."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.pages import (
    CATALOG,
    DOCS,
    KOREAN,
    PAGES,
    ROOT,
    each_of,
    entries,
    prose,
    read,
    snippets,
    table,
)

GLOSSARY = DOCS / "ko" / "glossary.md"
#: All code on the English pages, with its language.
ENGLISH_CODE = {(each.language, each.code) for page in PAGES for each in snippets(page)}
DEMO_CATALOG = ROOT / "demo_project" / "gallery" / "locale" / "ko" / "LC_MESSAGES"


@each_of(KOREAN)
def test_code_on_a_korean_page_is_tested(doc: Path) -> None:
    """What a reader copies stands on an English page as well, whose code is run or compared.

    Except the region, which is that of Seoul.
    """
    shown = [
        (each.language, each.code.replace("ap-northeast-2", "eu-central-1"))
        for each in snippets(doc)
        if not each.language.startswith("{")
    ]
    assert [code for language, code in shown if (language, code) not in ENGLISH_CODE] == []


@each_of(KOREAN)
def test_a_page_and_its_translation_lead_to_each_other(doc: Path) -> None:
    """Below the title of a Korean page is a link to the English page, which has one back."""
    english = linked(doc, "English")
    assert linked(english, "한국어") == doc


def linked(doc: Path, text: str) -> Path:
    """Return the page to which the line below a title leads."""
    found = re.match(rf"# .*\n\n\[{text}\]\((.*)\)\n\n", read(doc))
    assert found, f"{doc} has no link to its {text} page below the title"
    return (doc.parent / found[1]).resolve()


@pytest.mark.parametrize("name", ["first-private-image.md", "on-aws.md", "on-the-emulator.md"])
def test_korean_tutorial_has_the_code_of_the_english_one(name: str) -> None:
    """Each block is there, in the same order and with the same role: that page is followed."""
    assert snippets(DOCS / "ko" / name) == snippets(DOCS / "tutorial" / name)


def test_buttons_on_korean_pages_are_those_of_the_admin() -> None:
    """A reader finds the button that a page names in the Korean admin, word for word."""
    pages = [DOCS / "ko" / name for name in ("rotate-keys.md", "key-leaked.md")]
    bold = {each for doc in pages for each in re.findall(r"\*\*([^*]*)\*\*", prose(doc))}
    named = {each for each in bold if each[-1] not in ".?"}  # else it is a question of the page
    assert named >= {"키 교체 시작", "폐기…"}
    assert named - {text for _, text in entries(read(CATALOG / "django.po"))} == set()


def test_glossaries_explain_the_same_terms() -> None:
    """Each English word of the Korean glossary is a term of the English one."""
    words = {row[0] for row in table(DOCS / "reference" / "glossary.md", "Term")}
    assert [each for _, each, *_ in table(GLOSSARY, "용어") if each not in words] == []


@each_of([*KOREAN, CATALOG / "django.po", *sorted(DEMO_CATALOG.glob("*.po"))])
def test_korean_has_the_words_of_the_glossary(doc: Path) -> None:
    """Pages and catalogs call a thing by one name: none has a word that the glossary replaces."""
    rows = table(GLOSSARY, "용어")
    text = read(doc) if doc != GLOSSARY else "".join(f"{a} {c}" for a, _, c, _ in rows)
    avoided = [word.strip() for *_, words in rows for word in words.split(",")]
    assert len(avoided) > 30
    assert [word for word in avoided if word in text] == []
