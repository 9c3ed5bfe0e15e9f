"""Make boto3 clients, and call them so that every failure is an :exc:`AwsError`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, ParamSpec, TypeVar

from cfsigned_django.core.aws.errors import AwsError, aws_failures, explain
from cfsigned_django.core.text import Phrase as _

P = ParamSpec("P")
T = TypeVar("T")

# A person waits for the page, and gunicorn waits 30 s by default. So there are two attempts of at
# most 10 s each, with at most one second between them.
_PATIENCE: Final[Mapping[str, Any]] = {
    "connect_timeout": 3,
    "read_timeout": 7,
    "retries": {"mode": "standard", "total_max_attempts": 2},
}
_PAIR: Final = ("aws_access_key_id", "aws_secret_access_key")
#: CloudFront has no regions, S3 and STS answer for all regions in this one, and a bucket that names
#: no region is in it.
HOME_REGION: Final = "us-east-1"
# boto3 still asks for a region if the endpoint is not one of AWS.
_REGIONS: Final = dict.fromkeys(("cloudfront", "s3", "sts"), HOME_REGION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """The boto3 clients of one account and region."""

    cloudfront: Any = field(repr=False)
    s3: Any = field(repr=False)
    sts: Any = field(repr=False)
    #: Returns the client of a region for KMS, which only buckets with SSE-KMS need.
    kms: Callable[[str], Any] = field(
        default=lambda region: make_client("kms", region_name=region), repr=False
    )
    #: Returns that for CloudFormation, which is asked only who owns what is wrong.
    cloudformation: Callable[[str], Any] = field(
        default=lambda region: make_client("cloudformation", region_name=region), repr=False
    )


def make_client(
    service_name: str,
    *,
    region_name: str | None = None,
    endpoint_url: str | None = None,
    **access: str | None,
) -> Any:
    """Return a boto3 client that is fast enough for a web page.

    ``access`` is what ``boto3.Session()`` takes: a profile, or keys. boto3 looks up
    what is not given: AWS_PROFILE, AWS_ENDPOINT_URL, the files under ``~/.aws``,
    the role of the machine. The client tries twice, gives each
    attempt at most 10 s, and may be shared by threads. Raise :exc:`AwsError`
    if that configuration cannot be used. Missing or wrong credentials show only
    at the first call.
    """
    import boto3
    from botocore.config import Config
    from botocore.exceptions import PartialCredentialsError

    what = _("set up AWS access ({service})", service=service_name)
    try:
        missing = [each for each in _PAIR if not access.get(each)]
        if len(missing) == 1:
            raise PartialCredentialsError(provider="arguments", cred_var=missing[0])
        session = boto3.Session(region_name=region_name, **access)  # type: ignore[arg-type]
        return session.client(
            service_name,  # type: ignore[call-overload]
            region_name=session.region_name or _REGIONS.get(service_name),
            endpoint_url=endpoint_url,
            config=Config(**_PATIENCE),
        )
    except aws_failures() as error:
        problem = explain(error, what=what, permission=None)
    except ValueError:
        problem = AwsError(
            what=what,
            reason=_("the endpoint is not a valid URL"),
            next_step=_(
                "Set AWS_ENDPOINT_URL to a URL such as https://cloudfront.amazonaws.com, or unset "
                "it."
            ),
            code="ValueError",
        )
    # A debug page shows the variables of each frame that an exception passed through. Raised here,
    # it passes through no frame of boto3, and this frame holds no secret.
    access.clear()
    raise problem


def make_clients(*, region_name: str | None, s3_endpoint_url: str | None = None) -> Clients:
    """Return clients with boto3's own configuration; ``region_name`` is the region of the bucket.

    Raise :exc:`AwsError` as :func:`make_client` does.
    """
    return Clients(
        cloudfront=make_client("cloudfront"),
        s3=make_client("s3", region_name=region_name, endpoint_url=s3_endpoint_url),
        sts=make_client("sts", region_name=region_name),
    )


def configured_region() -> str:
    """Return the region in boto3's own configuration, or an empty string."""
    import boto3

    try:
        return boto3.Session().region_name or ""
    except aws_failures():
        return ""  # make_client() reports what is wrong


def call(
    method: Callable[P, T], what: str, permission: str, /, *args: P.args, **kwargs: P.kwargs
) -> T:
    """Call a method of a boto3 client, and return its answer.

    Raise :exc:`AwsError` if the call fails. The error says ``what`` failed, in words
    that follow "Could not", and names the ``permission``, an IAM action, if that is
    missing.
    """
    try:
        return method(*args, **kwargs)
    except aws_failures() as error:
        problem = explain(error, what=what, permission=permission)
    # Raised here, it has no context: the frames of boto3 hold the signed request, and with it the
    # session token.
    raise problem


def perform(client: Any, action: str, what: str, **given: Any) -> Mapping[str, Any]:
    """Call the operation of a client that has the name of its IAM action; see :func:`call`."""
    from botocore import xform_name

    method = getattr(client, xform_name(action.partition(":")[2]))
    answer: Mapping[str, Any] = call(method, what, action, **given)
    return answer


def list_items(
    method: Callable[..., Mapping[str, Any]], block: str, what: str, permission: str, **given: Any
) -> Iterator[dict[str, Any]]:
    """Return the items of every page of a list in CloudFront; see :func:`call`."""
    marker: dict[str, str] = {}
    while True:
        listing = call(method, what, permission, **given, **marker)[block]
        yield from listing.get("Items") or ()
        if not listing.get("NextMarker"):
            return
        marker = {"Marker": listing["NextMarker"]}
