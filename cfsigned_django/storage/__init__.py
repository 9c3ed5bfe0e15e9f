"""Storages whose ``url()`` returns CloudFront signed URLs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfsigned_django.storage.urls import SignedUrlMixin as SignedUrlMixin

if TYPE_CHECKING:
    from cfsigned_django.storage.backends import (
        CloudFrontFileSystemStorage as CloudFrontFileSystemStorage,
        CloudFrontS3Storage as CloudFrontS3Storage,
        PermanentLinkStorage as PermanentLinkStorage,
    )
    from cfsigned_django.storage.uploads import (
        Upload as Upload,
        UploadError as UploadError,
        UploadGone as UploadGone,
        UploadIncomplete as UploadIncomplete,
        UploadPart as UploadPart,
    )


def __getattr__(name: str) -> object:
    """Import a storage when it is asked for, and keep it: checks and clicks ask again.

    Checks and the admin use this package in every process of a site, and
    django-storages imports boto3, which takes 20 MB and a quarter of a second.
    """
    if name in {"CloudFrontFileSystemStorage", "CloudFrontS3Storage", "PermanentLinkStorage"}:
        from cfsigned_django.storage import backends

        return globals().setdefault(name, getattr(backends, name))
    if name in {"Upload", "UploadError", "UploadGone", "UploadIncomplete", "UploadPart"}:
        from cfsigned_django.storage import uploads

        return globals().setdefault(name, getattr(uploads, name))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
