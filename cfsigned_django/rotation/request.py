"""What a person or a job requests of a rotation, and what follows from it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from cfsigned_django.rotation.action import Action
from cfsigned_django.rotation.errors import RotationError
from cfsigned_django.rotation.importing import check_import, signing_settings_key, unknown_keys
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair, KnownReason
from cfsigned_django.rotation.rotation import Rotation
from cfsigned_django.rotation.settings_key import why_not_imported
from cfsigned_django.rotation.status import in_words
from cfsigned_django.rotation.steps import (
    SignsAfter,
    Step,
    is_too_old,
    take,
    what_signs_after,
)
from cfsigned_django.signing import KeyAlgorithm


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a person or a job requests: to begin a rotation, to import a key, or to revoke one.

    At most one of ``start``, ``import_key``, ``max_age`` and ``revoke`` is given.

    ``max_age`` starts a rotation if the signing key is older. ``revoke`` names a
    key pair, in any form that ``find()`` accepts.
    """

    rotation: Rotation
    start: bool = False
    import_key: bool = False
    max_age: timedelta | None = None
    revoke: str = ""
    #: Of the new key; None for the default, or that of the revoked key.
    algorithm: KeyAlgorithm | None = None
    reason: str = ""

    def carry_out(self) -> str | None:
        """Do what is requested and return what was done; None if there is nothing to do."""
        now = self.rotation.store.clock()
        if self.import_key:
            return take(self.rotation, Step(action=Action.IMPORT), now=now).text
        if self.revoke:
            return self._revoke(now)
        if self.start or self._is_too_old():
            if self.start and (other := self._other_algorithm()):
                raise RotationError(f"{other} Revoke it first, or leave --algorithm out.")
            step, former = Step(action=Action.START), self.rotation.store.successor()
            outcome = take(
                self.rotation, step, now=now, algorithm=self.algorithm, reason=self.reason
            )
            if outcome.key_pairs:
                key_pair = outcome.key_pairs[0]
                text = f"Started: {key_pair} is {key_pair.status.upper()}."
                return f"{text} {former}, which has signed nothing, is revoked." if former else text
            return None if self.max_age else outcome.text
        return None

    def would(self) -> str | None:
        """Return what :meth:`carry_out` would do, without doing it; None if nothing."""
        if self.import_key:
            there = check_import(self.rotation)
            would = "The key of the settings would be imported into the database."
            return would if there is None else f"{there} is in the database: it signs from there."
        if self.revoke and not self.is_revoked():
            lines = self.consequences().as_lines()
            return f"{self.key_to_revoke()} would be revoked. {' '.join(lines)}"
        if not self.start and not self._is_too_old():
            return None
        successor = self.rotation.store.successor()
        if successor is None:
            return "A rotation would begin: a new key would be generated."
        if successor.is_outdated:
            return f"A rotation would begin: a new key would be generated, and {successor} revoked."
        return None

    def notes(self) -> list[str]:
        """Return what a person should know although it blocks nothing."""
        key_pair_id, notes = signing_settings_key(self.rotation), []
        if self.max_age is not None and key_pair_id:
            notes.append(
                why_not_imported(key_pair_id)
                or f"{key_pair_id}, the key of the settings, signs, and its age is unknown. Import "
                "it first (manage.py cfsigned_rotate --import): --max-age counts from the import."
            )
        if not self.start and (other := self._other_algorithm()):
            notes.append(f"{other} --algorithm changes nothing about that.")
        return notes

    def is_revoked(self) -> bool:
        """Return whether the key pair that ``revoke`` names was revoked before."""
        return self.key_to_revoke().status == KeyStatus.REVOKED

    def key_to_revoke(self) -> KeyPair:
        """Return the key pair that ``revoke`` names. Raise :exc:`RotationError` without one."""
        key_pair = self.rotation.store.find(self.revoke)
        if key_pair is not None:
            return key_pair
        known = ", ".join(map(str, self.rotation.store.key_pairs())) or "none"
        text = (
            f"The database has no key pair {self.revoke} in the key group "
            f"{self.rotation.key_group_id}. It has: {known}."
        )
        if self.revoke == signing_settings_key(self.rotation):
            after = "A key of the settings can be revoked after --import."
            text += f" {why_not_imported(self.revoke) or after}"
        raise RotationError(text)

    def consequences(self) -> Consequences:
        """Return what the revocation of :meth:`key_to_revoke` leads to."""
        now = self.rotation.store.clock()
        return consequences_of_revocation(self.rotation, self.key_to_revoke(), now=now)

    def _is_too_old(self) -> bool:
        now = self.rotation.store.clock()
        return self.max_age is not None and is_too_old(self.rotation, self.max_age, now=now)

    def _other_algorithm(self) -> str:
        """Return a sentence if the next key has another algorithm than requested; else empty.

        An existing successor is used as it is.
        """
        successor = self.rotation.store.successor()
        if successor is None or self.algorithm in (None, successor.algorithm):
            return ""
        if successor.is_outdated:
            return ""  # Another key is made in its place.
        return f"{successor}, which is next, is {successor.get_algorithm_display()}."

    def _revoke(self, now: datetime) -> str:
        step = Step(action=Action.REVOKE, key_pair=self.key_to_revoke())
        reason = self.reason or KnownReason.REVOKED_BY_COMMAND
        return take(self.rotation, step, now=now, reason=reason, algorithm=self.algorithm).text


# What a revocation leads to


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequences:
    """What the revocation of a key pair leads to, as sentences."""

    #: How long the last link that breaks would have worked, in minutes rounded up; 0 if none does.
    minutes: int
    breaks: str
    after: SignsAfter
    signs: str

    def as_lines(self) -> list[str]:
        """Return a line for each question that a person has before a revocation."""
        return [f"What breaks: {self.breaks}", f"What signs afterwards: {self.signs}"]


def consequences_of_revocation(
    rotation: Rotation, key_pair: KeyPair, *, now: datetime
) -> Consequences:
    """Return what breaks if the key pair is revoked now, and what signs afterwards."""
    minutes, after = (
        _broken_minutes(rotation, key_pair, now),
        what_signs_after(rotation, key_pair, now=now),
    )
    if minutes:
        breaks = _(
            "Every unexpired link that %(key)s signed. The last of them would have expired in "
            "%(time)s at most. Reloading a page gives new links."
        )
    else:
        breaks = _("Nothing: no link that %(key)s signed is still valid.")
    return Consequences(
        minutes=minutes,
        breaks=breaks % {"key": key_pair, "time": in_words(timedelta(minutes=minutes))},
        after=after,
        signs=_what_signs(rotation, after),
    )


def _broken_minutes(rotation: Rotation, key_pair: KeyPair, now: datetime) -> int:
    if key_pair.status == KeyStatus.ACTIVE:
        # Lowering the settings after the key began to sign does not shorten any existing link.
        longer = max(0, key_pair.retirement_seconds - rotation.waits.retirement)
        return math.ceil((rotation.waits.url_lifetime + longer) / 60)
    last_expiry = rotation.links_end(key_pair)
    if key_pair.status == KeyStatus.RETIRING and last_expiry is not None:
        return max(0, math.ceil((last_expiry - now).total_seconds() / 60))
    return 0


def _what_signs(rotation: Rotation, after: SignsAfter) -> str:
    successor, settings_key_id = rotation.store.successor(), signing_settings_key(rotation)
    match after:
        case SignsAfter.UNCHANGED:
            signing = rotation.store.active() or settings_key_id
            text = _("%(signing)s, as now.") if signing else _("No key, as now.")
            return text % {"signing": signing}
        case SignsAfter.SUCCESSOR:
            text = _("%(next)s, at once.")
        case SignsAfter.SUCCESSOR_EARLY:
            text = _(
                "%(next)s, at once. CloudFront may not know it everywhere yet: some new links may "
                "be refused for a few minutes."
            )
        case SignsAfter.NEW_KEY:
            text = _(
                "A new key, at once. It is generated and added to the key group first. CloudFront "
                "may not know it everywhere yet: some new links may be refused for a few minutes."
            )
        case SignsAfter.SETTINGS:
            unknown = unknown_keys(rotation, rotation.settings_keys())
            names = ", ".join(each.key_pair_id for each in unknown)
            return _("The key from the settings, %(names)s.") % {"names": names}
        case SignsAfter.NOTHING:
            return f"{_('Nothing: pages with links to files fail.')} {_what_comes_first(rotation)}"
    return text % {"next": successor}


def _what_comes_first(rotation: Rotation) -> str:
    """Return what to do before a revocation after which nothing signs."""
    successor = rotation.store.successor()
    if successor is None or successor.trust_problem:
        wait = in_words(timedelta(seconds=rotation.waits.propagation))
        text = _("If there is time, start a rotation first: a new key can sign after %(wait)s.")
        return text % {"wait": wait}
    text = _("If there is time, first add %(next)s to CloudFront and check that it works.")
    return text % {"next": successor}
