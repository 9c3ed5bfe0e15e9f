"""The two upload forms: several files at once, each judged by its content.

Names and content types that a browser sends are only claims.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile
from django.utils.translation import gettext as _, gettext_lazy, gettext_noop
from PIL import Image, ImageOps, UnidentifiedImageError

from demo_project.gallery.models import Document, Picture

MAX_FILES = 20
MEGABYTE = 1024 * 1024
MAX_BYTES = 10 * MEGABYTE
# A picture of few bytes can unpack to very many pixels.
MAX_PIXELS = 40_000_000
THUMBNAIL_SIZE = (720, 720)
# A name on disk holds 255 bytes, and a Korean letter takes three of them.
MAX_STEM = 60

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
                    _("“%(name)s” has %(pixels)s pixels; at most %(most)s are allowed.")
                    % {
                        "name": upload.name,
                        "pixels": f"{image.width * image.height:,}",
                        "most": f"{MAX_PIXELS:,}",
                    }
                )
            thumbnail = _thumbnail(image)
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValidationError(
            _("“%(name)s” is not a picture that can be read. Use JPEG, PNG, WebP or GIF.")
            % {"name": upload.name}
        ) from error
    name = stem(upload.name or "")
    return CheckedPicture(
        file=SimpleUploadedFile(name + ending, content, content_type),
        thumbnail=SimpleUploadedFile(name + ".jpg", thumbnail, "image/jpeg"),
    )


def check_document(upload: UploadedFile[bytes]) -> CheckedDocument:
    """Return a PDF or text file, recognized by its content, or raise ValidationError."""
    content = _content(upload)
    name = stem(upload.name or "")
    if content.startswith(b"%PDF-"):
        return CheckedDocument(file=SimpleUploadedFile(name + ".pdf", content, "application/pdf"))
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise ValidationError(
            _("“%(name)s” is neither a PDF nor text in UTF-8.") % {"name": upload.name}
        )
    # Without a charset, browsers guess, and guess wrong for Korean. All text is saved as plain
    # text, since no upload may run as a page or a script.
    plain = "text/plain; charset=utf-8"
    return CheckedDocument(file=SimpleUploadedFile(name + ".txt", content, plain))


def _content(upload: UploadedFile[bytes]) -> bytes:
    if (upload.size or 0) > MAX_BYTES:
        raise ValidationError(
            _("“%(name)s” is larger than %(most)s MB, the largest size allowed.")
            % {"name": upload.name, "most": MAX_BYTES // MEGABYTE}
        )
    content = bytes(upload.read())
    if not content:
        raise ValidationError(_("“%(name)s” is empty.") % {"name": upload.name})
    return content


def stem(name: str) -> str:
    """Return the name of an uploaded file without its ending, and not too long."""
    return PurePosixPath(name).stem.strip()[:MAX_STEM] or "file"


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


class SeveralFiles(forms.ClearableFileInput):
    """A file input that accepts several files."""

    allow_multiple_selected = True


class CheckedFilesField(forms.FileField):
    """Turn uploaded files into checked ones; report each bad file by its name."""

    widget = SeveralFiles

    def __init__(
        self, *, check: Callable[[UploadedFile[bytes]], Any], accept: str, **options: Any
    ) -> None:
        # Django's own message does not say which file is empty.
        super().__init__(allow_empty_file=True, **options)
        self._check = check
        self.widget.attrs |= {"accept": accept, "multiple": True}

    def clean(self, data: Sequence[UploadedFile[bytes]] | None, initial: Any = None) -> list[Any]:
        """Return one checked file for each upload; raise all that is wrong at once."""
        if not data:
            raise ValidationError(_("Choose at least one file."))
        if len(data) > MAX_FILES:
            raise ValidationError(
                _("Choose at most %(most)s files at a time.") % {"most": MAX_FILES}
            )
        checked, errors = [], []
        for upload in data:
            try:
                super().clean(upload, initial)
                checked.append(self._check(upload))
            except ValidationError as error:
                errors.extend(error.messages)
        if errors:
            raise ValidationError(errors)
        return checked


class UploadForm(forms.Form):
    """One field, `uploads`; `checked` has the checked files."""

    #: What the page says of the field, and what is accepted, in words that it translates.
    invitation: ClassVar[str]
    takes: ClassVar[str]

    @property
    def checked(self) -> list[CheckedPicture] | list[CheckedDocument]:
        """The checked files of a valid form."""
        checked: list[CheckedPicture] | list[CheckedDocument] = self.cleaned_data["uploads"]
        return checked


class PictureForm(UploadForm):
    """Take pictures."""

    invitation = gettext_noop("Add pictures")
    takes = gettext_noop("JPEG, PNG, WebP or GIF, up to 10 MB each.")
    uploads = CheckedFilesField(
        check=check_picture,
        accept=",".join(content_type for _, content_type in PICTURE_TYPES.values()),
        label=gettext_lazy("Choose pictures"),
    )


class DocumentForm(UploadForm):
    """Take documents."""

    invitation = gettext_noop("Add documents")
    takes = gettext_noop("PDF or plain text, up to 10 MB each.")
    uploads = CheckedFilesField(
        check=check_document,
        accept=".pdf,.txt,.md,.csv,text/plain",
        label=gettext_lazy("Choose documents"),
    )
