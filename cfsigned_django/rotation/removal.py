"""Remove a key from CloudFront: when its last URL has expired, or at once, because it leaked.

A step is recorded, taken and recorded as in rotation.py, and can be repeated
after a crash between any two lines.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _

from cfsigned_django.core import keyring
from cfsigned_django.core.aws.errors import AwsError
from cfsigned_django.core.aws.key_groups import LAST_PUBLIC_KEY, KeyGroups
from cfsigned_django.core.encryption import CannotDecrypt
from cfsigned_django.rotation import cloudfront
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair, KnownReason
from cfsigned_django.rotation.rotation import Rotation
from cfsigned_django.rotation.store import Claimed, RotationError, refuse_long
from cfsigned_django.signing import InvalidKey, KeyAlgorithm

logger: Final = logging.getLogger("cfsigned_django.rotation")


def ready_successor(rotation: Rotation) -> KeyPair | None:
    """Return the successor that can sign if the ACTIVE key is revoked now, or None.

    If this site does not call CloudFront, a probe must have been good: the
    person who entered the ID may have mistyped it.
    """
    successor = rotation.store.successor()
    if successor is None or successor.status != KeyStatus.TRUSTED:
        return None
    if rotation.key_groups is None and successor.verified_since is None:
        return None
    return None if successor.trust_problem else successor


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """One key pair leaves CloudFront, and another one signs if none does."""

    rotation: Rotation
    key_pair: KeyPair
    now: datetime
    #: Of a new key; None for that of the key pair.
    algorithm: KeyAlgorithm | None = None

    def retire(self) -> None:
        """Remove the key from CloudFront and erase its private half: RETIRING -> RETIRED.

        If it is the only key of its group, because the key that signed after it
        was revoked by hand, another is created first and signs at once.
        """
        rotation, key_pair = self.rotation, self.key_pair
        rotation.require(key_pair, KeyStatus.RETIRED, self.now)
        rotation.require_no_bypass(str(key_pair))
        if (api := rotation.key_groups) is not None:  # By hand, a person has removed it.
            self._restore_active()
            with rotation.store.claim(key_pair) as claim:
                self._leave(claim.before_each_call(api))
        with rotation.store.transaction():
            rotation.store.move(
                key_pair,
                KeyStatus.RETIRED,
                retired_at=self.now,
                removed_at=self.now,
                encrypted_private_key="",
            )

    def revoke(self, reason: str) -> None:
        """Stop trusting the key and every link signed with it now.

        From then on, another key signs: the successor that CloudFront trusts,
        else a new one. The new key does not wait: edges that do not know it yet
        may refuse its links, but the revoked key's links are refused anyway. A
        successor whose private key is lost is revoked as well, to make room. If
        CloudFront is changed by hand, no key is created, and only a successor
        that a probe has shown to work takes over.

        If an error is raised and the key pair is not REVOKED, it still signs.
        Otherwise it no longer signs, and calling this again, or :meth:`finish`,
        does the rest.
        """
        refuse_long(reason)
        key_pair = self.key_pair
        key_pair.refresh_from_db(using=self.rotation.store.rows.db)
        failure: AwsError | CannotDecrypt | None = None
        tries = 0
        while key_pair.status != KeyStatus.REVOKED:
            failure = self._prepare_successor()
            tries += 1
            # Another process may revoke the successor before this revocation is recorded. Another
            # successor is then prepared. After the third time, the key is revoked without one.
            is_last = failure is not None or tries == 3
            self._record_revocation(reason, even_without_successor=is_last)
        if self.rotation.by_hand:
            return  # A person removes it, and confirms that afterwards.
        self.finish()
        if failure is not None or key_pair.active_at is not None:
            # There may be room for another key now that this one is removed, or the successor
            # may have been revoked meanwhile.
            self._replace()

    def finish(self) -> None:
        """Remove a revoked key from CloudFront, even if the process that revoked it has died.

        A key group keeps at least one key: if this is the only one, another is
        created first and signs at once.
        """
        key_pair, store = self.key_pair, self.rotation.store
        if key_pair.status != KeyStatus.REVOKED:
            text = _(
                "%(key)s is %(status)s, not REVOKED: it stays in CloudFront. If it leaked, revoke "
                "it first."
            )
            raise RotationError(text % {"key": key_pair, "status": key_pair.status.upper()})
        if key_pair.removed_at is not None:
            return
        self._restore_active()
        if (api := self.rotation.key_groups) is None:  # A person has removed it.
            rows = store.rows.filter(pk=key_pair.pk, status=KeyStatus.REVOKED)
            is_over = store.write(rows, removed_at=self.now, claimed_until=None)
        else:
            with store.claim(key_pair) as claim:
                # The process that was creating it a moment ago may have recorded its ID.
                key_pair.refresh_from_db(using=store.rows.db, fields=["key_pair_id"])
                self._leave(claim.before_each_call(api))
            # The removal is not over if another process, delayed since before the revocation, has
            # just created the key.
            is_over = claim.end(removed_at=self.now)
        if not is_over:
            raise Claimed
        key_pair.removed_at = self.now

    def _leave(self, api: KeyGroups) -> None:
        """Remove the key from CloudFront; if it is the only one of its group, replace it first."""
        try:
            cloudfront.remove_from_cloudfront(api, self.key_pair)
        except AwsError as error:
            if error.code != LAST_PUBLIC_KEY:
                raise
            self._replace_last()
            cloudfront.remove_from_cloudfront(api, self.key_pair)

    def _restore_active(self) -> None:
        """Restore the ACTIVE key to the group: it may have begun to sign in haste, unchecked."""
        active = self.rotation.store.active()
        if active is None:
            return
        try:
            self.rotation.restore_missing([active], now=self.now)
        except CannotDecrypt as error:
            logger.error("%s is not added to the key group again. %s", active, error)
        except AwsError as error:
            if error.code not in (cloudfront.DELETED, cloudfront.OTHER_KEY):
                raise  # A lost key must not keep another key from leaving.

    # Before the revocation is recorded

    def _prepare_successor(self) -> AwsError | CannotDecrypt | None:
        """Add a successor to the group before the signing key stops signing.

        Return the error if there is none and waiting would not help. Raise a
        temporary error: until it has passed, working links are better than none.
        """
        if self.rotation.key_groups is None or self.key_pair.active_in is None:
            return None
        try:
            self._bring_successor(KnownReason.replaces(self.key_pair))
        except AwsError as error:
            if error.is_temporary:
                raise
            failure: AwsError | CannotDecrypt = error
        except CannotDecrypt as error:
            failure = error
        else:
            return None
        logger.error("No other key can sign instead of %s yet. %s", self.key_pair, failure)
        return failure

    def _record_revocation(self, reason: str, *, even_without_successor: bool) -> None:
        """Record the revocation, unless a successor must be prepared first and there is none."""
        rotation, key_pair, former = self.rotation, self.key_pair, None
        with rotation.store.transaction():
            rotation.store.lock(key_pair)
            if key_pair.status == KeyStatus.REVOKED:
                return  # Another process has just recorded it.
            rotation.require(key_pair, KeyStatus.REVOKED, self.now)
            was_active = key_pair.active_in is not None
            if was_active and not even_without_successor and self._lacks_successor():
                return  # The key was activated, or the successor was revoked, a moment ago.
            rotation.move_to_revoked(key_pair, self.now, reason)
            successor = ready_successor(rotation) if was_active else None
            if successor is not None:
                reason = KnownReason.replaces(key_pair)
                former = rotation.switch_to(successor, self.now, reason=reason)
        rotation.after_switch(former)

    def _lacks_successor(self) -> bool:
        """Return whether the group has no successor, and this site can add one."""
        if self.rotation.key_groups is None:
            return False
        successor = self.rotation.store.successor()
        return successor is None or successor.status == KeyStatus.PENDING

    # Another key

    def _replace_last(self) -> None:
        """Add another key to a group of which this is the only key."""
        try:
            self._replace()
        except AwsError as error:
            raise cloudfront.could_not_replace(self.key_pair, error) from error

    def _replace(self) -> None:
        """Make another key sign at once, if none signs."""
        store = self.rotation.store
        if store.active() is not None:
            return
        # The key that leaves may be RETIRING: the one that signed after it was revoked by hand.
        is_revoked = self.key_pair.status == KeyStatus.REVOKED
        reason = KnownReason.replaces(self.key_pair) if is_revoked else KnownReason.LAST_OF_GROUP
        successor = self._bring_successor(reason)
        if successor is None:
            return
        with store.transaction():
            store.lock(successor)
            if store.active() is None:
                self.rotation.switch_to(successor, self.now, reason=reason)
        keyring.forget()

    def _bring_successor(self, reason: str) -> KeyPair | None:
        """Return a successor that is in the key group; create one if none can be used.

        One that may sign is used, whichever encryption key encrypted it. Return None if another
        process has made another key sign meanwhile.
        """
        rotation, now = self.rotation, self.now
        useless = rotation.store.successor()
        try:
            if useless is not None and (_is_lost(useless) or self._is_unknown(useless)):
                logger.error(
                    "%s cannot begin to sign, or CloudFront does not have it: it is revoked to "
                    "make room for another key.",
                    useless,
                )
                rotation.give_up(useless, now, KnownReason.UNUSABLE)
            successor = rotation.next_key(
                algorithm=self.algorithm or KeyAlgorithm(self.key_pair.algorithm),
                now=now,
                reason=reason,
                instead_of=self.key_pair,
            )
        except Claimed:
            if rotation.store.active() in (None, self.key_pair):
                raise
            return None
        if successor.status == KeyStatus.PENDING:
            rotation.trust(successor, now=now)
        else:
            rotation.restore_missing([successor], now=now)
        return successor

    def _is_unknown(self, key_pair: KeyPair) -> bool:
        """Return whether CloudFront does not have a TRUSTED key under its ID.

        A person may have mistyped the ID, or deleted the key. CloudFront is
        asked only before a key signs in an emergency, and not if a probe has
        shown that the key works and it is still in its group.
        """
        key_groups = self.rotation.key_groups
        if key_groups is None or key_pair.status != KeyStatus.TRUSTED:
            return False
        if key_pair.verified_since is not None:
            members = key_groups.members(self.rotation.key_group_id)
            if str(key_pair) in members:
                return False
        return not cloudfront.is_in_cloudfront(key_groups, key_pair)


def _is_lost(key_pair: KeyPair) -> bool:
    """Return whether the private key may not begin to sign, although the settings are valid."""
    try:
        key_pair.trustworthy().load()
    except ImproperlyConfigured:
        return False  # It may be decrypted once the settings are corrected.
    except (CannotDecrypt, InvalidKey):
        return True
    return False
