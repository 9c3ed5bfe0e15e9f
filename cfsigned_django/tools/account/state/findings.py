"""Every finding about a site at AWS: its ID, its level, its words, and what repairs it.

cfsigned_doctor reports them, and so does the proof of cfsigned_setup. The IDs are API: they keep
their meaning.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from functools import partial
from typing import Any, Final

from cfsigned_django.rotation.lifecycle import OLD
from cfsigned_django.tools.account.documents import Document


class Level(StrEnum):
    """The severity of a finding."""

    #: It was checked, and is in order; with something to do, it is a note.
    OK = "ok"
    #: Signed URLs work, or may work; someone should look at it.
    WARNING = "warning"
    #: Viewers are refused, files are not private, or it could not be checked.
    ERROR = "error"


_UNITS = (("day", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def duration(seconds: float) -> str:
    """Return a duration in its two largest units, such as ``2 h 5 min`` or ``365 days``."""
    rest, said = int(seconds), []
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            said.append(f"{count} {unit}{'s' if unit == 'day' and count > 1 else ''}")
    return " ".join(said[:2]) or "0 s"


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingType:
    """What all findings of one ID have in common.

    ``what`` is a pattern for :meth:`str.format`; the documentation shows it too. ``why`` says what
    follows from it, and ``fix`` what a person can do by hand. ``resource`` is the resource of
    the template that it is about: if a stack made it, cfsigned_setup repairs it, with the option
    ``option`` if one is needed.
    """

    level: Level
    what: str
    why: str = ""
    fix: str = ""
    resource: str = ""
    option: str = ""

    def describe(self, values: Mapping[str, Any]) -> str:
        """Return what was found, with the values in the pattern."""
        what = self.what.format_map(values)
        # A value that stands in the middle of other texts begins this one.
        return f"The {what.removeprefix('the ')}" if what.startswith("the ") else what


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was checked.

    ``what`` says in one sentence what was found, with names and values; ``why``
    says what follows from it, and ``fix`` what to do. Both are empty if all is
    well. ``subject`` is the setting or the AWS resource that the finding is
    about. No field contains a signature or a private key.
    """

    id: str
    level: Level
    what: str
    why: str
    fix: str
    subject: str

    def to_json(self) -> dict[str, Any]:
        """Return the finding as the command's ``--json`` prints it."""
        return asdict(self)


def finding_of(
    types: Mapping[str, FindingType],
    type_id: str,
    subject: str,
    /,
    *,
    what: str = "",
    why: str | None = None,
    fix: str | None = None,
    **values: Any,
) -> Finding:
    """Return a finding about a setting or resource; the values fill the pattern of its type.

    ``what``, ``why`` and ``fix`` are those of its type unless given.
    """
    kind = types[type_id]
    return Finding(
        id=type_id,
        level=kind.level,
        what=what or kind.describe(values),
        why=kind.why if why is None else why,
        fix=kind.fix if fix is None else fix,
        subject=subject,
    )


def with_paste(found: Finding, value: Document | None) -> Finding:
    """Return a finding whose fix ends with the exact value that belongs there, if there is one.

    It is a statement, a rule, or fields of a configuration.
    """
    return replace(found, fix=f"{found.fix} Paste: {json.dumps(value)}") if value else found


error = partial(FindingType, level=Level.ERROR)
warning = partial(FindingType, level=Level.WARNING)
note = partial(FindingType, level=Level.OK)

#: ID -> what its findings have in common, in the order in which a request meets them.
AWS_FINDINGS: Final[Mapping[str, FindingType]] = {
    # The distribution, and the key that signs.
    "no-distribution": error(
        what="No distribution of the AWS account {account} has the domain {host}.",
        why="Either the domain is not an alternate domain name of the distribution, and CloudFront "
        "refuses it; or the credentials belong to another AWS account.",
        fix="Add the domain under Alternate domain names, or use the credentials of the account "
        "that has the distribution (AWS_PROFILE). If it is the domain of a tenant, name its "
        "multi-tenant distribution with --distribution.",
    ),
    "distribution-disabled": error(
        what="{distribution} is disabled.",
        why="CloudFront serves nothing from it.",
        fix="Enable the distribution: CloudFront > Distributions > Enable.",
        resource="Distribution",
    ),
    "distribution-deploying": warning(
        what="{distribution} is {status}, not Deployed yet.",
        why="Until it is Deployed, some edges answer by the old configuration and the old keys.",
        fix="Wait a few minutes, and run this again.",
    ),
    "distribution-multi-tenant": note(
        what="{distribution} is a multi-tenant distribution. Whether {host} is a domain of a "
        "tenant was not checked.",
        why="Signed URLs work with the domain of a tenant: the domain names belong to the tenants.",
        fix="Turn on Restrict viewer access, with the key group, for the behavior in CloudFront, "
        "and set AWS_S3_CUSTOM_DOMAIN to a domain of a tenant; or use another distribution.",
    ),
    "domain-not-alias": error(
        what="{host} is not a domain of {distribution}, which has {names}.",
        why="CloudFront refuses requests for a host that it does not know.",
        fix="Request an ACM certificate for it in us-east-1, add the domain under Alternate domain "
        "names, and point its DNS (a CNAME or alias record) to the distribution; or set "
        "AWS_S3_CUSTOM_DOMAIN to a name that the distribution has.",
        resource="Distribution",
        option="--domain",
    ),
    "key-unknown": error(
        what="The AWS account has no public key {key}.{twins}",
        why="CloudFront answers InvalidKey (Unknown Key) to every signed URL.",
        fix="Set AWS_CLOUDFRONT_KEY_ID to the ID under CloudFront > Key management > Public keys, "
        "and check that the credentials belong to the account of the distribution.",
    ),
    "key-mismatch": error(
        what="The public key {key} does not match the private key.{twins}",
        why="CloudFront answers AccessDenied (Access denied) to every signed URL, as if it had "
        "expired.",
        fix="Set AWS_CLOUDFRONT_KEY and AWS_CLOUDFRONT_KEY_ID to the private key and the public "
        "key ID of one key pair.",
    ),
    "no-key-group": error(
        what="The AWS account has no key group {key_group}.",
        why="Keys cannot be rotated, and no behavior can trust the key group.",
        fix="Correct AWS_CLOUDFRONT_KEY_GROUP_ID: copy the ID, a UUID, from CloudFront > Key "
        "management > Key groups.",
    ),
    "key-not-in-group": error(
        what="{key} is not in the key group {key_group}, which contains {held}.",
        why="CloudFront answers InvalidKey (Unknown Key) to every signed URL.",
        fix="If the database has the key, run manage.py cfsigned_rotate, which adds it again. Else "
        "add the public key to the key group: CloudFront > Key management > Key groups.",
    ),
    "key-old": warning(
        what=f"{{key}} was created on {{created}}, more than {OLD.days} days ago.",
        why="Someone who has stolen the key can sign URLs for as long as CloudFront trusts it.",
        fix="Rotate it: manage.py cfsigned_rotate --start.",
    ),
    # The behavior that serves the storage, and others that do.
    "behavior-open": error(
        what="{behavior} serves files of {files} and requires no signature{way}.",
        why="Anyone can read these files.",
        fix="Turn on Restrict viewer access for it, with the key group. A behavior for other files "
        "may stay open if it serves none of these: narrow its path pattern, move or widen the "
        "restricted one, or change its origin path.",
        resource="Distribution",
    ),
    "earlier-behavior-elsewhere": warning(
        what="{behavior} comes before {restricted}: private files with these names are requested "
        "from {host}.",
        why="The first pattern that matches decides, so signed URLs of such files do not reach the "
        "bucket.",
        fix="Move the behavior of the private files before it, or narrow its path pattern.",
        resource="Distribution",
    ),
    "open-folder": note(
        what="{behavior} is open: what the bucket has at that path is public.",
        why="This is right for static files, or one such as favicon.ico. It is wrong if private "
        "files can have such names.",
        fix="Keep upload_to of private files out of it, narrow the path pattern, restrict it too, "
        "or give the storage a separate location.",
    ),
    "group-not-on-behavior": error(
        what="{behavior} trusts {trusted}, not {key_group}.",
        why="CloudFront answers InvalidKey (Unknown Key) to every signed URL of its paths, unless "
        "it trusts an AWS account whose root user has the key.",
        fix="Add the key group under Restrict viewer access, or narrow the path pattern of a "
        "behavior for other files, and wait until the distribution is Deployed. Remove AWS "
        "accounts later.",
        resource="Distribution",
    ),
    "trusted-signers": warning(
        what="{behavior} trusts the key pairs of AWS accounts ({accounts}), besides its key "
        "groups.",
        why="This is the older way: the root user of each of those accounts can sign URLs, and no "
        "rotation ends that.",
        fix="Remove them after the site signs with the key group, and the last signed URL of the "
        "old keys has expired.",
        resource="Distribution",
    ),
    "plain-http": warning(
        what="{behavior} serves plain HTTP.",
        why="Anyone who can read the traffic can use the signed URLs in it.",
        fix="Set Viewer protocol policy to Redirect HTTP to HTTPS, or HTTPS only.",
        resource="Distribution",
    ),
    "delivery-unknown": note(
        what="What {behavior} reads and answers also depends on {reasons}, which was not checked.",
        why="A function can change the path, the origin and the answer; an origin group has a "
        "second origin; in a continuous deployment, another distribution serves some viewers.",
        fix="Request files: manage.py cfsigned_doctor --object NAME. A staging distribution needs "
        "a separate statement in the bucket policy.",
    ),
    # The origin and the bucket.
    "origin-not-bucket": error(
        what="{behavior} reads {hosts}, not the bucket {bucket}.",
        why="CloudFront does not find the files that the site stores, or reads a website endpoint, "
        "which only a public bucket has: anyone can bypass the signatures.",
        fix="Choose the origin of the bucket, its REST endpoint "
        "(NAME.s3.REGION.amazonaws.com), for the behavior, add a behavior for the paths of the "
        "private files, or correct AWS_STORAGE_BUCKET_NAME.",
        resource="Distribution",
    ),
    "origin-access-point": note(
        what="{behavior} reads S3 through {hosts}. Whether that is {bucket}, and who may read it, "
        "was not checked.",
        why="CloudFront does not say which bucket an access point belongs to.",
        fix="If your bucket is behind it, let the policies of the access point and of the bucket "
        "allow the distribution, and restrict the behavior to the key group, in the AWS console. "
        "If not, add the bucket as an origin of the behavior.",
    ),
    "origin-path": warning(
        what="CloudFront looks for the files in {folder} of the bucket; the storage saves them in "
        "{location}.",
        why="CloudFront adds the origin path before the path of the URL. It then looks for files "
        "where the storage does not save them, unless a function changes the path.",
        fix="Clear the origin path, or read the bucket through an origin that has none.",
        resource="Distribution",
    ),
    "origin-access": error(
        what="The origin has {present}. It must have an access control, and no identity.",
        why="CloudFront requests files from S3 without credentials if the origin has neither, and "
        "a private bucket refuses such requests (Access Denied). If it has both, AWS refuses the "
        "next change of the distribution. An identity (OAI) cannot read what a KMS key encrypts.",
        fix="Attach an origin access control, and remove the identity from the origin.",
        resource="Distribution",
    ),
    "origin-access-unsigned": error(
        what="The origin access control {access_control} does not sign every request ({signing}).",
        why="S3 refuses requests that are not signed (Access Denied). With no-override, those are "
        "the requests of clients that send an Authorization header.",
        fix="Set its signing behavior to Sign requests (always) in CloudFront.",
        resource="OriginAccessControl",
    ),
    "bucket-missing": error(
        what="There is no bucket {bucket}.",
        why="Uploads fail, and CloudFront has nothing to serve. Anyone who creates a bucket of "
        "that name decides what it serves.",
        fix="Check AWS_STORAGE_BUCKET_NAME, or create the bucket.",
    ),
    "bucket-refused": error(
        what="The bucket {bucket} belongs to another AWS account, or these credentials{account} do "
        "not allow s3:ListBucket.",
        why="Its policy, its CORS rules and whether it is public were not checked.",
        fix="Use the credentials of the bucket's account (AWS_PROFILE), with s3:ListBucket on it; "
        "or choose another name.",
    ),
    "kms-key-policy": error(
        what="The policy of the KMS key {key}, which encrypts new objects of the bucket {bucket}, "
        "does not let {reader} decrypt.{present}",
        why="S3 answers AccessDenied to CloudFront for each object that the key encrypts.",
        fix="Add the statement for the distribution to the policy of the key, or make an exception "
        "for CloudFront in the one that denies it.",
    ),
    "kms-aws-managed": error(
        what="The AWS managed key aws/s3 encrypts new objects of the bucket {bucket}.",
        why="Nobody can change the policy of that key, so CloudFront cannot read what it encrypts.",
        fix="Choose SSE-S3 or a key of the account as the default encryption of the bucket, and "
        "copy the objects that aws/s3 has encrypted onto themselves. UpdateObjectEncryption of S3 "
        "moves an object to a KMS key of the account in place (not from SSE-C or DSSE-KMS; boto3 "
        "1.43 or newer): try it with one object first, since AWS does not name aws/s3 there.",
        resource="Bucket",
        option="--kms-key",
    ),
    "bucket-region": warning(
        what="The bucket {bucket} is in {region}, but AWS_S3_REGION_NAME is {setting}.",
        why="Uploads are redirected or fail.",
        fix="Set AWS_S3_REGION_NAME to the region of the bucket.",
    ),
    "bucket-public": error(
        what="The policy of the bucket {bucket} is public (Principal * in {statement}).",
        why="Anyone can do directly in S3, without a signature, what the statement allows, "
        "unless another one denies it.",
        fix="Remove the statement.",
        resource="BucketPolicy",
    ),
    "bucket-not-blocked": warning(
        what="Block Public Access of the bucket {bucket} is off for {switches}.",
        why="A bucket policy or an ACL that is added later can make files public.",
        fix="Turn on all four switches. CloudFront keeps its access, which is not public.",
        resource="Bucket",
    ),
    "bucket-policy": error(
        what="The policy of the bucket {bucket} does not let {reader} read.{present}",
        why="S3 answers Access Denied, with a RequestId, to valid signed URLs.",
        fix="Add the statement for the distribution, or make an exception for CloudFront in the "
        "one that denies it.",
        resource="BucketPolicy",
    ),
    "bucket-policy-unknown": warning(
        what="Whether {policy} lets {reader} read cannot be known: it depends on {statements}.",
        why="The statement is about some of the files only, or AWS does not say what CloudFront's "
        "requests have of its conditions. If CloudFront may not read, S3 answers Access Denied, "
        "with a RequestId, to valid signed URLs.",
        fix="Request a file: manage.py cfsigned_doctor --object NAME. If S3 refuses it, let the "
        "statement make an exception for CloudFront.",
    ),
    "bucket-readers-wide": warning(
        what="The policy of the bucket {bucket} also lets unnamed readers in, by a condition, a "
        "service, or distributions of other accounts: {readers}.",
        why="They can read the files without a signature, unless another statement denies it.",
        fix="Let the statement name only the readers that need the files (a distribution by the "
        "condition AWS:SourceArn with its ARN), or remove it if none does.",
        resource="BucketPolicy",
    ),
    "bucket-readers": note(
        what="The policy of the bucket {bucket} also lets named principals, or other distributions "
        "of the account, read: {readers}.",
        why="They can read the files without a signature, unless another statement denies it.",
        fix="Remove the statement if they do not need the files.",
    ),
    "upload-cors": error(
        what="The bucket {bucket} has no CORS rule for uploads from {origins}.",
        why="Browsers refuse to send files from a page to S3, or hide the ETag of each part.",
        fix="Add a rule with the origin, PUT and POST that exposes ETag, before the others.",
        resource="Bucket",
        option="--upload-origin",
    ),
    "uploads-kept": warning(
        what="No lifecycle rule of {bucket} ends incomplete multipart uploads.",
        why="Parts of uploads that browsers abandon stay: no list of files has them, and they cost "
        "as much as files.",
        fix="Add a rule that deletes incomplete multipart uploads after 7 days: S3 > Management > "
        "Lifecycle rules.",
        resource="Bucket",
    ),
    # What CloudFront forwards, and what its cache key contains.
    "cors-rule-missing": error(
        what="The bucket {bucket} has no CORS rule for {origins}.",
        why="Browsers hide the file from fetch(), canvas, fonts and crossorigin images.",
        fix="Add a rule with the origin, GET and HEAD.",
        resource="Bucket",
        option="--cors-origin",
    ),
    "cors-policy-origins": error(
        what="The response headers policy {policy} has CORS headers, but not for {origins}.",
        why="It overrides the headers of S3, so browsers hide the file from pages of the origin.",
        fix="Add the origin to Access-Control-Allow-Origin in the policy: CloudFront > Policies > "
        "Response headers.",
        resource="ResponseHeadersPolicy",
        option="--cors-origin",
    ),
    "cors-credentials-missing": warning(
        what="{policy} does not name {origins} and allow credentials.",
        why="If a page sends signed cookies, browsers hide the file unless "
        "Access-Control-Allow-Origin names the origin, instead of *, and "
        "Access-Control-Allow-Credentials is true.",
        fix="Change that in CloudFront > Policies > Response headers. A managed policy cannot be "
        "changed: remove it from the behavior instead. If these pages use signed URLs only, "
        "nothing is wrong.",
        resource="ResponseHeadersPolicy",
        option="--cors-origin",
    ),
    "origin-not-forwarded": error(
        what="The origin request policy is {policy}: Origin is not forwarded.",
        why="S3 sends CORS headers only if the request has an Origin header.",
        fix="Use the origin request policy CORS-S3Origin on the behavior.",
        resource="CachePolicy",
        option="--cors-origin",
    ),
    "origin-not-in-cache-key": warning(
        what="The behavior forwards Origin, but keeps one copy for all origins{policy}.",
        why="The first request decides which CORS headers the cached copy has, or that it has "
        "none.",
        fix="Add Origin to the cache key. For one origin, the response headers policy SimpleCORS "
        "is enough.",
        resource="CachePolicy",
        option="--cors-origin",
    ),
    "content-type-forwarded": note(
        what="The parameter {parameter} reaches S3.",
        why="Anyone with a signed URL for a folder can change its query, and so turn an upload "
        "into HTML that runs scripts on the domain of the files.",
        fix="Let the response headers policy of the behavior send the Content-Security-Policy "
        "script-src 'none', or serve files from a domain that gets no cookies.",
    ),
    "stale-window": note(
        what="Edges may serve a file for up to {default} after it was deleted or overwritten, or "
        "up to {longest} if S3 sends a longer Cache-Control. Signed URLs live for {life}.",
        why="Edges ask S3 again only after that time. Until then, anyone with a valid signed URL "
        "gets the old file.",
        fix="Let CloudFront forget each such file (AWS_CLOUDFRONT_INVALIDATE_ON), or run manage.py "
        "cfsigned_invalidate NAME after such a change. What shortens the time for all files: "
        "Cache-Control on the objects (AWS_S3_OBJECT_PARAMETERS), shorter TTLs in the cache "
        "policy, or a shorter AWS_QUERYSTRING_EXPIRE.",
    ),
    "downloads-note": note(
        what="The parameters of download= {how}, which is right as long as none are used.",
        why="URLs made with download= are served without the file name, or with that of another "
        "viewer.",
        fix="If you use download=, give the behavior a cache policy and an origin request policy "
        "that have response-content-disposition.",
    ),
}

finding = partial(finding_of, AWS_FINDINGS)
