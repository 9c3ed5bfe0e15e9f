"""Give signed URLs from the serializers of Django REST framework, by fields.

The extra ``[drf]`` of this package installs Django REST framework.
"""

from __future__ import annotations

from typing import Any

from django.db import models

try:
    from rest_framework import serializers
except ImportError as error:
    raise ImportError(
        "cfsigned_django.contrib.rest_framework needs Django REST framework. Install this package "
        "with its extra [drf], or: pip install djangorestframework"
    ) from error

from cfsigned_django.shortcuts import signed_url
from cfsigned_django.storage.context import watch_expiry


class SignedFileField(serializers.FileField):
    """Represent a file by its signed URL, or by None if there is no file.

    The options are those of :func:`cfsigned_django.shortcuts.signed_url`. Each may be
    a function that takes the file, whose object is ``file.instance``::

        SignedFileField(download=lambda file: f"{file.instance.title}.pdf")

    ``with_expiry=True`` gives ``{"url": ..., "expires_at": ...}`` (ISO 8601, UTC;
    None if the storage does not sign).
    """

    def __init__(
        self,
        *,
        storage: Any = None,
        expire: Any = None,
        expire_step: Any = None,
        download: Any = None,
        inline: Any = None,
        resource: Any = None,
        folder: Any = None,
        with_expiry: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        options = {
            "storage": storage,
            "expire": expire,
            "expire_step": expire_step,
            "download": download,
            "inline": inline,
            "resource": resource,
            "folder": folder,
        }
        self._options = {name: value for name, value in options.items() if value is not None}
        self._with_expiry = with_expiry

    def to_representation(self, value: Any) -> Any:
        """Return the URL, or the URL and its expiry."""
        if not value:
            return None
        options = {
            name: option(value) if callable(option) else option
            for name, option in self._options.items()
        }
        if not self._with_expiry:
            return signed_url(value, **options)
        with watch_expiry() as watch:
            url = signed_url(value, **options)
        return {"url": url, "expires_at": watch.expires_at}


class SignedImageField(SignedFileField, serializers.ImageField):
    """Represent an image as :class:`SignedFileField` does, and accept nothing but images."""


#: The ``serializer_field_mapping`` of a ModelSerializer whose file fields give signed URLs. Options
#: are in ``extra_kwargs`` of its Meta.
SIGNED_FIELD_MAPPING: dict[type[Any], type[Any]] = {
    **serializers.ModelSerializer.serializer_field_mapping,
    models.FileField: SignedFileField,
    models.ImageField: SignedImageField,
}
