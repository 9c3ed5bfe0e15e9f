"""Make the errors that CloudFront answers, as botocore raises them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

#: HTTP statuses by code, as in botocore's model of the API (2020-05-31).
STATUSES: Final = {
    "AccessDenied": 403,
    "AuthorizationHeaderMalformed": 400,
    "CannotChangeImmutablePublicKeyFields": 400,
    "ExpiredToken": 403,
    "IllegalOriginAccessConfiguration": 400,
    "InternalError": 500,
    "InvalidArgument": 400,
    "InvalidIfMatchVersion": 400,
    "InvalidOriginAccessControl": 400,
    "InvalidOriginAccessIdentity": 400,
    "KeyGroupAlreadyExists": 409,
    "NoSuchOrigin": 404,
    "NoSuchPublicKey": 404,
    "NoSuchResource": 404,
    "PermanentRedirect": 301,
    "PreconditionFailed": 412,
    "PublicKeyAlreadyExists": 409,
    "PublicKeyInUse": 409,
    "ResourceInUse": 409,
    "ServiceUnavailable": 503,
    "Throttling": 400,
    "TooManyPublicKeys": 400,
    "TooManyPublicKeysInKeyGroup": 400,
    "TrustedKeyGroupDoesNotExist": 400,
}


def refusal(code: str, operation: str, message: str = "Refused.") -> ClientError:
    """Return the error with this code, as the client raises it for the operation."""
    return ClientError(
        {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {
                "HTTPHeaders": {},
                "HTTPStatusCode": STATUSES[code],
                "HostId": "",
                "RequestId": "simulated",
                "RetryAttempts": 0,
            },
        },
        operation,
    )


def check_etag(operation: str, etag: str, if_match: str | None) -> None:
    """Refuse a change by somebody who did not say, or does not know, what is there now."""
    if not if_match:
        raise refusal("InvalidIfMatchVersion", operation)
    if if_match != etag:
        raise refusal("PreconditionFailed", operation)


def check_texts(operation: str, config: Mapping[str, Any], *required: str) -> None:
    """Refuse a configuration without its required texts, or with a long one."""
    if not all(config.get(each) for each in required):
        raise refusal("InvalidArgument", operation, "A required field is missing.")
    # 128 characters are documented for comments; for names they are an assumption.
    if any(len(config.get(each, "")) > 128 for each in ("Comment", "Name")):
        raise refusal("InvalidArgument", operation, "The name or the comment is too long.")
