"""Tell why no key pair of a key group signs, and which step lets one sign."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.utils.translation import gettext

from cfsigned_django.keyring import NoKey, key_group_option, no_key_at_all
from cfsigned_django.phrase import Phrase, Phrase as _, translated
from cfsigned_django.rotation.lifecycle import KeyStatus, Waits, find_blockers
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.rotation import Rotation
from cfsigned_django.rotation.status import clock_time, in_words


def nothing_signs(rotation: Rotation, *, now: datetime) -> str:
    """Return that no key signs, and why, in the active language."""
    no_key = why_nothing_signs(
        rotation.key_group_id,
        rotation.store.successor(),
        waits=rotation.waits,
        by_hand=rotation.by_hand,
        now=now,
    )
    return f"{translated(no_key.what, gettext)} {gettext('Pages with links to files fail.')}"


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
        what = _(
            "No key signs for key group {group} yet: {key} is next, but may not sign. {problem}"
        )
        values["problem"] = f"{problem.rstrip('.')}."
        step = f"Then run {command}."
    elif successor.status == KeyStatus.PENDING and by_hand:
        what = _("No key signs for key group {group} yet: {key} waits for its public key ID.")
        step = "Create the public key in CloudFront, and enter its ID in the admin."
    elif successor.status == KeyStatus.PENDING:
        what = _(
            "No key signs for key group {group} yet: {key} is not in the key group at CloudFront."
        )
        step = f"Run {command}: it adds the key, which can sign {wait} later."
    elif not blockers:
        what = _("No key signs for key group {group} yet: {key} can sign now.")
    elif until is not None:
        what = _("No key signs for key group {group} yet: {key} can sign after {clock}.")
        values["clock"] = clock_time(datetime.fromtimestamp(until, tz=UTC), now)
    else:
        what = _(
            "No key signs for key group {group} yet: {key} can sign once CloudFront has accepted "
            "its signatures for {wait}."
        )
        step = f"Run {command}, which tries that."
        if by_hand:
            step = f"Compare its public key ID and the key group in CloudFront. {step}"
    return NoKey(what=Phrase(what, **values), next_step=step)
