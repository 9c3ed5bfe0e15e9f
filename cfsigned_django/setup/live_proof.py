"""Prove by three requests that files are private: what a set-up is for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from cfsigned_django.viewer import Answer, Fetch, NoAnswer, Responder


class Verdict(StrEnum):
    """Name what a request has shown."""

    GOOD = "good"
    #: Nothing is wrong, and nothing is proved.
    OPEN = "open"
    BAD = "bad"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One request: what was asked, what came, and what that means."""

    what: str
    verdict: Verdict
    got: str
    why: str


def prove(
    fetch: Fetch, *, unsigned_url: str, signed_url: str, direct_url: str, exists: bool
) -> Iterator[Evidence]:
    """Request a file in the three ways; ``exists`` says that there is one under the URLs."""
    yield _ask(fetch, "unsigned request", unsigned_url, _judge_unsigned)
    judge = _judge_signed if exists else _judge_signed_without_file
    yield _ask(fetch, "signed request", signed_url, judge)
    yield _ask(fetch, "request to S3 itself", direct_url, _judge_direct)


_Judge: TypeAlias = Callable[[Answer], tuple[Verdict, str]]


def _ask(fetch: Fetch, what: str, url: str, judge: _Judge) -> Evidence:
    try:
        answer = fetch(url, {})
    except NoAnswer as error:
        return Evidence(
            what=what,
            verdict=Verdict.OPEN,
            got="no answer",
            why=f"the host did not answer ({error}): check DNS and the network",
        )
    verdict, why = judge(answer)
    return Evidence(
        what=what, verdict=verdict, got=f"{answer.status} {answer.code}".strip(), why=why
    )


def _judge_unsigned(answer: Answer) -> tuple[Verdict, str]:
    if answer.code == "MissingKey":
        return Verdict.GOOD, "nobody gets a file without a signature"
    if answer.status < 300:
        return Verdict.BAD, "the file is open to everybody: the behavior wants no signature"
    if answer.status < 400:
        return Verdict.OPEN, "it was redirected: ask by https"
    if answer.responder is Responder.S3:
        return Verdict.BAD, "the request reached S3: the behavior wants no signature"
    return Verdict.OPEN, "CloudFront did not say MissingKey: a firewall may answer in its place"


def _judge_signed(answer: Answer) -> tuple[Verdict, str]:
    if answer.status < 300:
        return Verdict.GOOD, "a signed link opens the file"
    if answer.code == "NoSuchKey":
        return (
            Verdict.BAD,
            "the signature is good, but S3 has no such file where CloudFront looks, and the bucket "
            "has it: compare bucket and origin path of the origin, and look for a function that "
            "changes the path",
        )
    if answer.responder is Responder.S3:
        # The plan has seen to the statement that lets CloudFront in, so it is something else.
        return (
            Verdict.BAD,
            "the signature is good, and S3 does not let CloudFront read the file: look for a Deny "
            "statement in the bucket policy, for a KMS key (SSE-KMS) whose key policy does not "
            "allow CloudFront, and for an object that another account owns; "
            "cfsigned_doctor --object NAME says more",
        )
    return _judge_refusal(answer)


def _judge_signed_without_file(answer: Answer) -> tuple[Verdict, str]:
    if answer.status < 300 or answer.code == "NoSuchKey" or answer.responder is Responder.S3:
        return (
            Verdict.OPEN,
            "CloudFront took the signature, but there is no file yet to show: upload one, and run "
            "this again",
        )
    return _judge_refusal(answer)


def _judge_refusal(answer: Answer) -> tuple[Verdict, str]:
    match answer.code:
        case "InvalidKey":
            return Verdict.BAD, "this edge does not know the key yet: run this again in a minute"
        case "MissingKey":
            return Verdict.BAD, "the signature was lost on the way: something strips the query"
        case "AccessDenied":
            # The key is the right one: it was found in CloudFront by its content.
            return (
                Verdict.BAD,
                "CloudFront refuses the signature: look at the clock of this machine, and for a "
                "proxy that changes URLs; cfsigned_doctor says more",
            )
        case "" if answer.status == 404:
            # It may stand for a refusal of CloudFront's or of S3's: "Custom error pages" (DG).
            return Verdict.OPEN, "a custom error page says 404, and hides who answered, and what"
        case _:
            return Verdict.OPEN, "CloudFront gave no answer that says something about the key"


def _judge_direct(answer: Answer) -> tuple[Verdict, str]:
    if answer.status < 300:
        return Verdict.BAD, "the bucket is open to everybody"
    if answer.status == 403:
        return Verdict.GOOD, "S3 gives nothing to anybody but CloudFront"
    if answer.code == "NoSuchKey":
        # Who may not list a bucket gets 403 for what is not there (API reference, GetObject).
        return Verdict.BAD, "everybody may list the bucket: S3 tells which files are not there"
    if answer.code == "PermanentRedirect":
        return (
            Verdict.OPEN,
            "the bucket is in another region than S3 was asked in: put AWS_S3_REGION_NAME in "
            "force, and run this again",
        )
    return Verdict.OPEN, "S3 did not answer with 403"
