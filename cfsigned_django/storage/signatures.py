"""Signatures: what one covers, for how long, from when and for whom, and what needs one.

Nothing here depends on a storage. An argument of ``url()`` that cannot be used raises
:exc:`ValueError`.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from cfsigned_django.core.conf import whole_seconds
from cfsigned_django.signing.exceptions import InvalidPolicy
from cfsigned_django.signing.policy import Policy, epoch_time
from cfsigned_django.signing.resource import compile_resource, readings


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a signature allows besides its resource: for how long, from when, and for whom."""

    #: How many seconds a URL lives, without the step.
    lifetime: int
    #: For how many seconds a URL stays the same. 0: no step, and a new URL each second.
    step: int
    #: How many seconds a call may ask for: the option ``max_expire``.
    most: int
    #: The longest lifetime of a URL in seconds, a step included.
    longest: int
    #: The start, in Unix seconds.
    date_greater_than: int | None = None
    ip_address: str | None = None

    def changed(
        self,
        expire: int | timedelta | None = None,
        expire_step: int | timedelta | None = None,
        date_greater_than: datetime | int | None = None,
        ip_address: str | None = None,
    ) -> Terms:
        """Return the terms of a call with these arguments.

        Raise :exc:`ValueError` for an argument that is not valid.
        """
        seconds = self.lifetime if expire is None else lifetime(expire, self.most)
        step = self.step if expire_step is None else expire_step
        start = date_greater_than
        return replace(
            self,
            lifetime=seconds,
            step=step_seconds(step, seconds, self.longest),
            date_greater_than=None if start is None else epoch_time(start, "date_greater_than"),
            ip_address=None if ip_address is None else str(ip_address),
        )

    def policy(self, resource: str, *, expires: int, now: int) -> Policy:
        """Return the policy of a resource. Raise :exc:`InvalidPolicy` if it is never valid."""
        start = self.date_greater_than
        if start is not None and start >= expires:
            raise InvalidPolicy(
                f"date_greater_than is {start - now} s from now, but the URL expires "
                f"{expires - now} s from now. expire counts from now, too: pass "
                f"expire={start - now} plus the seconds for which the URL must work."
            )
        return Policy(
            resource=resource,
            date_less_than=expires,
            date_greater_than=start,
            ip_address=self.ip_address,
        )


def round_up_expiry(earliest: int, step: int, resource: str) -> int:
    """Return when the URL expires: at ``earliest``, or less than a step later.

    Both are Unix seconds; ``step`` is 1 or more. The result is the same for a
    whole step, in every process and on every machine. Steps of different
    resources (what a signature covers) begin at different moments, so the
    pictures of a page do not all change at once.
    """
    # Not hash(): Python salts it differently in each process.
    return earliest + (zlib.crc32(resource.encode()) - earliest) % step


def lifetime(expire: int | timedelta, max_expire: int) -> int:
    """Return the lifetime in seconds. Raise if it is not a duration, or exceeds ``max_expire``."""
    seconds = whole_seconds(expire)
    if seconds is None or seconds < 1:
        raise ValueError(
            f"expire is {expire!r}. It must be whole seconds or a timedelta, 1 s or more."
        )
    if seconds > max_expire:
        raise ValueError(
            f"expire is {seconds} s, more than the {max_expire} s of AWS_CLOUDFRONT_MAX_EXPIRE, or "
            "of the storage's max_expire. Pass a shorter expire, or raise that limit, which says "
            "how long a rotation keeps a replaced key."
        )
    return seconds


def step_seconds(expire_step: int | timedelta, seconds: int, longest: int) -> int:
    """Return the step in seconds. Raise if a URL could then live for more than ``longest``.

    ``seconds`` is the lifetime without the step.
    """
    step = whole_seconds(expire_step)
    if step is None or step < 0:
        raise ValueError(
            f"expire_step is {expire_step!r}. It must be whole seconds or a timedelta, 0 s or more."
        )
    if seconds + step > longest:
        raise ValueError(
            f"expire_step is {step} s: a URL of {seconds} s could then live for up to "
            f"{seconds + step} s, more than the {longest} s of AWS_CLOUDFRONT_MAX_EXPIRE "
            "and AWS_CLOUDFRONT_EXPIRE_STEP together. Pass a shorter expire_step, or raise one of "
            "the settings, which say how long a rotation keeps a replaced key."
        )
    return step


#: Why a URL has no signature, and what to do about it.
UNSIGNED: Final = (
    "this storage does not sign: cloudfront_signer is None, or querystring_auth "
    "(AWS_QUERYSTRING_AUTH) is False. Leave the arguments out, or turn signing on."
)
IS_PUBLIC: Final = (
    "this file is public, by the option public of its storage. Leave the arguments out, or put the "
    "file into a folder that is private."
)


def refuse_conditions(why: str, *conditions: Any) -> None:
    """Raise if a URL that this package does not sign has a condition that needs a signature."""
    if any(condition is not None for condition in conditions):
        raise ValueError(
            f"date_greater_than, ip_address, resource and folder need a signature, and {why}"
        )


def refuse_writing(http_method: str) -> None:
    if http_method.upper() not in ("GET", "HEAD"):
        raise ValueError(
            f"http_method is {http_method!r}, but the URLs of this storage are for reading (GET, "
            "HEAD). To let a browser upload, use sign_upload() of the storage."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """The signature of one address, or of a resource that covers many."""

    #: When it expires, in Unix seconds.
    expires: int
    #: The query parameters, without ``?`` or ``&`` around them. Anyone who has them has access.
    query: str = field(repr=False)


def covers(resource: str, address: str) -> bool:
    """Return whether a resource covers an encoded address, whose dots are resolved."""
    prefix = _prefix_of(resource)
    if prefix is not None:
        return address.startswith(prefix)
    pattern = compile_resource(resource)
    return all(pattern.fullmatch(each) for each in readings(address))


@lru_cache(maxsize=512)
def _prefix_of(resource: str) -> str | None:
    """Return what every covered address begins with; None if only a pattern can decide."""
    prefix = resource.removesuffix("*")
    return None if prefix == resource or {"*", "?"} & set(prefix) else prefix
