"""Check that caches keep no page longer than its signed URLs live, and can keep those URLs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import django
from django.core.checks import CheckMessage

from cfsigned_django import conf
from cfsigned_django.conf import whole_seconds
from cfsigned_django.keyring import looks_in_database
from cfsigned_django.signing import InvalidKey, KeyAlgorithm, Signer
from cfsigned_django.signing.keys import has_deterministic_ecdsa
from cfsigned_django.storage.registry import signers, signing_storages
from cfsigned_django.storage.urls import SignedUrlMixin
from cfsigned_django.validation import problem

_UPDATE = "django.middleware.cache.UpdateCacheMiddleware"
_CAP = "cfsigned_django.http.cap_cache_control"

#: The oldest releases in which Django's page cache, of which cfsigned_django.http.cache_page is
#: made, has no known way to show one viewer's page to another (seven CVEs of 2026).
_FIXED: Final = ((5, 2, 19), (6, 0, 10), (6, 1, 3))


def check_caches() -> list[CheckMessage]:
    """Return which caches keep a page for longer than the shortest-lived signed URL.

    Looks at MIDDLEWARE. What a view keeps, with ``cache_page`` or ``{% cache %}``,
    is known only from its responses: see
    :func:`cfsigned_django.http.cap_cache_control`.
    """
    signing = list(signing_storages())
    configs = [storage.signing.config() for _, storage in signing]
    lifetimes = [whole_seconds(config.querystring_expire) for config in configs]
    found = [*_unlike_signatures(signing), *(_leaking_cache() if signing else ())]
    known = [each for each in lifetimes if each is not None]  # find_problems() reports the others
    if known:
        found += _middleware(min(known))
    return found


def _unlike_signatures(signing: Iterable[tuple[Any, SignedUrlMixin]]) -> Iterator[CheckMessage]:
    """Warn if browsers cannot reuse what they cached: each signature of a URL differs."""
    if has_deterministic_ecdsa():
        return
    if not all(_is_rsa(config, signer) for _, config, signer in signers(signing)):
        yield problem(
            "cfsigned.W042",
            "cryptography was built against an OpenSSL without deterministic ECDSA signatures. "
            "With an ECDSA key, the default for new keys, each call of url() returns a different "
            "URL, so browsers fetch a file again for each.",
        )


def _leaking_cache() -> Iterator[CheckMessage]:
    """Warn if this Django may show a page that it cached for one viewer to another."""
    release = django.VERSION[:3]
    fixed = next((each for each in _FIXED if each[:2] == release[:2]), _FIXED[0])
    if release < fixed:
        yield problem(
            "cfsigned.W043",
            f"Django {django.get_version()} may show a page from its cache, with its signed URLs, "
            f"to another viewer: this is fixed in {'.'.join(map(str, fixed))}.",
        )


def _is_rsa(config: conf.Config, signer: Signer | None) -> bool:
    """Return whether it is certain that an RSA key signs; new keys in the database are ECDSA."""
    if signer is not None:
        return signer.private_key.algorithm is KeyAlgorithm.RSA_2048
    if looks_in_database(config.key_group_id):
        return False  # The key of the settings may still be there and no longer sign.
    try:
        key = config.cloudfront_key
        if key is None or key.is_unasked:
            return False
        return key.load().algorithm is KeyAlgorithm.RSA_2048
    except InvalidKey:
        return True  # It signs nothing: find_problems() reports it.


def _middleware(least: int) -> Iterator[CheckMessage]:
    """Warn if Django's middleware keeps whole pages for too long."""
    names = conf.middleware()
    if _UPDATE not in names or _CAP in names[names.index(_UPDATE) + 1 :][:1]:
        return
    seconds = conf.cache_middleware_seconds()
    if seconds > least:
        yield problem(
            "cfsigned.W040",
            f"CACHE_MIDDLEWARE_SECONDS is {seconds}, but a signed URL may live only {least} s: "
            "pages from the cache would contain expired URLs.",
        )
