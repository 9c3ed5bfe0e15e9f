"""List the ids of the system checks, and what to do about each."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error, Warning as CheckWarning

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
    "protocol goes to AWS_S3_URL_PROTOCOL, and its usual port is left out.",
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
    "cfsigned.E013": "Set AWS_QUERYSTRING_EXPIRE to whole seconds or a timedelta, 1 s or more, "
    "and as short as the site can do with.",
    "cfsigned.E014": "Set AWS_CLOUDFRONT_MAX_EXPIRE to whole seconds or a timedelta, 1 s or more.",
    "cfsigned.E015": "Lower AWS_QUERYSTRING_EXPIRE, or raise AWS_CLOUDFRONT_MAX_EXPIRE.",
    "cfsigned.E016": "Set AWS_CLOUDFRONT_EXPIRE_STEP to whole seconds or a timedelta; 0 turns "
    "steps off.",
    "cfsigned.E017": "Set AWS_QUERYSTRING_AUTH to True, or to False if the files are public.",
    "cfsigned.E018": "Set AWS_S3_CUSTOM_DOMAIN to the domain name of the distribution, such as "
    "d111111abcdef8.cloudfront.net, or to an alternate domain name of it.",
    "cfsigned.E020": "Give static files a storage that does not sign, or querystring_auth False in "
    'STORAGES["staticfiles"]["OPTIONS"].',
    "cfsigned.E021": "Remove DEFAULT_FILE_STORAGE, which Django no longer reads, and keep "
    'STORAGES["default"].',
    "cfsigned.E022": 'Name the class in STORAGES["default"]["BACKEND"] and remove '
    "DEFAULT_FILE_STORAGE: Django no longer reads it, and files go elsewhere.",
    "cfsigned.E023": "Make each entry with cryptography's Fernet.generate_key(), newest first, and "
    "keep those that sealed what is in the database.",
    "cfsigned.E024": "Set it to whole seconds or a timedelta, 0 s or more.",
    "cfsigned.E025": 'Set AWS_CLOUDFRONT_SPARE_KEY to "ECDSA_P256" or "RSA_2048", or leave it out.',
    "cfsigned.E026": "Set USE_TZ = True: the waits of a rotation would be an hour off whenever the "
    "clocks are changed.",
    "cfsigned.E027": "Set AWS_CLOUDFRONT_KEY_GROUP_QUOTA to the number that Service Quotas shows "
    "for public keys in a key group, or leave it out: 5.",
    "cfsigned.E030": "Set AWS_CLOUDFRONT_BY_HAND to True where a person changes CloudFront, "
    "to False where the site does.",
    "cfsigned.E040": "Set AWS_CLOUDFRONT_URL_CACHE_SIZE to a whole number of URLs; 0 keeps none.",
    "cfsigned.W001": "Compare with Key management, Public keys: ids look like K2JCJMDEHXQW5F.",
    "cfsigned.W002": "Give static files a domain or a behavior without Restrict viewer access.",
    "cfsigned.W003": 'Name the class in STORAGES["default"]["BACKEND"], where Django 5.1 and newer '
    "look, and remove DEFAULT_FILE_STORAGE.",
    "cfsigned.W004": "Look under Key management, Key groups: the id is a UUID.",
    "cfsigned.W005": 'Set AWS_S3_URL_PROTOCOL to "https:": whoever reads a signed link on its '
    "way can use it.",
    "cfsigned.W006": "Leave the setting out: its default is safe.",
    "cfsigned.W007": "Put back the encryption key that the message asks for, then run manage.py "
    "cfsigned_rotate --reseal; if it is lost, revoke the key pair.",
    "cfsigned.W008": 'Add "cfsigned_django" to INSTALLED_APPS, or remove '
    "AWS_CLOUDFRONT_KEY_GROUP_ID: only the app knows which key of the group signs.",
    "cfsigned.W040": "Lower CACHE_MIDDLEWARE_SECONDS, raise AWS_QUERYSTRING_EXPIRE, or put "
    '"cfsigned_django.http.cap_cache_control" into MIDDLEWARE, directly behind '
    "UpdateCacheMiddleware.",
    "cfsigned.W041": "Lower the seconds of {% cache %}, or raise AWS_QUERYSTRING_EXPIRE by the "
    "time for which the fragment is kept.",
    "cfsigned.W042": "Install cryptography from a wheel of PyPI, which brings its own OpenSSL "
    "along, or build it against OpenSSL 3.2 or newer.",
}

# The longest value that a message shows.
_LONGEST_SHOWN = 100


def problem(check_id: str, message: str, obj: Any = None) -> CheckMessage:
    """Return the check message for an id of the table."""
    kind = Error if check_id.startswith("cfsigned.E") else CheckWarning
    return kind(message, hint=TABLE[check_id], obj=obj, id=check_id)


def shown(value: Any) -> str:
    """Return a wrong value for a message; what may be a key in the wrong place is not shown."""
    text = repr(value)
    if len(text) > _LONGEST_SHOWN or "-----" in text:
        return f"a {type(value).__name__} of {len(text)} characters"
    return text
