"""What a person or a job requests of a rotation, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cfsigned_django.rotation.errors import RotationError
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import Encryption, KeyPair, KnownReason
from cfsigned_django.rotation.rotation import Rotation
from cfsigned_django.rotation.settings_key import why_not_imported
from cfsigned_django.rotation.site import check_import, signing_settings_key, unknown_keys
from cfsigned_django.rotation.status import in_words
from cfsigned_django.rotation.steps import (
    Action,
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
            step = Step(action=Action.START)
            outcome = take(
                self.rotation, step, now=now, algorithm=self.algorithm, reason=self.reason
            )
            if outcome.key_pairs:
                key_pair = outcome.key_pairs[0]
                return f"Started: {key_pair} is {key_pair.get_status_display()}."
            return None if self.max_age else outcome.text
        return None

    def would(self) -> str | None:
        """Return what :meth:`carry_out` would do, without doing it; None if nothing."""
        if self.import_key:
            there = check_import(self.rotation)
            would = "The key of the settings would be imported into the database."
            return would if there is None else f"{there} is in the database: it signs from there."
        if self.revoke and not self.is_revoked():
            return f"{self.key_to_revoke()} would be revoked. {' '.join(self.consequences())}"
        if not self.start and not self._is_too_old():
            return None
        successor = self.rotation.store.successor()
        if successor is None:
            return "A rotation would begin: a new key would be generated."
        if successor.encryption is Encryption.UNPROVABLE:
            return f"A rotation would begin: a new key would be generated, and {successor} revoked."
        if successor.is_spare:
            return f"A rotation would begin: the spare {successor} would be the next key."
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

    def consequences(self) -> list[str]:
        """Return what a revocation breaks, and what signs afterwards."""
        key_pair = self.key_to_revoke()
        if key_pair.status not in (KeyStatus.ACTIVE, KeyStatus.RETIRING):
            return [f"{key_pair} signs nothing now."]
        lifetime = in_words(timedelta(seconds=self.rotation.link_lifetime(key_pair)))
        lines = [
            f"Revoking {key_pair} breaks every signed URL of this key that has not expired. A URL "
            f"lives for {lifetime} at most."
        ]
        if key_pair.status == KeyStatus.ACTIVE:
            lines.append(self._what_signs_next(key_pair))
        return lines

    def _what_signs_next(self, key_pair: KeyPair) -> str:
        rotation = self.rotation
        early = "at once; some edges may not know it for minutes"
        match what_signs_after(rotation, key_pair, now=rotation.store.clock()):
            case SignsAfter.SUCCESSOR:
                return f"{rotation.store.successor()} signs in its place at once."
            case SignsAfter.SUCCESSOR_EARLY:
                return f"{rotation.store.successor()} signs in its place {early}."
            case SignsAfter.NEW_KEY:
                return f"A new key signs in its place {early}."
            case SignsAfter.SETTINGS:
                unknown = unknown_keys(rotation, rotation.settings_keys())
                names = ", ".join(each.key_pair_id for each in unknown)
                return f"The key of the settings, {names}, signs in its place."
            case _:
                return (
                    "No key is ready to sign in its place: pages with links to files fail until "
                    "a key is ready. If there is time, begin a rotation first (--start)."
                )

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
        if successor.encryption is Encryption.UNPROVABLE:
            return ""  # Another key is made in its place.
        return f"{successor}, which is next, is {successor.get_algorithm_display()}."

    def _revoke(self, now: datetime) -> str:
        step = Step(action=Action.REVOKE, key_pair=self.key_to_revoke())
        reason = self.reason or KnownReason.REVOKED_BY_COMMAND
        return take(self.rotation, step, now=now, reason=reason, algorithm=self.algorithm).text
