"""Read a URL as people paste it, and note what does not belong to it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import unquote

from cfsigned_django.tools.catalog import finding
from cfsigned_django.tools.findings import Finding

SUBJECT = "URL"

_HTML_AMPERSAND = re.compile(r"&(?:amp;)+|&#0*38;|&#x0*26;", re.IGNORECASE)
_LINE_BREAK = re.compile(r"[ \t]*[\r\n][ \t\r\n]*")
_SECRET = re.compile(
    r"(?:signature|x-amz-security-token|x-amz-credential|awsaccesskeyid)(?:=|%3D)([^&\s\"'<>\\]+)",
    re.IGNORECASE,
)
# Shorter than any signature, but longer than words that may also appear elsewhere.
_SHORTEST_SECRET = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Pasted:
    """A URL, and the findings about what was removed from it."""

    url: str
    findings: tuple[Finding, ...] = ()

    def read_as(self, url: str, kind_id: str, **values: str) -> Pasted:
        """Return a copy with another URL, and with a finding if that differs."""
        if url == self.url:
            return self
        return Pasted(url=url, findings=(*self.findings, finding(kind_id, SUBJECT, **values)))


def read_pasted(text: str) -> Pasted:
    """Return the URL in a text, without quotes, line breaks and escapes around it."""
    pasted = Pasted(url=text)
    around = "other characters around it"
    pasted = pasted.read_as(_without_surroundings(text), "url-copied", extra=around)
    pasted = pasted.read_as(_LINE_BREAK.sub("", pasted.url), "url-copied", extra="a line break")
    pasted = pasted.read_as(_decode_whole(pasted.url), "url-double-encoded", part="The whole URL")
    unescaped = _HTML_AMPERSAND.sub("&", pasted.url)
    pasted = pasted.read_as(unescaped, "url-escaped", escapes="&amp; in place of &")
    unescaped = re.sub(r"\\u0026", "&", pasted.url, flags=re.IGNORECASE).replace("\\/", "/")
    pasted = pasted.read_as(unescaped, "url-escaped", escapes="\\u0026 or \\/, as in JSON")
    pasted = pasted.read_as(pasted.url.replace("\\", ""), "url-copied", extra="backslashes")
    return pasted.read_as(_encode_spaces(pasted.url), "url-copied", extra="spaces")


def secrets_in(text: str) -> tuple[str, ...]:
    """Return the signatures and other secrets in a text, in every form that may be shown."""
    readings = [text, _LINE_BREAK.sub("", text), unquote(text), unquote(unquote(text))]
    found = {each for reading in readings for each in _SECRET.findall(reading)}
    found |= {unquote(each) for each in found}
    return tuple(sorted((each for each in found if len(each) >= _SHORTEST_SECRET), key=len))[::-1]


def hide_secrets(found: Finding, secrets: tuple[str, ...]) -> Finding:
    """Return a finding without the secrets."""
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
    # Some of these end a sentence, but none of them ends a signature.
    return text.rstrip(" \t\"'`<>.,;") if "Signature" in text else text.rstrip(" \t\"'`<>")


def _decode_whole(url: str) -> str:
    return unquote(url) if re.match(r"https?%3A", url, re.IGNORECASE) else url


def _encode_spaces(url: str) -> str:
    """Encode the spaces of the path as browsers do, and remove those of the query."""
    address, question, query = url.partition("?")
    return re.sub(r"\s", "%20", address) + question + re.sub(r"\s", "", query)
