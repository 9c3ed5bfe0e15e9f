"""Judge the policies that the distribution refers to: CORS, downloads, and how long copies stay."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cfsigned_django.core.text import duration
from cfsigned_django.tools.account.account import BucketPart
from cfsigned_django.tools.account.documents.bucket import (
    cors_rule,
    echoes_origins,
    missing_origins,
)
from cfsigned_django.tools.account.state.site_in_aws import SiteInAws
from cfsigned_django.tools.catalog import Finding, finding, with_paste
from cfsigned_django.tools.model.response_headers import (
    lacking_credentials,
    lacking_origins,
    overrides_origin,
    stops_scripts,
)

#: What url() of a storage adds to the query for ``download=``.
_DOWNLOAD: Final = "response-content-disposition"
#: What it adds for ``parameters={"ResponseContentType": ...}``. Anyone with a URL for a folder can
#: change its query: with this parameter, an uploaded text becomes HTML on the domain of the files.
_CONTENT_TYPE: Final = "response-content-type"
#: CachingOptimized and CORS-and-SecurityHeadersPolicy, which have these IDs in every account.
_MANAGED: Final = {
    "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6",
    "ResponseHeadersPolicyId": "e61eb60c-9c35-4d20-a928-2b84e02af89c",
}


def judge_delivery(site: SiteInAws) -> Iterator[Finding]:
    """Yield why CORS or the file names of downloads do not work, and how long copies stay."""
    if site.behavior is None:
        return
    if site.wanted.cors_origins:
        yield from _check_cors(site)
    yield from _check_downloads(site)
    yield from _stale_window(site)


def _check_cors(site: SiteInAws) -> Iterator[Finding]:
    """Yield why browsers would hide files from pages of the origins."""
    origins, policy = list(site.wanted.cors_origins), site.response_headers
    if policy is None and (site.behavior or {}).get("ResponseHeadersPolicyId"):
        return  # Its content is unknown; another finding says that it could not be read.
    if policy is not None and policy.config.get("CorsConfig"):
        lacking = lacking_origins(policy.config, origins)
        overrides = overrides_origin(policy.config)
        subject = f"policy {policy.id}"
        if lacking and overrides:
            values = {"policy": _shown(policy.name), "origins": " and ".join(lacking)}
            yield finding("cors-policy-origins", subject, **values)
            return
        without = lacking_credentials(policy.config, origins)
        if site.wanted.cookies and overrides and without:
            said = f"the response headers policy {_shown(policy.name)}"
            values = {"policy": said, "origins": " and ".join(without)}
            yield finding("cors-credentials-missing", subject, **values)
        echoes = echoes_origins(site.bucket.cors_rules, origins)
        if echoes and not lacking and not overrides and _keeps_one_copy(site):
            # A policy without override does not change a copy that names an origin.
            said = f": {policy.name} does not replace the one origin that S3 has named in it"
            yield finding("origin-not-in-cache-key", "cache policy", policy=said)
        origins = lacking
    if origins:
        yield from _check_rules(site, origins)
        yield from _check_origin_header(site)


def _keeps_one_copy(site: SiteInAws) -> bool:
    """Return whether S3 receives Origin, and the copy that it names one in is for all origins."""
    forwarding = site.forwarding
    return (
        site.knows_forwarding
        and forwarding.forwards_header("Origin")
        and not forwarding.splits_copies_by_header("Origin")
        and forwarding.keeps_copies
    )


def _check_rules(site: SiteInAws, origins: list[str]) -> Iterator[Finding]:
    """Check the CORS rules of the bucket, if they have been read."""
    bucket, missing = site.bucket, missing_origins(site.bucket.cors_rules, origins)
    if missing and bucket.is_ours and BucketPart.CORS not in bucket.unread:
        values = {"bucket": bucket.name, "origins": ", ".join(missing)}
        rule = cors_rule(missing)
        yield with_paste(finding("cors-rule-missing", f"bucket {bucket.name}", **values), rule)


def _check_origin_header(site: SiteInAws) -> Iterator[Finding]:
    """Check whether S3 receives Origin, and what is cached then."""
    forwarding = site.forwarding
    if site.knows_forwarding and not forwarding.forwards_header("Origin"):
        said = _shown(forwarding.origin_request_policy.get("Name", "none"))
        yield finding("origin-not-forwarded", "origin request policy", policy=said)
    elif _keeps_one_copy(site):
        yield finding("origin-not-in-cache-key", "cache policy", policy="")


def _check_downloads(site: SiteInAws) -> Iterator[Finding]:
    """Yield whether the parameters of downloads pass."""
    forwarding, headers = site.forwarding, site.response_headers
    if forwarding.forwards_parameter(_CONTENT_TYPE) and not (
        headers and stops_scripts(headers.config)
    ):
        yield finding("content-type-forwarded", "behavior", parameter=_CONTENT_TYPE)
    is_known = site.knows_forwarding or forwarding.forwarded_values
    if not is_known or forwarding.splits_copies_by_parameter(_DOWNLOAD):
        return
    reaches = forwarding.forwards_parameter(_DOWNLOAD)
    if not reaches and site.behavior and _MANAGED.items() <= site.behavior.items():
        yield finding("managed-policies", "behavior")
        scopes = ["AWS_CLOUDFRONT_COOKIE_SCOPES"] * site.wanted.cookies
        if used := [*scopes, *site.wanted.unguarded]:
            yield finding("managed-policies-loss", "behavior", used=", ".join(used))
        return
    how = "reach S3, but are not in the cache key" if reaches else "do not reach S3"
    yield finding("downloads-note", "cache policy", how=how)


def _stale_window(site: SiteInAws) -> Iterator[Finding]:
    """Yield for how long edges serve what S3 no longer has.

    Without a Cache-Control of S3 the default TTL counts, with one at most the longest.
    """
    ttl = site.forwarding.cache_policy or site.behavior or {}
    default, longest = int(ttl.get("DefaultTTL") or 0), int(ttl.get("MaxTTL") or 0)
    if site.wanted.expire and longest:
        values = {"default": duration(min(default, longest)), "longest": duration(longest)}
        life = duration(site.wanted.expire)
        yield finding("stale-window", "cache policy", life=life, **values)


def _shown(policy_name: str) -> str:
    """Return the name of a policy as the console shows it."""
    return policy_name.removeprefix("Managed-")
