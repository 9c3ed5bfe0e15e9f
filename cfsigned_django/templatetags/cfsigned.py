"""The template tags: each calls one function of a storage, or of the site's URLs."""

from __future__ import annotations

import os
from typing import Any

from django import template
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.storage import InvalidStorageError, Storage, storages
from django.db.models.fields.files import FieldFile
from django.template import Context, Node, NodeList, TemplateSyntaxError
from django.template.base import Parser, Token
from django.template.library import SimpleNode
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise

from cfsigned_django.storage.urls import SignedUrlMixin

register = template.Library()


#: The context variable with the arguments of ``{% signed_urls %}``. No template can name it.
_DEFAULTS = "_cfsigned_signed_urls"
_NO_DEFAULTS: dict[str, Any] = {}


@register.simple_tag(takes_context=True)
def signed_url(
    context: Context,
    file_or_name: FieldFile | str | None,
    *,
    storage: str | None = None,
    expire: Any = None,
    download: str | None = None,
    ip_address: str | None = None,
    resource: str | None = None,
    folder: str | None = None,
    expire_step: Any = None,
) -> str:
    """Return the signed URL of a file field, or of a name in a storage.

    ::

        {% load cfsigned %}
        <img src="{% signed_url photo.image expire=300 %}">
        {% signed_url "reports/2026.pdf" storage="private" download="보고서.pdf" as link %}

    An empty field gives an empty string. Raise :exc:`TemplateSyntaxError` for
    an alias or an argument that is not valid.
    """
    if not file_or_name:
        return ""
    around = context.get(_DEFAULTS, _NO_DEFAULTS)
    if around:
        storage = around["storage"] if storage is None else storage
        if resource is None and folder is None:
            resource, folder = around["resource"], around["folder"]
        expire = around["expire"] if expire is None else expire
        expire_step = around["expire_step"] if expire_step is None else expire_step
        ip_address = around["ip_address"] if ip_address is None else ip_address
    source = _storage_of(file_or_name, storage)
    name = _name_of(file_or_name)
    try:
        return source.url(
            name,
            expire=_seconds(expire),
            download=download,
            ip_address=ip_address,
            resource=resource,
            folder=folder,
            expire_step=_seconds(expire_step),
        )
    except (ValueError, SuspiciousFileOperation) as error:
        raise TemplateSyntaxError(f"{{% signed_url %}}: {error}") from error


@register.simple_tag
def media_url(file_or_name: FieldFile | str | None, *, storage: str | None = None) -> str:
    """Return the URL of a file without a signature, for pages that rely on signed cookies.

    An empty field gives an empty string.
    """
    if not file_or_name:
        return ""
    try:
        return _storage_of(file_or_name, storage).unsigned_url(_name_of(file_or_name))
    except (ValueError, SuspiciousFileOperation) as error:
        raise TemplateSyntaxError(f"{{% media_url %}}: {error}") from error


@register.inclusion_tag("cfsigned_django/signed_cookies_script.html", takes_context=True)
def signed_cookies_script(context: Context) -> dict[str, Any]:
    """Return a script that renews signed cookies when a file is refused, and loads it again.

    It needs ``path("media/", include("cfsigned_django.urls"))`` in the URLs of
    the site, and a template that is rendered with its request. The nonce of
    Django's Content-Security-Policy is added if the context has one. Players call
    ``refreshSignedCookies()``, which returns a promise of ``expires_at``.
    """
    try:
        url = reverse("cfsigned:refresh")
    except NoReverseMatch:
        raise TemplateSyntaxError(
            '{% signed_cookies_script %} needs path("media/", include("cfsigned_django.urls")) in '
            "the URLs of the site."
        ) from None
    return {"url": url, "nonce": context.get("csp_nonce")}


#: Django checks the arguments of a simple tag against the signature of its function. This library
#: lets Django check those of a block tag in the same way; the block renders itself.
_blocks = template.Library()


@_blocks.simple_tag
def signed_urls(
    resource: str | None = None,
    *,
    folder: str | None = None,
    storage: str | None = None,
    expire: Any = None,
    expire_step: Any = None,
    ip_address: str | None = None,
) -> dict[str, Any]:
    """Sign once for all URLs within the block whose names the folder or the resource covers.

    ::

        {% load cfsigned %}
        {% signed_urls folder=album.folder %}
          {% for photo in photos %}<img src="{% signed_url photo.image %}">{% endfor %}
        {% endsigned_urls %}

    A folder is data; a resource, such as ``"albums/*/thumb-*.jpg"``, is a
    pattern, and must not be made of data. The arguments of a ``{% signed_url %}``
    inside win over those of the block. Anyone with one of these URLs can open
    every file that is covered.
    """
    if resource is None and folder is None:
        raise TemplateSyntaxError(
            '{% signed_urls %} needs a folder (folder=album.folder) or a resource ("albums/42/*").'
        )
    return {
        "resource": resource,
        "folder": folder,
        "storage": storage,
        "expire": expire,
        "expire_step": expire_step,
        "ip_address": ip_address,
    }


class SignedUrlsNode(Node):
    """Render a block, and the templates that it includes, with its arguments."""

    def __init__(self, arguments: SimpleNode, nodelist: NodeList) -> None:
        self.arguments = arguments
        self.nodelist = nodelist

    def render(self, context: Context) -> str:
        """Return what the nodes within return."""
        args, kwargs = self.arguments.get_resolved_arguments(context)
        with context.push(**{_DEFAULTS: self.arguments.func(*args, **kwargs)}):
            return self.nodelist.render(context)


@register.tag("signed_urls")
def _compile_signed_urls(parser: Parser, token: Token) -> SignedUrlsNode:
    node: Any = _blocks.tags["signed_urls"](parser, token)
    if node.target_var is not None:
        raise TemplateSyntaxError("{% signed_urls %} is a block: remove 'as', it stores nothing.")
    nodelist = parser.parse(("endsigned_urls",))
    parser.delete_first_token()
    return SignedUrlsNode(node, nodelist)


def _seconds(value: Any) -> Any:
    """Return the number if the value is a number written as text, else the value."""
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def _name_of(file_or_name: Any) -> str:
    if isinstance(file_or_name, FieldFile):
        return str(file_or_name.name)
    if not isinstance(file_or_name, str | os.PathLike | Promise):
        raise TemplateSyntaxError(
            f"{{% signed_url %}} got a {type(file_or_name).__name__}. Pass a file field or the "
            "name of a file."
        )
    name = str(file_or_name)
    if "://" in name:
        raise TemplateSyntaxError(
            "{% signed_url %} got a URL. Pass the field itself ({% signed_url photo.image %}), or "
            "the name of the file."
        )
    return name


def _storage_of(file_or_name: FieldFile | str, alias: str | None) -> SignedUrlMixin:
    """Return the storage named by the alias, else the field's own, else the default one."""
    source: Storage | SignedUrlMixin
    if alias is None and isinstance(file_or_name, FieldFile):
        source = file_or_name.storage
    else:
        source = _find_storage("default" if alias is None else alias)
    if isinstance(source, SignedUrlMixin):
        return source
    if alias is None and isinstance(file_or_name, FieldFile):
        called = f"the storage of {file_or_name.field}"  # slow to format, so only for an error
    else:
        called = f"the storage {alias or 'default'!r}"
    raise TemplateSyntaxError(
        f"{{% signed_url %}}: {called} does not sign URLs. Make it a "
        "cfsigned_django.storage.CloudFrontS3Storage, or pass another with storage=."
    )


def _find_storage(alias: str) -> Storage:
    try:
        return storages[alias]
    except InvalidStorageError as error:
        if alias in storages.backends:
            raise TemplateSyntaxError(f"{{% signed_url %}}: {error}") from error
        known = ", ".join(sorted(storages.backends))
        raise TemplateSyntaxError(
            f"{{% signed_url %}}: STORAGES has no storage {alias!r}. It has {known}."
        ) from None
