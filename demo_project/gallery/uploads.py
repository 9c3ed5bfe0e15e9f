"""Decide what an upload really is, by its content, and store it.

Names and content types that a browser sends are only claims.
"""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile
from PIL import Image, ImageOps, UnidentifiedImageError

from demo_project.gallery.models import Document, Picture
from demo_project.pictures.thumbnails import FOLDER, THUMBNAILS, Thumbnail

MEGABYTE = 1024 * 1024
MAX_BYTES = 10 * MEGABYTE
# A picture of few bytes can unpack to very many pixels.
MAX_PIXELS = 40_000_000
THUMBNAIL_SIZE = (720, 720)
# A name on disk holds 255 bytes, and a Korean letter takes three of them.
MAX_STEM = 60
# How many thumbnails are on their way to S3 at one time.
_AT_ONCE = 4

PICTURE_TYPES = {
    "JPEG": (".jpg", "image/jpeg"),
    "PNG": (".png", "image/png"),
    "WEBP": (".webp", "image/webp"),
    "GIF": (".gif", "image/gif"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedPicture:
    """A picture that Pillow could read in full."""

    file: SimpleUploadedFile
    thumbnail: SimpleUploadedFile

    def save(self, *, title: str = "") -> Picture:
        """Store the picture and its thumbnail, and return the row."""
        name = str(self.file.name)
        return Picture.objects.create(
            original_name=name,
            title=title or PurePosixPath(name).stem,
            content_type=str(self.file.content_type),
            size=self.file.size,
            image=self.file,
            thumbnail=self.thumbnail,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedDocument:
    """A document whose content is what its type says."""

    file: SimpleUploadedFile

    def save(self, *, title: str = "") -> Document:
        """Store the document and return the row."""
        name = str(self.file.name)
        return Document.objects.create(
            original_name=name,
            title=title or PurePosixPath(name).stem,
            content_type=str(self.file.content_type),
            size=self.file.size,
            file=self.file,
        )


def check_picture(upload: UploadedFile[bytes]) -> CheckedPicture:
    """Read a picture in full, or raise ValidationError with what is wrong with it."""
    content = _content(upload)
    try:
        # Formats are named, so that no decoder beyond these ever sees an upload.
        with Image.open(io.BytesIO(content), formats=list(PICTURE_TYPES)) as image:
            ending, content_type = PICTURE_TYPES[str(image.format)]
            if image.width * image.height > MAX_PIXELS:
                raise ValidationError(
                    f"“{upload.name}” has {image.width} x {image.height} pixels; "
                    f"at most {MAX_PIXELS // 1_000_000} million are taken."
                )
            thumbnail = _thumbnail(image)
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValidationError(
            f"“{upload.name}” is not a picture that can be read: JPEG, PNG, WebP and GIF are."
        ) from error
    stem = _stem(upload)
    return CheckedPicture(
        file=SimpleUploadedFile(stem + ending, content, content_type),
        thumbnail=SimpleUploadedFile(stem + ".jpg", thumbnail, "image/jpeg"),
    )


def check_document(upload: UploadedFile[bytes]) -> CheckedDocument:
    """Tell PDF and text by their content, or raise ValidationError."""
    content = _content(upload)
    stem = _stem(upload)
    if content.startswith(b"%PDF-"):
        return CheckedDocument(file=SimpleUploadedFile(stem + ".pdf", content, "application/pdf"))
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise ValidationError(f"“{upload.name}” is neither a PDF nor text in UTF-8.")
    # Without its charset, a browser would guess, and guess wrong for Korean. Text of any kind
    # is kept as plain text: nothing that is uploaded here shall run as a page or a script.
    plain = "text/plain; charset=utf-8"
    return CheckedDocument(file=SimpleUploadedFile(stem + ".txt", content, plain))


def store_missing(storage: Any) -> int:
    """Draw and store the thumbnails that a storage in S3 does not have; return how many."""
    there = set(storage.listdir(FOLDER)[1])
    missing = [each for each in THUMBNAILS if PurePosixPath(each.name).name not in there]
    # storage.save() does the same, and takes twice as long for a file as small as these.
    client = storage.bucket.meta.client
    parameters = {"Bucket": storage.bucket_name, "ContentType": "image/jpeg"}

    def store(thumbnail: Thumbnail) -> None:
        more = storage.get_object_parameters(thumbnail.name)
        client.put_object(Key=thumbnail.name, Body=thumbnail.jpeg(), **parameters, **more)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return len(list(pool.map(store, missing)))


def _content(upload: UploadedFile[bytes]) -> bytes:
    if (upload.size or 0) > MAX_BYTES:
        raise ValidationError(
            f"“{upload.name}” is larger than {MAX_BYTES // MEGABYTE} MB, the most that is taken."
        )
    content = bytes(upload.read())
    if not content:
        raise ValidationError(f"“{upload.name}” is empty.")
    return content


def _stem(upload: UploadedFile[bytes]) -> str:
    stem = PurePosixPath(upload.name or "").stem.strip()
    return stem[:MAX_STEM] or "file"


def _thumbnail(image: Image.Image) -> bytes:
    """Return a small JPEG of the picture, turned as its camera says."""
    image.draft("RGB", THUMBNAIL_SIZE)
    small = ImageOps.exif_transpose(image)
    small.thumbnail(THUMBNAIL_SIZE, Image.Resampling.LANCZOS)
    if small.mode in ("RGBA", "LA", "PA") or "transparency" in small.info:
        layer = small.convert("RGBA")
        small = Image.new("RGB", layer.size, "white")
        small.paste(layer, mask=layer.getchannel("A"))
    file = io.BytesIO()
    small.convert("RGB").save(file, "JPEG", quality=82, progressive=True)
    return file.getvalue()
