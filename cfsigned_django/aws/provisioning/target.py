"""Resolve a wish against what there is: which key group, origin and policies are meant."""

from __future__ import annotations

from dataclasses import dataclass

from cfsigned_django.aws.documents import Document
from cfsigned_django.aws.documents.behavior import (
    BehaviorWish,
    find_behavior,
    patch_behavior,
    replace_behavior,
)
from cfsigned_django.aws.documents.distribution import (
    Attachment,
    access_control_of,
    access_identity_of,
    attach,
    bucket_origin,
    covers,
    find_origin,
    is_origin_of,
    name_for,
    new_behavior,
    new_distribution_config,
    new_origin,
    replace_origin,
    with_domain,
)
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
from cfsigned_django.aws.listed_key import ListedPublicKey
from cfsigned_django.aws.policies import Named
from cfsigned_django.aws.provisioning.steps import NOT_YET
from cfsigned_django.aws.provisioning.wish import OriginAccess, Wish
from cfsigned_django.aws.stack import KeyGroup, Stack

_HOME_REGION = "us-east-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is meant, where it is there; ids that are not known yet are ``NOT_YET``."""

    stack: Stack
    wish: Wish

    @property
    def name(self) -> str:
        """Return the name of everything that is made for the bucket."""
        return name_for(self.wish.bucket)

    @property
    def region(self) -> str:
        """Return where the bucket is, or will be made."""
        wish = self.wish
        return self.stack.bucket.region or wish.region or wish.default_region or _HOME_REGION

    @property
    def public_key(self) -> ListedPublicKey | None:
        """Return CloudFront's public key of the site's key pair."""
        key = self.wish.key
        return None if key is None else self.stack.public_key(key.public_key_pem)

    @property
    def key_pair_id(self) -> str:
        """Return the id that signed URLs carry."""
        return self.public_key.key_pair_id if self.public_key else NOT_YET

    @property
    def key_group(self) -> KeyGroup | None:
        """Return the key group that the behavior shall trust."""
        return self.stack.key_group(self.wish.key_group_id or self.name)

    @property
    def key_group_id(self) -> str:
        """Return its id."""
        return self.key_group.id if self.key_group else NOT_YET

    @property
    def config(self) -> Document | None:
        """Return the configuration of the distribution."""
        return self.stack.distribution.config if self.stack.distribution else None

    @property
    def behavior(self) -> Document | None:
        """Return the behavior that shall ask for signatures, if it is there."""
        return None if self.config is None else find_behavior(self.config, self.wish.path_pattern)

    @property
    def origin(self) -> Document | None:
        """Return the origin of the behavior, or the one a new behavior would read."""
        if self.config is None:
            return None
        if self.behavior is not None:
            return find_origin(self.config, self.behavior["TargetOriginId"])
        return bucket_origin(self.config, self.wish.bucket)

    @property
    def serves_other_origin(self) -> bool:
        """Tell whether the behavior is there, and does not read the bucket."""
        if self.behavior is None:
            return False
        return self.origin is None or not is_origin_of(self.origin, self.wish.bucket)

    @property
    def access_control(self) -> Named | None:
        """Return the origin access control to use: the one attached, else the one so named."""
        attached = access_control_of(self.origin or {})
        controls = self.stack.access_controls
        return _find(controls, attached) or _find_by_name(controls, self.name)

    @property
    def access_identity(self) -> Named | None:
        """Return the origin access identity to use: the one attached, else the one so named."""
        attached = access_identity_of(self.origin or {})
        identities = self.stack.access_identities
        return _find(identities, attached) or _find_by_name(identities, self.name)

    @property
    def attachment(self) -> Attachment:
        """Return by which of the two CloudFront shall read the bucket."""
        if self.wish.origin_access is OriginAccess.OAI:
            identity = self.access_identity
            return Attachment(access_identity_id=identity.id if identity else NOT_YET)
        control = self.access_control
        return Attachment(access_control_id=control.id if control else NOT_YET)

    @property
    def cache_policy_id(self) -> str | None:
        """Return the cache policy to set, or None where the behavior's may stay."""
        current = (self.behavior or {}).get("CachePolicyId")
        if self.wish.downloads:
            policy = self.stack.cache_policies.get(current or "")
            if policy is not None and has_downloads_in_cache_key(policy.config):
                return None
            own = _find_by_name(tuple(self.stack.cache_policies.values()), self.name)
            return own.id if own else NOT_YET
        if current or not self.wish.cors_origins:
            return None
        # An origin request policy works with a cache policy only.
        return CACHE_POLICIES["CachingOptimized"]

    @property
    def origin_request_policy_id(self) -> str | None:
        """Return the origin request policy to set, or None where the behavior's may stay."""
        current = self.stack.origin_request_policies.get(
            (self.behavior or {}).get("OriginRequestPolicyId") or ""
        )
        config = current.config if current else None
        if self.wish.downloads:
            if forwards_downloads(config) and forwards_origin(config):
                return None
            own = _find_by_name(tuple(self.stack.origin_request_policies.values()), self.name)
            return own.id if own else NOT_YET
        if not self.wish.cors_origins or forwards_origin(config):
            return None
        return ORIGIN_REQUEST_POLICIES["CORS-S3Origin"]

    @property
    def response_headers_policy_id(self) -> str | None:
        """Return the response headers policy to set, or None where nothing is to be set."""
        if self.behavior_headers_policy or not self.wish.cors_origins:
            return None
        return RESPONSE_HEADERS_POLICIES["SimpleCORS"]

    @property
    def behavior_headers_policy(self) -> str:
        """Return the response headers policy that the behavior has, or an empty text."""
        return (self.behavior or {}).get("ResponseHeadersPolicyId") or ""

    @property
    def origins_without_cors(self) -> list[str]:
        """Return the origins that the behavior's response headers policy keeps out."""
        policy = self.stack.response_headers_policies.get(self.behavior_headers_policy)
        if policy is None or not overrides_origin(policy.config):
            return []
        return lacking_origins(policy.config, self.wish.cors_origins)

    @property
    def behavior_wish(self) -> BehaviorWish:
        """Return what the behavior shall have. Trusted signers go in a step of their own."""
        return BehaviorWish(
            key_group_id=self.key_group_id,
            cache_policy_id=self.cache_policy_id,
            origin_request_policy_id=self.origin_request_policy_id,
            response_headers_policy_id=self.response_headers_policy_id,
        )

    @property
    def host(self) -> str:
        """Return the domain that viewers shall see, without a port; empty: CloudFront's own."""
        return self.wish.domain.partition(":")[0]

    @property
    def has_domain(self) -> bool:
        """Tell whether the distribution answers under the domain, as far as it is concerned."""
        found = self.stack.distribution
        names = (found.domain_name, *found.aliases) if found else ()
        return not self.host or any(covers(each, self.host) for each in names)

    def wanted_origin(self) -> Document:
        """Return the origin as it shall be."""
        origin = self.origin or new_origin(self.wish.bucket, self.region)
        if self.attachment == _attached(origin):
            return origin
        return attach(origin, self.attachment)

    def wanted_behavior(self) -> Document:
        """Return the behavior as it shall be."""
        behavior = self.behavior or new_behavior(self.wanted_origin()["Id"])
        return patch_behavior(behavior, self.behavior_wish)

    def wanted_config(self) -> Document:
        """Return the whole configuration as it shall be, of an old or a new distribution.

        In a new one the default behavior wants signatures too: nothing in the
        bucket shall be open because a pattern does not match.
        """
        origin, behavior = self.wanted_origin(), self.wanted_behavior()
        if self.config is None:
            config = new_distribution_config(self.wish.bucket, origin, behavior)
            if self.wish.certificate:
                config = with_domain(config, self.host, self.wish.certificate)
        else:
            config = replace_origin(self.config, origin)
        return replace_behavior(config, self.wish.path_pattern, behavior)


def _attached(origin: Document) -> Attachment | None:
    control, identity = access_control_of(origin), access_identity_of(origin)
    if bool(control) == bool(identity):
        return None
    return Attachment(access_control_id=control, access_identity_id=identity)


def _find(candidates: tuple[Named, ...], wanted_id: str) -> Named | None:
    return next((each for each in candidates if each.id == wanted_id), None)


def _find_by_name(candidates: tuple[Named, ...], name: str) -> Named | None:
    return next((each for each in candidates if each.name == name), None)
