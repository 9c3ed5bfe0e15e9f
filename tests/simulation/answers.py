"""Make the errors that CloudFront answers, as botocore raises them."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import botocore.session
from botocore.exceptions import ClientError

#: HTTP statuses by code: what botocore's model of the API (2020-05-31) does not name.
_COMMON: Final = {
    "AuthorizationHeaderMalformed": 400,
    "ExpiredToken": 403,
    "InternalError": 500,
    "PermanentRedirect": 301,
    "ServiceUnavailable": 503,
    "Throttling": 400,
}


@cache
def api_model() -> Any:
    """Return botocore's model of CloudFront's API."""
    return botocore.session.get_session().get_service_model("cloudfront")


@cache
def status_of(code: str) -> int:
    """Return the HTTP status of an error."""
    if code in _COMMON:
        return _COMMON[code]
    status: int = api_model().shape_for(code).metadata["error"]["httpStatusCode"]
    return status


def operation_of(method: str) -> str:
    """Return the name of the operation that a client's method requests."""
    return method.title().replace("_", "")


def refusal(code: str, operation: str, message: str = "Refused.") -> ClientError:
    """Return the error with this code, as the client raises it for the operation."""
    answer: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {
            "HTTPHeaders": {},
            "HTTPStatusCode": status_of(code),
            "HostId": "",
            "RequestId": "simulated",
            "RetryAttempts": 0,
        },
    }
    return ClientError(answer, operation)
