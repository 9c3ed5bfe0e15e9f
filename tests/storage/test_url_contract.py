"""The contract of url(): names x options x arguments -> address, resource, end, and bytes.

What comes out is computed by other means: addresses by urllib, ends by
arithmetic, what is signed by botocore, and a signature by cryptography. The
URL is then botocore's, to the byte.

Modules: storage/urls.py
"""

from __future__ import annotations

import json
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from botocore.signers import CloudFrontSigner
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from django.utils.safestring import mark_safe

from cfsigned_django.signing import KeyAlgorithm, PrivateKey
from cfsigned_django.signing.encoding import decode_base64
from cfsigned_django.storage import CloudFrontS3Storage
from tests.storage_cases import (
    ANY_RESOURCE,
    KEY_ID,
    NOW,
    ORIGIN,
    at,
    parameters_of,
    verify,
)

#: A name, and what stands for it in the path.
NAMES: dict[str, str] = {
    "plain.jpg": "plain.jpg",
    "albums/42/photo-1.jpg": "albums/42/photo-1.jpg",
    "사진-1.jpg": "%EC%82%AC%EC%A7%84-1.jpg",
    "my photo 1.jpg": "my%20photo%201.jpg",
    "photo-(1).jpg": "photo-(1).jpg",
    "a+b&c=d.jpg": "a%2Bb%26c%3Dd.jpg",
    "q?a#b.jpg": "q%3Fa%23b.jpg",
    "100%/%20.jpg": "100%25/%2520.jpg",
    "it's!~_-.jpg": "it's!~_-.jpg",
    "a*b/*.jpg": "a%2Ab/%2A.jpg",
    'say "hi"/[1]{2}|^`<>.jpg': "say%20%22hi%22/%5B1%5D%7B2%7D%7C%5E%60%3C%3E.jpg",
    "보고서/2026/é 日本語 🌅 (초안) + 최종.tar.gz": quote(
        "보고서/2026/é 日本語 🌅 (초안) + 최종.tar.gz", safe="/()"
    ),
    "tab\tdel\x7f": "tab%09del%7F",
    "a:b@c,d;e$f": "a%3Ab%40c%2Cd%3Be%24f",
    # Not in the form that S3 has them: tidied up.
    "/a.jpg": "a.jpg",
    "//a//b.jpg": "a/b.jpg",
    "./a/./b.jpg": "a/b.jpg",
    "a\\b.jpg": "a/b.jpg",
    "folder/": "folder/",
    ".hidden/.a": ".hidden/.a",
    "..a/b..": "..a/b..",
}

#: Options, what they put before a name, and the steps of an end. Only the first sign with RSA.
OPTIONS: dict[str, tuple[dict[str, Any], str, int]] = {
    "defaults": ({}, f"{ORIGIN}/", 0),
    "location": ({"location": "media/files"}, f"{ORIGIN}/media/files/", 0),
    "odd location": (
        {"location": "미디어 50%*/%2A"},
        f"{ORIGIN}/{quote('미디어 50%')}%2A/%252A/",
        0,
    ),
    "domain and protocol": (
        {"custom_domain": "Media.Example.NET", "url_protocol": "http:"},
        "http://media.example.net/",
        0,
    ),
    "step": ({"expire_step": 900}, f"{ORIGIN}/", 900),
    "lifetime and step": ({"querystring_expire": 60, "expire_step": 7}, f"{ORIGIN}/", 7),
}

#: Arguments of url(), each with what it does to the expected URL. {folder} is that of the name.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "none": {},
    "expire": {"expire": 300},
    "timedelta": {"expire": timedelta(minutes=5)},
    "step": {"expire_step": 3600},
    "no step": {"expire_step": 0},
    "expire and step": {"expire": 90, "expire_step": timedelta(seconds=45)},
    "method": {"http_method": "HEAD"},
    "address": {"ip_address": "192.0.2.7"},
    "range": {"ip_address": "192.0.2.0/24", "expire": 60},
    "start": {"date_greater_than": NOW - 60},
    "start and range": {
        "date_greater_than": datetime.fromtimestamp(NOW + 5, UTC),
        "ip_address": "192.0.2.0/24",
    },
    "parameters": {"parameters": {"v": "1 2", "VersionId": "a+b"}},
    "download": {"download": "r 1.pdf"},
    "inline": {"parameters": {"VersionId": "1"}, "inline": "r 1.pdf"},
    "both": {"parameters": {"VersionId": "a b"}, "download": "r 1.pdf"},
    "resource": {"resource": "{folder}/*"},
    "resource and range": {"resource": "{folder}/*", "ip_address": "192.0.2.7", "expire": 30},
    "resource and step": {"resource": "{folder}/*", "expire_step": 600},
    "resource and download": {"resource": "{folder}/*", "download": "r 1.pdf"},
    "folder": {"folder": "{folder}"},
    "folder and start": {"folder": "{folder}", "date_greater_than": NOW - 60},
    "any resource": ANY_RESOURCE,
}
_DOWNLOAD = "response-content-disposition=attachment%3B%20filename%3D%22r%201.pdf%22"
_QUERIES = {
    "parameters": "v=1%202&versionId=a%2Bb",
    "download": _DOWNLOAD,
    "inline": f"versionId=1&{_DOWNLOAD.replace('attachment', 'inline')}",
    "both": f"versionId=a%20b&{_DOWNLOAD}",
    "resource and download": _DOWNLOAD,
}


def seconds_of(value: Any) -> int:
    """Return an int or a timedelta in seconds."""
    return int(value.total_seconds()) if isinstance(value, timedelta) else int(value)


def expected_end(resource: str, options: dict[str, Any], step: int, given: dict[str, Any]) -> int:
    """Return when the URL ends: after its lifetime, and at the next step of its resource."""
    life = seconds_of(given.get("expire") or options.get("querystring_expire", 3600))
    step = seconds_of(given.get("expire_step", step))
    end, phase = NOW + life, zlib.crc32(resource.encode())
    while step and (end - phase) % step:
        end += 1
    return end


def expected_url(
    key: PrivateKey, found: str, address: str, resource: str, end: int, given: dict[str, Any]
) -> str:
    """Return the URL as botocore makes it, with the signature that was found if it is good."""
    public_key: Any = serialization.load_pem_public_key(key.public_key.to_pem().encode())
    is_rsa = key.algorithm is KeyAlgorithm.RSA_2048
    scheme = (padding.PKCS1v15(), hashes.SHA1()) if is_rsa else (ec.ECDSA(hashes.SHA256()),)  # noqa: S303
    signature = decode_base64(parameters_of(found)["Signature"])

    def sign(message: bytes) -> bytes:
        try:
            public_key.verify(signature, message, *scheme)
        except InvalidSignature:
            return b"not this one"
        return signature

    oracle = CloudFrontSigner(KEY_ID, sign)
    hashed = "" if is_rsa else "&Hash-Algorithm=SHA256"
    start, ip_address = given.get("date_greater_than"), given.get("ip_address")
    if resource == address and start is None and ip_address is None:
        until = datetime.fromtimestamp(end, UTC)
        return f"{oracle.generate_presigned_url(address, date_less_than=until)}{hashed}"
    conditions: dict[str, Any] = {"DateLessThan": {"AWS:EpochTime": end}}
    if start is not None:
        moment = start if isinstance(start, int) else int(start.timestamp())
        conditions["DateGreaterThan"] = {"AWS:EpochTime": moment}
    if ip_address is not None:
        prefix = "" if "/" in ip_address else "/32"
        conditions["IpAddress"] = {"AWS:SourceIp": ip_address + prefix}
    statement = {"Resource": resource, "Condition": conditions}
    policy = json.dumps({"Statement": [statement]}, separators=(",", ":"))
    return f"{oracle.generate_presigned_url(address, policy=policy)}{hashed}"


def expected_resource(name: str, path: str, start: str, given: dict[str, Any]) -> str | None:
    """Fill {folder} in, and return the resource; None if the name has none that it could be."""
    if "folder" not in given and "resource" not in given:
        return start + path
    if given.get("resource") == "*":
        return f"{start}*"
    folder, above = name.rpartition("/")[0], path.rpartition("/")[0]
    if not above or name.startswith((".", "/")) or "\\" in name or folder.endswith("/"):
        return None  # test_arguments.py has the refusals
    if "resource" in given and "*" in name:
        return None  # not a character there
    for each in given.keys() & {"folder", "resource"}:
        given[each] = given[each].format(folder=folder)
    return f"{start}{above}/*"


@pytest.mark.parametrize("case", OPTIONS)
def test_contract(case: str, rsa_key: PrivateKey, ec_key: PrivateKey, site: Any) -> None:
    """Give each name, of a template too, the address, resource, end and bytes of the table."""
    options, start, step = OPTIONS[case]
    key = ec_key if options else rsa_key
    storage = CloudFrontS3Storage(**options, cloudfront_key=key.to_pem())
    rows = [(argument, name) for argument in ARGUMENTS for name in NAMES]
    every = case in ("defaults", "odd location")
    wrong = {}
    for number, (argument, name) in enumerate(rows):
        if not every and argument != "none" and number % 4:
            continue
        if start.count("/") > 3 and name.startswith("/"):
            continue  # A location refuses these, as django-storages does.
        given = dict(ARGUMENTS[argument])
        resource = expected_resource(name, NAMES[name], start, given)
        if resource is None:
            continue
        address = start + NAMES[name]
        if query := _QUERIES.get(argument):
            address = f"{address}?{query}"
            resource = resource if "resource" in given else address
        end = expected_end(resource, options, step, given)
        with at(NOW + 0.5):
            urls = [storage.url(each, **given) for each in (mark_safe(name), name)]  # noqa: S308
            unsigned = storage.unsigned_url(name)
        expected = expected_url(key, urls[0], address, resource, end, given)
        if urls != [expected, expected] or unsigned != start + NAMES[name]:
            wrong[argument, name] = (*urls, unsigned, expected)
            continue
        assert {*map(type, urls)} == {str}
        assert verify(storage, expected, now=NOW + 10).resource == resource
    assert wrong == {}
