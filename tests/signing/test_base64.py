"""Write CloudFront's base64 and read it in its one spelling."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, strategies as st

from cfsigned_django.signing.encoding import decode_base64, encode_base64


@given(st.binary(max_size=100))
def test_base64_property(data: bytes) -> None:
    """Write base64 with AWS's three replacements, and read the same bytes again."""
    text = encode_base64(data)
    assert text == base64.b64encode(data).decode().translate(str.maketrans("+=/", "-_~"))
    assert decode_base64(text) == data


@given(st.text("AQgw-~_+/= \nabZ9", max_size=9))
def test_base64_has_one_spelling(text: str) -> None:
    """Decode no text but the one that the encoder gives for the bytes."""
    try:
        data = decode_base64(text)
    except ValueError:
        return
    assert encode_base64(data) == text


@pytest.mark.parametrize(
    "text",
    [
        "QQ",  # no padding
        "QQ=_",
        "QQ==",  # standard padding
        "QR__",  # bits beyond the last byte
        "QUF_",
        "Q___",
        "____",
        "QQ__QQ__",
        "QQ__\n",
        " QQ__",
        "QQ _",
        "+A__",
        "/A__",
        "QQ__A",
        "!!!!",
        "QQ한_",
        "\u0661\u0661\u0661\u0661",
    ],
)
def test_base64_refusals(text: str) -> None:
    """Refuse other alphabets, wrong padding, white space and bits that count for nothing."""
    with pytest.raises(ValueError, match="CloudFront base64"):
        decode_base64(text)
