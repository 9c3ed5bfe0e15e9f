"""The resolved options of a storage, with which ``url()`` works: checked once and frozen."""

from __future__ import annotations

import difflib
import inspect
import logging
from collections.abc import Callable, Hashable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, NoReturn

from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured

from cfsigned_django.core import conf, validation
from cfsigned_django.core.conf import Config
from cfsigned_django.core.keyring import Lease, looks_in_database, watch
from cfsigned_django.logs import log_once
from cfsigned_django.signing import HashAlgorithm, InvalidKey
from cfsigned_django.signing.keys import RsaCallback
from cfsigned_django.signing.signer import Signer
from cfsigned_django.storage.signatures import Terms

logger: Final = logging.getLogger("cfsigned_django.storage")


class _Named:
    """A value that is nothing but itself."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


#: The value of ``cloudfront_signer`` if no signer was handed in: the options, the settings or the
#: database say which key signs.
OWN_KEY = _Named("<the key of the options>")
#: What is known of an option outside a request if it is a property, such as the domain of the
#: request's tenant: its value at startup says nothing about later ones.
PER_REQUEST: Any = _Named("<known in a request only>")


class Option:
    """An option as an attribute of a storage, which follows its setting until a value is given.

    This is not a data descriptor: a value from the constructor, or one that is assigned later, is
    an instance attribute and wins. A class attribute of a subclass wins too.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, storage: Any, owner: type | None = None) -> Any:
        if storage is None:
            return self
        return conf.setting_of(self._name, storage.cfsigned.theirs())


def options_of(storage: Any, *, without_request: bool = False) -> Config:
    """Return the options of a storage as they are now, with secrets hidden.

    ``without_request``: ask no property, and let :data:`PER_REQUEST` stand for it.
    """
    given = vars(storage)
    of_class: dict[str, Any] = {}
    for each in type(storage).__mro__:  # Not by getattr(), which asks an Option for itself.
        own = vars(each)
        of_class = {name: own[name] for name in conf.OPTIONS if name in own} | of_class
        if len(of_class) == len(conf.OPTIONS):
            break
    values = conf.settings_of(conf.OPTIONS, storage.cfsigned.theirs())
    for name in values:
        if isinstance(of_class[name], Option):
            values[name] = given.get(name, values[name])
        elif without_request and is_property(storage, name):
            values[name] = PER_REQUEST
        else:
            values[name] = conf.hide(name, getattr(storage, name))
    return Config.of(values)


def is_property(storage: object, option: str) -> bool:
    """Return whether an option is a property, which each request may decide."""
    return inspect.isdatadescriptor(getattr(type(storage), option, None))


def is_meant_to_sign(config: Config, signer: Any) -> bool:
    """Return whether a storage with these options, and this ``cloudfront_signer``, must sign."""
    return config.querystring_auth is not False and signer is not None


_NO_TERMS: Final = Terms(lifetime=0, step=0, most=0, longest=0)


def _nothing_signs() -> NoReturn:
    raise ImproperlyConfigured("This storage does not sign.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedOptions:
    #: The options as they were given, which another instance may have as well.
    config: Config
    #: Whether URLs are signed.
    signs: bool
    #: Why no URL can be signed, although the storage must sign; else empty.
    refusal: str
    #: Returns which signer signs now, and until when its URLs may live: see :class:`Lease`. Raises
    #: :exc:`ImproperlyConfigured` if none may sign.
    lease: Callable[[], Lease] = _nothing_signs
    #: The terms of the options, for a call without arguments that say otherwise.
    terms: Terms = _NO_TERMS
    #: Protocol and domain, with which URLs begin; empty if one of them is not valid.
    origin: str
    #: What precedes each encoded name, if names need nothing else; else empty.
    start: str
    #: The option ``public``: folders, or a callable; empty if no name is public.
    public: Any
    #: The option ``attachment_types``.
    attachment_types: frozenset[str]
    #: The arguments ``resource`` and ``folder`` -> the URL of what they mean. Used if ``start`` is
    #: not empty: only then does the same name always mean the same path.
    resources: dict[Hashable, str] = field(default_factory=dict, repr=False)

    @property
    def is_meant_to_sign(self) -> bool:
        """Whether URLs are to be signed, even if they cannot be now."""
        return self.signs or bool(self.refusal)

    def raise_refusal(self) -> None:
        """Raise :exc:`ImproperlyConfigured` if the storage must sign and cannot."""
        if self.refusal:
            raise ImproperlyConfigured(self.refusal)

    def raise_address_error(self) -> None:
        """Raise the error of the check of the domain and the protocol, which ``origin`` lacks."""
        problems = validation.find_address_problems(self.config, signs=self.is_meant_to_sign)
        validation.raise_first_error(problems)


def resolve(
    config: Config,
    handed_in: Any,
    *,
    must_sign: bool,
    asks: bool,
    path_start: Callable[[], str],
) -> ResolvedOptions:
    """Check and resolve the options of a storage.

    ``handed_in`` is a signer that wins over all keys, or :data:`OWN_KEY`. Without ``asks``, no
    callable is asked for a key: until one is, the storage refuses to sign.
    ``path_start`` returns the path that precedes each encoded name, or an empty
    text if a name needs more than encoding.
    """
    signing: dict[str, Any] = {}
    refusal = origin = start = ""
    if must_sign:
        try:
            signing = _resolve_signing(config, handed_in, asks=asks)
        except (ImproperlyConfigured, InvalidKey) as error:
            refusal = str(error)
    # _resolve_signing() has checked the address of a storage that can sign.
    found = () if signing else validation.find_address_problems(config, signs=must_sign)
    if not any(map(CheckMessage.is_serious, found)):
        host, slash, behind = config.custom_domain.partition("/")
        origin = f"{config.url_protocol}//{host.lower()}{slash}{behind}"
        path = path_start()
        start = path and origin + path
    return ResolvedOptions(
        config=config,
        signs=bool(signing),
        refusal=refusal,
        origin=origin,
        start=start,
        public=config.public,
        # Disposition comes before refusal.
        attachment_types=frozenset()
        if "attachment_types" in config.wrong
        else config.attachment_types,
        **signing,
    )


def _resolve_signing(config: Config, handed_in: Any, *, asks: bool) -> dict[str, Any]:
    """Return what only signing needs of :class:`ResolvedOptions`.

    Raise :exc:`ImproperlyConfigured` or :exc:`InvalidKey` if no URL can be signed.
    """
    key = config.cloudfront_key
    if handed_in is OWN_KEY and key is not None and key.is_unasked:
        if not asks:
            raise ImproperlyConfigured("AWS_CLOUDFRONT_KEY was not called yet.")
        ask_for_key(config)
    # Whether the key can sign shows at the first URL: see StorageInternals.explain_refusal().
    found = find_signing_problems(config, handed_in, is_check=False)
    validation.raise_first_error(found)
    for each in found:  # W008: without the app, no system check reports it.
        log_once(logger.warning, "%s %s (%s)", each.msg, each.hint, each.id)
    signer, most, step = None, config.max_expire, config.expire_step
    if handed_in is not OWN_KEY:
        signer = adopt_signer(handed_in, config.hash_algorithm)
    elif key is not None:
        signer = Signer(
            key_pair_id=config.cloudfront_key_id,
            private_key=key.load(),
            hash_algorithm=config.hash_algorithm,
        )
    lease: Callable[[], Lease]
    if handed_in is OWN_KEY and looks_in_database(config.key_group_id):
        lease = partial(watch(config.key_group_id, config.hash_algorithm).lease, signer)
    else:
        assert signer is not None  # noqa: S101 - find_problems() refuses options without a key
        always = Lease(signer=signer)
        lease = lambda: always  # noqa: E731
    return {
        "lease": lease,
        "terms": Terms(
            lifetime=config.querystring_expire,
            step=step,
            most=most,
            # A rotation waits for site_lifetime(). find_problems() refuses a greater max_expire.
            longest=min(most + step, conf.site_lifetime()) if step else most,
        ),
    }


def ask_for_key(config: Config) -> None:
    """Let a callable be called, if the key comes from one: only then is it checked."""
    key = config.cloudfront_key
    if key is not None and key.is_unasked and config.cloudfront_key_id:
        with suppress(InvalidKey):  # find_problems() reports it
            key.load()


def find_signing_problems(config: Config, handed_in: Any, *, is_check: bool) -> list[CheckMessage]:
    """Return all that is wrong with options that are meant to sign.

    ``is_check`` is that of :func:`validation.find_problems`.
    """
    if handed_in is not OWN_KEY:
        return validation.find_problems(config, with_key=False, is_check=is_check)
    is_set = config.cloudfront_key is not None or bool(config.cloudfront_key_id)
    in_database = looks_in_database(config.key_group_id)
    # The settings must contain a key if no other source can have one.
    with_key = is_set or not in_database
    found = validation.find_problems(config, with_key=with_key, is_check=is_check)
    if config.key_group_id and not in_database:
        missing = (
            f"AWS_CLOUDFRONT_KEY_GROUP_ID is {conf.shown(config.key_group_id)}, and "
            "cfsigned_django is not in INSTALLED_APPS: the key of the settings signs, even if it "
            "was replaced."
        )
        found.append(validation.problem("cfsigned.W008", missing))
    return found


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
        key_pair_id=key_pair_id, private_key=RsaCallback(callback), hash_algorithm=hash_algorithm
    )


def refuse_unknown(cls: type, options: Iterable[str], known: Iterable[str]) -> None:
    """Raise :exc:`ImproperlyConfigured` for an option that the class does not have."""
    known = [*known, *conf.OPTIONS, "cloudfront_signer"]
    for name in sorted(set(options) - set(known)):
        nearest = difflib.get_close_matches(name, known, n=1)
        hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
        raise ImproperlyConfigured(f"Invalid setting {name!r} for {cls.__name__}.{hint}")
