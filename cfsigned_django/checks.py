"""Say what is wrong with the settings, before a viewer finds out.

One small function states one fact about a :class:`~cfsigned_django.conf.Config`;
the ids and remedies stand in :data:`TABLE`. ``manage.py check`` reports all of
them, and a storage raises the first error when it is asked for a URL. Nothing
here touches the network.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from cryptography.exceptions import InternalError, UnsupportedAlgorithm
from django.core.checks import CheckMessage, Error, Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured

from cfsigned_django.conf import Config
from cfsigned_django.signing import HashAlgorithm, InvalidKey, KeyAlgorithm

#: Check id -> what to do about it. Ids are API: they are never given twice.
TABLE: dict[str, str] = {
    "cfsigned.E001": "Set AWS_CLOUDFRONT_KEY and AWS_CLOUDFRONT_KEY_ID, or say "
    "AWS_QUERYSTRING_AUTH = False if the files are public.",
    "cfsigned.E002": "Set AWS_CLOUDFRONT_KEY_ID to the id that CloudFront gave the public key "
    "(K...), under Key management, Public keys.",
    "cfsigned.E003": "Set AWS_CLOUDFRONT_KEY to the private key whose public half has this id.",
    "cfsigned.E004": "Set AWS_S3_CUSTOM_DOMAIN to the domain name of the distribution, such as "
    "d111111abcdef8.cloudfront.net.",
    "cfsigned.E005": "Set the host alone, such as media.example.com or 127.0.0.1:8001; the "
    "protocol goes to AWS_S3_URL_PROTOCOL.",
    "cfsigned.E006": 'Set AWS_S3_URL_PROTOCOL to "https:" (or "http:" for the local edge), with '
    "the colon.",
    "cfsigned.E007": "Mend AWS_CLOUDFRONT_KEY as the message says; a pathlib.Path of the PEM "
    "file is the least fragile form.",
    "cfsigned.E008": "Look under Key management, Public keys: the id wanted begins with K. The "
    "group's id belongs into AWS_CLOUDFRONT_KEY_GROUP_ID.",
    "cfsigned.E009": "Copy the id of the public key from CloudFront: capital letters and digits, "
    "such as K2JCJMDEHXQW5F.",
    "cfsigned.E010": 'Set AWS_CLOUDFRONT_HASH_ALGORITHM to "SHA256" or "SHA1", or leave it out.',
    "cfsigned.E011": 'Leave AWS_CLOUDFRONT_HASH_ALGORITHM out, or set it to "SHA256": an ECDSA '
    "key does not go with SHA1.",
    "cfsigned.E012": 'Set AWS_CLOUDFRONT_HASH_ALGORITHM to "SHA256": this platform\'s OpenSSL '
    "policy refuses SHA-1, which RSA links use otherwise.",
    "cfsigned.E013": "Set AWS_QUERYSTRING_EXPIRE to whole seconds or a timedelta, 1 s or more.",
    "cfsigned.E014": "Set AWS_CLOUDFRONT_MAX_EXPIRE to whole seconds or a timedelta, 1 s or more.",
    "cfsigned.E015": "Lower AWS_QUERYSTRING_EXPIRE, or raise AWS_CLOUDFRONT_MAX_EXPIRE.",
    "cfsigned.E016": "Set AWS_CLOUDFRONT_EXPIRE_STEP to whole seconds or a timedelta; 0 turns "
    "steps off.",
    "cfsigned.E020": "Give static files a storage that does not sign, or querystring_auth False in "
    'STORAGES["staticfiles"]["OPTIONS"].',
    "cfsigned.E021": "Remove DEFAULT_FILE_STORAGE, which Django no longer reads, and keep "
    'STORAGES["default"].',
    "cfsigned.E022": 'Name the class in STORAGES["default"]["BACKEND"] and remove '
    "DEFAULT_FILE_STORAGE: Django no longer reads it, and files go elsewhere.",
    "cfsigned.W001": "Compare with Key management, Public keys: ids look like K2JCJMDEHXQW5F.",
    "cfsigned.W002": "Give static files a domain or a behavior without Restrict viewer access.",
    "cfsigned.W003": 'Name the class in STORAGES["default"]["BACKEND"], where Django 5.1 and newer '
    "look, and remove DEFAULT_FILE_STORAGE.",
    "cfsigned.W004": "Look under Key management, Key groups: the id is a UUID.",
    "cfsigned.W005": 'Set AWS_S3_URL_PROTOCOL to "https:": whoever reads a signed link on its '
    "way can use it.",
}

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?", re.ASCII)
KEY_GROUP_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
KEY_PAIR_ID = re.compile(r"K[A-Z0-9]{8,}|APKA[A-Z0-9]{16}", re.ASCII)

# What django-storages says, word for word: code may look for it.
_BOTH = (
    "Both AWS_CLOUDFRONT_KEY_ID/cloudfront_key_id and AWS_CLOUDFRONT_KEY/cloudfront_key must be "
    "provided together."
)

Facts = Iterator[CheckMessage]


def problem(check_id: str, message: str, obj: Any = None) -> CheckMessage:
    """Return the check message for an id of the table."""
    kind = Error if check_id.startswith("cfsigned.E") else CheckWarning
    return kind(message, hint=TABLE[check_id], obj=obj, id=check_id)


def find_problems(config: Config, *, with_key: bool = True, obj: Any = None) -> list[CheckMessage]:
    """Return all that is wrong with a configuration that is meant to sign.

    ``with_key`` is False where the signer comes from elsewhere; ``obj`` is
    what the messages are about, such as an alias of STORAGES.
    """
    facts = (*_KEY_FACTS, *_URL_FACTS) if with_key else _URL_FACTS
    found = [message for fact in facts for message in fact(config)]
    for message in found:
        message.obj = obj
    return found


def find_address_problems(config: Config) -> list[CheckMessage]:
    """Return what is wrong with the domain and protocol of URLs, signed or not."""
    return [*_domain(config), *_protocol(config)]


def find_half_a_key(config: Config) -> list[CheckMessage]:
    """Return the error that the key stands without its id, or the id without its key."""
    whole_or_none = (config.cloudfront_key is None) == (not config.cloudfront_key_id)
    return [] if whole_or_none else list(_key_and_id(config))


def raise_first_error(problems: list[CheckMessage]) -> None:
    """Raise :exc:`ImproperlyConfigured` for the first problem that is an error."""
    for found in problems:
        if found.is_serious():
            raise ImproperlyConfigured(f"{found.msg} {found.hint} ({found.id})")


def _key_and_id(config: Config) -> Facts:
    key, key_pair_id = config.cloudfront_key, config.cloudfront_key_id
    if key is None and not key_pair_id:
        yield problem("cfsigned.E001", "URLs shall be signed, but no key is set.")
    elif not key_pair_id:
        yield problem(
            "cfsigned.E002", f"AWS_CLOUDFRONT_KEY is set without AWS_CLOUDFRONT_KEY_ID. {_BOTH}"
        )
    elif key is None:
        yield problem(
            "cfsigned.E003", f"AWS_CLOUDFRONT_KEY_ID is set without AWS_CLOUDFRONT_KEY. {_BOTH}"
        )


def _domain(config: Config) -> Facts:
    domain = config.custom_domain
    if not domain:
        yield problem(
            "cfsigned.E004",
            "AWS_S3_CUSTOM_DOMAIN is not set, so that links would lead past CloudFront to S3.",
        )
    elif not isinstance(domain, str) or not _HOST.fullmatch(domain):
        yield problem(
            "cfsigned.E005", f"AWS_S3_CUSTOM_DOMAIN is {domain!r}, which is no bare host."
        )


def _protocol(config: Config) -> Facts:
    if config.url_protocol not in ("https:", "http:"):
        yield problem("cfsigned.E006", f"AWS_S3_URL_PROTOCOL is {config.url_protocol!r}.")
    elif config.url_protocol == "http:" and not _is_local(config.custom_domain):
        yield problem("cfsigned.W005", "Signed links go over plain HTTP.")


def _key(config: Config) -> Facts:
    if config.cloudfront_key is not None:
        try:
            config.cloudfront_key.load()
        except InvalidKey as error:
            yield problem("cfsigned.E007", f"AWS_CLOUDFRONT_KEY cannot be used. {error}")


def _key_pair_id(config: Config) -> Facts:
    key_pair_id = config.cloudfront_key_id
    if not key_pair_id:
        return
    if isinstance(key_pair_id, str) and KEY_GROUP_ID.fullmatch(key_pair_id):
        yield problem(
            "cfsigned.E008",
            f"AWS_CLOUDFRONT_KEY_ID is {key_pair_id}, which looks like the id of a key group.",
        )
    elif not isinstance(key_pair_id, str) or not re.fullmatch("[A-Za-z0-9]{1,64}", key_pair_id):
        # The value stays out of the message: it may be the key itself.
        yield problem("cfsigned.E009", "AWS_CLOUDFRONT_KEY_ID is not the id of a public key.")
    elif not KEY_PAIR_ID.fullmatch(key_pair_id):
        yield problem(
            "cfsigned.W001",
            f"AWS_CLOUDFRONT_KEY_ID is {key_pair_id}, which does not look like the id of a "
            "public key in CloudFront.",
        )


def _key_group_id(config: Config) -> Facts:
    group = config.key_group_id
    if isinstance(group, str) and KEY_PAIR_ID.fullmatch(group):
        yield problem(
            "cfsigned.W004",
            f"AWS_CLOUDFRONT_KEY_GROUP_ID is {group}, which looks like the id of a public key.",
        )


def _hash_algorithm(config: Config) -> Facts:
    name = config.hash_algorithm
    if name is not None and name not in list(HashAlgorithm):
        yield problem("cfsigned.E010", f"AWS_CLOUDFRONT_HASH_ALGORITHM is {name!r}.")
        return
    try:
        private_key = config.cloudfront_key.load() if config.cloudfront_key else None
    except InvalidKey:
        return  # _key() tells
    if private_key is None:
        return
    if private_key.algorithm is KeyAlgorithm.ECDSA_P256:
        if name == HashAlgorithm.SHA1:
            yield problem("cfsigned.E011", "AWS_CLOUDFRONT_KEY is an ECDSA key, used with SHA1.")
    elif name != HashAlgorithm.SHA256:
        try:
            private_key.sign(b"", HashAlgorithm.SHA1)
        except (InternalError, UnsupportedAlgorithm, ValueError):
            yield problem("cfsigned.E012", "AWS_CLOUDFRONT_KEY cannot sign with SHA1 here.")


def _lifetimes(config: Config) -> Facts:
    expire = whole_seconds(config.querystring_expire)
    most = whole_seconds(config.max_expire)
    step = whole_seconds(config.expire_step)
    if expire is None or expire < 1:
        yield problem("cfsigned.E013", f"AWS_QUERYSTRING_EXPIRE is {config.querystring_expire!r}.")
    if most is None or most < 1:
        yield problem("cfsigned.E014", f"AWS_CLOUDFRONT_MAX_EXPIRE is {config.max_expire!r}.")
    elif expire is not None and expire > most:
        yield problem(
            "cfsigned.E015",
            f"AWS_QUERYSTRING_EXPIRE ({expire} s) is more than AWS_CLOUDFRONT_MAX_EXPIRE "
            f"({most} s).",
        )
    if step is None or step < 0:
        yield problem("cfsigned.E016", f"AWS_CLOUDFRONT_EXPIRE_STEP is {config.expire_step!r}.")


_KEY_FACTS: tuple[Callable[[Config], Facts], ...] = (
    _key_and_id,
    _key,
    _key_pair_id,
    _key_group_id,
    _hash_algorithm,
)
_URL_FACTS: tuple[Callable[[Config], Facts], ...] = (_domain, _protocol, _lifetimes)


def whole_seconds(value: Any) -> int | None:
    """Return an int or a timedelta as whole seconds, or None where it is neither."""
    if isinstance(value, timedelta):
        return int(value.total_seconds()) if value.microseconds == 0 else None
    return value if type(value) is int else None


def _is_local(domain: Any) -> bool:
    host = str(domain).partition(":")[0]
    if host == "localhost" or host.endswith((".localhost", ".test")):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
