"""What a step of a rotation does."""

from __future__ import annotations

from enum import StrEnum

from django.utils.translation import gettext_lazy as _

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

    @property
    def has_key_pair(self) -> bool:
        """Return whether the step concerns one key pair, not the whole key group."""
        return self not in (Action.IMPORT, Action.START)


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
