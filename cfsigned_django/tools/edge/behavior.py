"""Select the cache behavior of a request, as CloudFront does."""

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
# The characters that "Cache behavior settings" lists, and "?" as the wildcard.
_PATTERN_ALPHABET = frozenset(string.ascii_letters + string.digits + "_-.*?$/~\"'@:+&")
# Letters, digits and "-._~": RFC 3986, section 2.3.
_ENCODED_UNRESERVED = re.compile(r"%(?:4[1-9A-F]|[57][0-9A]|6[1-9A-F]|3[0-9]|2[DE]|5F|7E)", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class Behavior:
    """The rules for requests whose path matches a pattern.

    In ``path_pattern``, ``*`` matches zero or more characters, ``/`` included,
    and ``?`` matches exactly one. The pattern is case-sensitive, and its
    leading ``/`` is optional. ``trusted_key_groups`` names the key groups
    whose keys may sign; a behavior without key groups serves everybody. AWS
    page: "Cache behavior settings" (DownloadDistValuesCacheBehavior).

    Raise ``ValueError`` for a pattern or a set of methods that CloudFront
    would not accept, and for methods that write: this edge only reads.
    """

    path_pattern: str = "*"
    trusted_key_groups: tuple[str, ...] = ()
    allowed_methods: frozenset[str] = READ_METHODS

    def __post_init__(self) -> None:
        if not 0 < len(self.path_pattern) <= MAX_PATH_PATTERN_LENGTH:
            raise ValueError(
                f"path_pattern {self.path_pattern[:40]!r} has {len(self.path_pattern)} characters. "
                f"CloudFront accepts 1 to {MAX_PATH_PATTERN_LENGTH}."
            )
        foreign = sorted(set(self.path_pattern) - _PATTERN_ALPHABET)
        if foreign:
            raise ValueError(
                f"path_pattern {self.path_pattern!r} contains {foreign[0]!r}, which CloudFront "
                "does not accept there. Use * or ? instead."
            )
        if self.allowed_methods not in (READ_METHODS, READ_AND_PREFLIGHT_METHODS):
            raise ValueError(
                "allowed_methods must be GET and HEAD, or GET, HEAD and OPTIONS: this edge only "
                "reads."
            )

    @property
    def is_restricted(self) -> bool:
        """Return whether a viewer needs a signed URL or signed cookies."""
        return bool(self.trusted_key_groups)

    @property
    def is_default(self) -> bool:
        """Return whether this is the behavior for requests that match no other behavior."""
        return self.path_pattern == "*"

    def matches(self, path: str) -> bool:
        """Return whether the pattern matches a path, which begins with ``/``."""
        # A pattern cannot contain "[", the only other special character of fnmatch.
        return fnmatchcase(path, f"/{self.path_pattern.removeprefix('/')}")


def select_behavior(behaviors: Sequence[Behavior], raw_path: str) -> Behavior:
    """Return the first behavior whose pattern matches the path of a request.

    ``raw_path`` is the path as the viewer sent it, and the last behavior is
    the default. CloudFront compares a normalized path and forwards the raw
    one. AWS does not document how far it undoes percent-encoding for the
    comparison, so the path is compared twice here: with the unreserved
    characters decoded, and with all characters decoded. If the two disagree, a
    behavior that needs a signature wins over an open one.
    """
    forms = (_normalize(_decode_unreserved(raw_path)), _normalize(unquote(raw_path)))
    found = [
        next((behavior for behavior in behaviors if behavior.matches(path)), behaviors[-1])
        for path in forms
    ]
    return next((behavior for behavior in found if behavior.is_restricted), found[0])


def _decode_unreserved(path: str) -> str:
    """Return the path with those escapes decoded that RFC 3986 (6.2.2.2) calls equivalent."""
    return _ENCODED_UNRESERVED.sub(lambda match: unquote(match[0]), path)


def _normalize(path: str) -> str:
    """Return the path with dot segments resolved and repeated slashes joined, as the guide says."""
    return "/" + "/".join(follow_dots(join_slashes(path.split("/")[1:])))
