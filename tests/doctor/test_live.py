"""Say what each answer of CloudFront and S3 means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from email.utils import formatdate

import pytest

from cfsigned_django.doctor.cors import judge_cors
from cfsigned_django.doctor.direct import direct_url, judge_direct
from cfsigned_django.doctor.fetching import Answer, NoAnswer
from cfsigned_django.doctor.findings import Level
from cfsigned_django.doctor.live import Probe, examine_live
from cfsigned_django.signing import PrivateKey, Signer
from tests.doctor import faults, ids
from tests.edge import BODIES
from tests.storage_cases import DOMAIN, KEY_ID

NOW = 1_800_000_000
URL = f"https://{DOMAIN}/media/1.jpg"
DIRECT = "https://media.s3.us-east-1.amazonaws.com/media/1.jpg"
ORIGIN = "https://app.example.com"
HEADERS = {"x-cache": "Error from cloudfront", "date": formatdate(NOW, usegmt=True)}
SERVED = Answer(status=206, headers=HEADERS, body=b"\xff")
PAGE = b"<!DOCTYPE HTML PUBLIC><HTML><BODY>The request could not be satisfied.</BODY></HTML>"


def edge(code: str) -> Answer:
    """Return a refusal of CloudFront."""
    return Answer(status=403, headers=HEADERS, body=BODIES[code])


def s3(code: str, status: int = 403, **headers: str) -> Answer:
    """Return an error of S3, which has a RequestId."""
    body = (
        f"<Error><Code>{code}</Code><Message>-</Message><RequestId>4442587FB7D0</RequestId></Error>"
    )
    return Answer(status=status, headers={**HEADERS, **headers}, body=body.encode())


def answering(
    *,
    unsigned: Answer | None = None,
    signed: Answer = SERVED,
    tampered: Answer | None = None,
    expired: Answer | None = None,
    direct: Answer | None = None,
) -> Callable[[str, Mapping[str, str]], Answer]:
    """Return a fetch that answers each kind of request; None is as it should be."""

    def fetch(url: str, headers: Mapping[str, str]) -> Answer:
        if url.startswith(DIRECT):
            return direct or s3("AccessDenied")
        if url == URL:
            return unsigned or edge("MissingKey")
        if url.endswith("&cfsigned=1"):
            return tampered or edge("AccessDenied")
        until = int(url.partition("Expires=")[2].partition("&")[0])
        return (expired or edge("AccessDenied")) if until < NOW else signed

    return fetch


@pytest.fixture
def probe(ec_key: PrivateKey) -> Probe:
    """Return what to ask for: an object of a bucket."""
    signer = Signer(key_pair_id=KEY_ID, private_key=ec_key)
    return Probe(url=URL, signer=signer, has_object=True, direct_url=DIRECT, region="us-east-1")


def clock() -> float:
    """Return the right time."""
    return NOW


def test_healthy(probe: Probe) -> None:
    """Say what was tried and was as it should be."""
    found = list(examine_live(probe, answering(), clock))

    assert ids(found) == [
        "clock",
        "unsigned-refused",
        "signed-served",
        "tampered-refused",
        "expired-refused",
        "s3-private",
    ]
    assert {each.level for each in found} == {Level.OK}


@pytest.mark.parametrize(
    ("unsigned", "kind_id"),
    [
        (SERVED, "unsigned-served"),
        (replace(SERVED, status=200), "unsigned-served"),
        (replace(SERVED, status=304), "unsigned-served"),
        (replace(SERVED, status=416), "unsigned-served"),
        (s3("AccessDenied"), "unsigned-forwarded"),
        (s3("NoSuchKey", 404), "unsigned-forwarded"),
        (edge("AccessDenied"), "strange-answer"),
        (Answer(status=404, headers=HEADERS, body=b"gone"), "strange-answer"),
        (Answer(status=403, headers=HEADERS, body=PAGE), "html-answer"),
        (Answer(status=405, headers={**HEADERS, "content-type": "text/html"}), "html-answer"),
        (Answer(status=301, headers={**HEADERS, "location": f"{URL}?a"}), "redirected"),
        (Answer(status=307, headers=HEADERS), "redirected"),
        (Answer(status=502, headers=HEADERS, body=PAGE), "server-error"),
        (Answer(status=403, headers={"server": "nginx"}, body=PAGE), "not-cloudfront"),
        (Answer(status=200, headers={}), "not-cloudfront"),
    ],
)
def test_unsigned(unsigned: Answer, kind_id: str, probe: Probe) -> None:
    """Name what a request without a signature meets, and ask CloudFront no more."""
    found = list(examine_live(probe, answering(unsigned=unsigned), clock))

    assert faults(found) == [kind_id]
    assert ids(found)[-2:] == [kind_id, "s3-private"]


@pytest.mark.parametrize(
    ("signed", "kind_id"),
    [
        (edge("InvalidKey"), "signed-unknown-key"),
        (edge("AccessDenied"), "signed-denied"),
        (edge("MissingKey"), "signed-missing-key"),
        (edge("MalformedPolicy"), "signed-malformed"),
        (edge("MalformedSignature"), "signed-malformed"),
        (s3("AccessDenied"), "signed-s3-denied"),
        (s3("NoSuchKey", 404), "signed-not-found"),
        (s3("InvalidRequest", 400), "strange-answer"),
        (Answer(status=403, headers=HEADERS, body=b"no"), "strange-answer"),
        (Answer(status=403, headers=HEADERS, body=PAGE), "html-answer"),
        (Answer(status=504, headers=HEADERS), "server-error"),
    ],
)
def test_signed(signed: Answer, kind_id: str, probe: Probe) -> None:
    """Name what a request with a fresh signature meets."""
    assert faults(examine_live(probe, answering(signed=signed), clock)) == [kind_id]


@pytest.mark.parametrize("answer", [SERVED, s3("AccessDenied")], ids=["served", "S3"])
def test_signature_is_not_checked(answer: Answer, probe: Probe) -> None:
    """Report that a changed or an expired URL is let through."""
    fetch = answering(tampered=answer, expired=answer)

    assert faults(examine_live(probe, fetch, clock)) == ["tampered-served", "expired-served"]


def test_strange_refusal(probe: Probe) -> None:
    """Report a refusal that is another than CloudFront's."""
    fetch = answering(tampered=edge("InvalidKey"), expired=Answer(status=404, headers=HEADERS))

    assert faults(examine_live(probe, fetch, clock)) == ["strange-answer", "strange-answer"]


def test_no_object_named(probe: Probe) -> None:
    """Take S3's refusal for good where no object was named, and leave CORS untried."""
    nothing = replace(probe, has_object=False, cors_origins=[ORIGIN])

    found = list(examine_live(nothing, answering(signed=s3("AccessDenied")), clock))

    assert faults(found) == []
    assert {"signed-passes", "tampered-refused", "expired-refused", "cors-untested"} <= {
        *ids(found)
    }


def test_nobody_signs(probe: Probe) -> None:
    """Ask without a signature where none can be made, and for nothing else."""
    unsigned = replace(probe, signer=None, direct_url=None)

    found = list(examine_live(unsigned, answering(), clock))

    assert ids(found) == ["clock", "unsigned-refused"]


@pytest.mark.parametrize("last", [0, 1, 2])
def test_no_answer(last: int, probe: Probe) -> None:
    """Say that no answer came, and still ask S3."""
    sent: list[str] = []

    def fetch(url: str, headers: Mapping[str, str]) -> Answer:
        sent.append(url)
        if len(sent) > last and not url.startswith(DIRECT):
            raise NoAnswer("Connection refused")
        return answering()(url, headers)

    found = list(examine_live(probe, fetch, clock))

    assert faults(found) == ["no-answer"]
    assert ids(found)[-1] == "s3-private"
    assert "Connection refused" in next(each.what for each in found if each.id == "no-answer")


@pytest.mark.parametrize(
    ("ahead", "kind_id"),
    [
        (0, "clock"),
        (30, "clock"),
        (31, "clock-off"),
        (-31, "clock-off"),
        (300, "clock-off"),
        (301, "clock-wrong"),
        (-86_400, "clock-wrong"),
    ],
)
def test_clock(ahead: int, kind_id: str, probe: Probe) -> None:
    """Compare the clock with CloudFront's, and sign by CloudFront's."""
    found = list(examine_live(probe, answering(), lambda: NOW + ahead))

    assert ids(found)[0] == kind_id
    assert faults(found) == ([] if kind_id == "clock" else [kind_id])


def test_clock_of_short_links(probe: Probe) -> None:
    """Call a clock wrong that is off by more than links live."""
    found = list(examine_live(replace(probe, expire=60), answering(), lambda: NOW - 61))

    assert found[0].id == "clock-wrong"
    assert found[0].what == "The clock is 1 min 1 s behind CloudFront's; links live 1 min."


@pytest.mark.parametrize("date", ["", "yesterday", "Thu, 99 Jan 2026 00:00:00 GMT"])
def test_no_date(date: str, probe: Probe) -> None:
    """Say that the clock could not be compared."""
    answer = replace(edge("MissingKey"), headers={**HEADERS, "date": date})

    assert faults(examine_live(probe, answering(unsigned=answer), clock)) == ["clock-unknown"]


def test_age_of_a_cached_answer(probe: Probe) -> None:
    """Count in how long an answer has lain in a cache."""
    headers = {**HEADERS, "date": formatdate(NOW - 5000, usegmt=True), "age": "5000"}
    answer = replace(edge("MissingKey"), headers=headers)

    assert faults(examine_live(probe, answering(unsigned=answer), clock)) == []


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

    assert judge_direct(fetch, DIRECT, None).id == "s3-no-answer"


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
    found = judge_cors(fetch, f"{URL}?signed", URL, [ORIGIN], without_origin=first)
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
