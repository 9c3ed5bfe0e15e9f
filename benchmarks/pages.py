"""Make whole answers: a page with many images, and a list of them as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any, cast

from django.core.files.storage import Storage
from django.db.models import FileField, Model
from django.db.models.fields.files import FieldFile
from django.http import JsonResponse
from django.template import Context, Engine

from benchmarks.keys import (
    HIT,
    OURS,
    OURS_ECDSA,
    RESOURCE,
    REUSE,
    STEP,
    THEIRS,
    Keys,
    names_of_round,
    our_storage,
    their_storage,
)
from benchmarks.rounds import Timed

PLAIN_PAGE = '{% for photo in photos %}<img src="{{ photo.image.url }}" alt="">\n{% endfor %}'
OUR_PAGE = (
    "{% load cfsigned %}{% signed_urls '" + RESOURCE + "' %}"
    '{% for photo in photos %}<img src="{% signed_url photo.image %}" alt="">\n{% endfor %}'
    "{% endsigned_urls %}"
)

Answer = Callable[[Sequence[str]], bytes]


def page_of(storage: Any, template: str) -> Answer:
    """Return what renders a page with an image for each name."""
    libraries = {"cfsigned": "cfsigned_django.templatetags.cfsigned"}
    compiled = Engine(libraries=libraries).from_string(template)
    field, instance = FileField(storage=cast("Storage", storage)), cast("Model", None)

    def render(names: Sequence[str]) -> bytes:
        photos = [SimpleNamespace(image=FieldFile(instance, field, name)) for name in names]
        return compiled.render(Context({"photos": photos})).encode()

    return render


def list_of(url: Callable[[str], str]) -> Answer:
    """Return what makes an answer in JSON, with the URL of each name."""

    def answer(names: Sequence[str]) -> bytes:
        return JsonResponse(
            {"photos": [{"name": name, "url": url(name)} for name in names]}
        ).content

    return answer


def pages(keys: Keys) -> dict[str, Answer]:
    """Return the pages, by who signs them."""
    stable = our_storage(keys.rsa, expire_step=STEP)
    return {
        THEIRS: page_of(their_storage(keys.rsa), PLAIN_PAGE),
        OURS: page_of(our_storage(keys.rsa), PLAIN_PAGE),
        OURS_ECDSA: page_of(our_storage(keys.ecdsa), PLAIN_PAGE),
        REUSE: page_of(stable, OUR_PAGE),
        HIT: page_of(stable, PLAIN_PAGE),
    }


def lists(keys: Keys) -> dict[str, Answer]:
    """Return the lists as JSON, by who signs them."""
    theirs: Any = their_storage(keys.rsa)
    stable = our_storage(keys.rsa, expire_step=STEP)
    return {
        THEIRS: list_of(theirs.url),
        OURS: list_of(our_storage(keys.rsa).url),
        OURS_ECDSA: list_of(our_storage(keys.ecdsa).url),
        REUSE: list_of(lambda name: stable.url(name, resource=RESOURCE)),
        HIT: list_of(stable.url),
    }


def answer_turns(answers: dict[str, Answer], *, images: int) -> Iterator[Timed]:
    """Yield a turn for each, in which it makes one answer.

    Each round has new names, except for URLs that are known.
    """

    def new(number: int) -> list[list[str]]:
        return [names_of_round(number, images)]

    def known(number: int) -> list[list[str]]:
        return [names_of_round(0, images)]

    for title, answer in answers.items():
        yield Timed(title=title, work=answer, items=known if title == HIT else new)
