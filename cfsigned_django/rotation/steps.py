"""Find the steps of a rotation that are due and take them, for the page, the command and jobs."""

from __future__ import annotations

import logging
import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _

from cfsigned_django.core.aws.errors import AwsError
from cfsigned_django.core.encryption import CannotDecrypt
from cfsigned_django.core.validation import is_of_trusted_signer
from cfsigned_django.rotation.active import ConfiguredKey, outage_in_words, unimported_keys
from cfsigned_django.rotation.importing import import_settings_key
from cfsigned_django.rotation.lifecycle import ENDED, KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.probe import ProbeResult
from cfsigned_django.rotation.removal import Removal, ready_successor
from cfsigned_django.rotation.rotation import Rotation, has_signing_key, name_signing, state_of
from cfsigned_django.rotation.stages import (
    Action,
    clock_time,
    find_waits,
    in_words,
    stage_of,
)
from cfsigned_django.rotation.store import (
    Blocked,
    RotationError,
    Unfinished,
    was_restored,
)
from cfsigned_django.signing import InvalidKey, KeyAlgorithm

logger: Final = logging.getLogger("cfsigned_django.rotation")

#: What :func:`take` may raise; callers show these errors to the person.
FAILURES = (AwsError, RotationError, CannotDecrypt, ImproperlyConfigured, InvalidKey)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step that is due now, or once what blocks it is over."""

    action: Action
    key_pair: KeyPair | None = None
    #: Why the step cannot be taken yet, as a sentence; empty if it can.
    blocked: str = ""
    #: What its button says, if that is not what the action's usually says.
    other_label: str = ""

    @property
    def label(self) -> str:
        return self.other_label or self.action.label

    @property
    def is_aside(self) -> bool:
        """Return whether the step does not advance a rotation, as the check of a key that works."""
        if self.action is not Action.CHECK or self.key_pair is None:
            return False
        return self.key_pair.status != KeyStatus.TRUSTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    text: str
    #: What comes next, for the page; the command lists what it waits for itself.
    outlook: str = ""
    #: Whether a person should look at it: a key was revoked, or something is wrong.
    is_warning: bool = False
    #: Whether the step changed anything; a check usually does not.
    has_changed: bool = True


# What is due


def due(
    rotation: Rotation,
    *,
    now: datetime,
    key_pairs: Sequence[KeyPair],
    unimported_keys: Collection[ConfiguredKey] = (),
) -> Iterator[Step]:
    """Yield every step that a page may offer, blocked ones included, the most urgent first.

    ``key_pairs`` are those of the key group, the newest first. ``unimported_keys``
    are the keys of the settings that the database does not have: one that signs
    can be imported. Revoking comes last. This calls nothing and changes nothing.
    """
    key_pairs = key_pairs[::-1]
    found = find_waits(rotation, now=now, key_pairs=key_pairs)
    waits = {each.key_pair.pk: each.what for each in found if not each.is_by_hand}

    def steps(status: KeyStatus) -> Iterator[Step]:
        for key_pair in key_pairs:
            if key_pair.status == status:
                yield from _steps_of(rotation, key_pair, waits.get(key_pair.pk, ""), now)

    retiring = list(steps(KeyStatus.RETIRING))
    yield from steps(KeyStatus.REVOKED)
    yield from (each for each in retiring if not each.blocked)
    if any(each.next_in and each.is_outdated for each in key_pairs):
        yield Step(action=Action.START, other_label=_("Make a new key"))  # in place of this one
    for status in KeyStatus:
        if status not in (KeyStatus.RETIRING, KeyStatus.REVOKED):
            yield from steps(status)
    yield from _steps_of_the_group(key_pairs, unimported_keys)
    yield from (each for each in retiring if each.blocked)
    for key_pair in key_pairs:
        is_waiting = key_pair.status == KeyStatus.RETIRING and key_pair.pk in waits
        can_look = not rotation.by_hand
        if can_look and (is_waiting or key_pair.status == KeyStatus.ACTIVE):
            blocked = _claimed(key_pair, now)
            yield Step(action=Action.CHECK, key_pair=key_pair, blocked=blocked)
    for key_pair in key_pairs:
        if key_pair.status not in ENDED:
            yield Step(action=Action.REVOKE, key_pair=key_pair)


def _steps_of(rotation: Rotation, key_pair: KeyPair, wait: str, now: datetime) -> Iterator[Step]:
    stage = stage_of(key_pair)
    problem = _claimed(key_pair, now) or (key_pair.trust_problem if key_pair.next_in else "")
    for action in stage.offers:
        if action is Action.CORRECT and not rotation.by_hand:
            continue  # Only an ID that a person entered may be wrong.
        blocked = problem or (wait if action is stage.ends_with else "")
        is_entered = action is Action.TRUST and rotation.by_hand
        label = _("Enter the public key ID") if is_entered else ""
        yield Step(action=action, key_pair=key_pair, blocked=blocked, other_label=label)


def _steps_of_the_group(
    key_pairs: Sequence[KeyPair], unimported_keys: Collection[ConfiguredKey]
) -> Iterator[Step]:
    has_active = any(each.status == KeyStatus.ACTIVE for each in key_pairs)
    may_import = not any(is_of_trusted_signer(each.key_pair_id) for each in unimported_keys)
    if unimported_keys and may_import and not has_active:
        yield Step(action=Action.IMPORT)
    if not any(each.next_in for each in key_pairs):
        yield Step(action=Action.START)


def _claimed(key_pair: KeyPair, now: datetime) -> str:
    if key_pair.claimed_until is None or key_pair.claimed_until <= now:
        return ""
    return _("A call to CloudFront is in progress or has just failed: wait until %(clock)s.") % {
        "clock": clock_time(key_pair.claimed_until, now)
    }


def is_under_way(rotation: Rotation) -> bool:
    """Return whether steps are left, due now or later."""
    return any(stage_of(each).ends_with for each in rotation.store.key_pairs())


def is_too_old(rotation: Rotation, max_age: timedelta, *, now: datetime) -> bool:
    """Return whether the signing key is older, or no key signs; a settings key has no known age."""
    active = rotation.store.active()
    if active is None:
        return not has_signing_key(rotation)
    return now - (active.active_at or active.created_at) > max_age


# What a job does by itself


def advance(rotation: Rotation, *, now: datetime) -> str | None:
    """Take the next step that needs no person; return what was done, or None if nothing was.

    Raise what :func:`take` raises. A step that fails permanently does not stop the others.
    """
    key_pairs = rotation.store.key_pairs()
    # Before any step: the settings may be lowered before the next step is due.
    rotation.catch_up(key_pairs)
    failure: Exception | None = None
    # First: while a key is missing from its group, all its links are refused.
    for step in (None, *(step for step, _key_pair in _automatic(rotation, key_pairs, now))):
        try:
            outcome = take(rotation, step, now=now) if step else _restore(rotation, key_pairs, now)
        except (AwsError, CannotDecrypt, RotationError) as error:
            if isinstance(error, AwsError) and error.is_temporary:
                raise  # The other steps would fail as well.
            if not (step and step.action is Action.ACTIVATE and isinstance(error, Blocked)):
                failure = failure or error
            continue
        if outcome is not None and outcome.has_changed:
            if failure is not None:
                logger.error("Another step of the rotation failed. %s", failure)
            return outcome.text
    if failure is not None:
        raise failure
    return None


def next_due(rotation: Rotation, *, now: datetime) -> str | None:
    """Return what :func:`advance` would do first, as a sentence; None if nothing is due."""
    for _step, key_pair in _automatic(rotation, rotation.store.key_pairs(), now):
        stage = stage_of(key_pair)
        # A step that waits for no moment is tried: it probes the key.
        waits = any(each.until for each in stage.blockers(rotation, key_pair, now))
        if not (waits or stage.problem(rotation, key_pair)):
            return stage.would % {"key": key_pair}
    return None


def _automatic(
    rotation: Rotation, key_pairs: list[KeyPair], now: datetime
) -> Iterator[tuple[Step, KeyPair]]:
    """Yield the steps that need no person. Steps in CloudFront need a site that may change it."""
    for step in due(rotation, now=now, key_pairs=key_pairs):
        if (key_pair := step.key_pair) is None or step.action is not stage_of(key_pair).ends_with:
            continue
        stage = stage_of(key_pair)
        waits = stage.blockers(rotation, key_pair, now) or stage.problem(rotation, key_pair)
        # To activate checks the key, and finds out whether the wait is over.
        if step.action is Action.ACTIVATE or not (waits or rotation.by_hand):
            yield step, key_pair


def _restore(rotation: Rotation, key_pairs: list[KeyPair], now: datetime) -> Outcome | None:
    restored = rotation.restore_missing(key_pairs, now=now)
    return Outcome(text=was_restored(restored), is_warning=True) if restored else None


# What a step does


def take(
    rotation: Rotation,
    step: Step,
    *,
    now: datetime,
    algorithm: KeyAlgorithm | None = None,
    reason: str = "",
    key_pair_id: str = "",
) -> Outcome:
    """Take the step and return its result. Raise one of :data:`FAILURES` if it cannot be taken.

    ``algorithm`` is that of a new key, ``reason`` is recorded for START and
    REVOKE, and ``key_pair_id`` is the public key ID, if a person created the
    key in CloudFront (TRUST, CORRECT).
    """
    match step.action, step.key_pair:
        case Action.IMPORT, None:
            return _import(rotation, now)
        case Action.START, None:
            return _start(rotation, now, algorithm, reason)
        case Action.TRUST | Action.CORRECT, KeyPair() as key_pair:
            return _trust(rotation, key_pair, now, key_pair_id)
        case Action.CHECK, KeyPair() as key_pair:
            return _check(rotation, key_pair, now)
        case Action.ACTIVATE, KeyPair() as key_pair:
            return _activate(rotation, key_pair, now)
        case Action.RETIRE, KeyPair() as key_pair:
            Removal(rotation=rotation, key_pair=key_pair, now=now).retire()
            text = _(
                "%(key)s is retired: it is removed from CloudFront, and its private key is erased."
            )
            return Outcome(text=text % {"key": key_pair})
        case Action.REVOKE, KeyPair() as key_pair:
            return _revoke(rotation, key_pair, now, algorithm, reason)
        case Action.FINISH, KeyPair() as key_pair:
            Removal(rotation=rotation, key_pair=key_pair, now=now).finish()
            text = _("%(key)s is removed from CloudFront: links signed with it no longer work.")
            return Outcome(text=text % {"key": key_pair}, outlook=_after_removal(key_pair))
    of_what = "a key pair" if step.key_pair else "a key group"
    raise ValueError(f"{step.action} is not a step of {of_what}.")


def _import(rotation: Rotation, now: datetime) -> Outcome:
    key_pair = import_settings_key(rotation, now=now)
    text = _(
        "%(key)s is in the database and signs from there. Remove %(settings)s; then start a "
        "rotation to replace it."
    )
    held = rotation.settings_keys()
    names = ", ".join(each.names for each in held if each.key_pair_id == str(key_pair))
    return Outcome(text=text % {"key": key_pair, "settings": names})


def _start(
    rotation: Rotation, now: datetime, algorithm: KeyAlgorithm | None, reason: str
) -> Outcome:
    former = rotation.store.successor()
    if former and not former.is_outdated and algorithm not in (None, former.algorithm):
        text = _("%(key)s, which is next, is %(algorithm)s. Revoke it first to change that.")
        raise RotationError(text % {"key": former, "algorithm": former.get_algorithm_display()})
    key_pair = rotation.start(
        algorithm=algorithm or KeyAlgorithm.ECDSA_P256, now=now, reason=reason
    )
    if former == key_pair:
        text = _("A rotation is in progress: %(key)s is next.")
        return Outcome(text=text % {"key": key_pair}, has_changed=False)
    sentences = [_("%(key)s was generated.") % {"key": key_pair}]
    if former is not None:
        text = _("%(key)s, which has signed nothing, is revoked.")
        sentences.insert(0, text % {"key": former})
    outlook = _("Add it to CloudFront next.")
    return Outcome(text=" ".join(sentences), outlook=outlook)


def _trust(rotation: Rotation, key_pair: KeyPair, now: datetime, key_pair_id: str) -> Outcome:
    if key_pair_id:
        _refuse_other_key(rotation, key_pair, key_pair_id)
    rotation.trust(key_pair, now=now, key_pair_id=key_pair_id)
    text = _("CloudFront starts to trust %(key)s. It can sign once it has worked for %(wait)s.")
    wait = in_words(rotation.waits.propagation)
    return Outcome(text=text % {"key": key_pair, "wait": wait})


def _refuse_other_key(rotation: Rotation, key_pair: KeyPair, key_pair_id: str) -> None:
    """Probe before the ID is recorded: with a wrong ID, the key would have to be revoked."""
    former, key_pair.key_pair_id = key_pair.key_pair_id, key_pair_id
    result = rotation.probe(key_pair.make_signer())
    key_pair.key_pair_id = former
    if result is ProbeResult.WRONG_KEY:
        text = _(
            "CloudFront has another public key under %(id)s. Create a public key there with the "
            "key that is shown here, and enter its ID."
        )
        raise RotationError(text % {"id": key_pair_id})


def _check(rotation: Rotation, key_pair: KeyPair, now: datetime) -> Outcome:
    # While a key is missing from its group, all its links are refused.
    if outcome := _restore(rotation, rotation.store.key_pairs(), now):
        return outcome
    if key_pair.status != KeyStatus.TRUSTED:
        text = _("%(key)s is in the key group, and so is every other key with unexpired links.")
        return Outcome(text=text % {"key": key_pair}, has_changed=False)
    result = rotation.record_probe(key_pair, now=now)
    match result:
        case ProbeResult.GOOD:
            text = _("CloudFront knows %(key)s.")
        case ProbeResult.UNKNOWN_KEY:
            text = _("CloudFront does not know %(key)s yet. Check again in a minute.")
        case _no_answer:
            text = _(
                "CloudFront did not answer the probe, which says nothing about %(key)s. Check "
                "AWS_S3_CUSTOM_DOMAIN and the network of this machine."
            )
    is_warning = not result.shows_known
    return Outcome(text=text % {"key": key_pair}, is_warning=is_warning, has_changed=False)


def _activate(rotation: Rotation, key_pair: KeyPair, now: datetime) -> Outcome:
    former = rotation.activate(key_pair, now=now)
    text = _("%(key)s signs from now on; every process uses it within %(keyring)s.") % {
        "key": key_pair,
        "keyring": in_words(rotation.waits.keyring),
    }
    # The time that its card on the page shows, rounded up to a full second.
    waits = find_waits(rotation, now=now, key_pairs=[former] if former else [])
    until = next((each.until for each in waits), None)
    if until is None:
        return Outcome(text=text)
    outlook = _("%(former)s can be retired after %(clock)s. Links signed with it work until then.")
    values = {"former": former, "clock": clock_time(until, now)}
    return Outcome(text=text, outlook=outlook % values)


def _revoke(
    rotation: Rotation,
    key_pair: KeyPair,
    now: datetime,
    algorithm: KeyAlgorithm | None,
    reason: str,
) -> Outcome:
    removal = Removal(rotation=rotation, key_pair=key_pair, now=now, algorithm=algorithm)
    try:
        removal.revoke(reason)
    except (AwsError, CannotDecrypt, RotationError) as error:
        raise _half_revoked(rotation, key_pair, error) from error
    if key_pair.removed_at is None:
        text = _("%(key)s is revoked: it no longer signs.")
    else:
        text = _(
            "%(key)s is revoked and removed from CloudFront: links signed with it no longer work."
        )
    sentences = [text % {"key": key_pair}]
    if signing := name_signing(rotation):
        sentences.append(_("%(key)s signs now.") % {"key": signing})
    else:
        sentences.append(outage_in_words(state_of(rotation)))
    outlook = _after_removal(key_pair) if key_pair.removed_at is not None else ""
    return Outcome(text="\n".join(sentences), outlook=outlook, is_warning=True)


def _half_revoked(rotation: Rotation, key_pair: KeyPair, error: Exception) -> Unfinished:
    """Return the error, with a sentence that says how far the revocation came."""
    key_pair.refresh_from_db(using=rotation.store.rows.db)
    if key_pair.status != KeyStatus.REVOKED:
        text = _("%(key)s is not revoked yet.")
    elif key_pair.removed_at is None:
        text = _(
            "%(key)s is revoked and no longer signs, but CloudFront still trusts it. Fix what "
            "follows, then do the same again, or remove the key in CloudFront."
        )
    else:
        text = _(
            "%(key)s is revoked and removed from CloudFront, but no other key signs yet. Fix what "
            "follows, then start a rotation."
        )
    return Unfinished(text % {"key": key_pair}, error)


def _after_removal(key_pair: KeyPair) -> str:
    """Return what a person does once CloudFront refuses the links of a key, if it has any."""
    if key_pair.active_at is None:
        return ""
    return _("Empty the caches of your pages now, and check that an old link is refused.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequences:
    """What the revocation of a key pair leads to, as sentences."""

    #: How long the last link that breaks would have worked, in minutes rounded up; 0 if none does.
    minutes: int
    breaks: str
    signs: str
    #: Whether nothing signs afterwards: pages with links to files fail.
    is_outage: bool


def consequences_of_revocation(
    rotation: Rotation, key_pair: KeyPair, *, now: datetime
) -> Consequences:
    """Return what breaks if the key pair is revoked now, and what signs afterwards."""
    minutes = _broken_minutes(rotation, key_pair, now)
    if minutes:
        breaks = _(
            "Every unexpired link that %(key)s signed. The last of them would have expired in "
            "%(time)s at most. Reloading a page gives new links."
        )
    else:
        breaks = _("Nothing: no link that %(key)s signed is still valid.")
    signs = _what_signs(rotation, key_pair, now)
    return Consequences(
        minutes=minutes,
        breaks=breaks % {"key": key_pair, "time": in_words(60 * minutes)},
        signs=signs or _what_comes_first(rotation),
        is_outage=not signs,
    )


def _broken_minutes(rotation: Rotation, key_pair: KeyPair, now: datetime) -> int:
    if key_pair.status == KeyStatus.ACTIVE:
        # Lowering the settings after the key began to sign does not shorten any existing link.
        longer = max(0, key_pair.retirement_seconds - rotation.waits.retirement)
        return math.ceil((rotation.waits.url_lifetime + longer) / 60)
    last_expiry = rotation.links_end(key_pair)
    if key_pair.status == KeyStatus.RETIRING and last_expiry is not None:
        return max(0, math.ceil((last_expiry - now).total_seconds() / 60))
    return 0


def _what_signs(rotation: Rotation, key_pair: KeyPair, now: datetime) -> str:
    """Return what signs once the key pair is revoked; "" if nothing does because of that."""
    store = rotation.store
    if key_pair.status != KeyStatus.ACTIVE:
        signing = name_signing(rotation)
        return _("%(signing)s, as now.") % {"signing": signing} if signing else _("No key, as now.")
    # A key that CloudFront does not trust yet is added there first, if the site may.
    successor = ready_successor(rotation) if rotation.by_hand else store.successor()
    if successor is not None and not successor.trust_problem:
        if rotation.blockers(successor, KeyStatus.ACTIVE, now):
            text = _(
                "%(next)s, at once. CloudFront may not know it everywhere yet: some new links may "
                "be refused for a few minutes."
            )
        else:
            text = _("%(next)s, at once.")
        return text % {"next": successor}
    if not rotation.by_hand:
        return _(
            "A new key, at once. It is generated and added to the key group first. CloudFront may "
            "not know it everywhere yet: some new links may be refused for a few minutes."
        )
    unknown = unimported_keys(state_of(rotation), rotation.settings_keys())
    names = ", ".join(each.key_pair_id for each in unknown)
    return _("The key from the settings, %(names)s.") % {"names": names} if names else ""


def _what_comes_first(rotation: Rotation) -> str:
    """Return that nothing signs after a revocation, and what to do before it."""
    successor = rotation.store.successor()
    if successor is None or successor.trust_problem:
        text = _("If there is time, start a rotation first: a new key can sign after %(wait)s.")
    else:
        text = _("If there is time, first add %(next)s to CloudFront and check that it works.")
    wait = in_words(rotation.waits.propagation)
    sentences = (
        _("Nothing: pages with links to files fail."),
        text % {"wait": wait, "next": successor},
    )
    return " ".join(sentences)
