"""Offer ``{% signed_url %}``: an adapter that calls ``url()`` of a storage."""

from __future__ import annotations

import os
from typing import Any

from django import template
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.storage import InvalidStorageError, Storage, storages
from django.db.models.fields.files import FieldFile
from django.template import TemplateSyntaxError
from django.utils.functional import Promise

from cfsigned_django.signed_urls import SignedUrlMixin

register = template.Library()


@register.simple_tag
def signed_url(
    file_or_name: FieldFile | str | None,
    *,
    storage: str | None = None,
    expire: Any = None,
    download: str | None = None,
    ip_address: str | None = None,
    resource: str | None = None,
) -> str:
    """Return the signed URL of a file field, or of a name in a storage.

    ::

        {% load cfsigned %}
        <img src="{% signed_url photo.image expire=300 %}">
        {% signed_url "reports/2026.pdf" storage="private" download="보고서.pdf" as link %}

    An empty field gives an empty text. Raise :exc:`TemplateSyntaxError` for
    an alias or an argument that makes no sense.
    """
    if not file_or_name:
        return ""
    source = _storage_of(file_or_name, storage)
    name = _name_of(file_or_name)
    if isinstance(expire, str) and expire.isdecimal():
        expire = int(expire)
    try:
        return source.url(
            name, expire=expire, download=download, ip_address=ip_address, resource=resource
        )
    except (ValueError, SuspiciousFileOperation) as error:
        raise TemplateSyntaxError(f"{{% signed_url %}}: {error}") from error


def _name_of(file_or_name: Any) -> str:
    if isinstance(file_or_name, FieldFile):
        return str(file_or_name.name)
    if not isinstance(file_or_name, str | os.PathLike | Promise):
        raise TemplateSyntaxError(
            f"{{% signed_url %}} takes a file field or the name of a file, and got a "
            f"{type(file_or_name).__name__}."
        )
    name = str(file_or_name)
    if "://" in name:
        raise TemplateSyntaxError(
            "{% signed_url %} got a URL. Give it the field itself ({% signed_url photo.image %}), "
            "or the name of the file."
        )
    return name


def _storage_of(file_or_name: FieldFile | str, alias: str | None) -> SignedUrlMixin:
    """Return the storage named by the alias, else the field's own, else the default one."""
    source: Storage | SignedUrlMixin
    if alias is None and isinstance(file_or_name, FieldFile):
        source, called = file_or_name.storage, f"the storage of {file_or_name.field}"
    else:
        alias = "default" if alias is None else alias
        called = f"the storage {alias!r}"
        try:
            source = storages[alias]
        except InvalidStorageError as error:
            if alias in storages.backends:
                raise TemplateSyntaxError(f"{{% signed_url %}}: {error}") from error
            known = ", ".join(sorted(storages.backends))
            raise TemplateSyntaxError(
                f"{{% signed_url %}}: there is no storage {alias!r} in STORAGES, which has {known}."
            ) from None
    if not isinstance(source, SignedUrlMixin):
        raise TemplateSyntaxError(
            f"{{% signed_url %}}: {called} does not sign URLs. Make it a "
            "cfsigned_django.storage.CloudFrontS3Storage, or name another with storage=."
        )
    return source
