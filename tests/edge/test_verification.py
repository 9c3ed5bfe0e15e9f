"""Ask the edge what CloudFront would be asked: what the verifier needs arrives, whole and raw.

The verifier's own cases are in tests/signing; here is what the edge adds. The
lifetimes end at EXPIRES; the clock stands an hour before that.
"""

from __future__ import annotations

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from cfsigned_django.edge import Behavior
from cfsigned_django.edge.client import EdgeClient
from cfsigned_django.signing import Policy, PrivateKey, Signer
from tests.edge import BASE, EXPIRES, HOST, IMAGE, KEY_ID, check_refused
from tests.edge.conftest import MakeClient

ALL = Policy(resource=f"{BASE}/*", date_less_than=EXPIRES)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("?", "?x&", "AccessDenied"),
        (f"Expires={EXPIRES}", f"Expires={EXPIRES + 1}", "AccessDenied"),
        ("&Hash-Algorithm=SHA256", "", "AccessDenied"),
        (KEY_ID, "", "MissingKey"),
        (KEY_ID, "K2OTHERKEY", "InvalidKey"),
        ("Signature=", "Signature=!!!", "MalformedSignature"),
        ("Expires=", "Policy=", "MalformedPolicy"),
    ],
)
def test_refusals(old: str, new: str, code: str, client: EdgeClient, signer: Signer) -> None:
    """Serve a signed URL, and refuse a damaged one in CloudFront's bytes (V1 to V13)."""
    url = signer.sign_url(IMAGE, date_less_than=EXPIRES)
    assert client.get(url).headers["X-Cache"] == "Miss from cloudfront"
    check_refused(client.get(url.replace(old, new)), code)


def test_v9_no_credentials(client: EdgeClient) -> None:
    """Ask for a key if there are no credentials; refuse HEAD with the same headers and no body."""
    check_refused(client.get(IMAGE), "MissingKey")
    head = client.request("HEAD", IMAGE)
    assert (head.status, head.body, head.headers["Content-Length"]) == (403, b"", "146")


def test_v8_v14_time(client: EdgeClient, signer: Signer) -> None:
    """Serve from the second after the start to the second before the end (V8, V14)."""
    start = 1767200000
    policy = Policy(resource=IMAGE, date_less_than=EXPIRES, date_greater_than=start)
    url = signer.sign_url(IMAGE, policy=policy)
    assert [client.get(url, now=now).status for now in (start + 1, EXPIRES - 1)] == [200, 200]
    for now in (start, EXPIRES):
        check_refused(client.get(url, now=now), "AccessDenied")


def test_v15_address(client: EdgeClient, signer: Signer) -> None:
    """Serve the addresses of the range only; a header changes nothing about that (V15)."""
    policy = Policy(resource=IMAGE, date_less_than=EXPIRES, ip_address="192.168.0.0/24")
    url = signer.sign_url(IMAGE, policy=policy)
    assert client.get(url, viewer_ip="192.168.0.77").status == 200
    headers = {"X-Forwarded-For": "192.168.0.77"}
    check_refused(client.get(url, viewer_ip="192.168.1.1", headers=headers), "AccessDenied")


def test_v20_tilde_sent_as_escape(client: EdgeClient, signer: Signer) -> None:
    """Serve a URL whose ~ a client has turned into %7E (V20)."""
    urls = (signer.sign_url(f"{BASE}/{n}.jpg", date_less_than=EXPIRES) for n in range(1000))
    url = next(url for url in urls if "~" in url)
    assert client.get(url.replace("~", "%7E")).status == 200


def test_v17_v18_cookies(client: EdgeClient, signer: Signer) -> None:
    """Serve by cookies, by all of them, and by none if the URL is a signed one (V17, V18)."""
    cookies = signer.sign_cookies(ALL)
    assert client.get(IMAGE, cookies=cookies).status == 200
    check_refused(client.get(f"{IMAGE}?Expires=9", cookies=cookies), "MissingKey")
    del cookies["CloudFront-Hash-Algorithm"]
    check_refused(client.get(IMAGE, cookies=cookies), "AccessDenied")


def test_two_sets_of_cookies(client: EdgeClient, signer: Signer) -> None:
    """Serve only what both sets allow, if a browser sends each cookie twice."""

    def header(folder: str) -> str:
        policy = Policy(resource=f"{BASE}/{folder}/*", date_less_than=EXPIRES)
        return "; ".join(f"{key}={value}" for key, value in signer.sign_cookies(policy).items())

    a, b = header("a"), header("b")
    for url, sent, status in [
        (f"{BASE}/a/1.jpg", a, 200),
        (f"{BASE}/a/1.jpg", f"{a}; {a}; theme=dark; theme=light", 200),
        (f"{BASE}/a/1.jpg", f"{a}; {b}", 403),
        (f"{BASE}/b/1.jpg", f"{a}; {b}", 403),
    ]:
        assert client.get(url, headers={"Cookie": sent}).status == status


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
    client = make_client(
        behaviors=(
            Behavior(path_pattern="a/*", trusted_key_groups=("group",)),
            Behavior(trusted_key_groups=("other",)),
        ),
        key_groups={"group": {KEY_ID: signer.private_key.public_key}, "other": {}},
    )
    inside, outside = (
        signer.sign_url(url, date_less_than=EXPIRES) for url in (f"{BASE}/a/image.jpg", IMAGE)
    )
    assert client.get(inside).status == 200
    check_refused(client.get(outside), "InvalidKey")


def test_v22_end_of_life_during_download(make_client: MakeClient, signer: Signer) -> None:
    """Finish a download that began in time; refuse a range asked for too late (V22)."""
    clock = [EXPIRES - 2]

    def slow_origin(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        for part in (b"first,", b"last"):
            yield part
            clock[0] = EXPIRES + 60

    client = make_client(origin=slow_origin, clock=lambda: float(clock[0]))
    url = signer.sign_url(IMAGE, date_less_than=EXPIRES)
    assert client.get(url).body == b"first,last"
    check_refused(client.get(url, headers={"Range": "bytes=6-"}), "AccessDenied")


def test_unsigned_preflight(make_client: MakeClient) -> None:
    """Refuse an OPTIONS request without a signature: what CloudFront does is not documented."""
    methods = frozenset({"GET", "HEAD", "OPTIONS"})
    behavior = Behavior(trusted_key_groups=("group",), allowed_methods=methods)
    check_refused(make_client(behaviors=(behavior,)).request("OPTIONS", IMAGE), "MissingKey")


def test_resource_is_for_the_host_asked(make_client: MakeClient, signer: Signer) -> None:
    """Refuse a URL signed for another of the distribution's domain names."""
    client = make_client(domain_names=(HOST, "cdn.example.com"))
    url = signer.sign_url(IMAGE, date_less_than=EXPIRES)
    assert client.get(url).status == 200
    check_refused(client.get(url.replace(HOST, "cdn.example.com")), "AccessDenied")
