"""Stand for a private key, and hide what may be one, wherever it may be seen."""

from __future__ import annotations

import hashlib
import os
import threading
import weakref
from collections.abc import Callable, Iterable
from typing import Any, Self

from cfsigned_django.signing import InvalidKey, PrivateKey
from cfsigned_django.signing.hidden_text import HiddenBytes, HiddenText


class KeySource:
    """Stand for a private key wherever it may be seen, copied or pickled.

    Holds what the setting holds (PEM text, bytes or a path), shows none of
    it, and parses it once, however many storages and threads ask. A pickle
    holds a digest, which finds the source again in a process that has the
    same setting or option.
    """

    __slots__ = ("__weakref__", "_lock", "_private_key", "_source", "digest")

    def __init__(self, source: Any, digest: str) -> None:
        self._source = source
        self._private_key: PrivateKey | None = None
        self._lock = threading.Lock()
        self.digest = digest

    @classmethod
    def wrap(cls, value: Any) -> KeySource | None:
        """Return the one source for a value, or None where nothing is set.

        An empty text is nothing, as for django-storages: settings often take
        a key and its id from variables that only some machines have.
        """
        if value is None or isinstance(value, KeySource):
            return value
        if isinstance(value, str | bytes) and not value:
            return None
        digest = _digest(value)
        with _registry_lock:
            source = _registry.setdefault(digest, cls(value, digest))
            _in_use[digest] = _in_use.pop(digest, source)
            while len(_in_use) > _MOST_IN_USE:
                del _in_use[next(iter(_in_use))]
            return source

    @classmethod
    def find(cls, digest: str) -> KeySource:
        """Return the source with this digest, from this process or its settings."""
        if (known := _registry.get(digest)) is not None:
            return known
        for source in _search_settings():
            if source is not None and source.digest == digest:
                return source
        return cls(None, digest)

    def load(self) -> PrivateKey:
        """Return the key; parsing it takes 30 ms for RSA, and happens once.

        Raise :exc:`cfsigned_django.signing.InvalidKey`.
        """
        with self._lock:
            if self._private_key is None:
                if self._source is None:
                    raise InvalidKey(
                        "The storage was unpickled, which never brings a private key along, and "
                        "no setting of this process holds it. Set AWS_CLOUDFRONT_KEY here as well."
                    )
                self._private_key = PrivateKey.load(self._source)
            return self._private_key

    def renew_lock(self) -> None:
        """Free what a thread held that a fork left behind."""
        self._lock = threading.Lock()

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return KeySource.find, (self.digest,)

    def __repr__(self) -> str:
        return "<KeySource, hidden>"


# Weak, so that a key which no storage uses any more does not stay in memory.
_registry: weakref.WeakValueDictionary[str, KeySource] = weakref.WeakValueDictionary()
_registry_lock = threading.Lock()

# Held until settings change, so that a storage which is made anew for each
# request does not parse the key each time.
_in_use: dict[str, KeySource] = {}
_MOST_IN_USE = 16


#: Yields the sources that the settings hold; conf.py, which reads them, says how.
_search_settings: Callable[[], Iterable[KeySource | None]] = tuple


def search_settings(search: Callable[[], Iterable[KeySource | None]]) -> None:
    """Let a pickled source be found again in the settings of this process."""
    global _search_settings
    _search_settings = search


def forget_in_use() -> None:
    """Drop the keys that no storage holds: settings changed."""
    with _registry_lock:
        _in_use.clear()


def _renew_locks() -> None:
    global _registry_lock
    _registry_lock = threading.Lock()
    for source in list(_registry.values()):
        source.renew_lock()


# Servers fork their workers, while a thread may be parsing a key. Windows knows no fork.
if hasattr(os, "register_at_fork"):  # pragma: no branch
    os.register_at_fork(after_in_child=_renew_locks)


# The first words of a PEM file, and what base64 makes of them.
_MARKS_OF_A_KEY = ("PRIVATE KEY", "LS0tLS1CRUdJTi")


def hide(option: str, value: Any) -> Any:
    """Return what stands for an option's value wherever it may be seen."""
    return KeySource.wrap(value) if option == "cloudfront_key" else _hide_text(option, value)


def hide_all(options: dict[str, Any]) -> None:
    """Hide the secrets among the options, in place."""
    for name, value in options.items():
        options[name] = hide(name, value)


def hide_texts(options: dict[str, Any]) -> None:
    """Hide the secrets among the options, in place, for code that needs them as text or bytes."""
    for name, value in options.items():
        options[name] = _hide_text(name, value)


def _hide_text(option: str, value: Any) -> Any:
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    if not isinstance(text, str):
        return value
    # What is too long for an id, or looks like a key, may be one in the wrong place.
    is_secret = option in ("cloudfront_key", "secret_key", "security_token") or (
        option == "cloudfront_key_id" and len(text) > 64
    )
    if not (is_secret or any(mark in text for mark in _MARKS_OF_A_KEY)):
        return value
    return HiddenBytes(value) if isinstance(value, bytes) else HiddenText(value)


def _digest(source: Any) -> str:
    if isinstance(source, os.PathLike):
        source = f"path {os.fspath(source)}"  # the same text without Path is no key
    if isinstance(source, str):
        source = source.encode("utf-8", "replace")
    if not isinstance(source, bytes):
        source = type(source).__name__.encode()
    return hashlib.sha256(source).hexdigest()
