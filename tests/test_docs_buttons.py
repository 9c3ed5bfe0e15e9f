"""Compare the buttons that the pages about rotation name with those of the admin."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cfsigned_django.admin.actions import label_of
from cfsigned_django.rotation.steps import Action
from tests.pages import ROOT, read

PAGES = [ROOT / "docs" / f"{name}.md" for name in ("rotate-keys", "key-leaked", "security")]
TEMPLATES = ROOT / "cfsigned_django" / "templates"
_BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
#: Where a thought begins: after an empty line, and at a point of a list or a row of a table.
_BEGIN = re.compile(r"\n\s*\n|\n *(?:[-*|]|\d+\.) ")
#: What is printed in bold there is a heading, and may tell to press something.
_HEADING = re.compile(r"^[\s|]*(?:(?:[-*]|\d+\.) )?\*\*(?P<text>[^*]*)\*\*")


def labels() -> set[str]:
    """Return what stands on the buttons and the links of the admin page."""
    found = {label_of(each, by_hand=by_hand) for each in Action for by_hand in (True, False)}
    for template in TEMPLATES.rglob("*.html"):
        for inner in re.findall(r"<(?:button|a) .*?</(?:button|a)>", read(template), re.DOTALL):
            found.update(re.findall(r"""\{% translate ["']([^"']*)["'] %\}""", inner))
    return found


def named(text: str) -> Iterator[str]:
    """Yield the buttons that a page names: in bold, amid a sentence, or after "Press"."""
    for thought in _BEGIN.split(_BLOCK.sub("", text)):
        heading = _HEADING.match(thought)
        if heading is not None:
            pressed = re.search(r"[Pp]ress ([^.]*)", heading["text"])
            yield from [pressed[1]] if pressed else []
            thought = thought[heading.end() :]
        for words in re.findall(r"\*\*([^*]*)\*\*", thought):
            if words[:1].isupper():  # else it is stressed, and no name
                yield " ".join(words.split())


@pytest.mark.parametrize("page", PAGES, ids=[each.stem for each in PAGES])
def test_buttons_are_those_of_the_admin(page: Path) -> None:
    """Whoever looks for the button that a page names finds it, word for word."""
    assert set(named(read(page))) - labels() == set()


def test_buttons_are_found() -> None:
    """The look into the pages and the templates finds buttons at all."""
    found = {button for page in PAGES for button in named(read(page))}

    assert found >= {"Start rotation", "Retire", "Copy", "Revoke…", "Correct the public key ID"}
    assert set(named("2. Press **Strat** twice.\n- **Not before** it, **never**.")) == {"Strat"}
    assert set(named("**4. Press Activate**, then wait.")) == {"Activate"}
