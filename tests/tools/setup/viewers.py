"""Answer commands as a viewer is answered: the local edge before the emulator's data plane.

The emulator serves files through behaviors and origin access controls, and
evaluates the bucket policy, but checks no signature: the edge does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from cfsigned_django.core.aws.client import Clients
from cfsigned_django.core.viewer import Answer, NoAnswer
from cfsigned_django.management.commands import cfsigned_setup
from cfsigned_django.tools.account.account import AwsDistribution
from cfsigned_django.tools.account.documents.bucket import open_switches
from cfsigned_django.tools.account.reader import read_bucket, read_distribution
from cfsigned_django.tools.edge.client import EdgeClient
from cfsigned_django.tools.model.resource_policy import public_statements
from demo_project.edge import distribution
from demo_project.rules import DistributionReader
from tests.ministack_server import Ministack, MinistackHere
from tests.plugins_aws import sign_in
from tests.tools import as_answer, error_of_s3

#: The emulator's data plane looks for buckets in this account.
ACCOUNT = "000000000000"


def configure(
    server: MinistackHere, clients: Clients, settings: Any, patch: pytest.MonkeyPatch
) -> None:
    """Configure boto3 for the emulator, and answer what cfsigned_setup requests as a viewer."""

    def fetch(url: str, headers: Mapping[str, str]) -> Answer:
        if url.startswith(clients.s3.meta.endpoint_url):
            return _ask_s3(clients.s3, settings.AWS_STORAGE_BUCKET_NAME)
        [only] = clients.cloudfront.list_distributions()["DistributionList"]["Items"]
        found = read_distribution(clients.cloudfront, only["Id"])
        rules = DistributionReader(clients.cloudfront, found.id).read()
        origin = DataPlane(server, found)
        edge = EdgeClient(distribution(rules, [urlsplit(url).netloc], origin))
        return as_answer(edge.get(url, headers=headers))

    sign_in(patch, server, ACCOUNT)
    patch.setattr(cfsigned_setup.Command, "fetch", staticmethod(fetch))


def _ask_s3(s3: Any, bucket_name: str) -> Answer:
    """Answer as S3 does to a stranger; the emulator itself refuses nobody."""
    bucket = read_bucket(s3, bucket_name, account_id=ACCOUNT)
    is_closed = not open_switches(bucket.public_access_block)
    if is_closed or not public_statements(bucket.policy, f"arn:aws:s3:::{bucket.name}/*"):
        return error_of_s3("AccessDenied")
    return Answer(status=200, body=b"open")


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
