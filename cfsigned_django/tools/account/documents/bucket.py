"""What a bucket needs: access for CloudFront only, CORS rules for pages, an end of its uploads.

Developer Guide: "Restrict access to an Amazon S3 origin"
(private-content-restricting-access-to-s3). S3 User Guide: "Elements of a CORS configuration" (S3
uses the first rule that fits a request); lifecycle rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from cfsigned_django.tools.account.documents import Document
from cfsigned_django.tools.account.documents.distribution_config import (
    access_control_of,
    access_identity_of,
)
from cfsigned_django.tools.model.resource_policy import (
    DECRYPT,
    READ,
    SERVICE,
    Request,
    by_distribution,
    by_identity,
)
from cfsigned_django.tools.model.response_headers import cors_allows


def access_control_statement(
    bucket: str, distribution_arn: str, *, partition: str = "aws"
) -> Document:
    """Return the statement that lets one distribution read through an origin access control."""
    return _statement(distribution_arn, READ, f"arn:{partition}:s3:::{bucket}/*")


def decrypt_statement(distribution_arn: str) -> Document:
    """Return the statement of a key policy that lets one distribution decrypt (SSE-KMS).

    Of the documented actions, reading needs kms:Decrypt alone, which is also all that the AWS CDK
    grants for it.
    """
    return _statement(distribution_arn, DECRYPT, "*")  # in the policy of a key, the key itself


def _statement(distribution_arn: str, action: str, resource: str) -> Document:
    return {
        "Sid": f"AllowCloudFront{distribution_arn.rpartition('/')[2]}",
        "Effect": "Allow",
        "Principal": {"Service": SERVICE},
        "Action": action,
        "Resource": resource,
        "Condition": {"StringEquals": {"AWS:SourceArn": distribution_arn}},
    }


def access_identity_statement(bucket: str, identity_id: str, *, partition: str = "aws") -> Document:
    """Return the statement that lets an origin access identity (the legacy way) read."""
    return {
        "Sid": f"AllowCloudFront{identity_id}",
        "Effect": "Allow",
        "Principal": {"AWS": access_identity_arn(identity_id, partition=partition)},
        "Action": READ,
        "Resource": f"arn:{partition}:s3:::{bucket}/*",
    }


def access_identity_arn(identity_id: str, *, partition: str = "aws") -> str:
    return f"arn:{partition}:iam::cloudfront:user/CloudFront Origin Access Identity {identity_id}"


def request_through(
    origin: Document, distribution_arn: str, files: str, *, uses_tls: bool
) -> Request:
    """Return the request of a distribution through an origin that may sign."""
    if access_control_of(origin):
        return by_distribution(distribution_arn, files, uses_tls=uses_tls)
    partition = distribution_arn.split(":")[1]
    identity = access_identity_arn(access_identity_of(origin), partition=partition)
    return by_identity(identity, files, uses_tls=uses_tls)


# Block Public Access (S3 User Guide)

#: With it, a public policy lets in AWS services and users of the bucket's account only (S3 API
#: reference: PublicAccessBlockConfiguration). The other switches do not change what a policy says.
RESTRICTS_PUBLIC: Final = "RestrictPublicBuckets"
#: All four switches; CloudFront's own access is not public and continues.
PUBLIC_ACCESS_BLOCK: Final[Mapping[str, bool]] = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    RESTRICTS_PUBLIC: True,
}


def open_switches(block: Mapping[str, bool] | None) -> list[str]:
    return [name for name in PUBLIC_ACCESS_BLOCK if not (block or {}).get(name)]


RULE_ID: Final = "cfsigned"
UPLOAD_RULE_ID: Final = "cfsigned-upload"
_METHODS: Final = {RULE_ID: ("GET", "HEAD"), UPLOAD_RULE_ID: ("POST", "PUT")}


def cors_rule(origins: Sequence[str], rule_id: str = RULE_ID) -> Document:
    """Return the rule that lets pages of the origins read files, or upload them."""
    return {
        "ID": rule_id,
        "AllowedHeaders": ["*"],
        "AllowedMethods": list(_METHODS[rule_id]),
        "AllowedOrigins": list(origins),
        "ExposeHeaders": ["ETag"],
        "MaxAgeSeconds": 3000,
    }


def missing_origins(
    rules: Iterable[Mapping[str, Any]] | None, origins: Sequence[str], rule_id: str = RULE_ID
) -> list[str]:
    """Return the origins whose pages may not read files with GET and HEAD.

    For uploads, they may not send them with POST and PUT and a content type, or not see their
    ETag: a script needs it to complete an upload in parts.
    """
    present = list(rules or ())
    return [
        origin
        for origin in dict.fromkeys(origins)
        if not all(_allows(present, origin, method, rule_id) for method in _METHODS[rule_id])
    ]


def echoes_origins(rules: Iterable[Mapping[str, Any]] | None, origins: Sequence[str] = ()) -> bool:
    """Return whether S3 names one of several origins in Access-Control-Allow-Origin.

    If it does, a cached copy for one origin is wrong for the others. The origins are those
    of the rules and the given ones. If a rule is for all origins, S3 answers "*".
    """
    allowed = {
        origin
        for rule in rules or ()
        if "GET" in rule.get("AllowedMethods", ())
        for origin in rule.get("AllowedOrigins", ())
    }
    if allowed <= {"*"}:
        return False
    return len({*allowed, *origins}) > 1 or any("*" in each for each in allowed)


def _allows(rules: Iterable[Mapping[str, Any]], origin: str, method: str, rule_id: str) -> bool:
    fitting = [
        rule
        for rule in rules
        if method in rule.get("AllowedMethods", ())
        and any(cors_allows(each, origin) for each in rule.get("AllowedOrigins", ()))
    ]
    if rule_id == RULE_ID:
        return bool(fitting)
    # A preflight gets the first rule that allows its headers as well; the upload, the first.
    headers = {each.lower() for rule in fitting for each in rule.get("AllowedHeaders", ())}
    return any(cors_allows(each, "content-type") for each in headers) and "ETag" in fitting[0].get(
        "ExposeHeaders", ()
    )


def ends_uploads(rules: Iterable[Document], prefix: str) -> bool:
    """Return whether a rule ends incomplete multipart uploads under a prefix.

    If that is empty, a rule for any folder counts.
    """
    return any(
        rule["Status"] == "Enabled"
        and "AbortIncompleteMultipartUpload" in rule
        and (not prefix or prefix.startswith((rule.get("Filter") or rule).get("Prefix") or ""))
        for rule in rules
    )
