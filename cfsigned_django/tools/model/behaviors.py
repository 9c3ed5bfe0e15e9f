"""Find the cache behavior that serves a path, and compare path patterns.

AWS page: "Cache behavior settings" (DownloadDistValuesCacheBehavior). The behaviors are tried in
their order, and the first one whose pattern matches the path serves it. The default behavior is the
last one, whatever the patterns are: another may have the pattern ``*`` as well. ``*`` matches zero
or more characters, ``/`` included, and ``?`` exactly one; letter case counts, and a leading ``/``
is optional.
"""

from __future__ import annotations

import string
from collections import deque
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from itertools import count
from typing import Final

MAX_PATH_PATTERN_LENGTH: Final = 255
# The characters that the page lists, and "?" as the wildcard.
_ALPHABET: Final = frozenset(string.ascii_letters + string.digits + "_-.*?$/~\"'@:+&")


def check_path_pattern(path_pattern: str) -> None:
    """Raise ``ValueError`` for a pattern that CloudFront does not accept."""
    if not 0 < len(path_pattern) <= MAX_PATH_PATTERN_LENGTH:
        raise ValueError(
            f"path_pattern {path_pattern[:40]!r} has {len(path_pattern)} characters. "
            f"CloudFront accepts 1 to {MAX_PATH_PATTERN_LENGTH}."
        )
    foreign = sorted({*path_pattern} - _ALPHABET)
    if foreign:
        raise ValueError(
            f"path_pattern {path_pattern!r} contains {foreign[0]!r}, which CloudFront "
            "does not accept there. Use * or ? instead."
        )


def matches(path_pattern: str, path: str) -> bool:
    """Return whether a pattern matches a path."""
    # A pattern cannot contain "[", the only other special character of fnmatch.
    return fnmatchcase(_slashed(path), _slashed(path_pattern))


def serving(path_patterns: Sequence[str], path: str) -> int:
    """Return the place of the pattern that serves a path: the first that matches, else the last.

    The last one is that of the default behavior, whatever it says.
    """
    found = (at for at, each in enumerate(path_patterns[:-1]) if matches(each, path))
    return next(found, len(path_patterns) - 1)


def find_path(inside: Sequence[str], outside: Sequence[str] = ()) -> str | None:
    """Return a path that all patterns ``inside`` match, and none ``outside``.

    With the pattern of a behavior inside, and those that are tried before it outside, it is a path
    that this behavior serves. Return None if there is no such path.
    """
    # Most of the patterns outside have nothing to do with the path: they would only cost time.
    met: list[str] = []
    while (path := _shortest_path(inside, met)) is not None:
        first = next((each for each in outside if matches(each, path)), None)
        if first is None:
            return path
        met.append(first)
    return None


def _shortest_path(inside: Sequence[str], outside: Sequence[str]) -> str | None:
    patterns, n = [_slashed(each) for each in (*inside, *outside)], len(inside)
    letters = {*"".join(patterns)} - {"*", "?"}
    # One more letter stands for all those that no pattern contains.
    letters.add(next(chr(each) for each in count(ord("x")) if chr(each) not in letters))
    start = tuple(_with_nothing_for_stars([each]) for each in patterns)
    todo, seen = deque([("", start)]), {start}
    while todo:
        path, rests = todo.popleft()
        if all("" in each for each in rests[:n]) and not any("" in each for each in rests[n:]):
            return path
        for letter in sorted(letters):
            after = tuple(_after(each, letter) for each in rests)
            # A pattern outside of which "*" remains matches all that begins like this.
            is_lost = not all(after[:n]) or any("*" in each for each in after[n:])
            if not is_lost and after not in seen:
                seen.add(after)
                todo.append((path + letter, after))
    return None


def _after(rests: Iterable[str], letter: str) -> frozenset[str]:
    """Return what remains of patterns after a letter that they match; nothing if none does."""
    begun = [each for each in rests if each[:1] in ("*", "?", letter)]
    return _with_nothing_for_stars([each if each[0] == "*" else each[1:] for each in begun])


def _with_nothing_for_stars(rests: Iterable[str]) -> frozenset[str]:
    """Return patterns, and what remains of them if each ``*`` at their beginning is nothing."""
    found = {*rests}
    for each in rests:
        found |= {each[at:] for at in range(len(each) + 1) if each[:at] == "*" * at}
    return frozenset(found)


def _slashed(pattern: str) -> str:
    return f"/{pattern.removeprefix('/')}"
