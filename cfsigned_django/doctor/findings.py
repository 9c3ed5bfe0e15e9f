"""Say what is right or wrong with a site, in the same words for people and machines."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum


class Level(StrEnum):
    """Name how much a finding matters."""

    #: It was looked at, and is as it should be.
    OK = "ok"
    #: Links work, or may work; somebody should look at it.
    WARNING = "warning"
    #: Viewers are refused, or files are not private, or nobody could look.
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What all findings of one id have in common.

    ``meaning`` is the line of the documentation's table; ``why`` says what
    follows from it, and ``fix`` what to do.
    """

    level: Level
    meaning: str
    why: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at.

    ``what`` is one sentence with the names and values at hand, ``why`` says
    what follows from it, and ``fix`` what to do; the last two are empty where
    all is well. ``subject`` is the setting or the object of AWS that it is
    about. None of them holds a signature or a key.
    """

    id: str
    level: Level
    what: str
    why: str
    fix: str
    subject: str

    def to_json(self) -> dict[str, str]:
        """Return the finding as the command's ``--json`` prints it."""
        return {name: str(value) for name, value in asdict(self).items()}
