"""Check every storage of the site: the aliases of STORAGES and the file fields, and their caches.

The storages answer for themselves. See :class:`SiteStorage` for those that are not constructed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import permutations
from typing import Any
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage
from storages.backends.s3 import S3Storage

from cfsigned_django import storage
from cfsigned_django.core import conf, validation
from cfsigned_django.core.conf import is_honored
from cfsigned_django.core.validation import problem
from cfsigned_django.storage import development
from cfsigned_django.storage.options import find_signing_problems, is_property
from cfsigned_django.storage.site_storages import (
    SiteStorage,
    ask_for_keys,
    entry_of,
    import_class,
    signing_class,
    site_storages,
    why_unsigned,
    why_unusable,
)
from cfsigned_django.storage.urls import SignedUrlMixin

#: Errors that are warnings until the site is deployed: no key is set at all, and a storage cannot
#: be constructed. Builds, migrate and the first setup run before there is a key.
UNTIL_DEPLOYED = {"cfsigned.E001": "cfsigned.W010", "cfsigned.E044": "cfsigned.W044"}


def check_undeployed_storages(**kwargs: Any) -> list[CheckMessage]:
    """Return what is wrong with any storage of this site; some of it is a warning for now."""
    return [
        problem(UNTIL_DEPLOYED[each.id], each.msg, each.obj) if each.id in UNTIL_DEPLOYED else each
        for each in check_storages()
    ]


def check_deployed_storages(**kwargs: Any) -> list[CheckMessage]:
    """Return the errors that are warnings until the site is deployed; for ``check --deploy``.

    Keys that callables return are called, and what is wrong with them is returned, too.
    """
    without_keys = check_storages()
    ask_for_keys()
    found = check_storages()
    return [
        *(each for each in found if each.id in UNTIL_DEPLOYED or each not in without_keys),
        *_keys_of_development(),
    ]


def _keys_of_development() -> Iterator[CheckMessage]:
    for each in site_storages():
        if each.signs and each.config.cloudfront_key_id == development.KEY_PAIR_ID:
            what = "No key is set. As DEBUG is on, the key of development signs."
            yield problem("cfsigned.E047", what, each.name)


def check_storages() -> list[CheckMessage]:
    found = [*_default_file_storage()]
    listed = site_storages()
    static = next((each for each in listed if each.alias == "staticfiles"), None)
    others = [each for each in listed if each is not static]
    for each in others:
        found += _problems(each)
    restricted = {str(each.config.custom_domain).lower() for each in others if each.signs}
    found += [*_static_signer(static), *_static_files(static, restricted)]
    found += [*_uploads_elsewhere(), *_below_public(others)]
    if not any(each.id == "cfsigned.E022" for each in found):  # which is why none signs
        found += _unused_key(others)
    return validation.once_each(found)


def _problems(listed: SiteStorage) -> list[CheckMessage]:
    """Return what is wrong with a storage, whether or not it signs."""
    try:
        if listed.error:
            raise listed.error
        found = [*_mistakes(listed)] if listed.is_known else []
    except validation.CheckFailed as error:
        found = [error.found]
    except Exception as error:
        text = f"It cannot be used here. {why_unusable(error)}"
        found = [problem("cfsigned.E044", text)]
    for each in found:
        each.obj = listed.name
    return found


def _mistakes(listed: SiteStorage) -> Iterator[CheckMessage]:
    ours, config = listed.storage, listed.config
    if listed.signs:
        yield from find_signing_problems(config, ours.cfsigned.handed_in(), tries_key=True)
    elif config.custom_domain:
        yield from validation.find_address_problems(config, signs=False)
    if not ours.cfsigned.is_local:
        overwrites = getattr(ours, "file_overwrite", True)
        if type(overwrites) is not bool:
            what = f"is {conf.shown(overwrites)}, which counts as {bool(overwrites)}."
            yield problem("cfsigned.E046", f"AWS_S3_FILE_OVERWRITE (file_overwrite) {what}")
        yield from validation.find_invalidation_problems(config, overwrites=bool(overwrites))
    if (
        isinstance(ours, storage.CloudFrontS3Storage)
        and config.attachment_types
        and not (config.content_type_from_name or config.wrong)
    ):
        yield problem(
            "cfsigned.W045",
            "Its attachment_types look at the ending of a name, but it stores the type that the "
            "browser said: a.jpg that was sent as text/html is shown as HTML.",
        )
    if _lacks_bucket(ours):
        yield problem(
            "cfsigned.W017",
            "AWS_STORAGE_BUCKET_NAME is not set, so files can be neither saved nor read: only URLs "
            "can be made.",
        )
    if type(ours) is storage.CloudFrontFileSystemStorage:
        yield from validation.find_no_folder(ours)


def _below_public(listed: Sequence[SiteStorage]) -> Iterator[CheckMessage]:
    """Report the storages that sign, but whose files all lie in a public folder of another."""
    placed = []
    for each in listed:
        ours: Any = each.storage
        is_fixed = not any(is_property(ours, name) for name in ("bucket_name", "location"))
        with suppress(Exception):  # of a storage that was not made, or of a property of the site
            if each.is_known and is_fixed and ours.bucket_name:
                placed.append((each, ours.bucket_name, ours.cfsigned.path_start()))
    for (inner, bucket, start), (outer, other, above) in permutations(placed, 2):
        public = outer.config.public
        if not inner.signs or callable(public) or "public" in outer.config.wrong:
            continue
        for folder in public:
            if bucket == other and start.startswith(above + folder):
                what = f"Its files lie in the folder {folder} of {outer.name}, which is public"
                yield problem("cfsigned.E045", f"{what}: anybody can open each.", inner.name)


def _uploads_elsewhere() -> Iterator[CheckMessage]:
    """Yield the fields of django-s3-file-field that upload outside the location of a storage."""
    found: Any = (each for model in apps.get_models() for each in model._meta.get_fields())
    for field in found:
        if not any(each.__module__ == "s3_file_field.fields" for each in type(field).__mro__):
            continue
        with suppress(Exception):  # of a storage that cannot be made, which has a separate check
            place = field.storage.location.strip("/")
            if isinstance(field.storage, S3Storage) and place:
                what = f"Its files are uploaded outside {place}/, so that their links are dead."
                yield problem("cfsigned.W070", what, field)


def _lacks_bucket(ours: SignedUrlMixin) -> bool:
    """Return whether a storage in S3 has no bucket, as far as is known without a request."""
    if not isinstance(ours, S3Storage) or is_property(ours, "bucket_name"):
        return False
    # A storage whose constructor did not run has no such attribute.
    return hasattr(ours, "bucket_name") and not ours.bucket_name


def _unused_key(others: Sequence[SiteStorage]) -> Iterator[CheckMessage]:
    """Warn if a key is configured, and nothing uses it: neither a storage nor signed cookies."""
    options = ("cloudfront_key", "cloudfront_key_id", "key_group_id")
    names = [conf.OPTIONS[each].name for each in options if conf.default_of(each)]
    if not names or conf.Site.COOKIE_SCOPES.read():
        return
    # What cannot be constructed here, or depends on a request, may sign.
    if any(each.signs or not each.is_known for each in others):
        return
    reasons = [why_unsigned(each.storage, each.alias) for each in others if each.alias]
    if not reasons:
        backend = conf.storage_entries().get("default", {}).get("BACKEND")
        reasons = [f"The BACKEND of {entry_of('default')} is {backend}."]
    yield problem(
        "cfsigned.W016",
        f"{names[0]} is set, but no storage of this package signs. {' '.join(reasons)}",
    )


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


def _static_signer(static: SiteStorage | None) -> Iterator[CheckMessage]:
    """Report a storage of static files that would sign: ours, or one of django-storages."""
    entry = conf.storage_entries().get("staticfiles", {})
    cls: Any = import_class(entry.get("BACKEND"))
    if cls is not None and (
        (static is not None and static.signs) or _would_sign(cls, entry.get("OPTIONS", {}))
    ):
        yield problem(
            "cfsigned.E020",
            f'STORAGES["staticfiles"] is {cls.__name__}, which would sign the URL of every static '
            "file.",
        )


def _would_sign(cls: Any, options: dict[str, Any]) -> bool:
    """Return whether a storage of django-storages would sign."""
    if issubclass(cls, SignedUrlMixin) or not hasattr(cls, "get_cloudfront_signer"):
        return False
    attributes = {name: getattr(cls, name) for name in conf.OPTIONS if hasattr(cls, name)}
    config = conf.Config.read({**attributes, **options})
    return bool(config.querystring_auth and config.cloudfront_key and config.cloudfront_key_id)


def _static_files(static: SiteStorage | None, restricted: set[Any]) -> Iterator[CheckMessage]:
    """Warn if static files are served from a domain whose URLs are signed."""
    if static is None:
        domain = _static_domain()
    else:
        domain = static.config.custom_domain if static.is_known and not static.signs else None
    if domain and str(domain).lower().partition("/")[0] in restricted:
        yield problem(
            "cfsigned.W002",
            f"Static files are served from {domain}, where other files need a signature. Their "
            "unsigned URLs are refused if the same behavior serves them.",
        )


def _static_domain() -> Any:
    """Return the host of static files of another package: from an option, class or setting."""
    entry = conf.storage_entries().get("staticfiles", {})
    cls: Any = import_class(entry.get("BACKEND"))
    options = entry.get("OPTIONS", {})
    if "custom_domain" in options:
        return options["custom_domain"]
    if cls is not None and issubclass(cls, SignedUrlMixin):
        return None  # Its options depend on what only the constructor sets.
    if cls is not None and hasattr(cls, "custom_domain"):
        return cls.custom_domain
    if cls is not None and hasattr(cls, "get_default_settings"):
        return conf.default_of("custom_domain")  # as the other storages of django-storages
    return urlsplit(settings.STATIC_URL or "").netloc


_UPDATE = "django.middleware.cache.UpdateCacheMiddleware"
_CAP = "cfsigned_django.http.cap_cache_control"


def check_caches(**kwargs: Any) -> list[CheckMessage]:
    """Return which caches keep a page for longer than the shortest-lived signed URL.

    Looks at MIDDLEWARE. What a view keeps, with ``cache_page`` or ``{% cache %}``,
    is known only from its responses: see
    :func:`cfsigned_django.http.cap_cache_control`.
    """
    names, seconds = settings.MIDDLEWARE, settings.CACHE_MIDDLEWARE_SECONDS
    if _UPDATE not in names or _CAP in names[names.index(_UPDATE) + 1 :][:1]:
        return []
    configs = [each.config for each in site_storages() if each.signs]
    # find_problems() reports the others.
    known = [each.querystring_expire for each in configs if "querystring_expire" not in each.wrong]
    if not known or seconds <= (least := min(known)):
        return []
    what = (
        f"CACHE_MIDDLEWARE_SECONDS is {seconds}, but a signed URL may live only {least} s: "
        "pages from the cache would contain expired URLs."
    )
    return [problem("cfsigned.W040", what)]
