"""Test texts that travel with errors, in English and in another language."""

from __future__ import annotations

import pickle

import pytest

from cfsigned_django.core.text import Phrase, translated


def in_capitals(text: str) -> str:
    """Return a text that differs from the original, in place of a translation."""
    return text.upper().replace("{KEY}", "{key}")


@pytest.mark.parametrize(
    ("text", "english", "other"),
    [
        (Phrase("revoke {key}", key="k1{}"), "revoke k1{}", "REVOKE k1{}"),
        (Phrase("leave {key} alone"), "leave {key} alone", "LEAVE {key} ALONE"),
        ("what a person wrote", "what a person wrote", "what a person wrote"),
        (ValueError(Phrase("not {key}", key="k1")), "not k1", "NOT k1"),
        (ValueError("boto"), "boto", "boto"),
        (ValueError(), "", ""),
    ],
)
def test_only_phrases_are_translated(text: str | Exception, english: str, other: str) -> None:
    """A phrase is translated before it is filled in, also out of an error and after a queue."""
    assert str(text) == english
    assert translated(text, in_capitals) == other
    copy = pickle.loads(pickle.dumps(text))  # noqa: S301 - made in this line
    assert translated(copy, in_capitals) == other
