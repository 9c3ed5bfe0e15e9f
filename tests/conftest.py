"""Share the keys that the tests generate: none is ever committed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
from botocore.loaders import Loader

from cfsigned_django.signing import KeyAlgorithm, PrivateKey
from tests.plugins_s3 import s3_bucket as s3_bucket, s3_server as s3_server
from tests.storage_cases import settings_for

# A shared machine may stall at any moment: no example has a time limit.
hypothesis.settings.register_profile("cfsigned", deadline=None)
hypothesis.settings.load_profile("cfsigned")


@pytest.fixture(scope="session", autouse=True)
def botocore_models() -> Iterator[None]:
    """Let all sessions of boto3 share what they read of AWS's services.

    Each reads some megabytes of JSON anew, and almost each test of an AWS call
    makes sessions: a quarter of a run went into that.
    """
    shared: dict[Any, Any] = {}
    init = Loader.__init__

    def init_sharing(loader: Loader, *args: Any, **options: Any) -> None:
        init(loader, *args, **options)
        vars(loader)["_cache"] = shared

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Loader, "__init__", init_sharing)
        yield


@pytest.fixture(scope="session")
def rsa_key() -> PrivateKey:
    """Return an RSA 2048 key made for this run."""
    return PrivateKey.generate(KeyAlgorithm.RSA_2048)


@pytest.fixture(scope="session")
def ec_key() -> PrivateKey:
    """Return an ECDSA P-256 key made for this run."""
    return PrivateKey.generate(KeyAlgorithm.ECDSA_P256)


@pytest.fixture
def site(settings: Any, rsa_key: PrivateKey, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Configure a site that signs with an RSA key, whatever AWS settings this machine has."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in settings_for(rsa_key).items():
        setattr(settings, name, value)
    return settings
