"""Give tests a real S3 server: one per test process, and a bucket per test.

A conftest imports the two fixtures to enable them.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from tests.s3_server import S3Server, run_s3_server


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """Return a running S3 server, started when the first test asks for it."""
    with run_s3_server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def s3_bucket(s3_server: S3Server) -> str:
    """Return the name of a new, empty bucket."""
    name = f"media-{uuid.uuid4().hex[:12]}"
    s3_server.client().create_bucket(Bucket=name)
    return name
