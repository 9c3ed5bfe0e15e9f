"""Sign the URIs in an HLS playlist (RFC 8216, and its second edition, rfc8216bis).

A playlist is a list of lines: comments, tags that begin with ``#EXT``, and
URIs. Some tags have URIs in their attributes. Everything else stays as it is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from cfsigned_django.signing.exceptions import InvalidPlaylist, InvalidUrl
from cfsigned_django.signing.resource import follow_dots

#: The tags of rfc8216bis, section 4.4, that have a URI among their attributes.
_TAGS = (
    "#EXT-X-CONTENT-STEERING:",
    "#EXT-X-I-FRAME-STREAM-INF:",
    "#EXT-X-KEY:",
    "#EXT-X-MAP:",
    "#EXT-X-MEDIA:",
    "#EXT-X-PART:",
    "#EXT-X-PRELOAD-HINT:",
    "#EXT-X-RENDITION-REPORT:",
    "#EXT-X-SESSION-DATA:",
    "#EXT-X-SESSION-KEY:",
)
# Some packagers write attributes behind it.
_START = re.compile("\ufeff?#EXTM3U(?:[ \t][^\r\n]*)?(?=[\r\n]|$)")
# Attributes are read one after another: a quoted text may contain what looks like a URI attribute.
_ATTRIBUTE = re.compile(r'(?<![\w-])([A-Z0-9-]+)=(?:"([^"]*)"|[^,"]*)')
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Base:
    """The URL of a playlist, against which its URIs are resolved."""

    protocol: str
    #: How the URL begins, up to the slash, in lower case.
    origin: str
    path: str
    #: The path up to the last slash, and with it.
    folder: str

    @classmethod
    def of(cls, url: str) -> Self:
        base = urlsplit(url)
        if base.scheme not in ("http", "https") or not base.netloc:
            raise InvalidUrl(
                f"The base URL {url!r} must be the absolute URL of the playlist, such as "
                "https://media.example.com/videos/42/master.m3u8"
            )
        return cls(
            protocol=base.scheme,
            origin=f"{base.scheme}://{base.netloc}".lower(),
            path=base.path,
            folder=base.path[: base.path.rfind("/") + 1] or "/",
        )

    def resolve(self, uri: str) -> str | None:
        """Return the absolute URL of a URI in the playlist; None if another host serves it."""
        # Not urljoin(): it also joins slashes, and S3 keeps a//b apart from a/b.
        start = uri[:1]
        if uri[:2] == "//" or (":" in uri and _SCHEME.match(uri)):
            url = f"{self.protocol}:{uri}" if start == "/" else uri
            end = len(self.origin)
            if url[: end + 1].lower() != f"{self.origin}/":
                return None
            path = url[end:]
        elif start == "/":
            path = uri
        elif start == "?":
            path = self.path + uri
        elif start:
            path = self.folder + uri
        else:
            return None
        if "/." in path:
            path, mark, query = path.partition("?")
            path = "/".join(("", *follow_dots(path[1:].split("/")))) + mark + query
        return self.origin + path


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
    if not _START.match(text):
        raise InvalidPlaylist(
            "The text is not an HLS playlist: its first line must be #EXTM3U. For another format, "
            "such as DASH, set signed cookies for the folder of the video."
        )
    base, count = _Base.of(base_url), 0
    limit = math.inf if max_uris is None else max_uris

    def sign_uri(uri: str) -> str:
        nonlocal count
        if "{$" in uri:
            raise InvalidPlaylist(
                f"The URI {uri[:200]!r} has a variable, which only a player can replace "
                "(EXT-X-DEFINE). Write the URI without variables."
            )
        url = base.resolve(uri)
        if url is None:
            return uri
        count += 1
        if count > limit:
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

    def sign_line(line: str) -> str:
        if line.startswith("#"):
            return _ATTRIBUTE.sub(sign_attribute, line) if line.startswith(_TAGS) else line
        uri = line.strip(" \t\r")
        if not uri or uri.startswith("#"):
            return line
        url = sign_uri(uri)
        return url if uri == line else line.replace(uri, url)

    # Not splitlines(), which knows other ends of a line, too.
    end = "\n" if "\n" in text else "\r"
    first, *lines = text.split(end)
    return end.join([first, *map(sign_line, lines)])
