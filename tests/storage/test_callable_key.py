"""A key that a callable returns, such as one that asks a secret store.

Modules: signing/lazy_key.py
"""

from __future__ import annotations

import asyncio
import pickle
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import storages
from django.core.management import call_command

from cfsigned_django.signing import PrivateKey
from cfsigned_django.storage import CloudFrontS3Storage
from tests.leaks import everything_of, fragments
from tests.projects import Project
from tests.storage_cases import KEY_ID, S3_BACKEND, verify


class Store:
    """A secret store, which counts how often it is asked, and notes how."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.calls: list[threading.Thread] = []
        self.in_loop = False

    def __call__(self) -> Any:
        """Return the answer, or raise it; slowly, so that threads meet."""
        self.calls.append(threading.current_thread())
        try:
            asyncio.get_running_loop()
            self.in_loop = True
        except RuntimeError:
            time.sleep(0.05)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def store(site: Any, rsa_key: PrivateKey) -> Store:
    """Take the key of the site's settings from a store."""
    store = Store(rsa_key.to_pem().decode())
    site.AWS_CLOUDFRONT_KEY = store
    site.STORAGES = {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
        "default": {"BACKEND": S3_BACKEND},
        "other": {"BACKEND": S3_BACKEND, "OPTIONS": {"custom_domain": "o.example.com"}},
        "option": {
            "BACKEND": S3_BACKEND,
            "OPTIONS": {"cloudfront_key": store, "cloudfront_key_id": KEY_ID},
        },
    }
    return store


def test_called_once(store: Store) -> None:
    """Several storages and threads ask once, at the first signature, for every form of a key."""

    def sign(alias: str) -> str:
        return storages[alias].url("a.jpg")

    aliases = ["default", "other", "option"] * 8
    with ThreadPoolExecutor(8) as pool:
        urls = list(pool.map(sign, aliases))

    assert len(store.calls) == 1
    for alias, url in zip(aliases, urls, strict=True):
        verify(alias, url)


@pytest.mark.django_db
def test_nothing_else_calls_it(store: Store) -> None:
    """Neither checks, migrate, nor what needs no signature, a copy or a pickle ask the store."""
    call_command("check")
    call_command("check", databases=["default"])
    call_command("migrate", verbosity=0)
    storage: Any = storages["option"]
    copied: Any = pickle.loads(pickle.dumps(storage))  # noqa: S301
    assert copied.name_of(storage.unsigned_url("a.jpg")) == "a.jpg"
    assert storage.resource_url(folder="albums")
    assert storage.deconstruct()[2].keys() <= {"custom_domain"}
    assert storage.cfsigned.options().is_meant_to_sign
    assert store.calls == []

    verify(copied, copied.url("a.jpg"))
    assert len(store.calls) == 1


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (lambda pem: ValueError(*pem.splitlines()), "ValueError"),
        (lambda pem: pem[:400], "private key"),
        (lambda pem: {"SecretString": pem}, "dict"),
        (lambda pem: "", "empty"),
        (lambda pem: None, "NoneType"),
        (lambda pem: asyncio.sleep(0, pem), "async"),
    ],
    ids=["raised", "half", "dict", "empty", "none", "async"],
)
def test_errors(
    store: Store,
    rsa_key: PrivateKey,
    monkeypatch: pytest.MonkeyPatch,
    answer: Callable[[str], Any],
    word: str,
) -> None:
    """An error names setting and callable, never the value, and counts for 5 s."""
    good, store.answer = store.answer, answer(rsa_key.to_pem().decode())
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    for _ in range(3):
        with pytest.raises(ImproperlyConfigured, match="AWS_CLOUDFRONT_KEY") as found:
            storages["default"].url("a.jpg")
        assert word in str(found.value)
        assert "tests.storage.test_callable_key.Store" in str(found.value)
        shown = everything_of(found.value)
        assert not [each for each in fragments(rsa_key) if each in shown]
    assert len(store.calls) == 1
    store.answer = good
    now += 4.9
    with pytest.raises(ImproperlyConfigured):
        storages["other"].url("a.jpg")
    now += 0.2
    verify("default", storages["default"].url("a.jpg"))
    assert len(store.calls) == 2


def test_deployed_checks_call_it(store: Store, site: Any, ec_key: PrivateKey) -> None:
    """`check --deploy` asks, and reports what it finds once for all storages, as of any key."""
    store.answer = OSError("no route to host")

    def errors() -> list[str]:
        found = checks.run_checks(include_deployment_checks=True)
        return [str(each.id) for each in found if str(each.id).startswith("cfsigned.E")]

    assert errors() == ["cfsigned.E007"]
    assert len(store.calls) == 1
    site.AWS_CLOUDFRONT_KEY, site.AWS_CLOUDFRONT_HASH_ALGORITHM = ec_key.to_pem, "SHA1"
    assert "cfsigned.E011" in errors()


def test_class_attribute(site: Any, ec_key: PrivateKey) -> None:
    """A function as a class attribute is refused at once; a static method and a property sign."""

    def load(*given: Any) -> str:
        assert not given
        return ec_key.to_pem().decode()

    mixin = type("Mixin", (), {"cloudfront_key": load})
    for bases, namespace in (
        ((CloudFrontS3Storage,), {"cloudfront_key": load}),
        ((mixin, CloudFrontS3Storage), {}),
    ):
        with pytest.raises(TypeError, match=r"Own\.cloudfront_key.*staticmethod"):
            type("Own", bases, namespace)
    for given in (staticmethod(load), property(lambda self: load)):
        cls: Any = type("Good", (CloudFrontS3Storage,), {"cloudfront_key": given})
        verify(cls(), cls().url("a.jpg"))


def test_partial_made_anew(site: Any, rsa_key: PrivateKey, ec_key: PrivateKey) -> None:
    """Ask the store once for each key that a property names, however often it makes a partial."""
    keys, asked = {"rsa": rsa_key, "ec": ec_key}, []

    def fetch(name: str, *, version: int) -> str:
        asked.append(name)
        return keys[name].to_pem().decode()

    class OfStore(CloudFrontS3Storage):
        key_name = "rsa"

        @property
        def cloudfront_key(self) -> Any:
            return partial(fetch, self.key_name, version=1)

    storage = OfStore()
    for name in ("rsa", "ec", "rsa", "ec"):
        storage.key_name = name
        url = storage.url("a.jpg")
        assert "Hash-Algorithm" in url if name == "ec" else "Hash-Algorithm" not in url
    assert asked == ["rsa", "ec"]


@pytest.mark.parametrize("in_event_loop", [False, True])
def test_a_callable_that_signs(
    store: Store, site: Any, ec_key: PrivateKey, in_event_loop: bool
) -> None:
    """A callable runs in no event loop: it may use what is not asynchronous.

    It may sign a URL with the key of another one; one that needs itself is an error.
    """
    other = CloudFrontS3Storage(cloudfront_key=lambda: ec_key.to_pem(), cloudfront_key_id="KB")
    good, urls = store.answer, []

    def load() -> Any:
        urls.append(other.url("the-request"))
        return good

    async def sign() -> Any:
        return storages["default"].url("a.jpg")

    def sign_here() -> Any:
        return asyncio.run(sign()) if in_event_loop else storages["default"].url("a.jpg")

    verify("default", sign_here())
    assert not store.in_loop
    assert (store.calls == [threading.current_thread()]) is not in_event_loop
    site.AWS_CLOUDFRONT_KEY = load
    verify("default", sign_here())
    assert len(urls) == 1
    site.AWS_CLOUDFRONT_KEY = lambda: storages["default"].url("a.jpg")
    with pytest.raises(ImproperlyConfigured, match="AWS_CLOUDFRONT_KEY"):
        sign_here()


FORK = """
import os, threading
from cfsigned_django.signing.lazy_key import CalledKey
from cfsigned_django.signing import PrivateKey

begun, forked, parent = threading.Event(), threading.Event(), os.getpid()
pem, calls = PrivateKey.generate().to_pem(), []

def load():
    calls.append(os.getpid())
    begun.set()
    if os.getpid() == parent:
        forked.wait()
    return pem

threading.Thread(target=CalledKey(load).load, daemon=True).start()
begun.wait()
if os.fork() == 0:
    CalledKey(load).load()
    CalledKey(load).load()
    os.write(1, str(calls.count(os.getpid())).encode())
    os._exit(0)
forked.set()
os.wait()
"""


def test_fork(tmp_path: Path, ec_key: PrivateKey) -> None:
    """A child that was forked while another thread asked asks itself, once."""
    project = Project(folder=tmp_path, key=ec_key)
    project.settings()

    done = project.run(FORK)

    assert (done.stdout, done.returncode) == ("1", 0), done.stderr


def test_assigned_while_options_are_read(site: Any, rsa_key: PrivateKey) -> None:
    """An option that is assigned while another thread reads them counts from the next URL on."""

    def load() -> str:
        storage.custom_domain = "new.example.com"
        return rsa_key.to_pem().decode()

    storage = CloudFrontS3Storage(cloudfront_key=load, cloudfront_key_id=KEY_ID)
    storage.url("a.jpg")

    assert storage.url("a.jpg").startswith("https://new.example.com/")
