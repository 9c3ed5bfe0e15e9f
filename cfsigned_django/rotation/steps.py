"""Choose the next legal step of a rotation.

One place, so that the admin page, the command and a scheduled job do and say
the same.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.utils.translation import gettext as _

from cfsigned_django.aws.client import AwsError
from cfsigned_django.encryption import CannotUnseal
from cfsigned_django.rotation.lifecycle import Cause, KeyStatus
from cfsigned_django.rotation.models import KeyPair, KnownReason
from cfsigned_django.rotation.probe import ProbeResult
from cfsigned_django.rotation.rotation import Blocked, Claimed, Rotation, RotationError
from cfsigned_django.signing import KeyAlgorithm

logger = logging.getLogger("cfsigned_django.rotation")


class Unanswered(RotationError):
    """Report that the last probe before a key would sign was not answered."""

    def __init__(self, key_pair: KeyPair) -> None:
        text = _(
            "%(key)s could sign, but CloudFront did not answer the last probe. Look again in a "
            "minute."
        )
        super().__init__(text % {"key": key_pair})


class ProbeFailed(RotationError):
    """Report a probe whose answer no waiting will change."""

    def __init__(self, key_pair: KeyPair, result: ProbeResult) -> None:
        if result is ProbeResult.UNRESTRICTED:
            text = _(
                "%(key)s cannot be probed: a request without a signature is answered like a signed "
                "one, so links are not checked there. Set Restrict viewer access, with the key "
                "group, in the cache behavior; an error page for 403 hides the answer as well."
            )
        elif result is ProbeResult.REFUSED:
            text = _(
                "A request that %(key)s signed was answered with 403, and neither by S3 nor for "
                "its key. Does a WAF rule or a CloudFront function stop query parameters that it "
                "does not know? Each link of an ECDSA key has one more, Hash-Algorithm. Or does "
                "an origin that is not S3 refuse the name .cfsigned-probe? Let it answer 404."
            )
        else:
            text = _(
                "CloudFront refuses what %(key)s signs. Compare: the public key that it has under "
                "this id must be this one, and the clock of this machine must be right."
            )
        super().__init__(text % {"key": key_pair})


class Unfinished(RotationError):
    """Report how far something came, and the error that kept it from its end."""

    def __init__(self, text: str, cause: AwsError | RotationError) -> None:
        super().__init__(f"{text}. {cause}")
        self.cause = cause


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """A step whose time may have come, and what it would do; empty where that is only a look."""

    would: str
    take: Callable[[], str | None]


def advance(
    rotation: Rotation, *, now: datetime, spare_algorithm: KeyAlgorithm | None = None
) -> str | None:
    """Do the next legal step and return what was done, or None where nothing may be done.

    ``spare_algorithm`` is given where a spare key shall always be ready.
    Raise what the moves of :class:`Rotation` raise; a step that fails for good
    keeps none of the others from being done.
    """
    key_pairs = rotation.key_pairs()
    # Before any step: the settings may allow less when the next one is due.
    rotation.remember_waits(key_pairs)
    failure: Exception | None = None
    for step in _steps(rotation, key_pairs, now, spare_algorithm):
        try:
            done = step.take()
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


def next_due(
    rotation: Rotation, *, now: datetime, spare_algorithm: KeyAlgorithm | None = None
) -> str | None:
    """Say what :func:`advance` would do first, without doing it; None where nothing is due."""
    steps = _steps(rotation, rotation.key_pairs(), now, spare_algorithm)
    return next((step.would for step in steps if step.would), None)


def will_pass(error: Exception) -> bool:
    """Tell whether the same may succeed later with nothing changed."""
    if isinstance(error, Unfinished):
        return will_pass(error.cause)
    if isinstance(error, AwsError):
        return error.is_temporary
    if isinstance(error, Blocked):
        return all(each.cause is not Cause.NO_SUCH_MOVE for each in error.blockers)
    return isinstance(error, Claimed | Unanswered)


def _steps(
    rotation: Rotation,
    key_pairs: list[KeyPair],
    now: datetime,
    spare_algorithm: KeyAlgorithm | None,
) -> Iterator[_Step]:
    # What a person takes out of CloudFront is only done when the person says so.
    is_by_hand = rotation.key_groups is None
    # First: while a key is not in its group, each of its links is refused.
    yield _Step(would="", take=partial(_put_back_signers, rotation, key_pairs, now))
    successor = None
    for key_pair in reversed(key_pairs):
        status = KeyStatus(key_pair.status)
        if key_pair.next_in is not None:
            successor = key_pair
        if is_by_hand:
            continue
        if key_pair.awaits_removal:
            yield _Step(
                would=_("%(key)s would be taken out of CloudFront.") % {"key": key_pair},
                take=partial(_finish_revocation, rotation, key_pair, now),
            )
        if status is KeyStatus.RETIRING and not rotation.blockers(key_pair, KeyStatus.RETIRED, now):
            yield _Step(
                would=_("%(key)s would be retired: its last link has expired.") % {"key": key_pair},
                take=partial(_retire, rotation, key_pair, now),
            )
    if successor is not None:
        yield _Step(
            would=_would_advance(rotation, successor, now),
            take=partial(_advance_successor, rotation, successor, now),
        )
    elif spare_algorithm is not None:
        yield _Step(
            would=_("A spare key would be generated."),
            take=partial(_start_spare, rotation, spare_algorithm, now),
        )


def _put_back_signers(rotation: Rotation, key_pairs: list[KeyPair], now: datetime) -> str | None:
    missing = rotation.put_back_signers(key_pairs, now=now)
    return were_put_back(missing) if missing else None


def were_put_back(key_pairs: list[KeyPair]) -> str:
    """Say that keys were not in their group whose links are out, and are in it again."""
    text = _(
        "%(key)s had been taken out of the key group, so its links were refused. It is in it again."
    )
    return text % {"key": ", ".join(map(str, key_pairs))}


def _finish_revocation(rotation: Rotation, key_pair: KeyPair, now: datetime) -> str:
    rotation.finish_revocation(key_pair, now=now)
    return _("%(key)s was taken out of CloudFront.") % {"key": key_pair}


def _retire(rotation: Rotation, key_pair: KeyPair, now: datetime) -> str:
    rotation.retire(key_pair, now=now)
    return _("%(key)s is retired: CloudFront no longer knows it.") % {"key": key_pair}


def _start_spare(rotation: Rotation, algorithm: KeyAlgorithm, now: datetime) -> str:
    rotation.start(algorithm=algorithm, now=now, reason=KnownReason.SPARE, spare=True)
    return _("A spare key was generated.")


def _would_advance(rotation: Rotation, key_pair: KeyPair, now: datetime) -> str:
    """Say what the next step of the successor would do, empty where it only waits."""
    blockers = rotation.blockers(key_pair, KeyStatus.ACTIVE, now)
    if key_pair.status == KeyStatus.PENDING:
        is_by_hand = rotation.key_groups is None
        text = "" if is_by_hand else _("%(key)s would be put into the key group.")
    elif any(each.cause is Cause.NOT_PROBED for each in blockers):
        text = _("%(key)s would be probed through CloudFront.")
    else:
        is_waiting = bool(blockers) or key_pair.is_spare
        text = "" if is_waiting else _("%(key)s would sign, if a last probe is good.")
    return text and text % {"key": key_pair}


def _advance_successor(rotation: Rotation, key_pair: KeyPair, now: datetime) -> str | None:
    if key_pair.status == KeyStatus.PENDING:
        if rotation.key_groups is None:
            return None
        rotation.trust(key_pair, now=now)
        return _("%(key)s is in the key group: CloudFront begins to trust it.") % {"key": key_pair}
    result = rotation.check(key_pair, now=now)
    if result in (ProbeResult.WRONG_KEY, ProbeResult.REFUSED, ProbeResult.UNRESTRICTED):
        raise ProbeFailed(key_pair, result)
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
            case KeyStatus.REVOKED if key_pair.awaits_removal:
                return True
            case _over:
                pass
    return False
