"""Work out once what each URL of a storage needs and only its options decide."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

from django.core.checks import CheckMessage

from cfsigned_django.conf import Config
from cfsigned_django.keyring import Lease, get_signer, lease_signer, looks_in_database
from cfsigned_django.signing import HashAlgorithm, Signer
from cfsigned_django.validation import longest_lifetime, problem, shown, whole_seconds

logger = logging.getLogger("cfsigned_django.ready")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """What url() needs and only the options decide."""

    state: tuple[Any, ...]
    origin: str
    #: The signer of the settings, or the one handed in.
    signer: Signer | None
    #: The key group whose ACTIVE key pair signs in its place, where there may be one.
    key_group_id: str | None
    hash_algorithm: HashAlgorithm | None
    expire: int
    max_expire: int
    step: int
    #: For how many seconds a URL may live: as long as a rotation waits.
    longest: int
    cache_size: int
    #: Whether the URL of a name changes only with an option or a setting.
    has_fixed_paths: bool
    #: That of a signer which no database can replace: it never changes.
    lease: Lease | None

    @classmethod
    def work_out(
        cls,
        state: tuple[Any, ...],
        config: Config,
        signer: Signer | None,
        *,
        asks_database: bool,
        has_fixed_paths: bool,
    ) -> Self:
        """Return what follows from options that the checks found right.

        ``signer`` is one that was handed in, which wins over all others.
        """
        if signer is None:
            for found in find_missing_app(config):  # The checks, which say so, come with the app.
                _log_once(f"{found.msg} {found.hint} ({found.id})")
        name = config.hash_algorithm
        hash_algorithm = None if name is None else HashAlgorithm(name)
        signer = signer or _make_signer(config, hash_algorithm)
        return cls(
            state=state,
            origin=make_origin(config.url_protocol, config.custom_domain),
            signer=signer,
            lease=None if asks_database or signer is None else Lease(signer=signer),
            key_group_id=config.key_group_id if asks_database else None,
            hash_algorithm=hash_algorithm,
            expire=whole_seconds(config.querystring_expire) or 0,
            max_expire=whole_seconds(config.max_expire) or 0,
            step=whole_seconds(config.expire_step) or 0,
            longest=longest_lifetime(config),
            cache_size=config.url_cache_size,
            has_fixed_paths=has_fixed_paths,
        )

    def lease_signer(self) -> Lease:
        """Return the signer of this moment, and how long its URLs may live."""
        return self.lease or lease_signer(self.key_group_id, self.hash_algorithm, self.signer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """Say for how long nobody needs to look at the options again."""

    ready: Ready
    #: The cache of the storage was not dropped since, as it is with every change of an option.
    era: object
    #: In Unix seconds.
    since: float
    until: float
    #: The URL behind which plain names are put.
    start: str


def find_missing_app(config: Config, obj: Any = None) -> Iterator[CheckMessage]:
    """Find that a key group is named which nobody here looks up."""
    if config.key_group_id and not looks_in_database(config.key_group_id):
        yield problem(
            "cfsigned.W008",
            f"AWS_CLOUDFRONT_KEY_GROUP_ID is {shown(config.key_group_id)}, and cfsigned_django is "
            "not in INSTALLED_APPS: the key of the settings signs, even if it was replaced.",
            obj,
        )


@functools.cache
def _log_once(message: str) -> None:
    logger.warning("%s", message)


def _make_signer(config: Config, hash_algorithm: HashAlgorithm | None) -> Signer | None:
    if config.cloudfront_key is None:
        return None
    return get_signer(config.cloudfront_key, config.cloudfront_key_id, hash_algorithm)


def make_origin(url_protocol: str, domain: str) -> str:
    """Return protocol and domain, as URLs begin."""
    return f"{url_protocol}//{domain.lower()}"
