"""Give files the permanent links of a view of this site, instead of signed URLs."""

from __future__ import annotations

from datetime import datetime
from typing import IO, Any, cast

from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import File
from django.core.files.storage import Storage
from django.urls import NoReverseMatch, reverse
from django.utils.deconstruct import deconstructible

from cfsigned_django.storage.lookup import find_storage
from cfsigned_django.storage.names import is_exact_name


@deconstructible(path="cfsigned_django.storage.PermanentLinkStorage")
class PermanentLinkStorage(Storage):
    """Keep files in a storage that signs, and give them links that do not expire.

    For editors of rich text, which write the URL of an upload into the text. The
    link is the path of a :class:`~cfsigned_django.views.SignedRedirectView` with
    ``<path:name>`` in it. ``storage`` is the alias of the storage that keeps the
    files, ``url_name`` the name of the path. An editor that takes a class, but no
    options, gets a subclass with these two attributes.
    """

    storage: str = "default"
    url_name: str = "media"

    def __init__(self, *, storage: str | None = None, url_name: str | None = None) -> None:
        self.storage = storage or self.storage
        self.url_name = url_name or self.url_name

    def url(self, name: str | None) -> str:
        """Return the permanent link of a file: a path of this site.

        Raise :exc:`ImproperlyConfigured` if the site has no such path, and
        :exc:`ValueError` for a name of no file, to which the view would answer 404.
        """
        if not is_exact_name(name or ""):
            raise ValueError(
                f"The name {name!r} is not the name of a file, so no link leads to it. Pass the "
                "name as the storage returned it from save()."
            )
        try:
            return reverse(self.url_name, kwargs={"name": name})
        except NoReverseMatch:
            raise ImproperlyConfigured(
                f"No path with the name {self.url_name!r} takes the file name {name!r}. Add "
                'path("media/<path:name>", SignedRedirectView.as_view(permission=..., '
                f"storage={self.storage!r}), name={self.url_name!r}) to the URLs of the site, or "
                f"give {type(self).__name__} the url_name of the path that it has."
            ) from None

    @property
    def _files(self) -> Storage:
        return cast("Storage", find_storage(self.storage))

    def open(self, name: str, mode: str = "rb") -> File[Any]:
        """Open a file."""
        return self._files.open(name, mode)

    def save(
        self, name: str | None, content: File[Any] | IO[Any], max_length: int | None = None
    ) -> str:
        """Save a file, and return the name that it has."""
        return self._files.save(name, content, max_length)

    def delete(self, name: str) -> None:
        """Delete a file."""
        self._files.delete(name)

    def exists(self, name: str) -> bool:
        """Return whether there is such a file."""
        return self._files.exists(name)

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        """Return the folders and the files in a folder."""
        return self._files.listdir(path)

    def size(self, name: str) -> int:
        """Return the size of a file, in bytes."""
        return self._files.size(name)

    def get_modified_time(self, name: str) -> datetime:
        """Return when a file was saved."""
        return self._files.get_modified_time(name)
