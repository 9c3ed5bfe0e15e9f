"""Let CloudFront forget files: an adapter that calls invalidation.py.

Exit codes: 0 sent, 75 (EX_TEMPFAIL) too many in progress or throttled, 1 failed.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ImproperlyConfigured, SuspiciousOperation
from django.core.management.base import CommandError

from cfsigned_django.invalidation import (
    InvalidationError,
    condensed,
    items_of,
    send,
    unsent,
)
from cfsigned_django.management.command import CfsignedCommand

NOT_YET = 75


class Command(CfsignedCommand):
    """Send names, a folder or lines to CloudFront."""

    help = (
        "Let CloudFront forget files, so that it asks S3 again. The files need not exist. Exit "
        "code 0: sent; 75: too many invalidations are in progress, or AWS throttles; 1: failed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        add = parser.add_argument
        add("names", nargs="*", metavar="NAME", help="Name of a file")
        add("--folder", help="Everything in this folder, such as albums/42")
        add("--stdin", action="store_true", help="Read names, one a line, and lines of the log")
        add("--storage", default="default", metavar="ALIAS", help="Alias in STORAGES")
        add("--distribution", metavar="ID", help="Distribution. Default: that of the storage")
        add("--json", action="store_true", help="Print JSON for machines")

    def run(self, options: dict[str, Any]) -> None:
        """Run the command; see the module's docstring for the exit code."""
        if sum(bool(options[each]) for each in ("names", "folder", "stdin")) != 1:
            raise CommandError("Give either names, --folder or --stdin.")
        try:
            name, items = _items(options)
        except (ImproperlyConfigured, SuspiciousOperation, ValueError) as error:
            raise CommandError(str(error)) from None
        left, failed = [], None
        try:
            send(name, items)
        except InvalidationError as error:
            left, failed = error.left, error
        sent = len(items) - len(left)
        described = {"distribution_id": name or None, "sent": sent, "left": left}
        where = name or "CloudFront: these files are on this machine"
        text = f"Sent {sent} of {len(items)} item(s) to {where}."
        self.stdout.write(json.dumps(described, indent=2) if options["json"] else text)
        if failed:
            text = unsent(name, left, str(failed))
            raise CommandError(text, returncode=NOT_YET if failed.is_temporary else 1)


def _items(options: dict[str, Any]) -> tuple[str, list[str]]:
    """Return the distribution, and the items that the options mean."""
    names, items = options["names"], []
    if options["stdin"]:
        lines = [line.rstrip("\r\n") for line in sys.stdin]
        items = [line.strip() for line in lines if line.startswith(("/", "#"))]
        names = [line for line in lines if line and not line.startswith(("/", "#"))]
    distribution_id = options["distribution"]
    if names or options["folder"] or not distribution_id:
        known, more = items_of(options["storage"], names, options["folder"])
        distribution_id, items = distribution_id or known, items + more
    return distribution_id, condensed(items) if distribution_id else []
