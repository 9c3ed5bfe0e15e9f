"""Keep the signed cookies of a viewer valid: the only job of the middleware here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from cfsigned_django.cookies.renewal import are_cookies_due, renew_cookies, was_renewed


@sync_and_async_middleware
def SignedCookiesMiddleware(
    get_response: Callable[[HttpRequest], Any],
) -> Callable[[HttpRequest], Any]:
    """Set, renew and delete the cookies that the scopes of this site give a viewer.

    It belongs after SessionMiddleware and, if a scope uses ``request.user``,
    after AuthenticationMiddleware.
    """
    if iscoroutinefunction(get_response):

        async def renewed_async(request: HttpRequest) -> HttpResponseBase:
            response: HttpResponseBase = await get_response(request)
            if not was_renewed(request) and are_cookies_due(request):
                await sync_to_async(renew_cookies)(request, response)
            return response

        return renewed_async

    def renewed(request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = get_response(request)
        if not was_renewed(request) and are_cookies_due(request):
            renew_cookies(request, response)
        return response

    return renewed
