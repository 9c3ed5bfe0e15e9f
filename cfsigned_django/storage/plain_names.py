"""Tell names that are their own URL path: most of them, and the ones that cost least."""

from __future__ import annotations

_PLAIN = b"-./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
# Whatever is not plain becomes another byte, so that it shows.
_TO_PLAIN = bytes(byte if byte in _PLAIN else ord("-") for byte in range(256))


def plain_bytes(name: object) -> bytes | None:
    """Return a name in bytes where neither normalising nor percent-encoding would change it.

    So it is with text (and no subclass) of ASCII letters, digits and
    ``-._/``, where each part is there and begins with something else than a
    dot; None for any other. A pattern would say the same, and take twice as
    long between two signatures, which leave little of it in the caches of
    the processor.
    """
    if name.__class__ is not str or not name.isascii():
        return None
    path, raw = f"/{name}/", name.encode()
    if raw.translate(_TO_PLAIN) == raw and "//" not in path and "/." not in path:
        return raw
    return None
