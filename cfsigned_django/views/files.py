"""Views that ask a permission: a permanent link, which leads to a fresh signed URL."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.core.exceptions import ImproperlyConfigured
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.views import View

from cfsigned_django.signals import file_opened
from cfsigned_django.storage.context import watch_expiry
from cfsigned_django.storage.names import is_exact_name
from cfsigned_django.storage.query import FileName
from cfsigned_django.storage.site_storages import find_storage, url_of
from cfsigned_django.views.permissions import Permission, require_permission, settled


class PermissionView(View):
    """A view that signs for a viewer whom a permission lets in: the part that all share."""

    permission: Permission | None = None
    storage: str = "default"
    expire: int | timedelta | None = None
    ip_address: str | None = None

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Callable[..., HttpResponseBase]:
        """Return the view. Raise :exc:`ImproperlyConfigured` if it has no permission."""
        permission = initkwargs.get("permission", cls.permission)
        if not callable(permission):
            raise ImproperlyConfigured(
                f"{cls.__name__} has no permission. Pass as_view() a callable that takes the "
                "request and the name of the file, and returns True, or the names of the files "
                "that the viewer may see."
            )
        return super().as_view(**initkwargs)

    def get_url_arguments(self, name: str) -> dict[str, Any]:
        """Return the arguments with which the URL of the file is signed."""
        return {"expire": self.expire, "ip_address": self.ip_address}


class FileView(PermissionView):
    http_method_names: list[str] = ["get", "head"]

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Callable[..., HttpResponseBase]:
        """Return the view, which is async if its permission, or get_name(), is."""
        view = super().as_view(**initkwargs)
        asks = is_async(initkwargs.get("permission", cls.permission)) or is_async(cls.get_name)
        return markcoroutinefunction(view) if asks else view

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Make the view async if the permission, or get_name(), is a coroutine function."""
        super().setup(request, *args, **kwargs)
        # Django reads this attribute. Not an attribute of the class: each URL has its permission.
        self.__dict__["view_is_async"] = is_async(self.permission) or is_async(self.get_name)

    def get_name(self, **kwargs: Any) -> Any:
        """Return the name of the file for what the path captured; an empty one is answered 404.

        It may be a coroutine function, which makes the view async, and may
        raise :exc:`~django.http.Http404`. The permission is asked afterwards.
        """
        return kwargs["name"]

    def get(self, request: HttpRequest, **kwargs: Any) -> Any:
        """Return the answer for the file that the path means."""
        if self.view_is_async:
            return self._get_async(request, **kwargs)
        name, ask = self._checked(self.get_name(**kwargs)), cast("Any", self.permission)
        return self._answer(name, ask(request, name))

    async def _get_async(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        found, ask = self.get_name(**kwargs), cast("Any", self.permission)
        name = self._checked(await found if isinstance(found, Awaitable) else found)
        # What may ask the database, or read the storage, does so in a thread.
        return await sync_to_async(self._answer)(name, await settled(ask(request, name)))

    def _checked(self, found: object) -> str:
        """Return the name, or raise Http404 if no file can have it: permission is asked later."""
        name = "" if found is None else str(found)  # A file field is a name, too.
        # A storage would sign another name than the one that was asked about.
        if not is_exact_name(name):
            raise Http404("No file can have this name.")
        return name

    def _answer(self, name: str, permitted: object) -> HttpResponseBase:
        require_permission(self, name, permitted)
        file_opened.send_robust(
            sender=type(self), request=self.request, storage=self.storage, name=name
        )
        with watch_expiry() as watch:
            response = self._respond(name)
        life = 0 if watch.expires is None else watch.expires - int(time.time())
        # This lowers a max-age that the response has, and never raises it.
        patch_cache_control(response, private=True, max_age=max(0, life // 2))
        # Two people may use one browser, one after the other.
        patch_vary_headers(response, ["Cookie", "Authorization"])
        return response

    @abstractmethod
    def _respond(self, name: str) -> HttpResponseBase:
        """Return the response for a viewer whom the permission lets in."""
        ...


class SignedRedirectView(FileView):
    """Redirect a viewer with permission to a fresh signed URL, with status 302.

    For e-mails, rich text, API clients, and anything else that stores an address
    for longer than a signed URL is valid.

    ::

        path(
            "media/<path:name>",
            SignedRedirectView.as_view(permission=may_see, storage="default"),
            name="media",
        )

    ``permission(request, name)`` is called for each request, and is required. It
    returns True, or the name or names that this viewer may see: a str, a
    FieldFile, or an iterable of them, such as ``photos.filter(image=name)
    .values_list("image", flat=True)``. The view compares at most 1,000 names,
    exactly: never return ``exists()`` for a query by name, since some databases
    compare text without case and accents. Anything else is answered with 403.
    It may raise :exc:`~django.http.Http404` to hide that the file exists. If it
    is a coroutine function, the view is async. A subclass may define it as a
    method.

    ``expire`` (seconds or a timedelta), ``download`` (the name under which
    browsers save the file), ``inline`` (that of a file which they show) and
    ``ip_address`` (an IPv4 address or range) are passed to the ``url()`` of the
    storage. A subclass that decides them per request overrides
    :meth:`get_url_arguments`, and one whose path has something else than the
    name, such as a primary key, overrides :meth:`get_name`.

    A name that no file can have, such as one with ``..`` or ``//``, or of more
    than 1,024 bytes, is answered with 404 before the permission is asked: the
    URL opens exactly the name that ``permission`` was called with. Only S3 knows
    whether the file exists, after the redirect. Only GET and HEAD are allowed.
    The browser may cache the answer for half the lifetime of the URL; no other
    cache may. For that long, a viewer who loses permission still gets in, as
    with the URL itself.
    """

    download: FileName = None
    inline: FileName = None

    def get_url_arguments(self, name: str) -> dict[str, Any]:
        """Return the arguments with which the URL of the file is signed."""
        return super().get_url_arguments(name) | {
            "download": self.download,
            "inline": self.inline,
        }

    def _respond(self, name: str) -> HttpResponseBase:
        storage = find_storage(self.storage)
        return HttpResponseRedirect(url_of(storage, name, **self.get_url_arguments(name)))


def is_async(permission: Any) -> bool:
    """Return whether a callable, a function or an object, is a coroutine function."""
    return iscoroutinefunction(permission) or iscoroutinefunction(type(permission).__call__)
