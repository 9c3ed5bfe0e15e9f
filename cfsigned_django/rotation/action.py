"""What a step of a rotation does."""

from __future__ import annotations

from enum import StrEnum


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
    def has_key_pair(self) -> bool:
        """Return whether the step concerns one key pair, not the whole key group."""
        return self not in (Action.IMPORT, Action.START)
