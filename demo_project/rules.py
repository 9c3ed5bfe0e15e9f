"""Read the rules of a distribution for its viewers, as the local edge applies them."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any, Final

from cfsigned_django.aws.key_groups import KeyGroups, read_public_key
from cfsigned_django.signing import InvalidKey, PublicKey
from cfsigned_django.tools.account.documents import Document
from cfsigned_django.tools.account.documents.behavior import (
    behaviors,
    listed,
    trusted_key_groups,
    trusted_signers,
)
from cfsigned_django.tools.account.documents.distribution_config import (
    is_origin_of,
    origin_in_bucket,
)
from cfsigned_django.tools.account.documents.origins import is_access_point, origins_of
from cfsigned_django.tools.account.reader import read_distribution
from cfsigned_django.tools.edge.behavior import READ_AND_PREFLIGHT_METHODS, READ_METHODS, Behavior
from demo_project.follow import Rules, TrustedKeys

logger = logging.getLogger("cfsigned_django.tools.edge")

# Fields that are read here, or that make no difference to a viewer who reads files. Caching only
# makes responses faster and older; cfsigned_doctor finds what a cache may mix up.
_DISTRIBUTION_FIELDS: Final = frozenset(
    {
        "Aliases",
        "CacheBehaviors",
        "CallerReference",
        "Comment",
        "ConnectionMode",
        "DefaultCacheBehavior",
        "Enabled",
        "HttpVersion",
        "IsIPV6Enabled",
        "Logging",
        "OriginGroups",
        "Origins",
        "PriceClass",
        "Restrictions",
        "ViewerCertificate",
    }
)
_BEHAVIOR_FIELDS: Final = frozenset(
    {
        "AllowedMethods",
        "CachePolicyId",
        "Compress",
        "DefaultTTL",
        "ForwardedValues",
        "MaxTTL",
        "MinTTL",
        "OriginRequestPolicyId",
        "PathPattern",
        "RealtimeLogConfigArn",
        "SmoothStreaming",
        "TargetOriginId",
        "TrustedKeyGroups",
        "TrustedSigners",
    }
)


class DistributionReader:
    """Read one distribution repeatedly; ``client`` is a boto3 client for CloudFront.

    ``bucket`` is the bucket whose files are served, or None if every origin of the
    distribution stands for the same files. Each public key is read once: the key behind
    an ID never changes.
    """

    def __init__(self, client: Any, distribution_id: str, *, bucket: str | None = None) -> None:
        self._client = client
        self._distribution_id = distribution_id
        self._bucket = bucket
        self._known: dict[str, PublicKey | None] = {}

    def read(self) -> Rules:
        """Return the current rules in the API. Raise :exc:`AwsError` if it cannot be read.

        The API does not show the keys of trusted signers: such a behavior requires a
        signature, and no key can make one.
        """
        config = read_distribution(self._client, self._distribution_id).config
        found = list(behaviors(config))
        # With its slash, "*" is a pattern like any other, not the default behavior.
        patterns = [f"/{each['PathPattern'].removeprefix('/')}" for each in found[:-1]]
        groups = dict.fromkeys(group for each in found for group in trusted_key_groups(each))
        signers: dict[str, TrustedKeys] = {name: {} for each in found for name in _signers(each)}
        return Rules(
            behaviors=tuple(
                _behavior(config, each, pattern, self._bucket)
                for each, pattern in zip(found, [*patterns, "*"], strict=True)
            ),
            key_groups={**{group: self._keys_of(group) for group in groups}, **signers},
            left_out=tuple(_left_out(config, self._bucket)),
        )

    def _keys_of(self, key_group_id: str) -> dict[str, PublicKey]:
        """Return the keys in the group by public key ID.

        A key that cannot be loaded is skipped and logged: others may have added it,
        and the keys of this site must keep working.
        """
        members = KeyGroups(self._client).members(key_group_id)
        found = {key_pair_id: self._find(key_pair_id) for key_pair_id in members}
        return {key_pair_id: key for key_pair_id, key in found.items() if key is not None}

    def _find(self, key_pair_id: str) -> PublicKey | None:
        if key_pair_id not in self._known:
            found = read_public_key(self._client, key_pair_id)
            if found is None:
                return None  # removed and deleted after the group was read
            try:
                self._known[key_pair_id] = PublicKey.load(found.public_key_pem)
            except InvalidKey as error:
                logger.warning("The public key %s is skipped: %s", key_pair_id, error)
                self._known[key_pair_id] = None
        return self._known[key_pair_id]


def _behavior(
    config: Document, behavior: Document, path_pattern: str, bucket: str | None
) -> Behavior:
    origins = origins_of(config, behavior)
    is_ours = (
        bucket is None
        or origin_in_bucket(config, behavior, bucket) is not None
        or any(map(is_access_point, origins))
    )
    hosts = " and ".join(each["DomainName"] for each in origins)
    takes_preflights = "OPTIONS" in listed(behavior.get("AllowedMethods"))
    return Behavior(
        path_pattern=path_pattern,
        trusted_key_groups=(*trusted_key_groups(behavior), *_signers(behavior)),
        allowed_methods=READ_AND_PREFLIGHT_METHODS if takes_preflights else READ_METHODS,
        foreign_origin="" if is_ours else hosts or "no origin",
    )


def _signers(behavior: Document) -> tuple[str, ...]:
    """Return what stands for the key group of trusted signers, if there are any."""
    accounts = trusted_signers(behavior)
    return (f"the accounts {', '.join(accounts)}",) if accounts else ()


def _left_out(config: Document, bucket: str | None) -> Iterator[str]:
    if not config["Enabled"]:
        yield "Enabled: false (CloudFront serves nothing)"
    yield from (name for name in _set_fields(config) if name not in _DISTRIBUTION_FIELDS)
    restriction = (config.get("Restrictions") or {}).get("GeoRestriction") or {}
    if restriction.get("RestrictionType", "none") != "none":
        yield "GeoRestriction"
    for origin in listed(config.get("Origins")):
        if is_access_point(origin):
            yield f"access point {origin['DomainName']} (taken for the bucket)"
        if origin.get("OriginPath") and (bucket is None or is_origin_of(origin, bucket)):
            yield f"OriginPath {origin['OriginPath']}"
    for group in listed(config.get("OriginGroups")):
        yield f"OriginGroup {group['Id']} (nothing fails over)"
    for behavior in behaviors(config):
        place = behavior.get("PathPattern", "Default (*)")
        yield from (
            f"{name} of {place}" for name in _set_fields(behavior) if name not in _BEHAVIOR_FIELDS
        )
        if trusted_signers(behavior):
            yield f"TrustedSigners of {place} (the API does not return their keys)"


def _set_fields(document: Document) -> Iterator[str]:
    """Return the names of the fields that are set."""
    for name, value in document.items():
        if isinstance(value, Mapping):
            is_set = bool(value.get("Quantity") or value.get("Enabled"))
            is_set = is_set or not {"Quantity", "Enabled"} & value.keys()
        else:
            # The field is not set, or is off, or does not redirect to HTTPS.
            is_set = value not in ("", None, False, "allow-all")
        if is_set:
            yield name
