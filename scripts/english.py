"""Find habits of the English in docstrings, comments, messages and documentation, and long lines.

A person decides: a habit that is right somewhere gets an entry in ALLOWED, with
the reason. Run by `make lint`; prints one line for each place.
"""

from __future__ import annotations

import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent

#: What is looked for (at least one space or line break for each space), and what to write.
HABITS: dict[str, str] = {
    r"\bshall\b": "must",
    r"\b(?:is|are|was|were|be) wanted\b": "must; is required",
    r"\b(?!there\b)[\w']+ (?:is|are|was|were) no (?!longer\b|more\b)\w+": "is not a valid X",
    r"\b(?:Tell|Say) whether\b": "Return whether",
    r"\b(?:None|nothing|empty|False|True) where\b": "if",
    r"\b(?:behaviour|colour|licence|catalogue|favour|spelt|whilst|amongst)\w*": "American spelling",
    r"\b\w*(?:recogni|normali|organi|initiali|seriali|customi|optimi)s(?:e|ing|ation)\w*": (
        "American spelling"
    ),
    r"\bset-up\b(?!-)": "setup",
    r"(?<!-)\b(?:un|re)?seal(?:s|ed|ing)?\b": "encrypt, decrypt",
    r"\bmend(?:s|ed|ing)?\b": "fix",
    r"\bwho(?:m)?ever\b": "anyone who; name the person or process",
    r"\b(?:refuses|admits|to|for|from|by) who\b": "a noun: a viewer who, a process that",
    r"\bso that it is\b": "a subject, or nothing",
    r"\bof (?:its|their|his|one's) own\b": "own, separate",
    r"\bthe (?:former|latter)\b": "name it; previous",
    r"\bbut for\b": "except, without",
    r"\bso many (?:seconds|minutes|hours|days|bytes)\b": "this many, or name the value",
    r"\ball the same\b": "still, anyway",
    r"\basks? nobody\b": "sends no request",
    r"\b(?:goes|go|going|went) round\b": "bypass",
    r"\bways? in(?:to)?\b(?! (?:which|that))": "entry point, access",
    r"\b[Ll]et CloudFront trust\b": "add to CloudFront",
    r"\bid of (?:a|the) public key\b": "public key ID",
}

#: The longest line of a page; ruff knows that of the code.
WIDTH = 100

#: Where a habit is right: the file, the words, and why.
ALLOWED: dict[tuple[str, str], str] = {}

#: Folders whose texts nobody here writes.
_NOT_OURS = {"migrations", "node_modules"}

# From Python 3.12 on, what stands between the fields of an f-string is a token of its own.
_PROSE = {tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", None)}
_IDENTIFIER = re.compile(r"[rbf]?(['\"])[\w.-]*\1")
_MARKS = re.compile(r"[#'\"]|\b[bfr]+(?=['\"])|\\n")


def prose_of_python(source: str) -> str:
    """Return a source with all but comments and strings blanked out, by line and column."""
    lines = source.splitlines(keepends=True)
    # Quotes and white space part words of one text; any other code parts texts.
    prose = [re.sub(r"['\"]", " ", re.sub(r"[^\s'\"]", "\0", line)) for line in lines]
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _PROSE or _IDENTIFIER.fullmatch(token.string):
            continue
        (row, column), (last, end) = token.start, token.end
        for number in range(row - 1, last):
            begin = column if number == row - 1 else 0
            stop = end if number == last - 1 else len(lines[number])
            text = _MARKS.sub(lambda mark: " " * len(mark[0]), lines[number][begin:stop])
            prose[number] = prose[number][:begin] + text + prose[number][stop:]
    return without_code("".join(prose))


def without_code(text: str) -> str:
    """Return a text in which code within prose, and blocks of code, are blanked out."""
    code = r"^```.*?^```|``.+?``|`[^`\n]+`|<[^>\n]+>|\]\([^)\s]*\)|\{[^{}%\n]*\}"
    return re.sub(
        code, lambda m: re.sub(r"[^\n]", "\0", m[0]), text, flags=re.MULTILINE | re.DOTALL
    )


def find_habits(prose: str) -> Iterator[tuple[int, str, str]]:
    """Yield the line, the words and what to write instead."""
    for habit, instead in HABITS.items():
        for match in re.finditer(habit.replace(" ", r"\s+"), prose, re.IGNORECASE):
            yield prose.count("\n", 0, match.start()) + 1, " ".join(match[0].split()), instead


def find_long_lines(page: str) -> Iterator[tuple[int, str, str]]:
    """Yield the line, its beginning and what to do.

    Code, tables, headings, HTML and addresses may be longer.
    """
    text = re.sub(r"^ *```.*?^ *```$", lambda m: "\n" * m[0].count("\n"), page, flags=re.M | re.S)
    for number, line in enumerate(text.splitlines(), 1):
        if len(re.sub(r"\]\([^)]*\)", "]", line)) > WIDTH and line.lstrip()[:1] not in "|<#":
            yield number, f"{line[:30]}...", f"at most {WIDTH} characters in a line"


def files() -> Iterator[Path]:
    """Yield what people read: sources, templates and pages."""
    for folder in ("acceptance", "cfsigned_django", "demo_project", "tests"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in {".py", ".html", ".txt"} and _NOT_OURS.isdisjoint(path.parts):
                yield path
    built = ROOT / "docs" / "_build"
    yield from sorted(page for page in (ROOT / "docs").rglob("*.md") if built not in page.parents)
    yield from sorted(ROOT.glob("*.md"))


def main() -> int:
    """Print the habits that are not allowed, and what is allowed and not there; 1 if any."""
    found = 0
    unused = {*ALLOWED}
    for path in files():
        name, source = str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")
        prose = prose_of_python(source) if path.suffix == ".py" else without_code(source)
        found_here = [*find_habits(prose)]
        if path.suffix == ".md":
            found_here += find_long_lines(source)
        for line, words, instead in sorted(found_here):
            unused.discard((name, words))
            if (name, words) not in ALLOWED:
                found += 1
                print(f"{name}:{line}: {words!r} -> {instead}")
    for name, words in sorted(unused):
        print(f"{name}: {words!r} is allowed in scripts/english.py, and not there any more")
    return int(bool(found or unused))


if __name__ == "__main__":
    sys.exit(main())
