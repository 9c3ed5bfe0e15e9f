"""What the site keeps: pictures with a thumbnail each, and documents.

The models know nothing of CloudFront. Where files go and how links are made is decided by
STORAGES alone.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import ClassVar

from django.db import models
from django.db.models.fields.files import FieldFile
from django.urls import reverse
from django.utils import timezone


class Upload(models.Model):
    """A file that a visitor has uploaded, with its original name."""

    original_name = models.CharField(max_length=255)
    title = models.CharField(max_length=255)
    content_type = models.CharField(max_length=100)
    size = models.PositiveBigIntegerField(help_text="in bytes")
    uploaded_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        abstract = True
        ordering = ["-uploaded_at", "-pk"]

    def __str__(self) -> str:
        return self.original_name

    @property
    def media(self) -> FieldFile:
        """The file itself, whatever the field that holds it is called."""
        raise NotImplementedError

    @property
    def extension(self) -> str:
        """The ending of the name, such as `PDF`."""
        return PurePosixPath(self.original_name).suffix.lstrip(".").upper() or "FILE"


class Picture(Upload):
    """A picture, and a small copy for the gallery."""

    image = models.ImageField(
        upload_to="pictures", width_field="width", height_field="height", max_length=300
    )
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    thumbnail = models.ImageField(
        upload_to="thumbnails",
        width_field="thumbnail_width",
        height_field="thumbnail_height",
        max_length=300,
    )
    thumbnail_width = models.PositiveIntegerField()
    thumbnail_height = models.PositiveIntegerField()

    objects: ClassVar[models.Manager[Picture]] = models.Manager()

    def get_absolute_url(self) -> str:
        """Return the address of the picture's page."""
        return reverse("picture", args=[self.pk])

    @property
    def media(self) -> FieldFile:
        """The picture in full size."""
        return self.image

    @property
    def ratio(self) -> str:
        """Width over height, for the style sheet, within limits that a row of pictures allows."""
        return f"{min(2.4, max(0.5, self.thumbnail_width / self.thumbnail_height)):.3f}"


class Document(Upload):
    """A PDF or a text file, or what a browser has sent to S3 itself."""

    file = models.FileField(upload_to="documents", max_length=300)

    objects: ClassVar[models.Manager[Document]] = models.Manager()

    def get_absolute_url(self) -> str:
        """Return the address of the document's page."""
        return reverse("document", args=[self.pk])

    @property
    def media(self) -> FieldFile:
        """The document."""
        return self.file
