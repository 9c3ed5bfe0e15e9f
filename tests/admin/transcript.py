"""Write down what a person reads on the pages of the admin, for a golden transcript."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import escape, unescape

from cfsigned_django.rotation.models import KeyPair
from tests.admin import Visitor, address
from tests.golden import assert_golden

_BUTTON = re.compile(r'<(a|button)\b([^>]*?)class="button([^>]*)>(.*?)</\1>')
#: What is hidden, and the words that stand in a button for those who cannot see the page.
_UNSEEN = re.compile(r'<p class="cfsigned-stale".*?</p>|<span class="cfsigned-unseen">.*?</span>')
_FOOTER = re.compile(r"<footer.*?</footer>")
_BLOCK = re.compile(
    r"<(?:p|li|h\d|d[dlt]|ol|ul|div|form|section|footer|fieldset|label|pre)\b[^>]*>"
)
#: What differs from run to run, by what stands for it.
_GAPS = {
    "&lt;public key&gt;": r"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----",
    "&lt;name&gt;": r"cfsigned-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "&lt;key group&gt;": r"00000000-0000-4000-8000-[0-9]{12}",
    "&lt;fingerprint&gt;": r"\b(?=[0-9a-f]*[0-9])[0-9a-f]{12,64}\b",
}


def own_part(html: str) -> str:
    """Return the part of a page that is this package's, with gaps."""
    own = html.partition('<div class="cfsigned')[2].partition(">")[2]
    own = " ".join(re.split(r"</main>|<div class=.submit-row", own)[0].split())
    return _UNSEEN.sub("", with_gaps(own))


def with_gaps(html: str) -> str:
    """Return HTML with gaps for what differs from run to run."""
    for gap, pattern in _GAPS.items():
        html = re.sub(pattern, gap, html)
    return html


def _button(found: re.Match[str]) -> str:
    loud, disabled = "default" in found[3], "disabled" in found[3]
    return f"<p>[{'*' if loud else ''}{found[4]}{', disabled' if disabled else ''}]<p>"


def lines(html: str) -> list[str]:
    """Return HTML as lines of text, with [buttons], [*loud ones], and a timeline in one line."""
    html = re.sub(r'<li class="cfsigned-tense[^>]*>', " / ", html)
    html = _BUTTON.sub(_button, html)
    html = re.sub(r"</?(?:code|kbd)>", "", html)
    text = re.sub(r"<[^>]*>", " ", _BLOCK.sub("\n", html))
    return [
        line for line in (" ".join(unescape(each).split()) for each in text.split("\n")) if line
    ]


@dataclass(slots=True)
class Transcript:
    """What a person has read, page by page; a footer is written down if it is a new one."""

    visitor: Visitor
    parts: list[str] = field(default_factory=list)
    footers: set[str] = field(default_factory=set)
    titles: dict[str, str] = field(default_factory=dict)

    def add(self, title: str) -> None:
        """Write down the last page, and the messages on top of it; a page twice by its title."""
        own = own_part(self.visitor.answers[-1].text)
        footer = _FOOTER.search(own)
        if footer and footer[0] in self.footers:
            own = own.replace(footer[0], "")
        elif footer:
            self.footers.add(footer[0])
        page = "\n".join([*self.said(), *lines(own)])
        first = self.titles.setdefault(page, title)
        self.parts.append(f"== {title}\n" + (page if first == title else f"As: {first}"))

    def take(self, step: str, key_pair: KeyPair | None = None, **answers: str) -> None:
        """Take a step, and write down its page and what it came to."""
        self.visitor.get(address(step, key_pair))
        self.add(f"the page of {step}")
        self.visitor.post(address(step, key_pair), **answers)
        self.parts.append("\n".join([f"== after {step}", *self.said()]))

    def said(self) -> list[str]:
        """Return the messages of the last page."""
        found = [f"{level}: {text}" for level, text in self.visitor.messages]
        return [line for text in found for line in lines(with_gaps(escape(text)))]

    def check(self, name: str) -> None:
        """Fail if this is not what the transcript of that name has."""
        text = "\n\n".join(self.parts)
        for number, key in enumerate(sorted(set(re.findall(r"K0\d{12}", text))), start=1):
            text = text.replace(key, f"KEY-{number}")
        assert_golden(name, text)
