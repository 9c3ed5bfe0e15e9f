"""The steps of a rotation in the admin: who may take them, and what they say."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from cfsigned_django.admin.access import permissions_for
from cfsigned_django.aws.errors import AwsError
from cfsigned_django.phrase import translated
from cfsigned_django.rotation.action import Action
from cfsigned_django.rotation.errors import Blocked
from cfsigned_django.rotation.models import KeyPair

if TYPE_CHECKING:
    from cfsigned_django.admin.snapshot import Snapshot
    from cfsigned_django.rotation.steps import Step


def allowed_steps(snapshot: Snapshot, permissions: Collection[str]) -> list[Step]:
    """Return the steps that are due and that these permissions allow, the most urgent first."""
    mine = frozenset(permissions)
    return [each for each in snapshot.steps if permissions_for(each.action) & mine]


def purpose(snapshot: Snapshot, step: Step) -> str:
    """Return the purpose of a step, as a sentence."""
    match step.action:
        case Action.IMPORT:
            text = _("Import the key from the settings into the database.")
        case Action.START if snapshot.cannot_sign:
            text = _("%(signing)s cannot be decrypted. Fix the settings, or replace the key.")
        case Action.START if snapshot.replaced is not None:
            text = _(
                "The newest encryption key did not encrypt %(successor)s. Make a new key in its "
                "place."
            )
        case Action.START if snapshot.signing_name:
            text = _("Replace %(signing)s.")
        case Action.START:
            text = _("Generate a signing key.")
        case Action.TRUST:
            text = _("Add the new key to CloudFront.")
        case Action.CORRECT:
            text = _(
                "CloudFront does not know %(key)s. Check that this is the right public key ID."
            )
        case Action.CHECK:
            text = _("Check whether CloudFront knows %(key)s.")
        case Action.ACTIVATE:
            text = _("%(key)s is ready to sign.")
        case Action.RETIRE:
            text = _("%(key)s can be retired: its last link has expired.")
        case _revoked:
            text = _("Remove %(key)s from CloudFront.")
    return text % {
        "key": step.key_pair,
        "signing": snapshot.signing_name,
        "successor": snapshot.successor,
    }


def not_due(action: Action, key_pair: KeyPair | None) -> str:
    """Return why a step is refused: it is no longer due, or never was due."""
    if key_pair is None:
        return _("This step is not due now.")
    return _("This step is not due: %(key)s is %(status)s.") % {
        "key": key_pair,
        "status": key_pair.get_status_display(),
    }


def put_in_words(error: Exception) -> str:
    """Return a failure as text, in the person's language if this package wrote the text."""
    if isinstance(error, AwsError):
        next_step = translated(error.next_step, _)
        if isinstance(error.__cause__, AwsError):  # another call that failed: its text comes next
            next_step = put_in_words(error.__cause__)
        return _("Could not %(what)s: %(reason)s. %(next_step)s") % {
            "what": translated(error.what, _),
            "reason": translated(error.reason, _),
            "next_step": next_step,
        }
    if isinstance(error, Blocked):
        return _("%(key)s is not ready for this step. The page shows what it is waiting for.") % {
            "key": error.key_pair
        }
    return translated(error, _)
