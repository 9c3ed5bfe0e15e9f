"""Let CloudFront forget files: an adapter that calls invalidation.py."""

from __future__ import annotations

import json
import re
import shlex
import sys
from typing import Any

from django.core.exceptions import ImproperlyConfigured, SuspiciousOperation
from django.core.management.base import CommandError, CommandParser

from cfsigned_django.invalidation import InvalidationError, items_of, name_given, send
from cfsigned_django.management.command import CfsignedCommand, add_json, add_storage
from cfsigned_django.storage.batch import condensed, unsent

NOT_YET = 75  # EX_TEMPFAIL


class Command(CfsignedCommand):
    help = (
        "Let CloudFront forget files, so that it asks S3 again. The files need not exist. Exit "
        "code 0: sent; 75: too many invalidations are in progress, or AWS throttles; 1: failed."
    )
    example = "--folder albums/42"

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("names", nargs="*", metavar="NAME", help="name of a file, or its URL")
        add("--folder", help="everything in this folder, such as albums/42")
        add("--stdin", action="store_true", help="read names, one a line, and lines of the log")
        add_storage(parser)
        add("--distribution", metavar="ID", help="distribution. Default: that of the storage")
        add_json(parser)

    def run(self, options: dict[str, Any]) -> None:
        given = bool(options["names"]), options["folder"] is not None, options["stdin"]
        if sum(given) != 1:
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
        lacking = set(left)
        sent = [each for each in items if each not in lacking]
        described = {"distribution_id": name or None, "sent": sent, "left": left}
        where = name or "CloudFront: these files are on this machine"
        text = "\n".join((f"Sent {len(sent)} of {len(items)} item(s) to {where}.", *sent))
        self.stdout.write(json.dumps(described, indent=2) if options["json"] else text)
        if failed:
            text = unsent(name, left, str(failed))
            raise CommandError(text, returncode=NOT_YET if failed.is_temporary else 1)


def _items(options: dict[str, Any]) -> tuple[str, list[str]]:
    names, folder, items = options["names"], options["folder"], []
    if options["stdin"]:
        lines = [line.rstrip("\r\n") for line in sys.stdin]
        items = [line.strip() for line in lines if line.startswith(("/", "#"))]
        names = [line for line in lines if line.strip() and not line.startswith(("/", "#"))]
        for each in items:
            if not re.fullmatch("[!-~]+", each):
                raise ValueError(
                    f"CloudFront would refuse all lines because of {each!r}. Encode a path (a "
                    "space is %20). A tag is visible ASCII."
                )
    distribution_id, storage = options["distribution"], options["storage"]
    if names or folder is not None or not distribution_id:
        names = [_name(storage, each) for each in names]
        folder = None if folder is None else _name(storage, folder)
        known, more = items_of(storage, names, folder)
        distribution_id, items = distribution_id or known, items + more
    return distribution_id, condensed(items) if distribution_id else []


def _name(storage: str, given: str) -> str:
    """Return the name that is given. Raise :exc:`ValueError` for what is meant as a pattern."""
    name = name_given(storage, given)
    if "*" not in name and not name.endswith("/"):
        return name
    folder = name.partition("*")[0].rpartition("/")[0].strip("/")
    raise ValueError(
        f"{given!r} has a * or a slash at its end, and there are no patterns. For everything in a "
        f"folder, pass --folder {shlex.quote(folder) if folder else 'NAME'}. If a file has this "
        "name, call invalidate() of cfsigned_django.invalidation, which takes it as it is."
    )
