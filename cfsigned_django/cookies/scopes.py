"""Which folders a viewer may open: the scopes of the site, and what they answer."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import Any, Final

from django.http import HttpRequest
from django.utils.module_loading import import_string

from cfsigned_django.conf import Site
from cfsigned_django.cookies.place import CookiePlace, attributes_of, place_for, why_not_from
from cfsigned_django.cookies.problems import PAGE, Problem
from cfsigned_django.storage.arguments import check_folder
from cfsigned_django.storage.registry import find_storage

#: So many folders of a scope are read.
MAX_FOLDERS: Final = 1_000


class SignedCookieScope:
    """Which folders of a storage a viewer may open.

    Name each subclass in AWS_CLOUDFRONT_COOKIE_SCOPES. The attributes are the
    arguments of :func:`set_signed_cookies`; ``lifetime`` is its ``expire``, by
    default AWS_QUERYSTRING_EXPIRE.
    """

    storage: str = "default"
    lifetime: int | timedelta | None = None
    domain: str | None = None
    path: str | None = None
    samesite: str | None = "Lax"
    partitioned: bool = False
    secure: bool = True
    httponly: bool = True

    def get_folders(self, request: HttpRequest) -> Iterable[str]:
        """Return the folders that this viewer may open now, or one; an empty list for none.

        Each is data, such as ``f"courses/{course.pk}"``, and becomes one set of
        cookies. A viewer gets eight sets at most, over all scopes: for more,
        return one folder that contains them. This is asked once per lifetime,
        and after a log-in or a rotation of the keys. What is wrong with the
        answer, or raised, is logged: the page is served without these cookies.
        On a server for ASGI, it runs in a thread.
        """
        raise NotImplementedError(f"{type(self).__name__} must define get_folders(request).")


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A folder that a scope opens to a viewer."""

    #: The dotted path of the scope.
    name: str
    scope: SignedCookieScope
    folder: str
    #: The URL of the folder, with ``*`` at its end, and where a browser keeps cookies for it.
    covered: str
    place: CookiePlace
    #: The ID of the key pair that signs for it now; None if none can.
    key_pair_id: str | None


@dataclass(slots=True)
class ScopeAnswers:
    """What the scopes open to a viewer, and what is wrong with their answers."""

    offers: list[Offer] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    #: Whether a scope could not answer.
    is_incomplete: bool = False


def ask_scopes(request: HttpRequest) -> ScopeAnswers:
    """Ask all scopes what this viewer may open. Raise nothing, whatever they return or raise."""
    answers = ScopeAnswers()
    for name in Site.COOKIE_SCOPES.read():
        try:
            scope = load_scope(name)
            given: Any = scope.get_folders(request)
            folders = [given] if not isinstance(given, Iterable) else list_folders(given)
            folders = list(islice(folders, MAX_FOLDERS))
        except Exception as error:
            answers.is_incomplete = True
            answers.problems.append(Problem.of_scope(name, error))
        else:
            _add_offers(answers, request, name, scope, folders)
    return answers


def _add_offers(
    answers: ScopeAnswers,
    request: HttpRequest,
    name: str,
    scope: SignedCookieScope,
    folders: list[Any],
) -> None:
    """Add what a scope opens with these folders, and what is wrong with them."""
    key_pair_id = None
    if folders:
        try:
            key_pair_id = find_storage(scope.storage).cfsigned.lease().signer.key_pair_id
        except Exception as error:
            answers.problems.append(Problem.of_folder(name, folders[0], error))
    for folder in folders:
        try:
            check_folder(folder)  # None would mean that a resource is meant.
            covered = find_storage(scope.storage).resource_url(folder=folder)
            place = place_for(covered, request, **attributes_of(scope))
            reason = why_not_from(request, place, covered)
        except Exception as error:
            answers.problems.append(Problem.of_folder(name, folder, error))
            continue
        if reason:
            answers.problems.append(Problem(scope=name, cause=PAGE, text=reason))
            continue
        offer = Offer(
            name=name,
            scope=scope,
            folder=folder,
            covered=covered,
            place=place,
            key_pair_id=key_pair_id,
        )
        answers.offers.append(offer)


def list_folders(given: str | Iterable[str]) -> Iterable[str]:
    """Return the folders. A single name is one folder, not its letters."""
    return [given] if isinstance(given, str) else given


@functools.cache
def load_scope(name: str) -> SignedCookieScope:
    """Return an instance of the scope at a dotted path."""
    scope: SignedCookieScope = import_string(name)()
    return scope
