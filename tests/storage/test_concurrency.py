"""Parse a key once, and make URLs with no network and no database, in any thread and view."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import storages
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.template import Context, Template
from django.test import AsyncClient, override_settings
from django.urls import path

from cfsigned_django.signing import KeyAlgorithm, PrivateKey
from cfsigned_django.storage import CloudFrontFileSystemStorage, CloudFrontS3Storage
from tests.storage_cases import (
    KEY_ID,
    S3_BACKEND,
    counted_loads,
    options_for,
    parameters_of,
    verify,
)

THREADS = 16


async def view(request: HttpRequest) -> HttpResponse:
    """Show a signed URL from url() and from the template tag, in an async view."""
    link = "{% load cfsigned %}{% signed_url 'a.jpg' as link %}{{ link|safe }}"
    return HttpResponse(storages["default"].url("a.jpg") + " " + Template(link).render(Context()))


urlpatterns = [path("", view)]


def all_at_once(call: Callable[[int], Any]) -> list[Any]:
    """Return what the call returns in each of 16 threads that start at the same moment."""
    barrier = threading.Barrier(THREADS)

    def wait_and_call(number: int) -> Any:
        barrier.wait()
        return call(number)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(wait_and_call, range(THREADS)))


@pytest.fixture
def fresh_key() -> PrivateKey:
    """Return an RSA key that this process has not parsed yet."""
    return PrivateKey.generate(KeyAlgorithm.RSA_2048)


@pytest.mark.parametrize("cls", [CloudFrontS3Storage, CloudFrontFileSystemStorage])
def test_one_storage_of_many_threads(cls: Any, fresh_key: PrivateKey, site: Any) -> None:
    """Give 16 threads that ask one storage for its first URL the same one."""
    site.AWS_CLOUDFRONT_KEY = fresh_key.to_pem().decode()
    storage = cls(querystring_expire=3600, expire_step=500_000)
    urls = all_at_once(lambda number: storage.url("a.jpg"))
    assert len(set(urls)) == 1
    assert verify(storage, urls[0]).is_canned


def test_one_storage_in_each_thread(fresh_key: PrivateKey, site: Any) -> None:
    """Sign with the one key where 16 threads make a storage each, of several kinds."""
    site.AWS_CLOUDFRONT_KEY = fresh_key.to_pem()
    kinds: list[Callable[[], Any]] = [
        CloudFrontS3Storage,
        CloudFrontFileSystemStorage,
        lambda: CloudFrontS3Storage(cloudfront_key=fresh_key.to_pem().decode(), location="x"),
        lambda: storages["default"],
    ]
    site.STORAGES = {"default": {"BACKEND": S3_BACKEND, "OPTIONS": options_for(fresh_key)}}
    urls = all_at_once(lambda number: kinds[number % len(kinds)]().url("a.jpg"))
    assert {parameters_of(url)["Key-Pair-Id"] for url in urls} == {KEY_ID}


def test_new_storage_for_each_request(fresh_key: PrivateKey, site: Any) -> None:
    """Parse the key once where storages come and go."""
    site.AWS_CLOUDFRONT_KEY = fresh_key.to_pem().decode()
    with counted_loads() as loads:
        for _ in range(5):
            CloudFrontS3Storage().url("a.jpg")
            CloudFrontS3Storage(cloudfront_key=fresh_key.to_pem()).url("a.jpg")
    assert len(loads) == 1


def test_settings_that_come_back(fresh_key: PrivateKey, site: Any) -> None:
    """Parse a key no more than once while one storage has it, whatever settings do meanwhile."""
    storage = CloudFrontS3Storage(cloudfront_key=fresh_key.to_pem())
    with counted_loads() as loads:
        for step in range(3):
            with override_settings(AWS_CLOUDFRONT_EXPIRE_STEP=step):
                storage.url("a.jpg")
    assert len(loads) == 1


def test_many_keys(site: Any) -> None:
    """Keep the keys of more storages than are remembered without one."""
    keys = [PrivateKey.generate() for _ in range(20)]
    alive = [CloudFrontS3Storage(cloudfront_key=key.to_pem()) for key in keys]
    with counted_loads() as loads:
        for _ in range(2):
            for storage, key in zip(alive, keys, strict=True):
                storage.url("a.jpg")
                assert storage.trusted_keys() == {KEY_ID: key.public_key}
    assert len(loads) == 20


@pytest.mark.parametrize("cls", [CloudFrontS3Storage, CloudFrontFileSystemStorage])
def test_no_network(
    cls: Any, monkeypatch: pytest.MonkeyPatch, site: Any, ec_key: PrivateKey, tmp_path: Path
) -> None:
    """Make URLs of all kinds without a socket and without AWS credentials."""

    def refuse(*arguments: Any, **named: Any) -> Any:
        raise AssertionError("a socket was asked for")

    path = tmp_path / "key"
    path.write_bytes(ec_key.to_pem())
    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)
    storage = cls(cloudfront_key=path)
    assert verify(storage, storage.url("a.jpg", expire=60, download="b.jpg")).is_canned
    assert verify(
        storage, storage.url("a.jpg", resource="*", allow_any_resource=True)
    ).resource.endswith("/*")
    assert storage.unsigned_url("a.jpg")


def test_no_database(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make URLs without a connection to the database."""

    def refuse() -> None:
        raise AssertionError("the database was asked for")

    monkeypatch.setattr(connection, "ensure_connection", refuse)
    assert CloudFrontS3Storage().url("a.jpg")


def test_async_view(site: Any) -> None:
    """Make URLs in an async view, with its own url() and with the template tag."""
    site.ROOT_URLCONF = __name__
    site.STORAGES = {"default": {"BACKEND": S3_BACKEND}}
    response = asyncio.run(AsyncClient().get("/"))
    urls = response.content.decode().split()
    assert len(urls) == 2
    for url in urls:
        assert verify(storages["default"], url).is_canned  # type: ignore[arg-type]
