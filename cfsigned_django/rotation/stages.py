"""What happens to a key pair, stage by stage: the steps, what each waits for, and the words for it.

A state has one row in :data:`STAGES`, from which steps, waits and timelines are listed. What may
happen when is decided in lifecycle.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from operator import attrgetter
from typing import TYPE_CHECKING, Final, TypeAlias

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext, gettext_lazy as _, ngettext

from cfsigned_django.core.keyring import key_group_option
from cfsigned_django.core.text import in_one_line
from cfsigned_django.rotation.lifecycle import Blocker, KeyStatus, Waits, retirement_wait
from cfsigned_django.rotation.models import KeyPair

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    from cfsigned_django.rotation.rotation import Rotation


#: The permissions to rotate, and to revoke: those of ``KeyPair``.
ROTATE, REVOKE = "cfsigned_django.rotate_keypair", "cfsigned_django.revoke_keypair"


class Action(StrEnum):
    """What a step does; the value is part of the URL of its page in the admin."""

    IMPORT = "import"
    START = "start"
    TRUST = "trust"
    #: Enter another ID for a TRUSTED key that CloudFront does not know.
    CORRECT = "correct"
    CHECK = "check"
    ACTIVATE = "activate"
    RETIRE = "retire"
    REVOKE = "revoke"
    #: Finish a revocation: remove the key from CloudFront.
    FINISH = "finish"

    @property
    def label(self) -> str:
        """Return what the button says that takes the step."""
        return str(_LABELS[self])

    @property
    def is_confirmed(self) -> bool:
        """Return whether a person confirms the step on a page that says what will happen."""
        return self not in (Action.IMPORT, Action.CHECK)

    @property
    def permissions(self) -> frozenset[str]:
        """Return the permissions of which a person needs at least one."""
        match self:
            case Action.REVOKE:
                return frozenset({REVOKE})
            case Action.FINISH:  # for people who may revoke, and for people who may rotate
                return frozenset({ROTATE, REVOKE})
            case _:
                return frozenset({ROTATE})


_LABELS = {
    Action.IMPORT: _("Import the key from the settings"),
    Action.START: _("Start rotation"),
    Action.TRUST: _("Add to CloudFront"),
    Action.CORRECT: _("Correct the public key ID"),
    Action.CHECK: _("Check again"),
    Action.ACTIVATE: _("Activate"),
    Action.RETIRE: _("Retire"),
    Action.REVOKE: _("Revoke"),
    Action.FINISH: _("Finish the revocation"),
}


#: What happens to a key pair, in its order: the field that has the moment, and the word for it.
MOMENTS: Final = {
    "created_at": _("Created"),
    "trusted_at": _("Trusted"),
    "verified_since": _("Works"),
    "active_at": _("Signs"),
    "retiring_at": _("Retiring"),
    "retired_at": _("Retired"),
    "revoked_at": _("Revoked"),
    "removed_at": _("Removed from CloudFront"),
}

#: A pattern, which is translated when it is filled in.
Words: TypeAlias = "str | _StrPromise"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What is next for a key pair, and the words for it."""

    #: What is offered, in the order in which a person needs it.
    offers: tuple[Action, ...] = ()
    #: The step that ends the stage, and the state that it waits for; None if nothing is left.
    ends_with: Action | None = None
    to: KeyStatus | None = None
    #: Since when the step could have been taken.
    due: Callable[[Rotation, KeyPair], datetime | None] = lambda rotation, key_pair: key_pair.since
    #: What must be corrected before it can be taken, whatever it waits for; "" if nothing.
    problem: Callable[[Rotation, KeyPair], str] = lambda rotation, key_pair: ""
    #: What the step waits for, and what to check if that, or the step, takes long.
    waiting: Words = ""
    doubt: Words = ""
    #: What to do if the clock was ahead when the wait began, so that it takes far too long.
    too_long: Words = ""
    #: What a person does in CloudFront if this site does not change it.
    by_hand: Words = ""
    #: What a job would do.
    would: Words = ""
    #: What to check if nobody takes the step; the second one if CloudFront is changed by hand.
    overdue: Words = ""
    overdue_by_hand: Words = ""
    #: Which of :data:`MOMENTS` have not happened yet, for the timeline.
    ahead: tuple[str, ...] = ()

    def blockers(self, rotation: Rotation, key_pair: KeyPair, now: datetime) -> list[Blocker]:
        return [] if self.to is None else rotation.blockers(key_pair, self.to, now)


def stage_of(key_pair: KeyPair) -> Stage:
    if key_pair.status == KeyStatus.TRUSTED and key_pair.verified_since is not None:
        return _KNOWN
    if key_pair.status == KeyStatus.REVOKED and not key_pair.awaits_removal:
        return STAGES[KeyStatus.RETIRED]  # over as well
    return STAGES[KeyStatus(key_pair.status)]


def _trusted_for_long(rotation: Rotation, key_pair: KeyPair) -> datetime | None:
    since = key_pair.verified_since or key_pair.trusted_at
    return since and since + timedelta(seconds=rotation.waits.propagation)


def find_unmade(rotation: Rotation) -> str:
    """Return which storages cannot be made here, and what waits for them; "" if all can."""
    text = gettext(
        "A storage cannot be made here, and may sign elsewhere. Until it is corrected, or "
        "removed from STORAGES, no key is imported or retired, and no new key of its key "
        "group is activated. %(storages)s"
    )
    named = rotation.name_unmade()
    return text % {"storages": named} if named else ""


def _find_unprobed(rotation: Rotation, key_pair: KeyPair) -> str:
    text = gettext(
        "%(key)s does not begin to sign while a storage of its key group cannot be made here. "
        "Correct it, or remove it from STORAGES. %(storages)s"
    )
    named = rotation.name_unmade(of_group=True)
    return text % {"key": key_pair, "storages": named} if named else ""


def _untrusted_by_hand(rotation: Rotation, key_pair: KeyPair) -> str:
    # If the site adds the key itself, the attempt fails with this problem.
    problem = key_pair.trust_problem if rotation.by_hand else ""
    return problem and f"{key_pair}: {problem}"


_TRUSTED: Final = Stage(
    offers=(Action.CHECK, Action.ACTIVATE, Action.CORRECT),
    ends_with=Action.ACTIVATE,
    to=KeyStatus.ACTIVE,
    due=_trusted_for_long,
    problem=_find_unprobed,
    waiting=_(
        "%(key)s has been in the key group for %(since)s, but CloudFront has not served a probe "
        "signed with it yet."
    ),
    doubt=_(
        "Does the cache behavior for all files trust this key group? Does AWS_S3_CUSTOM_DOMAIN "
        "name the distribution? Can this machine connect to it?"
    ),
    would=_("%(key)s would be probed through CloudFront."),
    overdue=_(
        "%(key)s could have signed since %(due)s, but no probe was good for long enough. Find the "
        "cause, or revoke the key and start a new rotation."
    ),
    ahead=("verified_since", "active_at", "retiring_at", "retired_at"),
)
#: TRUSTED, and a probe has been good. An ID that works is not corrected.
_KNOWN: Final = replace(
    _TRUSTED,
    offers=(Action.ACTIVATE, Action.CHECK),
    waiting=_(
        "%(key)s has been in the key group for %(since)s; it can sign after %(clock)s, once it has "
        "worked for %(wait)s."
    ),
    doubt="",
    too_long=_(
        "A clock was ahead when this wait began, so it takes far too long. Revoke %(key)s, which "
        "has signed nothing yet, and start a new rotation."
    ),
    would=_("%(key)s would be activated if a last probe is good."),
    overdue=_(
        "%(key)s has been ready to sign since %(due)s, but was never activated: activate it in the "
        "admin, or check whether cfsigned_rotate runs and this machine can connect to the "
        "distribution."
    ),
    ahead=_TRUSTED.ahead[1:],
)

STAGES: Final[Mapping[KeyStatus, Stage]] = {
    KeyStatus.PENDING: Stage(
        offers=(Action.TRUST,),
        ends_with=Action.TRUST,
        to=KeyStatus.TRUSTED,
        problem=_untrusted_by_hand,
        by_hand=_(
            "%(key)s waits for its public key ID: create the public key in CloudFront, then enter "
            "the ID in the admin."
        ),
        would=_("%(key)s would be added to the key group."),
        overdue=_(
            "%(key)s could have been added to the key group since %(due)s: add it to CloudFront in "
            "the admin, or check whether cfsigned_rotate runs, whether it reaches AWS, and what "
            "AWS answers."
        ),
        overdue_by_hand=_(
            "%(key)s has waited for its public key ID since %(due)s: create the public key in "
            "CloudFront and enter the ID in the admin, or revoke it."
        ),
        ahead=("trusted_at", *_TRUSTED.ahead),
    ),
    KeyStatus.TRUSTED: _TRUSTED,
    KeyStatus.ACTIVE: Stage(ahead=_TRUSTED.ahead[2:]),
    KeyStatus.RETIRING: Stage(
        offers=(Action.RETIRE,),
        ends_with=Action.RETIRE,
        to=KeyStatus.RETIRED,
        due=lambda rotation, key_pair: rotation.links_end(key_pair),
        problem=lambda rotation, key_pair: rotation.find_bypass(str(key_pair)),
        waiting=_(
            "%(key)s no longer signs; it can be retired after %(clock)s, when the last link signed "
            "with it has expired."
        ),
        too_long=_(
            "A clock was ahead when this wait began, and no link breaks. To end it, revoke %(key)s "
            "once another key has signed for %(retirement)s: its links have expired then."
        ),
        by_hand=_(
            "The last link signed with %(key)s has expired: remove the key from the key group in "
            "CloudFront, delete the public key there, and confirm it in the admin."
        ),
        would=_("%(key)s would be retired: its last link has expired."),
        overdue=_(
            "%(key)s could have been retired since %(due)s, but CloudFront still trusts it: retire "
            "it in the admin, or check whether cfsigned_rotate runs and reaches AWS; by hand, "
            "remove the key there and confirm it in the admin."
        ),
        ahead=_TRUSTED.ahead[3:],
    ),
    KeyStatus.RETIRED: Stage(),
    KeyStatus.REVOKED: Stage(
        offers=(Action.FINISH,),
        ends_with=Action.FINISH,
        by_hand=_(
            "%(key)s is revoked: remove it from the key group in CloudFront now, delete the public "
            "key there, and confirm it in the admin. CloudFront does not remove the last key of a "
            "key group: if this is the only one, add another first."
        ),
        would=_("%(key)s would be removed from CloudFront."),
        overdue=_(
            "%(key)s has been revoked since %(due)s, but CloudFront may still trust it: check "
            "whether cfsigned_rotate runs and reaches AWS; by hand, remove the key there and "
            "confirm it in the admin."
        ),
        ahead=("removed_at",),
    ),
}


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
    text = gettext(
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
        text = gettext("They can be retired after %(clock)s.")
        sentences.append(text % {"clock": clock_time(max(ends), now)})
    renewed = {each.next_in for each in rows if each.next_in and not each.is_outdated}
    groups = {each.key_group_id for each in old if each not in retiring} - renewed
    if groups:
        options = sorted(key_group_option(in_one_line(each)) for each in groups)
        commands = (f"manage.py cfsigned_rotate --start{each}" for each in options)
        sentences.append(
            gettext("Start a rotation: %(commands)s") % {"commands": ", ".join(commands)}
        )
    return " ".join(sentences)


def _in_its_group(key_pair: KeyPair) -> str:
    return gettext("%(key)s (%(status)s, key group %(group)s)") % {
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
    blockers = stage.blockers(rotation, key_pair, now)
    # A successor is shown no moment at which it will not sign; other links work for days.
    is_near = key_pair.next_in or not blockers
    if is_near and (problem := stage.problem(rotation, key_pair)):
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
    values = {
        "key": key_pair,
        "since": in_words(age),
        # If the process that switched keys died before it recorded the date, RETIRING starts now.
        "clock": clock_time(until or now + retirement, now),
        "wait": in_words(rotation.waits.propagation),
        "retirement": in_words(retirement),
    }
    what = stage.waiting % values
    if stage.doubt and age >= _PATIENCE:
        what = f"{what} {stage.doubt}"
    if until and until > now + retirement + GRACE:
        what = f"{what} {stage.too_long % values}"
    return PendingWait(key_pair=key_pair, what=what, until=until)


def find_overdue(
    rotation: Rotation, *, now: datetime, key_pairs: Iterable[KeyPair]
) -> Iterator[str]:
    """Yield the overdue steps, each as a sentence: since when, and what to check."""
    for key_pair in key_pairs:
        stage = stage_of(key_pair)
        due = stage.due(rotation, key_pair)
        if stage.overdue and due is not None and now >= due + GRACE:
            if problem := stage.problem(rotation, key_pair):
                yield problem
                continue
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
    return gettext("%(date)s, %(time)s") % {"date": date, "time": time}


def in_words(time: timedelta | int) -> str:
    """Return a time, in seconds if it is a number, in its largest whole unit: 40 s, 5 min, 3 h."""
    seconds = max(0, int(time.total_seconds() if isinstance(time, timedelta) else time))
    if seconds < 120:
        return gettext("%(n)s s") % {"n": seconds}
    if seconds < 2 * 3600:
        return gettext("%(n)s min") % {"n": seconds // 60}
    if seconds < 48 * 3600:
        return gettext("%(n)s h") % {"n": seconds // 3600}
    days = seconds // 86400
    return ngettext("%(n)s day", "%(n)s days", days) % {"n": days}
