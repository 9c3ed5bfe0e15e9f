"""Let AWS's own signer for JavaScript judge: same parameters, same policies, same signatures.

`make javascript` installs it. One node process signs everything; each test
compares a part.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cfsigned_django.signing import KeyAlgorithm, Policy, Signer, Verifier
from cfsigned_django.signing.encoding import decode_base64
from tests.signing.cases import EXPIRES, IMAGE, KEY_ID, NOW, ORIGIN, parameters
from tests.signing.generated import generated_policies

JS = Path(__file__).parents[1] / "js"
INSTALLED = JS / "node_modules/@aws-sdk/cloudfront-signer/package.json"

pytestmark = [
    pytest.mark.js,
    pytest.mark.skipif(
        not INSTALLED.exists() or shutil.which("node") is None,
        reason="needs node and the npm package: make javascript",
    ),
]

VIEWER = "10.1.2.3"
CANNED = [
    *("/image.jpg", "/image.jpg?size=large", "/a b.jpg", "/a%20b.jpg", "/a%2Fb.jpg", "/a+b.jpg"),
    *("/it's (1)!~.jpg", "/50%25.jpg", "/한글.pdf", "/cafe\u0301.jpg", "/caf\u00e9.jpg", "/🙂"),
    *('/a"b\\c<d>^`{|}.jpg', "/a[1].jpg", "/x?a[]=1", "/x?name=a b", "/x?name=a+b"),
    *("/x?name=it's", "/x?u=%2FA", "/x?q=한글", "/x?", "/x?a=1&b=&c=2", "/a\tb\nc"),
    '/x?response-content-disposition=attachment%3B filename%3D"a.txt"',
]
# Theirs encodes more than a client needs: the links differ, and both are good.
ENCODED_MORE = ["/a,b", "/a=b", "/a:b;c", "/a&b$c", "/a@b", "/x?n=a,b", "/x?n=a/b:c@d", "/x?b"]
WILDCARD = Policy(resource=f"{ORIGIN}/image*", date_less_than=EXPIRES)
CONDITIONS: list[dict[str, Any]] = [
    {"date_greater_than": 1767200000},
    {"ip_address": "10.0.0.0/8"},
    {"ip_address": VIEWER},
    {"date_greater_than": 1767200000, "ip_address": "0.0.0.0/0"},
]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One thing to sign: what it is called, what they get, and what is signed here."""

    name: str
    make: str  # "url" or "cookies"
    given: dict[str, Any]
    url: str
    policy: Policy


def iso(moment: int) -> str:
    """Write a moment as JavaScript reads it without doubt."""
    return datetime.fromtimestamp(moment, UTC).isoformat()


def by_fields(policy: Policy) -> dict[str, Any]:
    """Return a policy as the fields of their arguments."""
    fields: dict[str, Any] = {"dateLessThan": iso(policy.date_less_than)}
    if policy.date_greater_than is not None:
        fields["dateGreaterThan"] = iso(policy.date_greater_than)
    if policy.ip_address is not None:
        fields["ipAddress"] = policy.ip_address
    return fields


def make_cases() -> list[Case]:
    """Return every case, for one signer."""
    cases = []
    for group, paths in [("canned", CANNED), ("encoded more", ENCODED_MORE)]:
        for path in paths:
            given = {"url": ORIGIN + path, "dateLessThan": iso(EXPIRES)}
            policy = Policy(resource=IMAGE, date_less_than=EXPIRES)
            cases.append(Case(name=group, make="url", given=given, url=given["url"], policy=policy))
    for conditions in CONDITIONS:
        policy = Policy(resource=IMAGE, date_less_than=EXPIRES, **conditions)
        given = {"url": IMAGE} | by_fields(policy)
        for make in ("url", "cookies"):
            cases.append(Case(name="fields", make=make, given=given, url=IMAGE, policy=policy))
    for url, policy in generated_policies(100):
        given = {"url": url} | by_fields(policy)
        if not policy.is_canned:
            given = {"url": url, "policy": policy.to_json()}
        cases.append(Case(name="generated", make="url", given=given, url=url, policy=policy))
    canned = Policy(resource=IMAGE, date_less_than=EXPIRES)
    for policy, given in [
        (canned, {"url": IMAGE, "dateLessThan": iso(EXPIRES)}),
        (WILDCARD, {"policy": WILDCARD.to_json()}),
    ]:
        cases.append(Case(name="cookies", make="cookies", given=given, url=IMAGE, policy=policy))
    return cases


def node(requests: list[dict[str, Any]]) -> list[Any]:
    """Return what AWS's signer makes of each request."""
    given = json.dumps(requests)
    done = subprocess.run(
        ["node", JS / "sign.mjs"], input=given, capture_output=True, check=True, encoding="utf-8"
    )
    made: list[Any] = json.loads(done.stdout)
    return made


@pytest.fixture(scope="module")
def theirs(signer: Signer) -> list[tuple[Case, Any]]:
    """Return every case with what AWS's signer makes of it."""
    key = {
        "keyPairId": KEY_ID,
        "privateKey": signer.private_key.to_pem().decode("ascii"),
        "algorithm": str(signer.hash_algorithm),
    }
    cases = make_cases()
    made = node([{"make": case.make, "input": case.given | key} for case in cases])
    return list(zip(cases, made, strict=True))


Compare = Callable[[dict[str, str], dict[str, str], Policy], None]


@pytest.fixture
def compare(signer: Signer) -> Compare:
    """Return a function that compares two sets of parameters over one policy."""

    def compare(theirs: dict[str, str], ours: dict[str, str], policy: Policy) -> None:
        theirs, ours = dict(theirs), dict(ours)
        if signer.private_key.algorithm is KeyAlgorithm.ECDSA_P256:
            signature, _ = decode_base64(theirs.pop("Signature")), ours.pop("Signature")
            message = policy.to_json().encode("ascii")
            signer.private_key.public_key.verify(signature, message, signer.hash_algorithm)
        assert theirs == ours

    return compare


def test_canned_urls(theirs: list[tuple[Case, Any]], signer: Signer, compare: Compare) -> None:
    """Encode the same URLs in the same way and sign the same bytes."""
    pairs = [(case, url) for case, url in theirs if case.name == "canned"]
    assert len(pairs) == len(CANNED)
    for case, url in pairs:
        ours = signer.sign_url(case.url, date_less_than=EXPIRES)
        own = ours.partition("Expires=")[0]
        assert url.partition("Expires=")[0] == own
        compare(
            parameters(url), parameters(ours), Policy(resource=own[:-1], date_less_than=EXPIRES)
        )


@pytest.mark.parametrize("group", ["fields", "generated"])
def test_urls(group: str, theirs: list[tuple[Case, Any]], signer: Signer, compare: Compare) -> None:
    """Write the same policies and sign them alike, from fields and from whole policies."""
    pairs = [(case, url) for case, url in theirs if (case.name, case.make) == (group, "url")]
    assert pairs
    for case, url in pairs:
        compare(
            parameters(url), parameters(signer.sign_url(case.url, policy=case.policy)), case.policy
        )


def test_cookies(theirs: list[tuple[Case, Any]], signer: Signer, compare: Compare) -> None:
    """Give the same cookies, canned and custom."""
    pairs = [(case, cookies) for case, cookies in theirs if case.make == "cookies"]
    assert len(pairs) == len(CONDITIONS) + 2
    for case, cookies in pairs:
        ours = signer.sign_cookies(case.policy)
        assert {name.removeprefix("CloudFront-") for name in cookies} <= {
            *("Expires", "Policy", "Signature", "Key-Pair-Id", "Hash-Algorithm")
        }
        compare(
            {name.removeprefix("CloudFront-"): str(value) for name, value in cookies.items()},
            {name.removeprefix("CloudFront-"): value for name, value in ours.items()},
            case.policy,
        )


def test_their_urls_and_cookies_are_allowed(
    theirs: list[tuple[Case, Any]], verifier: Verifier
) -> None:
    """Allow everything that AWS's signer made, also if it encodes more."""
    for case, made in theirs:
        now = case.policy.date_less_than - 1
        viewer = (case.policy.ip_address or VIEWER).partition("/")[0]
        if case.make == "url":
            policy = verifier.verify(made, now=now, viewer_ip=viewer)
        else:
            cookies = {name: str(value) for name, value in made.items()}
            policy = verifier.verify(case.url, cookies, now=now, viewer_ip=viewer)
        assert policy.date_less_than == case.policy.date_less_than


def test_ecdsa_with_sha1_of_theirs_is_allowed(ec_signer: Signer) -> None:
    """Allow what AWS's signer makes of an ECDSA key with its default, SHA1."""
    given = {
        "url": IMAGE,
        "keyPairId": KEY_ID,
        "privateKey": ec_signer.private_key.to_pem().decode("ascii"),
        "dateLessThan": iso(EXPIRES),
    }
    (url,) = node([{"make": "url", "input": given}])
    verifier = Verifier({KEY_ID: ec_signer.private_key.public_key})
    assert verifier.verify(url, now=NOW).resource == IMAGE
