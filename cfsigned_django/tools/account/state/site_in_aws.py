"""What the site needs, in its account: which key group, origin and policies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cfsigned_django.aws.key_groups import ListedPublicKey
from cfsigned_django.tools.account.account import (
    Account,
    Bucket,
    BucketState,
    KeyGroup,
    NamedConfig,
)
from cfsigned_django.tools.account.documents import Document, cors
from cfsigned_django.tools.account.documents.behavior import (
    find_behavior,
    listed,
    patch_behavior,
    replace_behavior,
)
from cfsigned_django.tools.account.documents.distribution_config import (
    Attachment,
    access_control_of,
    access_identity_of,
    attach,
    attachment_of,
    bucket_origins,
    covers,
    free_origin_id,
    name_for,
    new_behavior,
    new_distribution_config,
    new_origin,
    origin_in_bucket,
    replace_origin,
    with_domain,
)
from cfsigned_django.tools.account.documents.origins import is_access_point, origins_of, place_of
from cfsigned_django.tools.account.documents.policies import (
    CACHE_POLICIES,
    ORIGIN_REQUEST_POLICIES,
    forwards,
    forwards_origin,
    has_in_cache_key,
    has_origin_in_cache_key,
    keeps_copies,
    lacking_credentials,
    lacking_origins,
    overrides_origin,
)
from cfsigned_django.tools.account.state.steps import NOT_YET, Call
from cfsigned_django.tools.account.state.wanted import OriginAccess, Wanted

_HOME_REGION = "us-east-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteInAws:
    """What the site's wishes refer to, if it exists; unknown IDs are ``NOT_YET``."""

    account: Account
    wanted: Wanted

    @property
    def pattern(self) -> str:
        """Return the path pattern of the behavior, "*" for the default one."""
        return self.wanted.path_pattern or "*"

    @property
    def bucket(self) -> Bucket:
        """Return the bucket; if it is unknown, a bucket with its name that does not exist yet."""
        return self.account.bucket or Bucket(name=self.wanted.bucket, state=BucketState.MISSING)

    @property
    def name(self) -> str:
        """Return the name of everything that is created for the bucket."""
        return name_for(self.wanted.bucket)

    @property
    def region(self) -> str:
        """Return the region in which the bucket is, or will be created."""
        wanted = self.wanted
        wished = wanted.region or wanted.kms_region or wanted.default_region
        return self.bucket.region or wished or _HOME_REGION

    @property
    def public_key(self) -> ListedPublicKey | None:
        """Return the public key in CloudFront of the site's key pair."""
        key = self.wanted.key
        return None if key is None else self.account.public_key(key.public_key_pem)

    @property
    def key_pair_id(self) -> str:
        """Return the public key ID that signed URLs carry."""
        return self.public_key.key_pair_id if self.public_key else NOT_YET

    @property
    def key_group(self) -> KeyGroup | None:
        """Return the key group that the behavior must trust."""
        return self.account.key_group(self.wanted.key_group_id or self.name)

    @property
    def key_group_id(self) -> str:
        """Return the ID of the key group."""
        return self.key_group.id if self.key_group else NOT_YET

    @property
    def distribution_arn(self) -> str:
        """Return the ARN of the distribution, which policies name."""
        found, account = self.account.distribution, self.account
        return (
            found.arn
            if found
            else f"arn:{account.partition}:cloudfront::{account.account_id}:distribution/{NOT_YET}"
        )

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
        """Return the origin through which the behavior, or a new one, reads the bucket.

        A new behavior uses no origin with an origin path: CloudFront would look for
        the files of the site elsewhere.
        """
        if self.config is None:
            return None
        if self.behavior is not None:
            return origin_in_bucket(self.config, self.behavior, self.wanted.bucket)
        found = bucket_origins(self.config, self.wanted.bucket)
        return next((each for each in found if not place_of(each).folder), None)

    @property
    def serves_other_origin(self) -> bool:
        """Return whether the behavior exists and does not read the bucket."""
        return self.behavior is not None and self.origin is None

    @property
    def access_points(self) -> list[str]:
        """Return the hosts of the access points that may be the bucket for the behavior.

        For a new behavior, these are those of the distribution, unless the bucket itself is an
        origin.
        """
        if self.config is None or self.origin is not None:
            return []
        origins = (
            listed(self.config.get("Origins"))
            if self.behavior is None
            else origins_of(self.config, self.behavior)
        )
        return [each["DomainName"] for each in origins if is_access_point(each)]

    @property
    def changes_distribution(self) -> bool:
        """Return whether the distribution exists and a setup can change it."""
        found = self.account.distribution
        cannot = self.serves_other_origin or bool(self.access_points)
        return found is not None and not found.is_multi_tenant and not cannot

    @property
    def access_control_id(self) -> str:
        """Return the origin access control to use: the attached one, else the one by name.

        The attached one need not be listed, since only its ID is needed.
        """
        named = _find_by_name(self.account.access_controls or (), self.name)
        return access_control_of(self.origin or {}) or (named.id if named else NOT_YET)

    @property
    def access_identity_id(self) -> str:
        """Return the origin access identity to use, as for an access control."""
        named = _find_by_name(self.account.access_identities or (), self.name)
        return access_identity_of(self.origin or {}) or (named.id if named else NOT_YET)

    @property
    def origin_access(self) -> OriginAccess:
        """Return the requested kind of access, else the attached one, else OAC."""
        attached = attachment_of(self.origin or {})
        has_identity = attached is not None and bool(attached.access_identity_id)
        return self.wanted.origin_access or (OriginAccess.OAI if has_identity else OriginAccess.OAC)

    @property
    def attachment(self) -> Attachment:
        """Return the access control or identity with which CloudFront must read the bucket."""
        if self.origin_access is OriginAccess.OAI:
            return Attachment(access_identity_id=self.access_identity_id)
        return Attachment(access_control_id=self.access_control_id)

    @property
    def policies(self) -> PolicyChoice:
        """Return the policies that the behavior has and must have."""
        return PolicyChoice(state=self)

    @property
    def has_domain(self) -> bool:
        """Return whether the distribution accepts requests for the domain; DNS is not checked."""
        found = self.account.distribution
        names = (found.domain_name, *found.aliases) if found else ()
        host = self.wanted.host
        return not host or any(covers(each, host) for each in names)

    def wanted_origin(self) -> Document:
        """Return the origin to send."""
        bucket = self.wanted.bucket
        origin_id = free_origin_id(self.config, bucket)
        origin = self.origin or new_origin(bucket, self.region, origin_id=origin_id)
        if self.attachment == attachment_of(origin):
            return origin
        return attach(origin, self.attachment)

    def wanted_behavior(self) -> Document:
        """Return the behavior to send. Trusted signers are removed in a separate step."""
        return patch_behavior(
            self.behavior or new_behavior(self.wanted_origin()["Id"]),
            self.key_group_id,
            cache_policy_id=self.policies.cache_policy_id,
            origin_request_policy_id=self.policies.origin_request_policy_id,
            response_headers_policy_id=self.policies.response_headers_policy_id,
        )

    def wanted_config(self) -> Document:
        """Return the whole configuration to send of an existing or a new distribution.

        In a new distribution, the default behavior requires signatures too: no file
        in the bucket may be public just because a pattern does not match it.
        """
        origin, behavior = self.wanted_origin(), self.wanted_behavior()
        if self.config is None:
            config = new_distribution_config(self.wanted.bucket, origin, behavior)
            if self.wanted.certificate:
                config = with_domain(config, self.wanted.host, self.wanted.certificate)
        else:
            config = replace_origin(self.config, origin)
        return replace_behavior(config, self.wanted.path_pattern, behavior)

    def put_call(self, operation: str, action: str = "", **arguments: Any) -> Call:
        """Return the call that sets something of the bucket, unless another account owns it.

        ``action`` is the IAM action, if S3 names it differently.
        """
        bucket, owner = self.wanted.bucket, self.account.account_id
        return Call(
            service="s3",
            operation=operation,
            action=action,
            arguments={"Bucket": bucket, "ExpectedBucketOwner": owner, **arguments},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChoice:
    """The policies of the behavior: what they do now, and others if they do not suffice."""

    state: SiteInAws

    # What is there.

    @property
    def behavior(self) -> Mapping[str, Any]:
        """Return the behavior; empty if it does not exist yet."""
        return self.state.behavior or {}

    @property
    def legacy(self) -> Mapping[str, Any]:
        """Return the fields of the behavior that are older than policies; empty without them."""
        return self.behavior.get("ForwardedValues") or {}

    @property
    def cache_policy(self) -> Document:
        """Return the cache policy of the behavior; empty if there is none."""
        return _config(self.state.account.cache_policies, self.behavior.get("CachePolicyId"))

    @property
    def request_policy(self) -> Document:
        """Return the origin request policy of the behavior; empty if there is none."""
        policies = self.state.account.origin_request_policies
        return _config(policies, self.behavior.get("OriginRequestPolicyId"))

    @property
    def response_headers_policy(self) -> str:
        """Return the ID of the response headers policy of the behavior, or an empty string."""
        return self.behavior.get("ResponseHeadersPolicyId") or ""

    @property
    def response_headers(self) -> NamedConfig | None:
        """Return the response headers policy of the behavior, if it has been read."""
        policies = self.state.account.response_headers_policies or {}
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

    @property
    def adds_cors(self) -> bool:
        """Return whether the response headers policy names all origins, so that S3 need not."""
        policy, origins = self.response_headers, self.state.wanted.cors_origins
        return policy is not None and not lacking_origins(policy.config, origins)

    # What it must be.

    @property
    def splits_origins(self) -> bool:
        """Return whether each origin needs a separate copy, since S3 decides on its CORS headers.

        With a response headers policy that overrides S3, all copies are the same. One that only
        adds headers suffices if S3 names no more than one origin.
        """
        if not self.state.wanted.cors_origins or self._overrides_cors:
            return False
        rules = cors.merge(self.state.bucket.cors_rules, self.state.wanted.cors_origins)
        adds = self.response_headers_policy_id is not None or self.adds_cors
        return not adds or cors.echoes_origins(rules)

    @property
    def needs_cache_key(self) -> bool:
        """Return whether the cache key must contain more than the path."""
        return self.state.wanted.downloads or self.splits_origins

    @property
    def own_cache_policy(self) -> NamedConfig | None:
        """Return the cache policy that was created for the bucket."""
        return _find_by_name((self.state.account.cache_policies or {}).values(), self.state.name)

    def suffices(self, policy: Document) -> bool:
        """Return whether a cache policy has everything needed in its cache key."""
        desired = self.state.wanted
        if desired.downloads and not has_in_cache_key(policy, desired.download_parameters):
            return False
        splits = has_origin_in_cache_key(policy) or not keeps_copies(policy)
        return splits or not self.splits_origins

    @property
    def cache_policy_id(self) -> str | None:
        """Return the cache policy to set, or None to keep the one of the behavior."""
        if self.needs_cache_key:
            if self.suffices(self.cache_policy):
                return None
            return self.own_cache_policy.id if self.own_cache_policy else NOT_YET
        if self.behavior.get("CachePolicyId") or self.origin_request_policy_id is None:
            return None
        # An origin request policy works with a cache policy only.
        return CACHE_POLICIES["CachingOptimized"]

    @property
    def own_origin_request_policy(self) -> NamedConfig | None:
        """Return the origin request policy that was created for the bucket."""
        policies = self.state.account.origin_request_policies or {}
        return _find_by_name(policies.values(), self.state.name)

    @property
    def origin_request_policy_id(self) -> str | None:
        """Return the origin request policy to set, or None to keep the one of the behavior."""
        desired, present = self.state.wanted, self.request_policy
        if desired.downloads:
            if forwards(present, desired.download_parameters) and forwards_origin(present):
                return None
            return self.own_origin_request_policy.id if self.own_origin_request_policy else NOT_YET
        if not desired.cors_origins or self.forwards_origin or self.adds_cors:
            return None
        return ORIGIN_REQUEST_POLICIES["CORS-S3Origin"]

    @property
    def response_headers_policy_id(self) -> str | None:
        """Return the response headers policy to set, or None to keep the one of the behavior."""
        present = self.response_headers
        # A policy of an earlier run with fewer headers gives way to one with more.
        names = response_headers_names(self.state.name)
        fewer = names[: names.index(self.response_headers_name) + 1]
        if self.response_headers_policy and (present is None or present.name not in fewer):
            return None
        own = self.own_response_headers_policy
        if own is None:
            return NOT_YET
        return None if own.id == self.response_headers_policy else own.id

    @property
    def response_headers_name(self) -> str:
        """Return the name of the response headers policy to create."""
        plain, cors, cookies = response_headers_names(self.state.name)
        if self.state.wanted.cookies:
            return cookies
        return cors if self.state.wanted.cors_origins else plain

    @property
    def own_response_headers_policy(self) -> NamedConfig | None:
        """Return the response headers policy that was created for the bucket."""
        policies = self.state.account.response_headers_policies or {}
        return _find_by_name(policies.values(), self.response_headers_name)

    @property
    def origins_without_cors(self) -> list[str]:
        """Return the origins that the response headers policy of the behavior does not allow."""
        if self.state.wanted.cookies or not self._overrides_cors:
            return []
        config = self.response_headers.config if self.response_headers else None
        return lacking_origins(config, self.state.wanted.cors_origins)

    @property
    def origins_without_credentials(self) -> list[str]:
        """Return the origins whose pages cannot send cookies, if they must.

        It is about the response headers policy that the behavior has or gets, if it exists.
        """
        if not self.state.wanted.cookies or self.response_headers_policy_id == NOT_YET:
            return []
        stays = self.response_headers_policy_id is None
        policy = self.response_headers if stays else self.own_response_headers_policy
        return lacking_credentials(
            policy.config if policy else None, self.state.wanted.cors_origins
        )

    @property
    def _overrides_cors(self) -> bool:
        if self.state.wanted.cookies and self.response_headers_policy_id is not None:
            return True
        policy = self.response_headers
        return policy is not None and overrides_origin(policy.config)


def _config(policies: Mapping[str, NamedConfig] | None, policy_id: str | None) -> Document:
    """Return a policy by its ID; empty if there is none."""
    policy = (policies or {}).get(policy_id or "")
    return policy.config if policy else {}


def response_headers_names(name: str) -> tuple[str, str, str]:
    """Return the names of the response headers policies: plain, with CORS, and for cookies."""
    return name, f"{name}-cors", f"{name}-cookies"


def _find_by_name(candidates: Iterable[NamedConfig], name: str) -> NamedConfig | None:
    """Return the first candidate with that name."""
    return next((each for each in candidates if each.name == name), None)
