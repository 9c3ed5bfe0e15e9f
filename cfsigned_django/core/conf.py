"""Read the settings of this package, and those of django-storages that it needs itself.

One setting is written: :func:`honor_default_file_storage` fills in STORAGES.

Each setting of this package is a row: in :class:`Config` those that a storage can also be given,
in :class:`Site` the others.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.utils.encoding import filepath_to_uri

from cfsigned_django.signing import HashAlgorithm
from cfsigned_django.signing.lazy_key import (
    LazyPrivateKey as LazyPrivateKey,
    hide as hide,
    hide_all as hide_all,
)

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

# The longest value that a message shows.
_LONGEST_SHOWN = 100


def whole_seconds(value: Any) -> int | None:
    """Return an int or a timedelta as whole seconds, or None if it is neither."""
    if isinstance(value, timedelta):
        return int(value.total_seconds()) if value.microseconds == 0 else None
    return value if type(value) is int else None


@dataclass(frozen=True, eq=False, slots=True)
class Setting:
    name: str
    default: Any = None
    #: Returns a value as it is used, or raises :exc:`ValueError`. Its text, if it has one, stands
    #: for the value in messages.
    parse: Callable[[Any], Any] | None = None
    #: The check that reports a value which ``parse`` refuses, and how to fix it.
    check_id: str = ""
    fix: str = ""

    def judge(self, value: Any) -> tuple[Any, str]:
        """Return a value as it is used, and an empty text; else None, and what is wrong with it."""
        if self.parse is None:
            return value, ""
        try:
            return self.parse(value), ""
        except ValueError as error:
            return None, str(error) or f"is {self._shown(value)}"

    def read(self) -> Any:
        """Return the setting of the site. Raise :exc:`ImproperlyConfigured` for a wrong value."""
        value, wrong = self.judge_current()
        if wrong:
            raise ImproperlyConfigured(f"{self.name} {wrong}. {self.fix} ({self.check_id})")
        return value

    def judge_current(self) -> tuple[Any, str]:
        """Return the setting of the site as it is used; else None, and what is wrong with it."""
        return self.judge(getattr(settings, self.name, self.default))

    def _shown(self, value: Any) -> str:
        """Return a wrong value as text, with what is probably meant."""
        if value is None:
            return f"None. Its default is {self.default}"
        if type(self.default) is int and isinstance(value, str) and value.strip().isdecimal():
            return f"{value!r}, a text. Write {int(value)}, or int() around what reads it"
        return shown(value)


def shown(value: Any) -> str:
    """Return a wrong value as text for a message; hide it if it may be a misplaced key."""
    text = repr(value)
    if len(text) > _LONGEST_SHOWN or "-----" in text:
        return f"a {type(value).__name__} of {len(text)} characters"
    return text


def _one_of(*values: Any) -> Callable[[Any], Any]:
    def parse(value: Any) -> Any:
        if not any(type(value) is type(each) and value == each for each in values):
            raise ValueError
        return value

    return parse


def _seconds(least: int) -> Callable[[Any], int]:
    def parse(value: Any) -> int:
        seconds = whole_seconds(value)
        if seconds is None or seconds < least:
            raise ValueError
        return seconds

    return parse


def _hash(value: Any) -> HashAlgorithm | None:
    if value not in (None, *HashAlgorithm):
        raise ValueError
    return None if value is None else HashAlgorithm(value)


def _events(value: Any) -> frozenset[str]:
    events = value or ()
    is_collection = isinstance(events, set | frozenset | list | tuple)
    if not is_collection or any(each not in ("overwrite", "delete") for each in events):
        raise ValueError
    return frozenset(events)


# No others: a path pattern of CloudFront must open exactly what lies in the folder. The rest of its
# alphabet is either a wildcard or percent-encoded in URLs.
_FOLDER = re.compile(r"(?:(?!\.{1,2}/)[A-Za-z0-9_.~'-]+/)+", re.ASCII)
_CONTENT_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+", re.ASCII)


def _public(value: Any) -> tuple[str, ...] | Callable[[str], bool]:
    if callable(value):
        return value  # type: ignore[no-any-return]
    for each in _listed(value, 'folders, such as ["covers/"], or a callable that takes a name'):
        if not isinstance(each, str) or not _FOLDER.fullmatch(each):
            raise ValueError(
                f"has the entry {shown(each)}. Each must be a whole folder of the storage with its "
                'slash, such as "covers/", of letters, digits and _ . ~ \' - alone: a path pattern '
                "of CloudFront can open that, and nothing else"
            )
    return tuple(value)


def _content_types(value: Any) -> frozenset[str]:
    for each in _listed(value, 'content types, such as ["text/html", "application/xml"]'):
        if not isinstance(each, str) or not _CONTENT_TYPE.fullmatch(each):
            raise ValueError(
                f'has the entry {shown(each)}. Each must be a content type such as "text/html", in '
                "lowercase and without parameters"
            )
    return frozenset(value)


def _listed(value: Any, what: str) -> Iterable[Any]:
    if not isinstance(value, list | tuple | set | frozenset):
        raise ValueError(f"is {shown(value)}. It must be a list of {what}")
    return value


def _one_or_more(value: Any) -> list[Any]:
    """Return what is in a list; one alone may be text."""
    return [value] if isinstance(value, str | bytes) else list(value or ())


def _fernets(value: Any) -> list[Fernet]:
    from cryptography.fernet import Fernet

    try:
        return [Fernet(key) for key in _one_or_more(value)]
    except (ValueError, TypeError, AttributeError):
        raise ValueError("has an entry that is not a valid Fernet key") from None


def _option(*row: Any) -> Any:
    """Return the field of an option, with the row of its setting."""
    return field(metadata={"row": Setting(*row)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The settings, or a storage's options over them, so that several storages can differ.

    A value that its row refuses stays as it was written. validation.py checks whether the values
    make sense together.
    """

    cloudfront_key: LazyPrivateKey | None = _option("AWS_CLOUDFRONT_KEY")
    cloudfront_key_id: Any = _option("AWS_CLOUDFRONT_KEY_ID")
    custom_domain: Any = _option("AWS_S3_CUSTOM_DOMAIN")
    url_protocol: Any = _option(
        "AWS_S3_URL_PROTOCOL",
        "https:",
        _one_of("https:", "http:"),
        "cfsigned.E006",
        'Set AWS_S3_URL_PROTOCOL to "https:" (or "http:" for the local edge), with the colon.',
    )
    # Nothing but False makes a URL public: an environment variable that is not set, or that says
    # "False", must not.
    querystring_auth: Any = _option(
        "AWS_QUERYSTRING_AUTH",
        True,
        _one_of(True, False),
        "cfsigned.E017",
        "Set AWS_QUERYSTRING_AUTH to True, or to False if the files are public.",
    )
    querystring_expire: Any = _option(
        "AWS_QUERYSTRING_EXPIRE",
        3600,
        _seconds(1),
        "cfsigned.E013",
        "Set AWS_QUERYSTRING_EXPIRE to whole seconds or a timedelta, at least 1 s, and as short as "
        "the site allows.",
    )
    expire_step: Any = _option(
        "AWS_CLOUDFRONT_EXPIRE_STEP",
        0,
        _seconds(0),
        "cfsigned.E016",
        "Set AWS_CLOUDFRONT_EXPIRE_STEP to whole seconds or a timedelta; 0 turns steps off.",
    )
    max_expire: Any = _option(
        "AWS_CLOUDFRONT_MAX_EXPIRE",
        7 * 24 * 3600,
        _seconds(1),
        "cfsigned.E014",
        "Set AWS_CLOUDFRONT_MAX_EXPIRE to whole seconds or a timedelta, at least 1 s.",
    )
    hash_algorithm: Any = _option(
        "AWS_CLOUDFRONT_HASH_ALGORITHM",
        None,
        _hash,
        "cfsigned.E010",
        'Set AWS_CLOUDFRONT_HASH_ALGORITHM to "SHA256" or "SHA1", or leave it out.',
    )
    key_group_id: Any = _option("AWS_CLOUDFRONT_KEY_GROUP_ID")
    distribution_id: Any = _option("AWS_CLOUDFRONT_DISTRIBUTION_ID")
    invalidate_on: Any = _option(
        "AWS_CLOUDFRONT_INVALIDATE_ON",
        (),
        _events,
        "cfsigned.E061",
        'Set AWS_CLOUDFRONT_INVALIDATE_ON to "overwrite", "delete" or both, in a set, list or '
        "tuple.",
    )
    # What is public, or safe, depends on the names in one storage: no setting stands for these.
    public: Any = _option("", (), _public, "cfsigned.E044")
    attachment_types: Any = _option("", (), _content_types, "cfsigned.E044")
    content_type_from_name: Any = _option("", False, _one_of(True, False), "cfsigned.E044")
    #: Option -> what is wrong with its value.
    wrong: Mapping[str, str]

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Return these values of all options as they are used."""
        used, wrong = dict(values), {}
        for option, value in values.items():
            row = OPTIONS[option]
            if row.parse is not None and value is not row.default:
                parsed, problem = row.judge(value)
                if problem:
                    wrong[option] = problem
                else:
                    used[option] = parsed
        return cls(**used, wrong=wrong)

    @classmethod
    def read(cls, options: Mapping[str, Any] = MappingProxyType({})) -> Self:
        """Return the current settings, overridden by a storage's options."""
        given = {name: value for name, value in options.items() if name in OPTIONS}
        return cls.of({**settings_of(OPTIONS), **hide_all(given)})


#: Option of a storage -> its row.
OPTIONS: Mapping[str, Setting] = {
    each.name: each.metadata["row"] for each in fields(Config) if each.metadata
}


class Site:
    """The settings of the whole site: ``Site.BY_HAND.read()``."""

    COOKIE_DOMAIN = Setting("AWS_CLOUDFRONT_COOKIE_DOMAIN")
    COOKIE_SCOPES = Setting("AWS_CLOUDFRONT_COOKIE_SCOPES", (), _one_or_more)
    INVALIDATE_VARIANTS = Setting("AWS_CLOUDFRONT_INVALIDATE_VARIANTS", False)
    INVALIDATE_WITH = Setting("AWS_CLOUDFRONT_INVALIDATE_WITH")
    PROPAGATION_SECONDS = Setting(
        "AWS_CLOUDFRONT_PROPAGATION_SECONDS",
        300,
        _seconds(0),
        "cfsigned.E024",
        "Set it to whole seconds or a timedelta, at least 0 s.",
    )
    ENCRYPTION_KEYS = Setting(
        "AWS_CLOUDFRONT_ENCRYPTION_KEYS",
        (),
        _fernets,
        "cfsigned.E023",
        "Make each entry with cryptography's Fernet.generate_key(), newest first, and keep the "
        "keys that encrypted what is in the database, until a rotation in each key group "
        "(manage.py cfsigned_rotate --start, --key-group) is over.",
    )
    BY_HAND = Setting(
        "AWS_CLOUDFRONT_BY_HAND",
        False,
        _one_of(True, False),
        "cfsigned.E030",
        "Set AWS_CLOUDFRONT_BY_HAND to True if a person changes CloudFront, to False if the site "
        "does.",
    )


#: Setting of the site -> its row.
SITE: Mapping[str, Setting] = {
    name: row for name, row in vars(Site).items() if isinstance(row, Setting)
}


def settings_of(
    options: Iterable[str], others: Mapping[str, Any] = MappingProxyType({})
) -> dict[str, Any]:
    """Return the values now of options that a storage was not given: its settings', else defaults.

    ``others`` come before these.
    """
    values = {}
    for option in options:
        row = OPTIONS[option]
        value = getattr(settings, row.name, row.default) if row.name else row.default
        values[option] = others.get(option, value)
    if "url_protocol" in values:  # django-storages reads an empty protocol as unset.
        values["url_protocol"] = values["url_protocol"] or OPTIONS["url_protocol"].default
    return hide_all(values)


def setting_of(option: str, others: Mapping[str, Any] = MappingProxyType({})) -> Any:
    """Return the value of one such option, without a look at the rest."""
    return settings_of((option,), others)[option]


def site_lifetime() -> int:
    """Return how many seconds any URL of this site may live. Each retirement waits that long.

    That is AWS_CLOUDFRONT_MAX_EXPIRE plus AWS_CLOUDFRONT_EXPIRE_STEP. Raise
    :exc:`ImproperlyConfigured` if one of them is not valid: a key could then be
    retired before its URLs have expired.
    """
    lifetime: int = OPTIONS["max_expire"].read() + OPTIONS["expire_step"].read()
    return lifetime


def storage_entries() -> Mapping[str, dict[str, Any]]:
    """Return STORAGES: alias -> BACKEND and OPTIONS, in which keys are hidden.

    What is not a mapping, which Django refuses when the storage is made, is empty here.
    """
    return {
        alias: {**_mapping(entry), "OPTIONS": hide_all(_mapping(_mapping(entry).get("OPTIONS")))}
        for alias, entry in settings.STORAGES.items()
    }


def _mapping(value: Any) -> Any:
    return value if isinstance(value, Mapping) else {}


def aliases_with(option: str) -> str:
    """Return the aliases of STORAGES that have an option, such as ``"default", "private"``."""
    having = (alias for alias, each in storage_entries().items() if each["OPTIONS"].get(option))
    return ", ".join(f'"{alias}"' for alias in having)


def hide_in_storages(given: Mapping[str, Any]) -> None:
    """Hide, in STORAGES itself, the keys that were given to a constructor.

    This is for a constructor that raises: the frame of Django that called it
    holds the OPTIONS in a local variable, which a debug page would print.
    """
    for entry in settings.STORAGES.values():
        options = _mapping(_mapping(entry).get("OPTIONS"))
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


def is_local_host(domain: Any) -> bool:
    """Return whether a domain, with or without a port, is this machine."""
    host = str(domain).partition(":")[0]
    if host == "localhost" or host.endswith((".localhost", ".test")):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


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
    overridden: bool = settings.is_overridden("STORAGES")  # type: ignore[misc]
    return overridden


def is_default_storage_set() -> bool:
    return are_storages_set() and "default" in storage_entries()


def aws_access() -> dict[str, str | None]:
    """Return how to sign in to AWS, as arguments of ``aws.client.make_client()``.

    The settings are those that django-storages reads for S3: a profile, or a
    pair of keys. boto3 looks up what is left out.
    """
    if profile := _first_of("AWS_S3_SESSION_PROFILE"):
        return {"profile_name": profile}
    pair = {
        "aws_access_key_id": _first_of("AWS_S3_ACCESS_KEY_ID", "AWS_ACCESS_KEY_ID"),
        "aws_secret_access_key": _first_of("AWS_S3_SECRET_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY"),
    }
    if not any(pair.values()):
        return {}  # A token is valid only with the keys that it came with.
    return {**pair, "aws_session_token": _first_of("AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")}


def _first_of(*names: str) -> Any:
    return next((found for name in names if (found := getattr(settings, name, None))), None)


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
    if setting.startswith("AWS_") or setting in ("DEBUG", "SECRET_KEY"):
        begin_generation()
