"""Rotate the signing keys of a key group: the shell round lifecycle.py.

Each step records what is intended, calls CloudFront, and records what was
done, in that order; each can be repeated, by this process or another one,
after a crash between any two lines. A step that calls CloudFront is claimed
first, so that two machines do not do it at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from django.db import IntegrityError, transaction
from django.db.models import Q

from cfsigned_django import keyring
from cfsigned_django.lifecycle import Blocker, KeyStatus, Waits, find_blockers
from cfsigned_django.models import KeyPair
from cfsigned_django.probe import ProbeResult
from cfsigned_django.signing import KeyAlgorithm, PrivateKey, Signer


class ListedKey(Protocol):
    """A public key as CloudFront lists it."""

    @property
    def key_pair_id(self) -> str:
        """Return its id, ``K...``."""


class KeyGroupsApi(Protocol):
    """What a rotation asks of CloudFront; aws/key_groups.py does it."""

    def check_room(self, key_group_id: str) -> None:
        """Raise where the key group cannot take another key."""

    def ensure_public_key(
        self, *, caller_reference: str, name: str, public_key_pem: str, comment: str = ""
    ) -> str:
        """Return the id of the public key, created only if it is not there."""

    def find_public_key(self, name: str) -> ListedKey | None:
        """Return the public key with this name, if there is one."""

    def add(self, key_group_id: str, key_pair_id: str) -> object:
        """Put the key into the group, if it is not in it."""

    def remove(self, key_group_id: str, key_pair_id: str) -> object:
        """Take the key out of the group, if it is in it."""

    def delete_public_key(self, key_pair_id: str) -> None:
        """Delete the public key, if it is there."""


class RotationError(Exception):
    """Report a move that cannot be made; the message says what to do."""


class Claimed(RotationError):
    """Report that another process does, or has just done, the same step."""

    def __init__(self) -> None:
        super().__init__("Another process is at the same step. Look again in a minute.")


class Blocked(RotationError):
    """Report that a guard of lifecycle.py does not let a key pair move yet."""

    def __init__(self, key_pair: KeyPair, to: KeyStatus, blockers: list[Blocker]) -> None:
        super().__init__(f"{key_pair} may not become {to.upper()} yet.")
        self.key_pair, self.to, self.blockers = key_pair, to, blockers


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """Rotate one key group.

    ``key_groups`` is None where a person does the steps in CloudFront by hand.
    ``probe`` sends one request that is signed with a key. ``changed_by`` names
    the person or job for the record.
    """

    key_group_id: str
    waits: Waits
    key_groups: KeyGroupsApi | None
    probe: Callable[[Signer], ProbeResult]
    changed_by: str = ""
    claim_seconds: int = 60
    #: Called after each move, inside its transaction if it has one.
    on_move: Callable[[KeyPair], None] = lambda key_pair: None

    def key_pairs(self) -> list[KeyPair]:
        """Return the key pairs of the group, the newest first."""
        return list(KeyPair.objects.filter(key_group_id=self.key_group_id))

    def successor(self) -> KeyPair | None:
        """Return the key pair that will sign next: PENDING or TRUSTED."""
        return KeyPair.objects.filter(next_in=self.key_group_id).first()

    def blockers(self, key_pair: KeyPair, to: KeyStatus, now: datetime) -> list[Blocker]:
        """Return what keeps a key pair from a move."""
        return find_blockers(key_pair.state, to, now=int(now.timestamp()), waits=self.waits)

    def start(
        self, *, algorithm: KeyAlgorithm, now: datetime, reason: str = "", spare: bool = False
    ) -> KeyPair:
        """Generate the successor; return the one that is there already if there is one.

        A ``spare`` waits, TRUSTED, for somebody to start a rotation.
        """
        if (under_way := self.successor()) is not None:
            if not spare:
                KeyPair.objects.filter(pk=under_way.pk).update(is_spare=False)
                under_way.is_spare = False
            return under_way
        if self.key_groups is not None:
            self.key_groups.check_room(self.key_group_id)
        return self._create(
            PrivateKey.generate(algorithm),
            now=now,
            reason=reason,
            status=KeyStatus.PENDING,
            next_in=self.key_group_id,
            is_spare=spare,
        )

    def import_key(self, private_key: PrivateKey, key_pair_id: str, *, now: datetime) -> KeyPair:
        """Take over a key that signs already, the one of the settings, as ACTIVE."""
        if (known := KeyPair.objects.filter(key_pair_id=key_pair_id).first()) is not None:
            return known
        if KeyPair.objects.filter(active_in=self.key_group_id).exists():
            raise RotationError(
                "The key group has an ACTIVE key pair already, which signs in the place of the "
                "settings' key: there is nothing to import."
            )
        return self._create(
            private_key,
            now=now,
            reason="imported from the settings",
            status=KeyStatus.ACTIVE,
            key_pair_id=key_pair_id,
            active_in=self.key_group_id,
            active_at=now,
        )

    def trust(self, key_pair: KeyPair, *, now: datetime, key_pair_id: str = "") -> None:
        """Make CloudFront know the key: PENDING -> TRUSTED.

        ``key_pair_id`` is what CloudFront gave to a person who created the
        public key by hand; left empty, it is created here.
        """
        self._require(key_pair, KeyStatus.TRUSTED, now)
        if not key_pair_id:
            api = self._claim(key_pair, now)
            # One who died between these two calls finds the key by its name.
            key_pair_id = api.ensure_public_key(
                caller_reference=str(key_pair.id),
                name=key_pair.caller_name,
                public_key_pem=key_pair.public_key,
            )
            api.add(self.key_group_id, key_pair_id)
        self._move(key_pair, KeyStatus.TRUSTED, key_pair_id=key_pair_id, trusted_at=now)

    def check(self, key_pair: KeyPair, *, now: datetime) -> ProbeResult:
        """Probe a TRUSTED key, and record since when it works."""
        result = self.probe(key_pair.make_signer())
        good_since = key_pair.good_since
        if result is ProbeResult.GOOD:
            good_since = good_since or now
        elif result is not ProbeResult.NO_ANSWER:
            good_since = None
        KeyPair.objects.filter(pk=key_pair.pk, status=KeyStatus.TRUSTED).update(
            good_since=good_since
        )
        key_pair.good_since = good_since
        return result

    def activate(self, key_pair: KeyPair, *, now: datetime) -> None:
        """Let the key sign, and the one before it no longer: TRUSTED -> ACTIVE."""
        self._require(key_pair, KeyStatus.ACTIVE, now)
        self._switch_to(key_pair, now)

    def retire(self, key_pair: KeyPair, *, now: datetime) -> None:
        """Take a key out of CloudFront and erase its private half: RETIRING -> RETIRED."""
        self._require(key_pair, KeyStatus.RETIRED, now)
        self._take_out(key_pair, now)
        self._move(
            key_pair, KeyStatus.RETIRED, retired_at=now, removed_at=now, sealed_private_key=""
        )

    def revoke(self, key_pair: KeyPair, *, now: datetime, reason: str) -> None:
        """Stop trusting a key now, with all the links that it signed.

        It stops signing first. A TRUSTED successor signs from then on, also
        before its waiting time is over: its links may be refused where
        CloudFront does not know it yet, the revoked key's are refused anyway.
        """
        self._require(key_pair, KeyStatus.REVOKED, now)
        successor = self.successor()
        with transaction.atomic():
            was_active = key_pair.active_in is not None
            self._move(
                key_pair,
                KeyStatus.REVOKED,
                active_in=None,
                next_in=None,
                revoked_at=now,
                reason=reason,
                sealed_private_key="",
            )
            if was_active and successor is not None and successor.status == KeyStatus.TRUSTED:
                self._switch_to(successor, now)
        keyring.forget()
        self.finish_revocation(key_pair, now=now)

    def finish_revocation(self, key_pair: KeyPair, *, now: datetime) -> None:
        """Take a revoked key out of CloudFront, if the process that revoked it did not."""
        if key_pair.removed_at is None:
            self._take_out(key_pair, now)
            KeyPair.objects.filter(pk=key_pair.pk).update(removed_at=now)
            key_pair.removed_at = now

    def _switch_to(self, key_pair: KeyPair, now: datetime) -> None:
        """Make a key the ACTIVE one, in one transaction with the end of the former."""
        with transaction.atomic():
            former = KeyPair.objects.select_for_update().filter(active_in=self.key_group_id).first()
            if former is not None:
                self._move(former, KeyStatus.RETIRING, active_in=None, retiring_at=now)
            self._move(
                key_pair,
                KeyStatus.ACTIVE,
                next_in=None,
                active_in=self.key_group_id,
                active_at=now,
            )
        keyring.forget()

    def _create(self, private_key: PrivateKey, *, now: datetime, **fields: Any) -> KeyPair:
        row = KeyPair.from_private_key(
            private_key,
            key_group_id=self.key_group_id,
            created_at=now,
            changed_by=self.changed_by,
            **fields,
        )
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError:
            raise Claimed from None
        self.on_move(row)
        return row

    def _take_out(self, key_pair: KeyPair, now: datetime) -> None:
        if self.key_groups is None:
            return  # a person does it
        api = self._claim(key_pair, now)
        # One who died while it was created has left no id in the row.
        key_pair_id = key_pair.key_pair_id
        if not key_pair_id and (found := api.find_public_key(key_pair.caller_name)):
            key_pair_id = found.key_pair_id
        if key_pair_id:
            api.remove(self.key_group_id, key_pair_id)
            api.delete_public_key(key_pair_id)

    def _claim(self, key_pair: KeyPair, now: datetime) -> KeyGroupsApi:
        """Keep other processes from the same step until this one is done or dead."""
        if self.key_groups is None:
            raise RotationError(
                "This site may not change CloudFront: create the public key there by hand, and "
                "give the id (K...) that CloudFront shows."
            )
        free = Q(claimed_until__isnull=True) | Q(claimed_until__lte=now)
        until = now + timedelta(seconds=self.claim_seconds)
        mine = KeyPair.objects.filter(free, pk=key_pair.pk, status=key_pair.status)
        if not mine.update(claimed_until=until):
            raise Claimed
        return self.key_groups

    def _require(self, key_pair: KeyPair, to: KeyStatus, now: datetime) -> None:
        if found := self.blockers(key_pair, to, now):
            raise Blocked(key_pair, to, found)

    def _move(self, key_pair: KeyPair, to: KeyStatus, **fields: Any) -> None:
        """Record a move, unless another process has moved the key meanwhile."""
        fields |= {"status": to, "claimed_until": None, "changed_by": self.changed_by}
        rows = KeyPair.objects.filter(pk=key_pair.pk, status=key_pair.status)
        if not rows.update(**fields):
            raise Claimed
        for name, value in fields.items():
            setattr(key_pair, name, value)
        self.on_move(key_pair)
