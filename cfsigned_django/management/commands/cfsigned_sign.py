"""Print the signed URL of a file, for a person at a terminal or a script."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.core.management.base import CommandError, CommandParser

from cfsigned_django.management.command import CfsignedCommand, add_json, add_storage, read_duration
from cfsigned_django.signing import Denied
from cfsigned_django.signing.verifier import read_claim
from cfsigned_django.storage.site_storages import find_storage, url_of, why_changed, why_unsigned


class Command(CfsignedCommand):
    help = "Print the signed URL of a file. The file need not exist."
    example = "albums/42/001.jpg --expire 7d"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="name of the file in the storage")
        add_storage(parser)
        either = parser.add_mutually_exclusive_group()
        either.add_argument(
            "--expire",
            type=_lifetime,
            metavar="TIME",
            help="lifetime of the URL: 7d, 12h, 30m, or seconds. Default: AWS_QUERYSTRING_EXPIRE",
        )
        either.add_argument(
            "--unsigned",
            action="store_true",
            help="print the URL without a signature, such as that of a public file",
        )
        add_json(parser)

    def run(self, options: dict[str, Any]) -> None:
        """Print the URL alone, ready for a pipe, or JSON."""
        name, alias = options["name"], options["storage"]
        if "://" in name:
            # What was pasted may have a signature.
            raise CommandError(
                f"{name.partition('?')[0]!r} is a URL. Give the name of the file in the storage, "
                "such as albums/42/001.jpg."
            )
        try:
            storage = find_storage(alias)
            if options["unsigned"]:
                url = storage.unsigned_url(name)
            elif why := why_unsigned(storage, alias):
                raise CommandError(f"{why} To print its URL, use --unsigned.")
            elif storage.is_public(name):
                raise CommandError(
                    f"{name!r} is public, by the option public. To print its URL, use --unsigned."
                )
            else:
                url = url_of(storage, name, expire=options["expire"])
                if why := why_changed(storage, name, url):
                    unsigned = "" if "Signature=" in url else " To print it, use --unsigned."
                    raise CommandError(why + unsigned)
        except (ImproperlyConfigured, SuspiciousFileOperation, TypeError, ValueError) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(json.dumps(_describe(url), indent=2) if options["json"] else url)


def _lifetime(text: str) -> int | timedelta:
    return int(text) if text.isdecimal() else read_duration(text)


def _describe(url: str) -> dict[str, str | None]:
    """Return when the URL expires and which key signed it, as the URL shows."""
    try:
        claim = read_claim(url)
    except Denied:  # It has no signature.
        return {"url": url, "expires_at": None, "key_pair_id": None}
    end = datetime.fromtimestamp(claim.policy.date_less_than, tz=UTC)
    expires_at = end.isoformat().replace("+00:00", "Z")
    return {"url": url, "expires_at": expires_at, "key_pair_id": claim.key_pair_id}
