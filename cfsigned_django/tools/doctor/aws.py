"""Report the facts about a site at AWS, and what could not be read."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from cfsigned_django import conf
from cfsigned_django.aws.errors import AwsError
from cfsigned_django.invalidation import create, items_of
from cfsigned_django.storage.registry import signers, signing_storages
from cfsigned_django.storage.urls import SignedUrlMixin
from cfsigned_django.tools.account.account import Account
from cfsigned_django.tools.account.state.facts import Fact
from cfsigned_django.tools.account.state.judge import at_its_behavior, judge
from cfsigned_django.tools.account.state.plan import blockers, plan
from cfsigned_django.tools.account.state.steps import SetupStep, StepState
from cfsigned_django.tools.account.state.wanted import Wanted
from cfsigned_django.tools.doctor.catalog import finding
from cfsigned_django.tools.doctor.findings import Finding
from cfsigned_django.validation import PROBE_NAME, refusal

_NAMED_GROUPS: Final = 3


def check_aws(found: Account, wanted: Wanted, *, now: datetime) -> Iterator[Finding]:
    """Yield what could not be read, what is wrong at AWS, and what is in order."""
    for problem in found.all_problems:
        yield from_aws_error(problem)
    wanted = at_its_behavior(found, wanted)
    can_plan = bool(wanted.bucket and found.bucket) and not found.problems
    planned = plan(found, wanted) if can_plan else []
    steps, blocking = {each.name: each for each in planned}, blockers(planned)
    for each in judge(found, wanted, now=now):
        step = steps.get(each.type.step) if each.type.is_repaired else None
        if step is None or step in blocking:
            yield from_fact(each)
        else:
            yield _repaired(each, step, blocking, found, wanted)


def check_invalidation(storage: SignedUrlMixin) -> Iterator[Finding]:
    """Yield whether CloudFront forgets what it must, by a call with the credentials of the site.

    It is the same invalidation each time, of a file that need not exist.
    """
    if storage.signing.is_local or not (storage.invalidate_on and storage.distribution_id):
        return  # Nothing is asked for, or a check reports what is missing.
    name, items = items_of(storage, [PROBE_NAME])
    try:
        create(name, items, f"cfsigned {' '.join(items)}")
    except AwsError as error:
        values = {"distribution": name, "reason": error.reason}
        yield finding("cannot-invalidate", error.permission or name, fix=error.next_step, **values)
    else:
        yield finding("invalidation", name, distribution=name)


def check_other_key_groups(found: Account) -> Iterator[Finding]:
    """Yield the key groups that a rotation of this site may change, though they are not its own."""
    own = {config.key_group_id for _, config, _ in signers(signing_storages())} - {None}
    if not own or refusal("cfsigned.E030", conf.is_by_hand) or conf.is_by_hand():
        return  # this site changes none, or a check reports what is wrong
    others = [f"{each.name} ({each.id})" for each in found.key_groups or () if each.id not in own]
    if others:
        rest = len(others) - _NAMED_GROUPS
        said = ", ".join(others[:_NAMED_GROUPS]) + (f", and {rest} more" if rest > 0 else "")
        yield finding("other-key-groups", "key groups", key_groups=said)


def from_fact(fact: Fact) -> Finding:
    """Return the finding that reports a fact, with the exact value to paste if there is one."""
    fix = fact.type.fix
    if fact.paste:
        fix = f"{fix} Paste: {json.dumps(fact.paste)}"
    return finding(fact.id, fact.subject, what=fact.what, fix=fix)


def _repaired(
    fact: Fact, step: SetupStep, blocking: list[SetupStep], found: Account, wanted: Wanted
) -> Finding:
    """Return the finding with what cfsigned_setup would do, after what a person must decide."""
    words, option = _command(found, wanted), fact.type.option.split()
    if step.state is not StepState.TODO:
        if not {*option} - {*words, "ORIGIN"}:
            return from_fact(fact)
        words += option
    command = shlex.join([*words, "--apply"])
    repair = {
        "step": step.name,
        "command": command,
        "call": None if step.call is None else str(step.call),
        "before": step.before,
        "after": step.after,
    }
    first = " and ".join(each.name for each in blocking)
    when = f", once {first} is decided," if first else ""
    reported = from_fact(fact)
    fix = f"{reported.fix} Or{when} run {command} (step {step.name})."
    return replace(reported, fix=fix, repair=repair)


def _command(found: Account, wanted: Wanted) -> list[str]:
    """Return the words of the command that sets this site up."""
    words = ["manage.py", "cfsigned_setup"]
    if found.distribution is not None:
        words += ["--distribution", found.distribution.id]
    if wanted.path_pattern is not None:
        words += ["--path-pattern", wanted.path_pattern]
    for origin in wanted.cors_origins:
        words += ["--cors-origin", origin]
    for origin in wanted.upload_origins:
        words += ["--upload-origin", origin]
    if wanted.cookies and wanted.cors_origins:
        words.append("--cookies")
    return words


def from_aws_error(error: AwsError) -> Finding:
    """Return the finding for an error of AWS, and what was not checked because of it."""
    question = DEPENDS_ON_PERMISSION.get(error.permission or "")
    return finding(
        "aws-unreadable",
        error.permission or "AWS",
        why=f"Not checked, and so unknown: {question}." if question else None,
        fix=error.next_step,
        task=error.what,
        reason=error.reason,
    )


#: IAM action -> what the doctor cannot check without it.
DEPENDS_ON_PERMISSION: Final[Mapping[str, str]] = {
    "cloudfront:GetCachePolicy": "whether download parameters and Origin are in the cache key",
    "cloudfront:GetDistribution": "the distribution, its behaviors and its origin",
    "cloudfront:GetOriginRequestPolicy": "whether Origin and download parameters reach S3",
    "cloudfront:GetResponseHeadersPolicy": "whether CloudFront itself adds the CORS headers",
    "cloudfront:ListCachePolicies": "whether download parameters and Origin are in the cache key",
    "cloudfront:ListDistributions": "the distribution, its behaviors and its origin",
    "cloudfront:ListKeyGroups": "whether the key that signs is in the key group",
    "cloudfront:ListOriginAccessControls": "whether CloudFront signs its requests to S3",
    "cloudfront:ListOriginRequestPolicies": "whether Origin and download parameters reach S3",
    "cloudfront:ListResponseHeadersPolicies": "whether CloudFront itself adds the CORS headers",
    "cloudfront:ListPublicKeys": "whether CloudFront has the key that signs",
    "s3:GetBucketCORS": "whether the bucket has a CORS rule for each origin",
    "s3:GetLifecycleConfiguration": "whether incomplete uploads end",
    "s3:GetBucketOwnershipControls": "which account owns the objects",
    "s3:GetBucketPolicy": "whether the bucket lets CloudFront, or others, read",
    "s3:GetBucketPublicAccessBlock": "whether Block Public Access is on",
    "kms:DescribeKey": "whether CloudFront may decrypt what the KMS key encrypts",
    "kms:GetKeyPolicy": "whether CloudFront may decrypt what the KMS key encrypts",
    "s3:GetEncryptionConfiguration": "whether a KMS key encrypts the objects",
    "s3:ListBucket": "the bucket",
    "sts:GetCallerIdentity": "which account the credentials belong to",
}
