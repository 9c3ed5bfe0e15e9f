"""Explain what AWS and botocore say: what it was, whether waiting helps, what to do.

Modules: aws/errors.py
"""

from __future__ import annotations

import pickle
import textwrap

from botocore import exceptions as boto
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from cfsigned_django.aws.errors import EXPLANATIONS, AwsError, AwsFailure, explain, phrase
from tests.golden import assert_golden

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
    what = phrase("read the key group {group}", group="G")
    return explain(error, what=what, permission="cloudfront:GetKeyGroup")


#: Errors that the same call may get over later.
TEMPORARY: list[AwsFailure] = [
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
]
#: Errors that a person must do something about, and what must be named.
LASTING: list[tuple[AwsFailure, str]] = [
    (answer("AccessDenied"), "cloudfront:GetKeyGroup"),
    (answer("InvalidClientTokenId"), "AWS_ACCESS_KEY_ID"),
    (answer("SignatureDoesNotMatch"), "AWS_SECRET_ACCESS_KEY"),
    (answer("ExpiredToken"), "aws sso login"),
    (answer("RequestTimeTooSkewed"), "NTP"),
    (answer("NoSuchResource"), "AWS_CLOUDFRONT_KEY_GROUP_ID"),
    (answer("TooManyPublicKeys"), "quota"),
    (answer("AuthorizationHeaderMalformed"), "AWS_S3_REGION_NAME"),
    (answer("InvalidArgument", "The comment is too long."), '"The comment is too long"'),
    (boto.NoCredentialsError(), "AWS_SECRET_ACCESS_KEY"),
    (boto.PartialCredentialsError(provider="env", cred_var="x"), "AWS_SECRET_ACCESS_KEY"),
    (boto.CredentialRetrievalError(provider="x", error_msg=URL), "credential_process"),
    (boto.UnauthorizedSSOTokenError(), "aws sso login"),
    (boto.SSOTokenLoadError(error_msg=URL), "aws sso login"),
    (boto.TokenRetrievalError(provider="sso", error_msg=URL), "aws sso login"),
    (boto.ProfileNotFound(profile="x"), "AWS_PROFILE"),
    (boto.NoRegionError(), "AWS_DEFAULT_REGION"),
    (boto.SSLError(endpoint_url=URL, error=OSError()), " cloudfront.amazonaws.com "),
    (ResponseParserError("<html>"), "AWS_ENDPOINT_URL"),
    (boto.UnknownServiceError(service_name="x", known_service_names="y"), "aws configure list"),
    (BotoCoreError(), "(BotoCoreError)"),
]
ALL: list[tuple[AwsFailure, bool, str]] = [(error, True, "") for error in TEMPORARY] + [
    (error, False, name) for error, name in LASTING
]


def test_explanations() -> None:
    """Return whether waiting helps, name what a person must change, and show no password."""
    for error, is_temporary, named in ALL:
        explanation = explained(error)

        assert explanation.is_temporary is is_temporary, explanation.code
        assert named in str(explanation)
        assert explanation.what == "read the key group G"
        assert "password" not in repr(vars(explanation)) + str(explanation)


def test_words() -> None:
    """Make sentences of each entry of the table, with nothing left to fill in."""
    same: dict[str, list[str]] = {}
    for code in EXPLANATIONS:
        error = explained(answer(code, "What AWS says."))
        text = f"{error.reason}. {error.next_step}".replace(f"({code})", "(CODE)")
        assert "{" not in text
        same.setdefault(text, []).append(code)
    known = [
        f"{textwrap.fill(', '.join(codes), 100)}\n"
        + textwrap.indent(textwrap.fill(text, 96, break_on_hyphens=False), "    ")
        for text, codes in same.items()
    ]
    other: list[AwsFailure] = [
        answer("InvalidArgument", "Too long."),
        answer("500", status=500),
        BotoCoreError(),
    ]
    assert_golden("aws-errors", "\n\n".join([*known, *(str(explained(each)) for each in other)]))


def test_detail() -> None:
    """Keep AWS's own words, as far as a page can show them, but none of the request's headers."""
    signed = "The canonical string should have been 'x-amz-security-token:session-of-nobody'"

    assert explained(answer("InvalidArgument", "Why.")).detail == "Why."
    assert len(explained(answer("InvalidArgument", "x" * 10_000)).detail) == 400
    refused = explained(answer("SignatureDoesNotMatch", signed, status=403))
    assert "session-of-nobody" not in repr(vars(refused))


def test_without_a_permission() -> None:
    """Name no permission if no single one is known."""
    explanation = explain(answer("AccessDenied"), what="look", permission=None)

    assert explanation.permission is None
    assert "None" not in str(explanation)


def test_pickle() -> None:
    """Survive a queue between processes with all its fields."""
    error = explained(answer("AccessDenied", "User: arn:x may not."))

    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - made in this line

    assert str(copy) == str(error)
    assert vars(copy) == vars(error)
    assert copy.translated(bracketed) == error.translated(bracketed)


def bracketed(text: str) -> str:
    """Return a text that differs from the original, in place of a translation."""
    return f"<{text}>"
