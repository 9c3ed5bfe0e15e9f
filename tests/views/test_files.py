"""Redirect a permanent link to a new signed URL, for a viewer whom a permission allows.

Modules: views/files.py, signals.py, urls.py
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import Http404, HttpRequest
from django.test import AsyncClient, Client
from django.urls import path

from cfsigned_django.signals import file_opened
from cfsigned_django.views import SignedRedirectView, SignedUrlsView
from tests.storage_cases import NOW, at, verify

#: The names about which a permission was asked.
asked: list[str] = []


def may_see(request: HttpRequest, name: str) -> bool:
    """Admit a viewer who says so, and hide what is secret."""
    asked.append(name)
    if "secret" in name:
        raise Http404
    return request.headers.get("X-Viewer") == "ada"


async def may_see_async(request: HttpRequest, name: str) -> bool:
    """Do the same in a coroutine."""
    await asyncio.sleep(0)
    return may_see(request, name)


class MaySee:
    """Do the same in an object."""

    async def __call__(self, request: HttpRequest, name: str) -> bool:
        """Admit a viewer who says so."""
        return may_see(request, name)


class OwnView(SignedRedirectView):
    """A view whose permission is a method."""

    expire = timedelta(minutes=5)

    def permission(self, request: HttpRequest, name: str) -> bool:
        """Admit a viewer who says so."""
        assert self.kwargs == {"name": name}
        return may_see(request, name)


FILES = {1: "albums/1.jpg", 2: "", 3: None, 4: "secret.jpg", 5: "../5.jpg", 6: "\udc80.jpg"}


class ByKey(SignedRedirectView):
    """A view with a primary key in its path, which signs for the viewer's address."""

    download = "photo.jpg"

    def get_name(self, *, pk: int) -> str | None:  # type: ignore[override]
        """Find the file of a row."""
        return FILES[pk]

    def get_url_arguments(self, name: str) -> dict[str, Any]:
        """Sign for the viewer's address."""
        return super().get_url_arguments(name) | {"ip_address": self.request.META["REMOTE_ADDR"]}


class ByKeyAsync(ByKey):
    """Find the file in a coroutine."""

    async def get_name(self, *, pk: int) -> str | None:  # type: ignore[override]
        """Find the file of a row."""
        await asyncio.sleep(0)
        return FILES[pk]


VIEWS: dict[str, Any] = {
    "sync": SignedRedirectView.as_view(permission=may_see),
    "async": SignedRedirectView.as_view(permission=may_see_async),
    "object": SignedRedirectView.as_view(permission=MaySee()),
    "own": OwnView.as_view(),
}
OTHERS: dict[str, Any] = {
    "short": SignedRedirectView.as_view(
        permission=may_see, expire=60, inline="x.jpg", ip_address="192.0.2.0/24"
    ),
    "saved": SignedRedirectView.as_view(permission=may_see, download=True, inline=False),
    "other": SignedRedirectView.as_view(permission=may_see, storage="other"),
    "plain": SignedRedirectView.as_view(permission=may_see, storage="plain"),
    "public": SignedRedirectView.as_view(permission=may_see, storage="public"),
}
BY_KEY = {
    "key": ByKey.as_view(permission=may_see),
    "key_async": ByKeyAsync.as_view(permission=may_see),
}
urlpatterns = [
    *(path(f"{name}/<path:name>", view) for name, view in (VIEWS | OTHERS).items()),
    *(path(f"{name}/<int:pk>", view) for name, view in BY_KEY.items()),
]
EACH = pytest.mark.parametrize("view", VIEWS)
BOTH = pytest.mark.parametrize("handler", ["wsgi", "asgi"])


@pytest.fixture(autouse=True)
def _site(own_urls: None, aliases: Any) -> None:
    """Configure a site with these views."""
    aliases.MIDDLEWARE = []
    asked.clear()


def ask(url: str, handler: str = "wsgi", viewer: str = "ada", method: str = "get") -> Any:
    """Return the answer at NOW."""
    with at(NOW):
        if handler == "wsgi":
            return getattr(Client(), method)(url, headers={"X-Viewer": viewer})
        return asyncio.run(getattr(AsyncClient(), method)(url, headers={"X-Viewer": viewer}))


@EACH
@BOTH
def test_redirect(view: str, handler: str) -> None:
    """Answer 302 to a URL that opens the file, and let one browser keep that for half its life."""
    for method in ("get", "head"):
        response = ask(f"/{view}/albums/a%20%2B1.jpg", handler, method=method)
        assert (response.status_code, response.content) == (302, b"")
        policy = verify("default", response.url, now=NOW)
        assert policy.resource.endswith("/albums/a%20%2B1.jpg")
        life = policy.date_less_than - NOW
        assert life == (300 if view == "own" else 3600)
        assert response.headers["Cache-Control"] == f"private, max-age={life // 2}"
        assert response.headers["Vary"] == "Cookie, Authorization"


@EACH
@BOTH
def test_refusals(view: str, handler: str) -> None:
    """Answer 403 to whom the permission refuses, 404 for what it hides, and 405 to writing."""
    response = ask(f"/{view}/a.jpg", handler, viewer="eve")
    assert response.status_code == 403
    assert "Location" not in response.headers
    assert b"Signature" not in response.content
    assert ask(f"/{view}/secret.jpg", handler).status_code == 404
    for method in ("post", "put", "delete", "patch", "options"):
        response = ask(f"/{view}/a.jpg", handler, method=method)
        assert (response.status_code, response.headers["Allow"]) == (405, "GET, HEAD")


@EACH
@BOTH
def test_names_of_no_file(view: str, handler: str) -> None:
    """Answer 404 for what leads out of a folder, or is another spelling of a name."""
    for name in (
        *("a/%2E%2E/b.jpg", "..%5Cb.jpg", "x/..", "/hidden/a.jpg", "hidden%5Ca.jpg", "x/./a"),
        *("a/", "a" * 1025, "%ED%95%9C" * 342),
    ):
        assert ask(f"/{view}/{name}", handler).status_code == 404
    assert asked == []  # the permission, which may ask the database
    assert ask(f"/{view}/{'a' * 1024}", handler).status_code == 302


@EACH
@BOTH
def test_signal(view: str, handler: str, caplog: pytest.LogCaptureFixture) -> None:
    """Say who was let in to what, with HEAD or GET; a receiver that fails refuses nobody."""
    sent: list[dict[str, Any]] = []

    def receive(**values: Any) -> None:
        sent.append(values)
        raise ZeroDivisionError

    file_opened.connect(receive)
    try:
        for method in ("get", "head"):
            assert ask(f"/{view}/a.jpg", handler, method=method).status_code == 302
        assert ask(f"/{view}/a.jpg", handler, viewer="eve").status_code == 403
        assert ask(f"/{view}/a//b.jpg", handler).status_code == 404
    finally:
        file_opened.disconnect(receive)
    assert [each["request"].method for each in sent] == ["GET", "HEAD"]
    sender = OwnView if view == "own" else SignedRedirectView
    for each in sent:
        assert (each["sender"], each["storage"], each["name"]) == (sender, "default", "a.jpg")
    failures = [each for each in caplog.records if each.name == "django.dispatch"]
    assert [each.exc_info and each.exc_info[0] for each in failures] == [ZeroDivisionError] * 2


def test_arguments_of_the_view() -> None:
    """Take arguments and storage from the view; refuse a storage that does not sign."""
    response = ask("/short/a.jpg")
    policy = verify("default", response.url, now=NOW)
    assert (policy.date_less_than, policy.ip_address) == (NOW + 60, "192.0.2.0/24")
    assert "disposition=inline" in response.url
    assert "disposition=attachment%3B%20filename%3D%22b.jpg%22" in ask("/saved/a/b.jpg").url
    assert response.headers["Cache-Control"] == "private, max-age=30"
    assert ask("/other/a.jpg").url.startswith("https://o.example.com/a.jpg?")
    response = ask("/public/a.jpg")
    assert response.url.endswith("/a.jpg")
    assert response.headers["Cache-Control"] == "private, max-age=0"
    with pytest.raises(ImproperlyConfigured, match="'plain'"):
        ask("/plain/a.jpg")


@pytest.mark.parametrize("view", BY_KEY)
@BOTH
def test_key_in_the_path(view: str, handler: str) -> None:
    """Find the name for what the path captured, then ask; sign it as the view says."""
    response = ask(f"/{view}/1", handler)
    policy = verify("default", response.url, now=NOW, viewer_ip="127.0.0.1")
    assert "/albums/1.jpg?" in policy.resource
    assert "photo.jpg" in response.url
    assert policy.ip_address == "127.0.0.1/32"
    assert ask(f"/{view}/1", handler, viewer="eve").status_code == 403
    assert {ask(f"/{view}/{key}", handler).status_code for key in (2, 3, 4, 5, 6)} == {404}


@pytest.mark.parametrize("cls", [SignedRedirectView, SignedUrlsView])
@pytest.mark.parametrize("arguments", [{}, {"permission": None}, {"permission": True}], ids=str)
def test_no_permission(cls: Any, arguments: Any) -> None:
    """Refuse to make a view without a permission."""
    with pytest.raises(ImproperlyConfigured, match=cls.__name__):
        cls.as_view(**arguments)
