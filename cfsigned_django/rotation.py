"""Rotate the signing keys of a key group: the shell round lifecycle.py.

Each step records what is intended, calls CloudFront, and records what was
done, in that order; each can be repeated, by this process or another one,
after a crash between any two lines. A step that calls CloudFront is claimed
first, so that two machines do not do it at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError

from cfsigned_django import keyring
from cfsigned_django.key_group_api import KeyGroupsApi, bring_in, take_out
from cfsigned_django.lifecycle import Blocker, Cause, KeyStatus, Waits, find_blockers
from cfsigned_django.models import KeyPair
from cfsigned_django.probe import ProbeResult
from cfsigned_django.record import Claimed, Record, RotationError
from cfsigned_django.signing import KeyAlgorithm, PrivateKey, Signer

__all__ = ["Blocked", "Claimed", "Rotation", "RotationError"]


class Blocked(RotationError):
    """Report that a guard of lifecycle.py does not let a key pair move."""

    def __init__(self, key_pair: KeyPair, to: KeyStatus, blockers: list[Blocker]) -> None:
        if any(each.cause is Cause.NO_SUCH_MOVE for each in blockers):
            text = f"{key_pair} is {key_pair.status.upper()} and cannot become {to.upper()}."
        else:
            text = f"{key_pair} may not become {to.upper()} yet."
        super().__init__(text)
        self.key_pair, self.to, self.blockers = key_pair, to, blockers


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation(Record):
    """Rotate one key group.

    ``key_groups`` is None where a person does the steps in CloudFront by hand.
    ``probe`` sends one request that is signed with a key. ``changed_by`` names
    the person or job for the record.
    """

    waits: Waits
    key_groups: KeyGroupsApi | None
    probe: Callable[[Signer], ProbeResult]

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
                self.write(self.rows.filter(pk=under_way.pk), is_spare=False)
                under_way.is_spare = False
            return under_way
        if self.key_groups is not None:
            self.key_groups.check_room(self.key_group_id)
        return self.create(
            PrivateKey.generate(algorithm),
            now=now,
            reason=reason,
            status=KeyStatus.PENDING,
            next_in=self.key_group_id,
            is_spare=spare,
        )

    def import_key(self, private_key: PrivateKey, key_pair_id: str, *, now: datetime) -> KeyPair:
        """Take over a key that signs already, the one of the settings, as ACTIVE."""
        active = self.active()
        if active is not None and active.key_pair_id == key_pair_id:
            return active
        if active is not None:
            raise RotationError(
                "The key group has an ACTIVE key pair already, which signs in the place of the "
                "settings' key: there is nothing to import."
            )
        known = self.rows.filter(key_pair_id=key_pair_id).first()
        if known is not None:
            raise RotationError(
                f"{key_pair_id} is in the database already, as {known.status.upper()} of key "
                f"group {known.key_group_id}: it cannot be imported again."
            )
        signer = Signer(key_pair_id=key_pair_id, private_key=private_key)
        if self.probe(signer) is ProbeResult.WRONG_KEY:
            raise RotationError(
                f"CloudFront has another public key under {key_pair_id}, so every link that is "
                "signed now is refused. Set AWS_CLOUDFRONT_KEY and AWS_CLOUDFRONT_KEY_ID to a "
                "pair that belongs together, then import it."
            )
        return self.create(
            private_key,
            now=now,
            reason="imported from the settings",
            status=KeyStatus.ACTIVE,
            key_pair_id=key_pair_id,
            active_in=self.key_group_id,
            active_at=now,
            retirement_seconds=self.waits.retirement,
        )

    def trust(self, key_pair: KeyPair, *, now: datetime, key_pair_id: str = "") -> None:
        """Make CloudFront know the key: PENDING -> TRUSTED.

        ``key_pair_id`` is what CloudFront gave to a person who created the
        public key by hand; left empty, it is created here.
        """
        self._require(key_pair, KeyStatus.TRUSTED, now)
        if key_pair_id:
            self._record_trust(key_pair, key_pair_id, now)
            return
        api = self._require_api()
        try:
            with self.claim(key_pair):
                key_pair_id = bring_in(api, key_pair)
            self._record_trust(key_pair, key_pair_id, now)
        except Exception:
            # Where it was revoked meanwhile, what was just created is to be removed again.
            self.write(self.rows.filter(pk=key_pair.pk, status=KeyStatus.REVOKED), removed_at=None)
            raise

    def check(self, key_pair: KeyPair, *, now: datetime) -> ProbeResult:
        """Probe a TRUSTED key, and record since when it works."""
        if self._is_missing(key_pair):
            # Edges may still know what someone took out of the group a moment ago.
            result = ProbeResult.UNKNOWN_KEY
        else:
            result = self.probe(key_pair.make_signer())
        if result is ProbeResult.GOOD:
            self._record_good(key_pair, now)
        elif result is not ProbeResult.NO_ANSWER:
            self.write(self.rows.filter(pk=key_pair.pk, status=KeyStatus.TRUSTED), good_since=None)
        key_pair.refresh_from_db(using=self.rows.db, fields=["good_since"])
        return result

    def put_back(self, key_pair: KeyPair, *, now: datetime) -> bool:
        """Put a TRUSTED key into the group where someone took it out; tell whether it was out."""
        if self.key_groups is None or not self._is_missing(key_pair):
            return False
        with self.claim(key_pair):
            rows = self.rows.filter(pk=key_pair.pk, status=KeyStatus.TRUSTED)
            # Before it is put back: its waiting time begins anew whoever dies here.
            self.write(rows, good_since=None, trusted_at=now)
            self.key_groups.add(self.key_group_id, str(key_pair))
        self.write(rows, claimed_until=None)
        return True

    def activate(self, key_pair: KeyPair, *, now: datetime) -> None:
        """Let the key sign, and the one before it no longer: TRUSTED -> ACTIVE."""
        self._require(key_pair, KeyStatus.ACTIVE, now)
        if self.put_back(key_pair, now=now):
            raise RotationError(
                f"Someone had taken {key_pair} out of the key group. It is in it again, and its "
                "waiting time begins anew."
            )
        with self.transaction():
            self.lock(key_pair)
            if key_pair.status != KeyStatus.TRUSTED:
                raise Claimed
            self._require(key_pair, KeyStatus.ACTIVE, now)
            former = self._switch_to(key_pair, now)
        self._after_switch(former)

    def retire(self, key_pair: KeyPair, *, now: datetime) -> None:
        """Take a key out of CloudFront and erase its private half: RETIRING -> RETIRED."""
        self._require(key_pair, KeyStatus.RETIRED, now)
        self._take_out(key_pair)
        with self.transaction():
            self.move(
                key_pair, KeyStatus.RETIRED, retired_at=now, removed_at=now, sealed_private_key=""
            )

    def revoke(self, key_pair: KeyPair, *, now: datetime, reason: str) -> None:
        """Stop trusting a key now, with all the links that it signed.

        It stops signing first. A TRUSTED successor signs from then on, also
        before its waiting time is over: its links may be refused where
        CloudFront does not know it yet, the revoked key's are refused anyway.
        """
        key_pair.refresh_from_db(using=self.rows.db)
        if key_pair.status != KeyStatus.REVOKED:
            self._record_revocation(key_pair, now, reason)
        if self.key_groups is not None:  # else a person does it, and says so afterwards
            self.finish_revocation(key_pair, now=now)

    def finish_revocation(self, key_pair: KeyPair, *, now: datetime) -> None:
        """Take a revoked key out of CloudFront, if the process that revoked it did not."""
        if key_pair.removed_at is None:
            self._keep_active_in()
            self._take_out(key_pair)
            self.write(self.rows.filter(pk=key_pair.pk), removed_at=now, claimed_until=None)
            key_pair.removed_at = now

    def remember_waits(self, active: KeyPair) -> None:
        """Record how long the URLs may live that the ACTIVE key signs under these settings."""
        if active.retirement_seconds < self.waits.retirement:
            self.write(
                self.rows.filter(pk=active.pk, retirement_seconds__lt=self.waits.retirement),
                retirement_seconds=self.waits.retirement,
            )

    def _is_missing(self, key_pair: KeyPair) -> bool:
        """Tell whether the key is not in the group, as far as this site may look."""
        if self.key_groups is None:
            return False
        return str(key_pair) not in self.key_groups.members(self.key_group_id)

    def _record_good(self, key_pair: KeyPair, now: datetime) -> None:
        if key_pair.good_since is not None:
            return
        seen = key_pair.trusted_at
        with self.transaction():
            self.lock(key_pair)
            rows = self.rows.filter(pk=key_pair.pk, status=KeyStatus.TRUSTED, trusted_at=seen)
            # Read here, after what others recorded: a probe may take long.
            rows.filter(good_since=None).update(good_since=max(now, self.clock()))

    def _record_trust(self, key_pair: KeyPair, key_pair_id: str, now: datetime) -> None:
        try:
            with self.transaction():
                self.move(key_pair, KeyStatus.TRUSTED, key_pair_id=key_pair_id, trusted_at=now)
        except IntegrityError:
            raise RotationError(f"{key_pair_id} is the id of another key pair.") from None

    def _record_revocation(self, key_pair: KeyPair, now: datetime, reason: str) -> None:
        former = None
        with self.transaction():
            self.lock(key_pair)
            self._require(key_pair, KeyStatus.REVOKED, now)
            was_active = key_pair.active_in is not None
            self.move(
                key_pair,
                KeyStatus.REVOKED,
                active_in=None,
                next_in=None,
                revoked_at=now,
                reason=reason,
                sealed_private_key="",
                # Who is adding it to CloudFront at this moment must be done before it is removed.
                claimed_until=key_pair.claimed_until,
            )
            successor = self.successor() if was_active else None
            if successor is not None and successor.status == KeyStatus.TRUSTED:
                former = self._switch_to(successor, now)
        self._after_switch(former)

    def _switch_to(self, key_pair: KeyPair, now: datetime) -> KeyPair | None:
        """Make a key the ACTIVE one, inside a transaction; return the one before it."""
        former = self.active()
        if former is not None:
            self.move(
                former,
                KeyStatus.RETIRING,
                active_in=None,
                retiring_at=None,
                retirement_seconds=max(former.retirement_seconds, self.waits.retirement),
            )
        self.move(
            key_pair,
            KeyStatus.ACTIVE,
            next_in=None,
            active_in=self.key_group_id,
            active_at=now,
            retirement_seconds=self.waits.retirement,
        )
        return former

    def _after_switch(self, former: KeyPair | None) -> None:
        if former is not None:
            self.begin_retirement(former)
        keyring.forget()

    def _keep_active_in(self) -> None:
        """Put the ACTIVE key into the group: it may sign in haste, with no look before."""
        active = self.active()
        if active is not None and self.key_groups is not None:
            self.key_groups.add(self.key_group_id, str(active))

    def _take_out(self, key_pair: KeyPair) -> None:
        """Remove a key from CloudFront, unless a person does it."""
        if self.key_groups is None:
            return
        with self.claim(key_pair):
            take_out(self.key_groups, key_pair)

    def _require_api(self) -> KeyGroupsApi:
        if self.key_groups is None:
            raise RotationError(
                "This site may not change CloudFront: create the public key there by hand, and "
                "give the id (K...) that CloudFront shows."
            )
        return self.key_groups

    def _require(self, key_pair: KeyPair, to: KeyStatus, now: datetime) -> None:
        """Raise :exc:`Blocked` where a guard forbids the move, by the caller's clock or the own."""
        if found := self.blockers(key_pair, to, min(now, self.clock())):
            raise Blocked(key_pair, to, found)
