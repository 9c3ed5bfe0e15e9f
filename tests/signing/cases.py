"""What the signing tests have in common: AWS's example values, refusals, and many policies."""

from __future__ import annotations

import random
from collections.abc import Mapping
from urllib.parse import quote

from cfsigned_django.signing import (
    Denied,
    HashAlgorithm,
    KeyAlgorithm,
    Policy,
    Verifier,
)
from tests.storage_cases import generated_names

#: The values of AWS's shared signer test cases.
ORIGIN = "https://d111111abcdef8.cloudfront.net"
EXPIRES = 1767290400
KEY_ID = "K1TESTKEY"
IMAGE = f"{ORIGIN}/image.jpg"
#: When requests are made, unless a test says otherwise.
NOW = EXPIRES - 3600

#: Every pair that a Signer accepts.
KINDS = [
    (KeyAlgorithm.RSA_2048, HashAlgorithm.SHA1),
    (KeyAlgorithm.RSA_2048, HashAlgorithm.SHA256),
    (KeyAlgorithm.ECDSA_P256, HashAlgorithm.SHA256),
]

#: What CloudFront tells the viewer, by code.
MESSAGES = {
    "MissingKey": "Missing Key-Pair-Id query parameter or cookie value",
    "InvalidKey": "Unknown Key",
    "AccessDenied": "Access denied",
    "MalformedPolicy": "Malformed Policy",
    "MalformedSignature": "Could not unencode Signature",
}
#: CloudFront's answer to each refusal, by code.
BODIES = {
    code: f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code>'
    f"<Message>{message}</Message></Error>".encode()
    for code, message in MESSAGES.items()
}


def refusal(
    verifier: Verifier,
    url: str,
    cookies: Mapping[str, str] | None = None,
    *,
    now: int = NOW,
    viewer_ip: str | None = None,
) -> Denied:
    """Return the refusal of a request, in CloudFront's words; fail if it is allowed."""
    try:
        verifier.verify(url, cookies, now=now, viewer_ip=viewer_ip)
    except Denied as error:
        denied = error
    else:
        raise AssertionError(f"allowed: {url} {dict(cookies or {})}")
    assert denied.message == MESSAGES[denied.code]
    assert denied.reason
    return denied


def parameters(url: str) -> dict[str, str]:
    """Return the query as a dict, nothing decoded."""
    query = url.partition("?")[2]
    return dict(segment.split("=", 1) for segment in query.split("&"))


def generated_policies(count: int, seed: int = 20260101) -> list[tuple[str, Policy]]:
    """Return pairs of a URL and a policy that covers it, every kind of policy among them."""
    source, names = random.Random(seed), generated_names(2 * count)
    return [_policy(source, kind % 5, names.pop(), names.pop()) for kind in range(count)]


def _policy(source: random.Random, kind: int, name: str, value: str) -> tuple[str, Policy]:
    path = quote(name, safe="/!'()")
    url = f"{ORIGIN}/{path}"
    if source.random() < 0.5:
        url = f"{url}?v={quote(value, safe='')}&w=1"
    until = EXPIRES + source.randrange(-(10**8), 10**8)
    since = until - source.randrange(1, 10**6) if kind in (1, 3) else None
    address = ".".join(str(source.randrange(256)) for _ in range(4)) if kind in (2, 3) else None
    if address and source.random() < 0.5:
        address += f"/{source.randrange(33)}"
    return url, Policy(
        resource=f"{ORIGIN}/{path.partition('/')[0]}*" if kind == 4 else url,
        date_less_than=until,
        date_greater_than=since,
        ip_address=address,
    )
