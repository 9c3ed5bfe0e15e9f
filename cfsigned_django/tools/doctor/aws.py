"""Report what is found about a site at AWS, and what could not be read."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final, TypeAlias

from cfsigned_django.core.aws.errors import AwsError
from cfsigned_django.core.conf import Site
from cfsigned_django.invalidation import items_of
from cfsigned_django.storage.batch import create
from cfsigned_django.storage.site_storages import PROBE_NAME, site_storages
from cfsigned_django.storage.urls import SignedUrlMixin
from cfsigned_django.tools.account.account import Account
from cfsigned_django.tools.account.state.judge import judge
from cfsigned_django.tools.account.state.site_in_aws import Wanted
from cfsigned_django.tools.catalog import CATALOG, Finding, finding
from cfsigned_django.tools.stack.existing import StackResources

_NAMED_GROUPS: Final = 3


#: Returns the stack in a region that made the distribution with an ID, if one did.
FindStack: TypeAlias = Callable[[str, str], StackResources | None]


def check_aws(
    found: Account, wanted: Wanted, *, now: datetime, find_stack: FindStack
) -> Iterator[Finding]:
    """Yield what could not be read, what is wrong at AWS, and what is in order.

    ``find_stack`` is called only if something is wrong that a stack may have made.
    """
    for errors in _alike(found.all_problems):
        yield from_aws_error(*errors)
    findings, stack = [*judge(found, wanted, now=now)], None
    if found.distribution is not None and any(CATALOG[each.id].resource for each in findings):
        region = wanted.region or (found.bucket.region if found.bucket else "")
        stack = find_stack(region, found.distribution.id)
    for each in findings:
        if stack is not None and CATALOG[each.id].resource in stack.resources:
            yield _repaired(each, stack, wanted)
        else:
            yield each


def check_invalidation(storage: SignedUrlMixin) -> Iterator[Finding]:
    """Yield why CloudFront does not forget what it must, by a call with the site's credentials.

    It is the same invalidation each time, of a file that need not exist.
    """
    if storage.cfsigned.is_local or not (storage.invalidate_on and storage.distribution_id):
        return  # Nothing is asked for, or a check reports what is missing.
    name, items = items_of(storage, [PROBE_NAME])
    try:
        create(name, items, f"cfsigned {' '.join(items)}")
    except AwsError as error:
        values = {"distribution": name, "reason": error.reason}
        yield finding("cannot-invalidate", error.permission or name, fix=error.next_step, **values)


def check_other_key_groups(found: Account) -> Iterator[Finding]:
    """Yield the key groups that a rotation of this site may change, though they are not its own."""
    own = {each.config.key_group_id for each in site_storages() if each.signs} - {None}
    if not own or any(Site.BY_HAND.judge_current()):
        return  # this site changes none, or a check reports what is wrong
    others = [f"{each.name} ({each.id})" for each in found.key_groups or () if each.id not in own]
    if others:
        rest = len(others) - _NAMED_GROUPS
        said = ", ".join(others[:_NAMED_GROUPS]) + (f", and {rest} more" if rest > 0 else "")
        yield finding("other-key-groups", "key groups", key_groups=said)


def _repaired(found: Finding, stack: StackResources, wanted: Wanted) -> Finding:
    """Return the finding about a resource of a stack, which cfsigned_setup repairs."""
    words = ["manage.py", "cfsigned_setup", "--stack", stack.name]
    options = _options(CATALOG[found.id].option, wanted)
    command = shlex.join([*words, *(options or ["--revert-drift"])])
    fix = f"Run {command}: it says what it would change, and does it with --apply."
    if options:
        fix += " If it finds nothing to do, the change was made by hand: add --revert-drift."
    return replace(found, fix=fix)


def _options(option: str, wanted: Wanted) -> list[str]:
    """Return an option with its values. A resource ARN is known to a person only."""
    if option == "--domain":
        return [option, wanted.host, "--certificate", "ARN"]
    values = {"--cors-origin": wanted.cors_origins, "--upload-origin": wanted.upload_origins}
    values["--kms-key"] = ("ARN",)
    return [word for each in values.get(option, ()) for word in (option, each)]


def _alike(errors: Iterable[AwsError]) -> Iterable[list[AwsError]]:
    """Return the errors, those of actions that the same credentials may not use as one."""
    found: dict[str, list[AwsError]] = {}
    for at, each in enumerate(errors):
        step = each.next_step.replace(each.permission or "AWS", "")
        is_refused = each.code.startswith("AccessDenied")
        found.setdefault(step if is_refused else str(at), []).append(each)
    return found.values()


def from_aws_error(error: AwsError, *alike: AwsError) -> Finding:
    """Return the finding for an error of AWS, or several, and what was not checked for them."""
    actions = [*dict.fromkeys(each.permission or "AWS" for each in (error, *alike))]
    unknown = "; ".join(dict.fromkeys(filter(None, map(DEPENDS_ON_PERMISSION.get, actions))))
    named = ", ".join(actions)
    return finding(
        "aws-unreadable",
        named,
        why=f"Not checked, and so unknown: {unknown}." if unknown else None,
        fix=error.next_step.replace(actions[0], named),
        task=error.what if named == actions[0] else f"use {named}",
        reason=error.reason,
    )


#: IAM action -> what the doctor cannot check without it.
DEPENDS_ON_PERMISSION: Final[Mapping[str, str]] = {
    "cloudfront:GetCachePolicy": "whether download parameters and Origin are in the cache key",
    "cloudfront:GetDistribution": "the distribution, its behaviors and its origin",
    "cloudfront:GetOriginRequestPolicy": "whether Origin and download parameters reach S3",
    "cloudfront:GetResponseHeadersPolicy": "whether CloudFront itself adds the CORS headers",
    "cloudfront:ListCachePolicies": "whether download parameters and Origin are in the cache key",
    "cloudfront:ListDistributions": "which distribution it is, and which others read the bucket",
    "cloudfront:ListKeyGroups": "whether the key that signs is in the key group",
    "cloudfront:ListOriginAccessControls": "whether CloudFront signs its requests to S3",
    "cloudfront:ListOriginRequestPolicies": "whether Origin and download parameters reach S3",
    "cloudfront:ListResponseHeadersPolicies": "whether CloudFront itself adds the CORS headers",
    "cloudfront:ListPublicKeys": "whether CloudFront has the key that signs",
    "s3:GetBucketCORS": "whether the bucket has a CORS rule for each origin",
    "s3:GetLifecycleConfiguration": "whether incomplete uploads end",
    "s3:GetBucketPolicy": "whether the bucket lets CloudFront, or others, read",
    "s3:GetBucketPublicAccessBlock": "whether Block Public Access is on",
    "kms:DescribeKey": "whether CloudFront may decrypt what the KMS key encrypts",
    "kms:GetKeyPolicy": "whether CloudFront may decrypt what the KMS key encrypts",
    "s3:GetEncryptionConfiguration": "whether a KMS key encrypts the objects",
    "s3:ListBucket": "the bucket",
    "sts:GetCallerIdentity": "which account the credentials belong to",
}
