"""The options of a storage: what was given, what follows the settings, and what it comes to.

An option that nobody gave is a :class:`Setting`, which reads its setting each
time. :class:`ResolvedOptions` is what ``url()`` works with: checked once, and
frozen.
"""

from __future__ import annotations

import difflib
import functools
import inspect
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured

from cfsigned_django import conf
from cfsigned_django.conf import Config, LazyPrivateKey
from cfsigned_django.keyring import Lease, looks_in_database
from cfsigned_django.signing import HashAlgorithm, Signer
from cfsigned_django.signing.keys import CallbackKey
from cfsigned_django.storage.cache import UrlCache
from cfsigned_django.validation import problem, shown, site_lifetime

logger = logging.getLogger("cfsigned_django.storage")

#: Constructor arguments that never reach a migration or a pickle: secrets, and what makes no
#: sense without them. They are taken from the settings there.
SECRET_OPTIONS = frozenset(
    {
        "access_key",
        "cloudfront_key",
        "cloudfront_key_id",
        "cloudfront_signer",
        "secret_key",
        "security_token",
    }
)


class _OwnKey:
    """Stand in ``cloudfront_signer`` for a signer with the key of the options."""

    def __repr__(self) -> str:
        return "<the key of the options>"


#: No signer was handed in: the options, the settings or the database say which key signs.
OWN_KEY = _OwnKey()


class Setting:
    """An option that follows its setting for as long as nobody gives it.

    Not a data descriptor: what the constructor is given, or what is assigned
    later, stands in the instance and wins; so does a class attribute.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, storage: Any, owner: type | None = None) -> Any:
        return self if storage is None else storage._setting_default(self._name)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedOptions:
    """What the options of a storage come to."""

    #: What :data:`cfsigned_django.conf.generation` was before the options were read.
    generation: int
    #: Another object after each assignment to the storage.
    version: object
    is_signing: bool
    #: Why no URL can be signed; empty if it can.
    refusal: str
    #: Protocol and domain, as URLs begin; empty if one of them is wrong.
    origin: str
    #: What stands in front of an encoded name, if names need nothing else.
    start: str
    # Which key signs: the one of ``lease``, which is that of ``signer``, if the database has no
    # say; else the ACTIVE one of ``key_group_id``, or ``signer``, if there is one, in its absence.
    # All three are None if nothing signs. So exactly one of the last two is set if URLs can be
    # signed.
    #: The signer of the settings, or the one handed in.
    signer: Signer | None
    lease: Lease | None
    key_group_id: str | None
    hash_algorithm: HashAlgorithm | None
    expire: int
    max_expire: int
    step: int
    #: For how many seconds a URL may live, a step included.
    longest: int
    #: Of size 0 if no URL may be used again.
    cache: UrlCache


def resolve(
    config: Config,
    *,
    generation: int,
    version: object,
    is_signing: bool,
    refusal: str,
    origin: str,
    start: str,
    handed_in: Any,
    shares_urls: bool,
) -> ResolvedOptions:
    """Return what a configuration comes to; ``refusal`` is what the checks say of it.

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
        version=version,
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
    """Return the signer for what was handed in as ``cloudfront_signer``.

    That is a :class:`~cfsigned_django.signing.Signer`, or anything that has
    ``key_id`` and ``rsa_signer`` as botocore's CloudFrontSigner has. Raise
    :exc:`ImproperlyConfigured` for anything else.
    """
    if isinstance(given, Signer):
        return given
    if given is None:
        raise ImproperlyConfigured(
            "get_cloudfront_signer() returned None, and URLs must be signed. Return a signer from "
            "it, or set cloudfront_signer to None on the storage or its class for URLs without a "
            "signature."
        )
    key_pair_id, callback = getattr(given, "key_id", None), getattr(given, "rsa_signer", None)
    if not isinstance(key_pair_id, str) or not callable(callback):
        raise ImproperlyConfigured(
            f"cloudfront_signer is a {type(given).__name__}. Give a cfsigned_django.signing.Signer "
            "or botocore's CloudFrontSigner (what has key_id and rsa_signer), None for URLs "
            "without a signature, or leave it out to sign with AWS_CLOUDFRONT_KEY."
        )
    return Signer(
        key_pair_id=key_pair_id, private_key=CallbackKey(callback), hash_algorithm=hash_algorithm
    )


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
def log_once(message: str) -> None:
    """Log a warning, once in the life of the process."""
    logger.warning("%s", message)


def visible_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options without secrets, which may go into a migration or a pickle."""
    return {
        name: value
        for name, value in options.items()
        if name not in SECRET_OPTIONS and conf.hide(name, value) is value
    }


def find_secrets(options: Mapping[str, Any], digest: str) -> dict[str, Any]:
    """Return the secret options of a storage that a pickle brought without them.

    ``options`` are the others, and ``digest`` is that of the key it was given,
    if any. They stand in the entry of STORAGES with the same options. A key
    that no setting of this process holds is one that refuses to sign.
    """
    for entry in conf.storage_entries().values():
        given = entry.get("OPTIONS", {})
        key = LazyPrivateKey.wrap(given.get("cloudfront_key"))
        if visible_options(given) == options and (key.digest if key else "") == digest:
            return {name: given[name] for name in given if name in SECRET_OPTIONS}
    if not digest:
        return {}
    own = conf.default_of("cloudfront_key")
    return {} if own and own.digest == digest else {"cloudfront_key": LazyPrivateKey(None, digest)}


def refuse_unknown(storage: object, options: Mapping[str, Any], known: set[str] | None) -> None:
    """Refuse an option that the storage class does not have; None as ``known`` takes any."""
    for name in options:
        if known is not None and name not in known:
            close = difflib.get_close_matches(name, [*known, *conf.OPTIONS], n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise ImproperlyConfigured(
                f"Invalid setting {name!r} for {type(storage).__name__}.{hint}"
            )


def options_of(constructor: Any) -> set[str] | None:
    """Return what the constructor of a storage class takes as options; None if it takes any."""
    if getattr(constructor, "__objclass__", None) is object:
        return set()
    parameters = inspect.signature(constructor).parameters
    takes_any = any(each.kind is each.VAR_KEYWORD for each in parameters.values())
    return None if takes_any else set(parameters)
