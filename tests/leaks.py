"""Look for secrets where none may be."""

from __future__ import annotations

import pprint
from collections.abc import Iterator
from types import TracebackType

from cfsigned_django.signing import PrivateKey

# Frames of these are looked into: what they hold, a debug page shows.
_LIBRARIES = ("cfsigned_django", "storages", "django", "boto3", "botocore")


def fragments(key: PrivateKey) -> list[str]:
    """Return the lines of a key's PEM text, of which none may be seen."""
    return key.to_pem().decode().splitlines()[1:-1]


def everything_of(error: BaseException) -> str:
    """Return all that a log or a debug page could show of an error.

    That is its message, its arguments, and the local variables of the
    libraries' frames, for each exception of the chain.
    """
    return "\n".join(part for each in _chain(error) for part in _parts(each))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _parts(error: BaseException) -> Iterator[str]:
    yield from (str(error), repr(error), repr(error.args), repr(vars(error)))
    yield from (text for frame in _frames(error.__traceback__) for text in frame)


def _frames(traceback: TracebackType | None) -> Iterator[list[str]]:
    while traceback is not None:
        frame = traceback.tb_frame
        if frame.f_globals.get("__name__", "").split(".")[0] in _LIBRARIES:
            yield [f"{name} = {_pretty(each)}" for name, each in frame.f_locals.items()]
        traceback = traceback.tb_next


def _pretty(value: object) -> str:
    """Return the value as django.views.debug prints it."""
    try:
        return pprint.pformat(value)
    except Exception as error:
        return f"Error in formatting: {error}"
