"""Say what each answer of CloudFront and S3 means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from email.utils import formatdate

import pytest

from cfsigned_django.doctor.answers import direct_url
from cfsigned_django.doctor.findings import Finding
from cfsigned_django.doctor.live import RequestedObject, examine_live, has_fault
from cfsigned_django.signing import PrivateKey, Signer
from cfsigned_django.viewer import Answer, Fetch, NoAnswer
from tests.doctor import faults, ids
from tests.doctor.played import (
    DIRECT,
    HEADERS,
    NOW,
    ORIGIN,
    PAGE,
    SERVED,
    URL,
    answering,
    clock,
    edge,
    s3,
)
from tests.storage_cases import KEY_ID

OTHER_ORIGIN = "https://admin.example.com"


@pytest.fixture
def wanted(ec_key: PrivateKey) -> RequestedObject:
    """Return what to ask for: an object of a bucket."""
    signer = Signer(key_pair_id=KEY_ID, private_key=ec_key)
    return RequestedObject(url=URL, signer=signer, direct_url=DIRECT, region="us-east-1")


def examine(wanted: RequestedObject, fetch: Fetch, *, ahead: int = 0) -> list[Finding]:
    """Return what the doctor finds; no finding may show a signature."""
    found = list(examine_live(wanted, fetch, lambda: clock() + ahead))
    assert "Signature=" not in str(found)
    assert "Expires=" not in str(found)
    return found


def test_healthy(wanted: RequestedObject) -> None:
    """Say what was tried and was as it should be."""
    found = examine(wanted, answering())

    assert faults(found) == []
    assert ids(found) == [
        *("clock", "unsigned-refused", "signed-served", "tampered-refused", "expired-refused"),
        "s3-private",
    ]


#: Which request is answered otherwise, with what -> the fault.
ANSWERS: list[tuple[str, Answer, str]] = [
    ("unsigned", SERVED, "unsigned-served"),
    ("unsigned", replace(SERVED, status=200), "unsigned-served"),
    ("unsigned", replace(SERVED, status=304), "unsigned-served"),
    ("unsigned", replace(SERVED, status=416), "unsigned-served"),
    ("unsigned", s3("AccessDenied"), "unsigned-forwarded"),
    ("unsigned", s3("NoSuchKey", 404), "unsigned-forwarded"),
    ("unsigned", edge("AccessDenied"), "strange-answer"),
    ("unsigned", Answer(status=404, headers=HEADERS, body=b"gone"), "strange-answer"),
    ("unsigned", Answer(status=403, headers=HEADERS, body=PAGE), "html-answer"),
    (
        "unsigned",
        Answer(status=405, headers={**HEADERS, "content-type": "text/html"}),
        "html-answer",
    ),
    ("unsigned", Answer(status=301, headers={**HEADERS, "location": f"{URL}?a"}), "redirected"),
    ("unsigned", Answer(status=307, headers=HEADERS), "redirected"),
    ("unsigned", Answer(status=502, headers=HEADERS, body=PAGE), "server-error"),
    ("unsigned", Answer(status=403, headers={"server": "nginx"}, body=PAGE), "not-cloudfront"),
    ("unsigned", Answer(status=200, headers={}), "not-cloudfront"),
    ("signed", edge("InvalidKey"), "signed-unknown-key"),
    ("signed", edge("AccessDenied"), "signed-denied"),
    ("signed", edge("MissingKey"), "signed-missing-key"),
    ("signed", edge("MalformedPolicy"), "signed-malformed"),
    ("signed", edge("MalformedSignature"), "signed-malformed"),
    ("signed", s3("AccessDenied"), "signed-s3-denied"),
    ("signed", s3("NoSuchKey", 404), "signed-not-found"),
    ("signed", s3("InvalidRequest", 400), "strange-answer"),
    ("signed", Answer(status=403, headers=HEADERS, body=b"no"), "strange-answer"),
    ("signed", Answer(status=403, headers=HEADERS, body=PAGE), "html-answer"),
    ("signed", Answer(status=504, headers=HEADERS), "server-error"),
    ("tampered", SERVED, "tampered-served"),
    ("tampered", s3("AccessDenied"), "tampered-served"),
    ("tampered", edge("InvalidKey"), "strange-answer"),
    ("expired", SERVED, "expired-served"),
    ("expired", s3("AccessDenied"), "expired-served"),
    ("expired", Answer(status=404, headers=HEADERS), "strange-answer"),
    ("direct", s3("AccessDenied"), ""),
    ("direct", Answer(status=403), ""),
    ("direct", Answer(status=206, body=b"\xff"), "s3-open"),
    ("direct", s3("NoSuchKey", 404), "s3-lists"),
    ("direct", s3("NoSuchBucket", 404), "s3-no-bucket"),
    (
        "direct",
        s3("PermanentRedirect", 301, **{"x-amz-bucket-region": "eu-west-1"}),
        "s3-wrong-region",
    ),
    ("direct", s3("PermanentRedirect", 301), "s3-no-answer"),
    ("direct", s3("SlowDown", 503), "s3-no-answer"),
]


#: What says nothing of the setup, which answered otherwise or not at all.
UNPROVEN = {
    *("strange-answer", "html-answer", "redirected", "server-error", "not-cloudfront"),
    *("s3-no-answer", "s3-wrong-region"),
}


@pytest.mark.parametrize(("which", "answer", "expected"), ANSWERS, ids=range(len(ANSWERS)))
def test_answers(which: str, answer: Answer, expected: str, wanted: RequestedObject) -> None:
    """Name what a request meets, whether that proves a fault of the setup, and still ask S3."""
    found = examine(wanted, answering(**{which: answer}))

    assert faults(found) == ([expected] if expected else [])
    assert has_fault(found) is (expected not in {"", *UNPROVEN})
    assert ids(found)[-1].startswith("s3-")
    if which == "unsigned":  # CloudFront is asked no more
        assert ids(found)[-2:] == [expected, "s3-private"]


def test_no_object_named(wanted: RequestedObject) -> None:
    """Take S3's refusal for good where no object was named, and leave CORS untried."""
    nothing = replace(wanted, why_no_object="No object was named (--object)", cors_origins=[ORIGIN])

    found = examine(nothing, answering(signed=s3("AccessDenied")))

    assert faults(found) == []
    assert ids(found)[2:] == [
        *("signed-passes", "tampered-refused", "expired-refused", "cors-untested", "s3-private"),
    ]


def test_nobody_signs(wanted: RequestedObject) -> None:
    """Ask without a signature where none can be made, and for nothing else."""
    found = examine(replace(wanted, signer=None, direct_url=None), answering())

    assert ids(found) == ["clock", "unsigned-refused"]


@pytest.mark.parametrize("last", [0, 1, 2])
def test_no_answer(last: int, wanted: RequestedObject) -> None:
    """Say that no answer came, and why, and still ask S3."""
    sent: list[str] = []

    def fetch(url: str, headers: Mapping[str, str]) -> Answer:
        sent.append(url)
        if len(sent) > last and not url.startswith(DIRECT):
            raise NoAnswer("Connection refused")
        return answering()(url, headers)

    found = examine(wanted, fetch)

    assert faults(found) == ["no-answer"]
    assert ids(found)[-1] == "s3-private"
    assert "Connection refused" in str(found)


#: Seconds that the clock is ahead -> the finding, where links live for an hour or a minute.
CLOCKS = [
    (0, 3600, "clock"),
    (30, 3600, "clock"),
    (31, 3600, "clock-off"),
    (-31, 3600, "clock-off"),
    (300, 3600, "clock-off"),
    (301, 3600, "clock-wrong"),
    (-86_400, 3600, "clock-wrong"),
    (-60, 60, "clock-off"),
    (-61, 60, "clock-wrong"),
]


@pytest.mark.parametrize(("ahead", "expire", "kind_id"), CLOCKS)
def test_clock(ahead: int, expire: int, kind_id: str, wanted: RequestedObject) -> None:
    """Compare the clock with CloudFront's and with how long links live; sign by CloudFront's."""
    found = examine(replace(wanted, expire=expire), answering(), ahead=ahead)

    assert ids(found)[0] == kind_id
    assert faults(found) == ([] if kind_id == "clock" else [kind_id])


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"date": ""}, ["clock-unknown"]),
        ({"date": "yesterday"}, ["clock-unknown"]),
        ({"date": "Thu, 99 Jan 2026 00:00:00 GMT"}, ["clock-unknown"]),
        ({"date": formatdate(NOW - 5000, usegmt=True), "age": "5000"}, []),
    ],
)
def test_date(headers: dict[str, str], expected: list[str], wanted: RequestedObject) -> None:
    """Count in how long an answer has lain in a cache; without a Date, nothing can be compared."""
    answer = replace(edge("MissingKey"), headers={**HEADERS, **headers})

    assert faults(examine(wanted, answering(unsigned=answer))) == expected


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


def test_s3_does_not_answer(wanted: RequestedObject) -> None:
    """Say that S3 could not be asked."""

    def fetch(url: str, headers: Mapping[str, str]) -> Answer:
        if url.startswith(DIRECT):
            raise NoAnswer("timed out")
        return answering()(url, headers)

    assert faults(examine(wanted, fetch)) == ["s3-no-answer"]


def with_cors(*allowed: str | None, **headers: str) -> Fetch:
    """Allow these origins, one after another, in the answers to requests with an Origin."""
    answers = iter(allowed)

    def fetch(url: str, asked: Mapping[str, str]) -> Answer:
        answer = answering()(url, asked)
        fields = {**answer.headers, **headers}
        if "Origin" in asked and (value := next(answers)) is not None:
            fields["access-control-allow-origin"] = value
        return replace(answer, headers=fields)

    return fetch


#: What the two answers allow -> the findings, and what they must name.
CORS: list[tuple[tuple[str | None, ...], dict[str, str], list[str], str]] = [
    ((ORIGIN, ORIGIN), {"vary": "Accept-Encoding, Origin"}, ["cors"], ORIGIN),
    (("*", "*"), {}, ["cors", "cors-browser-cache"], ORIGIN),
    ((None, None), {}, ["cors-headers-missing"], ORIGIN),
    ((OTHER_ORIGIN, OTHER_ORIGIN), {}, ["cors-lost-in-cache"], OTHER_ORIGIN),
    ((ORIGIN, None), {}, ["cors-lost-in-cache"], ORIGIN),
]


@pytest.mark.parametrize(("allowed", "headers", "expected", "words"), CORS)
def test_cors(
    allowed: tuple[str | None, ...],
    headers: dict[str, str],
    expected: list[str],
    words: str,
    wanted: RequestedObject,
) -> None:
    """Tell headers that never come from those that a cached copy lacks."""
    found = examine(replace(wanted, cors_origins=[ORIGIN]), with_cors(*allowed, **headers))

    about = [each for each in found if each.id.startswith("cors")]
    assert ids(about) == expected
    assert words in about[0].what


def test_cors_of_a_cached_copy(wanted: RequestedObject) -> None:
    """Say that a copy without headers came from the cache: it may be older than the rule."""
    asked = replace(wanted, cors_origins=[ORIGIN])
    hit = {"x-cache": "Hit from cloudfront"}

    [fresh] = [each for each in examine(asked, with_cors(None, None)) if "cors" in each.id]
    [cached] = [each for each in examine(asked, with_cors(None, None, **hit)) if "cors" in each.id]

    assert fresh.id == cached.id == "cors-headers-missing"
    assert fresh.what != cached.what


class CachingEdge:
    """Keep the first answer of a bucket for each key, and replay it to all who ask later."""

    def __init__(self, *allowed: str, keys_on_origin: bool) -> None:
        self._allowed = allowed
        self._keys_on_origin = keys_on_origin
        self._copies: dict[str, dict[str, str]] = {}

    def __call__(self, url: str, headers: Mapping[str, str]) -> Answer:
        """Refuse, or answer with the headers of the copy."""
        answer = answering()(url, headers)
        if not answer.is_served:
            return answer
        origin = headers.get("Origin", "")
        key = origin if self._keys_on_origin else ""
        state = "Hit" if key in self._copies else "Miss"
        fresh = {"access-control-allow-origin": origin} if origin in self._allowed else {}
        copy = self._copies.setdefault(key, fresh)
        cache = {"x-cache": f"{state} from cloudfront"}
        return replace(answer, headers={**answer.headers, **cache, **copy})


@pytest.mark.parametrize(
    ("make_edge", "expected"),
    [
        (lambda: CachingEdge(ORIGIN, OTHER_ORIGIN, keys_on_origin=True), []),
        (lambda: CachingEdge(ORIGIN, OTHER_ORIGIN, keys_on_origin=False), [ORIGIN, OTHER_ORIGIN]),
        (lambda: CachingEdge(ORIGIN, keys_on_origin=True), [OTHER_ORIGIN]),
    ],
    ids=["copy for each", "one copy for all", "rule for one"],
)
def test_cors_by_a_cache(
    make_edge: Callable[[], CachingEdge], expected: list[str], wanted: RequestedObject
) -> None:
    """Name the origins whose pages get no header, as a copy has none or the bucket sends none."""
    found = examine(replace(wanted, cors_origins=[ORIGIN, OTHER_ORIGIN]), make_edge())

    assert faults(found) == ["cors-headers-missing"] * len(expected)
    missing = [each.what for each in found if each.id == "cors-headers-missing"]
    assert all(origin in what for origin, what in zip(expected, missing, strict=True))
