"""Log what many requests would repeat, and keep out of logs what opens a file."""

from __future__ import annotations

import copy
import functools
import logging
import re
import sys
from collections.abc import Callable, Hashable
from typing import Any

# What is around a value, also encoded for URLs, JSON or HTML. Runs are possessive (*+) or bounded:
# no text is read more than a few times. Python before 3.11.5 takes too much for possessive groups.
_PERCENT = "%(?:25){0,3}"
_CODE = rf"(?:u00|x|{_PERCENT})"
_SEMICOLON = f"(?:;|{_PERCENT}3[Bb])"
_ENTITY = f"(?:&|{_PERCENT}26|u0026)(?:amp{_SEMICOLON}){{0,3}}(?:quot|#3[49]|#x27){_SEMICOLON}"
_QUOTE = rf"(?:\\++|{_PERCENT}5[Cc]){{0,15}}(?:[\"']|{_CODE}2[27]|{_ENTITY})"
_COLON = rf"(?::|{_CODE}3[Aa])"
_GAP = rf"[\s+\[]*+(?:{_PERCENT}(?:20|[25][Bb])){{0,2}}"
# name=value, name='value'; "name": "value", 'name': ['value'].
_EQUALS = rf"(?:=| = |\\*+{_CODE}3[Dd])(?:{_QUOTE}){{0,3}}"
_SET = rf"(?:{_EQUALS}|{_QUOTE}{_GAP}{_COLON}{_GAP}(?:b?{_QUOTE}){{1,3}})"
_VALUE = rf"(?:[\w~+/=-]++|[.:](?=\w)|\\++/|\\*+{_CODE}(?i:2[BDF]|3[AD]|5F|7E))+"
# How base64 writes the beginning of an object of JSON; what is before a parameter or a key.
_JSON = "(?=e(?:y[A-L]|w[0-3k-r]))"
_BEGUN = r"""(?:(?<![^?&;"'\n]{0})|(?<=[%50x](?:2[267]|3[BbFf]){0}))"""
_AMZ = rf"(?i:-amz-(?:signature|security-token))(?:{_SET}|:\s{{0,2}})"  # or a header
# Each begins with a letter, so the rest of a text is passed over fast. No signature is shorter than
# 40 characters; a token begins as django.core.signing writes that of an upload.
_SIGNED = (
    f"CloudFront-(?:Signature|Policy){_SET}|X{_AMZ}|x{_AMZ}|Policy{_SET}{_JSON}"
    f"|Signature{_BEGUN.format('Signature')}{_SET}|Policy{_BEGUN.format('Policy')}{_EQUALS}"
    rf"|Signature(?<![_-]Signature){_EQUALS}(?=[\w~%+/=-]{{40}})"
    rf"|token{_SET}(?=eyJ[\w-]++{_COLON}\w++{_COLON})"
)


def redact(text: str) -> str:
    """Return a text without the values that open a file, or allow an upload: ``(hidden)`` instead.

    These are ``Signature`` and ``Policy`` of CloudFront's URLs and cookies, ``X-Amz-Signature`` and
    ``X-Amz-Security-Token`` of S3, with the ``policy`` of the same form, and the token of an
    upload: as parameters, cookies, or keys of JSON and ``repr()``. All else stays as it is.
    """
    form = f"|policy{_SET}{_JSON}" if "x-amz-signature" in text.lower() else ""
    return re.sub(f"({_SIGNED}{form}){_VALUE}", r"\1(hidden)", text, flags=re.ASCII)


class RedactSignatures(logging.Filter):
    """Lets a handler write messages and tracebacks as :func:`redact` returns them.

    Add it to handlers: on a logger, it misses what the children of the logger log. ``record.args``
    and ``record.exc_info`` stay, and so does a message that is a dictionary, so a formatter that
    reads these itself shows what is in them. On Python 3.11, handlers after this one write the
    redacted message and traceback, too.
    """

    def filter(self, record: logging.LogRecord) -> Any:
        """Return a redacted copy of the record; on Python 3.11, redact the record."""
        if sys.version_info >= (3, 12):
            record = copy.copy(record)
        if isinstance(record.msg, dict):  # which structlog hands to its formatter
            record.msg = _Dictionary(record.msg)
        else:
            record.msg = (_Template if record.args else redact)(str(record.msg))
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        record.exc_text = record.exc_text and redact(record.exc_text)
        record.stack_info = record.stack_info and redact(record.stack_info)
        return record


class _Template(str):
    """The message of a record with arguments, which stay: redacts what they make of it."""

    def __str__(self) -> str:
        return self  # What LogRecord.getMessage() asks for before it adds the arguments.

    def __mod__(self, values: Any) -> str:
        return redact(super().__mod__(values))


class _Dictionary(dict[Any, Any]):
    """The message of a record that is a dictionary: redacted where it is written as text."""

    def __str__(self) -> str:
        return redact(super().__str__())


@functools.lru_cache(maxsize=1000)
def log_once(log: Callable[..., None], *message: Any) -> None:
    """Log a message by a method of a logger, once: until a thousand others have been logged."""
    log(*message, stacklevel=2)


def log_first(subject: Hashable, log: Callable[..., None], *message: Any) -> None:
    """Log a message once for a subject, whatever it says; see :func:`log_once`."""
    logged = _logged_about(subject)
    if not logged:
        logged.append(log)
        log(*message, stacklevel=2)


@functools.lru_cache(maxsize=1000)
def _logged_about(subject: Hashable) -> list[Any]:
    return []
