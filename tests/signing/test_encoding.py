"""Encode as CloudFront and clients do, one way only: base64, paths, queries and URLs."""

from __future__ import annotations

import re
from functools import partial
from urllib.parse import unquote, unquote_to_bytes

import pytest
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

RESERVED = ["Expires", "Hash-Algorithm", "Key-Pair-Id", "Policy", "Signature"]

# What clients send: ORIGIN + left becomes ORIGIN + right.
ENCODED = [
    ("/image.jpg", "/image.jpg"),
    ("/a b.jpg", "/a%20b.jpg"),
    ("/a%2Fb.jpg", "/a%2Fb.jpg"),
    ("/a%2fb.jpg", "/a%2fb.jpg"),
    ("/a+b.jpg", "/a%2Bb.jpg"),
    ("/it's (1)!*~.jpg", "/it's%20(1)!*~.jpg"),
    ("/50%.jpg", "/50%25.jpg"),
    ("/%zz%4", "/%25zz%254"),
    ('/a"b\\c.jpg', "/a%22b%5Cc.jpg"),
    ("/a\x00\n\r\tb\x7f", "/a%00%0A%0D%09b%7F"),
    ("/<>^`{|}[]", "/%3C%3E%5E%60%7B%7C%7D%5B%5D"),
    ("/a&b=c;d,e:f@g$h", "/a&b=c;d,e:f@g$h"),
    ("/한글.pdf", "/%ED%95%9C%EA%B8%80.pdf"),
    # Composed and decomposed stay what they are.
    ("/caf\u00e9", "/caf%C3%A9"),
    ("/cafe\u0301", "/cafe%CC%81"),
    ("/x?name=a+b", "/x?name=a+b"),
    ("/x?name=it's", "/x?name=it%27s"),
    ("/x?u=%2fA", "/x?u=%2fA"),
    ("/x?a[]=1", "/x?a%5B%5D=1"),
    ("/x?y=1?z", "/x?y=1?z"),
    ('/x?q="\\', "/x?q=%22%5C"),
    ("/x?b&c=", "/x?b&c="),
    ("/x?a=1&&b", "/x?a=1&&b"),
    # A question mark alone goes; a path there always is.
    ("/x?", "/x"),
    ("/x??", "/x??"),
    ("", "/"),
    ("?a=1", "/?a=1"),
]


@pytest.mark.parametrize(
    ("sent", "host"),
    [
        (ORIGIN, ORIGIN),
        ("HTTPS://D111.Example.COM", "https://d111.example.com"),
        ("http://my_bucket.127.0.0.1:8001", "http://my_bucket.127.0.0.1:8001"),
    ],
)
def test_encode_url(sent: str, host: str) -> None:
    """Give the URL that goes over the wire (T18, T28), scheme and host in lowercase."""
    found = [(raw, encode_url(sent + raw)) for raw, _ in ENCODED]
    assert found == [(raw, host + expected) for raw, expected in ENCODED]


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


@pytest.mark.parametrize("query", ["{}=1", "{}", "a=1&{}=", "{}=1&a=2", "a&{}"])
def test_t27_reserved_parameter(query: str) -> None:
    """Refuse a URL that has a parameter of CloudFront, encoded or not, and name it (T27)."""
    assert sorted(RESERVED_PARAMETERS) == RESERVED
    spellings = {name: name for name in RESERVED} | {"%45xpires": "Expires", "%50olicy": "Policy"}
    for spelling, name in (spellings | {"Key%2DPair%2dId": "Key-Pair-Id"}).items():
        with pytest.raises(InvalidUrl, match=name):
            encode_url(f"{ORIGIN}/a?{query.format(spelling)}")


@pytest.mark.parametrize("query", ["expires=1", "Expire=1", "a=Expires", "a=b=Policy", "X-Policy="])
def test_names_that_only_look_reserved(query: str) -> None:
    """Accept other names: CloudFront's are known to be reserved as they are written."""
    assert encode_url(f"{ORIGIN}/a?{query}") == f"{ORIGIN}/a?{query}"


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
