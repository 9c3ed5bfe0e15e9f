"""Views that show signed URLs, and how their responses are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.storage import storages
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.template.response import TemplateResponse
from django.test import Client

from tests.storage_cases import NOW, S3_BACKEND, at

CAP = "cfsigned_django.http.cap_cache_control"


def sign(expire: int = 300) -> str:
    """Return a signed URL."""
    return storages["default"].url("a.jpg", expire=expire)  # type: ignore[call-arg]


def plain(request: HttpRequest) -> HttpResponse:
    """Show a signed URL."""
    return HttpResponse(sign())


async def in_async(request: HttpRequest) -> HttpResponse:
    """Show a signed URL, from a coroutine."""
    return HttpResponse(sign(), headers={"Cache-Control": "max-age=600"})


def template(request: HttpRequest) -> TemplateResponse:
    """Show a signed URL that is signed when the response is rendered."""
    text = "{% load cfsigned %}{% signed_url 'a.jpg' expire=300 as url %}{{ url|safe }}"
    return TemplateResponse(request, engines["django"].from_string(text))


def without(request: HttpRequest) -> HttpResponse:
    """Show no URL, and say nothing."""
    return HttpResponse("none")


def with_cookie(request: HttpRequest) -> HttpResponse:
    """Show a signed URL to one viewer."""
    response = HttpResponse(sign(), headers={"Vary": "Cookie"})
    response.set_cookie("a", "b")
    return response


def stale(request: HttpRequest) -> HttpResponse:
    """Show a signed URL on a page that may be shown while another is fetched."""
    return HttpResponse(sign(), headers={"Cache-Control": "stale-while-revalidate=600"})


def missing(request: HttpRequest) -> HttpResponse:
    """Show a signed URL on a page of an error."""
    return HttpResponse(sign(), status=404)


def get(name: str, now: float = NOW, client: Client | None = None) -> Any:
    """Return the response at that moment; each client is a server of its own."""
    with at(now):
        return (client or Client()).get(f"/{name}")


def control(response: Any) -> str | None:
    """Return the header of the response."""
    return response.headers.get("Cache-Control")  # type: ignore[no-any-return]


@pytest.fixture
def empty_cache(site: Any) -> Iterator[Any]:
    """Configure a site that signs, without middleware, and with an empty cache."""
    site.STORAGES = {"default": {"BACKEND": S3_BACKEND}}
    site.MIDDLEWARE = []
    cache.clear()
    yield site
    cache.clear()
