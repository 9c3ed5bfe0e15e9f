"""The key pairs of the site's key group and the keys of its settings, at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Self
from uuid import UUID

from cfsigned_django.core.keyring import SigningState
from cfsigned_django.rotation.importing import state_of, unknown_keys
from cfsigned_django.rotation.lifecycle import ENDED, KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.rotation import Rotation
from cfsigned_django.rotation.settings_key import ConfiguredKey
from cfsigned_django.rotation.stages import Action, PendingWait, find_waits
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
        """Return who signs, or why nobody does."""
        return state_of(self.rotation)

    @cached_property
    def successor(self) -> KeyPair | None:
        """Return the key pair that signs next."""
        return next((each for each in self.key_pairs if each.next_in), None)

    @cached_property
    def replaced(self) -> KeyPair | None:
        """Return the next key if a start replaces it: the encryption key has changed since."""
        successor = self.successor
        return successor if successor and successor.is_outdated else None

    @cached_property
    def steps(self) -> list[Step]:
        """Return the steps that are due, the most urgent first."""
        # Only while no key pair is ACTIVE can a key of the settings be imported.
        unknown = () if self.active else self.unknown_keys
        return list(
            due(self.rotation, now=self.now, key_pairs=self.key_pairs, unknown_keys=unknown)
        )

    def allowed_steps(self, permissions: frozenset[str]) -> list[Step]:
        """Return the steps that are due and that these permissions allow."""
        return [each for each in self.steps if each.action.permissions & permissions]

    def step(self, action: Action, key_pair: KeyPair | None) -> Step | None:
        """Return the step if it is due."""
        wanted = action, key_pair
        return next((each for each in self.steps if (each.action, each.key_pair) == wanted), None)

    @cached_property
    def waits(self) -> dict[UUID, PendingWait]:
        """Return what key pairs wait for, by primary key."""
        found = find_waits(self.rotation, now=self.now, key_pairs=self.key_pairs)
        return {each.key_pair.pk: each for each in found}

    @cached_property
    def decryption_problems(self) -> dict[UUID, str]:
        """Return why private keys cannot be decrypted, by the primary keys of the key pairs."""
        found = ((each.pk, each.decryption_problem) for each in self.key_pairs)
        return {pk: problem for pk, problem in found if problem}

    @property
    def cannot_sign(self) -> bool:
        """Return whether the ACTIVE key cannot be decrypted."""
        return self.active is not None and self.active.pk in self.decryption_problems

    @cached_property
    def settings_keys(self) -> list[ConfiguredKey]:
        """Return the keys in the settings and STORAGES for the group, usually one or none."""
        return self.rotation.settings_keys()

    @cached_property
    def unknown_keys(self) -> list[ConfiguredKey]:
        """Return the keys of the settings that the database does not have.

        They sign while no key pair is ACTIVE. The other keys of the settings
        never sign.
        """
        return unknown_keys(self.signing_state, self.settings_keys)

    @property
    def settings_key_id(self) -> str:
        """Return the public key ID of the key in the settings; empty if there is none.

        If storages sign with different keys, return all IDs.
        """
        return ", ".join(each.key_pair_id for each in self.unknown_keys or self.settings_keys)

    @property
    def settings_key_algorithm(self) -> str:
        """Return the algorithm of the key in the settings; empty if the key cannot be used."""
        try:
            (key,) = self.unknown_keys or self.settings_keys
            algorithm = key.source.load().algorithm
        except (InvalidKey, ValueError):
            return ""
        return KeyPair(algorithm=algorithm).get_algorithm_display()

    @property
    def signing_name(self) -> str:
        """Return the name of the key that signs; empty if none does."""
        return self.signing_state.name_signing(each.key_pair_id for each in self.settings_keys)


def is_unfinished(key_pair: KeyPair) -> bool:
    """Return whether the key pair still signs, waits, or must be removed from CloudFront."""
    return key_pair.awaits_removal or key_pair.status not in ENDED
