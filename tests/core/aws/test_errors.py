"""Say what AWS answered, or why it did not: whether waiting helps, and what to do.

Modules: core/aws/errors.py
"""

from __future__ import annotations

import pickle
import re
import textwrap
from functools import partial
from typing import Any

import pytest
from botocore import exceptions as boto
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from cfsigned_django.core.aws.errors import AwsError, AwsFailure, explain
from cfsigned_django.core.text import Phrase, translated
from tests.golden import assert_golden

URL = "https://me:password@cloudfront.amazonaws.com/2020-05-31/public-key"


def answer(code: str, message: str = "", status: int = 400) -> ClientError:
    """Return an error that AWS answered."""
    error = {"Code": code, "Message": message}
    answered: Any = {"Error": error, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answered, "GetKeyGroup")


def explained(error: AwsFailure) -> AwsError:
    """Return the explanation of an error."""
    what = Phrase("read the key group {group}", group="G")
    return explain(error, what=what, permission="cloudfront:GetKeyGroup")


WHO = "arn:aws:sts::111122223333:assumed-role/site/i-0"
#: What AWS says of a missing permission.
DENIAL = (
    f"User: {WHO} is not authorized to perform: cloudfront:GetKeyGroup on resource: "
    "arn:aws:cloudfront::111122223333:key-group/G because no identity-based policy allows the "
    "cloudfront:GetKeyGroup action"
)
NOT_MATCHING = (
    "The request signature we calculated does not match the signature you provided.\n\nThe "
    "Canonical String for this request should have been\n'POST\n/\n\nx-amz-security-token:password"
)
#: Errors that the same call may get over later.
TEMPORARY: list[AwsFailure] = [
    answer("Throttling", "Rate exceeded"),
    *map(answer, ("ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException")),
    *map(answer, ("SlowDown", "InvalidIfMatchVersion", "TooManyInvalidationsInProgress")),
    answer("ServiceUnavailable", status=503),
    answer("500", status=500),
    answer("PreconditionFailed", status=412),
    boto.EndpointConnectionError(endpoint_url=URL),
    boto.ConnectTimeoutError(endpoint_url=URL),
    boto.ReadTimeoutError(endpoint_url=URL),
    boto.ConnectionClosedError(endpoint_url=URL),
    boto.ProxyConnectionError(proxy_url=URL),
    boto.HTTPClientError(error="broken"),
]
#: Errors that a person must do something about.
LASTING: list[AwsFailure] = [
    answer("AccessDenied", DENIAL, status=403),
    answer("AccessDenied", DENIAL.replace("cloudfront:Get", "sts:As")),
    answer("AccessDeniedException", DENIAL.replace("identity", "resource")),
    answer("AccessDenied", "Access Denied"),
    answer("403", "Forbidden", status=403),
    *map(answer, ("InvalidAccessKeyId", "InvalidClientTokenId", "UnrecognizedClientException")),
    answer("SignatureDoesNotMatch", NOT_MATCHING),
    answer("InvalidSignatureException", NOT_MATCHING),
    answer("SignatureDoesNotMatch", "Signature expired: 2020 is now earlier."),
    *map(answer, ("ExpiredToken", "ExpiredTokenException")),
    *map(answer, ("RequestExpired", "RequestTimeTooSkewed")),
    *map(answer, ("NoSuchResource", "NoSuchPublicKey", "NoSuchDistribution")),
    *map(answer, ("TooManyPublicKeys", "PublicKeyInUse")),
    answer("301", "Moved Permanently", status=301),
    *map(answer, ("PermanentRedirect", "IllegalLocationConstraintException")),
    answer("AuthorizationHeaderMalformed", "Expecting 'eu-west-1'"),
    answer("InvalidArgument", "The comment is too long."),
    answer("NotFoundException", "Key '{x}' does not exist"),
    boto.NoCredentialsError(),
    boto.PartialCredentialsError(provider="env", cred_var="x"),
    boto.CredentialRetrievalError(provider="x", error_msg=URL),
    boto.UnauthorizedSSOTokenError(),
    boto.SSOTokenLoadError(error_msg=URL),
    boto.TokenRetrievalError(provider="sso", error_msg=URL),
    boto.ProfileNotFound(profile="prod"),
    boto.ProfileNotFound(profile=""),
    boto.NoRegionError(),
    boto.SSLError(endpoint_url=URL, error=OSError()),
    ResponseParserError("<html>"),
    boto.UnknownServiceError(service_name="x", known_service_names="y"),
    boto.ConfigParseError(path="x"),
    BotoCoreError(),
]


def test_explanations() -> None:
    """Return whether waiting helps and what a person must change, and show no password."""
    told = [explained(error) for error in TEMPORARY + LASTING]

    assert [each.is_temporary for each in told] == [True] * len(TEMPORARY) + [False] * len(LASTING)
    assert {each.what for each in told} == {"read the key group G"}
    assert "password" not in "".join(repr(vars(each)) + str(each) for each in told)
    codes: dict[str, list[str]] = {}
    for error, text in zip(TEMPORARY + LASTING, map(str, told), strict=True):
        code = (
            error.response["Error"]["Code"]
            if isinstance(error, ClientError)
            else type(error).__name__
        )
        codes.setdefault(re.sub(rf"\b{code}\b", "<code>", text), []).append(code)
    wrap = partial(textwrap.fill, width=100, break_on_hyphens=False)
    assert_golden(
        "aws-errors",
        "\n\n".join(f"{wrap(', '.join(each))}:\n{wrap(text)}" for text, each in codes.items()),
    )


def test_detail() -> None:
    """Keep AWS's own words, as far as a page can show them."""
    assert explained(answer("InvalidArgument", "Why.")).detail == "Why."
    assert len(explained(answer("InvalidArgument", "x" * 10_000)).detail) == 1000


@pytest.mark.parametrize(
    "repeated",
    [
        "The canonical string should have been 'x-amz-security-token:of-nobody'",
        "The Canonical String for this request should have been\n'GET\nhost:x\n\nof-nobody'",
        "'of-nobody' is not valid in 'AWS4-HMAC-SHA256 Credential=AKIANOBODY, SignedHeaders=x'",
        "No such page: https://x.example/a.txt?Policy=of-nobody&Signature=of-nobody",
        "No such page: /key-group/G?X-Amz-Security-Token=of-nobody",
    ],
)
def test_repeated_request(repeated: str) -> None:
    """Show nothing of a text that repeats the request, with its token or its signature."""
    refused = explained(answer("New", repeated, status=403))

    assert "New" in str(refused)
    assert "of-nobody" not in repr(vars(refused)) + str(refused)


def test_without_a_permission() -> None:
    """Name no permission if no single one is known."""
    explanation = explain(answer("AccessDenied"), what="look", permission=None)

    assert explanation.permission is None
    assert "None" not in str(explanation)


def test_pickle() -> None:
    """Survive a queue between processes with all its fields."""
    error = explained(answer("AccessDenied", DENIAL))

    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - made in this line

    assert str(copy) == str(error)
    assert vars(copy) == vars(error)
    translate = "<{}>".format
    assert translated(copy.reason, translate) == translated(error.reason, translate)
