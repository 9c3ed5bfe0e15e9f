"""Use an S3 bucket as the origin of the local edge.

On AWS, CloudFront signs its requests to the bucket (origin access control), and the bucket policy
lets no one else read. Here, a user with read access stands in for CloudFront.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from http import HTTPStatus
from http.client import responses
from urllib.parse import parse_qsl, quote, unquote_to_bytes, urlencode
from wsgiref.types import StartResponse, WSGIEnvironment

import boto3
import urllib3
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError

from cfsigned_django.tools.edge.local_distribution import REASON_KEY, logger
from cfsigned_django.tools.edge.s3_object import CHUNK_SIZE, s3_error

_TIMEOUT = urllib3.Timeout(connect=5, read=30)

# The headers that S3 reads: those for conditions and ranges, and for CORS. Which of them a request
# still has is up to the policies of the behavior.
_READ_HEADERS = (
    "Range",
    "If-Match",
    "If-Modified-Since",
    "If-None-Match",
    "If-Range",
    "If-Unmodified-Since",
    "Origin",
    "Access-Control-Request-Headers",
    "Access-Control-Request-Method",
)
# Parameters of GetObject, besides those for response headers: the version and the part.
_READ_PARAMETERS = frozenset({"versionId", "partNumber"})
# Headers of one connection (RFC 9110, 7.6.1), and Date, which the server sets itself.
_NOT_PASSED_BACK = frozenset(
    {"connection", "date", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)


class S3Origin:
    """A WSGI application that signs requests, sends them to a bucket, and streams the responses.

    The credentials are the arguments, else those of ``profile``, else what boto3
    finds; use a user who may do no more than s3:GetObject. ``endpoint_url`` is for
    S3 servers other than AWS. Raise ``ValueError`` if there are no credentials, or
    if boto3 refuses the arguments.
    """

    def __init__(
        self,
        *,
        bucket: str,
        access_key: str | None = None,
        secret_key: str | None = None,
        session_token: str | None = None,
        profile: str | None = None,
        region: str | None = None,
        endpoint_url: str | None = None,
    ) -> None:
        try:
            session = boto3.Session(
                aws_access_key_id=access_key,
                aws_secret_access_key=secret_key,
                aws_session_token=session_token,
                profile_name=profile,
                region_name=region,
            )
            credentials = session.get_credentials()
            client = session.client("s3", endpoint_url=endpoint_url)
        except BotoCoreError as error:
            raise ValueError(f"The edge cannot reach S3: {error}") from error
        if credentials is None:
            raise ValueError(
                "The edge has no AWS credentials for the bucket. Name a profile, or set "
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
            )
        self._credentials = credentials
        self._region = client.meta.region_name
        self._bucket_url = f"{client.meta.endpoint_url}/{bucket}"
        self._pool = urllib3.PoolManager(maxsize=64, timeout=_TIMEOUT, retries=False)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        key = _read_key(environ["RAW_URI"].partition("?")[0])
        if not key:
            environ[REASON_KEY] = "the path cannot be the path of an object"
            denied = s3_error("403 Forbidden", "AccessDenied", "Access Denied")
            return denied(environ, start_response)
        try:
            response = self._send(key, environ)
        except urllib3.exceptions.HTTPError as error:
            environ[REASON_KEY] = f"S3 at {self._bucket_url} cannot be reached: {error}"
            failed = s3_error("502 Bad Gateway", "BadGateway", "The origin cannot be reached")
            return failed(environ, start_response)
        if response.status >= HTTPStatus.BAD_REQUEST:
            environ[REASON_KEY] = "S3 returned this error for the edge's own credentials"
        headers = [
            (name, value)
            for name, value in response.headers.items()
            if name.lower() not in _NOT_PASSED_BACK
        ]
        start_response(f"{response.status} {responses.get(response.status, 'Unknown')}", headers)
        return _S3Body(response)

    def _send(self, key: str, environ: WSGIEnvironment) -> urllib3.BaseHTTPResponse:
        method = environ["REQUEST_METHOD"]
        url = f"{self._bucket_url}/{quote(key, safe='/-._~')}{_query(environ)}"
        request = AWSRequest(method=method, url=url)
        S3SigV4Auth(self._credentials, "s3", self._region).add_auth(request)
        for name in _READ_HEADERS:
            value = environ.get(f"HTTP_{name.upper().replace('-', '_')}")
            if value is not None:
                request.headers[name] = value
        return self._pool.request(
            method,
            url,
            headers=dict(request.headers.items()),
            preload_content=False,
            redirect=False,
        )


class _S3Body:
    """The body of S3's response; the connection goes back to the pool at the end."""

    def __init__(self, response: urllib3.BaseHTTPResponse) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._response.stream(CHUNK_SIZE, decode_content=False)
        except urllib3.exceptions.HTTPError as error:
            # The viewer notices the failure: the body is shorter than Content-Length.
            logger.warning("S3 stopped in the middle of a response: %s", error)

    def close(self) -> None:
        """Drop the connection if the viewer left before the end."""
        self._response.close()


def _read_key(raw_path: str) -> str:
    """Return the object key for a path; empty if there cannot be such an object.

    Without a key, S3 would list the bucket. S3 takes dot segments literally, but
    clients and servers in between resolve them, so a request could leave the bucket.
    """
    try:
        key = unquote_to_bytes(raw_path.removeprefix("/")).decode()
    except UnicodeDecodeError:
        return ""
    return "" if {".", ".."} & set(key.split("/")) else key


def _query(environ: WSGIEnvironment) -> str:
    """Return the parameters of GetObject (API_GetObject).

    No others reach the bucket, whatever the policies forward: origin access control allows no
    more than to read objects.
    """
    pairs = [
        (name, value)
        for name, value in parse_qsl(environ["QUERY_STRING"])
        if name.startswith("response-") or name in _READ_PARAMETERS
    ]
    return f"?{urlencode(pairs, quote_via=quote, safe='-._~')}" if pairs else ""
