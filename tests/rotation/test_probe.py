"""Test what the answers to a probe mean, and what becomes of a key whose probe is refused."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import pytest

from cfsigned_django.edge import Behavior, Distribution, EdgeServer
from cfsigned_django.rotation import site as site_rotation
from cfsigned_django.rotation.errors import ProbeFailed
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.probe import ProbeResult, send_probe
from cfsigned_django.rotation.steps import (
    advance,
)
from cfsigned_django.signing import PrivateKey, PublicKey, Signer
from cfsigned_django.viewer import Answer, fetch
from tests.rotation import Site, fresh
from tests.rotation.commands import Shell, aged
from tests.rotation.test_site import BACKEND
from tests.storage_cases import parameters_of, without_sha1

KEY_ID = "K2JCJMDEHXQW5F"
ACCESS_DENIED_OF_S3 = (
    b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message>"
    b"<RequestId>1</RequestId></Error>"
)


def answering(status: str, body: bytes = b"") -> WSGIApplication:
    """Return an application that always answers the same."""

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        start_response(status, [("Content-Length", str(len(body)))])
        return [body]

    return application


def refusal_of_cloudfront(code: str) -> bytes:
    """Return the body with which CloudFront refuses a request, which has no RequestId."""
    return f"<Error><Code>{code}</Code><Message>Said in words</Message></Error>".encode()


#: What CloudFront says to a request without a signature.
MISSING_KEY = answering("403 Forbidden", refusal_of_cloudfront("MissingKey"))


def choosing(signed: WSGIApplication, unsigned: WSGIApplication) -> WSGIApplication:
    """Return an application that answers signed requests in one way, the others in another."""

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> object:
        chosen = signed if "Signature=" in environ["QUERY_STRING"] else unsigned
        return chosen(environ, start_response)

    return application  # type: ignore[return-value]


@contextmanager
def serving(make: Callable[[str], WSGIApplication]) -> Iterator[str]:
    """Serve the application that is made for an address, and give the address."""
    applications: list[WSGIApplication] = []
    with EdgeServer(lambda environ, start: applications[0](environ, start)).running() as server:
        host = f"127.0.0.1:{server.port}"
        applications.append(make(host))
        yield f"http://{host}"


def sign(address: str, private_key: PrivateKey, key_pair_id: str = KEY_ID) -> str:
    """Return a signed URL of a file that need not exist."""
    signer = Signer(key_pair_id=key_pair_id, private_key=private_key)
    url = f"{address}/media/.cfsigned-probe?versionId=1"
    return signer.sign_url(url, date_less_than=int(time.time()) + 600)


def edge(
    keys: dict[str, PublicKey],
    *,
    restricted: bool = True,
    origin: WSGIApplication | None = None,
) -> Callable[[str], Distribution]:
    """Return how to make an edge that trusts these keys."""
    groups = ("group",) if restricted else ()
    return lambda host: Distribution(
        domain_names=(host,),
        behaviors=(Behavior(trusted_key_groups=groups),),
        key_groups={"group": keys},
        origin=origin or answering("404 Not Found"),
    )


@pytest.mark.parametrize(
    "origin",
    [
        answering("200 OK", b"a file"),
        answering("404 Not Found"),
        answering("403 Forbidden", ACCESS_DENIED_OF_S3),
    ],
    ids=["file", "no file", "no file and no ListBucket"],
)
def test_known_key_is_good(ec_key: PrivateKey, origin: WSGIApplication) -> None:
    """A key that the edge knows is good, whatever the bucket answers."""
    with serving(edge({KEY_ID: ec_key.public_key}, origin=origin)) as address:
        assert send_probe(sign(address, ec_key)) is ProbeResult.GOOD


def test_unknown_key(ec_key: PrivateKey) -> None:
    """A key that the edge does not know yet."""
    with serving(edge({})) as address:
        assert send_probe(sign(address, ec_key)) is ProbeResult.UNKNOWN_KEY


def test_wrong_key(ec_key: PrivateKey) -> None:
    """An id that belongs to another key."""
    with serving(edge({KEY_ID: PrivateKey.generate().public_key})) as address:
        assert send_probe(sign(address, ec_key)) is ProbeResult.WRONG_KEY


@pytest.mark.parametrize(
    "origin",
    [answering("200 OK", b"a file"), answering("403 Forbidden", ACCESS_DENIED_OF_S3)],
    ids=["file", "no file"],
)
def test_open_behavior_proves_nothing(ec_key: PrivateKey, origin: WSGIApplication) -> None:
    """Where a request without a signature is served as well, links are not checked."""
    with serving(edge({}, restricted=False, origin=origin)) as address:
        assert send_probe(sign(address, ec_key)) is ProbeResult.UNRESTRICTED


def test_error_page_in_the_place_of_both_answers(ec_key: PrivateKey) -> None:
    """An error page that hides whether the key is known proves nothing either."""
    page = answering("403 Forbidden", b"<h1>Sorry</h1>")
    with serving(lambda host: page) as address:
        assert send_probe(sign(address, ec_key)) is ProbeResult.UNRESTRICTED


def test_error_page_for_unsigned_requests_only(ec_key: PrivateKey) -> None:
    """Where the signature makes the difference, an error page does no harm."""
    page = answering("403 Forbidden", b"<h1>Sorry</h1>")
    with serving(lambda host: choosing(answering("200 OK", b"x"), page)) as address:
        assert send_probe(sign(address, ec_key)) is ProbeResult.GOOD


@pytest.mark.parametrize("code", ["MissingKey", "MalformedSignature", "MalformedPolicy"])
def test_other_refusal_of_cloudfront_is_no_proof(ec_key: PrivateKey, code: str) -> None:
    """CloudFront did not verify what it refuses for another reason than the key."""
    signed = answering("403 Forbidden", refusal_of_cloudfront(code))
    with serving(lambda host: choosing(signed, MISSING_KEY)) as address:
        assert send_probe(sign(address, ec_key)) is ProbeResult.REFUSED


def test_page_in_the_place_of_the_signed_answer_only(ec_key: PrivateKey) -> None:
    """Where a firewall stops what is signed, no link opens, whatever CloudFront knows."""
    page = answering("403 Forbidden", b"<h1>The request could not be satisfied</h1>")
    with serving(lambda host: choosing(page, MISSING_KEY)) as address:
        assert send_probe(sign(address, ec_key)) is ProbeResult.REFUSED


def test_long_refusal_of_s3(ec_key: PrivateKey) -> None:
    """S3 is known by its RequestId, which may come after a long message."""
    message = b"User: arn:aws:sts::1:assumed-role/x is not authorized. " * 25
    body = ACCESS_DENIED_OF_S3.replace(b"Access Denied", message)
    with serving(edge({KEY_ID: ec_key.public_key}, origin=answering("403 F", body))) as address:
        assert send_probe(sign(address, ec_key)) is ProbeResult.GOOD


@pytest.mark.parametrize("status", ["500 Internal Server Error", "503 Service Unavailable"])
def test_failure_is_no_answer(ec_key: PrivateKey, status: str) -> None:
    """A server that fails says nothing about the key, asked with a signature or without."""
    with serving(lambda host: answering(status)) as address:
        assert send_probe(sign(address, ec_key)) is ProbeResult.NO_ANSWER
    with serving(lambda host: choosing(answering("200 OK"), answering(status))) as address:
        assert send_probe(sign(address, ec_key)) is ProbeResult.NO_ANSWER


def test_nobody_there_is_no_answer(ec_key: PrivateKey) -> None:
    """A connection that is refused says nothing about the key."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"

    assert send_probe(sign(address, ec_key)) is ProbeResult.NO_ANSWER


def test_silence_is_no_answer(ec_key: PrivateKey) -> None:
    """Who takes a connection and says nothing is not waited for."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = sign(f"http://127.0.0.1:{silent.getsockname()[1]}", ec_key)

        assert send_probe(url, fetch=partial(fetch, timeout=0.2)) is ProbeResult.NO_ANSWER


def test_signature_is_left_out_and_nothing_else(ec_key: PrivateKey) -> None:
    """The second request is the first one without its signature."""
    seen: list[str] = []

    def note(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        seen.append(environ["QUERY_STRING"])
        start_response("200 OK", [("Content-Length", "0")])
        return [b""]

    with serving(lambda host: note) as address:
        send_probe(sign(address, ec_key))

    assert "Key-Pair-Id=K2JCJMDEHXQW5F" in seen[0]
    assert seen[1] == "versionId=1"


def test_redirect_to_https_is_followed(ec_key: PrivateKey) -> None:
    """A behavior that redirects http to https is asked by https, with the same URL."""
    asked: list[str] = []

    def redirecting(url: str, headers: object) -> Answer:
        asked.append(url)
        if url.startswith("http:"):
            return Answer(status=301, headers={"location": url.replace("http:", "https:", 1)})
        code = "" if "Signature=" in url else "MissingKey"
        return Answer(status=403 if code else 206, body=refusal_of_cloudfront(code))

    signed = sign("http://media.example.com", ec_key)

    assert send_probe(signed, fetch=redirecting) is ProbeResult.GOOD
    assert asked[1] == signed.replace("http:", "https:", 1)


def test_other_redirect_is_not_followed(ec_key: PrivateKey) -> None:
    """A redirect to anywhere else is an answer: no request goes to another host."""
    asked: list[str] = []

    def redirecting(url: str, headers: object) -> Answer:
        asked.append(url)
        return Answer(status=302, headers={"location": "https://login.example.com/"})

    signed = sign("http://media.example.com", ec_key)

    assert send_probe(signed, fetch=redirecting) is ProbeResult.UNRESTRICTED
    assert [url.partition("/media/")[0] for url in asked] == ["http://media.example.com"] * 2


def test_other_schemes_are_refused() -> None:
    """No file of this machine is read."""
    with pytest.raises(ValueError, match="http or https"):
        send_probe("file:///etc/hostname")


@pytest.fixture
def probed(shell: Shell, site: Any, rsa_key: PrivateKey, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let the site sign by RSA with SHA256, and return the hash of each probe that is sent."""
    hashes: list[str | None] = []

    def probe(url: str) -> ProbeResult:
        hashes.append(parameters_of(url).get("Hash-Algorithm"))
        return shell.answer

    monkeypatch.setattr(site_rotation, "send_probe", probe)
    site.AWS_CLOUDFRONT_KEY = rsa_key.to_pem().decode()
    site.AWS_CLOUDFRONT_HASH_ALGORITHM = "SHA256"
    return hashes


def test_import(shell: Shell, probed: list[str | None]) -> None:
    """Import an RSA key where OpenSSL refuses SHA-1, and the setting names SHA256."""
    with without_sha1():
        ran = shell.run("--import")

    assert (ran.code, ran.err) == (0, "")
    assert KeyPair.objects.get().status == "active"
    assert probed == ["SHA256"]


def test_check(shell: Shell, probed: list[str | None]) -> None:
    """See a new RSA key work there as well."""
    with without_sha1():
        shell.run("--start", "--algorithm", "RSA_2048")
        shell.run()
        ran = shell.run()

    assert (ran.code, ran.err) == (75, "")
    assert KeyPair.objects.get().verified_since is not None
    assert set(probed) == {"SHA256"}


def test_hash_of_each_storage(shell: Shell, site: Any, probed: list[str | None]) -> None:
    """Probe as each storage signs, where one of them names another hash."""
    options = {"hash_algorithm": "SHA1"}
    site.STORAGES = {**site.STORAGES, "old": {"BACKEND": BACKEND, "OPTIONS": options}}

    assert shell.run("--import").code == 0
    assert sorted(probed, key=str) == [None, "SHA256"]


def test_hash_is_refused(shell: Shell, site: Any, probed: list[str | None]) -> None:
    """Name the key and the setting where nothing names a hash that OpenSSL takes."""
    site.AWS_CLOUDFRONT_HASH_ALGORITHM = None
    with without_sha1():
        ran = shell.run("--import")

    assert ran.code == 1
    assert f"The RSA key {shell.settings_key_id} cannot sign with SHA1 here." in ran.err
    assert 'Set AWS_CLOUDFRONT_HASH_ALGORITHM to "SHA256"' in ran.err
    assert not KeyPair.objects.exists()


@pytest.fixture
def trusted(shell: Shell) -> Shell:
    """Return a shell on a site with a TRUSTED key whose wait is over."""
    for options in (["--import"], ["--start"], [], []):
        shell.run(*options)
    aged(301)
    return shell


def test_key_does_not_sign(trusted: Shell) -> None:
    """A key whose links would be refused does not sign, and its wait begins anew."""
    trusted.answer = ProbeResult.REFUSED

    ran = trusted.run()

    row = KeyPair.objects.get(status="trusted")
    assert ran.code == 1
    assert f"A request that {row} signed was answered with 403, and neither by S3 nor" in ran.err
    assert "Hash-Algorithm" in ran.err
    assert row.verified_since is None


def test_wait_does_not_begin(key_group: Site) -> None:
    """What was never verified begins no wait."""
    key_pair = key_group.trusted()
    key_group.answer = ProbeResult.REFUSED

    with pytest.raises(ProbeFailed):
        advance(key_group.rotation(), now=key_group.now)

    assert fresh(key_pair).verified_since is None


@pytest.mark.parametrize("result", [each for each in ProbeResult if each is not ProbeResult.GOOD])
def test_one_domain_of_several_counts(
    shell: Shell, site: Any, monkeypatch: pytest.MonkeyPatch, result: ProbeResult
) -> None:
    """Where one domain of the key group answers anything but good, the key does not work."""
    options = {"custom_domain": "other.example.com"}
    site.STORAGES = {**site.STORAGES, "other": {"BACKEND": BACKEND, "OPTIONS": options}}
    monkeypatch.setattr(
        site_rotation, "send_probe", lambda url: result if "other." in url else ProbeResult.GOOD
    )
    for arguments in (["--start"], [], []):
        shell.run(*arguments)

    assert KeyPair.objects.get().status == "trusted"
    assert not KeyPair.objects.exclude(verified_since=None).exists()
