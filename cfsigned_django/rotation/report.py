"""Tell what stands in a key group: for people, and as JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

from django.utils.timezone import get_current_timezone_name, localtime

from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.status import in_words

#: What is waited for, in words, and until when if that is known.
Blocker: TypeAlias = tuple[str, datetime | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was done, what blocks the next step, and how the key pairs stand."""

    key_group_id: str | None
    did: str | None
    blockers: list[Blocker]
    key_pairs: Iterable[KeyPair]
    now: datetime
    #: What to know besides, which blocks nothing.
    notes: list[str]
    is_dry_run: bool = False

    def as_json(self) -> str:
        """Return the JSON that docs/commands.md describes; moments are in UTC."""
        report = {
            "key_group_id": self.key_group_id,
            "did": self.did,
            "blockers": [{"what": what, "until": _utc(until)} for what, until in self.blockers],
            "keys": [
                {
                    "key_pair_id": each.key_pair_id,
                    "status": each.status,
                    "algorithm": each.algorithm,
                    "since": _utc(each.since),
                }
                for each in self.key_pairs
            ],
            "notes": self.notes,
        }
        return json.dumps(report, indent=2)

    def as_text(self) -> str:
        """Return lines for a person, with times as this site shows them."""
        lines = [self.did or self._headline]
        lines += [f"  {what}" for what in [*self.notes, *(what for what, _ in self.blockers)]]
        lines.append(f"Key group {self.key_group_id or 'not set'}, {times_in_words(self.now)}:")
        for each in self.key_pairs:
            age = in_words(self.now - each.since)
            lines.append(
                f"  {each!s:<16} {each.get_status_display():<9} for {age:<9} "
                f"{each.get_algorithm_display()}{', spare' if each.is_spare else ''}"
            )
        return "\n".join(lines)

    @property
    def _headline(self) -> str:
        if self.is_dry_run:
            return "Dry run: nothing was done."
        return "Not yet:" if self.blockers else "There is nothing to do."


def times_in_words(now: datetime) -> str:
    """Say what time it is, and in which time zone times are shown."""
    return f"{localtime(now):%Y-%m-%d %H:%M:%S %Z} ({get_current_timezone_name()})"


def _utc(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
