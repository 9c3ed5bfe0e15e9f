"""Keep the signed cookies of a viewer valid: the only job of the middleware here."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

from cfsigned_django.cookies.renewal import are_cookies_due, renew_cookies


class SignedCookiesMiddleware(MiddlewareMixin):
    """Set, renew and delete the cookies that the scopes of this site give a viewer.

    It belongs after SessionMiddleware and, if a scope uses ``request.user``,
    after AuthenticationMiddleware.
    """

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Return the response, with the cookies that are due. On ASGI, this runs in a thread."""
        if are_cookies_due(request):
            renew_cookies(request, response)
        return response
