"""Say what each answer of CloudFront and S3 means.

Modules: tools/doctor/live.py, tools/doctor/answers.py
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path

import pytest

from cfsigned_django.aws.client import make_client
from cfsigned_django.signing import PrivateKey, Signer
from cfsigned_django.tools.doctor.answers import direct_url
from cfsigned_django.tools.doctor.live import RequestedObject, examine_live
from cfsigned_django.tools.findings import Finding, Level
from cfsigned_django.viewer import Answer, Fetch, NoAnswer
from tests.signing.cases import BODIES
from tests.storage_cases import DOMAIN, KEY_ID
from tests.tools.doctor import faults, ids

NOW = 1_800_000_000
URL = f"https://{DOMAIN}/media/1.jpg"
DIRECT = "https://media.s3.us-east-1.amazonaws.com/media/1.jpg"
ORIGIN = "https://app.example.com"
HEADERS = {"x-cache": "Error from cloudfront", "date": formatdate(NOW, usegmt=True)}
SERVED = Answer(status=206, headers=HEADERS, body=b"\xff")
PAGE = b"<!DOCTYPE HTML PUBLIC><HTML><BODY>The request could not be satisfied.</BODY></HTML>"
OTHER_ORIGIN = "https://admin.example.com"


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
def wanted(ec_key: PrivateKey) -> RequestedObject:
    """Return what to ask for: an object of a bucket."""
    signer = Signer(key_pair_id=KEY_ID, private_key=ec_key)
    return RequestedObject(url=URL, signer=signer, direct_url=DIRECT, region="us-east-1")


def examine(wanted: RequestedObject, fetch: Fetch, *, ahead: int = 0) -> list[Finding]:
    """Return what the doctor finds; no finding may show a signature."""
    found = list(examine_live(wanted, fetch, lambda: NOW + ahead))
    assert "Signature=" not in str(found)
    assert "Expires=" not in str(found)
    return found


#: What is said of a site whose answers are as they should be.
HEALTHY = ["unsigned-refused", "signed-served", "s3-private"]

#: Which request is answered otherwise, with what -> the fault.
ANSWERS: list[tuple[str, Answer, str]] = [
    ("unsigned", SERVED, "unsigned-served"),
    ("unsigned", replace(SERVED, status=200), "unsigned-served"),
    ("unsigned", replace(SERVED, status=304), "unsigned-served"),
    ("unsigned", replace(SERVED, status=416), "unsigned-served"),
    ("unsigned", s3("AccessDenied"), "unsigned-served"),
    ("unsigned", s3("NoSuchKey", 404), "unsigned-served"),
    ("unsigned", edge("AccessDenied"), "strange-answer"),
    ("unsigned", Answer(status=404, headers=HEADERS, body=b"gone"), "strange-answer"),
    (
        "unsigned",
        Answer(status=405, headers={**HEADERS, "content-type": "text/html"}),
        "html-answer",
    ),
    ("unsigned", Answer(status=301, headers={**HEADERS, "location": f"{URL}?a"}), "redirected"),
    ("unsigned", Answer(status=307, headers=HEADERS), "redirected"),
    ("unsigned", Answer(status=500, headers=HEADERS, body=PAGE), "server-error"),
    ("unsigned", Answer(status=403, headers={"server": "nginx"}, body=PAGE), "not-cloudfront"),
    ("unsigned", Answer(status=200, headers={}), "not-cloudfront"),
    ("signed", edge("InvalidKey"), "signed-unknown-key"),
    ("signed", edge("AccessDenied"), "signed-denied"),
    ("signed", edge("MissingKey"), "signed-malformed"),
    ("signed", edge("MalformedPolicy"), "signed-malformed"),
    ("signed", edge("MalformedSignature"), "signed-malformed"),
    ("signed", s3("AccessDenied"), "signed-s3-denied"),
    ("signed", s3("NoSuchKey", 404), "signed-not-found"),
    ("signed", s3("InvalidRequest", 400), "strange-answer"),
    ("signed", Answer(status=403, headers=HEADERS, body=b"no"), "strange-answer"),
    ("signed", Answer(status=403, headers=HEADERS, body=PAGE), "html-answer"),
    ("signed", Answer(status=504, headers=HEADERS), "server-error"),
    ("tampered", SERVED, "wrong-url-served"),
    ("tampered", s3("AccessDenied"), "wrong-url-served"),
    ("tampered", edge("InvalidKey"), "strange-answer"),
    ("expired", SERVED, "wrong-url-served"),
    ("expired", s3("AccessDenied"), "wrong-url-served"),
    ("expired", Answer(status=404, headers=HEADERS), "strange-answer"),
    ("direct", s3("AccessDenied"), ""),
    ("direct", Answer(status=403), ""),
    ("direct", Answer(status=206, body=b"\xff"), "s3-open"),
    ("direct", s3("NoSuchKey", 404), "s3-open"),
    ("direct", s3("NoSuchBucket", 404), "bucket-missing"),
    *(
        ("direct", s3(code, status, **{"x-amz-bucket-region": region}), fault)
        for code, status in (
            ("PermanentRedirect", 301),
            ("TemporaryRedirect", 307),
            ("IllegalLocationConstraintException", 400),
        )
        # The settings have us-east-1: a bucket that is there has another fault.
        for region, fault in (("eu-west-1", "bucket-region"), ("us-east-1", "s3-no-answer"))
    ),
    ("direct", s3("PermanentRedirect", 301), "s3-no-answer"),
    ("direct", s3("SlowDown", 503), "s3-no-answer"),
]


def test_answers(wanted: RequestedObject, subtests: pytest.Subtests) -> None:
    """Name what a request meets, and still ask S3."""
    for at, (which, answer, expected) in enumerate(ANSWERS):
        with subtests.test(at=at, which=which, expected=expected):
            found = examine(wanted, answering(**{which: answer}))

            assert faults(found) == ([expected] if expected else [])
            assert ids(found)[-1].startswith(("s3-", "bucket-"))
            assert expected or ids(found) == HEALTHY
            if which == "unsigned":  # CloudFront is asked no more
                assert ids(found)[-2:] == [expected, "s3-private"]


def test_no_object_named(wanted: RequestedObject) -> None:
    """Accept S3's refusal if no object was named, and do not test CORS."""
    nothing = replace(wanted, why_no_object="No object was named (--object)", cors_origins=[ORIGIN])

    found = examine(nothing, answering(signed=s3("AccessDenied")))

    assert faults(found) == []
    assert ids(found)[1:] == ["signed-served", "s3-private"]


def test_local_edge_that_does_not_run(wanted: RequestedObject) -> None:
    """Tell how to start the local edge if nothing answers for the domain, which is this machine."""

    def refuse(url: str, headers: Mapping[str, str]) -> Answer:
        raise NoAnswer("Connection refused")

    local = replace(wanted, url="http://127.0.0.1:8001/media/1.jpg", direct_url=None)
    (found,) = examine(local, refuse)
    (remote,) = examine(replace(wanted, direct_url=None), refuse)

    assert found.id == remote.id == "no-answer"
    assert found.fix == "Start it: manage.py cfsigned_edge"
    assert "DNS" in remote.fix or "CNAME" in remote.fix


def test_nobody_signs(wanted: RequestedObject) -> None:
    """Send only unsigned requests if nothing can be signed."""
    found = examine(replace(wanted, signer=None, direct_url=None), answering())

    assert ids(found) == ["unsigned-refused"]


@pytest.mark.parametrize(
    ("answers", "to_s3", "fault", "last"),
    [
        *((answers, False, "no-answer", "s3-private") for answers in (0, 1, 2)),
        (0, True, "s3-no-answer", "s3-no-answer"),
    ],
)
def test_no_answer(
    answers: int, to_s3: bool, fault: str, last: str, wanted: RequestedObject
) -> None:
    """Say that CloudFront or S3 did not answer, and why, and still ask S3."""
    sent: list[str] = []

    def fetch(url: str, headers: Mapping[str, str]) -> Answer:
        sent.append(url)
        if len(sent) > answers and url.startswith(DIRECT) is to_s3:
            raise NoAnswer("Connection refused")
        return answering()(url, headers)

    found = examine(wanted, fetch)

    assert faults(found) == [fault]
    assert ids(found)[-1] == last
    assert "Connection refused" in str(found)


#: Seconds that the clock is ahead, and for how long links live -> the level.
CLOCKS = [
    (0, 3600, Level.OK),
    (30, 3600, Level.OK),
    (31, 3600, Level.WARNING),
    (-31, 3600, Level.WARNING),
    (300, 3600, Level.WARNING),
    (301, 3600, Level.ERROR),
    (-86_400, 3600, Level.ERROR),
    (-60, 60, Level.WARNING),
    (-61, 60, Level.ERROR),
]


def test_clock(wanted: RequestedObject, subtests: pytest.Subtests) -> None:
    """Compare the clock with CloudFront's and with how long links live; sign by CloudFront's."""
    for ahead, expire, level in CLOCKS:
        with subtests.test(ahead=ahead, expire=expire):
            found = examine(replace(wanted, expire=expire), answering(), ahead=ahead)

            clock = [each.level for each in found if each.id == "clock-off"]
            assert clock == ([level] if level is not Level.OK else [])
            assert len(faults(found)) == len(clock)


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
    ("profile", "options", "host"),
    [
        ("", {}, "https://s3.amazonaws.com"),
        ("", {"region_name": "cn-north-1"}, "https://s3.cn-north-1.amazonaws.com.cn"),
        ("", {"endpoint_url": "http://localhost:1/"}, "http://localhost:1"),
        ("endpoint_url = http://localhost:2", {}, "http://localhost:2"),
    ],
)
def test_direct_url(
    profile: str,
    options: dict[str, str],
    host: str,
    no_aws_configuration: None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Address an object in S3 itself, or in the emulator that an option or the profile names."""
    (config := tmp_path / "config").write_text(f"[default]\n{profile}\n", encoding="utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))

    url = direct_url(make_client("s3", **options), "b.c", "a b/한.jpg")

    assert url == f"{host}/b.c/a%20b/%ED%95%9C.jpg"


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


CREDENTIALS = {"access-control-allow-credentials": "true"}
#: What the two answers for each origin allow, whether pages send cookies -> the findings, and
#: what each must name. With cookies, the origin must be named, and credentials allowed.
CORS: list[tuple[tuple[str | None, ...], dict[str, str], bool, list[str], list[str]]] = [
    ((ORIGIN, ORIGIN), {"vary": "Accept-Encoding, Origin"}, False, ["cors"], [ORIGIN]),
    (("*", "*"), {}, False, ["cors", "cors-browser-cache"], [ORIGIN, ""]),
    ((None, None), {}, False, ["cors-headers-missing"], [ORIGIN]),
    ((OTHER_ORIGIN, OTHER_ORIGIN), {}, False, ["cors-headers-missing"], [OTHER_ORIGIN]),
    ((ORIGIN, None), {}, False, ["cors-headers-missing"], [ORIGIN]),
    ((ORIGIN, ORIGIN), {**CREDENTIALS, "vary": "Origin"}, True, ["cors"], [ORIGIN]),
    ((ORIGIN, ORIGIN), {}, True, ["cors-credentials-missing"], [ORIGIN]),
    (("*", "*"), CREDENTIALS, True, ["cors-credentials-missing"], [ORIGIN]),
    ((None, None), CREDENTIALS, True, ["cors-headers-missing"], [ORIGIN]),
    # Two origins: a copy for each, one copy for both, and a rule for one of them.
    ((ORIGIN,) * 2 + (OTHER_ORIGIN,) * 2, {"vary": "Origin"}, False, ["cors"], [OTHER_ORIGIN]),
    ((None,) * 4, {}, False, ["cors-headers-missing"] * 2, [ORIGIN, OTHER_ORIGIN]),
    ((ORIGIN, ORIGIN, None, None), {}, False, ["cors-headers-missing"], [OTHER_ORIGIN]),
]


def test_cors(wanted: RequestedObject, subtests: pytest.Subtests) -> None:
    """Name what is wrong for each origin: no header, one of another origin, or no credentials."""
    for at, (allowed, headers, cookies, expected, named) in enumerate(CORS):
        origins = [ORIGIN, OTHER_ORIGIN][: len(allowed) // 2]
        asked = replace(wanted, cors_origins=origins, uses_cookies=cookies)
        with subtests.test(at=at, expected=expected):
            found = examine(asked, with_cors(*allowed, **headers))

            about = [each for each in found if each.id.startswith("cors")]
            assert ids(about) == expected
            assert all(words in each.what for words, each in zip(named, about, strict=True))


def test_cors_of_a_cached_copy(wanted: RequestedObject) -> None:
    """Say that a copy without headers came from the cache: it may be older than the rule."""
    asked = replace(wanted, cors_origins=[ORIGIN])
    hit = {"x-cache": "Hit from cloudfront"}

    [fresh] = [each for each in examine(asked, with_cors(None, None)) if "cors" in each.id]
    [cached] = [each for each in examine(asked, with_cors(None, None, **hit)) if "cors" in each.id]

    assert fresh.id == cached.id == "cors-headers-missing"
    assert fresh.what != cached.what


ERROR_PAGE = Answer(status=403, headers=HEADERS, body=PAGE)


@pytest.mark.parametrize(
    "page",
    [
        ERROR_PAGE,
        replace(ERROR_PAGE, status=404),
        replace(ERROR_PAGE, body=b"Members only."),
    ],
    ids=["403", "404 in its place", "plain text"],
)
def test_error_page(page: Answer, wanted: RequestedObject) -> None:
    """Take a page of the distribution's own for a refusal if a signed URL is served, only then."""
    proof = examine(wanted, answering(unsigned=page, tampered=page, expired=page))
    fault = examine(wanted, answering(unsigned=page, tampered=SERVED, expired=page))
    like_a_firewall = examine(wanted, answering(unsigned=page, signed=page))

    assert ids(proof) == HEALTHY
    assert faults(fault) == ["wrong-url-served"]
    assert faults(like_a_firewall) in (["html-answer"], ["strange-answer"])


def test_error_page_and_no_file(wanted: RequestedObject) -> None:
    """Say that nothing is known if there is no file to ask for either."""
    wanted = replace(wanted, why_no_object="The bucket has no file yet")

    found = examine(wanted, answering(unsigned=ERROR_PAGE, signed=ERROR_PAGE))

    (page,) = [each for each in found if each.id == "html-answer"]
    assert wanted.why_no_object in page.what


def test_error_page_without_a_signer(wanted: RequestedObject) -> None:
    """Claim no refusal if no key can sign a URL to compare with."""
    found = examine(replace(wanted, signer=None), answering(unsigned=ERROR_PAGE))

    assert faults(found) == ["html-answer"]
