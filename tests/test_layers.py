"""No module calls one above it, also not a method of an object that it was handed.

The import rule of pyproject.toml sees imports only; this looks at the calls of a few walks.
"""

from __future__ import annotations

import inspect
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.http import HttpResponse

from cfsigned_django.cookies import set_signed_cookies
from cfsigned_django.core import keyring
from cfsigned_django.invalidation import invalidate
from tests.invalidations import DISTRIBUTION, aws_in_memory

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "cfsigned_django"
#: The app gives the keyring the function that asks the database.
REGISTERED = {("keyring", "rotation")}


@contextmanager
def calls() -> Iterator[set[tuple[str, str]]]:
    """Record which part of the package calls which; a generator runs where its caller is."""
    found: set[tuple[str, str]] = set()

    def part(frame: FrameType | None) -> str:
        path = Path(frame.f_code.co_filename) if frame else ROOT
        if not path.is_relative_to(PACKAGE):
            return ""
        parts = path.relative_to(PACKAGE).parts
        return parts[parts[0] == "core"].removesuffix(".py")

    def note(frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and not frame.f_code.co_flags & inspect.CO_GENERATOR:
            found.add((part(frame.f_back), part(frame)))

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield found
    finally:
        sys.setprofile(before)


@pytest.mark.django_db
def test_no_call_goes_up(site: Any) -> None:
    """Call downwards only: for URLs, cookies, files that are deleted, uploads and system checks."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    rules = {each["name"]: each.get("layers") for each in contracts["contracts"]}
    at = rules["Layers"].index("core")
    listed = [*rules["Layers"][:at], *rules["Layers of core"], *rules["Layers"][at + 1 :]]
    layers = [each.split(" | ") for each in listed]
    floor = {name: -at for at, layer in enumerate(layers) for name in layer}
    site.AWS_CLOUDFRONT_KEY_GROUP_ID = "3f1c8a52-6a5e-4c3f-9d2b-0a7e5b8c9d10"
    site.AWS_CLOUDFRONT_DISTRIBUTION_ID = DISTRIBUTION
    site.AWS_CLOUDFRONT_INVALIDATE_ON = ["delete", "overwrite"]
    site.AWS_ACCESS_KEY_ID = site.AWS_SECRET_ACCESS_KEY = "AKIAEXAMPLE"
    site.STORAGES = {"default": {"BACKEND": "cfsigned_django.storage.CloudFrontS3Storage"}}
    keyring.forget()
    with aws_in_memory(), calls() as found:
        storage: Any = storages["default"]
        storage.url("a.jpg")
        storage.save("a.jpg", ContentFile(b"x"))
        storage.delete("a.jpg")
        storage.sign_upload("a.jpg", size=3, content_type="image/jpeg")
        invalidate("a.jpg", folder="albums/42")
        set_signed_cookies(HttpResponse(), folder="albums/42")
        run_checks()
    known = {(one, other) for one, other in found if {one, other} <= floor.keys()}
    assert {("storage", "keyring"), ("storage", "conf"), ("invalidation", "storage")} <= known
    assert {(one, other) for one, other in known if floor[one] < floor[other]} == REGISTERED
