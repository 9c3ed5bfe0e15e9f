"""Sign any name, spell it in other ways, and damage it: what is not the same request is refused.

Modules: signing/verifier.py, signing/signer.py
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from urllib.parse import quote

import pytest
from django.utils.encoding import filepath_to_uri
from hypothesis import example, given

from cfsigned_django.signing import Denied, Policy, Signer, Verifier
from tests.characters import TEXT
from tests.signing.cases import EXPIRES, IMAGE, KINDS, NOW, ORIGIN
from tests.signing.mutations import (
    expected_codes,
    expected_codes_of_values,
    meaning,
    meaning_of_cookies,
    mutate,
    mutate_cookies,
)

VIEWER = "10.1.2.3"
OFFICE = {"ip_address": "10.0.0.0/8"}
SIGNED = {
    "name alone": (IMAGE, {}),
    "query": (f"{ORIGIN}/a%20b/%ED%95%9C.jpg?size=large&v=1%2B2", {}),
    "custom policy": (f"{ORIGIN}/albums/42/a.jpg", OFFICE),
    "custom policy, query": (f"{ORIGIN}/x?download=a.txt", {"date_greater_than": 1767200000}),
}


#: The long run.
SIMULATION = pytest.mark.simulation
#: How many times each URL, or set of cookies, is damaged.
MUTATIONS = pytest.mark.parametrize("mutations", [60, pytest.param(3000, marks=SIMULATION)])

#: What is allowed of a name does not depend on the key.
ONE_KIND = pytest.mark.parametrize("signer", KINDS[-1:], indirect=True, ids="-".join)


def sign(signer: Signer, name: str) -> str:
    """Return the URL of that name, signed with its policy."""
    url, conditions = SIGNED[name]
    policy = Policy(resource=url, date_less_than=EXPIRES, **conditions)  # type: ignore[arg-type]
    return signer.sign_url(url, policy=policy)


def answer(verifier: Verifier, url: str, cookies: Mapping[str, str]) -> str | None:
    """Return the code of the refusal, or None if the request is allowed."""
    try:
        verifier.verify(url, cookies, now=NOW, viewer_ip=VIEWER)
    except Denied as denied:
        return denied.code
    return None


@MUTATIONS
@pytest.mark.parametrize("seed", range(len(SIGNED)), ids=SIGNED)
def test_urls(seed: int, mutations: int, signer: Signer, verifier: Verifier) -> None:
    """Refuse every damaged URL with the right code, or find that it is the same request (V5)."""
    signed = sign(signer, list(SIGNED)[seed])
    same = meaning(signed)
    source = random.Random(seed)
    allowed = 0
    for number in range(mutations):
        damaged = mutate(signed, source)
        where = f"seed {seed}, mutation {number}: {damaged!r} of {signed!r}"
        code = answer(verifier, damaged, {})
        assert (code is None) is (meaning(damaged) == same), where
        assert code is None or code in expected_codes(damaged), where
        allowed += code is None
    # Not all are harmless, and not all are harmful: the mutations are worth something.
    assert mutations / 100 < allowed < mutations / 3


@MUTATIONS
@pytest.mark.parametrize("seed", range(2), ids=["canned", "custom"])
def test_cookies(seed: int, mutations: int, signer: Signer, verifier: Verifier) -> None:
    """Refuse damaged cookies with the right code, or find that they say the same."""
    conditions = OFFICE if seed else {}
    policy = Policy(resource=IMAGE, date_less_than=EXPIRES, **conditions)  # type: ignore[arg-type]
    cookies = signer.sign_cookies(policy)
    same = meaning_of_cookies(cookies)
    source = random.Random(seed)
    for number in range(mutations):
        damaged = mutate_cookies(cookies, source)
        where = f"seed {seed}, mutation {number}: {damaged} of {cookies}"
        values = {name.removeprefix("CloudFront-"): value for name, value in damaged.items()}
        code = answer(verifier, IMAGE, damaged)
        assert (code is None) is (meaning_of_cookies(damaged) == same), where
        assert code is None or code in expected_codes_of_values(values), where


@ONE_KIND
@given(TEXT)
@example("../../etc/passwd")
@example("a+b #1?.jpg")
@example("100%25.jpg")
@example("한글 이름.pdf")
@example('f","Resource":"*","x":"')
def test_any_name_is_allowed(signer: Signer, verifier: Verifier, name: str) -> None:
    """Allow any name: quoted as Django does it, wholly, in a query, and raw, encoded by us."""
    for url in [
        f"{ORIGIN}/{filepath_to_uri(name)}",
        f"{ORIGIN}/{quote(name)}",
        f"{ORIGIN}/{quote(name, safe='')}",
        f"{ORIGIN}/x?download={quote(name, safe='')}",
        f"{ORIGIN}/{name.replace('#', '').replace('?', '')}",
    ]:
        signed = signer.sign_url(url, date_less_than=EXPIRES)
        policy = verifier.verify(signed, now=NOW)
        assert signed.isascii()
        assert policy.date_less_than == EXPIRES
        if "*" not in url:
            assert policy.is_canned
