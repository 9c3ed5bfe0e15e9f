"""Stand for a private key wherever it may be seen, and read it when it must sign."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Self

from cfsigned_django.signing.exceptions import InvalidKey
from cfsigned_django.signing.keys import PrivateKey


class LazyPrivateKey:
    """Hold what a setting holds (PEM text, bytes or a path), and show none of it.

    Two of the same source are equal. A pickle brings a digest along and no
    key: what reads the pickle looks for the same source in its own settings.
    """

    __slots__ = ("_source", "digest")

    def __init__(self, source: Any, digest: str = "") -> None:
        self._source = source
        #: SHA-256 of the source, 64 hexadecimal digits.
        self.digest = digest or _digest(source)

    @classmethod
    def wrap(cls, value: Any) -> LazyPrivateKey | None:
        """Return the key for a value, or None if nothing is set.

        An empty text is nothing, as in django-storages: settings often take
        a key and its id from variables that only some machines have.
        """
        if value is None or isinstance(value, LazyPrivateKey):
            return value
        return None if isinstance(value, str | bytes) and not value else cls(value)

    @lru_cache(maxsize=16)  # noqa: B019 - these few are kept on purpose, whichever object asks
    def load(self) -> PrivateKey:
        """Return the key. Parsing an RSA key takes 30 ms; the last 16 keys are remembered.

        Raise :exc:`cfsigned_django.signing.InvalidKey`.
        """
        if self._source is None:
            raise InvalidKey(
                "The storage was unpickled, which never brings a private key along, and "
                "no setting of this process holds it. Set AWS_CLOUDFRONT_KEY here as well."
            )
        return PrivateKey.load(self._source)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LazyPrivateKey) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return LazyPrivateKey, (None, self.digest)

    def __repr__(self) -> str:
        return "<LazyPrivateKey, hidden>"


# The first words of a PEM file, and what base64 makes of them.
_MARKS_OF_A_KEY = ("PRIVATE KEY", "LS0tLS1CRUdJTi")
# Longer than any id.
_SHORTEST_KEY = 64


def hide(option: str, value: Any) -> Any:
    """Return what stands for the value of an option: a lazy key for a key, else the value.

    A key in the place of another option is hidden too, where it is refused.
    """
    if option == "cloudfront_key":
        return LazyPrivateKey.wrap(value)
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    if not isinstance(text, str):
        return value
    is_key = len(text) > _SHORTEST_KEY and (
        option == "cloudfront_key_id" or any(mark in text for mark in _MARKS_OF_A_KEY)
    )
    return LazyPrivateKey(value) if is_key else value


def hide_all(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options with what stands for each value; what is short cannot be a key."""
    hidden = dict(options)
    for name, value in options.items():
        is_long = isinstance(value, str | bytes) and len(value) > _SHORTEST_KEY
        if is_long or (name == "cloudfront_key" and not isinstance(value, LazyPrivateKey | None)):
            hidden[name] = hide(name, value)
    return hidden


def _digest(source: Any) -> str:
    if isinstance(source, os.PathLike):
        source = f"path {os.fspath(source)}"  # The same text without Path is not a key.
    if isinstance(source, str):
        source = source.encode("utf-8", "replace")
    if not isinstance(source, bytes):
        source = type(source).__name__.encode()
    return hashlib.sha256(source).hexdigest()
