"""Set and delete the signed cookies of one response, side by side with those of other places."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from http.cookies import Morsel
from typing import Any, Final, TypeAlias, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.core.files.storage import Storage
from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.views import View as BaseView

from cfsigned_django.cookies.place import CookiePlace, place_for, why_not_from
from cfsigned_django.cookies.scopes import warn_of_size
from cfsigned_django.signing.encoding import decode_base64
from cfsigned_django.signing.policy import Policy
from cfsigned_django.storage.site_storages import find_storage
from cfsigned_django.storage.urls import SignedUrlMixin

POLICY: Final = "CloudFront-Policy"
EXPIRES: Final = "CloudFront-Expires"
KEY_PAIR_ID: Final = "CloudFront-Key-Pair-Id"
HASH: Final = "CloudFront-Hash-Algorithm"
#: The names of all cookies that CloudFront reads (developer guide, "Use signed cookies").
NAMES: Final = (POLICY, EXPIRES, "CloudFront-Signature", KEY_PAIR_ID, HASH)


class _PartitionedMorsel(Morsel[str]):
    """A cookie that is kept apart for each site that embeds it; Python 3.14 is the first to know.

    A site that is embedded in others needs it: browsers block its other cookies there.
    """

    def OutputString(self, attrs: Any = None) -> str:
        return f"{super().OutputString(attrs)}; Partitioned"


def put(response: HttpResponseBase, values: dict[str, str], place: CookiePlace) -> None:
    """Add a set of cookies to the response, beside those of other places."""
    for name, value in values.items():
        _add(response, name, value, place)
    make_private(response)


def delete(response: HttpResponseBase, place: CookiePlace, names: Iterable[str] = NAMES) -> None:
    for name in names:
        morsel = _add(response, name, "", place)
        morsel["max-age"] = 0
        morsel["expires"] = "Thu, 01 Jan 1970 00:00:00 GMT"
    make_private(response)


def make_private(response: HttpResponseBase) -> None:
    """Let no cache keep a response that carries the cookies of one viewer, but the browser's own.

    Some caches obey ``s-maxage``, ``Surrogate-Control`` and the headers of RFC
    9213, such as ``CDN-Cache-Control``, before ``private``.
    """
    header = response.headers.get("Cache-Control", "")
    parts = [part.strip() for part in header.split(",")]
    response.headers["Cache-Control"] = ", ".join(
        part for part in parts if part.partition("=")[0].strip().lower() != "s-maxage"
    )
    for name in list(response.headers):
        if name.lower() == "surrogate-control" or name.lower().endswith("cdn-cache-control"):
            del response.headers[name]
    patch_cache_control(response, private=True)
    patch_vary_headers(response, ("Cookie",))


def _add(response: HttpResponseBase, name: str, value: str, place: CookiePlace) -> Morsel[str]:
    morsel: Morsel[str] = _PartitionedMorsel() if place.partitioned else Morsel()
    morsel.set(name, value, value)
    morsel["path"] = place.path
    if place.domain is not None:
        morsel["domain"] = place.domain
    if place.samesite is not None:
        morsel["samesite"] = place.samesite
    morsel["secure"], morsel["httponly"] = place.secure, place.httponly
    # Django's key is the name, so that a second set would replace the first. Everything that reads
    # a response takes the name from the morsel.
    response.cookies[f"{name} {place.key}"] = morsel
    return morsel


def refuse_overlap(response: HttpResponseBase, place: CookiePlace, covered: str) -> None:
    """Raise if a browser would send two policies with one request, of which one would count."""
    for morsel in list(response.cookies.values()):
        if morsel.key not in (POLICY, EXPIRES) or not morsel.value:
            continue
        other = CookiePlace(domain=morsel["domain"] or None, path=morsel["path"])
        is_same = other.key == place.key and _resource_of(morsel) == covered
        if place.overlaps(other) and not is_same:
            raise ValueError(
                f"This response already sets signed cookies for {other.path}, and browsers would "
                f"send both sets for files in {place.path}, of which CloudFront reads one. Open "
                "one folder that contains both, or folders side by side."
            )


def _resource_of(morsel: Morsel[str]) -> str | None:
    """Return what a cookie opens; None if it opens one file, whose name it does not have."""
    if morsel.key != POLICY:
        return None
    return Policy.from_json(decode_base64(morsel.value).decode()).resource


View: TypeAlias = Callable[..., Any]

#: The methods to which only a view's own code answers 2xx.
OPENING_METHODS: Final = ("GET", "HEAD", "POST")


def set_signed_cookies(
    response: HttpResponseBase,
    resource: str | None = None,
    *,
    request: HttpRequest | None = None,
    folder: str | None = None,
    expire: int | timedelta | None = None,
    storage: str | Storage | SignedUrlMixin = "default",
    date_greater_than: datetime | int | None = None,
    ip_address: str | None = None,
    domain: str | None = None,
    path: str | None = None,
    samesite: str | None = "Lax",
    partitioned: bool = False,
    secure: bool = True,
    httponly: bool = True,
    allow_any_resource: bool = False,
) -> None:
    """Set the cookies with which this viewer may open a folder, or what a resource covers.

    ``folder``, such as ``"videos/42"``, is data; ``resource``, such as
    ``"videos/*/preview.mp4"``, is a pattern. ``expire`` (seconds or a timedelta),
    ``date_greater_than`` and ``ip_address`` are those of the storage's ``url()``;
    ``storage`` is an alias of STORAGES, or a storage. The browser keeps the
    cookies until it is closed, as AWS recommends; CloudFront stops accepting
    them after ``expire``.

    ``path`` is by default the folder of the resource in the URL, and ``domain``
    AWS_CLOUDFRONT_COOKIE_DOMAIN; without it, only the host of this page gets
    the cookies. A response may set the cookies of several folders. It becomes
    private, and varies on Cookie. Pass ``request`` so that a page whose host or
    scheme cannot set the cookies is an error, and so that Safari keeps them in
    development: ``Secure`` is left out if page and files are at ``http:`` and on this
    machine, unless ``samesite="None"`` or ``partitioned`` needs it.

    Raise :exc:`ValueError`, and set nothing, if an argument makes no sense, or
    if no browser would send these cookies to CloudFront.
    """
    found = find_storage(storage)
    covered = found.resource_url(resource, folder=folder, allow_any_resource=allow_any_resource)
    place = place_for(
        covered,
        request,
        domain=domain,
        path=path,
        samesite=samesite,
        partitioned=partitioned,
        secure=secure,
        httponly=httponly,
    )
    if request is not None and (reason := why_not_from(request, place, covered)):
        raise ValueError(reason)
    refuse_overlap(response, place, covered)
    _, values = found.sign_cookies(
        resource,
        folder=folder,
        expire=expire,
        date_greater_than=date_greater_than,
        ip_address=ip_address,
        allow_any_resource=allow_any_resource,
    )
    put(response, values, place)
    warn_of_size(response)


def delete_signed_cookies(
    response: HttpResponseBase,
    resource: str | None = None,
    *,
    request: HttpRequest | None = None,
    folder: str | None = None,
    storage: str | Storage | SignedUrlMixin = "default",
    domain: str | None = None,
    path: str | None = None,
    allow_any_resource: bool = False,
    **attributes: Any,
) -> None:
    """Delete the cookies that :func:`set_signed_cookies` set with the same arguments.

    ``attributes`` are ``samesite``, ``partitioned``, ``secure`` and ``httponly``.
    CloudFront accepts a copy of the cookies until they expire: to lock everyone out,
    revoke the key.
    """
    covered = find_storage(storage).resource_url(
        resource, folder=folder, allow_any_resource=allow_any_resource
    )
    delete(response, place_for(covered, request, domain=domain, path=path, **attributes))


def open_if_let_in(
    request: HttpRequest, answer: Any, set_cookies: Callable[[HttpResponseBase], None]
) -> Any:
    """Return what a view answered, with cookies if the view's own code has let this viewer in.

    Its own code has if the status is 2xx and the method GET, HEAD or POST. Django's classes
    answer OPTIONS themselves, with 200 and to anyone; so do those of REST framework. A form answers
    200 even when it refuses: see :func:`refuse_form_as_gate`. An ``answer`` that must be awaited is
    returned as a coroutine.
    """
    if isinstance(answer, Awaitable):

        async def opened() -> Any:
            return open_if_let_in(request, await answer, set_cookies)

        return opened()
    if request.method in OPENING_METHODS and 200 <= answer.status_code < 300:
        set_cookies(answer)
    return answer


def refuse_form_as_gate(view_class: type[Any]) -> None:
    """Raise :exc:`TypeError` if a form of the view may be what decides who sees the folder.

    Django shows an invalid form with 200 and redirects after a valid one: only who fails would
    get the cookies.
    """
    if hasattr(view_class, "form_valid") and not getattr(view_class, "form_is_no_gate", False):
        raise TypeError(
            f"{view_class.__name__} has a form, and answers 200 even when the form refuses: that "
            "would set the signed cookies for everyone. If something before the form decides who "
            "sees the page (LoginRequiredMixin, get_queryset()), write form_is_no_gate = True in "
            "the class. If the form decides, call set_signed_cookies() in form_valid() instead."
        )


def signed_cookies(
    resource: str | None = None,
    *,
    folder: str | Callable[..., str | None] | None = None,
    **options: Any,
) -> Callable[[View], View]:
    """Set signed cookies in each response of a view that succeeds.

    ``folder`` may be a function that takes the arguments of the view, and
    returns the folder; None sets no cookies. The other arguments are those of
    :func:`set_signed_cookies`. Only a response to GET, HEAD or POST with a
    status of 2xx gets cookies, so the view decides who may open the folder: a
    redirect to the log-in page opens nothing, nor does OPTIONS, to which
    Django itself answers 200. A form answers 200 even when it refuses: in a
    view whose form decides, call :func:`set_signed_cookies` once it is valid.
    A class with ``form_valid`` is refused, unless it has ``form_is_no_gate = True``.
    """

    def decorate(view: View) -> View:
        if view_class := _class_of(view):
            refuse_form_as_gate(view_class)

        @functools.wraps(view)
        def opened(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            def set_cookies(response: HttpResponseBase) -> None:
                name = folder(request, *args, **kwargs) if callable(folder) else folder
                if resource is not None or name is not None:
                    set_signed_cookies(response, resource, folder=name, request=request, **options)

            return open_if_let_in(request, view(request, *args, **kwargs), set_cookies)

        return markcoroutinefunction(opened) if iscoroutinefunction(view) else opened

    return decorate


def _class_of(view: Any) -> type[Any] | None:
    """Return the class of a view that ``as_view()`` made, or whose bound method is decorated."""
    while view is not None:
        if view_class := getattr(view, "view_class", None):
            return cast("type[Any]", view_class)
        # method_decorator() hands on a bound method in a partial.
        method = getattr(view, "func", view)
        if isinstance(instance := getattr(method, "__self__", None), BaseView):
            return type(instance)
        view = getattr(view, "__wrapped__", None) or getattr(view, "func", None)
    return None
