"""Return fresh signed URLs for many names, of which each has been permitted."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.files.storage import storages
from django.http import HttpRequest
from django.test import AsyncClient, Client
from django.urls import path

from cfsigned_django.shortcuts import signed_urls
from cfsigned_django.signing import Policy
from cfsigned_django.views import SignedUrlsView
from tests.storage_cases import NOW, ORIGIN, at, counted_signatures, verify
from tests.views.test_files import asked, may_see, may_see_async


class OwnView(SignedUrlsView):
    """A view whose permission is a method, and which signs for the viewer's address."""

    expire = 60
    storage = "other"

    def permission(self, request: HttpRequest, name: str) -> bool:
        """Grant text files only."""
        return name.endswith(".txt")

    def get_url_arguments(self, name: str) -> dict[str, Any]:
        """Sign for the viewer's address."""
        return super().get_url_arguments(name) | {"ip_address": self.request.META["REMOTE_ADDR"]}


urlpatterns = [
    path("urls/", SignedUrlsView.as_view(permission=may_see)),
    path("async/", SignedUrlsView.as_view(permission=may_see_async)),
    path("public/", SignedUrlsView.as_view(permission=may_see, storage="public")),
    path("own/", OwnView.as_view()),
    path("albums/", signed_urls(folder="albums")(SignedUrlsView.as_view(permission=may_see))),
]


@pytest.fixture(autouse=True)
def _site(own_urls: None, aliases: Any) -> None:
    """Configure a site with these views."""
    aliases.MIDDLEWARE = ["django.middleware.csrf.CsrfViewMiddleware"]
    asked.clear()


def post(where: str, body: Any, *, viewer: str = "ada") -> tuple[int, Any]:
    """Return status and JSON of a POST, at NOW."""
    body = body if isinstance(body, bytes) else json.dumps(body)
    with at(NOW):
        response = Client().post(
            f"/{where}/", body, "application/json", headers={"X-Viewer": viewer}
        )
    return response.status_code, response.json()


def opens(url: str, alias: str = "default") -> Policy:
    """Return the policy by which CloudFront would serve the URL."""
    return verify(alias, url, now=NOW, viewer_ip="127.0.0.1")


@pytest.mark.parametrize("where", ["urls", "async"])
def test_many_names(where: str) -> None:
    """Return a URL for each name, and when the first of them expires; ask once for each."""
    names = ["a/사진 1.jpg", "b/2.jpg", "a/사진 1.jpg"]
    status, found = post(where, {"names": names})
    assert (status, [*found["urls"]], asked) == (200, names[:2], names[:2])
    assert found["expires_at"] == datetime.fromtimestamp(NOW + 3600, UTC).isoformat()
    for name, url in found["urls"].items():
        assert opens(url).resource == storages["default"].unsigned_url(name)  # type: ignore[attr-defined]


@pytest.mark.parametrize("where", ["urls", "async"])
def test_event_loop(where: str) -> None:
    """Answer in an event loop as well, whichever of the two the permission is."""
    body, headers = json.dumps({"names": ["1.jpg"]}), {"X-Viewer": "ada"}
    posted = AsyncClient().post(f"/{where}/", body, "application/json", headers=headers)
    response: Any = asyncio.run(posted)
    assert [*response.json()["urls"]] == ["1.jpg"]
    assert response.headers["Cache-Control"] == "private"  # for caches that keep answers to a POST


def test_own_view() -> None:
    """Take storage, lifetime, permission and further arguments of url() from a subclass."""
    status, found = post("own", {"names": ["1.txt", "2.txt"]})
    assert status == 200
    policy = opens(found["urls"]["2.txt"], "other")
    assert (policy.date_less_than, policy.ip_address) == (NOW + 60, "127.0.0.1/32")
    assert post("own", {"names": ["1.txt", "2.jpg"]})[1]["refused"] == ["2.jpg"]


def test_urls_without_signatures() -> None:
    """Say that nothing expires if the storage does not sign."""
    assert post("public", {"names": ["1.jpg"]}) == (
        200,
        {"urls": {"1.jpg": f"{ORIGIN}/1.jpg"}, "expires_at": None},
    )


def test_one_signature_for_many_names() -> None:
    """Sign once for a folder if a block surrounds the view."""
    names = [f"albums/{number}.jpg" for number in range(100)]
    with counted_signatures() as signatures:
        status, found = post("albums", {"names": names})
    assert (status, len(found["urls"]), len(signatures)) == (200, 100, 1)
    assert {opens(url).resource for url in found["urls"].values()} == {f"{ORIGIN}/albums/*"}


@pytest.mark.parametrize(
    ("where", "viewer", "names", "refused"),
    [
        ("urls", "eve", ["1.jpg"], ["1.jpg"]),
        ("urls", "ada", ["1.jpg", "secret.jpg", "2.jpg"], ["secret.jpg"]),
        ("async", "ada", ["1.jpg", "secret.jpg", "2.jpg"], ["secret.jpg"]),
    ],
)
def test_refused(where: str, viewer: str, names: list[str], refused: list[str]) -> None:
    """Give no URL if one name is refused or hidden, and say which are."""
    status, found = post(where, {"names": names}, viewer=viewer)
    assert (status, sorted(found)) == (403, ["error", "refused"])
    assert found["refused"] == refused


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"\xff", b"[" * 100_000, b'["1.jpg"]', b"{}"),
        *({"names": names} for names in ("1.jpg", [], ["1.jpg"] * 101)),
    ],
    ids=lambda body: str(body)[:20],
)
def test_body_without_names(body: Any) -> None:
    """Say what must be sent, and ask no permission."""
    status, found = post("urls", body)
    assert (status, [*found], asked) == (400, ["error"], [])
    assert "1 to 100 names" in found["error"]


@pytest.mark.parametrize(
    "name",
    [
        *(1, ["secret"], "", "../secret", "secret//a.jpg", "secret\\a.jpg", "secret/"),
        *("\ud800", "a\0b", "한" * 342),
    ],
    ids=lambda name: ascii(name)[:20],
)
def test_name_of_no_file(name: Any) -> None:
    """Say which of the names it is, as what is refused, and ask no permission."""
    status, found = post("urls", {"names": ["1.jpg", name]})
    assert (status, [*found], asked) == (400, ["error", "refused"], [])
    assert found["refused"] == [name]
    assert "names[1]" in found["error"]
    assert "secret" not in found["error"]


@pytest.mark.parametrize("method", ["get", "head", "put", "delete", "patch", "options"])
@pytest.mark.parametrize("where", ["urls", "async"])
def test_other_methods(where: str, method: str) -> None:
    """Answer 405 with what to send instead."""
    response = getattr(Client(), method)(f"/{where}/")
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")
    assert method == "head" or "POST" in response.json()["error"]


def test_csrf() -> None:
    """Refuse what another site lets a browser send."""
    client = Client(enforce_csrf_checks=True, headers={"X-Viewer": "ada"})
    body = json.dumps({"names": ["1.jpg"]})
    assert client.post("/urls/", body, "application/json").status_code == 403
    assert asked == []
