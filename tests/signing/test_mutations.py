"""Damage signed requests in every way: nothing is allowed that is not the same request."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

import pytest

from cfsigned_django.signing import Denied, Policy, Signer, Verifier
from tests.signing.cases import EXPIRES, IMAGE, NOW, ORIGIN, refusal
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
# 3 signers x 4 URLs x 9000 > 100,000. A failure prints its seed, number and URL.
URL_MUTATIONS, COOKIE_MUTATIONS = 9000, 3000

ONE_BYTE: dict[str, Callable[[str, int], list[str]]] = {
    "changed": lambda signed, at: [signed[:at] + byte + signed[at + 1 :] for byte in "z7Q!;\x00é"],
    "dropped": lambda signed, at: [signed[:at] + signed[at + 1 :]],
    "added": lambda signed, at: [signed[:at] + byte + signed[at:] for byte in "z7%&=?#_~ "],
    "swapped": lambda signed, at: [signed[:at] + signed[at : at + 2][::-1] + signed[at + 2 :]],
}


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


@pytest.mark.parametrize("name", ["name alone", "query", "custom policy"])
@pytest.mark.parametrize("damage", ONE_BYTE.values(), ids=ONE_BYTE)
def test_one_byte(
    name: str, damage: Callable[[str, int], list[str]], signer: Signer, verifier: Verifier
) -> None:
    """Refuse a URL with any one byte changed, dropped, added or swapped, with the right code."""
    signed = sign(signer, name)
    for at in range(len(signed) + 1):
        for damaged in set(damage(signed, at)) - {signed}:
            code = refusal(verifier, damaged, viewer_ip=VIEWER).code
            assert code in expected_codes(damaged), damaged


@pytest.mark.parametrize("seed", range(len(SIGNED)), ids=SIGNED)
def test_urls(seed: int, signer: Signer, verifier: Verifier) -> None:
    """Refuse every damaged URL with the right code, or find that it is the same request."""
    signed = sign(signer, list(SIGNED)[seed])
    same = meaning(signed)
    source = random.Random(seed)
    allowed = 0
    for number in range(URL_MUTATIONS):
        damaged = mutate(signed, source)
        where = f"seed {seed}, mutation {number}: {damaged!r} of {signed!r}"
        code = answer(verifier, damaged, {})
        assert (code is None) is (meaning(damaged) == same), where
        assert code is None or code in expected_codes(damaged), where
        allowed += code is None
    # Not all are harmless, and not all are harmful: the mutations are worth something.
    assert URL_MUTATIONS / 100 < allowed < URL_MUTATIONS / 3


@pytest.mark.parametrize("seed", range(2), ids=["canned", "custom"])
def test_cookies(seed: int, signer: Signer, verifier: Verifier) -> None:
    """Refuse damaged cookies with the right code, or find that they say the same."""
    conditions = OFFICE if seed else {}
    policy = Policy(resource=IMAGE, date_less_than=EXPIRES, **conditions)  # type: ignore[arg-type]
    cookies = signer.sign_cookies(policy)
    same = meaning_of_cookies(cookies)
    source = random.Random(seed)
    for number in range(COOKIE_MUTATIONS):
        damaged = mutate_cookies(cookies, source)
        where = f"seed {seed}, mutation {number}: {damaged} of {cookies}"
        values = {name.removeprefix("CloudFront-"): value for name, value in damaged.items()}
        code = answer(verifier, IMAGE, damaged)
        assert (code is None) is (meaning_of_cookies(damaged) == same), where
        assert code is None or code in expected_codes_of_values(values), where
