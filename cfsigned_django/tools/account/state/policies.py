"""Judge the policies that the distribution refers to: CORS, downloads, and how long copies stay."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from cfsigned_django.tools.account.account import BucketPart, NamedConfig
from cfsigned_django.tools.account.documents.behavior import listed
from cfsigned_django.tools.account.documents.cors import cors_rule, echoes_origins, missing_origins
from cfsigned_django.tools.account.documents.policies import (
    CONTENT_TYPE_PARAMETER,
    RESPONSE_HEADERS_POLICIES,
    forwards,
    has_cors,
    has_in_cache_key,
    keeps_copies,
    lacking_credentials,
    lacking_origins,
    name_of,
    overrides_origin,
    stops_scripts,
)
from cfsigned_django.tools.account.state.facts import Fact, fact
from cfsigned_django.tools.account.state.site_in_aws import SiteInAws

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
        rule = cors_rule(missing)
        yield replace(fact("cors-rule-missing", f"bucket {bucket.name}", **values), paste=rule)


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
    headers = choice.response_headers
    # What is in the cache key is forwarded as well (Developer Guide, "Control the cache key").
    if not stops_scripts(headers.config if headers else None) and (
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
