"""What the site needs, beside what its account has of it: behavior, origin and policies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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
    listed,
)
from cfsigned_django.tools.account.documents.distribution_config import (
    covers,
    origin_in_bucket,
)
from cfsigned_django.tools.account.documents.policies import (
    forwards_origin,
    has_origin_in_cache_key,
)
from cfsigned_django.tools.account.state.wanted import Wanted

_HOME_REGION = "us-east-1"


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
    def policies(self) -> Policies:
        """Return the policies of the behavior."""
        return Policies(site=self)

    @property
    def has_domain(self) -> bool:
        """Return whether the distribution accepts requests for the domain; DNS is not checked."""
        found = self.account.distribution
        names = (found.domain_name, *found.aliases) if found else ()
        host = self.wanted.host
        return not host or any(covers(each, host) for each in names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """The policies of the behavior, and what they do."""

    site: SiteInAws

    @property
    def behavior(self) -> Mapping[str, Any]:
        """Return the behavior; empty if there is none."""
        return self.site.behavior or {}

    @property
    def legacy(self) -> Mapping[str, Any]:
        """Return the fields of the behavior that are older than policies; empty without them."""
        return self.behavior.get("ForwardedValues") or {}

    @property
    def cache_policy(self) -> Document:
        """Return the cache policy of the behavior; empty if there is none."""
        return _config(self.site.account.cache_policies, self.behavior.get("CachePolicyId"))

    @property
    def request_policy(self) -> Document:
        """Return the origin request policy of the behavior; empty if there is none."""
        policies = self.site.account.origin_request_policies
        return _config(policies, self.behavior.get("OriginRequestPolicyId"))

    @property
    def response_headers_policy(self) -> str:
        """Return the ID of the response headers policy of the behavior, or an empty string."""
        return self.behavior.get("ResponseHeadersPolicyId") or ""

    @property
    def response_headers(self) -> NamedConfig | None:
        """Return the response headers policy of the behavior, if it has been read."""
        policies = self.site.account.response_headers_policies or {}
        return policies.get(self.response_headers_policy)

    @property
    def splits_copies(self) -> bool:
        """Return whether Origin is in the cache key, and so is forwarded as well."""
        if self.legacy:
            headers = {each.lower() for each in listed(self.legacy.get("Headers"))}
            return bool({"origin", "*"} & headers)
        return has_origin_in_cache_key(self.cache_policy)

    @property
    def forwards_origin(self) -> bool:
        """Return whether S3 receives Origin, without which it sends no CORS headers."""
        return self.splits_copies or forwards_origin(self.request_policy)


def _config(policies: Mapping[str, NamedConfig] | None, policy_id: str | None) -> Document:
    """Return a policy by its ID; empty if there is none."""
    policy = (policies or {}).get(policy_id or "")
    return policy.config if policy else {}
