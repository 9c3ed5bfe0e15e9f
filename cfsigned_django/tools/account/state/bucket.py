"""Judge and plan the bucket: it must exist, and only CloudFront and the given pages may read it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

from cfsigned_django.tools.account.account import AwsDistribution, Bucket, BucketPart, BucketState
from cfsigned_django.tools.account.documents import Document, bucket_policy, cors, lifecycle
from cfsigned_django.tools.account.documents.bucket_policy import (
    PUBLIC_ACCESS_BLOCK,
    admits,
    denials,
    has_known_conditions,
    identity_statements,
    is_for_any_distribution,
    open_switches,
    other_readers,
    public_statements,
    service_statements,
)
from cfsigned_django.tools.account.documents.distribution_config import (
    access_control_of,
    access_identity_of,
)
from cfsigned_django.tools.account.state.encryption import encryption_facts
from cfsigned_django.tools.account.state.facts import Fact, Level, fact
from cfsigned_django.tools.account.state.site_in_aws import SiteInAws
from cfsigned_django.tools.account.state.steps import (
    Call,
    SetupStep,
    conflict,
    decision,
    done,
    todo,
)

# CreateBucket accepts every region as a location constraint except this one.
_HOME_REGION = "us-east-1"


def bucket_facts(site: SiteInAws) -> Iterator[Fact]:
    """Yield what is wrong with the bucket; nothing if it was not read."""
    bucket = site.account.bucket
    if bucket is None:
        return
    if bucket.state is BucketState.MISSING:
        yield fact("bucket-missing", "AWS_STORAGE_BUCKET_NAME", bucket=bucket.name)
        return
    if bucket.state is BucketState.REFUSED:
        yield _refused(site)
        return
    distribution, origin = site.account.distribution, _origin_with_access(site)
    faults = [*_check_public(bucket), *_check_region(site)]
    if distribution is not None and BucketPart.POLICY not in bucket.unread:
        faults += _check_policy(site, bucket, distribution, origin)
    if distribution is not None:
        faults += encryption_facts(site)
    yield from faults
    yield from _check_uploads(site, bucket)
    # A part that may not be read has a separate error, and does not count as in order.
    is_well = all(each.level is Level.OK for each in faults)
    is_read = not bucket.unread.keys() & {BucketPart.POLICY, BucketPart.PUBLIC_ACCESS}
    if is_well and is_read and distribution is not None and origin is not None:
        yield _in_order(bucket, distribution, is_alone=not faults)


def _origin_with_access(site: SiteInAws) -> Document | None:
    """Return the origin whose access the bucket policy must allow; None if there is none."""
    origin = site.origin if site.behavior is not None else None
    if origin is None or not (access_control_of(origin) or access_identity_of(origin)):
        return None
    return origin


def _in_order(bucket: Bucket, admitted: AwsDistribution, *, is_alone: bool) -> Fact:
    """Return the fact that the bucket is in order. It claims only what was checked.

    IAM policies, which may let others read as well, are not checked.
    """
    others = ", and lets no one else read" if is_alone else ""
    values = {"bucket": bucket.name, "distribution": admitted.id, "others": others}
    return fact("bucket", f"bucket {bucket.name}", **values)


def _refused(site: SiteInAws) -> Fact:
    name, account = site.wanted.bucket, site.account.account_id
    said = f" (of account {account})" if account else ""
    return fact("bucket-refused", f"bucket {name}", bucket=name, account=said)


def _check_public(bucket: Bucket) -> Iterator[Fact]:
    subject = f"bucket {bucket.name}"
    if public := public_statements(bucket.policy):
        yield fact("bucket-public", subject, bucket=bucket.name, statement=_sids(public))
    switches = open_switches(bucket.public_access_block)
    if switches and BucketPart.PUBLIC_ACCESS not in bucket.unread:
        values = {"bucket": bucket.name, "switches": ", ".join(switches)}
        yield fact("bucket-not-blocked", subject, **values)


def _check_region(site: SiteInAws) -> Iterator[Fact]:
    bucket, wished = site.bucket, site.wanted.region
    if wished and bucket.region and wished != bucket.region:
        values = {"bucket": bucket.name, "region": bucket.region, "setting": wished}
        yield fact("bucket-region", "AWS_S3_REGION_NAME", **values)


def _check_uploads(site: SiteInAws, bucket: Bucket) -> Iterator[Fact]:
    """Yield why browsers cannot upload files, and that what they abandon stays."""
    subject = f"bucket {bucket.name}"
    missing = cors.missing_origins(
        bucket.cors_rules, site.wanted.upload_origins, cors.UPLOAD_RULE_ID
    )
    if missing and BucketPart.CORS not in bucket.unread:
        yield fact("upload-cors", subject, bucket=bucket.name, origins=", ".join(missing))
    ends = lifecycle.ends_uploads(bucket.lifecycle_rules, site.wanted.upload_prefix)
    if site.wanted.uploads and not ends and BucketPart.LIFECYCLE not in bucket.unread:
        yield fact("uploads-kept", subject, bucket=bucket.name)


def _check_policy(
    site: SiteInAws, bucket: Bucket, distribution: AwsDistribution, origin: Document | None
) -> Iterator[Fact]:
    """Yield what is wrong with the policy. It must admit the origin's access, and no strangers."""
    bucket_arn = f"arn:{distribution.partition}:s3:::{bucket.name}"
    object_arn = f"{bucket_arn}/{site.wanted.object_key}"
    control_id, identity_id = access_control_of(origin or {}), access_identity_of(origin or {})
    objects = f"{bucket_arn}{site.wanted.location or '/'}*"
    for_service = service_statements(bucket.policy, object_arn)
    if control_id:
        reader = distribution.id
        admitting = [each for each in for_service if admits(each, distribution.arn)]
        other = " It lets another distribution read." if for_service else ""
        present = " It has no policy." if bucket.policy is None else other
    else:
        reader, present = f"the identity {identity_id}", ""
        admitting = identity_statements(bucket.policy, identity_id, object_arn)
    if (control_id or identity_id) and not admitting:
        statement = bucket_policy.access_control_statement(
            bucket.name, distribution.arn, partition=distribution.partition
        )
        paste = statement if control_id else None
        values = {"bucket": bucket.name, "reader": reader, "present": present}
        yield replace(fact("bucket-policy", f"bucket {bucket.name}", **values), paste=paste)
    elif control_id or identity_id:
        unknown = denials(bucket.policy, objects, identity_id=identity_id)
        if not any(has_known_conditions(each) for each in admitting):
            unknown += admitting
        if unknown:
            values = {"bucket": bucket.name, "reader": reader, "statements": _sids(unknown)}
            yield fact("bucket-policy-unknown", f"bucket {bucket.name}", **values)
    if any(is_for_any_distribution(each) for each in for_service):
        yield fact("bucket-policy-wide", f"bucket {bucket.name}", bucket=bucket.name)
    readers = other_readers(
        bucket.policy,
        objects,
        distribution_arn=distribution.arn,
        identity_id=identity_id,
    )
    for kind, is_named in (("bucket-readers-wide", False), ("bucket-readers", True)):
        said = [f"{each.who} ({each.statement})" for each in readers if each.is_named is is_named]
        if said:
            subject = f"bucket {bucket.name}"
            yield fact(kind, subject, bucket=bucket.name, readers=", ".join(said))


def bucket_steps(site: SiteInAws) -> Iterator[SetupStep]:
    """Return the steps that create the bucket."""
    yield _bucket(site)
    if site.bucket.is_ours:
        yield _object_ownership(site)


def access_steps(site: SiteInAws) -> Iterator[SetupStep]:
    """Return the steps that let CloudFront and the site's pages read the bucket."""
    yield _bucket_policy(site)
    if origins := site.wanted.cors_origins:
        yield _cors(site, "bucket-cors", "read", origins, cors.RULE_ID)
    if origins := site.wanted.upload_origins:
        yield _cors(site, "upload-cors", "upload", origins, cors.UPLOAD_RULE_ID)
    if site.wanted.upload_prefix:
        yield _lifecycle(site)


def closing_steps(site: SiteInAws) -> Iterator[SetupStep]:
    """Return the steps that end public access to the bucket.

    They come last: CloudFront itself may still use public access, and closing
    the bucket earlier would break the site.
    """
    if public_statements(site.bucket.policy):
        yield _public_statements(site)
    yield _block_public_access(site)


def access_statement(site: SiteInAws) -> Document:
    """Return the statement of the bucket policy that lets CloudFront read."""
    bucket, partition = site.wanted.bucket, site.account.partition
    attachment = site.attachment
    if attachment.access_identity_id:
        return bucket_policy.access_identity_statement(
            bucket, attachment.access_identity_id, partition=partition
        )
    return bucket_policy.access_control_statement(
        bucket, site.distribution_arn, partition=partition
    )


def _bucket(site: SiteInAws) -> SetupStep:
    bucket = site.bucket
    if bucket.state is BucketState.REFUSED:
        return decision(_refused(site), blocks=True)
    if bucket.state is BucketState.OURS:
        for found in _check_region(site):
            return decision(found)
        return done("bucket", f"{bucket.name} exists in {bucket.region}")
    arguments: Document = {"Bucket": bucket.name, "ObjectOwnership": "BucketOwnerEnforced"}
    if site.region != _HOME_REGION:
        arguments["CreateBucketConfiguration"] = {"LocationConstraint": site.region}
    return todo(
        "bucket",
        f"there is no bucket {bucket.name}; it is created in {site.region}, with access control "
        "lists disabled",
        call=Call(service="s3", operation="CreateBucket", arguments=arguments),
        after=arguments,
    )


def _object_ownership(site: SiteInAws) -> SetupStep:
    ownership = site.bucket.object_ownership
    if BucketPart.OWNERSHIP in site.bucket.unread:
        return _unread("object-ownership", site, BucketPart.OWNERSHIP)
    if ownership == "BucketOwnerEnforced":
        return done("object-ownership", "every object belongs to the account of the bucket")
    return done(
        "object-ownership",
        f"it is {ownership or 'ObjectWriter'} and stays unchanged: an object that another account "
        "uploads may belong to that account, and CloudFront cannot read it",
    )


def _bucket_policy(site: SiteInAws) -> SetupStep:
    bucket, statement = site.bucket, access_statement(site)
    for part in (BucketPart.POLICY, BucketPart.PUBLIC_ACCESS):
        if part in bucket.unread:
            # A policy is replaced as a whole: statements that were not read would be lost.
            return _unread("bucket-policy", site, part, blocks=True)
    if bucket_policy.holds(bucket.policy, statement):
        return done("bucket-policy", "it lets CloudFront read the bucket")
    base: Document | None = bucket.policy
    public = public_statements(base)
    if public and (bucket.public_access_block or {}).get("BlockPublicPolicy"):
        # S3 then refuses every policy with a public statement, even a stricter one.
        if not site.wanted.closes_public or base is None:
            return conflict(
                "bucket-policy",
                f"Block Public Access refuses changes of a policy with a public statement "
                f"({_sids(public)}): --close-public removes that statement",
                blocks=True,
            )
        base = bucket_policy.without_public(base)
    after = bucket_policy.merge(base, statement)
    return todo(
        "bucket-policy",
        "CloudFront must be allowed to read the bucket; every other statement stays",
        call=site.put_call("PutBucketPolicy", Policy=json.dumps(after)),
        before=bucket.policy,
        after=after,
    )


def _cors(site: SiteInAws, name: str, verb: str, origins: Sequence[str], rule: str) -> SetupStep:
    rules = site.bucket.cors_rules
    if BucketPart.CORS in site.bucket.unread:
        return _unread(name, site, BucketPart.CORS)
    missing = cors.missing_origins(rules, origins, rule)
    if not missing:
        return done(name, f"pages of {', '.join(origins)} may {verb} files")
    merged = cors.merge(rules, origins, rule)
    return todo(
        name,
        f"pages of {', '.join(missing)} may not {verb} files across origins yet",
        call=site.put_call(
            "PutBucketCors", "PutBucketCORS", CORSConfiguration={"CORSRules": merged}
        ),
        before=list(rules) or None,
        after=merged,
    )


def _lifecycle(site: SiteInAws) -> SetupStep:
    rules, prefix = site.bucket.lifecycle_rules, site.wanted.upload_prefix
    if BucketPart.LIFECYCLE in site.bucket.unread:
        return _unread("bucket-lifecycle", site, BucketPart.LIFECYCLE)
    if lifecycle.ends_uploads(rules, prefix):
        return done("bucket-lifecycle", f"incomplete uploads under {prefix} end")
    rule = lifecycle.upload_rule(prefix)
    if not all(each.get("ID", "").startswith(lifecycle.RULE_ID) for each in rules):
        why = "the bucket has other lifecycle rules, and S3 replaces all at once: add this by hand"
        return replace(conflict("bucket-lifecycle", why), after=rule)
    # A rule of an earlier run may be switched off, and S3 refuses two with one ID.
    merged = [*(each for each in rules if each["ID"] != rule["ID"]), rule]
    return todo(
        "bucket-lifecycle",
        f"the parts of incomplete uploads under {prefix} stay, and cost as much as files",
        call=site.put_call(
            "PutBucketLifecycleConfiguration",
            "PutLifecycleConfiguration",
            LifecycleConfiguration={"Rules": merged},
        ),
        before=list(rules) or None,
        after=merged,
    )


def _public_statements(site: SiteInAws) -> SetupStep:
    policy = site.bucket.policy or {}
    sids = _sids(public_statements(policy))
    if not site.wanted.closes_public:
        return decision(next(_check_public(site.bucket)))
    # The statement for CloudFront exists by then, so the policy is never empty.
    left = bucket_policy.merge(bucket_policy.without_public(policy), access_statement(site))
    return todo(
        "public-statements",
        f"the bucket policy allows public access ({sids})",
        call=site.put_call("PutBucketPolicy", Policy=json.dumps(left)),
        before=policy,
        after=left,
    )


def _block_public_access(site: SiteInAws) -> SetupStep:
    bucket = site.bucket
    if BucketPart.PUBLIC_ACCESS in bucket.unread:
        return _unread("block-public-access", site, BucketPart.PUBLIC_ACCESS)
    still_open = open_switches(bucket.public_access_block)
    closed = {**(bucket.public_access_block or {}), **PUBLIC_ACCESS_BLOCK}
    if not still_open:
        return done("block-public-access", "all four switches are on")
    public = public_statements(bucket.policy)
    if public and not site.wanted.closes_public:
        return conflict(
            "block-public-access",
            f"it would end access through the public statement ({_sids(public)}): "
            "--close-public does both",
        )
    return todo(
        "block-public-access",
        f"not on yet: {', '.join(still_open)}; CloudFront's own access is not public and "
        f"continues{_what_ends(bucket, still_open)}",
        call=site.put_call(
            "PutPublicAccessBlock",
            "PutBucketPublicAccessBlock",
            PublicAccessBlockConfiguration=closed,
        ),
        before=bucket.public_access_block,
        after=closed,
    )


def _what_ends(bucket: Bucket, switches: list[str]) -> str:
    """Return what stops being public when switches of Block Public Access are turned on.

    See the S3 User Guide, "Blocking public access to your Amazon S3 storage". Nothing is public in
    a bucket that does not exist yet.
    """
    if not bucket.is_ours:
        return ""
    has_acls = bucket.object_ownership != "BucketOwnerEnforced"
    ends = ["objects with a public ACL"] if has_acls and "IgnorePublicAcls" in switches else []
    if "RestrictPublicBuckets" in switches:
        ends.append("access points with a public policy")
    said = f". This also ends public access to {' and '.join(ends)}" if ends else ""
    if has_acls and "BlockPublicAcls" in switches:
        said += '. Uploads with a public ACL will fail (AWS_DEFAULT_ACL = "public-read")'
    return said


def _unread(name: str, site: SiteInAws, part: BucketPart, *, blocks: bool = False) -> SetupStep:
    """Return the conflict that a step cannot be planned, since the part may not be read."""
    error = site.bucket.unread[part]
    why = f"the {part} of {site.wanted.bucket} cannot be read: {error.reason}. {error.next_step}"
    return conflict(name, why.rstrip("."), blocks=blocks)


def _sids(statements: list[Document]) -> str:
    return ", ".join(each.get("Sid") or "a statement without a Sid" for each in statements)
