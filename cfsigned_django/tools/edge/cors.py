"""Evaluate CORS rules as S3 does, for origins that are not S3.

AWS page: "Elements of a CORS configuration" (ManageCorsUsing). An S3 origin
does not use this module: the edge forwards Origin and Access-Control-Request-*
to the bucket, as the managed policy CORS-S3Origin does on AWS, and S3 answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from wsgiref.types import WSGIEnvironment

Headers = list[tuple[str, str]]

_METHODS = frozenset({"GET", "PUT", "HEAD", "POST", "DELETE"})
_VARY = ("Vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method")


@dataclass(frozen=True, slots=True, kw_only=True)
class CorsRule:
    """A rule that allows some origins to read across origins; ``max_age`` is in seconds.

    Each of ``allowed_origins`` and ``allowed_headers`` may contain one ``*``.
    Raise ``ValueError`` for a rule that S3 would not accept.
    """

    allowed_origins: tuple[str, ...]
    allowed_methods: tuple[str, ...] = ("GET", "HEAD")
    allowed_headers: tuple[str, ...] = ()
    expose_headers: tuple[str, ...] = ()
    max_age: int | None = None

    def __post_init__(self) -> None:
        if not self.allowed_origins or not self.allowed_methods:
            raise ValueError("A CORS rule must have allowed_origins and allowed_methods.")
        for pattern in (*self.allowed_origins, *self.allowed_headers):
            if pattern.count("*") > 1 or set(pattern) & set("?["):
                raise ValueError(
                    f"{pattern!r} in a CORS rule must have at most one *, and no ? or [."
                )
        for method in set(self.allowed_methods) - _METHODS:
            raise ValueError(
                f"{method!r} is not valid in allowed_methods. Use {', '.join(sorted(_METHODS))}."
            )

    def allows(self, origin: str, method: str, headers: Iterable[str] = ()) -> bool:
        """Return whether the rule allows a request from ``origin``."""
        return (
            method in self.allowed_methods
            and self._matched_origin(origin) is not None
            and all(
                any(fnmatchcase(header, pattern.lower()) for pattern in self.allowed_headers)
                for header in headers
            )
        )

    def response_headers(self, origin: str, requested_headers: str = "") -> Headers:
        """Return the headers that S3 adds to a response that this rule allows."""
        headers: Headers = []
        if self._matched_origin(origin) == "*":
            headers.append(("Access-Control-Allow-Origin", "*"))
        else:
            headers.append(("Access-Control-Allow-Origin", origin))
            headers.append(("Access-Control-Allow-Credentials", "true"))
        headers.append(("Access-Control-Allow-Methods", ", ".join(self.allowed_methods)))
        if requested_headers:
            headers.append(("Access-Control-Allow-Headers", requested_headers))
        if self.expose_headers:
            headers.append(("Access-Control-Expose-Headers", ", ".join(self.expose_headers)))
        if self.max_age is not None:
            headers.append(("Access-Control-Max-Age", str(self.max_age)))
        return [*headers, _VARY]

    def _matched_origin(self, origin: str) -> str | None:
        return next((p for p in self.allowed_origins if fnmatchcase(origin, p)), None)


def headers_for(rules: Sequence[CorsRule], environ: WSGIEnvironment) -> Headers:
    """Return the CORS headers of a response to GET or HEAD; none if no rule allows it."""
    origin = environ.get("HTTP_ORIGIN")
    if origin is None:
        return []
    method = environ["REQUEST_METHOD"]
    rule = next((rule for rule in rules if rule.allows(origin, method)), None)
    return rule.response_headers(origin) if rule else []


def headers_for_preflight(rules: Sequence[CorsRule], environ: WSGIEnvironment) -> Headers:
    """Return the CORS headers of the response to a preflight; none if it must be refused."""
    origin = environ.get("HTTP_ORIGIN", "")
    method = environ.get("HTTP_ACCESS_CONTROL_REQUEST_METHOD", "")
    requested = [
        name.strip().lower()
        for name in environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", "").split(",")
        if name.strip()
    ]
    rule = next((rule for rule in rules if rule.allows(origin, method, requested)), None)
    return rule.response_headers(origin, ", ".join(requested)) if rule else []
