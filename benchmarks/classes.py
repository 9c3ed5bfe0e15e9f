"""Measure storage classes: with fixed options, with a property, and with their own paths."""

from __future__ import annotations

import statistics
import time
from typing import Any
from unittest import mock

from benchmarks.sites import DOMAIN, RSA, STEP, names, ours
from benchmarks.urls import make_known, ratio, time_of
from cfsigned_django.signing import PrivateKey
from cfsigned_django.storage import CloudFrontS3Storage

FIXED = "fixed options"
PROPERTY = "an option that is a property"
OWN_PATHS = "a `_normalize_name()` of the class"


class OfTenant(CloudFrontS3Storage):
    """Give each tenant a domain."""

    @property
    def custom_domain(self) -> str:
        """Return the domain of the request's tenant."""
        return DOMAIN

    @custom_domain.setter
    def custom_domain(self, _: str) -> None:
        """Take the option that each storage of the benchmarks is given."""


class OwnPaths(CloudFrontS3Storage):
    """Give each tenant a folder."""

    def _normalize_name(self, name: str) -> str:
        return f"tenant/{name}"


def measure(*, rounds: int, count: int) -> dict[str, dict[str, float]]:
    """Return, by class, what a URL takes, and how many signatures two visits of a page need.

    The page has ``count`` names, and each URL stays the same for a step. ``ratio``
    compares a known URL with ``unsigned_url()``, which resolves the options too.
    """
    found: dict[str, dict[str, float]] = {}
    given = names("Korean", 0, count)
    for title, storage in {
        FIXED: ours(RSA, expire_step=STEP),
        PROPERTY: ours(RSA, OfTenant, expire_step=STEP),
        OWN_PATHS: ours(RSA, OwnPaths, expire_step=STEP),
    }.items():
        signatures = _count_signatures(storage, given)
        known, unsigned = [], []
        for _ in range(rounds):
            unsigned.append(time_of(storage.unsigned_url, given))
            known.append(time_of(storage.url, make_known(storage, given)))
        found[title] = {
            "known": statistics.median(known),
            "unsigned": statistics.median(unsigned),
            "ratio": ratio(known, unsigned),
            "signatures": signatures,
        }
    return found


def _count_signatures(storage: CloudFrontS3Storage, given: list[str]) -> int:
    signatures: list[bytes] = []
    sign = PrivateKey.sign

    def note(key: PrivateKey, message: bytes, hash_algorithm: Any) -> bytes:
        signatures.append(message)
        return sign(key, message, hash_algorithm)

    # At one moment: the step of a URL or two would end meanwhile.
    with (
        mock.patch.object(PrivateKey, "sign", note),
        mock.patch("time.time", return_value=time.time()),
    ):
        for name in given * 2:
            storage.url(name)
    return len(signatures)
