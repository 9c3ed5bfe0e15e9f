"""Find a cache behavior in the configuration of a distribution, and compare path patterns.

API reference: DistributionConfig, CacheBehavior, DefaultCacheBehavior. A list
there is ``{"Quantity": n, "Items": [...]}``, without "Items" if n is 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from cfsigned_django.tools.account.documents import Document


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
