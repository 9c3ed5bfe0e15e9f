"""Test what CloudFront is told to forget: names, batches, limits, failures, and what it costs.

Modules: storage/batch.py
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import os
import pickle
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.httpsession import URLLib3Session
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import InvalidStorageError, storages
from django.db.models import FileField
from django.db.models.fields.files import FieldFile

from cfsigned_django.invalidation import (
    InvalidationError,
    invalidate,
    invalidation_batch,
    send,
)
from cfsigned_django.storage import CloudFrontS3Storage
from tests.invalidations import DISTRIBUTION, Aws, aws_in_memory
from tests.pages import DOCS, snippets
from tests.storage_cases import OfTenant, Tenant

S3: dict[str, Any] = {"BACKEND": "cfsigned_django.storage.CloudFrontS3Storage"}
PLAIN = "django.core.files.storage.InMemoryStorage"
LOGGER = "cfsigned_django.invalidation"
#: A function of the site that takes what is handed over.
received = mock.Mock()


@pytest.fixture
def aws(site: Any) -> Iterator[Aws]:
    """Give a site that invalidates everything an AWS in memory."""
    site.AWS_ACCESS_KEY_ID, site.AWS_SECRET_ACCESS_KEY = "AKIAEXAMPLE", "not to be logged"
    site.AWS_CLOUDFRONT_DISTRIBUTION_ID = DISTRIBUTION
    site.AWS_CLOUDFRONT_INVALIDATE_ON = {"overwrite", "delete"}
    site.STORAGES = {"default": S3}
    with aws_in_memory() as aws:
        yield aws


@pytest.fixture
def storage(aws: Aws) -> Any:
    """Return the storage of the site."""
    return storages["default"]


def save(storage: Any, *names: str) -> None:
    """Save files."""
    for name in names:
        storage.save(name, ContentFile(b"x"))


def delete(storage: Any, *names: str) -> None:
    """Delete files."""
    for name in names:
        storage.delete(name)


def calls(aws: Aws) -> list[list[str]]:
    """Return the items of each invalidation that was accepted."""
    return [sorted(each.items) for each in aws.cloudfront.accepted]


# When, and what it costs

NEW, AGAIN, GONE = ["PUT /media/a.jpg"], ["PUT /media/a.jpg"], ["DELETE /media/a.jpg"]
HEAD = ["HEAD /media/a.jpg"]
CALL = [f"POST /2020-05-31/distribution/{DISTRIBUTION}/invalidation"]
ON_DISK = {"BACKEND": "cfsigned_django.storage.CloudFrontFileSystemStorage"}
IN_MEMORY = {"BACKEND": "cfsigned_django.testing.InMemorySignedStorage"}


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ((), NEW + AGAIN + GONE),
        (None, NEW + AGAIN + GONE),
        (["delete"], NEW + AGAIN + GONE + CALL),
        (("overwrite",), HEAD + NEW + HEAD + AGAIN + CALL + GONE),
        ({"overwrite", "delete"}, HEAD + NEW + HEAD + AGAIN + CALL + GONE + CALL),
    ],
)
def test_requests(events: Any, expected: list[str], aws: Aws, settings: Any) -> None:
    """Ask S3 only for "overwrite", call CloudFront when S3 has answered, and not for a new name."""
    storage: Any = CloudFrontS3Storage(invalidate_on=events, addressing_style="path")
    save(storage, "a.jpg", "a.jpg")
    delete(storage, "a.jpg")

    assert aws.requests == expected
    assert calls(aws) == [["/a.jpg"]] * expected.count(CALL[0])


def test_an_s3_that_refuses(storage: Any, aws: Aws) -> None:
    """Raise what S3 says, and call CloudFront for nothing; forget a name that S3 does not judge."""
    save(storage, "a.jpg")
    for method, change in (("PUT", save), ("DELETE", delete)):
        aws.s3_refuses = {method: 403}
        with pytest.raises(ClientError):
            change(storage, "a.jpg")
    assert aws.cloudfront.answers == []

    aws.s3_refuses = {"HEAD": 403}
    save(storage, "new.jpg")
    assert calls(aws) == [["/new.jpg"]]


def test_options_of_a_request(aws: Aws) -> None:
    """Save and delete outside of a request what has a domain within one only."""

    domains = ["cdn.example.com"]

    class OfRequest(CloudFrontS3Storage):
        @property
        def custom_domain(self) -> str:
            return domains[0]

    storage: Any = OfRequest(invalidate_on=(), addressing_style="path")
    domains.clear()
    save(storage, "a.jpg")
    delete(storage, "a.jpg")

    assert aws.requests == NEW + GONE


@pytest.mark.parametrize("entry", [ON_DISK, IN_MEMORY])
def test_files_of_this_machine(
    entry: dict[str, str], aws: Aws, settings: Any, tmp_path: Path
) -> None:
    """Take the settings of production, and do nothing: no distribution serves these files."""
    settings.MEDIA_ROOT = tmp_path
    options = {"invalidate_on": ["delete"], "distribution_id": DISTRIBUTION}
    settings.STORAGES = {"default": {**entry, "OPTIONS": options}}
    save(storages["default"], "a.jpg", "a.jpg")
    delete(storages["default"], "a.jpg")
    invalidate(["a.jpg"], folder="albums")

    assert aws.requests == []


# Which paths

#: A name -> what is sent. Only what is in the last rows has two spellings.
SPELLINGS = {
    "a.jpg": ["/a.jpg"],
    "한 글.jpg": ["/%ED%95%9C%20%EA%B8%80.jpg"],
    "*.jpg": ["/%2A.jpg"],
    "a#b?c%20d.jpg": ["/a%23b%3Fc%2520d.jpg"],
    'x"<>[]{}|^`\\'.replace("\\", ""): ["/x%22%3C%3E%5B%5D%7B%7D%7C%5E%60"],
    "a\x1b[2J.jpg": ["/a%1B%5B2J.jpg"],
    "$&+,:;=@.jpg": ["/$&+,:;=@.jpg", "/%24%26%2B%2C%3A%3B%3D%40.jpg"],
    "a~b.jpg": ["/a%7Eb.jpg", "/a~b.jpg"],
    "q&a/~.jpg": ["/q%26a/~.jpg", "/q&a/%7E.jpg"],
}


def test_spellings(storage: Any, aws: Aws) -> None:
    """Send the path of the URL, and another spelling if AWS's rule for invalidations differs."""
    delete(storage, *SPELLINGS)

    assert dict(zip(SPELLINGS, calls(aws), strict=True)) == {
        name: sorted(items) for name, items in SPELLINGS.items()
    }
    paths = [urlsplit(storage.url(name)).path for name in SPELLINGS]
    assert [path in items for path, items in zip(paths, calls(aws), strict=True)] == [True] * 9


def test_names_as_django_storages_reads_them(storage: Any, aws: Aws) -> None:
    """Forget the object that was deleted, whatever its name looked like."""
    for name in ("/a//b.jpg", "a/./b.jpg", "x/../a/b.jpg", "./a/b.jpg", "a\\b.jpg"):
        aws.cloudfront.accepted.clear()
        save(storage, "a/b.jpg")
        delete(storage, name)

        assert (name, aws.objects, calls(aws)) == (name, {}, [["/a/b.jpg"]])


def test_a_domain_with_a_path(aws: Aws) -> None:
    """Send the path that the URL has, with a location, of a storage of public files as well."""
    options = {"custom_domain": "cdn.example.com/m", "location": "미디어"}
    storage: Any = CloudFrontS3Storage(**options, querystring_auth=False)
    delete(storage, "a.jpg")

    assert calls(aws) == [["/m/%EB%AF%B8%EB%94%94%EC%96%B4/a.jpg"]]
    assert storage.url("a.jpg") == f"https://cdn.example.com{calls(aws)[0][0]}"


def test_fields(storage: Any, aws: Aws) -> None:
    """Take a field for the file of its storage, alone too, and an empty one for none."""
    aws.cloudfront.distributions.add("E2")

    def field(name: str | None, **options: Any) -> FieldFile:
        return FieldFile(mock.Mock(), FileField(storage=CloudFrontS3Storage(**options)), name)

    invalidate(field("a.jpg"))
    private = field("c.pdf", location="private", distribution_id="E2")
    invalidate(["b.jpg", None, field(None), field("c.jpg", location="m"), private])

    assert sorted(calls(aws)) == [["/a.jpg"], ["/b.jpg", "/m/c.jpg"], ["/private/c.pdf"]]
    assert not [each for each in aws.requests if "POST" not in each]


def test_folder(storage: Any, aws: Aws, settings: Any) -> None:
    """Forget everything in a folder, whose name is data, with names, URLs of files, or alone."""
    invalidate("a.jpg", folder="albums/4*2")
    invalidate(folder="q&a")
    without_scheme = storage.url("c.jpg").removeprefix("https:")
    invalidate([storage.url("한 b.jpg"), "4*2.jpg", without_scheme])

    names = ["/%ED%95%9C%20b.jpg", "/4%2A2.jpg", "/c.jpg"]
    assert calls(aws) == [["/a.jpg", "/albums/4%2A2/*"], ["/q%26a/*", "/q&a/*"], names]
    with pytest.raises(ValueError, match="not the URL"):
        invalidate("https://other.example.com/a.jpg")
    for wrong in ({"folder": "albums/"}, {"names": ["."]}, {"names": "/"}, {"names": "a/.."}):
        with pytest.raises(ValueError, match="folder"):
            invalidate(**wrong)
    settings.STORAGES = {"default": S3, "plain": {"BACKEND": PLAIN}}
    with pytest.raises(InvalidStorageError, match="plain"):
        invalidate(["a.jpg"], storage="plain")


def test_tenants(aws: Aws, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the files of the tenant that is served, never those of another one."""
    settings.AWS_CLOUDFRONT_INVALIDATE_VARIANTS = True
    storage: Any = OfTenant()
    with invalidation_batch():
        for tenant in ("acme", "acme2"):
            monkeypatch.setattr(Tenant, "name", tenant)
            save(storage, *(f"{number}.jpg" for number in range(12)))
        monkeypatch.setattr(Tenant, "name", "acme")
        delete(storage, *(f"{number}.jpg" for number in range(12)))
        monkeypatch.setattr(Tenant, "name", "acme2")

    assert calls(aws) == [["/acme/*"]]
    assert sorted(aws.objects) == sorted(f"/acme2/{number}.jpg" for number in range(12))


def test_variants(storage: Any, settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Forget a file under every query; more than ten of a folder are one wildcard, and logged.

    The files of the root are not: its wildcard would clear the whole distribution.
    """
    settings.AWS_CLOUDFRONT_INVALIDATE_VARIANTS = True
    settings.AWS_CLOUDFRONT_INVALIDATE_WITH = f"{__name__}.received"
    received.reset_mock()
    with invalidation_batch():
        delete(storage, *(f"few/{number}.jpg" for number in range(10)), "*.jpg")
        delete(storage, *(f"many/{number}&.jpg" for number in range(6)))
        delete(storage, *(f"{number}.jpg" for number in range(12)))
    [(_, items)] = [each.args for each in received.call_args_list]

    assert {"/few/3.jpg", "/few/3.jpg?*", "/%2A.jpg?*"} < {*items}
    assert [item for item in items if item.startswith("/many/")] == ["/many/*"]
    assert len(items) == 20 + 2 + 1 + 24
    [record] = caplog.records
    assert (record.name, record.levelname) == (LOGGER, "WARNING")
    assert "/many/" in record.getMessage()


# Batches


def test_batch(storage: Any, aws: Aws, settings: Any) -> None:
    """Make one call for all that is deleted, overwritten and named, also if the block raises."""

    def fail() -> None:
        with invalidation_batch():
            delete(storage, "a.jpg", "a.jpg")
            save(storage, "b.jpg", "new.jpg")
            invalidate(["c.jpg"], folder="albums")
            assert aws.cloudfront.answers == []
            raise LookupError

    save(storage, "b.jpg")
    with pytest.raises(LookupError):
        fail()
    with invalidation_batch():
        pass
    delete(storage, "d.jpg")

    assert calls(aws) == [["/a.jpg", "/albums/*", "/b.jpg", "/c.jpg"], ["/d.jpg"]]


def test_nested_batches(storage: Any, aws: Aws) -> None:
    """A block within a block makes a separate call at its end, one for each distribution."""
    aws.cloudfront.distributions.add("E2")
    other: Any = CloudFrontS3Storage(distribution_id="E2")
    with invalidation_batch():
        delete(storage, "outer.jpg")
        with invalidation_batch():
            delete(storage, "inner.jpg")
        assert calls(aws) == [["/inner.jpg"]]
        delete(other, "other.jpg")
        delete(storage, "outer2.jpg")

    assert sorted(calls(aws)[1:]) == [["/other.jpg"], ["/outer.jpg", "/outer2.jpg"]]


def test_batches_of_tasks(storage: Any, aws: Aws) -> None:
    """Tasks have separate batches; a thread of a task belongs to its batch, while it lasts."""

    async def one(letter: str) -> None:
        with invalidation_batch():
            for number in range(3):
                await asyncio.to_thread(delete, storage, f"{letter}{number}.jpg")

    async def late() -> None:
        go_on = threading.Event()

        def work() -> None:
            go_on.wait(30)
            delete(storage, "late.jpg")
            invalidate(["late1.jpg", "late2.jpg"])

        with invalidation_batch():
            task = asyncio.create_task(asyncio.to_thread(work))
            await asyncio.sleep(0)
        go_on.set()
        await task

    async def all_of_them() -> None:
        await asyncio.gather(one("a"), one("b"))
        await late()

    asyncio.run(all_of_them())
    assert sorted(calls(aws)) == [
        ["/a0.jpg", "/a1.jpg", "/a2.jpg"],
        ["/b0.jpg", "/b1.jpg", "/b2.jpg"],
        ["/late.jpg"],
        ["/late1.jpg", "/late2.jpg"],
    ]


def test_a_batch_of_a_context_manager(storage: Any, aws: Aws) -> None:
    """A context manager of the site, which is a generator, may have a batch for its block.

    It may end in another context, as that of a streamed response does.
    """

    @contextmanager
    def of_site() -> Iterator[None]:
        with invalidation_batch():
            yield

    with of_site():
        delete(storage, "a.jpg", "b.jpg")
    block = of_site()
    block.__enter__()
    delete(storage, "c.jpg", "d.jpg")
    contextvars.Context().run(block.__exit__, None, None, None)

    assert calls(aws) == [["/a.jpg", "/b.jpg"], ["/c.jpg", "/d.jpg"]]


def test_no_batch_decorates_a_generator() -> None:
    """It would end before the code of the generator runs."""

    def work() -> Iterator[None]:
        yield

    decorate: Any = invalidation_batch()
    with pytest.raises(TypeError):
        decorate(work)


# Limits, and what CloudFront does not take


def lines_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the lines that the errors of the log give to the command."""
    records = [each for each in caplog.records if each.levelname == "ERROR"]
    assert all(each.name == LOGGER for each in records)
    commands = [each.getMessage().partition("\n")[0] for each in records]
    command = f"manage.py cfsigned_invalidate --distribution {DISTRIBUTION} --stdin"
    assert all(command in each for each in commands)
    return [line for each in records for line in each.getMessage().split("\n")[1:]]


def test_more_than_cloudfront_takes(
    aws: Aws, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Send what CloudFront takes of three portions, and log the others: none is lost."""
    settings.STORAGES = {"default": {**S3, "OPTIONS": {"location": ""}}}
    names = [f"albums/{number}.jpg" for number in range(6_001)]
    with invalidation_batch():
        for name in names:
            invalidate([name])

    assert aws.cloudfront.answers == ["", *["TooManyInvalidationsInProgress"] * 12]
    assert len(aws.cloudfront.items) == 3000
    assert {*aws.cloudfront.items, *lines_of(caplog)} == {f"/{name}" for name in names}


def test_hand_over(storage: Any, aws: Aws, settings: Any) -> None:
    """A function of the site gets the items, which it may pass as JSON, and send() later."""
    settings.AWS_CLOUDFRONT_INVALIDATE_WITH = f"{__name__}.received"
    received.reset_mock()
    with invalidation_batch():
        invalidate([f"{number}.jpg" for number in range(250)])
    with invalidation_batch():
        pass

    assert aws.cloudfront.answers == []
    [each] = received.call_args_list
    send(*json.loads(json.dumps(each.args)))
    assert len({*aws.cloudfront.items}) == 250


def fail(distribution_id: str, items: list[str]) -> None:
    """A queue that is down."""
    raise ConnectionError("amqp://user:password@queue")


@pytest.mark.parametrize("path", [f"{__name__}.fail", "media.no.such"])
def test_hand_over_that_fails(
    path: str, storage: Any, aws: Aws, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Log all items if the function of the site cannot take them; delete() does not raise."""
    settings.AWS_CLOUDFRONT_INVALIDATE_WITH = path
    delete(storage, "한글.jpg")

    assert lines_of(caplog) == ["/%ED%95%9C%EA%B8%80.jpg"]
    assert caplog.records[0].exc_info is not None


class Ended(BaseException):
    """What a server raises in a worker that takes too long."""


def test_a_worker_that_is_ended(storage: Any, aws: Aws, caplog: pytest.LogCaptureFixture) -> None:
    """Log all items, without frames of boto3, if the process is told to end within a call."""
    aws.cloudfront.before_answer = mock.Mock(side_effect=Ended)
    aws.cloudfront.distributions.add("E2")

    def work() -> None:
        with invalidation_batch():
            delete(storage, "a.jpg")
            delete(CloudFrontS3Storage(distribution_id="E2"), "b.jpg")

    with pytest.raises(Ended):
        work()

    found = [(each.getMessage(), each.exc_info) for each in caplog.records if each.levelno > 20]
    assert sorted(text.split("\n")[1] for text, _ in found) == ["/a.jpg", "/b.jpg"]
    assert not any(trace for _, trace in found)  # Its frames hold the session token.


@pytest.mark.parametrize("code", ["AccessDenied", "Throttling"])
def test_failure(code: str, storage: Any, aws: Aws, caplog: pytest.LogCaptureFixture) -> None:
    """The file is gone: log its name, the cause and the command, no secret, and raise nothing."""
    aws.cloudfront.refusals = [code] * 2  # boto3 repeats the second.
    delete(storage, "a b한\x1b\u202e.jpg")

    assert lines_of(caplog) == ["/a%20b%ED%95%9C%1B%E2%80%AE.jpg"]
    assert "not to be logged" not in caplog.text
    assert "\x1b" not in caplog.text


def test_no_distribution(storage: Any, aws: Aws, settings: Any) -> None:
    """Raise that no distribution is set before a file is deleted or overwritten, or named."""
    save(storage, "a.jpg")
    settings.AWS_CLOUDFRONT_DISTRIBUTION_ID = None
    before = len(aws.requests)
    for change in (delete, save):
        with pytest.raises(ImproperlyConfigured, match=r"cfsigned\.E060"):
            change(storage, "a.jpg")
    with pytest.raises(ImproperlyConfigured, match=r"cfsigned\.E060"):
        invalidate(["a.jpg"])

    assert [each for each in aws.requests[before:] if "HEAD" not in each] == []


# send()


def test_items(aws: Aws) -> None:
    """Send paths, queries, wildcards and tags as they are, each once."""
    items = ["/", "/a.jpg?x=1&y=%20", "/a/*", "/*", "#Album:42/*", f"#{'a' * 256}", "/~"]
    send(DISTRIBUTION, items * 2)
    send(DISTRIBUTION, [])

    assert calls(aws) == [sorted(items)]


def test_wrong_items(aws: Aws) -> None:
    """Give back all items if CloudFront refuses one of them, which does not pass."""
    for item in ("a.jpg", "/a*b", "#a b"):
        with pytest.raises(InvalidationError) as raised:
            send(DISTRIBUTION, ["/a.jpg", item])
        left, is_temporary = raised.value.left, raised.value.is_temporary
        assert (sorted(left), is_temporary) == (sorted(["/a.jpg", item]), False)


def test_references(aws: Aws) -> None:
    """Repeat a call whose answer was lost as the same one; another call is a new one."""
    lost = ReadTimeoutError(endpoint_url="https://cloudfront.amazonaws.com")
    aws.cloudfront.before_answer = mock.Mock(side_effect=[lost, None, None])
    send(DISTRIBUTION, ["/a.jpg"])  # boto3 calls again.
    send(DISTRIBUTION, ["/a.jpg"])

    assert aws.cloudfront.answers == ["", "", ""]
    assert calls(aws) == [["/a.jpg"], ["/a.jpg"]]


def test_room_for_some(aws: Aws) -> None:
    """Send as many as there is room for, paths before wildcards, and keep the others."""
    send(DISTRIBUTION, [f"/old{number}.jpg" for number in range(2500)])
    folders = [f"/f{number}/*" for number in range(20)]
    items = [f"/{number}.jpg" for number in range(500)]
    with pytest.raises(InvalidationError) as raised:
        send(DISTRIBUTION, [*folders, "#album:42", *items])
    assert raised.value.is_temporary
    assert raised.value.left == [items[-1], *folders]

    aws.cloudfront.accepted.clear()
    with pytest.raises(InvalidationError) as again:
        send(DISTRIBUTION, raised.value.left)
    assert again.value.left == folders[15:]
    assert aws.cloudfront.items == [items[-1], *folders[:15]]


def test_errors_can_be_pickled(aws: Aws) -> None:
    """A queue may keep the error of a task, with the items that are left."""
    aws.cloudfront.distributions.clear()
    with pytest.raises(InvalidationError, match="AWS_CLOUDFRONT_DISTRIBUTION_ID") as raised:
        send(DISTRIBUTION, ["/a.jpg"])
    copy = pickle.loads(pickle.dumps(raised.value))  # noqa: S301
    assert (copy.left, str(copy)) == (["/a.jpg"], str(raised.value))
    assert not copy.is_temporary


# Processes


def test_a_process_that_is_killed(storage: Any, aws: Aws, caplog: pytest.LogCaptureFixture) -> None:
    """Log each call before it is made, and when it is accepted: what is in between may be lost."""
    caplog.set_level("INFO", LOGGER)
    before = []
    aws.cloudfront.before_answer = lambda: before.extend(caplog.messages)
    delete(storage, "albums/42/1.jpg")

    begun = f"Invalidating 1 of {DISTRIBUTION}: /albums/42/1.jpg"
    assert before == [begun]
    assert caplog.messages == [begun, f"CloudFront accepted invalidation I{0:013d}"]


def test_fork(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """A forked process calls CloudFront over its own connection, not over that of its parent."""
    connections, answer = [], URLLib3Session.send

    def note(session: URLLib3Session, request: Any) -> Any:
        connections.append(session)
        return answer(session, request)

    monkeypatch.setattr(URLLib3Session, "send", note)
    send(DISTRIBUTION, ["/parent.jpg"])
    monkeypatch.setattr(os, "getpid", lambda: 1)
    for name in ("/child.jpg", "/child2.jpg"):
        send(DISTRIBUTION, [name])

    parent, child, again = connections
    assert parent is not child is again


# Recipes

PAGE = DOCS / "how-to" / "deleted-files.md"


def recipe(words: str) -> ModuleType:
    """Return the Python of the page that has these words, as the module media_tasks."""
    [code] = [each.code for each in snippets(PAGE) if words in each.code]
    module = ModuleType("media_tasks")
    sys.modules["media_tasks"] = module
    exec(compile(code, PAGE.name, "exec"), vars(module))  # noqa: S102 - our own page
    return module


def test_queue(storage: Any, aws: Aws, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The task of the page sends what a deletion hands over, and is tried again if it must be."""
    task = mock.Mock()
    task.retry.return_value = LookupError("again")
    make = lambda function: mock.Mock(delay=partial(function, task))  # noqa: E731
    monkeypatch.setitem(sys.modules, "celery", mock.Mock(shared_task=lambda **options: make))
    page = recipe("from celery import shared_task")
    settings.AWS_CLOUDFRONT_INVALIDATE_WITH = "media_tasks.invalidate"
    aws.cloudfront.refusals = ["TooManyInvalidationsInProgress"] * 2
    with invalidation_batch():
        delete(storage, "a.jpg", "한.jpg")
    assert calls(aws) == []

    page.send_later.delay(*task.retry.call_args.kwargs["args"])
    assert calls(aws) == [["/%ED%95%9C.jpg", "/a.jpg"]]


def test_tags(aws: Aws) -> None:
    """An object has its tag in S3, in the header that CloudFront reads, and is forgotten by it."""
    storage = recipe("class TaggedStorage").TaggedStorage()
    save(storage, "albums/42/1.jpg", "albums/7/1.jpg")
    recipe("#album:42")

    tags = {name: each["x-amz-meta-cache-tag"] for name, each in aws.objects.items()}
    assert tags == {"/albums/42/1.jpg": "album:42", "/albums/7/1.jpg": "album:7"}
    assert calls(aws) == [["#album:42"]]
