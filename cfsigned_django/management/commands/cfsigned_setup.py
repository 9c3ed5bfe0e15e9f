"""Set AWS up for private media: an adapter that calls setup/site_setup.py.

Exit codes: 0 planned, or applied and proved; 75 applied, and all that is missing is an answer or
time; 1 failed, --apply with a decision open, or the proof shows another error.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError, CommandParser
from django.db import Error as DatabaseFailure

from cfsigned_django import conf
from cfsigned_django.aws.client import configured_region, make_clients
from cfsigned_django.aws.errors import AwsError
from cfsigned_django.encryption import CannotDecrypt
from cfsigned_django.management.command import CfsignedCommand
from cfsigned_django.rotation.errors import RotationError
from cfsigned_django.signing import InvalidKey, KeyAlgorithm
from cfsigned_django.tools.account.export.cloudformation import cloudformation
from cfsigned_django.tools.account.export.documents import (
    Documents,
    export_documents,
    refuse_existing,
)
from cfsigned_django.tools.account.export.terraform import terraform
from cfsigned_django.tools.account.state.apply import NOT_DEPLOYED
from cfsigned_django.tools.account.state.judge import beside
from cfsigned_django.tools.account.state.plan import blockers, next_step, plan
from cfsigned_django.tools.account.state.site_in_aws import SiteInAws
from cfsigned_django.tools.account.state.steps import SetupStep, StepState
from cfsigned_django.tools.account.state.wanted import (
    InvalidWanted,
    OriginAccess,
    Wanted,
)
from cfsigned_django.tools.doctor.findings import write_report
from cfsigned_django.tools.setup.report import (
    DONE,
    LATER,
    as_json,
    command_line,
    exit_code,
    facts_as_text,
    iam_as_text,
    in_short,
    plan_as_text,
    settings_as_text,
    settings_title,
    step_as_text,
    storages_as_text,
    summary,
    wrapped,
)
from cfsigned_django.tools.setup.site_setup import SiteSetup, choose_provider, location_of_files
from cfsigned_django.tools.stack.template import read_template
from cfsigned_django.validation import find_unknown_hash, is_local_host, raise_first_error
from cfsigned_django.viewer import Fetch, fetch

EXPORTS: Mapping[str, Callable[[Documents], str]] = {
    "cloudformation": cloudformation,
    "terraform": terraform,
}
_FAILURES = (
    AwsError,
    CannotDecrypt,
    ImproperlyConfigured,
    InvalidKey,
    OSError,
    RotationError,
    InvalidWanted,
)


class Command(CfsignedCommand):
    """Plan what private media needs in AWS, and do it with --apply."""

    #: Makes the requests of the proof.
    fetch: Fetch = staticmethod(fetch)

    help = (
        "Plan what private media needs in AWS: key pair, key group, bucket, distribution. With "
        "--apply, do it, and prove it with a viewer's requests. It can be run again at any time. "
        "Exits with 0 if it is planned, or applied and proved; with 75 if all that is missing is "
        "an answer or time: the last line is the command to run later; else with 1."
    )
    # A site without IDs fails the checks, and gets the IDs from this command.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--bucket", help="bucket for the files. Default: AWS_STORAGE_BUCKET_NAME"
        )
        which = parser.add_mutually_exclusive_group()
        which.add_argument(
            "--distribution",
            metavar="ID",
            help="distribution to use. Default: AWS_CLOUDFRONT_DISTRIBUTION_ID, else the one "
            "that an earlier run created",
        )
        which.add_argument(
            "--create", action="store_true", help="create a distribution for the bucket"
        )
        parser.add_argument(
            "--path-pattern",
            metavar="PATTERN",
            help="paths of the private files, such as 'media/*'. Default: the default behavior, "
            "which serves all paths",
        )
        parser.add_argument(
            "--domain",
            help="domain that viewers see. Default: AWS_S3_CUSTOM_DOMAIN, else CloudFront's own",
        )
        parser.add_argument(
            "--certificate",
            metavar="ARN",
            help="ACM certificate in us-east-1 for the domain; both are added to the distribution",
        )
        for name, what in (
            ("--cors-origin", "may read files across origins, such as https://www.example.com"),
            ("--upload-origin", "may upload files to S3"),
        ):
            text = f"origin whose pages {what}. May be repeated"
            parser.add_argument(name, action="append", default=[], metavar="ORIGIN", help=text)
        parser.add_argument(
            "--cookies",
            action="store_true",
            help="with --cors-origin: pages of these origins read files with signed cookies. The "
            "responses name the origin and allow credentials",
        )
        parser.add_argument(
            "--upload-prefix",
            metavar="FOLDER",
            type=lambda text: text.strip("/") + "/",
            help="folder in the bucket in which incomplete multipart uploads end after 7 days",
        )
        parser.add_argument(
            "--key-algorithm",
            choices=[each.value for each in KeyAlgorithm],
            default=KeyAlgorithm.ECDSA_P256.value,
            help="algorithm of a new key pair. Default: ECDSA_P256",
        )
        parser.add_argument(
            "--key-file",
            metavar="PATH",
            help="keep the private key in this file. Default: the database, once migrated",
        )
        parser.add_argument(
            "--origin-access",
            choices=[each.value for each in OriginAccess],
            help="how CloudFront reads the bucket; oai is the legacy way. Default: as the origin "
            "does now, else oac",
        )
        parser.add_argument(
            "--downloads",
            action="store_true",
            help="add the policies for download=, which sets the name under which a browser saves "
            "a file",
        )
        parser.add_argument(
            "--content-types",
            action="store_true",
            help="with --downloads: signed URLs can also set the content type of a file. Anyone "
            "with a URL for a folder can then turn an upload into HTML on the domain",
        )
        parser.add_argument(
            "--kms-key",
            metavar="ARN",
            help="KMS key that encrypts new files (SSE-KMS). Default: the bucket's encryption "
            "stays, which is SSE-S3 for a new bucket",
        )
        parser.add_argument(
            "--close-public",
            action="store_true",
            help="remove bucket policy statements that grant public access",
        )
        parser.add_argument(
            "--drop-trusted-signers",
            action="store_true",
            help="remove trusted signers, the legacy way: URLs that they signed stop working",
        )
        parser.add_argument("--apply", action="store_true", help="do what the plan says")
        parser.add_argument(
            "--yes", action="store_true", help="do not ask for confirmation before --apply"
        )
        parser.add_argument("--json", action="store_true", help="print JSON for machines")
        parser.add_argument(
            "--export",
            choices=list(EXPORTS),
            help="print the plan for an empty account, as code",
        )
        parser.add_argument(
            "--iam",
            nargs="?",
            const="all",
            choices=["all", "setup", "look", "rotation", "site"],
            help="print the IAM policy that each job needs, or that of one job",
        )
        parser.add_argument(
            "--template",
            action="store_true",
            help="print the CloudFormation template, to be deployed with your own tools, and do "
            "nothing",
        )

    def run(self, options: dict[str, Any]) -> None:
        """Run the command; see the module's docstring for the exit code."""
        if options["template"]:
            self.stdout.write(read_template(), ending="")
            return
        try:
            desired = wanted_state(options)
            desired.refuse_impossible()
            if options["iam"]:
                names = desired.bucket, desired.kms_key, options["iam"]
                self.stdout.write(iam_as_text(*names, uploads=desired.uploads))
                return
            key_file = Path(options["key_file"]) if options["key_file"] else None
            if options["export"]:
                refuse_existing(desired, options["export"])
                key = choose_provider(desired, key_file).find()
                render = EXPORTS[options["export"]]
                self.stdout.write(render(export_documents(replace(desired, key=key))))
                return
            # Checked first, although it is needed last, when AWS is already set up.
            raise_first_error(find_unknown_hash(conf.default_of("hash_algorithm")))
            clients = make_clients(region_name=desired.region or None)
            setup = SiteSetup(
                desired=desired,
                clients=clients,
                provider=choose_provider(desired, key_file, clients),
                algorithm=KeyAlgorithm(options["key_algorithm"]),
                scheme=conf.default_of("url_protocol"),
                local_host="" if desired.domain else _domain(options),
                fetch=self.fetch,
            )
            self._set_up(setup, options)
        except _FAILURES as error:
            raise CommandError(str(error)) from error
        except DatabaseFailure as error:
            raise CommandError(
                f"The database failed ({type(error).__name__}). Run this again when it answers: "
                "what was done in AWS is kept."
            ) from error

    def _set_up(self, setup: SiteSetup, options: dict[str, Any]) -> None:
        state = setup.resolve()
        steps = plan(state.account, state.wanted)
        if not options["apply"]:
            self._show_plan(setup, state, steps, options)
            return
        if fatal := blockers(steps):
            raise CommandError(f"Nothing was changed.\n{plan_as_text(fatal)}")
        planned = [each.name for each in steps if each.state is StepState.TODO]
        if planned and not options["yes"]:
            self._ask(steps)
        begun: list[str] = []
        steps = self._apply(setup, begun, options)
        for step in steps:
            if step.state is StepState.DONE and step.name in {*planned} - {*begun}:
                self.stderr.write(plan_as_text([step]))
        self._finish(setup, steps, options, key_is_new="key-group" in begun)

    def _apply(
        self, setup: SiteSetup, begun: list[str], options: dict[str, Any]
    ) -> list[SetupStep]:
        """Do the steps, and note which were begun."""

        def show(step: SetupStep) -> None:
            begun.append(step.name)
            self.stderr.write(step_as_text(step))

        try:
            return setup.apply(on_step=show, on_wait=self._show_wait)
        except AwsError as error:
            if error.code == NOT_DEPLOYED:
                text = f"{error}\n{command_line(options)}"
                raise CommandError(text, returncode=LATER) from error
            made = ", ".join(begun[:-1])
            done = f" Done by then: {made}." if made else ""
            again = " Run the same command again: it continues from there." if begun else ""
            raise CommandError(f"{error}{done}{again}") from error

    def _show_plan(
        self, setup: SiteSetup, state: SiteInAws, steps: list[SetupStep], options: dict[str, Any]
    ) -> None:
        facts = setup.facts(state, time.time)
        if options["json"]:
            settings = setup.settings(state)
            place = setup.provider.place
            self.stdout.write(as_json(steps, facts, settings, None, place, code=DONE))
            return
        self.stdout.write(plan_as_text(steps))
        if others := beside(steps, facts):
            self.stdout.write(f"\n{facts_as_text(others)}")
        self.stdout.write(f"\nThe private key is kept in {setup.provider.place}.")
        if any(each.call for each in steps):
            self.stdout.write(f"\nIn short:\n\n{in_short(steps)}\n")
        self.stdout.write(summary(steps))
        if fatal := blockers(steps):
            names = ", ".join(each.name for each in fatal)
            self.stdout.write(
                f"Nothing was changed. --apply does nothing until this is decided: {names}."
            )
        elif next_step(steps) is not None:
            self.stdout.write("Nothing was changed. To do it, add --apply to the same command.")
        elif any(each.state is StepState.CONFLICT for each in steps):
            self.stdout.write("Nothing was changed, nor would --apply change anything.")

    def _finish(
        self,
        setup: SiteSetup,
        steps: list[SetupStep],
        options: dict[str, Any],
        *,
        key_is_new: bool,
    ) -> None:
        """Prove the result, finish the key pair, and print what to paste."""
        state, now = setup.resolve(), int(time.time())
        proof = setup.prove(state, time.time)
        note, key_waits = setup.finish(state, now=now)
        settings, facts = setup.settings(state), setup.facts(state, time.time)
        others = beside(steps, facts)
        code = exit_code(steps, others, proof, key_waits=key_waits, key_is_new=key_is_new)
        if options["json"]:
            self.stdout.write(as_json(steps, facts, settings, proof, note, code=code))
        else:
            left = [each for each in steps if each.state is StepState.CONFLICT]
            self.stdout.write(f"\n{summary(steps)}")
            if left:
                self.stdout.write(plan_as_text(left))
            if others:
                self.stdout.write(f"\n{facts_as_text(others)}")
            pasted = "\n\n".join(filter(None, (settings_as_text(settings), storages_as_text())))
            self.stdout.write(f"\n{settings_title(settings)}\n\n{pasted}\n\n")
            self.stdout.write(f"The private key is kept in {setup.provider.place}.")
            if note:
                self.stdout.write(wrapped(note))
            self.stdout.write("\nProof:\n\n")
            for _, line in write_report(proof):
                self.stdout.write(line)
        if code == LATER:
            # Not within the JSON.
            out = self.stderr if options["json"] else self.stdout
            out.write(
                f"\nOnly time or an answer is missing. Run this later:\n{command_line(options)}"
            )
        if code:
            sys.exit(code)

    def _ask(self, steps: list[SetupStep]) -> None:
        """Show what will be done, and go on only if a person confirms."""
        left = [each for each in steps if each.state is not StepState.DONE]
        self.stderr.write(f"{plan_as_text(left)}\n\nIn short:\n\n{in_short(left)}\n")
        self.stderr.write(summary(steps))
        otherwise = "Use --yes to go on without confirmation."
        if self.ask("Type yes to do this: ", otherwise=otherwise) != "yes":
            raise CommandError("Nothing was changed.")

    def _show_wait(self, seconds: int) -> None:
        self.stderr.write(f"          CloudFront deploys the change: {seconds} s so far")


def wanted_state(options: Mapping[str, Any]) -> Wanted:
    """Return what the options ask for; the settings give what the options leave out."""
    bucket = options["bucket"] or conf.bucket_name()
    if not bucket:
        raise CommandError("No bucket is named. Use --bucket NAME, or set AWS_STORAGE_BUCKET_NAME.")
    distribution_id = options["distribution"]
    if not options["create"]:
        distribution_id = distribution_id or conf.aws_setting("AWS_CLOUDFRONT_DISTRIBUTION_ID")
    return Wanted(
        bucket=bucket,
        region=conf.aws_setting("AWS_S3_REGION_NAME"),
        # A new bucket is created in the region whose endpoint boto3 calls.
        default_region=configured_region(),
        distribution_id=distribution_id or None,
        creates_distribution=options["create"],
        path_pattern=options["path_pattern"],
        domain="" if is_local_host(domain := _domain(options)) else domain,
        certificate=options["certificate"] or "",
        cors_origins=tuple(options["cors_origin"]),
        upload_origins=tuple(options["upload_origin"]),
        upload_prefix=options["upload_prefix"] or "",
        cookies=options["cookies"],
        origin_access=OriginAccess(way) if (way := options["origin_access"]) else None,
        downloads=options["downloads"] or options["content_types"],
        content_types=options["content_types"],
        kms_key=options["kms_key"] or "",
        closes_public=options["close_public"],
        drops_trusted_signers=options["drop_trusted_signers"],
        key_group_id=conf.default_of("key_group_id") or "",
        location=location_of_files(options["path_pattern"]),
        expire=conf.whole_seconds(conf.default_of("querystring_expire")) or 0,
    )


def _domain(options: Mapping[str, Any]) -> str:
    return str(options["domain"] or conf.default_of("custom_domain") or "").lower()
