"""Make the cookies that open a folder: this package, and cloudfront-signed-cookies."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from benchmarks.keys import DOMAIN, KEY_ID, Keys
from benchmarks.rounds import Timed
from cfsigned_django.signing import Policy, PrivateKey, Signer

THEIR_COOKIES = "cloudfront-signed-cookies, RSA"
OUR_COOKIES = "cfsigned_django, RSA"
OUR_COOKIES_ECDSA = "cfsigned_django, ECDSA"
HOUR = 3600


def is_installed() -> bool:
    """Tell whether cloudfront-signed-cookies is there, which make bench installs."""
    return find_spec("cloudfront_signed_cookies") is not None


def cookie_turns(keys: Keys, *, count: int) -> Iterator[Timed]:
    """Yield the turns; each cookie is for another folder."""

    def folders(number: int) -> list[str]:
        return [f"https://{DOMAIN}/albums/{number + 1}/{each}/*" for each in range(count)]

    if is_installed():
        yield Timed(title=THEIR_COOKIES, work=_theirs(keys.rsa), items=folders)
    yield Timed(title=OUR_COOKIES, work=_ours(keys.rsa), items=folders)
    yield Timed(title=OUR_COOKIES_ECDSA, work=_ours(keys.ecdsa), items=folders)


def _ours(key: PrivateKey) -> Callable[[str], object]:
    signer = Signer(key_pair_id=KEY_ID, private_key=key)

    def sign(resource: str) -> object:
        policy = Policy(resource=resource, date_less_than=int(time.time()) + HOUR)
        return signer.sign_cookies(policy)

    return sign


def _theirs(key: PrivateKey) -> Callable[[str], object]:
    signer: Any = import_module("cloudfront_signed_cookies.signer").Signer(
        cloudfront_key_id=KEY_ID, private_key=key.to_pem().decode()
    )

    def sign(resource: str) -> object:
        return signer.generate_cookies(Resource=resource, SecondsBeforeExpires=HOUR)

    return sign
