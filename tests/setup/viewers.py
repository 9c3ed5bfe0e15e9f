"""Let tests ask as viewers do: the local edge in front of the emulator's data plane.

The emulator serves files through behaviors and origin access controls, and
evaluates the bucket policy, but checks no signature: the edge does. It reads
behaviors and key groups from the API for every request.
"""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIEnvironment

from cfsigned_django.aws.account import Account
from cfsigned_django.aws.client import Clients
from cfsigned_django.aws.documents.bucket_policy import open_switches, public_statements
from cfsigned_django.aws.edge_rules import DistributionReader
from cfsigned_django.edge.client import EdgeClient
from cfsigned_django.edge.follow import FollowedDistribution
from cfsigned_django.management.edge_source import rules_of
from cfsigned_django.viewer import Answer, NoAnswer
from tests.aws.provisioning.accounts import bucket_of

#: The emulator's data plane looks for buckets in this account.
ACCOUNT = "000000000000"
_DENIED_BY_S3 = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code>'
    b"<Message>Access Denied</Message><RequestId>0</RequestId></Error>"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Request URLs of one distribution and of its bucket."""

    endpoint_url: str
    clients: Clients
    read: Callable[[], Account]

    def __call__(self, url: str, headers: Mapping[str, str]) -> Answer:
        """Answer as CloudFront, or as S3 to anybody."""
        account = self.read()
        if url.startswith(self.endpoint_url):
            return _ask_s3(account)
        assert account.distribution is not None
        reader = DistributionReader(self.clients.cloudfront, account.distribution.id)
        edge = FollowedDistribution(
            rules=lambda: rules_of(reader.read()),
            domain_names=(urlsplit(url).netloc,),
            origin=DataPlane(self.endpoint_url, account.distribution.domain_name),
        )
        answer = EdgeClient(edge.current()).get(url)
        fields = {name.lower(): value for name, value in answer.headers.items()}
        return Answer(
            status=answer.status,
            headers={**fields, "date": formatdate(usegmt=True)},
            body=answer.body,
        )


def nobody_answers(url: str, headers: Mapping[str, str]) -> Answer:
    """Answer as a domain does that leads nowhere."""
    raise NoAnswer("Connection refused")


def _ask_s3(account: Account) -> Answer:
    """Answer as S3 does to a stranger; the emulator itself lets everybody in."""
    bucket = bucket_of(account)
    is_closed = not open_switches(bucket.public_access_block)
    if is_closed or not public_statements(bucket.policy):
        return Answer(status=403, body=_DENIED_BY_S3)
    return Answer(status=200, body=b"open")


class DataPlane:
    """The emulator behind the edge: a WSGI application that serves one distribution."""

    def __init__(self, endpoint_url: str, domain_name: str) -> None:
        self._place = urlsplit(endpoint_url).netloc
        self._domain_name = domain_name

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        status, body = self.get(environ["RAW_URI"])
        start_response(f"{status} -", [("Content-Length", str(len(body)))])
        return [body]

    def get(self, target: str) -> tuple[int, bytes]:
        """Return the status and the body of an answer."""
        connection = http.client.HTTPConnection(self._place, timeout=10)
        try:
            # The emulator redirects plain http, as the behavior says.
            headers = {"Host": self._domain_name, "X-Forwarded-Proto": "https"}
            connection.request("GET", target, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def data_plane(clients: Clients, account: Account) -> DataPlane:
    """Return the data plane of a distribution."""
    assert account.distribution is not None
    return DataPlane(clients.s3.meta.endpoint_url, account.distribution.domain_name)
