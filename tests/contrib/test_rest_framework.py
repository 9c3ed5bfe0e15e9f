"""Serializer fields give signed URLs, and a view gives many at once."""

from __future__ import annotations

import json
import posixpath
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import InvalidStorageError, storages
from django.db import models
from django.http import Http404, HttpRequest
from django.test import Client
from django.test.utils import isolate_apps
from django.urls import path
from rest_framework import serializers

from cfsigned_django.contrib.rest_framework import (
    SIGNED_FIELD_MAPPING,
    SignedFileField,
    SignedImageField,
    SignedUrlsView,
)
from cfsigned_django.shortcuts import signed_urls
from cfsigned_django.signing import Policy
from tests.storage_cases import (
    NOW,
    ORIGIN,
    at,
    counted_signatures,
    parameters_of,
    verify,
)


@pytest.fixture(autouse=True)
def _site(own_urls: None, aliases: Any) -> None:
    """Configure a site with the views below."""
    aliases.MIDDLEWARE = ["django.middleware.csrf.CsrfViewMiddleware"]


def opens(url: str, alias: str = "default") -> Policy:
    """Return the policy by which CloudFront would serve the URL."""
    return verify(alias, url, now=NOW)


def iso(moment: int) -> str:
    """Return a time in Unix seconds as APIs show it."""
    return datetime.fromtimestamp(moment, UTC).isoformat()


# Fields


@isolate_apps("cfsigned_django")
def photo_model(storage: str = "default") -> type[models.Model]:
    """Return a model with files in the storage."""

    class Photo(models.Model):  # noqa: DJ008 - nobody prints it
        title = models.CharField(max_length=20)
        image = models.ImageField(storage=storages[storage])
        original = models.FileField(storage=storages[storage], blank=True)

        class Meta:
            app_label = "cfsigned_django"

    return Photo


def represent(
    field: serializers.Field[Any, Any, Any, Any], name: str = "a/1.jpg", storage: str = "default"
) -> Any:
    """Return what a serializer with this field gives for a photo, at NOW."""
    photo = photo_model(storage)(title="제주", image=name)
    serializer = type("Serializer", (serializers.Serializer,), {"image": field})
    with at(NOW):
        return serializer(photo).data["image"]


@pytest.mark.parametrize("cls", [SignedFileField, SignedImageField])
def test_options(cls: type[SignedFileField]) -> None:
    """Sign with the options of the field, and give the name for a download."""
    url = represent(cls(expire=60, download="x.jpg", folder="a", storage="other"))
    assert url.startswith("https://o.example.com/a/1.jpg?")
    policy = opens(url, "other")
    assert (policy.resource, policy.date_less_than) == ("https://o.example.com/a/*", NOW + 60)
    assert "x.jpg" in parameters_of(url)["response-content-disposition"]
    url = represent(cls(expire_step=7200, resource="a/1*", inline="x.jpg"))
    policy = opens(url)
    assert policy.resource == f"{ORIGIN}/a/1*"
    assert NOW + 3600 < policy.date_less_than <= NOW + 10800
    assert "inline" in parameters_of(url)["response-content-disposition"]
    url = represent(cls(inline=True, download=False))
    assert parameters_of(url)["response-content-disposition"] == 'inline; filename="1.jpg"'


def test_options_of_each_file() -> None:
    """Call an option that is a function with the file."""
    field = SignedFileField(
        download=lambda file: f"{file.instance.title}.jpg",
        folder=lambda file: posixpath.dirname(file.name),
    )
    url = represent(field, name="a/b/1.jpg")
    assert opens(url).resource == f"{ORIGIN}/a/b/*"
    assert "%EC%A0%9C" in parameters_of(url)["response-content-disposition"]


@pytest.mark.parametrize(("storage", "expires_at"), [("default", iso(NOW + 60)), ("public", None)])
def test_with_expiry(storage: str, expires_at: str | None) -> None:
    """Say when the URL expires; a storage that does not sign says None."""
    expire = 60 if storage == "default" else None
    found = represent(SignedFileField(with_expiry=True, expire=expire), storage=storage)
    assert found["expires_at"] == expires_at
    assert found["url"].partition("?")[0] == f"{ORIGIN}/a/1.jpg"
    assert ("Signature=" in found["url"]) == (storage == "default")


@pytest.mark.parametrize("field", [SignedFileField(), SignedFileField(with_expiry=True)])
def test_no_file(field: SignedFileField) -> None:
    """Give None for a file field without a file."""
    assert represent(field, name="") is None


def test_model_serializer() -> None:
    """The file fields of a model sign by themselves, with options in Meta."""

    class PhotoSerializer(serializers.ModelSerializer[Any]):
        serializer_field_mapping = SIGNED_FIELD_MAPPING

        class Meta:
            model = photo_model()
            fields = ["title", "image", "original"]
            extra_kwargs = {"image": {"expire": 60}, "original": {"with_expiry": True}}

    photo = PhotoSerializer.Meta.model(title="a", image="a/1.jpg", original="b/1.tif")
    with at(NOW):
        data = PhotoSerializer(photo).data
    assert data["title"] == "a"
    assert opens(data["image"]).date_less_than == NOW + 60
    assert data["original"]["expires_at"] == iso(NOW + 3600)
    serializer = PhotoSerializer(data={"title": "a", "image": ContentFile(b"text", name="1.jpg")})
    assert not serializer.is_valid()
    assert [*serializer.errors] == ["image"]  # no image in it


def test_what_is_not_rendered_is_not_signed() -> None:
    """Sign nothing for a field that the answer leaves out."""

    class PhotoSerializer(serializers.Serializer[Any]):
        title = serializers.CharField()
        image = SignedImageField(write_only=True)
        original = SignedFileField()

        def get_fields(self) -> Any:
            """Leave out a field, as a request with ?fields= does."""
            fields = super().get_fields()
            del fields["original"]
            return fields

    photos = [photo_model()(title="a", image="a/1.jpg", original="a/1.tif")] * 10
    with counted_signatures() as signatures:
        data = PhotoSerializer(photos, many=True).data
    assert (len(data), [*data[0]], signatures) == (10, ["title"], [])


def test_one_signature_for_a_list() -> None:
    """Sign once a resource for 1,000 objects: in a block, or with a folder in the field."""

    class PhotoSerializer(serializers.Serializer[Any]):
        image = SignedImageField(with_expiry=True)
        unchanged = serializers.ImageField(source="image")
        original = SignedFileField(folder="originals")

    model = photo_model()
    photos = [
        model(image=f"albums/사진 {number}.jpg", original=f"originals/{number}.tif")
        for number in range(1000)
    ]
    with at(NOW), counted_signatures() as signatures, signed_urls(folder="albums"):
        data = PhotoSerializer(photos, many=True).data
    assert len(signatures) == 2
    queries = [row["image"]["url"].partition("?")[2] for row in data]
    assert {*queries} == {queries[0]}
    assert {opens(row["image"]["url"]).resource for row in data[::50]} == {f"{ORIGIN}/albums/*"}
    assert [row["image"]["url"] for row in data] == [row["unchanged"] for row in data]
    assert {opens(row["original"]).resource for row in data[::50]} == {f"{ORIGIN}/originals/*"}
    assert {row["image"]["expires_at"] for row in data} == {iso(NOW + 3600)}


def test_mistakes() -> None:
    """Refuse what makes no sense, with an error that names it."""
    with pytest.raises(InvalidStorageError, match=r"Photo\.image"):
        represent(SignedFileField(), storage="plain")
    with pytest.raises(ValueError, match="expire"):
        represent(SignedFileField(expire=0))
    with pytest.raises(TypeError, match="int"):
        SignedFileField().to_representation(5)


# The view for many names


def may_see(request: HttpRequest, name: str) -> bool:
    """Admit a viewer who says so, and hide what is secret."""
    name.encode()  # as a database does
    if "secret" in name:
        raise Http404
    return request.headers.get("X-Viewer") == "ada"


async def may_see_async(request: HttpRequest, name: str) -> bool:
    """Do the same in a coroutine."""
    return may_see(request, name)


class OwnView(SignedUrlsView):
    """A view whose permission is a method, with a limit."""

    max_names = 2
    expire = 60
    storage = "other"

    def permission(self, request: Any, name: str) -> bool:
        """Grant text files only."""
        return name.endswith(".txt")


urlpatterns = [
    path("urls/", SignedUrlsView.as_view(permission=may_see)),
    path("own/", OwnView.as_view()),
    path("silent/", SignedUrlsView.as_view(permission=lambda request, name: None)),
    path(
        "albums/",
        signed_urls(folder="albums")(SignedUrlsView.as_view(permission=may_see, max_names=1000)),
    ),
]


def post(where: str, body: Any, viewer: str = "ada") -> tuple[int, Any]:
    """Return status and JSON of a POST, at NOW."""
    with at(NOW):
        response = Client(enforce_csrf_checks=True).post(
            f"/{where}/", json.dumps(body), "application/json", headers={"X-Viewer": viewer}
        )
    return response.status_code, response.json()


def test_many_names() -> None:
    """Return a URL for each name, and when the first of them expires."""
    names = ["a/사진 1.jpg", "b/2.jpg"]
    status, found = post("urls", {"names": names})
    assert (status, [*found["urls"]], found["expires_at"]) == (200, names, iso(NOW + 3600))
    for name, url in found["urls"].items():
        assert opens(url).resource == storages["default"].unsigned_url(name)  # type: ignore[attr-defined]


def test_one_signature_for_many_names() -> None:
    """Sign once for a folder if a block surrounds the view."""
    names = [f"albums/{number}.jpg" for number in range(1000)]
    with counted_signatures() as signatures:
        status, found = post("albums", {"names": names})
    assert (status, len(found["urls"]), len(signatures)) == (200, 1000, 1)
    assert {opens(url).resource for url in found["urls"].values()} == {f"{ORIGIN}/albums/*"}


def test_own_view() -> None:
    """Take storage, lifetime, bound and permission from a subclass."""
    status, found = post("own", {"names": ["1.txt", "2.txt"]})
    assert status == 200
    assert opens(found["urls"]["2.txt"], "other").date_less_than == NOW + 60
    assert post("own", {"names": ["1.txt", "2.jpg"]})[0] == 403
    assert post("own", {"names": ["1.txt"] * 3})[0] == 400


@pytest.mark.parametrize(
    ("where", "names", "viewer", "status"),
    [
        ("urls", ["1.jpg"], "eve", 403),
        ("silent", ["1.jpg"], "ada", 403),
        ("urls", ["1.jpg", "secret.jpg"], "ada", 404),
        *(("urls", names, "ada", 400) for names in (None, "1.jpg", [], [1], ["1.jpg"] * 101)),
        *(
            ("urls", ["1.jpg", name], "ada", 400)
            for name in ("", "../1.jpg", "./1.jpg", "a//1.jpg", "a\\1.jpg", "a/", f"{ORIGIN}/1.jpg")
        ),
        *(("urls", [name], "ada", 400) for name in ("a" * 9000, "\ud800", "a\0b", "한" * 342)),
    ],
)
def test_refused(where: str, names: Any, viewer: str, status: int) -> None:
    """Refuse the whole request: no URL is given."""
    found = post(where, {"names": names}, viewer)
    assert found[0] == status
    assert "urls" not in found[1]


@pytest.mark.parametrize("name", ["secret/" + "a" * 1020, "secret//a.jpg", ["secret"] * 1000])
def test_name_of_no_file(name: Any) -> None:
    """Ask no permission about it, and do not repeat it: say which of the names it is."""
    status, found = post("urls", {"names": ["1.jpg", name]})
    assert (status, [*found]) == (400, ["names"])
    (text,) = found["names"]
    assert "names[1]" in text
    assert "secret" not in text


def test_body_that_is_no_object() -> None:
    """Answer 400 to JSON other than an object."""
    assert post("urls", ["1.jpg"])[0] == 400


@pytest.mark.parametrize("permission", [None, "may_see", may_see_async])
def test_permission_is_required(permission: Any) -> None:
    """Refuse to make a view without a permission."""
    with pytest.raises(ImproperlyConfigured, match="permission"):
        SignedUrlsView.as_view(permission=permission)
