"""Compare the messages in the tables of docs/rotate-keys.md with those in the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from cfsigned_django.aws.errors import EXPLANATIONS
from tests.pages import ROOT, ROTATE_KEYS, read

PACKAGE = ROOT / "cfsigned_django"
#: The subjects whose errors a person who rotates keys may meet, packages with all that is in them.
SUBJECTS = {
    "rotation": {"RotationError", "AwsError", "ImproperlyConfigured"},
    "management": {"RotationError"},
    "aws": {"AwsError"},
    "conf.py": {"ImproperlyConfigured"},
    "encryption.py": {"ImproperlyConfigured"},
    "keyring.py": {"ImproperlyConfigured"},
}
#: What is in them, and has nothing to do with a rotation: the setup.
OTHERS = PACKAGE / "aws" / "provisioning"
#: What AWS and boto3 answer to a call about keys: one code for each answer that is explained.
CODES = (
    *("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"),
    *("RequestExpired", "NoCredentialsError", "PartialCredentialsError", "MetadataRetrievalError"),
    *("SSOError", "ProfileNotFound", "NoRegionError", "Throttling", "InternalError"),
    *("ConnectTimeoutError", "EndpointConnectionError", "ProxyConnectionError", "SSLError"),
    *("ConnectionError", "ResponseParserError", "NoSuchResource", "NoSuchPublicKey"),
    *("TooManyPublicKeys", "PublicKeyInUse", "PreconditionFailed"),
)
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
    if isinstance(node, ast.Call) and getattr(node.func, "id", None) in ("_", "gettext_noop"):
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


@cache
def all_texts() -> list[str]:
    """Return what the package may say."""
    paths = sorted([*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.html")])
    return [text for path in paths for text in texts_in(path)]


def is_about(message: str, text: str) -> bool:
    """Tell whether a message of the page, gaps and all, stands in a text of the code."""
    pieces = (re.escape(plain(piece)) for piece in message.split(GAP))
    return re.search(".*".join(pieces), text, re.DOTALL) is not None


@pytest.mark.parametrize("message", MESSAGES)
def test_message_stands_in_the_code(message: str) -> None:
    """Whoever looks up what they have read finds it, word for word."""
    assert len(message.replace(GAP, "").split()) > 1
    assert any(is_about(message, text) for text in all_texts())


def raised(subject: str) -> Iterator[str]:
    """Yield the texts of which a subject makes its errors."""
    place = PACKAGE / subject
    for path in [place] if place.is_file() else sorted(place.rglob("*.py")):
        if not path.is_relative_to(OTHERS):
            yield from _raised_in(ast.parse(read(path)), SUBJECTS[subject])


def _raised_in(module: ast.Module, kinds: set[str]) -> Iterator[str]:
    functions = [each for each in ast.walk(module) if isinstance(each, ast.FunctionDef)]
    # Some errors are made by a function that fills in what they share.
    makers = {each.name for each in functions if getattr(each.returns, "id", None) in kinds}
    seen = set[ast.AST]()
    for part in (*functions, module):
        named = dict(_named_texts(part))
        for node in set(ast.walk(part)) - seen:
            seen.add(node)
            name = getattr(node.func, "id", None) if isinstance(node, ast.Call) else None
            if isinstance(node, ast.Call) and name in kinds | makers:
                reasons = [each.value for each in node.keywords if each.arg == "reason"]
                first = node.args[:1] if name in kinds else []
                for given in reasons or first:
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


@pytest.mark.parametrize("subject", SUBJECTS)
def test_error_has_a_row(subject: str) -> None:
    """Each error that a rotation may end with is in the tables."""
    found = list(raised(subject))

    assert [text for text in found if not any(is_about(each, text) for each in MESSAGES)] == []


@pytest.mark.parametrize("code", CODES)
def test_answer_of_aws_has_a_row(code: str) -> None:
    """Each answer of AWS to a call about keys is in the tables, in the words that people see."""
    reason = plain(EXPLANATIONS[code].reason)

    assert [each for each in MESSAGES if is_about(each, reason)]


def test_errors_are_found() -> None:
    """The look into the code finds errors at all, with a text of each kind."""
    found = [text for subject in SUBJECTS for text in raised(subject)]

    assert len(found) > 20
    assert any(GAP in text for text in found)
