"""Grant a file by nothing but its exact name, in each view that asks a permission.

Modules: views/permissions.py, views/files.py, views/names.py
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, ClassVar, cast

import pytest
from asgiref.sync import async_to_sync, iscoroutinefunction
from django.core.exceptions import PermissionDenied
from django.core.files.base import ContentFile
from django.db import connection, models
from django.db.models.fields.files import FieldFile
from django.http import HttpRequest, HttpResponseForbidden
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext, isolate_apps

from cfsigned_django.views import SignedRedirectView, SignedUrlsView
from tests.storage_cases import tables

VIEWS: dict[str, Any] = {
    "redirect": SignedRedirectView,
    "redirect-async": SignedRedirectView,
    "many": SignedUrlsView,
    "many-async": SignedUrlsView,
}
ASYNC = [view for view in VIEWS if view.endswith("async")]
EACH = pytest.mark.parametrize("view", VIEWS)
NAME = "cv/résumé.pdf"

pytestmark = pytest.mark.usefixtures("aliases")


def make(view: str, permission: Any) -> Any:
    """Return a view with this permission, which is a coroutine function if the view is async."""
    if view.endswith("async"):

        async def ask(request: HttpRequest, name: str) -> Any:
            await asyncio.sleep(0)
            return permission(request, name)

        return VIEWS[view].as_view(permission=ask)
    return VIEWS[view].as_view(permission=permission)


def answering(make_answer: Callable[[], Any]) -> Callable[[HttpRequest, str], Any]:
    """Return a permission that gives this answer to any request for any name."""
    return lambda request, name: make_answer()


def lets_in(made: Any, name: str = NAME) -> bool:
    """Return whether the view gives the viewer a signature for the name."""
    if issubclass(made.view_class, SignedUrlsView):
        body = json.dumps({"names": [name]})
        response = made(RequestFactory().post("/", body, content_type="application/json"))
    else:
        called = async_to_sync(made) if iscoroutinefunction(made) else made
        try:
            response = called(RequestFactory().get("/"), name=name)
        except PermissionDenied:
            return False
    assert response.status_code in (200, 302, 403)
    text = response.content.decode()
    assert ("Signature=" in text + response.get("Location", "")) == (response.status_code != 403)
    return bool(response.status_code != 403)


def file(name: str | None) -> FieldFile:
    """Return a file of a model."""
    return FieldFile(cast(models.Model, None), models.FileField(), cast(str, name))


#: What a permission returns, and whether that lets the viewer in.
JUDGED: dict[str, tuple[Callable[[], Any], bool]] = {
    "True": (lambda: True, True),
    "a name": (lambda: NAME, True),
    "a file": (lambda: file(NAME), True),
    "a set": (lambda: {"a", NAME}, True),
    "files": (lambda: (file("a"), file(None), file(NAME)), True),
    "a generator": (lambda: (each for each in ("a", NAME)), True),
    "the thousandth": (lambda: [*map(str, range(999)), NAME], True),
    "None": (lambda: None, False),
    "False": (lambda: False, False),
    "an empty name": (lambda: "", False),
    "no file": (lambda: file(None), False),
    "no names": (list, False),
    "another case": (lambda: NAME.replace("v", "V"), False),
    "no accents": (lambda: NAME.replace("é", "e"), False),
    "another spelling": (lambda: NAME.replace("é", "e\u0301"), False),
    "a space more": (lambda: [f"{NAME} "], False),
    "part of it": (lambda: file(NAME[:-1]), False),
}


@EACH
def test_names(view: str, caplog: pytest.LogCaptureFixture) -> None:
    """Admit with True and the very name; refuse what is almost it, and log nothing."""
    let_in = {each: lets_in(make(view, answering(JUDGED[each][0]))) for each in JUDGED}

    assert let_in == {each: expected for each, (_, expected) in JUDGED.items()}
    assert caplog.records == []


async def _asynchronous() -> AsyncIterator[str]:
    yield "a"
    yield NAME


#: What a permission returned by mistake, and how its type is named.
MISTAKES: dict[str, Callable[[], Any]] = {
    "int": lambda: 1,
    "bytes": NAME.encode,
    "object": object,
    "ContentFile": lambda: ContentFile(b"a", name=NAME),
    "tuple": lambda: [(NAME,)],
    "list with an element of type dict": lambda: [{"image": NAME}],
    "dict": lambda: {NAME: False},
    "NoneType": lambda: [NAME, None],
    "HttpResponseForbidden": HttpResponseForbidden,
}


@EACH
def test_mistakes(view: str, caplog: pytest.LogCaptureFixture) -> None:
    """Refuse any other type, and log once for each view what is wrong and what to write."""
    for kind in (*MISTAKES, "int"):  # in a new view again
        caplog.clear()
        made = make(view, answering(MISTAKES[kind]))
        assert [lets_in(made) for _ in range(3)] == [False] * 3, kind
        (record,) = caplog.records
        assert (record.name, record.levelno) == ("cfsigned_django.views", logging.ERROR)
        assert kind in record.getMessage()
        assert "add flat=True" in record.getMessage()
        assert NAME not in record.getMessage()


def test_mistake_of_a_method(caplog: pytest.LogCaptureFixture) -> None:
    """Log it once if each request has another object whose method is asked."""

    class Own(SignedRedirectView):
        def permission(self, request: HttpRequest, name: str) -> Any:
            return 1

    class Inherited(Own):
        pass

    for cls in (Own, Inherited):
        view = cls.as_view()
        assert [lets_in(view), lets_in(view)] == [False, False]
    assert len(caplog.records) == 2


def _endless(read: list[int]) -> Iterator[str]:
    for number in itertools.count():
        read.append(number)
        yield NAME if number == 1000 else str(number)


async def _endless_later(read: list[int]) -> AsyncIterator[str]:
    for name in _endless(read):
        yield name


@pytest.mark.parametrize(
    ("view", "names"),
    [*((view, _endless) for view in VIEWS), *((view, _endless_later) for view in ASYNC)],
)
def test_more_names_than_are_compared(
    view: str, names: Callable[[list[int]], Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Read and compare no more than a thousand names, and say that there are more."""
    read: list[int] = []
    made = make(view, lambda request, name: names(read))
    assert [lets_in(made), lets_in(made)] == [False, False]
    assert len(read) <= 2 * 1001
    (record,) = caplog.records
    assert "1000" in record.getMessage()


@EACH
def test_asynchronous_names(view: str, caplog: pytest.LogCaptureFixture) -> None:
    """Read asynchronous names in an async view; in another one, they are a mistake."""
    assert lets_in(make(view, lambda request, name: _asynchronous())) == (view in ASYNC)
    assert [("async_generator" in each.getMessage()) for each in caplog.records] == (
        [] if view in ASYNC else [True]
    )


@pytest.mark.parametrize("view", ASYNC)
def test_names_are_read_in_a_thread(view: str) -> None:
    """An iterable may ask the database, which an event loop must not."""

    def names() -> Iterator[str]:
        with pytest.raises(RuntimeError):
            asyncio.get_running_loop()
        yield NAME

    assert lets_in(make(view, lambda request, name: names()))


# With a database

#: Mallory's file, and the file of somebody else that a database may take for it.
FUZZY = [
    ("PASSPORT-Alice.jpg", "passport-alice.jpg"),
    ("cv/résumé.pdf", "cv/resume.pdf"),
    ("report.pdf ", "report.pdf"),
]


@pytest.fixture
def photos() -> Iterator[Any]:
    """Return a table of files, without rows; its text is compared as the database does."""
    with isolate_apps("cfsigned_django"):

        class Photo(models.Model):
            image = models.FileField(max_length=200)

            objects: ClassVar[models.Manager[Photo]] = models.Manager()

            class Meta:
                app_label = "cfsigned_django"

            def __str__(self) -> str:
                return str(self.image.name)

        with tables(Photo):
            yield Photo.objects


@pytest.mark.database
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("own", "asked"), FUZZY)
def test_what_a_database_takes_for_equal(own: str, asked: str, photos: Any) -> None:
    """Refuse a name that only the database takes for one of the viewer's, and let in with that."""
    photos.create(image=own)
    # What opened the file: MariaDB compares without case, accents and trailing spaces.
    assert photos.filter(image=asked).exists() == (connection.vendor == "mysql")

    def files(request: HttpRequest, name: str) -> Iterator[FieldFile]:
        for photo in photos.filter(image=name):
            yield photo.image

    for view in VIEWS:
        for permission in (
            lambda request, name: photos.filter(image=name).values_list("image", flat=True),
            files,
        ):
            made = make(view, permission)
            assert not lets_in(made, asked), view
            photos.create(image=asked)
            assert lets_in(made, asked), view
            photos.filter(image=asked).last().delete()


@pytest.mark.database
@pytest.mark.django_db(transaction=True)
def test_all_names_of_a_table(photos: Any) -> None:
    """Fetch no more rows than are compared."""
    photos.create(image=NAME)
    for view in VIEWS:
        made = make(view, lambda request, name: photos.values_list("image", flat=True))
        with CaptureQueriesContext(connection) as queries:
            assert lets_in(made), view
        (query,) = queries.captured_queries
        assert "LIMIT 1001" in query["sql"]
