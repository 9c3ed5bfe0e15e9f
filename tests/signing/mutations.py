"""Damage requests, and say by other means than the verifier what must come of it."""

from __future__ import annotations

import base64
import binascii
import json
import random
import re
from collections.abc import Callable, Mapping
from typing import TypeAlias
from urllib.parse import unquote

Mutation: TypeAlias = Callable[[str, int, random.Random], str]

NAMES = ("Expires", "Policy", "Signature", "Key-Pair-Id", "Hash-Algorithm")

_URL = re.compile(r"([a-z]+)://([^/?]*)([^?]*)(\?.*)?", re.ASCII | re.DOTALL | re.IGNORECASE)
# What is put in: ordinary characters, those with a meaning in a URL or in
# base64, and some that no client sends.
_CHARACTERS = "abzAMZ0159-_~.%&=?/:#+;,!*'\"\\ @|\x00\n\x7fé\u212a한"


def meaning(url: str) -> object:
    """Return what a request asks for: URLs of equal meaning are the same request.

    Scheme and host have no case, CloudFront's parameters have no order, stand
    among the others as they like and are percent-decoded; SHA1 is assumed;
    Expires does not count beside Policy. Nothing else is free.
    """
    match = _URL.fullmatch(url)
    if match is None:
        return url
    scheme, host, path, query = match.groups()
    found = [segment.partition("=")[::2] for segment in (query or "")[1:].split("&")]
    values = {name: unquote(value) for name, value in found if name in NAMES}
    if len(values) != sum(name in NAMES for name, _ in found):
        return url
    own = tuple(pair for pair in found if pair[0] not in NAMES)
    origin = f"{scheme}://{host}"
    return origin.lower() if origin.isascii() else origin, path, own, _what_counts(values)


def meaning_of_cookies(cookies: Mapping[str, str]) -> object:
    """Return what cookies say, those of other names left out."""
    prefix = "CloudFront-"
    return _what_counts(
        {
            name.removeprefix(prefix): value
            for name, value in cookies.items()
            if name.startswith(prefix) and name.removeprefix(prefix) in NAMES
        }
    )


def expected_codes(url: str) -> set[str]:
    """Return the codes that a refused URL may have: as a rule one."""
    origin = re.match("https?://[^/?]*", url, re.ASCII | re.IGNORECASE)
    if origin is None or not (origin[0].isascii() or re.match("https?://", url)):
        return {"AccessDenied"}
    query = url.partition("?")[2]
    found = [segment.partition("=")[::2] for segment in query.split("&")]
    found = [(name, unquote(value)) for name, value in found if name in NAMES]
    if len(dict(found)) < len(found):
        return {"AccessDenied"}
    return expected_codes_of_values(dict(found))


def expected_codes_of_values(values: Mapping[str, str]) -> set[str]:
    """Return the codes for a request with these values, which is to be refused."""
    key_pair_id = values.get("Key-Pair-Id", "")
    if key_pair_id == "":
        return {"MissingKey"}
    if key_pair_id != "K1TESTKEY":
        return {"InvalidKey"}
    if values.get("Signature", "") == "":
        return {"AccessDenied"}
    if _decode(values["Signature"]) is None:
        return {"MalformedSignature"}
    if values.get("Hash-Algorithm", "SHA1") not in ("SHA1", "SHA256"):
        return {"AccessDenied"}
    if "Policy" in values:
        return _codes_of_policy(_decode(values["Policy"]))
    if "Expires" not in values:
        return {"AccessDenied"}
    expires = values["Expires"]
    is_moment = expires.isascii() and expires.isdigit() and expires[0] != "0"
    return {"AccessDenied" if is_moment and int(expires) <= 9_223_372_036 else "MalformedPolicy"}


def mutate(text: str, source: random.Random) -> str:
    """Return the text with one to three random damages; it may come out the same."""
    for _ in range(source.choice((1, 1, 1, 2, 3))):
        at = source.randrange(len(text)) if text else 0
        text = source.choice(_MUTATIONS)(text, at, source)
    return text


def mutate_cookies(cookies: Mapping[str, str], source: random.Random) -> dict[str, str]:
    """Return the cookies with a random damage to a name, a value or the whole."""
    damaged = dict(cookies)
    name, other = source.sample(sorted(damaged), 2)
    kind = source.randrange(8)
    if kind == 0:
        del damaged[name]
    elif kind == 1:
        damaged[name], damaged[other] = damaged[other], damaged[name]
    elif kind == 2:
        damaged[mutate(name, source)] = damaged.pop(name)
    elif kind == 3:
        damaged[f"CloudFront-{source.choice(NAMES)}"] = source.choice(("", "1", "SHA1", "SHA256"))
    else:
        damaged[name] = mutate(damaged[name], source)
    return damaged


def _what_counts(values: dict[str, str]) -> object:
    values = {"Hash-Algorithm": "SHA1"} | values
    if "Policy" in values:
        values.pop("Expires", None)
    return sorted(values.items())


def _decode(text: str) -> bytes | None:
    if not re.fullmatch(r"[A-Za-z0-9_~-]*", text, re.ASCII):
        return None
    standard = text.translate(str.maketrans("-_~", "+=/")).encode("ascii")
    try:
        data = base64.b64decode(standard, validate=True)
    except binascii.Error:
        return None
    return data if base64.b64encode(data) == standard else None


def _codes_of_policy(data: bytes | None) -> set[str]:
    try:
        # As AWS documented it until 2023: a backslash before the question mark of the query.
        json.loads((data or b"").decode("utf-8").replace("\\?", "?"))
    except ValueError:
        return {"MalformedPolicy"}
    # JSON, but whether still a policy is what test_malformed_policy is about.
    return {"MalformedPolicy", "AccessDenied"}


def _swap_far(text: str, at: int, source: random.Random) -> str:
    one, two = sorted((at, source.randrange(len(text) or 1)))
    if one == two:
        return text
    return text[:one] + text[two] + text[one + 1 : two] + text[one] + text[two + 1 :]


def _move_segment(text: str, at: int, source: random.Random) -> str:
    address, question, query = text.partition("?")
    segments = query.split("&")
    segment = segments[at % len(segments)]
    if source.random() < 0.5:
        segments.remove(segment)
    segments.insert(source.randrange(len(segments) + 1), segment)
    return address + question + "&".join(segments)


def _add_segment(text: str, at: int, source: random.Random) -> str:
    value = source.choice(("", "1", "SHA1", "SHA256", "1767290401", "K1TESTKEY", "e30_"))
    name = source.choice((*NAMES, "x", "expires", "%45xpires", ""))
    return f"{text}{source.choice('&&&?')}{name}={value}"


def _of_one(change: Callable[[str, random.Random], str]) -> Mutation:
    """Return the mutation that changes the character at a position."""
    return lambda text, at, source: text[:at] + change(text[at : at + 1], source) + text[at + 1 :]


_MUTATIONS: list[Mutation] = [
    _of_one(lambda one, source: source.choice(_CHARACTERS)),
    _of_one(lambda one, source: source.choice(_CHARACTERS) + one),
    _of_one(lambda one, source: one.swapcase()),
    _of_one(lambda one, source: "".join(chr(ord(each) ^ 1 << source.randrange(7)) for each in one)),
    _of_one(lambda one, source: "".join(f"%{byte:02X}" for byte in one.encode("utf-8"))),
    lambda text, at, source: text[:at] + text[at + source.choice((1, 1, 1, 4)) :],
    lambda text, at, source: text[:at] + text[at : at + 2][::-1] + text[at + 2 :],
    *(_swap_far, _move_segment, _add_segment),
]
