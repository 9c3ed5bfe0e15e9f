"""Storages whose ``url()`` returns CloudFront signed URLs."""

from __future__ import annotations

from cfsigned_django.storage.backends import (
    CloudFrontFileSystemStorage as CloudFrontFileSystemStorage,
    CloudFrontS3Storage as CloudFrontS3Storage,
)
from cfsigned_django.storage.urls import SignedUrlMixin as SignedUrlMixin
