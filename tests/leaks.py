"""Look for secrets where none may be."""

from __future__ import annotations

import base64
import pprint
import re
from collections.abc import Iterable, Iterator
from types import TracebackType

from cryptography.hazmat.primitives.serialization import load_pem_private_key

from cfsigned_django.signing import PrivateKey

# Frames of these are looked into: what they hold, a debug page shows.
_LIBRARIES = ("cfsigned_django", "storages", "django", "boto3", "botocore")


def fragments(key: PrivateKey) -> list[str]:
    """Return the lines of a key's PEM text, of which none may be seen."""
    return key.to_pem().decode().splitlines()[1:-1]


def key_material(content: str | bytes, private_keys: Iterable[PrivateKey]) -> list[str]:
    """Return in which forms parts of keys are in a content, never the parts themselves."""
    content = content.encode() if isinstance(content, str) else content
    # Without what breaks lines or numbers up.
    squeezed = re.sub(rb"(?:\\+[nr]|[\s:,_'\"]|<br ?/?>)+", b"", content)
    readings = (content, squeezed, squeezed.lower())
    return [
        form
        for key in private_keys
        for form, part in _forms(key)
        if any(part in each for each in readings)
    ]


def _forms(key: PrivateKey) -> Iterator[tuple[str, bytes]]:
    """Return parts of the key in all forms in which they could be seen."""
    # The last line may be so short that it says nothing.
    for line in (each.encode() for each in fragments(key) if len(each) > 40):
        yield "a line of the PEM text", line
        # They begin alike.
        yield from ((f"a line in {form}", part) for form, part in _in_base64(line[-45:]))
    numbers = load_pem_private_key(key.to_pem(), None).private_numbers()  # type: ignore[union-attr]
    for name in ("private_value", "d", "p", "q"):
        if number := getattr(numbers, name, 0):
            # These 18 bytes in a row are a leak.
            part = number.to_bytes((number.bit_length() + 7) // 8, "big")[1:19]
            yield f"{name} as bytes", part
            yield f"{name} as bytes of a pickle", part[::-1]
            # Python escapes a ' if the whole text has a " as well.
            shown = repr(part)[2:-1].replace("\\'", "'")
            for each in (shown, shown.replace("'", "\\'")):
                yield f"{name} as Python shows bytes", each.encode()
            yield f"{name} in hexadecimal digits", part.hex().encode()
            yield f"{name} in decimal digits", str(number).encode()[:40]
            yield from ((f"{name} in {form}", each) for form, each in _in_base64(part))


def _in_base64(part: bytes) -> Iterator[tuple[str, bytes]]:
    """Return how base64 writes bytes, wherever in a group of three they begin."""
    for shift in range(3):
        yield "base64", base64.b64encode(bytes(shift) + part)[4:-4]
        yield "base64 for URLs", base64.urlsafe_b64encode(bytes(shift) + part)[4:-4]


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
