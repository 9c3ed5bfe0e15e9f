"""Encode any URL as clients send it.

Single characters are in tests/vectors/sign-encoding.json.
"""

from __future__ import annotations

import re
from functools import partial
from urllib.parse import unquote, unquote_to_bytes

from hypothesis import assume, example, given, strategies as st

from cfsigned_django.signing import InvalidUrl
from cfsigned_django.signing.encoding import (
    RESERVED_PARAMETERS,
    encode_url,
)
from tests.characters import CHARACTERS
from tests.signing.cases import ORIGIN
from tests.storage_cases import not_refused

# RFC 3986: pchar and "/" make a path, "?" may stand in a query as well; "'" is encoded there.
PATH = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*", re.ASCII)
QUERY = re.compile(r"(?:[A-Za-z0-9._~!$&()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*", re.ASCII)
# Text as it stands in a name, with more of what means something in a URL.
TEXT = st.text(st.one_of(CHARACTERS, st.sampled_from(" %25+&=/?'[]\"\\é한~*")))


def test_host() -> None:
    """Keep a port and an underscore, which local servers have, and no case."""
    assert encode_url("HTTP://My_bucket.127.0.0.1:8001") == "http://my_bucket.127.0.0.1:8001/"


#: URLs without a plain host, with a fragment, or with a lone surrogate.
UNFIT: list[str] = [
    *("", "/image.jpg", "image.jpg", "//h/a", "ftp://h/a", "https:/h/a", "https:///a"),
    *("https://?a", "https://user:secret@h/a", "https://user@h/a", "https://한글.example/a"),
    *("https://\u212aey.example/a", "https://h h/a", "https://h\\a", "https://h:port/a"),
    *("https://h:123456/a", "https://[::1]/a", "https://*.example.com/a", " https://h/a"),
    "https://h\n/a",
    *(f"{ORIGIN}/a#b", f"{ORIGIN}/#", "#", f"{ORIGIN}/a?b#c"),
    *(f"{ORIGIN}/\ud800.jpg", f"{ORIGIN}/x?a=\udfff"),
]


def test_t28_unfit_url() -> None:
    """Refuse a URL without a plain host, with a fragment or with a lone surrogate (T28)."""
    assert [each for each in UNFIT if not_refused(InvalidUrl, "", partial(encode_url, each))] == []


@given(TEXT, TEXT)
@example("%", "%E0\u00e9")
@example("%E0\u00e9", "%")
def test_encoded_url_property(path: str, query: str) -> None:
    """Give a URL of RFC 3986, the same when encoded again, and the same bytes when decoded."""
    path, query = f"{path}?{query}".replace("#", "%23").split("?", 1)
    names = {unquote(segment.partition("=")[0]) for segment in query.split("&")}
    assume(not names & RESERVED_PARAMETERS)  # Such a query is refused, as shown above.
    encoded = encode_url(f"{ORIGIN}/{path}?{query}")
    encoded_path, _, encoded_query = encoded.removeprefix(f"{ORIGIN}/").partition("?")
    assert PATH.fullmatch(encoded_path)
    assert QUERY.fullmatch(encoded_query)
    assert unquote_to_bytes(encoded_path) == unquote_to_bytes(path)
    assert unquote_to_bytes(encoded_query) == unquote_to_bytes(query)
    assert encode_url(encoded) == encoded
