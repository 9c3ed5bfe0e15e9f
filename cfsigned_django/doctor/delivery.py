"""Check what CloudFront forwards and what its cache key contains: CORS and downloads. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cfsigned_django.aws.account import Account, BucketPart, NamedConfig
from cfsigned_django.aws.documents import Document
from cfsigned_django.aws.documents.behavior import listed
from cfsigned_django.aws.documents.cors import echoes_origins, missing_origins
from cfsigned_django.aws.documents.policies import (
    CONTENT_TYPE_PARAMETER,
    RESPONSE_HEADERS_POLICIES,
    forwards,
    forwards_origin,
    has_cors,
    has_in_cache_key,
    has_origin_in_cache_key,
    keeps_copies,
    lacking_credentials,
    lacking_origins,
    name_of,
    overrides_origin,
)
from cfsigned_django.doctor.catalog import finding
from cfsigned_django.doctor.findings import Finding, Level
from cfsigned_django.doctor.site import ExpectedState

# The managed policies without CORS headers.
_NO_CORS = {RESPONSE_HEADERS_POLICIES["SecurityHeaders"]}


def check_delivery(
    found: Account, behavior: Document, expected: ExpectedState
) -> Iterator[Finding]:
    """Yield why CORS or the file names of downloads do not work."""
    faults = [
        *(_check_cors(found, behavior, expected) if expected.cors_origins else ()),
        *_check_downloads(found, behavior, expected),
    ]
    yield from faults
    if all(each.level is Level.OK for each in faults):
        yield finding(
            "delivery", "CORS headers and parameters pass through CloudFront.", subject="behavior"
        )


def _check_cors(found: Account, behavior: Document, expected: ExpectedState) -> Iterator[Finding]:
    origins = list(expected.cors_origins)
    policy_id = behavior.get("ResponseHeadersPolicyId")
    if policy_id and policy_id not in _NO_CORS:
        policy = (found.response_headers_policies or {}).get(policy_id)
        if policy is None:
            return  # Its content is unknown; another finding says that it could not be read.
        if has_cors(policy.config):
            lacking = lacking_origins(policy.config, origins)
            if lacking and overrides_origin(policy.config):
                what = f"The response headers policy {policy.name} does not allow "
                what += f"{' and '.join(lacking)}."
                yield finding("cors-policy-origins", what, subject=f"policy {policy_id}")
                return
            if expected.uses_cookies and overrides_origin(policy.config):
                without = lacking_credentials(policy.config, origins)
                if without:
                    what = f"The response headers policy {policy.name} does not name "
                    what += f"{' and '.join(without)} and allow credentials."
                    yield finding("cors-credentials-missing", what, subject=f"policy {policy_id}")
            if not lacking and not overrides_origin(policy.config):
                yield from _check_copies(found, behavior, policy, origins)
            origins = lacking
    if origins:
        yield from _check_cors_of_s3(found, behavior, origins)


def _check_copies(
    found: Account, behavior: Document, policy: NamedConfig, origins: list[str]
) -> Iterator[Finding]:
    """Check cached copies that name an origin: a policy without override does not change them."""
    bucket = found.bucket
    if bucket is None or found.origin_request_policies is None or found.cache_policies is None:
        return
    if not echoes_origins(bucket.cors_rules, origins) or not _forwards_origin(found, behavior):
        return
    if not _has_origin_in_cache_key(found, behavior) and _keeps_copies(found, behavior):
        what = f"The behavior forwards Origin, but keeps one copy for all origins: {policy.name} "
        what += "does not replace the one origin that S3 has named in it."
        yield finding("origin-not-in-cache-key", what, subject="cache policy")


def _check_cors_of_s3(found: Account, behavior: Document, origins: list[str]) -> Iterator[Finding]:
    """Check the CORS headers of S3, and whether they reach viewers."""
    bucket = found.bucket
    if bucket is not None and bucket.is_ours and BucketPart.CORS not in bucket.unread:
        missing = missing_origins(bucket.cors_rules, origins)
        if missing:
            what = f"The bucket {bucket.name} has no CORS rule for {', '.join(missing)}."
            yield finding("cors-rule-missing", what, subject=f"bucket {bucket.name}")
    if found.origin_request_policies is None or found.cache_policies is None:
        return
    in_cache_key = _has_origin_in_cache_key(found, behavior)
    policy_id = behavior.get("OriginRequestPolicyId") or ""
    if not in_cache_key and not _forwards_origin(found, behavior):
        said = name_of(policy_id) if policy_id else "none"
        what = f"The origin request policy is {said}: Origin is not forwarded."
        yield finding("origin-not-forwarded", what, subject="origin request policy")
    elif not in_cache_key and _keeps_copies(found, behavior):
        what = "The behavior forwards Origin, but keeps one copy for all origins."
        yield finding("origin-not-in-cache-key", what, subject="cache policy")


def _has_origin_in_cache_key(found: Account, behavior: Document) -> bool:
    """Return whether Origin is in the cache key, and so is forwarded as well."""
    legacy = behavior.get("ForwardedValues")
    if legacy:
        return _holds_origin(listed(legacy.get("Headers")))
    return has_origin_in_cache_key(_cache_policy(found, behavior))


def _keeps_copies(found: Account, behavior: Document) -> bool:
    return keeps_copies(_cache_policy(found, behavior))


def _cache_policy(found: Account, behavior: Document) -> Mapping[str, Any]:
    policy = (found.cache_policies or {}).get(behavior.get("CachePolicyId") or "")
    return policy.config if policy else {}


def _request_policy(found: Account, behavior: Document) -> Mapping[str, Any]:
    policies = found.origin_request_policies or {}
    policy = policies.get(behavior.get("OriginRequestPolicyId") or "")
    return policy.config if policy else {}


def _forwards_origin(found: Account, behavior: Document) -> bool:
    """Return whether an origin request policy forwards Origin."""
    return forwards_origin(_request_policy(found, behavior))


def _holds_origin(names: list[str]) -> bool:
    return any(each.lower() in ("origin", "*") for each in names)


def _forwards_content_type(found: Account, behavior: Document) -> bool:
    legacy, wanted = behavior.get("ForwardedValues"), [CONTENT_TYPE_PARAMETER]
    if legacy:
        return bool(legacy.get("QueryString"))
    # What is in the cache key is forwarded as well (Developer Guide, "Control the cache key").
    return forwards(_request_policy(found, behavior), wanted) or has_in_cache_key(
        _cache_policy(found, behavior), wanted
    )


def _check_downloads(
    found: Account, behavior: Document, expected: ExpectedState
) -> Iterator[Finding]:
    legacy = behavior.get("ForwardedValues")
    if _forwards_content_type(found, behavior):
        what = f"The parameter {CONTENT_TYPE_PARAMETER} reaches S3."
        yield finding("content-type-forwarded", what, subject="behavior")
    if legacy:
        is_whole = bool(legacy.get("QueryString")) and not listed(
            legacy.get("QueryStringCacheKeys")
        )
    elif found.cache_policies is None or found.origin_request_policies is None:
        return
    else:
        # What is in the cache key is forwarded as well (Developer Guide, "Control the cache key").
        is_whole = has_in_cache_key(_cache_policy(found, behavior))
    if is_whole:
        return
    how = "do not reach S3"
    if forwards(_request_policy(found, behavior)):
        how = "reach S3, but are not in the cache key"
    kind = "downloads-lost" if expected.uses_downloads else "downloads-note"
    yield finding(kind, f"The parameters of download= {how}.", subject="cache policy")
