"""Give a private file an address that lasts: it leads to a fresh signed URL, or is refused.

For e-mails, rich text, API clients and whatever else keeps a link for longer
than a signed URL lives.
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

#: Takes the request and the name of a file, and says whether this viewer may see it.
Permission: TypeAlias = Callable[[HttpRequest, str], bool | Awaitable[bool]]


class SignedRedirectView(View):
    """Answer 302 to a fresh signed URL, for whom a permission callable lets in.

    ::

        path(
            "media/<path:name>",
            SignedRedirectView.as_view(permission=may_see, storage="default"),
            name="media",
        )

    ``permission(request, name)`` is asked each time, and there is no default
    that lets everybody in. ``True`` lets the viewer in; anything else is
    answered 403. It may raise :exc:`~django.http.Http404`, where a viewer
    shall not learn that there is such a file. A coroutine function makes the
    view an async one. A subclass may have it as a method. ``expire`` (seconds
    or a timedelta) is how long the signed URL lives, by default as the storage
    says.

    A name that no file can have, such as one with ``..`` or ``//``, is answered
    404: what the permission is asked about is what the URL opens.
    Whether the file is there only S3 knows, behind the redirect. GET and HEAD
    are answered, and nothing else. Browsers may keep the answer for half of
    the time for which its URL lives: so long a viewer gets in who may no
    longer, as with the URL itself. Nobody else may keep it.
    """

    http_method_names = ["get", "head"]

    permission: Permission | None = None
    storage: str = "default"
    expire: int | timedelta | None = None

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Callable[..., HttpResponseBase]:
        """Return the view. Raise :exc:`ImproperlyConfigured` where it would let everybody in."""
        permission = initkwargs.get("permission", cls.permission)
        if not callable(permission):
            raise ImproperlyConfigured(
                f"{cls.__name__} needs a permission: a callable that takes the request and the "
                "name of the file, and returns True for whom it lets in."
            )
        view = super().as_view(**initkwargs)
        return markcoroutinefunction(view) if _is_async(permission) else view

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Look whether the permission is a coroutine function: the view then is one as well."""
        super().setup(request, *args, **kwargs)
        # Django's own handlers look here. The class cannot tell: each URL has its permission.
        self.__dict__["view_is_async"] = _is_async(self.permission)

    def get(self, request: HttpRequest, name: str) -> Any:
        """Answer for the file of this name."""
        self._refuse_name(name)
        ask: Any = self.permission
        permitted = ask(request, name)
        if isinstance(permitted, Awaitable):
            return self._answer_async(name, permitted)
        return self._answer(name, permitted)

    async def _answer_async(self, name: str, permitted: Awaitable[object]) -> HttpResponseBase:
        return self._answer(name, await permitted)

    def _refuse_name(self, name: str) -> None:
        """Answer 404 for what no file is called, before anything is asked about it."""
        # A storage would tidy up ./a, //a or \\a, and sign what the permission was not asked about.
        if "\\" in name or {"", ".", ".."} & set(name.split("/")):
            raise Http404("There is no file of such a name.")
        try:
            self._storage().unsigned_url(name)
        except (SuspiciousFileOperation, InvalidUrl, UnicodeError):
            raise Http404("There is no file of such a name.") from None

    def _answer(self, name: str, permitted: object) -> HttpResponseBase:
        # Nothing but True: a callable that forgot to answer lets nobody in.
        if permitted is not True:
            raise PermissionDenied
        try:
            with watch_expiry() as watch:
                response = HttpResponseRedirect(self._storage().url(name, expire=self.expire))
        except InvalidUrl:
            raise Http404("The name is longer than a URL may be.") from None
        life = 0 if watch.expires is None else watch.expires - int(time.time())
        patch_cache_control(response, private=True, max_age=max(0, life // 2))
        # One browser may serve two people, one after the other.
        patch_vary_headers(response, ["Cookie", "Authorization"])
        return response

    def _storage(self) -> SignedUrlMixin:
        found: object = storages[self.storage]
        if not isinstance(found, SignedUrlMixin):
            raise ImproperlyConfigured(
                f"The storage {self.storage!r} does not sign URLs. Make it a "
                "cfsigned_django.storage.CloudFrontS3Storage, or name another one."
            )
        return found


def _is_async(permission: Any) -> bool:
    """Tell whether a callable, be it a function or an object, is a coroutine function."""
    return iscoroutinefunction(permission) or iscoroutinefunction(type(permission).__call__)
