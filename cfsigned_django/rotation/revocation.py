"""Revoke a key: stop trusting it now, with every link that it signed."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import ImproperlyConfigured

from cfsigned_django import keyring
from cfsigned_django.aws.client import AwsError
from cfsigned_django.aws.key_groups import LAST_PUBLIC_KEY
from cfsigned_django.encryption import CannotUnseal
from cfsigned_django.rotation.key_group_api import KeyGroupsApi, take_out
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.record import Claimed, refuse_long
from cfsigned_django.rotation.succession import Succession
from cfsigned_django.signing import InvalidKey, KeyAlgorithm

logger = logging.getLogger("cfsigned_django.rotation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation(Succession):
    """The way out in an emergency, from any state but RETIRED."""

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
        anyway. Where CloudFront is changed by hand, no other key is made.

        Where an error is raised and the key pair is not REVOKED, it goes on
        signing. Else it signs no longer; the same again, or
        :meth:`finish_revocation`, does the rest.
        """
        refuse_long(reason)
        key_pair.refresh_from_db(using=self.rows.db)
        failure: AwsError | CannotUnseal | None = None
        for may_repeat in (True, True, False):
            if key_pair.status == KeyStatus.REVOKED:
                break
            failure = self.prepare_successor(key_pair, now, reason, algorithm)
            can_wait = failure is None and may_repeat
            self._record_revocation(key_pair, now, reason, can_wait=can_wait)
        if self.key_groups is None:
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
        if key_pair.removed_at is not None:
            return
        self.keep_active_in()
        if self.key_groups is None:
            rows = self.rows.filter(pk=key_pair.pk)
            is_over = self.write(rows, removed_at=now, claimed_until=None)
        else:
            with self.claim(key_pair) as claim:
                # Who was creating it until a moment ago may have written down its id.
                key_pair.refresh_from_db(using=self.rows.db, fields=["key_pair_id"])
                self.leave(claim.before_each_call(self.key_groups), key_pair, now, algorithm)
            # Not over if another process, delayed since before the revocation, has just created
            # the key.
            is_over = claim.end(removed_at=now)
        if not is_over:
            raise Claimed
        key_pair.removed_at = now

    def leave(
        self,
        api: KeyGroupsApi,
        key_pair: KeyPair,
        now: datetime,
        algorithm: KeyAlgorithm | None = None,
    ) -> None:
        """Take a key out of CloudFront; where it is the only one of its group, replace it first."""
        try:
            take_out(api, key_pair)
        except AwsError as error:
            if error.code != LAST_PUBLIC_KEY:
                raise
            self.replace_last(key_pair, now, algorithm)
            take_out(api, key_pair)

    def ready_successor(self) -> KeyPair | None:
        """Return the successor that can sign if the ACTIVE key is revoked now, if there is one."""
        successor = self.successor()
        if successor is None or successor.status != KeyStatus.TRUSTED:
            return None
        return successor if _opens(successor) else None

    def prepare_successor(
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
        self, key_pair: KeyPair, now: datetime, reason: str, *, can_wait: bool
    ) -> None:
        """Record it, unless a successor is to be prepared first and none is there (any more)."""
        former = None
        with self.transaction():
            self.lock(key_pair)
            self.require(key_pair, KeyStatus.REVOKED, now)
            was_active = key_pair.active_in is not None
            if was_active and can_wait and self.lacks_successor():
                return  # it began to sign, or the successor was revoked, a moment ago
            self.move(
                key_pair,
                KeyStatus.REVOKED,
                active_in=None,
                next_in=None,
                revoked_at=now,
                reason=reason,
                # It says what is to be taken out, once the private key is erased.
                public_key=key_pair.trustworthy_public_key,
                sealed_private_key="",
                # Who is adding it to CloudFront at this moment must be done before it is removed.
                claimed_until=key_pair.claimed_until,
            )
            successor = self.ready_successor() if was_active else None
            if successor is not None:
                former = self._switch_to(successor, now)
        self._after_switch(former)

    def lacks_successor(self) -> bool:
        """Tell whether there is no successor in the group, and this site can put one there."""
        if self.key_groups is None:
            return False
        successor = self.successor()
        return successor is None or successor.status == KeyStatus.PENDING

    def replace_last(
        self, key_pair: KeyPair, now: datetime, algorithm: KeyAlgorithm | None
    ) -> None:
        """Have another key in the group than this one, which is the only one there."""
        try:
            self._replace(key_pair, now, algorithm)
        except AwsError as error:
            raise AwsError(
                what=f"take {key_pair} out of CloudFront",
                reason="it is the only key of its key group, which must keep one, and no other "
                "could be put in",
                next_step=str(error),
                code=error.code,
                permission=error.permission,
                is_temporary=error.is_temporary,
            ) from error

    def _replace(self, key_pair: KeyPair, now: datetime, algorithm: KeyAlgorithm | None) -> None:
        """Let another key sign at once, if none does."""
        if self.active() is not None:
            return
        successor = self._bring_successor(key_pair, now, key_pair.reason, algorithm)
        with self.transaction():
            self.lock(successor)
            if self.active() is None:
                self._switch_to(successor, now)
        keyring.forget()

    def _bring_successor(
        self, key_pair: KeyPair, now: datetime, reason: str, algorithm: KeyAlgorithm | None
    ) -> KeyPair:
        """Return a successor that is in the key group; make one where there is none that opens."""
        useless = self.successor()
        if useless is not None and (_is_lost(useless) or self._has_no_id(useless, now)):
            # Out of CloudFront it goes later: nothing was signed with it that still could be.
            logger.error(
                "%s cannot be opened, or CloudFront does not have it: it is revoked to make room "
                "for another.",
                useless,
            )
            self._record_revocation(useless, now, reason, can_wait=False)
        successor = self.start(
            algorithm=algorithm or KeyAlgorithm(key_pair.algorithm), now=now, reason=reason
        )
        if successor.status == KeyStatus.PENDING:
            self.trust(successor, now=now)
        else:
            self.put_back(successor, now=now)
        return successor


def _opens(key_pair: KeyPair) -> bool:
    """Tell whether the settings can open the private key."""
    try:
        key_pair.open_private_key()
    except (CannotUnseal, ImproperlyConfigured, InvalidKey):
        return False
    return True


def _is_lost(key_pair: KeyPair) -> bool:
    """Tell whether no encryption key opens the private key, and each of them is one."""
    try:
        key_pair.open_private_key()
    except ImproperlyConfigured:
        return False  # Once the settings are corrected, it may open.
    except (CannotUnseal, InvalidKey):
        return True
    return False
