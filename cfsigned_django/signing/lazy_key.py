"""A private key that is asked for and parsed when it must sign, and shown nowhere until then."""

from __future__ import annotations

import asyncio
import copy
import hashlib
import math
import os
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Self

from cfsigned_django.signing.exceptions import InvalidKey

if TYPE_CHECKING:
    from cfsigned_django.signing.keys import PrivateKey

#: For how many seconds an error counts: a store that does not answer is not asked for each URL.
RETRY = 5


class _Answers:
    """The keys that callables returned. One thread asks at a time, never in an event loop.

    An answer counts for the life of the process, an error for :data:`RETRY` seconds.
    """

    def __init__(self) -> None:
        #: Question -> until when the answer counts, by a monotonic clock, and the answer.
        self._known: dict[Hashable, tuple[float, PrivateKey | Exception]] = {}
        self._renew_lock()
        if hasattr(os, "register_at_fork"):  # The thread that asks is not in the child.
            os.register_at_fork(after_in_child=self._renew_lock)

    def _renew_lock(self) -> None:
        self._lock = threading.RLock()  # To answer, one may ask another question.

    def find(self, question: Hashable) -> PrivateKey | Exception | None:
        """Return the answer, or the error, if it is known and still counts; else None."""
        until, answer = self._known.get(question, (-math.inf, None))
        return answer if time.monotonic() < until else None

    def get(self, question: Hashable, ask: Callable[[], PrivateKey]) -> PrivateKey:
        """Return the answer, or raise what ``ask`` raised."""
        answer = self.find(question)
        if answer is None:
            ask_once = partial(self._ask, question, ask)
            with ThreadPoolExecutor(max_workers=1) as pool:
                answer = pool.submit(ask_once).result() if runs_event_loop() else ask_once()
        if isinstance(answer, Exception):
            raise copy.copy(answer)  # each raise adds its frames
        return answer

    def _ask(self, question: Hashable, ask: Callable[[], PrivateKey]) -> PrivateKey | Exception:
        with self._lock:
            if (known := self.find(question)) is not None:  # Another thread has asked meanwhile.
                return known
            answer: PrivateKey | Exception
            seconds = math.inf
            try:
                answer = ask()
            except Exception as error:
                answer, seconds = error.with_traceback(None), RETRY
            now = time.monotonic()
            kept = {each: known for each, known in self._known.items() if known[0] > now}
            self._known = {**kept, question: (now + seconds, answer)}
            return answer


def runs_event_loop() -> bool:
    """Return whether this thread runs an event loop, in which Django allows no queries."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


_called = _Answers()


class LazyPrivateKey:
    """The source of a key as in a setting: PEM text, bytes or a path. Never shown, never pickled.

    Two keys with the same source are equal.
    """

    __slots__ = ("_source", "digest")

    #: Whether :meth:`load` would call a callable: no system check does.
    is_unasked = False

    def __init__(self, source: Any, digest: str = "") -> None:
        self._source = source
        if isinstance(source, os.PathLike):
            source = f"path {os.fspath(source)}"  # The same text without Path is not a key.
        if isinstance(source, str):
            source = source.encode("utf-8", "replace")
        if not isinstance(source, bytes):
            source = type(source).__name__.encode()
        #: SHA-256 of the source, 64 hexadecimal digits.
        self.digest: str = digest or hashlib.sha256(source).hexdigest()

    @classmethod
    def wrap(cls, value: Any) -> LazyPrivateKey | None:
        """Return the lazy key for a value, or None if nothing is set.

        As in django-storages, an empty text means that nothing is set: settings
        often take a key and its id from variables that only some machines have.
        """
        if value is None or isinstance(value, LazyPrivateKey):
            return value
        if isinstance(value, str | bytes) and not value:
            return None
        return CalledKey(value) if callable(value) else cls(value)

    @property
    def path(self) -> os.PathLike[str] | None:
        """Return the path of the key, if it is in a file."""
        return self._source if isinstance(self._source, os.PathLike) else None

    @lru_cache(maxsize=16)  # noqa: B019 - these few are kept on purpose, whichever object asks
    def load(self) -> PrivateKey:
        """Return the parsed key. Raise :exc:`cfsigned_django.signing.InvalidKey`.

        Parsing an RSA key takes 30 ms; the last 16 keys are cached.
        """
        from cfsigned_django.signing.keys import PrivateKey  # imports cryptography

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
        raise TypeError("A private key is never pickled: pickle the name of its setting.")

    def __repr__(self) -> str:
        return "<LazyPrivateKey, hidden>"


class CalledKey(LazyPrivateKey):
    """A callable without arguments that returns what a key may be in a setting.

    It is called once per process.
    """

    __slots__ = ()

    def __init__(self, source: Callable[[], Any]) -> None:
        name = f"callable {_name_of(source)}"
        super().__init__(source, hashlib.sha256(name.encode()).hexdigest())

    @property
    def is_unasked(self) -> bool:  # type: ignore[override]
        """Return whether :meth:`load` would call: no system check does."""
        return _called.find(self) is None

    def load(self) -> PrivateKey:  # type: ignore[override] # the other one is cached
        """Return the parsed key, for which the callable is called once.

        Raise :exc:`cfsigned_django.signing.InvalidKey`, within 5 s again without a call.
        """
        return _called.get(self, self._call)

    def _call(self) -> PrivateKey:
        from cfsigned_django.signing.keys import PrivateKey  # imports cryptography

        name = f"The callable {_name_of(self._source)}"
        try:
            source = self._source()
        except Exception as error:
            problem = (
                f"{name} raised {type(error).__name__}, whose text may contain the key and is not "
                "shown. Call it in manage.py shell to see the text."
            )
        else:
            try:
                if asyncio.iscoroutine(source):
                    source.close()
                    raise InvalidKey("It is async: write def, not async def.")
                if not isinstance(source, str | bytes | os.PathLike):
                    raise InvalidKey(f"It is of the type {type(source).__name__}.")
                return PrivateKey.load(source)
            except InvalidKey as error:
                problem = f"{name} must return the private key: text, bytes or a path. {error}"
        source = None  # A debug page prints this frame: see PrivateKey.load.
        raise InvalidKey(problem)

    def __eq__(self, other: object) -> bool:
        # Two lambdas have one name, and so one digest.
        is_other = isinstance(other, CalledKey) and _asks(self._source) != _asks(other._source)
        return super().__eq__(other) and not is_other

    __hash__ = LazyPrivateKey.__hash__


# The first words of a PEM file, and the same in base64.
_MARKS_OF_A_KEY = ("PRIVATE KEY", "LS0tLS1CRUdJTi")
# Longer than any id.
_SHORTEST_KEY = 64


def hide(option: str, value: Any) -> Any:
    """Return a lazy key if the value of an option is a key, else the value itself.

    A key that was set as another option is hidden too, until the option is refused.
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
    """Return the options with their keys hidden; a short value cannot be a key."""
    hidden = dict(options)
    for name, value in options.items():
        is_long = isinstance(value, str | bytes) and len(value) > _SHORTEST_KEY
        if is_long or (name == "cloudfront_key" and not isinstance(value, LazyPrivateKey | None)):
            hidden[name] = hide(name, value)
    return hidden


def _asks(source: Any) -> Any:
    """Return what a callable asks: partial objects are equal only if they are the same object."""
    if isinstance(source, partial):
        return source.func, source.args, source.keywords
    return source


def _name_of(source: Any) -> str:
    """Return the dotted path of a callable, as far as it has one."""
    named = source if hasattr(source, "__qualname__") else type(source)
    return f"{named.__module__}.{named.__qualname__}"
