"""Ask the edge what CloudFront would be asked: the verifier's cases, seen from outside.

The lifetimes in here end at EXPIRES; the clock stands an hour before that.
"""

from __future__ import annotations

import pytest

from cfsigned_django.edge import Behavior
from cfsigned_django.edge.client import EdgeClient
from cfsigned_django.signing import HashAlgorithm, PrivateKey, Signer
from cfsigned_django.signing.encoding import encode_base64
from tests.edge import BASE, EXPIRES, HOST, IMAGE, KEY_ID, check_refused
from tests.edge.conftest import MakeClient


@pytest.fixture
def rsa_signer(rsa_key: PrivateKey) -> Signer:
    """Return a signer that uses RSA and SHA1, CloudFront's defaults."""
    return Signer(key_pair_id=KEY_ID, private_key=rsa_key)


@pytest.fixture
def rsa_sha256_signer(rsa_key: PrivateKey) -> Signer:
    """Return a signer that uses RSA and SHA256."""
    return Signer(key_pair_id=KEY_ID, private_key=rsa_key, hash_algorithm=HashAlgorithm.SHA256)


@pytest.fixture
def rsa_client(make_client: MakeClient, rsa_key: PrivateKey) -> EdgeClient:
    """Return a client of an edge that trusts the RSA key."""
    return make_client(key_groups={"group": {KEY_ID: rsa_key.public_key}})


class TestCanned:
    def test_v1_allows(self, rsa_client: EdgeClient, rsa_signer: Signer) -> None:
        """Serve a URL with a canned policy."""
        response = rsa_client.get(rsa_signer.sign_url(IMAGE, date_less_than=EXPIRES))
        assert response.status == 200
        assert response.headers["X-Cache"] == "Miss from cloudfront"

    def test_v2_missing_hash_algorithm(
        self, rsa_client: EdgeClient, rsa_sha256_signer: Signer
    ) -> None:
        """Refuse a SHA256 signature whose Hash-Algorithm was lost, since SHA1 is assumed."""
        url = rsa_sha256_signer.sign_url(IMAGE, date_less_than=EXPIRES)
        assert rsa_client.get(url).status == 200
        check_refused(rsa_client.get(url.removesuffix("&Hash-Algorithm=SHA256")), "AccessDenied")

    def test_v3_wrong_hash_algorithm(self, rsa_client: EdgeClient, rsa_signer: Signer) -> None:
        """Refuse a SHA1 signature that says SHA256."""
        url = rsa_signer.sign_url(IMAGE, date_less_than=EXPIRES) + "&Hash-Algorithm=SHA256"
        check_refused(rsa_client.get(url), "AccessDenied")

    def test_v4_explicit_sha1(self, rsa_client: EdgeClient, rsa_signer: Signer) -> None:
        """Serve a SHA1 signature that says so."""
        url = rsa_signer.sign_url(IMAGE, date_less_than=EXPIRES) + "&Hash-Algorithm=SHA1"
        assert rsa_client.get(url).status == 200

    def test_v5_any_order(self, rsa_client: EdgeClient, rsa_signer: Signer) -> None:
        """Serve whatever the order of CloudFront's parameters, such as that of AWS's JavaScript."""
        address, _, query = rsa_signer.sign_url(IMAGE, date_less_than=EXPIRES).partition("?")
        expires, signature, key_pair_id = query.split("&")
        assert rsa_client.get(f"{address}?{expires}&{key_pair_id}&{signature}").status == 200

    def test_v6_added_parameter(self, client: EdgeClient, signer: Signer) -> None:
        """Refuse a URL that got a parameter after it was signed, and tell only the log why."""
        response = client.get(signer.sign_url(IMAGE, date_less_than=EXPIRES) + "&size=large")
        check_refused(response, "AccessDenied")
        assert "`&size=large` was added after signing" in response.reason

    def test_v7_changed_expiry(self, client: EdgeClient, signer: Signer) -> None:
        """Refuse a URL whose expiry was moved by a second."""
        url = signer.sign_url(IMAGE, date_less_than=EXPIRES)
        later = url.replace(f"Expires={EXPIRES}", f"Expires={EXPIRES + 1}")
        check_refused(client.get(later), "AccessDenied")

    def test_v8_expired(self, client: EdgeClient, signer: Signer) -> None:
        """Refuse a URL two seconds after its end, and log since when."""
        response = client.get(signer.sign_url(IMAGE, date_less_than=EXPIRES), now=EXPIRES + 2)
        check_refused(response, "AccessDenied")
        assert response.reason == "expired 2 s ago"

    def test_v20_tilde_sent_as_escape(self, client: EdgeClient, signer: Signer) -> None:
        """Serve a URL whose ~ a client has turned into %7E."""
        signed = (
            signer.sign_url(f"{BASE}/{number}.jpg", date_less_than=EXPIRES)
            for number in range(1000)
        )
        url = next(url for url in signed if "~" in url)
        assert client.get(url.replace("~", "%7E")).status == 200


class TestCredentials:
    def test_v9_none(self, client: EdgeClient) -> None:
        """Ask for a key where there are no credentials at all."""
        check_refused(client.get(IMAGE), "MissingKey")

    def test_v10_empty_key_pair_id(self, client: EdgeClient, signer: Signer) -> None:
        """Ask for a key where Key-Pair-Id is empty."""
        url = signer.sign_url(IMAGE, date_less_than=EXPIRES)
        check_refused(client.get(url.replace(KEY_ID, "")), "MissingKey")

    def test_v11_unknown_key(self, client: EdgeClient, signer: Signer) -> None:
        """Refuse a key that is in no trusted key group."""
        url = signer.sign_url(IMAGE, date_less_than=EXPIRES)
        check_refused(client.get(url.replace(KEY_ID, "K2OTHERKEY")), "InvalidKey")

    def test_v12_malformed_signature(self, client: EdgeClient) -> None:
        """Refuse a signature that is not CloudFront's base64."""
        url = f"{IMAGE}?Expires={EXPIRES}&Signature=!!!&Key-Pair-Id={KEY_ID}"
        check_refused(client.get(url), "MalformedSignature")

    @pytest.mark.parametrize(
        "policy",
        [
            b'{"Statement":{"Resource":"*","Condition":{"DateLessThan":{"AWS:EpochTime":9}}}}',
            b'{"Statement":[{"Resource":"*","Condition":{}}]}',
            b"no JSON",
        ],
    )
    def test_v13_malformed_policy(
        self, client: EdgeClient, ec_key: PrivateKey, policy: bytes
    ) -> None:
        """Refuse a policy of the wrong shape, though it is signed."""
        signature = encode_base64(ec_key.sign(policy, HashAlgorithm.SHA256))
        url = (
            f"{IMAGE}?Policy={encode_base64(policy)}&Signature={signature}"
            f"&Key-Pair-Id={KEY_ID}&Hash-Algorithm=SHA256"
        )
        check_refused(client.get(url), "MalformedPolicy")

    def test_v23_removed_key(self, make_client: MakeClient, signer: Signer) -> None:
        """Follow the key groups as they change: both keys at first, then the new one only."""
        new = Signer(key_pair_id="K2NEWKEY", private_key=PrivateKey.generate())
        keys = {
            KEY_ID: signer.private_key.public_key,
            new.key_pair_id: new.private_key.public_key,
        }
        client = make_client(key_groups=lambda: {"group": keys})
        old_url, new_url = (each.sign_url(IMAGE, date_less_than=EXPIRES) for each in (signer, new))
        assert [client.get(old_url).status, client.get(new_url).status] == [200, 200]
        del keys[KEY_ID]
        check_refused(client.get(old_url), "InvalidKey")
        assert client.get(new_url).status == 200

    def test_key_of_another_behavior(self, make_client: MakeClient, signer: Signer) -> None:
        """Refuse a key that only another behavior of the distribution trusts."""
        client = make_client(
            behaviors=(
                Behavior(path_pattern="a/*", trusted_key_groups=("group",)),
                Behavior(trusted_key_groups=("other",)),
            ),
            key_groups={"group": {KEY_ID: signer.private_key.public_key}, "other": {}},
        )
        inside = signer.sign_url(f"{BASE}/a/image.jpg", date_less_than=EXPIRES)
        assert client.get(inside).status == 200
        check_refused(client.get(signer.sign_url(IMAGE, date_less_than=EXPIRES)), "InvalidKey")


class TestLongRequests:
    def test_v22_end_of_life_during_download(self, make_client: MakeClient, signer: Signer) -> None:
        """Finish a download that began in time; refuse a range asked for too late."""
        clock = [EXPIRES - 2]

        def slow_origin(environ, start_response):  # type: ignore[no-untyped-def]
            start_response("200 OK", [])
            for part in (b"first,", b"last"):
                yield part
                clock[0] = EXPIRES + 60

        client = make_client(origin=slow_origin, clock=lambda: float(clock[0]))
        url = signer.sign_url(IMAGE, date_less_than=EXPIRES)
        assert client.get(url).body == b"first,last"
        late = client.get(url, now=EXPIRES + 2, headers={"Range": "bytes=6-"})
        check_refused(late, "AccessDenied")


class TestMethods:
    def test_unsigned_preflight(self, make_client: MakeClient) -> None:
        """Refuse an OPTIONS request without a signature: what CloudFront does is not documented."""
        client = make_client(
            behaviors=(
                Behavior(
                    trusted_key_groups=("group",),
                    allowed_methods=frozenset({"GET", "HEAD", "OPTIONS"}),
                ),
            )
        )
        check_refused(client.request("OPTIONS", IMAGE), "MissingKey")

    def test_head_of_refusal(self, client: EdgeClient) -> None:
        """Refuse HEAD with the same headers and no body."""
        response = client.request("HEAD", IMAGE)
        assert (response.status, response.body) == (403, b"")
        assert response.headers["Content-Length"] == "146"


def test_resource_is_for_the_host_asked(make_client: MakeClient, signer: Signer) -> None:
    """Refuse a URL signed for another of the distribution's domain names."""
    client = make_client(domain_names=(HOST, "cdn.example.com"))
    url = signer.sign_url(IMAGE, date_less_than=EXPIRES)
    assert client.get(url).status == 200
    check_refused(client.get(url.replace(HOST, "cdn.example.com")), "AccessDenied")
