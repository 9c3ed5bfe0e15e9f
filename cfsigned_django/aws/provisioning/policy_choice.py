"""Choose the policies of a behavior: keep its own where they do, else one that does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cfsigned_django.aws.documents.download_policies import (
    forwards_downloads,
    forwards_origin,
    has_downloads_in_cache_key,
)
from cfsigned_django.aws.documents.managed_policies import (
    CACHE_POLICIES,
    ORIGIN_REQUEST_POLICIES,
    RESPONSE_HEADERS_POLICIES,
)
from cfsigned_django.aws.documents.response_headers import lacking_origins, overrides_origin
from cfsigned_django.aws.policies import find_by_name
from cfsigned_django.aws.provisioning.steps import NOT_YET
from cfsigned_django.aws.provisioning.wish import Wish
from cfsigned_django.aws.stack import Stack


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
    def cache_policy_id(self) -> str | None:
        """Return the cache policy to set, or None where the behavior's may stay."""
        current = self.behavior.get("CachePolicyId")
        if self.wish.downloads:
            policy = self.stack.cache_policies.get(current or "")
            if policy is not None and has_downloads_in_cache_key(policy.config):
                return None
            own = find_by_name(tuple(self.stack.cache_policies.values()), self.name)
            return own.id if own else NOT_YET
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
        policy = self.stack.response_headers_policies.get(self.response_headers_policy)
        if policy is None or not overrides_origin(policy.config):
            return []
        return lacking_origins(policy.config, self.wish.cors_origins)
