"""Renew the signed cookies of a viewer, when the marker says that it is time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Final, TypeAlias

from django.http import HttpRequest, HttpResponseBase

from cfsigned_django.conf import Site, whole_seconds
from cfsigned_django.cookies import set_cookie
from cfsigned_django.cookies.choice import Choice, choose
from cfsigned_django.cookies.marker import MARKER, Marker, session_key_of, viewer_of
from cfsigned_django.cookies.problems import Problem, first_of_each_kind, log_problems, warn_of_size
from cfsigned_django.cookies.scopes import Offer
from cfsigned_django.storage.registry import find_storage

#: Cookies are renewed when a quarter of their life is left, and at most this many seconds.
LONGEST_RENEWAL: Final = 300
_RENEWED: Final = "_cfsigned_cookies_renewed"


def are_cookies_due(request: HttpRequest) -> bool:
    """Return whether the signed cookies of this browser must be set, renewed or deleted.

    No session is read, and nothing is signed. Without a session and without a
    marker, nothing is due, so that caches may keep pages of the public. Nor is it
    once :func:`renew_cookies` has run for this request.
    """
    if _RENEWED in vars(request):
        return False
    if MARKER not in request.COOKIES:
        return session_key_of(request) is not None and bool(Site.COOKIE_SCOPES.read())
    marker = Marker.load(request)
    if marker is None or marker.viewer != viewer_of(request):
        return True
    if time.time() >= marker.renew_at:
        return True
    for alias, key_pair_id in marker.key_pair_ids.items():
        # If nothing can sign now, such as when the database is down, the cookies are still good:
        # their renewal logs it, if it lasts so long.
        with suppress(Exception):
            if find_storage(alias).cfsigned.lease().signer.key_pair_id != key_pair_id:
                return True
    return False


#: An offer, the cookies that open it, and when they expire.
SignedSet: TypeAlias = tuple[Offer, dict[str, str], int]


def renew_cookies(
    request: HttpRequest, response: HttpResponseBase
) -> tuple[int | None, list[Problem]]:
    """Ask the scopes which folders this viewer may open, and set and delete cookies accordingly.

    Return when the first set of cookies expires, in Unix seconds, or None if the
    viewer has none; and why the viewer has not all that the scopes open, one
    problem of each kind. Raise nothing, whatever the scopes answer, and whether or not a key can
    sign: the response is that of a view, which has done its work. Log why a
    folder gets no cookies.
    """
    vars(request)[_RENEWED] = True
    now, old = int(time.time()), Marker.load(request)
    choice = choose(request, old, now)
    problems = list(choice.problems)
    sets = list(_sign(choice.offers, response, problems))
    problems = first_of_each_kind(problems)
    marker = _next_marker(viewer_of(request), old, choice, sets, now, is_whole=not problems)

    new = {offer.place.key for offer, _, _ in sets}
    stay = {place.key for place in marker.places} - new
    for place in old.places if old else ():
        if place.key not in stay:
            # A key that signs with SHA1 has one cookie less: the old one would refuse the new ones.
            set_cookie.delete(
                response, place, [set_cookie.HASH] if place.key in new else set_cookie.NAMES
            )
    for offer, values, _ in sets:
        set_cookie.put(response, values, offer.place)
    if marker.viewer:
        response.set_cookie(
            MARKER, marker.dump(), secure=request.is_secure(), httponly=True, samesite="Lax"
        )
        set_cookie.make_private(response)
    elif MARKER in request.COOKIES:
        response.delete_cookie(MARKER)
    warn_of_size(response)
    log_problems(problems)
    has_any = bool(marker.places) and now < marker.expires
    return marker.expires if has_any else None, problems


def _next_marker(
    viewer: str,
    old: Marker | None,
    choice: Choice,
    sets: list[SignedSet],
    now: int,
    *,
    is_whole: bool,
) -> Marker:
    """Return what the browser remembers: the new sets, and those that stay as they are.

    ``is_whole``: the viewer gets all that the scopes open. If not, the next
    attempt is soon.
    """
    left, ids = list(choice.left), {}
    if old is not None and old.viewer == viewer:
        signed = {offer.place.key for offer, _, _ in sets}
        failed = {offer.place.key for offer in choice.offers} - signed
        left += [place for place in old.places if place.key in failed]
        ids = old.key_pair_ids if left else {}
    ids = ids | {offer.scope.storage: values[set_cookie.KEY_PAIR_ID] for offer, values, _ in sets}
    ends = [expires for _, _, expires in sets]
    end = min(ends, default=now + LONGEST_RENEWAL)
    renew_at = end - min(LONGEST_RENEWAL, (end - now) // 4)
    if not is_whole:
        renew_at = min(renew_at if sets else end, now + LONGEST_RENEWAL)
    if old is not None and left:
        end = min([*ends, old.expires])
    return Marker(viewer, ids, end, renew_at, [*left, *(offer.place for offer, _, _ in sets)])


def _sign(
    offers: list[Offer], response: HttpResponseBase, problems: list[Problem]
) -> Iterator[SignedSet]:
    """Yield a set for each offer that can be signed, and that the cookies of the view allow."""
    for offer in offers:
        try:
            set_cookie.refuse_overlap(response, offer.place, offer.covered)
            policy, values = find_storage(offer.scope.storage).sign_cookies(
                folder=offer.folder, expire=offer.scope.lifetime
            )
        except Exception as error:
            problems.append(Problem.of_folder(offer.name, offer.folder, error))
        else:
            yield offer, values, policy.date_less_than


def find_opened(request: HttpRequest) -> dict[str, int]:
    """Return what this viewer's cookies open: how each URL begins, and when they expire.

    They are the cookies that the browser has, or that the middleware sets in
    the response to this request. The scopes are asked, and nothing is signed.
    Times are Unix seconds.
    """
    now, old = int(time.time()), Marker.load(request)
    choice, is_due = choose(request, old, now), are_cookies_due(request)
    given = {place.key for place in old.places} if old else set()
    opened: dict[str, int] = {}
    for offer in choice.offers:
        if is_due:
            lifetime = offer.scope.lifetime or find_storage(offer.scope.storage).querystring_expire
            opened[_start_of(offer)] = now + (whole_seconds(lifetime) or 0)
        elif old is not None and offer.place.key in given:
            opened[_start_of(offer)] = old.expires
    if old is not None and now < old.expires:
        opened |= {_start_of(offer): old.expires for offer in choice.unsigned}
    return opened


def _start_of(offer: Offer) -> str:
    """Return how the URLs of all files in the folder begin."""
    return offer.covered.removesuffix("*")
