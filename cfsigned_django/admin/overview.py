"""Put together what the first page shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from cfsigned_django.admin.notices import OLD, Level, Notice, find_notices
from cfsigned_django.admin.snapshot import Snapshot, is_unfinished
from cfsigned_django.admin.steps import Offer, Step, find_offers
from cfsigned_django.admin.timeline import Moment, tell_timeline
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.status import PendingWait, clock_time, in_words

#: How many keys that are over the page shows unless it is asked for all.
SOME = 10
#: How often an open page refreshes itself, in seconds: while a wait is short, and else.
SOON, SELDOM = 5, 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One key pair as the page shows it."""

    key_pair: KeyPair
    timeline: list[Moment]
    wait: PendingWait | None = None
    revoke: Offer | None = None

    #: How many seconds of the wait are over, and of how many.
    progress: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What a person sees who opens the page."""

    snapshot: Snapshot
    notices: list[Notice]
    #: The next legal step, blocked or not.
    primary: Offer | None
    #: Whatever else can be done now.
    others: list[Offer]
    #: A look at the successor, which an open page takes by itself.
    check: Offer | None
    live: list[Card]
    past: list[Card]
    past_left_out: int

    @property
    def is_calm(self) -> bool:
        """Tell whether a young key signs and nothing is under way."""
        idle = self.primary is None or self.primary.step is Step.START
        return idle and self._rests_until is not None

    @property
    def headline(self) -> str:
        """Say in one sentence what to do, without anything that changes each second."""
        if self.is_calm and self._rests_until is not None:
            return _("Nothing to do before %(day)s.") % {"day": self._day(self._rests_until)}
        if self.primary is None:
            return _("Nothing that you can do here.")
        wait = self._primary_wait
        if wait is not None and wait.until is not None:
            return _("%(key)s can sign at %(clock)s.") % {
                "key": self.primary.key_pair,
                "clock": clock_time(wait.until, self.snapshot.now),
            }
        return _headline(self.snapshot, self.primary)

    @property
    def interval(self) -> int:
        """Return after how many seconds an open page looks again."""
        if self.check is not None or any(self._is_soon(card) for card in self.live):
            return SOON
        return SELDOM

    @property
    def signs_for(self) -> str:
        """Say for how long the key of the database has signed."""
        active = self.snapshot.active
        return "" if active is None else in_words(self.snapshot.now - active.since)

    @property
    def waits(self) -> dict[str, str]:
        """Return how long things take on this site, in words."""
        waits = self.snapshot.rotation.waits
        seconds = {
            "propagation": waits.propagation,
            "url_lifetime": waits.url_lifetime,
            "retirement": waits.retirement,
        }
        return {name: in_words(timedelta(seconds=value)) for name, value in seconds.items()}

    @property
    def _rests_until(self) -> datetime | None:
        """Return when something is to do next: a key may go, or the signing key becomes old.

        None if it is old already, or if none can sign.
        """
        active, now = self.snapshot.active, self.snapshot.now
        if active is None or self.snapshot.cannot_sign:
            return None
        if active.since + OLD <= now:
            return None
        ends = [wait.until for wait in self.snapshot.waits.values() if wait.until is not None]
        return min([active.since + OLD, *(until for until in ends if until > now)])

    def _day(self, moment: datetime) -> str:
        """Return the time of a moment today, the date of one on another day."""
        local, now = localtime(moment), self.snapshot.now
        if local.date() == localtime(now).date():
            return clock_time(moment, now)
        return date_format(local, "DATE_FORMAT")

    @property
    def _primary_wait(self) -> PendingWait | None:
        key_pair = self.primary.key_pair if self.primary and self.primary.blocked else None
        return self.snapshot.waits.get(key_pair.pk) if key_pair else None

    def _is_soon(self, card: Card) -> bool:
        until = card.wait.until if card.wait else None
        return until is not None and until - self.snapshot.now < timedelta(hours=1)


def _headline(snapshot: Snapshot, offer: Offer) -> str:
    """Return what a step is good for, as a sentence."""
    match offer.step:
        case Step.IMPORT:
            text = _("Take the key of the settings into the database.")
        case Step.START if snapshot.successor is not None:
            text = _("The spare %(successor)s can take over.")
        case Step.START if snapshot.cannot_sign:
            text = _("%(signing)s cannot be opened: mend the settings, or replace it.")
        case Step.START if snapshot.signing_name:
            text = _("Replace %(signing)s.")
        case Step.START:
            text = _("Generate a key that signs.")
        case Step.TRUST:
            text = _("The new key is there; CloudFront has to trust it.")
        case Step.CORRECT:
            text = _("CloudFront does not know %(key)s: is this the right id?")
        case Step.CHECK:
            text = _("See whether CloudFront knows %(key)s.")
        case Step.ACTIVATE:
            text = _("%(key)s is ready to sign.")
        case Step.RETIRE:
            text = _("%(key)s can go: its last link has expired.")
        case _revoked:
            text = _("Take %(key)s out of CloudFront.")
    return text % {
        "key": offer.key_pair,
        "signing": snapshot.signing_name,
        "successor": snapshot.successor,
    }


def make_overview(
    snapshot: Snapshot,
    permissions: Iterable[str],
    *,
    show_all: bool = False,
    problems: Iterable[str] = (),
) -> Overview:
    """Return the page for a person with these permissions; it tells of the problems first."""
    mine = frozenset(permissions)
    offers = [each for each in find_offers(snapshot) if each.step.permissions & mine]
    steps = [each for each in offers if each.step is not Step.REVOKE and not each.is_aside]
    revoke = {
        each.key_pair.pk: each for each in offers if each.step is Step.REVOKE and each.key_pair
    }
    cards = [make_card(snapshot, each, revoke.get(each.pk)) for each in snapshot.key_pairs]
    past = [card for card in cards if not is_unfinished(card.key_pair)]
    shown = past if show_all else past[:SOME]
    return Overview(
        snapshot=snapshot,
        notices=[
            *(Notice(level=Level.ERROR, text=problem) for problem in problems),
            *find_notices(snapshot),
        ],
        primary=steps[0] if steps else None,
        others=[each for each in steps[1:] if not each.blocked],
        check=next((each for each in steps if each.step is Step.CHECK and not each.blocked), None),
        live=[card for card in cards if is_unfinished(card.key_pair)],
        past=shown,
        past_left_out=len(past) - len(shown),
    )


def make_card(snapshot: Snapshot, key_pair: KeyPair, revoke: Offer | None = None) -> Card:
    """Return what the page shows of one key pair."""
    wait = snapshot.waits.get(key_pair.pk)
    return Card(
        key_pair=key_pair,
        timeline=tell_timeline(key_pair, wait, snapshot.now),
        wait=wait,
        revoke=revoke,
        progress=_progress(snapshot, wait) if wait else None,
    )


def _progress(snapshot: Snapshot, wait: PendingWait) -> tuple[int, int] | None:
    """Return how much of a wait is over, where its end is known."""
    if wait.until is None:
        return None
    waits = snapshot.rotation.waits
    whole = waits.propagation
    if wait.key_pair.status == KeyStatus.RETIRING:
        whole = max(waits.retirement, wait.key_pair.retirement_seconds)
    left = max(0, int((wait.until - snapshot.now).total_seconds()))
    return max(0, whole - left), whole
