"""Judge and plan what the distribution refers to: its access to the bucket, and its policies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cfsigned_django.aws.account import BucketPart, NamedConfig
from cfsigned_django.aws.documents import Document
from cfsigned_django.aws.documents.behavior import listed
from cfsigned_django.aws.documents.cors import echoes_origins, missing_origins
from cfsigned_django.aws.documents.distribution import (
    access_control_config,
    access_identity_config,
)
from cfsigned_django.aws.documents.policies import (
    CONTENT_TYPE_PARAMETER,
    RESPONSE_HEADERS_POLICIES,
    cache_policy_config,
    forwards,
    forwards_origin,
    has_cors,
    has_in_cache_key,
    has_origin_in_cache_key,
    keeps_copies,
    lacking_credentials,
    lacking_origins,
    name_of,
    origin_request_policy_config,
    overrides_origin,
    response_headers_policy_config,
)
from cfsigned_django.aws.state.distribution import unsigned
from cfsigned_django.aws.state.facts import Fact, Level, fact
from cfsigned_django.aws.state.site import SiteInAws
from cfsigned_django.aws.state.steps import NOT_YET, Call, Step, conflict, decision, done, todo
from cfsigned_django.aws.state.wanted import OriginAccess

# The managed policies without CORS headers.
_NO_CORS = {RESPONSE_HEADERS_POLICIES["SecurityHeaders"]}


def delivery_facts(site: SiteInAws) -> Iterator[Fact]:
    """Yield why CORS or the file names of downloads do not work."""
    if site.behavior is None:
        return
    delivery = _Delivery(site=site, behavior=site.behavior)
    faults = [*(delivery.cors() if site.wanted.cors_origins else ()), *delivery.downloads()]
    yield from faults
    yield from delivery.stale_window()
    if all(each.level is Level.OK for each in faults):
        yield fact("delivery", "behavior")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Delivery:
    """What a behavior forwards to S3, keeps copies by, and adds to answers."""

    site: SiteInAws
    behavior: Document

    def cors(self) -> Iterator[Fact]:
        """Yield why browsers would hide files from pages of the origins."""
        origins = list(self.site.wanted.cors_origins)
        policy_id = self.behavior.get("ResponseHeadersPolicyId")
        if policy_id and policy_id not in _NO_CORS:
            policy = (self.site.account.response_headers_policies or {}).get(policy_id)
            if policy is None:
                return  # Its content is unknown; another fact says that it could not be read.
            if has_cors(policy.config):
                lacking = lacking_origins(policy.config, origins)
                if lacking and overrides_origin(policy.config):
                    yield _without_origins(self.site, policy_id, lacking)
                    return
                without = lacking_credentials(policy.config, origins)
                if self.site.wanted.cookies and overrides_origin(policy.config) and without:
                    yield _without_credentials(self.site, policy_id, without)
                if not lacking and not overrides_origin(policy.config):
                    yield from self._copies(policy, origins)
                origins = lacking
        if origins:
            yield from self._cors_of_s3(origins)

    def downloads(self) -> Iterator[Fact]:
        """Yield whether the parameters of downloads pass."""
        legacy, account = self.behavior.get("ForwardedValues"), self.site.account
        if self._forwards_content_type():
            yield fact("content-type-forwarded", "behavior", parameter=CONTENT_TYPE_PARAMETER)
        if legacy:
            keys = listed(legacy.get("QueryStringCacheKeys"))
            is_whole = bool(legacy.get("QueryString")) and not keys
        elif account.cache_policies is None or account.origin_request_policies is None:
            return
        else:
            # What is in the cache key is forwarded as well (Developer Guide, "Control the cache
            # key").
            is_whole = has_in_cache_key(self._cache_policy)
        if is_whole:
            return
        reaches = forwards(self._request_policy)
        how = "reach S3, but are not in the cache key" if reaches else "do not reach S3"
        kind = "downloads-lost" if self.site.wanted.downloads else "downloads-note"
        yield fact(kind, "cache policy", how=how)

    def stale_window(self) -> Iterator[Fact]:
        """Yield for how long edges serve what S3 no longer has.

        Without a Cache-Control of S3 the default TTL counts, with one at most the longest.
        """
        ttl = self._cache_policy or self.behavior
        default, longest = int(ttl.get("DefaultTTL") or 0), int(ttl.get("MaxTTL") or 0)
        if self.site.wanted.expire and longest:
            values = {"default": f"{min(default, longest):,}", "longest": f"{longest:,}"}
            life = f"{self.site.wanted.expire:,}"
            yield fact("stale-window", "cache policy", life=life, **values)

    def _copies(self, policy: NamedConfig, origins: list[str]) -> Iterator[Fact]:
        """Check copies that name an origin: a policy without override does not change them."""
        account = self.site.account
        bucket = account.bucket
        if bucket is None or account.origin_request_policies is None:
            return
        if account.cache_policies is None or not echoes_origins(bucket.cors_rules, origins):
            return
        if self._forwards_origin and not self._splits_copies and self._keeps_copies:
            said = f": {policy.name} does not replace the one origin that S3 has named in it"
            yield fact("origin-not-in-cache-key", "cache policy", policy=said)

    def _cors_of_s3(self, origins: list[str]) -> Iterator[Fact]:
        """Check the CORS headers of S3, and whether they reach viewers."""
        account = self.site.account
        bucket = account.bucket
        is_read = bucket is not None and bucket.is_ours and BucketPart.CORS not in bucket.unread
        if (
            bucket is not None
            and is_read
            and (missing := missing_origins(bucket.cors_rules, origins))
        ):
            values = {"bucket": bucket.name, "origins": ", ".join(missing)}
            yield fact("cors-rule-missing", f"bucket {bucket.name}", **values)
        if account.origin_request_policies is None or account.cache_policies is None:
            return
        policy_id = self.behavior.get("OriginRequestPolicyId") or ""
        if not self._splits_copies and not self._forwards_origin:
            said = name_of(policy_id) if policy_id else "none"
            yield fact("origin-not-forwarded", "origin request policy", policy=said)
        elif not self._splits_copies and self._keeps_copies:
            yield fact("origin-not-in-cache-key", "cache policy", policy="")

    @property
    def _splits_copies(self) -> bool:
        """Return whether Origin is in the cache key, and so is forwarded as well."""
        legacy = self.behavior.get("ForwardedValues")
        if legacy:
            return any(each.lower() in ("origin", "*") for each in listed(legacy.get("Headers")))
        return has_origin_in_cache_key(self._cache_policy)

    @property
    def _keeps_copies(self) -> bool:
        return keeps_copies(self._cache_policy)

    @property
    def _forwards_origin(self) -> bool:
        """Return whether an origin request policy forwards Origin."""
        return forwards_origin(self._request_policy)

    @property
    def _cache_policy(self) -> Document:
        policies = self.site.account.cache_policies or {}
        policy = policies.get(self.behavior.get("CachePolicyId") or "")
        return policy.config if policy else {}

    @property
    def _request_policy(self) -> Document:
        policies = self.site.account.origin_request_policies or {}
        policy = policies.get(self.behavior.get("OriginRequestPolicyId") or "")
        return policy.config if policy else {}

    def _forwards_content_type(self) -> bool:
        legacy, wanted = self.behavior.get("ForwardedValues"), [CONTENT_TYPE_PARAMETER]
        if legacy:
            return bool(legacy.get("QueryString"))
        return forwards(self._request_policy, wanted) or has_in_cache_key(
            self._cache_policy, wanted
        )


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
        return decision(unsigned(found))
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
            f"the origin request policy {own.name} lacks what must reach S3: add to its query "
            f"strings {' and '.join(parameters)}, in CloudFront > Policies > Origin request",
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
        return decision(_without_origins(site, choice.response_headers_policy, lacking))
    if lacking := choice.origins_without_credentials:
        present = choice.response_headers_policy_id or choice.response_headers_policy
        return decision(_without_credentials(site, present, lacking))
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
