"""Look once at all that the page tells of: settings, key pairs and what they wait for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _

from cfsigned_django import conf
from cfsigned_django.encryption import CannotUnseal, unseal
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.rotation import Rotation
from cfsigned_django.rotation.settings_key import SettingsKey
from cfsigned_django.rotation.site import settings_keys, unknown_keys
from cfsigned_django.rotation.status import PendingWait, find_waits
from cfsigned_django.signing import InvalidKey, KeyAlgorithm
from cfsigned_django.validation import is_of_trusted_signer


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What stands at one moment; looking does not call AWS."""

    now: datetime
    rotation: Rotation
    #: Of the key group, the newest first.
    key_pairs: list[KeyPair]
    #: What a key pair waits for, by its primary key.
    waits: dict[UUID, PendingWait]
    #: Why the private half of a key pair cannot be opened, by its primary key.
    seal_problems: dict[UUID, str]
    #: The keys that the settings and STORAGES hold for the group: mostly one, or none.
    settings_keys: list[SettingsKey]
    #: Those that the database does not have. The others never sign.
    unknown_keys: list[SettingsKey]
    #: The algorithm of the key that the site wants to have ready, if it wants one.
    spare_algorithm: KeyAlgorithm | None

    @classmethod
    def take(cls, rotation: Rotation) -> Self:
        """Look at everything now; see :class:`Snapshot`.

        It writes what must not wait for a step: since when a key is RETIRING,
        if the process that switched died, and how long links live now. Either
        makes a key stay longer, and never leave sooner.
        """
        now = rotation.store.clock()
        key_pairs = rotation.store.key_pairs()
        rotation.remember_waits(key_pairs)  # where no job runs, nobody else does
        waits = {
            each.key_pair.pk: each for each in find_waits(rotation, now=now, key_pairs=key_pairs)
        }
        keys = settings_keys(rotation)
        return cls(
            now=now,
            rotation=rotation,
            key_pairs=key_pairs,
            waits=waits,
            seal_problems=_find_seal_problems(key_pairs),
            settings_keys=keys,
            unknown_keys=unknown_keys(rotation, keys),
            spare_algorithm=conf.spare_algorithm(),
        )

    @property
    def by_hand(self) -> bool:
        """Return whether a person changes CloudFront, and not this site."""
        return self.rotation.by_hand

    @property
    def active(self) -> KeyPair | None:
        """Return the key pair that signs, if the database has one."""
        return next((each for each in self.key_pairs if each.status == KeyStatus.ACTIVE), None)

    @property
    def successor(self) -> KeyPair | None:
        """Return the key pair that is to sign next, a spare included."""
        return next((each for each in self.key_pairs if each.next_in), None)

    @property
    def cannot_sign(self) -> bool:
        """Tell whether the key that is to sign cannot be opened."""
        return self.active is not None and self.active.pk in self.seal_problems

    @property
    def settings_key_id(self) -> str:
        """Return the id of the key that the settings hold; empty where they hold none.

        Where storages sign with different ones, those of all.
        """
        return ", ".join(each.key_pair_id for each in self.unknown_keys or self.settings_keys)

    @property
    def settings_key_algorithm(self) -> str:
        """Return the algorithm of the settings' key in words; empty where it cannot be used."""
        try:
            (key,) = self.unknown_keys or self.settings_keys
            algorithm = key.source.load().algorithm
        except (InvalidKey, ValueError):
            return ""
        return KeyPair(algorithm=algorithm).get_algorithm_display()

    @property
    def settings_key_may_sign(self) -> bool:
        """Tell whether the key of the settings signs where no row is ACTIVE."""
        return bool(self.unknown_keys)

    @property
    def is_key_of_trusted_signer(self) -> bool:
        """Tell whether the key of the settings is one that no key group holds."""
        return any(is_of_trusted_signer(each.key_pair_id) for each in self.unknown_keys)

    @property
    def signing_name(self) -> str:
        """Return the name of the key that signs; empty where none does."""
        if self.active is not None:
            return str(self.active)
        return self.settings_key_id if self.settings_key_may_sign else ""

    def is_claimed(self, key_pair: KeyPair) -> bool:
        """Tell whether another process is at a step of the key pair right now."""
        return key_pair.claimed_until is not None and key_pair.claimed_until > self.now


def is_unfinished(key_pair: KeyPair) -> bool:
    """Tell whether something is left to do: signing, waiting, or leaving CloudFront."""
    if key_pair.status == KeyStatus.REVOKED:
        return key_pair.removed_at is None
    return key_pair.status != KeyStatus.RETIRED


def _find_seal_problems(key_pairs: list[KeyPair]) -> dict[UUID, str]:
    problems = {}
    for key_pair in key_pairs:
        if key_pair.sealed_private_key:
            try:
                unseal(key_pair.sealed_private_key)
            except (CannotUnseal, ImproperlyConfigured) as error:
                problems[key_pair.pk] = _(str(error))
    return problems
