"""Tell why no key pair of a key group signs, and which step lets one sign."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext

from cfsigned_django.keyring import NoKey, key_group_option, no_key_at_all
from cfsigned_django.phrase import Phrase as _, translated
from cfsigned_django.rotation.models import KeyPair

if TYPE_CHECKING:
    from cfsigned_django.rotation.rotation import Rotation


def nothing_signs(rotation: Rotation) -> str:
    """Return that no key signs, and why, in the active language."""
    no_key = why_nothing_signs(rotation.key_group_id, rotation.store.successor())
    return f"{translated(no_key.what, gettext)} {gettext('Pages with links to files fail.')}"


def why_nothing_signs(key_group_id: str, successor: KeyPair | None) -> NoKey:
    """Return what there is instead of a key that signs, and the step that lets one sign.

    No key of the group is ACTIVE; ``successor`` is the next one, if there is one.
    What that waits for is told by the command (status.py).
    """
    if successor is None:
        return no_key_at_all(key_group_id)
    values = {"group": key_group_id, "key": str(successor)}
    command = f"manage.py cfsigned_rotate --wait{key_group_option(key_group_id)}"
    if problem := successor.trust_problem:
        what = _(
            "No key signs for key group {group} yet: {key} is next, but may not sign. {problem}",
            problem=f"{problem.rstrip('.')}.",
            **values,
        )
        return NoKey(what=what, next_step=f"Then run {command}.")
    return NoKey(
        what=_("No key signs for key group {group} yet: {key} is next.", **values),
        next_step=f"Run {command}: it says what that key waits for, and goes on until it signs.",
    )
