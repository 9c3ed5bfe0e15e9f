"""Refuse arguments of url() that make no sense, with the next step in the message."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import SuspiciousFileOperation

from cfsigned_django.signing import InvalidPolicy
from cfsigned_django.signing.policy import epoch_time
from cfsigned_django.validation import whole_seconds


def refuse_dot_dot(name: str) -> None:
    """Refuse a name that leads out of a folder, in either spelling of the slash."""
    if ".." in re.split(r"[\\/]", str(name)):
        raise SuspiciousFileOperation(
            f"The name {name!r} holds '..'. Signed is what is named, nothing beside it: "
            "give the name as the storage returned it from save()."
        )


def lifetime(expire: int | timedelta, max_expire: int) -> int:
    """Return the seconds that were asked for, if a URL may live that long."""
    seconds = whole_seconds(expire)
    if seconds is None or seconds < 1:
        raise ValueError(
            f"expire is {expire!r}: whole seconds or a timedelta are wanted, 1 s or more."
        )
    if seconds > max_expire:
        raise ValueError(
            f"expire is {seconds} s, more than the {max_expire} s of AWS_CLOUDFRONT_MAX_EXPIRE. "
            "Ask for less, or raise the setting: keys must outlive the URLs that they signed."
        )
    return seconds


def step_seconds(expire_step: int | timedelta, seconds: int, longest: int) -> int:
    """Return the step that was asked for, if a URL may then live as long as it can.

    ``seconds`` is what is granted without it, and ``longest`` for how long a
    rotation waits until a URL has expired.
    """
    step = whole_seconds(expire_step)
    if step is None or step < 0:
        raise ValueError(
            f"expire_step is {expire_step!r}: whole seconds or a timedelta are wanted, 0 or more."
        )
    if seconds + step > longest:
        raise ValueError(
            f"expire_step is {step} s, with which a URL of {seconds} s may live for up to "
            f"{seconds + step} s: more than the {longest} s of AWS_CLOUDFRONT_MAX_EXPIRE and "
            "AWS_CLOUDFRONT_EXPIRE_STEP together. Ask for less, or raise one of the settings: keys "
            "must outlive the URLs that they signed."
        )
    return step


def refuse_late_start(date_greater_than: datetime | int, expires: int, now: int) -> None:
    """Refuse a URL that would end before it begins, since its lifetime counts from now."""
    start = epoch_time(date_greater_than, "date_greater_than")
    if start >= expires:
        raise InvalidPolicy(
            f"date_greater_than is {start - now} s from now, and the URL ends {expires - now} s "
            f"from now: expire counts from now as well. Ask for expire={start - now} and as many "
            "seconds more as the URL shall work."
        )


def refuse_conditions(*conditions: Any) -> None:
    """Refuse what only a signature can enforce, on a URL that has none of this library's."""
    if any(condition is not None for condition in conditions):
        raise ValueError(
            "date_greater_than, ip_address and resource need a signature by the storage's own key: "
            "set AWS_CLOUDFRONT_KEY and leave cloudfront_signer and querystring_auth alone."
        )


def refuse_writing(http_method: str) -> None:
    if http_method.upper() not in ("GET", "HEAD"):
        raise ValueError(
            f"http_method is {http_method!r}, but the signed URLs of this storage are for reading "
            "(GET, HEAD). To let a browser upload, give it a presigned S3 URL: boto3's "
            "generate_presigned_post or generate_presigned_url('put_object', ...)."
        )
