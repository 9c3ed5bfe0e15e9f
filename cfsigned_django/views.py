"""A permanent address for a private file: it redirects to a fresh signed URL, or refuses.

For e-mails, rich text, API clients, and anything else that stores an address
for longer than a signed URL is valid.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeAlias

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.core.exceptions import (
    ImproperlyConfigured,
    PermissionDenied,
    SuspiciousFileOperation,
)
from django.core.files.storage import storages
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.views import View

from cfsigned_django.signing import InvalidUrl
from cfsigned_django.storage.context import watch_expiry
from cfsigned_django.storage.urls import SignedUrlMixin

#: Takes the request and the name of a file, and returns whether this viewer may see it.
Permission: TypeAlias = Callable[[HttpRequest, str], bool | Awaitable[bool]]


class SignedRedirectView(View):
    """Redirect a viewer with permission to a fresh signed URL, with status 302.

    ::

        path(
            "media/<path:name>",
            SignedRedirectView.as_view(permission=may_see, storage="default"),
            name="media",
        )

    ``permission(request, name)`` is called for each request, and is required.
    ``True`` lets the viewer in; anything else is answered with 403. It may
    raise :exc:`~django.http.Http404` to hide that the file exists. If it is a
    coroutine function, the view is async. A subclass may define it as a
    method. ``expire`` (seconds or a timedelta) is the lifetime of the signed
    URL, by default that of the storage.

    A name that no file can have, such as one with ``..`` or ``//``, is
    answered with 404: the URL opens exactly the name that ``permission`` was
    called with. Only S3 knows whether the file exists, after the redirect.
    Only GET and HEAD are allowed. The browser may cache the answer for half
    the lifetime of the URL; no other cache may. For that long, a viewer who
    loses permission still gets in, as with the URL itself.
    """

    http_method_names = ["get", "head"]

    permission: Permission | None = None
    storage: str = "default"
    expire: int | timedelta | None = None

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Callable[..., HttpResponseBase]:
        """Return the view. Raise :exc:`ImproperlyConfigured` if it has no permission."""
        permission = initkwargs.get("permission", cls.permission)
        if not callable(permission):
            raise ImproperlyConfigured(
                f"{cls.__name__} has no permission. Pass as_view() a callable that takes the "
                "request and the name of the file, and returns True to let the viewer in."
            )
        view = super().as_view(**initkwargs)
        return markcoroutinefunction(view) if _is_async(permission) else view

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Make the view async if the permission is a coroutine function."""
        super().setup(request, *args, **kwargs)
        # Django reads this attribute. Not an attribute of the class: each URL has its permission.
        self.__dict__["view_is_async"] = _is_async(self.permission)

    def get(self, request: HttpRequest, name: str) -> Any:
        """Return the answer for the file of this name."""
        self._refuse_name(name)
        ask: Any = self.permission
        permitted = ask(request, name)
        if isinstance(permitted, Awaitable):
            return self._answer_async(name, permitted)
        return self._answer(name, permitted)

    async def _answer_async(self, name: str, permitted: Awaitable[object]) -> HttpResponseBase:
        return self._answer(name, await permitted)

    def _refuse_name(self, name: str) -> None:
        """Raise Http404 for a name that no file has, before the permission is asked."""
        # A storage would normalize ./a, //a or \\a, and sign a name that was not asked about.
        if "\\" in name or {"", ".", ".."} & set(name.split("/")):
            raise Http404("No file can have this name.")
        try:
            self._storage().unsigned_url(name)
        except (SuspiciousFileOperation, InvalidUrl, UnicodeError):
            raise Http404("No file can have this name.") from None

    def _answer(self, name: str, permitted: object) -> HttpResponseBase:
        # Only True: a callable that forgets to return lets nobody in.
        if permitted is not True:
            raise PermissionDenied
        try:
            with watch_expiry() as watch:
                response = HttpResponseRedirect(self._storage().url(name, expire=self.expire))
        except InvalidUrl:
            raise Http404("The name is too long for a URL.") from None
        life = 0 if watch.expires is None else watch.expires - int(time.time())
        patch_cache_control(response, private=True, max_age=max(0, life // 2))
        # Two people may use one browser, one after the other.
        patch_vary_headers(response, ["Cookie", "Authorization"])
        return response

    def _storage(self) -> SignedUrlMixin:
        found: object = storages[self.storage]
        if not isinstance(found, SignedUrlMixin):
            raise ImproperlyConfigured(
                f"The storage {self.storage!r} does not sign URLs. Make it a "
                "cfsigned_django.storage.CloudFrontS3Storage, or pass another one as storage=."
            )
        return found


def _is_async(permission: Any) -> bool:
    """Return whether a callable, a function or an object, is a coroutine function."""
    return iscoroutinefunction(permission) or iscoroutinefunction(type(permission).__call__)
