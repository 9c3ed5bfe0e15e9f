"""Let the site's pages read files across origins: the CORS rules of a bucket.

S3 User Guide: "Elements of a CORS configuration". S3 uses the first rule that
fits a request.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final

from cfsigned_django.aws.documents import Document

RULE_ID: Final = "cfsigned"
_METHODS = ("GET", "HEAD")


def cors_rule(origins: Sequence[str]) -> Document:
    """Return the rule that lets pages of the origins read files."""
    return {
        "ID": RULE_ID,
        "AllowedHeaders": ["*"],
        "AllowedMethods": list(_METHODS),
        "AllowedOrigins": list(origins),
        "ExposeHeaders": ["ETag"],
        "MaxAgeSeconds": 3000,
    }


def merge(rules: Iterable[Mapping[str, Any]] | None, origins: Sequence[str]) -> list[Document]:
    """Return the rules, with another rule for the origins that may not read yet.

    Every existing rule stays, before the new one. A rule that was created here
    earlier is extended with the new origins.
    """
    present = [dict(each) for each in rules or ()]
    missing = missing_origins(present, origins)
    if not missing:
        return present
    own = next((each for each in present if each.get("ID") == RULE_ID), None)
    if own is None:
        return [*present, cors_rule(missing)]
    kept = [each for each in own.get("AllowedOrigins", []) if each not in missing]
    renewed = {**own, **cors_rule([*kept, *missing])}
    return [renewed if each is own else each for each in present]


def missing_origins(rules: Iterable[Mapping[str, Any]] | None, origins: Sequence[str]) -> list[str]:
    """Return the origins whose pages may not read files with GET and HEAD."""
    present = list(rules or ())
    return [
        origin
        for origin in dict.fromkeys(origins)
        if not all(_allows(present, origin, method) for method in _METHODS)
    ]


def echoes_origins(rules: Iterable[Mapping[str, Any]] | None, origins: Sequence[str] = ()) -> bool:
    """Return whether S3 names one of several origins in Access-Control-Allow-Origin.

    If it does, a cached copy for one origin is wrong for the others. The origins are those
    of the rules and the given ones. If a rule is for all origins, S3 answers "*".
    """
    allowed = {
        origin
        for rule in rules or ()
        if "GET" in rule.get("AllowedMethods", ())
        for origin in rule.get("AllowedOrigins", ())
    }
    if allowed <= {"*"}:
        return False
    return len({*allowed, *origins}) > 1 or any("*" in each for each in allowed)


def _allows(rules: Iterable[Mapping[str, Any]], origin: str, method: str) -> bool:
    return any(
        method in rule.get("AllowedMethods", ())
        and any(matches_origin(origin, each) for each in rule.get("AllowedOrigins", ()))
        for rule in rules
    )


def matches_origin(origin: str, allowed: str) -> bool:
    """Return whether a rule allows an origin."""
    # A rule may contain one "*"; "[" and "?" have no meaning there.
    literal = allowed.replace("[", "[[]").replace("?", "[?]")
    return fnmatchcase(origin, literal)
