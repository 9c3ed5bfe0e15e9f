"""Ask the edge with custom policies, in URLs and in cookies."""

from __future__ import annotations

from cfsigned_django.edge.client import EdgeClient
from cfsigned_django.signing import HashAlgorithm, Policy, PrivateKey, Signer
from cfsigned_django.signing.encoding import encode_base64
from tests.edge import BASE, EXPIRES, IMAGE, KEY_ID, check_refused


class TestCustomPolicy:
    def test_v14_start(self, client: EdgeClient, signer: Signer) -> None:
        """Refuse at the very second of date_greater_than, and serve two seconds later."""
        start = 1767200000
        policy = Policy(
            resource=f"{BASE}/video.mp4", date_less_than=EXPIRES, date_greater_than=start
        )
        url = signer.sign_url(f"{BASE}/video.mp4", policy=policy)
        check_refused(client.get(url, now=start), "AccessDenied")
        assert client.get(url, now=start + 2).status == 200

    def test_v15_address(self, client: EdgeClient, signer: Signer) -> None:
        """Serve the addresses of the range only; a header changes nothing about that."""
        policy = Policy(
            resource=f"{BASE}/document.pdf", date_less_than=EXPIRES, ip_address="192.168.0.0/24"
        )
        url = signer.sign_url(f"{BASE}/document.pdf", policy=policy)
        assert client.get(url, viewer_ip="192.168.0.77").status == 200
        forwarded = client.get(
            url, viewer_ip="192.168.1.1", headers={"X-Forwarded-For": "192.168.0.77"}
        )
        check_refused(forwarded, "AccessDenied")

    def test_v16_wildcard(self, client: EdgeClient, signer: Signer) -> None:
        """Serve what a trailing * covers, query included, and not its neighbours."""
        policy = Policy(resource=f"{BASE}/images/*", date_less_than=EXPIRES)
        credentials = signer.sign_url(f"{BASE}/images/photo1.jpg", policy=policy).partition("?")[2]
        assert client.get(f"{BASE}/images/a.jpg?y=1&{credentials}").status == 200
        check_refused(client.get(f"{BASE}/imagesX/a.jpg?{credentials}"), "AccessDenied")

    def test_v19_signed_as_sent(self, client: EdgeClient, ec_key: PrivateKey) -> None:
        """Serve a policy with white space and its conditions in another order."""
        policy = (
            '{ "Statement": [{"Condition": {"IpAddress": {"AWS:SourceIp": "10.0.0.0/8"},\r\n'
            f'"DateLessThan": {{"AWS:EpochTime": {EXPIRES}}}}}, "Resource": "{IMAGE}"}}]}}'
        ).encode()
        signature = encode_base64(ec_key.sign(policy, HashAlgorithm.SHA256))
        url = (
            f"{IMAGE}?Policy={encode_base64(policy)}&Signature={signature}"
            f"&Key-Pair-Id={KEY_ID}&Hash-Algorithm=SHA256"
        )
        assert client.get(url, viewer_ip="10.1.2.3").status == 200


class TestCookies:
    def test_v17_url_wins(self, client: EdgeClient, signer: Signer) -> None:
        """Look at no cookie where the URL has one of CloudFront's parameters."""
        cookies = signer.sign_cookies(Policy(resource=f"{BASE}/*", date_less_than=EXPIRES))
        assert client.get(IMAGE, cookies=cookies).status == 200
        bad = signer.sign_url(IMAGE, date_less_than=EXPIRES).replace("image", "other")
        check_refused(client.get(bad, cookies=cookies), "AccessDenied")
        assert client.get(f"{IMAGE}?Expires=9", cookies=cookies).status == 403

    def test_v18_hash_algorithm_cookie(self, client: EdgeClient, signer: Signer) -> None:
        """Refuse cookies signed with SHA256 whose fourth one is missing."""
        cookies = signer.sign_cookies(
            Policy(resource=f"{BASE}/*", date_less_than=EXPIRES, ip_address="10.0.0.0/8")
        )
        assert client.get(IMAGE, cookies=cookies, viewer_ip="10.0.0.1").status == 200
        del cookies["CloudFront-Hash-Algorithm"]
        check_refused(client.get(IMAGE, cookies=cookies, viewer_ip="10.0.0.1"), "AccessDenied")

    def test_two_sets(self, client: EdgeClient, signer: Signer) -> None:
        """Serve only where both sets allow it, when a browser sends each cookie twice."""
        header = {
            name: "; ".join(
                f"{key}={value}"
                for key, value in signer.sign_cookies(
                    Policy(resource=f"{BASE}/{name}/*", date_less_than=EXPIRES)
                ).items()
            )
            for name in ("a", "b")
        }
        both = {"Cookie": f"{header['a']}; {header['b']}"}
        assert client.get(f"{BASE}/a/1.jpg", headers={"Cookie": header["a"]}).status == 200
        check_refused(client.get(f"{BASE}/a/1.jpg", headers=both), "AccessDenied")
        check_refused(client.get(f"{BASE}/b/1.jpg", headers=both), "AccessDenied")
        same = {"Cookie": f"{header['a']}; {header['a']}; theme=dark; theme=light"}
        assert client.get(f"{BASE}/a/1.jpg", headers=same).status == 200
