"""Match the Resource of a policy against the URL of a request.

The developer guide ("Create a signed URL using a custom policy") divides the
URL into ``protocol://domain/path?query``. A ``*`` matches within its section
only, except that one at the end of the domain also matches path and query,
and one at the end of the path also matches the query.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from cfsigned_django.signing.exceptions import InvalidPolicy

#: What a signer must encode: clients send these characters encoded, or not all alike.
MUST_BE_ENCODED: Final = re.compile(r"""[\x00-\x20"\\#<>^`{|}\x7f]|[^\x00-\x7f]""")
#: What no client sends as it is, and a backslash, which escapes what follows it in a policy.
#: Browsers send ``|`` unencoded, and in a query ``^`{}\`` as well (URL Standard, "Percent-encoded
#: bytes").
NEVER_SENT: Final = re.compile(r"""[\x00-\x20"\\#<>\x7f]|[^\x00-\x7f]|\A[^?]*?[\^`{}]""")
_PROTOCOLS = ("http", "https", "*", "http*")
_ADDRESS = re.compile(r"(?:[a-z*]+://)?[^/?]*", re.ASCII | re.IGNORECASE)


def check_resource(
    resource: object, allow_any_resource: bool, forbidden: re.Pattern[str] = MUST_BE_ENCODED
) -> str:
    """Return a valid resource with its host in lowercase; else raise :exc:`InvalidPolicy`."""
    if not isinstance(resource, str) or not resource:
        raise InvalidPolicy(
            "The policy has no resource, which would open every file of every distribution that "
            "trusts the key. Set the URL, with a * if it must cover several files."
        )
    if found := forbidden.search(resource):
        raise InvalidPolicy(
            f"The resource contains {found[0][-1]!r}, which some or all clients percent-encode. "
            "Encode it first, for example with urllib.parse.quote()."
        )
    resource = lower_host(resource)
    protocol, domain, path, _ = _sections(resource)
    if _opens_everything(protocol, domain, path) and not allow_any_resource:
        raise InvalidPolicy(
            f"The resource {resource} opens every file of every distribution that trusts the key. "
            "Use the URL of a file or folder. If you mean all files, pass allow_any_resource=True."
        )
    if not resource.strip("*"):
        return "*"
    if protocol not in _PROTOCOLS:
        raise InvalidPolicy(
            "The resource must begin with http://, https:// or *:// and the domain name, "
            "such as https://d111111abcdef8.cloudfront.net/albums/*"
        )
    if path is None and "*" not in resource:
        raise InvalidPolicy(
            "The resource has no path, and every request has one. End it with / for the root, "
            "or with /* for all files."
        )
    return resource


def _opens_everything(protocol: str, domain: str, path: str | None) -> bool:
    """Return whether a resource means the same as ``*``, such as ``*://*`` or ``*/*``."""
    parts = (protocol.removeprefix("http"), domain, "*" if path is None else path)
    return all(part and not part.strip("*") for part in parts)


def lower_host(url: str) -> str:
    """Return the URL or resource with scheme and host in lowercase: their case has no meaning."""
    return _ADDRESS.sub(_lower, url, count=1)


def _lower(address: re.Match[str]) -> str:
    # The Kelvin sign would become a k: only ASCII is lowercased.
    return address[0].lower() if address[0].isascii() else address[0]


def readings(url: str) -> tuple[str, ...]:
    """Return the URL, and how readers see it that decode dots and slashes and follow ``..``.

    Some of them take a backslash for a slash. Some join repeated slashes first:
    ``/a//../b`` is ``/a/b`` or ``/b``.
    """
    address, question, query = url.partition("?")
    if not {"%", "\\"} & set(address) and "/." not in address:
        return (url,)
    plain = re.sub(r"%2f|%5c|\\", "/", re.sub("%2e", ".", address, flags=re.I), flags=re.I)
    parts = plain.split("/")
    origin, segments = parts[:3], parts[3:]
    if not {".", ".."} & set(segments):
        return (url,)
    followed = (follow_dots(each) for each in (segments, join_slashes(segments)))
    return url, *("/".join(origin + each) + question + query for each in followed)


def follow_dots(segments: list[str]) -> list[str]:
    """Return the segments of a path with ``.`` and ``..`` resolved."""
    resolved: list[str] = []
    for segment in segments:
        if segment == "..":
            resolved[-1:] = []
        elif segment != ".":
            resolved.append(segment)
    return [*resolved, ""] if segments[-1:] in (["."], [".."]) else resolved


def join_slashes(segments: list[str]) -> list[str]:
    """Return the segments without the empty ones between slashes; the last one is kept."""
    return [each for each in segments[:-1] if each] + segments[-1:]


@lru_cache(maxsize=512)
def compile_resource(resource: str) -> re.Pattern[str]:
    """Return the pattern that the whole URL must match, with its host in lowercase."""
    if resource == "*":
        return re.compile(r"(?s:.*)")
    protocol, domain, path, query = _sections(resource)
    if path is None and domain.endswith("*"):
        path, query = "*", "*"
    elif (path or "").endswith("*") and query is None:
        query = "*"
    tail = _glob(query, ".") if query is not None else ""
    if query is not None:
        # The asterisk of `hello*\?*` covers the URL without a query as well.
        tail = rf"(?:\?{tail})?" if set(query) == {"*"} else rf"\?{tail}"
    return re.compile(
        rf"{_glob(protocol, '[a-z]')}://{_glob(domain, '[^/?]')}/"
        rf"{_glob(path or '', '[^?]')}{tail}",
        re.DOTALL,
    )


def _sections(resource: str) -> tuple[str, str, str | None, str | None]:
    """Return protocol, domain, path (without its slash) and query of a resource.

    The first ``?`` begins the query. The guide also calls ``?`` a wildcard for
    one character, and is not clear about one before the query. Reading it as
    the delimiter grants less.
    """
    left, question, query = resource.partition("?")
    protocol, separator, rest = left.partition("://")
    if not separator:  # `*example.com` means `*://*example.com/`
        protocol, rest = ("*", left) if left.startswith("*") else ("", left)
    domain, slash, path = rest.partition("/")
    return protocol, domain, path if slash else None, query if question else None


def _glob(section: str, character: str) -> str:
    """Return the pattern of one section; ``character`` matches any one of its characters."""
    first, *others = (
        "".join(character if each == "?" else re.escape(each) for each in piece)
        for piece in re.split(r"\*+", section)
    )
    if not others:
        return first
    *middle, last = others
    # A piece between two asterisks matches at its first place and is never tried
    # elsewhere (?>...): nothing is missed, and many asterisks stay fast.
    taken = "".join(rf"(?>{character}*?{piece})" for piece in middle)
    return f"{first}{taken}{character}*{last}"
