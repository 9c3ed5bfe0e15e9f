"""Try whether pages of other origins may read an object, cached or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from cfsigned_django.doctor.answers import check_cors, check_direct, direct_url
from cfsigned_django.doctor.findings import Finding
from cfsigned_django.doctor.live import RequestedObject, examine_live
from cfsigned_django.signing import PrivateKey, Signer
from cfsigned_django.viewer import Answer, NoAnswer, fetch
from tests.doctor import faults, ids
from tests.doctor.caching_server import caching_server
from tests.doctor.played import DIRECT, ORIGIN, SERVED, URL, answering, clock, edge, s3
from tests.storage_cases import KEY_ID


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
def test_direct(direct: Answer, kind_id: str, wanted: RequestedObject) -> None:
    """Say what S3 answers to who comes without CloudFront."""
    assert ids(examine_live(wanted, answering(direct=direct), clock))[-1] == kind_id


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


def test_no_signature_is_shown(wanted: RequestedObject) -> None:
    """Show no signature in what is said of answers."""
    for signed in (SERVED, edge("InvalidKey"), s3("AccessDenied"), edge("AccessDenied")):
        asked = replace(wanted, cors_origins=[ORIGIN])
        found = list(examine_live(asked, answering(signed=signed), clock))

        assert "Signature=" not in str(found)
        assert "Expires=" not in str(found)


NOW = 1_800_000_000
APP, ADMIN = "https://app.example.com", "https://admin.example.com"


def examine(key: PrivateKey, *origins: str, allowed: list[str], keyed: bool) -> list[Finding]:
    """Return what the doctor finds, over HTTP."""
    signer = Signer(key_pair_id=KEY_ID, private_key=key)
    with caching_server(allowed=allowed, keys_on_origin=keyed, now=NOW) as address:
        wanted = RequestedObject(
            url=f"{address}/media/1.jpg",
            signer=signer,
            direct_url=None,
            cors_origins=origins,
        )
        return list(examine_live(wanted, fetch, lambda: NOW))


def test_one_copy_for_each_origin(ec_key: PrivateKey) -> None:
    """Find nothing where the cache keeps a copy for each origin: miss and hit have the header."""
    found = examine(ec_key, APP, ADMIN, allowed=[APP, ADMIN], keyed=True)

    assert faults(found) == []
    assert {"signed-served", "tampered-refused", "expired-refused", "cors"} <= {*ids(found)}


@pytest.mark.parametrize("origins", [(APP,), (APP, ADMIN)])
def test_copy_of_a_request_without_origin(origins: tuple[str, ...], ec_key: PrivateKey) -> None:
    """Say that the copy of a request without Origin is replayed to pages, without the header."""
    found = examine(ec_key, *origins, allowed=[APP, ADMIN], keyed=False)

    assert faults(found) == ["cors-headers-missing"] * len(origins)
    [first, *_] = [each for each in found if each.id == "cors-headers-missing"]
    assert "from the cache" in first.what
    assert "Invalidate the path" in first.fix


def test_origin_that_the_bucket_does_not_allow(ec_key: PrivateKey) -> None:
    """Name the one origin that gets no header, whatever the cache does."""
    found = examine(ec_key, APP, ADMIN, allowed=[APP], keyed=True)

    [fault] = [each for each in found if each.id in faults(found)]
    assert fault.id == "cors-headers-missing"
    assert ADMIN in fault.what
