"""Choose the policies of a behavior: keep its own where they do, else one that does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cfsigned_django.aws.account import Stack
from cfsigned_django.aws.documents import cors
from cfsigned_django.aws.documents.managed_policies import (
    CACHE_POLICIES,
    ORIGIN_REQUEST_POLICIES,
    RESPONSE_HEADERS_POLICIES,
)
from cfsigned_django.aws.documents.policies import (
    forwards_downloads,
    forwards_origin,
    has_downloads_in_cache_key,
    has_origin_in_cache_key,
    keeps_copies,
)
from cfsigned_django.aws.documents.response_headers import lacking_origins, overrides_origin
from cfsigned_django.aws.policies import Named, find_by_name
from cfsigned_django.aws.provisioning.desired_state import Wish
from cfsigned_django.aws.provisioning.steps import NOT_YET


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChoice:
    """Which policies a behavior has and shall have; ``name`` is that of policies made for it.

    ``behavior`` is empty for one that is yet to be made.
    """

    stack: Stack
    wish: Wish
    name: str
    behavior: Mapping[str, Any]

    @property
    def splits_origins(self) -> bool:
        """Tell whether each origin needs a copy of its own, because S3 names in it who asked.

        A response headers policy that overrides S3 says the same in every copy.
        """
        rules = cors.merge(self.stack.bucket.cors_rules, self.wish.cors_origins)
        return (
            bool(self.wish.cors_origins) and cors.echoes_origins(rules) and not self._overrides_cors
        )

    @property
    def needs_cache_key(self) -> bool:
        """Tell whether copies in the cache must differ by more than the path."""
        return self.wish.downloads or self.splits_origins

    @property
    def own_cache_policy(self) -> Named | None:
        """Return the cache policy that was made for the bucket."""
        return find_by_name(tuple(self.stack.cache_policies.values()), self.name)

    def suffices(self, policy: Named | None) -> bool:
        """Tell whether a cache policy keeps apart what must be kept apart."""
        if policy is None:
            return False
        if self.wish.downloads and not has_downloads_in_cache_key(policy.config):
            return False
        splits = has_origin_in_cache_key(policy.config) or not keeps_copies(policy.config)
        return splits or not self.splits_origins

    @property
    def cache_policy_id(self) -> str | None:
        """Return the cache policy to set, or None where the behavior's may stay."""
        current = self.behavior.get("CachePolicyId")
        if self.needs_cache_key:
            if self.suffices(self.stack.cache_policies.get(current or "")):
                return None
            return self.own_cache_policy.id if self.own_cache_policy else NOT_YET
        if current or not self.wish.cors_origins:
            return None
        # An origin request policy works with a cache policy only.
        return CACHE_POLICIES["CachingOptimized"]

    @property
    def origin_request_policy_id(self) -> str | None:
        """Return the origin request policy to set, or None where the behavior's may stay."""
        current = self.stack.origin_request_policies.get(
            self.behavior.get("OriginRequestPolicyId") or ""
        )
        config = current.config if current else None
        if self.wish.downloads:
            if forwards_downloads(config) and forwards_origin(config):
                return None
            own = find_by_name(tuple(self.stack.origin_request_policies.values()), self.name)
            return own.id if own else NOT_YET
        if not self.wish.cors_origins or forwards_origin(config):
            return None
        return ORIGIN_REQUEST_POLICIES["CORS-S3Origin"]

    @property
    def response_headers_policy_id(self) -> str | None:
        """Return the response headers policy to set, or None where nothing is to be set."""
        if self.response_headers_policy or not self.wish.cors_origins:
            return None
        return RESPONSE_HEADERS_POLICIES["SimpleCORS"]

    @property
    def response_headers_policy(self) -> str:
        """Return the response headers policy that the behavior has, or an empty text."""
        return self.behavior.get("ResponseHeadersPolicyId") or ""

    @property
    def origins_without_cors(self) -> list[str]:
        """Return the origins that the behavior's response headers policy keeps out."""
        if not self._overrides_cors:
            return []
        policy = self.stack.response_headers_policies[self.response_headers_policy]
        return lacking_origins(policy.config, self.wish.cors_origins)

    @property
    def _overrides_cors(self) -> bool:
        policy = self.stack.response_headers_policies.get(self.response_headers_policy)
        return policy is not None and overrides_origin(policy.config)
