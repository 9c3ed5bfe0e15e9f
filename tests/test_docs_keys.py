"""Run the recipes of the pages about keys in stores of secrets."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from cfsigned_django.signing import PrivateKey
from cfsigned_django.signing.lazy_key import LazyPrivateKey
from tests.ministack_server import Ministack
from tests.pages import HOW_TO, site_of
from tests.plugins_aws import (
    aws_account as aws_account,
    ministack as ministack,
    no_aws_configuration as no_aws_configuration,
)

STORE = HOW_TO / "keys-from-a-store.md"


class Vault(BaseHTTPRequestHandler):
    """Answer as Vault's key-value store does."""

    key = ""

    def do_GET(self) -> None:
        """Answer a request that has the token."""
        is_known = self.path == "/v1/secret/data/shop" and self.headers["X-Vault-Token"] == "token"
        self.send_response(200 if is_known else 403)
        self.end_headers()
        self.wfile.write(json.dumps({"data": {"data": {"cloudfront_key": self.key}}}).encode())

    def log_message(self, *args: Any) -> None:
        """Print nothing."""


@pytest.fixture
def vault() -> Iterator[str]:
    """Return the address of a server like Vault."""
    with HTTPServer(("127.0.0.1", 0), Vault) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def site_in_aws(
    ministack: Ministack, aws_account: str, no_aws_configuration: None, monkeypatch: Any
) -> None:
    """Let boto3 find the emulator, as a site's process finds AWS."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", ministack.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", aws_account)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


def test_secret_stores(
    site: Any, site_in_aws: None, vault: str, rsa_key: PrivateKey, monkeypatch: Any
) -> None:
    """Each function of the page returns the key that is in its store."""
    import boto3

    pem = Vault.key = rsa_key.to_pem().decode()
    monkeypatch.setenv("VAULT_ADDR", vault)
    monkeypatch.setenv("VAULT_TOKEN", "token")
    secrets = boto3.client("secretsmanager", region_name="eu-central-1")
    secrets.create_secret(Name="shop/cloudfront-key", SecretString=pem)
    parameters = boto3.client("ssm", region_name="eu-central-1")
    parameters.put_parameter(Name="/shop/cloudfront-key", Value=pem, Type="SecureString")
    with site_of(STORE) as names:
        functions = [each for name, each in names.items() if name.startswith("from_")]
        assert isinstance(site.AWS_CLOUDFRONT_KEY, Path)
    assert len(functions) == 3
    for function in functions:
        key = LazyPrivateKey(function)
        assert key.is_unasked
        assert key.load().public_key == rsa_key.public_key
