"""Tell a person who waits for a rotation what there is to tell, each thing once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from cfsigned_django.rotation.report import times_in_words
from cfsigned_django.rotation.rotation import Rotation
from cfsigned_django.rotation.status import find_all

#: How long --wait sleeps between two looks, in seconds.
LOOK_AGAIN = 2.0


@dataclass(slots=True, kw_only=True)
class Progress:
    """What was said so far; ``write`` takes a line, and is None where nobody reads it."""

    rotation: Rotation
    write: Callable[[str], object] | None
    _said: set[object] = field(default_factory=set)

    def show(self, did: str | None, held_up: str) -> None:
        """Say what was done, what held it up, and what is waited for."""
        if self.write is None:
            return
        now = self.rotation.clock()
        lines: list[tuple[object, str]] = [("times", times_in_words(now))]
        lines += [(line, line) for line in (did, held_up) if line]
        lines += [(each.topic, each.what) for each in find_all(self.rotation, now=now)]
        for topic, line in lines:
            if topic not in self._said:
                self._said.add(topic)
                self.write(line)

    def pause(self, held_up: str) -> None:
        """Say what holds the next step up, and wait for a moment."""
        self.show(None, held_up)
        time.sleep(LOOK_AGAIN)
