"""Evaluate the conditional headers of a request in the order of RFC 9110, section 13.2.2."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from wsgiref.types import WSGIEnvironment


class Outcome(Enum):
    """Say what the conditions of a request ask for."""

    PROCEED = auto()
    # 304: the viewer has this version already.
    NOT_MODIFIED = auto()
    # 412: the viewer wanted another version.
    FAILED = auto()


def evaluate(environ: WSGIEnvironment, *, etag: str, last_modified: datetime | None) -> Outcome:
    """Compare the conditions of a request to read with a strong ``etag`` and a date.

    A date that cannot be read is ignored, as RFC 9110 asks.
    """
    if_match = environ.get("HTTP_IF_MATCH")
    if if_match is not None:
        if not _names(if_match, etag):
            return Outcome.FAILED
    elif _is_modified_since(environ.get("HTTP_IF_UNMODIFIED_SINCE"), last_modified) is True:
        return Outcome.FAILED
    if_none_match = environ.get("HTTP_IF_NONE_MATCH")
    if if_none_match is not None:
        return Outcome.NOT_MODIFIED if _names(if_none_match, etag) else Outcome.PROCEED
    if _is_modified_since(environ.get("HTTP_IF_MODIFIED_SINCE"), last_modified) is False:
        return Outcome.NOT_MODIFIED
    return Outcome.PROCEED


def range_applies(environ: WSGIEnvironment, *, etag: str, last_modified: datetime | None) -> bool:
    """Say whether If-Range, where it is sent, still names this version of the object."""
    if_range = environ.get("HTTP_IF_RANGE")
    if if_range is None:
        return True
    if if_range.startswith('"'):
        return bool(if_range == etag)
    return last_modified is not None and _parse_date(if_range) == last_modified.replace(
        microsecond=0
    )


def _names(header: str, etag: str) -> bool:
    tags = [tag.strip().removeprefix("W/") for tag in header.split(",")]
    return "*" in tags or etag in tags


def _is_modified_since(header: str | None, last_modified: datetime | None) -> bool | None:
    """Return None where there is nothing to compare."""
    date = _parse_date(header) if header else None
    if date is None or last_modified is None:
        return None
    return last_modified.replace(microsecond=0) > date


def _parse_date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
