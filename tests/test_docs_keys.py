"""Run the recipes of the pages about keys in stores of secrets."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from cryptography.hazmat.primitives.serialization import load_der_public_key

from cfsigned_django.shortcuts import signed_urls
from cfsigned_django.signing import PrivateKey, PublicKey, Verifier
from cfsigned_django.signing.lazy_key import CalledKey
from cfsigned_django.tools.edge import EdgeServer
from tests.ministack_server import Ministack
from tests.pages import HOW_TO, site_of, snippets
from tests.plugins_aws import (
    aws_account as aws_account,
    ministack as ministack,
    sign_in,
)
from tests.storage_cases import KEY_ID, problems_of, verify

IN_KMS = HOW_TO / "key-in-kms.md"
STORE = HOW_TO / "keys-from-a-store.md"


@pytest.fixture
def vault(rsa_key: PrivateKey) -> Iterator[str]:
    """Return the address of a server like Vault's key-value store, which has a key."""
    data = {"data": {"data": {"cloudfront_key": rsa_key.to_pem().decode()}}}

    def answer(environ: WSGIEnvironment, respond: StartResponse) -> list[bytes]:
        asked = (environ["PATH_INFO"], environ.get("HTTP_X_VAULT_TOKEN"))
        is_known = asked == ("/v1/secret/data/shop", "token")
        respond("200 OK" if is_known else "403 Forbidden", [])
        return [json.dumps(data).encode()]

    with EdgeServer(answer).running() as server:
        yield f"http://127.0.0.1:{server.port}"


@pytest.fixture
def site_in_aws(ministack: Ministack, aws_account: str, monkeypatch: Any) -> None:
    """Show boto3 the emulator."""
    sign_in(monkeypatch, ministack, aws_account)


def test_key_in_kms(
    site: Any, site_in_aws: None, ministack: Ministack, aws_account: str, monkeypatch: Any
) -> None:
    """The storage of the page signs with a KMS key: URLs, blocks and cookies, each verified."""
    import boto3

    client = boto3.Session().client("kms", region_name="eu-central-1")
    made = client.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]
    public_key = load_der_public_key(client.get_public_key(KeyId=made["KeyId"])["PublicKey"])
    monkeypatch.setenv("CLOUDFRONT_KEY_ID", KEY_ID)
    monkeypatch.setenv("CLOUDFRONT_KMS_KEY", made["Arn"])
    monkeypatch.setenv("CLOUDFRONT_PUBLIC_KEY", PublicKey(public_key).to_pem())
    del site.AWS_CLOUDFRONT_KEY, site.AWS_CLOUDFRONT_KEY_ID
    (snippet,) = [each for each in snippets(IN_KMS) if each.role == "compiles"]
    names: dict[str, Any] = {"__name__": "page"}
    exec(snippet.code, names)  # noqa: S102 - our own page
    storage = names["MediaStorage"]()
    calls: list[str] = []
    names["MediaStorage"].cloudfront_signer.private_key.client.meta.events.register(
        "before-call.kms.*", lambda model, **rest: calls.append(model.name)
    )

    assert problems_of(storage) == []
    assert calls == []
    assert "Hash-Algorithm=SHA256" in storage.url("a.jpg")
    for url in (storage.url("a.jpg"), storage.url("사진 1.jpg", ip_address="192.0.2.0/24")):
        verify(storage, url)
    calls.clear()
    with signed_urls(folder="albums/42", storage=storage):
        urls = [storage.url(f"albums/42/{number}.jpg") for number in range(20)]
    assert calls == ["Sign"]
    for url in urls:
        verify(storage, url)
    _policy, cookies = storage.sign_cookies(folder="albums")
    Verifier(storage.trusted_keys()).verify(
        storage.unsigned_url("albums/1.jpg"), cookies, now=int(time.time())
    )


def test_secret_stores(
    site: Any, site_in_aws: None, vault: str, rsa_key: PrivateKey, monkeypatch: Any
) -> None:
    """Each function of the page returns the key that is in its store."""
    import boto3

    pem = rsa_key.to_pem().decode()
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
        key = CalledKey(function)
        assert key.is_unasked
        assert key.load().public_key == rsa_key.public_key
