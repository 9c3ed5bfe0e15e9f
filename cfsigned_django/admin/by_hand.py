"""Remember who does by hand what concerns CloudFront."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

from cfsigned_django import conf

#: Says in a session that the person does by hand what concerns CloudFront.
BY_HAND = "cfsigned_by_hand"


def is_by_hand(request: HttpRequest) -> bool:
    """Tell whether the person does by hand what concerns CloudFront.

    What a form says is remembered. An address says nothing: a link in a mail
    must not choose for whoever follows it.
    """
    if "by_hand" in request.POST:
        request.session[BY_HAND] = request.POST["by_hand"] == "1"
    return conf.is_by_hand() or bool(request.session.get(BY_HAND))


def way_back(request: HttpRequest) -> str:
    """Return the page on which the choice was made, and empty where that is of another site."""
    path = request.POST.get("next", "")
    is_own = url_has_allowed_host_and_scheme(
        path, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return path if is_own else ""
