"""Find the URLs of a storage's files in the HTML of an editor, and replace them.

Tags are read as browsers read them (HTML Standard, "Tokenization"), in linear time, but for what
noscript, svg, math and select change: a sanitizer removes it. What a text may become does not
depend on it: a URL is replaced only by one with the same quotes, angle brackets and white space, so
each tag and attribute ends where it did, for every parser.
"""

from __future__ import annotations

import html
import logging
import re
from collections.abc import Callable, Iterator
from functools import partial
from html.entities import html5
from itertools import islice
from typing import Final
from urllib.parse import urlsplit

from cfsigned_django.logs import log_once
from cfsigned_django.signing.encoding import MAX_URL_LENGTH
from cfsigned_django.storage.urls import SignedUrlMixin

logger = logging.getLogger("cfsigned_django.rich_text")

#: A longer text has pictures in base64. To sign more URLs than these would take seconds.
MAX_LENGTH: Final = 1024 * 1024
MAX_URLS: Final = 1000
_NOT_SIGNED: Final = (
    "The URLs in a text of up to %d MB were not signed: it has more than %d characters, or more "
    "than %d URLs of the storage. Store pictures as files, not in the text. This is logged once "
    "for each MB."
)

_FLAGS = re.ASCII | re.IGNORECASE | re.VERBOSE  # ASCII: otherwise, U+017F matches "s"
_S = r"\ \t\n\f\r"
_END = rf"(?![^{_S}/>])"  # of the name of a tag
_VALUE = rf"""=[{_S}]*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|[^{_S}>"'][^{_S}>]*+)?"""
# Names without a value are skipped together: a tag may have a million of them.
_ATTRIBUTES = rf"""(?:[^=>]++(?<=[^{_S}/]){_VALUE} | (?=[^=>]*+=)(?:[^=>]*[^{_S}/=>][{_S}]*+{_VALUE}
    | [^=>]*+=[^{_S}/=>]*+(?:[{_S}]*+{_VALUE})?))*+[^=>]*+"""
# In a script, "<!-- <script" needs a separate </script>, unless "-->" comes first.
_INNER = rf"<script{_END}(?:[^<-]++|-(?!->)|<(?!/script{_END}))*+(?:</script)?"
_HIDDEN = rf"<!(?=--)(?:[^<-]++|-(?!->)|{_INNER}|<(?!/script{_END}))*+"
_OF_TEXT = ("textarea", "title", "style", "xmp", "iframe", "noembed", "noframes")
_WITH_TEXT = "|".join(
    rf"<{each}{_END}{_ATTRIBUTES}>(?:[^<]++|<(?!/{each}{_END}))*+(?=<)" for each in _OF_TEXT
)
#: Text, a tag, a comment, or a start tag with what no browser reads as markup. What has no end
#: (a tag, a comment, <plaintext>) is none: browsers read nothing after it.
_PIECE = rf"""[^<]++ | <(?![a-z/!?])
    | <(?!(?:script|plaintext|{"|".join(_OF_TEXT)}){_END})/?[a-z][^{_S}/>]*+{_ATTRIBUTES}>
    | <!--(?:-?>|(?:[^-]++|-(?!-!?>))*+--!?>) | <(?:\?|!(?!--)|/(?![a-z]))[^>]*+>
    | <script{_END}{_ATTRIBUTES}>(?:[^<]++|{_HIDDEN}|<(?!/script{_END}))*+(?=<) | {_WITH_TEXT}"""
_ONE, _SEVERAL = re.compile(_PIECE, _FLAGS), re.compile(rf"(?:{_PIECE})*+", _FLAGS)
_TAG = re.compile(rf"<(?:img|source|video|audio|track|a){_END}({_ATTRIBUTES})>", _FLAGS)
_NAME = rf"(?:src|srcset|poster|href)(?![^{_S}/=])"
#: The next attribute that may have a URL, and its value without quotes.
_ATTRIBUTE = re.compile(
    rf"""(?:[{_S}/]++ | (?!{_NAME})[^{_S}/>][^{_S}/=>]*+(?:[{_S}]*+{_VALUE})?)*+({_NAME})
    (?:[{_S}]*+=[{_S}]*+(?:"([^"]*+)"|'([^']*+)'|([^{_S}>"'][^{_S}>]*+))?)?""",
    _FLAGS,
)
_REFERENCE = re.compile(r"&(?:\#(?:\d++|x[\da-f]++);?|[a-z][a-z\d]*+(?:;|(?!=)))", _FLAGS)
#: A million of references, or of a % that begins no escape, take longer than the rest of a text.
_SLOW = re.compile(r"(?:(?:[^&%]++|%[\da-f]{2})*+[&%]){33}", _FLAGS)
_STRUCTURE = re.compile("[\0-\x20\x7f\"'<>`]")


def replace_urls(
    text: str, *, storage: SignedUrlMixin, replace: Callable[[str], str | None]
) -> str:
    """Return HTML with ``replace(name)`` instead of each URL of a file of this storage.

    These are the URLs in ``src``, ``srcset``, ``poster`` and ``href`` of ``img``,
    ``source``, ``video``, ``audio``, ``track`` and ``a``, signed or not. Their fragment
    stays, their query does not. All else stays byte for byte, and so do a URL for
    which ``replace`` returns None, one of more than 8,192 characters, or 32 character
    references and ``%`` that begin no escape, and a text of more than 1 MB (1,048,576
    characters) or 1,000 URLs of the storage, which is logged once for each size in MB.
    """
    host = re.escape(urlsplit(storage.unsigned_url("x")).netloc)
    found = list(islice(re.finditer(f"//{host}/", text, _FLAGS), MAX_URLS + 1))
    if len(text) > MAX_LENGTH or len(found) > MAX_URLS:
        # Not the exact length: an author who adds a letter each time would write a line each time.
        log_once(logger.warning, _NOT_SIGNED, len(text) // MAX_LENGTH + 1, MAX_LENGTH, MAX_URLS)
        return text
    own = f"(?:https?:)?//{host}/"
    whole = re.compile(rf"\A([{_S}]*+)({own}(?:[{_S}]*+[^{_S}]++)*+)", _FLAGS)
    # A candidate begins after white space, or after the descriptor of another and a comma. The URL
    # of another host may have commas, and ours in it.
    begins, descriptor = rf"(?<![^{_S}])", rf"(?<=[^{_S},;][{_S}])[\d.]++[wxh],++"
    # A comma at its end is not of the URL. Where that is a character reference, the URL stays.
    ends = rf"(?<!&comma;)(?<!&\#44)(?<!&\#44;)(?<!&\#x2c)(?<!&\#x2c;)(?=,*+(?:[{_S}]|\Z))"
    spaced, dense = (
        re.compile(rf"{begins}({before})({own}[^{_S}]*[^{_S},]){ends}", _FLAGS)
        for before in (",*+", f",*+|{descriptor}")
    )
    of_url = partial(_replace_url, storage=storage, replace=replace)
    parts, copied, at = [], 0, 0
    for each in found:
        if each.start() < at:
            continue
        skipped = _SEVERAL.match(text, at, each.start() + 1)
        at = skipped.end() if skipped else at
        tag = _TAG.match(text, at)
        piece = tag or _ONE.match(text, at)
        if piece is None:
            break
        at = piece.end()
        for name, start, end in _attributes(text, *tag.span(1)) if tag else ():
            raw = text[start:end]
            # After "a&#44 ", what looks like a descriptor is a URL, since &#44 is a comma.
            in_set = spaced if "&#" in raw or "&comma;" in raw else dense
            urls = in_set if name == "srcset" else whole
            parts += [text[copied:start], urls.sub(lambda url: url[1] + of_url(url[2]), raw)]
            copied = end
    return "".join([*parts, text[copied:]])


def _replace_url(raw: str, *, storage: SignedUrlMixin, replace: Callable[[str], str | None]) -> str:
    """Return what replaces the URL of an attribute: the URL itself, if nothing does."""
    if len(raw) > MAX_URL_LENGTH or _SLOW.match(raw):
        return raw
    try:
        url = _REFERENCE.sub(_character, raw)
        name = storage.name_of(url)
    except ValueError:
        return raw
    replaced = None if name.endswith("/") else replace(name)
    if replaced is None:
        return raw
    new = html.escape(replaced + "".join(url.partition("#")[1:]), quote="'" not in raw)
    return new if _STRUCTURE.findall(new) == _STRUCTURE.findall(raw.replace(" ", "")) else raw


def _attributes(text: str, start: int, end: int) -> Iterator[tuple[str, int, int]]:
    """Yield the attributes that may have a URL: name, and where the value is."""
    seen: set[str] = set()
    for _ in range(16):  # A tag that repeats them a million times stays as it is.
        match = _ATTRIBUTE.match(text, start, end)
        if match is None:
            return
        name, start = match[1].lower(), match.end()
        if name not in seen and match.lastindex != 1:  # The first one counts.
            yield name, *match.span(match.lastindex or 1)
        seen.add(name)


def _character(reference: re.Match[str]) -> str:
    """Return what a browser reads for a character reference in an attribute."""
    if reference[0][1] == "#":
        return html.unescape(reference[0]) or "\0"
    return html5.get(reference[0][1:], reference[0])
