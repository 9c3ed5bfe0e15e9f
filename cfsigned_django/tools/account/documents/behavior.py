"""Find and change a cache behavior in the configuration of a distribution.

API reference: DistributionConfig, CacheBehavior, DefaultCacheBehavior. A list
there is ``{"Quantity": n, "Items": [...]}``, without "Items" if n is 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

from cfsigned_django.tools.account.documents import Document

#: The fields that a cache policy replaces; CloudFront refuses both together.
LEGACY_CACHE_FIELDS: Final = ("ForwardedValues", "MinTTL", "DefaultTTL", "MaxTTL")
_OPEN_PROTOCOL: Final = "allow-all"


def listed(block: Mapping[str, Any] | None) -> list[Any]:
    """Return the items of a CloudFront list."""
    return list((block or {}).get("Items") or [])


def list_of(items: list[Any]) -> Document:
    """Return items as a CloudFront list."""
    return {"Quantity": len(items), "Items": items} if items else {"Quantity": 0}


def behaviors(config: Mapping[str, Any]) -> Iterator[Document]:
    """Return the behaviors in the order in which CloudFront tries them; the default is last.

    Only the default one has no PathPattern: another may have the pattern ``*`` as well.
    """
    yield from listed(config.get("CacheBehaviors"))
    yield config["DefaultCacheBehavior"]


def pattern_of(behavior: Mapping[str, Any]) -> str:
    """Return the path pattern of a behavior; that of the default one matches every path."""
    pattern: str = behavior.get("PathPattern", "*")
    return pattern


def find_behavior(config: Mapping[str, Any], path_pattern: str | None) -> Document | None:
    """Return the behavior with exactly this path pattern; the default one for None."""
    if path_pattern is None:
        default: Document = config["DefaultCacheBehavior"]
        return default
    return next(
        (
            each
            for each in listed(config.get("CacheBehaviors"))
            if is_same_pattern(each["PathPattern"], path_pattern)
        ),
        None,
    )


def trusted_key_groups(behavior: Mapping[str, Any]) -> list[str]:
    """Return the IDs of the key groups whose keys may sign; empty if no signature is required."""
    block = behavior.get("TrustedKeyGroups") or {}
    return listed(block) if block.get("Enabled") else []


def trusted_signers(behavior: Mapping[str, Any]) -> list[str]:
    """Return the AWS accounts ("self" or numbers) whose keys may sign: the older way."""
    block = behavior.get("TrustedSigners") or {}
    return listed(block) if block.get("Enabled") else []


def is_open(behavior: Mapping[str, Any]) -> bool:
    """Return whether a behavior serves files without a signature."""
    return not trusted_key_groups(behavior) and not trusted_signers(behavior)


def patch_behavior(
    behavior: Mapping[str, Any],
    key_group_id: str,
    *,
    cache_policy_id: str | None = None,
    origin_request_policy_id: str | None = None,
    response_headers_policy_id: str | None = None,
    drops_trusted_signers: bool = False,
) -> Document:
    """Return the behavior with the key group trusted, and these policies; the rest stays.

    None leaves a policy as it is.
    """
    patched = dict(behavior)
    groups = trusted_key_groups(behavior)
    if key_group_id not in groups:
        groups.append(key_group_id)
        present = behavior.get("TrustedKeyGroups") or {}
        patched["TrustedKeyGroups"] = {**present, "Enabled": True, **list_of(groups)}
    if drops_trusted_signers and trusted_signers(behavior):
        patched["TrustedSigners"] = {**behavior["TrustedSigners"], "Enabled": False, "Quantity": 0}
        del patched["TrustedSigners"]["Items"]
    if patched.get("ViewerProtocolPolicy", _OPEN_PROTOCOL) == _OPEN_PROTOCOL:
        patched["ViewerProtocolPolicy"] = "redirect-to-https"
    policies = {
        "CachePolicyId": cache_policy_id,
        "OriginRequestPolicyId": origin_request_policy_id,
        "ResponseHeadersPolicyId": response_headers_policy_id,
    }
    patched |= {name: policy_id for name, policy_id in policies.items() if policy_id}
    if cache_policy_id:
        for name in LEGACY_CACHE_FIELDS:
            patched.pop(name, None)
    return patched


def replace_behavior(
    config: Mapping[str, Any], path_pattern: str | None, behavior: Mapping[str, Any]
) -> Document:
    """Return the configuration with a behavior changed, or added in the correct position."""
    if path_pattern is None:
        return {**config, "DefaultCacheBehavior": dict(behavior)}
    items = listed(config.get("CacheBehaviors"))
    named = {"PathPattern": path_pattern, **behavior}
    found = find_behavior(config, path_pattern)
    if found is not None:
        items = [named if each is found else each for each in items]
    else:
        items.insert(place_for(items, path_pattern), named)
    return {**config, "CacheBehaviors": {**config.get("CacheBehaviors", {}), **list_of(items)}}


def place_for(items: list[Document], path_pattern: str) -> int:
    """Return the position of a new pattern: directly after the last more specific one.

    The first pattern that matches wins. An existing "media/public/*" therefore stays
    before a new "media/*", wherever it is, and keeps its paths.
    """
    within = [i for i, each in enumerate(items) if is_within(each["PathPattern"], path_pattern)]
    return within[-1] + 1 if within else 0


def misplaced_patterns(
    config: Mapping[str, Any], path_pattern: str
) -> tuple[str, list[str]] | None:
    """Return the patterns that leave no correct position for a new pattern, or None.

    These are a pattern such as "*.jpg", which would take paths of the new one and must not
    come before it, and more specific patterns, which must come before the new one but are
    after "*.jpg".
    """
    items = listed(config.get("CacheBehaviors"))
    if find_behavior(config, path_pattern) is not None:
        return None
    names = [each["PathPattern"] for each in items[: place_for(items, path_pattern)]]
    for index, each in enumerate(names):
        if may_overlap(each, path_pattern) and not is_within(each, path_pattern):
            return each, [name for name in names[index:] if is_within(name, path_pattern)]
    return None


def overtaken_patterns(config: Mapping[str, Any], path_pattern: str) -> list[str]:
    """Return the patterns that lose paths to a new pattern, since both match these paths.

    A pattern that matches all paths of the new one, as "*" does, is not listed:
    taking paths from it is the purpose of the new one.
    """
    items = listed(config.get("CacheBehaviors"))
    names = [each["PathPattern"] for each in items[place_for(items, path_pattern) :]]
    return [
        each
        for each in names
        if may_overlap(each, path_pattern) and not is_within(path_pattern, each)
    ]


def is_same_pattern(one: str, other: str) -> bool:
    """Return whether two patterns differ at most in a slash at their beginning."""
    return _slashed(one) == _slashed(other)


def is_within(inner: str, outer: str) -> bool:
    """Return whether the outer pattern certainly matches every path of the inner one."""
    # "\0" stands for whatever a "*" of the inner pattern matches, possibly nothing: only a "*" of
    # the outer pattern matches it, not a "?".
    letters = {"*": ".*", "?": "[^\0]"}
    expression = "".join(letters.get(each, re.escape(each)) for each in _slashed(outer))
    return re.fullmatch(expression, _slashed(inner).replace("*", "\0"), re.DOTALL) is not None


def may_overlap(one: str, other: str) -> bool:
    """Return whether both patterns match some path."""
    return _overlap(_slashed(one), _slashed(other))


def _overlap(one: str, other: str) -> bool:
    """Intersect two patterns letter by letter; states are pairs of places."""
    todo, seen = [(0, 0)], set()
    while todo:
        i, j = todo.pop()
        if (i, j) in seen:
            continue
        seen.add((i, j))
        if i == len(one) and j == len(other):
            return True
        a, b = one[i : i + 1], other[j : j + 1]
        if a == "*":
            todo.append((i + 1, j))
            if b:
                todo.append((i, j + 1))
        if b == "*":
            todo.append((i, j + 1))
            if a:
                todo.append((i + 1, j))
        if a and b and (a == b or "?" in (a, b)):
            todo.append((i + 1, j + 1))
    return False


def matches(path_pattern: str, path: str) -> bool:
    """Return whether a pattern matches a path: ``*`` is any text, ``?`` one character."""
    # fnmatch also gives "[" a meaning, but CloudFront allows no "[" in patterns.
    return fnmatchcase(_slashed(path), _slashed(path_pattern))


def _slashed(pattern: str) -> str:
    return f"/{pattern.removeprefix('/')}"
