"""Carry out what a person or a job asks of a rotation: begin, import, or revoke."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from cfsigned_django.aws.client import AwsError
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair, KnownReason
from cfsigned_django.rotation.rotation import Rotation, RotationError
from cfsigned_django.rotation.settings_key import why_not_imported
from cfsigned_django.rotation.site import (
    check_import,
    import_settings_key,
    settings_keys,
    signing_settings_key,
    unknown_keys,
)
from cfsigned_django.rotation.status import in_words
from cfsigned_django.rotation.steps import Unfinished
from cfsigned_django.signing import KeyAlgorithm


def _signs_from_there(key_pair: KeyPair) -> str:
    return f"{key_pair} is in the database: it signs from there."


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """At most one of ``start``, ``import_key``, ``max_age`` and ``revoke`` is given.

    ``max_age`` starts a rotation where the signing key is older. ``revoke``
    names a key pair as :meth:`Record.find` takes it.
    """

    rotation: Rotation
    start: bool = False
    import_key: bool = False
    max_age: timedelta | None = None
    revoke: str = ""
    #: Of the new key; None for the usual one, or that of the revoked key.
    algorithm: KeyAlgorithm | None = None
    reason: str = ""

    def carry_out(self) -> str | None:
        """Do what is asked for and return what was done; None where there is nothing to do."""
        now = self.rotation.clock()
        if self.import_key:
            return _signs_from_there(import_settings_key(self.rotation, now=now))
        if self.revoke:
            return self._revoke()
        if self.start or self._is_too_old():
            successor = self.rotation.successor()
            if self.start and (other := self._other_algorithm(successor)):
                raise RotationError(f"{other} Revoke it first, or leave --algorithm out.")
            key_pair = self.rotation.start(
                algorithm=self.algorithm or KeyAlgorithm.ECDSA_P256, now=now, reason=self.reason
            )
            if successor is not None and not successor.is_spare:
                return None if self.max_age else f"A rotation is under way: {key_pair} is next."
            return f"Started: {key_pair} is {key_pair.get_status_display()}."
        return None

    def would(self) -> str | None:
        """Say what :meth:`carry_out` would do, without doing it; None where nothing."""
        if self.import_key:
            there = check_import(self.rotation)
            would = "The key of the settings would be taken into the database."
            return would if there is None else _signs_from_there(there)
        if self.revoke and not self.is_revoked():
            return f"{self.key_to_revoke()} would be revoked. {' '.join(self.consequences())}"
        if not self.start and not self._is_too_old():
            return None
        successor = self.rotation.successor()
        if successor is None:
            return "A rotation would begin: a new key would be generated."
        if successor.is_spare:
            return f"A rotation would begin: the spare {successor} would be the next key."
        return None

    def notes(self) -> list[str]:
        """Return what to know that keeps nothing from being done."""
        key_pair_id, notes = signing_settings_key(self.rotation), []
        if self.max_age is not None and key_pair_id:
            notes.append(
                why_not_imported(key_pair_id)
                or f"{key_pair_id}, the key of the settings, signs, and nothing says how old it "
                "is. Import it first (manage.py cfsigned_rotate --import): --max-age counts from "
                "then on."
            )
        if not self.start and (other := self._other_algorithm(self.rotation.successor())):
            notes.append(f"{other} --algorithm changes nothing about that.")
        return notes

    def is_revoked(self) -> bool:
        """Tell whether the key pair that ``revoke`` names was revoked before."""
        return self.key_to_revoke().status == KeyStatus.REVOKED

    def key_to_revoke(self) -> KeyPair:
        """Return the key pair that ``revoke`` names. Raise :exc:`RotationError` if none is."""
        key_pair = self.rotation.find(self.revoke)
        if key_pair is not None:
            return key_pair
        known = ", ".join(map(str, self.rotation.key_pairs())) or "none"
        text = (
            f"The database has no key pair {self.revoke} in the key group "
            f"{self.rotation.key_group_id}. It has: {known}."
        )
        if self.revoke == signing_settings_key(self.rotation):
            after = "A key of the settings can be revoked after --import."
            text += f" {why_not_imported(self.revoke) or after}"
        raise RotationError(text)

    def consequences(self) -> list[str]:
        """Say what a revocation breaks, and what signs afterwards."""
        key_pair = self.key_to_revoke()
        if key_pair.status not in (KeyStatus.ACTIVE, KeyStatus.RETIRING):
            return [f"{key_pair} signs nothing now."]
        lifetime = in_words(timedelta(seconds=self.rotation.link_lifetime(key_pair)))
        lines = [
            f"Revoking {key_pair} breaks every link that it signed and that has not expired. A "
            f"link lives for {lifetime} at most."
        ]
        if key_pair.status == KeyStatus.ACTIVE:
            lines.append(self._what_signs_next())
        return lines

    def _what_signs_next(self) -> str:
        rotation, early = self.rotation, "some edges may not know it for minutes"
        successor = rotation.ready_successor()
        if successor is not None:
            is_early = rotation.blockers(successor, KeyStatus.ACTIVE, rotation.clock())
            return f"{successor} signs in its place at once{f'; {early}' if is_early else ''}."
        if rotation.key_groups is not None:
            return f"A new key signs in its place at once; {early}."
        if unknown := unknown_keys(rotation, settings_keys(rotation)):
            names = ", ".join(each.key_pair_id for each in unknown)
            return f"The key of the settings, {names}, signs in its place."
        return (
            "No key is ready to sign in its place: pages with links to files fail until one is. "
            "Start one first (--start), if there is time."
        )

    def _is_too_old(self) -> bool:
        """Tell whether the signing key is older than allowed, or there is none at all."""
        if self.max_age is None:
            return False
        active = self.rotation.active()
        if active is None:
            return not signing_settings_key(self.rotation)
        return self.rotation.clock() - (active.active_at or active.created_at) > self.max_age

    def _other_algorithm(self, successor: KeyPair | None) -> str:
        """Say that the next key is of another algorithm than is asked for; empty where it is not.

        A successor that is there is taken as it is.
        """
        if successor is None or self.algorithm in (None, successor.algorithm):
            return ""
        return f"{successor}, which is next, is {successor.get_algorithm_display()}."

    def _revoke(self) -> str:
        rotation, key_pair = self.rotation, self.key_to_revoke()
        was_revoked = key_pair.status == KeyStatus.REVOKED
        was_removed = key_pair.removed_at is not None
        try:
            rotation.revoke(
                key_pair,
                now=rotation.clock(),
                reason=self.reason or KnownReason.REVOKED_BY_COMMAND,
                algorithm=self.algorithm,
            )
        except (AwsError, RotationError) as error:
            raise self._half_revoked(key_pair, error) from error
        signing = rotation.active() or signing_settings_key(rotation)
        if not was_revoked:
            done = f"{key_pair} is revoked."
        elif was_removed or rotation.key_groups is None:
            done = f"{key_pair} was revoked before."
        else:
            done = f"{key_pair} was revoked before, and is out of CloudFront now."
        return f"{done} " + (
            f"{signing} signs now."
            if signing
            else "No key signs now: pages with links to files fail. Run cfsigned_rotate --start."
        )

    def _half_revoked(self, key_pair: KeyPair, error: AwsError | RotationError) -> Unfinished:
        """Return the error, with how far the revocation came."""
        key_pair.refresh_from_db(using=self.rotation.rows.db)
        if key_pair.status != KeyStatus.REVOKED:
            text = f"{key_pair} is not revoked yet"
        elif key_pair.removed_at is None:
            text = f"{key_pair} is revoked and signs no longer, but CloudFront still trusts it"
        else:
            text = f"{key_pair} is revoked and out of CloudFront, but no other key signs yet"
        return Unfinished(text, error)
