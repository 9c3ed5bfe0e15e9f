"""Read a URL as people paste it, and say what came along with it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import unquote

from cfsigned_django.doctor.catalog import finding
from cfsigned_django.doctor.findings import Finding

SUBJECT = "URL"

_HTML_AMPERSAND = re.compile(r"&(?:amp;)+|&#0*38;|&#x0*26;", re.IGNORECASE)
_LINE_BREAK = re.compile(r"[ \t]*[\r\n][ \t\r\n]*")
_SECRET = re.compile(
    r"(?:signature|x-amz-security-token|x-amz-credential|awsaccesskeyid)(?:=|%3D)([^&\s\"'<>\\]+)",
    re.IGNORECASE,
)
# Shorter than any signature, longer than a word that may stand elsewhere too.
_SHORTEST_SECRET = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Pasted:
    """A URL, and what was found while it was freed from what is not part of it."""

    url: str
    findings: tuple[Finding, ...] = ()

    def read_as(self, url: str, kind_id: str, what: str) -> Pasted:
        """Return the URL as it reads now, with a finding if that is another."""
        if url == self.url:
            return self
        return Pasted(url=url, findings=(*self.findings, finding(kind_id, what, subject=SUBJECT)))


def read_pasted(text: str) -> Pasted:
    """Return the URL in a text: without quotes, breaks and foreign escapes."""
    pasted = Pasted(url=text)
    pasted = pasted.read_as(
        _without_surroundings(text), "url-copied", "There are characters around the URL."
    )
    pasted = pasted.read_as(
        _LINE_BREAK.sub("", pasted.url), "url-copied", "There is a line break within the URL."
    )
    pasted = pasted.read_as(
        _decode_whole(pasted.url), "url-double-encoded", "The whole URL is percent-encoded."
    )
    pasted = pasted.read_as(
        _HTML_AMPERSAND.sub("&", pasted.url),
        "url-html-escaped",
        "The URL has &amp; where & belongs.",
    )
    pasted = pasted.read_as(
        re.sub(r"\\u0026", "&", pasted.url, flags=re.IGNORECASE).replace("\\/", "/"),
        "url-json-escaped",
        "The URL is escaped for JSON or JavaScript.",
    )
    pasted = pasted.read_as(
        pasted.url.replace("\\", ""), "url-copied", "There are backslashes in the URL."
    )
    return pasted.read_as(
        _encode_spaces(pasted.url), "url-copied", "There are spaces within the URL."
    )


def secrets_in(text: str) -> tuple[str, ...]:
    """Return the signatures and the like in a text, in every form that may be shown."""
    readings = [text, _LINE_BREAK.sub("", text), unquote(text), unquote(unquote(text))]
    found = {each for reading in readings for each in _SECRET.findall(reading)}
    found |= {unquote(each) for each in found}
    return tuple(sorted((each for each in found if len(each) >= _SHORTEST_SECRET), key=len))[::-1]


def hide_secrets(found: Finding, secrets: tuple[str, ...]) -> Finding:
    """Return a finding that shows none of the secrets."""
    what = found.what
    for secret in secrets:
        what = what.replace(secret, "(hidden)")
    return replace(found, what=what)


def _without_surroundings(text: str) -> str:
    text = text.strip()
    begin = re.search(r"https?(?:://|%3A%2F%2F|:\\/\\/)", text, re.IGNORECASE)
    if begin is None:
        return text
    before, text = text[: begin.start()], text[begin.start() :]
    if before[-1:] in ("'", '"', "<", "`", "("):
        closing = {"<": ">", "(": ")"}.get(before[-1], before[-1])
        text = text.partition(closing)[0]
    # None of these ends a signature, and some end a sentence.
    return text.rstrip(" \t\"'`<>.,;") if "Signature" in text else text.rstrip(" \t\"'`<>")


def _decode_whole(url: str) -> str:
    return unquote(url) if re.match(r"https?%3A", url, re.IGNORECASE) else url


def _encode_spaces(url: str) -> str:
    """Encode spaces of the path as browsers do, and drop those of the query: none is signed."""
    address, question, query = url.partition("?")
    return re.sub(r"\s", "%20", address) + question + re.sub(r"\s", "", query)
