"""Explain what AWS and botocore say, in sentences that tell what to do."""

from __future__ import annotations

import pickle
import re
import string

import pytest
from botocore import exceptions as boto
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from cfsigned_django.aws.errors import EXPLANATIONS, AwsError, AwsFailure, explain

URL = "https://me:password@cloudfront.amazonaws.com/2020-05-31/public-key"


def answer(code: str, message: str = "", status: int = 400) -> ClientError:
    """Return an error that AWS answered."""
    return ClientError(
        {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {
                "HTTPHeaders": {},
                "HTTPStatusCode": status,
                "HostId": "",
                "RequestId": "",
                "RetryAttempts": 0,
            },
        },
        "GetKeyGroup",
    )


def explained(error: AwsFailure) -> AwsError:
    """Return the explanation of an error."""
    return explain(error, what="read the key group G", permission="cloudfront:GetKeyGroup")


@pytest.mark.parametrize("name", EXPLANATIONS)
def test_table(name: str) -> None:
    """Make sentences of every entry, with nothing left to fill in."""
    entry = EXPLANATIONS[name]
    fields = {
        field
        for text in (entry.reason, entry.next_step)
        for _, field, _, _ in string.Formatter().parse(text)
        if field
    }

    assert fields <= {"code", "detail", "host", "permission"}
    assert re.fullmatch(r"(AWS |[a-z{]).*[^.]", entry.reason)
    assert re.fullmatch(r"[A-Z].*\.", entry.next_step)


@pytest.mark.parametrize(
    "error",
    [
        answer("Throttling"),
        answer("ServiceUnavailable", status=503),
        answer("500", status=500),
        answer("PreconditionFailed", status=412),
        boto.EndpointConnectionError(endpoint_url=URL),
        boto.ConnectTimeoutError(endpoint_url=URL),
        boto.ReadTimeoutError(endpoint_url=URL),
        boto.ConnectionClosedError(endpoint_url=URL),
        boto.ProxyConnectionError(proxy_url=URL),
        boto.HTTPClientError(error="broken"),
    ],
    ids=lambda error: explained(error).code,
)
def test_temporary(error: AwsFailure) -> None:
    """Call temporary what the same call may get over later, and show no password."""
    explanation = explained(error)

    assert explanation.is_temporary
    assert "password" not in str(explanation)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (answer("AccessDenied"), "Allow cloudfront:GetKeyGroup in IAM"),
        (answer("InvalidClientTokenId"), "does not know the access key"),
        (answer("SignatureDoesNotMatch"), "does not belong to the access key"),
        (answer("ExpiredToken"), "have expired"),
        (answer("RequestTimeTooSkewed"), "the clock of this machine"),
        (answer("NoSuchResource"), "AWS_CLOUDFRONT_KEY_GROUP_ID"),
        (answer("TooManyPublicKeys"), "quota"),
        (boto.NoCredentialsError(), "AWS_SECRET_ACCESS_KEY in the environment"),
        (boto.PartialCredentialsError(provider="env", cred_var="x"), "one half"),
        (boto.CredentialRetrievalError(provider="x", error_msg=URL), "could not be fetched"),
        (boto.UnauthorizedSSOTokenError(), "aws sso login"),
        (boto.SSOTokenLoadError(error_msg=URL), "aws sso login"),
        (boto.TokenRetrievalError(provider="sso", error_msg=URL), "aws sso login"),
        (boto.ProfileNotFound(profile="x"), "AWS_PROFILE"),
        (boto.NoRegionError(), "AWS_DEFAULT_REGION"),
        (
            boto.SSLError(endpoint_url=URL, error=OSError()),
            "certificate of cloudfront.amazonaws.com",
        ),
        (ResponseParserError("<html>"), "what answered is not AWS"),
        (boto.UnknownServiceError(service_name="x", known_service_names="y"), "aws configure list"),
        (BotoCoreError(), "boto3 cannot make the call (BotoCoreError)"),
    ],
    ids=lambda value: None if isinstance(value, str) else explained(value).code,
)
def test_lasting(error: AwsFailure, words: str) -> None:
    """Say what a person must change, where waiting does not help, and show no password."""
    explanation = explained(error)

    assert words in str(explanation)
    assert str(explanation).startswith("Could not read the key group G: ")
    assert not explanation.is_temporary
    assert "password" not in repr(vars(explanation))


def test_unknown_code() -> None:
    """Quote AWS's own words for a code that the table does not know."""
    explanation = explained(answer("InvalidArgument", "The comment is too long."))

    assert 'AWS answered InvalidArgument, "The comment is too long".' in str(explanation)
    assert explanation.detail == "The comment is too long."


def test_no_request_in_an_explanation() -> None:
    """Leave out AWS's words about a wrong signature: they repeat the request's headers."""
    message = "The canonical string should have been 'x-amz-security-token:session-of-nobody'"

    explanation = explained(answer("SignatureDoesNotMatch", message, status=403))

    assert "session-of-nobody" not in repr(vars(explanation))


def test_long_answers_are_cut() -> None:
    """Keep a page readable where AWS says a lot."""
    assert len(explained(answer("InvalidArgument", "x" * 10_000)).detail) == 400


def test_without_a_permission() -> None:
    """Speak of the operation where no single permission is known."""
    explanation = explain(answer("AccessDenied"), what="look", permission=None)

    assert "the AWS credentials do not allow this operation" in str(explanation)
    assert explanation.permission is None


def test_pickle() -> None:
    """Survive a queue between processes with all its fields."""
    error = explained(answer("AccessDenied", "User: arn:x may not."))

    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - made in this line

    assert str(copy) == str(error)
    assert vars(copy) == vars(error)
