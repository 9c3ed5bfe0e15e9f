"""Plan what the distribution refers to: its access to the bucket, and its policies."""

from __future__ import annotations

from collections.abc import Iterator

from cfsigned_django.aws.documents import Document
from cfsigned_django.aws.documents.distribution import (
    access_control_config,
    access_identity_config,
)
from cfsigned_django.aws.documents.policies import (
    cache_policy_config,
    forwards,
    name_of,
    origin_request_policy_config,
    response_headers_policy_config,
)
from cfsigned_django.aws.state.site import SiteInAws
from cfsigned_django.aws.state.steps import NOT_YET, Call, Step, conflict, done, todo
from cfsigned_django.aws.state.wanted import OriginAccess


def policy_steps(site: SiteInAws) -> Iterator[Step]:
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


def _access_control(site: SiteInAws) -> Step:
    found = site.access_control
    if found is None:
        config = access_control_config(site.wanted.bucket)
        return _create(
            "origin-access",
            "CloudFront signs its requests to S3 with an origin access control (OAC)",
            "CreateOriginAccessControl",
            {"OriginAccessControlConfig": config},
        )
    if found.config["SigningBehavior"] != "always":
        return conflict(
            "origin-access",
            f"the origin access control {found.name} ({found.id}) does not sign every request "
            f"({found.config['SigningBehavior']}): set its signing behavior to always in "
            "CloudFront",
        )
    return done("origin-access", f"the origin access control {found.name} ({found.id}) signs")


def _access_identity(site: SiteInAws) -> Step:
    found = site.access_identity_id
    if found != NOT_YET:
        stays = (
            ""
            if site.wanted.origin_access
            else " and stays; AWS recommends an access control instead: --origin-access oac"
        )
        return done("origin-access", f"the origin access identity {found} exists{stays}")
    return _create(
        "origin-access",
        "CloudFront reads S3 as an origin access identity (OAI); AWS recommends OAC instead",
        "CreateCloudFrontOriginAccessIdentity",
        {"CloudFrontOriginAccessIdentityConfig": access_identity_config(site.wanted.bucket)},
    )


def _cache_policy(site: SiteInAws) -> Step:
    choice = site.policies
    if choice.cache_policy_id is None:
        return done(
            "cache-policy",
            "the cache policy of the behavior has everything needed in its cache key",
        )
    if choice.suffices(choice.own_cache_policy):
        return done("cache-policy", f"{site.name} has everything needed in its cache key")
    if choice.own_cache_policy is not None:
        return conflict(
            "cache-policy",
            f"the cache policy {site.name} lacks what must be in the cache key: add the header "
            f"Origin and the query parameters {' and '.join(site.wanted.download_parameters)} to "
            "it, in CloudFront > Policies > Cache",
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
                "Origin must be in the cache key, or pages of one origin get the CORS headers of "
                "another",
                choice.splits_origins,
            ),
        )
        if is_wanted
    ]
    return _create(
        "cache-policy",
        "; ".join(reasons),
        "CreateCachePolicy",
        {"CachePolicyConfig": cache_policy_config(site.name, site.wanted.download_parameters)},
    )


def _origin_request_policy(site: SiteInAws) -> Step:
    policy_id, parameters = (
        site.policies.origin_request_policy_id,
        site.wanted.download_parameters,
    )
    own = site.policies.own_origin_request_policy
    if policy_id is not None and own is not None and not forwards(own.config, parameters):
        return conflict(
            "origin-request-policy",
            f"the origin request policy {own.name} does not forward {' and '.join(parameters)}: "
            "add that to its query strings, in CloudFront > Policies > Origin request",
        )
    if policy_id != NOT_YET:
        return done("origin-request-policy", "the policy forwards the download parameters to S3")
    return _create(
        "origin-request-policy",
        "S3 must receive the download parameters, and Origin for CORS",
        "CreateOriginRequestPolicy",
        {"OriginRequestPolicyConfig": origin_request_policy_config(site.name, parameters)},
    )


def _response_headers_policy(site: SiteInAws) -> Step:
    choice = site.policies
    if lacking := choice.origins_without_cors:
        return conflict(
            "response-headers-policy",
            f"the policy of the behavior ({choice.response_headers_policy}) sets CORS headers, but "
            f"not for {', '.join(lacking)}: add them to its Access-Control-Allow-Origin in "
            "CloudFront > Policies > Response headers",
        )
    if lacking := choice.origins_without_credentials:
        present = choice.response_headers_policy_id or choice.response_headers_policy
        return conflict(
            "response-headers-policy",
            f"the response headers policy {name_of(present)} does not name {', '.join(lacking)} "
            "together with Access-Control-Allow-Credentials, without which browsers hide files "
            "that pages read with cookies: change that in CloudFront > Policies > Response "
            "headers. A managed policy cannot be changed: remove it from the behavior instead",
        )
    if choice.response_headers_policy_id is None:
        return done(
            "response-headers-policy",
            f"the policy of the behavior ({name_of(choice.response_headers_policy)}) stays",
        )
    if choice.own_response_headers_policy is not None:
        return done("response-headers-policy", f"{choice.response_headers_name} exists")
    config = response_headers_policy_config(
        choice.response_headers_name,
        site.wanted.cors_origins,
        credentials=site.wanted.cookies,
    )
    why = "browsers must not guess the type of a file, nor pass a signed URL on to other sites"
    if site.wanted.cookies:
        why += f"; pages of {', '.join(site.wanted.cors_origins)} may read files with cookies"
    return _create(
        "response-headers-policy",
        why,
        "CreateResponseHeadersPolicy",
        {"ResponseHeadersPolicyConfig": config},
    )


def _create(name: str, why: str, operation: str, arguments: Document) -> Step:
    (config,) = arguments.values()
    call = Call(service="cloudfront", operation=operation, arguments=arguments)
    return todo(name, why, call=call, after=config)
