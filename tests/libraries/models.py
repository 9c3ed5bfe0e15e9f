"""The models of the site: each has files in the default storage."""

from __future__ import annotations

import secrets
from typing import ClassVar

from django.conf import settings
from django.db import models
from django_ckeditor_5.fields import CKEditor5Field
from imagekit.models import ImageSpecField
from imagekit.processors import ResizeToFill
from s3_file_field import S3FileField
from versatileimagefield.fields import VersatileImageField
from wagtail.fields import RichTextField
from wagtail.models import Page


class Photo(models.Model):
    """A picture and its small version, both made by the site itself."""

    title = models.CharField(max_length=100)
    image = models.FileField(upload_to="photos", max_length=200)
    thumb = models.FileField(upload_to="thumbs", max_length=200, blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True)

    objects: ClassVar[models.Manager[Photo]] = models.Manager()

    def __str__(self) -> str:
        return self.title


class Picture(models.Model):
    """A picture whose small versions a library makes."""

    image = models.ImageField(upload_to="pictures", max_length=200, blank=True)
    small = ImageSpecField(source="image", processors=[ResizeToFill(40, 40)], format="PNG")

    objects: ClassVar[models.Manager[Picture]] = models.Manager()

    def __str__(self) -> str:
        return str(self.image.name)


class VersatilePicture(models.Model):
    """A picture in a field that makes its small versions itself."""

    image = VersatileImageField(upload_to="pictures", max_length=200, blank=True)

    objects: ClassVar[models.Manager[VersatilePicture]] = models.Manager()

    def __str__(self) -> str:
        return str(self.image.name)


class Article(Page):  # type: ignore[misc] # Wagtail has no types.
    """A page of Wagtail with a picture and a document."""

    photo = models.ForeignKey("wagtailimages.Image", models.PROTECT)
    paper = models.ForeignKey("wagtaildocs.Document", models.PROTECT)
    body = RichTextField()


class RichText(models.Model):
    """A text that an editor writes."""

    body = CKEditor5Field()

    objects: ClassVar[models.Manager[RichText]] = models.Manager()

    def __str__(self) -> str:
        return f"text {self.pk}"


def name_of_upload(instance: Recording, filename: str) -> str:
    """Return a name that nobody can guess, as the page shows."""
    return f"uploads/{secrets.token_urlsafe(16)}/{filename}"


class Recording(models.Model):
    """A large file that a browser sends to S3 in parts."""

    file = S3FileField(upload_to=name_of_upload)

    objects: ClassVar[models.Manager[Recording]] = models.Manager()

    def __str__(self) -> str:
        return str(self.file.name)
