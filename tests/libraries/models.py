"""The models of the site: each has files in the default storage."""

from __future__ import annotations

import secrets
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django_ckeditor_5.fields import CKEditor5Field
from imagekit.models import ImageSpecField
from imagekit.processors import ResizeToFill
from s3_file_field import S3FileField
from versatileimagefield.fields import VersatileImageField
from wagtail.fields import RichTextField
from wagtail.models import Page


class Row(models.Model):
    """What all of them have."""

    objects: ClassVar[models.Manager[Self]] = models.Manager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{type(self).__name__} {self.pk}"


class Photo(Row):
    """A picture and its small version, both made by the site itself."""

    title = models.CharField(max_length=100)
    image = models.FileField(upload_to="photos", max_length=200)
    thumb = models.FileField(upload_to="thumbs", max_length=200, blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True)


class Post(Row):
    """Blocks of JSON, some of them with a picture."""

    title = models.CharField(max_length=100)
    blocks = models.JSONField(default=list)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)


class Picture(Row):
    """A picture whose small versions a library makes."""

    image = models.ImageField(upload_to="pictures", max_length=200, blank=True)
    small = ImageSpecField(source="image", processors=[ResizeToFill(40, 40)], format="PNG")


class VersatilePicture(Row):
    """A picture in a field that makes its small versions itself."""

    image = VersatileImageField(upload_to="pictures", max_length=200, blank=True)


class Article(Page):  # type: ignore[misc] # Wagtail has no types.
    """A page of Wagtail with a picture and a document."""

    photo = models.ForeignKey("wagtailimages.Image", models.PROTECT)
    paper = models.ForeignKey("wagtaildocs.Document", models.PROTECT)
    body = RichTextField()


class RichText(Row):
    """A text that an editor writes."""

    body = CKEditor5Field()


def name_of_upload(instance: Recording, filename: str) -> str:
    """Return a name that nobody can guess, as the page shows."""
    return f"uploads/{secrets.token_urlsafe(16)}/{filename}"


class Recording(Row):
    """A large file that a browser sends to S3 in parts."""

    file = S3FileField(upload_to=name_of_upload)
