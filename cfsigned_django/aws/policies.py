"""Read the lists of CloudFront, page by page, and the policies that behaviors refer to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cfsigned_django.aws.client import call
from cfsigned_django.aws.documents import Document
from cfsigned_django.aws.documents.behavior import behaviors, listed


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Something with an id and a configuration: an access control, identity or policy."""

    id: str
    name: str
    config: Document


def pages(
    method: Callable[..., Mapping[str, Any]], block: str, what: str, permission: str, **given: Any
) -> Iterator[Document]:
    """Return the items of every page of one of CloudFront's lists."""
    marker: dict[str, str] = {}
    while True:
        listing = call(method, what, permission, **given, **marker)[block]
        yield from listed(listing)
        following = listing.get("NextMarker")
        if not following:
            return
        marker = {"Marker": following}


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyKind:
    """The names that a kind of policy has in the API."""

    field: str
    words: str
    member: str
    method: str

    def permission(self, verb: str) -> str:
        """Return the IAM action of "List" or "Get"."""
        plural = "Policies" if verb == "List" else "Policy"
        return f"cloudfront:{verb}{self.member.removesuffix('Policy')}{plural}"


CACHE_POLICY = PolicyKind(
    field="CachePolicyId", words="cache policy", member="CachePolicy", method="cache_polic"
)
ORIGIN_REQUEST_POLICY = PolicyKind(
    field="OriginRequestPolicyId",
    words="origin request policy",
    member="OriginRequestPolicy",
    method="origin_request_polic",
)


RESPONSE_HEADERS_POLICY = PolicyKind(
    field="ResponseHeadersPolicyId",
    words="response headers policy",
    member="ResponseHeadersPolicy",
    method="response_headers_polic",
)


def read_policies(
    cloudfront: Any, kind: PolicyKind, config: Mapping[str, Any] | None
) -> dict[str, Named]:
    """Return the account's own policies of a kind, and the managed ones that are used."""
    found = {}
    for item in pages(
        getattr(cloudfront, f"list_{kind.method}ies"),
        f"{kind.member}List",
        f"list the policies ({kind.words})",
        kind.permission("List"),
        Type="custom",
    ):
        policy = item[kind.member]
        found[policy["Id"]] = _named(policy, kind)
    return found | read_used_policies(cloudfront, kind, config, known=found)


def read_used_policies(
    cloudfront: Any,
    kind: PolicyKind,
    config: Mapping[str, Any] | None,
    *,
    known: Collection[str] = (),
) -> dict[str, Named]:
    """Return the policies that behaviors use, managed ones too, but those that are ``known``."""
    found = {}
    used = {each.get(kind.field) for each in behaviors(config)} if config else set()
    for policy_id in sorted(filter(None, used.difference(known))):
        answer = call(
            getattr(cloudfront, f"get_{kind.method}y"),
            f"read the {kind.words} {policy_id}",
            kind.permission("Get"),
            Id=policy_id,
        )
        found[policy_id] = _named(answer[kind.member], kind)
    return found


def _named(policy: Mapping[str, Any], kind: PolicyKind) -> Named:
    config = policy[f"{kind.member}Config"]
    return Named(id=policy["Id"], name=config["Name"], config=config)


def find_by_id(candidates: tuple[Named, ...], wanted_id: str) -> Named | None:
    """Return the one with an id."""
    return next((each for each in candidates if each.id == wanted_id), None)


def find_by_name(candidates: tuple[Named, ...], name: str) -> Named | None:
    """Return the first one with a name."""
    return next((each for each in candidates if each.name == name), None)
