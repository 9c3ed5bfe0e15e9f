"""Where the site keeps its private key: a file, the settings, or the database.

CloudFront makes no key group without a key. So in the database the row comes first, under the name
that the key group will have, and moves into the group when CloudFront has given it an id. From
there it goes the way of every rotation.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Protocol

from django.db import IntegrityError

from cfsigned_django.aws.provisioning.desired_state import SiteKey
from cfsigned_django.rotation.errors import Blocked, ProbeFailed, RotationError, Unanswered
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair, KnownReason
from cfsigned_django.rotation.probe import ProbeResult
from cfsigned_django.rotation.rotation import Rotation
from cfsigned_django.signing import InvalidKey, KeyAlgorithm, PrivateKey, Signer
from cfsigned_django.validation import is_of_trusted_signer

_ONLY_THE_OWNER = 0o600


class KeyProvider(Protocol):
    """Where the site keeps its private key."""

    @property
    def place(self) -> str:
        """Return where that is, for people."""

    def find(self) -> SiteKey | None:
        """Return the public half, or None where there is no key yet."""

    def make(self, algorithm: KeyAlgorithm) -> None:
        """Make the key pair."""

    def signer(self, key_pair_id: str) -> Signer:
        """Return what signs with the key."""

    def settings(self, key_pair_id: str) -> dict[str, str | Path]:
        """Return the settings that let the site sign with the key."""

    def finish(
        self, key_group_id: str, key_pair_id: str, probe: Callable[[Signer], ProbeResult]
    ) -> str:
        """Do what is left to do once CloudFront trusts the key; say what a person does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFile:
    """The key pair in a PEM file."""

    path: Path

    @property
    def place(self) -> str:
        """Return where the private key is, for people."""
        return f"the file {self.path}"

    def find(self) -> SiteKey | None:
        """Return the public half, or None where there is no file.

        Raise :exc:`cfsigned_django.signing.InvalidKey` for a file that holds
        something else.
        """
        return SiteKey.from_private_key(self._load()) if self.path.exists() else None

    def make(self, algorithm: KeyAlgorithm) -> None:
        """Write a new key. Raise :exc:`FileExistsError` rather than touch a file that is there.

        It comes under its name only when it is whole: who dies before leaves
        a file beside it that means nothing.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        # O_EXCL follows no link and takes over no file with other rights.
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _ONLY_THE_OWNER)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(PrivateKey.generate(algorithm).to_pem())
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, self.path)  # unlike a rename, this replaces nothing
        finally:
            draft.unlink()

    def signer(self, key_pair_id: str) -> Signer:
        """Return what signs with the key."""
        return Signer(key_pair_id=key_pair_id, private_key=self._load())

    def settings(self, key_pair_id: str) -> dict[str, str | Path]:
        """Return the settings that let the site sign with the key."""
        return {
            "AWS_CLOUDFRONT_KEY_ID": key_pair_id,
            "AWS_CLOUDFRONT_KEY": self.path,
        }

    def finish(
        self, key_group_id: str, key_pair_id: str, probe: Callable[[Signer], ProbeResult]
    ) -> str:
        """Say what is left to do, once CloudFront trusts the key."""
        return (
            f"Keep {self.path} out of version control, and give only the site's user the right to "
            "read it."
        )

    def _load(self) -> PrivateKey:
        try:
            return PrivateKey.load(self.path)
        except InvalidKey as error:
            raise InvalidKey(f"{self.path} cannot be used. {error}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsKey:
    """The key pair that the settings hold already."""

    private_key: PrivateKey
    place: ClassVar[str] = "the setting AWS_CLOUDFRONT_KEY"

    def find(self) -> SiteKey:
        """Return the public half."""
        return SiteKey.from_private_key(self.private_key)

    def make(self, algorithm: KeyAlgorithm) -> None:
        """Never needed: the key is there."""
        raise RuntimeError("The settings have a key pair already.")

    def signer(self, key_pair_id: str) -> Signer:
        """Return what signs with the key."""
        return Signer(key_pair_id=key_pair_id, private_key=self.private_key)

    def settings(self, key_pair_id: str) -> dict[str, str | Path]:
        """Return the settings that let the site sign with the key."""
        return {"AWS_CLOUDFRONT_KEY_ID": key_pair_id}

    def finish(
        self, key_group_id: str, key_pair_id: str, probe: Callable[[Signer], ProbeResult]
    ) -> str:
        """Say what is left to do, once CloudFront trusts the key."""
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseKey:
    """The key pair in the database.

    ``rotation`` is that of the key group, or of ``name``, which the group will
    have; with no access to CloudFront, which a set-up changes itself.
    """

    rotation: Rotation
    name: str
    place: ClassVar[str] = "the database, sealed"

    def find(self) -> SiteKey | None:
        """Return the public half of the key that signs, else of the one that will.

        Raise :exc:`cfsigned_django.encryption.CannotUnseal` where the private key does not open.
        """
        found = self.row()
        if found is None:
            return None
        return SiteKey(
            name=found.caller_name,
            caller_reference=str(found.id),
            public_key_pem=found.open_public_key(),
        )

    def row(self) -> KeyPair | None:
        """Return its row. A spare is none: it signs when somebody starts a rotation."""
        waiting = self.rotation.of_group(self.name)
        next_ones = (self.rotation.store.successor(), waiting.store.successor())
        wanted = (each for each in next_ones if each is not None and not each.is_spare)
        return self.rotation.store.active() or next(wanted, None)

    def make(self, algorithm: KeyAlgorithm) -> None:
        """Generate the key pair; it is in the database before CloudFront hears of it.

        Where the group has a spare and no other key, that one is taken.
        """
        has_spare = self.rotation.store.successor() is not None
        group = self.rotation if has_spare else self.rotation.of_group(self.name)
        group.start(algorithm=algorithm, now=self.rotation.store.clock(), reason=KnownReason.SET_UP)

    def yields_to(self, settings_key_id: str) -> bool:
        """Tell whether the key of the settings is to be set up, whose id may be empty yet.

        That is where it is all there is, and while it signs. One that the
        database has was replaced or revoked, and never signs again; one of a
        trusted signer gives way to the key that is to replace it.
        """
        known = self.rotation.store.rows.filter(key_pair_id=settings_key_id)
        if self.row() is None:
            return not known.filter(key_group_id=self.rotation.key_group_id).exists()
        if not settings_key_id or is_of_trusted_signer(settings_key_id):
            return False
        return self.rotation.store.active() is None and not known.exists()

    def signer(self, key_pair_id: str) -> Signer:
        """Return what signs with the key; it need not be ACTIVE for that."""
        row = self._require_row()
        row.key_pair_id = row.key_pair_id or key_pair_id
        return row.make_signer()

    def settings(self, key_pair_id: str) -> dict[str, str | Path]:
        """Return no settings: the key group's id leads to the key."""
        return {}

    def finish(
        self, key_group_id: str, key_pair_id: str, probe: Callable[[Signer], ProbeResult]
    ) -> str:
        """Move the key into its key group, as far as its lifecycle lets it; say what is next."""
        row = self._require_row()
        now = self.rotation.store.clock()
        if row.key_group_id != key_group_id:
            self._move_into(row, key_group_id)
        rotation = replace(self.rotation.of_group(key_group_id), probe=probe)
        if row.status == KeyStatus.PENDING:
            rotation.trust(row, now=now, key_pair_id=key_pair_id)
        if row.status == KeyStatus.TRUSTED:
            with suppress(Blocked, ProbeFailed, Unanswered):
                rotation.activate(row, now=now)
        if row.status == KeyStatus.ACTIVE:
            return f"{row} signs, as soon as the settings above are in force."
        return (
            f"{row} is trusted, and signs when CloudFront has known it for "
            f"{rotation.waits.propagation} s: put the settings above in force, then run "
            "manage.py cfsigned_rotate --wait."
        )

    def _move_into(self, row: KeyPair, key_group_id: str) -> None:
        try:
            self.rotation.store.write(
                self.rotation.store.rows.filter(pk=row.pk, next_in=row.next_in),
                key_group_id=key_group_id,
                next_in=key_group_id,
            )
        except IntegrityError:
            raise RotationError(
                f"Key group {key_group_id} has another key pair that is to sign next. Finish that "
                "rotation first: manage.py cfsigned_rotate --wait."
            ) from None
        row.refresh_from_db(using=self.rotation.store.rows.db)

    def _require_row(self) -> KeyPair:
        row = self.row()
        if row is None:
            raise RotationError("The key pair is gone from the database: run this again.")
        return row
