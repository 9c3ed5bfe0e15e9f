"""Say whether a URL was signed by a known key, and if not, what was done to it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence

from cfsigned_django.doctor.findings import Finding
from cfsigned_django.doctor.kinds import finding
from cfsigned_django.doctor.site import KnownKey
from cfsigned_django.signing import Denied, KeyAlgorithm, Policy, Verifier
from cfsigned_django.signing.diagnosis import other_urls
from cfsigned_django.signing.encoding import decode_base64
from cfsigned_django.signing.verifier import Claim

_SUBJECT = "URL"
# ASN.1 DER of two numbers of 32 bytes: shorter where one begins with zeros.
_ECDSA_BYTES = range(60, 73)
_RSA_BYTES = range(256, 257)


def explain_signature(url: str, claim: Claim, keys: Sequence[KnownKey]) -> Iterator[Finding]:
    """Yield what is wrong with the signature of a URL; nothing where it is good."""
    named = next((key for key in keys if key.key_pair_id == claim.key_pair_id), None)
    signer = next((key for key in keys if key is not named and _signed(url, claim, key)), None)
    if named is None:
        yield _unknown(claim, keys, signer)
        return
    denial = _refusal(url, claim, named)
    if denial is None:
        return
    if not claim.policy.matches(claim.base_url):
        yield finding("url-not-covered", _not_covered(claim), subject=_SUBJECT)
    elif denial.code == "MalformedSignature" or _is_cut_off(claim.signature, named):
        what = f"The Signature has {len(claim.signature)} characters, and is cut off or changed."
        yield finding("url-malformed-signature", what, subject=_SUBJECT)
    elif signer is not None:
        what = f"The URL names the key {named.key_pair_id}, but {signer.key_pair_id} "
        what += f"({signer.where}) signed it."
        yield finding("url-signature-mismatch", what, subject="AWS_CLOUDFRONT_KEY_ID")
    elif denial.reason.startswith("the signature does not match"):
        yield finding("url-signature-mismatch", _sentence(denial.reason), subject=_SUBJECT)
    else:
        yield finding("url-refused", _sentence(denial.reason), subject=_SUBJECT)


def _unknown(claim: Claim, keys: Sequence[KnownKey], signer: KnownKey | None) -> Finding:
    known = ", ".join(f"{key.key_pair_id} ({key.where})" for key in keys) or "none"
    what = f"The URL names the key {claim.key_pair_id}, which is none of this site's: {known}."
    if signer is not None:
        what += f" It was signed by {signer.key_pair_id}: the id is wrong, not the key."
    return finding("url-unknown-key", what, subject="AWS_CLOUDFRONT_KEY_ID")


def _signed(url: str, claim: Claim, key: KnownKey) -> bool:
    return _refusal(url, claim, key) is None


def _refusal(url: str, claim: Claim, key: KnownKey) -> Denied | None:
    """Return why a key, under the id that the URL names, does not verify it at a time that fits."""
    at, viewer_ip = claim.policy.date_less_than - 1, _some_address(claim.policy)
    try:
        Verifier({claim.key_pair_id: key.public_key}).verify(url, now=at, viewer_ip=viewer_ip)
    except Denied as denial:
        # A policy that is open at no moment is the conditions' matter.
        return None if denial.reason == claim.policy.why_not(at, viewer_ip) else denial
    return None


def _some_address(policy: Policy) -> str | None:
    if policy.ip_address is None:
        return None
    return str(ipaddress.ip_network(policy.ip_address, strict=False)[0])


def _is_cut_off(signature: str, key: KnownKey) -> bool:
    """Tell whether a signature that can be decoded is none of the key's by its length."""
    is_rsa = key.public_key.algorithm is KeyAlgorithm.RSA_2048
    return len(decode_base64(signature)) not in (_RSA_BYTES if is_rsa else _ECDSA_BYTES)


def _not_covered(claim: Claim) -> str:
    what = f"The policy covers {claim.policy.resource}, not {claim.base_url}"
    for url, reason in other_urls(claim.base_url):
        if claim.policy.matches(url):
            return f"{what}: {reason}."
    return f"{what}."


def _sentence(reason: str) -> str:
    return (reason[:1].upper() + reason[1:]).rstrip(".") + "."
