"""The stages of a key pair: which steps each offers, when they are due, and the words for it.

A state has one row in :data:`STAGES`, from which steps, waits and timelines are listed. What may
happen when is decided in lifecycle.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeAlias

from django.utils.translation import gettext_lazy as _

from cfsigned_django.rotation.action import Action
from cfsigned_django.rotation.lifecycle import Blocker, KeyStatus

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    from cfsigned_django.rotation.models import KeyPair
    from cfsigned_django.rotation.rotation import Rotation

#: A pattern, which is translated when it is filled in.
Words: TypeAlias = "str | _StrPromise"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What is next for a key pair, and the words for it."""

    #: What is offered, in the order in which a person needs it.
    offers: tuple[Action, ...] = ()
    #: The step that ends the stage, and the state that it waits for; None if nothing is left.
    step: Action | None = None
    to: KeyStatus | None = None
    #: Since when the step could have been taken.
    due: Callable[[Rotation, KeyPair], datetime | None] = lambda rotation, key_pair: key_pair.since
    #: What must be corrected before it can be taken, whatever it waits for; "" if nothing.
    problem: Callable[[Rotation, KeyPair], str] = lambda rotation, key_pair: ""
    #: What the step waits for, and what to check if that, or the step, takes long.
    waiting: Words = ""
    doubt: Words = ""
    #: What a person does in CloudFront if this site does not change it.
    by_hand: Words = ""
    #: What a job would do.
    would: Words = ""
    #: What to check if nobody takes the step; the second one if CloudFront is changed by hand.
    overdue: Words = ""
    overdue_by_hand: Words = ""
    #: What has not happened yet, for the timeline.
    ahead: tuple[Words, ...] = ()

    def blockers(self, rotation: Rotation, key_pair: KeyPair, now: datetime) -> list[Blocker]:
        """Return what the step waits for."""
        return [] if self.to is None else rotation.blockers(key_pair, self.to, now)


def stage_of(key_pair: KeyPair) -> Stage:
    """Return the stage of a key pair."""
    if key_pair.status == KeyStatus.TRUSTED and key_pair.verified_since is not None:
        return _KNOWN
    if key_pair.status == KeyStatus.REVOKED and not key_pair.awaits_removal:
        return STAGES[KeyStatus.RETIRED]  # over as well
    return STAGES[KeyStatus(key_pair.status)]


def _trusted_for_long(rotation: Rotation, key_pair: KeyPair) -> datetime | None:
    since = key_pair.verified_since or key_pair.trusted_at
    return since and since + timedelta(seconds=rotation.waits.propagation)


def _untrusted_by_hand(rotation: Rotation, key_pair: KeyPair) -> str:
    # If the site adds the key itself, the attempt fails with this problem.
    problem = key_pair.trust_problem if rotation.by_hand else ""
    return problem and f"{key_pair}: {problem}"


_TRUSTED: Final = Stage(
    offers=(Action.CHECK, Action.ACTIVATE, Action.CORRECT),
    step=Action.ACTIVATE,
    to=KeyStatus.ACTIVE,
    due=_trusted_for_long,
    problem=lambda rotation, key_pair: rotation.find_unprobed(key_pair),
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
    ahead=(_("Works"), _("Signs"), _("Retiring"), _("Retired")),
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
        step=Action.TRUST,
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
        ahead=(_("Trusted"), *_TRUSTED.ahead),
    ),
    KeyStatus.TRUSTED: _TRUSTED,
    KeyStatus.ACTIVE: Stage(ahead=_TRUSTED.ahead[2:]),
    KeyStatus.RETIRING: Stage(
        offers=(Action.RETIRE,),
        step=Action.RETIRE,
        to=KeyStatus.RETIRED,
        due=lambda rotation, key_pair: rotation.links_end(key_pair),
        problem=lambda rotation, key_pair: rotation.find_bypass(str(key_pair)),
        waiting=_(
            "%(key)s no longer signs; it can be retired after %(clock)s, when the last link signed "
            "with it has expired."
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
        step=Action.FINISH,
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
        ahead=(_("Removed from CloudFront"),),
    ),
}
