"""Honour DEFAULT_FILE_STORAGE, which Django 5.1 and newer ignore in silence.

A site that still has only that setting would store private files on the local
disk. The only module that writes a setting.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings

from cfsigned_django import conf

_OURS = "cfsigned_django.storage."


class _Honoured(dict[str, Any]):
    """Mark the entry of STORAGES that came from DEFAULT_FILE_STORAGE."""


def honour_default_file_storage() -> None:
    """Put DEFAULT_FILE_STORAGE into STORAGES where it names a class of this package.

    Called before any model is imported, and so before a storage is made.
    STORAGES["default"] wins where the project has set it itself.
    """
    backend = conf.default_file_storage()
    if backend is not None and backend.startswith(_OURS) and not conf.is_default_storage_set():
        settings.STORAGES = {**conf.storage_entries(), "default": _Honoured(BACKEND=backend)}


def is_honoured() -> bool:
    """Tell whether STORAGES["default"] came from DEFAULT_FILE_STORAGE."""
    return isinstance(conf.storage_entries().get("default"), _Honoured)
