"""Hold what every move of a rotation needs: the guards of lifecycle.py, and CloudFront."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from cfsigned_django import keyring
from cfsigned_django.aws.client import AwsError
from cfsigned_django.aws.key_groups import KEYS_PER_GROUP
from cfsigned_django.rotation.key_group_api import DELETED, KeyGroupsApi, is_missing_in, put_back_in
from cfsigned_django.rotation.lifecycle import (
    Blocker,
    Cause,
    KeyStatus,
    Waits,
    end_of_wait_by,
    find_blockers,
    retirement_wait,
)
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.probe import ProbeResult
from cfsigned_django.rotation.record import Record, RotationError
from cfsigned_django.signing import Signer

logger = logging.getLogger("cfsigned_django.rotation")


class Blocked(RotationError):
    """Report that a guard of lifecycle.py does not let a key pair move."""

    def __init__(self, key_pair: KeyPair, to: KeyStatus, blockers: list[Blocker]) -> None:
        if any(each.cause is Cause.NO_SUCH_MOVE for each in blockers):
            text = _("%(key)s is %(status)s and cannot become %(to)s.")
        else:
            text = _("%(key)s may not become %(to)s yet.")
        names = {"status": key_pair.status.upper(), "to": to.upper()}
        super().__init__(text % {"key": key_pair, **names})
        self.key_pair, self.to, self.blockers = key_pair, to, blockers


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded(Record):
    """A record that asks the guards before it moves a key pair.

    ``key_groups`` is None where a person does the steps in CloudFront by hand.
    ``probe`` sends one request that is signed with a key.
    """

    waits: Waits
    key_groups: KeyGroupsApi | None
    probe: Callable[[Signer], ProbeResult]
    #: Returns the names of the storages that sign with the key of this id and
    #: do not ask which key pair is ACTIVE.
    find_apart: Callable[[str], list[str]] = lambda key_pair_id: []
    #: How many public keys a key group may hold.
    key_group_quota: int = KEYS_PER_GROUP

    def blockers(self, key_pair: KeyPair, to: KeyStatus, now: datetime) -> list[Blocker]:
        """Return what keeps a key pair from a move."""
        return find_blockers(key_pair.state, to, now=int(now.timestamp()), waits=self.waits)

    def require(self, key_pair: KeyPair, to: KeyStatus, now: datetime) -> None:
        """Raise :exc:`Blocked` if the move is forbidden by ``now`` or by the database's clock."""
        if found := self.blockers(key_pair, to, end_of_wait_by(now, self.clock())):
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

    def what_signs_apart(self, key_pair_id: str) -> str:
        """Say which storage would go on signing with the key whatever becomes of it here.

        Empty where there is none.
        """
        if not (names := self.find_apart(key_pair_id)):
            return ""
        text = _(
            "%(storage)s signs with %(key)s, and would go on when another key signs for %(group)s: "
            "its links would be refused. Set its key_group_id to that key group and hand no signer "
            "in, or give it a key of its own."
        )
        values = {"storage": ", ".join(names), "key": key_pair_id, "group": self.key_group_id}
        return text % values

    def require_none_apart(self, key_pair_id: str) -> None:
        """Raise :exc:`RotationError` where a storage would go on signing with the key."""
        keyring.forget()  # What another process has changed counts before a move.
        if problem := self.what_signs_apart(key_pair_id):
            raise RotationError(problem)

    def require_api(self) -> KeyGroupsApi:
        """Return the calls to CloudFront. Raise :exc:`RotationError` where a person does them."""
        if self.key_groups is None:
            raise RotationError(
                _(
                    "This site may not change CloudFront: create the public key there by hand, "
                    "and give the id (K...) that CloudFront shows."
                )
            )
        return self.key_groups

    def keep_active_in(self) -> None:
        """Put the ACTIVE key into the group: it may sign in haste, with no look before."""
        active = self.active()
        if active is None or not self.is_missing(active):
            return
        try:
            put_back_in(self.require_api(), active)
        except AwsError as error:
            if error.code != DELETED:
                raise  # else it is lost, and another key may leave all the same
        else:
            self.tell_put_back(active)

    def is_missing(self, key_pair: KeyPair) -> bool:
        """Tell whether a key is not in the group, as far as this site may look."""
        if self.key_groups is None:
            return False
        return is_missing_in(self.key_groups.members(self.key_group_id), key_pair)

    def tell_put_back(self, key_pair: KeyPair) -> None:
        """Say of a key whose links are out that it was missing, and is in the group again."""
        self.on_put_back(key_pair)
        logger.error(
            "%s was not in the key group %s, and CloudFront refused its links. It is in it again.",
            key_pair,
            self.key_group_id,
        )
