"""Check the scopes of signed cookies, and the middleware that sets them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django.conf import settings
from django.core.checks import CheckMessage
from django.http.request import validate_host

from cfsigned_django.cookies.place import CookiePlace, attributes_of, checked_domain
from cfsigned_django.cookies.scopes import SignedCookieScope
from cfsigned_django.core.conf import Site, shown
from cfsigned_django.core.validation import find_address_problems, problem
from cfsigned_django.storage.signatures import lifetime
from cfsigned_django.storage.site_storages import import_class, site_storages

_OURS: Final = "cfsigned_django.middleware.SignedCookiesMiddleware"
_SESSIONS: Final = "django.contrib.sessions.middleware.SessionMiddleware"
_AUTH: Final = "django.contrib.auth.middleware.AuthenticationMiddleware"


def check_cookies(**kwargs: Any) -> list[CheckMessage]:
    """Return why viewers would not get the cookies of the scopes."""
    names = Site.COOKIE_SCOPES.read()
    if not names:
        return []
    found: list[CheckMessage] = []
    middleware = settings.MIDDLEWARE
    before = middleware[: middleware.index(_OURS)] if _OURS in middleware else []
    if _SESSIONS not in before or (_AUTH in middleware and _AUTH not in before):
        where = "comes too early in" if _OURS in middleware else "is not in"
        what = f"There are scopes of signed cookies, but {_OURS} {where} MIDDLEWARE."
        found.append(problem("cfsigned.E051", what))
    for name in names:
        scope = import_class(name)
        if scope is None or not issubclass(scope, SignedCookieScope):
            found.append(problem("cfsigned.E050", f"{shown(name)} is not a SignedCookieScope."))
        else:
            found += _scope(scope, name)
    return found


def _scope(scope: type[SignedCookieScope], name: str) -> Iterator[CheckMessage]:
    """Report why no viewer of the scope would get cookies, whatever its folders."""
    storage = next((each for each in site_storages() if each.alias == scope.storage), None)
    if storage is None:
        yield problem("cfsigned.E050", f"The storage {scope.storage!r} of {name} does not sign.")
        return
    if not storage.is_known:
        return  # check_storages() reports the error, and a request knows the domain.
    config = storage.config
    wrong = find_address_problems(config, signs=storage.signs)
    if serious := next(filter(CheckMessage.is_serious, wrong), None):
        # check_storages() reports it, unless nothing but cookies needs a domain.
        if not (storage.signs or config.custom_domain):
            serious.obj = storage.name
            yield serious
        return
    host = str(config.custom_domain).partition(":")[0].lower()
    domain = scope.domain or Site.COOKIE_DOMAIN.read() or None
    try:
        checked_domain(domain, f"https://{host}/")
    except ValueError as error:
        yield problem("cfsigned.E052", f"{name}: {error}")
    try:
        CookiePlace(**attributes_of(scope)).refuse_attributes(f"{config.url_protocol}//{host}/")
        if scope.lifetime is not None and type(config.max_expire) is int:
            lifetime(scope.lifetime, config.max_expire)
    except ValueError as error:
        yield problem("cfsigned.E053", f"{name}: {error}")
    if domain is None and not validate_host(host, settings.ALLOWED_HOSTS):
        yield problem(
            "cfsigned.W050",
            f"AWS_CLOUDFRONT_COOKIE_DOMAIN is not set, so the cookies of {name} stay at the host "
            f"of the page, and the files are at {host}, which is not in ALLOWED_HOSTS.",
        )
