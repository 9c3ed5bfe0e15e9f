"""End the servers of a demo that was killed before it could stop them itself.

Run as `python -m demo_project.reaper` with a pipe as standard input. `+123` registers process
group 123, `-123` removes it. When the pipe closes, because the demo has ended, the groups that
are left get SIGTERM, and SIGKILL five seconds later.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterable

PATIENCE = 5.0


def remaining_groups(lines: Iterable[str]) -> set[int]:
    """Read instructions until the pipe closes, and return the groups that are still registered."""
    groups: set[int] = set()
    for line in lines:
        sign, number = line[:1], int(line[1:])
        if sign == "+":
            groups.add(number)
        else:
            groups.discard(number)
    return groups


def end_group(group: int, number: signal.Signals) -> bool:
    """Send the signal to a process group, and return whether the group exists."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def main() -> None:
    """Wait for the end of the demo, then end what it left behind."""
    groups = remaining_groups(sys.stdin)
    left = {group for group in groups if end_group(group, signal.SIGTERM)}
    deadline = time.monotonic() + PATIENCE
    while left and time.monotonic() < deadline:
        time.sleep(0.1)
        left = {group for group in left if _exists(group)}
    for group in left:
        end_group(group, signal.SIGKILL)


def _exists(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


if __name__ == "__main__":
    main()
