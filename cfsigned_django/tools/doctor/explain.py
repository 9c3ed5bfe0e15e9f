"""Explain why CloudFront refuses a URL as people paste it, by the keys of the site and at AWS."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final
from urllib.parse import unquote

from django.db import DatabaseError

from cfsigned_django.core import conf
from cfsigned_django.core.aws.errors import AwsError
from cfsigned_django.core.aws.key_groups import KeyGroups
from cfsigned_django.core.conf import Config
from cfsigned_django.core.text import duration
from cfsigned_django.core.validation import is_of_trusted_signer
from cfsigned_django.logs import redact
from cfsigned_django.rotation.lifecycle import ENDED
from cfsigned_django.rotation.models import primary_rows
from cfsigned_django.signing import Check, Denied, InvalidKey, KeyAlgorithm
from cfsigned_django.signing.diagnosis import other_urls
from cfsigned_django.signing.encoding import (
    MAX_URL_LENGTH,
    RESERVED_PARAMETERS,
    decode_base64,
    split_query,
)
from cfsigned_django.signing.keys import PublicKey
from cfsigned_django.signing.policy import MAX_EPOCH_TIME, Policy, is_within
from cfsigned_django.signing.verifier import UnverifiedUrl, Verifier, read_claim
from cfsigned_django.storage.site_storages import site_storages
from cfsigned_django.tools.catalog import Finding, Level, finding
from cfsigned_django.tools.doctor.aws import from_aws_error
from cfsigned_django.tools.doctor.report import moment, sentence
from cfsigned_django.tools.model import s3

SUBJECT = "URL"

_HTML_AMPERSAND = re.compile(r"&(?:amp;)+|&#0*38;|&#x0*26;", re.IGNORECASE)
_LINE_BREAK = re.compile(r"[ \t]*[\r\n][ \t\r\n]*")
# In a URL that is damaged, up to the next parameter. Reports are shown to strangers, so the IDs of
# an AWS account are hidden, too.
_SECRET = re.compile(
    r"((?:signature|x-amz-security-token|x-amz-credential|awsaccesskeyid)(?:=|%(?:25)*3D))"
    r"[^&\s\"'<>\\]*[\w~=-]",
    re.IGNORECASE,
)


def read_pasted(text: str) -> tuple[str, list[Finding]]:
    """Return the URL in a text, without quotes and escapes, and findings about these."""
    url, found = text, []
    for read, kind_id, values in _READINGS:
        before, url = url, read(url)
        if url != before:
            found.append(finding(kind_id, SUBJECT, **values))
    return url, found


def _without_surroundings(text: str) -> str:
    text = text.strip()
    begin = re.search(r"https?(?:://|%3A%2F%2F|:\\/\\/)", text, re.IGNORECASE)
    if begin is None:
        return text
    before, text = text[: begin.start()], text[begin.start() :]
    if before[-1:] in ("'", '"', "<", "`", "("):
        closing = {"<": ">", "(": ")"}.get(before[-1], before[-1])
        text = text.partition(closing)[0]
    # Some of these end a sentence, but none of them ends a signature.
    return text.rstrip(" \t\"'`<>.,;") if "Signature" in text else text.rstrip(" \t\"'`<>")


def _decode_whole(url: str) -> str:
    return unquote(url) if re.match(r"https?%3A", url, re.IGNORECASE) else url


def _unescape_json(url: str) -> str:
    return re.sub(r"\\u0026", "&", url, flags=re.IGNORECASE).replace("\\/", "/")


def _encode_spaces(url: str) -> str:
    """Encode the spaces of the path as browsers do, and remove those of the query."""
    address, question, query = url.partition("?")
    return re.sub(r"\s", "%20", address) + question + re.sub(r"\s", "", query)


#: In this order: what reads the URL in a text, and what was found if that differs from the text.
_READINGS: Final[Sequence[tuple[Callable[[str], str], str, Mapping[str, str]]]] = (
    (_without_surroundings, "url-copied", {"extra": "other characters around it"}),
    (partial(_LINE_BREAK.sub, ""), "url-copied", {"extra": "a line break"}),
    (_decode_whole, "url-double-encoded", {"part": "The whole URL"}),
    (partial(_HTML_AMPERSAND.sub, "&"), "url-escaped", {"escapes": "&amp; in place of &"}),
    (_unescape_json, "url-escaped", {"escapes": "\\u0026 or \\/, as in JSON"}),
    (lambda url: url.replace("\\", ""), "url-copied", {"extra": "backslashes"}),
    (_encode_spaces, "url-copied", {"extra": "spaces"}),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKey:
    """A public key that may verify a URL of this site.

    ``where`` says where its private key is. ``ended`` says when it was retired
    or revoked; it is empty for any other key.
    """

    key_pair_id: str
    public_key: PublicKey
    where: str
    ended: str = ""


def site_domains() -> set[str]:
    return {str(config.custom_domain) for config, _ in _configs() if config.custom_domain}


def site_key_groups(host: str) -> set[str]:
    """Return the key groups whose keys may have signed a URL of this host.

    These are the key groups of the storages with that host, or of all storages
    if no storage has it. If one of these storages has no key group, the result
    is empty, since a key of any group may have signed.
    """
    configs = [config for config, _ in _configs()]
    wanted = [each for each in configs if str(each.custom_domain).lower() == host.lower()]
    groups = {each.key_group_id for each in wanted or configs}
    return set() if None in groups else groups


def is_public(url: str) -> bool:
    """Return whether a storage with the host of a URL declares the file there public."""
    for each in site_storages():
        # It may be no URL of this storage. The system checks report a wrong setting, and a property
        # of the site, such as a location that only a request knows, may raise anything.
        with suppress(Exception):
            if each.signs and each.storage and each.storage.is_public(each.storage.name_of(url)):
                return True
    return False


def settings_keys() -> Iterator[KnownKey]:
    """Yield the readable keys of the settings and of the options of storages."""
    for config, where in _configs():
        if config.cloudfront_key is not None and config.cloudfront_key_id:
            try:
                public_key = config.cloudfront_key.load().public_key
            except InvalidKey:
                continue  # the system checks report it
            yield KnownKey(
                key_pair_id=str(config.cloudfront_key_id), public_key=public_key, where=where
            )


def database_keys() -> Iterator[KnownKey]:
    """Yield the key pairs of the database that CloudFront knows, or used to know."""
    for row in primary_rows():
        if row.key_pair_id:
            yield KnownKey(
                key_pair_id=row.key_pair_id,
                public_key=PublicKey.load(row.public_key),
                where=f"key pair of the database, {row.status}",
                ended=f"was {row.status} on {row.since:%Y-%m-%d}" if row.status in ENDED else "",
            )


def _configs() -> Iterator[tuple[Config, str]]:
    for each in site_storages():
        if each.signs:
            is_own = each.config.cloudfront_key != conf.setting_of("cloudfront_key")
            yield each.config, str(each.name) if is_own else "AWS_CLOUDFRONT_KEY"


def explain(
    url: str,
    *,
    now: int,
    viewer_ip: str | None = None,
    cors_origins: Sequence[str] = (),
    make_cloudfront: Callable[[], Any] | None = None,
) -> list[Finding]:
    """Return what is wrong with a URL.

    ``make_cloudfront`` returns a boto3 client, which reads the public keys of its
    account and the key groups of the storages with the URL's host. If
    ``make_cloudfront`` is None, AWS is not asked. An error of AWS is only noted,
    since the URL itself says most. ``cors_origins`` are the origins of scripts
    that request the URL.
    """
    keys = [*settings_keys()]
    with suppress(DatabaseError):  # a site with its key in the settings need not have the table
        keys += database_keys()
    groups: dict[str, tuple[str, ...]] = {}
    listed: list[KnownKey] | None = None
    further = []
    pasted, _ = read_pasted(url)
    parts = _PARTS.fullmatch(pasted)
    host = parts[2] if parts else ""
    if make_cloudfront is not None:
        try:
            groups, listed = _keys_at_aws(make_cloudfront(), site_key_groups(host))
            keys = [*listed, *keys]
        except AwsError as error:
            further.append(replace(from_aws_error(error), level=Level.OK))
    # Each once; what the site says of a key counts, not what AWS says.
    by_key = {(each.key_pair_id, each.public_key): each for each in keys}
    knowledge = Knowledge(
        keys=tuple(by_key.values()),
        domains=site_domains(),
        now=now,
        viewer_ip=viewer_ip,
        cors_origins=cors_origins,
        key_groups=groups,
        at_cloudfront=None if listed is None else {each.key_pair_id for each in listed},
        is_public=is_public(pasted),
    )
    return [*explain_url(url, knowledge), *further]


def _keys_at_aws(
    cloudfront: Any, key_group_ids: set[str]
) -> tuple[dict[str, tuple[str, ...]], list[KnownKey]]:
    api = KeyGroups(cloudfront)
    members = {each: api.members(each) for each in sorted(key_group_ids)}
    found = []
    for listed in api.public_keys():
        try:
            public_key = PublicKey.load(listed.public_key_pem)
        except InvalidKey:
            continue  # field-level encryption uses other types of keys
        where = f"public key {listed.name} at CloudFront"
        found.append(KnownKey(key_pair_id=listed.key_pair_id, public_key=public_key, where=where))
    return members, found


_PARTS = re.compile(r"(https?)://([^/?#]+)([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.DOTALL | re.I)
_PRESIGNED = {"x-amz-signature", "x-amz-credential", "awsaccesskeyid"}
_LOWER = {name.lower(): name for name in RESERVED_PARAMETERS}
_KEY_ID = re.compile(r"[A-Za-z0-9]{1,20}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """What is known about a site when a URL is explained.

    ``domains`` are the domains that its storages sign for. ``key_groups`` maps
    the ids of the key groups of the storages with the URL's host to their public
    key IDs, and is empty if they are unknown. ``at_cloudfront`` are the IDs of
    the public keys in the AWS account, or None if AWS was not asked; ``keys``
    then contain these, too, before those of the site. ``now`` is in Unix
    seconds; ``viewer_ip`` is the viewer's address, if known; ``cors_origins``
    are the origins of scripts that request the URL; ``is_public`` whether a storage
    declares its file public.
    """

    keys: Sequence[KnownKey]
    domains: Collection[str]
    now: int
    viewer_ip: str | None = None
    cors_origins: Sequence[str] = ()
    key_groups: Mapping[str, Collection[str]] = field(default_factory=dict)
    at_cloudfront: Collection[str] | None = None
    is_public: bool = False


# What no distribution answers, and so no response headers policy either.
_NOT_CLOUDFRONT = frozenset({"url-not-absolute", "url-s3-address"})


def explain_url(text: str, knowledge: Knowledge) -> list[Finding]:
    """Return what a URL grants, and what is wrong with it; no finding shows its signature."""
    url, found = read_pasted(text)
    found += _explain(url, knowledge)
    if not any(each.level is Level.ERROR for each in found):
        if not any(each.id == "unsigned-url" for each in found):
            found.append(_all_well(url, knowledge))
    elif knowledge.cors_origins and not any(each.id in _NOT_CLOUDFRONT for each in found):
        origins = " and ".join(knowledge.cors_origins)
        found.append(finding("url-refusal-cors", SUBJECT, origins=origins))
    return [replace(each, what=redact(_SECRET.sub(r"\1(hidden)", each.what))) for each in found]


def _all_well(url: str, knowledge: Knowledge) -> Finding:
    """Return that nothing is wrong, and whether that is known of this site's key or CloudFront's.

    A key that AWS does not list may be a trusted signer's.
    """
    key_pair_id = read_claim(url.partition("#")[0]).key_pair_id
    if key_pair_id not in (knowledge.at_cloudfront or ()):
        key = next(each for each in knowledge.keys if each.key_pair_id == key_pair_id)
        return finding("url-good", SUBJECT, key=key_pair_id, where=key.where)
    what = f"CloudFront has the key {key_pair_id}, which signed the URL, and the URL is valid now."
    holding = [group for group, ids in knowledge.key_groups.items() if key_pair_id in ids]
    if holding:
        what += f" Key group {' and '.join(holding)} contains it."
    why = "If CloudFront refuses it, the behavior does not trust a key group with this key, or "
    why += "something changes the request on its way."
    return finding("url-good", SUBJECT, what=what, why=why)


def _explain(url: str, knowledge: Knowledge) -> Iterator[Finding]:
    parts = _PARTS.fullmatch(url)
    if parts is None:
        yield finding("url-not-absolute", SUBJECT)
        return
    _, host, _, query, fragment = (each or "" for each in parts.groups())
    reserved, others = split_query(query) if query else ([], [])
    names = {each.partition("=")[0].lower() for each in others}
    is_presigned = bool(names & _PRESIGNED)
    if is_presigned or s3.is_s3(host):
        presigned = ", presigned" if is_presigned else ""
        yield finding("url-s3-address", SUBJECT, host=host, presigned=presigned)
    elif any(f"{name}=" in fragment for name in RESERVED_PARAMETERS):
        yield finding("url-fragment", SUBJECT)
    else:
        domains = {each.lower() for each in knowledge.domains}
        if domains and host.lower() not in domains:
            values = {"host": host, "domains": " and ".join(sorted(domains))}
            yield finding("url-other-domain", "AWS_S3_CUSTOM_DOMAIN", **values)
        if len(url) > MAX_URL_LENGTH:
            yield finding("url-too-long", SUBJECT, length=len(url))
        url = _at_own_domain(url.partition("#")[0], host, knowledge)
        yield from _explain_parameters(url, reserved, names, knowledge)


def _at_own_domain(url: str, host: str, knowledge: Knowledge) -> str:
    """Return the URL with the domain of this site for which it was signed, if there is one.

    A wrong domain is then one finding, and not also a signature that does not match.
    """
    for domain in knowledge.domains:
        moved = url.replace(host, domain, 1)
        with suppress(Denied):
            if not any(explain_signature(moved, read_claim(moved), knowledge.keys)):
                return moved
    return url


def _explain_parameters(
    url: str, reserved: list[str], other_names: set[str], knowledge: Knowledge
) -> Iterator[Finding]:
    values = {name: value for name, _, value in (each.partition("=") for each in reserved)}
    misspelt = sorted(_LOWER[name] for name in other_names & _LOWER.keys())
    missing = [name for name in ("Signature", "Key-Pair-Id") if not values.get(name)]
    if not values.get("Expires") and not values.get("Policy"):
        missing.append("Expires or Policy")
    if misspelt:
        what = f"{' and '.join(misspelt)} is spelled in another case."
        yield finding("url-refused", SUBJECT, what=what)
    elif len(missing) == 3 and knowledge.is_public:
        what = "The URL has no signature, and needs none: by the option public, the file is public."
        fix = "If CloudFront refuses it, open its path there: a behavior without a key group."
        yield finding("unsigned-url", SUBJECT, what=what, why="", fix=fix)
    elif len(missing) == 3:
        yield finding("url-unsigned", SUBJECT)
    elif missing:
        yield finding("url-incomplete", SUBJECT, missing=" and no ".join(missing))
    else:
        doubled = sorted(name for name, value in values.items() if "%25" in value)
        if doubled:
            part = f"The value of {' and '.join(doubled)}"
            yield finding("url-double-encoded", SUBJECT, part=part)
            url = re.sub(
                rf"((?:{'|'.join(doubled)})=)([^&]*)", lambda each: each[1] + unquote(each[2]), url
            )
        yield from _explain_claim(url, knowledge)


def _explain_claim(url: str, knowledge: Knowledge) -> Iterator[Finding]:
    try:
        claim = read_claim(url)
    except Denied as denial:
        kind = "url-malformed-policy" if denial.code == "MalformedPolicy" else "url-refused"
        yield finding(kind, SUBJECT, what=sentence(denial.reason))
        return
    yield _grants(claim.policy, knowledge)
    if not _KEY_ID.fullmatch(claim.key_pair_id):
        # The message does not show the value, which may be a key.
        length = len(claim.key_pair_id)
        what = f"The Key-Pair-Id, of {length} characters, is not a public key ID."
        yield finding("url-unknown-key", "AWS_CLOUDFRONT_KEY_ID", what=what)
    else:
        yield from _explain_trust(claim, knowledge)
        yield from explain_signature(url, claim, knowledge.keys)
    yield from _explain_conditions(claim, knowledge)


def _explain_trust(claim: UnverifiedUrl, knowledge: Knowledge) -> Iterator[Finding]:
    key = next((each for each in knowledge.keys if each.key_pair_id == claim.key_pair_id), None)
    groups = knowledge.key_groups
    if key is not None and key.ended:
        yield finding("url-key-ended", key.where, key=key.key_pair_id, ended=key.ended)
    # AWS lists no key of a trusted signer.
    elif key is not None and not (
        knowledge.at_cloudfront is None
        or key.key_pair_id in knowledge.at_cloudfront
        or is_of_trusted_signer(key.key_pair_id)
    ):
        signs = f" The URL is signed with it ({key.where})."
        yield finding("key-unknown", key.where, key=key.key_pair_id, twins=signs)
    elif groups and not any(claim.key_pair_id in each for each in groups.values()):
        held = (f"key group {group} ({', '.join(sorted(ids))})" for group, ids in groups.items())
        values = {"key": claim.key_pair_id, "key_groups": " or ".join(held)}
        yield finding("url-key-not-in-group", claim.key_pair_id, **values)


def _explain_conditions(claim: UnverifiedUrl, knowledge: Knowledge) -> Iterator[Finding]:
    policy, now = claim.policy, knowledge.now
    end, start, values = policy.date_less_than, policy.date_greater_than, {"now": moment(now)}
    if start is not None and start >= end:
        what = f"The URL is never valid: it starts after {moment(start)} and ends at {moment(end)}."
        why, fix = "CloudFront answers AccessDenied (Access denied).", "Sign with an earlier start."
        yield finding("url-not-yet", SUBJECT, what=what, why=why, fix=fix)
    elif now >= end:
        yield finding("url-expired", SUBJECT, since=duration(now - end), end=moment(end), **values)
    elif start is not None and now <= start:
        values |= {"wait": duration(start + 1 - now), "start": moment(start)}
        yield finding("url-not-yet", SUBJECT, **values)
    viewer_ip, addresses = knowledge.viewer_ip, policy.ip_address
    if viewer_ip is not None and addresses is not None and not is_within(viewer_ip, addresses):
        yield finding("url-address", SUBJECT, viewer_ip=viewer_ip, addresses=addresses)


def _grants(policy: Policy, knowledge: Knowledge) -> Finding:
    """Return what a policy grants, and how to check an address that it is bound to."""
    why, fix = [], ""
    if policy.date_less_than > MAX_EPOCH_TIME:
        why.append("AWS documents this end. Until 2023, the latest was in January 2038.")
    if policy.ip_address is not None and knowledge.viewer_ip is None:
        why.append("All other viewers are refused with AccessDenied (Access denied).")
        fix = "Pass the viewer's address with --viewer-ip."
    since = f" after {moment(policy.date_greater_than)}" if policy.date_greater_than else ""
    address = f", for viewers from {policy.ip_address}" if policy.ip_address else ""
    kind = "canned" if policy.is_canned else "custom"
    until = f"{moment(policy.date_less_than)}{address} ({kind} policy)"
    what = f"It grants {policy.resource}{since} until {until}."
    return finding("url-policy", SUBJECT, what=what, why=" ".join(why), fix=fix)


# ASN.1 DER of two numbers of 32 bytes, shorter if one begins with zeros.
_ECDSA_BYTES = range(60, 73)
_RSA_BYTES = range(256, 257)


def explain_signature(
    url: str, claim: UnverifiedUrl, keys: Sequence[KnownKey]
) -> Iterator[Finding]:
    """Yield what is wrong with the signature of a URL; nothing if it is good."""
    named = next((key for key in keys if key.key_pair_id == claim.key_pair_id), None)
    signer = next(
        (key for key in keys if key is not named and _refusal(url, claim, key) is None), None
    )
    if named is None:
        known = ", ".join(f"{each.key_pair_id} ({each.where})" for each in keys) or "none"
        values = {"key": claim.key_pair_id, "known": known, "signer": ""}
        if signer is not None:
            values["signer"] = f" {signer.key_pair_id} signed it: the key ID is wrong, not the key."
        yield finding("url-unknown-key", "AWS_CLOUDFRONT_KEY_ID", **values)
        return
    denial = _refusal(url, claim, named)
    if denial is None:
        return
    if not claim.policy.matches(claim.base_url):
        resource, url = claim.policy.resource, claim.base_url
        reasons = (f": {why}" for other, why in other_urls(url) if claim.policy.matches(other))
        values = {"resource": resource, "url": url, "reason": next(reasons, "")}
        yield finding("url-not-covered", SUBJECT, **values)
    elif denial.code == "MalformedSignature" or _is_cut_off(claim.signature, named):
        what = f"The Signature, of {len(claim.signature)} characters, is cut off or changed."
        yield finding("url-incomplete", SUBJECT, what=what)
    elif signer is not None and signer.key_pair_id == named.key_pair_id:
        what = f"{signer.key_pair_id} of {signer.where} signed the URL, but under the same ID "
        what += f"there is another key: {named.where}."
        yield finding("key-mismatch", signer.where, what=what)
    elif signer is not None:
        what = f"The URL names the key {named.key_pair_id}, but {signer.key_pair_id} "
        what += f"({signer.where}) signed it."
        yield finding("url-signature-mismatch", "AWS_CLOUDFRONT_KEY_ID", what=what)
    else:
        kind = "url-signature-mismatch" if denial.check is Check.SIGNATURE else "url-refused"
        yield finding(kind, SUBJECT, what=sentence(denial.reason))


def _refusal(url: str, claim: UnverifiedUrl, key: KnownKey) -> Denied | None:
    """Return why a key with the ID in the URL does not verify the URL at a valid time, or None."""
    at, address = claim.policy.date_less_than - 1, claim.policy.ip_address
    viewer_ip = address and str(ipaddress.ip_network(address, strict=False)[0])
    try:
        Verifier({claim.key_pair_id: key.public_key}).verify(url, now=at, viewer_ip=viewer_ip)
    except Denied as denial:
        # Times and addresses that can never match are explained with the conditions.
        return None if denial.check in (Check.TIME, Check.ADDRESS) else denial
    return None


def _is_cut_off(signature: str, key: KnownKey) -> bool:
    """Return whether a decoded signature has another length than the key's signatures have."""
    is_rsa = key.public_key.algorithm is KeyAlgorithm.RSA_2048
    return len(decode_base64(signature)) not in (_RSA_BYTES if is_rsa else _ECDSA_BYTES)
