"""Measure what a site feels: a page of 1,000 images."""

from __future__ import annotations

import gzip
import statistics
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

from django.core.files.storage import storages
from django.db.models import FileField, Model
from django.db.models.fields.files import FieldFile
from django.template import Context, Engine
from django.test import override_settings

from benchmarks.sites import (
    ECDSA,
    KINDS,
    RESOURCE,
    RSA,
    STEP,
    names,
    options,
    ours,
    theirs,
)
from benchmarks.urls import ratio

_TAG = '<img src="{{ photo.image.url }}" alt="">'
_OUR_TAG = '<img src="{% signed_url photo.image %}" alt="">'
_LOOP = "{%% for photo in photos %%}%s\n{%% endfor %%}"
_BLOCK = "{% load cfsigned %}{% signed_urls '" + RESOURCE + "' %}%s{% endsigned_urls %}"

Page = Callable[[list[str]], bytes]


def _page(storage: Any, template: str) -> Page:
    """Return what renders the template with an image of the storage for each name."""
    libraries = {"cfsigned": "cfsigned_django.templatetags.cfsigned"}
    compiled = Engine(libraries=libraries).from_string(template)
    field, instance = FileField(storage=storage), cast("Model", None)

    def render(given: list[str]) -> bytes:
        photos = [SimpleNamespace(image=FieldFile(instance, field, name)) for name in given]
        return compiled.render(Context({"photos": photos})).encode()

    return render


def pages() -> dict[str, Page]:
    """Return the pages by who signs; the first one is what the others are compared with.

    The last one uses the default storage, to which `{% signed_urls %}` belongs.
    """
    loop = _LOOP % _TAG
    return {
        "django-storages, RSA": _page(theirs(RSA), loop),
        "RSA": _page(ours(RSA), loop),
        "ECDSA": _page(ours(ECDSA), loop),
        "one signature for all": _page(storages["default"], _BLOCK.replace("%s", _LOOP % _OUR_TAG)),
    }


def measure_pages(*, rounds: int, images: int) -> dict[str, dict[str, float]]:
    """Return time (ms), size and size with gzip (bytes) of a page, and the ratio of its time.

    The page has names of all kinds in turn.
    """
    backend = "cfsigned_django.storage.CloudFrontS3Storage"
    default = {"BACKEND": backend, "OPTIONS": {**options(RSA), "expire_step": STEP}}
    with override_settings(STORAGES={"default": default}):
        return _measure_pages(rounds, images)


def _measure_pages(rounds: int, images: int) -> dict[str, dict[str, float]]:
    made = pages()
    times: dict[str, list[float]] = {who: [] for who in made}
    sizes: dict[str, tuple[int, int]] = {}
    for number in range(rounds):
        given = [
            name
            for each in range(number * images, (number + 1) * images, len(KINDS))
            for kind in KINDS
            for name in names(kind, each, 1)
        ][:images]
        for who, page in made.items():
            began = time.process_time_ns()
            answer = page(given)
            times[who].append((time.process_time_ns() - began) / 1e6)
            sizes[who] = len(answer), len(gzip.compress(answer, 6))
    first = times[next(iter(times))]
    return {
        who: {
            "ms": statistics.median(spent),
            "ratio": ratio(first, spent),
            "bytes": sizes[who][0],
            "gzip": sizes[who][1],
        }
        for who, spent in times.items()
    }
