"""Who a run is: on the disk before it makes anything, so that whatever kills it, its mark is known.

Everything that a run makes in AWS carries its mark, which no one else can have by accident: a stack
and an object as a tag, a key and a key group as a comment. So AWS itself has the list of what is to
be removed.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Final

#: The key of the tag; its value is the mark of the run.
TAG: Final = "acceptance"
_RUN: Final = re.compile(r"[0-9a-f]{32}")


class BadRecord(Exception):
    """The record cannot be used: the message says why, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A run: 32 hexadecimal digits, and where it asks.

    ``region`` is that of the stack; ``endpoint`` is the URL of an emulator, empty for AWS.
    """

    run: str
    account: str
    region: str
    endpoint: str

    @property
    def mark(self) -> str:
        """Return what everything that the run makes carries."""
        return f"acceptance-{self.run}"

    @property
    def tag(self) -> dict[str, str]:
        """Return the mark as a tag."""
        return {"Key": TAG, "Value": self.mark}

    @property
    def stack(self) -> str:
        """Return the name of the stack, with which the names of all that it makes begin."""
        return self.mark

    @property
    def bucket(self) -> str:
        """Return the name of the bucket of the stack."""
        return f"cfsigned-{self.mark}"

    @property
    def places(self) -> dict[str, str]:
        """Return each stack that a run may make, and its bucket; the second is meant to fail."""
        return {self.stack: self.bucket, f"bad-{self.stack}": f"{self.bucket}-bad"}


@contextmanager
def begun(record: Record, path: Path) -> Iterator[Record]:
    """Write the record of a new run; no other process can open it within the block."""
    path.parent.mkdir(parents=True, mode=0o700)
    with path.open("x") as file:  # never over another record
        _lock(file)
        json.dump(asdict(record), file)
        file.flush()
        os.fsync(file.fileno())
        # The names of the file and of its folders must be on the disk as well.
        for folder in list(path.absolute().parents)[:3]:
            descriptor = os.open(folder, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)
        yield record


@contextmanager
def opened(path: Path) -> Iterator[Record]:
    """Open the record of an earlier run. Raise :exc:`BadRecord` if it is none, or in use."""
    try:
        file = path.open()
    except OSError as error:
        raise BadRecord(f"{path} cannot be opened: {error.strerror}.") from None
    with file:
        _lock(file)
        try:
            record = Record(**json.load(file))
            is_run = _RUN.fullmatch(record.run)
        except (TypeError, ValueError):
            is_run = None
        if not is_run:
            raise BadRecord(
                f"{path} is not the record of a run. If the run ended while it was written, it "
                "made nothing."
            )
        yield record


def _lock(file: IO[str]) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise BadRecord(
            f"{file.name} is in use: its run has not ended. Stop it with Ctrl-C; it then removes "
            "what it made."
        ) from None
