"""Sign the URIs in an HLS playlist (RFC 8216, and its second edition, rfc8216bis).

A playlist is a list of lines: comments, tags that begin with ``#EXT``, and
URIs. Some tags have URIs in their attributes. Everything else stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import SplitResult, urlsplit

from cfsigned_django.signing.exceptions import InvalidPlaylist, InvalidUrl
from cfsigned_django.signing.resource import follow_dots

#: The tags of rfc8216bis, section 4.4, that have a URI among their attributes.
_TAGS = frozenset(
    f"#EXT-X-{name}"
    for name in (
        "CONTENT-STEERING",
        "I-FRAME-STREAM-INF",
        "KEY",
        "MAP",
        "MEDIA",
        "PART",
        "PRELOAD-HINT",
        "RENDITION-REPORT",
        "SESSION-DATA",
        "SESSION-KEY",
    )
)
# Some packagers write attributes behind it.
_START = re.compile("\ufeff?#EXTM3U(?:[ \t][^\r\n]*)?(?=[\r\n]|$)")
# Not splitlines(): only these two end a line of a playlist.
_LINE = re.compile(r"[^\r\n]+")
# Attributes are read one after another: a quoted text may contain what looks like a URI attribute.
_ATTRIBUTE = re.compile(r'(?<![\w-])([A-Z0-9-]+)=(?:"([^"]*)"|[^,"]*)')
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def sign_playlist(
    text: str, base_url: str, sign: Callable[[str], str], *, max_uris: int | None = None
) -> str:
    """Return an HLS playlist in which each URI is the URL that ``sign`` returns for it.

    ``base_url`` is the absolute URL of the playlist: relative URIs are resolved
    against it. ``sign`` takes an absolute URL, such as
    :meth:`SignedPolicy.url`, with which one signature serves the whole video.

    URIs of variants, segments, keys, initialization sections, renditions,
    partial segments and session data are signed. URIs at another host or with
    another protocol than ``base_url`` are not passed to ``sign``, and stay as
    they are: a signature belongs to one distribution. Tags that are not in the
    standard, and dates with interstitials, stay as they are, byte for byte.

    Pass ``max_uris`` for a text that somebody uploaded: one byte may be a URI,
    and becomes a URL of some 400.

    Raise :exc:`InvalidPlaylist` for a text that is not an HLS playlist, such as a
    DASH manifest, for a URI with a variable of EXT-X-DEFINE, and as soon as more
    than ``max_uris`` would be signed; :exc:`InvalidUrl` for a ``base_url`` that
    is not absolute.
    """
    start = _START.match(text)
    if start is None:
        raise InvalidPlaylist(
            "The text is not an HLS playlist: its first line must be #EXTM3U. For another format, "
            "such as DASH, set signed cookies for the folder of the video."
        )
    base = urlsplit(base_url)
    if base.scheme not in ("http", "https") or not base.netloc:
        raise InvalidUrl(
            f"The base URL {base_url!r} must be the absolute URL of the playlist, such as "
            "https://media.example.com/videos/42/master.m3u8"
        )
    origin = f"{base.scheme}://{base.netloc}".lower()
    count = 0

    def sign_uri(uri: str) -> str:
        nonlocal count
        if "{$" in uri:
            raise InvalidPlaylist(
                f"The URI {uri[:200]!r} has a variable, which only a player can replace "
                "(EXT-X-DEFINE). Write the URI without variables."
            )
        url = _resolve(uri, origin, base)
        if url is None:
            return uri
        count += 1
        if max_uris is not None and count > max_uris:
            raise InvalidPlaylist(
                f"The text has more than {max_uris} URIs to sign. If it is a playlist, pass a "
                "larger max_uris; to a view, a larger max_size."
            )
        return sign(url)

    def sign_attribute(found: re.Match[str]) -> str:
        name, uri = found.groups()
        if uri is None or name not in ("URI", "SERVER-URI"):
            return found[0]
        return f'{name}="{sign_uri(uri)}"'

    def sign_line(found: re.Match[str]) -> str:
        line = found[0]
        uri = line.strip(" \t")
        if not uri.startswith("#"):
            return line.replace(uri, sign_uri(uri)) if uri else line
        is_known = line.partition(":")[0] in _TAGS
        return _ATTRIBUTE.sub(sign_attribute, line) if is_known else line

    return start[0] + _LINE.sub(sign_line, text[start.end() :])


def _resolve(uri: str, origin: str, base: SplitResult) -> str | None:
    """Return the absolute URL of a URI in the playlist; None if another host serves it.

    ``origin`` is how the URL of the playlist, ``base``, begins, in lower case.
    """
    # Not urljoin(): it also joins slashes, and S3 keeps a//b apart from a/b.
    path = f"{base.scheme}:{uri}" if uri.startswith("//") else uri
    if path[: len(origin) + 1].lower() == f"{origin}/":
        path = path[len(origin) :]
    elif not uri or uri.startswith("//") or _SCHEME.match(uri):
        return None
    elif uri.startswith("?"):
        path = base.path + uri
    elif not uri.startswith("/"):
        path = (base.path[: base.path.rfind("/") + 1] or "/") + uri
    path, mark, query = path.partition("?")
    if "/." in path:
        path = "/".join(("", *follow_dots(path[1:].split("/"))))
    return f"{origin}{path}{mark}{query}"
