"""Answer commands as a viewer is answered: the local edge before the emulator's data plane.

The emulator serves files through behaviors and origin access controls, and
evaluates the bucket policy, but checks no signature: the edge does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from cfsigned_django.aws.client import Clients
from cfsigned_django.management.commands import cfsigned_setup
from cfsigned_django.tools.account.account import AwsDistribution
from cfsigned_django.tools.account.documents.bucket_policy import open_switches
from cfsigned_django.tools.account.reader import read_bucket, read_distribution
from cfsigned_django.tools.edge.client import EdgeClient
from cfsigned_django.tools.model.resource_policy import public_statements
from cfsigned_django.viewer import Answer, NoAnswer
from demo_project.edge import distribution
from demo_project.rules import DistributionReader
from tests.ministack_server import Ministack, MinistackHere
from tests.plugins_aws import sign_in

#: The emulator's data plane looks for buckets in this account.
ACCOUNT = "000000000000"
_DENIED_BY_S3 = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code>'
    b"<Message>Access Denied</Message><RequestId>0</RequestId></Error>"
)


@dataclass(slots=True, kw_only=True)
class Viewer:
    """Request URLs of the distribution and the bucket of a site."""

    emulator: MinistackHere
    clients: Clients
    settings: Any

    def __call__(self, url: str, headers: Mapping[str, str]) -> Answer:
        """Answer as CloudFront, or as S3 to an unsigned request."""
        if url.startswith(self.clients.s3.meta.endpoint_url):
            return self._ask_s3()
        answer = self._edge(urlsplit(url).netloc).get(url)
        fields = {name.lower(): value for name, value in answer.headers.items()}
        return Answer(
            status=answer.status,
            headers={**fields, "date": formatdate(usegmt=True)},
            body=answer.body,
        )

    def _edge(self, host: str) -> EdgeClient:
        """Return the client of an edge with the rules of the distribution as they are now."""
        found = self._distribution()
        rules = DistributionReader(self.clients.cloudfront, found.id).read()
        return EdgeClient(distribution(rules, [host], DataPlane(self.emulator, found)))

    def _distribution(self) -> AwsDistribution:
        cloudfront = self.clients.cloudfront
        if found_id := getattr(self.settings, "AWS_CLOUDFRONT_DISTRIBUTION_ID", None):
            return read_distribution(cloudfront, found_id)
        [only] = cloudfront.list_distributions()["DistributionList"]["Items"]
        return read_distribution(cloudfront, only["Id"])

    def _ask_s3(self) -> Answer:
        """Answer as S3 does to a stranger; the emulator itself refuses nobody."""
        bucket = read_bucket(
            self.clients.s3, self.settings.AWS_STORAGE_BUCKET_NAME, account_id=ACCOUNT
        )
        is_closed = not open_switches(bucket.public_access_block)
        if is_closed or not public_statements(bucket.policy, f"arn:aws:s3:::{bucket.name}/*"):
            return Answer(status=403, body=_DENIED_BY_S3)
        return Answer(status=200, body=b"open")


def configure(
    server: MinistackHere, clients: Clients, settings: Any, patch: pytest.MonkeyPatch
) -> Viewer:
    """Configure boto3 for the emulator; return the viewer that cfsigned_setup asks as."""
    sign_in(patch, server, ACCOUNT)
    viewer = Viewer(emulator=server, clients=clients, settings=settings)
    patch.setattr(cfsigned_setup.Command, "fetch", staticmethod(viewer))
    return viewer


def nobody_answers(url: str, headers: Mapping[str, str]) -> Answer:
    """Answer as a domain does that leads nowhere."""
    raise NoAnswer("Connection refused")


class DataPlane:
    """The emulator behind the edge: a WSGI application that serves one distribution."""

    def __init__(self, emulator: Ministack, distribution: AwsDistribution) -> None:
        self._emulator = emulator
        self._domain_name = distribution.domain_name

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        status, body = self.get(environ["RAW_URI"])
        start_response(f"{status} -", [("Content-Length", str(len(body)))])
        return [body]

    def get(self, target: str) -> tuple[int, bytes]:
        """Return the status and the body of an answer."""
        # The emulator redirects plain http, as the behavior says.
        headers = {"Host": self._domain_name, "X-Forwarded-Proto": "https"}
        return self._emulator.get(target, headers)
