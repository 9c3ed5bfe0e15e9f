"""Test what CloudFront is told to forget: names, batches, limits, failures, and what it costs."""

from __future__ import annotations

import asyncio
import contextvars
import json
import pickle
import sys
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
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
from cfsigned_django.signing import PrivateKey
from cfsigned_django.storage import CloudFrontS3Storage
from tests.invalidations import DISTRIBUTION, Aws, aws_in_memory
from tests.pages import DOCS, snippets
from tests.projects import Project
from tests.storage_cases import OfTenant, Tenant, generated_names

S3: dict[str, Any] = {"BACKEND": "cfsigned_django.storage.CloudFrontS3Storage"}
PLAIN = "django.core.files.storage.InMemoryStorage"
LOGGER = "cfsigned_django.invalidation"


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


@pytest.fixture
def project(tmp_path: Path, ec_key: PrivateKey) -> Project:
    """Return a project in a separate folder."""
    return Project(folder=tmp_path, key=ec_key)


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


def test_names_that_are_new(aws: Aws) -> None:
    """Ask S3 for nothing more if names are not used again, and files only deleted."""
    storage: Any = CloudFrontS3Storage(file_overwrite=False, invalidate_on=["delete"])
    save(storage, "a.jpg")

    assert aws.requests == ["HEAD /a.jpg", "PUT /a.jpg"]  # Django looks for a free name.


def test_an_s3_that_does_not_say(storage: Any, aws: Aws) -> None:
    """Save a file, and let CloudFront forget its name, if S3 does not answer whether it exists."""
    aws.s3_refuses["HEAD"] = 403
    save(storage, "a.jpg")

    assert calls(aws) == [["/a.jpg"]]


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_an_s3_that_refuses(method: str, storage: Any, aws: Aws) -> None:
    """Raise what S3 says, and call CloudFront for nothing: the file is as it was."""
    save(storage, "a.jpg")
    aws.s3_refuses[method] = 403
    with pytest.raises(ClientError):
        (delete if method == "DELETE" else save)(storage, "a.jpg")

    assert aws.cloudfront.answers == []


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


WITHOUT = """
import sys
from django.core.files.base import ContentFile
from tests.invalidations import aws_in_memory
from cfsigned_django.storage import CloudFrontS3Storage

for name in [name for name in sys.modules if name.startswith("cfsigned_django.aws")]:
    del sys.modules[name]
with aws_in_memory() as aws:
    storage = CloudFrontS3Storage(access_key="a", secret_key="b", region_name="us-east-1")
    storage.save("a.jpg", ContentFile(b"x"))
    storage.delete("a.jpg")
more = ("cfsigned_django.invalidation", "cfsigned_django.aws")
print(aws.requests, [name for name in sys.modules if name.startswith(more)])
"""


def test_without(project: Project) -> None:
    """A site that does not ask for it makes no request more, and imports nothing more."""
    project.settings('AWS_CLOUDFRONT_DISTRIBUTION_ID = "E1"')
    done = project.run(WITHOUT)
    assert done.stdout.strip() == "['PUT /a.jpg', 'DELETE /a.jpg'] []", done.stderr


# Which paths

LOCATIONS = ("", "media/files", "미디어 50%")


@pytest.mark.parametrize("location", LOCATIONS)
def test_paths(location: str, aws: Aws) -> None:
    """Send the path of each URL, whichever spelling CloudFront compares, and nothing else's."""
    storage: Any = CloudFrontS3Storage(location=location, invalidate_on=())
    names = generated_names(200)
    with invalidation_batch():
        invalidate(names, storage=storage)
    [items] = calls(aws)

    paths = [urlsplit(storage.url(name)).path for name in names]
    assert all(aws.cloudfront.forgets(path) for path in paths)
    assert all(aws.cloudfront.forgets(path, by_rule=True) for path in paths)
    assert not any(item.endswith("*") for item in items)
    assert len(items) <= 2 * len(names)


#: A name -> what is sent. Only what is in the last rows has two spellings.
SPELLINGS = {
    "a.jpg": ["/a.jpg"],
    "한 글.jpg": ["/%ED%95%9C%20%EA%B8%80.jpg"],
    "*.jpg": ["/%2A.jpg"],
    "albums/*": ["/albums/%2A"],
    "a#b?c%20d.jpg": ["/a%23b%3Fc%2520d.jpg"],
    'x"<>[]{}|^`\\'.replace("\\", ""): ["/x%22%3C%3E%5B%5D%7B%7D%7C%5E%60"],
    "it's (1)!-_.jpg": ["/it's%20(1)!-_.jpg"],
    "a\x1b[2J.jpg": ["/a%1B%5B2J.jpg"],
    "$&+,:;=@.jpg": ["/$&+,:;=@.jpg", "/%24%26%2B%2C%3A%3B%3D%40.jpg"],
    "a~b.jpg": ["/a%7Eb.jpg", "/a~b.jpg"],
    "q&a/~.jpg": ["/q%26a/~.jpg", "/q&a/%7E.jpg"],
}


def test_spellings(storage: Any, aws: Aws) -> None:
    """Send both spellings of a path if AWS's rule for invalidations differs from a URL."""
    delete(storage, *SPELLINGS)

    assert dict(zip(SPELLINGS, calls(aws), strict=True)) == {
        name: sorted(items) for name, items in SPELLINGS.items()
    }


def test_names_as_django_storages_reads_them(storage: Any, aws: Aws) -> None:
    """Forget the object that was deleted, whatever its name looked like."""
    for name in ("/a//b.jpg", "a/./b.jpg", "x/../a/b.jpg", "./a/b.jpg", "a\\b.jpg"):
        aws.cloudfront.accepted.clear()
        save(storage, "a/b.jpg")
        delete(storage, name)

        assert (name, aws.objects, calls(aws)) == (name, {}, [["/a/b.jpg"]])


def test_a_domain_with_a_path(aws: Aws) -> None:
    """Send the path that the URL has, of a storage of public files as well."""
    storage: Any = CloudFrontS3Storage(custom_domain="cdn.example.com/m", querystring_auth=False)
    delete(storage, "a.jpg")

    assert storage.url("a.jpg") == "https://cdn.example.com/m/a.jpg"
    assert calls(aws) == [["/m/a.jpg"]]


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


def test_variants(storage: Any, aws: Aws, settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Forget a file under every query; more than ten of a folder are one wildcard, and logged."""
    settings.AWS_CLOUDFRONT_INVALIDATE_VARIANTS = True
    with invalidation_batch():
        delete(storage, *(f"few/{number}.jpg" for number in range(5)), "*.jpg")
        delete(storage, *(f"many/{number}&.jpg" for number in range(6)))
        delete(storage, *(f"{number}.jpg" for number in range(6)))
    [items] = calls(aws)

    assert "/few/3.jpg" in items
    assert "/few/3.jpg?*" in items
    assert "/%2A.jpg?*" in items
    assert [item for item in items if item.startswith("/many/")] == ["/many/*"]
    [record] = caplog.records
    assert (record.name, record.levelname) == (LOGGER, "WARNING")
    assert "/many/" in record.getMessage()
    assert aws.cloudfront.forgets("/few/3.jpg?response-content-disposition=attachment")
    assert not aws.cloudfront.forgets("/few/33.jpg")


def test_variants_of_the_root(storage: Any, aws: Aws, settings: Any) -> None:
    """Never forget the whole distribution for the files of its root."""
    settings.AWS_CLOUDFRONT_INVALIDATE_VARIANTS = True
    with invalidation_batch():
        delete(storage, *(f"{number}.jpg" for number in range(12)))

    assert "/*" not in aws.cloudfront.items
    assert len(aws.cloudfront.items) == 24


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


def test_batch_of_several_distributions(aws: Aws, settings: Any) -> None:
    """Make one call for each distribution."""
    aws.cloudfront.distributions.add("E2")
    other: Any = CloudFrontS3Storage(distribution_id="E2")
    with invalidation_batch():
        for number in range(3):
            delete(storages["default"], f"{number}.jpg")
            delete(other, f"o{number}.jpg")

    assert {each.distribution: each.items for each in aws.cloudfront.accepted} == {
        DISTRIBUTION: ["/0.jpg", "/1.jpg", "/2.jpg"],
        "E2": ["/o0.jpg", "/o1.jpg", "/o2.jpg"],
    }


def test_nested_batches(storage: Any, aws: Aws) -> None:
    """A block within a block, and in another thread, makes a separate call at its end."""

    def work() -> None:
        delete(storage, "thread.jpg")
        with invalidation_batch():
            delete(storage, "t1.jpg", "t2.jpg")

    with invalidation_batch():
        delete(storage, "outer.jpg")
        with invalidation_batch():
            delete(storage, "inner.jpg")
        assert calls(aws) == [["/inner.jpg"]]
        thread = threading.Thread(target=contextvars.Context().run, args=(work,))
        thread.start()
        thread.join()
        delete(storage, "outer2.jpg")

    assert calls(aws) == [
        ["/inner.jpg"],
        ["/thread.jpg"],
        ["/t1.jpg", "/t2.jpg"],
        ["/outer.jpg", "/outer2.jpg"],
    ]


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


def test_a_batch_of_a_generator(storage: Any, aws: Aws) -> None:
    """Lose nothing if the block yields, and ends in another context, as a streamed response may."""

    def work() -> Iterator[None]:
        with invalidation_batch():
            delete(storage, "a.jpg")
            yield
            delete(storage, "b.jpg")

    working = work()
    for _ in range(2):
        contextvars.Context().run(next, working, None)

    assert sorted(each for call in calls(aws) for each in call) == ["/a.jpg", "/b.jpg"]


def test_a_generator_that_has_stopped(storage: Any, aws: Aws) -> None:
    """A batch whose generator has yielded holds back nothing that others delete."""

    def work() -> Generator[None]:
        with invalidation_batch():
            delete(storage, "a.jpg", "b.jpg")
            yield
            delete(storage, "c.jpg")

    working = work()
    next(working)
    delete(storage, "other.jpg")
    invalidate(["other1.jpg", "other2.jpg"])
    assert calls(aws) == [["/other.jpg"], ["/other1.jpg", "/other2.jpg"]]
    with invalidation_batch():
        delete(storage, "d.jpg", "e.jpg")
        for _ in work():
            delete(storage, "f.jpg")
    working.close()
    delete(storage, "g.jpg")

    one = ["/a.jpg", "/b.jpg"]
    assert calls(aws)[2:] == [[*one, "/c.jpg"], ["/d.jpg", "/e.jpg", "/f.jpg"], one, ["/g.jpg"]]


def test_a_batch_of_a_context_manager(storage: Any, aws: Aws) -> None:
    """A context manager of the site, which is a generator, may have a batch for its block."""

    @contextmanager
    def of_site() -> Iterator[None]:
        with invalidation_batch():
            yield

    with of_site():
        delete(storage, "a.jpg", "b.jpg")

    assert calls(aws) == [["/a.jpg", "/b.jpg"]]


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


def test_too_many_wildcards(aws: Aws, caplog: pytest.LogCaptureFixture) -> None:
    """Paths do not wait for wildcards, which have a separate limit."""
    folders = [f"/f{number}/*" for number in range(20)]
    with pytest.raises(InvalidationError) as raised:
        send(DISTRIBUTION, [*folders, "/a.jpg", "#album:42"])

    assert raised.value.left == folders[15:]
    assert raised.value.is_temporary
    assert aws.cloudfront.items == ["/a.jpg", "#album:42", *folders[:15]]


received: list[tuple[str, list[str]]] = []


def receive(distribution_id: str, items: list[str]) -> None:
    """Take what is handed over."""
    received.append((distribution_id, items))


def fail(distribution_id: str, items: list[str]) -> None:
    """A queue that is down."""
    raise ConnectionError("amqp://user:password@queue")


def test_hand_over(storage: Any, aws: Aws, settings: Any) -> None:
    """A function of the site gets the items, which it may pass as JSON, and send() later."""
    settings.AWS_CLOUDFRONT_INVALIDATE_WITH = f"{__name__}.receive"
    received.clear()
    with invalidation_batch():
        invalidate([f"{number}.jpg" for number in range(250)])
    with invalidation_batch():
        pass

    assert aws.cloudfront.answers == []
    [each] = received
    send(*json.loads(json.dumps(each)))
    assert len({*aws.cloudfront.items}) == 250


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

    def end() -> None:
        raise Ended

    aws.cloudfront.before_answer = end
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


@pytest.mark.parametrize(
    "code", ["AccessDenied", "Throttling", "NoSuchDistribution", "TooManyInvalidationsInProgress"]
)
def test_failure(code: str, storage: Any, aws: Aws, caplog: pytest.LogCaptureFixture) -> None:
    """The file is gone: log its name, the cause and the command, no secret, and raise nothing."""
    aws.cloudfront.refusals = [code] * 4  # boto3 repeats some of them.
    save(storage, "a b한\x1b\u202e.jpg")
    delete(storage, "a b한\x1b\u202e.jpg")

    assert aws.objects == {}
    assert lines_of(caplog) == ["/a%20b%ED%95%9C%1B%E2%80%AE.jpg"]
    assert "not to be logged" not in caplog.text
    assert caplog.text.isprintable() or "\x1b" not in caplog.text


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
    assert aws.cloudfront.forgets("/x", tags="user:7, album:42/*")


WRONG = [
    *("a.jpg", "/a b", "/한", "/a*b", "/*/a", "/a**", '/"', "/<", "/{}", f"/{'a' * 4000}"),
    *("#", "#a,b", "#a b", "#한", f"#{'a' * 257}", "https://m.com/a.jpg"),
]


def test_wrong_items(aws: Aws) -> None:
    """Give back all items if CloudFront refuses one of them, which does not pass."""
    left = {}
    for item in WRONG:
        with pytest.raises(InvalidationError) as raised:
            send(DISTRIBUTION, ["/a.jpg", item])
        left[item] = (sorted(raised.value.left), raised.value.is_temporary)

    assert left == {item: (sorted(["/a.jpg", item]), False) for item in WRONG}


def test_references(aws: Aws) -> None:
    """Repeat a call whose answer was lost as the same one; another call is a new one."""
    lost = [True]

    def lose() -> None:
        if lost:
            lost.clear()
            raise ReadTimeoutError(endpoint_url="https://cloudfront.amazonaws.com")

    aws.cloudfront.before_answer = lose
    send(DISTRIBUTION, ["/a.jpg"])  # boto3 calls again.
    send(DISTRIBUTION, ["/a.jpg"])

    assert aws.cloudfront.answers == ["", "", ""]
    assert calls(aws) == [["/a.jpg"], ["/a.jpg"]]


def test_room_for_some(aws: Aws) -> None:
    """Send as many as there is room for, and keep the others."""
    send(DISTRIBUTION, [f"/old{number}.jpg" for number in range(2500)])
    items = [f"/{number}.jpg" for number in range(1000)]
    with pytest.raises(InvalidationError) as raised:
        send(DISTRIBUTION, items)

    assert raised.value.left == items[500:]
    assert aws.cloudfront.items[2500:] == items[:500]


def test_errors_can_be_pickled(aws: Aws) -> None:
    """A queue may keep the error of a task, with the items that are left."""
    aws.cloudfront.distributions.clear()
    with pytest.raises(InvalidationError, match="AWS_CLOUDFRONT_DISTRIBUTION_ID") as raised:
        send(DISTRIBUTION, ["/a.jpg"])
    copy = pickle.loads(pickle.dumps(raised.value))  # noqa: S301
    assert (copy.left, str(copy)) == (["/a.jpg"], str(raised.value))
    assert not copy.is_temporary


# A process that is killed

KILLED = """
import logging, os, signal, sys
from cfsigned_django.signing import PrivateKey
from cfsigned_django.storage import CloudFrontS3Storage
from tests.invalidations import FakeCloudFront, aws_in_memory

logging.basicConfig(level=logging.INFO, format="%(name)s %(message)s", stream=sys.stdout)
with aws_in_memory() as aws:
    def kill(*request):
        os.kill(os.getpid(), signal.SIGKILL)
    if "kill" in sys.argv:
        FakeCloudFront.answer = kill
    CloudFrontS3Storage(region_name="us-east-1").delete("albums/42/1.jpg")
    print(aws.requests, aws.cloudfront.items)
"""


def test_a_process_that_is_killed(project: Project) -> None:
    """Log each call before it is made and when it is accepted: the same deletion repairs the rest.

    The process is killed when S3 has deleted the file, and CloudFront has not been reached.
    """
    project.settings(
        f'AWS_CLOUDFRONT_DISTRIBUTION_ID = "{DISTRIBUTION}"',
        'AWS_CLOUDFRONT_INVALIDATE_ON = ["delete"]',
        'AWS_ACCESS_KEY_ID = AWS_SECRET_ACCESS_KEY = "a"',
    )
    killed, repaired = project.run(KILLED, "kill"), project.run(KILLED)
    begun = f"{LOGGER} Invalidating 1 of {DISTRIBUTION}: /albums/42/1.jpg"

    assert killed.returncode == -9
    assert [each for each in killed.stdout.split("\n") if each.startswith(LOGGER)] == [begun]
    lines = [each for each in repaired.stdout.split("\n") if each.startswith(LOGGER)]
    assert lines == [
        begun,
        f"{LOGGER} CloudFront accepted invalidation I{0:013d}",
    ]
    assert "'DELETE /albums/42/1.jpg'" in repaired.stdout


FORKED = """
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from cfsigned_django.invalidation import send
from tests.invalidations import DISTRIBUTION, FakeCloudFront

cloudfront, connections = FakeCloudFront(), set()

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        connections.add(self.client_address)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status, text = cloudfront.answer(self.path, body)
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *arguments):
        pass

server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
Thread(target=server.serve_forever, daemon=True).start()
os.environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{server.server_port}"
send(DISTRIBUTION, ["/parent.jpg"])
if os.fork() == 0:
    send(DISTRIBUTION, ["/child.jpg"])
    send(DISTRIBUTION, ["/child2.jpg"])
    os._exit(0)
os.wait()
print(cloudfront.items, len(connections))
"""


def test_fork(project: Project) -> None:
    """A forked process calls CloudFront over its own connection, not over that of its parent."""
    project.settings('AWS_ACCESS_KEY_ID = AWS_SECRET_ACCESS_KEY = "a"')
    done = project.run(FORKED)
    items = ["/parent.jpg", "/child.jpg", "/child2.jpg"]
    assert done.stdout.strip() == f"{items} 2", done.stderr


# Recipes

PAGE = DOCS / "how-to" / "deleted-files.md"


def recipe(words: str) -> ModuleType:
    """Return the Python of the page that has these words, as the module media_tasks."""
    [code] = [each.code for each in snippets(PAGE) if words in each.code]
    module = ModuleType("media_tasks")
    sys.modules["media_tasks"] = module
    exec(compile(code, PAGE.name, "exec"), vars(module))  # noqa: S102 - our own page
    return module


class CeleryTask:
    """A task that runs at once, and once more if it asks for that."""

    class Retry(Exception):
        """What a task raises to run again with other arguments."""

    def __init__(self, function: Any) -> None:
        self.run = function

    def delay(self, *args: Any) -> None:
        """Run the task."""
        try:
            self.run(self, *args)
        except self.Retry as again:
            self.run(self, *again.args)

    def retry(self, *, exc: Exception, args: list[Any]) -> Exception:
        """Return what the task raises."""
        return self.Retry(*args)


def test_queue(storage: Any, aws: Aws, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The task of the page sends what a deletion hands over, and is tried again if it must be."""
    celery = ModuleType("celery")
    setattr(celery, "shared_task", lambda **options: CeleryTask)  # noqa: B010
    monkeypatch.setitem(sys.modules, "celery", celery)
    recipe("from celery import shared_task")
    settings.AWS_CLOUDFRONT_INVALIDATE_WITH = "media_tasks.invalidate"
    aws.cloudfront.refusals = ["TooManyInvalidationsInProgress"] * 2
    with invalidation_batch():
        delete(storage, "a.jpg", "한.jpg")

    assert calls(aws) == [["/%ED%95%9C.jpg", "/a.jpg"]]


def test_tags(aws: Aws) -> None:
    """An object has its tag in S3, in the header that CloudFront reads, and is forgotten by it."""
    storage = recipe("class TaggedStorage").TaggedStorage()
    save(storage, "albums/42/1.jpg", "albums/7/1.jpg")
    recipe("#album:42")

    tags = {name: each["x-amz-meta-cache-tag"] for name, each in aws.objects.items()}
    assert tags == {"/albums/42/1.jpg": "album:42", "/albums/7/1.jpg": "album:7"}
    gone = [name for name in tags if aws.cloudfront.forgets(name, tags=tags[name])]
    assert gone == ["/albums/42/1.jpg"]
