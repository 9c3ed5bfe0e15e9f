"""Check every storage of the site: the aliases of STORAGES and the file fields.

Only classes and options are read; no storage is constructed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage

from cfsigned_django import conf, storage
from cfsigned_django.conf import is_honored
from cfsigned_django.keyring import needs_settings_key
from cfsigned_django.storage.registry import (
    import_class,
    signing_aliases,
    signing_class,
    signing_fields,
)
from cfsigned_django.storage.urls import SignedUrlMixin
from cfsigned_django.validation import (
    find_address_problems,
    find_problems,
    no_folder,
    problem,
    refusal,
)


def check_storages(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Return what is wrong with any storage of this site that is meant to sign."""
    found = [*_default_file_storage(), *_static_signer(), *_unsigned_addresses()]
    found += refusal("cfsigned.E030", conf.is_by_hand)
    restricted = set()
    for alias, cls, options in signing_aliases():
        config = cls.config_for(options)
        if alias != "staticfiles":
            with_key = cls.needs_key(options) and needs_settings_key(config)
            found += find_problems(config, with_key=with_key, obj=_at(alias))
            restricted.add(str(config.custom_domain).lower())
    for field, signing in signing_fields():
        found += signing.find_problems(obj=field)
    found += [*_static_files(restricted), *_folders()]
    return _once_each(found)


def _folders() -> Iterator[CheckMessage]:
    """Report a storage of files on disk for which no folder is set."""
    for alias, entry in conf.storage_entries().items():
        backend = import_class(entry.get("BACKEND"))
        location = entry.get("OPTIONS", {}).get("location")
        has_folder = conf.has_media_root() if location is None else conf.names_folder(location)
        if backend is storage.CloudFrontFileSystemStorage and not has_folder:
            yield no_folder(storage.CloudFrontFileSystemStorage.__name__, _at(alias))


def no_key_yet(error: CheckMessage) -> CheckMessage:
    """Return the warning that stands for the error that no key is set, until the site goes live."""
    return problem("cfsigned.W010", error.msg, error.obj)


def _at(alias: str) -> str:
    return f'STORAGES["{alias}"]'


def _default_file_storage() -> Iterator[CheckMessage]:
    backend = conf.default_file_storage()
    default = conf.storage_entries().get("default", {}).get("BACKEND")
    if backend is None or (signing_class(backend) is None and signing_class(default) is None):
        return
    if is_honored():
        yield problem(
            "cfsigned.W003",
            f"DEFAULT_FILE_STORAGE = {backend!r} is used only because cfsigned_django reads it.",
        )
    elif conf.is_default_storage_set():
        yield problem("cfsigned.E021", 'DEFAULT_FILE_STORAGE and STORAGES["default"] are both set.')
    else:
        yield problem("cfsigned.E022", f"DEFAULT_FILE_STORAGE = {backend!r} is ignored by Django.")


def _static_signer() -> Iterator[CheckMessage]:
    """Report a storage of static files that would sign: ours, or one of django-storages."""
    entry = conf.storage_entries().get("staticfiles", {})
    cls: Any = import_class(entry.get("BACKEND"))
    options = entry.get("OPTIONS", {})
    if cls is not None and _would_sign(cls, options):
        yield problem(
            "cfsigned.E020",
            f'STORAGES["staticfiles"] is {cls.__name__}, which would sign the URL of every static '
            "file.",
        )


def _would_sign(cls: Any, options: dict[str, Any]) -> bool:
    if issubclass(cls, SignedUrlMixin):
        signs: bool = cls.signs(options)
        return signs
    if not hasattr(cls, "get_cloudfront_signer"):
        return False
    attributes = {name: getattr(cls, name) for name in conf.OPTIONS if hasattr(cls, name)}
    config = conf.Config.read({**attributes, **options})
    return bool(config.querystring_auth and config.cloudfront_key and config.cloudfront_key_id)


def _unsigned_addresses() -> Iterator[CheckMessage]:
    """Report a wrong domain or protocol of a storage of this package that does not sign."""
    for alias, entry in conf.storage_entries().items():
        cls, options = signing_class(entry.get("BACKEND")), entry.get("OPTIONS", {})
        if cls is None or cls.is_dynamic() or cls.signs(options):
            continue
        config = cls.config_for(options)
        if config.custom_domain:
            for found in find_address_problems(config):
                found.obj = _at(alias)
                yield found


def _static_files(restricted: set[Any]) -> Iterator[CheckMessage]:
    """Warn if static files are served from a domain whose URLs are signed."""
    domain = _static_domain()
    if domain and str(domain).lower() in restricted:
        yield problem(
            "cfsigned.W002",
            f"Static files are served from {domain}, where other files need a signature. Their "
            "unsigned URLs are refused if the same behavior serves them.",
        )


def _static_domain() -> Any:
    """Return the host of static files that are not signed, from an option, class or setting."""
    entry = conf.storage_entries().get("staticfiles", {})
    cls: Any = import_class(entry.get("BACKEND"))
    options = entry.get("OPTIONS", {})
    if cls is not None and issubclass(cls, SignedUrlMixin):
        is_known = not cls.signs(options) and not cls.is_dynamic()
        return cls.config_for(options).custom_domain if is_known else None
    if "custom_domain" in options:
        return options["custom_domain"]
    if cls is not None and hasattr(cls, "custom_domain"):
        return cls.custom_domain
    if cls is not None and hasattr(cls, "get_default_settings"):
        # A storage of django-storages, which shares AWS_S3_CUSTOM_DOMAIN with the others.
        try:
            return cls.__new__(cls).get_default_settings().get("custom_domain")
        except (AttributeError, TypeError):
            return None  # It depends on what only the constructor sets.
    return conf.static_domain()


def _once_each(found: list[CheckMessage]) -> list[CheckMessage]:
    """Return each message once: several storages read the same settings."""
    return list({(each.id, each.msg): each for each in reversed(found)}.values())[::-1]
