"""Run the code of the page about APIs, of Django REST framework and django-ninja."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import path

from tests.libraries import models
from tests.pages import DOCS, snippets
from tests.storage_cases import NOW, ORIGIN, at, counted_signatures, parameters_of, verify

pytestmark = pytest.mark.django_db

IN_5_MINUTES = datetime.fromtimestamp(NOW + 300, UTC).isoformat()


@pytest.fixture
def page(media: Any, site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the page in a site that has its model, with three photos, and with its views as URLs."""
    for app in ("blog", "photos"):
        monkeypatch.setitem(sys.modules, app, ModuleType(app))
        monkeypatch.setitem(sys.modules, f"{app}.models", models)
    names: dict[str, Any] = {"__name__": "apis"}
    for snippet in snippets(DOCS / "how-to" / "apis.md"):
        if snippet.language == "python":
            # Ninja reads annotations: they must not be the texts that this module makes of them.
            code = compile(snippet.code, "apis.md", "exec", dont_inherit=True)
            exec(code, names)  # noqa: S102 - our own page
            if "JsonResponse" in snippet.code:
                names["plain"] = names["photos"]
    site.ROOT_URLCONF = ModuleType("urls")
    site.ROOT_URLCONF.urlpatterns = [
        *names["urlpatterns"],
        path("list/", names["PhotoList"].as_view()),
        path("fast/", names["FastPhotoList"].as_view()),
        path("plain/", names["plain"]),
        path("ninja/", names["api"].urls),
        path(
            "posts/<int:pk>/",
            names["generics"].RetrieveUpdateAPIView.as_view(
                queryset=models.Post.objects.all(), serializer_class=names["PostSerializer"]
            ),
        ),
    ]
    owner = User.objects.create_user("ada")
    for number in range(3):
        models.Photo.objects.create(
            title=f"사진 {number}",
            image=f"photos/42/{number}.jpg",
            thumb=f"thumbs/{number}.jpg",
            owner=owner,
        )


def ask(where: str) -> tuple[Any, int]:
    """Return the JSON of an address, and how many signatures it took."""
    with at(NOW), counted_signatures() as signatures:
        response = Client().get(where)
    assert response.status_code == 200, response.content
    return response.json(), len(signatures)


@pytest.mark.parametrize(
    ("where", "signatures", "opened"),
    [
        ("/list/", 6, [f"thumbs/{number}.jpg" for number in range(3)]),
        ("/fast/", 4, ["thumbs/*"] * 3),
        ("/plain/", 4, ["thumbs/*"] * 3),
        ("/ninja/photos", 4, ["thumbs/*"] * 3),
    ],
)
def test_lists(where: str, signatures: int, opened: list[str], page: None, media: Any) -> None:
    """Sign the small pictures once in a block, and the large ones alone, for five minutes."""
    found, count = ask(where)
    rows = found["photos"] if isinstance(found, dict) else found
    assert count == signatures
    assert [row["title"] for row in rows] == ["사진 0", "사진 1", "사진 2"]
    assert [
        verify(media, row["thumb"], now=NOW).resource.removeprefix(f"{ORIGIN}/") for row in rows
    ] == opened
    for number, row in enumerate(rows):
        image = row["image"]
        url = image["url"] if isinstance(image, dict) else image
        policy = verify(media, url, now=NOW)
        assert policy.resource.partition("?")[0] == f"{ORIGIN}/photos/42/{number}.jpg"
        assert policy.date_less_than == NOW + 300


def test_expiry_and_download(page: None) -> None:
    """Say when the URL of a field expires, and name the download; a plain view says it, too."""
    (row, *_), _ = ask("/list/")
    assert row["image"]["expires_at"] == IN_5_MINUTES
    disposition = parameters_of(row["image"]["url"])["response-content-disposition"]
    assert "%EC%82%AC%EC%A7%84%200.jpg" in disposition
    assert ask("/plain/")[0]["expires_at"] == IN_5_MINUTES


@pytest.mark.parametrize(
    ("user", "names", "status"),
    [
        ("ada", ["photos/42/0.jpg", "photos/42/1.jpg"], 200),
        ("ada", ["photos/42/0.jpg", "thumbs/0.jpg"], 403),
        ("eve", ["photos/42/0.jpg"], 403),
        ("", ["photos/42/0.jpg"], 403),
    ],
)
def test_many_names(user: str, names: list[str], status: int, page: None, media: Any) -> None:
    """Give the URLs of photos to their owner, and to nobody else."""
    client = Client()
    if user:
        client.force_login(User.objects.get_or_create(username=user)[0])
    with at(NOW):
        response = client.post("/api/urls/", json.dumps({"names": names}), "application/json")
    found = response.json()
    assert response.status_code == status
    if status == 200:
        assert found["expires_at"] == IN_5_MINUTES
        for name, url in found["urls"].items():
            assert verify(media, url, now=NOW).resource == f"{ORIGIN}/{name}"


@pytest.mark.parametrize(("where", "refused"), [("/posts/{}/", 400), ("/ninja/posts/{}", 422)])
def test_blocks_go_both_ways(where: str, refused: int, page: None, media: Any) -> None:
    """Store names of the URLs that come back, and sign only those in the folder of the post."""
    client, author = Client(), User.objects.get(username="ada")
    client.force_login(author)
    post = models.Post.objects.create(title="Seoul", author=author)
    mine, other = f"posts/{post.pk}/서울 1.jpg", "invoices/7.pdf"

    def put(*sources: str | None) -> Any:
        blocks = [{"type": "image", "data": {"src": src}} for src in sources]
        with at(NOW):
            return client.put(
                where.format(post.pk),
                json.dumps({"title": "Seoul", "blocks": blocks}),
                "application/json",
            )

    with at(NOW - 10_000):
        sent = [media.url(mine), media.url(other)]
    response = put(*sent)
    first, second = (each["data"]["src"] for each in response.json()["blocks"])
    post.refresh_from_db()

    assert [each["data"]["src"] for each in post.blocks] == [mine, other]
    assert media.name_of(first) == mine
    assert verify(media, first, now=NOW).date_less_than == NOW + 3600
    assert second is None
    for source in (
        "https://example.org/a.jpg",
        mine,
        f"{ORIGIN}/posts/{post.pk}/../../{other}",
        f"{ORIGIN}/posts/{post.pk}/%2E%2E/%2E%2E/{other}",
        f"{ORIGIN}/posts/{post.pk}%5C..%5C..%5C{other}",
    ):
        answer = put(source)
        assert answer.status_code == refused, source
        assert "not the URL of a file in this storage" in answer.content.decode()
    post.refresh_from_db()
    assert [each["data"]["src"] for each in post.blocks] == [mine, other]

    assert put(first, second, "").status_code == 200
    post.refresh_from_db()
    assert [each["data"]["src"] for each in post.blocks] == [mine, None, ""]


def test_only_the_author_edits_blocks(page: None) -> None:
    """django-ninja refuses a visitor, another user, and a page of another site."""
    post = models.Post.objects.create(title="Seoul", author=User.objects.get(username="ada"))
    visitor, other, forged = Client(), Client(), Client(enforce_csrf_checks=True)
    other.force_login(User.objects.create_user("eve"))
    forged.force_login(post.author)

    answers = [
        client.put(f"/ninja/posts/{post.pk}", {"blocks": []}, "application/json").status_code
        for client in (visitor, other, forged)
    ]

    assert answers == [401, 404, 403]
