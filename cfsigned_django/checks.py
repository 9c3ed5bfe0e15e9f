"""The system checks: of storages, of rotation and its keys, of cookies and of caches.

The IDs and the fixes are in ``core/validation.py``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import permutations
from typing import Any, Final
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured
from django.db import Error, router
from django.http.request import validate_host
from django.utils import timezone, translation
from storages.backends.s3 import S3Storage

from cfsigned_django.cookies.place import CookiePlace, attributes_of, checked_domain
from cfsigned_django.cookies.scopes import SignedCookieScope
from cfsigned_django.core import conf, validation
from cfsigned_django.core.conf import Site, is_honored, shown
from cfsigned_django.core.encryption import (
    CannotDecrypt,
    NotItsKey,
    has_weak_secret_key,
)
from cfsigned_django.core.keyring import NothingSigns, looks_in_database
from cfsigned_django.core.validation import find_address_problems, find_wrong, once_each, problem
from cfsigned_django.rotation.active import signing_state
from cfsigned_django.rotation.models import KeyPair, has_table
from cfsigned_django.rotation.site import site_waits
from cfsigned_django.rotation.stages import why_previous_key_stays
from cfsigned_django.storage import development
from cfsigned_django.storage.backends import CloudFrontFileSystemStorage, CloudFrontS3Storage
from cfsigned_django.storage.options import find_signing_problems, is_property
from cfsigned_django.storage.signatures import lifetime
from cfsigned_django.storage.site_storages import (
    SiteStorage,
    ask_for_keys,
    bypassing_key,
    entry_of,
    import_class,
    named_key,
    signer_of,
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
    found += [*_static_files(static, restricted), *_uploads_elsewhere(), *_below_public(others)]
    if not any(each.id == "cfsigned.E022" for each in found):  # which is why none signs
        found += _unused_key(others)
    return once_each(found)


def _problems(site_storage: SiteStorage) -> list[CheckMessage]:
    """Return what is wrong with a storage, whether or not it signs."""
    try:
        if site_storage.error:
            raise site_storage.error
        found = [*_mistakes(site_storage)] if site_storage.is_known else []
    except validation.CheckFailed as error:
        found = [error.found]
    except Exception as error:
        text = f"It cannot be used here. {why_unusable(error)}"
        found = [problem("cfsigned.E044", text)]
    for each in found:
        each.obj = site_storage.name
    return found


def _mistakes(site_storage: SiteStorage) -> Iterator[CheckMessage]:
    ours, config = site_storage.storage, site_storage.config
    if site_storage.signs:
        yield from find_signing_problems(config, ours.cfsigned.handed_in(), is_check=True)
    elif config.custom_domain:
        yield from find_address_problems(config, signs=False)
    if not ours.cfsigned.is_local:
        overwrites = getattr(ours, "file_overwrite", True)
        if type(overwrites) is not bool:
            what = f"is {shown(overwrites)}, which counts as {bool(overwrites)}."
            yield problem("cfsigned.E046", f"AWS_S3_FILE_OVERWRITE (file_overwrite) {what}")
        yield from validation.find_invalidation_problems(config, overwrites=bool(overwrites))
    if (
        isinstance(ours, CloudFrontS3Storage)
        and config.attachment_types
        and not (config.content_type_from_name or config.wrong)
    ):
        yield problem(
            "cfsigned.W045",
            "Its attachment_types look at the ending of a name, but it stores the type that the "
            "browser said: a.jpg that was sent as text/html is shown as HTML.",
        )
    if (
        isinstance(ours, S3Storage)
        and not is_property(ours, "bucket_name")
        # A storage whose constructor did not run has no such attribute.
        and not getattr(ours, "bucket_name", "unknown")
    ):
        yield problem(
            "cfsigned.W017",
            "AWS_STORAGE_BUCKET_NAME is not set, so files can be neither saved nor read: only URLs "
            "can be made.",
        )
    if type(ours) is CloudFrontFileSystemStorage:
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


def _unused_key(others: Sequence[SiteStorage]) -> Iterator[CheckMessage]:
    """Warn if a key is configured, and nothing uses it: neither a storage nor signed cookies."""
    options = ("cloudfront_key", "cloudfront_key_id", "key_group_id")
    names = [conf.OPTIONS[each].name for each in options if conf.setting_of(each)]
    if not names or Site.COOKIE_SCOPES.read():
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


def _would_sign(cls: Any, options: dict[str, Any]) -> bool:
    """Return whether a storage of django-storages would sign."""
    if issubclass(cls, SignedUrlMixin) or not hasattr(cls, "get_cloudfront_signer"):
        return False
    attributes = {name: getattr(cls, name) for name in conf.OPTIONS if hasattr(cls, name)}
    config = conf.Config.read({**attributes, **options})
    return bool(config.querystring_auth and config.cloudfront_key and config.cloudfront_key_id)


def _static_files(static: SiteStorage | None, restricted: set[Any]) -> Iterator[CheckMessage]:
    """Report URLs of static files that would be signed, by this package or by django-storages.

    Warn of those that are not, but have a domain whose URLs are.
    """
    entry = conf.storage_entries().get("staticfiles", {})
    cls: Any = import_class(entry.get("BACKEND"))
    options = entry.get("OPTIONS", {})
    if cls is not None and ((static is not None and static.signs) or _would_sign(cls, options)):
        yield problem(
            "cfsigned.E020",
            f'STORAGES["staticfiles"] is {cls.__name__}, which would sign the URL of every static '
            "file.",
        )
    if static is None:
        domain = _static_domain(cls, options)
    else:
        domain = static.config.custom_domain if static.is_known and not static.signs else None
    if domain and str(domain).lower().partition("/")[0] in restricted:
        yield problem(
            "cfsigned.W002",
            f"Static files are served from {domain}, where other files need a signature. Their "
            "unsigned URLs are refused if the same behavior serves them.",
        )


def _static_domain(cls: Any, options: dict[str, Any]) -> Any:
    """Return the host of static files of another package: from an option, class or setting."""
    if "custom_domain" in options:
        return options["custom_domain"]
    if cls is not None and issubclass(cls, SignedUrlMixin):
        return None  # Its options depend on what only the constructor sets.
    if cls is not None and hasattr(cls, "custom_domain"):
        return cls.custom_domain
    if cls is not None and hasattr(cls, "get_default_settings"):
        return conf.setting_of("custom_domain")  # as the other storages of django-storages
    return urlsplit(settings.STATIC_URL or "").netloc


# Rotation, and the private keys in the database


def check_rotation(**kwargs: Any) -> list[CheckMessage]:
    """Return what is wrong with the settings of rotation."""
    found = find_wrong(*conf.SITE.values())
    listed = site_storages()
    if any(each.signs and each.config.key_group_id for each in listed):
        if timezone.is_naive(timezone.now()):
            what = "USE_TZ is False, but AWS_CLOUDFRONT_KEY_GROUP_ID is set."
            found.append(problem("cfsigned.E026", what))
        if Site.PROPAGATION_SECONDS.judge_current() == (0, ""):
            what = "is 0: a key may sign before every edge knows it."
            found.append(problem("cfsigned.W006", f"AWS_CLOUDFRONT_PROPAGATION_SECONDS {what}"))
        found += once_each(_bypasses_rotation(listed))
    return found


def check_encrypted_keys(*, databases: Sequence[str] | None, **kwargs: Any) -> list[CheckMessage]:
    """Return what is wrong with the key pairs in these databases.

    These are warnings, because ``migrate`` stops at an error, and one private
    key that cannot be decrypted leaves all others usable.
    """
    if find_wrong(Site.ENCRYPTION_KEYS):
        return []  # check_rotation() reports them
    return [found for alias in databases or () for found in _key_pairs(alias)]


def check_encryption(rows: Sequence[KeyPair]) -> Iterator[CheckMessage]:
    """Yield what is wrong with the private keys of these rows, and with what encrypts them."""
    if has_weak_secret_key() and any(row.encrypted_private_key for row in rows):
        yield problem(
            "cfsigned.W012", "SECRET_KEY, which encrypts the private keys, can be guessed."
        )
    with suppress(ImproperlyConfigured), translation.override(None):  # E024 reports wrong waits
        if text := why_previous_key_stays(rows, waits=site_waits(), now=datetime.now(UTC)):
            yield problem("cfsigned.W011", text)
    for row in rows:
        if not row.encrypted_private_key:
            continue
        name = f"{row} ({row.status.upper()}, key group {row.key_group_id})"
        try:
            if row.decrypted().load().public_key.to_pem() != row.public_key:
                yield problem("cfsigned.W013", f"{name}: its public key is of another key pair.")
        except NotItsKey as error:
            yield problem("cfsigned.W013", f"{name}: {error}")
        except CannotDecrypt as error:
            yield problem("cfsigned.W007", f"{name}: {error}")


def _bypasses_rotation(listed: Sequence[SiteStorage]) -> Iterator[CheckMessage]:
    """Warn if a storage signs with the key that rotates, but does not follow the rotation.

    Such a storage is outside the key group of AWS_CLOUDFRONT_KEY_GROUP_ID, or
    was given a signer.
    """
    if not (group := conf.setting_of("key_group_id")):
        return
    names = [named_key(each) for each in listed if each.is_known]
    rotating = {key_pair_id for follows, key_pair_id in names if follows == group and key_pair_id}
    for each in listed:
        key_pair_id = bypassing_key(each, group, asks=False)
        if key_pair_id in rotating:
            yield problem(
                "cfsigned.W009",
                f"It signs with {key_pair_id}, which the key group {group} uses too, but does not "
                "follow the rotation of that group. Once the key is retired, its URLs are refused.",
                obj=each.name,
            )


def _key_pairs(alias: str) -> list[CheckMessage]:
    if not router.allow_migrate_model(alias, KeyPair):
        return []
    try:
        rows = list(KeyPair.objects.using(alias)) if has_table(alias) else None
    except Error:
        return []  # The database is not running.
    return [*check_encryption(rows or []), *_nothing_signs(alias, rows)]


def _nothing_signs(alias: str, rows: list[KeyPair] | None) -> Iterator[CheckMessage]:
    """Warn of each key group for which no key signs, in the words of the error of url().

    ``rows`` is None if there is no table. A warning, because ``migrate`` stops
    at an error, and the first key is made after it.
    """
    if alias != router.db_for_write(KeyPair):
        return
    listed = site_storages()
    configs = [each.config for each in listed if each.signs and signer_of(each) is None]
    if any(each.storage and not each.is_known for each in listed):
        configs.append(conf.Config.read())  # their keys come from the key group of the settings
    dead: dict[str, NothingSigns] = {}
    for config in configs:
        group, settings_key_id = config.key_group_id, config.cloudfront_key_id
        # The constructor refuses a key without its ID, and an ID alone.
        is_half = (config.cloudfront_key is None) is bool(settings_key_id)
        if group and looks_in_database(group) and not is_half:
            state = signing_state(group, rows)
            if not state.name_signing([str(settings_key_id)] if settings_key_id else []):
                dead[group] = state.nothing_signs(settings_key_id)
    for error in dead.values():
        yield problem("cfsigned.W014", str(error))


# Signed cookies

_OURS: Final = "cfsigned_django.middleware.SignedCookiesMiddleware"
_SESSIONS: Final = "django.contrib.sessions.middleware.SessionMiddleware"
_AUTH: Final = "django.contrib.auth.middleware.AuthenticationMiddleware"


def check_cookies(**kwargs: Any) -> list[CheckMessage]:
    """Return why viewers would not get the cookies of the scopes."""
    names = Site.COOKIE_SCOPES.read()
    if not names:
        return []
    found: list[CheckMessage] = []
    middleware = settings.MIDDLEWARE
    before = middleware[: middleware.index(_OURS)] if _OURS in middleware else []
    if _SESSIONS not in before or (_AUTH in middleware and _AUTH not in before):
        where = "comes too early in" if _OURS in middleware else "is not in"
        what = f"There are scopes of signed cookies, but {_OURS} {where} MIDDLEWARE."
        found.append(problem("cfsigned.E051", what))
    for name in names:
        scope = import_class(name)
        if scope is None or not issubclass(scope, SignedCookieScope):
            found.append(problem("cfsigned.E050", f"{shown(name)} is not a SignedCookieScope."))
        else:
            found += _scope(scope, name)
    return found


def _scope(scope: type[SignedCookieScope], name: str) -> Iterator[CheckMessage]:
    """Report why no viewer of the scope would get cookies, whatever its folders."""
    storage = next((each for each in site_storages() if each.alias == scope.storage), None)
    if storage is None:
        yield problem("cfsigned.E050", f"The storage {scope.storage!r} of {name} does not sign.")
        return
    if not storage.is_known:
        return  # check_storages() reports the error, and a request knows the domain.
    config = storage.config
    wrong = find_address_problems(config, signs=storage.signs)
    if serious := next(filter(CheckMessage.is_serious, wrong), None):
        # check_storages() reports it, unless nothing but cookies needs a domain.
        if not (storage.signs or config.custom_domain):
            serious.obj = storage.name
            yield serious
        return
    host = str(config.custom_domain).partition(":")[0].lower()
    domain = scope.domain or Site.COOKIE_DOMAIN.read() or None
    try:
        checked_domain(domain, host)
    except ValueError as error:
        yield problem("cfsigned.E052", f"{name}: {error}")
    try:
        CookiePlace(**attributes_of(scope)).refuse_attributes(f"{config.url_protocol}//{host}/")
        if scope.lifetime is not None and type(config.max_expire) is int:
            lifetime(scope.lifetime, config.max_expire)
    except ValueError as error:
        yield problem("cfsigned.E053", f"{name}: {error}")
    if domain is None and not validate_host(host, settings.ALLOWED_HOSTS):
        yield problem(
            "cfsigned.W050",
            f"AWS_CLOUDFRONT_COOKIE_DOMAIN is not set, so the cookies of {name} stay at the host "
            f"of the page, and the files are at {host}, which is not in ALLOWED_HOSTS.",
        )


# Caches

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
