"""Describe the state of a rotation in words: what it waits for, and what is overdue."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import TYPE_CHECKING

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _, ngettext

from cfsigned_django.keyring import key_group_option
from cfsigned_django.rotation.lifecycle import KeyStatus, Waits, retirement_wait
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.stages import stage_of
from cfsigned_django.terminal import in_one_line

if TYPE_CHECKING:
    from cfsigned_django.rotation.rotation import Rotation

#: If a new key does not work for longer than this, CloudFront's delay is not the cause.
_PATIENCE = timedelta(minutes=15)
#: A step that is not taken for this long after its waits is overdue; a weekend is shorter.
GRACE = timedelta(days=3)


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


# What is awaited


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingWait:
    """What a key pair waits for, in words, and until when, if known."""

    key_pair: KeyPair
    what: str
    until: datetime | None = None
    #: Whether a person does it in CloudFront, which blocks no step here.
    is_by_hand: bool = False
    #: Whether no wait ends it: a person must correct something first.
    is_stuck: bool = False

    @property
    def topic(self) -> object:
        """Return what identifies the wait; the words contain an age, which grows."""
        return self.key_pair.pk, self.key_pair.status, self.until


def find_waits(
    rotation: Rotation, *, now: datetime, key_pairs: Iterable[KeyPair]
) -> list[PendingWait]:
    """Return what these key pairs of the group wait for; what a person does comes first."""
    found = filter(None, (_find_wait(rotation, each, now) for each in key_pairs))
    urgency = attrgetter("is_by_hand", "key_pair.awaits_removal")
    return sorted(found, key=urgency, reverse=True)


def _find_wait(rotation: Rotation, key_pair: KeyPair, now: datetime) -> PendingWait | None:
    stage = stage_of(key_pair)
    blockers, problem = stage.blockers(rotation, key_pair, now), stage.problem(rotation, key_pair)
    # A successor is shown no moment at which it will not sign; other links work for days.
    if problem and (key_pair.next_in or not blockers):
        return PendingWait(key_pair=key_pair, what=problem, is_stuck=True)
    if blockers:
        return _put_in_words(rotation, key_pair, blockers[0].until, now)
    if rotation.by_hand and stage.by_hand:
        what = stage.by_hand % {"key": key_pair}
        return PendingWait(key_pair=key_pair, what=what, is_by_hand=True)
    return None


def _put_in_words(
    rotation: Rotation, key_pair: KeyPair, seconds: int | None, now: datetime
) -> PendingWait:
    stage = stage_of(key_pair)
    age = now - (key_pair.trusted_at or now)
    until = None if seconds is None else datetime.fromtimestamp(seconds, tz=UTC)
    retirement = timedelta(seconds=retirement_wait(key_pair.state, rotation.waits))
    what = stage.waiting % {
        "key": key_pair,
        "since": in_words(age),
        # If the process that switched keys died before it recorded the date, RETIRING starts now.
        "clock": clock_time(until or now + retirement, now),
        "wait": in_words(rotation.waits.propagation),
    }
    if stage.doubt and age >= _PATIENCE:
        what = f"{what} {stage.doubt}"
    return PendingWait(key_pair=key_pair, what=what, until=until)


def find_overdue(
    rotation: Rotation, *, now: datetime, key_pairs: Iterable[KeyPair]
) -> Iterator[str]:
    """Yield the overdue steps, each as a sentence: since when, and what to check."""
    for key_pair in key_pairs:
        stage = stage_of(key_pair)
        due = stage.due(rotation, key_pair)
        if stage.overdue and due is not None and now >= due + GRACE:
            words = (rotation.by_hand and stage.overdue_by_hand) or stage.overdue
            yield f"{words % {'key': key_pair, 'due': date_and_time(due)}} {stage.doubt}".strip()


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


def in_words(time: timedelta | int) -> str:
    """Return a time, in seconds if it is a number, in its largest whole unit: 40 s, 5 min, 3 h."""
    seconds = max(0, int(time.total_seconds() if isinstance(time, timedelta) else time))
    if seconds < 120:
        return _("%(n)s s") % {"n": seconds}
    if seconds < 2 * 3600:
        return _("%(n)s min") % {"n": seconds // 60}
    if seconds < 48 * 3600:
        return _("%(n)s h") % {"n": seconds // 3600}
    days = seconds // 86400
    return ngettext("%(n)s day", "%(n)s days", days) % {"n": days}
