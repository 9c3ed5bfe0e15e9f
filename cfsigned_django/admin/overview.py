"""The first page: what signs, what comes next, and the timeline of each key pair."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from cfsigned_django.admin.notices import ERROR, Notice, find_notices
from cfsigned_django.admin.snapshot import Snapshot, is_unfinished
from cfsigned_django.rotation.lifecycle import OLD, KeyStatus, retirement_wait
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.stages import (
    Action,
    PendingWait,
    clock_time,
    date_and_time,
    in_words,
    stage_of,
)
from cfsigned_django.rotation.steps import Step

#: How many retired and revoked keys the page shows unless all are requested.
SOME = 10
#: How often an open page refreshes itself, in seconds: during a short wait, and otherwise.
SOON, SELDOM = 5, 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One key pair as the page shows it."""

    key_pair: KeyPair
    timeline: list[Moment]
    wait: PendingWait | None = None
    revoke: Step | None = None
    #: Whether its private key cannot be decrypted.
    is_broken: bool = False

    #: The seconds of the wait that have passed, and its length.
    progress: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The first page."""

    snapshot: Snapshot
    notices: list[Notice]
    #: The next legal step, blocked or not.
    primary: Step | None
    #: What else can be done now.
    others: list[Step]
    #: The check of the successor that an open page makes by itself.
    check: Step | None
    live: list[Card]
    past: list[Card]
    past_left_out: int

    @property
    def is_calm(self) -> bool:
        """Return whether a young key signs and nothing is under way."""
        idle = self.primary is None or self.primary.action is Action.START
        idle = idle and self.snapshot.replaced is None
        return idle and self._rests_until is not None

    @property
    def headline(self) -> str:
        """Return what to do as one sentence, which does not change every second."""
        if self.is_calm and self._rests_until is not None:
            return _("Nothing to do before %(day)s.") % {"day": self._day(self._rests_until)}
        if self.primary is None:
            return _("There is nothing that you can do here.")
        wait = self._primary_wait
        if wait is not None and wait.until is not None:
            return _("%(key)s can sign at %(clock)s.") % {
                "key": self.primary.key_pair,
                "clock": clock_time(wait.until, self.snapshot.now),
            }
        if self.check is not None and self.check == self.primary:
            # The page does that by itself.
            return _("Waiting until CloudFront knows %(key)s.") % {"key": self.primary.key_pair}
        return _purpose(self.snapshot, self.primary)

    @property
    def interval(self) -> int:
        """Return after how many seconds an open page refreshes itself."""
        if self.check is not None or any(self._is_soon(card) for card in self.live):
            return SOON
        return SELDOM

    @property
    def signs_for(self) -> str:
        """Return for how long the ACTIVE key pair has signed; empty if there is none."""
        active = self.snapshot.active
        return "" if active is None else in_words(self.snapshot.now - active.since)

    @property
    def waits(self) -> dict[str, str]:
        """Return the waits of this site, in words."""
        waits = self.snapshot.rotation.waits
        names = ("propagation", "url_lifetime", "retirement")
        return {name: in_words(getattr(waits, name)) for name in names}

    @property
    def _rests_until(self) -> datetime | None:
        """Return when something must be done next: retire a key, or replace the signing key.

        None if the signing key is to be replaced already, or if no key can sign.
        """
        active, now = self.snapshot.active, self.snapshot.now
        if active is None or self.snapshot.cannot_sign:
            return None
        if active.since + OLD <= now or active.is_outdated:
            return None
        ends = [wait.until for wait in self.snapshot.waits.values() if wait.until is not None]
        return min([active.since + OLD, *(until for until in ends if until > now)])

    def _day(self, moment: datetime) -> str:
        """Return the time if the moment is today, else its date."""
        local, now = localtime(moment), self.snapshot.now
        if local.date() == localtime(now).date():
            return clock_time(moment, now)
        return date_format(local, "DATE_FORMAT")

    @property
    def _primary_wait(self) -> PendingWait | None:
        step = self.primary
        key_pair = step.key_pair if step and step.blocked else None
        return self.snapshot.waits.get(key_pair.pk) if key_pair else None

    def _is_soon(self, card: Card) -> bool:
        until = card.wait.until if card.wait else None
        return until is not None and until - self.snapshot.now < timedelta(hours=1)


def _purpose(snapshot: Snapshot, step: Step) -> str:
    """Return the purpose of a step, as a sentence."""
    match step.action:
        case Action.IMPORT:
            text = _("Import the key from the settings into the database.")
        case Action.START if snapshot.cannot_sign:
            text = _("%(signing)s cannot be decrypted. Fix the settings, or replace the key.")
        case Action.START if snapshot.replaced is not None:
            text = _(
                "The newest encryption key did not encrypt %(successor)s. Make a new key in its "
                "place."
            )
        case Action.START if snapshot.signing_name:
            text = _("Replace %(signing)s.")
        case Action.START:
            text = _("Generate a signing key.")
        case Action.TRUST:
            text = _("Add the new key to CloudFront.")
        case Action.CHECK:
            text = _("Check whether CloudFront knows %(key)s.")
        case Action.ACTIVATE:
            text = _("%(key)s is ready to sign.")
        case Action.RETIRE:
            text = _("%(key)s can be retired: its last link has expired.")
        case _revoked:
            text = _("Remove %(key)s from CloudFront.")
    return text % {
        "key": step.key_pair,
        "signing": snapshot.signing_name,
        "successor": snapshot.successor,
    }


def make_overview(
    snapshot: Snapshot,
    permissions: frozenset[str],
    *,
    show_all: bool = False,
    problems: Iterable[str] = (),
) -> Overview:
    """Return the first page for a person with these permissions; ``problems`` come first."""
    mine = snapshot.allowed_steps(permissions)
    steps = [each for each in mine if each.action is not Action.REVOKE and not each.is_aside]
    revoke = {
        each.key_pair.pk: each for each in mine if each.action is Action.REVOKE and each.key_pair
    }
    cards = [make_card(snapshot, each, revoke.get(each.pk)) for each in snapshot.key_pairs]
    past = [card for card in cards if not is_unfinished(card.key_pair)]
    shown = past if show_all else past[:SOME]
    checks = (each for each in steps if each.action is Action.CHECK and not each.blocked)
    return Overview(
        snapshot=snapshot,
        notices=[
            *(Notice(ERROR, problem) for problem in problems),
            *find_notices(snapshot),
        ],
        primary=steps[0] if steps else None,
        others=[each for each in steps[1:] if not each.blocked],
        check=next(checks, None),
        live=[card for card in cards if is_unfinished(card.key_pair)],
        past=shown,
        past_left_out=len(past) - len(shown),
    )


def make_card(snapshot: Snapshot, key_pair: KeyPair, revoke: Step | None = None) -> Card:
    """Return what the page shows of one key pair."""
    wait = snapshot.waits.get(key_pair.pk)
    return Card(
        key_pair=key_pair,
        timeline=timeline_of(key_pair, wait, snapshot.now),
        wait=wait,
        revoke=revoke,
        is_broken=key_pair.pk in snapshot.decryption_problems,
        progress=_progress(snapshot, wait) if wait else None,
    )


def _progress(snapshot: Snapshot, wait: PendingWait) -> tuple[int, int] | None:
    """Return the seconds of a wait that have passed, and its length; None if its end is unknown."""
    if wait.until is None:
        return None
    waits = snapshot.rotation.waits
    whole = waits.propagation
    if wait.key_pair.status == KeyStatus.RETIRING:
        whole = retirement_wait(wait.key_pair.state, waits)
    left = max(0, int((wait.until - snapshot.now).total_seconds()))
    return max(0, whole - left), whole


# Timelines


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One point of a timeline; ``at`` is in the future if it is the next one."""

    label: str
    #: Whether it is past, the latest one, the next one or later.
    tense: Literal["past", "now", "next", "later"]
    at: datetime | None = None
    #: ``at`` in short: a time if it is today, a date otherwise.
    when: str = ""

    @property
    def exactly(self) -> str:
        """Return ``at`` in full; empty if it is not known."""
        return date_and_time(self.at) if self.at else ""


def timeline_of(key_pair: KeyPair, wait: PendingWait | None, now: datetime) -> list[Moment]:
    """Return the moments of a key pair in their order, future ones included.

    ``wait`` is what the key pair waits for; it dates the next moment.
    """
    past = [(label, at) for label, at in _happened(key_pair) if at is not None]
    moments = [
        Moment(label=label, tense="past", at=at, when=short_time(at, now)) for label, at in past
    ]
    moments[-1] = replace(moments[-1], tense="now")
    ahead = [Moment(label=str(label), tense="later") for label in stage_of(key_pair).ahead]
    if ahead:
        until = wait.until if wait else None
        when = short_time(until, now) if until else ""
        ahead[0] = replace(ahead[0], tense="next", at=until, when=when)
    return [*moments, *ahead]


def _happened(key_pair: KeyPair) -> list[tuple[str, datetime | None]]:
    return [
        (_("Created"), key_pair.created_at),
        (_("Trusted"), key_pair.trusted_at),
        (_("Works"), key_pair.verified_since),
        (_("Signs"), key_pair.active_at),
        (_("Retiring"), key_pair.retiring_at),
        (_("Retired"), key_pair.retired_at),
        (_("Revoked"), key_pair.revoked_at),
        (_("Removed from CloudFront"), key_pair.removed_at if key_pair.revoked_at else None),
    ]


def short_time(moment: datetime, now: datetime) -> str:
    """Return the time if the moment is today, month and day if this year, else the date."""
    local, today = localtime(moment), localtime(now)
    if local.date() == today.date():
        return local.strftime("%H:%M:%S")
    return date_format(local, "MONTH_DAY_FORMAT" if local.year == today.year else "DATE_FORMAT")
