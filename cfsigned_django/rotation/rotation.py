"""Rotate the signing keys of a key group: the shell round lifecycle.py.

Each step records what is intended, calls CloudFront, and records what was
done, in that order; each can be repeated, by this process or another one,
after a crash between any two lines. A step that calls CloudFront is claimed
first, so that two machines do not do it at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from cfsigned_django.aws.client import AwsError
from cfsigned_django.rotation.guards import Blocked
from cfsigned_django.rotation.key_group_api import KeyGroupsApi, is_missing_in, put_back_in
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair, KnownReason
from cfsigned_django.rotation.probe import ProbeResult
from cfsigned_django.rotation.record import Claimed, RotationError
from cfsigned_django.rotation.revocation import Revocation
from cfsigned_django.rotation.settings_key import why_not_imported
from cfsigned_django.signing import PrivateKey, Signer

__all__ = ["Blocked", "Claimed", "Rotation", "RotationError"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation(Revocation):
    """Rotate one key group: what a key goes through, from import or start to its end."""

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
        return self.create(
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
        active = self.active()
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
        known = self.rows.filter(key_pair_id=key_pair_id).first()
        if known is not None:
            text = _(
                "%(id)s is in the database already, as %(status)s of key group %(group)s: it "
                "cannot be imported again."
            )
            names = {"status": known.status.upper(), "group": known.key_group_id}
            raise RotationError(text % {"id": key_pair_id, **names})
        self.require_none_apart(key_pair_id)
        return None

    def retire(self, key_pair: KeyPair, *, now: datetime) -> None:
        """Take a key out of CloudFront and erase its private half: RETIRING -> RETIRED.

        Where it is the only one of its group, since what signed after it was
        revoked by hand, another is made first, and signs at once.
        """
        self.require(key_pair, KeyStatus.RETIRED, now)
        self.require_none_apart(str(key_pair))
        if self.key_groups is not None:  # else a person has done it
            self.keep_active_in()
            with self.claim(key_pair) as claim:
                self.leave(claim.before_each_call(self.key_groups), key_pair, now)
        with self.transaction():
            self.move(
                key_pair, KeyStatus.RETIRED, retired_at=now, removed_at=now, sealed_private_key=""
            )

    def put_back_signers(self, key_pairs: Iterable[KeyPair], *, now: datetime) -> list[KeyPair]:
        """Put the keys into the group whose links are out, where someone took them out.

        Return those that were missing. One look at the group tells. Raise
        :exc:`AwsError` where one of them cannot be put back, after the others.
        """
        needed = [each for each in key_pairs if self._has_links_out(each, now)]
        if self.key_groups is None or not needed:
            return []
        members = self.key_groups.members(self.key_group_id)
        missing = [each for each in needed if is_missing_in(members, each)]
        failure: AwsError | None = None
        for key_pair in missing:
            try:
                self._put_back_signer(self.key_groups, key_pair)
            except AwsError as error:
                if error.is_temporary:
                    raise
                failure = failure or error  # the links of the others work again all the same
        if failure is not None:
            raise failure
        return missing

    def _put_back_signer(self, api: KeyGroupsApi, key_pair: KeyPair) -> None:
        with self.claim(key_pair) as claim:
            put_back_in(claim.before_each_call(api), key_pair)
        claim.end()
        self.tell_put_back(key_pair)

    def _has_links_out(self, key_pair: KeyPair, now: datetime) -> bool:
        if key_pair.status == KeyStatus.RETIRING:
            return bool(self.blockers(key_pair, KeyStatus.RETIRED, now))
        return key_pair.status == KeyStatus.ACTIVE

    def remember_waits(self, key_pairs: Iterable[KeyPair]) -> None:
        """Record how long the URLs may live that these keys signed under these settings.

        The ACTIVE key signs under them, and a RETIRING one may have done so:
        that the settings allow more is perhaps seen only now.
        """
        signing = (KeyStatus.ACTIVE, KeyStatus.RETIRING)
        longest = self.waits.retirement
        if any(each.status in signing and each.retirement_seconds < longest for each in key_pairs):
            shorter = self.rows.filter(
                key_group_id=self.key_group_id, status__in=signing, retirement_seconds__lt=longest
            )
            self.write(shorter, retirement_seconds=longest)
