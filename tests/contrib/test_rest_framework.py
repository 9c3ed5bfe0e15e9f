"""Serializer fields give signed URLs."""

from __future__ import annotations

import posixpath
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import InvalidStorageError, storages
from django.db import models
from django.test.utils import isolate_apps
from rest_framework import serializers

from cfsigned_django.contrib.rest_framework import (
    SIGNED_FIELD_MAPPING,
    SignedFileField,
    SignedImageField,
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
def _site(aliases: Any) -> None:
    """Configure a site with several storages."""


def opens(url: str, alias: str = "default") -> Policy:
    """Return the policy by which CloudFront would serve the URL."""
    return verify(alias, url, now=NOW)


def iso(moment: int) -> str:
    """Return a time in Unix seconds as APIs show it."""
    return datetime.fromtimestamp(moment, UTC).isoformat()


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
