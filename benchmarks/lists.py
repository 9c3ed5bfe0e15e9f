"""Measure 1,000 files in one answer: a list of Django REST framework, and a page of each engine.

Each is measured with unsigned URLs, too: what a signature costs is a share of the whole answer.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import jinja2
from django.db.models import FileField, Model
from django.db.models.fields.files import FieldFile
from django.http import HttpRequest
from django.template import Context, Engine
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer

from benchmarks.sites import ECDSA, RESOURCE, RSA, names, ours, theirs
from benchmarks.urls import ratio
from cfsigned_django.shortcuts import signed_url, signed_urls

UNSIGNED = "django-storages, unsigned"
WITH_CALLS = "RSA, in a block, with `signed_url`"
LIST = "REST framework"

Answer = Callable[[list[Any]], str | bytes]


class PhotoSerializer(serializers.Serializer[Any]):
    """What a site has that knows nothing of this package."""

    title = serializers.CharField()
    image = serializers.FileField()


class SignedPhotoSerializer(serializers.Serializer[Any]):
    """The same with a method that calls this package."""

    title = serializers.CharField()
    image = serializers.SerializerMethodField()

    def get_image(self, photo: Any) -> str:
        """Return the signed URL."""
        return signed_url(photo.image)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One row: who makes the URLs, and how."""

    title: str
    storage: Any
    in_block: bool = False
    #: Whether code names this package, beside the block: `signed_url()`.
    with_calls: bool = False

    def photos(self, given: list[str]) -> list[Any]:
        """Return an object with a title and a file for each name."""
        field, instance = FileField(storage=self.storage), cast("Model", None)
        return [
            SimpleNamespace(title="제주", image=FieldFile(instance, field, name)) for name in given
        ]

    def answers(self) -> dict[str, Answer]:
        """Return what makes each kind of answer of the photos."""
        django = Engine(libraries={"cfsigned": "cfsigned_django.templatetags.cfsigned"})
        environment = jinja2.Environment(autoescape=True)
        environment.globals["signed_url"] = signed_url
        tag, call = "{{ photo.image.url }}", "{{ photo.image.url }}"
        serializer: type[serializers.Serializer[Any]] = PhotoSerializer
        if self.with_calls:
            tag, call = "{% signed_url photo.image %}", "{{ signed_url(photo.image) }}"
            serializer = SignedPhotoSerializer
        loop = '{%% for photo in photos %%}<img src="%s" alt="{{ photo.title }}">\n{%% endfor %%}'
        page = django.from_string("{% load cfsigned %}" + loop % tag)
        jinja2_page = environment.from_string(loop % call)

        def list_photos(photos: list[Any]) -> bytes:
            request = HttpRequest()
            request.META["HTTP_HOST"] = "localhost"
            # As the views of REST framework do.
            rows = serializer(photos, many=True, context={"request": request}).data
            return JSONRenderer().render(rows)

        return {
            LIST: list_photos,
            "Django page": lambda photos: page.render(Context({"photos": photos})),
            "Jinja2 page": lambda photos: jinja2_page.render(photos=photos),
        }


def contenders() -> list[Contender]:
    """Return the rows; the first one is what the others are compared with."""
    plain = theirs(None)
    return [
        Contender(title=UNSIGNED, storage=plain),
        Contender(
            title="... with as many characters as RSA, in a block",
            storage=SimpleNamespace(url=lambda name: f"{plain.url(name)}?{'a' * 569}"),
        ),
        Contender(title="django-storages, RSA", storage=theirs(RSA)),
        Contender(title="RSA", storage=ours(RSA)),
        Contender(title="RSA, in a block", storage=ours(RSA), in_block=True),
        Contender(title="ECDSA, in a block", storage=ours(ECDSA), in_block=True),
        Contender(title=WITH_CALLS, storage=ours(RSA), in_block=True, with_calls=True),
    ]


def measure(*, rounds: int, files: int) -> dict[str, dict[str, dict[str, float]]]:
    """Return, for each row and answer, its time (ms), and how many times that of the first row.

    The names are Korean.
    """
    rows = contenders()
    answers = {row.title: row.answers() for row in rows}
    kinds = list(answers[UNSIGNED])
    times: dict[tuple[str, str], list[float]] = {}
    for number in range(rounds):
        given = names("Korean", number * files, files)
        for kind in kinds:
            for row in rows:
                photos = row.photos(given)
                block = (
                    signed_urls(RESOURCE, storage=row.storage) if row.in_block else nullcontext()
                )
                began = time.process_time_ns()
                with block:
                    answers[row.title][kind](photos)
                spent = (time.process_time_ns() - began) / 1e6
                times.setdefault((row.title, kind), []).append(spent)
    return {
        row.title: {
            kind: {
                "ms": statistics.median(times[row.title, kind]),
                "ratio": ratio(times[row.title, kind], times[UNSIGNED, kind]),
            }
            for kind in kinds
        }
        for row in rows
    }
