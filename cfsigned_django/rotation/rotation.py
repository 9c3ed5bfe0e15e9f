"""Rotate the signing keys of a key group: the shell around lifecycle.py.

Each step records what is intended, calls CloudFront, and records what was
done, in that order. Each can be repeated, by this process or another one,
after a crash between any two lines. A step that calls CloudFront is claimed
first, so that two machines do not do it at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Self

from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError
from django.utils.translation import gettext as _, gettext_noop

from cfsigned_django import keyring
from cfsigned_django.aws.errors import AwsError
from cfsigned_django.aws.key_groups import KEYS_PER_GROUP, LAST_PUBLIC_KEY, KeyGroups
from cfsigned_django.encryption import CannotUnseal
from cfsigned_django.rotation.cloudfront import (
    DELETED,
    is_in_cloudfront,
    is_missing_in,
    register_in_cloudfront,
    remove_from_cloudfront,
    restore_to_group,
)
from cfsigned_django.rotation.errors import (
    Blocked,
    Claimed,
    ProbeFailed,
    Restored,
    RotationError,
    Unanswered,
)
from cfsigned_django.rotation.lifecycle import (
    Blocker,
    KeyStatus,
    Waits,
    begin_of_wait_by,
    end_of_wait_by,
    find_blockers,
    may_correct_id,
    newly_trusted,
    retirement_wait,
)
from cfsigned_django.rotation.models import KeyPair, KnownReason
from cfsigned_django.rotation.probe import ProbeResult
from cfsigned_django.rotation.settings_key import ConfiguredKey, why_not_imported
from cfsigned_django.rotation.store import SETTLE, KeyPairStore, refuse_long
from cfsigned_django.signing import InvalidKey, KeyAlgorithm, PrivateKey, Signer

logger = logging.getLogger("cfsigned_django.rotation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """Rotate one key group: what a key pair goes through, from import or start to its end."""

    store: KeyPairStore
    waits: Waits
    #: The calls to CloudFront; None if this object makes none.
    key_groups: KeyGroups | None
    #: Sends one request through CloudFront that is signed with a key.
    probe: Callable[[Signer], ProbeResult]
    #: Returns the names of the storages that sign with the key of this id and
    #: do not ask which key pair is ACTIVE.
    bypasses_rotation: Callable[[str], list[str]] = lambda key_pair_id: []
    #: Returns the keys of the settings with which storages sign while no key pair is ACTIVE:
    #: mostly one, or none.
    settings_keys: Callable[[], list[ConfiguredKey]] = list
    #: Called after a key was restored to its group, from which someone had taken it.
    on_restore: Callable[[KeyPair], None] = lambda key_pair: None
    #: Whether a person changes CloudFront, and not this site.
    by_hand: bool = False
    #: How many public keys a key group may hold.
    key_group_quota: int = KEYS_PER_GROUP

    @property
    def key_group_id(self) -> str:
        """Return the id of the key group."""
        return self.store.key_group_id

    def of_group(self, key_group_id: str) -> Self:
        """Return the same rotation of another key group."""
        return replace(self, store=replace(self.store, key_group_id=key_group_id))

    # What may happen, and when

    def blockers(self, key_pair: KeyPair, to: KeyStatus, now: datetime) -> list[Blocker]:
        """Return what keeps a key pair from a move."""
        return find_blockers(key_pair.state, to, now=int(now.timestamp()), waits=self.waits)

    def _require(self, key_pair: KeyPair, to: KeyStatus, now: datetime) -> None:
        """Raise :exc:`Blocked` if the move is forbidden by ``now`` or by the database's clock."""
        if found := self.blockers(key_pair, to, end_of_wait_by(now, self.store.clock())):
            raise Blocked(key_pair, to, found)

    def link_lifetime(self, key_pair: KeyPair) -> int:
        """Return how many seconds a link may live that the key has signed.

        Settings that were lowered since it began to sign shorten no link that is out.
        """
        return self.waits.url_lifetime + max(0, key_pair.retirement_seconds - self.waits.retirement)

    def links_end(self, key_pair: KeyPair) -> datetime | None:
        """Return when the last link expires of a key that stopped to sign; None if it did not."""
        if key_pair.retiring_at is None:
            return None
        wait = retirement_wait(key_pair.state, self.waits)
        return key_pair.retiring_at + timedelta(seconds=wait)

    def catch_up(self, key_pairs: Collection[KeyPair]) -> None:
        """Record what can wait for no step: since when keys are RETIRING, and how long URLs live.

        Each makes a key stay longer, and never leave sooner.
        """
        self.store.date_retirements(key_pairs)
        self.remember_waits(key_pairs)

    def remember_waits(self, key_pairs: Iterable[KeyPair]) -> None:
        """Record how long the URLs may live that these keys signed under these settings.

        The ACTIVE key signs under them, and a RETIRING one may have done so:
        that the settings allow more is perhaps seen only now.
        """
        signing = (KeyStatus.ACTIVE, KeyStatus.RETIRING)
        longest = self.waits.retirement
        if any(each.status in signing and each.retirement_seconds < longest for each in key_pairs):
            shorter = self.store.rows.filter(
                key_group_id=self.key_group_id, status__in=signing, retirement_seconds__lt=longest
            )
            self.store.write(shorter, retirement_seconds=longest)

    def find_bypass(self, key_pair_id: str) -> str:
        """Say which storage would go on signing with the key whatever becomes of it here.

        Empty if there is none.
        """
        if not (names := self.bypasses_rotation(key_pair_id)):
            return ""
        text = _(
            "%(storage)s signs with %(key)s, and would go on when another key signs for %(group)s: "
            "its links would be refused. Set its key_group_id to that key group and hand no signer "
            "in, or give it a key of its own."
        )
        values = {"storage": ", ".join(names), "key": key_pair_id, "group": self.key_group_id}
        return text % values

    def _require_no_bypass(self, key_pair_id: str) -> None:
        """Raise :exc:`RotationError` where a storage would go on signing with the key."""
        keyring.forget()  # What another process has changed counts before a move.
        if problem := self.find_bypass(key_pair_id):
            raise RotationError(problem)

    def _require_api(self) -> KeyGroups:
        """Return the calls to CloudFront. Raise :exc:`RotationError` if there are none."""
        if self.key_groups is None:
            raise RotationError(
                _(
                    "This site may not change CloudFront: create the public key there by hand, "
                    "and give the id (K...) that CloudFront shows."
                )
            )
        return self.key_groups

    # Import, start, trust

    def import_key(self, private_key: PrivateKey, key_pair_id: str, *, now: datetime) -> KeyPair:
        """Take over a key that signs already, the one of the settings, as ACTIVE."""
        if (there := self.check_import(key_pair_id)) is not None:
            return there
        signer = Signer(key_pair_id=key_pair_id, private_key=private_key)
        if self.probe(signer) is ProbeResult.WRONG_KEY:
            text = _(
                "CloudFront has another public key under %(id)s, so every link that is signed now "
                "is refused. Set AWS_CLOUDFRONT_KEY and AWS_CLOUDFRONT_KEY_ID to a pair that "
                "belongs together, then import it."
            )
            raise RotationError(text % {"id": key_pair_id})
        return self.store.create(
            private_key,
            now=now,
            reason=KnownReason.IMPORTED,
            status=KeyStatus.ACTIVE,
            key_pair_id=key_pair_id,
            active_in=self.key_group_id,
            active_at=now,
            retirement_seconds=self.waits.retirement,
        )

    def check_import(self, key_pair_id: str) -> KeyPair | None:
        """Return the row of the key if it was imported before.

        Raise :exc:`RotationError` where it cannot be, as far as that shows without a probe.
        """
        active = self.store.active()
        if active is not None and active.key_pair_id == key_pair_id:
            return active
        if reason := why_not_imported(key_pair_id):
            raise RotationError(reason)
        if active is not None:
            raise RotationError(
                _(
                    "The key group has an ACTIVE key pair already, which signs in the place of "
                    "the settings' key: there is nothing to import."
                )
            )
        known = self.store.rows.filter(key_pair_id=key_pair_id).first()
        if known is not None:
            text = _(
                "%(id)s is in the database already, as %(status)s of key group %(group)s: it "
                "cannot be imported again."
            )
            names = {"status": known.status.upper(), "group": known.key_group_id}
            raise RotationError(text % {"id": key_pair_id, **names})
        self._require_no_bypass(key_pair_id)
        return None

    def start(
        self, *, algorithm: KeyAlgorithm, now: datetime, reason: str = "", spare: bool = False
    ) -> KeyPair:
        """Generate the successor; return the one that is there already if there is one.

        A ``spare`` waits, TRUSTED, for somebody to start a rotation.
        """
        refuse_long(reason)
        if (under_way := self.store.successor()) is not None:
            if under_way.is_spare and not spare:
                self._take_spare(under_way, reason)
            return under_way
        if self.key_groups is not None:
            self.key_groups.check_room(self.key_group_id, self.key_group_quota)
        return self.store.create(
            PrivateKey.generate(algorithm),
            now=now,
            reason=reason,
            status=KeyStatus.PENDING,
            next_in=self.key_group_id,
            is_spare=spare,
        )

    def _take_spare(self, key_pair: KeyPair, reason: str) -> None:
        """Make a spare the next key to sign, and record who wanted it and why."""
        fields = {"is_spare": False, "reason": reason, "changed_by": self.store.changed_by}
        self.store.write(self.store.rows.filter(pk=key_pair.pk, is_spare=True), **fields)
        key_pair.refresh_from_db(using=self.store.rows.db, fields=list(fields))

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
        self._require(key_pair, KeyStatus.TRUSTED, now)
        if key_pair_id:
            self._record_trust(key_pair, key_pair_id, now)
            return
        api = self._require_api()
        try:
            with self.store.claim(key_pair) as claim:
                key_pair_id = register_in_cloudfront(
                    claim.before_each_call(api), key_pair, partial(self._note_id, key_pair)
                )
            self._record_trust(key_pair, key_pair_id, now)
        except Exception:
            self._reopen_removal(key_pair)
            raise

    def _note_id(self, key_pair: KeyPair, key_pair_id: str) -> None:
        """Write down the id of a public key; also of one that was revoked meanwhile."""
        # Else a person has given the id, which stays for them to correct.
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
                key_pair, KeyStatus.TRUSTED, key_pair_id=key_pair_id, **newly_trusted(now)
            )

    def _correct_id(self, key_pair: KeyPair, key_pair_id: str, now: datetime) -> None:
        fields = {
            "key_pair_id": key_pair_id,
            "changed_by": self.store.changed_by,
            **newly_trusted(now),
        }
        with self._unique_id(key_pair_id), self.store.transaction():
            self.store.lock(key_pair)
            if key_pair.key_pair_id == key_pair_id:
                return
            if not may_correct_id(key_pair.state):
                text = _(
                    "%(key)s is known to CloudFront under its id, which cannot be changed any more."
                )
                raise RotationError(text % {"key": key_pair})
            # A probe that is under way looks at trusted_at, and does not count.
            self.store.rows.filter(pk=key_pair.pk).update(**fields)
            for name, value in fields.items():
                setattr(key_pair, name, value)
            self.store.on_move(key_pair)

    @contextmanager
    def _unique_id(self, key_pair_id: str) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            text = _("%(id)s is the id of another key pair.")
            raise RotationError(text % {"id": key_pair_id}) from None

    def _reopen_removal(self, key_pair: KeyPair) -> None:
        """Have what was just created removed again, where the key pair was revoked meanwhile.

        Once it is listed: who is removing it at this moment loses the claim,
        and nobody else begins before that claim's end.
        """
        with self.store.transaction():
            self.store.lock(key_pair)
            if key_pair.status == KeyStatus.REVOKED:
                # Read under the lock, so that it lies after the end of any claim there is.
                until = self.store.clock() + timedelta(seconds=self.store.claim_seconds) + SETTLE
                self.store.rows.filter(pk=key_pair.pk).update(removed_at=None, claimed_until=until)

    # Activate

    def check(self, key_pair: KeyPair, *, now: datetime) -> ProbeResult:
        """Look whether a TRUSTED key is in its group, then probe it.

        A key that someone took out of its group is restored and counts as
        unknown: edges may still know it from before.
        """
        if self.restore_missing([key_pair], now=now):
            return ProbeResult.UNKNOWN_KEY
        return self.record_probe(key_pair, now=now)

    def record_probe(self, key_pair: KeyPair, *, now: datetime) -> ProbeResult:
        """Probe a TRUSTED key, and record since when it works; the caller looks at the group."""
        result = self.probe(key_pair.make_signer())
        if result.shows_known:
            self._record_verified(key_pair, now)
        elif result.shows_unknown:
            self.store.write(
                self.store.rows.filter(pk=key_pair.pk, status=KeyStatus.TRUSTED),
                verified_since=None,
            )
        key_pair.refresh_from_db(using=self.store.rows.db, fields=["verified_since"])
        return result

    def _record_verified(self, key_pair: KeyPair, now: datetime) -> None:
        if key_pair.verified_since is not None:
            return
        seen = key_pair.trusted_at
        with self.store.transaction():
            self.store.lock(key_pair)
            rows = self.store.rows.filter(pk=key_pair.pk, status=KeyStatus.TRUSTED, trusted_at=seen)
            # Read here, after what others recorded: a probe may take long.
            rows.filter(verified_since=None).update(
                verified_since=begin_of_wait_by(now, self.store.clock())
            )

    def activate(self, key_pair: KeyPair, *, now: datetime) -> KeyPair | None:
        """Let the key sign, and the one before it no longer: TRUSTED -> ACTIVE.

        The key must have been known at every edge for long enough, and a last
        probe must be answered well. Return the key that signed before.
        """
        if key_pair.status != KeyStatus.TRUSTED:
            self._require(key_pair, KeyStatus.ACTIVE, now)
        # One look at the group: before a probe that may begin the wait, after one that ends it.
        if self.blockers(key_pair, KeyStatus.ACTIVE, now):
            result = self.check(key_pair, now=now)
        else:
            result = self.record_probe(key_pair, now=now)
            if not result.needs_a_person:
                self._require_in_group(key_pair, now=now)
        if result.needs_a_person:
            raise ProbeFailed(key_pair, result)
        self._require(key_pair, KeyStatus.ACTIVE, now)
        if result is ProbeResult.NO_ANSWER:
            raise Unanswered(key_pair)
        with self.store.transaction():
            self.store.lock(key_pair)
            if key_pair.status != KeyStatus.TRUSTED:
                raise Claimed
            self._require(key_pair, KeyStatus.ACTIVE, now)
            former = self._switch_to(key_pair, now)
        self._after_switch(former)
        return former

    def _require_in_group(self, key_pair: KeyPair, *, now: datetime) -> None:
        """Raise :exc:`Restored` if someone took the key out of its group; restore it."""
        if self.restore_missing([key_pair], now=now):
            raise Restored(key_pair)

    def restore_missing(self, key_pairs: Iterable[KeyPair], *, now: datetime) -> list[KeyPair]:
        """Put the keys back into the group from which someone took them; return those.

        These are the keys whose links are out, and those that are to sign next.
        One look at the group tells which are missing. Raise :exc:`AwsError` if
        one of them cannot be restored, after the others were.
        """
        needed = [each for each in key_pairs if self._belongs_in_group(each, now)]
        if self.key_groups is None or not needed:
            return []
        members = self.key_groups.members(self.key_group_id)
        missing = [each for each in needed if is_missing_in(members, each)]
        failure: AwsError | None = None
        for key_pair in missing:
            try:
                self._restore(self.key_groups, key_pair, now)
            except AwsError as error:
                if error.is_temporary:
                    raise
                failure = failure or error  # the links of the others work again all the same
        if failure is not None:
            raise failure
        return missing

    def _restore(self, key_groups: KeyGroups, key_pair: KeyPair, now: datetime) -> None:
        with self.store.claim(key_pair) as claim:
            if key_pair.status == KeyStatus.TRUSTED:
                # Before it is put back: its waiting time begins anew whoever dies here.
                self.store.write(claim.rows, **newly_trusted(now))
            restore_to_group(claim.before_each_call(key_groups), key_pair)
        claim.end()
        self.on_restore(key_pair)
        if key_pair.status != KeyStatus.TRUSTED:
            logger.error(
                "%s was not in the key group %s, and CloudFront refused its links. It is in it "
                "again.",
                key_pair,
                self.key_group_id,
            )

    def _belongs_in_group(self, key_pair: KeyPair, now: datetime) -> bool:
        match KeyStatus(key_pair.status):
            case KeyStatus.TRUSTED | KeyStatus.ACTIVE:
                return True
            case KeyStatus.RETIRING:
                return bool(self.blockers(key_pair, KeyStatus.RETIRED, now))
            case _other:
                return False

    def _restore_active(self, now: datetime) -> None:
        """Put the ACTIVE key into the group: it may sign in haste, with no look before."""
        active = self.store.active()
        if active is None:
            return
        try:
            self.restore_missing([active], now=now)
        except AwsError as error:
            if error.code != DELETED:
                raise  # else it is lost, and another key may leave all the same

    def _switch_to(self, key_pair: KeyPair, now: datetime) -> KeyPair | None:
        """Make a key the ACTIVE one, inside a transaction; return the one before it."""
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
            is_spare=False,
            active_in=self.key_group_id,
            active_at=now,
            retirement_seconds=self.waits.retirement,
        )
        return former

    def _after_switch(self, former: KeyPair | None) -> None:
        if former is not None:
            self.store.begin_retirement(former)
        keyring.forget()

    # Retire

    def retire(self, key_pair: KeyPair, *, now: datetime) -> None:
        """Take a key out of CloudFront and erase its private half: RETIRING -> RETIRED.

        Where it is the only one of its group, since what signed after it was
        revoked by hand, another is made first, and signs at once.
        """
        self._require(key_pair, KeyStatus.RETIRED, now)
        self._require_no_bypass(str(key_pair))
        if not self.by_hand:  # else a person has done it
            api = self._require_api()
            self._restore_active(now)
            with self.store.claim(key_pair) as claim:
                self._leave(claim.before_each_call(api), key_pair, now)
        with self.store.transaction():
            self.store.move(
                key_pair,
                KeyStatus.RETIRED,
                retired_at=now,
                removed_at=now,
                encrypted_private_key="",
            )

    def _leave(
        self,
        api: KeyGroups,
        key_pair: KeyPair,
        now: datetime,
        algorithm: KeyAlgorithm | None = None,
    ) -> None:
        """Take a key out of CloudFront; where it is the only one of its group, replace it first."""
        try:
            remove_from_cloudfront(api, key_pair)
        except AwsError as error:
            if error.code != LAST_PUBLIC_KEY:
                raise
            self._replace_last(key_pair, now, algorithm)
            remove_from_cloudfront(api, key_pair)

    # Revoke

    def revoke(
        self,
        key_pair: KeyPair,
        *,
        now: datetime,
        reason: str,
        algorithm: KeyAlgorithm | None = None,
    ) -> None:
        """Stop trusting a key now, with all the links that it signed.

        Another one signs from then on: the successor that CloudFront trusts,
        else one that is made first, with ``algorithm`` or that of the revoked
        key. A successor whose private key is lost is revoked as well: it would
        stand in the way. The new one does not wait: its links may be refused
        where CloudFront does not know it yet, the revoked key's are refused
        anyway. Where CloudFront is changed by hand, no other key is made, and only
        a successor that a probe has shown to work takes over.

        Where an error is raised and the key pair is not REVOKED, it goes on
        signing. Else it signs no longer; the same again, or
        :meth:`finish_revocation`, does the rest.
        """
        refuse_long(reason)
        key_pair.refresh_from_db(using=self.store.rows.db)
        failure: AwsError | CannotUnseal | None = None
        tries = 0
        while key_pair.status != KeyStatus.REVOKED:
            failure = self._prepare_successor(key_pair, now, reason, algorithm)
            tries += 1
            # Another process may take the successor away before the revocation is recorded: then
            # one is prepared again. The third time, the key is revoked all the same.
            is_last = failure is not None or tries == 3
            self._record_revocation(key_pair, now, reason, even_without_successor=is_last)
        if self.by_hand:
            return  # A person does it, and says so afterwards.
        self.finish_revocation(key_pair, now=now, algorithm=algorithm)
        if failure is not None or key_pair.active_at is not None:
            # There may be room for another key now that this one is out; or somebody has revoked
            # the successor in between.
            self._replace(key_pair, now, algorithm)

    def finish_revocation(
        self, key_pair: KeyPair, *, now: datetime, algorithm: KeyAlgorithm | None = None
    ) -> None:
        """Take a revoked key out of CloudFront, also for a process that died before it could.

        A key group keeps at least one key: where this is the only one, another
        is made first, and signs at once.
        """
        if key_pair.status != KeyStatus.REVOKED:
            text = _("%(key)s is %(status)s, and not revoked: it stays in CloudFront.")
            raise RotationError(text % {"key": key_pair, "status": key_pair.status.upper()})
        if key_pair.removed_at is not None:
            return
        self._restore_active(now)
        if self.by_hand:  # a person has done it
            rows = self.store.rows.filter(pk=key_pair.pk, status=KeyStatus.REVOKED)
            is_over = self.store.write(rows, removed_at=now, claimed_until=None)
        else:
            api = self._require_api()
            with self.store.claim(key_pair) as claim:
                # Who was creating it until a moment ago may have written down its id.
                key_pair.refresh_from_db(using=self.store.rows.db, fields=["key_pair_id"])
                self._leave(claim.before_each_call(api), key_pair, now, algorithm)
            # Not over if another process, delayed since before the revocation, has just created
            # the key.
            is_over = claim.end(removed_at=now)
        if not is_over:
            raise Claimed
        key_pair.removed_at = now

    def ready_successor(self) -> KeyPair | None:
        """Return the successor that can sign if the ACTIVE key is revoked now, if there is one.

        Where this site does not look into CloudFront, a probe must have been
        good: the person who gave the id may have mistyped it.
        """
        successor = self.store.successor()
        if successor is None or successor.status != KeyStatus.TRUSTED:
            return None
        if self.key_groups is None and successor.verified_since is None:
            return None
        return successor if successor.opens else None

    def _prepare_successor(
        self, key_pair: KeyPair, now: datetime, reason: str, algorithm: KeyAlgorithm | None
    ) -> AwsError | CannotUnseal | None:
        """Have a successor trusted before the signing key stops to sign.

        Return why there is none where waiting would not help; raise what will
        pass, since links that work are better than none until then.
        """
        if self.key_groups is None or key_pair.active_in is None:
            return None
        try:
            self._bring_successor(key_pair, now, reason, algorithm)
        except AwsError as error:
            if error.is_temporary:
                raise
            failure: AwsError | CannotUnseal = error
        except CannotUnseal as error:
            failure = error
        else:
            return None
        logger.error("No key can sign in the place of %s yet. %s", key_pair, failure)
        return failure

    def _record_revocation(
        self, key_pair: KeyPair, now: datetime, reason: str, *, even_without_successor: bool
    ) -> None:
        """Record it, unless a successor is to be prepared first and none is there (any more)."""
        former = None
        with self.store.transaction():
            self.store.lock(key_pair)
            self._require(key_pair, KeyStatus.REVOKED, now)
            was_active = key_pair.active_in is not None
            if was_active and not even_without_successor and self._lacks_successor():
                return  # it began to sign, or the successor was revoked, a moment ago
            self.store.move(
                key_pair,
                KeyStatus.REVOKED,
                active_in=None,
                next_in=None,
                revoked_at=now,
                reason=reason,
                # It says what is to be taken out, once the private key is erased.
                public_key=key_pair.trustworthy_public_key,
                encrypted_private_key="",
                # Who is adding it to CloudFront at this moment must be done before it is removed.
                claimed_until=key_pair.claimed_until,
            )
            successor = self.ready_successor() if was_active else None
            if successor is not None:
                former = self._switch_to(successor, now)
        self._after_switch(former)

    def _lacks_successor(self) -> bool:
        """Tell whether there is no successor in the group, and this site can put one there."""
        if self.key_groups is None:
            return False
        successor = self.store.successor()
        return successor is None or successor.status == KeyStatus.PENDING

    def _replace_last(
        self, key_pair: KeyPair, now: datetime, algorithm: KeyAlgorithm | None
    ) -> None:
        """Have another key in the group than this one, which is the only one there."""
        try:
            self._replace(key_pair, now, algorithm)
        except AwsError as error:
            raise AwsError(
                what=f"take {key_pair} out of CloudFront",
                reason=gettext_noop(
                    "it is the only key of its key group, which must keep one, and no other could "
                    "be put in"
                ),
                next_step=str(error),
                code=error.code,
                permission=error.permission,
                is_temporary=error.is_temporary,
            ) from error

    def _replace(self, key_pair: KeyPair, now: datetime, algorithm: KeyAlgorithm | None) -> None:
        """Let another key sign at once, if none does."""
        if self.store.active() is not None:
            return
        successor = self._bring_successor(key_pair, now, key_pair.reason, algorithm)
        with self.store.transaction():
            self.store.lock(successor)
            if self.store.active() is None:
                self._switch_to(successor, now)
        keyring.forget()

    def _bring_successor(
        self, key_pair: KeyPair, now: datetime, reason: str, algorithm: KeyAlgorithm | None
    ) -> KeyPair:
        """Return a successor that is in the key group; make one where there is none that opens."""
        useless = self.store.successor()
        if useless is not None and (_is_lost(useless) or self._is_unknown(useless)):
            # Out of CloudFront it goes later: nothing was signed with it that still could be.
            logger.error(
                "%s cannot be opened, or CloudFront does not have it: it is revoked to make room "
                "for another.",
                useless,
            )
            self._record_revocation(useless, now, reason, even_without_successor=True)
        successor = self.start(
            algorithm=algorithm or KeyAlgorithm(key_pair.algorithm), now=now, reason=reason
        )
        if successor.status == KeyStatus.PENDING:
            self.trust(successor, now=now)
        else:
            self.restore_missing([successor], now=now)
        return successor

    def _is_unknown(self, key_pair: KeyPair) -> bool:
        """Return whether CloudFront does not have a TRUSTED key under its ID.

        A person may have mistyped the ID, or deleted the key. This is asked
        only before a key signs in haste, and not if a probe has shown that the
        key works and it is still in its group.
        """
        if self.key_groups is None or key_pair.status != KeyStatus.TRUSTED:
            return False
        if key_pair.verified_since is not None:
            members = self.key_groups.members(self.key_group_id)
            if not is_missing_in(members, key_pair):
                return False
        return not is_in_cloudfront(self.key_groups, key_pair)


def _is_lost(key_pair: KeyPair) -> bool:
    """Tell whether no encryption key opens the private key, and each of them is one."""
    try:
        key_pair.open_private_key()
    except ImproperlyConfigured:
        return False  # Once the settings are corrected, it may open.
    except (CannotUnseal, InvalidKey):
        return True
    return False
