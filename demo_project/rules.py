"""Read the rules of a distribution for its viewers, as the demo's edge applies them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from cfsigned_django.core.aws.client import call
from cfsigned_django.core.aws.errors import AwsError
from cfsigned_django.core.aws.key_groups import NO_SUCH_PUBLIC_KEY, KeyGroups
from cfsigned_django.core.text import Phrase
from cfsigned_django.signing import InvalidKey, PublicKey
from cfsigned_django.tools.account.documents import Document
from cfsigned_django.tools.account.documents.distribution_config import (
    behaviors,
    pattern_of,
    trusted_key_groups,
    trusted_signers,
)
from cfsigned_django.tools.account.reader import read_distribution, read_policy
from cfsigned_django.tools.edge.behavior import (
    READ_AND_PREFLIGHT_METHODS,
    READ_METHODS,
    Behavior,
)
from cfsigned_django.tools.model import listed
from cfsigned_django.tools.model.forwarding import Forwarding

logger = logging.getLogger(__name__)

#: Public key ID -> the key.
TrustedKeys: TypeAlias = Mapping[str, PublicKey]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rules of a distribution for its viewers.

    ``behaviors`` are as in :class:`Distribution`. ``key_groups`` has the keys of
    each key group that they trust, by the group's ID.
    """

    behaviors: tuple[Behavior, ...]
    key_groups: Mapping[str, TrustedKeys]

    def describe_keys(self) -> str:
        """Return the IDs of all trusted keys as text."""
        return key_names(
            {name: key for keys in self.key_groups.values() for name, key in keys.items()}
        )

    def describe_behaviors(self) -> str:
        """Return the behaviors in their order as text."""
        names = [each.path_pattern.removeprefix("/") for each in self.behaviors[:-1]]
        return "; ".join(map(_describe, [*names, "Default (*)"], self.behaviors))


class DistributionReader:
    """Read one distribution repeatedly; ``client`` is a boto3 client for CloudFront.

    Each public key is read once: the key behind an ID never changes.
    """

    def __init__(self, client: Any, distribution_id: str) -> None:
        self._client = client
        self._distribution_id = distribution_id
        self._known: dict[str, PublicKey | None] = {}

    def read(self) -> Rules:
        """Return the current rules in the API. Raise :exc:`AwsError` if it cannot be read.

        The API does not show the keys of trusted signers: such a behavior requires a
        signature, and no key can make one.
        """
        config = read_distribution(self._client, self._distribution_id).config
        found = list(behaviors(config))
        groups = dict.fromkeys(group for each in found for group in trusted_key_groups(each))
        signers: dict[str, TrustedKeys] = {name: {} for each in found for name in _signers(each)}
        return Rules(
            behaviors=tuple(read_behavior(self._client, each) for each in found),
            key_groups={**{group: self._keys_of(group) for group in groups}, **signers},
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
            what = Phrase("read the public key {key}", key=key_pair_id)
            get = self._client.get_public_key
            try:
                found = call(get, what, "cloudfront:GetPublicKey", Id=key_pair_id)["PublicKey"]
                self._known[key_pair_id] = PublicKey.load(found["PublicKeyConfig"]["EncodedKey"])
            except AwsError as error:
                if error.code == NO_SUCH_PUBLIC_KEY:
                    return None  # removed and deleted after the group was read
                raise
            except InvalidKey as error:
                logger.warning("The public key %s is skipped: %s", key_pair_id, error)
                self._known[key_pair_id] = None
        return self._known[key_pair_id]


def key_names(keys: TrustedKeys) -> str:
    """Return the IDs of the keys as text."""
    return ", ".join(sorted(keys)) or "no key"


def read_behavior(client: Any, behavior: Document) -> Behavior:
    """Return a behavior as the edge plays it, with its policies."""

    def policy(kind: str) -> Document:
        policy_id = behavior.get(f"{kind}Id")
        return read_policy(client, kind, policy_id).config if policy_id else {}

    takes_preflights = "OPTIONS" in listed(behavior.get("AllowedMethods"))
    return Behavior(
        path_pattern=pattern_of(behavior),
        trusted_key_groups=(*trusted_key_groups(behavior), *_signers(behavior)),
        allowed_methods=READ_AND_PREFLIGHT_METHODS if takes_preflights else READ_METHODS,
        forwarding=Forwarding(
            cache_policy=policy("CachePolicy"),
            origin_request_policy=policy("OriginRequestPolicy"),
            forwarded_values=behavior.get("ForwardedValues") or {},
        ),
        response_headers_policy=policy("ResponseHeadersPolicy"),
    )


def _signers(behavior: Document) -> tuple[str, ...]:
    """Return what stands for the key group of trusted signers, if there are any."""
    accounts = trusted_signers(behavior)
    return (f"the accounts {', '.join(accounts)}",) if accounts else ()


def _describe(name: str, behavior: Behavior) -> str:
    groups = " and ".join(behavior.trusted_key_groups)
    return f"{name}: signed by {groups}" if groups else f"{name}: open to everybody"
