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
from collections.abc import Sequence
from fnmatch import fnmatchcase
from itertools import chain, count, product
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
    letters = {*"".join([*inside, *outside]), "/"} - {"*", "?"}
    # One more letter stands for all those that no pattern contains.
    letters.add(next(chr(each) for each in count(ord("x")) if chr(each) not in letters))
    # What one way through each pattern inside leaves of it, and what all ways through each pattern
    # outside leave. Following all ways through those inside, too, is exponential in their "?".
    start = tuple(map(_slashed, inside)), tuple(frozenset({_slashed(each)}) for each in outside)
    todo, seen = deque([("", *start)]), {start[0]: [start[1]]}
    while todo:
        path, rests, ways = todo.popleft()
        if not "".join(rests).strip("*") and all(each.strip("*") for each in chain(*ways)):
            return path
        for letter in sorted(letters):
            after = tuple(frozenset(chain(*(_after(one, letter) for one in each))) for each in ways)
            if any(each and not each.strip("*") for each in chain(*after)):
                continue  # a pattern outside matches all that begins like this
            for left in product(*(_after(each, letter) for each in rests)):
                # Where less of the patterns outside is left, each path that remains is found, too.
                known = seen.setdefault(left, [])
                if not any(all(map(frozenset.issubset, each, after)) for each in known):
                    known.append(after)
                    todo.append((path + letter, left, after))
    return None


def _after(pattern: str, letter: str) -> list[str]:
    """Return what may be left of a pattern after a letter; nothing if it does not match that."""
    plain = pattern.lstrip("*")
    left = [plain[1:]] if plain[:1] in {"?", letter} else []
    return left if plain == pattern else [pattern, *left]


def _slashed(pattern: str) -> str:
    return f"/{pattern.removeprefix('/')}"
