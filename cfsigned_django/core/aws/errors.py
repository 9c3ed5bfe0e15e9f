"""Errors of AWS: one exception for each call that fails.

If AWS answered, it says the code, the permission that the call needs, and AWS's own text, unless
that repeats the request: for SignatureDoesNotMatch, with the session token. If AWS gave no answer,
it says why. The next step is this package's own where AWS's text leaves it open.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import urlsplit

from cfsigned_django.core.text import Phrase, Phrase as _, in_one_line

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError


class AwsError(Exception):
    """A call to AWS failed: what was tried, why it failed, and what to do next.

    ``what``: what was tried, as in "add K2JCJMDEHXQW5F to the key group".
    ``reason``: why it failed; ``what`` and ``reason`` make one sentence.
    ``next_step``: what to do now; one or more sentences. Each of the three is a
    :class:`~cfsigned_django.core.text.Phrase` if a person may read it in another language.
    ``code``: AWS's error code. If AWS gave no answer, the name of botocore's
    exception; if AWS was not called, the code that it would have returned.
    ``permission``: the IAM action that the call needs, if one is known.
    ``is_temporary``: the same call may succeed later without any change.
    ``detail``: AWS's own text, or nothing if that repeats the request.
    """

    def __init__(
        self,
        *,
        what: str,
        reason: str,
        next_step: str,
        code: str,
        permission: str | None = None,
        is_temporary: bool = False,
        detail: str = "",
    ) -> None:
        # Logs have it too, and it may repeat what AWS answered, or what a row of the table names.
        super().__init__(in_one_line(f"Could not {what}: {reason}. {next_step}"))
        self.what = what
        self.reason = reason
        self.next_step = next_step
        self.code = code
        self.permission = permission
        self.is_temporary = is_temporary
        self.detail = detail

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(type(self), **vars(self)), ()


#: What a call through boto3 raises when it fails.
AwsFailure: TypeAlias = "BotoCoreError | ClientError | ResponseParserError"


def aws_failures() -> tuple[type[BotoCoreError], type[ClientError], type[ResponseParserError]]:
    """Return the classes of what a call through boto3 raises when it fails.

    They are imported here, as boto3 is where it is called: the admin imports this package in
    every process of a site, and boto3 takes 20 MB and a quarter of a second.
    """
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    return BotoCoreError, ClientError, ResponseParserError


#: AWS's reason for a denial comes last in its text.
_DETAIL_LENGTH: Final = 1000
#: What only a text that repeats the request has. It may hold a session token or a signature.
_REPEATED: Final = re.compile(r"canonical string|security-token|signature=|credential=", re.I)
#: Who was refused, and which action: not always that of the call, as sts:AssumeRole for a profile.
_DENIED: Final = re.compile(r"User: (arn:\S+) is not authorized to perform: ([\w-]+:\w+)")


def explain(error: AwsFailure, *, what: str, permission: str | None) -> AwsError:
    """Return the error that says why ``what`` failed."""
    from botocore.exceptions import ClientError

    words = {"permission": permission or "this operation"}
    detail = ""
    if isinstance(error, ClientError):
        given: Mapping[str, Any] = error.response.get("Error", {})
        code = str(given.get("Code", "Unknown"))
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        is_temporary = code in _TEMPORARY or status >= 500
        reason: str = _("AWS returned {code} for {permission}{detail}")
        next_step = _NEXT_STEPS.get(code, _AGAIN if is_temporary else _LOOK_UP)
        text = str(given.get("Message", "")).strip()
        detail = "" if _REPEATED.search(text) else text[:_DETAIL_LENGTH]
        words |= {"detail": f': "{detail.rstrip(".")}"' if detail else ""}
        if denied := _DENIED.search(detail):
            words |= {"who": denied[1], "permission": denied[2]}
            next_step = _("Allow {permission} for {who} in IAM, or in the policy that AWS names.")
    else:
        names = [each.__name__ for each in type(error).__mro__]
        code, known = names[0], next((each for each in names if each in _NO_ANSWER), "")
        is_temporary = known in _TEMPORARY
        reason, next_step = _NO_ANSWER.get(known, _NO_CALL)
        asked: Mapping[str, Any] = getattr(error, "kwargs", {})
        words |= {"host": _host(asked), "profile": str(asked.get("profile", ""))}
    words["code"] = code
    return AwsError(
        what=what,
        reason=Phrase(reason, **words),
        next_step=Phrase(next_step, **words),
        code=code,
        permission=permission,
        is_temporary=is_temporary,
        detail=detail,
    )


def _host(asked: Mapping[str, Any]) -> str:
    """Return the host of an endpoint, without any user name and password in its URL."""
    place = urlsplit(str(asked.get("endpoint_url", ""))).netloc
    return place.rpartition("@")[2] or "AWS"


#: After one of these, the same call may succeed later; so may it after an HTTP status of 500 or
#: more.
_TEMPORARY: Final = frozenset(
    {
        "ConnectionError",
        "HTTPClientError",
        "InvalidIfMatchVersion",
        "PreconditionFailed",
        "RequestLimitExceeded",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyInvalidationsInProgress",
        "TooManyRequestsException",
    }
)

_AGAIN: Final = _("Try again in a minute. What was already done is not done twice.")
_SIGN_IN: Final = _(
    "Sign in again (aws sso login), or give the machine a role, which needs no sign-in."
)

# What AWS's own text leaves open. All other codes get the same step.

_LOOK_UP: Final = _("Look up the code in AWS's API reference, and check what was sent.")
_ALLOW: Final = _("Allow {permission} in IAM for the user or role whose credentials are used here.")
_SET_AGAIN: Final = _(
    "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, again: the credentials are "
    "mistyped or no longer valid, or the clock of this machine is wrong."
)
_CLOCK: Final = _("Correct the clock of this machine, and keep it correct with NTP.")
_IDS: Final = _(
    "Check the ID in the settings (AWS_CLOUDFRONT_KEY_GROUP_ID, AWS_CLOUDFRONT_KEY_ID or "
    "AWS_CLOUDFRONT_DISTRIBUTION_ID), and that the credentials belong to its account."
)
_REGION: Final = "Set AWS_S3_REGION_NAME, or AWS_DEFAULT_REGION, to the region of the bucket."

_NEXT_STEPS: Final[Mapping[str, str]] = {
    "403": _ALLOW,  # of HeadBucket: its response has no body, so its code is the HTTP status
    "AccessDenied": _ALLOW,
    "AccessDeniedException": _ALLOW,
    "InvalidAccessKeyId": _SET_AGAIN,
    "InvalidClientTokenId": _SET_AGAIN,
    "InvalidSignatureException": _SET_AGAIN,
    "SignatureDoesNotMatch": _SET_AGAIN,
    "UnrecognizedClientException": _SET_AGAIN,
    "ExpiredToken": _SIGN_IN,
    "ExpiredTokenException": _SIGN_IN,
    "RequestExpired": _CLOCK,
    "RequestTimeTooSkewed": _CLOCK,
    "NoSuchDistribution": _IDS,
    "NoSuchPublicKey": _IDS,
    "NoSuchResource": _IDS,
    "TooManyPublicKeys": _(
        "Delete a public key that is in no key group (CloudFront > Public keys), or request a "
        "higher quota."
    ),
    "PublicKeyInUse": _(
        "Remove the key from the key group, or the field-level encryption profile, that still "
        "uses it (CloudFront > Key groups), and try again."
    ),
    "301": _REGION,
    "AuthorizationHeaderMalformed": _REGION,
    "IllegalLocationConstraintException": _REGION,
    "PermanentRedirect": _REGION,
}

# Why AWS gave no answer. The texts of botocore are not shown: they hold URLs, and what a program
# that gets credentials has printed.

_NO_CALL: Final = (
    _("boto3 cannot make the call ({code})"),
    _("Check the AWS configuration of this machine: aws configure list."),
)
_SET: Final = _(
    "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment, or give "
    "the machine a role."
)
_NOT_FETCHED: Final = (
    _("the AWS credentials could not be retrieved"),
    _("Check the profile's credential_process, or the role of the machine."),
)
_NO_SIGN_IN: Final = _("there is no valid AWS sign-in on this machine"), _SIGN_IN
_NETWORK: Final = (
    _("{host} gave no answer ({code})"),
    _(
        "Check the network of this machine, and AWS_ENDPOINT_URL and HTTPS_PROXY if they are set. "
        "Try again in a minute. What was already done is not done twice."
    ),
)

#: Name of an exception of botocore, or of its base -> the reason, and the next step.
_NO_ANSWER: Final[Mapping[str, tuple[str, str]]] = {
    "NoCredentialsError": (_("no AWS credentials were found"), _SET),
    "PartialCredentialsError": (_("the AWS credentials are incomplete"), _SET),
    "CredentialRetrievalError": _NOT_FETCHED,
    "MetadataRetrievalError": _NOT_FETCHED,
    "LoginError": _NO_SIGN_IN,
    "SSOError": _NO_SIGN_IN,
    "TokenRetrievalError": _NO_SIGN_IN,
    "ProfileNotFound": (
        _('there is no AWS profile "{profile}"'),
        _("Compare AWS_PROFILE with the existing profiles: aws configure list-profiles."),
    ),
    "NoRegionError": (
        _("no AWS region is set"),
        _("Set AWS_DEFAULT_REGION, or the profile's region."),
    ),
    "ConnectionError": _NETWORK,
    "HTTPClientError": _NETWORK,
    "SSLError": (
        _("the certificate of {host} is not trusted here"),
        _("Check the clock and the endpoint, and AWS_CA_BUNDLE if there is a proxy."),
    ),
    "ResponseParserError": (
        _("the response is not from AWS"),
        _("Check AWS_ENDPOINT_URL, and that no proxy answers instead of AWS."),
    ),
}
