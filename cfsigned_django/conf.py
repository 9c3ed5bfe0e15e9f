"""Read the settings; no other module of the package does.

One setting is written: :func:`honor_default_file_storage` fills in STORAGES.

The settings in :data:`OPTIONS` can also be given to a storage as options, so
several storages can differ.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Self
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks.security import base as security
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.utils.encoding import filepath_to_uri

from cfsigned_django.signing.lazy_key import (
    LazyPrivateKey as LazyPrivateKey,
    hide as hide,
    hide_all as hide_all,
)

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
    "distribution_id": ("AWS_CLOUDFRONT_DISTRIBUTION_ID", None),
    "invalidate_on": ("AWS_CLOUDFRONT_INVALIDATE_ON", ()),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The settings, or a storage's options over them, as they were written.

    A timedelta of whole seconds is an int here. validation.py checks whether the
    values make sense together.
    """

    cloudfront_key: LazyPrivateKey | None = field(repr=False)
    cloudfront_key_id: Any
    custom_domain: Any
    url_protocol: Any
    querystring_auth: Any
    querystring_expire: Any
    expire_step: Any
    max_expire: Any
    hash_algorithm: Any
    key_group_id: Any
    distribution_id: Any
    invalidate_on: Any

    def __post_init__(self) -> None:
        for name in ("querystring_expire", "expire_step", "max_expire"):
            value = getattr(self, name)
            if isinstance(value, timedelta) and whole_seconds(value) is not None:
                object.__setattr__(self, name, whole_seconds(value))

    @classmethod
    def read(cls, options: Mapping[str, Any] | None = None) -> Self:
        """Return the current settings, overridden by a storage's options."""
        given = {name: value for name, value in (options or {}).items() if name in OPTIONS}
        return cls(**{**defaults(), **hide_all(given)})


def whole_seconds(value: Any) -> int | None:
    """Return an int or a timedelta as whole seconds, or None if it is neither."""
    if isinstance(value, timedelta):
        return int(value.total_seconds()) if value.microseconds == 0 else None
    return value if type(value) is int else None


def defaults(others: Mapping[str, Any] = MappingProxyType({})) -> dict[str, Any]:
    """Return the value of each option that is not given to a storage; ``others`` override it."""
    values = {
        option: others[option] if option in others else getattr(settings, setting, default)
        for option, (setting, default) in OPTIONS.items()
    }
    # django-storages reads an empty protocol as unset.
    values["url_protocol"] = values["url_protocol"] or OPTIONS["url_protocol"][1]
    return hide_all(values)


def default_of(option: str, others: Mapping[str, Any] = MappingProxyType({})) -> Any:
    """Return the value of one such option, without a look at the rest."""
    setting, default = OPTIONS[option]
    value = others[option] if option in others else getattr(settings, setting, default)
    if option == "url_protocol":
        return value or default
    return hide(option, value)


def storage_entries() -> Mapping[str, dict[str, Any]]:
    """Return STORAGES: alias -> BACKEND and OPTIONS, in which keys are hidden."""
    return {
        alias: {**entry, "OPTIONS": hide_all(entry.get("OPTIONS", {}))}
        for alias, entry in settings.STORAGES.items()
    }


def aliases_with(option: str) -> str:
    """Return the aliases of STORAGES that have an option, such as ``"default", "private"``."""
    having = (
        alias for alias, each in settings.STORAGES.items() if each.get("OPTIONS", {}).get(option)
    )
    return ", ".join(f'"{alias}"' for alias in having)


def hide_in_storages(given: Mapping[str, Any]) -> None:
    """Hide, in STORAGES itself, the keys that were given to a constructor.

    This is for a constructor that raises: the frame of Django that called it
    holds the OPTIONS in a local variable, which a debug page would print.
    """
    for entry in settings.STORAGES.values():
        options = entry.get("OPTIONS", {})
        for name, value in given.items():
            if options.get(name) is value:
                options[name] = hide(name, value)


def bucket_name() -> str:
    """Return the bucket of the default storage, or an empty text if none is named."""
    options = storage_entries().get("default", {}).get("OPTIONS", {})
    return str(options.get("bucket_name") or aws_setting("AWS_STORAGE_BUCKET_NAME"))


def aws_setting(setting: str) -> str:
    """Return a setting that is a text; empty if it is not set."""
    return str(getattr(settings, setting, None) or "")


def base_url() -> str:
    """Return the path, from slash to slash, under which S3 keys of AWS_LOCATION are served."""
    location = aws_setting("AWS_LOCATION").strip("/")
    return f"/{filepath_to_uri(location)}/" if location else "/"


def default_file_storage() -> str | None:
    """Return DEFAULT_FILE_STORAGE, which Django itself stopped reading in 5.1."""
    return getattr(settings, "DEFAULT_FILE_STORAGE", None)


class _Honored(dict[str, Any]):
    """Mark the entry of STORAGES that came from DEFAULT_FILE_STORAGE."""


def honor_default_file_storage() -> None:
    """Put DEFAULT_FILE_STORAGE into STORAGES if it names a class of this package.

    Django 5.1 and newer silently ignore that setting: a site that sets nothing
    else would store private files on the local disk. Call this before any model
    is imported, and so before a storage is made. STORAGES["default"] wins if
    the project sets it.
    """
    backend = default_file_storage()
    is_ours = backend is not None and backend.startswith("cfsigned_django.storage.")
    if is_ours and not is_default_storage_set():
        settings.STORAGES = {**settings.STORAGES, "default": _Honored(BACKEND=backend)}


def is_honored() -> bool:
    """Return whether STORAGES["default"] came from DEFAULT_FILE_STORAGE."""
    return isinstance(settings.STORAGES.get("default"), _Honored)


def are_storages_set() -> bool:
    """Return whether the project sets STORAGES."""
    overridden: bool = settings.is_overridden("STORAGES")  # type: ignore[misc]
    return overridden


def is_default_storage_set() -> bool:
    """Return whether the project sets STORAGES["default"]."""
    return are_storages_set() and "default" in storage_entries()


def names_folder(path: Any) -> bool:
    """Return whether a path names a folder, and not the current one."""
    return path is not None and str(path) not in ("", ".")


def static_domain() -> str | None:
    """Return the host in STATIC_URL, or None if that is a path."""
    return urlsplit(settings.STATIC_URL or "").netloc or None


def media_domain() -> str | None:
    """Return the host in MEDIA_URL, or None if that is a path."""
    return urlsplit(settings.MEDIA_URL or "").netloc or None


def propagation_seconds() -> int:
    """Return AWS_CLOUDFRONT_PROPAGATION_SECONDS: how long a new key must work before it signs."""
    value = getattr(settings, "AWS_CLOUDFRONT_PROPAGATION_SECONDS", 300)
    if isinstance(value, timedelta):
        value = math.ceil(value.total_seconds())
    if type(value) is not int or value < 0:
        raise ImproperlyConfigured(
            f"AWS_CLOUDFRONT_PROPAGATION_SECONDS is {value!r}. It must be whole seconds, 0 or more."
        )
    return value


def is_by_hand() -> bool:
    """Return AWS_CLOUDFRONT_BY_HAND: whether this site may never call CloudFront's API."""
    value = getattr(settings, "AWS_CLOUDFRONT_BY_HAND", False)
    if not isinstance(value, bool):
        raise ImproperlyConfigured(
            f"AWS_CLOUDFRONT_BY_HAND is {value!r}. It must be True if a person changes "
            "CloudFront, or False if the site does."
        )
    return value


def aws_access() -> dict[str, str | None]:
    """Return how to sign in to AWS, as arguments of ``aws.client.make_client()``.

    The settings are those that django-storages reads for S3: a profile, or a
    pair of keys. boto3 looks up what is left out.
    """
    if profile := _first_of("AWS_S3_SESSION_PROFILE"):
        return {"profile_name": profile}
    access_key = _first_of("AWS_S3_ACCESS_KEY_ID", "AWS_ACCESS_KEY_ID")
    secret_key = _first_of("AWS_S3_SECRET_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY")
    if not access_key and not secret_key:
        return {}  # A token is valid only with the keys that it came with.
    token = _first_of("AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")
    return {"access_key": access_key, "secret_key": secret_key, "session_token": token}


def _first_of(*names: str) -> Any:
    return next((found for name in names if (found := getattr(settings, name, None))), None)


def is_debug() -> bool:
    """Return whether DEBUG is on."""
    debug: bool = settings.DEBUG
    return debug


def cache_middleware_seconds() -> int:
    """Return how many seconds Django's cache middleware keeps a page without a max-age."""
    seconds: int = settings.CACHE_MIDDLEWARE_SECONDS
    return seconds


def allowed_hosts() -> list[str]:
    """Return ALLOWED_HOSTS."""
    return list(settings.ALLOWED_HOSTS)


def middleware() -> list[str]:
    """Return MIDDLEWARE, the outermost first."""
    return list(settings.MIDDLEWARE)


def cookie_domain() -> str | None:
    """Return AWS_CLOUDFRONT_COOKIE_DOMAIN, the Domain of signed cookies; None if not set."""
    return getattr(settings, "AWS_CLOUDFRONT_COOKIE_DOMAIN", None) or None


def cookie_scopes() -> tuple[str, ...]:
    """Return AWS_CLOUDFRONT_COOKIE_SCOPES: dotted paths of scopes; one alone may be text."""
    names = getattr(settings, "AWS_CLOUDFRONT_COOKIE_SCOPES", None) or ()
    return (names,) if isinstance(names, str) else tuple(names)


def encryption_keys() -> list[str | bytes]:
    """Return AWS_CLOUDFRONT_ENCRYPTION_KEYS: Fernet keys, ARNs; newest first; one may be text."""
    keys = getattr(settings, "AWS_CLOUDFRONT_ENCRYPTION_KEYS", None) or []
    return [keys] if isinstance(keys, str | bytes) else list(keys)


def secret_keys() -> list[str | bytes]:
    """Return SECRET_KEY and its fallbacks, newest first."""
    return [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]


def is_secret_key_weak() -> bool:
    """Return whether SECRET_KEY is one that ``check --deploy`` warns of (security.W009)."""
    key: str | bytes = settings.SECRET_KEY
    text = key.decode("latin-1") if isinstance(key, bytes) else key
    return (
        len(text) < security.SECRET_KEY_MIN_LENGTH
        or len(set(text)) < security.SECRET_KEY_MIN_UNIQUE_CHARACTERS
        or text.startswith(security.SECRET_KEY_INSECURE_PREFIX)
    )


def is_in_tenant_apps(app: str) -> bool:
    """Return whether django-tenants makes the tables of an app for each tenant."""
    public = getattr(settings, "PUBLIC_SCHEMA_NAME", "public")
    types = getattr(settings, "TENANT_TYPES", {})
    listed = list(getattr(settings, "TENANT_APPS", ()))
    for name, each in types.items():
        listed += each.get("APPS", ()) if name != public else ()
    return any(each.partition(".")[0] == app for each in listed)


#: The resolved options of a storage, and the URLs that it caches, belong to one generation. It is
#: compared by identity: a number that threads count could go back.
generation: object = object()


def begin_generation() -> None:
    """Make every storage of the process resolve its options again and sign its URLs again."""
    global generation
    generation = object()


@receiver(setting_changed)
def _follow(*, setting: str, **kwargs: Any) -> None:
    """Begin a generation after override_settings and the like."""
    if setting.startswith("AWS_"):
        begin_generation()
