"""Match and compare the path patterns of cache behaviors.

AWS page: "Cache behavior settings" (DownloadDistValuesCacheBehavior). ``*`` matches zero or more
characters, ``/`` included, and ``?`` exactly one; letter case counts, and a leading ``/`` is
optional.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase


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
