"""Judge the three answers that prove a set-up."""

from __future__ import annotations

import pytest

from cfsigned_django.setup.live_proof import Verdict, prove
from cfsigned_django.viewer import Answer

FROM_S3 = (
    b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message><RequestId>1</RequestId>"
)

NOT_THERE = FROM_S3.replace(b"AccessDenied", b"NoSuchKey")


def cloudfront(code: str) -> bytes:
    """Return an error of CloudFront's."""
    return f"<Error><Code>{code}</Code><Message>x</Message></Error>".encode()


def judge(kind: str, status: int, body: bytes, *, exists: bool = True) -> tuple[Verdict, str]:
    """Return what one answer means, as the unsigned, signed or direct one."""

    def answer(url: str, headers: object) -> Answer:
        return Answer(status=status, body=body)

    found = prove(
        answer, unsigned_url="unsigned", signed_url="signed", direct_url="direct", exists=exists
    )
    evidence = dict(zip(("unsigned", "signed", "direct"), found, strict=True))[kind]
    return evidence.verdict, evidence.why


@pytest.mark.parametrize(
    ("kind", "status", "body", "verdict", "said"),
    [
        ("unsigned", 403, cloudfront("MissingKey"), Verdict.GOOD, "without a signature"),
        ("unsigned", 200, b"file", Verdict.BAD, "open to everybody"),
        ("unsigned", 301, b"", Verdict.OPEN, "by https"),
        ("unsigned", 403, FROM_S3, Verdict.BAD, "reached S3"),
        ("unsigned", 403, b"<html>", Verdict.OPEN, "firewall"),
        ("signed", 206, b"f", Verdict.GOOD, "opens the file"),
        ("signed", 403, FROM_S3, Verdict.BAD, "S3 does not let CloudFront"),
        ("signed", 404, NOT_THERE, Verdict.BAD, "S3 has no such file where CloudFront looks"),
        ("signed", 404, b"", Verdict.OPEN, "custom error page"),
        ("signed", 403, cloudfront("InvalidKey"), Verdict.BAD, "does not know the key yet"),
        ("signed", 403, cloudfront("MissingKey"), Verdict.BAD, "strips the query"),
        ("signed", 403, cloudfront("AccessDenied"), Verdict.BAD, "clock"),
        ("signed", 502, b"<html>", Verdict.OPEN, "says something about the key"),
        ("direct", 403, FROM_S3, Verdict.GOOD, "anybody but CloudFront"),
        ("direct", 200, b"file", Verdict.BAD, "open to everybody"),
        ("direct", 301, cloudfront("PermanentRedirect"), Verdict.OPEN, "AWS_S3_REGION_NAME"),
        ("direct", 404, cloudfront("NoSuchKey"), Verdict.BAD, "may list the bucket"),
        ("direct", 503, b"", Verdict.OPEN, "did not answer with 403"),
    ],
)
def test_verdicts(kind: str, status: int, body: bytes, verdict: Verdict, said: str) -> None:
    """Tell CloudFront's answers from S3's, and what each proves."""
    found, why = judge(kind, status, body)

    assert found is verdict
    assert said in why


def test_next_step_where_s3_refuses() -> None:
    """Say where to look when S3 refuses CloudFront although the policy lets it in."""
    _, why = judge("signed", 403, FROM_S3)

    for each in ("Deny", "KMS", "another account", "cfsigned_doctor --object NAME"):
        assert each in why


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (403, FROM_S3, Verdict.OPEN),
        (404, NOT_THERE, Verdict.OPEN),
        (404, b"", Verdict.OPEN),
        (403, cloudfront("InvalidKey"), Verdict.BAD),
    ],
)
def test_without_a_file(status: int, body: bytes, verdict: Verdict) -> None:
    """Prove nothing by a file that is not there, but see a bad key."""
    assert judge("signed", status, body, exists=False)[0] is verdict
