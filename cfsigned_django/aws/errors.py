"""Turn what boto3 raises into an :exc:`AwsError`.

The table says, for an error code of AWS or the name of an exception of
botocore, why the call failed and what to do next. AWS's own text is kept only
where it says more: for SignatureDoesNotMatch, for one, it repeats the request,
and with it a session token.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from cfsigned_django.aws.exceptions import AwsError
from cfsigned_django.aws.explanation import AGAIN as _AGAIN, Explanation
from cfsigned_django.aws.service_explanations import SERVICE_EXPLANATIONS

#: What a call through boto3 raises when it fails.
AwsFailure: TypeAlias = BotoCoreError | ClientError | ResponseParserError
AWS_FAILURES: Final = (BotoCoreError, ClientError, ResponseParserError)

_DETAIL_LENGTH = 400


def explain(error: AwsFailure, *, what: str, permission: str | None) -> AwsError:
    """Return the error that says in one sentence why ``what`` failed."""
    code = _name(error)
    found = _look_up(error, code)
    detail = ""
    if isinstance(error, ClientError) and found.shows_detail:
        detail = str(error.response.get("Error", {}).get("Message", ""))[:_DETAIL_LENGTH]
    words = {
        "code": code,
        "detail": detail.rstrip("."),
        "host": _host(error),
        "permission": permission or "this operation",
    }
    return AwsError(
        what=what,
        reason=found.reason.format(**words),
        next_step=found.next_step.format(**words),
        code=code,
        permission=permission,
        is_temporary=found.is_temporary,
        detail=detail,
    )


def _name(error: AwsFailure) -> str:
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "Unknown"))
    return type(error).__name__


def _look_up(error: AwsFailure, code: str) -> Explanation:
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return EXPLANATIONS.get(code, _AWS_FAILED if status >= 500 else _REFUSED)
    names = (each.__name__ for each in type(error).__mro__)
    return next((EXPLANATIONS[name] for name in names if name in EXPLANATIONS), _UNEXPECTED)


def _host(error: AwsFailure) -> str:
    """Return the host of an endpoint, without the user and password it may have."""
    if isinstance(error, BotoCoreError):
        place = urlsplit(str(error.kwargs.get("endpoint_url", ""))).netloc
        return place.rpartition("@")[2] or "AWS"
    return "AWS"


_KEYS = "AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
_SIGN_IN = "Sign in again (aws sso login), or give the machine a role, which needs no sign-in."

_DENIED = Explanation(
    reason="the AWS credentials do not allow {permission}",
    next_step="Allow {permission} in IAM for the user or role whose credentials are used here.",
    shows_detail=True,
)
_UNKNOWN_ACCESS_KEY = Explanation(
    reason="AWS does not know the access key",
    next_step=f"Set a valid one ({_KEYS}): this one was deleted, switched off or mistyped.",
)
_EXPIRED = Explanation(reason="the AWS credentials have expired", next_step=_SIGN_IN)
_NO_SIGN_IN = Explanation(reason="nobody is signed in to AWS here any more", next_step=_SIGN_IN)
_CLOCK = Explanation(
    reason="the clock of this machine differs too much from AWS's",
    next_step="Set the clock, and let NTP keep it set.",
)
_SLOWER = Explanation(
    reason="AWS asks for fewer calls per second ({code})", next_step=_AGAIN, is_temporary=True
)
_AWS_FAILED = Explanation(
    reason="AWS has a problem of its own ({code})", next_step=_AGAIN, is_temporary=True
)
_NOT_FETCHED = Explanation(
    reason="the AWS credentials could not be fetched",
    next_step="Check the profile's credential_process, or the role of the machine.",
)
_NO_PROFILE = Explanation(
    reason="the AWS profile cannot be used",
    next_step="Check AWS_PROFILE against the profiles that there are: aws configure list-profiles.",
)
_LATE = Explanation(
    reason="{host} did not answer in time",
    next_step=f"Check the network of this machine. {_AGAIN}",
    is_temporary=True,
)
_BROKEN = Explanation(
    reason="the connection to {host} broke",
    next_step=f"Check the network of this machine. {_AGAIN}",
    is_temporary=True,
)
_REFUSED = Explanation(
    reason='AWS answered {code}, "{detail}"',
    next_step="Look the code up in the CloudFront API reference, and check what was sent.",
    shows_detail=True,
)
_UNEXPECTED = Explanation(
    reason="boto3 cannot make the call ({code})",
    next_step="Check the AWS configuration of this machine: aws configure list.",
)

EXPLANATIONS: Final[Mapping[str, Explanation]] = {
    # The credentials, as AWS sees them.
    "AccessDenied": _DENIED,
    "AccessDeniedException": _DENIED,
    "InvalidAccessKeyId": _UNKNOWN_ACCESS_KEY,
    "InvalidClientTokenId": _UNKNOWN_ACCESS_KEY,
    "UnrecognizedClientException": _UNKNOWN_ACCESS_KEY,
    "SignatureDoesNotMatch": Explanation(
        reason="the secret access key does not belong to the access key",
        next_step=f"Set both again: {_KEYS}.",
    ),
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "RequestExpired": _CLOCK,
    "RequestTimeTooSkewed": _CLOCK,
    # The credentials, as boto3 looks for them.
    "NoCredentialsError": Explanation(
        reason="there are no AWS credentials",
        next_step=f"Set {_KEYS} in the environment, or give the machine a role.",
    ),
    "PartialCredentialsError": Explanation(
        reason="one half of the AWS credentials is missing", next_step=f"Set {_KEYS}."
    ),
    "CredentialRetrievalError": _NOT_FETCHED,
    "MetadataRetrievalError": _NOT_FETCHED,
    "SSOError": _NO_SIGN_IN,
    "LoginError": _NO_SIGN_IN,
    "TokenRetrievalError": _NO_SIGN_IN,
    "ProfileNotFound": _NO_PROFILE,
    "ConfigParseError": _NO_PROFILE,
    "ConfigNotFound": _NO_PROFILE,
    "InvalidConfigError": _NO_PROFILE,
    "NoRegionError": Explanation(
        reason="no AWS region is set", next_step="Set AWS_DEFAULT_REGION, or the profile's region."
    ),
    # AWS's capacity, and the way there.
    "Throttling": _SLOWER,
    "ThrottlingException": _SLOWER,
    "RequestLimitExceeded": _SLOWER,
    "TooManyRequestsException": _SLOWER,
    "SlowDown": _SLOWER,
    "InternalError": _AWS_FAILED,
    "InternalFailure": _AWS_FAILED,
    "ServiceUnavailable": _AWS_FAILED,
    "ConnectTimeoutError": _LATE,
    "ReadTimeoutError": _LATE,
    "EndpointConnectionError": Explanation(
        reason="{host} cannot be reached",
        next_step="Check the network of this machine, and AWS_ENDPOINT_URL where it is set.",
        is_temporary=True,
    ),
    "ProxyConnectionError": Explanation(
        reason="the proxy cannot be reached",
        next_step="Check HTTPS_PROXY and NO_PROXY.",
        is_temporary=True,
    ),
    "SSLError": Explanation(
        reason="the certificate of {host} is not trusted here",
        next_step="Check the clock, the endpoint, and AWS_CA_BUNDLE where a proxy is in between.",
    ),
    "ConnectionError": _BROKEN,
    "HTTPClientError": _BROKEN,
    "ResponseParserError": Explanation(
        reason="what answered is not AWS",
        next_step="Check AWS_ENDPOINT_URL, and that no proxy answers in AWS's place.",
    ),
    # CloudFront's key groups and public keys.
    "NoSuchResource": Explanation(
        reason="this AWS account has none with that id",
        next_step="Check the id (of a key group: AWS_CLOUDFRONT_KEY_GROUP_ID), and that the "
        "credentials belong to its account.",
    ),
    "NoSuchPublicKey": Explanation(
        reason="this AWS account has no public key with that id",
        next_step="Compare it with CloudFront > Public keys, in the account of the credentials.",
    ),
    "TooManyPublicKeys": Explanation(
        reason="the AWS account holds as many public keys as its quota allows (10 unless raised)",
        next_step="Delete one that no key group holds (CloudFront > Public keys), or have the "
        "quota raised.",
    ),
    "PublicKeyInUse": Explanation(
        reason="another key group, or a field-level encryption profile, still holds the key",
        next_step="CloudFront > Key groups shows which one. Remove the key there, and repeat this.",
    ),
    "PreconditionFailed": Explanation(
        reason="somebody else changed it at the same time", next_step=_AGAIN, is_temporary=True
    ),
    **SERVICE_EXPLANATIONS,
}
