"""Describe the state of a rotation in words: what it waits for, and what is overdue."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _, gettext_noop, ngettext

from cfsigned_django.aws.errors import Phrase, phrase
from cfsigned_django.keyring import NoKey, key_group_option, no_key_at_all
from cfsigned_django.rotation.lifecycle import (
    Blocker,
    Cause,
    KeyStatus,
    Waits,
    find_blockers,
    retirement_wait,
)
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.terminal import in_one_line

if TYPE_CHECKING:
    from cfsigned_django.rotation.rotation import Rotation

#: If a new key does not work for longer than this, CloudFront's delay is not the cause.
_PATIENCE = timedelta(minutes=15)
#: A step that is not taken for this long after its waits is overdue; a weekend is shorter.
GRACE = timedelta(days=3)


# Nothing signs


def nothing_signs(rotation: Rotation, *, now: datetime) -> str:
    """Return that no key signs, and why, in the active language."""
    no_key = why_nothing_signs(
        rotation.key_group_id,
        rotation.store.successor(),
        waits=rotation.waits,
        by_hand=rotation.by_hand,
        now=now,
    )
    what = no_key.what.translated(_) if isinstance(no_key.what, Phrase) else no_key.what
    return f"{what} {_('Pages with links to files fail.')}"


def why_nothing_signs(
    key_group_id: str, successor: KeyPair | None, *, waits: Waits, by_hand: bool, now: datetime
) -> NoKey:
    """Return what there is instead of a key that signs, and the step that lets one sign.

    No key of the group is ACTIVE; ``successor`` is the next one, if there is one.
    """
    if successor is None:
        return no_key_at_all(key_group_id)
    wait = in_words(timedelta(seconds=waits.propagation))
    values = {"group": key_group_id, "key": str(successor), "wait": wait}
    command = f"manage.py cfsigned_rotate --wait{key_group_option(key_group_id)}"
    step = f"Run {command}."
    blockers = find_blockers(
        successor.state, KeyStatus.ACTIVE, now=int(now.timestamp()), waits=waits
    )
    until = blockers[0].until if blockers else None
    if problem := successor.trust_problem:
        pattern = gettext_noop(
            "No key signs for key group {group} yet: {key} is next, but may not sign. {problem}"
        )
        values["problem"] = f"{problem.rstrip('.')}."
        step = f"Then run {command}."
    elif successor.status == KeyStatus.PENDING and by_hand:
        pattern = gettext_noop(
            "No key signs for key group {group} yet: {key} waits for its public key ID."
        )
        step = "Create the public key in CloudFront, and enter its ID in the admin."
    elif successor.status == KeyStatus.PENDING:
        pattern = gettext_noop(
            "No key signs for key group {group} yet: {key} is not in the key group at CloudFront."
        )
        step = f"Run {command}: it adds the key, which can sign {wait} later."
    elif not blockers:
        pattern = gettext_noop("No key signs for key group {group} yet: {key} can sign now.")
    elif until is not None:
        pattern = gettext_noop(
            "No key signs for key group {group} yet: {key} can sign after {clock}."
        )
        values["clock"] = clock_time(datetime.fromtimestamp(until, tz=UTC), now)
    else:
        pattern = gettext_noop(
            "No key signs for key group {group} yet: {key} can sign once CloudFront has accepted "
            "its signatures for {wait}."
        )
        step = f"Run {command}, which tries that."
        if by_hand:
            step = f"Compare its public key ID and the key group in CloudFront. {step}"
    return NoKey(what=phrase(pattern, **values), next_step=step)


# Encryption keys


def why_previous_key_stays(key_pairs: Iterable[KeyPair], *, waits: Waits, now: datetime) -> str:
    """Return which private keys a previous encryption key decrypts, and what ends that; "" if none.

    ``key_pairs`` are those of all key groups, whether or not a storage signs for them: the
    settings are the same. What no key decrypts has another problem.
    """
    rows = list(key_pairs)
    old = [each for each in rows if each.is_outdated and not each.decryption_problem]
    if not old:
        return ""
    text = _(
        "Encrypted with a previous key, which must stay in the settings until these keys are "
        "retired or revoked: %(keys)s."
    )
    sentences = [text % {"keys": ", ".join(map(_in_its_group, old))}]
    retiring = [each for each in old if each.status == KeyStatus.RETIRING]
    if len(retiring) == len(old):
        ends = (
            (each.retiring_at or now) + timedelta(seconds=retirement_wait(each.state, waits))
            for each in retiring
        )
        text = _("They can be retired after %(clock)s.")
        sentences.append(text % {"clock": clock_time(max(ends), now)})
    renewed = {each.next_in for each in rows if each.next_in and not each.is_outdated}
    groups = {each.key_group_id for each in old if each not in retiring} - renewed
    if groups:
        options = sorted(key_group_option(in_one_line(each)) for each in groups)
        commands = (f"manage.py cfsigned_rotate --start{each}" for each in options)
        sentences.append(_("Start a rotation: %(commands)s") % {"commands": ", ".join(commands)})
    return " ".join(sentences)


def _in_its_group(key_pair: KeyPair) -> str:
    return _("%(key)s (%(status)s, key group %(group)s)") % {
        "key": key_pair,
        "status": key_pair.get_status_display(),
        "group": in_one_line(key_pair.key_group_id),
    }


# Waits, and steps that a person takes by hand


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingWait:
    """What a key pair waits for, in words, and until when, if known."""

    key_pair: KeyPair
    what: str
    until: datetime | None

    @property
    def topic(self) -> object:
        """Return what identifies the wait; the words contain an age, which grows."""
        return self.key_pair.pk, self.key_pair.status, self.until


def find_pending(rotation: Rotation, *, now: datetime) -> list[PendingWait]:
    """Return the manual steps and the waits of the group."""
    key_pairs = rotation.store.key_pairs()
    return [
        *find_manual_steps(rotation, now=now, key_pairs=key_pairs),
        *find_waits(rotation, now=now, key_pairs=key_pairs),
    ]


def find_waits(
    rotation: Rotation, *, now: datetime, key_pairs: Iterable[KeyPair]
) -> Iterator[PendingWait]:
    """Yield what these key pairs of the group wait for."""
    for key_pair in key_pairs:
        match KeyStatus(key_pair.status):
            case KeyStatus.PENDING if rotation.by_hand and (problem := key_pair.trust_problem):
                yield PendingWait(key_pair=key_pair, what=f"{key_pair}: {problem}", until=None)
            case KeyStatus.PENDING if rotation.by_hand:
                what = _(
                    "%(key)s waits for its public key ID: create the public key in CloudFront, "
                    "then enter the ID in the admin."
                )
                yield PendingWait(key_pair=key_pair, what=what % {"key": key_pair}, until=None)
            case KeyStatus.TRUSTED:
                for blocker in rotation.blockers(key_pair, KeyStatus.ACTIVE, now):
                    yield _put_in_words(rotation, key_pair, blocker, now)
            case KeyStatus.RETIRING:
                blockers = rotation.blockers(key_pair, KeyStatus.RETIRED, now)
                for blocker in blockers:
                    yield _put_in_words(rotation, key_pair, blocker, now)
                if not blockers and (apart := rotation.find_bypass(str(key_pair))):
                    yield PendingWait(key_pair=key_pair, what=apart, until=None)


def find_manual_steps(
    rotation: Rotation, *, now: datetime, key_pairs: Iterable[KeyPair]
) -> Iterator[PendingWait]:
    """Yield what a person must remove from CloudFront now, if the site does not do it."""
    for key_pair in key_pairs if rotation.by_hand else ():
        match KeyStatus(key_pair.status):
            case KeyStatus.RETIRING if not rotation.blockers(key_pair, KeyStatus.RETIRED, now):
                if rotation.find_bypass(str(key_pair)):
                    continue  # find_waits() reports it
                what = _(
                    "The last link signed with %(key)s has expired: remove the key from the key "
                    "group in CloudFront, delete the public key there, and confirm it in the admin."
                )
            case KeyStatus.REVOKED if key_pair.awaits_removal:
                what = _(
                    "%(key)s is revoked: remove it from the key group in CloudFront now, delete "
                    "the public key there, and confirm it in the admin. CloudFront does not remove "
                    "the last key of a key group: if this is the only one, add another first."
                )
            case _other:
                continue
        yield PendingWait(key_pair=key_pair, what=what % {"key": key_pair}, until=None)


def _put_in_words(
    rotation: Rotation, key_pair: KeyPair, blocker: Blocker, now: datetime
) -> PendingWait:
    age = now - (key_pair.trusted_at or now)
    until = blocker.until and datetime.fromtimestamp(blocker.until, tz=UTC)
    retirement = timedelta(seconds=retirement_wait(key_pair.state, rotation.waits))
    values = {
        "key": key_pair,
        "since": in_words(age),
        # If the process that switched keys died before it recorded the date, RETIRING starts now.
        "clock": clock_time(until or now + retirement, now),
        "wait": in_words(timedelta(seconds=rotation.waits.propagation)),
    }
    match blocker.cause:
        case Cause.NOT_PROBED if age >= _PATIENCE:
            what = _(
                "%(key)s has been in the key group for %(since)s, but CloudFront has not served a "
                "probe signed with it yet. Does the cache behavior for all files trust this key "
                "group? Does AWS_S3_CUSTOM_DOMAIN name the distribution? Can this machine connect "
                "to it?"
            )
        case Cause.NOT_PROBED:
            what = _(
                "%(key)s has been in the key group for %(since)s, but CloudFront has not served a "
                "probe signed with it yet."
            )
        case Cause.PROPAGATION:
            what = _(
                "%(key)s has been in the key group for %(since)s; it can sign after %(clock)s, "
                "once it has worked for %(wait)s."
            )
        case _other:
            what = _(
                "%(key)s no longer signs; it can be retired after %(clock)s, when the last link "
                "signed with it has expired."
            )
    return PendingWait(key_pair=key_pair, what=what % values, until=until or None)


# Overdue


def find_overdue(
    rotation: Rotation, *, now: datetime, key_pairs: Iterable[KeyPair]
) -> Iterator[str]:
    """Yield the overdue steps, each as a sentence: since when, and what to check."""
    for key_pair in key_pairs:
        due = _due_at(rotation, key_pair)
        if due is not None and now >= due + GRACE:
            values = {"key": key_pair, "due": date_and_time(due)}
            yield _what_to_look_at(key_pair, rotation.by_hand) % values


def _due_at(rotation: Rotation, key_pair: KeyPair) -> datetime | None:
    """Return when the next step could first be taken; None if there is none."""
    waits = rotation.waits
    match KeyStatus(key_pair.status):
        case KeyStatus.PENDING:
            return key_pair.created_at
        case KeyStatus.TRUSTED:
            since = key_pair.verified_since or key_pair.trusted_at
            return since and since + timedelta(seconds=waits.propagation)
        case KeyStatus.RETIRING:
            return rotation.links_end(key_pair)
        case KeyStatus.REVOKED if key_pair.awaits_removal:
            return key_pair.revoked_at
        case _other:
            return None


def _what_to_look_at(key_pair: KeyPair, by_hand: bool) -> str:
    match KeyStatus(key_pair.status):
        case KeyStatus.PENDING if by_hand:
            return _(
                "%(key)s has waited for its public key ID since %(due)s: create the public key in "
                "CloudFront and enter the ID in the admin, or revoke it."
            )
        case KeyStatus.PENDING:
            return _(
                "%(key)s could have been added to the key group since %(due)s: add it to "
                "CloudFront in the admin, or check whether cfsigned_rotate runs, whether it "
                "reaches AWS, and what AWS answers."
            )
        case KeyStatus.TRUSTED if key_pair.verified_since is not None:
            return _(
                "%(key)s has been ready to sign since %(due)s, but was never activated: activate "
                "it in the admin, or check whether cfsigned_rotate runs and this machine can "
                "connect to the distribution."
            )
        case KeyStatus.TRUSTED:
            return _(
                "%(key)s could have signed since %(due)s, but no probe was good for long enough: "
                "check whether the cache behavior for all files trusts this key group, whether "
                "AWS_S3_CUSTOM_DOMAIN names the distribution, and whether this machine can connect "
                "to it; or revoke the key and start a new rotation."
            )
        case KeyStatus.RETIRING:
            return _(
                "%(key)s could have been retired since %(due)s, but CloudFront still trusts it: "
                "retire it in the admin, or check whether cfsigned_rotate runs and reaches AWS; by "
                "hand, remove the key there and confirm it in the admin."
            )
        case _revoked:
            return _(
                "%(key)s has been revoked since %(due)s, but CloudFront may still trust it: check "
                "whether cfsigned_rotate runs and reaches AWS; by hand, remove the key there and "
                "confirm it in the admin."
            )


# Times


def clock_time(moment: datetime, now: datetime) -> str:
    """Return the local time of day with its zone, and the date if it is another day."""
    local = localtime(moment)
    same_day = local.date() == localtime(now).date()
    return local.strftime("%H:%M:%S %Z") if same_day else date_and_time(moment)


def date_and_time(moment: datetime) -> str:
    """Return the local date, time and zone, with the 24-hour clock that the whole page uses."""
    local = localtime(moment)
    date, time = date_format(local, "DATE_FORMAT"), local.strftime("%H:%M:%S %Z")
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
