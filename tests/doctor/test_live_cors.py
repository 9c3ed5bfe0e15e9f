"""Say what S3 answers without CloudFront, and whether pages may read an object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from cfsigned_django.doctor.answers import check_cors, check_direct, direct_url
from cfsigned_django.doctor.live import Probe, examine_live
from cfsigned_django.viewer import Answer, NoAnswer
from tests.doctor import ids
from tests.doctor.played import DIRECT, ORIGIN, SERVED, URL, answering, clock, edge, s3


@pytest.mark.parametrize(
    ("direct", "kind_id"),
    [
        (s3("AccessDenied"), "s3-private"),
        (Answer(status=403), "s3-private"),
        (Answer(status=206, body=b"\xff"), "s3-open"),
        (s3("NoSuchKey", 404), "s3-lists"),
        (s3("NoSuchBucket", 404), "s3-no-bucket"),
        (s3("PermanentRedirect", 301, **{"x-amz-bucket-region": "eu-west-1"}), "s3-wrong-region"),
        (s3("PermanentRedirect", 301), "s3-no-answer"),
        (s3("SlowDown", 503), "s3-no-answer"),
    ],
)
def test_direct(direct: Answer, kind_id: str, probe: Probe) -> None:
    """Say what S3 answers to who comes without CloudFront."""
    assert ids(examine_live(probe, answering(direct=direct), clock))[-1] == kind_id


def test_s3_does_not_answer() -> None:
    """Say that S3 could not be asked."""

    def fetch(url: str, headers: Mapping[str, str]) -> Answer:
        raise NoAnswer("timed out")

    assert check_direct(fetch, DIRECT, None).id == "s3-no-answer"


@pytest.mark.parametrize(
    ("bucket", "options", "expected"),
    [
        ("b", {}, "https://b.s3.us-east-1.amazonaws.com/a%20b/%ED%95%9C.jpg"),
        ("b.c", {}, "https://s3.us-east-1.amazonaws.com/b.c/a%20b/%ED%95%9C.jpg"),
        (
            "b",
            {"region": "cn-north-1"},
            "https://b.s3.cn-north-1.amazonaws.com.cn/a%20b/%ED%95%9C.jpg",
        ),
        ("b", {"endpoint_url": "http://localhost:1/"}, "http://localhost:1/b/a%20b/%ED%95%9C.jpg"),
    ],
)
def test_direct_url(bucket: str, options: dict[str, str], expected: str) -> None:
    """Address an object in S3 itself."""
    assert direct_url(bucket, "a b/한.jpg", **options) == expected


def cors(*allowed: str | None, hit: bool = False, vary: str = "") -> list[tuple[str, str]]:
    """Return the findings where the answers for an origin, one after another, allow these."""
    answers = iter(allowed)

    def fetch(url: str, headers: Mapping[str, str]) -> Answer:
        assert headers["Origin"] == ORIGIN
        value = next(answers)
        fields = {"x-cache": "Hit from cloudfront" if hit else "Miss from cloudfront"}
        return replace(
            SERVED,
            headers=fields if value is None else {**fields, "access-control-allow-origin": value},
        )

    first = replace(SERVED, headers={"vary": vary})
    found = check_cors(fetch, f"{URL}?signed", URL, [ORIGIN], without_origin=first)
    return [(each.id, each.what) for each in found]


def test_cors() -> None:
    """Accept the origin itself and the asterisk, twice."""
    assert cors(ORIGIN, ORIGIN, vary="Accept-Encoding, Origin")[0][0] == "cors"
    assert [each for each, _ in cors("*", "*")] == ["cors", "cors-browser-cache"]


@pytest.mark.parametrize(
    ("allowed", "kind_id", "words"),
    [
        ((None, None), "cors-headers-missing", "no Access-Control-Allow-Origin"),
        (("https://b.example.com", "https://b.example.com"), "cors-lost-in-cache", "https://b."),
        ((ORIGIN, None), "cors-lost-in-cache", "no Access-Control-Allow-Origin"),
    ],
)
def test_cors_faults(allowed: tuple[str | None, ...], kind_id: str, words: str) -> None:
    """Tell headers that never come from those that a cached copy lacks."""
    [(found, what)] = cors(*allowed)

    assert found == kind_id
    assert words in what
    assert ORIGIN in what


def test_cached_copy_without_headers() -> None:
    """Say that the copy without headers came from the cache: it may be older than the rule."""
    [(found, what)] = cors(None, None, hit=True)

    assert found == "cors-headers-missing"
    assert "from the cache" in what


def test_no_signature_is_shown(probe: Probe) -> None:
    """Show no signature in what is said of answers."""
    for signed in (SERVED, edge("InvalidKey"), s3("AccessDenied"), edge("AccessDenied")):
        asked = replace(probe, cors_origins=[ORIGIN])
        found = list(examine_live(asked, answering(signed=signed), clock))

        assert "Signature=" not in str(found)
        assert "Expires=" not in str(found)
