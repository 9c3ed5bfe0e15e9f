"""Verify viewer requests as CloudFront does: the counterpart of signer.py.

AWS does not document the order of the checks. The order here (credentials
present, key known, decode, policy, signature, conditions) is inferred from the
answers that users report.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from cfsigned_django.signing.algorithms import HashAlgorithm
from cfsigned_django.signing.diagnosis import explain_mismatch, explain_missing_key
from cfsigned_django.signing.encoding import decode_base64, split_query
from cfsigned_django.signing.exceptions import Check, Denied, InvalidKey, InvalidPolicy
from cfsigned_django.signing.keys import PublicKey
from cfsigned_django.signing.policy import (
    LATEST_TIME_SENT,
    Policy,
    canned_policy_json,
    epoch_time,
)
from cfsigned_django.signing.resource import lower_host

_MESSAGES = {
    "MissingKey": "Missing Key-Pair-Id query parameter or cookie value",
    "InvalidKey": "Unknown Key",
    "AccessDenied": "Access denied",
    "MalformedPolicy": "Malformed Policy",
    "MalformedSignature": "Could not unencode Signature",
}
# Longer than any hash name and any key id.
_SHOWN_LENGTH = 40
_EXPIRES = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Credentials:
    """The signing parameters of a request, from its query or its cookies."""

    source: str
    values: Mapping[str, str]
    #: The URL without CloudFront's parameters: what the policy must cover.
    base_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnverifiedUrl:
    """The content of a signed URL; nothing in it is verified."""

    key_pair_id: str
    signature: str = field(repr=False)
    policy: Policy
    #: The URL without CloudFront's parameters: what the policy must cover.
    base_url: str


def read_claim(url: str) -> UnverifiedUrl:
    """Return the content of a signed URL, for explanations; nothing in it is verified.

    Raise :exc:`Denied` if the URL has no readable policy.
    """
    credentials = _find_credentials(url, {})
    policy, _ = _find_policy(credentials)
    return UnverifiedUrl(
        key_pair_id=credentials.values.get("Key-Pair-Id", ""),
        signature=credentials.values.get("Signature", ""),
        policy=policy,
        base_url=credentials.base_url,
    )


class Verifier:
    """Verifies requests with the keys that a behavior trusts, by key pair id."""

    def __init__(self, trusted_keys: Mapping[str, PublicKey]) -> None:
        self._trusted_keys = trusted_keys

    def verify(
        self,
        url: str,
        cookies: Mapping[str, str] | None = None,
        *,
        now: int,
        viewer_ip: str | None = None,
    ) -> Policy:
        """Return the policy that allows the request, or raise :exc:`Denied`.

        ``url`` is the absolute URL as the viewer sent it, still percent-
        encoded; ``now`` is in Unix seconds; ``viewer_ip`` is the address of
        the viewer's TCP connection. If the URL is a signed one, cookies are
        ignored, even if the URL is refused.
        """
        credentials = _find_credentials(url, cookies or {})
        if not credentials.base_url.startswith(("http://", "https://")):
            # No distribution serves another scheme, which the resource http*:// would match.
            scheme = _shown(credentials.base_url.partition(":")[0])
            reason = f"the scheme of the URL is {scheme}, not http or https"
            raise denied("AccessDenied", reason, Check.RESOURCE)
        key = self._find_key(credentials)
        signature = _decode_signature(credentials)
        hash_algorithm = _find_hash_algorithm(credentials)
        policy, message = _find_policy(credentials)
        try:
            key.verify(signature, message, hash_algorithm)
        except InvalidKey:
            reason = explain_mismatch(
                credentials.base_url, credentials.values, key, signature, hash_algorithm
            )
            raise denied("AccessDenied", reason, Check.SIGNATURE) from None
        if not policy.matches(credentials.base_url):
            reason = f"the policy covers {policy.resource}, not {credentials.base_url}"
            raise denied("AccessDenied", reason, Check.RESOURCE)
        if failed := policy.why_not(now, viewer_ip):
            check, reason = failed
            raise denied("AccessDenied", reason, check)
        return policy

    def _find_key(self, credentials: _Credentials) -> PublicKey:
        key_pair_id = credentials.values.get("Key-Pair-Id")
        if not key_pair_id:
            reason = explain_missing_key(credentials.base_url, credentials.source)
            raise denied("MissingKey", reason)
        key = self._trusted_keys.get(key_pair_id)
        if key is None:
            known = ", ".join(sorted(self._trusted_keys)) or "none"
            wanted = f"in a trusted key group of the behavior (known: {known})"
            raise denied("InvalidKey", f"{_shown(key_pair_id)} is not {wanted}")
        return key


def denied(code: str, reason: str, check: Check = Check.PARAMETERS) -> Denied:
    """Return the refusal with CloudFront's message for the code."""
    return Denied(code, _MESSAGES[code], reason, check)


def _find_credentials(url: str, cookies: Mapping[str, str]) -> _Credentials:
    """Return the signing parameters of the query or, if it has none, of the cookies."""
    address, question, query = url.partition("?")
    reserved, others = split_query(query) if question else ([], [])
    values: dict[str, str] = {}
    for segment in reserved:
        name, _, value = segment.partition("=")
        if name in values:
            # AWS does not document which of the two counts. Here, neither does.
            raise denied("AccessDenied", f"the parameter {name} appears twice")
        # Decoded once: a client may send the ~ of a signature as %7E.
        values[name] = unquote(value, errors="replace")
    if values:
        # Each of the five makes a signed URL, whatever cookies come with it (developer guide,
        # "Decide to use signed URLs or signed cookies").
        base_url = f"{address}?{'&'.join(others)}" if others else address
        return _Credentials(source="query", values=values, base_url=lower_host(base_url))
    values = {
        name.removeprefix("CloudFront-"): value
        for name, value in cookies.items()
        if name.startswith("CloudFront-")
    }
    source = "cookies" if values else "query or the cookies"
    return _Credentials(source=source, values=values, base_url=lower_host(url))


def _decode_signature(credentials: _Credentials) -> bytes:
    text = credentials.values.get("Signature")
    if not text:
        # AWS does not document the answer to a request without a Signature.
        raise denied("AccessDenied", f"no Signature in the {credentials.source}")
    try:
        return decode_base64(text)
    except ValueError as error:
        raise denied("MalformedSignature", f"the Signature is {error}") from None


def _find_hash_algorithm(credentials: _Credentials) -> HashAlgorithm:
    """Return the hash that the request names, or SHA1 if it names none."""
    name = credentials.values.get("Hash-Algorithm", "SHA1")
    try:
        return HashAlgorithm(name)
    except ValueError:
        # AWS does not document the answer to other values, such as `sha256`.
        reason = f"Hash-Algorithm is {_shown(name)}, not SHA1 or SHA256"
        raise denied("AccessDenied", reason) from None


def _shown(value: str) -> str:
    """Return a value as text for a reason; if it may contain a signature, only its length."""
    return repr(value) if len(value) <= _SHOWN_LENGTH else f"a text of {len(value)} characters"


def _find_policy(credentials: _Credentials) -> tuple[Policy, bytes]:
    """Return the policy and the bytes that were signed."""
    values = credentials.values
    try:
        if "Policy" in values:
            # Some old signers send Expires beside Policy, and such URLs are in
            # use: only the Policy counts.
            message = decode_base64(values["Policy"])
            policy = Policy.from_json(message.decode("utf-8"))
            if credentials.source == "cookies":
                _check_resource_of_cookies(policy.resource)
            return policy, message
        if "Expires" not in values:
            # AWS does not document the answer to a request that has neither.
            raise denied("AccessDenied", f"neither Expires nor Policy in the {credentials.source}")
        return _rebuild_canned_policy(credentials.base_url, values["Expires"])
    except InvalidPolicy as error:
        raise denied("MalformedPolicy", str(error)) from None
    except ValueError:
        raise denied("MalformedPolicy", "the Policy is not CloudFront base64 of text") from None


def _rebuild_canned_policy(base_url: str, expires: str) -> tuple[Policy, bytes]:
    """Return the canned policy, rebuilt from the URL as CloudFront does, and its bytes."""
    if not _EXPIRES.fullmatch(expires):
        raise InvalidPolicy(f"Expires is {expires!r}. It must be Unix seconds.")
    until = epoch_time(int(expires), "Expires", LATEST_TIME_SENT)
    try:
        policy = Policy.as_sent(resource=base_url, date_less_than=until)
    except InvalidPolicy as error:
        raise denied("AccessDenied", str(error)) from None
    return policy, canned_policy_json(policy.resource, until).encode("ascii")


def _check_resource_of_cookies(resource: str) -> None:
    """Raise :exc:`InvalidPolicy` for a resource that only a signed URL may have.

    AWS page: "Set signed cookies using a custom policy": the value "must begin with
    http:// or https://". A missing Resource, which means ``*``, is allowed there too.
    """
    if resource != "*" and not resource.startswith(("http://", "https://")):
        raise InvalidPolicy(
            f"The resource is {resource}. In signed cookies, it must begin with http:// or https://"
        )
