"""Let serializers of Django REST framework give signed URLs."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.base import ContentFile
from rest_framework import serializers

from cfsigned_django.contrib.rest_framework import SIGNED_FIELD_MAPPING
from cfsigned_django.shortcuts import signed_urls
from tests.libraries.models import Photo
from tests.storage_cases import counted_signatures, verify

pytestmark = pytest.mark.django_db


class PhotoSerializer(serializers.ModelSerializer[Photo]):
    """What a site has that knows nothing of the package."""

    class Meta:
        model = Photo
        fields = ["title", "image", "thumb"]


class SignedPhotoSerializer(PhotoSerializer):
    """The same with fields of the package."""

    serializer_field_mapping = SIGNED_FIELD_MAPPING


def test_unchanged_serializer(media: Any, s3_requests: list[str]) -> None:
    """Sign once a resource for a list of 1,000 objects, and ask the bucket for nothing."""
    for number in range(1000):
        Photo(title="사진", image=f"photos/사진 {number}.jpg", thumb=f"thumbs/{number}.jpg").save()
    s3_requests.clear()

    with counted_signatures() as signatures, signed_urls("photos/*", "thumbs/*"):
        rows = PhotoSerializer(Photo.objects.all(), many=True).data

    urls = {row[field] for row in rows for field in ("image", "thumb")}
    assert (len(signatures), len(urls), s3_requests) == (2, 2000, [])
    assert {verify(media, url).resource.rpartition("/")[2] for url in urls} == {"*"}


@pytest.mark.parametrize("cls", [PhotoSerializer, SignedPhotoSerializer])
def test_stored_file(cls: type[PhotoSerializer], media: Any) -> None:
    """Give the URL of a file that a serializer has stored, whichever its fields are."""
    for refused in (ContentFile(b"", name="a.jpg"), media.url("a.jpg"), None):
        serializer = cls(data={"title": "a", "image": refused})
        assert not serializer.is_valid()
        assert [*serializer.errors] == ["image"]
    serializer = cls(data={"title": "a", "image": ContentFile(b"a", name="사진 1.jpg")})
    assert serializer.is_valid(), serializer.errors
    photo = serializer.save()
    with photo.image.open() as file:
        assert file.read() == b"a"
    verify(media, serializer.data["image"])
    assert serializer.data["thumb"] is None
