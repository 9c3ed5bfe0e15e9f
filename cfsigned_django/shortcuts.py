"""One call for the URL of a file, and one block that signs once for all files of a page."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Iterable
from contextlib import ContextDecorator
from datetime import timedelta
from typing import Any, Protocol, Self, TypeAlias, TypeVar

from asgiref.sync import iscoroutinefunction
from django.core.files.storage import InvalidStorageError, Storage
from django.utils.functional import Promise
from django.utils.safestring import mark_safe

from cfsigned_django.storage import context
from cfsigned_django.storage.names import is_exact_name
from cfsigned_django.storage.query import FileName
from cfsigned_django.storage.site_storages import (
    DOES_NOT_SIGN,
    find_storage,
    storage_within,
    url_of,
)
from cfsigned_django.storage.urls import SignedUrlMixin

F = TypeVar("F", bound=Callable[..., Any])


class StoredFile(Protocol):
    """A file of a storage: a file field's value, or a thumbnail of many libraries."""

    storage: Any
    name: Any


FileOrName: TypeAlias = "StoredFile | str | os.PathLike[str] | None"


def signed_url(
    file_or_name: FileOrName,
    *,
    storage: str | Storage | SignedUrlMixin | None = None,
    expire: int | timedelta | None = None,
    download: FileName = None,
    inline: FileName = None,
    ip_address: str | None = None,
    resource: str | None = None,
    folder: str | None = None,
    expire_step: int | timedelta | None = None,
) -> str:
    """Return the signed URL of a file, or of a name in a storage.

    ``file_or_name`` is the value of a file field, anything else with ``storage``
    and ``name``, or a name. ``storage`` is an alias of STORAGES, or a storage;
    by default that of the file, and for a name that of the block around the
    call, else ``"default"``. The other arguments are those of the storage's
    ``url()``. None and an empty file give an empty string.

    Raise :exc:`TypeError` for something that is not a file,
    :exc:`InvalidStorageError` for a storage that does not sign, and what
    ``url()`` raises.
    """
    if not file_or_name:
        return ""
    name, source = _name_of(file_or_name), _storage_of(file_or_name, storage)
    return url_of(
        source,
        name,
        expire=expire,
        download=download,
        inline=inline,
        ip_address=ip_address,
        resource=resource,
        folder=folder,
        expire_step=expire_step,
    )


def unsigned_url(
    file_or_name: FileOrName, *, storage: str | Storage | SignedUrlMixin | None = None
) -> str:
    """Return the URL of a file without a signature, for pages that rely on signed cookies.

    The arguments and errors are those of :func:`signed_url`. None and an empty
    file give an empty string.
    """
    if not file_or_name:
        return ""
    name = _name_of(file_or_name)
    return _storage_of(file_or_name, storage).unsigned_url(name)


class signed_urls(ContextDecorator):
    """Sign once for all URLs within the block whose names a folder or a resource covers.

    ::

        with signed_urls(folder="albums/42"):
            page = [photo.image.url for photo in album.photos.all()]

    ``folder``, a name or several, is data; a resource, such as
    ``"albums/*/thumb-*.jpg"``, is a pattern, and must not be made of data. The
    block belongs to one storage: an alias of STORAGES, or a storage; another
    instance of its class with the same options counts as that storage. Within it,
    ``url()`` of a name that is covered takes the signature of the block, however
    it is called: ``photo.image.url``, a template, a serializer. A call with its
    own expire, start, address, folder or resource, and a name that nothing
    covers, are signed alone. The signature is made when the first URL needs it,
    and anew if the block is open for more than half of its life.

    It is also a decorator for functions and coroutine functions. A block must
    not be open across a ``yield``, where the code of the caller runs: generator
    functions are refused.

    Raise :exc:`ValueError` for a folder or a resource that is not valid, and
    :exc:`InvalidStorageError` for a storage that does not sign.
    """

    def __init__(
        self,
        *resources: str,
        storage: str | Storage | SignedUrlMixin | None = None,
        folder: str | Iterable[str] | None = None,
        expire: int | timedelta | None = None,
        expire_step: int | timedelta | None = None,
        ip_address: str | None = None,
        allow_any_resource: bool = False,
    ) -> None:
        folders = [] if folder is None else _several(folder)
        if not resources and not folders:
            raise ValueError(
                'signed_urls() needs a folder (folder="albums/42") or a resource ("albums/*").'
            )
        self._resources, self._folders = resources, folders
        self._storage = storage
        self._arguments: dict[str, Any] = {
            "expire": expire,
            "expire_step": expire_step,
            "ip_address": ip_address,
        }
        self._allow_any_resource = allow_any_resource
        # Several threads, and calls within calls, may be within one block that was made before.
        self._entered: list[context.SigningBlock] = []

    def __enter__(self) -> Self:
        source = find_storage("default" if self._storage is None else self._storage)
        covered = [source.resource_url(folder=each) for each in self._folders]
        covered += [
            source.resource_url(each, allow_any_resource=self._allow_any_resource)
            for each in self._resources
        ]
        block = context.SigningBlock(
            storage=source, covered=tuple(covered), arguments=self._arguments
        )
        self._entered.append(block)
        context.enter(block)
        return self

    def __exit__(self, *error: object) -> None:
        # Not the innermost of all: a generator that was left open may end its block at any time,
        # and in the context of another task.
        own = (each for each in context.open_blocks() if each in self._entered)
        block = next(own, self._entered[-1])
        self._entered.remove(block)
        context.leave(block)

    def __call__(self, function: F) -> F:
        """Return the function with the block around each of its calls."""
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(
                f"signed_urls() cannot decorate {function.__qualname__}(), a generator function: "
                "the block would stay open while the caller's code runs. Use it within the "
                "function, around code that does not yield."
            )
        if not iscoroutinefunction(function):
            return super().__call__(function)

        @functools.wraps(function)
        async def within(*args: Any, **kwargs: Any) -> Any:
            with self:
                return await function(*args, **kwargs)

        return within  # type: ignore[return-value]


def sign_html(
    html: object,
    *,
    folder: str | Iterable[str],
    storage: str | Storage | SignedUrlMixin = "default",
    expire: int | timedelta | None = None,
) -> str:
    """Return the HTML of an editor with signed URLs for the files in a folder.

    Authors of the text can have **every file in the folder** signed for its readers:
    the folder must hold nothing that one of them may not see. ``folder`` is the name
    of a folder in the storage, or an iterable of names. Each file is signed alone,
    or by the :class:`signed_urls` block around the call. See
    :func:`cfsigned_django.rich_text.replace_urls` for what stays as it is. The result
    is safe for a template if the text was. None gives an empty string.

    Raise :exc:`ValueError` if there is no folder, or if one is not the plain name of
    one; :exc:`InvalidStorageError` for a storage that does not sign; and what ``url()`` raises.
    """
    from cfsigned_django.rich_text import replace_urls  # its patterns are compiled when needed

    source, folders = find_storage(storage), _several(folder)
    for each in folders or [folder]:
        if not isinstance(each, str) or "*" in each or not is_exact_name(each):
            raise ValueError(
                f"folder is {each!r}. It must be the name of a folder in the storage, such as "
                '"articles", or several: authors of the text can open all that is in it. There is '
                "no way to open everything."
            )
    within = tuple(f"{each}/" for each in folders)

    def sign(name: str) -> str | None:
        return url_of(source, name, expire=expire) if name.startswith(within) else None

    text = "" if html is None else str(html) if isinstance(html, Promise) else html
    if hasattr(text, "__html__"):
        signed = replace_urls(text.__html__(), storage=source, replace=sign)
        return mark_safe(signed)  # noqa: S308 - it was safe before
    return replace_urls(str(text), storage=source, replace=sign)


def signed_html(html: object, folder: Any, **arguments: Any) -> str:
    """Return what :func:`sign_html` does: the filter of templates, where commas divide folders.

    ::

        {{ article.body|safe|signed_html:"articles" }}

    Jinja2's templates can give it the other arguments, too.
    """
    folders = [each.strip() for each in folder.split(",")] if isinstance(folder, str) else folder
    return sign_html(html, folder=folders, **arguments)


def _several(folder: Any) -> list[Any]:
    """Return one folder, or an iterable of them, as a list; a text is one folder."""
    is_one = isinstance(folder, str | Promise) or not isinstance(folder, Iterable)
    # A lazy object may stand for a text.
    return [
        str(each) if isinstance(each, str) else each for each in ([folder] if is_one else folder)
    ]


def _name_of(file_or_name: object) -> str:
    """Return the name of a file. Raise :exc:`TypeError` if it is neither a file nor a name."""
    if isinstance(file_or_name, str | os.PathLike | Promise):
        name = str(file_or_name)
        if "://" in name:
            raise TypeError(
                "This is a URL. Pass the file itself (photo.image), or the name of the file."
            )
        return name
    if hasattr(file_or_name, "storage") and hasattr(file_or_name, "name"):
        return str(file_or_name.name)
    raise TypeError(
        f"This is a {type(file_or_name).__name__}. Pass a file, such as photo.image, or the name "
        "of a file."
    )


def _storage_of(
    file_or_name: object, storage: str | Storage | SignedUrlMixin | None
) -> SignedUrlMixin:
    """Return the storage that is given, else that of the file, of the block, or the default one."""
    if storage is not None:
        return find_storage(storage)
    source = getattr(file_or_name, "storage", None)
    if source is None:
        block = next(iter(context.open_blocks()), None)
        return block.storage if block else find_storage("default")
    source = storage_within(source)
    if isinstance(source, SignedUrlMixin):
        return source
    called = getattr(file_or_name, "field", type(file_or_name).__name__)
    raise InvalidStorageError(f"The storage of {called} {DOES_NOT_SIGN}")
