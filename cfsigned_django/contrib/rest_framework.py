"""Give signed URLs from Django REST framework: fields of a serializer, and a view for many names.

The extra ``[drf]`` of this package installs Django REST framework.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.core.exceptions import ImproperlyConfigured
from django.db import models

try:
    from rest_framework import serializers
    from rest_framework.request import Request
    from rest_framework.response import Response
    from rest_framework.views import APIView
except ImportError as error:
    raise ImportError(
        "cfsigned_django.contrib.rest_framework needs Django REST framework. Install this package "
        "with its extra [drf], or: pip install djangorestframework"
    ) from error

from cfsigned_django.permissions import Permitted, require_permission
from cfsigned_django.shortcuts import signed_url
from cfsigned_django.storage.arguments import MAX_NAME_LENGTH, is_exact_name
from cfsigned_django.storage.context import watch_expiry


class SignedFileField(serializers.FileField):
    """Represent a file by its signed URL, or by None if there is no file.

    The options are those of :func:`cfsigned_django.shortcuts.signed_url`. Each may be
    a function that takes the file, whose object is ``file.instance``::

        SignedFileField(download=lambda file: f"{file.instance.title}.pdf")

    ``with_expiry=True`` gives ``{"url": ..., "expires_at": ...}`` (ISO 8601, UTC;
    None if the storage does not sign).
    """

    def __init__(
        self,
        *,
        storage: Any = None,
        expire: Any = None,
        expire_step: Any = None,
        download: Any = None,
        inline: Any = None,
        resource: Any = None,
        folder: Any = None,
        with_expiry: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        options = {
            "storage": storage,
            "expire": expire,
            "expire_step": expire_step,
            "download": download,
            "inline": inline,
            "resource": resource,
            "folder": folder,
        }
        self._options = {name: value for name, value in options.items() if value is not None}
        self._with_expiry = with_expiry

    def to_representation(self, value: Any) -> Any:
        """Return the URL, or the URL and its expiry."""
        if not value:
            return None
        options = {
            name: option(value) if callable(option) else option
            for name, option in self._options.items()
        }
        if not self._with_expiry:
            return signed_url(value, **options)
        with watch_expiry() as watch:
            url = signed_url(value, **options)
        return {"url": url, "expires_at": watch.expires_at}


class SignedImageField(SignedFileField, serializers.ImageField):
    """Represent an image as :class:`SignedFileField` does, and accept nothing but images."""


#: The ``serializer_field_mapping`` of a ModelSerializer whose file fields give signed URLs. Options
#: are in ``extra_kwargs`` of its Meta.
SIGNED_FIELD_MAPPING: dict[type[Any], type[Any]] = {
    **serializers.ModelSerializer.serializer_field_mapping,
    models.FileField: SignedFileField,
    models.ImageField: SignedImageField,
}


class SignedUrlsView(APIView):
    """Return the signed URLs of many files to a POST of ``{"names": [...]}``, which is JSON.

    ::

        path("api/urls/", SignedUrlsView.as_view(permission=may_see))

    The answer is ``{"urls": {name: url}, "expires_at": ...}``; the latter says when
    the first URL expires (ISO 8601, UTC).

    ``permission(request, name)`` is called for each name, and is required. It is
    a plain function, and returns what that of
    :class:`cfsigned_django.views.SignedRedirectView` does: True, or the name or
    names that this viewer may see, which are compared exactly. A subclass may
    define it as a method. REST framework's own ``permission_classes`` hold as
    well. If one name is refused, the answer is 403 for all of them. A name that
    no file can have, and more names than ``max_names``, are answered with 400.
    Only S3 knows whether a file exists.

    ``storage`` is an alias of STORAGES; ``expire`` and ``expire_step`` are those of
    ``url()``. If :class:`cfsigned_django.shortcuts.signed_urls` decorates the view,
    one signature serves all names in a folder, and the permission for one of them
    opens the folder.
    """

    permission: Callable[[Request, str], Permitted] | None = None
    storage: str = "default"
    expire: int | timedelta | None = None
    expire_step: int | timedelta | None = None
    max_names: int = 100

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        """Return the view. Raise :exc:`ImproperlyConfigured` if it has no permission."""
        permission = initkwargs.get("permission", cls.permission)
        if not callable(permission) or iscoroutinefunction(permission):
            raise ImproperlyConfigured(
                f"The permission of {cls.__name__} is {permission!r}. Pass as_view() a function, "
                "not a coroutine function, that takes the request and the name of a file, and "
                "returns True, or the names of the files that the viewer may see."
            )
        return super().as_view(**initkwargs)

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return the URLs of all names, or of none."""
        names = self._read_names(request.data)
        ask: Any = self.permission
        for name in names:
            require_permission(self, name, ask(request, name))
        with watch_expiry() as watch:
            urls = {
                name: signed_url(
                    name, storage=self.storage, expire=self.expire, expire_step=self.expire_step
                )
                for name in names
            }
        return Response({"urls": urls, "expires_at": watch.expires_at})

    def _read_names(self, data: object) -> list[str]:
        names = data.get("names") if isinstance(data, Mapping) else None
        if not isinstance(names, list) or not 0 < len(names) <= self.max_names:
            raise _invalid(f'Send JSON: {{"names": [...]}}, with 1 to {self.max_names} names.')
        for place, name in enumerate(names):
            # A storage would normalize ./a, and sign a name that was not asked about.
            if not isinstance(name, str) or not is_exact_name(name):
                raise _invalid(
                    f"names[{place}] is not the name of a file. Send each name as the storage "
                    f"returned it from save(): text of at most {MAX_NAME_LENGTH} bytes."
                )
        return names


def _invalid(what: str) -> serializers.ValidationError:
    return serializers.ValidationError({"names": [what]})
