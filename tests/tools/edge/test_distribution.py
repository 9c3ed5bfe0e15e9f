"""Read a request as it was sent, decide about it as CloudFront does, and hand it to the origin.

The verifier's own cases are in tests/signing; here is what the edge adds. The
lifetimes end at EXPIRES; the clock stands an hour before that.

Modules: tools/edge/local_distribution.py, tools/edge/requests.py, tools/edge/responses.py,
tools/edge/client.py
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from cfsigned_django.signing import Policy, PrivateKey, Signer
from cfsigned_django.signing.encoding import encode_url
from cfsigned_django.tools.edge import Behavior, Distribution
from cfsigned_django.tools.edge.client import EdgeClient
from cfsigned_django.tools.edge.requests import raw_target
from tests.golden import assert_golden
from tests.signing.cases import BODIES, EXPIRES, IMAGE, KEY_ID, ORIGIN
from tests.tools.edge.conftest import (
    HOST,
    MakeClient,
    call,
    check_refused,
    echo_origin,
)

ALL = Policy(resource=f"{ORIGIN}/*", date_less_than=EXPIRES)

OPEN = (Behavior(),)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"domain_names": ()}, "domain_names"),
        ({"domain_names": ("https://cdn.example.com",)}, "domain_names"),
        ({"behaviors": (Behavior(path_pattern="a"),)}, "behaviors"),
        ({"behaviors": (Behavior(), Behavior(path_pattern="a"))}, "behaviors"),
        ({"behaviors": ()}, "behaviors"),
        ({"behaviors": (Behavior(trusted_key_groups=("nobody",)),)}, "nobody"),
    ],
)
def test_refuses(options: dict[str, Any], message: str) -> None:
    """Refuse a distribution that could not work, and name the argument."""
    arguments: dict[str, Any] = {"domain_names": (HOST,), "origin": echo_origin} | options
    with pytest.raises(ValueError, match=message):
        Distribution(**arguments)


# Reading the request


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"RAW_URI": "/a%2Fb?x=%27", "REQUEST_URI": "/x", "PATH_INFO": "/a/b"}, "/a%2Fb?x=%27"),
        ({"REQUEST_URI": "/a%2Fb", "PATH_INFO": "/a/b"}, "/a%2Fb"),
        (
            {"SCRIPT_NAME": "/cdn", "PATH_INFO": "/a", "QUERY_STRING": "x=%27&y=a+b"},
            "/cdn/a?x=%27&y=a+b",
        ),
        ({"PATH_INFO": "/\xff"}, "/%EF%BF%BD"),
    ],
)
def test_raw_target(environ: dict[str, str], expected: str) -> None:
    """Take the target as a server hands it on, or else rebuild it from the decoded path."""
    assert raw_target(environ) == expected


@pytest.mark.parametrize(
    "name", ["a b.jpg", "한글.pdf", "it's (1)!*~.jpg", "50%.jpg", "100%25.jpg", "a+b,c;d.jpg"]
)
def test_rebuilt(name: str) -> None:
    """Encode a decoded path as the signer does, so that its URLs verify on any server."""
    path = f"/{name}".encode().decode("latin-1")
    signed = encode_url(f"{ORIGIN}/" + name.replace("%", "%25"))
    assert ORIGIN + raw_target({"PATH_INFO": path}) == signed


# Signatures


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("?", "?x&", "AccessDenied"),
        (KEY_ID, "", "MissingKey"),
        (KEY_ID, "K2OTHERKEY", "InvalidKey"),
        ("Signature=", "Signature=!!!", "MalformedSignature"),
        ("Expires=", "Policy=", "MalformedPolicy"),
    ],
)
def test_refusals(old: str, new: str, code: str, client: EdgeClient, url: str) -> None:
    """Serve a signed URL, and refuse a damaged one in CloudFront's bytes (V1 to V13)."""
    assert client.get(url).headers["X-Cache"] == "Miss from cloudfront"
    check_refused(client.get(url.replace(old, new)), code)
    headers = {"Origin": "https://app.example.com"}
    head = client.request("HEAD", url.replace(old, new), headers=headers)
    assert (head.status, head.body) == (403, b"")
    assert head.headers["Content-Length"] == str(len(BODIES[code]))
    # Browsers report it as a CORS error.
    assert "access-control" not in str(head.headers).lower()


def test_v17_v18_cookies(client: EdgeClient, signer: Signer) -> None:
    """Serve by whole sets of cookies what all of them allow; a signed URL counts alone."""

    def header(folder: str) -> str:
        policy = Policy(resource=f"{ORIGIN}/{folder}*", date_less_than=EXPIRES)
        return "; ".join(f"{key}={value}" for key, value in signer.sign_cookies(policy).items())

    everything, a, b = header(""), header("a/"), header("b/")
    url = f"{ORIGIN}/a/1.jpg"
    for target, sent, code in [
        (url, f"{a};CloudFront-Signature; c=", None),
        (url, f"{everything}; {a}; {a}; theme=dark; theme=light", None),
        (f"{url}?Expires=9", a, "MissingKey"),
        (url, a.replace("CloudFront-Hash-Algorithm", "x"), "AccessDenied"),
        # A browser sends each cookie twice if two paths or domains set it.
        (url, f"{a}; {b}", "AccessDenied"),
        (f"{ORIGIN}/b/1.jpg", f"{a}; {b}", "AccessDenied"),
    ]:
        assert client.get(target, headers={"Cookie": sent}).error_code == code, (target, sent)


def test_v23_removed_key(make_client: MakeClient, signer: Signer) -> None:
    """Follow the key groups as they change: both keys, the new one only, no group (V23)."""
    new = Signer(key_pair_id="K2NEWKEY", private_key=PrivateKey.generate())
    groups = {"group": {each.key_pair_id: each.private_key.public_key for each in (signer, new)}}
    client = make_client(key_groups=lambda: groups)
    old_url, new_url = (each.sign_url(IMAGE, date_less_than=EXPIRES) for each in (signer, new))
    assert [client.get(old_url).status, client.get(new_url).status] == [200, 200]
    del groups["group"][KEY_ID]
    check_refused(client.get(old_url), "InvalidKey")
    assert client.get(new_url).status == 200
    groups.clear()
    check_refused(client.get(new_url), "InvalidKey")


def test_key_of_another_behavior(make_client: MakeClient, signer: Signer) -> None:
    """Refuse a key that only another behavior of the distribution trusts."""
    behaviors = (
        Behavior(path_pattern="a/*", trusted_key_groups=("group",)),
        Behavior(trusted_key_groups=("other",)),
    )
    groups = {"group": {KEY_ID: signer.private_key.public_key}, "other": {}}
    client = make_client(behaviors=behaviors, key_groups=groups)
    for url, code in ((f"{ORIGIN}/a/image.jpg", None), (IMAGE, "InvalidKey")):
        signed = signer.sign_url(url, date_less_than=EXPIRES)
        assert client.get(signed).error_code == code


def test_v22_end_of_life_during_download(make_client: MakeClient, url: str) -> None:
    """Finish a download that began in time; refuse a range asked for too late (V22)."""
    clock = [EXPIRES - 2]

    def slow_origin(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        for part in (b"first,", b"last"):
            yield part
            clock[0] = EXPIRES + 60

    client = make_client(origin=slow_origin, clock=lambda: float(clock[0]))
    assert client.get(url).body == b"first,last"
    check_refused(client.get(url, headers={"Range": "bytes=6-"}), "AccessDenied")


def test_unsigned_preflight(make_client: MakeClient) -> None:
    """Refuse an OPTIONS request without a signature: what CloudFront does is not documented."""
    methods = frozenset({"GET", "HEAD", "OPTIONS"})
    behavior = Behavior(trusted_key_groups=("group",), allowed_methods=methods)
    check_refused(make_client(behaviors=(behavior,)).request("OPTIONS", IMAGE), "MissingKey")


def test_host_counts(make_client: MakeClient, url: str) -> None:
    """Refuse a URL signed for another of the domain names, whose case does not matter."""
    client = make_client(domain_names=(HOST, "cdn.example.com"))
    assert client.get(url.replace(HOST, HOST.upper())).status == 200
    check_refused(client.get(url.replace(HOST, "cdn.example.com")), "AccessDenied")


# Serving


def test_pages(make_client: MakeClient, log: pytest.LogCaptureFixture) -> None:
    """Answer in CloudFront's status, on a page that says whose words it has, and log why."""
    longest = "/image.jpg?" + "a" * (8192 - len(IMAGE) - 1)
    distribution = make_client(behaviors=OPEN).distribution
    for environ, expected in [
        *(({"REQUEST_METHOD": each}, "403 Forbidden") for each in ("POST", "OPTIONS", "get")),
        *(({"HTTP_HOST": each}, "403 Forbidden") for each in ("localhost:8001", f"{HOST}:8001")),
        ({"CONTENT_LENGTH": "3"}, "403 Forbidden"),
        ({"HTTP_TRANSFER_ENCODING": "chunked"}, "403 Forbidden"),
        ({"RAW_URI": longest + "a"}, "413 Request Entity Too Large"),
        *(
            ({"RAW_URI": each}, "400 Bad Request")
            for each in ("/ü", "/a b", "/a\x1b[31m\n200 /b", "*", "http://other/a")
        ),
    ]:
        status, headers, body = call(distribution, **{"RAW_URI": "/image.jpg"} | environ)
        assert status == expected
        assert headers["Content-Type"] == "text/html; charset=utf-8"
        assert headers["Content-Length"] == str(len(body))
        assert headers["X-Cache"] == "Error from cloudfront"
        assert body.startswith(b"<!DOCTYPE html>")
        assert b"cfsigned_django" in body
    for environ in ({"RAW_URI": longest}, {"CONTENT_LENGTH": ""}, {"CONTENT_LENGTH": "0"}):
        assert call(distribution, **{"RAW_URI": "/image.jpg"} | environ)[0] == "200 OK"
    lines = [each.replace("a" * 41, "...") for each in log.messages[:-3]]
    assert all(each.isprintable() for each in lines)
    assert_golden("edge-pages", "\n".join(lines))


def test_too_many_cookies(make_client: MakeClient, url: str, log: pytest.LogCaptureFixture) -> None:
    """Refuse more than 20,480 bytes of request line and headers, as AWS's page of quotas says."""
    distribution = make_client(clock=lambda: EXPIRES - 1).distribution
    target = url.removeprefix(ORIGIN)
    others = f"GET {target} HTTP/1.1\r\nHost: {HOST}\r\nCookie: \r\n\r\n"
    longest = "a=".ljust(20_480 - len(others), "b")

    assert call(distribution, RAW_URI=target, HTTP_COOKIE=longest)[0] == "200 OK"
    status, _, body = call(distribution, RAW_URI=target, HTTP_COOKIE=longest + "b")
    assert status == "413 Request Entity Too Large"
    assert b"cfsigned_django" in body
    assert f"{len(longest) + 1} of them cookies" in log.messages[-1]


def test_error_of_origin(make_client: MakeClient, log: pytest.LogCaptureFixture) -> None:
    """Pass an origin's own error on, mark it, and log the sentence that the origin left."""

    def origin(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["cfsigned.reason"] = "nobody has this file"
        start_response("403 Forbidden", [("Server", "AmazonS3"), ("Content-Length", "2")])
        return [b"no"]

    response = make_client(behaviors=OPEN, origin=origin).get(IMAGE)
    assert (response.status, response.body) == (403, b"no")
    assert response.headers.get_all("Server") == ["AmazonS3"]
    assert response.headers["X-Cache"] == "Error from cloudfront"
    assert response.reason == "nobody has this file"
    assert log.messages == ["403 from the origin /image.jpg: nobody has this file"]


def test_headers_of_an_edge(make_client: MakeClient) -> None:
    """Add to each answer the headers that show an edge."""
    headers = make_client(behaviors=OPEN).get(IMAGE).headers
    assert (headers["X-Cache"], headers["Server"]) == ("Miss from cloudfront", "CloudFront")
    assert re.fullmatch(r"1\.1 .+\(CloudFront\)", headers["Via"] or "")
    assert headers["X-Amz-Cf-Pop"]
    assert len(headers["X-Amz-Cf-Id"] or "") == 57


def test_viewer_scheme(make_client: MakeClient, url: str) -> None:
    """Verify https URLs behind a proxy that terminates TLS, while the server sees http."""
    client = make_client(viewer_scheme="https")
    assert client.get(url.replace("https://", "http://")).status == 200
    assert make_client().get(url.replace("https://", "http://")).status == 403


def test_log(client: EdgeClient, signer: Signer, url: str, log: pytest.LogCaptureFixture) -> None:
    """Log path, names of parameters, cut if long, and the code of a refusal."""
    client.get(url)
    client.request("HEAD", url, now=EXPIRES + 12)
    client.get(f"{ORIGIN}/a%20b?{'x' * 50}=1", cookies=signer.sign_cookies(ALL), now=EXPIRES + 1)
    names = "Expires&Signature&Key-Pair-Id&Hash-Algorithm"
    assert [each.partition(":")[0] for each in log.messages] == [
        f"200 /image.jpg?{names}",
        f"403 AccessDenied HEAD /image.jpg?{names}",
        f"403 AccessDenied /a%20b?{'x' * 40}...",
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("?", ""),
        ("?", "%3F"),
        ("Signature=", "Signature"),
        ("Signature=", "Signature=x"),
    ],
)
def test_no_signature_in_the_log(
    client: EdgeClient, signer: Signer, url: str, log: pytest.LogCaptureFixture, old: str, new: str
) -> None:
    """Keep the signature out of the log, however a URL was mangled, and that of cookies too."""
    signature = url.split("Signature=")[1].split("&")[0]
    cookies = signer.sign_cookies(ALL)
    canned = signer.sign_cookies(Policy(resource=IMAGE, date_less_than=EXPIRES))
    client.get(url.replace(old, new))
    client.get(url + "&copy=" + signature)
    client.get(IMAGE, cookies=cookies, now=EXPIRES + 1)
    client.get(f"{IMAGE}?copy={canned['CloudFront-Signature']}", cookies=canned)
    secrets = [signature, *(value for each in (cookies, canned) for value in each.values())]
    assert len(log.messages) == 4
    assert not [each for each in secrets if len(each) > 40 and each in log.text]
