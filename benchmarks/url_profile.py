"""Profile ``url()`` of the package in one folder: for benchmarks/breakdown.py.

Standard input: JSON with the folder, two keys by name, and how many rounds
and names. Standard output: JSON with microseconds for one URL, and the
functions that one URL calls. Knows nothing of the other benchmarks, so that
it runs with the package of any commit.
"""

from __future__ import annotations

import cProfile
import json
import operator
import pstats
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

#: How many times the same names are profiled.
PROFILES = 20


def main() -> None:
    """Measure and profile, for each key."""
    given = json.load(sys.stdin)
    from django.conf import settings

    settings.configure(USE_TZ=True)
    import cfsigned_django

    tree = Path(given["tree"])
    assert Path(str(cfsigned_django.__file__)).is_relative_to(tree)
    found = {kind: look_at(pem, given, tree) for kind, pem in given["keys"].items()}
    print(json.dumps(found))


def look_at(pem: str, given: dict[str, Any], tree: Path) -> dict[str, Any]:
    """Return the times of ``url()`` and of the signature alone, and the functions called."""
    from cfsigned_django.storage import CloudFrontS3Storage

    storage = CloudFrontS3Storage(
        bucket_name="media",
        custom_domain="d111111abcdef8.cloudfront.net",
        cloudfront_key_id="K2JCJMDEHXQW5F",
        cloudfront_key=pem,
    )
    sign = bare_signature(pem)
    names = [f"albums/2026/photo_{each:06}.jpg" for each in range(given["names"])]
    url_times, bare_times = [], []
    storage.url("warm/up.jpg")
    for _ in range(given["rounds"]):
        url_times.append(spend(storage.url, names))
        bare_times.append(spend(lambda name: sign(name.encode()), names))
    return {
        "url": statistics.median(url_times),
        "signature": statistics.median(bare_times),
        # Round by round, since the machine is not equally fast all the time.
        "rest": statistics.median(map(operator.sub, url_times, bare_times)),
        "functions": sorted(functions(storage.url, names[:100], tree), key=lambda row: -row[2]),
    }


def bare_signature(pem: str) -> Callable[[bytes], bytes]:
    """Return what signs with cryptography alone: RSA with SHA-1, ECDSA with SHA-256."""
    key = serialization.load_pem_private_key(pem.encode(), None)
    # Not by partial(): names of arguments take cryptography 0.3 µs.
    if isinstance(key, rsa.RSAPrivateKey):
        sign_rsa, pkcs1, sha1 = key.sign, padding.PKCS1v15(), hashes.SHA1()  # noqa: S303
        return lambda message: sign_rsa(message, pkcs1, sha1)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    sign_ecdsa, ecdsa = key.sign, ec.ECDSA(hashes.SHA256())
    return lambda message: sign_ecdsa(message, ecdsa)


def spend(work: Callable[[str], object], names: Sequence[str]) -> float:
    """Return the time for one name, in microseconds in which this process was busy."""
    start = time.process_time_ns()
    for name in names:
        work(name)
    return (time.process_time_ns() - start) / len(names) / 1000


def functions(
    url: Callable[[str], object], names: Sequence[str], tree: Path
) -> Iterator[tuple[str, float, float]]:
    """Yield functions: name, calls and own microseconds for one URL, the least of all profiles.

    The profiler has the clock on the wall, which goes on while other programs run.
    """
    least: dict[str, tuple[float, float]] = {}
    for _ in range(PROFILES):
        profile = cProfile.Profile()
        profile.runcall(spend, url, names)
        stats: Any = pstats.Stats(profile)
        for (path, _, name), (_, calls, own, *_) in stats.stats.items():
            if calls >= len(names):
                title, own = shown(path, name, tree), own * 1e6 / len(names)
                own = min(own, least.get(title, (0, own))[1])
                least[title] = calls / len(names), own
    return ((title, *each) for title, each in least.items())


def shown(path: str, name: str, tree: Path) -> str:
    """Name a function so that it reads the same on every machine."""
    if path == "~":  # It is written in C: "method 'sign' of 'package.RSAPrivateKey' objects".
        name = name.strip("<>").removeprefix("built-in method ")
        found = re.fullmatch(r"method '(\w+)' of '(?:.*\.)?(\w+)' objects", name)
        return name if found is None else f"{found[2]}.{found[1]}"
    file = Path(path)
    if path.startswith("<"):
        return f"{path.strip('<>')}: {name}"
    if file.is_relative_to(tree):
        return f"{file.relative_to(tree).as_posix().removeprefix('cfsigned_django/')}: {name}"
    return f"{file.parent.name}/{file.name}: {name}"


if __name__ == "__main__":
    main()
