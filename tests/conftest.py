"""Share what is slow to make: keys, of which none is ever committed, and servers."""

from __future__ import annotations

import gc
import hashlib
import os
import socket
import uuid
from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
from cryptography.hazmat.primitives import serialization
from django.test import override_settings

from cfsigned_django.signing import KeyAlgorithm, PrivateKey
from tests.botocore_models import sharing_models
from tests.ministack_server import MinistackHere, ministack_here
from tests.s3_server import REGION, WRITER, S3Server, run_s3_server
from tests.storage_cases import S3_BACKEND, settings_for

if TYPE_CHECKING:
    from tests.demo_project.running import RunningDemo

# Most of what there is has been imported or collected, and stays: to look through it for garbage as
# often as Python does by itself takes a twentieth of a run.
gc.set_threshold(10_000)

# A shared machine may stall at any moment: no example has a time limit, nor has making it. Each
# run, of which continuous integration has several, looks at other examples: it has half of what is
# usual.
hypothesis.settings.register_profile(
    "cfsigned",
    deadline=None,
    max_examples=50,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("cfsigned")


@pytest.fixture(scope="session", autouse=True)
def no_aws_configuration() -> Iterator[None]:
    """Hide whatever AWS configuration this machine has."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        patch.setenv("AWS_CONFIG_FILE", os.devnull)
        yield


@pytest.fixture(scope="session", autouse=True)
def botocore_models() -> Iterator[None]:
    """Share between sessions of boto3 what they read of AWS's services."""
    with sharing_models():
        yield


@pytest.fixture(scope="session", autouse=True)
def loaded_keys() -> Iterator[None]:
    """Load each private key once: OpenSSL examines an RSA key for 20 ms, each time."""
    load, loaded = serialization.load_pem_private_key, dict[bytes, Any]()

    def load_once(data: bytes, password: bytes | None) -> Any:
        digest = hashlib.sha256(b"%s\0%s" % (data, password or b"")).digest()
        if digest not in loaded:
            loaded[digest] = load(data, password)
        return loaded[digest]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serialization, "load_pem_private_key", load_once)
        yield


@pytest.fixture(scope="session")
def rsa_key() -> PrivateKey:
    """Return an RSA 2048 key made for this run."""
    return PrivateKey.generate(KeyAlgorithm.RSA_2048)


@pytest.fixture(scope="session")
def ec_key() -> PrivateKey:
    """Return an ECDSA P-256 key made for this run."""
    return PrivateKey.generate(KeyAlgorithm.ECDSA_P256)


@pytest.fixture(scope="module")
def own_urls(request: pytest.FixtureRequest) -> Iterator[None]:
    """Serve the urlpatterns of the module of the test, which Django resolves once for all of it."""
    with override_settings(ROOT_URLCONF=request.module.__name__):
        yield


@pytest.fixture
def site(settings: Any, rsa_key: PrivateKey) -> Any:
    """Configure a site that signs with an RSA key."""
    for name, value in settings_for(rsa_key).items():
        setattr(settings, name, value)
    return settings


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail if anything asks for a socket."""

    def refuse(*arguments: Any, **named: Any) -> Any:
        raise AssertionError("a socket was asked for")

    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)


@pytest.fixture
def aliases(site: Any) -> Any:
    """Give the site two storages that sign, one of public URLs, and one that cannot sign."""
    site.STORAGES = {
        "default": {"BACKEND": S3_BACKEND},
        "other": {"BACKEND": S3_BACKEND, "OPTIONS": {"custom_domain": "o.example.com"}},
        "public": {"BACKEND": S3_BACKEND, "OPTIONS": {"querystring_auth": False}},
        "plain": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    }
    return site


@pytest.fixture(scope="session")
def emulator() -> Iterator[MinistackHere]:
    """Return the emulator of AWS in this process, of which there is one."""
    if find_spec("ministack") is None:
        pytest.skip("ministack is not installed: it holds boto3 back")
    with ministack_here() as here:
        yield here


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    """Return the demo, which a test starts if it needs it running; its first start is slow."""
    from tests.demo_project.running import RunningDemo

    demo = RunningDemo(tmp_path_factory.mktemp("demo") / "data")
    yield demo
    demo.stop()


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


@pytest.fixture
def s3_options(s3_server: S3Server, s3_bucket: str) -> dict[str, Any]:
    """Return the options of a storage that stores in the bucket."""
    return {
        "bucket_name": s3_bucket,
        "endpoint_url": s3_server.endpoint_url,
        "region_name": REGION,
        "addressing_style": "path",
        **WRITER,
    }
