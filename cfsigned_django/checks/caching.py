"""Check that no cache keeps a page for longer than its signed URLs live, or misses all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage

from cfsigned_django import conf
from cfsigned_django.conf import whole_seconds
from cfsigned_django.keyring import looks_in_database
from cfsigned_django.signing import InvalidKey, KeyAlgorithm, Signer
from cfsigned_django.signing.keys import has_deterministic_ecdsa
from cfsigned_django.storage.registry import signers, signing_configs
from cfsigned_django.validation import problem

_UPDATE = "django.middleware.cache.UpdateCacheMiddleware"
_CAP = "cfsigned_django.http.cap_cache_control"


def check_caches(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Return which caches keep a page for longer than the shortest-lived signed URL.

    Looks at MIDDLEWARE. What a view keeps, with ``cache_page`` or ``{% cache %}``,
    is known only from its responses: see
    :func:`cfsigned_django.http.cap_cache_control`.
    """
    lifetimes = [whole_seconds(config.querystring_expire) for config in signing_configs()]
    found = list(_unlike_signatures())
    known = [each for each in lifetimes if each is not None]  # find_problems() reports the others
    if known:
        found += _middleware(min(known))
    return found


def _unlike_signatures() -> Iterator[CheckMessage]:
    """Warn if browsers miss what they cached, since each process signs a URL differently."""
    if has_deterministic_ecdsa():
        return
    stable = [
        _is_rsa(config, signer)
        for _, config, signer in signers()
        if whole_seconds(config.expire_step)
    ]
    if not all(stable):
        yield problem(
            "cfsigned.W042",
            "URLs shall stay the same for a step, and cryptography was built against an OpenSSL "
            "without deterministic ECDSA signatures: with an ECDSA key, as new ones are, each "
            "process gives other URLs.",
        )


def _is_rsa(config: conf.Config, signer: Signer | None) -> bool:
    """Return whether an RSA key is sure to sign; new keys in the database are ECDSA keys."""
    if signer is not None:
        return signer.private_key.algorithm is KeyAlgorithm.RSA_2048
    if looks_in_database(config.key_group_id):
        return False  # The key of the settings may stand there still, and sign no more.
    try:
        key = config.cloudfront_key
        return key is not None and key.load().algorithm is KeyAlgorithm.RSA_2048
    except InvalidKey:
        return True  # It signs nothing: find_problems() tells.


def _middleware(least: int) -> Iterator[CheckMessage]:
    """Warn if Django's middleware keeps whole pages for too long."""
    names = conf.middleware()
    if _UPDATE not in names or _CAP in names[names.index(_UPDATE) + 1 :][:1]:
        return
    seconds = conf.cache_middleware_seconds()
    if seconds > least:
        yield problem(
            "cfsigned.W040",
            f"CACHE_MIDDLEWARE_SECONDS is {seconds}, and a signed URL may live for {least} s only: "
            "pages from the cache would show dead links.",
        )
