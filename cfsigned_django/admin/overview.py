"""The first page: the keys at one moment, what to know about them, and what comes next."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from itertools import zip_longest
from typing import Literal, Self
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from cfsigned_django.core.keyring import SigningState
from cfsigned_django.rotation.active import ConfiguredKey, outage_in_words, unimported_keys
from cfsigned_django.rotation.lifecycle import ENDED, OLD, KeyStatus, retirement_wait
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.rotation import Rotation, state_of
from cfsigned_django.rotation.site import refuse_different, why_not_imported
from cfsigned_django.rotation.stages import (
    MOMENTS,
    Action,
    PendingWait,
    clock_time,
    date_and_time,
    find_overdue,
    find_waits,
    in_words,
    stage_of,
    why_previous_key_stays,
)
from cfsigned_django.rotation.steps import Step, due
from cfsigned_django.signing import InvalidKey


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The rows as they were read at one moment; the rest is computed when a page first uses it.

    Nothing here calls AWS.
    """

    rotation: Rotation
    now: datetime
    #: Those of the key group, the newest first.
    key_pairs: list[KeyPair]

    @classmethod
    def take(cls, rotation: Rotation) -> Self:
        """Read the key pairs of the rotation's key group.

        Two things are recorded without waiting for a step: since when a key has
        been RETIRING, if the process that switched keys died before it recorded
        this, and how long links live now.
        """
        key_pairs = rotation.store.key_pairs()
        rotation.catch_up(key_pairs)  # if no job runs, nothing else does this
        return cls(rotation=rotation, now=rotation.store.clock(), key_pairs=key_pairs)

    def find(self, pk: UUID) -> KeyPair | None:
        """Return the key pair with this primary key if it belongs to the key group."""
        return next((each for each in self.key_pairs if each.pk == pk), None)

    @cached_property
    def active(self) -> KeyPair | None:
        """Return the key pair that signs, if the database has one."""
        return next((each for each in self.key_pairs if each.status == KeyStatus.ACTIVE), None)

    @cached_property
    def signing_state(self) -> SigningState:
        return state_of(self.rotation)

    @cached_property
    def successor(self) -> KeyPair | None:
        return next((each for each in self.key_pairs if each.next_in), None)

    @cached_property
    def outdated_successor(self) -> KeyPair | None:
        """Return the next key if a start replaces it: the encryption key has changed since."""
        successor = self.successor
        return successor if successor and successor.is_outdated else None

    @cached_property
    def steps(self) -> list[Step]:
        """Return the steps that are due, the most urgent first."""
        # Only while no key pair is ACTIVE can a key of the settings be imported.
        unknown = () if self.active else self.unimported_keys
        return list(
            due(self.rotation, now=self.now, key_pairs=self.key_pairs, unimported_keys=unknown)
        )

    def allowed_steps(self, permissions: frozenset[str]) -> list[Step]:
        return [each for each in self.steps if each.action.permissions & permissions]

    def step(self, action: Action, key_pair: KeyPair | None) -> Step | None:
        wanted = action, key_pair
        return next((each for each in self.steps if (each.action, each.key_pair) == wanted), None)

    @cached_property
    def pending_waits(self) -> dict[UUID, PendingWait]:
        """Return what key pairs wait for, by primary key."""
        found = find_waits(self.rotation, now=self.now, key_pairs=self.key_pairs)
        return {each.key_pair.pk: each for each in found}

    @cached_property
    def decryption_problems(self) -> dict[UUID, str]:
        """Return why private keys cannot be decrypted, by the primary keys of the key pairs."""
        found = ((each.pk, each.decryption_problem) for each in self.key_pairs)
        return {pk: problem for pk, problem in found if problem}

    @cached_property
    def settings_keys(self) -> list[ConfiguredKey]:
        """Return the keys in the settings and STORAGES for the group, usually one or none."""
        return self.rotation.settings_keys(self.signing_state)

    @cached_property
    def unimported_keys(self) -> list[ConfiguredKey]:
        """Return the keys of the settings that the database does not have.

        They sign while no key pair is ACTIVE. The other keys of the settings
        never sign.
        """
        return unimported_keys(self.signing_state, self.settings_keys)

    @property
    def settings_key_id(self) -> str:
        """Return the public key ID of the key in the settings; empty if there is none.

        If storages sign with different keys, return all IDs.
        """
        return ", ".join(each.key_pair_id for each in self.unimported_keys or self.settings_keys)

    @property
    def settings_key_algorithm(self) -> str:
        """Return the algorithm of the key in the settings; empty if the key cannot be used."""
        try:
            (key,) = self.unimported_keys or self.settings_keys
            algorithm = key.source.load().algorithm
        except (InvalidKey, ValueError):
            return ""
        return KeyPair(algorithm=algorithm).get_algorithm_display()

    @property
    def signing_name(self) -> str:
        return self.signing_state.name_signing(each.key_pair_id for each in self.settings_keys)


def is_unfinished(key_pair: KeyPair) -> bool:
    """Return whether the key pair still signs, waits, or must be removed from CloudFront."""
    return key_pair.awaits_removal or key_pair.status not in ENDED


#: How bad it is, the worst first; the page has a color for each.
ERROR, WARNING, INFO = LEVELS = ("error", "warning", "info")
#: A command with its options, an option, a permission, or a name: a setting, or an argument.
_CODE = re.compile(
    r"(manage\.py \w+(?: --[a-z-]+(?: [\w-]*\d[\w-]*)?)*|--[a-z-]+|\b[a-z]+:[A-Z]\w+"
    r"|\b[A-Za-z]+_\w+)",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Notice:
    level: str
    text: str
    #: The cause and the fix, if the rotation knows them.
    detail: str = ""

    @property
    def html(self) -> SafeString:
        """Return text and detail, with marks for names of code and for commands to type."""
        parts = _CODE.split(f"{self.text} {self.detail}".strip())
        tags = ("kbd" if " " in each else "code" for each in parts[1::2])
        marked = (
            format_html("<{0}>{1}</{0}>", *each) for each in zip(tags, parts[1::2], strict=True)
        )
        return format_html_join("", "{}{}", zip_longest(parts[::2], marked, fillvalue=""))


def find_notices(snapshot: Snapshot) -> list[Notice]:
    found = [notice for find in _NOTICES for notice in find(snapshot)]
    return sorted(found, key=lambda notice: LEVELS.index(notice.level))


def _nothing_signs(snapshot: Snapshot) -> Iterator[Notice]:
    if not snapshot.signing_name:
        yield Notice(ERROR, outage_in_words(snapshot.signing_state))


def _cannot_decrypt(snapshot: Snapshot) -> Iterator[Notice]:
    for key_pair in snapshot.key_pairs:
        problem = snapshot.decryption_problems.get(key_pair.pk)
        if problem and key_pair != snapshot.active:  # _nothing_signs() says it of that one
            text = _("The private key of %(key)s cannot be decrypted.")
            yield Notice(WARNING, text % {"key": key_pair}, problem)


def _old_encryption(snapshot: Snapshot) -> Iterator[Notice]:
    rotation = snapshot.rotation
    # Those of all key groups: they have one encryption key.
    if text := why_previous_key_stays(rotation.store.rows, waits=rotation.waits, now=snapshot.now):
        yield Notice(WARNING, text)


def _revoked_but_trusted(snapshot: Snapshot) -> Iterator[Notice]:
    for key_pair in snapshot.key_pairs:
        if key_pair.status != KeyStatus.REVOKED or not is_unfinished(key_pair):
            continue
        if key_pair.active_at is None:
            text = _(
                "%(key)s is revoked. It has signed nothing, but CloudFront may still trust it."
            )
        else:
            text = _(
                "%(key)s is revoked and no longer signs, but CloudFront may still trust it: "
                "links that it signed may still open."
            )
        yield Notice(ERROR, text % {"key": key_pair})


def _settings_key(snapshot: Snapshot) -> Iterator[Notice]:
    active, unknown = snapshot.active, snapshot.unimported_keys
    for key in snapshot.settings_keys:
        if key not in unknown:
            text = _(
                "%(key)s is in the database, so the copy in the settings is no longer used. Remove "
                "%(settings)s."
            )
            values = {"key": key.key_pair_id, "settings": key.names}
            yield Notice(INFO, text % values)
    if active is not None:
        yield from _keys_left_over(snapshot, active)
    elif len(unknown) == 1 and (why := why_not_imported(unknown[0].key_pair_id)):
        yield Notice(WARNING, why)
    elif len(unknown) == 1:
        text = _(
            "%(key)s, the key from the settings, signs. Import it: then it can be replaced "
            "without a restart, and retired in time. If another site signs with the same key, "
            "first give that site a different key."
        )
        yield Notice(INFO, text % {"key": snapshot.settings_key_id})
    elif unknown:
        try:
            refuse_different(unknown)
        except ImproperlyConfigured as error:
            yield Notice(WARNING, str(error))


def _keys_left_over(snapshot: Snapshot, active: KeyPair) -> Iterator[Notice]:
    free = active.since + timedelta(seconds=snapshot.rotation.waits.retirement)
    for key in snapshot.unimported_keys:
        text = _(
            "%(key)s, the key from the settings, no longer signs. It was not imported, so nothing "
            "removes it from CloudFront. After %(clock)s, remove it from the settings and, by "
            "hand, from CloudFront."
        )
        values = {"key": key.key_pair_id, "clock": clock_time(free, snapshot.now)}
        yield Notice(WARNING, text % values)


def _overdue(snapshot: Snapshot) -> Iterator[Notice]:
    for text in find_overdue(snapshot.rotation, now=snapshot.now, key_pairs=snapshot.key_pairs):
        yield Notice(WARNING, text)


def _old(snapshot: Snapshot) -> Iterator[Notice]:
    active = snapshot.active
    if active is not None and snapshot.now - active.since > OLD and snapshot.successor is None:
        yield Notice(
            WARNING,
            _("%(key)s has signed for %(age)s. Keys should be replaced every %(days)s days.")
            % {"key": active, "age": in_words(snapshot.now - active.since), "days": OLD.days},
        )


def _claimed(snapshot: Snapshot) -> Iterator[Notice]:
    for key_pair in snapshot.key_pairs:
        until = key_pair.claimed_until
        if is_unfinished(key_pair) and until is not None and until > snapshot.now:
            yield Notice(
                INFO,
                _(
                    "A call to CloudFront for %(key)s is under way or has just failed. Wait until "
                    "%(clock)s."
                )
                % {"key": key_pair, "clock": clock_time(until, snapshot.now)},
            )


_NOTICES: tuple[Callable[[Snapshot], Iterator[Notice]], ...] = (
    _nothing_signs,
    _cannot_decrypt,
    _old_encryption,
    _revoked_but_trusted,
    _settings_key,
    _overdue,
    _old,
    _claimed,
)


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

    @property
    def left(self) -> str:
        passed, whole = self.progress or (0, 0)
        values = {"passed": in_words(passed), "left": in_words(whole - passed)}
        return _("%(passed)s passed, %(left)s left.") % values


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
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
        idle = idle and self.snapshot.outdated_successor is None
        return idle and self._rests_until is not None

    @property
    def headline(self) -> str:
        """Return what to do as one sentence, which does not change every second."""
        if self.is_calm and self._rests_until is not None:
            return _("Nothing to do before %(day)s.") % {"day": self._day(self._rests_until)}
        if self.primary is None:
            return _("There is nothing that you can do here.")
        key_pair = self.primary.key_pair if self.primary.blocked else None
        wait = self.snapshot.pending_waits.get(key_pair.pk) if key_pair else None
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
        ends = [card.wait.until for card in self.live if card.wait and card.wait.until]
        soon = self.snapshot.now + timedelta(hours=1)
        return SOON if self.check is not None or any(end < soon for end in ends) else SELDOM

    @property
    def signs_for(self) -> str:
        """Return for how long the ACTIVE key pair has signed; empty if there is none."""
        active = self.snapshot.active
        return "" if active is None else in_words(self.snapshot.now - active.since)

    @property
    def durations(self) -> dict[str, str]:
        waits = self.snapshot.rotation.waits
        names = ("propagation", "url_lifetime", "retirement")
        return {name: in_words(getattr(waits, name)) for name in names}

    @property
    def _rests_until(self) -> datetime | None:
        """Return when something must be done next: retire a key, or replace the signing key.

        None if the signing key is to be replaced already, or if no key can sign.
        """
        active, now = self.snapshot.active, self.snapshot.now
        if active is None or not self.snapshot.signing_name:
            return None
        if active.since + OLD <= now or active.is_outdated:
            return None
        ends = [
            wait.until for wait in self.snapshot.pending_waits.values() if wait.until is not None
        ]
        return min([active.since + OLD, *(until for until in ends if until > now)])

    def _day(self, moment: datetime) -> str:
        """Return the time if the moment is today, else its date."""
        local, now = localtime(moment), self.snapshot.now
        if local.date() == localtime(now).date():
            return clock_time(moment, now)
        return date_format(local, "DATE_FORMAT")


def _purpose(snapshot: Snapshot, step: Step) -> str:
    match step.action:
        case Action.IMPORT:
            text = _("Import the key from the settings into the database.")
        case Action.START if snapshot.active and not snapshot.signing_name:
            text = _("Fix the settings, or replace %(active)s.")
        case Action.START if snapshot.outdated_successor is not None:
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
        "active": snapshot.active,
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
    wait = snapshot.pending_waits.get(key_pair.pk)
    return Card(
        key_pair=key_pair,
        timeline=timeline_of(key_pair, wait, snapshot.now),
        wait=wait,
        revoke=revoke,
        is_broken=key_pair.pk in snapshot.decryption_problems,
        progress=_progress(snapshot, wait) if wait else None,
    )


def _progress(snapshot: Snapshot, wait: PendingWait) -> tuple[int, int] | None:
    """Return the seconds of a wait that have passed, and its length; None if no clock can tell."""
    if wait.until is None:
        return None
    waits = snapshot.rotation.waits
    whole = waits.propagation
    if wait.key_pair.status == KeyStatus.RETIRING:
        whole = retirement_wait(wait.key_pair.state, waits)
    left = max(0, int((wait.until - snapshot.now).total_seconds()))
    return (whole - left, whole) if left <= whole else None


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
    moments = [
        Moment(label=str(label), tense="past", at=at, when=short_time(at, now))
        for name, label in MOMENTS.items()
        if (at := getattr(key_pair, name)) and (name != "removed_at" or key_pair.revoked_at)
    ]
    moments[-1] = replace(moments[-1], tense="now")
    ahead = [Moment(label=str(MOMENTS[each]), tense="later") for each in stage_of(key_pair).ahead]
    if ahead:
        until = wait.until if wait else None
        when = short_time(until, now) if until else ""
        ahead[0] = replace(ahead[0], tense="next", at=until, when=when)
    return [*moments, *ahead]


def short_time(moment: datetime, now: datetime) -> str:
    """Return the time if the moment is today, month and day if this year, else the date."""
    local, today = localtime(moment), localtime(now)
    if local.date() == today.date():
        return local.strftime("%H:%M:%S")
    return date_format(local, "MONTH_DAY_FORMAT" if local.year == today.year else "DATE_FORMAT")
