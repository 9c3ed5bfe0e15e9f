"""Diagnose why a private file is refused, or is not private."""

from __future__ import annotations

import ipaddress
import json
import sys
import time
from argparse import ArgumentTypeError
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.core.files.storage import InvalidStorageError
from django.core.management.base import CommandError, CommandParser

from cfsigned_django.core.aws.client import make_client, make_clients
from cfsigned_django.core.conf import Site
from cfsigned_django.core.viewer import fetch
from cfsigned_django.management.command import CfsignedCommand, add_json, add_origins, add_storage
from cfsigned_django.storage.site_storages import entry_of, find_storage, why_unsigned
from cfsigned_django.storage.urls import SignedUrlMixin
from cfsigned_django.tools.account.state.site_in_aws import Wanted
from cfsigned_django.tools.catalog import Finding, Level
from cfsigned_django.tools.doctor.examination import Examination, check_settings
from cfsigned_django.tools.doctor.explain import explain
from cfsigned_django.tools.doctor.report import (
    describe,
    has_error,
    lines_of,
    worst_first,
    write_report,
)


class Command(CfsignedCommand):
    help = (
        "Diagnose why a private file is refused, or is not private, and say what to do. Checks "
        "settings, keys, clock and AWS, and what CloudFront and S3 answer. Exits with 1 if there "
        "is an error."
    )
    example = "--object albums/42/001.jpg"
    # The system checks are findings here, and must not stop the others.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("--offline", action="store_true", help="check settings and database only")
        add_storage(parser)
        add(
            "--object",
            metavar="NAME",
            help="name of an existing file in the storage, to request as a viewer would. Without "
            "it, the requested file need not exist",
        )
        for option in ("--cors-origin", "--upload-origin"):
            add_origins(add, option, type=_origin, default=[])
        add(
            "--distribution",
            metavar="ID",
            help="ID of the distribution. Default: AWS_CLOUDFRONT_DISTRIBUTION_ID, else the one "
            "that has AWS_S3_CUSTOM_DOMAIN",
        )
        add(
            "--explain",
            metavar="URL",
            help="explain why this URL is refused, and check nothing else. Put it in single quotes",
        )
        add(
            "--viewer-ip",
            type=_address,
            metavar="ADDRESS",
            help="IP address of the viewer for whom the URL of --explain fails",
        )
        add(
            "--finding",
            metavar="ID",
            help="print what a finding or system check of this ID means, and check nothing. IDs "
            "are in brackets, such as bucket-policy or cfsigned.E001",
        )
        add_json(parser)

    def run(self, options: dict[str, Any]) -> None:
        """Print what was found, and exit with 1 if there is an error."""
        if finding_id := options["finding"]:
            try:
                meaning = describe(finding_id)
            except KeyError:
                raise CommandError(
                    f"--finding {finding_id!r} is neither a finding nor a system check. Use the ID "
                    "in brackets behind what was found, such as bucket-policy or cfsigned.E001."
                ) from None
            self._print([meaning], lines_of(meaning), as_json=options["json"])
            return
        findings = self._explain(options) if options["explain"] else self._examine(options)
        self._print(findings, write_report(findings), as_json=options["json"])
        if has_error(findings):
            sys.exit(1)

    def _print(
        self, findings: list[Finding], lines: Iterable[tuple[Level | None, str]], *, as_json: bool
    ) -> None:
        if as_json:
            self.stdout.write(json.dumps([asdict(each) for each in findings], indent=2))
            return
        styles = {Level.ERROR: self.style.ERROR, Level.WARNING: self.style.WARNING}
        for level, line in lines:
            style = styles.get(level, self.style.SUCCESS) if level else None
            self.stdout.write(line, style)

    def _explain(self, options: dict[str, Any]) -> list[Finding]:
        """Explain one URL, in the order in which CloudFront reads it."""
        return explain(
            options["explain"],
            now=int(time.time()),
            viewer_ip=options["viewer_ip"],
            cors_origins=options["cors_origin"],
            make_cloudfront=None if options["offline"] else lambda: make_client("cloudfront"),
        )

    def _examine(self, options: dict[str, Any]) -> list[Finding]:
        own = entry_of(options["storage"])
        try:
            storage = find_storage(options["storage"])
            if why := why_unsigned(storage, options["storage"]):
                raise InvalidStorageError(f"{why} Name another storage with --storage.")
        except InvalidStorageError as error:
            found = check_settings()
            if not has_error(found):
                raise CommandError(str(error)) from None
            return worst_first(found, own)  # the findings say why there is no storage
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
            asked=Wanted(
                cors_origins=tuple(options["cors_origin"]),
                upload_origins=tuple(options["upload_origin"]),
                cookies=bool(Site.COOKIE_SCOPES.read()),
                distribution_id=options["distribution"] or storage.distribution_id or None,
            ),
        )
        found = list(examination.offline())
        if not options["offline"]:
            found += examination.online()
        return worst_first(found, own)


def _refuse_bad_name(storage: SignedUrlMixin, name: str | None) -> None:
    if name is None:
        return
    with suppress(ImproperlyConfigured):  # the system checks report it
        try:
            storage.unsigned_url(name)
            if storage.is_public(name):
                raise ValueError("It is public, by the option public. Name a private file.")
        except (SuspiciousFileOperation, ValueError) as error:
            raise CommandError(f"--object {name!r}: {error}") from None


def _origin(text: str) -> str:
    scheme, separator, host = text.partition("://")
    if not separator or not scheme or not host or "/" in host:
        raise ArgumentTypeError(
            f"{text!r} is not an origin. Use scheme and host without a path, such as "
            "https://app.example.com"
        )
    return text


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ArgumentTypeError(
            f"{text!r} is not an IP address. Use one such as 192.0.2.7"
        ) from None
