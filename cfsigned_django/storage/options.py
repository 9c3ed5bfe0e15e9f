"""The options of a storage: given options, options that follow settings, and resolved options.

An option that was not given is a :class:`Setting`, which reads its setting each
time. ``url()`` works with :class:`ResolvedOptions`, which are checked once and
frozen.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured

from cfsigned_django.conf import Config
from cfsigned_django.keyring import Lease, looks_in_database
from cfsigned_django.signing import HashAlgorithm, Signer
from cfsigned_django.signing.keys import CallbackKey
from cfsigned_django.storage.cache import UrlCache
from cfsigned_django.validation import problem, shown, site_lifetime

logger = logging.getLogger("cfsigned_django.storage")


class _OwnKey:
    """The type of :data:`OWN_KEY`."""

    def __repr__(self) -> str:
        return "<the key of the options>"


#: The value of ``cloudfront_signer`` if no signer was handed in: the options, the settings or the
#: database say which key signs.
OWN_KEY = _OwnKey()


class Setting:
    """An option that follows its setting until a value is given.

    This is not a data descriptor: a value from the constructor, or one that is
    assigned later, is an instance attribute and wins. A class attribute of a
    subclass wins too.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, storage: Any, owner: type | None = None) -> Any:
        return self if storage is None else storage._setting_default(self._name)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedOptions:
    """The options of a storage, checked and resolved."""

    #: :data:`cfsigned_django.conf.generation` before the options were read.
    generation: object
    #: The options as they were given, which another instance may have as well.
    config: Config
    is_signing: bool
    #: Why no URL can be signed; empty if URLs can be signed.
    refusal: str
    #: Protocol and domain, with which URLs begin; empty if one of them is not valid.
    origin: str
    #: What precedes each encoded name, if names need nothing else; else empty.
    start: str
    # Which key signs: if the database does not decide, that of ``lease``, which contains
    # ``signer``; else the ACTIVE key pair of ``key_group_id``, or ``signer`` if no key pair is
    # ACTIVE. If URLs can be signed, exactly one of ``lease`` and ``key_group_id`` is set; if not,
    # all three are None.
    #: The signer of the settings, or the one handed in.
    signer: Signer | None
    lease: Lease | None
    key_group_id: str | None
    hash_algorithm: HashAlgorithm | None
    expire: int
    max_expire: int
    step: int
    #: The longest lifetime of a URL in seconds, a step included.
    longest: int
    #: Its size is 0 if no URL may be used again.
    cache: UrlCache


def resolve(
    config: Config,
    *,
    generation: object,
    is_signing: bool,
    refusal: str,
    origin: str,
    start: str,
    handed_in: Any,
    shares_urls: bool,
) -> ResolvedOptions:
    """Return the resolved options; ``refusal`` is the error that the checks found, or empty.

    ``handed_in`` is a Signer that wins over all others, or :data:`OWN_KEY`.
    """
    can_sign = is_signing and not refusal
    expire, most, step = 0, 0, 0
    if can_sign:  # else nobody has checked them
        expire, most, step = config.querystring_expire, config.max_expire, config.expire_step
    signer, asks_database, hash_algorithm = None, False, None
    if can_sign and handed_in is not OWN_KEY:
        signer = handed_in
    elif can_sign:
        asks_database = looks_in_database(config.key_group_id)
        hash_algorithm = config.hash_algorithm and HashAlgorithm(config.hash_algorithm)
        if config.cloudfront_key is not None:
            signer = Signer(
                key_pair_id=config.cloudfront_key_id,
                private_key=config.cloudfront_key.load(),
                hash_algorithm=hash_algorithm,
            )
    return ResolvedOptions(
        generation=generation,
        config=config,
        is_signing=is_signing,
        refusal=refusal,
        origin=origin,
        start=start,
        signer=signer,
        lease=None if asks_database or signer is None else Lease(signer=signer),
        key_group_id=config.key_group_id if asks_database else None,
        hash_algorithm=hash_algorithm,
        expire=expire,
        max_expire=most,
        step=step,
        longest=min(most + step, site_lifetime()) if step else most,
        cache=UrlCache(config.url_cache_size if can_sign and shares_urls else 0),
    )


def adopt_signer(given: Any, hash_algorithm: HashAlgorithm | None) -> Signer:
    """Return a signer for what was handed in as ``cloudfront_signer``.

    It may be a :class:`~cfsigned_django.signing.Signer`, or anything with
    ``key_id`` and ``rsa_signer``, such as botocore's CloudFrontSigner. Raise
    :exc:`ImproperlyConfigured` for anything else.
    """
    if isinstance(given, Signer):
        return given
    if given is None:
        raise ImproperlyConfigured(
            "get_cloudfront_signer() returned None, but URLs must be signed. Return a signer from "
            "it, or set cloudfront_signer to None on the storage or its class for URLs without a "
            "signature."
        )
    key_pair_id, callback = getattr(given, "key_id", None), getattr(given, "rsa_signer", None)
    if not isinstance(key_pair_id, str) or not callable(callback):
        raise ImproperlyConfigured(
            f"cloudfront_signer is a {type(given).__name__}, which cannot sign. Use a "
            "cfsigned_django.signing.Signer, botocore's CloudFrontSigner (or anything with key_id "
            "and rsa_signer), or None for URLs without a signature. Leave it out to sign with "
            "AWS_CLOUDFRONT_KEY."
        )
    return Signer(
        key_pair_id=key_pair_id, private_key=CallbackKey(callback), hash_algorithm=hash_algorithm
    )


def find_missing_app(config: Config, obj: Any = None) -> Iterator[CheckMessage]:
    """Yield a warning if a key group is configured, but the app is not installed."""
    if config.key_group_id and not looks_in_database(config.key_group_id):
        yield problem(
            "cfsigned.W008",
            f"AWS_CLOUDFRONT_KEY_GROUP_ID is {shown(config.key_group_id)}, and cfsigned_django is "
            "not in INSTALLED_APPS: the key of the settings signs, even if it was replaced.",
            obj,
        )


@functools.cache
def log_once(message: str) -> None:
    """Log a warning, once in the life of the process."""
    logger.warning("%s", message)
