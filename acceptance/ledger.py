"""The ledger of a run: what it may have made in AWS. Nothing else is ever changed or removed.

A file with one JSON object in each line. A resource is written down, and on the disk, before the
call that makes it; its ID follows when AWS has answered. So whatever kills a run, a line stands for
each resource that may exist.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final, Self

_RUN: Final = re.compile(r"[0-9a-f]{32}")
_REFERENCE: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


class BadLedger(Exception):
    """The ledger cannot be used: the message says why, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """Something that the run made, or was about to make.

    ``reference`` is CloudFront's CallerReference, if the call has one; ``id`` is empty until AWS
    has answered. ``at`` is when it was written.
    """

    number: int
    kind: str
    name: str
    at: datetime
    reference: str = ""
    id: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}{f' ({self.id})' if self.id not in ('', self.name) else ''}"

    def is_of(self, mark: str) -> bool:
        """Return whether a run may have made it: its name contains the mark of the run.

        Objects have the bucket for that; the names of public keys are the package's, and contain
        their caller reference, a UUID: their comments contain the mark.
        """
        if self.kind == "public-key" and _REFERENCE.fullmatch(self.reference):
            return mark in self.name or self.name == f"cfsigned-{self.reference}"
        return self.kind == "object" or mark in self.name


class Ledger:
    """An open ledger: no other process can open it meanwhile.

    ``run`` is the 32 hexadecimal digits of the run, ``account`` the 12 digits of the account,
    ``region`` that of the stack, and ``endpoint`` the URL of an emulator, empty for AWS.
    """

    def __init__(self, file: IO[bytes]) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BadLedger(
                f"{file.name} is in use: its run has not ended. Stop it with Ctrl-C; it then "
                "removes what it made."
            ) from None
        self._file, self._lock = file, threading.Lock()
        self.path = Path(file.name)
        self.run = self.account = self.region = self.endpoint = ""
        self._left: dict[int, Resource] = {}
        #: The IDs of everything but objects, also of what was removed: no report shows them.
        self.ids: set[str] = set()
        self._last = 0
        for number, event in _whole_lines(file):
            try:
                self._take(event)
            except (KeyError, TypeError, ValueError):
                raise BadLedger(f"Line {number} of {file.name} is not of a ledger.") from None
        if self.run:  # A file of another kind stays as it is.
            file.truncate()

    @property
    def mark(self) -> str:
        """Return what everything that the run makes has in its name, its comment or its tag."""
        return f"acceptance-{self.run}"

    @classmethod
    def begin(cls, path: Path, *, run: str, account: str, region: str, endpoint: str) -> Self:
        """Create the file, for a new run."""
        path.parent.mkdir(parents=True, mode=0o700)
        ledger = cls(path.open("xb+"))  # never over another ledger
        whose = {"run": run, "account": account, "region": region, "endpoint": endpoint}
        ledger._write({"event": "begin", **whose})
        # The names of the file and of its folders must be on the disk as well.
        for folder in list(path.absolute().parents)[:3]:
            descriptor = os.open(folder, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)
        return ledger

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the ledger of an earlier run. Raise :exc:`BadLedger` if it is none, or in use."""
        try:
            file = path.open("rb+")
        except OSError as error:
            raise BadLedger(f"{path} cannot be opened: {error.strerror}.") from None
        try:
            ledger = cls(file)
            if not ledger.run:
                raise BadLedger(f"{path} names no run: it ended before it made anything.")
        except BadLedger:
            file.close()
            raise
        return ledger

    def close(self) -> None:
        """Let other processes open it."""
        self._file.close()

    def intend(self, kind: str, name: str, reference: str = "") -> Resource:
        """Write down what the next call makes. Raise :exc:`BadLedger` if no run may make it."""
        with self._lock:
            number = self._last + 1
            self._write(
                {
                    "event": "intent",
                    "number": number,
                    "kind": kind,
                    "name": name,
                    "reference": reference,
                }
            )
            return self._left[number]

    def made(self, resource: Resource, id: str) -> Resource:
        """Note the ID that AWS gave."""
        with self._lock:
            self._write({"event": "made", "number": resource.number, "id": id})
            return self._left[resource.number]

    def removed(self, resource: Resource) -> None:
        """Note that it does not exist any more."""
        with self._lock:
            self._write({"event": "removed", "number": resource.number})

    def left(self, kind: str = "") -> list[Resource]:
        """Return what may still exist, of this kind if one is given; the last one first."""
        return [each for each in reversed(self._left.values()) if kind in ("", each.kind)]

    def find(self, kind: str, id: str) -> Resource | None:
        """Return what has this ID, if the ledger has it."""
        return next((each for each in self.left(kind) if each.id == id), None)

    def _write(self, event: dict[str, Any]) -> None:
        event = {"at": datetime.now(UTC).isoformat(timespec="seconds"), **event}
        if event["event"] == "intent":
            self._checked(event)  # before it is written
        self._file.write(json.dumps(event).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._take(event)

    def _take(self, event: dict[str, Any]) -> None:
        if (event["event"] == "begin") == bool(self.run):
            raise ValueError("Only the first line names a run.")
        match event["event"]:
            case "begin":
                if not _RUN.fullmatch(event["run"]):
                    raise BadLedger(
                        f"{event['run']!r} is no run: it must be 32 hexadecimal digits."
                    )
                self.run, self.account = event["run"], event["account"]
                self.region, self.endpoint = event["region"], event["endpoint"]
            case "intent":
                self._last = event["number"]
                self._left[self._last] = self._checked(event)
            case "made":
                made = replace(self._left[event["number"]], id=event["id"])
                self._left[event["number"]] = made
                if made.kind != "object":
                    self.ids.add(made.id)
            case "removed":
                # Written twice, if Ctrl-C came while it was written.
                self._left.pop(event["number"], None)
            case other:
                raise ValueError(other)

    def _checked(self, event: dict[str, Any]) -> Resource:
        """Return what an intent means; refuse a line that no run has written."""
        resource = Resource(
            number=event["number"],
            kind=event["kind"],
            name=event["name"],
            at=datetime.fromisoformat(event["at"]),
            reference=event["reference"],
        )
        if not resource.is_of(self.mark):
            raise BadLedger(
                f"The {resource.kind} {resource.name!r} does not contain {self.mark!r}, so the "
                "run did not make it."
            )
        return resource


def _whole_lines(file: IO[bytes]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield number and content of each line; then the file is at the end of the last whole one.

    The rest of one that was cut off was not on the disk: the call that it announced was not made.
    """
    end = 0
    for number, line in enumerate(file, 1):
        if not line.endswith(b"\n"):
            break
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        if not isinstance(event, dict):
            raise BadLedger(f"Line {number} of {file.name} is not of a ledger.")
        yield number, event
        end += len(line)
    file.seek(end)
