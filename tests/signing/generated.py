"""Make many different policies, the same ones on every run."""

from __future__ import annotations

import random
from urllib.parse import quote

from cfsigned_django.signing import Policy
from tests.signing.cases import EXPIRES, ORIGIN

# Without the asterisk, which AWS's signers take for a wildcard or not.
ALPHABET = "abcXYZ0189._-~ +&=%#?'\"()[]!,;:@$/\\<>^`{|}äé한글日本🙂"


def generated_policies(count: int, seed: int = 20260101) -> list[tuple[str, Policy]]:
    """Return pairs of a URL and a policy that covers it, every kind of policy among them."""
    source = random.Random(seed)
    return [_policy(source, kind % 5) for kind in range(count)]


def _policy(source: random.Random, kind: int) -> tuple[str, Policy]:
    folder, name = (_name(source, safe="!'()") for _ in range(2))
    url = f"{ORIGIN}/{folder}/{name}"
    if source.random() < 0.5:
        url = f"{url}?v={_name(source)}&w={_name(source)}"
    until = EXPIRES + source.randrange(-(10**8), 10**8)
    since = until - source.randrange(1, 10**6) if kind in (1, 3) else None
    address = ".".join(str(source.randrange(256)) for _ in range(4)) if kind in (2, 3) else None
    if address and source.random() < 0.5:
        address += f"/{source.randrange(33)}"
    return url, Policy(
        resource=f"{ORIGIN}/{folder}/*" if kind == 4 else url,
        date_less_than=until,
        date_greater_than=since,
        ip_address=address,
    )


def _name(source: random.Random, safe: str = "") -> str:
    text = "".join(source.choices(ALPHABET, k=source.randrange(1, 40)))
    return quote(text, safe=safe)
