"""Let CloudFront forget what was deleted or overwritten: it serves copies until their TTL ends.

A storage with the option ``invalidate_on`` does so by itself, once S3 has answered: see
storage/batch.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from typing import Any

from django.core.files import File

from cfsigned_django.storage import batch
from cfsigned_django.storage.batch import (
    InvalidationError as InvalidationError,
    invalidation_batch as invalidation_batch,
    is_in_batch,
    send as send,
)
from cfsigned_django.storage.site_storages import find_storage


def invalidate(
    names: str | Iterable[Any] = (), *, folder: str | None = None, storage: Any = "default"
) -> None:
    """Let CloudFront forget files of a storage, and everything in a folder.

    ``names`` are names of files, URLs of files, or file fields, each of which counts for its own
    storage; ``folder``, such as ``"albums/42"``, is data. ``storage`` is an alias of STORAGES, or a
    storage; nothing is done if it keeps its files on this machine. Within
    :func:`invalidation_batch`, CloudFront is called when the block ends.

    Raise :exc:`ImproperlyConfigured` if no distribution is set, and :exc:`ValueError` for a folder
    or a file without a name, and for a URL of something else. If CloudFront refuses, that is
    logged, and nothing is raised.
    """
    with nullcontext() if is_in_batch() else invalidation_batch():
        if folder is not None:
            batch.add(*items_of(storage, (), folder))
        # A field iterates over the lines of its file.
        for each in [names] if isinstance(names, str | File) else names:
            if each:  # A field may be empty.
                source = getattr(each, "storage", storage)
                batch.add(*items_of(source, [name_given(source, str(each))]))


def items_of(
    storage: Any, names: Iterable[str], folder: str | None = None
) -> tuple[str, list[str]]:
    """Return the distribution of a storage, and the items for files and everything in a folder.

    See :meth:`StorageInternals.invalidated`.
    """
    return find_storage(storage).cfsigned.invalidated(names, folder)


def name_given(storage: Any, given: str) -> str:
    """Return the name of a file that is given by its name, or by its URL in the storage.

    Raise :exc:`ValueError` for a URL that is not one of this storage.
    """
    if "://" not in given and not given.startswith("//"):
        return given
    try:
        return find_storage(storage).name_of(given)
    except ValueError as error:
        raise ValueError(f"{error} Or pass the name of the file.") from None
