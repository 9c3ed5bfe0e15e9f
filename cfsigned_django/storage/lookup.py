"""Find the storage of an alias or an object, and say why one is not of use."""

from __future__ import annotations

import inspect
import time
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import InvalidStorageError, Storage, storages
from django.utils.functional import LazyObject
from django.utils.module_loading import import_string

from cfsigned_django.core import conf
from cfsigned_django.signing import Check, Denied
from cfsigned_django.signing.verifier import Verifier
from cfsigned_django.storage.urls import SignedUrlMixin

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
        setting = conf.default_of("querystring_auth")
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
