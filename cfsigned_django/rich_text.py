"""Find the URLs of a storage's files in the HTML of an editor, and replace them.

Tags are read as browsers read them, in linear time: each expression below is named after the states
of the HTML Standard's tokenizer that it reads (https://html.spec.whatwg.org/#tokenization). What
noscript, svg, math and select change is not read: a sanitizer removes it. What a text may become
does not depend on it: a URL is replaced only by one with the same quotes, angle brackets and white
space, so each tag and attribute ends where it did, for every parser.
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

from django.core.files.storage import Storage

from cfsigned_django.logs import log_once
from cfsigned_django.signing.encoding import MAX_URL_LENGTH
from cfsigned_django.storage.site_storages import find_storage
from cfsigned_django.storage.urls import SignedUrlMixin

logger: Final = logging.getLogger("cfsigned_django.rich_text")

#: A longer text has pictures in base64. To sign more URLs than these would take seconds.
MAX_LENGTH: Final = 1024 * 1024
MAX_URLS: Final = 1000
_NOT_SIGNED: Final = (
    "The URLs in a text of up to %d MB were not signed: it has more than %d characters, or more "
    "than %d URLs of the storage. Store pictures as files, not in the text. This is logged once "
    "for each MB."
)

_FLAGS = re.ASCII | re.IGNORECASE | re.VERBOSE  # ASCII: otherwise, U+017F matches "s"

# The states of the tokenizer. None gives back what it has read (*+, ++, ?+): the time is linear.
# What has no end (a tag, a comment, <plaintext>) is no piece: browsers read nothing after it.
_S = r" \t\n\f\r"
_EQUALS = rf"[{_S}]*+ = [{_S}]*+"  # After attribute name, before attribute value
_VALUE = rf"""(?:"[^"]*+"?+ | '[^']*+'?+ | [^{_S}>"'][^{_S}>]*+)"""  # To the end without a quote
_ATTRIBUTE = rf"[^{_S}/>][^{_S}/=>]*+ (?:{_EQUALS} {_VALUE}?+)?+"  # A name may begin with =
_BETWEEN = rf"[{_S}/]++"  # Before attribute name, self-closing start tag
_ATTRIBUTES = rf"(?:{_BETWEEN} | {_ATTRIBUTE})*+"
_END = rf"(?![^{_S}/>])"  # Of the name of a tag
_DATA = r"[^<]++ | <(?![a-z/!?])"
_COMMENT = r"<!--(?:-?> | (?:[^-]++ | -(?!-!?>))*+ --!?>)"
_BOGUS_COMMENT = r"<(?:\? | !(?!--) | /(?![a-z]))[^>]*+>"  # Or a doctype, or CDATA
_OF_TEXT = ("textarea", "title", "style", "xmp", "iframe", "noembed", "noframes")
_TAG = rf"<(?!(?:script|plaintext|{'|'.join(_OF_TEXT)}){_END})/?[a-z][^{_S}/>]*+ {_ATTRIBUTES}>"
#: RCDATA and RAWTEXT, up to the end tag, which is the next piece.
_TEXT = " | ".join(
    rf"<{name}{_END}{_ATTRIBUTES}> (?:[^<]++ | <(?!/{name}{_END}))*+ (?=<)" for name in _OF_TEXT
)
# Script data: after "<!--", each "<script" needs a "</script" to end, unless "-->" comes first.
_ANY_ESCAPED = rf"[^<-]++ | -(?!->) | <(?!/script{_END})"
_DOUBLE_ESCAPED = rf"<script{_END} (?:{_ANY_ESCAPED})*+ (?:</script)?+"
_ESCAPED = rf"<!(?=--) (?:{_DOUBLE_ESCAPED} | {_ANY_ESCAPED})*+"
_SCRIPT = rf"<script{_END}{_ATTRIBUTES}> (?:[^<]++ | {_ESCAPED} | <(?!/script{_END}))*+ (?=<)"

_PIECE = rf"{_DATA} | {_TAG} | {_COMMENT} | {_BOGUS_COMMENT} | {_SCRIPT} | {_TEXT}"
_ONE, _PIECES = re.compile(_PIECE, _FLAGS), re.compile(rf"(?:{_PIECE})*+", _FLAGS)
_URL_TAG = re.compile(rf"<(?:img|source|video|audio|track|a){_END}({_ATTRIBUTES})>", _FLAGS)
_NAME = rf"(?:src|srcset|poster|href)(?![^{_S}/=])"
_URL_ATTRIBUTE = re.compile(
    rf"(?:{_BETWEEN} | (?!{_NAME}){_ATTRIBUTE})*+ ({_NAME}) (?:{_EQUALS} ({_VALUE}))?+", _FLAGS
)
_REFERENCE = re.compile(r"&(?:\#(?:\d++|x[\da-f]++);?|[a-z][a-z\d]*+(?:;|(?!=)))", _FLAGS)
#: A million of references, or of a % that begins no escape, take longer than the rest of a text.
_SLOW = re.compile(r"(?:(?:[^&%]++|%[\da-f]{2})*+[&%]){33}", _FLAGS)
_STRUCTURE = re.compile("[\0-\x20\x7f\"'<>`]")


def replace_urls(
    text: str,
    *,
    storage: str | Storage | SignedUrlMixin,
    replace: Callable[[str], str | None],
) -> str:
    """Return HTML with ``replace(name)`` instead of each URL of a file of this storage.

    These are the URLs in ``src``, ``srcset``, ``poster`` and ``href`` of ``img``,
    ``source``, ``video``, ``audio``, ``track`` and ``a``, signed or not. Their fragment
    stays, their query does not. All else stays byte for byte, and so do a URL for
    which ``replace`` returns None, one of more than 8,192 characters, or 32 character
    references and ``%`` that begin no escape, and a text of more than 1 MB (1,048,576
    characters) or 1,000 URLs of the storage, which is logged once for each size in MB.
    """
    signing = find_storage(storage)
    host = re.escape(urlsplit(signing.unsigned_url("x")).netloc)
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
    of_url = partial(_replace_url, storage=signing, replace=replace)
    parts, copied = [], 0
    for name, start, end in _values(text, [each.start() for each in found]):
        raw = text[start:end]
        # After "a&#44 ", what looks like a descriptor is a URL, since &#44 is a comma.
        in_set = spaced if "&#" in raw or "&comma;" in raw else dense
        urls = in_set if name == "srcset" else whole
        parts += [text[copied:start], urls.sub(lambda url: url[1] + of_url(url[2]), raw)]
        copied = end
    return "".join([*parts, text[copied:]])


def _values(text: str, found: list[int]) -> Iterator[tuple[str, int, int]]:
    """Yield what may have a URL of the tags around what was found: name, start and end."""
    at = 0
    for each in found:
        if each >= at:
            skipped = _PIECES.match(text, at, each + 1)
            at = skipped.end() if skipped else at
            tag = _URL_TAG.match(text, at)
            piece = tag or _ONE.match(text, at)
            if piece is None:
                return
            at = piece.end()
            if tag:
                yield from _attributes(text, *tag.span(1))


def _attributes(text: str, start: int, end: int) -> Iterator[tuple[str, int, int]]:
    """Yield the attributes that may have a URL: name, and where the value is."""
    seen: set[str] = set()
    for _ in range(16):  # A tag that repeats them a million times stays as it is.
        match = _URL_ATTRIBUTE.match(text, start, end)
        if match is None:
            return
        start, name, value = match.end(), match[1].lower(), match[2]
        if value and name not in seen:  # The first one counts.
            quote = 1 if value[0] in "\"'" else 0
            yield name, match.start(2) + quote, match.end(2) - quote
        seen.add(name)


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


def _character(reference: re.Match[str]) -> str:
    """Return what a browser reads for a character reference in an attribute."""
    if reference[0][1] == "#":
        return html.unescape(reference[0]) or "\0"
    return html5.get(reference[0][1:], reference[0])
