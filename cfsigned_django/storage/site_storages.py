"""Find the storages of this site: the one of an alias or an object, or all, and what each says.

Checks, doctor and rotation ask about all, as far as they are known without a request. Each is asked
itself, not its entry in STORAGES: the instance may have other options.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.apps import apps
from django.contrib.staticfiles.storage import ManifestFilesMixin
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import DefaultStorage, InvalidStorageError, Storage, storages
from django.db.models import FileField
from django.utils.functional import LazyObject
from django.utils.module_loading import import_string

from cfsigned_django.core import conf
from cfsigned_django.core.conf import Config
from cfsigned_django.core.validation import hash_refused, raise_first_error
from cfsigned_django.signing import Check, Denied, HashAlgorithm, HashRefused, InvalidKey
from cfsigned_django.signing.signer import Signer, join_signature
from cfsigned_django.signing.verifier import Verifier
from cfsigned_django.storage.options import (
    OWN_KEY,
    PER_REQUEST,
    Option,
    adopt_signer,
    ask_for_key,
    is_meant_to_sign,
    is_property,
    options_of,
)
from cfsigned_django.storage.urls import OWN_OPTIONS, SignedUrlMixin

DOES_NOT_SIGN = (
    "does not sign URLs. Make it a cfsigned_django.storage.CloudFrontS3Storage, in development a "
    "cfsigned_django.storage.CloudFrontFileSystemStorage, which the local edge serves, and in "
    "tests a cfsigned_django.testing.InMemorySignedStorage, or name another storage."
)


def find_storage(storage: str | Storage | SignedUrlMixin) -> SignedUrlMixin:
    """Return the storage of an alias, or the one within an object such as ``default_storage``.

    Raise :exc:`InvalidStorageError` if it does not sign.
    """
    source: Any = storage
    if isinstance(storage, str):
        try:
            source = storages[storage]
        except ImproperlyConfigured as error:
            if storage in storages.backends:
                raise InvalidStorageError(f"{entry_of(storage)} cannot be used: {error}") from None
            known = ", ".join(sorted(storages.backends))
            raise InvalidStorageError(
                f"There is no storage {storage!r} in STORAGES, which has {known}."
            ) from None
    source = storage_within(source)
    if not isinstance(source, SignedUrlMixin):
        raise InvalidStorageError(f"The storage {storage!r} {DOES_NOT_SIGN}")
    return source


def storage_within(storage: Any) -> Any:
    """Return the storage within a lazy object, which makes it when it is asked something.

    The storage within any other object is the one whose ``url()`` it has: an object
    that defines its own stands for itself.
    """
    while isinstance(storage, LazyObject):
        storage.__class__  # noqa: B018
        storage = storage._wrapped
    if isinstance(storage, SignedUrlMixin):
        return storage
    behind = getattr(getattr(storage, "url", None), "__self__", None)
    return behind if isinstance(behind, SignedUrlMixin) else storage


def url_of(storage: SignedUrlMixin, name: str, **arguments: Any) -> str:
    """Return the signed URL of a file; an argument that is None counts as not given.

    A subclass may have a ``url()`` that takes fewer arguments, such as those of
    django-storages, or the name alone. Raise :exc:`TypeError`, which says what to
    change, for an argument that it does not take.
    """
    given = {key: value for key, value in arguments.items() if value is not None}
    try:
        return storage.url(name, **given)
    except TypeError as error:
        taken = inspect.signature(storage.url).parameters
        untaken = [key for key in given if key not in taken]
        if not untaken or any(each.kind is each.VAR_KEYWORD for each in taken.values()):
            raise
        cls = next(each for each in type(storage).__mro__ if "url" in vars(each))
        raise TypeError(
            f"{cls.__module__}.{cls.__qualname__}.url() does not take {', '.join(untaken)}. Let it "
            "hand on what it does not know: def url(self, name, *args, **kwargs), with "
            "super().url(name, *args, **kwargs)."
        ) from error


def why_unsigned(storage: SignedUrlMixin, alias: str) -> str:
    """Return why the storage of an alias does not sign its URLs, and the fix; "" if it does."""
    if storage.cloudfront_signer is None:
        why, fix = "its cloudfront_signer is None", "leave cloudfront_signer out"
    elif storage.querystring_auth is False:
        setting = conf.setting_of("querystring_auth")
        which = "AWS_QUERYSTRING_AUTH" if setting is False else "its option querystring_auth"
        why, fix = f"{which} is False", 'set "querystring_auth": True in its OPTIONS'
    else:
        return ""
    return (
        f"The storage {alias!r} does not sign URLs, since {why}. If its files are private, {fix}. "
        "If they are public, nothing is wrong with it."
    )


def why_changed(storage: SignedUrlMixin, name: str, url: str) -> str:
    """Return how a subclass changed the URL that its url() returned, and which; "" if none did.

    A URL without a signature counts as well, but not what the subclass wanted signed,
    such as an address of the viewer.
    """
    classes: tuple[Any, ...] = type(storage).__mro__
    changing = [cls for cls in classes[: classes.index(SignedUrlMixin)] if "url" in vars(cls)]
    if not changing:
        return ""
    try:
        verifier = Verifier(storage.trusted_keys())
    except ImproperlyConfigured:
        return ""  # A signer was handed in, whose public key is not known.

    def refuse(url: str) -> str:
        try:
            verifier.verify(url, now=int(time.time()))
        except Denied as denial:
            return "" if denial.check in (Check.TIME, Check.ADDRESS) else denial.reason
        return ""

    if not (reason := refuse(url)):
        return ""
    innermost_first = reversed(changing)
    cls = next((cls for cls in innermost_first if refuse(cls.url(storage, name))), changing[0])
    which, address = f"{cls.__module__}.{cls.__qualname__}.url()", url.partition("?")[0]
    if "Signature=" not in url:
        return f"{which} returned {address} without a signature."
    return f"{which} changed the URL after it was signed. It returned {address}: {reason}."


def entry_of(alias: str) -> str:
    """Return how messages name an alias."""
    return f'STORAGES["{alias}"]'


def why_unusable(error: Exception) -> str:
    """Return the text of an error that a storage raised, with its type, and without a key."""
    try:
        text = str(error)
    except Exception:  # of an error of the site
        text = ""
    entries = conf.storage_entries().values()
    secrets = [
        each["OPTIONS"].get(name) for each in entries for name in ("secret_key", "security_token")
    ]
    if conf.hide("", text) is not text or any(
        isinstance(each, str) and each and each in text for each in secrets
    ):
        text = "(not shown: it may contain a key)"
    is_settled = isinstance(error, ImproperlyConfigured)
    return text if is_settled else f"{type(error).__name__}: {text}"


def name_unmade(storages: Iterable[Any]) -> str:
    """Return the storages of this site that cannot be made here, with their errors; "" if none."""
    errors = ((each.name, each.error) for each in storages)
    return "; ".join(
        f"{name}: {why_unusable(error)}" for name, error in errors if error is not None
    )


def signing_class(backend: Any) -> type[SignedUrlMixin] | None:
    """Return the class at a dotted path if this package signs its URLs, else None."""
    cls = import_class(backend)
    return cls if cls is not None and issubclass(cls, SignedUrlMixin) else None


def import_class(backend: Any) -> type[Any] | None:
    """Return the class at a dotted path; None if it cannot be imported, which Django reports."""
    try:
        cls = import_string(backend)
    except Exception:
        return None
    return cls if isinstance(cls, type) else None


# All storages of the site

#: The name that a probe requests; the file need not exist.
PROBE_NAME = ".cfsigned-probe"
#: How many seconds the URL of a probe is valid: more than clocks may differ.
PROBE_SECONDS = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteStorage:
    """A storage of this package, of an alias of STORAGES or of a file field."""

    #: What a check names: the place of the alias in STORAGES, or the field.
    name: Any
    #: Empty for a storage that only a field has.
    alias: str = ""
    #: The storage that signs; None if it cannot be made. One that reads S3 in its constructor, or
    #: whose properties fail outside a request, has its options, and nothing else.
    storage: Any = None
    #: What its constructor raised.
    error: Exception | None = None
    #: The options. :data:`PER_REQUEST` stands for each that a request decides. If the storage
    #: cannot be made, they are those that its entry, its class and the settings name.
    config: Config
    #: Its ``cloudfront_signer``, or :data:`PER_REQUEST`.
    cloudfront_signer: Any = PER_REQUEST

    @property
    def is_known(self) -> bool:
        """Whether no request decides an option: its value at startup says nothing about others."""
        values = (self.cloudfront_signer, *(getattr(self.config, name) for name in conf.OPTIONS))
        return not any(each is PER_REQUEST for each in values)

    @property
    def signs(self) -> bool:
        """Whether it signs, whatever is requested."""
        return self.is_known and is_meant_to_sign(self.config, self.cloudfront_signer)

    def may_follow(self, key_group_id: str) -> bool:
        """Return whether its options name this key group, or only a request knows which."""
        return self.config.key_group_id in (key_group_id, PER_REQUEST)


def site_storages() -> list[SiteStorage]:
    """Return the storages of this site whose class is of this package: of STORAGES, then of fields.

    A storage that is in no alias is listed for each field that has it.
    """
    found: list[SiteStorage] = []
    for alias, entry in conf.storage_entries().items():
        cls = signing_class(entry.get("BACKEND"))
        if cls is not None:
            found.append(_of_alias(alias, cls, entry["OPTIONS"]))
    of_aliases = [each.storage for each in found]
    for field, storage in _field_storages():
        if not any(storage is each for each in of_aliases):
            found.append(_known(storage, name=field))
    return found


def unmade_storages(listed: Iterable[SiteStorage]) -> list[SiteStorage]:
    """Return those listed that cannot be made here, and each alias whose class is not known."""
    found = [each for each in listed if each.error is not None]
    for alias, entry in conf.storage_entries().items():
        try:
            import_string(entry["BACKEND"])
        except Exception as error:
            found.append(_unmade(error, None, entry["OPTIONS"], name=entry_of(alias), alias=alias))
    return found


def _unmade(error: Exception, cls: Any, options: dict[str, Any], **place: Any) -> SiteStorage:
    """Return a storage of which no more is known than the key group that is named, if one is."""
    group = options.get("key_group_id", getattr(cls, "key_group_id", PER_REQUEST))
    if isinstance(group, Option):
        group = conf.setting_of("key_group_id")
    elif isinstance(group, property | cached_property):
        group = PER_REQUEST
    config = Config.of(dict.fromkeys(conf.OPTIONS, PER_REQUEST) | {"key_group_id": group})
    return SiteStorage(error=error, config=config, **place)


def _of_alias(alias: str, cls: Any, options: dict[str, Any]) -> SiteStorage:
    place: dict[str, Any] = {"name": entry_of(alias), "alias": alias}
    declared = cls.__new__(cls)  # It has its options, but its constructor does not run.
    vars(declared).update({name: options[name] for name in OWN_OPTIONS if name in options})
    if alias == "staticfiles" or issubclass(cls, ManifestFilesMixin):
        with suppress(Exception):  # If it says what it is without its constructor, which reads S3.
            declared.cfsigned.refuse_unknown(options)
            return _known(declared, **place)
    try:
        return _known(storages[alias], **place)
    except Exception as error:
        raised = error
    try:
        known = _known(declared, **place)
    except Exception:
        return _unmade(raised, cls, options, **place)
    if _fails_here(declared, raised):
        return known
    return SiteStorage(error=raised, config=known.config, **place)


def _known(storage: Any, **place: Any) -> SiteStorage:
    config = options_of(storage, without_request=True)
    try:
        signer = storage.cloudfront_signer
    except Exception:  # It is a property that a request decides.
        signer = PER_REQUEST
    return SiteStorage(storage=storage, config=config, cloudfront_signer=signer, **place)


def _fails_here(storage: SignedUrlMixin, raised: Exception) -> bool:
    """Return whether this is the error of an option that can be asked in a request only.

    It may also be an AttributeError, by which a constructor cannot set such an option.
    """
    for name in (*OWN_OPTIONS, "location"):
        if is_property(storage, name):
            try:
                getattr(storage, name)
            except Exception as error:
                same = (type(error), error.args) == (type(raised), raised.args)
                if same or isinstance(raised, AttributeError):
                    return True
    return False


def _field_storages() -> Iterator[tuple[FileField, SignedUrlMixin]]:
    """Yield each file field with a storage of this package, and the storage.

    It may be within a lazy object or another proxy of the site, which Django makes with the field.
    """
    for model in apps.get_models():
        for field in model._meta.get_fields():
            storage = getattr(field, "storage", None)
            # By type: to ask it would make the default storage, which is an alias.
            if not isinstance(field, FileField) or type(storage) is DefaultStorage:
                continue
            try:
                storage = storage_within(storage)
            except Exception:  # noqa: S112 - it can be asked in a request only
                continue
            if isinstance(storage, SignedUrlMixin):
                yield field, storage


def ask_for_keys() -> None:
    """Call the callables that return keys of this site, if any, for checks of what they return."""
    for each in site_storages():
        if each.signs and signer_of(each) is None:
            ask_for_key(each.config)


def signer_of(each: SiteStorage) -> Signer | Any:
    """Return the signer that was handed in; None if the options say which key signs.

    It is :data:`PER_REQUEST` if it cannot be made here, or cannot sign, which check_storages()
    reports.
    """
    if each.cloudfront_signer is PER_REQUEST:
        return PER_REQUEST
    try:
        handed_in = each.storage.cfsigned.handed_in()
        return None if handed_in is OWN_KEY else adopt_signer(handed_in, None)
    except Exception:  # of a subclass
        return PER_REQUEST


def named_key(each: SiteStorage) -> tuple[Any, Any]:
    """Return the key group that a storage follows, and the ID of the key that its options name.

    Without a key group, that key signs, whatever a rotation does. Both are None if the storage
    does not sign.
    """
    if each.is_known and not each.signs:
        return None, None
    signer = signer_of(each)
    if signer is None:
        return each.config.key_group_id, each.config.cloudfront_key_id
    return (PER_REQUEST, PER_REQUEST) if signer is PER_REQUEST else (None, signer.key_pair_id)


def bypassing_key(each: SiteStorage, key_group_id: str, *, asks: bool) -> Any:
    """Return the ID of the key that signs here whatever a rotation of this key group does.

    None if the storage follows the rotation, as far as is known without a request. It does not if
    it has another key group or none, or if a signer was handed in. ``asks``: ask which key signs
    now, also the database; else look at the options only.
    """
    follows, named = named_key(each)
    if follows in (key_group_id, PER_REQUEST):
        return None
    if asks and each.signs:
        try:
            return each.storage.cfsigned.lease().signer.key_pair_id
        except (ImproperlyConfigured, InvalidKey):
            return None  # It signs nothing.
    return named


def current_signer(storage: SignedUrlMixin) -> Signer | None:
    """Return the current signer; None if this package does not sign the URLs.

    The signer has signed a test message. Raise :exc:`ImproperlyConfigured`
    if nothing can sign, and :exc:`HashRefused` if a signer that was handed
    in cannot sign.
    """
    if not storage.cfsigned.options().is_meant_to_sign:
        return None
    signer = storage.cfsigned.lease().signer
    try:
        signer.private_key.sign(b"", signer.hash_algorithm)
    except HashRefused:
        storage.cfsigned.explain_refusal(signer)
        raise
    return signer


def probe_url(storage: SignedUrlMixin, signer: Signer) -> str:
    """Return a URL that ``signer`` signs, to test whether CloudFront knows its key.

    The file need not exist: CloudFront checks the key before it asks the
    origin. The hash algorithm is that of this storage.
    """
    options = storage.cfsigned.must_sign()
    return sign_probe(
        signer,
        storage.cfsigned.address_of(PROBE_NAME, options),
        options.config.hash_algorithm,
        date_less_than=int(time.time()) + PROBE_SECONDS,
    )


def sign_probe(
    signer: Signer,
    url: str,
    hash_algorithm: HashAlgorithm | None,
    *,
    date_less_than: int,
) -> str:
    """Return the URL, which is encoded, signed with the hash that storages use.

    Raise :exc:`~django.core.exceptions.ImproperlyConfigured`, which names
    AWS_CLOUDFRONT_HASH_ALGORITHM, if OpenSSL on this machine refuses that hash.
    """
    signer = signer.with_hash(hash_algorithm)
    try:
        return join_signature(url, signer.sign_address(url, date_less_than))
    except HashRefused:
        raise_first_error([hash_refused(signer.key_pair_id)])
        raise
