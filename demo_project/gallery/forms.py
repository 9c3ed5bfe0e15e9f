"""The two upload forms: several files at once, each judged by its content."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile

from demo_project.gallery.uploads import (
    PICTURE_TYPES,
    CheckedDocument,
    CheckedPicture,
    check_document,
    check_picture,
)

MAX_FILES = 20


class SeveralFiles(forms.ClearableFileInput):
    """A file input that lets one choose several files."""

    allow_multiple_selected = True


class CheckedFilesField(forms.FileField):
    """Turn uploaded files into checked ones; report each bad file by its name."""

    widget = SeveralFiles

    def __init__(
        self, *, check: Callable[[UploadedFile[bytes]], Any], accept: str, **options: Any
    ) -> None:
        super().__init__(**options)
        self._check = check
        self.widget.attrs |= {"accept": accept, "multiple": True}

    def clean(self, data: Sequence[UploadedFile[bytes]] | None, initial: Any = None) -> list[Any]:
        """Return one checked file for each upload; raise all that is wrong at once."""
        if not data:
            raise ValidationError("Choose at least one file.")
        if len(data) > MAX_FILES:
            raise ValidationError(f"Choose at most {MAX_FILES} files at a time.")
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
    """One field, `uploads`; `checked` has what came out of it."""

    #: The noun that the page uses.
    noun: ClassVar[str]
    #: What is taken, in words.
    takes: ClassVar[str]

    @property
    def checked(self) -> list[CheckedPicture] | list[CheckedDocument]:
        """The checked files of a valid form."""
        checked: list[CheckedPicture] | list[CheckedDocument] = self.cleaned_data["uploads"]
        return checked


class PictureForm(UploadForm):
    """Take pictures."""

    noun = "pictures"
    takes = "JPEG, PNG, WebP or GIF, up to 10 MB each"
    uploads = CheckedFilesField(
        check=check_picture,
        accept=",".join(content_type for _, content_type in PICTURE_TYPES.values()),
        label="Choose pictures",
    )


class DocumentForm(UploadForm):
    """Take documents."""

    noun = "documents"
    takes = "PDF or plain text, up to 10 MB each"
    uploads = CheckedFilesField(
        check=check_document, accept=".pdf,.txt,.md,.csv,text/plain", label="Choose documents"
    )
