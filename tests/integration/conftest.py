"""Give the integration tests an S3 server, and a storage with a new bucket."""

from __future__ import annotations

from typing import Any

import pytest

from cfsigned_django.storage import CloudFrontS3Storage
from cfsigned_django.tools.edge.client import EdgeClient
from cfsigned_django.tools.s3_origin import S3Origin
from cfsigned_django.tools.storage_origin import distribution_for
from tests.s3_server import READER, REGION, S3Server


@pytest.fixture
def storage(site: Any, s3_options: dict[str, Any]) -> Any:
    """Return a storage with the options, and the settings of a site that signs.

    django-storages sets its options as attributes, unseen by type checkers.
    """
    return CloudFrontS3Storage(**s3_options)


@pytest.fixture
def read_options(s3_server: S3Server, s3_bucket: str) -> dict[str, Any]:
    """Return the options of an origin that reads the bucket as a user who may only read."""
    return {
        "bucket": s3_bucket,
        "region": REGION,
        "endpoint_url": s3_server.endpoint_url,
        **READER,
    }


@pytest.fixture
def edge(storage: Any, read_options: dict[str, Any]) -> EdgeClient:
    """Return a client of an edge before the bucket, which it reads as another user."""
    return EdgeClient(distribution_for(storage, S3Origin(**read_options)))
