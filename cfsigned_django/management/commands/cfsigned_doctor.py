"""Say what is wrong between a viewer and a private file: an adapter of the doctor."""

from __future__ import annotations

import ipaddress
import json
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError
from contextlib import suppress
from typing import Any

from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.core.management.base import BaseCommand, CommandError, no_translations

from cfsigned_django import conf
from cfsigned_django.aws.client import make_client, make_clients
from cfsigned_django.checks.rotation import check_rotation
from cfsigned_django.checks.storages import check_storages
from cfsigned_django.doctor.examination import Examination
from cfsigned_django.doctor.explain import explain
from cfsigned_django.doctor.findings import Finding, Level, has_error, worst_first, write_report
from cfsigned_django.doctor.local import from_system_checks
from cfsigned_django.doctor.site import find_storage
from cfsigned_django.storage.registry import NoStorage
from cfsigned_django.storage.urls import SignedUrlMixin
from cfsigned_django.viewer import fetch


class Command(BaseCommand):
    """Examine a site, or explain one URL."""

    help = (
        "Say what is wrong between a viewer and a private file, why, and what to do: settings, "
        "keys, clock, AWS, and what CloudFront and S3 answer. Exits with 1 where there is an error."
    )
    # The system checks are findings here, and must not stop the others.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--offline", action="store_true", help="Look at settings and database only"
        )
        parser.add_argument(
            "--storage",
            default="default",
            metavar="ALIAS",
            help='Storage of STORAGES to look at. Default: "default"',
        )
        parser.add_argument(
            "--object",
            metavar="NAME",
            help="Name of a file that is in the storage, to fetch it as a viewer would. Without "
            "it, a name is asked for that need not be there",
        )
        parser.add_argument(
            "--cors-origin",
            action="append",
            default=[],
            type=_origin,
            metavar="ORIGIN",
            help="Origin whose pages shall read files, such as https://app.example.com. May be "
            "repeated",
        )
        parser.add_argument(
            "--downloads", action="store_true", help="The site makes links with download="
        )
        parser.add_argument(
            "--ip-address", action="store_true", help="The site makes links with ip_address="
        )
        parser.add_argument(
            "--distribution",
            metavar="ID",
            help="Id of the distribution. Default: AWS_CLOUDFRONT_DISTRIBUTION_ID, else the one "
            "that has AWS_S3_CUSTOM_DOMAIN",
        )
        parser.add_argument(
            "--explain",
            metavar="URL",
            help="Say why this URL is refused, and nothing else. Put it in single quotes",
        )
        parser.add_argument(
            "--viewer-ip",
            type=_address,
            metavar="ADDRESS",
            help="Address of the viewer for whom the URL of --explain fails",
        )
        parser.add_argument("--json", action="store_true", help="Print JSON for machines")

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        """Look, print what was found, and exit with 1 where there is an error."""
        findings = self._explain(options) if options["explain"] else self._examine(options)
        if options["json"]:
            self.stdout.write(json.dumps([each.to_json() for each in findings], indent=2))
        else:
            for line in write_report(findings, self._paint):
                self.stdout.write(line)
        if has_error(findings):
            sys.exit(1)

    def _explain(self, options: dict[str, Any]) -> list[Finding]:
        """Explain one URL, in the order in which CloudFront reads it."""
        return explain(
            options["explain"],
            now=int(time.time()),
            viewer_ip=options["viewer_ip"],
            make_cloudfront=None if options["offline"] else lambda: make_client("cloudfront"),
        )

    def _examine(self, options: dict[str, Any]) -> list[Finding]:
        try:
            storage = find_storage(options["storage"])
        except NoStorage as error:
            found = from_system_checks([*check_storages(), *check_rotation()])
            if not has_error(found):
                raise CommandError(str(error)) from None
            return worst_first(found)  # they say why there is none
        _refuse_bad_name(storage, options["object"])
        examination = Examination(
            alias=options["storage"],
            storage=storage,
            make_clients=lambda: make_clients(
                region_name=getattr(storage, "region_name", None),
                s3_endpoint_url=getattr(storage, "endpoint_url", None),
            ),
            fetch=fetch,
            clock=time.time,
            name=options["object"],
            cors_origins=options["cors_origin"],
            uses_addresses=options["ip_address"],
            uses_downloads=options["downloads"],
            distribution_id=options["distribution"]
            or conf.aws_setting("AWS_CLOUDFRONT_DISTRIBUTION_ID")
            or None,
        )
        found = list(examination.offline())
        if not options["offline"]:
            found += examination.online()
        return worst_first(found)

    def _paint(self, level: Level, line: str) -> str:
        styles = {Level.ERROR: self.style.ERROR, Level.WARNING: self.style.WARNING}
        return styles.get(level, self.style.SUCCESS)(line)


def _refuse_bad_name(storage: SignedUrlMixin, name: str | None) -> None:
    """Refuse a name that can be no file's, or leads out of the storage."""
    if name is None:
        return
    if not name.strip("/"):
        raise CommandError("--object is the name of a file, such as albums/42/001.jpg.")
    with suppress(ImproperlyConfigured):  # the system checks tell
        try:
            storage.unsigned_url(name)
        except (SuspiciousFileOperation, ValueError) as error:
            raise CommandError(f"--object {name!r}: {error}") from None


def _origin(text: str) -> str:
    scheme, separator, host = text.partition("://")
    if not separator or not scheme or not host or "/" in host:
        raise ArgumentTypeError(
            f"{text!r} is no origin: scheme and host without a path, as https://app.example.com"
        )
    return text


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no IP address") from None
