"""Damage signed requests at random: their URLs, and their cookies."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import TypeAlias

Mutation: TypeAlias = Callable[[str, int, random.Random], str]

NAMES = ("Expires", "Policy", "Signature", "Key-Pair-Id", "Hash-Algorithm")

# What is put in: ordinary characters, those with a meaning in a URL or in
# base64, and some that no client sends.
_CHARACTERS = "abzAMZ0159-_~.%&=?/:#+;,!*'\"\\ @|\x00\n\x7fé\u212a한"


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
