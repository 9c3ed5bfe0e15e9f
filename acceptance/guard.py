"""Stand between every boto3 client of this process and AWS: the last line of defense.

It also sees the calls of the package's own commands. A call that makes something is written into
the ledger first, and gets the run as a tag where AWS keeps one; one that changes or removes
something is sent only if the ledger has it. A call that is not in the tables below, and does not
only read, is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from unittest.mock import patch

from botocore.client import BaseClient
from botocore.exceptions import ClientError

from acceptance.ledger import BadLedger, Ledger

_READS: Final = ("Describe", "Get", "Head", "List")
#: What boto3 itself calls for credentials: of a role, of a web identity, of a person who logged in.
_CREDENTIALS: Final = (
    "AssumeRole",
    "AssumeRoleWithSAML",
    "AssumeRoleWithWebIdentity",
    "CreateOAuth2Token",
    "CreateToken",
)
#: Operation -> kind, the argument that describes what is made, the part of the answer with its ID.
_MAKES: Final[Mapping[str, tuple[str, str, str]]] = {
    "CreateDistribution": ("distribution", "DistributionConfig", "Distribution"),
    "CreateKeyGroup": ("key-group", "KeyGroupConfig", "KeyGroup"),
    "CreateOriginAccessControl": (
        "access-control",
        "OriginAccessControlConfig",
        "OriginAccessControl",
    ),
    "CreatePublicKey": ("public-key", "PublicKeyConfig", "PublicKey"),
    "CreateResponseHeadersPolicy": (
        "headers-policy",
        "ResponseHeadersPolicyConfig",
        "ResponseHeadersPolicy",
    ),
}
#: Operation -> kind, and the argument that names what is changed. What begins with Delete removes.
_CHANGES: Final[Mapping[str, tuple[str, str]]] = {
    "CreateInvalidation": ("distribution", "DistributionId"),
    "DeleteBucket": ("bucket", "Bucket"),
    "DeleteDistribution": ("distribution", "Id"),
    "DeleteFunction": ("function", "Name"),
    "DeleteKeyGroup": ("key-group", "Id"),
    "DeleteOriginAccessControl": ("access-control", "Id"),
    "DeletePublicKey": ("public-key", "Id"),
    "DeleteResponseHeadersPolicy": ("headers-policy", "Id"),
    "PublishFunction": ("function", "Name"),
    "PutBucketCors": ("bucket", "Bucket"),
    "PutBucketPolicy": ("bucket", "Bucket"),
    "PutPublicAccessBlock": ("bucket", "Bucket"),
    "UpdateDistribution": ("distribution", "Id"),
    "UpdateKeyGroup": ("key-group", "Id"),
}


#: The key of the tag; its value is the mark of the run.
TAG: Final = "acceptance"


class Refused(Exception):
    """The call was not sent: it would touch what this run did not make."""


@contextmanager
def guarding(ledger: Ledger) -> Iterator[None]:
    """Let the block call AWS for this ledger only."""
    send: Callable[..., Any] = BaseClient._make_api_call  # type: ignore[attr-defined]

    def make_api_call(client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        if operation.startswith(_READS) or operation in _CREDENTIALS:
            return send(client, operation, arguments)
        if client.meta.service_model.service_name not in ("cloudfront", "s3"):
            raise Refused(f"{operation} is not of CloudFront or S3.")
        if operation in _MAKES or operation in ("CreateBucket", "CreateFunction", "PutObject"):
            return _make(client, operation, arguments)
        if operation in _CHANGES or operation == "DeleteObject":
            return _change(client, operation, arguments)
        raise Refused(f"{operation} is not one of the calls that a run makes.")

    def _make(client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        part, reference = "", ""
        if operation in _MAKES:
            kind, argument, part = _MAKES[operation]
            config = arguments[argument]
            name = config.get("Name") or config["Comment"]
            reference = config.get("CallerReference", "")
        elif operation == "CreateFunction":
            kind, name = "function", arguments["Name"]
        elif operation == "CreateBucket":
            kind, name = "bucket", arguments["Bucket"]
            _refuse_existing_bucket(client, name)
        else:
            kind, name = "object", arguments["Key"]
            _require(ledger, "bucket", arguments["Bucket"], operation)
            if ledger.find(kind, name):  # written over, and with it the tags
                return send(client, *_tagged(operation, arguments, ledger))
        try:
            resource = ledger.intend(kind, name, reference)
        except BadLedger as error:
            raise Refused(f"{operation}: {error}") from None
        try:
            answer = send(client, *_tagged(operation, arguments, ledger))
        except ClientError as error:
            if _is_final(error):
                ledger.removed(resource)
            raise
        ledger.made(resource, answer[part]["Id"] if part else name)
        return answer

    def _change(client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        kind, argument = _CHANGES.get(operation, ("object", "Key"))
        if kind == "object":
            _require(ledger, "bucket", arguments["Bucket"], operation)
        resource = _require(ledger, kind, arguments[argument], operation)
        answer = send(client, operation, arguments)
        if operation.startswith("Delete"):
            ledger.removed(resource)
        return answer

    with patch.object(BaseClient, "_make_api_call", make_api_call):
        yield


def _require(ledger: Ledger, kind: str, id: str, operation: str) -> Any:
    resource = ledger.find(kind, id)
    if resource is None:
        raise Refused(f"{operation}: this run made no {kind} {id!r}.")
    return resource


def _tagged(
    operation: str, arguments: dict[str, Any], ledger: Ledger
) -> tuple[str, dict[str, Any]]:
    """Return the call with the run as a tag; a public key has none, but keeps a comment.

    In the same call: whatever was made has its tag. Key groups, origin access controls and
    response headers policies have their names only.
    """
    tags = [{"Key": TAG, "Value": ledger.mark}]
    match operation:
        case "CreateBucket":
            config = {**arguments.get("CreateBucketConfiguration", {}), "Tags": tags}
            return operation, {**arguments, "CreateBucketConfiguration": config}
        case "CreateDistribution":
            config = {**arguments, "Tags": {"Items": tags}}
            return "CreateDistributionWithTags", {"DistributionConfigWithTags": config}
        case "CreateFunction":
            return operation, {**arguments, "Tags": {"Items": tags}}
        case "CreatePublicKey":
            config = {**arguments["PublicKeyConfig"], "Comment": ledger.mark}
            return operation, {"PublicKeyConfig": config}
        case "PutObject":
            return operation, {**arguments, "Tagging": f"{TAG}={ledger.mark}"}
    return operation, arguments


def _is_final(error: ClientError) -> bool:
    """Return whether AWS has certainly made nothing: it refused, and was asked only once."""
    answer = error.response.get("ResponseMetadata", {})
    return answer.get("HTTPStatusCode", 0) // 100 == 4 and answer.get("RetryAttempts") == 0


def _refuse_existing_bucket(client: Any, name: str) -> None:
    """Refuse unless no account has the bucket: S3 may answer as if it had created it."""
    status = 200
    try:
        client.head_bucket(Bucket=name)
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    if status == 200:
        raise Refused(f"CreateBucket: {name!r} exists already.")
    if status != 404:
        raise Refused(
            f"CreateBucket: whether {name!r} exists could not be found out: S3 answered {status}. "
            "The credentials may have ended, or lack s3:ListBucket."
        )
