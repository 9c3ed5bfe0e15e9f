"""Test the command cfsigned_invalidate."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.files.storage import storages

from cfsigned_django.invalidation import invalidation_batch
from tests.invalidations import DISTRIBUTION, Aws, aws_in_memory
from tests.management import Ran, run_as_program

IN_MEMORY = {"BACKEND": "cfsigned_django.testing.InMemorySignedStorage"}


@pytest.fixture
def aws(site: Any) -> Iterator[Aws]:
    """Give a site an AWS in memory."""
    site.AWS_ACCESS_KEY_ID, site.AWS_SECRET_ACCESS_KEY = "AKIAEXAMPLE", "not to be shown"
    site.AWS_CLOUDFRONT_DISTRIBUTION_ID = DISTRIBUTION
    site.STORAGES = {
        "default": {"BACKEND": "cfsigned_django.storage.CloudFrontS3Storage"},
        "media": {
            "BACKEND": "cfsigned_django.storage.CloudFrontS3Storage",
            "OPTIONS": {"location": "media", "distribution_id": "E2"},
        },
        "memory": IN_MEMORY,
    }
    with aws_in_memory() as aws:
        aws.cloudfront.distributions.add("E2")
        yield aws


def run(*arguments: str) -> Ran:
    """Run the command."""
    return run_as_program("cfsigned_invalidate", "--skip-checks", *arguments)


def give(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    """Put these lines on stdin."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))


@pytest.mark.parametrize(
    ("arguments", "items"),
    [
        (["a b.jpg", "한.jpg"], ["/a%20b.jpg", "/%ED%95%9C.jpg"]),
        (["https://media.example.com/a%20b.jpg?Signature=x"], ["/a%20b.jpg"]),
        (["--folder", "albums/42"], ["/albums/42/*"]),
        (["--storage", "default", "--", "-x.jpg", "--json"], ["/-x.jpg", "/--json"]),
    ],
)
def test_what_is_sent(arguments: list[str], items: list[str], aws: Aws) -> None:
    """Send names and folders, which are data, and print their paths."""
    described = run("--json", *arguments).report

    assert aws.cloudfront.items == items
    assert described == {
        "distribution_id": DISTRIBUTION,
        "sent": items,
        "left": [],
    }
    assert run(
        *arguments
    ).out == f"Sent {len(items)} of {len(items)} item(s) to {DISTRIBUTION}.\n" + (
        "".join(f"{each}\n" for each in items)
    )


def test_storage_and_distribution(aws: Aws) -> None:
    """Use location and distribution of the storage, and another distribution if one is named."""
    assert run("a.jpg", "--storage", "media").code == 0
    assert run("a.jpg", "--storage", "media", "--distribution", DISTRIBUTION).code == 0

    sent = [(each.distribution, each.items) for each in aws.cloudfront.accepted]
    assert sent == [("E2", ["/media/a.jpg"]), (DISTRIBUTION, ["/media/a.jpg"])]


def test_stdin(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read names, encoded paths and tags, each once."""
    path = "/media/%ED%95%9C%20%EA%B8%80.jpg?*"
    give(monkeypatch, "a b.jpg", "", " ", path, " x.jpg\r", "/f/* ", "#t", "a b.jpg")
    assert run("--stdin").code == 0

    assert sorted(aws.cloudfront.items) == sorted(["/a%20b.jpg", path, "/%20x.jpg", "/f/*", "#t"])


@pytest.mark.parametrize("line", ["/a b.jpg", "/한.jpg", "/a\x1b.jpg", "#a b"])
def test_stdin_that_is_not_encoded(aws: Aws, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    """Send nothing if CloudFront would refuse it all for one line, and name that."""
    give(monkeypatch, "/b.jpg", line)
    done = run("--stdin")

    assert (done.code, repr(line) in done.err, aws.cloudfront.items) == (1, True, [])


def test_the_list_of_the_log(
    aws: Aws, settings: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Send later what CloudFront did not take: the same items as if it had taken them."""
    names = ["한 글&~.jpg", "*.jpg", "a%b\x1b.jpg", "\u202e.jpg", "e\u0301.jpg", "\u3000"]
    storage: Any = storages["default"]
    storage.invalidate_on, settings.AWS_CLOUDFRONT_INVALIDATE_VARIANTS = {"delete"}, True

    def delete_all() -> list[str]:
        with invalidation_batch():
            for name in names:
                storage.delete(name)
        return sorted(aws.cloudfront.items)

    aws.cloudfront.refusals = ["Throttling"] * 2  # boto3 repeats the call once
    assert delete_all() == []
    command, *lines = caplog.records[-1].getMessage().split("\n")
    assert command.endswith(f"--distribution {DISTRIBUTION} --stdin with these lines:")
    give(monkeypatch, *lines)
    assert run("--distribution", DISTRIBUTION, "--stdin").code == 0
    sent_later = sorted(aws.cloudfront.items)
    aws.cloudfront.accepted.clear()
    assert delete_all() == sent_later


def test_not_yet(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit with 75 if too many are in progress or AWS throttles, and give what is left."""
    give(monkeypatch, *(f"/{number}.jpg" for number in range(3001)))
    done = run("--stdin", "--json")
    described = done.report

    assert done.code == 75
    assert sorted(described["sent"]) == sorted(f"/{number}.jpg" for number in range(3000))
    assert described["left"] == ["/3000.jpg"]
    assert done.err.endswith("--stdin with these lines:\n/3000.jpg\n")
    aws.cloudfront.refusals = ["Throttling"] * 2
    assert run("a.jpg").code == 75


def test_failure(aws: Aws) -> None:
    """Fail with the cause, the command and what is left, and without a control character."""
    aws.cloudfront.refusals = ["AccessDenied"]
    done = run("a\x1b.jpg", "한.jpg")

    assert done.code == 1
    assert "cloudfront:CreateInvalidation" in done.err
    assert done.err.endswith("\n/a%1B.jpg\n/%ED%95%9C.jpg\n")
    assert "not to be shown" not in done.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        *(([*each], "") for each in ((), ("a.jpg", "--folder", "b"), ("a.jpg", "--stdin"))),
        *(([each], "") for each in ("", ".", "/", "a/..", "a\udce9.jpg")),
        *((["--folder", each], "") for each in ("", "/", ".", "a\udce9")),
        *(([each, "--storage", "media"], "") for each in ("", "/")),
        (["a.jpg", "--storage", "none"], "none"),
        (["pictures/*"], "--folder pictures."),
        (["a.jpg", "my pictures/2026/d*.webp"], "--folder 'my pictures/2026'."),
        (["pictures/"], "--folder pictures."),
        (["/*"], "--folder NAME."),
        (["https://media.example.com/pictures/*"], "--folder pictures."),
        (["https://other.example.com/a.jpg?Signature=secret"], "the name of the file"),
        (["//other.example.com/a.jpg"], "the name of the file"),
        (["--folder", "pictures/"], "a slash at its end"),
    ],
)
def test_refusals(
    arguments: list[str], words: str, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refuse what cannot be sent, with what to pass instead, and send nothing of it."""
    give(monkeypatch, "a.jpg")
    done = run(*arguments)

    assert (done.code, aws.requests) == (1, [])
    assert words in done.err
    assert "secret" not in done.err


def test_no_distribution(aws: Aws, settings: Any) -> None:
    """Say which setting is missing; do nothing for files of this machine."""
    settings.AWS_CLOUDFRONT_DISTRIBUTION_ID = None
    assert "AWS_CLOUDFRONT_DISTRIBUTION_ID" in run("a.jpg").err
    assert run("a.jpg", "--storage", "memory").code == 0
    answer = run("a.jpg", "--storage", "memory", "--json").report
    assert answer == {"distribution_id": None, "sent": [], "left": []}
    assert aws.requests == []
