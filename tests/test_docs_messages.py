"""Compare the messages in the tables of docs/rotate-keys.md with those in the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pages import ROOT, ROTATE_KEYS, read

PACKAGE = ROOT / "cfsigned_django"
#: What a person who rotates keys may meet, and which modules say it.
RAISED = {
    "rotation.py": {"RotationError"},
    "succession.py": {"RotationError"},
    "revocation.py": {"RotationError", "AwsError"},
    "guards.py": {"RotationError"},
    "record.py": {"RotationError"},
    "key_group_api.py": {"AwsError"},
    "settings_key.py": {"ImproperlyConfigured"},
    "rotation_request.py": {"RotationError"},
    "conf.py": {"ImproperlyConfigured"},
    "site_rotation.py": {"ImproperlyConfigured"},
    "encryption.py": {"ImproperlyConfigured"},
    "keyring.py": {"ImproperlyConfigured"},
    "aws/client.py": {"AwsError"},
    "aws/public_keys.py": {"_conflict"},
    "aws/key_groups.py": {"AwsError"},
    "aws/explanations.py": {"Explanation"},
}
#: Stands for what is filled in, in the code's texts and in those of the page.
GAP = "…"
_PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%s|\{\{[^}]*\}\}|\{[^{}]*\}")


def plain(text: str) -> str:
    """Return a text with single spaces, and a gap for each thing that is filled in."""
    return " ".join(_PLACEHOLDER.sub(GAP, text).split())


def text_of(node: ast.AST) -> str | None:
    """Return a text that stands in the code, whether or not it is filled in or translated."""
    if isinstance(node, ast.BinOp):
        return text_of(node.left)
    if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "_":
        return text_of(node.args[0])
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return plain(node.value)
    if isinstance(node, ast.JoinedStr):
        parts = (each.value if isinstance(each, ast.Constant) else GAP for each in node.values)
        return plain("".join(str(part) for part in parts))
    return None


def texts_in(path: Path) -> Iterator[str]:
    """Yield what a file of the package may say."""
    if path.suffix == ".html":
        said = re.sub(r"""\{% translate (["'])(.*?)\1 %\}""", r"\2", read(path))
        yield plain(re.sub(r"\{%.*?%\}", GAP, said))
    else:
        yield from filter(None, map(text_of, ast.walk(ast.parse(read(path)))))


def rows() -> list[list[str]]:
    """Return the rows of the tables about messages."""
    found = re.findall(
        r"^\| Message \|[^\n]*\n\|[-|]*\n((?:\|.*\n)+)", read(ROTATE_KEYS), re.MULTILINE
    )
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for lines in found
        for line in lines.splitlines()
    ]


MESSAGES = [message for message, _, _ in rows()]
FILES = sorted([*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.html")])


def is_about(message: str, text: str) -> bool:
    """Tell whether a message of the page, gaps and all, stands in a text of the code."""
    pieces = (re.escape(plain(piece)) for piece in message.split(GAP))
    return re.search(".*".join(pieces), text, re.DOTALL) is not None


@pytest.mark.parametrize("message", MESSAGES)
def test_message_stands_in_the_code(message: str) -> None:
    """Whoever looks up what they have read finds it, word for word."""
    assert len(message.replace(GAP, "").split()) > 1
    assert any(is_about(message, text) for path in FILES for text in texts_in(path))


def raised(path: Path, kinds: set[str]) -> Iterator[str]:
    """Yield the texts of which a module makes its errors."""
    module, seen = ast.parse(read(path)), set[ast.AST]()
    functions = [each for each in ast.walk(module) if isinstance(each, ast.FunctionDef)]
    for part in (*functions, module):
        named = dict(_named_texts(part))
        for node in set(ast.walk(part)) - seen:
            seen.add(node)
            if isinstance(node, ast.Call) and getattr(node.func, "id", None) in kinds:
                reasons = (each.value for each in node.keywords if each.arg == "reason")
                for given in (*node.args[:1], *reasons):
                    filled_in = given.left if isinstance(given, ast.BinOp) else given
                    text = text_of(given) or named.get(getattr(filled_in, "id", ""))
                    yield from [text] if text else []


def _named_texts(part: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield the names of the texts that a function makes before it says them."""
    for node in ast.walk(part):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            text = text_of(node.value)
            if text:
                yield node.targets[0].id, text


@pytest.mark.parametrize(("name", "kinds"), RAISED.items(), ids=list(RAISED))
def test_error_has_a_row(name: str, kinds: set[str]) -> None:
    """Each error that a rotation may end with is in the tables."""
    found = list(raised(PACKAGE / name, kinds))

    assert [text for text in found if not any(is_about(each, text) for each in MESSAGES)] == []


def test_errors_are_found() -> None:
    """The look into the code finds errors at all, with a text of each kind."""
    found = [text for name, kinds in RAISED.items() for text in raised(PACKAGE / name, kinds)]

    assert len(found) > 40
    assert any(GAP in text for text in found)
