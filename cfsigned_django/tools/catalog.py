"""What is found about a site: its ID, level and words, and what repairs it. The IDs are API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import Any, Final

from cfsigned_django.rotation.lifecycle import OLD


class Level(StrEnum):
    #: It was checked, and is in order; with something to do, it is a note.
    OK = "ok"
    #: Signed URLs work, or may work; someone should look at it.
    WARNING = "warning"
    #: Viewers are refused, files are not private, or it could not be checked.
    ERROR = "error"


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


def finding(
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
    kind = CATALOG[type_id]
    what = what or kind.what.format_map(values)
    if what.startswith("the "):  # A value from the middle of other texts.
        what = f"The {what.removeprefix('the ')}"
    return Finding(
        id=type_id,
        level=kind.level,
        what=what,
        why=kind.why if why is None else why,
        fix=kind.fix if fix is None else fix,
        subject=subject,
    )


def with_paste(found: Finding, value: Mapping[str, Any] | str | None) -> Finding:
    """Return a finding whose fix ends with the exact value that belongs there, if there is one.

    It is a statement or a rule, which the AWS console takes as JSON; or words: a field of a form of
    the console and its value.
    """
    words = value if isinstance(value, str) else f"Paste: {json.dumps(value)}"
    return replace(found, fix=f"{found.fix} {words}") if value else found


error: Final = partial(FindingType, level=Level.ERROR)
warning: Final = partial(FindingType, level=Level.WARNING)
note: Final = partial(FindingType, level=Level.OK)

#: What policies that AWS manages take away, beside what options of the stack add.
MANAGED_LOSSES: Final = (
    "frames on pages of other hosts (X-Frame-Options: SAMEORIGIN)",
    "files that scripts read with cookies (Access-Control-Allow-Origin: *)",
    "download=, inline=, versionId and all parameters= (no query reaches S3)",
)
_NEW_URL = "Make a new signed URL with url() or {% signed_url %}, and do not change it."

#: ID -> what its findings have in common, in the order in which a request meets them.
CATALOG: Final[Mapping[str, FindingType]] = {
    # Settings, keys and the clock.
    "cannot-sign": error(
        what="The storage cannot sign now.",
        why="url() raises the same error, and pages with signed URLs fail.",
        fix="Do what the message says. manage.py cfsigned_rotate shows the keys of the database.",
    ),
    "foreign-signer": warning(
        what="{storage} has a cloudfront_signer that is not from this package.",
        why="Its key is unknown, so keys, signed requests and the key group were not checked.",
        fix="Remove cloudfront_signer, and set AWS_CLOUDFRONT_KEY and AWS_CLOUDFRONT_KEY_ID.",
    ),
    "changed-url": error(
        what="The url() of a subclass changed the URL after it was signed.",
        why="CloudFront refuses a URL that is not the signed one.",
        fix="Let the class change the name or the options (custom_domain, location), not the URL "
        "that the package returns.",
    ),
    "unsigned-url": note(
        what="The url() of a subclass returned a URL without a signature.",
        why="This is right if the file is public. If its behavior restricts viewer access, "
        "CloudFront refuses the URL.",
        fix="If the file is private, let the class return what url() of the package returns.",
    ),
    "database": error(
        what="The key pairs of the database cannot be read ({error}).",
        why="New processes cannot find out which key is ACTIVE.",
        fix="Check DATABASES, and whether the database server runs.",
    ),
    "signing-key": note(what="{key} from {place} signs ({algorithm})."),
    "rotation-waits": note(
        what="What a rotation waits for, in the words of the admin page and cfsigned_rotate.",
    ),
    "rotation-stuck": warning(
        what="A step of a rotation has been due for 3 days.",
        why="URLs work, but an old key is still trusted, or a new key does not sign yet.",
        fix="Do what the message says. See the page on rotating keys.",
    ),
    "clock-off": warning(
        what="The clock is {skew} CloudFront's: more than {limit}.",
        why="Signed URLs expire that much too early or too late, or are refused at first. Above "
        "5 min, or above their life, it is an error. AWS may refuse API calls, too "
        "(RequestTimeTooSkewed).",
        fix="Set the clock of this machine, and let NTP keep it right (timedatectl set-ntp true).",
    ),
    "clock-unknown": warning(
        what="CloudFront's answer has no readable Date header.",
        why="The clock could not be compared. If it is wrong, signed URLs are refused.",
        fix="Compare the clock by hand, and look for a proxy that removes headers.",
    ),
    # What AWS's API says.
    "aws-unreadable": error(
        what="Could not {task}: {reason}.",
        why="What depends on it was not checked, so it may or may not be in order.",
        fix="Do what the message says, or skip AWS with --offline.",
    ),
    "local-edge": note(
        what="{host} is this machine, and no distribution is configured: AWS was not asked.",
        why="The local edge answers in place of CloudFront, so the configuration at AWS does not "
        "matter.",
        fix="Set AWS_CLOUDFRONT_DISTRIBUTION_ID, or --distribution, to check AWS as well.",
    ),
    # A warning: the site may have other credentials than the person who asks.
    "cannot-invalidate": warning(
        what="With these credentials, no file of {distribution} can be invalidated: {reason}.",
        why="Deleted and overwritten files are served until the TTL of their copies ends. If the "
        "site has other credentials, run this with those.",
        fix="Do what the message says. The site needs cloudfront:CreateInvalidation.",
    ),
    "other-key-groups": note(
        what="The AWS account has key groups that are not of this site: {key_groups}.",
        why="IAM has no resource for a key group: credentials that rotate the keys of this site "
        "can change these groups too, and so open the files that they protect.",
        fix="If they protect other files, as production's do beside staging's, use a separate "
        "AWS account, or let a person rotate (AWS_CLOUDFRONT_BY_HAND).",
    ),
    # The distribution, and the key that signs.
    "no-distribution": error(
        what="No distribution of the AWS account {account} has the domain {host}.",
        why="CloudFront refuses a domain that no distribution has; or the credentials are of "
        "another account.",
        fix="Add the domain under Alternate domain names, or use the credentials of the right "
        "account (AWS_PROFILE). For the domain of a tenant, use --distribution ID.",
    ),
    "distribution-disabled": error(
        what="{distribution} is disabled.",
        why="CloudFront serves nothing from it.",
        fix="Enable the distribution: CloudFront > Distributions > Enable.",
        resource="Distribution",
    ),
    "viewer-certificates": warning(
        what="{distribution} requires a certificate of every viewer (mutual TLS).",
        why="CloudFront refuses the connection of a browser that has none, before it looks at a "
        "signature.",
        fix="Turn off General > Settings > Edit > Connectivity > Viewer mutual authentication "
        "(mTLS), or make it optional, unless every viewer has such a certificate.",
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
        fix="Add it under Alternate domain names, with an ACM certificate in us-east-1 and a DNS "
        "record; or set AWS_S3_CUSTOM_DOMAIN to a name that the distribution has.",
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
    "key-group-not-trusted": warning(
        what="{behavior} trusts {trusted}, which has {key}, but not the key group {key_group} of "
        "the settings.",
        why="URLs work until the next rotation: it adds its new key to a key group that the "
        "behavior does not trust, so CloudFront refuses that key.",
        fix="Set AWS_CLOUDFRONT_KEY_GROUP_ID to a key group that the behavior trusts, or add the "
        "key group under Restrict viewer access.",
    ),
    "key-not-in-group": error(
        what="{key} is not in the key group {key_group}, which contains {held}.",
        why="CloudFront answers InvalidKey (Unknown Key) to every signed URL of a behavior that "
        "requires signatures.",
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
        fix="Turn on Restrict viewer access, with the key group. A behavior for other files may "
        "stay open if its path pattern and origin path lead to none of these.",
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
    "open-folder": warning(
        what="{behavior} is open, and the settings do not declare that: what the bucket has at "
        "that path is public.{may}",
        why="This is right for static files, and wrong if private files can have such names. If it "
        "is one file, this is a note. A function in the option public is not asked.",
        fix="If it is meant, declare it: by the option public of the storage, or by STATIC_URL or "
        'STORAGES["staticfiles"] on this domain. If not, restrict it, or keep upload_to of private '
        "files out of it.",
    ),
    "group-not-on-behavior": error(
        what="{behavior} trusts {trusted}, not {key_group}.",
        why="CloudFront answers InvalidKey (Unknown Key) to every signed URL of its paths, unless "
        "a trusted AWS account has the same key, as a key pair of its root user.",
        fix="Add the key group under Restrict viewer access, or narrow the path pattern, and "
        "wait until it is Deployed. Remove AWS accounts later.",
        resource="Distribution",
    ),
    "trusted-signers": warning(
        what="{behavior} trusts the key pairs of AWS accounts ({accounts}), besides its key "
        "groups.",
        why="The root user of each of those accounts can sign URLs, and no rotation ends that.",
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
        what="{behavior} reads {hosts}, not {bucket}.",
        why="CloudFront does not find the files; or it asks a custom origin, such as a website "
        "endpoint, whose requests it does not sign: only a public bucket answers them.",
        fix="Choose the bucket (NAME.s3.REGION.amazonaws.com) as an S3 origin with an origin "
        "access control, not as a custom origin; or add a behavior for the private files, or "
        "correct AWS_STORAGE_BUCKET_NAME.",
        resource="Distribution",
    ),
    "origin-access-point": note(
        what="{behavior} reads S3 through {hosts}. Whether that is {bucket}, and who may read it, "
        "was not checked.",
        why="CloudFront does not say which bucket an access point belongs to.",
        fix="If your bucket is behind it, let the policies of both allow the distribution, and "
        "restrict the behavior to the key group. If not, add the bucket as an origin.",
    ),
    "origin-path": warning(
        what="CloudFront looks for the files in {folder} of the bucket; the storage saves them in "
        "{location}.",
        why="CloudFront puts the origin path before the path of the URL, and so finds no file, "
        "unless a function changes the path.",
        fix="Clear the origin path, or read the bucket through an origin that has none.",
        resource="Distribution",
    ),
    "origin-access": error(
        what="The origin has {present}. It must have an access control, and no identity.",
        why="CloudFront requests files from S3 without credentials if the origin has neither, and "
        "a private bucket refuses such requests (Access Denied). If it has both, AWS refuses the "
        "next change of the distribution. An identity (OAI) cannot read what a KMS key encrypts.",
        fix="Attach an origin access control, and remove the identity.",
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
        fix="Choose SSE-S3 or a key of the account as the default encryption, and copy the "
        "objects that aws/s3 has encrypted onto themselves. UpdateObjectEncryption of S3 (boto3 "
        "1.43 or newer) does that in place: try it with one first, since AWS does not name "
        "aws/s3 there.",
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
        "unless another one denies it. While RestrictPublicBuckets (Block Public Access) is on, "
        "S3 refuses strangers, and this is a warning.",
        fix="Remove the statement.",
        resource="BucketPolicy",
    ),
    "bucket-not-blocked": warning(
        what="Block Public Access of the bucket {bucket} is off for {switches}.",
        why="A bucket policy or an ACL that is added later can make files public.",
        fix="S3 > Permissions > Block public access > Edit > Block all public access. CloudFront "
        "keeps its access, which is not public.",
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
        why="It is about some of the files only, or AWS does not say what CloudFront's requests "
        "have of its conditions. If CloudFront may not read, S3 answers Access Denied.",
        fix="Request a file: manage.py cfsigned_doctor --object NAME. If S3 refuses it, let the "
        "statement make an exception for CloudFront.",
    ),
    "bucket-readers-wide": warning(
        what="The policy of the bucket {bucket} also lets unnamed readers in, by a condition, a "
        "service, or distributions of other accounts: {readers}.",
        why="They can read the files without a signature, unless another statement denies it.",
        fix="Let the statement name only the readers that need the files (a distribution by "
        "AWS:SourceArn with its ARN), or remove it.",
        resource="BucketPolicy",
    ),
    "bucket-readers": note(
        what="The policy of the bucket {bucket} also lets named principals, or other distributions "
        "of the account, read: {readers}.",
        why="They can read the files without a signature, unless another statement denies it.",
        fix="Remove the statement if they do not need the files.",
    ),
    "other-distribution-open": warning(
        what="The distribution {distribution} reads the bucket {bucket} as well, and requires no "
        "signature: {behaviors}.",
        why="The policy of the bucket lets it in, so anyone can read private files at its domain.",
        fix="Let the policy name the distribution of the site only (AWS:SourceArn with its ARN) "
        "and no identity that the other one has, or restrict viewer access of the other one.",
        resource="BucketPolicy",
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
        fix="Add a rule: S3 > Management > Create lifecycle rule > Delete expired object delete "
        "markers or incomplete multipart uploads > Delete incomplete multipart uploads: 7 days.",
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
        why="With signed cookies, browsers hide the file unless Access-Control-Allow-Origin "
        "names the origin, instead of *, and Access-Control-Allow-Credentials is true.",
        fix="Change it under CloudFront > Policies > Response headers; take a managed policy off "
        "the behavior. If these pages use signed URLs only, nothing is wrong.",
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
        why="Anyone with a signed URL for a folder can change its query, and turn an upload into "
        "HTML that runs scripts on the domain of the files.",
        fix="Let the response headers policy of the behavior send the Content-Security-Policy "
        "script-src 'none', or serve files from a domain that gets no cookies.",
    ),
    "stale-window": note(
        what="Edges may serve a file for up to {default} after it was deleted or overwritten, or "
        "up to {longest} if S3 sends a longer Cache-Control. Signed URLs live for {life}.",
        why="Edges ask S3 again only after that time. Until then, anyone with a valid signed URL "
        "gets the old file.",
        fix="Let CloudFront forget such files (AWS_CLOUDFRONT_INVALIDATE_ON, or manage.py "
        "cfsigned_invalidate NAME). For all files: Cache-Control on the objects "
        "(AWS_S3_OBJECT_PARAMETERS), shorter TTLs in the cache policy, or a shorter "
        "AWS_QUERYSTRING_EXPIRE.",
    ),
    "downloads-note": note(
        what="The parameters of download= {how}, which is right as long as none are used.",
        why="URLs made with download= are served without the file name, or with that of another "
        "viewer.",
        fix="If you use download=, give the behavior a cache policy and an origin request policy "
        "that have response-content-disposition.",
    ),
    "managed-policies": note(
        what="The policies are AWS's CachingOptimized and CORS-and-SecurityHeadersPolicy.",
        why=f"Lost: a Content-Security-Policy for files of users; {'; '.join(MANAGED_LOSSES)}.",
        fix="If you need one of these, give the behavior policies of your own.",
    ),
    "managed-policies-loss": warning(
        what="The site relies on what AWS's managed policies take away: {used}.",
        why="attachment_types does nothing, no header stops scripts in files of users, and pages "
        "cannot read files by script with cookies.",
        fix="Set content_type_from_name, and let get_object_parameters() return "
        "ContentDisposition: attachment for unsafe types. Let scripts read by signed URLs.",
    ),
    # What CloudFront and S3 answer.
    "no-answer": error(
        what="{host} does not answer: {error}.",
        why="This machine could not request anything. Viewers may still be able to connect. If it "
        "is an edge on this machine that does not run, this is a warning.",
        fix="Check that the domain resolves to the distribution (a CNAME or alias record), its "
        "certificate, and the network of this machine.",
    ),
    "not-cloudfront": error(
        what="{host} answers {status}, but the answer is not from CloudFront ({server}).",
        why="Another server, or a proxy in front of CloudFront, answers. It does not check "
        "signatures.",
        fix="Point the DNS record of AWS_S3_CUSTOM_DOMAIN at the domain name of the distribution.",
    ),
    "redirected": error(
        what="{url} redirects to {location} ({status}).",
        why="A signature is valid for one URL: at the target, it is refused, or another server "
        "answers.",
        fix='Set AWS_S3_URL_PROTOCOL to "https:" if http redirects to https, and '
        "AWS_S3_CUSTOM_DOMAIN to a host that does not redirect.",
    ),
    "html-answer": error(
        what="CloudFront answers {status} with an HTML page.",
        why="CloudFront refused before it checked the signature, or the page hides the reason.",
        fix="Check the web ACL, geographic restrictions, alternate domain names and error pages "
        "of the distribution, and allow GET and HEAD.",
    ),
    "server-error": error(
        what="{host} answers {status}: CloudFront or the origin failed.",
        why="This says nothing about signatures. Viewers get the same answer.",
        fix="Try again in a minute. If it fails again, check the origin of the distribution and "
        "the functions of the behavior.",
    ),
    "strange-answer": error(
        what="{request} gets the answer {answer}, which neither CloudFront nor S3 is known to "
        "give.",
        why="Something else handles the request: a function, a custom error page, or a proxy.",
        fix="Check the functions and error pages of the behavior. A 400 may mean that the object "
        "is encrypted with SSE-C, whose key CloudFront cannot send.",
    ),
    "unsigned-refused": note(what="A request without a signature is refused ({answer})."),
    "unsigned-served": error(
        what="{url} is served without a signature.",
        why="Anyone who knows or guesses a name can read a file, unless S3 refuses CloudFront as "
        "well.",
        fix="Turn on Restrict viewer access, with the key group, for the behavior of this path "
        "and for every one before it that matches the path. If only a spelling with %2F is served, "
        "restrict the default behavior, and put an open one before it for each public path.",
    ),
    "signed-served": note(what="{url} is served with a signature ({status})."),
    "signed-unknown-key": error(
        what="CloudFront answers InvalidKey (Unknown Key) to a new signed URL.",
        why="Every signed URL of this site is refused.",
        fix="Compare AWS_CLOUDFRONT_KEY_ID with the public keys of the key group, and that with "
        "the behavior. A change takes a while to reach every edge.",
    ),
    "signed-denied": error(
        what="CloudFront answers AccessDenied (Access denied) to a new signed URL.",
        why="CloudFront knows the key ID, but its public key does not match the private key; or "
        "the URL is changed on its way.",
        fix="Set AWS_CLOUDFRONT_KEY and AWS_CLOUDFRONT_KEY_ID to the private key and the public "
        "key ID of one key pair, and look for a proxy that rewrites URLs.",
    ),
    "signed-malformed": error(
        what="CloudFront answers {code} to a new signed URL.",
        why="The parameters were lost or changed on their way.",
        fix="Look for a proxy or a viewer request function that removes or rewrites query "
        "parameters.",
    ),
    "signed-s3-denied": error(
        what="CloudFront accepts the signature, but S3 answers AccessDenied for {url}.",
        why="Either CloudFront may not read the object, or there is none: S3 gives the same "
        "answer to a reader that may not list the bucket.",
        fix="Compare the name with the key of the object in S3. If it exists, look for a Deny in "
        "the bucket policy, a KMS key whose policy does not allow CloudFront, and an object of "
        "another account.",
    ),
    "signed-not-found": error(
        what="CloudFront accepts the signature, but S3 has no object for {url}.",
        why="The name, AWS_LOCATION or the origin path of the distribution does not match the "
        "bucket.",
        fix="Compare the path of the URL with the key of the object in S3; the origin path comes "
        "before it.",
    ),
    "wrong-url-served": error(
        what="{request} is accepted ({answer}).",
        why="Signatures are not checked, or never end: the answer is not from CloudFront, or "
        "another behavior serves this path.",
        fix="Look for a cache or proxy in front of CloudFront that ignores the query, and check "
        "which server answers for this domain.",
    ),
    "cors": note(what="Pages of {origins} may read {url}, cached or not."),
    "cors-headers-missing": error(
        what="For {origin}, the object{place} has {header}.",
        why="Browsers hide the file from fetch(), canvas, fonts and crossorigin images of pages of "
        "that origin. In the cache, the first request decides for all.",
        fix="Give the behavior a response headers policy with CORS; or the bucket a CORS rule for "
        "the origin, and the behavior the origin request policy CORS-S3Origin, with Origin in the "
        "cache key. Then invalidate the path.",
    ),
    "cors-browser-cache": note(
        what="Without an Origin, the answer has no Vary: Origin. Chrome may reuse such a copy "
        "for a request with CORS.",
        why="A copy that a plain <img> has fetched has no CORS headers. A later request with "
        "CORS that gets it fails.",
        fix='Write crossorigin="anonymous" on every <img> whose URL scripts or canvas use too: see '
        "{% signed_url %} in the documentation.",
    ),
    "s3-private": note(what="S3 refuses requests that do not come through CloudFront."),
    "s3-open": error(
        what="{url} is served to anyone.",
        why="Anyone who knows the bucket can read a file by its name, or list every name "
        "(s3:ListBucket), without a signature.",
        fix="Turn on Block Public Access for the bucket, and remove Principal * from its policy.",
    ),
    "s3-no-answer": warning(
        what="S3 does not answer as expected: {answer}.",
        why="Whether the bucket is private could not be checked.",
        fix="Check the network of this machine and AWS_S3_ENDPOINT_URL, and try again in a minute.",
    ),
    # One URL: cfsigned_doctor --explain.
    "url-not-absolute": error(
        what="The text is not an http or https URL.",
        why="CloudFront signs whole URLs.",
        fix="Pass the whole URL, from https:// to its end, in single quotes.",
    ),
    "url-copied": warning(
        what="The URL has {extra}.",
        why="The findings below are about the URL without them. If a client sends them, CloudFront "
        "refuses the request.",
        fix="Check whether they were added when the URL was copied, or are in the page, mail or "
        "script.",
    ),
    "url-escaped": error(
        what="The URL has {escapes}.",
        why="That is right in the source of an HTML page, or within JSON, and wrong in a request: "
        "CloudFront finds no Key-Pair-Id and answers MissingKey.",
        fix="Escape once: use {% signed_url ... as url %} outside HTML, do not mark escaped text "
        "as safe, and parse JSON first. If it was copied from the source of a page, nothing is "
        "wrong.",
    ),
    "url-double-encoded": error(
        what="{part} is percent-encoded twice.",
        why="Clients send the URL as it is: CloudFront finds no parameters, or a path and values "
        "that were not signed.",
        fix="Remove the code that quotes the finished URL (quote, urlencode, encodeURI): a signed "
        "URL is complete.",
    ),
    "url-fragment": error(
        what="The CloudFront parameters come after a #.",
        why="Clients do not send what follows a #, so CloudFront never receives the signature.",
        fix="Encode a # in a file name as %23; url() does so.",
    ),
    "url-s3-address": error(
        what="The URL is one of S3{presigned}, for {host}.",
        why="It bypasses CloudFront. S3 does not check CloudFront signatures, and CloudFront finds "
        "no Key-Pair-Id in a presigned URL and answers MissingKey.",
        fix="Set AWS_S3_CUSTOM_DOMAIN to the domain of the distribution, and BACKEND to "
        "cfsigned_django.storage.CloudFrontS3Storage: without a domain, django-storages presigns "
        "URLs of S3.",
    ),
    "url-other-domain": error(
        what="The host is {host}, but the storages of this site sign for {domains}.",
        why="The domain is signed too: a URL signed for one domain is refused at another, even if "
        "both belong to one distribution.",
        fix="Use the URL as url() returns it, and set AWS_S3_CUSTOM_DOMAIN to the domain that "
        "viewers must use.",
    ),
    "url-too-long": error(
        what="The URL has {length} characters; CloudFront reads 8192 bytes at most.",
        why="CloudFront does not read it.",
        fix="Shorten the name or the parameters, or sign with an ECDSA key, whose signature is "
        "shorter.",
    ),
    "url-unsigned": error(
        what="The URL has no signature.",
        why="CloudFront answers MissingKey, unless the request has signed cookies.",
        fix="Use url() or {% signed_url %}. Look for code that removes the query, such as a cache "
        "key, a thumbnail library or urlsplit().",
    ),
    "url-incomplete": error(
        what="The URL has no {missing}.",
        why="CloudFront needs a Key-Pair-Id, a whole Signature, and Expires or Policy. It "
        "answers MissingKey, MalformedSignature or AccessDenied.",
        fix="It was cut off or changed: in a mail, by an unquoted & in a shell, or in a column "
        "that is too short. " + _NEW_URL,
    ),
    "url-unknown-key": error(
        what="The URL names the key {key}, but the keys of this site are: {known}.{signer}",
        why="CloudFront answers InvalidKey (Unknown Key), unless another site has added the key "
        "to the key group. The signature cannot be checked here.",
        fix="Compare AWS_CLOUDFRONT_KEY_ID with the ID under CloudFront > Key management > "
        "Public keys, and find out which site made the URL.",
    ),
    "url-key-ended": error(
        what="The key {key} that signed the URL {ended}.",
        why="CloudFront no longer knows the key and answers InvalidKey (Unknown Key).",
        fix=_NEW_URL,
    ),
    "url-key-not-in-group": error(
        what="The key {key} is not in {key_groups}.",
        why="CloudFront answers InvalidKey (Unknown Key).",
        fix="Find out which storage or site made the URL. If it is this one, compare its key and "
        "its key group with CloudFront > Key management > Key groups.",
    ),
    "url-malformed-policy": error(
        what="The policy, or Expires, cannot be read.",
        why="CloudFront answers MalformedPolicy.",
        fix="Times must be Unix seconds, not milliseconds, and the Policy must be CloudFront's "
        "base64 (-_~), not base64url. " + _NEW_URL,
    ),
    "url-refused": error(
        what="A CloudFront parameter appears twice, is spelled in another case, or has a value "
        "that CloudFront does not accept.",
        why="AWS names them Expires, Policy, Signature, Key-Pair-Id and Hash-Algorithm, and does "
        "not document what CloudFront does with anything else; expect a refusal.",
        fix="Look for a proxy or client that changes parameters, such as to lowercase. " + _NEW_URL,
    ),
    "url-signature-mismatch": error(
        what="The signature does not match: the URL, its policy or the key is not the one that "
        "was signed.",
        why="CloudFront answers AccessDenied (Access denied), as for an expired URL.",
        fix="Use the URL byte for byte as url() returns it. If a new URL fails as well, the "
        "private key does not match the key ID: run cfsigned_doctor without --explain.",
    ),
    "url-not-covered": error(
        what="The policy covers {resource}, not {url}{reason}.",
        why="CloudFront answers AccessDenied (Access denied).",
        fix="Sign the URL that is requested, with all of its parameters, or a resource with * that "
        "covers it.",
    ),
    "url-expired": error(
        what="The URL expired {since} ago, at {end}; the clock of this machine shows {now}.",
        why="CloudFront answers AccessDenied (Access denied).",
        fix="Make a new signed URL. If pages, mails or caches outlive their URLs, raise "
        "AWS_QUERYSTRING_EXPIRE, or link to a view that redirects to a new URL.",
    ),
    "url-not-yet": error(
        what="The URL becomes valid in {wait}, after {start}; the clock of this machine shows "
        "{now}.",
        why="CloudFront answers AccessDenied (Access denied) until date_greater_than has passed.",
        fix="Wait, or sign with an earlier date_greater_than. If the URL must be valid now, the "
        "clock of the machine that signs is ahead.",
    ),
    "url-address": error(
        what="The URL is for viewers from {addresses}, not for {viewer_ip}.",
        why="CloudFront answers AccessDenied (Access denied). It checks the address of the "
        "connection: networks that change addresses, and IPv6, do not match.",
        fix="Sign without ip_address, or for a range; turn IPv6 off for the distribution.",
    ),
    "url-refusal-cors": note(
        what="Scripts of {origins} that request this URL may see a CORS error.",
        why="A refusal may have no CORS headers, and then an expired URL or cookie looks like a "
        "CORS error.",
        fix="Look at the status of the request in the network panel of the browser: 403 is a "
        "refusal.",
    ),
    "url-policy": note(
        what="What the URL grants, in words; and, if only viewers from some address may use it, "
        "how to pass one.",
    ),
    "url-good": note(
        what="The signature is that of this site's key {key} ({where}), and the URL is valid "
        "now. Whether CloudFront has the same key was not checked.",
        why="If CloudFront refuses it, it has another key or none under this ID, or the behavior "
        "does not trust a key group with it.",
        fix="Let manage.py cfsigned_doctor --object NAME, with the name of the file, ask "
        "CloudFront.",
    ),
}
