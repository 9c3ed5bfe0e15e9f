"""Read the settings; nothing else in the package does.

A storage may be given any of them as an option of its own, under the name in
:data:`OPTIONS`, so that several storages can differ.
"""

from __future__ import annotations

import hashlib
import math
import os
import threading
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Self
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.utils.encoding import filepath_to_uri

from cfsigned_django.hidden_text import HiddenText
from cfsigned_django.signing import InvalidKey, KeyAlgorithm, PrivateKey

#: Option of a storage -> the setting that it overrides, and the default of both.
OPTIONS: Mapping[str, tuple[str, Any]] = {
    "cloudfront_key": ("AWS_CLOUDFRONT_KEY", None),
    "cloudfront_key_id": ("AWS_CLOUDFRONT_KEY_ID", None),
    "custom_domain": ("AWS_S3_CUSTOM_DOMAIN", None),
    "url_protocol": ("AWS_S3_URL_PROTOCOL", "https:"),
    "querystring_auth": ("AWS_QUERYSTRING_AUTH", True),
    "querystring_expire": ("AWS_QUERYSTRING_EXPIRE", 3600),
    "expire_step": ("AWS_CLOUDFRONT_EXPIRE_STEP", 0),
    "max_expire": ("AWS_CLOUDFRONT_MAX_EXPIRE", 7 * 24 * 3600),
    "hash_algorithm": ("AWS_CLOUDFRONT_HASH_ALGORITHM", None),
    "key_group_id": ("AWS_CLOUDFRONT_KEY_GROUP_ID", None),
}


class KeySource:
    """Stand for a private key wherever it may be seen, copied or pickled.

    Holds what the setting holds (PEM text, bytes or a path), shows none of
    it, and parses it once, however many storages and threads ask. A pickle
    holds a digest, which finds the source again in a process that has the
    same setting or option.
    """

    __slots__ = ("__weakref__", "_lock", "_private_key", "_source", "digest")

    def __init__(self, source: Any, digest: str) -> None:
        self._source = source
        self._private_key: PrivateKey | None = None
        self._lock = threading.Lock()
        self.digest = digest

    @classmethod
    def wrap(cls, value: Any) -> KeySource | None:
        """Return the one source for a value, or None where nothing is set.

        An empty text is nothing, as for django-storages: settings often take
        a key and its id from variables that only some machines have.
        """
        if value is None or isinstance(value, KeySource):
            return value
        if isinstance(value, str | bytes) and not value:
            return None
        digest = _digest(value)
        with _registry_lock:
            source = _registry.setdefault(digest, cls(value, digest))
            _in_use[digest] = _in_use.pop(digest, source)
            while len(_in_use) > _MOST_IN_USE:
                del _in_use[next(iter(_in_use))]
            return source

    @classmethod
    def find(cls, digest: str) -> KeySource:
        """Return the source with this digest, from this process or its settings."""
        if (known := _registry.get(digest)) is not None:
            return known
        for options in [{}, *all_storage_options()]:
            source = Config.read(options).cloudfront_key
            if source is not None and source.digest == digest:
                return source
        return cls(None, digest)

    def load(self) -> PrivateKey:
        """Return the key; parsing it takes 30 ms for RSA, and happens once.

        Raise :exc:`cfsigned_django.signing.InvalidKey`.
        """
        with self._lock:
            if self._private_key is None:
                if self._source is None:
                    raise InvalidKey(
                        "The storage was unpickled, which never brings a private key along, and "
                        "no setting of this process holds it. Set AWS_CLOUDFRONT_KEY here as well."
                    )
                self._private_key = PrivateKey.load(self._source)
            return self._private_key

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return KeySource.find, (self.digest,)

    def __repr__(self) -> str:
        return "<KeySource, hidden>"


# Weak, so that a key which no storage uses any more does not stay in memory.
_registry: weakref.WeakValueDictionary[str, KeySource] = weakref.WeakValueDictionary()
_registry_lock = threading.Lock()

# Held until settings change, so that a storage which is made anew for each
# request does not parse the key each time.
_in_use: dict[str, KeySource] = {}
_MOST_IN_USE = 16


# The first words of a PEM file, and what base64 makes of them.
_MARKS_OF_A_KEY = ("PRIVATE KEY", "LS0tLS1CRUdJTi")


def hide(option: str, value: Any) -> Any:
    """Return what stands for an option's value wherever it may be seen."""
    if option == "cloudfront_key":
        return KeySource.wrap(value)
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    if not isinstance(text, str):
        return value
    # What is too long for an id, or looks like a key, may be one in the wrong place.
    is_secret = option in ("secret_key", "security_token") or (
        option == "cloudfront_key_id" and len(text) > 64
    )
    return HiddenText(text) if is_secret or any(mark in text for mark in _MARKS_OF_A_KEY) else value


def hide_all(options: dict[str, Any]) -> None:
    """Hide the secrets among the options, in place."""
    for name, value in options.items():
        options[name] = hide(name, value)


def _digest(source: Any) -> str:
    if isinstance(source, os.PathLike):
        source = f"path {os.fspath(source)}"  # the same text without Path is no key
    if isinstance(source, str):
        source = source.encode("utf-8", "replace")
    if not isinstance(source, bytes):
        source = type(source).__name__.encode()
    return hashlib.sha256(source).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The settings, or a storage's options over them, as they were written.

    checks.py says whether they make sense together.
    """

    cloudfront_key: KeySource | None = field(repr=False)
    cloudfront_key_id: Any
    custom_domain: Any
    url_protocol: Any
    querystring_auth: Any
    querystring_expire: Any
    expire_step: Any
    max_expire: Any
    hash_algorithm: Any
    key_group_id: Any

    @classmethod
    def read(cls, options: Mapping[str, Any] | None = None) -> Self:
        """Return the settings of this moment, with a storage's options over them."""
        values = {name: default_of(name) for name in OPTIONS}
        values |= {name: value for name, value in (options or {}).items() if name in OPTIONS}
        hide_all(values)
        return cls(**values)


def default_of(option: str) -> Any:
    """Return what the option is where a storage does not name it."""
    setting, default = OPTIONS[option]
    value = getattr(settings, setting, default)
    if option == "url_protocol":
        return value or default  # django-storages reads an empty protocol as unset
    return hide(option, value)


def all_storage_options() -> list[dict[str, Any]]:
    """Return the OPTIONS of every alias in STORAGES."""
    return [entry.get("OPTIONS", {}) for entry in storage_entries().values()]


def storage_entries() -> Mapping[str, dict[str, Any]]:
    """Return STORAGES: alias -> BACKEND and OPTIONS."""
    entries: Mapping[str, dict[str, Any]] = settings.STORAGES
    return entries


def hide_storage_options() -> None:
    """Hide the secrets that STORAGES holds as text.

    Done when a constructor raises: Django's own frame holds the OPTIONS in a
    local variable, and a debug page would print them.
    """
    for options in all_storage_options():
        hide_all(options)


def bucket_name() -> str:
    """Return the bucket of the default storage, or an empty text where none is named."""
    options = storage_entries().get("default", {}).get("OPTIONS", {})
    return str(options.get("bucket_name") or aws_setting("AWS_STORAGE_BUCKET_NAME"))


def aws_setting(setting: str) -> str:
    """Return a setting that is a text; empty where it is not set."""
    return str(getattr(settings, setting, None) or "")


def base_url() -> str:
    """Return the path, from slash to slash, under which S3 keys of AWS_LOCATION are served."""
    location = str(getattr(settings, "AWS_LOCATION", "")).strip("/")
    return f"/{filepath_to_uri(location)}/" if location else "/"


def default_file_storage() -> str | None:
    """Return DEFAULT_FILE_STORAGE, which Django itself stopped reading in 5.1."""
    return getattr(settings, "DEFAULT_FILE_STORAGE", None)


def is_default_storage_set() -> bool:
    """Tell whether the project names STORAGES["default"] itself."""
    overridden: bool = settings.is_overridden("STORAGES")  # type: ignore[misc]
    return overridden and "default" in storage_entries()


def static_domain() -> str | None:
    """Return the host in STATIC_URL, or None where that is a path."""
    return urlsplit(settings.STATIC_URL or "").netloc or None


#: Settings in seconds that belong to rotation, with their defaults.
ROTATION_SECONDS: Mapping[str, int] = {
    "AWS_CLOUDFRONT_KEYRING_SECONDS": 60,
    "AWS_CLOUDFRONT_PROPAGATION_SECONDS": 300,
    "AWS_CLOUDFRONT_CLOCK_SKEW_SECONDS": 120,
    "AWS_CLOUDFRONT_CLAIM_SECONDS": 60,
}


def rotation_seconds(setting: str) -> int:
    """Return one of ROTATION_SECONDS. Raise :exc:`ImproperlyConfigured` if it is no number."""
    value = getattr(settings, setting, ROTATION_SECONDS[setting])
    if isinstance(value, timedelta):
        value = math.ceil(value.total_seconds())
    if type(value) is not int or value < 0:
        raise ImproperlyConfigured(f"{setting} is {value!r}: whole seconds are wanted, 0 or more.")
    return value


def spare_algorithm() -> KeyAlgorithm | None:
    """Return AWS_CLOUDFRONT_SPARE_KEY, the algorithm of a key to keep ready, or None."""
    name = getattr(settings, "AWS_CLOUDFRONT_SPARE_KEY", None)
    try:
        return None if name is None else KeyAlgorithm(name)
    except ValueError:
        wanted = " or ".join(repr(each.value) for each in KeyAlgorithm)
        raise ImproperlyConfigured(
            f"AWS_CLOUDFRONT_SPARE_KEY is {name!r}: {wanted} is wanted."
        ) from None


def encryption_keys() -> list[str | bytes]:
    """Return AWS_CLOUDFRONT_ENCRYPTION_KEYS: Fernet keys, newest first; one alone may be text."""
    keys = getattr(settings, "AWS_CLOUDFRONT_ENCRYPTION_KEYS", None) or []
    return [keys] if isinstance(keys, str | bytes) else list(keys)


def secret_keys() -> list[str | bytes]:
    """Return SECRET_KEY and its fallbacks, newest first."""
    return [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]


#: Counts the changes of settings, so that a storage knows when to look again.
generation = 0


@receiver(setting_changed)
def count_change(*, setting: str, **kwargs: Any) -> None:
    """Let storages look again after override_settings and its like."""
    if setting.startswith("AWS_"):
        global generation
        generation += 1
        with _registry_lock:
            _in_use.clear()
