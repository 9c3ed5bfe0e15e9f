"""Say in words what the key pairs of a group wait for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _, ngettext

from cfsigned_django.rotation.lifecycle import Blocker, Cause, KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.rotation import Rotation

#: After so long it is not CloudFront's slowness that keeps a new key from working.
_PATIENCE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Say in words what a key pair waits for, and until when if that is known."""

    key_pair: KeyPair
    what: str
    until: datetime | None

    @property
    def topic(self) -> object:
        """Return what tells one wait from another; the words hold an age, which grows."""
        return self.key_pair.pk, self.key_pair.status, self.until


def find_all(rotation: Rotation, *, now: datetime) -> list[Wait]:
    """Return the chores and the waits of the group."""
    return [*find_chores(rotation, now=now), *find_waits(rotation, now=now)]


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
                blockers = rotation.blockers(key_pair, KeyStatus.RETIRED, now)
                for blocker in blockers:
                    yield _put_in_words(rotation, key_pair, blocker, now)
                if not blockers and (apart := rotation.what_signs_apart(str(key_pair))):
                    yield Wait(key_pair=key_pair, what=apart, until=None)


def find_chores(rotation: Rotation, *, now: datetime) -> list[Wait]:
    """Return what a person has to take out of CloudFront now, where the site may not."""
    return list(_chores(rotation, now)) if rotation.key_groups is None else []


def _chores(rotation: Rotation, now: datetime) -> Iterator[Wait]:
    for key_pair in rotation.key_pairs():
        match KeyStatus(key_pair.status):
            case KeyStatus.RETIRING if not rotation.blockers(key_pair, KeyStatus.RETIRED, now):
                if rotation.what_signs_apart(str(key_pair)):
                    continue  # find_waits() tells
                what = _(
                    "The last link that %(key)s signed has expired: remove the key from the key "
                    "group in CloudFront, delete the public key there, and say so in the admin."
                )
            case KeyStatus.REVOKED if key_pair.removed_at is None:
                what = _(
                    "%(key)s is revoked: remove it from the key group in CloudFront now, delete "
                    "the public key there, and say so in the admin. CloudFront keeps the last key "
                    "of a group: if it is the only one, add another first."
                )
            case _other:
                continue
        yield Wait(key_pair=key_pair, what=what % {"key": key_pair}, until=None)


def _put_in_words(rotation: Rotation, key_pair: KeyPair, blocker: Blocker, now: datetime) -> Wait:
    age = now - (key_pair.trusted_at or now)
    until = blocker.until and datetime.fromtimestamp(blocker.until, tz=UTC)
    values = {
        "key": key_pair,
        "since": in_words(age),
        "clock": clock_time(until or now, now),
        "wait": in_words(timedelta(seconds=rotation.waits.propagation)),
    }
    match blocker.cause:
        case Cause.NOT_PROBED if age >= _PATIENCE:
            what = _(
                "%(key)s has been TRUSTED for %(since)s, but CloudFront has not yet served a "
                "probe that is signed with it. Does the cache behavior for all files trust this "
                "key group? Does AWS_S3_CUSTOM_DOMAIN name the distribution? May this machine "
                "connect to it?"
            )
        case Cause.NOT_PROBED:
            what = _(
                "%(key)s has been TRUSTED for %(since)s, but CloudFront has not yet served a "
                "probe that is signed with it."
            )
        case Cause.PROPAGATION:
            what = _(
                "%(key)s has been TRUSTED for %(since)s; it signs at %(clock)s, when it has "
                "worked for %(wait)s."
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
    return local.strftime("%H:%M:%S") if same_day else date_and_time(moment)


def date_and_time(moment: datetime) -> str:
    """Return the local date and time; the time in 24 hours, as it is everywhere on the page."""
    local = localtime(moment)
    date, time = date_format(local, "DATE_FORMAT"), local.strftime("%H:%M:%S")
    return _("%(date)s, %(time)s") % {"date": date, "time": time}


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
