"""The template tags: each calls one function of a storage, or of the site's URLs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any, Final

from django import template
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.storage import InvalidStorageError
from django.template import Context, Node, NodeList, TemplateSyntaxError
from django.template.base import Parser, Token
from django.template.library import SimpleNode
from django.urls import NoReverseMatch, reverse

from cfsigned_django import shortcuts

register: Final = template.Library()
register.filter(shortcuts.signed_html)


@register.simple_tag
@wraps(shortcuts.signed_url, assigned=())  # Django checks the arguments by this signature.
def signed_url(
    file_or_name: Any, *, expire: Any = None, expire_step: Any = None, **options: Any
) -> str:
    """Return the signed URL of a file field, or of a name in a storage.

    ::

        {% load cfsigned %}
        <img src="{% signed_url photo.image expire=300 %}">
        {% signed_url "reports/2026.pdf" storage="private" download="보고서.pdf" as link %}

    An empty field gives an empty string. Raise :exc:`TemplateSyntaxError` for
    an alias or an argument that is not valid.
    """
    with _mistakes_of("signed_url"):
        expire, expire_step = _seconds(expire), _seconds(expire_step)
        return shortcuts.signed_url(file_or_name, expire=expire, expire_step=expire_step, **options)


@register.simple_tag
def media_url(file_or_name: Any, *, storage: str | None = None) -> str:
    """Return the URL of a file without a signature, for pages that rely on signed cookies.

    An empty field gives an empty string.
    """
    with _mistakes_of("media_url"):
        return shortcuts.unsigned_url(file_or_name, storage=storage)


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
    *resources: str,
    folder: Any = None,
    storage: str | None = None,
    expire: Any = None,
    expire_step: Any = None,
    ip_address: str | None = None,
) -> shortcuts.signed_urls:
    """Sign once for all URLs within the block whose names a folder or a resource covers.

    ::

        {% load cfsigned %}
        {% signed_urls folder=album.folder %}
          {% for photo in photos %}<img src="{{ photo.image.url }}">{% endfor %}
        {% endsigned_urls %}

    See :class:`cfsigned_django.shortcuts.signed_urls`. Anyone with one of these
    URLs can open every file that is covered.
    """
    return shortcuts.signed_urls(
        *resources,
        folder=folder,
        storage=storage,
        expire=_seconds(expire),
        expire_step=_seconds(expire_step),
        ip_address=ip_address,
    )


class SignedUrlsNode(Node):
    """Render a block, and the templates that it includes, within ``signed_urls()``."""

    def __init__(self, arguments: SimpleNode, nodelist: NodeList) -> None:
        self.arguments = arguments
        self.nodelist = nodelist

    def render(self, context: Context) -> str:
        args, kwargs = self.arguments.get_resolved_arguments(context)
        with ExitStack() as stack:
            with _mistakes_of("signed_urls"):
                stack.enter_context(self.arguments.func(*args, **kwargs))
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


@contextmanager
def _mistakes_of(tag: str) -> Iterator[None]:
    """Raise what a template can fix as an error of its tag."""
    try:
        yield
    except (TypeError, ValueError, SuspiciousFileOperation, InvalidStorageError) as error:
        raise TemplateSyntaxError(f"{{% {tag} %}}: {error}") from error
