"""Why a viewer does not get the cookies of a scope: for the log of the site, and for refresh/."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from django.core.exceptions import ImproperlyConfigured, SuspiciousOperation
from django.http import HttpResponseBase

from cfsigned_django.logs import log_once
from cfsigned_django.signing import InvalidKey

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
        """Return the problem that a scope raised something instead of an answer."""
        text = (
            f"The scope raised {_name(error)}. Viewers get no new cookies from it until it answers."
        )
        return cls(scope=scope, cause=_name(error), text=text, error=error)

    @classmethod
    def of_folder(cls, scope: str, folder: object, error: Exception) -> Problem:
        """Return the problem that a folder of a scope led to an error."""
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
