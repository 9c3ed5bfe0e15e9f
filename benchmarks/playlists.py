"""Measure the playlist of a long video: the view that signs each of its lines.

What a signature for each segment would take stands beside it.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

from django.http import HttpRequest
from django.test import RequestFactory, override_settings

from benchmarks.sites import ECDSA, RSA, ours, settings_for
from cfsigned_django.signing import PrivateKey
from cfsigned_django.views import SignedPlaylistView

FOLDER = "videos/42"
#: Segments as packagers name them, and as they are named after the file that was uploaded.
NAMES = {"plain": "seg{:05}.ts", "Korean": "제주도 여름 휴가_{:05}.ts"}
EACH = "a signature for each segment"


def measure(*, rounds: int, segments: int) -> dict[str, dict[str, float]]:
    """Return the median time (ms) of a playlist, its signatures and its bytes, by title."""
    found = {}
    for key, algorithm in ((RSA, "RSA"), (ECDSA, "ECDSA")):
        for kind, pattern in NAMES.items():
            names = [pattern.format(number) for number in range(segments)]
            with _site(key, names):
                found[f"{algorithm}, {kind} names"] = _measure(_ask, rounds)
        storage = ours(key)

        def sign_each(number: int, storage: Any = storage, names: list[str] = names) -> bytes:
            return "\n".join(storage.url(f"{FOLDER}/{name}") for name in names).encode()

        found[f"{algorithm}, {EACH}"] = _measure(sign_each, max(1, rounds // 4))
    return found


@contextmanager
def _site(key: PrivateKey, names: list[str]) -> Iterator[None]:
    """Configure a site that has a playlist on disk, so that only this package is measured."""
    with TemporaryDirectory() as location:
        path = Path(location, FOLDER, "index.m3u8")
        path.parent.mkdir(parents=True)
        lines = "".join(f"#EXTINF:6.006,\n{name}\n" for name in names)
        path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:7\n{lines}#EXT-X-ENDLIST\n", "utf-8")
        backend = "cfsigned_django.storage.CloudFrontFileSystemStorage"
        storages = {"default": {"BACKEND": backend, "OPTIONS": {"location": location}}}
        with override_settings(**settings_for(key), STORAGES=storages, ALLOWED_HOSTS=["*"]):
            yield


def _may_watch(request: HttpRequest, name: str) -> bool:
    return True


def _ask(number: int) -> bytes:
    # The lifetime is another one each time, so that no signature is known yet.
    view: Any = SignedPlaylistView.as_view(permission=_may_watch, expire=3600 + number)
    content: bytes = view(RequestFactory().get("/"), name=f"{FOLDER}/index.m3u8").content
    return content


def _measure(work: Callable[[int], bytes], rounds: int) -> dict[str, float]:
    signatures: list[bytes] = []
    sign = PrivateKey.sign

    def note(key: PrivateKey, message: bytes, hash_algorithm: Any) -> bytes:
        signatures.append(message)
        return sign(key, message, hash_algorithm)

    with mock.patch.object(PrivateKey, "sign", note):
        size = len(work(0))
    times = []
    for number in range(1, rounds + 1):
        began = time.process_time_ns()
        work(number)
        times.append((time.process_time_ns() - began) / 1e6)
    return {"ms": statistics.median(times), "signatures": len(signatures), "bytes": size}
