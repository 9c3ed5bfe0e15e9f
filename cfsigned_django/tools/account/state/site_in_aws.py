"""What the site needs, beside what its account has of it: behavior, origin and policies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cfsigned_django.aws.key_groups import ListedPublicKey
from cfsigned_django.tools.account.account import (
    Account,
    Bucket,
    BucketState,
    NamedConfig,
)
from cfsigned_django.tools.account.documents import Document
from cfsigned_django.tools.account.documents.behavior import (
    find_behavior,
)
from cfsigned_django.tools.account.documents.distribution_config import (
    covers,
    origin_in_bucket,
)
from cfsigned_django.tools.account.state.wanted import Wanted
from cfsigned_django.tools.model.forwarding import Forwarding


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteInAws:
    """What the site needs, and what its account has of it."""

    account: Account
    wanted: Wanted

    @property
    def pattern(self) -> str:
        """Return the path pattern of the behavior, "*" for the default one."""
        return self.wanted.path_pattern or "*"

    @property
    def bucket(self) -> Bucket:
        """Return the bucket; if it is unknown, a bucket with its name that does not exist."""
        return self.account.bucket or Bucket(name=self.wanted.bucket, state=BucketState.MISSING)

    @property
    def public_key(self) -> ListedPublicKey | None:
        """Return the public key in CloudFront of the site's key pair."""
        key = self.wanted.key
        return None if key is None else self.account.public_key(key.public_key_pem)

    @property
    def config(self) -> Document | None:
        """Return the configuration of the distribution."""
        return self.account.distribution.config if self.account.distribution else None

    @property
    def behavior(self) -> Document | None:
        """Return the behavior that must require signatures, if it exists."""
        return None if self.config is None else find_behavior(self.config, self.wanted.path_pattern)

    @property
    def origin(self) -> Document | None:
        """Return the origin through which the behavior reads the bucket."""
        if self.config is None or self.behavior is None:
            return None
        return origin_in_bucket(self.config, self.behavior, self.wanted.bucket)

    @property
    def forwarding(self) -> Forwarding:
        """Return what the behavior forwards; nothing if there is none."""
        behavior, account = self.behavior or {}, self.account
        return Forwarding(
            cache_policy=_config(account.cache_policies, behavior.get("CachePolicyId")),
            origin_request_policy=_config(
                account.origin_request_policies, behavior.get("OriginRequestPolicyId")
            ),
            forwarded_values=behavior.get("ForwardedValues") or {},
        )

    @property
    def response_headers(self) -> NamedConfig | None:
        """Return the response headers policy of the behavior, if it has been read."""
        policies = self.account.response_headers_policies or {}
        return policies.get((self.behavior or {}).get("ResponseHeadersPolicyId", ""))

    @property
    def has_domain(self) -> bool:
        """Return whether the distribution accepts requests for the domain; DNS is not checked."""
        found = self.account.distribution
        names = (found.domain_name, *found.aliases) if found else ()
        host = self.wanted.host
        return not host or any(covers(each, host) for each in names)


def _config(policies: Mapping[str, NamedConfig] | None, policy_id: str | None) -> Document:
    """Return a policy by its ID; empty if there is none."""
    policy = (policies or {}).get(policy_id or "")
    return policy.config if policy else {}
