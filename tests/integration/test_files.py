"""Store files in a real S3 server: django-storages' own code, under this class.

Modules: storage/backends.py
"""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from django.core.files.base import ContentFile

from cfsigned_django.storage import CloudFrontS3Storage

NAMES = [
    "a.txt",
    "albums/42/001.txt",
    "보고서 2026.txt",
    unicodedata.normalize("NFD", "한글.txt"),
    "a+b c#d?e&f=g%20h.txt",
    'it\'s "so" (1)!*~.txt',
    "x/" * 20 + "deep.txt",
]


def test_whole_life(storage: Any) -> None:
    """Upload, find, measure, read and delete a file of any name, as Django's storages do."""
    for name in NAMES:
        assert storage.save(name, ContentFile(b"0123456789")) == name
        assert storage.exists(name)
        assert storage.size(name) == 10
        with storage.open(name) as file:
            assert file.read() == b"0123456789"
        assert abs(storage.get_modified_time(name) - datetime.now(UTC)) < timedelta(minutes=5)
        storage.delete(name)
        storage.delete(name)
        assert not storage.exists(name)
        for use in (storage.open, storage.size):
            with pytest.raises(FileNotFoundError):
                use(name)


def test_wrong_secret(s3_options: dict[str, Any], site: Any) -> None:
    """S3 refuses a wrong secret key: the hidden one is really used."""
    storage = CloudFrontS3Storage(**s3_options | {"secret_key": "wrong"})
    with pytest.raises(ClientError, match=r"403|SignatureDoesNotMatch"):
        storage.save("a.txt", ContentFile(b"x"))
