"""Bring the successor of a signing key to where it signs: PENDING, TRUSTED, ACTIVE."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.db import IntegrityError
from django.utils.translation import gettext as _

from cfsigned_django import keyring
from cfsigned_django.rotation.guards import Guarded
from cfsigned_django.rotation.key_group_api import bring_in, find_id, put_back_in
from cfsigned_django.rotation.lifecycle import (
    KeyStatus,
    begin_of_wait_by,
    may_correct_id,
    newly_trusted,
)
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.probe import ProbeResult
from cfsigned_django.rotation.record import SETTLE, Claimed, RotationError, refuse_long
from cfsigned_django.signing import KeyAlgorithm, PrivateKey

logger = logging.getLogger("cfsigned_django.rotation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Succession(Guarded):
    """The moves of a key pair that is to sign next."""

    def start(
        self, *, algorithm: KeyAlgorithm, now: datetime, reason: str = "", spare: bool = False
    ) -> KeyPair:
        """Generate the successor; return the one that is there already if there is one.

        A ``spare`` waits, TRUSTED, for somebody to start a rotation.
        """
        refuse_long(reason)
        if (under_way := self.successor()) is not None:
            if under_way.is_spare and not spare:
                self._take_spare(under_way, reason)
            return under_way
        if self.key_groups is not None:
            self.key_groups.check_room(self.key_group_id, self.key_group_quota)
        return self.create(
            PrivateKey.generate(algorithm),
            now=now,
            reason=reason,
            status=KeyStatus.PENDING,
            next_in=self.key_group_id,
            is_spare=spare,
        )

    def trust(self, key_pair: KeyPair, *, now: datetime, key_pair_id: str = "") -> None:
        """Make CloudFront know the key: PENDING -> TRUSTED.

        ``key_pair_id`` is what CloudFront gave to a person who created the
        public key by hand; left empty, it is created here. A person who gave a
        wrong one gives the right one afterwards, as long as the key has not
        been seen to work.
        """
        if key_pair_id and key_pair.status == KeyStatus.TRUSTED:
            self._correct_id(key_pair, key_pair_id, now)
            return
        self.require(key_pair, KeyStatus.TRUSTED, now)
        if key_pair_id:
            self._record_trust(key_pair, key_pair_id, now)
            return
        api = self.require_api()
        try:
            with self.claim(key_pair) as claim:
                key_pair_id = bring_in(
                    claim.before_each_call(api), key_pair, partial(self.note_id, key_pair)
                )
            self._record_trust(key_pair, key_pair_id, now)
        except Exception:
            self.reopen_removal(key_pair)
            raise

    def reopen_removal(self, key_pair: KeyPair) -> None:
        """Have what was just created removed again, where the key pair was revoked meanwhile.

        Once it is listed: who is removing it at this moment loses the claim,
        and nobody else begins before that claim's end.
        """
        with self.transaction():
            self.lock(key_pair)
            if key_pair.status == KeyStatus.REVOKED:
                # Read under the lock, so that it lies after the end of any claim there is.
                until = self.clock() + timedelta(seconds=self.claim_seconds) + SETTLE
                self.rows.filter(pk=key_pair.pk).update(removed_at=None, claimed_until=until)

    def check(self, key_pair: KeyPair, *, now: datetime) -> ProbeResult:
        """Probe a TRUSTED key, and record since when it works."""
        if self.is_missing(key_pair):
            # Edges may still know what someone took out of the group a moment ago.
            result = ProbeResult.UNKNOWN_KEY
        else:
            result = self.probe(key_pair.make_signer())
        if result.shows_known:
            self._record_good(key_pair, now)
        elif result.shows_unknown:
            self.write(self.rows.filter(pk=key_pair.pk, status=KeyStatus.TRUSTED), good_since=None)
        key_pair.refresh_from_db(using=self.rows.db, fields=["good_since"])
        return result

    def put_back(self, key_pair: KeyPair, *, now: datetime) -> bool:
        """Put a TRUSTED key into the group where someone took it out; tell whether it was out."""
        if self.key_groups is None or not self.is_missing(key_pair):
            return False
        with self.claim(key_pair) as claim:
            # Before it is put back: its waiting time begins anew whoever dies here.
            self.write(claim.rows, **newly_trusted(now))
            put_back_in(claim.before_each_call(self.key_groups), key_pair)
        claim.end()
        self.on_put_back(key_pair)
        return True

    def activate(self, key_pair: KeyPair, *, now: datetime) -> None:
        """Let the key sign, and the one before it no longer: TRUSTED -> ACTIVE."""
        self.require(key_pair, KeyStatus.ACTIVE, now)
        self.require_in_group(key_pair, now=now)
        with self.transaction():
            self.lock(key_pair)
            if key_pair.status != KeyStatus.TRUSTED:
                raise Claimed
            self.require(key_pair, KeyStatus.ACTIVE, now)
            former = self._switch_to(key_pair, now)
        self._after_switch(former)

    def require_in_group(self, key_pair: KeyPair, *, now: datetime) -> None:
        """Raise :exc:`RotationError` if someone took the key out of its group; put it back."""
        if self.put_back(key_pair, now=now):
            text = _(
                "Someone had taken %(key)s out of the key group. It is in it again, and its "
                "waiting time begins anew."
            )
            raise RotationError(text % {"key": key_pair})

    def _take_spare(self, key_pair: KeyPair, reason: str) -> None:
        """Make a spare the next key to sign, and record who wanted it and why."""
        fields = {"is_spare": False, "reason": reason, "changed_by": self.changed_by}
        self.write(self.rows.filter(pk=key_pair.pk, is_spare=True), **fields)
        key_pair.refresh_from_db(using=self.rows.db, fields=list(fields))

    def _has_no_id(self, key_pair: KeyPair, now: datetime) -> bool:
        """Tell whether CloudFront has no such key under any id; write down the id that it has.

        Only of a key that is to sign in haste, and that no probe has shown to
        work, or that was taken out since: it may have been deleted as well.
        """
        if self.key_groups is None or key_pair.status != KeyStatus.TRUSTED:
            return False
        if key_pair.good_since is not None and not self.is_missing(key_pair):
            return False
        found = find_id(self.key_groups, key_pair)
        if found in ("", str(key_pair)):
            return not found
        if self.rows.filter(key_pair_id=found).exists():
            return True  # another row has that id, by another slip
        logger.error("CloudFront has the key of %s under the id %s.", key_pair, found)
        self._correct_id(key_pair, found, now)
        return False

    def _record_good(self, key_pair: KeyPair, now: datetime) -> None:
        if key_pair.good_since is not None:
            return
        seen = key_pair.trusted_at
        with self.transaction():
            self.lock(key_pair)
            rows = self.rows.filter(pk=key_pair.pk, status=KeyStatus.TRUSTED, trusted_at=seen)
            # Read here, after what others recorded: a probe may take long.
            rows.filter(good_since=None).update(good_since=begin_of_wait_by(now, self.clock()))

    def note_id(self, key_pair: KeyPair, key_pair_id: str) -> None:
        """Write down the id of a public key; also of one that was revoked meanwhile."""
        # Else a person has given the id, which stays for them to correct.
        rows = self.rows.filter(pk=key_pair.pk, status__in=(KeyStatus.PENDING, KeyStatus.REVOKED))
        if key_pair.key_pair_id != key_pair_id:
            with self._unique_id(key_pair_id):
                self.write(rows, key_pair_id=key_pair_id)
            key_pair.key_pair_id = key_pair_id

    def _record_trust(self, key_pair: KeyPair, key_pair_id: str, now: datetime) -> None:
        with self._unique_id(key_pair_id), self.transaction():
            self.move(key_pair, KeyStatus.TRUSTED, key_pair_id=key_pair_id, **newly_trusted(now))

    def _correct_id(self, key_pair: KeyPair, key_pair_id: str, now: datetime) -> None:
        fields = {
            "key_pair_id": key_pair_id,
            "changed_by": self.changed_by,
            **newly_trusted(now),
        }
        with self._unique_id(key_pair_id), self.transaction():
            self.lock(key_pair)
            if key_pair.key_pair_id == key_pair_id:
                return
            if not may_correct_id(key_pair.state):
                text = _(
                    "%(key)s is known to CloudFront under its id, which cannot be changed any more."
                )
                raise RotationError(text % {"key": key_pair})
            # A probe that is under way looks at trusted_at, and does not count.
            self.rows.filter(pk=key_pair.pk).update(**fields)
            for name, value in fields.items():
                setattr(key_pair, name, value)
            self.on_move(key_pair)

    @contextmanager
    def _unique_id(self, key_pair_id: str) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            text = _("%(id)s is the id of another key pair.")
            raise RotationError(text % {"id": key_pair_id}) from None

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
            is_spare=False,
            active_in=self.key_group_id,
            active_at=now,
            retirement_seconds=self.waits.retirement,
        )
        return former

    def _after_switch(self, former: KeyPair | None) -> None:
        if former is not None:
            self.begin_retirement(former)
        keyring.forget()
