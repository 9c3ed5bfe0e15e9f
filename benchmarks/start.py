"""Measure what a process needs until it has its first URL: the imports, and the URL itself."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.keys import BUCKET, DOMAIN, KEY_ID, Keys, names_of_round
from benchmarks.rounds import Turn
from cfsigned_django.signing import PrivateKey

ROOT = Path(__file__).parents[1]
FIRST_THEIRS = "django-storages, RSA: first URL"
FIRST_OURS = "cfsigned_django, RSA: first URL"
FIRST_ECDSA = "cfsigned_django, ECDSA: first URL"

_Contender = tuple[str, str, str, list[str]]
_THEIRS: _Contender = ("django-storages, RSA", "storages.backends.s3", "S3Storage", [])
_APP = ["cfsigned_django"]
_OURS = ("cfsigned_django, RSA", "cfsigned_django.storage", "CloudFrontS3Storage", _APP)
_ECDSA = ("cfsigned_django, ECDSA", *_OURS[1:])


def start_turns(keys: Keys) -> Iterator[Turn]:
    """Yield the turns, each of which starts a process."""
    for key, contender in ((keys.rsa, _THEIRS), (keys.rsa, _OURS), (keys.ecdsa, _ECDSA)):
        yield _turn(key, *contender)


def _turn(key: PrivateKey, title: str, module: str, backend: str, apps: list[str]) -> Turn:
    settings: dict[str, Any] = {
        "USE_TZ": True,
        "INSTALLED_APPS": apps,
        "STORAGES": {"default": {"BACKEND": f"{module}.{backend}"}},
        "AWS_STORAGE_BUCKET_NAME": BUCKET,
        "AWS_S3_CUSTOM_DOMAIN": DOMAIN,
        "AWS_CLOUDFRONT_KEY_ID": KEY_ID,
        "AWS_CLOUDFRONT_KEY": key.to_pem().decode(),
    }

    def turn(number: int) -> dict[str, float]:
        (name,) = names_of_round(number, 1)
        found = json.loads(_run({"settings": settings, "module": module, "name": name}))
        assert "Signature=" in found["url"]
        return {f"{title}: imports": found["import"], f"{title}: first URL": found["first"]}

    return turn


def _run(given: dict[str, Any]) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.first_url"],
        input=json.dumps(given),
        capture_output=True,
        check=True,
        cwd=ROOT,
        encoding="utf-8",
    )
    return done.stdout
