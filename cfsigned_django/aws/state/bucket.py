"""Plan the bucket: it must exist, and only CloudFront and the given pages may read it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from cfsigned_django.aws.account import Bucket, BucketPart, BucketState
from cfsigned_django.aws.documents import Document, bucket_policy, cors
from cfsigned_django.aws.documents.bucket_policy import PUBLIC_ACCESS_BLOCK, open_switches
from cfsigned_django.aws.state.site import SiteInAws
from cfsigned_django.aws.state.steps import Call, Step, conflict, done, todo

# CreateBucket accepts every region as a location constraint except this one.
_HOME_REGION = "us-east-1"


def bucket_steps(site: SiteInAws) -> Iterator[Step]:
    """Return the steps that create the bucket."""
    yield _bucket(site)
    if site.bucket.is_ours:
        yield _object_ownership(site)


def access_steps(site: SiteInAws) -> Iterator[Step]:
    """Return the steps that let CloudFront and the site's pages read the bucket."""
    yield _bucket_policy(site)
    if site.wanted.cors_origins:
        yield _cors(site)


def closing_steps(site: SiteInAws) -> Iterator[Step]:
    """Return the steps that end public access to the bucket.

    They come last: CloudFront itself may still use public access, and closing
    the bucket earlier would break the site.
    """
    if bucket_policy.public_statements(site.bucket.policy):
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


def _bucket(site: SiteInAws) -> Step:
    bucket, wished = site.bucket, site.wanted.region
    if bucket.state is BucketState.REFUSED:
        return conflict(
            "bucket",
            f"{bucket.name} belongs to another AWS account, or the credentials (of account "
            f"{site.account.account_id}) do not allow s3:ListBucket: choose another name, or use "
            "the credentials of its account",
            blocks=True,
        )
    if bucket.state is BucketState.OURS:
        if wished and wished != bucket.region:
            return conflict(
                "bucket",
                f"{bucket.name} is in {bucket.region}, but AWS_S3_REGION_NAME is {wished}: set "
                f'AWS_S3_REGION_NAME = "{bucket.region}"',
            )
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


def _object_ownership(site: SiteInAws) -> Step:
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


def _bucket_policy(site: SiteInAws) -> Step:
    bucket, statement = site.bucket, access_statement(site)
    for part in (BucketPart.POLICY, BucketPart.PUBLIC_ACCESS):
        if part in bucket.unread:
            # A policy is replaced as a whole: statements that were not read would be lost.
            return _unread("bucket-policy", site, part, blocks=True)
    if bucket_policy.holds(bucket.policy, statement):
        return done("bucket-policy", "it lets CloudFront read the bucket")
    base: Document | None = bucket.policy
    public = bucket_policy.public_statements(base)
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
    return todo(
        "bucket-policy",
        "CloudFront must be allowed to read the bucket; every other statement stays",
        call=_put_policy(site, bucket_policy.merge(base, statement)),
        before=bucket.policy,
        after=bucket_policy.merge(base, statement),
    )


def _cors(site: SiteInAws) -> Step:
    rules, origins = site.bucket.cors_rules, site.wanted.cors_origins
    if BucketPart.CORS in site.bucket.unread:
        return _unread("bucket-cors", site, BucketPart.CORS)
    missing = cors.missing_origins(rules, origins)
    if not missing:
        return done("bucket-cors", f"pages of {', '.join(origins)} may read files")
    merged = cors.merge(rules, origins)
    return todo(
        "bucket-cors",
        f"pages of {', '.join(missing)} may not read files across origins yet",
        call=Call(
            service="s3",
            operation="PutBucketCors",
            action="PutBucketCORS",
            arguments=_owned(site, CORSConfiguration={"CORSRules": merged}),
        ),
        before=list(rules) or None,
        after=merged,
    )


def _public_statements(site: SiteInAws) -> Step:
    policy = site.bucket.policy or {}
    sids = _sids(bucket_policy.public_statements(policy))
    if not site.wanted.closes_public:
        return conflict(
            "public-statements",
            f"the bucket policy allows public access ({sids}), so files can be read without a "
            "signature: --close-public removes that statement",
        )
    # The statement for CloudFront exists by then, so the policy is never empty.
    left = bucket_policy.merge(bucket_policy.without_public(policy), access_statement(site))
    return todo(
        "public-statements",
        f"the bucket policy allows public access ({sids})",
        call=_put_policy(site, left),
        before=policy,
        after=left,
    )


def _block_public_access(site: SiteInAws) -> Step:
    bucket = site.bucket
    if BucketPart.PUBLIC_ACCESS in bucket.unread:
        return _unread("block-public-access", site, BucketPart.PUBLIC_ACCESS)
    still_open = open_switches(bucket.public_access_block)
    closed = {**(bucket.public_access_block or {}), **PUBLIC_ACCESS_BLOCK}
    if not still_open:
        return done("block-public-access", "all four switches are on")
    public = bucket_policy.public_statements(bucket.policy)
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
        call=Call(
            service="s3",
            operation="PutPublicAccessBlock",
            action="PutBucketPublicAccessBlock",
            arguments=_owned(site, PublicAccessBlockConfiguration=closed),
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


def _unread(name: str, site: SiteInAws, part: BucketPart, *, blocks: bool = False) -> Step:
    """Return the conflict that a step cannot be planned, since the part may not be read."""
    error = site.bucket.unread[part]
    why = f"the {part} of {site.wanted.bucket} cannot be read: {error.reason}. {error.next_step}"
    return conflict(name, why.rstrip("."), blocks=blocks)


def _put_policy(site: SiteInAws, policy: Document) -> Call:
    return Call(
        service="s3",
        operation="PutBucketPolicy",
        arguments=_owned(site, Policy=json.dumps(policy)),
    )


def _owned(site: SiteInAws, **arguments: Any) -> Document:
    """Return the arguments of a call that fails if another account owns the bucket."""
    return {
        "Bucket": site.wanted.bucket,
        "ExpectedBucketOwner": site.account.account_id,
        **arguments,
    }


def _sids(statements: list[Document]) -> str:
    return ", ".join(each.get("Sid") or "a statement without a Sid" for each in statements)
