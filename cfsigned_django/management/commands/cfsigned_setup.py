"""Set AWS up for private media: an adapter that calls tools/setup/site_stack.py."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from django.core.management.base import CommandError, CommandParser
from django.db import Error as DatabaseFailure

from cfsigned_django.core import conf
from cfsigned_django.core.aws.client import (
    HOME_REGION,
    configured_region,
    make_client,
    make_clients,
    perform,
)
from cfsigned_django.core.aws.errors import AwsError
from cfsigned_django.core.validation import find_wrong_values, raise_first_error
from cfsigned_django.core.viewer import Fetch, fetch
from cfsigned_django.management.command import CfsignedCommand, add_json, add_origins, add_yes
from cfsigned_django.rotation.probe import send_probe
from cfsigned_django.rotation.steps import FAILURES
from cfsigned_django.rotation.store import RotationError
from cfsigned_django.storage.options import is_property
from cfsigned_django.storage.site_storages import site_storages
from cfsigned_django.storage.urls import SignedUrlMixin
from cfsigned_django.tools.account.reader import find_region
from cfsigned_django.tools.account.state.site_in_aws import Wanted
from cfsigned_django.tools.doctor.report import write_report
from cfsigned_django.tools.setup import stack_report
from cfsigned_django.tools.setup.proof import DONE, LATER, Proof, exit_code
from cfsigned_django.tools.setup.site_stack import Plan, SiteStack, choose_key, group_name
from cfsigned_django.tools.stack.existing import Stack, StackError, read_stack
from cfsigned_django.tools.stack.key_group import KeyGroupOfSite, find_key_group
from cfsigned_django.tools.stack.losses import find_web_acl
from cfsigned_django.tools.stack.template import (
    BUCKET,
    KEY_GROUP,
    MAKES_BUCKET,
    MANAGED_POLICIES,
    PARAMETERS,
    WEB_ACL,
    read_template,
    useless_with_managed,
)
from cfsigned_django.tools.storage_origin import (
    choose_public,
    public_patterns,
    saved_patterns,
    static_patterns,
)

#: With --check: something is to do.
_TO_DO: Final = 3
#: "An alphanumeric string, of at most 128 characters"; CloudFront's names, which begin with it and
#: the region, have at most 64.
_STACK: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,47}", re.ASCII)


class Command(CfsignedCommand):
    #: Makes the requests of the proof.
    fetch: Fetch = staticmethod(fetch)
    #: Waits some seconds.
    sleep: Callable[[float], None] = staticmethod(time.sleep)

    resume = (
        "CloudFormation goes on with what it has begun; run the same command again to follow it"
    )
    help = (
        "Plan a CloudFormation stack with all that private media needs in AWS: bucket and "
        "distribution, and beside it a key pair and a key group. With --apply, deploy it, and "
        "prove it with a viewer's requests. It can be run again at any time: options that are left "
        "out keep their values. Exits with 0 if there is nothing to do, or it is planned, or "
        "applied and proved; with 75 if it is under way, or an answer or time is missing; else "
        "with 1. With --check: 0 nothing to do, 3 something to do."
    )
    example = "--stack media --bucket media-example --apply"
    # A site without IDs fails the checks, and gets the IDs from this command.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument_group("stack").add_argument
        add("--stack", metavar="NAME", help="name of the stack")
        add("--bucket", help="bucket for the files. Default: AWS_STORAGE_BUCKET_NAME")
        add(
            "--region",
            help="region of the stack and the bucket. Default: AWS_S3_REGION_NAME, else that of a "
            "bucket that exists, else boto3's",
        )
        add("--domain", help="domain that viewers see. '' removes it")
        add("--certificate", metavar="ARN", help="ACM certificate in us-east-1 for the domain")
        add = parser.add_argument_group("extras").add_argument
        add_origins(add, "--cors-origin")
        add_origins(add, "--upload-origin")
        add(
            "--upload-prefix",
            metavar="FOLDER",
            help="folder of uploads that wait, which expire after 7 days. It must end in "
            "tmp/uploads/. Default with --upload-origin: tmp/uploads/ in AWS_LOCATION",
        )
        add("--kms-key", metavar="ARN", help="KMS key that encrypts new files (SSE-KMS)")
        add(
            "--public-path",
            metavar="PATH",
            help="paths that need no signature, as 'static/*'. Default: the folder in the option "
            "public of the storages in the bucket, if there is one",
        )
        add(
            "--csp",
            choices=["off", "scripts", "sandbox"],
            help="what stops scripts in files of users. Default: scripts",
        )
        add(
            "--managed-policies",
            nargs="?",
            const="on",
            choices=["on", "off"],
            help="use policies that AWS manages, in place of the stack's own: CloudFront's plans "
            "Free and Pro take no others. 'off' goes back",
        )
        add(
            "--web-acl",
            metavar="ARN",
            help="web ACL of AWS WAF. Default: the one that the distribution has",
        )
        add("--log-bucket", metavar="BUCKET", help="bucket for CloudFront's access logs")
        add(
            "--tag",
            action="append",
            metavar="KEY=VALUE",
            help="tag for the stack, its bucket and its distribution. May be repeated",
        )
        add = parser.add_argument_group("key").add_argument
        add(
            "--key-group",
            metavar="ID",
            help="key group to use. Default: AWS_CLOUDFRONT_KEY_GROUP_ID, else the stack's, else "
            "one whose only key is this site's, else a new one",
        )
        add(
            "--key-file",
            metavar="PATH",
            help="keep the private key in this file. Default: the database, once migrated",
        )
        add = parser.add_argument_group("what to do").add_argument
        add("--apply", action="store_true", help="do what the plan says")
        add_yes(parser, "--apply")
        add(
            "--check",
            action="store_true",
            help="for a nightly job: exit with 0 if the stack and the key group need nothing, with "
            "3 if something is to do",
        )
        add(
            "--revert-drift",
            action="store_true",
            help="undo what was changed by hand in resources of the stack",
        )
        add(
            "--allow-removal",
            action="store_true",
            help="take away what an option takes away, such as a domain",
        )
        add("--template", action="store_true", help="print the template, and do nothing")
        add_json(parser)

    def run(self, options: dict[str, Any]) -> None:
        if options["template"]:
            self.stdout.write(read_template(), ending="")
            return
        try:
            # Checked first, although they are needed last, when AWS is already set up.
            needed = ("hash_algorithm", "querystring_expire", "url_protocol")
            raise_first_error(find_wrong_values(conf.Config.read(), needed))
            self._run(options)
        except (*FAILURES, OSError, StackError) as error:
            is_temporary = isinstance(error, AwsError | RotationError) and error.is_temporary
            raise CommandError(str(error), returncode=LATER if is_temporary else 1) from error
        except DatabaseFailure as error:
            raise CommandError(
                f"The database failed ({type(error).__name__}). Run this again when it answers: "
                "what was done in AWS is kept."
            ) from error

    def _run(self, options: dict[str, Any]) -> None:
        if options["check"] and options["apply"]:
            raise CommandError("--check changes nothing. Leave it out, or leave --apply out.")
        site = self._site(options)
        if site.stack is not None and site.stack.is_under_way:
            if not options["apply"]:
                raise CommandError(
                    f"CloudFormation changes the stack {site.name} now "
                    f"({site.stack.status}). Run this again later, or with --apply to follow it.",
                    returncode=LATER,
                )
            site.follow(site.stack.id, self.stderr.write)
            site = self._site(options)
        plan = site.plan(reverts_drift=options["revert_drift"])
        if options["apply"]:
            self._apply(site, plan, options)
        else:
            site.discard(plan.changes)
            self._show_plan(site, plan, options)

    def _show_plan(self, site: SiteStack, plan: Plan, options: dict[str, Any]) -> None:
        code = _TO_DO if options["check"] and not plan.is_empty else DONE
        if options["json"]:
            self.stdout.write(stack_report.as_json(site, plan, code=code, note=site.provider.place))
        elif plan.is_empty:
            self.stdout.write(
                f"There is nothing to do for the stack {site.name} and its key group."
            )
        else:
            self.stdout.write("\n".join(stack_report.plan_lines(site, plan)))
            self.stdout.write(f"\nThe private key is kept in {site.provider.place}.")
            needed = ["--apply"]
            needed += ["--allow-removal"] if plan.removals else []
            needed += ["--revert-drift"] if plan.losses and not options["revert_drift"] else []
            self.stdout.write(
                f"Nothing was changed. To do it, add {' '.join(needed)} to the same command."
            )
        if code:
            sys.exit(code)

    def _apply(self, site: SiteStack, plan: Plan, options: dict[str, Any]) -> None:
        try:
            _refuse_losses(plan, options)
            may_go_on = plan.is_empty or options["yes"] or self._ask(site, plan)
        except BaseException:
            site.discard(plan.changes)
            raise
        if not may_go_on:
            site.discard(plan.changes)
            self.stderr.write("Nothing was changed.")
            return
        stack = site.apply(plan, reverts_drift=options["revert_drift"], show=self.stderr.write)
        key, named = site.provider.find(), stack.parameters[KEY_GROUP]
        group = find_key_group(site.clients.cloudfront, key=key, named=named)
        proof = self._proof(site, stack, group)
        found = proof.findings()
        note, key_waits = site.provider.finish(
            group.id,
            group.key_pair_id,
            lambda signer: send_probe(proof.signed_url(signer), fetch=self.fetch),
        )
        code = exit_code(
            found, stack.outputs, key_waits=key_waits, key_is_new=not plan.key_group.has_key
        )
        # An edge of this machine stays in the place of CloudFront.
        settings = {**site.settings(stack, group), "AWS_S3_CUSTOM_DOMAIN": proof.host}
        if options["json"]:
            text = stack_report.as_json(
                site, plan, code=code, stack=stack, settings=settings, note=note, proof=found
            )
            self.stdout.write(text)
        else:
            self.stdout.write(f"\n{stack_report.settings_text(settings)}\n")
            self.stdout.write(f"The private key is kept in {site.provider.place}.")
            if note:
                self.stdout.write(stack_report.wrapped(note))
            for sentence, statement in stack_report.statements(stack).items():
                self.stdout.write(f"\n{sentence}:\n\n{statement}")
            if "DistributionDomain" in stack.outputs:
                self.stdout.write(
                    f"\nThe DNS record of {stack.outputs['Domain']} must point to "
                    f"{stack.outputs['DistributionDomain']}."
                )
            self.stdout.write("\nProof:\n\n")
            for _, line in write_report(found):
                self.stdout.write(line)
        if code == LATER:
            # Not within the JSON.
            out = self.stderr if options["json"] else self.stdout
            out.write(
                "\nAn answer, time or a statement is missing. Run this later:\n"
                f"{stack_report.command_line(options)}"
            )
        if code:
            sys.exit(code)

    def _ask(self, site: SiteStack, plan: Plan) -> bool:
        """Show what will be done, and return whether a person agrees."""
        self.stderr.write("\n".join(stack_report.plan_lines(site, plan)))
        otherwise = "Use --yes to go on without confirmation."
        return self.ask("Type yes to do this: ", otherwise=otherwise) == "yes"

    def _proof(self, site: SiteStack, stack: Stack, group: KeyGroupOfSite) -> Proof:
        present = stack.parameters
        configured = str(conf.setting_of("custom_domain") or "").lower()
        is_local = conf.is_local_host(configured)
        ours = _storages_in(present[BUCKET])
        return Proof(
            wanted=Wanted(
                bucket=present[BUCKET],
                region=stack.region,
                distribution_id=stack.outputs["DistributionId"],
                domain=present.get("Domain", ""),
                key_group_id=group.id,
                key=site.provider.find(),
                key_pair_id=group.key_pair_id,
                cors_origins=_items(present.get("CorsOrigins", "")),
                cookies=bool(present.get("CorsOrigins")),
                upload_origins=_items(present.get("UploadOrigins", "")),
                upload_prefix=present.get("UploadPrefix", ""),
                kms_key=present.get("KmsKeyArn", ""),
                location=conf.base_url(),
                expire=conf.OPTIONS["querystring_expire"].read(),
                public_paths=tuple(path for each in ours for path in public_patterns(each)),
                static_paths=tuple(path for each in ours for path in static_patterns(each)),
                saved_paths={str(f): p for each in ours for f, p in saved_patterns(each).items()},
                is_local=is_local,
            ),
            site=site,
            stack=stack,
            host=configured if is_local else stack.outputs["Domain"],
            fetch=self.fetch,
            clock=time.time,
        )

    def _site(self, options: Mapping[str, Any]) -> SiteStack:
        """Return the stack of this site as it is now, with what the options ask for."""
        name = options["stack"] or ""
        if not _STACK.fullmatch(name):
            raise CommandError(
                f"{name!r} is not a name of a stack. Use --stack with 1 to 48 letters, digits and "
                "hyphens, such as media; a letter comes first."
            )
        bucket = options["bucket"] or conf.bucket_name()
        region, exists = _region(options, bucket)
        cloudformation = make_client("cloudformation", region_name=region)
        clients = make_clients(region_name=region)
        stack = read_stack(cloudformation, name)
        named_group = options["key_group"] or str(conf.setting_of("key_group_id") or "")
        given = _given(options)
        self._open_public(given, bucket)
        if stack is not None:
            stack.refuse_broken()
        if stack is None or stack.is_review:
            given |= _bucket_of_new(bucket, exists=exists)
            group_id = named_group
        else:
            stack.refuse_other({BUCKET: bucket, KEY_GROUP: named_group})
            group_id = stack.parameters[KEY_GROUP]
            if stack.parameters.get("UploadPrefix") and options["upload_prefix"] is None:
                given.pop("UploadPrefix", None)
        present = {} if stack is None or stack.is_review else stack.parameters
        if {**present, **given}.get(MANAGED_POLICIES) == "on":
            _refuse_useless(given)
            given["CorsOrigins"] = ""
        self._refuse_other_account(clients, given)
        if stack and WEB_ACL not in given and (live := find_web_acl(clients, stack)):
            given[WEB_ACL] = live
        return SiteStack(
            name=name,
            given=given,
            tags=_tags(options["tag"] or ()),
            stack=stack,
            clients=clients,
            cloudformation=cloudformation,
            provider=choose_key(
                key_file=Path(options["key_file"]) if options["key_file"] else None,
                stack_name=name,
                group_id=group_id,
                new_group=group_name(name, region),
            ),
            named_group=named_group,
            sleep=self.sleep,
        )

    def _open_public(self, given: dict[str, str], bucket: str) -> None:
        """Let the stack open the only public folder of the storages, or say what it leaves shut."""
        path = given.get("PublicPath")
        try:
            asked = [] if path is None else [path]
            opened, by_hand = choose_public(_storages_in(bucket), asked, "--public-path")
        except ValueError as error:
            raise CommandError(str(error)) from None
        if opened:
            given["PublicPath"] = opened[0]
        if by_hand:
            self.stderr.write(
                f"By the option public, these paths are public: {by_hand}. This command opens none "
                "of them by itself: add behaviors to the template (--template), or use "
                "--public-path for one."
            )

    def _refuse_other_account(self, clients: Any, given: Mapping[str, str]) -> None:
        """Raise :exc:`CommandError` for a certificate or a web ACL of another account."""
        arns = {"--certificate": given.get("CertificateArn"), "--web-acl": given.get(WEB_ACL)}
        if not any(arns.values()):
            return
        identity = perform(clients.sts, "sts:GetCallerIdentity", "identify the AWS account")
        for option, arn in arns.items():
            parts = (arn or "").split(":")
            if len(parts) > 4 and parts[4] != identity["Account"]:
                raise CommandError(
                    f"{option} is of the account {parts[4]}, but the credentials are of "
                    f"{identity['Account']}. CloudFront takes only one of the same account."
                )


def _region(options: Mapping[str, Any], bucket: str) -> tuple[str, bool]:
    """Return the region of the stack, and whether the bucket exists: it may decide the region."""
    chosen = options["region"] or conf.aws_setting("AWS_S3_REGION_NAME")
    region = chosen or configured_region() or HOME_REGION
    if not bucket:
        return region, False
    found = find_region(make_client("s3", region_name=region), bucket)
    if chosen and found and found != region:
        raise CommandError(
            f"The bucket {bucket} is in {found}, not in {chosen} (--region, AWS_S3_REGION_NAME). "
            "The stack must be where the bucket is."
        )
    return found or region, found is not None


def _storages_in(bucket: str) -> list[SignedUrlMixin]:
    """Return the storages of the site in a bucket whose names mean the same paths at any time."""
    return [
        each.storage
        for each in site_storages()
        if each.is_known
        and not is_property(each.storage, "location")
        and getattr(each.storage, "bucket_name", bucket) == bucket
    ]


def _given(options: Mapping[str, Any]) -> dict[str, str]:
    """Return the parameters that the options give, by their names in the template."""
    given = {}
    for each in PARAMETERS:
        value = options[each.option.removeprefix("--").replace("-", "_")]
        if value is not None:
            given[each.name] = ",".join(value) if isinstance(value, list) else str(value)
    if given.get("UploadOrigins") and "UploadPrefix" not in given:
        location = conf.aws_setting("AWS_LOCATION").strip("/")
        given["UploadPrefix"] = "/".join([*filter(None, [location]), "tmp", "uploads", ""])
    return given


def _bucket_of_new(bucket: str, *, exists: bool) -> dict[str, str]:
    """Return the parameters of a new stack that say which bucket, and whether it makes it."""
    if not bucket:
        raise CommandError("No bucket is named. Use --bucket NAME, or set AWS_STORAGE_BUCKET_NAME.")
    if not exists:
        _refuse_reserved(bucket)
    return {BUCKET: bucket, MAKES_BUCKET: "false" if exists else "true"}


def _refuse_reserved(bucket: str) -> None:
    if bucket.endswith("-an"):
        raise CommandError(
            f"The stack cannot make the bucket {bucket}: S3 reserves names that end in -an for its "
            "account regional namespace, which the template does not use. Choose another name, or "
            "make that bucket yourself first."
        )


def _refuse_useless(given: Mapping[str, str]) -> None:
    for option in useless_with_managed(given):
        raise CommandError(
            f"{option} has no effect with --managed-policies: AWS's policies let pages of every "
            "origin (*) read files by script, never with cookies, and have no "
            f"Content-Security-Policy. Leave {option} out, or use --managed-policies off."
        )


def _tags(given: Iterable[str]) -> dict[str, str]:
    tags = dict(each.partition("=")[::2] for each in given)
    for key, value in tags.items():
        if not key or not value:
            raise CommandError(
                f"--tag {key}={value} has no key or no value. Use KEY=VALUE, such as team=photos."
            )
    return tags


def _items(value: str) -> tuple[str, ...]:
    return tuple(filter(None, value.split(",")))


def _refuse_losses(plan: Plan, options: Mapping[str, Any]) -> None:
    """Raise :exc:`CommandError` if something would be lost, and no option allows it."""
    if plan.removals and not options["allow_removal"]:
        lost = "".join(f"\n- {each}" for each in plan.removals)
        raise CommandError(
            f"This would take away:{lost}\nNothing was changed. Add --allow-removal to do it."
        )
    if plan.losses and not options["revert_drift"]:
        lost = "".join(f"\n- {each}" for each in plan.losses)
        raise CommandError(
            f"This would undo what was changed by hand:{lost}\nNothing was changed. Add "
            "--revert-drift to undo it, or keep it: take the template (--template), add it there, "
            "and deploy that yourself."
        )
