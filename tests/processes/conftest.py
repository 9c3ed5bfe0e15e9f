"""Start everything once for each kind of database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cfsigned_django.signing import PrivateKey
from tests.processes.run import SEED, Run, run_everything


@pytest.fixture(scope="class")
def started(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, rsa_key: PrivateKey
) -> Iterator[Run]:
    """Return a site under load, whose key was in the settings and is in its database now."""
    kind: str = request.cls.database
    with run_everything(kind, tmp_path_factory.mktemp(kind), rsa_key) as run:
        run.rotate("--import")
        yield run


@pytest.fixture
def run(started: Run) -> Run:
    """Return the site, and print what a failure needs to be seen again."""
    print(f"CFSIGNED_TEST_SEED={SEED}")
    return started
