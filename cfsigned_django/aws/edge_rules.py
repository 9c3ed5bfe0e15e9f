"""Read what a distribution requires of viewers: behaviors, and the keys of their key groups."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cfsigned_django.aws.account_reader import read_distribution
from cfsigned_django.aws.documents import Document
from cfsigned_django.aws.documents.behavior import (
    behaviors,
    listed,
    trusted_key_groups,
    trusted_signers,
)
from cfsigned_django.aws.documents.distribution import is_origin_of, origin_in_bucket
from cfsigned_django.aws.documents.origins import is_access_point, origins_of
from cfsigned_django.aws.key_groups import KeyGroups, read_public_key
from cfsigned_django.signing import InvalidKey, PublicKey

logger = logging.getLogger("cfsigned_django.aws")

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


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBehavior:
    """A behavior in the API.

    ``key_group_ids`` and ``signers`` name whose keys may sign, and ``methods`` are the
    methods that a viewer may use. ``foreign_origin`` is the host that the behavior
    reads if that is not the bucket, else empty.
    """

    path_pattern: str
    key_group_ids: tuple[str, ...]
    signers: tuple[str, ...]
    methods: frozenset[str]
    foreign_origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDistribution:
    """A distribution in the API: behaviors in their order, the default one last.

    ``keys`` has the public keys of each trusted key group. ``left_out`` names, in
    CloudFront's terms, what else would change a response.
    """

    behaviors: tuple[ReadBehavior, ...]
    keys: Mapping[str, Mapping[str, PublicKey]]
    left_out: tuple[str, ...]


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

    def read(self) -> ReadDistribution:
        """Return the current state in the API. Raise :exc:`AwsError` if the API cannot be read."""
        config = read_distribution(self._client, self._distribution_id).config
        found = tuple(_behavior(config, each, self._bucket) for each in behaviors(config))
        groups = dict.fromkeys(group for each in found for group in each.key_group_ids)
        return ReadDistribution(
            behaviors=found,
            keys={group: self._keys_of(group) for group in groups},
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


def _behavior(config: Document, behavior: Document, bucket: str | None) -> ReadBehavior:
    origins = origins_of(config, behavior)
    is_ours = (
        bucket is None
        or origin_in_bucket(config, behavior, bucket) is not None
        or any(map(is_access_point, origins))
    )
    hosts = " and ".join(each["DomainName"] for each in origins)
    return ReadBehavior(
        path_pattern=behavior["PathPattern"],
        key_group_ids=tuple(trusted_key_groups(behavior)),
        signers=tuple(trusted_signers(behavior)),
        methods=frozenset(listed(behavior.get("AllowedMethods")) or ("GET", "HEAD")),
        foreign_origin="" if is_ours else hosts or "no origin",
    )


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
        pattern = behavior["PathPattern"]
        place = "Default (*)" if pattern == "*" else pattern
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
