"""Tell the story of a key pair: what happened when, and what may happen next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.status import PendingWait, date_and_time


class Tense(StrEnum):
    """Say where in time a moment lies."""

    PAST = "past"
    NOW = "now"
    NEXT = "next"
    LATER = "later"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One point of a timeline; ``at`` lies ahead where the tense is NEXT."""

    label: str
    tense: Tense
    at: datetime | None = None
    #: ``at`` in few words: a time today, a date otherwise.
    when: str = ""

    @property
    def exactly(self) -> str:
        """Return ``at`` in full; empty where it is not known."""
        return date_and_time(self.at) if self.at else ""


def tell_timeline(key_pair: KeyPair, wait: PendingWait | None, now: datetime) -> list[Moment]:
    """Return the moments of a key pair in their order, those ahead included.

    ``wait`` is what the key pair waits for, which dates the next one.
    """
    past = [(label, at) for label, at in _happened(key_pair) if at is not None]
    moments = [
        Moment(
            label=label,
            tense=Tense.PAST if number < len(past) else Tense.NOW,
            at=at,
            when=short_time(at, now),
        )
        for number, (label, at) in enumerate(past, start=1)
    ]
    for number, label in enumerate(_ahead(key_pair)):
        until = wait.until if wait and number == 0 else None
        moments.append(
            Moment(
                label=label,
                tense=Tense.LATER if number else Tense.NEXT,
                at=until,
                when=short_time(until, now) if until else "",
            )
        )
    return moments


def _happened(key_pair: KeyPair) -> list[tuple[str, datetime | None]]:
    return [
        (_("Created"), key_pair.created_at),
        (_("Trusted"), key_pair.trusted_at),
        (_("Works"), key_pair.good_since),
        (_("Signs"), key_pair.active_at),
        (_("Retiring"), key_pair.retiring_at),
        (_("Retired"), key_pair.retired_at),
        (_("Revoked"), key_pair.revoked_at),
        (_("Out of CloudFront"), key_pair.removed_at if key_pair.revoked_at else None),
    ]


def _ahead(key_pair: KeyPair) -> list[str]:
    """Return what has not happened yet. An imported key skips what came before its import."""
    works = [] if key_pair.good_since else [_("Works")]
    match KeyStatus(key_pair.status):
        case KeyStatus.PENDING:
            return [_("Trusted"), _("Works"), _("Signs"), _("Retiring"), _("Retired")]
        case KeyStatus.TRUSTED:
            return [*works, _("Signs"), _("Retiring"), _("Retired")]
        case KeyStatus.ACTIVE:
            return [_("Retiring"), _("Retired")]
        case KeyStatus.RETIRING:
            return [_("Retired")]
        case KeyStatus.REVOKED if key_pair.removed_at is None:
            return [_("Out of CloudFront")]
        case _over:
            return []


def short_time(moment: datetime, now: datetime) -> str:
    """Return the time of day for today, the day for this year, else the date."""
    local, today = localtime(moment), localtime(now)
    if local.date() == today.date():
        return local.strftime("%H:%M:%S")
    return date_format(local, "MONTH_DAY_FORMAT" if local.year == today.year else "DATE_FORMAT")
