"""Rotate the signing keys of a key group: the shell around lifecycle.py.

Each step records what is intended, calls CloudFront, and records what was
done, in this order. After a crash between any two lines, this process or
another one can therefore repeat the step. A step that calls CloudFront is
claimed first, so that two machines do not take it at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from django.db import IntegrityError
from django.utils.translation import gettext as _

from cfsigned_django.core import keyring
from cfsigned_django.core.aws.errors import AwsError
from cfsigned_django.core.aws.key_groups import KeyGroups
from cfsigned_django.core.encryption import CannotDecrypt
from cfsigned_django.core.keyring import SigningState
from cfsigned_django.rotation import cloudfront, lifecycle
from cfsigned_django.rotation.active import ConfiguredKey, signing_state
from cfsigned_django.rotation.lifecycle import Blocker, KeyStatus, Waits
from cfsigned_django.rotation.models import KeyPair, KnownReason
from cfsigned_django.rotation.probe import ProbeResult
from cfsigned_django.rotation.store import (
    SETTLE,
    Blocked,
    Claimed,
    KeyPairStore,
    RotationError,
    probe_error,
    refuse_long,
    was_restored,
)
from cfsigned_django.signing import KeyAlgorithm
from cfsigned_django.signing.keys import PrivateKey
from cfsigned_django.signing.signer import Signer
from cfsigned_django.storage.site_storages import SiteStorage, name_unmade

logger: Final = logging.getLogger("cfsigned_django.rotation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """Rotate one key group: what a key pair goes through from its start until it signs.

    How a key gets out of CloudFront is in removal.py.
    """

    store: KeyPairStore
    waits: Waits
    #: The calls to CloudFront; None if this rotation makes none, since a person changes it, or the
    #: setup that the rotation belongs to.
    key_groups: KeyGroups | None
    #: Sends a request signed with a key through CloudFront.
    probe: Callable[[Signer], ProbeResult]
    #: Returns the names of the storages that sign with the key of this ID
    #: without asking which key pair is ACTIVE.
    bypasses_rotation: Callable[[str], list[str]] = lambda key_pair_id: []
    #: The storages that cannot be made here: each may sign elsewhere, with any key.
    unmade: Sequence[SiteStorage] = ()
    #: Returns the keys of the settings with which storages sign while no key pair is ACTIVE:
    #: usually one or none. See :func:`site.find_settings_keys` for its argument.
    settings_keys: Callable[..., list[ConfiguredKey]] = lambda state=None: []
    #: Called after a key that someone had removed from its group was restored.
    on_restore: Callable[[KeyPair], None] = lambda key_pair: None

    @property
    def key_group_id(self) -> str:
        return self.store.key_group_id

    @property
    def by_hand(self) -> bool:
        """Return whether somebody else changes CloudFront: a person, or the setup."""
        return self.key_groups is None

    # What may happen, and when

    def blockers(self, key_pair: KeyPair, to: KeyStatus, now: datetime) -> list[Blocker]:
        return lifecycle.find_blockers(
            key_pair.state, to, now=int(now.timestamp()), waits=self.waits
        )

    def require(self, key_pair: KeyPair, to: KeyStatus, now: datetime) -> None:
        """Raise :exc:`Blocked` if the transition is forbidden now, by either of two clocks."""
        if found := self.blockers(key_pair, to, lifecycle.end_of_wait_by(now, self.store.clock())):
            raise Blocked(key_pair, to, found)

    def links_end(self, key_pair: KeyPair) -> datetime | None:
        """Return when the last link signed with the key expires; None if the key still signs."""
        if key_pair.retiring_at is None:
            return None
        wait = lifecycle.retirement_wait(key_pair.state, self.waits)
        return key_pair.retiring_at + timedelta(seconds=wait)

    def catch_up(self, key_pairs: Collection[KeyPair]) -> None:
        """Record since when keys are RETIRING and how long URLs live, before any step is due.

        Both can only make a key stay trusted for longer.
        """
        self.store.date_retirements(key_pairs)
        self.remember_waits(key_pairs)

    def remember_waits(self, key_pairs: Iterable[KeyPair]) -> None:
        """Record how long URLs signed with these keys may live under the current settings.

        The ACTIVE key signs under these settings, and a RETIRING key may have:
        this may be the first time that raised settings are seen.
        """
        signing = (KeyStatus.ACTIVE, KeyStatus.RETIRING)
        longest = self.waits.retirement
        if any(each.status in signing and each.retirement_seconds < longest for each in key_pairs):
            shorter = self.store.rows.filter(
                key_group_id=self.key_group_id, status__in=signing, retirement_seconds__lt=longest
            )
            self.store.write(shorter, retirement_seconds=longest)

    def name_unmade(self, *, of_group: bool = False) -> str:
        """Return the storages that cannot be made here, with their errors; "" if there is none.

        ``of_group``: only those that may sign for this key group.
        """
        found = (each for each in self.unmade if not of_group or each.may_follow(self.key_group_id))
        return name_unmade(found)

    def find_bypass(self, key_pair_id: str) -> str:
        """Return which storage signs, or may sign, with the key regardless of its state here.

        Return "" if there is none.
        """
        if not (names := self.bypasses_rotation(key_pair_id)):
            text = _(
                "A storage that cannot be made here may sign with %(key)s elsewhere. Correct it, "
                "or remove it from STORAGES, before the key is retired or imported. %(storages)s"
            )
            named = self.name_unmade()
            return text % {"key": key_pair_id, "storages": named} if named else ""
        text = _(
            "%(storage)s signs with %(key)s, and would still do so when another key signs for "
            "%(group)s: its links would be refused. Set key_group_id of this storage to that key "
            "group and pass it no signer, or give it a different key."
        )
        values = {"storage": ", ".join(names), "key": key_pair_id, "group": self.key_group_id}
        return text % values

    def require_no_bypass(self, key_pair_id: str) -> None:
        """Raise :exc:`RotationError` if a storage signs with the key regardless of its state."""
        keyring.forget()  # Changes by other processes must count.
        if problem := self.find_bypass(key_pair_id):
            raise RotationError(problem)

    # Start, trust

    def start(
        self,
        *,
        algorithm: KeyAlgorithm,
        now: datetime,
        reason: str = "",
    ) -> KeyPair:
        """Generate and return the successor, or return the existing one.

        A successor that another key than the newest encryption key encrypted has
        signed nothing: it is revoked, and another one made. :meth:`Removal.finish`
        removes it from CloudFront.
        """
        refuse_long(reason)
        under_way = self.store.successor()
        if under_way is not None and under_way.is_outdated:
            self.give_up(under_way, now, KnownReason.REPLACED)
        return self.next_key(algorithm=algorithm, now=now, reason=reason)

    def next_key(
        self,
        *,
        algorithm: KeyAlgorithm,
        now: datetime,
        reason: str,
        instead_of: KeyPair | None = None,
    ) -> KeyPair:
        """Return the successor, which is generated if there is none.

        None is generated ``instead_of`` a key in whose place another one signs already: raise
        :exc:`Claimed`.
        """
        under_way = self.store.successor()
        if under_way is not None:
            return under_way
        return self.store.create(
            PrivateKey.generate(algorithm),
            now=now,
            instead_of=instead_of,
            reason=reason,
            status=KeyStatus.PENDING,
            next_in=self.key_group_id,
        )

    def give_up(self, successor: KeyPair, now: datetime, reason: KnownReason) -> None:
        """Revoke a successor, which has signed nothing; it is removed from CloudFront later.

        Raise :exc:`Claimed` if another process has just made it sign, or revoked it.
        """
        with self.store.transaction():
            self.store.lock(successor)
            if successor.next_in is None:
                raise Claimed
            self.move_to_revoked(successor, now, reason)

    def move_to_revoked(self, key_pair: KeyPair, now: datetime, reason: str) -> None:
        """Record a revocation, inside a transaction."""
        self.store.move(
            key_pair,
            KeyStatus.REVOKED,
            active_in=None,
            next_in=None,
            revoked_at=now,
            reason=reason,
            # Identifies the key to remove, once the private key is erased.
            public_key=key_pair.trustworthy_public_key,
            encrypted_private_key="",
            # A process that is adding it to CloudFront now must finish before it is removed.
            claimed_until=key_pair.claimed_until,
        )

    def trust(self, key_pair: KeyPair, *, now: datetime, key_pair_id: str = "") -> None:
        """Make CloudFront know the key: PENDING -> TRUSTED.

        ``key_pair_id`` is the ID that CloudFront shows for a public key created
        by hand; if it is empty, the public key is created here. A wrong ID can
        be corrected by the same call until a probe was good.
        """
        if key_pair_id and key_pair.status == KeyStatus.TRUSTED:
            self._correct_id(key_pair, key_pair_id, now)
            return
        self.require(key_pair, KeyStatus.TRUSTED, now)
        if key_pair_id:
            self._record_trust(key_pair, key_pair_id, now)
            return
        if (api := self.key_groups) is None:
            raise RotationError(
                _(
                    "This site does not change CloudFront: create the public key there by hand, "
                    "and enter the ID (K...) that CloudFront shows."
                )
            )
        key_pair.trustworthy()  # before the claim, which would delay its replacement
        try:
            with self.store.claim(key_pair) as claim:
                key_pair_id = cloudfront.register_in_cloudfront(
                    claim.before_each_call(api), key_pair, partial(self._note_id, key_pair)
                )
            self._record_trust(key_pair, key_pair_id, now)
        except Exception:
            self._reopen_removal(key_pair)
            raise

    def _note_id(self, key_pair: KeyPair, key_pair_id: str) -> None:
        """Record the public key ID, even if the key pair was revoked meanwhile."""
        # In other states, a person entered the ID, and only a person corrects it.
        rows = self.store.rows.filter(
            pk=key_pair.pk, status__in=(KeyStatus.PENDING, KeyStatus.REVOKED)
        )
        if key_pair.key_pair_id != key_pair_id:
            with self._unique_id(key_pair_id):
                self.store.write(rows, key_pair_id=key_pair_id)
            key_pair.key_pair_id = key_pair_id

    def _record_trust(self, key_pair: KeyPair, key_pair_id: str, now: datetime) -> None:
        with self._unique_id(key_pair_id), self.store.transaction():
            self.store.move(
                key_pair, KeyStatus.TRUSTED, key_pair_id=key_pair_id, **lifecycle.newly_trusted(now)
            )

    def _correct_id(self, key_pair: KeyPair, key_pair_id: str, now: datetime) -> None:
        fields = {
            "key_pair_id": key_pair_id,
            "changed_by": self.store.changed_by,
            **lifecycle.newly_trusted(now),
        }
        with self._unique_id(key_pair_id), self.store.transaction():
            self.store.lock(key_pair)
            if key_pair.key_pair_id == key_pair_id:
                return
            if not lifecycle.may_correct_id(key_pair.state):
                text = _(
                    "%(key)s already works under its public key ID, which can no longer be changed."
                )
                raise RotationError(text % {"key": key_pair})
            # A probe in progress compares trusted_at, and then does not count.
            self.store.rows.filter(pk=key_pair.pk).update(**fields)
            for name, value in fields.items():
                setattr(key_pair, name, value)
            self.store.on_move(key_pair)

    @contextmanager
    def _unique_id(self, key_pair_id: str) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            text = _("%(id)s is the ID of another key pair. Enter the ID of the new public key.")
            raise RotationError(text % {"id": key_pair_id}) from None

    def _reopen_removal(self, key_pair: KeyPair) -> None:
        """If the key pair was revoked meanwhile, schedule its new public key for removal.

        A removal in progress loses its claim. No new removal starts until that
        claim would have expired; by then CloudFront lists the key.
        """
        with self.store.transaction():
            self.store.lock(key_pair)
            if key_pair.status == KeyStatus.REVOKED:
                # Read under the lock: later than the end of any existing claim.
                until = self.store.clock() + timedelta(seconds=self.store.claim_seconds) + SETTLE
                self.store.rows.filter(pk=key_pair.pk).update(removed_at=None, claimed_until=until)

    # Activate

    def check(self, key_pair: KeyPair, *, now: datetime) -> ProbeResult:
        """Restore a TRUSTED key to its group if it is missing there, else probe it.

        A restored key counts as unknown, although edges may still know it.
        """
        if self.restore_missing([key_pair], now=now):
            return ProbeResult.UNKNOWN_KEY
        return self.record_probe(key_pair, now=now)

    def record_probe(self, key_pair: KeyPair, *, now: datetime) -> ProbeResult:
        """Probe a TRUSTED key and record since when it works; the caller checks the group.

        Raise :exc:`RotationError` for an answer that waiting will not change.
        """
        result = self.probe(key_pair.make_signer())
        if result.shows_known:
            self._record_verified(key_pair, now)
        elif result.shows_unknown:
            self.store.write(
                self.store.rows.filter(pk=key_pair.pk, status=KeyStatus.TRUSTED),
                verified_since=None,
            )
        key_pair.refresh_from_db(using=self.store.rows.db, fields=["verified_since"])
        if result.needs_a_person:
            raise probe_error(key_pair, result)
        return result

    def _record_verified(self, key_pair: KeyPair, now: datetime) -> None:
        if key_pair.verified_since is not None:
            return
        seen = key_pair.trusted_at
        with self.store.transaction():
            self.store.lock(key_pair)
            rows = self.store.rows.filter(pk=key_pair.pk, status=KeyStatus.TRUSTED, trusted_at=seen)
            # Read here, after what others recorded, since a probe may take long.
            rows.filter(verified_since=None).update(
                verified_since=lifecycle.begin_of_wait_by(now, self.store.clock())
            )

    def activate(self, key_pair: KeyPair, *, now: datetime) -> KeyPair | None:
        """Make the key sign in place of the previous one: TRUSTED -> ACTIVE.

        Every edge must have known the key for long enough, and a last probe
        must be good. Return the key that signed before.
        """
        if key_pair.status != KeyStatus.TRUSTED:
            self.require(key_pair, KeyStatus.ACTIVE, now)
        key_pair.trustworthy()
        # The group is read once: before a probe that may begin the wait, after one that ends it.
        if self.blockers(key_pair, KeyStatus.ACTIVE, now):
            result = self.check(key_pair, now=now)
        else:
            result = self.record_probe(key_pair, now=now)
            self._require_in_group(key_pair, now=now)
        self.require(key_pair, KeyStatus.ACTIVE, now)
        if self.name_unmade(of_group=True):
            raise Blocked(key_pair, KeyStatus.ACTIVE, [])
        if result is ProbeResult.NO_ANSWER:
            text = _(
                "%(key)s is ready to sign, but CloudFront did not answer the last probe. Try again "
                "in a minute. If it still does not answer, check the network, DNS and proxy of "
                "this machine."
            )
            raise RotationError(text % {"key": key_pair}, is_temporary=True)
        with self.store.transaction():
            self.store.lock(key_pair)
            if key_pair.status != KeyStatus.TRUSTED:
                raise Claimed
            self.require(key_pair, KeyStatus.ACTIVE, now)
            former = self.switch_to(key_pair, now)
        self.after_switch(former)
        return former

    def _require_in_group(self, key_pair: KeyPair, *, now: datetime) -> None:
        """Restore the key and raise :exc:`RotationError` if someone removed it from its group."""
        if self.restore_missing([key_pair], now=now):
            raise RotationError(was_restored([key_pair]), is_temporary=True)

    def restore_missing(self, key_pairs: Iterable[KeyPair], *, now: datetime) -> list[KeyPair]:
        """Restore the keys that someone removed from the group, and return them.

        These are keys with unexpired links, and the key that signs next. The
        group is read once. If one of them cannot be restored, restore the
        others, then raise :exc:`AwsError` or :exc:`CannotDecrypt`.
        """
        needed = [
            each
            for each in key_pairs
            if each.status in (KeyStatus.TRUSTED, KeyStatus.ACTIVE)
            or (each.status == KeyStatus.RETIRING and self.blockers(each, KeyStatus.RETIRED, now))
        ]
        if self.key_groups is None or not needed:
            return []
        members = self.key_groups.members(self.key_group_id)
        missing = [each for each in needed if str(each) not in members]
        failure: AwsError | CannotDecrypt | None = None
        for key_pair in missing:
            try:
                self._restore(self.key_groups, key_pair, now)
            except (AwsError, CannotDecrypt) as error:
                if isinstance(error, AwsError) and error.is_temporary:
                    raise
                failure = failure or error  # the links of the other keys work again anyway
        if failure is not None:
            raise failure
        return missing

    def _restore(self, key_groups: KeyGroups, key_pair: KeyPair, now: datetime) -> None:
        public_key = key_pair.decrypted().load().public_key.to_pem()
        with self.store.claim(key_pair) as claim:
            if key_pair.status == KeyStatus.TRUSTED:
                # Before it is restored: its wait starts over even if this process dies here.
                self.store.write(claim.rows, **lifecycle.newly_trusted(now))
            cloudfront.restore_to_group(claim.before_each_call(key_groups), key_pair, public_key)
        claim.end()
        self.on_restore(key_pair)
        if key_pair.status != KeyStatus.TRUSTED:
            logger.error(
                "%s was not in the key group %s, so CloudFront refused its links. It is added "
                "again.",
                key_pair,
                self.key_group_id,
            )

    def switch_to(self, key_pair: KeyPair, now: datetime, **fields: str) -> KeyPair | None:
        """Make a key ACTIVE, inside a transaction; return the previous ACTIVE key."""
        former = self.store.active()
        if former is not None:
            self.store.move(
                former,
                KeyStatus.RETIRING,
                active_in=None,
                retiring_at=None,
                retirement_seconds=max(former.retirement_seconds, self.waits.retirement),
            )
        self.store.move(
            key_pair,
            KeyStatus.ACTIVE,
            next_in=None,
            active_in=self.key_group_id,
            active_at=now,
            retirement_seconds=self.waits.retirement,
            **fields,
        )
        return former

    def after_switch(self, former: KeyPair | None) -> None:
        if former is not None:
            self.store.begin_retirement(former)
        keyring.forget()


# Who signs


def state_of(rotation: Rotation) -> SigningState:
    """Return who signs for the rotation's key group, or why nobody does."""
    return signing_state(rotation.key_group_id, rotation.store.rows)


def name_signing(rotation: Rotation) -> str:
    """Return the name of the key that signs, of the database or the settings; "" if none does."""
    keys = rotation.settings_keys()
    return state_of(rotation).name_signing(each.key_pair_id for each in keys)


def has_signing_key(rotation: Rotation) -> bool:
    """Return whether a key signs, or may: nobody knows that of a storage that cannot be made."""
    return bool(name_signing(rotation) or rotation.name_unmade(of_group=True))
