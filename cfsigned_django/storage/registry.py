"""Find the storages of this site that sign: in STORAGES, and those of single file fields.

Only find_storage() constructs a storage; the other functions read classes and options.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import InvalidStorageError, storages
from django.db.models import FileField
from django.utils.functional import LazyObject
from django.utils.module_loading import import_string

from cfsigned_django import conf
from cfsigned_django.signing import Signer
from cfsigned_django.storage.options import OWN_KEY, adopt_signer
from cfsigned_django.storage.urls import SignedUrlMixin

DOES_NOT_SIGN = (
    "does not sign URLs. Make it a cfsigned_django.storage.CloudFrontS3Storage, in development a "
    "cfsigned_django.storage.CloudFrontFileSystemStorage, which the local edge serves, and in "
    "tests a cfsigned_django.testing.InMemorySignedStorage, or name another storage."
)


def find_storage(storage: str | SignedUrlMixin) -> SignedUrlMixin:
    """Return the storage of an alias, or the one within a lazy object such as ``default_storage``.

    Raise :exc:`InvalidStorageError` if it does not sign.
    """
    source: Any = storage
    if isinstance(storage, str):
        try:
            source = storages[storage]
        except ImproperlyConfigured as error:
            if storage in storages.backends:
                raise InvalidStorageError(
                    f"STORAGES[{storage!r}] cannot be used: {error}"
                ) from None
            known = ", ".join(sorted(storages.backends))
            raise InvalidStorageError(
                f"There is no storage {storage!r} in STORAGES, which has {known}."
            ) from None
    while isinstance(source, LazyObject):
        source.__class__  # noqa: B018 - a lazy object makes its storage when it is asked something
        source = source._wrapped
    if not isinstance(source, SignedUrlMixin):
        raise InvalidStorageError(f"The storage {storage!r} {DOES_NOT_SIGN}")
    return source


def why_unsigned(storage: SignedUrlMixin, alias: str) -> str:
    """Return why the storage of an alias does not sign its URLs, and the fix; "" if it does."""
    if storage.cloudfront_signer is None:
        why, fix = "its cloudfront_signer is None", "leave cloudfront_signer out"
    elif storage.querystring_auth is False:
        setting = conf.default_of("querystring_auth")
        which = "AWS_QUERYSTRING_AUTH" if setting is False else "its option querystring_auth"
        why, fix = f"{which} is False", 'set "querystring_auth": True in its OPTIONS'
    else:
        return ""
    return (
        f"The storage {alias!r} does not sign URLs, since {why}. If its files are private, {fix}. "
        "If they are public, nothing is wrong with it."
    )


def signing_aliases() -> Iterator[tuple[str, type[SignedUrlMixin], dict[str, Any]]]:
    """Yield alias, class and options of each storage in STORAGES that signs."""
    for alias, cls, options in _aliases():
        if cls.signs(options):
            yield alias, cls, options


def _aliases() -> Iterator[tuple[str, type[SignedUrlMixin], dict[str, Any]]]:
    for alias, entry in conf.storage_entries().items():
        cls = signing_class(entry.get("BACKEND"))
        if cls is not None:
            yield alias, cls, entry["OPTIONS"]


def config_of(alias: str) -> conf.Config | None:
    """Return the configuration of a storage in STORAGES; None if it cannot sign."""
    found = (cls.config_for(options) for name, cls, options in _aliases() if name == alias)
    return next(found, None)


def signing_fields() -> Iterator[tuple[FileField, SignedUrlMixin]]:
    """Yield each file field with its own storage that may sign, and that storage."""
    for field, storage in _fields():
        if not storage.is_dynamic():
            yield field, storage


def _fields() -> Iterator[tuple[FileField, SignedUrlMixin]]:
    for model in apps.get_models():
        for field in model._meta.get_fields():
            # By type: isinstance() would construct a lazy default storage.
            storage: Any = getattr(field, "storage", None)
            if isinstance(field, FileField) and issubclass(type(storage), SignedUrlMixin):
                yield field, storage


def dynamic_storages() -> Iterator[tuple[Any, SignedUrlMixin]]:
    """Yield each storage that has a property as an option: its name for a check, and the storage.

    Storages of STORAGES are not constructed: they can only answer whether they
    bypass a rotation.
    """
    for alias, cls, options in _aliases():
        if cls.is_dynamic():
            yield f'STORAGES["{alias}"]', cls.unmade(options)
    for field, storage in _fields():
        if storage.is_dynamic():
            yield field, storage


def signing_configs() -> Iterator[conf.Config]:
    """Yield the configuration of each storage that signs, in STORAGES and of file fields."""
    for _, cls, options in signing_aliases():
        yield cls.config_for(options)
    for _, storage in signing_fields():
        yield storage.signing_config()


def signers() -> Iterator[tuple[Any, conf.Config, Signer | None]]:
    """Yield each storage that signs: its name for a check, its configuration and its signer.

    The signer is None if none was handed in: the configuration then says which
    key signs. A storage whose cloudfront_signer cannot sign is left out, since
    its url() raises an error.
    """
    for alias, cls, options in signing_aliases():
        given = options.get("cloudfront_signer", cls.cloudfront_signer)
        yield from _with_signer(f'STORAGES["{alias}"]', cls.config_for(options), given)
    for field, storage in signing_fields():
        config, given = storage.signing_config(), storage.cloudfront_signer
        if config.querystring_auth is not False and given is not None:
            yield from _with_signer(field, config, given)


def _with_signer(
    name: Any, config: conf.Config, given: Any
) -> Iterator[tuple[Any, conf.Config, Signer | None]]:
    try:
        yield name, config, None if given is OWN_KEY else adopt_signer(given, None)
    except ImproperlyConfigured:
        return


def signing_class(backend: Any) -> type[SignedUrlMixin] | None:
    """Return the class at a dotted path if this package signs its URLs, else None."""
    cls = import_class(backend)
    return cls if cls is not None and issubclass(cls, SignedUrlMixin) else None


def import_class(backend: Any) -> type[Any] | None:
    """Return the class at a dotted path; None if it cannot be imported, which Django reports."""
    try:
        cls = import_string(backend)
    except (ImportError, AttributeError, TypeError):
        return None
    return cls if isinstance(cls, type) else None
