"""Find what is wrong with the settings, before a viewer does.

What a single value must be is in its row in conf.py. Here, one small function states one rule of
the values of a :class:`~cfsigned_django.core.conf.Config` together; the ids and fixes are in
:data:`TABLE`. ``manage.py check`` reports all of
them; a storage raises the first error when it is asked for a URL. Nothing here
touches the network.
"""

from __future__ import annotations

import re
import time
from collections.abc import Container, Iterable, Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import FileSystemStorage

from cfsigned_django import signing
from cfsigned_django.core import conf
from cfsigned_django.core.conf import OPTIONS, SITE, Config, Setting, is_local_host, shown
from cfsigned_django.core.text import duration
from cfsigned_django.signing.pem import find_access
from cfsigned_django.signing.policy import MAX_EPOCH_TIME

#: Check ID -> how to fix it. IDs are API: an ID is never reused for something else.
TABLE: dict[str, str] = {
    row.check_id: row.fix for row in (*OPTIONS.values(), *SITE.values()) if row.check_id
} | {
    "cfsigned.E001": "Set AWS_CLOUDFRONT_KEY, AWS_CLOUDFRONT_KEY_ID and AWS_S3_CUSTOM_DOMAIN, or "
    "AWS_QUERYSTRING_AUTH = False if the files are public. Tests need none of them: name "
    "cfsigned_django.testing.InMemorySignedStorage in their STORAGES.",
    "cfsigned.E002": "Set AWS_CLOUDFRONT_KEY_ID to the public key ID (K...) that CloudFront "
    "shows under Key management, Public keys.",
    "cfsigned.E003": "Set AWS_CLOUDFRONT_KEY to the private key that belongs to this public key "
    "ID.",
    "cfsigned.E004": "Set AWS_S3_CUSTOM_DOMAIN, or the custom_domain of the storage, to the domain "
    "name of the distribution, such as d111111abcdef8.cloudfront.net. If its URLs are to lead to "
    "S3, or nobody asks for them, set its cloudfront_signer to None.",
    "cfsigned.E005": "Use the host name alone, such as media.example.com or 127.0.0.1:8001. The "
    "protocol belongs in AWS_S3_URL_PROTOCOL; leave its default port out. Only a storage that does "
    "not sign may have a path behind the host.",
    "cfsigned.E007": "Fix AWS_CLOUDFRONT_KEY as the message says. Without a secret store, the "
    "most robust form is a pathlib.Path of the PEM file.",
    "cfsigned.E008": "Use the public key ID, which begins with K, from Key management, Public "
    "keys. The key group ID belongs in AWS_CLOUDFRONT_KEY_GROUP_ID.",
    "cfsigned.E009": "Copy the public key ID from CloudFront: capital letters and digits, such "
    "as K2JCJMDEHXQW5F.",
    "cfsigned.E011": 'Leave AWS_CLOUDFRONT_HASH_ALGORITHM out, or set it to "SHA256": an ECDSA '
    "key cannot be used with SHA1.",
    "cfsigned.E012": 'Set AWS_CLOUDFRONT_HASH_ALGORITHM to "SHA256": the OpenSSL policy of '
    "this machine refuses SHA-1, the default for an RSA key.",
    "cfsigned.E015": "Lower AWS_QUERYSTRING_EXPIRE, or raise AWS_CLOUDFRONT_MAX_EXPIRE.",
    "cfsigned.E018": "Set AWS_S3_CUSTOM_DOMAIN to the domain name of the distribution, such as "
    "d111111abcdef8.cloudfront.net, or to one of its alternate domain names.",
    "cfsigned.E020": "Use a storage for static files that does not sign, or set querystring_auth "
    'to False in STORAGES["staticfiles"]["OPTIONS"].',
    "cfsigned.E021": "Remove DEFAULT_FILE_STORAGE, which Django no longer reads, and keep "
    'STORAGES["default"].',
    "cfsigned.E022": 'Name the class in STORAGES["default"]["BACKEND"] and remove '
    "DEFAULT_FILE_STORAGE: Django no longer reads it, so files are stored elsewhere.",
    "cfsigned.E026": "Set USE_TZ = True. Without it, the waits of a rotation are an hour off when "
    "the clocks change.",
    "cfsigned.E041": "Raise AWS_CLOUDFRONT_MAX_EXPIRE, which limits the whole site, or lower the "
    "option of the storage.",
    "cfsigned.E042": "Set MEDIA_ROOT, or the option location of the storage, to a folder that "
    "holds nothing but media.",
    "cfsigned.E044": "Fix the class, or its OPTIONS: code that uses the storage here fails in the "
    "same way. If only other machines can construct it, silence cfsigned.E044 on this one.",
    "cfsigned.E045": "Give it a location outside that folder, or another bucket. If its files are "
    "public, set its querystring_auth to False.",
    "cfsigned.E046": "Set it to True, or to False if no file may replace another of its name. What "
    'an environment has is text: compare it, as in == "True".',
    "cfsigned.E047": "Set DEBUG to False. Then set AWS_CLOUDFRONT_KEY, AWS_CLOUDFRONT_KEY_ID and "
    "AWS_S3_CUSTOM_DOMAIN.",
    "cfsigned.E050": "Name in AWS_CLOUDFRONT_COOKIE_SCOPES the dotted paths of subclasses of "
    "cfsigned_django.cookies.SignedCookieScope, whose storage is an alias of a storage that "
    "signs.",
    "cfsigned.E051": 'Add "cfsigned_django.middleware.SignedCookiesMiddleware" to MIDDLEWARE, '
    "after SessionMiddleware and AuthenticationMiddleware.",
    "cfsigned.E052": "Set AWS_CLOUDFRONT_COOKIE_DOMAIN, or domain of the scope, to a domain that "
    "the pages and the files have in common, such as example.com.",
    "cfsigned.E053": "Change the attribute of the scope that the message names; its lifetime is "
    "called expire there.",
    "cfsigned.E060": "Set AWS_CLOUDFRONT_DISTRIBUTION_ID, or distribution_id in the OPTIONS of the "
    "storage, to the ID of the distribution, such as E1A2B3C4D5E6F7.",
    "cfsigned.W001": "Compare it with the IDs under Key management, Public keys. They look like "
    "K2JCJMDEHXQW5F.",
    "cfsigned.W002": "Give static files a domain or a behavior without Restrict viewer access. If "
    "they have such a behavior, silence cfsigned.W002: system checks do not ask AWS.",
    "cfsigned.W003": 'Name the class in STORAGES["default"]["BACKEND"], where Django 5.1 and newer '
    "look, and remove DEFAULT_FILE_STORAGE.",
    "cfsigned.W004": "Copy the key group ID, a UUID, from Key management, Key groups.",
    "cfsigned.W005": 'Set AWS_S3_URL_PROTOCOL to "https:". Anyone who intercepts a signed URL '
    "can open the file.",
    "cfsigned.W006": "Remove the setting: its default is safe.",
    "cfsigned.W007": "Put back the encryption key that the message asks for, then start a rotation "
    "in each key group (manage.py cfsigned_rotate --start, --key-group). If that key is lost, do "
    "it without, unless the key pair is RETIRING: URLs that are out stay valid, and the new key "
    "can sign in some minutes.",
    "cfsigned.W008": 'Add "cfsigned_django" to INSTALLED_APPS, or remove '
    "AWS_CLOUDFRONT_KEY_GROUP_ID: only the app can look up which key of the group signs.",
    "cfsigned.W009": "Set key_group_id of the storage to that key group and remove its signer, or "
    "give the storage a different key.",
    "cfsigned.W010": "Set AWS_CLOUDFRONT_KEY, AWS_CLOUDFRONT_KEY_ID and AWS_S3_CUSTOM_DOMAIN "
    "before a page needs a URL: until then, url() raises cfsigned.E001, and check --deploy fails.",
    "cfsigned.W011": "Start a rotation in each key group that the message names (manage.py "
    "cfsigned_rotate --start, --key-group). When the warning is gone, remove the previous key from "
    "SECRET_KEY_FALLBACKS or AWS_CLOUDFRONT_ENCRYPTION_KEYS.",
    "cfsigned.W012": "Set AWS_CLOUDFRONT_ENCRYPTION_KEYS, or a SECRET_KEY of at least 50 random "
    "characters with the old one in SECRET_KEY_FALLBACKS. Then start a rotation in each key group "
    "(manage.py cfsigned_rotate --start, --key-group).",
    "cfsigned.W013": "A private key that is not its row's is not used. Find out who can write to "
    "the database. Revoke the key pair in the admin, and start a rotation.",
    "cfsigned.W014": "Do what the message says. Until a key signs, url() raises the same error.",
    "cfsigned.W015": "Let only the user that runs the site read it, or its group: chmod 600 or "
    "640, and chown to that user or root.",
    "cfsigned.W016": "Let the storage of private files sign: its BACKEND must be a class of this "
    "package, also if that of django-storages signs already, and querystring_auth True. If no file "
    "is private, remove the key. If only code of the site signs, silence cfsigned.W016.",
    "cfsigned.W017": "Set AWS_STORAGE_BUCKET_NAME, or bucket_name in the OPTIONS of the storage. "
    "If the site only makes URLs, silence cfsigned.W017.",
    "cfsigned.W040": "Lower CACHE_MIDDLEWARE_SECONDS, raise AWS_QUERYSTRING_EXPIRE, or add "
    '"cfsigned_django.http.cap_cache_control" to MIDDLEWARE, directly after '
    "UpdateCacheMiddleware.",
    "cfsigned.W044": "Fix the class, or its OPTIONS: code that uses the storage here fails in the "
    "same way, and so does check --deploy. If only other machines can construct it, silence "
    "cfsigned.W044 on this one.",
    "cfsigned.W045": "Set content_type_from_name to True in the OPTIONS of the storage, or silence "
    "cfsigned.W045 if users upload nothing to it.",
    "cfsigned.W050": "Set AWS_CLOUDFRONT_COOKIE_DOMAIN to a domain that the pages and the files "
    "have in common, such as example.com.",
    "cfsigned.W060": 'Remove "overwrite" from AWS_CLOUDFRONT_INVALIDATE_ON, or from invalidate_on '
    "in the OPTIONS of the storage.",
    "cfsigned.W070": "Give the field a storage whose location is empty, and let upload_to begin "
    "with the folder.",
}

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?(?::([0-9]{1,5}))?", re.ASCII)
_PATH = re.compile(r"[A-Za-z0-9._~-]+(?:/[A-Za-z0-9._~-]+)*", re.ASCII)
KEY_GROUP_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
_TEXT_ID = re.compile("[A-Za-z0-9]{1,20}", re.ASCII)
KEY_PAIR_ID = re.compile(r"K[A-Z0-9]{8,}|APKA[A-Z0-9]{16}", re.ASCII)

# The options that judge files by their names, also of a storage that does not sign.
_OF_NAMES = ("public", "attachment_types", "content_type_from_name")
# The message of django-storages, word for word: code may look for it.
_BOTH = (
    "Both AWS_CLOUDFRONT_KEY_ID/cloudfront_key_id and AWS_CLOUDFRONT_KEY/cloudfront_key must be "
    "provided together."
)


def problem(check_id: str, message: str, obj: Any = None) -> CheckMessage:
    """Return the check message for an id of the table."""
    kind = Error if check_id.startswith("cfsigned.E") else CheckWarning
    return kind(message, hint=TABLE[check_id], obj=obj, id=check_id)


def once_each(found: Iterable[CheckMessage]) -> list[CheckMessage]:
    """Return each message once, with all storages that it is about: they read the same settings."""
    grouped: dict[tuple[Any, str], list[CheckMessage]] = {}
    for message in found:
        grouped.setdefault((message.id, message.msg), []).append(message)
    for first, *others in grouped.values():
        if others:
            first.obj = ", ".join(str(each.obj) for each in (first, *others))
    return [first for first, *_ in grouped.values()]


def find_wrong(*rows: Setting) -> list[CheckMessage]:
    """Return the errors of the settings of the site that their rows refuse."""
    return [
        problem(row.check_id, f"{row.name} {wrong}.")
        for row in rows
        if (wrong := row.judge_current()[1])
    ]


def find_no_folder(storage: FileSystemStorage) -> list[CheckMessage]:
    """Return an error if no folder is set for a storage of files on disk."""
    if storage.base_location and str(storage.base_location) != ".":
        return []
    what = (
        f"{type(storage).__name__} has no folder: neither its location nor MEDIA_ROOT is set, so "
        "files would be stored in, and served from, the folder in which the process was started."
    )
    return [problem("cfsigned.E042", what)]


def is_of_trusted_signer(key_pair_id: str) -> bool:
    """Return whether a trusted signer (the legacy way) owns the key pair: it is in no key group."""
    return key_pair_id.startswith("APKA")


def find_problems(
    config: Config, *, with_key: bool = True, is_check: bool = True
) -> list[CheckMessage]:
    """Return all that is wrong with a configuration that is meant to sign.

    ``with_key`` is False if the signer comes from elsewhere. ``is_check``: also warn, and sign
    something, to see whether the key can; ``url()`` needs the errors alone, and signs next.
    """
    found = [*_key_and_id(config), *_key(config, is_check), *_key_id(config)] if with_key else []
    lacks_key = "cfsigned.E001" in [each.id for each in found]
    if config.custom_domain not in (None, "") or not lacks_key:  # else one message says enough
        found += _domain(config)
    found += find_wrong_values(config, OPTIONS.keys() - {"invalidate_on"})
    found += _lifetimes(config)
    return [*found, *_warnings(config, with_key)] if is_check else found


def find_address_problems(config: Config, *, signs: bool = True) -> list[CheckMessage]:
    """Return what is wrong with the domain and protocol of URLs.

    A storage that does not sign may have a path behind the domain, as S3's own
    address or that of MinIO has.
    """
    return [*find_wrong_values(config, ["url_protocol", *_OF_NAMES]), *_domain(config, signs)]


def find_half_a_key(*, cloudfront_key: Any, cloudfront_key_id: Any) -> list[CheckMessage]:
    """Return an error if a key is set without its ID, or an ID without its key."""
    if cloudfront_key is not None and not cloudfront_key_id:
        message = f"AWS_CLOUDFRONT_KEY is set without AWS_CLOUDFRONT_KEY_ID. {_BOTH}"
        return [problem("cfsigned.E002", message)]
    if cloudfront_key is None and cloudfront_key_id:
        message = f"AWS_CLOUDFRONT_KEY_ID is set without AWS_CLOUDFRONT_KEY. {_BOTH}"
        return [problem("cfsigned.E003", message)]
    return []


def no_distribution() -> CheckMessage:
    """Return the error that it is not known which distribution must forget a file."""
    return problem("cfsigned.E060", "CloudFront must forget files, but no distribution is set.")


def find_invalidation_problems(config: Config, *, overwrites: bool) -> Iterator[CheckMessage]:
    """Yield what is wrong with the options of invalidation; ``overwrites``: names are reused."""
    yield from find_wrong_values(config, ["invalidate_on"])
    events = () if "invalidate_on" in config.wrong else config.invalidate_on
    if events and not config.distribution_id:
        yield no_distribution()
    if "overwrite" in events and not overwrites:
        what = "No file is overwritten, since AWS_S3_FILE_OVERWRITE (file_overwrite) is False."
        yield problem("cfsigned.W060", what)


class CheckFailed(ImproperlyConfigured):
    """The error of a system check, where something needs what the check finds wrong."""

    def __init__(self, found: CheckMessage) -> None:
        super().__init__(found)
        self.found = found

    def __str__(self) -> str:
        return f"{self.found.msg} {self.found.hint} ({self.found.id})"


def raise_first_error(problems: list[CheckMessage]) -> None:
    """Raise :exc:`CheckFailed` for the first problem that is an error."""
    for found in problems:
        if found.is_serious():
            raise CheckFailed(found)


def hash_refused(which: str = "of AWS_CLOUDFRONT_KEY") -> CheckMessage:
    """Return the error that OpenSSL refuses SHA-1 for an RSA key."""
    return problem("cfsigned.E012", f"The RSA key {which} cannot sign with SHA1 on this machine.")


def _named(config: Config, option: str) -> str:
    """Return what has this value: the setting, or the option of a storage that differs from it."""
    is_setting = getattr(config, option) == conf.setting_of(option)
    return OPTIONS[option].name if is_setting else f"The option {option}"


def _key_and_id(config: Config) -> Iterator[CheckMessage]:
    key, key_pair_id = config.cloudfront_key, config.cloudfront_key_id
    if key is None and not key_pair_id:
        missing = "URLs must be signed, but no key is configured."
        if aliases := conf.aliases_with("cloudfront_key"):
            missing += (
                f" The keys in the OPTIONS of STORAGES (of {aliases}) sign for these aliases, and "
                "for a storage that has the same class and options as one of them alone."
            )
        yield problem("cfsigned.E001", missing)
    elif key is None or not key_pair_id:
        yield from find_half_a_key(cloudfront_key=key, cloudfront_key_id=key_pair_id)


def _domain(config: Config, signs: bool = True) -> Iterator[CheckMessage]:
    domain = config.custom_domain
    if not domain:
        is_option = bool(conf.setting_of("custom_domain"))
        which = (
            f"The custom_domain is {domain!r}" if is_option else "AWS_S3_CUSTOM_DOMAIN is not set"
        )
        what = f"{which}, so URLs would bypass CloudFront and lead to S3."
        if domain is False:
            what = (
                "The domain is False, which means S3's own address to django-storages. For URLs "
                "that lead to S3, use storages.backends.s3.S3Storage."
            )
        yield problem("cfsigned.E004", what)
    elif mistake := _mistake_in_host(domain, config.url_protocol, may_have_path=not signs):
        named = _named(config, "custom_domain")
        yield problem("cfsigned.E005", f"{named} is {shown(domain)}, {mistake}.")
    elif domain.lower().endswith((".amazonaws.com", ".amazonaws.com.cn")):
        yield problem(
            "cfsigned.E018",
            f"{_named(config, 'custom_domain')} is {domain}, an address of S3, which does not "
            "accept signed URLs of CloudFront.",
        )


def _key(config: Config, tries_key: bool) -> Iterator[CheckMessage]:
    key = config.cloudfront_key
    if key is None or key.is_unasked:
        return
    try:
        loaded = key.load()
    except signing.InvalidKey as error:
        yield problem("cfsigned.E007", f"AWS_CLOUDFRONT_KEY cannot be used. {error}")
        return
    if loaded.algorithm is signing.KeyAlgorithm.ECDSA_P256:
        if config.hash_algorithm == signing.HashAlgorithm.SHA1:
            what = "AWS_CLOUDFRONT_KEY is an ECDSA key, but the hash is SHA1."
            yield problem("cfsigned.E011", what)
    elif tries_key and config.hash_algorithm != signing.HashAlgorithm.SHA256:
        try:  # Does OpenSSL allow it? This takes as long as signing a URL.
            loaded.sign(b"", signing.HashAlgorithm.SHA1)
        except signing.HashRefused:
            yield hash_refused()


def _key_id(config: Config) -> Iterator[CheckMessage]:
    found = config.cloudfront_key_id
    is_text = isinstance(found, str)
    if not found or (is_text and _TEXT_ID.fullmatch(found)):
        return  # _key_and_id() reports one that is empty
    named = _named(config, "cloudfront_key_id")
    if is_text and KEY_GROUP_ID.fullmatch(found):
        yield problem("cfsigned.E008", f"{named} is {found}, which looks like a key group ID.")
    else:
        # The value stays out of the message: it may be the key itself.
        yield problem("cfsigned.E009", f"{named} is not a valid public key ID.")


def _lifetimes(config: Config) -> Iterator[CheckMessage]:
    if config.wrong.keys() & {"querystring_expire", "max_expire", "expire_step"}:
        return
    expire, most, step = config.querystring_expire, config.max_expire, config.expire_step
    if time.time() + expire > MAX_EPOCH_TIME:
        yield problem(
            "cfsigned.E013",
            f"AWS_QUERYSTRING_EXPIRE is {expire}, so URLs would expire after January 2038, the "
            "last date that a policy can hold.",
        )
    if expire > most:
        yield problem(
            "cfsigned.E015",
            f"AWS_QUERYSTRING_EXPIRE ({duration(expire)}) is more than AWS_CLOUDFRONT_MAX_EXPIRE "
            f"({duration(most)}).",
        )
        return
    # The limit of the site, which the options of a storage must not exceed.
    limit, wrong = OPTIONS["max_expire"].judge_current()
    if wrong:
        yield from find_wrong(OPTIONS["max_expire"])
    elif most > limit:
        yield _too_long(f"max_expire {most} s", limit)
    elif step and expire + step > conf.site_lifetime():
        yield _too_long(f"expire_step {step} s", limit)


def _too_long(what: str, limit: int) -> CheckMessage:
    return problem(
        "cfsigned.E041",
        f"A storage has {what}, so its URLs could live longer than the {limit} s of "
        "AWS_CLOUDFRONT_MAX_EXPIRE. A rotation would retire keys that those URLs still need.",
    )


def _warnings(config: Config, with_key: bool) -> Iterator[CheckMessage]:
    """Yield what is unsafe, or looks like a mistake, though URLs can be signed."""
    if config.url_protocol == "http:" and not is_local_host(config.custom_domain):
        yield problem("cfsigned.W005", "Signed URLs are sent over plain HTTP.")
    if not with_key:
        return
    key_pair_id, group, key = config.cloudfront_key_id, config.key_group_id, config.cloudfront_key
    is_text = isinstance(key_pair_id, str) and _TEXT_ID.fullmatch(key_pair_id)
    if is_text and not KEY_PAIR_ID.fullmatch(key_pair_id):
        named = _named(config, "cloudfront_key_id")
        what = "which does not look like a public key ID of CloudFront"
        yield problem("cfsigned.W001", f"{named} is {key_pair_id}, {what}.")
    if isinstance(group, str) and KEY_PAIR_ID.fullmatch(group):
        named = _named(config, "key_group_id")
        yield problem("cfsigned.W004", f"{named} is {group}, which looks like a public key ID.")
    if key is None or key.is_unasked or key.path is None:
        return
    access = find_access(key.path)
    if access.others_read:
        what = f"Every user of this machine can read the key file {key.path}."
        yield problem("cfsigned.W015", what)
    if access.foreign_owner is not None:
        yield problem(
            "cfsigned.W015",
            f"The key file {key.path} belongs to user {access.foreign_owner}, who can replace the "
            "key.",
        )


def find_wrong_values(config: Config, options: Container[str]) -> list[CheckMessage]:
    """Return the errors of those of these options that their rows refuse."""
    return [
        problem(OPTIONS[each].check_id, f"{_named(config, each)} {config.wrong[each]}.")
        for each in config.wrong
        if each in options
    ]


def _mistake_in_host(domain: Any, protocol: Any, *, may_have_path: bool) -> str:
    """Return what is wrong with a host, with or without a port; empty if nothing is."""
    host, path = domain, ""
    if may_have_path and isinstance(domain, str):
        host, _, path = domain.partition("/")
        if domain != host and not _PATH.fullmatch(path):
            return "which is not a host name, with or without a path"
    match = _HOST.fullmatch(host) if isinstance(host, str) else None
    if match is None or ".." in host or int(match[1] or 0) >= 65536:
        return "which is not a bare host name"
    if (protocol, match[1]) in (("https:", "443"), ("http:", "80")):
        return (
            "with the default port, which browsers leave out: they would request a URL other than "
            "the signed one"
        )
    return ""
