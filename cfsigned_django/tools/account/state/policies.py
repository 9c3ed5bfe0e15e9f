"""Judge and plan what the distribution refers to: its access to the bucket, and its policies."""

from __future__ import annotations

from collections.abc import Iterator

from cfsigned_django.tools.account.account import BucketPart, NamedConfig
from cfsigned_django.tools.account.documents.behavior import listed
from cfsigned_django.tools.account.documents.cors import echoes_origins, missing_origins
from cfsigned_django.tools.account.documents.distribution_config import (
    access_control_config,
    access_identity_config,
)
from cfsigned_django.tools.account.documents.policies import (
    CONTENT_TYPE_PARAMETER,
    RESPONSE_HEADERS_POLICIES,
    cache_policy_config,
    forwards,
    has_cors,
    has_in_cache_key,
    keeps_copies,
    lacking_credentials,
    lacking_origins,
    name_of,
    origin_request_policy_config,
    overrides_origin,
    response_headers_policy_config,
)
from cfsigned_django.tools.account.state.distribution import unsigned
from cfsigned_django.tools.account.state.facts import Fact, fact
from cfsigned_django.tools.account.state.site_in_aws import SiteInAws
from cfsigned_django.tools.account.state.steps import (
    NOT_YET,
    SetupStep,
    conflict,
    create,
    decision,
    done,
)
from cfsigned_django.tools.account.state.wanted import OriginAccess

# The managed policies without CORS headers.
_NO_CORS = {RESPONSE_HEADERS_POLICIES["SecurityHeaders"]}


def delivery_facts(site: SiteInAws) -> Iterator[Fact]:
    """Yield why CORS or the file names of downloads do not work, and how long copies stay."""
    if site.behavior is None:
        return
    if site.wanted.cors_origins:
        yield from _check_cors(site)
    yield from _check_downloads(site)
    yield from _stale_window(site)


def _without_origins(site: SiteInAws, policy_id: str, origins: list[str]) -> Fact:
    values = {"policy": _name_of(site, policy_id), "origins": " and ".join(origins)}
    return fact("cors-policy-origins", f"policy {policy_id}", **values)


def _without_credentials(site: SiteInAws, policy_id: str, origins: list[str]) -> Fact:
    policy = f"the response headers policy {_name_of(site, policy_id)}"
    values = {"policy": policy, "origins": " and ".join(origins)}
    return fact("cors-credentials-missing", f"policy {policy_id}", **values)


def _name_of(site: SiteInAws, policy_id: str) -> str:
    policy = (site.account.response_headers_policies or {}).get(policy_id)
    return policy.name if policy else name_of(policy_id)


def _check_cors(site: SiteInAws) -> Iterator[Fact]:
    """Yield why browsers would hide files from pages of the origins."""
    origins, policy_id = list(site.wanted.cors_origins), site.policies.response_headers_policy
    policy = site.policies.response_headers
    if policy is None and policy_id and policy_id not in _NO_CORS:
        return  # Its content is unknown; another fact says that it could not be read.
    if policy is not None and has_cors(policy.config):
        lacking, overrides = (
            lacking_origins(policy.config, origins),
            overrides_origin(policy.config),
        )
        if lacking and overrides:
            yield _without_origins(site, policy_id, lacking)
            return
        without = lacking_credentials(policy.config, origins)
        if site.wanted.cookies and overrides and without:
            yield _without_credentials(site, policy_id, without)
        if not lacking and not overrides:
            yield from _check_copies(site, policy, origins)
        origins = lacking
    if origins:
        yield from _check_rules(site, origins)
        yield from _check_origin_header(site)


def _check_copies(site: SiteInAws, policy: NamedConfig, origins: list[str]) -> Iterator[Fact]:
    """Check copies that name an origin: a policy without override does not change them."""
    account, choice = site.account, site.policies
    bucket = account.bucket
    if bucket is None or account.origin_request_policies is None or account.cache_policies is None:
        return
    keeps_one = not choice.splits_copies and keeps_copies(choice.cache_policy)
    if keeps_one and choice.forwards_origin and echoes_origins(bucket.cors_rules, origins):
        said = f": {policy.name} does not replace the one origin that S3 has named in it"
        yield fact("origin-not-in-cache-key", "cache policy", policy=said)


def _check_rules(site: SiteInAws, origins: list[str]) -> Iterator[Fact]:
    """Check the CORS rules of the bucket, if they have been read."""
    bucket = site.account.bucket
    if bucket is None or not bucket.is_ours or BucketPart.CORS in bucket.unread:
        return
    if missing := missing_origins(bucket.cors_rules, origins):
        values = {"bucket": bucket.name, "origins": ", ".join(missing)}
        yield fact("cors-rule-missing", f"bucket {bucket.name}", **values)


def _check_origin_header(site: SiteInAws) -> Iterator[Fact]:
    """Check whether S3 receives Origin, and what is cached then."""
    account, choice = site.account, site.policies
    if account.origin_request_policies is None or account.cache_policies is None:
        return
    if not choice.forwards_origin:
        policy_id = choice.behavior.get("OriginRequestPolicyId") or ""
        said = name_of(policy_id) if policy_id else "none"
        yield fact("origin-not-forwarded", "origin request policy", policy=said)
    elif not choice.splits_copies and keeps_copies(choice.cache_policy):
        yield fact("origin-not-in-cache-key", "cache policy", policy="")


def _check_downloads(site: SiteInAws) -> Iterator[Fact]:
    """Yield whether the parameters of downloads pass."""
    account, choice, parameters = site.account, site.policies, [CONTENT_TYPE_PARAMETER]
    # What is in the cache key is forwarded as well (Developer Guide, "Control the cache key").
    if (
        bool(choice.legacy.get("QueryString"))
        or forwards(choice.request_policy, parameters)
        or has_in_cache_key(choice.cache_policy, parameters)
    ):
        yield fact("content-type-forwarded", "behavior", parameter=CONTENT_TYPE_PARAMETER)
    if choice.legacy:
        keys = listed(choice.legacy.get("QueryStringCacheKeys"))
        is_whole = bool(choice.legacy.get("QueryString")) and not keys
    elif account.cache_policies is None or account.origin_request_policies is None:
        return
    else:
        is_whole = has_in_cache_key(choice.cache_policy)
    if is_whole:
        return
    reaches = forwards(choice.request_policy)
    how = "reach S3, but are not in the cache key" if reaches else "do not reach S3"
    yield fact("downloads-note", "cache policy", how=how)


def _stale_window(site: SiteInAws) -> Iterator[Fact]:
    """Yield for how long edges serve what S3 no longer has.

    Without a Cache-Control of S3 the default TTL counts, with one at most the longest.
    """
    ttl = site.policies.cache_policy or site.policies.behavior
    default, longest = int(ttl.get("DefaultTTL") or 0), int(ttl.get("MaxTTL") or 0)
    if site.wanted.expire and longest:
        values = {"default": f"{min(default, longest):,}", "longest": f"{longest:,}"}
        life = f"{site.wanted.expire:,}"
        yield fact("stale-window", "cache policy", life=life, **values)


def policy_steps(site: SiteInAws) -> Iterator[SetupStep]:
    """Return the steps in their order."""
    if site.origin_access is OriginAccess.OAC:
        yield _access_control(site)
    else:
        yield _access_identity(site)
    if site.policies.needs_cache_key:
        yield _cache_policy(site)
    if site.wanted.downloads:
        yield _origin_request_policy(site)
    yield _response_headers_policy(site)


def _access_control(site: SiteInAws) -> SetupStep:
    found = site.access_control_id
    if found == NOT_YET:
        config = access_control_config(site.wanted.bucket)
        return create(
            "origin-access",
            "CloudFront signs its requests to S3 with an origin access control (OAC)",
            "CreateOriginAccessControl",
            {"OriginAccessControlConfig": config},
        )
    for wrong in unsigned(site, found):
        return decision(wrong)
    names = {each.id: f"{each.name} ({found})" for each in site.account.access_controls or ()}
    return done("origin-access", f"the origin access control {names.get(found, found)} signs")


def _access_identity(site: SiteInAws) -> SetupStep:
    found = site.access_identity_id
    if found != NOT_YET:
        stays = (
            ""
            if site.wanted.origin_access
            else " and stays; AWS recommends an access control instead: --origin-access oac"
        )
        return done("origin-access", f"the origin access identity {found} exists{stays}")
    return create(
        "origin-access",
        "CloudFront reads S3 as an origin access identity (OAI); AWS recommends OAC instead",
        "CreateCloudFrontOriginAccessIdentity",
        {"CloudFrontOriginAccessIdentityConfig": access_identity_config(site.wanted.bucket)},
    )


def _cache_policy(site: SiteInAws) -> SetupStep:
    choice = site.policies
    if choice.cache_policy_id is None:
        return done(
            "cache-policy",
            "the cache policy of the behavior has everything needed in its cache key",
        )
    own = choice.own_cache_policy
    if own is not None and choice.suffices(own.config):
        return done("cache-policy", f"{site.name} has everything needed in its cache key")
    if own is not None:
        return conflict(
            "cache-policy",
            f"the cache policy {site.name} lacks what must be in the cache key: add the header "
            f"Origin, and to the query strings {' and '.join(site.wanted.download_parameters)}, "
            "in CloudFront > Policies > Cache",
        )
    reasons = [
        why
        for why, is_wanted in (
            (
                "the download parameters must be in the cache key, or the file name of one viewer "
                "would be served to all",
                site.wanted.downloads,
            ),
            (
                "Origin must be in the cache key, or pages get the CORS headers of another "
                "request, or none",
                choice.splits_origins,
            ),
        )
        if is_wanted
    ]
    return create(
        "cache-policy",
        "; ".join(reasons),
        "CreateCachePolicy",
        {"CachePolicyConfig": cache_policy_config(site.name, site.wanted.download_parameters)},
    )


def _origin_request_policy(site: SiteInAws) -> SetupStep:
    policy_id, parameters = (
        site.policies.origin_request_policy_id,
        site.wanted.download_parameters,
    )
    own = site.policies.own_origin_request_policy
    if policy_id is not None and own is not None and not forwards(own.config, parameters):
        return conflict(
            "origin-request-policy",
            f"the origin request policy {own.name} lacks what must reach S3: add to its query "
            f"strings {' and '.join(parameters)}, in CloudFront > Policies > Origin request",
        )
    if policy_id != NOT_YET:
        return done("origin-request-policy", "the policy forwards the download parameters to S3")
    return create(
        "origin-request-policy",
        "S3 must receive the download parameters, and Origin for CORS",
        "CreateOriginRequestPolicy",
        {"OriginRequestPolicyConfig": origin_request_policy_config(site.name, parameters)},
    )


def _response_headers_policy(site: SiteInAws) -> SetupStep:
    choice = site.policies
    if lacking := choice.origins_without_cors:
        return decision(_without_origins(site, choice.response_headers_policy, lacking))
    if lacking := choice.origins_without_credentials:
        present = choice.response_headers_policy_id or choice.response_headers_policy
        return decision(_without_credentials(site, present, lacking))
    if choice.response_headers_policy_id is None:
        return done(
            "response-headers-policy",
            f"the policy of the behavior ({_name_of(site, choice.response_headers_policy)}) stays",
        )
    if choice.own_response_headers_policy is not None:
        return done("response-headers-policy", f"{choice.response_headers_name} exists")
    config = response_headers_policy_config(
        choice.response_headers_name,
        site.wanted.cors_origins,
        credentials=site.wanted.cookies,
    )
    why = "browsers must not guess the type of a file, nor pass a signed URL on to other sites"
    if origins := ", ".join(site.wanted.cors_origins):
        how = " with cookies" if site.wanted.cookies else ""
        why += f"; pages of {origins} may read files{how}"
    return create(
        "response-headers-policy",
        why,
        "CreateResponseHeadersPolicy",
        {"ResponseHeadersPolicyConfig": config},
    )
