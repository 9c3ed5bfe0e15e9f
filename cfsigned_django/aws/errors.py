"""Errors of AWS: one exception, and one table that explains each error code.

For an error code of AWS, or the name of an exception of botocore, the table says why the call
failed and what to do next. AWS's own text is kept only if it adds something and is harmless: for
SignatureDoesNotMatch, it repeats the request, including a session token.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import urlsplit

from cfsigned_django.terminal import in_one_line

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError


def marked(text: str) -> str:
    """Return the text; marks it for translation, since this package does not import Django."""
    return text


_ = marked


class Phrase(str):
    """A text that keeps its pattern and values, so that it can also be written in another language.

    ``pattern``: the text with ``{names}``, marked for translation.
    ``values``: what is filled into the names.
    """

    pattern: str
    values: Mapping[str, str]

    def translated(self, translate: Callable[[str], str]) -> str:
        """Return the text, translated before it is filled in."""
        return translate(self.pattern).format(**self.values)


def phrase(pattern: str, **values: str) -> Phrase:
    """Return the pattern with its ``{names}`` filled in."""
    filled_in = Phrase(pattern.format(**values))
    filled_in.pattern, filled_in.values = pattern, values
    return filled_in


class AwsError(Exception):
    """A call to AWS failed: what was tried, why it failed, and what to do next.

    ``what``: what was tried, as in "add K2JCJMDEHXQW5F to the key group"; a
    :class:`Phrase` if a person may read it in another language.
    ``reason``: why it failed; ``what`` and ``reason`` make one sentence.
    ``next_step``: what to do now; one or more sentences.
    ``code``: AWS's error code. If AWS gave no answer, the name of botocore's
    exception; if AWS was not called, the code that it would have returned.
    ``permission``: the IAM action that the call needs, if one is known.
    ``is_temporary``: the same call may succeed later without any change.
    ``detail``: AWS's own text, for logs, if it helps. Never a secret.
    ``values``: what is filled into the ``{names}`` of ``reason`` and
    ``next_step``. Without values, their braces are left alone.
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
        values: Mapping[str, str] | None = None,
    ) -> None:
        self.what = what
        self.values = values
        self._texts = reason, next_step
        _what, self.reason, self.next_step = self.translated(str)
        # Logs have it too, and it may repeat what AWS answered, or what a row of the table names.
        super().__init__(in_one_line(f"Could not {what}: {self.reason}. {self.next_step}"))
        self.code = code
        self.permission = permission
        self.is_temporary = is_temporary
        self.detail = detail

    def translated(self, translate: Callable[[str], str]) -> tuple[str, str, str]:
        """Return what was tried, the reason and the next step, translated before filled in."""
        what = self.what.translated(translate) if isinstance(self.what, Phrase) else self.what
        reason, next_step = map(translate, self._texts)
        if self.values is not None:
            reason, next_step = reason.format(**self.values), next_step.format(**self.values)
        return what, reason, next_step

    def __reduce__(self) -> tuple[Any, ...]:
        fields = {**vars(self), "reason": self._texts[0], "next_step": self._texts[1]}
        del fields["_texts"]
        return _restore, (fields,)


def _restore(fields: dict[str, Any]) -> AwsError:
    return AwsError(**fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a call failed and what to do next.

    ``{permission}``, ``{code}``, ``{host}``, ``{who}`` and ``{detail}`` are filled in.
    ``is_temporary``: the call may succeed later. ``shows_detail``: AWS's own
    text helps and contains no secret.
    """

    reason: str
    next_step: str
    is_temporary: bool = False
    shows_detail: bool = False


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


_DETAIL_LENGTH = 400
#: The user or role in AWS's own text.
_WHO = re.compile(r"User: (arn:\S+) is not authorized")


def explain(error: AwsFailure, *, what: str, permission: str | None) -> AwsError:
    """Return the error that explains why ``what`` failed."""
    from botocore.exceptions import ClientError

    detail, who = "", None
    if isinstance(error, ClientError):
        given: Mapping[str, Any] = error.response.get("Error", {})
        code = str(given.get("Code", "Unknown"))
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        found = EXPLANATIONS.get(code, _AWS_FAILED if status >= 500 else _REFUSED)
        if found.shows_detail:
            detail = str(given.get("Message", ""))[:_DETAIL_LENGTH]
        who = _WHO.search(detail)
        if who and found is _DENIED:
            found = replace(_DENIED, next_step=_("Allow {permission} in IAM for {who}."))
    else:  # AWS gave no answer.
        names = [each.__name__ for each in type(error).__mro__]
        code = names[0]
        found = next((EXPLANATIONS[name] for name in names if name in EXPLANATIONS), _UNEXPECTED)
    words = {
        "code": code,
        "detail": detail.rstrip("."),
        "host": _host(error),
        "permission": permission or "this operation",
        "who": who[1] if who else "",
    }
    return AwsError(
        what=what,
        reason=found.reason,
        next_step=found.next_step,
        code=code,
        permission=permission,
        is_temporary=found.is_temporary,
        detail=detail,
        values=words,
    )


def _host(error: AwsFailure) -> str:
    """Return the host of an endpoint, without any user name and password in its URL."""
    asked: Mapping[str, Any] = getattr(error, "kwargs", {})
    place = urlsplit(str(asked.get("endpoint_url", ""))).netloc
    return place.rpartition("@")[2] or "AWS"


_AGAIN: Final = _("Try again in a minute. What was already done is not done twice.")
_NETWORK = _(
    "Check the network of this machine. Try again in a minute. What was already done is not done "
    "twice."
)
_SIGN_IN = _("Sign in again (aws sso login), or give the machine a role, which needs no sign-in.")

_DENIED = Explanation(
    reason=_("the AWS credentials do not allow {permission}"),
    next_step=_("Allow {permission} in IAM for the user or role whose credentials are used here."),
    shows_detail=True,
)
_UNKNOWN_ACCESS_KEY = Explanation(
    reason=_("AWS does not know the access key"),
    next_step=_(
        "Set a valid one (AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY): this "
        "one was deleted, deactivated or mistyped."
    ),
)
_EXPIRED = Explanation(reason=_("the AWS credentials have expired"), next_step=_SIGN_IN)
_NO_SIGN_IN = Explanation(
    reason=_("there is no valid AWS sign-in on this machine"), next_step=_SIGN_IN
)
_CLOCK = Explanation(
    reason=_("the clock of this machine differs too much from AWS's clock"),
    next_step=_("Correct the clock, and keep it correct with NTP."),
)
_SLOWER = Explanation(
    reason=_("AWS throttled the call ({code})"), next_step=_AGAIN, is_temporary=True
)
_AWS_FAILED = Explanation(
    reason=_("AWS reported a server error ({code})"), next_step=_AGAIN, is_temporary=True
)
_NOT_FETCHED = Explanation(
    reason=_("the AWS credentials could not be retrieved"),
    next_step=_("Check the profile's credential_process, or the role of the machine."),
)
_NO_PROFILE = Explanation(
    reason=_("the AWS profile cannot be used"),
    next_step=_("Compare AWS_PROFILE with the existing profiles: aws configure list-profiles."),
)
_LATE = Explanation(
    reason=_("{host} did not answer in time"),
    next_step=_NETWORK,
    is_temporary=True,
)
_BROKEN = Explanation(
    reason=_("the connection to {host} broke"),
    next_step=_NETWORK,
    is_temporary=True,
)
_REFUSED = Explanation(
    reason=_('AWS returned {code}, "{detail}"'),
    next_step=_("Look up the code in AWS's API reference, and check what was sent."),
    shows_detail=True,
)
_UNEXPECTED = Explanation(
    reason=_("boto3 cannot make the call ({code})"),
    next_step=_("Check the AWS configuration of this machine: aws configure list."),
)

_OTHER_REGION = Explanation(
    reason="the bucket is in another region",
    next_step="Set AWS_S3_REGION_NAME, or AWS_DEFAULT_REGION, to the region of the bucket.",
)
_TAKEN = Explanation(
    reason="another AWS account has a bucket with that name, and bucket names are global",
    next_step="Choose another name (--bucket), or use the credentials of that account.",
)
_QUOTA = Explanation(
    reason="the AWS account has reached its quota ({code})",
    next_step="Delete a resource that nothing uses, or request a higher quota (Service Quotas, "
    "CloudFront).",
)
_TAKEN_NAME = Explanation(
    reason="the name is already in use ({code})",
    next_step=_AGAIN,
)
_WRONG_ETAG = Explanation(
    reason="the version to change is no longer the current one",
    next_step=_AGAIN,
    is_temporary=True,
)

EXPLANATIONS: Final[Mapping[str, Explanation]] = {
    # The credentials, as AWS sees them.
    "AccessDenied": _DENIED,
    "AccessDeniedException": replace(  # of KMS
        _DENIED,
        next_step="Allow {permission} in IAM for the user or role whose credentials are used here, "
        "and in the policy of the KMS key.",
    ),
    "InvalidAccessKeyId": _UNKNOWN_ACCESS_KEY,
    "InvalidClientTokenId": _UNKNOWN_ACCESS_KEY,
    "UnrecognizedClientException": _UNKNOWN_ACCESS_KEY,
    "SignatureDoesNotMatch": Explanation(
        reason=_("the secret access key does not belong to the access key"),
        next_step=_("Set both again: AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."),
    ),
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "RequestExpired": _CLOCK,
    "RequestTimeTooSkewed": _CLOCK,
    # The credentials, as boto3 looks for them.
    "NoCredentialsError": Explanation(
        reason=_("no AWS credentials were found"),
        next_step=_(
            "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment, "
            "or give the machine a role."
        ),
    ),
    "PartialCredentialsError": Explanation(
        reason=_("the AWS credentials are incomplete"),
        next_step=_("Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."),
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
        reason=_("no AWS region is set"),
        next_step=_("Set AWS_DEFAULT_REGION, or the profile's region."),
    ),
    # AWS's capacity, and the network.
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
        reason=_("{host} cannot be reached"),
        next_step=_("Check the network of this machine, and AWS_ENDPOINT_URL if it is set."),
        is_temporary=True,
    ),
    "ProxyConnectionError": Explanation(
        reason=_("the proxy cannot be reached"),
        next_step=_("Check HTTPS_PROXY and NO_PROXY."),
        is_temporary=True,
    ),
    "SSLError": Explanation(
        reason=_("the certificate of {host} is not trusted here"),
        next_step=_("Check the clock and the endpoint, and AWS_CA_BUNDLE if there is a proxy."),
    ),
    "ConnectionError": _BROKEN,
    "HTTPClientError": _BROKEN,
    "ResponseParserError": Explanation(
        reason=_("the response is not from AWS"),
        next_step=_("Check AWS_ENDPOINT_URL, and that no proxy answers instead of AWS."),
    ),
    # CloudFront's key groups and public keys.
    "NoSuchResource": Explanation(
        reason=_("this AWS account has no resource with that ID"),
        next_step=_(
            "Check the ID (of a key group: AWS_CLOUDFRONT_KEY_GROUP_ID), and that the "
            "credentials belong to its account."
        ),
    ),
    "NoSuchPublicKey": Explanation(
        reason=_("this AWS account has no public key with that ID"),
        next_step=_("Compare it with CloudFront > Public keys, in the account of the credentials."),
    ),
    "TooManyPublicKeys": Explanation(
        reason=_("the AWS account has reached its quota of public keys (10 unless raised)"),
        next_step=_(
            "Delete one that is in no key group (CloudFront > Public keys), or request a "
            "higher quota."
        ),
    ),
    "PublicKeyInUse": Explanation(
        reason=_("another key group, or a field-level encryption profile, still uses the key"),
        next_step=_(
            "CloudFront > Key groups shows which one. Remove the key there, and try again."
        ),
    ),
    "PreconditionFailed": Explanation(
        reason=_("something else changed it at the same time"), next_step=_AGAIN, is_temporary=True
    ),
    # Setting up a distribution, a bucket or its KMS key.
    "NotFoundException": Explanation(
        reason="there is no KMS key with that ID in its region",
        next_step="Compare it with KMS > Customer managed keys, in that region.",
    ),
    "KMSInvalidStateException": Explanation(
        reason='the KMS key cannot be used: "{detail}"',
        next_step="If it is pending deletion, cancel that in KMS > Customer managed keys.",
        shows_detail=True,
    ),
    "KMSInternalException": _AWS_FAILED,
    "DependencyTimeoutException": _AWS_FAILED,
    "NoSuchDistribution": Explanation(
        reason="this AWS account has no distribution with that ID",
        next_step="Check the ID (--distribution, AWS_CLOUDFRONT_DISTRIBUTION_ID), and that the "
        "credentials belong to its account.",
    ),
    "DistributionAlreadyExists": Explanation(
        reason="an earlier run created the distribution, and its comment was changed since then",
        next_step="Name it with --distribution ID. CloudFront lists the IDs of distributions.",
    ),
    "NoSuchOriginAccessControl": Explanation(
        reason="the origin access control no longer exists", next_step=_AGAIN, is_temporary=True
    ),
    "TrustedKeyGroupDoesNotExist": Explanation(
        reason="the key group no longer exists", next_step=_AGAIN, is_temporary=True
    ),
    "InvalidIfMatchVersion": _WRONG_ETAG,
    "TooManyInvalidationsInProgress": Explanation(
        reason="the distribution has too many invalidations in progress",
        next_step="Send the same again in some minutes.",
        is_temporary=True,
    ),
    "TooManyDistributions": _QUOTA,
    "TooManyKeyGroups": _QUOTA,
    "TooManyOriginAccessControls": _QUOTA,
    "TooManyCloudFrontOriginAccessIdentities": _QUOTA,
    "TooManyCacheBehaviors": _QUOTA,
    "TooManyCachePolicies": _QUOTA,
    "TooManyOriginRequestPolicies": _QUOTA,
    "TooManyResponseHeadersPolicies": _QUOTA,
    "TooManyKeyGroupsAssociatedToDistribution": _QUOTA,
    "TooManyDistributionsAssociatedToKeyGroup": _QUOTA,
    "TooManyBuckets": _QUOTA,
    "KeyGroupAlreadyExists": _TAKEN_NAME,
    "OriginAccessControlAlreadyExists": _TAKEN_NAME,
    "CachePolicyAlreadyExists": _TAKEN_NAME,
    "OriginRequestPolicyAlreadyExists": _TAKEN_NAME,
    "ResponseHeadersPolicyAlreadyExists": _TAKEN_NAME,
    # S3.
    "BucketAlreadyExists": _TAKEN,
    "NoSuchBucket": Explanation(
        reason="there is no bucket with that name",
        next_step="Check the name (--bucket, AWS_STORAGE_BUCKET_NAME).",
    ),
    "301": _OTHER_REGION,
    "PermanentRedirect": _OTHER_REGION,
    "AuthorizationHeaderMalformed": _OTHER_REGION,
    "IllegalLocationConstraintException": _OTHER_REGION,
    "OperationAborted": Explanation(
        reason="another change to the bucket is still in progress",
        next_step=_AGAIN,
        is_temporary=True,
    ),
}
