"""Sign in a process of a pool: for benchmarks/parallel.py.

Imports nothing that reads Django's settings before they are there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.conf import settings

_urls: list[Callable[[str], str]] = []


def begin(pem: bytes) -> None:
    """Prepare the process to sign with the key."""
    if not settings.configured:
        settings.configure(USE_TZ=True)
    from benchmarks.keys import our_storage
    from cfsigned_django.signing import PrivateKey

    _urls.append(our_storage(PrivateKey.load(pem)).url)


def sign(names: Sequence[str]) -> None:
    """Sign each of the names."""
    for name in names:
        _urls[0](name)
