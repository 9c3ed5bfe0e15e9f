"""Explain to a developer why a signature does not match.

CloudFront only says "Access denied". This module undoes the usual accidents, one
at a time, until the signature matches. Each trial costs one verification, so
the number of trials is limited.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import islice
from urllib.parse import quote, unquote

from cfsigned_django.signing.algorithms import HashAlgorithm
from cfsigned_django.signing.encoding import encode_url
from cfsigned_django.signing.exceptions import InvalidKey, InvalidUrl
from cfsigned_django.signing.keys import PublicKey
from cfsigned_django.signing.policy import canned_policy_json

_MOST_TRIALS = 24


def explain_mismatch(
    base_url: str,
    values: Mapping[str, str],
    key: PublicKey,
    signature: bytes,
    hash_algorithm: HashAlgorithm,
) -> str:
    """Return the reason for a log, without any signature.

    ``base_url`` is the URL without CloudFront's parameters; ``values`` has
    those parameters by name.
    """
    if "Policy" in values:
        return "the signature does not match the policy: the policy, signature or key was changed"
    expires = values["Expires"]
    other = next(each for each in HashAlgorithm if each is not hash_algorithm)
    trials = [(base_url, expires, other, _hash_reason(hash_algorithm))]
    trials += [
        (url, expires, hash_algorithm, why) for url, why in other_urls(base_url) if url != base_url
    ]
    for url, until, algorithm, reason in islice(trials, _MOST_TRIALS):
        if _matches(key, signature, canned_policy_json(url, int(until)), algorithm):
            return f"the signature does not match: {reason}"
    return "the signature does not match: it was made for another URL, Expires or key"


def explain_missing_key(base_url: str, source: str) -> str:
    """Return why the source has no Key-Pair-Id, as far as the URL shows it."""
    if "amp;Key-Pair-Id=" in base_url:
        return (
            f"no Key-Pair-Id in the {source}: the URL has `&amp;` instead of `&`, so it was "
            "escaped for HTML once too often"
        )
    return f"no Key-Pair-Id in the {source}"


def _matches(key: PublicKey, signature: bytes, message: str, hash_algorithm: HashAlgorithm) -> bool:
    try:
        key.verify(signature, message.encode("utf-8"), hash_algorithm)
    except InvalidKey:
        return False
    return True


def _hash_reason(hash_algorithm: HashAlgorithm) -> str:
    if hash_algorithm is HashAlgorithm.SHA1:
        return "it was made with SHA256, and Hash-Algorithm=SHA256 is missing"
    return "it was made with SHA1, but Hash-Algorithm says SHA256"


def other_urls(base_url: str) -> Iterator[tuple[str, str]]:
    """Yield URLs that may have been signed, each with the change that would explain this one."""
    address, question, query = base_url.partition("?")
    if question:
        segments = query.split("&")
        for at, segment in enumerate(segments):
            rest = "&".join(segments[:at] + segments[at + 1 :])
            url = f"{address}?{rest}" if rest else address
            added = f"`&{segment}`" if segment else "an empty parameter (a bare `&` or `?`)"
            yield url, f"{added} was added after signing"
        yield address, f"the query `?{query}` was added after signing"
        yield (
            f"{address}?{'&'.join(sorted(segments))}",
            "the parameters were put in another order",
        )
    scheme, _, rest = base_url.partition("://")
    other_scheme = "http" if scheme == "https" else "https"
    yield f"{other_scheme}://{rest}", f"it was made for {other_scheme}, not {scheme}"
    decoded = unquote(base_url)
    if decoded != base_url:
        yield decoded, "the URL was percent-encoded after signing"
    with suppress(InvalidUrl):
        yield encode_url(base_url), "the URL was decoded on the way"
    if "%" in base_url:
        yield quote(base_url, safe="/:?=&"), "the URL was signed with its escapes encoded once more"
    else:
        yield quote(base_url, safe="/:?=&"), "the URL was decoded on the way"
