"""Select the cache behavior of a request, as CloudFront does."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from cfsigned_django.signing.resource import follow_dots, join_slashes
from cfsigned_django.tools.edge import stack_policies
from cfsigned_django.tools.model.behaviors import check_path_pattern, serving
from cfsigned_django.tools.model.forwarding import Forwarding

READ_METHODS = frozenset({"GET", "HEAD"})
READ_AND_PREFLIGHT_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

# Letters, digits and "-._~": RFC 3986, section 2.3.
_ENCODED_UNRESERVED = re.compile(r"%(?:4[1-9A-F]|[57][0-9A]|6[1-9A-F]|3[0-9]|2[DE]|5F|7E)", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class Behavior:
    """The rules for requests whose path matches a pattern.

    In ``path_pattern``, ``*`` matches zero or more characters, ``/`` included,
    and ``?`` matches exactly one. The pattern is case-sensitive, and its
    leading ``/`` is optional. ``trusted_key_groups`` names the key groups
    whose keys may sign; a behavior without key groups serves everybody.
    ``forwarding`` has the policies that choose what reaches the origin, and
    ``response_headers_policy`` is a configuration as the API shows it, empty
    for none. Both are those of the stack's template unless they are given. AWS
    page: "Cache behavior settings" (DownloadDistValuesCacheBehavior).

    Raise ``ValueError`` for a pattern or a set of methods that CloudFront
    would not accept, and for methods that write: this edge only reads.
    """

    path_pattern: str = "*"
    trusted_key_groups: tuple[str, ...] = ()
    allowed_methods: frozenset[str] = READ_METHODS
    forwarding: Forwarding = stack_policies.FORWARDING
    response_headers_policy: Mapping[str, Any] = field(
        default_factory=stack_policies.response_headers_policy
    )

    def __post_init__(self) -> None:
        check_path_pattern(self.path_pattern)
        if self.allowed_methods not in (READ_METHODS, READ_AND_PREFLIGHT_METHODS):
            raise ValueError(
                "allowed_methods must be GET and HEAD, or GET, HEAD and OPTIONS: this edge only "
                "reads."
            )

    @property
    def is_restricted(self) -> bool:
        """Return whether a viewer needs a signed URL or signed cookies."""
        return bool(self.trusted_key_groups)


def select_behavior(behaviors: Sequence[Behavior], raw_path: str) -> Behavior:
    """Return the behavior that serves the path of a request; the last one is the default.

    ``raw_path`` is the path as the viewer sent it. CloudFront compares a
    normalized path and forwards the raw one. AWS does not document how far it
    undoes percent-encoding for the comparison, so the path is compared twice
    here: with the unreserved characters decoded, and with all characters
    decoded. If the two disagree, a behavior that needs a signature wins over an
    open one.
    """
    forms = (_normalize(_decode_unreserved(raw_path)), _normalize(unquote(raw_path)))
    patterns = [each.path_pattern for each in behaviors]
    found = [behaviors[serving(patterns, path)] for path in forms]
    return next((behavior for behavior in found if behavior.is_restricted), found[0])


def _decode_unreserved(path: str) -> str:
    """Return the path with those escapes decoded that RFC 3986 (6.2.2.2) calls equivalent."""
    return _ENCODED_UNRESERVED.sub(lambda match: unquote(match[0]), path)


def _normalize(path: str) -> str:
    """Return the path with dot segments resolved and repeated slashes joined, as the guide says."""
    return "/" + "/".join(follow_dots(join_slashes(path.split("/")[1:])))
