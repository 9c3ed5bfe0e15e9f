"""Say which key pairs have waited for so long that nothing will come of it by itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.rotation import Rotation
from cfsigned_django.rotation.status import date_and_time

#: So long after the last moment that the waits allow, a step has failed; a weekend is shorter.
GRACE = timedelta(days=3)


def find_stuck(rotation: Rotation, *, now: datetime, by_hand: bool) -> list[str]:
    """Return what is stuck, each as a sentence that says since when and what to look at."""
    return list(_stuck(rotation, now, by_hand))


def _stuck(rotation: Rotation, now: datetime, by_hand: bool) -> Iterator[str]:
    for key_pair in rotation.key_pairs():
        due = _due_at(rotation, key_pair)
        if due is not None and now >= due + GRACE:
            values = {"key": key_pair, "due": date_and_time(due)}
            yield _what_to_look_at(key_pair, by_hand) % values


def _due_at(rotation: Rotation, key_pair: KeyPair) -> datetime | None:
    """Return since when the next step could be done; None where there is none to come."""
    waits = rotation.waits
    match KeyStatus(key_pair.status):
        case KeyStatus.PENDING:
            return key_pair.created_at
        case KeyStatus.TRUSTED if not key_pair.is_spare:
            since = key_pair.good_since or key_pair.trusted_at
            return since and since + timedelta(seconds=waits.propagation)
        case KeyStatus.RETIRING:
            return rotation.links_end(key_pair)
        case KeyStatus.REVOKED if key_pair.removed_at is None:
            return key_pair.revoked_at
        case _other:
            return None


def _what_to_look_at(key_pair: KeyPair, by_hand: bool) -> str:
    match KeyStatus(key_pair.status):
        case KeyStatus.PENDING if by_hand:
            return _(
                "%(key)s has waited for its id since %(due)s: create its public key in CloudFront "
                "and enter the id in the admin, or revoke it."
            )
        case KeyStatus.PENDING:
            return _(
                "%(key)s could have been put into the key group since %(due)s: let CloudFront "
                "trust it in the admin, or see whether cfsigned_rotate runs, whether it reaches "
                "AWS, and what AWS answers."
            )
        case KeyStatus.TRUSTED if key_pair.good_since is not None:
            return _(
                "%(key)s has worked and may sign since %(due)s, and nobody has let it: activate it "
                "in the admin, or see whether cfsigned_rotate runs and this machine can connect to "
                "the distribution."
            )
        case KeyStatus.TRUSTED:
            return _(
                "%(key)s could have signed since %(due)s, but no probe was good for long enough: "
                "see whether the cache behavior for all files trusts this key group, whether "
                "AWS_S3_CUSTOM_DOMAIN names the distribution, and whether this machine can connect "
                "to it; or revoke the key and start anew."
            )
        case KeyStatus.RETIRING:
            return _(
                "%(key)s could have been retired since %(due)s, and CloudFront still trusts it: "
                "retire it in the admin, or see whether cfsigned_rotate runs and reaches AWS; by "
                "hand, remove the key there and say so in the admin."
            )
        case _revoked:
            return _(
                "%(key)s is revoked since %(due)s, but CloudFront may still trust it: see whether "
                "cfsigned_rotate runs and reaches AWS; by hand, remove the key there and say so in "
                "the admin."
            )
