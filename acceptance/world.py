"""What the questions work with: a viewer, a distribution, and keys whose every byte they decide.

Signatures are made here by `cryptography` alone: the answers must not depend on this package's
signer, which is what is in question.
"""

from __future__ import annotations

import base64
import json
import time
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any
from urllib.error import HTTPError

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from acceptance.clients import Clients
from acceptance.site import Pace
from cfsigned_django.core.aws.client import call
from cfsigned_django.core.viewer import Answer, NoAnswer, Responder, fetch

#: Exit codes of the package's commands.
DONE, LATER = 0, 75
EC, RSA = "P-256", "RSA"
SHA1, SHA256 = "SHA1", "SHA256"
_HASHES: Mapping[str, hashes.HashAlgorithm] = {SHA1: hashes.SHA1(), SHA256: hashes.SHA256()}  # noqa: S303
_LIFE = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A distribution whose key group trusts two keys that the questions hold."""

    run: str
    stack: str
    domain: str
    bucket: str
    distribution_id: str
    key_group_id: str
    #: Name of an algorithm -> ID and private key.
    keys: Mapping[str, tuple[str, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey]]
    clients: Clients
    pace: Pace
    is_emulator: bool
    #: Runs a command of the package; returns its exit code and its report.
    command: Callable[..., tuple[int, Any]]
    #: The ARN of a key that CloudFront may use; empty if the person has named none.
    kms_key: str = ""
    #: Lets boto3 act in a block with only the policies of a job; None if no role was named.
    limited: Callable[[str], AbstractContextManager[None]] | None = None
    #: The actions that the policies of the setup lacked since they were last asked about.
    denied: list[str] = field(default_factory=list)
    #: The ID of each row of tests/vectors that was asked, and the answer.
    rows: dict[str, str] = field(default_factory=dict)
    #: What was waited for in vain: no other question waits for it.
    in_vain: set[str] = field(default_factory=set)

    def write(self, name: str, body: bytes, **more: str) -> None:
        """Write a file. Not by the storage: it may use another client than boto3's, unguarded."""
        call(
            self.clients.s3.put_object,
            f"write {name}",
            "",
            Bucket=self.bucket,
            Key=name,
            Body=body,
            Metadata={"cache-tag": "album:42"} if name == "tagged.txt" else {},
            **more,
        )

    def link(
        self,
        path: str,
        *,
        resource: str | None = None,
        policy: str | None = None,
        until: int | None = None,
        **more: str,
    ) -> str:
        """Return a signed URL: canned, or with a custom ``policy``. ``path`` is sent as it is.

        ``resource``, a path, is signed instead of what is sent; ``more`` is for :meth:`query`.
        """
        until = until or int(time.time()) + _LIFE
        text = policy or self.canned(resource or path, until)
        first = f"Policy={encode(text.encode())}" if policy else f"Expires={until}"
        return self.url(path, f"{first}&{self.query(text, **more)}")

    def url(self, path: str, query: str) -> str:
        """Return an address of the distribution."""
        return f"https://{self.domain}{path}{'&' if '?' in path else '?'}{query}"

    def canned(self, path: str, until: int) -> str:
        """Return the canned policy of a path, as CloudFront rebuilds it."""
        return f'{{"Statement":[{{"Resource":"https://{self.domain}{path}",{before(until)}}}]}}'

    def custom(self, path: str, until: int | None = None, **conditions: Any) -> str:
        """Return a custom policy of a path, which may have wildcards."""
        until = until or int(time.time()) + _LIFE
        condition = {"DateLessThan": {"AWS:EpochTime": until}, **conditions}
        statement = {"Resource": f"https://{self.domain}{path}", "Condition": condition}
        return json.dumps({"Statement": [statement]}, separators=(",", ":"))

    def sign(self, text: str, key: str = EC, digest: str = SHA256) -> str:
        """Return a signature in CloudFront's base64."""
        private_key, data = self.keys[key][1], text.encode()
        if isinstance(private_key, rsa.RSAPrivateKey):
            return encode(private_key.sign(data, padding.PKCS1v15(), _HASHES[digest]))
        return encode(private_key.sign(data, ec.ECDSA(_HASHES[digest])))

    def query(
        self,
        text: str,
        *,
        key: str = EC,
        digest: str = SHA256,
        marker: str = "",
        signature: str = "",
        key_id: str = "",
    ) -> str:
        """Return the parameters after the first. The last three replace what would be right."""
        parts = [
            f"Signature={signature or self.sign(text, key, digest)}",
            f"Key-Pair-Id={key_id or self.keys[key][0]}",
        ]
        if (marker or digest) != SHA1:
            parts.append(f"Hash-Algorithm={marker or digest}")
        return "&".join(parts)

    def cookies(self, text: str, *, key: str = EC, digest: str = SHA256) -> str:
        """Return the Cookie header of a custom policy."""
        values = f"Policy={encode(text.encode())}&{self.query(text, key=key, digest=digest)}"
        return "; ".join(f"CloudFront-{each}" for each in values.split("&"))

    def with_cookies(self, path: str, places: Mapping[str, str]) -> str:
        """Return the answer for a path to a browser with a set of cookies for each Path.

        It sends those whose Path the path begins with, the longest first (RFC 6265, 5.4).
        """
        sent = [place for place in sorted(places, key=len, reverse=True) if path.startswith(place)]
        cookies = "; ".join(places[place] for place in sent)
        return self.said(f"https://{self.domain}{path}", Cookie=cookies)

    def get(self, url: str, **headers: str) -> Answer:
        """Request an address; a name such as Cookie is a header."""
        return fetch(url, headers)

    def said(self, url: str, **headers: str) -> str:
        """Return the answer in short: "served", or the status and CloudFront's code."""
        try:
            return in_short(self.get(url, **headers))
        except NoAnswer as error:
            return f"no answer: {error}"

    def options(self, url: str, **headers: str) -> Answer:
        """Send a preflight."""
        request = urllib.request.Request(url, headers=headers, method="OPTIONS")  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
                fields = {name.lower(): value for name, value in answer.headers.items()}
                return Answer(status=answer.status, headers=fields)
        except HTTPError as error:
            fields = {name.lower(): value for name, value in error.headers.items()}
            return Answer(status=error.code, headers=fields, body=error.read(4096))

    def seconds_until(
        self, is_so: Callable[[], bool], *, every: float = 0, at_most: float = 0
    ) -> float | None:
        """Return after how many seconds something is so; None if it is not so for long."""
        began = time.monotonic()
        while not is_so():
            if time.monotonic() - began > (at_most or self.pace.patience):
                return None
            time.sleep(every or self.pace.glance)
        return round(time.monotonic() - began, 1)


def before(until: int) -> str:
    """Return the condition of a canned policy."""
    return f'"Condition":{{"DateLessThan":{{"AWS:EpochTime":{until}}}}}'


def encode(data: bytes) -> str:
    """Return bytes in CloudFront's base64."""
    return base64.b64encode(data).decode().translate(str.maketrans("+=/", "-_~"))


def in_short(answer: Answer) -> str:
    """Return an answer in a few words; none is of the viewer or the account."""
    if answer.is_served:
        return "served"
    if answer.responder is Responder.CLOUDFRONT:
        return f"{answer.status} {answer.code}"
    if answer.responder is Responder.S3:
        return f"{answer.status} {answer.code} of S3"
    return f"{answer.status}, {answer.responder.value}"
