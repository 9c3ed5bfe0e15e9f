"""Encode as CloudFront and clients do, one way only."""

from __future__ import annotations

import re
from urllib.parse import unquote, unquote_to_bytes

import pytest
from hypothesis import assume, example, given, strategies as st

from cfsigned_django.signing import InvalidUrl
from cfsigned_django.signing.encoding import (
    RESERVED_PARAMETERS,
    encode_path,
    encode_query,
    encode_url,
    split_query,
)
from tests.signing.cases import ORIGIN

# RFC 3986: pchar and "/" make a path, "?" may stand in a query as well.
PATH = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*", re.ASCII)
QUERY = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*", re.ASCII)
# Text as it stands in a name, with more of what means something in a URL.
TEXT = st.text(
    st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from(" %25+&=/?'[]\"\\é한~*"))
)

RESERVED = ["Expires", "Hash-Algorithm", "Key-Pair-Id", "Policy", "Signature"]

# What clients send for it: https://ORIGIN + left becomes https://ORIGIN + right.
ENCODED = [
    ("/image.jpg", "/image.jpg"),
    ("/a b.jpg", "/a%20b.jpg"),
    ("/a%20b.jpg", "/a%20b.jpg"),
    ("/a%2Fb.jpg", "/a%2Fb.jpg"),
    ("/a%2fb.jpg", "/a%2fb.jpg"),
    ("/a+b.jpg", "/a%2Bb.jpg"),
    ("/it's (1)!*~.jpg", "/it's%20(1)!*~.jpg"),
    ("/50%.jpg", "/50%25.jpg"),
    ("/%zz%4", "/%25zz%254"),
    ("/%%41", "/%25%41"),
    ('/a"b\\c.jpg', "/a%22b%5Cc.jpg"),
    ("/a\x00\n\r\tb\x7f", "/a%00%0A%0D%09b%7F"),
    ("/<>^`{|}[]", "/%3C%3E%5E%60%7B%7C%7D%5B%5D"),
    ("/a&b=c;d,e:f@g$h", "/a&b=c;d,e:f@g$h"),
    ("/한글.pdf", "/%ED%95%9C%EA%B8%80.pdf"),
    # Composed and decomposed stay what they are.
    ("/caf\u00e9", "/caf%C3%A9"),
    ("/cafe\u0301", "/cafe%CC%81"),
    ("/\U0001f600", "/%F0%9F%98%80"),
    ("/x?name=a b", "/x?name=a%20b"),
    ("/x?name=a+b", "/x?name=a+b"),
    ("/x?name=it's", "/x?name=it%27s"),
    ("/x?u=%2fA", "/x?u=%2fA"),
    ("/x?a[]=1", "/x?a%5B%5D=1"),
    ("/x?y=1?z", "/x?y=1?z"),
    ("/x?name=한", "/x?name=%ED%95%9C"),
    ('/x?q="\\', "/x?q=%22%5C"),
    ("/x?b&c=", "/x?b&c="),
    ("/x?a=1&&b", "/x?a=1&&b"),
    # A question mark alone goes; a path there always is.
    ("/x?", "/x"),
    ("/x??", "/x??"),
    ("", "/"),
    ("?", "/"),
    ("?a=1", "/?a=1"),
    ("//x", "//x"),
]


@pytest.mark.parametrize(("raw", "expected"), ENCODED, ids=[ascii(raw) for raw, _ in ENCODED])
def test_encode_url(raw: str, expected: str) -> None:
    """Give the URL that goes over the wire (T18, T28)."""
    assert encode_url(ORIGIN + raw) == ORIGIN + expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("HTTPS://D111.Example.COM/A?B=C", "https://d111.example.com/A?B=C"),
        ("http://127.0.0.1:8001/a", "http://127.0.0.1:8001/a"),
        ("https://my_bucket.example.com/a", "https://my_bucket.example.com/a"),
    ],
)
def test_encode_host(url: str, expected: str) -> None:
    """Lower scheme and host, and keep the port."""
    assert encode_url(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/image.jpg",
        "image.jpg",
        "//h/a",
        "ftp://h/a",
        "https:/h/a",
        "https:///a",
        "https://?a",
        "https://user:secret@h/a",
        "https://user@h/a",
        "https://한글.example/a",
        "https://\u212aey.example/a",
        "https://h h/a",
        "https://h\\a",
        "https://h:port/a",
        "https://h:123456/a",
        "https://[::1]/a",
        "https://*.example.com/a",
        " https://h/a",
        "https://h\n/a",
    ],
)
def test_t28_no_absolute_url(url: str) -> None:
    """Refuse what is no absolute URL with a plain host (T28)."""
    with pytest.raises(InvalidUrl, match="must be absolute"):
        encode_url(url)


@pytest.mark.parametrize("url", [f"{ORIGIN}/a#b", f"{ORIGIN}/#", "#", f"{ORIGIN}/a?b#c"])
def test_t28_fragment(url: str) -> None:
    """Refuse a fragment, and name the way to encode a # (T28)."""
    with pytest.raises(InvalidUrl, match=r"fragment.*%23"):
        encode_url(url)


@pytest.mark.parametrize("part", ["/\ud800.jpg", "/x?a=\udfff"])
def test_t28_lone_surrogate(part: str) -> None:
    """Refuse text that has no UTF-8 form (T28)."""
    with pytest.raises(InvalidUrl, match="surrogate"):
        encode_url(ORIGIN + part)


@pytest.mark.parametrize("name", RESERVED)
@pytest.mark.parametrize("query", ["{}=1", "{}", "a=1&{}=", "{}=1&a=2", "a&{}"])
def test_t27_reserved_parameter(name: str, query: str) -> None:
    """Refuse a URL that already has a parameter of CloudFront, and name it (T27)."""
    with pytest.raises(InvalidUrl, match=f"already has a parameter {name},"):
        encode_url(f"{ORIGIN}/a?{query.format(name)}")


@pytest.mark.parametrize("name", ["%45xpires", "Key%2DPair%2dId", "%53%69gnature"])
def test_t27_encoded_reserved_parameter(name: str) -> None:
    """Refuse a parameter of CloudFront in percent-encoding too (T27)."""
    with pytest.raises(InvalidUrl, match="already has a parameter"):
        encode_url(f"{ORIGIN}/a?{name}=1")


@pytest.mark.parametrize("query", ["expires=1", "Expire=1", "a=Expires", "a=b=Policy", "X-Policy="])
def test_names_that_only_look_reserved(query: str) -> None:
    """Accept other names: CloudFront's are known to be reserved as they are written."""
    assert encode_url(f"{ORIGIN}/a?{query}") == f"{ORIGIN}/a?{query}"


def test_reserved_parameters() -> None:
    """Reserve the names of both kinds of policy, and no other."""
    assert sorted(RESERVED_PARAMETERS) == RESERVED


def test_long_url_takes_no_time() -> None:
    """Look at a long name with a query in linear time."""
    url = f"{ORIGIN}/{'a' * 100_000}?x=1"
    assert encode_url(url) == url


def test_split_query() -> None:
    """Part a query without decoding or moving anything."""
    query = "a=1&Expires=2&&Signature&b=Policy=3&%45xpires=4"
    assert split_query(query) == (
        ["Expires=2", "Signature"],
        ["a=1", "", "b=Policy=3", "%45xpires=4"],
    )


@given(TEXT)
@example("%")
@example("%E0\u00e9")
def test_encoded_path_property(text: str) -> None:
    """Give a path of RFC 3986, the same when encoded again, and the same bytes when decoded."""
    encoded = encode_path(text)
    assert PATH.fullmatch(encoded)
    assert encode_path(encoded) == encoded
    assert unquote_to_bytes(encoded) == unquote_to_bytes(text)


def _is_free(query: str) -> bool:
    """Tell whether no parameter is CloudFront's: such a query is refused, as tests above show."""
    names = {unquote(segment.partition("=")[0]) for segment in query.split("&")}
    return not names & RESERVED_PARAMETERS


@given(TEXT)
def test_encoded_query_property(text: str) -> None:
    """Give a query of RFC 3986, the same when encoded again, and the same bytes when decoded."""
    assume(_is_free(text))
    encoded = encode_query(text)
    assert QUERY.fullmatch(encoded)
    assert "'" not in encoded
    assert encode_query(encoded) == encoded
    assert unquote_to_bytes(encoded) == unquote_to_bytes(text)


@given(TEXT, TEXT)
def test_encoded_url_property(path: str, query: str) -> None:
    """Encode a whole URL once: the result is ASCII, and encoding it again changes nothing."""
    url = f"{ORIGIN}/{path}?{query}".replace("#", "%23")
    assume(_is_free(url.partition("?")[2]))
    encoded = encode_url(url)
    assert encoded.isascii()
    assert encoded.isprintable()
    assert " " not in encoded
    assert encode_url(encoded) == encoded
