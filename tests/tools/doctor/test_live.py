"""Say what each answer of CloudFront and S3 means.

Modules: tools/doctor/live.py
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from email.utils import formatdate
from typing import Any

import pytest

from cfsigned_django.core.aws.client import make_client
from cfsigned_django.core.viewer import Answer, Fetch, NoAnswer
from cfsigned_django.signing import PrivateKey, Signer
from cfsigned_django.tools.account.state.site_in_aws import Wanted
from cfsigned_django.tools.catalog import Finding, Level
from cfsigned_django.tools.doctor.live import RequestedObject, direct_url, examine_live
from tests.signing.cases import BODIES
from tests.storage_cases import DOMAIN, KEY_ID
from tests.tools import error_of_s3
from tests.tools.doctor import faults, ids

NOW = 1_800_000_000
URL = f"https://{DOMAIN}/media/1.jpg"
#: The same object in S3, of which CloudFront may find another behavior.
RESPELLED = f"https://{DOMAIN}/%6Dedia%2F1.jpg"
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
    """Return an error of S3, by way of CloudFront."""
    return replace(error_of_s3(code, status), headers={**HEADERS, **headers})


#: What is answered as it should be to each kind of request.
ANSWERED = {
    "unsigned": edge("MissingKey"),
    "signed": SERVED,
    "respelled": edge("MissingKey"),
    "tampered": edge("AccessDenied"),
    "expired": edge("AccessDenied"),
    "direct": s3("AccessDenied"),
}


def answering(**answers: Answer | NoAnswer) -> Fetch:
    """Return a fetch that answers these kinds of requests otherwise."""

    def fetch(url: str, headers: Mapping[str, str]) -> Answer:
        if url == RESPELLED:
            kind = "respelled"
        elif "Signature=" not in url:
            kind = "direct" if url.startswith(DIRECT) else "unsigned"
        elif url.endswith("&cfsigned=1"):
            kind = "tampered"
        else:
            until = int(url.partition("Expires=")[2].partition("&")[0])
            kind = "expired" if until < NOW else "signed"
        answer = answers.get(kind, ANSWERED[kind])
        if isinstance(answer, NoAnswer):
            raise answer
        return answer

    return fetch


@pytest.fixture
def wanted(ec_key: PrivateKey) -> RequestedObject:
    """Return what to ask for: an object of a bucket."""
    signer = Signer(key_pair_id=KEY_ID, private_key=ec_key)
    site = Wanted(region="us-east-1", expire=3600)
    return RequestedObject(
        url=URL, signer=signer, direct_url=DIRECT, wanted=site, is_open_respelled=True
    )


def needing(wanted: RequestedObject, **known: Any) -> RequestedObject:
    """Return what to ask for if the site needs these things of AWS, too."""
    return replace(wanted, wanted=replace(wanted.wanted, **known))


def examine(wanted: RequestedObject, fetch: Fetch, *, ahead: int = 0) -> list[Finding]:
    """Return what the doctor finds; no finding may show a signature."""
    found = list(examine_live(wanted, fetch, lambda: NOW + ahead))
    assert "Signature=" not in str(found)
    assert "Expires=" not in str(found)
    return found


#: What is said of a site whose answers are as they should be.
HEALTHY = ["unsigned-refused", "signed-served", "s3-private"]

SILENCE = NoAnswer("Connection refused")
#: Which request is answered otherwise, with what -> the fault.
ANSWERS: list[tuple[str, Answer | NoAnswer, str]] = [
    *((each, SILENCE, "no-answer") for each in ("unsigned", "signed", "tampered", "expired")),
    ("direct", SILENCE, "s3-no-answer"),
    ("unsigned", SERVED, "unsigned-served"),
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
    ("signed", edge("MalformedSignature"), "signed-malformed"),
    ("signed", s3("AccessDenied"), "signed-s3-denied"),
    ("signed", s3("NoSuchKey", 404), "signed-not-found"),
    ("signed", s3("InvalidRequest", 400), "strange-answer"),
    ("signed", Answer(status=403, headers=HEADERS, body=b"no"), "strange-answer"),
    ("signed", Answer(status=403, headers=HEADERS, body=PAGE), "html-answer"),
    ("signed", Answer(status=504, headers=HEADERS), "server-error"),
    ("tampered", SERVED, "wrong-url-served"),
    ("tampered", edge("InvalidKey"), "strange-answer"),
    ("expired", s3("AccessDenied"), "wrong-url-served"),
    ("expired", Answer(status=404, headers=HEADERS), "strange-answer"),
    # Another spelling of the path reaches the same file, or S3. Any other answer is of no bucket.
    ("respelled", SERVED, "unsigned-served"),
    ("respelled", s3("AccessDenied"), "unsigned-served"),
    ("respelled", s3("NoSuchKey", 404), "unsigned-served"),
    ("respelled", replace(SERVED, body=b"<"), ""),
    ("respelled", replace(SERVED, headers={**HEADERS, "etag": '"1"'}), ""),
    ("respelled", Answer(status=200, headers=HEADERS, body=PAGE), ""),
    ("respelled", Answer(status=404, headers=HEADERS, body=b"gone"), ""),
    ("respelled", Answer(status=301, headers=HEADERS), ""),
    ("respelled", s3("PermanentRedirect", 301), ""),
    ("respelled", Answer(status=403, headers=HEADERS, body=PAGE), ""),
    ("respelled", Answer(status=403, headers={"server": "nginx"}), ""),
    ("respelled", SILENCE, ""),
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
            if answer is SILENCE and expected:
                assert "Connection refused" in str(found)
            if which == "unsigned":  # CloudFront is asked no more
                assert ids(found)[-2:] == [expected, "s3-private"]


ERROR_PAGE = Answer(status=403, headers=HEADERS, body=PAGE)
NO_OBJECT = {"why_no_object": "No object was named (--object)"}


def dated(**headers: str) -> dict[str, Answer]:
    """Return a refusal with other headers about its time."""
    return {"unsigned": replace(edge("MissingKey"), headers={**HEADERS, **headers})}


#: What is answered otherwise, and what else is known -> all that is found.
OTHERWISE: list[tuple[dict[str, Answer], dict[str, Any], list[str]]] = [
    # Nothing open reads the bucket: what answers is another one's.
    ({"respelled": SERVED}, {"is_open_respelled": False}, HEALTHY),
    # It is unknown which bucket answers: the file tells.
    ({"respelled": s3("AccessDenied")}, {"is_open_respelled": None}, HEALTHY),
    (
        {"respelled": SERVED},
        {"is_open_respelled": None},
        [*HEALTHY[:2], "unsigned-served", HEALTHY[2]],
    ),
    # No object was named, or nothing can be signed.
    (
        {"signed": s3("AccessDenied")},
        {**NO_OBJECT, "wanted": Wanted(expire=3600, cors_origins=(ORIGIN,))},
        HEALTHY,
    ),
    ({}, {"signer": None, "direct_url": None}, ["unsigned-refused"]),
    # Without a Date, clocks cannot be compared. A cached answer has its Age.
    (dated(date=""), {}, ["clock-unknown", *HEALTHY]),
    (dated(date="Thu, 99 Jan 2026 00:00:00 GMT"), {}, ["clock-unknown", *HEALTHY]),
    (dated(date=formatdate(NOW - 5000, usegmt=True), age="5000"), {}, HEALTHY),
    # A page of the distribution's own is a refusal if a signed URL is served, only then.
    *(
        (dict.fromkeys(("unsigned", "tampered", "expired"), page), {}, HEALTHY)
        for page in (
            ERROR_PAGE,
            replace(ERROR_PAGE, status=404),
            replace(ERROR_PAGE, body=b"Members only."),
        )
    ),
    (
        {"unsigned": ERROR_PAGE, "tampered": SERVED, "expired": ERROR_PAGE},
        {},
        ["unsigned-refused", "signed-served", "wrong-url-served", "s3-private"],
    ),
    (
        {"unsigned": ERROR_PAGE, "signed": ERROR_PAGE},
        {},
        ["unsigned-refused", "html-answer", "s3-private"],
    ),
    ({"unsigned": ERROR_PAGE}, {"signer": None}, ["html-answer", "s3-private"]),
]


def test_other_answers(wanted: RequestedObject, subtests: pytest.Subtests) -> None:
    """Take an answer for what it can prove, with what else is known."""
    for at, (answers, known, expected) in enumerate(OTHERWISE):
        with subtests.test(at=at, expected=expected):
            assert ids(examine(replace(wanted, **known), answering(**answers))) == expected


def test_error_page_and_no_file(wanted: RequestedObject) -> None:
    """Say that nothing is known if there is no file to ask for either."""
    wanted = replace(wanted, why_no_object="The bucket has no file yet")

    found = examine(wanted, answering(unsigned=ERROR_PAGE, signed=ERROR_PAGE))

    (page,) = [each for each in found if each.id == "html-answer"]
    assert wanted.why_no_object in page.what


def test_local_edge_that_does_not_run(wanted: RequestedObject) -> None:
    """Tell which edge to start if nothing answers for the domain, which is this machine."""
    local = replace(wanted, url="http://cdn.site.localhost:8011/media/1.jpg")

    (edge, _), (domain, _) = (
        examine(each, answering(unsigned=SILENCE)) for each in (local, wanted)
    )

    assert (edge.level, domain.level) == (Level.WARNING, Level.ERROR)
    assert "manage.py cfsigned_edge" in edge.fix
    assert "edge" not in domain.fix


def test_other_spelling(wanted: RequestedObject, subtests: pytest.Subtests) -> None:
    """Escape a letter and the slashes of the path, without a signature; nothing that is escaped."""
    for path, respelled in (
        ("media/1.jpg", "%6Dedia%2F1.jpg"),
        ("%ED%95%9C/a/b.jpg", "%ED%95%9C%2F%61%2Fb.jpg"),
        ("1.jpg", "1.%6Apg"),
        ("1%ED/2", "1%ED%2F2"),
    ):
        with subtests.test(path=path):
            asked: list[str] = []
            url = f"https://{DOMAIN}/{path}"

            def fetch(url: str, headers: Mapping[str, str], asked: list[str] = asked) -> Answer:
                asked.append(url)
                return answering()(url, headers)

            examine(replace(wanted, url=url), fetch)

            assert f"https://{DOMAIN}/{respelled}" in asked


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
            found = examine(needing(wanted, expire=expire), answering(), ahead=ahead)

            clock = [each for each in found if each.id == "clock-off"]
            assert [each.level for each in clock] == ([level] if level is not Level.OK else [])
            assert all(("behind" in each.what) is (ahead < 0) for each in clock)
            assert len(faults(found)) == len(clock)


def test_direct_url() -> None:
    """Address an object at the endpoint that the client knows, which may be an emulator."""
    url = direct_url(make_client("s3", endpoint_url="http://localhost:1/"), "b.c", "a b/한.jpg")

    assert url == "http://localhost:1/b.c/a%20b/%ED%95%9C.jpg"


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
    # The copy may be older than the rule.
    ((None, None), {"x-cache": "Hit from cloudfront"}, False, ["cors-headers-missing"], ["cache"]),
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
        origins = (ORIGIN, OTHER_ORIGIN)[: len(allowed) // 2]
        asked = needing(wanted, cors_origins=origins, cookies=cookies)
        with subtests.test(at=at, expected=expected):
            found = examine(asked, with_cors(*allowed, **headers))

            about = [each for each in found if each.id.startswith("cors")]
            assert ids(about) == expected
            assert all(words in each.what for words, each in zip(named, about, strict=True))
