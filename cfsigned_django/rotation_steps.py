"""Choose the next legal step of a rotation, and say in words what blocks the one after.

One place, so that the admin page, the command and a scheduled job do and say
the same.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _, ngettext

from cfsigned_django.aws.client import AwsError
from cfsigned_django.encryption import CannotUnseal
from cfsigned_django.lifecycle import Blocker, Cause, KeyStatus
from cfsigned_django.models import KeyPair
from cfsigned_django.probe import ProbeResult
from cfsigned_django.rotation import Rotation, RotationError
from cfsigned_django.signing import KeyAlgorithm

logger = logging.getLogger("cfsigned_django.rotation")


class Unanswered(RotationError):
    """Report that the last probe before a key would sign was not answered."""

    def __init__(self, key_pair: KeyPair) -> None:
        super().__init__(
            f"{key_pair} could sign, but CloudFront did not answer the last probe. Look again in "
            "a minute."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Say in words what a key pair waits for, and until when if that is known."""

    key_pair: KeyPair
    what: str
    until: datetime | None


def advance(
    rotation: Rotation, *, now: datetime, spare_algorithm: KeyAlgorithm | None = None
) -> str | None:
    """Do the next legal step and return what was done, or None where nothing may be done.

    ``spare_algorithm`` is given where a spare key shall always be ready.
    Raise what the moves of :class:`Rotation` raise; a step that fails for good
    keeps none of the others from being done.
    """
    failure: Exception | None = None
    for step in _steps(rotation, now, spare_algorithm):
        try:
            done = step()
        except (AwsError, CannotUnseal, RotationError) as error:
            if isinstance(error, AwsError) and error.is_temporary:
                raise  # the other steps would not fare better now
            failure = failure or error
            continue
        if done is not None:
            if failure is not None:
                logger.error("Another step of the rotation failed. %s", failure)
            return done
    if failure is not None:
        raise failure
    return None


def _steps(
    rotation: Rotation, now: datetime, spare_algorithm: KeyAlgorithm | None
) -> Iterator[Callable[[], str | None]]:
    # What a person takes out of CloudFront is only done when the person says so.
    is_by_hand = rotation.key_groups is None
    successor = None
    for key_pair in reversed(rotation.key_pairs()):
        status = KeyStatus(key_pair.status)
        if key_pair.next_in is not None:
            successor = key_pair
        if status is KeyStatus.ACTIVE:
            rotation.remember_waits(key_pair)
        if is_by_hand:
            continue
        if status is KeyStatus.REVOKED and key_pair.removed_at is None:
            yield partial(_finish_revocation, rotation, key_pair, now)
        if status is KeyStatus.RETIRING and not rotation.blockers(key_pair, KeyStatus.RETIRED, now):
            yield partial(_retire, rotation, key_pair, now)
    if successor is not None:
        yield partial(_advance_successor, rotation, successor, now)
    elif spare_algorithm is not None:
        yield partial(_start_spare, rotation, spare_algorithm, now)


def _finish_revocation(rotation: Rotation, key_pair: KeyPair, now: datetime) -> str:
    rotation.finish_revocation(key_pair, now=now)
    return _("%(key)s was taken out of CloudFront.") % {"key": key_pair}


def _retire(rotation: Rotation, key_pair: KeyPair, now: datetime) -> str:
    rotation.retire(key_pair, now=now)
    return _("%(key)s is retired: CloudFront no longer knows it.") % {"key": key_pair}


def _start_spare(rotation: Rotation, algorithm: KeyAlgorithm, now: datetime) -> str:
    rotation.start(algorithm=algorithm, now=now, reason=_("spare"), spare=True)
    return _("A spare key was generated.")


def _advance_successor(rotation: Rotation, key_pair: KeyPair, now: datetime) -> str | None:
    if key_pair.status == KeyStatus.PENDING:
        if rotation.key_groups is None:
            return None
        rotation.trust(key_pair, now=now)
        return _("%(key)s is in the key group: CloudFront begins to trust it.") % {"key": key_pair}
    result = rotation.check(key_pair, now=now)
    if result is ProbeResult.UNKNOWN_KEY and rotation.put_back(key_pair, now=now):
        return _("%(key)s was put back into the key group.") % {"key": key_pair}
    if key_pair.is_spare or rotation.blockers(key_pair, KeyStatus.ACTIVE, now):
        return None
    if result is ProbeResult.NO_ANSWER:
        raise Unanswered(key_pair)
    rotation.activate(key_pair, now=now)
    return _("%(key)s signs from now on.") % {"key": key_pair}


def is_under_way(rotation: Rotation) -> bool:
    """Tell whether steps are left, due now or later; a spare that is ready has none."""
    for key_pair in rotation.key_pairs():
        match KeyStatus(key_pair.status):
            case KeyStatus.PENDING | KeyStatus.RETIRING:
                return True
            case KeyStatus.TRUSTED if not key_pair.is_spare:
                return True
            case KeyStatus.REVOKED if key_pair.removed_at is None:
                return True
            case _over:
                pass
    return False


def find_waits(rotation: Rotation, *, now: datetime) -> list[Wait]:
    """Return what the key pairs of the group wait for, in words."""
    return list(_waits(rotation, now))


def _waits(rotation: Rotation, now: datetime) -> Iterator[Wait]:
    for key_pair in rotation.key_pairs():
        match KeyStatus(key_pair.status):
            case KeyStatus.PENDING if rotation.key_groups is None:
                what = _("%(key)s waits for its id: create its public key in CloudFront.")
                yield Wait(key_pair=key_pair, what=what % {"key": key_pair}, until=None)
            case KeyStatus.TRUSTED if not key_pair.is_spare:
                for blocker in rotation.blockers(key_pair, KeyStatus.ACTIVE, now):
                    yield _put_in_words(rotation, key_pair, blocker, now)
            case KeyStatus.RETIRING:
                for blocker in rotation.blockers(key_pair, KeyStatus.RETIRED, now):
                    yield _put_in_words(rotation, key_pair, blocker, now)


def _put_in_words(rotation: Rotation, key_pair: KeyPair, blocker: Blocker, now: datetime) -> Wait:
    until = blocker.until and datetime.fromtimestamp(blocker.until, tz=UTC)
    values = {
        "key": key_pair,
        "since": in_words(now - (key_pair.trusted_at or now)),
        "clock": clock_time(until or now, now),
        "wait": in_words(timedelta(seconds=rotation.waits.propagation)),
    }
    match blocker.cause:
        case Cause.NOT_PROBED:
            what = _(
                "%(key)s is TRUSTED since %(since)s, but CloudFront has not yet served a probe "
                "that is signed with it."
            )
        case Cause.PROPAGATION:
            what = _(
                "%(key)s is TRUSTED since %(since)s; it signs at %(clock)s, when it has worked "
                "for %(wait)s."
            )
        case _other:
            what = _(
                "%(key)s no longer signs; it may go at %(clock)s, when the last link that it "
                "signed has expired."
            )
    return Wait(key_pair=key_pair, what=what % values, until=until or None)


def clock_time(moment: datetime, now: datetime) -> str:
    """Return the local time of day, with the date where it is another day."""
    local = localtime(moment)
    same_day = local.date() == localtime(now).date()
    return local.strftime("%H:%M:%S") if same_day else date_format(local, "DATETIME_FORMAT")


def in_words(duration: timedelta) -> str:
    """Return a duration in its largest whole unit: 40 s, 5 min, 3 h, 12 days."""
    seconds = max(0, int(duration.total_seconds()))
    if seconds < 120:
        return _("%(n)s s") % {"n": seconds}
    if seconds < 2 * 3600:
        return _("%(n)s min") % {"n": seconds // 60}
    if seconds < 48 * 3600:
        return _("%(n)s h") % {"n": seconds // 3600}
    days = seconds // 86400
    return ngettext("%(n)s day", "%(n)s days", days) % {"n": days}
