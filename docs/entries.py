"""Print from the code what pages of the reference list: settings, checks and findings.

A page has the headings and what only people can say; what stands in the code is added as it is
read. GitHub shows the page without it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from cfsigned_django.core.conf import OPTIONS, SITE
from cfsigned_django.core.validation import TABLE
from cfsigned_django.tools.catalog import CATALOG, FindingType, Level
from cfsigned_django.tools.doctor.report import in_general, sentence

# Settings

#: A setting or option -> the option, and the row.
SETTINGS = {row.name or option: (option, row) for option, row in OPTIONS.items()} | {
    row.name: ("", row) for row in SITE.values()
}
#: An entry of the page: the name, the type and the meaning.
_ENTRY = re.compile(r"^### (\w+)\n\nType: (.+?)\n\n(.+?)(?=\n\n#|\s*\Z)", re.MULTILINE | re.DOTALL)


def print_settings(page: str) -> str:
    """Make each setting an entry to which ``settings.md#its_name`` leads, as on GitHub."""
    return _ENTRY.sub(lambda it: "\n".join(_entry(*it.groups())), page)


def _entry(name: str, kind: str, meaning: str) -> list[str]:
    option, row = SETTINGS.get(name, ("", None))
    facts = {"type": " ".join(kind.split())}
    if row is not None:
        facts["default"] = f"`{row.default!r}`".replace("'", '"')
    if option != name and option:
        facts["option"] = option
    return [
        f"({name.lower()})=",
        "",
        f":::::{{confval}} {name}",
        *(f":{fact}: '{value}'" for fact, value in facts.items()),
        "",
        meaning,
        ":::::",
    ]


# System checks

_CHECK = re.compile(r"^### (cfsigned\.\w+)\n\n.+?(?=\n\n#|\s*\Z)", re.MULTILINE | re.DOTALL)


def print_remedies(page: str) -> str:
    """Let each system check end with the hint that it gives."""
    return _CHECK.sub(lambda it: f"{it[0]}\n\n**To do:** {TABLE[it[1]]}", page)


# Findings

#: The place of the findings from one on, up to the next such place.
_FINDINGS = re.compile(r"^```\{findings\} (\S+)\n```$", re.MULTILINE)
#: What is code in the texts of the catalog, or would be markup on a page.
_CODE = re.compile(
    r"\{%.*?%\}|(?:manage\.py )?cfsigned_\w+(?:\.\w+)*(?: --[a-z-]+(?: (?:ARN|NAME)\b)?)*"
    r"|--[a-z][a-z-]*|\b[A-Z]+_[A-Z0-9_]+\b|\w+\(\)"
    r"|\b(?:download|inline|parameters|ip_address|crossorigin)=(?:\"\w+\")?"
    r"|<img>|&amp;|\\u0026|\\/"
)


def print_findings(page: str) -> str:
    """Print all findings: a heading with meaning and remedy, or a row if nothing is to do."""
    ids = [*CATALOG]
    firsts = [ids.index(each) for each in _FINDINGS.findall(page)]
    sections = iter([ids[a:b] for a, b in zip(firsts, [*firsts[1:], None], strict=True)])
    return _FINDINGS.sub(lambda _: _section(next(sections)), page)


def _section(ids: list[str]) -> str:
    """Return what the page says of some findings: first those with something to do."""
    kinds = {each: CATALOG[each] for each in ids}
    parts = []
    for each, kind in kinds.items():
        if kind.fix:
            option = kind.option or "--revert-drift"
            repair = f" In a stack: cfsigned_setup --stack NAME {option}."
            level = "Note" if kind.level is Level.OK else kind.level.value.capitalize()
            stack = repair if kind.resource else ""
            parts += [f"### {each}", f"**{level}.** {_meaning(kind)}"]
            parts += [f"**To do:** {_marked(kind.fix)}{_marked(stack)}"]
    if good := [f"| `{each}` | {_meaning(kind)} |" for each, kind in kinds.items() if not kind.fix]:
        parts.append("\n".join(["| In order | |", "|---|---|", *good]))
    return "\n\n".join(parts)


def _meaning(kind: FindingType) -> str:
    """Return what a finding says, and why that matters, with names in place of values."""
    return _marked(" ".join(filter(None, (sentence(in_general(kind)), kind.why))))


def _marked(text: str) -> str:
    """Return a text with code in backticks."""
    return _CODE.sub(r"`\g<0>`", text)


#: Page -> what prints into it.
PRINTED: dict[str, Callable[[str], str]] = {
    "reference/settings": print_settings,
    "reference/checks": print_remedies,
    "problems/findings": print_findings,
}
