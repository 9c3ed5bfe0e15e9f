"""Where the site keeps its private key: a file, the settings, or the database.

CloudFront creates no key group without a key. The row in the database is therefore created first,
under the name that the key group will have. The row moves into the group when CloudFront has given
the group an ID, and from then on takes part in rotations like any other.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, TypeAlias

from django.db import IntegrityError, connections

from cfsigned_django.core import conf
from cfsigned_django.core.text import duration
from cfsigned_django.core.validation import is_of_trusted_signer
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair, KnownReason
from cfsigned_django.rotation.probe import ProbeResult
from cfsigned_django.rotation.rotation import Rotation
from cfsigned_django.rotation.store import RotationError
from cfsigned_django.signing import InvalidKey, KeyAlgorithm
from cfsigned_django.signing.keys import PrivateKey
from cfsigned_django.signing.signer import Signer
from cfsigned_django.tools.account.state.site_in_aws import SiteKey

_ONLY_THE_OWNER = 0o600
#: Asks an edge whether it knows the key of a signer.
Probe: TypeAlias = Callable[[Signer], ProbeResult]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFile:
    path: Path

    @property
    def place(self) -> str:
        return f"the file {self.path}"

    def find(self) -> SiteKey | None:
        """Return the public half, or None if there is no file.

        Raise :exc:`cfsigned_django.signing.InvalidKey` if the file holds
        something else.
        """
        return SiteKey.from_public_key(self._load().public_key) if self.path.exists() else None

    def make(self) -> SiteKey:
        """Write a new key, and return its public half.

        Raise :exc:`FileExistsError` if there is a file already. A process that dies while it
        writes leaves only a draft. If the disk is full, nothing is left.
        """
        private_key = PrivateKey.generate()
        draft = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # O_EXCL follows no link, and uses no existing file with other permissions.
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _ONLY_THE_OWNER)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(private_key.to_pem())
                    file.flush()
                    os.fsync(file.fileno())
                os.link(draft, self.path)  # unlike a rename, this replaces nothing
            finally:
                draft.unlink()
        except FileExistsError:
            raise
        except OSError as error:
            raise OSError(
                f"The private key cannot be written to {self.path}: {error.strerror}. Correct "
                "that, or name another file with --key-file, and run this again."
            ) from error
        return SiteKey.from_public_key(private_key.public_key)

    def settings(self, key_pair_id: str) -> dict[str, str | Path]:
        return {"AWS_CLOUDFRONT_KEY_ID": key_pair_id, "AWS_CLOUDFRONT_KEY": self.path}

    def finish(self, key_group_id: str, key_pair_id: str, probe: Probe) -> tuple[str, bool]:
        """Return the next step, and that the key may sign."""
        note = f"Keep {self.path} out of version control, and let only the site's user read it."
        return note, False

    def signer(self, key_pair_id: str) -> Signer:
        return Signer(key_pair_id=key_pair_id, private_key=self._load())

    def _load(self) -> PrivateKey:
        try:
            return PrivateKey.load(self.path)
        except InvalidKey as error:
            raise InvalidKey(f"{self.path} cannot be used. {error}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsKey:
    """The key pair that is already in the settings."""

    private_key: PrivateKey
    place: ClassVar[str] = "the setting AWS_CLOUDFRONT_KEY"

    def find(self) -> SiteKey:
        return SiteKey.from_public_key(self.private_key.public_key)

    make = find

    def settings(self, key_pair_id: str) -> dict[str, str | Path]:
        return {"AWS_CLOUDFRONT_KEY_ID": key_pair_id}

    def finish(self, key_group_id: str, key_pair_id: str, probe: Probe) -> tuple[str, bool]:
        """Return that there is no next step, and that the key may sign."""
        return "", False

    def signer(self, key_pair_id: str) -> Signer:
        return Signer(key_pair_id=key_pair_id, private_key=self.private_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseKey:
    """The key pair in the database.

    ``rotation`` rotates the key group or, before the group exists, its future
    ``name``. The rotation does not call CloudFront: the setup does that.
    """

    rotation: Rotation
    name: str

    @property
    def place(self) -> str:
        """Return where the private key is, for people: which database, and what encrypts it.

        The command may run with other settings than the site, on a laptop for example: the key
        is then in the wrong database, or the site cannot decrypt it.
        """
        connection = connections[self.rotation.store.rows.db]
        name, host = connection.settings_dict["NAME"], connection.settings_dict["HOST"]
        key = "AWS_CLOUDFRONT_ENCRYPTION_KEYS" if conf.Site.ENCRYPTION_KEYS.read() else "SECRET_KEY"
        return (
            f'the database "{connection.alias}" ({connection.vendor}: {name}'
            f"{f' at {host}' if host else ''}), encrypted with {key}"
        )

    def find(self) -> SiteKey | None:
        """Return the public half of the key that signs, else of the one that will.

        Raise :exc:`cfsigned_django.core.encryption.CannotDecrypt` if CloudFront may
        not begin to trust its private key.
        """
        found = self.row()
        return None if found is None else _site_key(found)

    def row(self) -> KeyPair | None:
        return (
            self.rotation.store.active()
            or self.rotation.store.successor()
            or _of_group(self.rotation, self.name).store.successor()
        )

    def make(self) -> SiteKey:
        """Generate the key pair; it is in the database before CloudFront is called."""
        _of_group(self.rotation, self.name).start(
            algorithm=KeyAlgorithm.ECDSA_P256,
            now=self.rotation.store.clock(),
            reason=KnownReason.SET_UP,
        )
        return _site_key(self._require_row())

    def settings(self, key_pair_id: str) -> dict[str, str | Path]:
        """Return no setting: the site finds the key by the ID of its key group."""
        return {}

    def yields_to(self, settings_key_id: str) -> bool:
        """Return whether to set up the key of the settings, whose ID may still be empty.

        Return True if there is no other key, and while the key of the settings
        signs. If the database has that key too, it was replaced or revoked and
        never signs again. A key of a trusted signer gives way to the key that
        replaces it.
        """
        known = self.rotation.store.rows.filter(key_pair_id=settings_key_id)
        if self.row() is None:
            return not known.filter(key_group_id=self.rotation.key_group_id).exists()
        if not settings_key_id or is_of_trusted_signer(settings_key_id):
            return False
        return self.rotation.store.active() is None and not known.exists()

    def signer(self, key_pair_id: str) -> Signer:
        """Return a signer that signs with the key, which need not be ACTIVE."""
        row = self._require_row()
        row.key_pair_id = row.key_pair_id or key_pair_id
        return row.make_signer()

    def finish(self, key_group_id: str, key_pair_id: str, probe: Probe) -> tuple[str, bool]:
        """Move the key into its key group as far as its lifecycle allows.

        Return the next step, and whether the key must wait before it signs.
        """
        row = self._require_row()
        now = self.rotation.store.clock()
        if row.key_group_id != key_group_id:
            self._move_into(row, key_group_id)
        rotation = replace(_of_group(self.rotation, key_group_id), probe=probe)
        if row.status == KeyStatus.PENDING:
            rotation.trust(row, now=now, key_pair_id=key_pair_id)
        if row.status == KeyStatus.TRUSTED:
            with suppress(RotationError):
                rotation.activate(row, now=now)
        if row.status == KeyStatus.ACTIVE:
            return f"{row} signs as soon as the settings above are deployed.", False
        note = (
            f"{row} is trusted. It signs after CloudFront has known it for "
            f"{duration(rotation.waits.propagation)}; until then, url() raises an error. Run this "
            "command again after that time, and deploy the settings above when it reports that the "
            "key signs."
        )
        return note, True

    def _move_into(self, row: KeyPair, key_group_id: str) -> None:
        try:
            self.rotation.store.write(
                self.rotation.store.rows.filter(pk=row.pk, next_in=row.next_in),
                key_group_id=key_group_id,
                next_in=key_group_id,
            )
        except IntegrityError:
            raise RotationError(
                f"Key group {key_group_id} already has a key pair that signs next. Finish that "
                "rotation first: manage.py cfsigned_rotate --wait."
            ) from None
        row.refresh_from_db(using=self.rotation.store.rows.db)

    def _require_row(self) -> KeyPair:
        row = self.row()
        if row is None:
            raise RotationError(
                "The key pair is no longer in the database. Run this command again."
            )
        return row


def _of_group(rotation: Rotation, key_group_id: str) -> Rotation:
    """Return the same rotation of another key group."""
    return replace(rotation, store=replace(rotation.store, key_group_id=key_group_id))


def _site_key(row: KeyPair) -> SiteKey:
    pem = row.open_public_key()
    return SiteKey(name=row.name_in_cloudfront, caller_reference=str(row.id), public_key_pem=pem)


#: Where the site keeps its private key.
KeyProvider: TypeAlias = KeyFile | SettingsKey | DatabaseKey
