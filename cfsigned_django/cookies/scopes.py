"""Which folders a viewer may open: the scopes of the site, what they answer, and what is wrong."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import Any, Final

from django.core.exceptions import ImproperlyConfigured, SuspiciousOperation
from django.http import HttpRequest, HttpResponseBase
from django.utils.module_loading import import_string

from cfsigned_django.cookies.place import CookiePlace, attributes_of, place_for, why_not_from
from cfsigned_django.core.conf import Site
from cfsigned_django.logs import log_once
from cfsigned_django.signing import InvalidKey
from cfsigned_django.storage.site_storages import find_storage

logger: Final = logging.getLogger("cfsigned_django.cookies")

#: The smallest buffer that proxies have for the headers of a response, in bytes.
SMALLEST_BUFFER: Final = 4096
#: The cause of a problem that all viewers have at some address of the site.
PAGE: Final = "page"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why cookies of a scope are not set for a viewer."""

    #: The dotted path of the scope.
    scope: str
    #: What kind of problem it is.
    cause: str
    #: What is wrong, and what to do. The viewer may read it.
    text: str
    #: What the code of the site raised, or why no key can sign. Only the log has it.
    error: Exception | None = None

    @classmethod
    def of_scope(cls, scope: str, error: Exception) -> Problem:
        text = (
            f"The scope raised {_name(error)}. Viewers get no new cookies from it until it answers."
        )
        return cls(scope=scope, cause=_name(error), text=text, error=error)

    @classmethod
    def of_folder(cls, scope: str, folder: object, error: Exception) -> Problem:
        if isinstance(error, ImproperlyConfigured | InvalidKey):
            text = "The storage cannot sign now. Cookies that viewers have stay until they end."
            return cls(scope=scope, cause=f"storage {_name(error)}", text=text, error=error)
        cause = f"folder {_name(error)}"
        text = f"No cookies are set for {quoted(folder)}."
        if isinstance(error, SuspiciousOperation | ValueError):
            return cls(scope=scope, cause=cause, text=f"{text} {str(error)[:1000]}")
        return cls(scope=scope, cause=cause, text=f"{text} It led to {_name(error)}.", error=error)

    @property
    def is_of_viewer(self) -> bool:
        """Return whether the folders of this viewer are the problem, and not the site."""
        return self.error is None


def first_of_each_kind(problems: list[Problem]) -> list[Problem]:
    """Return the first problem of each kind, by scope: a thousand folders may have the same one."""
    found: dict[tuple[str, str], Problem] = {}
    for each in problems:
        found.setdefault((each.scope, each.cause), each)
    return list(found.values())


def log_problems(problems: list[Problem]) -> None:
    """Log each problem: a viewer meets it again after five minutes, as the marker says."""
    for each in problems:
        if each.cause == PAGE:
            # All viewers meet it at this address, and pages at others may set them: those go on.
            log_once(logger.error, "Signed cookies are not set. %s", each.text)
        else:
            logger.error("%s: %s", each.scope, each.text, exc_info=each.error)


def warn_of_size(response: HttpResponseBase) -> None:
    """Warn, once in the life of the process, of more cookies than some proxies forward."""
    headers = [f"Set-Cookie: {each.OutputString()}\r\n" for each in response.cookies.values()]
    if sum(map(len, headers)) > SMALLEST_BUFFER:
        log_once(
            logger.warning,
            "A response has more than %d bytes of Set-Cookie. If the headers do not fit into "
            "nginx's proxy_buffer_size, which is 4 KB on most machines, nginx answers 502. Write "
            '"proxy_buffer_size 16k; proxy_buffers 4 16k;", or open fewer folders.',
            SMALLEST_BUFFER,
        )


def quoted(folder: object) -> str:
    """Return how a message shows what a scope returned: a name may be as long as a page."""
    if folder is None:
        return "None"
    if not isinstance(folder, str):
        return f"an object of the type {type(folder).__name__}"
    return repr(folder) if len(folder) <= 200 else f"{folder[:200]!r}..."


def _name(error: Exception) -> str:
    return type(error).__name__


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
            folders = list(islice(list_folders(scope.get_folders(request)), MAX_FOLDERS))
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


def list_folders(given: Any) -> Iterable[Any]:
    """Return the folders. A single name is one folder, not its letters.

    So is what cannot be iterated: the reader of the folder refuses it, and names it.
    """
    is_one = isinstance(given, str) or not isinstance(given, Iterable)
    return [given] if is_one else given


@functools.cache
def load_scope(name: str) -> SignedCookieScope:
    scope: SignedCookieScope = import_string(name)()
    return scope
