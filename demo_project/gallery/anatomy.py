"""Take a signed URL apart, for a person who wants to see what is in it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qs, unquote, urlsplit

from cfsigned_django.signing import HashAlgorithm, Policy
from cfsigned_django.signing.encoding import RESERVED_PARAMETERS, decode_base64


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A piece of the URL; `kind` names it for the style sheet."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Anatomy:
    """What a signed URL says, and how it was made. Lengths are in bytes, times in UTC."""

    url: str
    parts: tuple[Part, ...]
    policy: Policy
    is_canned: bool
    key_pair_id: str
    hash_algorithm: HashAlgorithm
    signature_length: int

    @property
    def length(self) -> int:
        """The length of the URL; CloudFront takes 8,192."""
        return len(self.url)

    @property
    def expires_at(self) -> datetime:
        """When the URL stops working."""
        return datetime.fromtimestamp(self.policy.date_less_than, UTC)

    @property
    def starts_at(self) -> datetime | None:
        """When the URL starts to work, if it does not at once."""
        start = self.policy.date_greater_than
        return None if start is None else datetime.fromtimestamp(start, UTC)

    @property
    def policy_text(self) -> str:
        """The bytes that were signed."""
        return self.policy.to_json()

    @property
    def policy_pretty(self) -> str:
        """The policy on several lines, for reading only."""
        return json.dumps(json.loads(self.policy_text), indent=2)

    @property
    def algorithm(self) -> str:
        """The kind of signature, known from its length: RSA 2048 always has 256 bytes."""
        return "RSA 2048" if self.signature_length == 256 else "ECDSA P-256"


def dissect(url: str) -> Anatomy:
    """Return what a signed URL of our own consists of."""
    values = {name: found[0] for name, found in parse_qs(urlsplit(url).query).items()}
    policy_text = values.get("Policy")
    if policy_text:
        policy = Policy.from_json(decode_base64(policy_text).decode())
    else:
        policy = Policy(resource=unsigned(url), date_less_than=int(values["Expires"]))
    return Anatomy(
        url=url,
        parts=tuple(_parts(url)),
        policy=policy,
        is_canned=policy_text is None,
        key_pair_id=values["Key-Pair-Id"],
        hash_algorithm=HashAlgorithm(values.get("Hash-Algorithm", "SHA1")),
        signature_length=len(decode_base64(values["Signature"])),
    )


def unsigned(url: str) -> str:
    """Return the URL without CloudFront's parameters."""
    base, _, query = url.partition("?")
    own = [pair for pair in query.split("&") if pair and _name(pair) not in RESERVED_PARAMETERS]
    return f"{base}?{'&'.join(own)}" if own else base


def expiry(url: str) -> int:
    """Return the Unix second at which a signed URL of our own stops working."""
    return dissect(url).policy.date_less_than


def _parts(url: str) -> list[Part]:
    place = urlsplit(url)
    origin = f"{place.scheme}://{place.netloc}"
    parts = [Part(kind="origin", text=origin), Part(kind="path", text=place.path)]
    sign = "?"
    for pair in place.query.split("&"):
        name = _name(pair)
        kind = name.lower() if name in RESERVED_PARAMETERS else "own"
        parts += [Part(kind="sign", text=sign), Part(kind=kind, text=pair)]
        sign = "&"
    return parts


def _name(pair: str) -> str:
    return unquote(pair.partition("=")[0])
