"""Sign one file with one call, and all files of a page with one block.

Modules: shortcuts.py, storage/context.py
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.storage import InvalidStorageError, default_storage, storages
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy

from cfsigned_django.http import watch_expiry
from cfsigned_django.shortcuts import signed_url, signed_urls
from cfsigned_django.signing import PrivateKey
from tests.background import PATIENCE
from tests.storage_cases import (
    NOW,
    ORIGIN,
    S3_BACKEND,
    OfTenant,
    at,
    counted_signatures,
    file_of,
    not_refused,
    options_for,
    verify,
)

pytestmark = pytest.mark.usefixtures("aliases")


def storage(alias: str = "default") -> Any:
    """Return a storage."""
    return storages[alias]


def opens(url: str, alias: str = "default", now: int = NOW) -> str:
    """Return what a URL opens, as a name in its storage."""
    return verify(alias, url, now=now).resource.removeprefix(
        storage(alias).unsigned_url("x").removesuffix("x")
    )


# One call


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("a b.jpg", "a%20b.jpg"),
        (file_of("사진.jpg"), "%EC%82%AC%EC%A7%84.jpg"),
        (SimpleNamespace(storage=default_storage, name="thumbs/1.jpg"), "thumbs/1.jpg"),
    ],
    ids=["name", "field", "thumbnail"],
)
def test_one_file(file: Any, name: str) -> None:
    """Sign a name, the value of a field, and whatever else has a storage and a name."""
    with at(NOW):
        url = signed_url(file, expire=60, download="x.jpg")
    assert url.startswith(f"{ORIGIN}/{name}?response-content-disposition=")
    assert verify("default", url, now=NOW).date_less_than == NOW + 60


@pytest.mark.parametrize("file", [None, "", file_of(None)], ids=repr)
def test_no_file(file: Any) -> None:
    """Return nothing for nothing."""
    assert signed_url(file) == ""


def test_storage_of_a_call() -> None:
    """Take the storage that is given, by alias or itself, else that of the file."""
    with at(NOW):
        assert signed_url("a.jpg", storage="other").startswith("https://o.example.com/a.jpg?")
        assert signed_url("a.jpg", storage=storage("other")) == signed_url("a.jpg", storage="other")
        of_other = file_of("a.jpg", storage("other"))
        assert signed_url(of_other).startswith("https://o.example.com/a.jpg?")
        assert signed_url(of_other, storage="default").startswith(f"{ORIGIN}/a.jpg?")
        assert opens(signed_url("a/b.jpg", folder="a")) == "a/*"


@pytest.mark.parametrize(
    ("file", "arguments", "error", "named"),
    [
        (5, {}, TypeError, "int"),
        (["a.jpg"], {}, TypeError, "list"),
        (f"{ORIGIN}/a.jpg?Expires=1", {}, TypeError, "URL"),
        ("a.jpg", {"storage": "nowhere"}, InvalidStorageError, "'nowhere'.*default, other"),
        ("a.jpg", {"storage": "plain"}, InvalidStorageError, "CloudFrontFileSystemStorage"),
        ("a.jpg", {"storage": "broken"}, InvalidStorageError, r"broken.*cannot be used.*E003"),
        ("a.jpg", {"expire": 0}, ValueError, "expire"),
        ("a.jpg", {"folder": "b"}, ValueError, "b/"),
    ],
)
def test_mistakes_of_a_call(
    file: Any, arguments: dict[str, Any], error: type[Exception], named: str, site: Any
) -> None:
    """Refuse what is not a file, a storage that does not sign, and wrong arguments."""
    broken = {"BACKEND": S3_BACKEND, "OPTIONS": {"cloudfront_key": None}}
    site.STORAGES = {**site.STORAGES, "broken": broken}
    with pytest.raises(error, match=named):
        signed_url(file, **arguments)


# One block


def test_one_signature_for_a_page() -> None:
    """Sign once a resource for all that is covered, however ``url()`` is called."""
    photos = [file_of(f"albums/42/사진 {number}.jpg") for number in range(50)]
    thumbs = [file_of(f"thumbs/42/{number}.jpg") for number in range(50)]
    with (
        at(NOW),
        counted_signatures() as signatures,
        signed_urls("thumbs/42/*", folder="albums/42"),
    ):
        urls = [each.url for each in photos] + [signed_url(each) for each in thumbs]
        urls.append(storage().url("albums/42/a.pdf", {"ResponseContentType": "text/plain"}))
    assert len(signatures) == 2
    assert len({*urls}) == 101
    assert {opens(url) for url in urls} == {"albums/42/*", "thumbs/42/*"}


def test_what_a_block_does_not_sign() -> None:
    """Sign alone what nothing covers, what another storage has, and a call with own conditions."""
    with at(NOW), signed_urls("a/*"):
        alone = [
            storage().url("b/1.jpg"),
            storage().url("a/1.jpg", expire=60),
            storage().url("a/1.jpg", ip_address="192.0.2.7"),
            storage().url("a/1.jpg", date_greater_than=NOW - 10),
        ]
        assert [opens(url) for url in alone] == ["b/1.jpg", *["a/1.jpg"] * 3]
        assert opens(storage().url("a/1.jpg", resource="a*")) == "a*"
        assert opens(storage("other").url("a/1.jpg"), "other") == "a/1.jpg"
        assert storage("public").url("a/1.jpg") == f"{ORIGIN}/a/1.jpg"
        assert opens(storage().url("a/1.jpg")) == "a/*"
        assert opens(storage().url("a/1.jpg", http_method="GET")) == "a/*"
        with pytest.raises(ValueError, match="PUT"):
            storage().url("a/1.jpg", http_method="PUT")
    with at(NOW):
        assert opens(storage().url("a/1.jpg")) == "a/1.jpg"


def test_another_instance_of_the_storage() -> None:
    """Share the signature with an instance that has the same options, as fields make them."""
    make = type(storage())
    with at(NOW), counted_signatures() as signatures, signed_urls("a/*", storage=make()):
        urls = [file_of("a/1.jpg", make()).url, storage().url("a/2.jpg")]
        assert [opens(url) for url in urls] == ["a/*"] * 2
        assert len(signatures) == 1
        pem = PrivateKey.generate().to_pem()
        for other in (
            make(querystring_expire=60),
            make(cloudfront_key=pem, cloudfront_key_id="K2222222222222"),
            make(bucket_name="another"),
        ):
            assert "Policy=" not in other.url("a/1.jpg")
        assert "Policy=" not in make(location="a").url("1.jpg")


class Proxy:
    """Ask the default storage for everything, as kpi does so that migrations stay the same."""

    def __getattr__(self, name: str) -> Any:
        return getattr(default_storage, name)


class OwnUrl(Proxy):
    """Do so, except for the URL."""

    def url(self, name: str) -> str:
        """Return a path of this site."""
        return f"/{name}"


@pytest.mark.parametrize(
    "make",
    [
        lambda: default_storage,
        lambda: SimpleLazyObject(lambda: SimpleLazyObject(storage)),
        Proxy,
    ],
    ids=["default_storage", "two layers", "proxy"],
)
def test_what_stands_for_a_storage(make: Any) -> None:
    """Take a lazy object, or one that has the url() of a storage, for the storage behind it."""
    with at(NOW), counted_signatures() as signatures, signed_urls("a/*", storage=make()):
        urls = [file_of("a/1.jpg").url, signed_url("a/2.jpg", storage=make())]
        urls.append(signed_url(file_of("a/3.jpg", make())))
    assert {opens(url) for url in urls} == {"a/*"}
    assert len(signatures) == 1


def test_what_does_not_sign() -> None:
    """Name the field, or the kind of thumbnail, and the storages that sign in development.

    A lazy object stands for its storage here, too; a proxy with its own ``url()`` does not sign.
    """
    thumbnail = SimpleNamespace(storage=storage("plain"), name="a.jpg")
    lazy = SimpleLazyObject(lambda: storage("plain"))
    fields = [file_of("a.jpg", each) for each in (storage("plain"), lazy, OwnUrl())]
    for file, named in [(thumbnail, "Simple"), *((each, "ImageField") for each in fields)]:
        with pytest.raises(InvalidStorageError, match=rf"{named}.*CloudFrontFileSystemStorage"):
            signed_url(file)


def test_a_known_url_obeys_the_block(site: Any) -> None:
    """Give the URL of the block, even for a URL that is known without it."""
    site.AWS_CLOUDFRONT_EXPIRE_STEP = 3600
    with at(NOW):
        before = storage().url("a/1.jpg")
        with signed_urls("a/*"):
            assert opens(storage().url("a/1.jpg")) == "a/*"
        assert storage().url("a/1.jpg") == before


def test_conditions_of_a_block() -> None:
    """Put lifetime, step and address into the signature of the block."""
    with at(NOW), signed_urls("a/*", storage="other", expire=60, ip_address="192.0.2.0/24"):
        policy = verify("other", signed_url("a/1.jpg"), now=NOW)
    assert (policy.date_less_than, policy.ip_address) == (NOW + 60, "192.0.2.0/24")


def test_data_stays_data() -> None:
    """Open one folder, or several, whose names contain an asterisk."""
    with at(NOW), signed_urls(folder=["albums/*", "albums/42"]):
        assert opens(signed_url("albums/*/1.jpg")) == "albums/%2A/*"
        assert opens(signed_url("albums/42/1.jpg")) == "albums/42/*"
        assert opens(signed_url("albums/43/1.jpg")) == "albums/43/1.jpg"


def test_nested_blocks() -> None:
    """Obey the innermost block that covers a name."""
    with at(NOW), signed_urls("a*", expire=60):
        with signed_urls("a/*", expire=120):
            assert opens(signed_url("a/1")) == "a/*"
            assert opens(signed_url("ab")) == "a*"
        assert opens(signed_url("a/1")) == "a*"


def test_a_long_block() -> None:
    """Sign anew when a block is open for more than half of the life of its signature."""
    with signed_urls("a/*", expire=100):
        ends = []
        for moment in (0, 49, 51, 99, 102):
            with at(NOW + moment):
                url = signed_url("a/1")
            ends.append(verify("default", url, now=NOW + moment).date_less_than - NOW)
    assert ends == [100, 100, 151, 151, 202]


def test_expiry_is_noted() -> None:
    """A watch knows when the URLs of a block end."""
    with at(NOW), watch_expiry() as watch, signed_urls("a/*", expire=60):
        signed_url("a/1")
        signed_url("a/2")
    assert watch.expires == NOW + 60


def test_decorator() -> None:
    """Each call of a function, in tasks too, has its own block, in whatever order they run."""

    @signed_urls("a/*")
    def page() -> str:
        return opens(signed_url("a/b/1"))

    async def page_async() -> list[str]:
        found = []
        for _ in range(3):
            await asyncio.sleep(0)
            found.append(opens(signed_url("a/b/1")))
        return found

    async def both() -> list[list[str]]:
        pages = (signed_urls(each)(page_async)() for each in ("a/*", "a/b/*"))
        return [*await asyncio.gather(*pages)]

    with at(NOW):
        assert page() == "a/*"
        assert asyncio.run(both()) == [["a/*"] * 3, ["a/b/*"] * 3]
        assert opens(signed_url("a/1")) == "a/1"


def test_a_copy_of_the_context_outlives_the_block() -> None:
    """Sign one file after the block, also in a thread or a task that started within it."""

    async def page() -> list[str]:
        ended = asyncio.Event()

        async def outlives() -> str:
            await ended.wait()
            return opens(signed_url("a/1"))

        with signed_urls("a/*"):
            task = asyncio.create_task(outlives())
            await asyncio.sleep(0)
            inside = await asyncio.create_task(asyncio.to_thread(signed_url, "a/1"))
        ended.set()
        return [opens(inside), await task]

    with at(NOW):
        with signed_urls("a/*", storage="other"):
            thread = copy_context()  # A free-threaded Python gives it to each thread.
            assert thread.run(signed_url, "a/1").startswith("https://o.example.com/a/1?Policy=")
        assert opens(thread.run(signed_url, "a/1")) == "a/1"
        assert opens(thread.run(storage("other").url, "a/1"), "other") == "a/1"
        assert asyncio.run(page()) == ["a/*", "a/1"]


def test_a_block_ends_itself() -> None:
    """A generator that was left open ends its own block, in whatever context it is closed."""

    def alice() -> Generator[str]:
        with signed_urls(folder="albums/alice"):
            yield signed_url("albums/alice/1")

    with at(NOW):
        first, second = alice(), alice()
        assert opens(next(first)) == "albums/alice/*"
        with signed_urls(folder="albums/bob"):
            first.close()
            assert opens(signed_url("albums/alice/1")) == "albums/alice/1"
            assert opens(signed_url("albums/bob/1")) == "albums/bob/*"
            next(second)
            copy_context().run(second.close)
            assert opens(signed_url("albums/alice/1")) == "albums/alice/1"
        assert opens(signed_url("albums/bob/1")) == "albums/bob/1"


def test_threads_share_a_block_that_was_made_before() -> None:
    """Several threads may be within one block, in whatever order they enter and leave it."""
    block, step, found = signed_urls("a/*"), threading.Barrier(2, timeout=PATIENCE), []

    def page(leaves_last: bool) -> None:
        with block:
            step.wait()
            if leaves_last:
                step.wait()
            found.append(opens(signed_url("a/1")))
        if not leaves_last:
            step.wait()
        found.append(opens(signed_url("a/1")))

    with at(NOW), ThreadPoolExecutor() as pool:
        for done in [pool.submit(page, leaves_last) for leaves_last in (True, False)]:
            done.result()
    assert sorted(found) == ["a/*", "a/*", "a/1", "a/1"]


def test_storages_with_properties(rsa_key: PrivateKey) -> None:
    """Sign once for a storage whose domain depends on the request."""
    tenant = OfTenant(**{k: v for k, v in options_for(rsa_key).items() if k != "custom_domain"})
    with at(NOW), counted_signatures() as signatures, signed_urls("x/*", storage=tenant):
        urls = [signed_url(f"x/{number}", storage=tenant) for number in range(5)]
    assert len(signatures) == 1
    assert all(url.startswith("https://a.example.com/a/x/") for url in urls)


#: Arguments of a block that make no sense, and what the error must name.
MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({}, "folder"),
    ({"folder": []}, "folder"),
    ({"folder": "a//b"}, "folder"),
    ({"folder": [42]}, "folder is 42"),
    ({"folder": gettext_lazy("a")}, "folder is 'a'"),
    ({"resources": [42]}, "resource is 42"),
    ({"resources": ["*"]}, "allow_any_resource"),
    ({"resources": ["a/*"], "storage": "plain"}, "'plain'"),
    ({"resources": ["a/*"], "expire": 0}, "expire"),
    ({"resources": ["a/*"], "ip_address": "::1"}, "ip_address"),
]


def test_mistakes_of_a_block() -> None:
    """Refuse a block that covers nothing or everything, and wrong arguments."""

    def sign(*, resources: Sequence[Any] = (), **arguments: Any) -> str:
        with signed_urls(*resources, **arguments):
            return signed_url("a/1")

    errors, wrong = (ValueError, InvalidStorageError), {}
    for given, named in MISTAKES:
        if seen := not_refused(errors, named, partial(sign, **given)):
            wrong[str(given)] = seen
    assert wrong == {}


def test_generators_are_refused() -> None:
    """Refuse a function that yields: its block would be open in the code of the caller."""

    def generator() -> Iterator[str]:
        yield "a/1"

    async def async_generator() -> AsyncIterator[str]:
        yield "a/1"

    for function in (generator, async_generator):
        with pytest.raises(TypeError, match="generator"):
            signed_urls("a/*")(function)
