"""Choose the cache behavior that a request falls under, as CloudFront does."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from urllib.parse import unquote

from cfsigned_django.signing.resource import follow_dots, join_slashes

READ_METHODS = frozenset({"GET", "HEAD"})
READ_AND_PREFLIGHT_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

MAX_PATH_PATTERN_LENGTH = 255
# The alphabet that "Cache behavior settings" lists, and "?" as the wildcard.
_PATTERN_ALPHABET = frozenset(string.ascii_letters + string.digits + "_-.*?$/~\"'@:+&")
# Letters, digits and "-._~": RFC 3986, section 2.3.
_ENCODED_UNRESERVED = re.compile(r"%(?:4[1-9A-F]|[57][0-9A]|6[1-9A-F]|3[0-9]|2[DE]|5F|7E)", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class Behavior:
    """Say what happens to the requests whose path matches a pattern.

    In ``path_pattern`` a ``*`` stands for zero or more characters, ``/``
    included, and a ``?`` for exactly one; case counts, and the leading ``/``
    may be left out. ``trusted_key_groups`` names the key groups whose keys may
    sign; a behavior without one serves everybody. ``foreign_origin`` is a host
    that the behavior reads and this edge does not: it serves nothing from
    there. AWS page: "Cache behavior settings" (DownloadDistValuesCacheBehavior).

    Raise ``ValueError`` for a pattern or a set of methods that CloudFront
    would not take, and for methods that write: this edge only reads.
    """

    path_pattern: str = "*"
    trusted_key_groups: tuple[str, ...] = ()
    allowed_methods: frozenset[str] = READ_METHODS
    foreign_origin: str = ""

    def __post_init__(self) -> None:
        if not 0 < len(self.path_pattern) <= MAX_PATH_PATTERN_LENGTH:
            raise ValueError(
                f"path_pattern {self.path_pattern[:40]!r} has {len(self.path_pattern)} characters; "
                f"CloudFront takes 1 to {MAX_PATH_PATTERN_LENGTH}."
            )
        foreign = sorted(set(self.path_pattern) - _PATTERN_ALPHABET)
        if foreign:
            raise ValueError(
                f"path_pattern {self.path_pattern!r} contains {foreign[0]!r}, which CloudFront "
                "does not take there. Put * or ? in its place."
            )
        if self.allowed_methods not in (READ_METHODS, READ_AND_PREFLIGHT_METHODS):
            raise ValueError(
                "allowed_methods is GET and HEAD, or GET, HEAD and OPTIONS: this edge only reads."
            )

    @property
    def is_restricted(self) -> bool:
        """Return whether a viewer needs a signed URL or signed cookies."""
        return bool(self.trusted_key_groups)

    @property
    def is_default(self) -> bool:
        """Return whether this is the behavior for everything that no other one matches."""
        return self.path_pattern == "*"

    def matches(self, path: str) -> bool:
        """Compare a path that begins with ``/`` with the path pattern."""
        # The alphabet has no "[", the one further character that fnmatch knows.
        return fnmatchcase(path, f"/{self.path_pattern.removeprefix('/')}")


def select_behavior(behaviors: Sequence[Behavior], raw_path: str) -> Behavior:
    """Return the first behavior whose pattern matches the path of a request.

    ``raw_path`` is the path as the viewer sent it, and the last behavior is
    the default. CloudFront compares a normalised path and forwards the raw
    one. How far it undoes percent-encoding for the comparison is not
    documented, so here the path is compared twice, with the unreserved
    characters decoded and with all of them decoded; where the two disagree, a
    behavior that asks for a signature wins over an open one.
    """
    forms = (_normalise(_decode_unreserved(raw_path)), _normalise(unquote(raw_path)))
    found = [
        next((behavior for behavior in behaviors if behavior.matches(path)), behaviors[-1])
        for path in forms
    ]
    return next((behavior for behavior in found if behavior.is_restricted), found[0])


def _decode_unreserved(path: str) -> str:
    """Undo the percent-encoding that RFC 3986 (6.2.2.2) calls equivalent to the plain character."""
    return _ENCODED_UNRESERVED.sub(lambda match: unquote(match[0]), path)


def _normalise(path: str) -> str:
    """Resolve dot segments and join repeated slashes, as the guide says of path matching."""
    return "/" + "/".join(follow_dots(join_slashes(path.split("/")[1:])))
