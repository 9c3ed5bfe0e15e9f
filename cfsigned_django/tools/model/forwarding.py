"""What of a viewer's request reaches the origin, and what keeps cached copies apart.

AWS pages (Developer Guide): "Control the cache key with a policy", "Control origin requests with a
policy", "Understand how origin request policies and cache policies work together", which has the
table that :func:`_passes` applies, and "Use managed origin request policies". Parameters and
cookies are compared with their case, headers without. Not modelled: Accept-Encoding, which a cache
policy may forward in a normalized form, and headers that CloudFront adds itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from cfsigned_django.tools.model import Document, listed

#: A kind of value, as the fields of policies name it.
_Kind: TypeAlias = Literal["QueryString", "Header", "Cookie"]

#: What S3 answers with other headers ("response-content-disposition": the name of a download).
#: Managed policies with these names do not forward the parameters to S3, whatever else they do.
RESPONSE_PARAMETERS: Final = frozenset(
    {"response-content-type", "response-content-disposition", "response-content-encoding"}
)
_WITHHOLDING: Final = frozenset(
    {
        "Managed-AllViewer",
        "Managed-AllViewerAndCloudFrontHeaders-2022-06",
        "Managed-AllViewerExceptHostHeader",
        "Managed-Elemental-MediaTailor-PersonalizedManifests",
    }
)
#: Headers that every origin request has if the viewer sent them ("HTTP request headers and
#: CloudFront behavior").
_ALWAYS: Final = frozenset(
    {"range", "if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since"}
)
_EVERYTHING: Final = frozenset({"all", "allViewer", "allViewerAndWhitelistCloudFront"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarding:
    """What a behavior forwards, and what it has in its cache key.

    The policies are configurations as the API shows them, empty if there is none;
    ``forwarded_values`` are the fields that are older than policies, ForwardedValues.
    """

    cache_policy: Document = field(default_factory=dict)
    origin_request_policy: Document = field(default_factory=dict)
    forwarded_values: Document = field(default_factory=dict)

    def forwards_parameter(self, name: str) -> bool:
        """Return whether a query parameter reaches S3. What is in the cache key does, too."""
        if self.forwarded_values:
            return bool(self.forwarded_values.get("QueryString"))
        is_withheld = (
            name in RESPONSE_PARAMETERS and self.origin_request_policy.get("Name") in _WITHHOLDING
        )
        return self._passes("QueryString", name, by_cache_policy_alone=is_withheld)

    def forwards_header(self, name: str) -> bool:
        if name.lower() in _ALWAYS:
            return True
        if self.forwarded_values:
            return bool({"*", name.lower()} & {*_lower(self.forwarded_values.get("Headers"))})
        return self._passes("Header", name.lower())

    def forwards_cookie(self, name: str) -> bool:
        if self.forwarded_values:
            cookies = self.forwarded_values.get("Cookies") or {}
            return cookies.get("Forward") == "all" or name in listed(
                cookies.get("WhitelistedNames")
            )
        return self._passes("Cookie", name)

    def splits_copies_by_parameter(self, name: str) -> bool:
        """Return whether there is one copy for each value of a parameter."""
        if self.forwarded_values:
            keys = listed(self.forwarded_values.get("QueryStringCacheKeys"))
            return bool(self.forwarded_values.get("QueryString")) and (not keys or name in keys)
        return self._passes("QueryString", name, by_cache_policy_alone=True)

    def splits_copies_by_header(self, name: str) -> bool:
        """Return whether there is one copy for each value of a header."""
        if self.forwarded_values:
            return self.forwards_header(name)
        return self._passes("Header", name.lower(), by_cache_policy_alone=True)

    @property
    def keeps_copies(self) -> bool:
        """Return whether anything is cached; CachingDisabled keeps nothing."""
        return self.cache_policy.get("MaxTTL") != 0

    @property
    def name(self) -> str:
        """Return which policies these are, for a sentence."""
        if self.forwarded_values:
            return "ForwardedValues of the behavior"
        policies = {
            "the cache policy": self.cache_policy,
            "the origin request policy": self.origin_request_policy,
        }
        named = [f"{kind} {each.get('Name')}" for kind, each in policies.items() if each]
        return " and ".join(named) or "a behavior without a cache policy"

    def _passes(self, kind: _Kind, name: str, *, by_cache_policy_alone: bool = False) -> bool:
        policies = [self.cache_policy.get("ParametersInCacheKeyAndForwardedToOrigin") or {}]
        if not by_cache_policy_alone:
            policies.append(self.origin_request_policy)
        return _passes(name, [_choice(each, kind) for each in policies])


def _passes(name: str, choices: list[tuple[str, frozenset[str]]]) -> bool:
    """Return whether policies together forward a name.

    "All" of one policy wins, then a list of names to include, over a list of names to exclude.
    """
    if any(behavior in _EVERYTHING for behavior, _ in choices):
        return True
    if any(behavior == "whitelist" and name in names for behavior, names in choices):
        return True
    excluded = [names for behavior, names in choices if behavior == "allExcept"]
    return bool(excluded) and not any(name in names for names in excluded)


def _choice(policy: Document, kind: _Kind) -> tuple[str, frozenset[str]]:
    """Return what a policy does with a kind of value, and the names that it lists."""
    config = policy.get(f"{kind}sConfig") or {}
    read = _lower if kind == "Header" else listed
    return config.get(f"{kind}Behavior", "none"), frozenset(read(config.get(f"{kind}s")))


def _lower(block: Document | None) -> list[str]:
    return [each.lower() for each in listed(block)]
