"""Try every link of a running demo, as somebody with no browser would."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from demo_project.console import Console
from demo_project.gallery.anatomy import expiry, unsigned
from demo_project.gallery.edge_client import ask
from demo_project.state import DemoState

# A link is refused from the second in which it expires.
_LIFETIME = 1
# Long enough for every request; the demo's links never live longer than it lets them.
_PATIENT = 15
_DAY = 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one kind of request was answered, for all files together."""

    what: str
    wanted: str
    answers: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """Whether each file was answered as it should be."""
        return set(self.answers) == {self.wanted}


def check_links(state: DemoState, console: Console) -> int:
    """Print what each kind of link gets; return 0 when all is right, else 1."""
    findings = find(state)
    for finding in findings:
        got = ", ".join(sorted(set(finding.answers))) or "no file to ask for"
        mark = "ok" if finding.is_good else "NOT"
        console.line(f"  {mark} {finding.what}: {got}, {len(finding.answers)} times")
    return 0 if all(finding.is_good for finding in findings) else 1


def find(state: DemoState) -> list[Finding]:
    """Ask for every file with, without, and with a wrong right to it."""
    dying = _urls(state, _LIFETIME)
    urls = _urls(state, _PATIENT)
    findings = [
        _finding("signed", "200", urls),
        _finding("unsigned", "403 MissingKey", [unsigned(url) for url in urls]),
        _finding("a day added to Expires", "403 AccessDenied", [_prolonged(url) for url in urls]),
        _finding(
            "straight from S3",
            "403 AccessDenied",
            [f"{_bucket(state)}{_path(url)}" for url in urls],
        ),
    ]
    time.sleep(max(0.0, max(map(expiry, dying), default=0) + 0.1 - time.time()))
    return [*findings, _finding("expired", "403 AccessDenied", dying)]


def _finding(what: str, wanted: str, urls: list[str]) -> Finding:
    replies = [ask(url) for url in urls]
    answers = tuple(f"{reply.status} {reply.code}".strip() for reply in replies)
    return Finding(what=what, wanted=wanted, answers=answers)


def _urls(state: DemoState, expire: int) -> list[str]:
    listed = ask(f"{state.address('site')}/api/files/?expire={expire}", whole=True)
    return [file["url"] for file in json.loads(listed.text)["files"]]


def _prolonged(url: str) -> str:
    moment = expiry(url)
    return url.replace(f"Expires={moment}", f"Expires={moment + _DAY}")


def _bucket(state: DemoState) -> str:
    return f"{state.address('s3')}/{state.bucket}"


def _path(url: str) -> str:
    return urlsplit(url).path
