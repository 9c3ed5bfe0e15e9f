"""Let CloudFront forget files: an adapter that calls invalidation.py.

Exit codes: 0 sent, 75 (EX_TEMPFAIL) too many in progress or throttled, 1 failed.
"""

from __future__ import annotations

import json
import sys
import time
import uuid
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.core.management.base import CommandError

from cfsigned_django.invalidation import (
    InvalidationError,
    condensed,
    distribution_of,
    items_of,
    send,
    spellings,
    unsent,
)
from cfsigned_django.management.command import CfsignedCommand
from cfsigned_django.signing.encoding import encode_path
from cfsigned_django.storage.registry import find_storage
from cfsigned_django.storage.urls import StorageSigner

NOT_YET = 75
#: How many seconds --wait waits before it tries again.
_WAIT = 10


class Command(CfsignedCommand):
    """Send names, folders, tags or lines to CloudFront."""

    #: Waits until CloudFront may take more.
    sleep = staticmethod(time.sleep)

    help = (
        "Let CloudFront forget files, so that it asks S3 again. The files need not exist. Exit "
        "code 0: sent; 75: too many invalidations are in progress, or AWS throttles; 1: failed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("names", nargs="*", metavar="NAME", help="Name of a file")
        parser.add_argument("--folder", help="Everything in this folder, such as albums/42")
        parser.add_argument("--tag", help="Everything with this cache tag, such as album:42")
        lines = "Read names, one a line, and paths and tags as the log has them"
        parser.add_argument("--stdin", action="store_true", help=lines)
        alias = 'Alias in STORAGES of the storage of the files. Default: "default"'
        parser.add_argument("--storage", default="default", metavar="ALIAS", help=alias)
        which = "ID of the distribution. Default: that of the storage"
        parser.add_argument("--distribution", metavar="ID", help=which)
        wait = "Wait while too many are in progress, and go on"
        parser.add_argument("--wait", action="store_true", help=wait)
        parser.add_argument("--json", action="store_true", help="Print JSON for machines")

    def run(self, options: dict[str, Any]) -> None:
        """Run the command; see the module's docstring for the exit code."""
        if sum(bool(options[each]) for each in ("names", "folder", "tag", "stdin")) != 1:
            raise CommandError("Give either names, --folder, --tag or --stdin.")
        try:
            signing = find_storage(options["storage"]).signing
            if signing.is_local and not options["distribution"]:
                self.stderr.write("This storage keeps its files on this machine: nothing to do.")
                if options["json"]:
                    self._write_json(None, 0, [])
                return
            distribution_id = options["distribution"] or distribution_of(signing)
            items = condensed(_items(signing, options))
            failed = self._send(distribution_id, items, options["wait"])
        except (ImproperlyConfigured, SuspiciousFileOperation, ValueError) as error:
            raise CommandError(str(error)) from None
        left = failed.left if failed else []
        sent = len(items) - len(left)
        if options["json"]:
            self._write_json(distribution_id, sent, left)
        else:
            self.stdout.write(f"Sent {sent} of {len(items)} item(s) to {distribution_id}.")
        if failed:
            text = unsent(distribution_id, left, str(failed))
            raise CommandError(text, returncode=NOT_YET if failed.error.is_temporary else 1)

    def _write_json(self, distribution_id: str | None, sent: int, left: list[str]) -> None:
        done = {"distribution_id": distribution_id, "sent": sent, "left": left}
        self.stdout.write(json.dumps(done, indent=2))

    def _send(
        self, distribution_id: str, items: list[str], waits: bool
    ) -> InvalidationError | None:
        """Send the items, and wait if that may help; return what failed."""
        left, reference = items, uuid.uuid4()
        while True:
            try:
                send(distribution_id, left, reference=reference)
                return None
            except InvalidationError as failed:
                if not waits or not failed.error.is_temporary:
                    return failed
                left, reason = failed.left, failed.error.reason
            sent = len(items) - len(left)
            self.stderr.write(f"Sent {sent} of {len(items)}. Waiting {_WAIT} s, since {reason}.")
            self.sleep(_WAIT)


def _items(signing: StorageSigner, options: dict[str, Any]) -> Iterator[str]:
    """Yield the items that the options mean."""
    if options["tag"]:
        yield "#" + options["tag"].removeprefix("#")
    elif not options["stdin"]:
        yield from items_of(signing, options["names"], options["folder"])
    for line in sys.stdin if options["stdin"] else ():
        name = line.rstrip("\r\n")
        if name.startswith("/"):  # As readable() has written it, on any side of a query.
            path, mark, query = name.strip().partition("?")
            yield from (each + mark + query for each in spellings(encode_path(path)))
        elif name.startswith("#"):
            yield name.strip()
        elif name:
            yield from items_of(signing, [name])
