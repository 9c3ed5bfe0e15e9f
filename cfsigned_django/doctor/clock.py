"""Compare this machine's clock with CloudFront's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Final, TypeAlias

from cfsigned_django.doctor.findings import Finding
from cfsigned_django.doctor.kinds import finding
from cfsigned_django.doctor.words import ago

#: Returns the time in Unix seconds.
Clock: TypeAlias = Callable[[], float]
#: More is a warning: NTP keeps clocks within a fraction of a second.
NOTICEABLE_SECONDS: Final = 30
#: More is an error, for it is a large part of what links usually live.
WRONG_SECONDS: Final = 300

_SUBJECT = "clock of this machine"


def read_date(headers: Mapping[str, str]) -> float | None:
    """Return when an answer was made, in Unix seconds, by the clock of who made it.

    ``headers`` have lower-case names. A cached answer says in Age for how
    many seconds it has lain there.
    """
    try:
        date = parsedate_to_datetime(headers.get("date", "")).timestamp()
        return date + int(headers.get("age", "0"))
    except (TypeError, ValueError, OverflowError):
        return None


def judge_clock(date: float | None, now: float, *, expire: int) -> Finding:
    """Judge the clock, which said ``now`` when CloudFront said ``date``.

    Both in Unix seconds; ``expire`` is how long links live, in seconds.
    """
    if date is None:
        return finding(
            "clock-unknown", "CloudFront's answer has no Date that can be read.", subject=_SUBJECT
        )
    skew = now - date
    off = abs(skew)
    direction = "ahead of" if skew > 0 else "behind"
    if off <= NOTICEABLE_SECONDS:
        return finding("clock", "The clock agrees with CloudFront's.", subject=_SUBJECT)
    what = f"The clock is {ago(off)} {direction} CloudFront's; links live {ago(expire)}."
    kind = "clock-wrong" if off > min(WRONG_SECONDS, expire) else "clock-off"
    return finding(kind, what, subject=_SUBJECT)
