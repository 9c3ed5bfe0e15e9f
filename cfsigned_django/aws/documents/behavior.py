"""Find and change a cache behavior in the configuration of a distribution.

API reference: DistributionConfig, CacheBehavior, DefaultCacheBehavior. A list
there is ``{"Quantity": n, "Items": [...]}``, and without "Items" where n is 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from cfsigned_django.aws.documents import Document

#: What a cache policy takes the place of; CloudFront refuses both together.
LEGACY_CACHE_FIELDS: Final = ("ForwardedValues", "MinTTL", "DefaultTTL", "MaxTTL")
_OPEN_PROTOCOL: Final = "allow-all"


@dataclass(frozen=True, slots=True, kw_only=True)
class BehaviorChange:
    """What a behavior must have; None leaves a policy as it is."""

    key_group_id: str
    cache_policy_id: str | None = None
    origin_request_policy_id: str | None = None
    response_headers_policy_id: str | None = None
    drops_trusted_signers: bool = False


def listed(block: Mapping[str, Any] | None) -> list[Any]:
    """Return what is in a list of CloudFront's."""
    return list((block or {}).get("Items") or [])


def list_of(items: list[Any]) -> Document:
    """Return a list as CloudFront writes it."""
    return {"Quantity": len(items), "Items": items} if items else {"Quantity": 0}


def behaviors(config: Mapping[str, Any]) -> Iterator[Document]:
    """Return the behaviors in the order in which CloudFront tries them; the default is last."""
    yield from listed(config.get("CacheBehaviors"))
    yield {"PathPattern": "*", **config["DefaultCacheBehavior"]}


def find_behavior(config: Mapping[str, Any], path_pattern: str | None) -> Document | None:
    """Return the behavior with exactly this path pattern; the default one for None."""
    if path_pattern is None:
        default: Document = config["DefaultCacheBehavior"]
        return default
    return next(
        (
            each
            for each in listed(config.get("CacheBehaviors"))
            if _slashed(each["PathPattern"]) == _slashed(path_pattern)
        ),
        None,
    )


def trusted_key_groups(behavior: Mapping[str, Any]) -> list[str]:
    """Return the ids of the key groups whose keys may sign; empty where no signature is wanted."""
    block = behavior.get("TrustedKeyGroups") or {}
    return listed(block) if block.get("Enabled") else []


def trusted_signers(behavior: Mapping[str, Any]) -> list[str]:
    """Return the AWS accounts ("self" or numbers) whose keys may sign: the older way."""
    block = behavior.get("TrustedSigners") or {}
    return listed(block) if block.get("Enabled") else []


def is_open(behavior: Mapping[str, Any]) -> bool:
    """Tell whether a behavior serves everybody, without a signature."""
    return not trusted_key_groups(behavior) and not trusted_signers(behavior)


def patch_behavior(behavior: Mapping[str, Any], change: BehaviorChange) -> Document:
    """Return the behavior with a change made; every other field stays as it is."""
    patched = dict(behavior)
    groups = trusted_key_groups(behavior)
    if change.key_group_id not in groups:
        groups.append(change.key_group_id)
        patched["TrustedKeyGroups"] = {"Enabled": True, **list_of(groups)}
    if change.drops_trusted_signers and trusted_signers(behavior):
        patched["TrustedSigners"] = {"Enabled": False, "Quantity": 0}
    if patched.get("ViewerProtocolPolicy", _OPEN_PROTOCOL) == _OPEN_PROTOCOL:
        patched["ViewerProtocolPolicy"] = "redirect-to-https"
    policies = {
        "CachePolicyId": change.cache_policy_id,
        "OriginRequestPolicyId": change.origin_request_policy_id,
        "ResponseHeadersPolicyId": change.response_headers_policy_id,
    }
    patched |= {name: policy_id for name, policy_id in policies.items() if policy_id}
    if change.cache_policy_id:
        for name in LEGACY_CACHE_FIELDS:
            patched.pop(name, None)
    return patched


def replace_behavior(
    config: Mapping[str, Any], path_pattern: str | None, behavior: Mapping[str, Any]
) -> Document:
    """Return the configuration with a behavior changed, or added in its right place."""
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
    """Return where a new pattern goes: right behind the last one that is more specific.

    The first pattern that matches wins. An existing "media/public/*" keeps
    its paths before "media/*", wherever it stands.
    """
    within = [i for i, each in enumerate(items) if is_within(each["PathPattern"], path_pattern)]
    return within[-1] + 1 if within else 0


def misplaced_patterns(
    config: Mapping[str, Any], path_pattern: str
) -> tuple[str, list[str]] | None:
    """Return what leaves a new pattern no place: one that would take its paths, and what follows.

    These are the more specific patterns that must stand before the new one,
    and stand behind "*.jpg" or the like, which must not.
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
    """Return the patterns that lose to a new one the paths that both match.

    One that holds all paths of the new one, as "*" does, is none of them: to
    take these out of it is what the new one is for.
    """
    items = listed(config.get("CacheBehaviors"))
    names = [each["PathPattern"] for each in items[place_for(items, path_pattern) :]]
    return [
        each
        for each in names
        if may_overlap(each, path_pattern) and not is_within(path_pattern, each)
    ]


def earlier_open_patterns(config: Mapping[str, Any], path_pattern: str | None) -> list[str]:
    """Return the open patterns that are tried before, and may take paths of, this one."""
    found = []
    for each in listed(config.get("CacheBehaviors")):
        if path_pattern is not None and _slashed(each["PathPattern"]) == _slashed(path_pattern):
            break
        if is_open(each) and may_overlap(each["PathPattern"], path_pattern or "*"):
            found.append(each["PathPattern"])
    return found


def is_within(inner: str, outer: str) -> bool:
    """Tell whether every path that the inner pattern matches is surely one of the outer's."""
    # "\0" stands for whatever a "*" of the inner one matches, which may be nothing: so it is for a
    # "*" of the outer one alone, and not for its "?".
    letters = {"*": ".*", "?": "[^\0]"}
    expression = "".join(letters.get(each, re.escape(each)) for each in _slashed(outer))
    return re.fullmatch(expression, _slashed(inner).replace("*", "\0"), re.DOTALL) is not None


def may_overlap(one: str, other: str) -> bool:
    """Tell whether some path is matched by both patterns."""
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
    """Tell whether a path is under a pattern: ``*`` is any text, ``?`` one character."""
    # CloudFront's alphabet for patterns has no "[", which fnmatch knows besides.
    return fnmatchcase(_slashed(path), _slashed(path_pattern))


def _slashed(pattern: str) -> str:
    return f"/{pattern.removeprefix('/')}"
