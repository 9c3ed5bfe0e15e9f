"""Let CloudFront forget what was deleted or overwritten: it serves copies until their TTL ends.

A storage with the option ``invalidate_on`` does so by itself, once S3 has answered. Limits and
rules are those of the Developer Guide, "Invalidate files to remove content".
"""

from __future__ import annotations

import logging
import re
import shlex
import threading
import uuid
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, Final
from unicodedata import is_normalized
from urllib.parse import unquote

from django.core.files import File
from django.core.files.storage import InvalidStorageError, storages
from django.utils.encoding import uri_to_iri
from django.utils.module_loading import import_string

from cfsigned_django import conf
from cfsigned_django.aws.client import call, make_client
from cfsigned_django.aws.errors import AwsError
from cfsigned_django.terminal import in_one_line
from cfsigned_django.validation import CheckFailed, no_distribution

logger = logging.getLogger("cfsigned_django.invalidation")

#: How many items, and how many of them with a wildcard, a distribution may have in progress
#: ("Concurrent invalidation request maximum").
MAX_ITEMS: Final = 3000
MAX_WILDCARDS: Final = 15
#: More wildcards than these, for the variants of files in one folder, become one.
_MAX_VARIANTS: Final = 10
#: Log services cut long records.
_MAX_LINES: Final = 500

# What url() encodes and AWS's rule does not: only what is not ASCII, or unsafe by RFC 1738, which
# includes the tilde.
_LEFT_ALONE: Final = re.compile("%(?:24|26|2B|2C|3A|3B|3D|40)", re.I)  # $ & + , : ; = @


class InvalidationError(Exception):
    """CloudFront did not take the items ``left``; ``error``, an :exc:`AwsError`, says why.

    If ``error.is_temporary``, the same items may be taken later.
    """

    def __init__(self, error: AwsError, left: list[str]) -> None:
        super().__init__(error, left)
        self.error, self.left = error, left

    def __str__(self) -> str:
        return str(self.error)


def invalidate(
    names: str | Iterable[Any] = (), *, folder: str | None = None, storage: Any = "default"
) -> None:
    """Let CloudFront forget files of a storage, and everything in a folder.

    ``names`` are names of files, or file fields, each of which counts for its own storage;
    ``folder``, such as ``"albums/42"``, is data. ``storage`` is an alias of STORAGES, or a storage;
    nothing is done if it keeps its files on this machine. Within :func:`invalidation_batch`,
    CloudFront is called when the block ends.

    Raise :exc:`ImproperlyConfigured` if no distribution is set, and :exc:`ValueError` for a folder
    without a name. If CloudFront refuses, that is logged, and nothing is raised.
    """
    around = _batch.get()
    with nullcontext() if around and around.found is not None else invalidation_batch():
        if folder is not None:
            _note(_signing_of(storage), (), folder)
        # A field iterates over the lines of its file.
        for each in [names] if isinstance(names, str | File) else names:
            if each:  # A field may be empty.
                _note(_signing_of(getattr(each, "storage", storage)), [str(each)], None)


def _signing_of(storage: Any) -> Any:
    found = storages[storage] if isinstance(storage, str) else storage
    signing = getattr(found, "signing", None)
    if signing is None:
        raise InvalidStorageError(
            f"The storage {storage!r} is not of this package. Name one that is a "
            "cfsigned_django.storage.CloudFrontS3Storage."
        )
    return signing


@contextmanager
def invalidation_batch() -> Iterator[None]:
    """Let CloudFront forget all that the block deletes, overwrites or names in one call at its end.

    The call is made even if the block raises: what S3 has deleted stays deleted. A block within a
    block, in another thread or another task is a separate batch. There is one call for each
    distribution. What CloudFront does not take at once is logged.
    """
    batch, outer = _Batch(), _batch.get()
    _batch.set(batch)
    try:
        yield
    finally:
        # No reset(): a generator that yields within the block may end in another context.
        _batch.set(outer)
        with batch.lock:
            found, batch.found = batch.found or {}, None
        with ExitStack() as each_even_if_one_raises:
            for distribution_id, items in found.items():
                each_even_if_one_raises.callback(_deliver, distribution_id, items)


def send(distribution_id: str, items: Iterable[str], *, reference: uuid.UUID | None = None) -> None:
    """Send items to CloudFront now: encoded paths, and tags such as ``#album:42``.

    Call this from the function of AWS_CLOUDFRONT_INVALIDATE_WITH. More than CloudFront takes at
    once are several calls. If one with the same ``reference`` is repeated, such as that of a task,
    CloudFront makes no second invalidation of it.

    Raise :exc:`InvalidationError`, with the items that are left, if CloudFront does not take them.
    It refuses a call with a wrong item as a whole: a path begins with ``/``, has ``*`` at its end
    only, and is encoded; a tag begins with ``#``, and is visible ASCII without a comma.
    """
    # Paths first: wildcards have a separate limit, and must not hold up the others.
    left = sorted(dict.fromkeys(items), key=_is_wildcard)
    most, reference = MAX_ITEMS, reference or uuid.uuid4()
    while left:
        portion = left[: min(most, bisect_left(left, True, key=_is_wildcard) + MAX_WILDCARDS)]
        try:
            _create(distribution_id, portion, str(uuid.uuid5(reference, " ".join(portion))))
        except AwsError as error:
            if error.code != "TooManyInvalidationsInProgress" or len(portion) == 1:
                raise InvalidationError(error, left) from None
            most = len(portion) // 2  # There may be room for some.
        else:
            left = left[len(portion) :]


def _create(distribution_id: str, items: list[str], reference: str) -> None:
    """Create an invalidation. The same reference stands for the same one, however often used."""
    first = ", ".join(map(readable, items[:3]))
    logger.info("Invalidating %d item(s) of %s: %s", len(items), distribution_id, first)
    batch = {"Paths": {"Quantity": len(items), "Items": items}, "CallerReference": reference}
    answer = call(
        _client(conf.generation).create_invalidation,
        f"create an invalidation of {distribution_id}",
        "cloudfront:CreateInvalidation",
        DistributionId=distribution_id,
        InvalidationBatch=batch,
    )
    found = answer["Invalidation"]["Id"]
    logger.info("CloudFront accepted invalidation %s of %s", found, distribution_id)


@lru_cache(maxsize=1)
def _client(generation: object) -> Any:
    """Return the client of this process: to make one takes 0.1 s, for each file of a loop."""
    return make_client("cloudfront", **conf.aws_access())


def forget(signing: Any, name: str) -> None:
    """Let CloudFront forget a file of a storage that has changed in S3. Raise nothing."""
    try:
        _note(signing, [name], None)
    except Exception as error:
        shown = in_one_line(name)
        logger.error(
            "CloudFront may still serve %s, which was deleted or overwritten. %s Then run "
            "manage.py cfsigned_invalidate --storage ALIAS -- %s",
            *(shown, error, shlex.quote(shown)),
            exc_info=not isinstance(error, CheckFailed),
        )


def _note(signing: Any, names: Iterable[str], folder: str | None) -> None:
    """Give the paths of files to the batch that surrounds the call, or to CloudFront."""
    if signing.is_local:
        return
    distribution_id, items = distribution_of(signing), items_of(signing, names, folder)
    if (batch := _batch.get()) is not None:
        with batch.lock:
            if batch.found is not None:
                batch.found.setdefault(distribution_id, []).extend(items)
                return
    _deliver(distribution_id, items)


def distribution_of(signing: Any) -> str:
    """Return the distribution of a storage, or raise the error of the check."""
    if not (found := signing.options().config.distribution_id):
        raise CheckFailed(no_distribution())
    return str(found)


def items_of(signing: Any, names: Iterable[str], folder: str | None = None) -> list[str]:
    """Return the items for files of a storage, and for everything in a folder."""
    paths = signing.invalidation_paths(names, folder)
    items = [each for path in paths for each in spellings(path)]
    if signing.options().config.invalidate_variants:
        items += [f"{each}?*" for each in items if not _is_wildcard(each)]
    return items


def spellings(path: str) -> Iterable[str]:
    """Return a path as url() sends it, and as AWS's rule writes it. Which counts is not known."""
    by_rule = _LEFT_ALONE.sub(lambda found: unquote(found[0]), path).replace("~", "%7E")
    return dict.fromkeys((path, by_rule))


def _is_wildcard(item: str) -> bool:
    return item.endswith("*") and item.startswith("/")


def _deliver(distribution_id: str, items: list[str]) -> None:
    """Send the items, or hand them over; log what CloudFront does not get. Raise nothing."""
    items = condensed(items)
    try:
        if path := conf.invalidate_with():
            for start in range(0, len(items), MAX_ITEMS):
                import_string(path)(distribution_id, items[start : start + MAX_ITEMS])
        else:
            send(distribution_id, items)
    except InvalidationError as error:
        _log_unsent(distribution_id, error.left, str(error))
    except BaseException as error:
        # What ends a worker has frames of boto3, which hold the session token.
        is_ended, why = not isinstance(error, Exception), f"{type(error).__name__} was raised."
        _log_unsent(distribution_id, items, why, exc_info=not is_ended)
        if is_ended:
            raise  # Such as that of a server that ends a worker which takes too long.


def condensed(items: Iterable[str]) -> list[str]:
    """Return each item once, with one wildcard for a folder instead of many for variants in it.

    "/" is left out: its wildcard would clear the whole distribution.
    """
    found = dict.fromkeys(items)
    counts = Counter(_folder(each) for each in found if each.endswith("?*"))
    wide = {each for each, count in counts.items() if count > _MAX_VARIANTS} - {"/"}
    for folder in wide:
        logger.warning(
            "The whole folder %s is invalidated instead of %d wildcards in it: CloudFront takes %d "
            "wildcards at a time.",
            *(readable(folder), counts[folder], MAX_WILDCARDS),
        )
    return [f"{each}*" for each in wide] + [each for each in found if _folder(each) not in wide]


def _folder(item: str) -> str:
    return item[: item.rfind("/") + 1]


def _log_unsent(
    distribution_id: str, items: list[str], why: str, *, exc_info: bool = False
) -> None:
    for start in range(0, len(items), _MAX_LINES):
        text = unsent(distribution_id, items[start : start + _MAX_LINES], why)
        logger.error("%s", text, exc_info=exc_info)


def unsent(distribution_id: str, items: list[str], why: str) -> str:
    """Return what CloudFront may still serve, why, and the command and lines that change that."""
    return (
        f"CloudFront may still serve {len(items)} deleted or overwritten item(s) of "
        f"{distribution_id}. {why} Run manage.py cfsigned_invalidate --distribution "
        f"{shlex.quote(distribution_id)} --stdin --wait with these lines:\n"
    ) + "\n".join(map(readable, items))


def readable(item: str) -> str:
    """Return an item whose path has letters as people write them. The command encodes them."""
    path, mark, query = item.partition("?")
    text = uri_to_iri(path) if path.startswith("/") else path
    return text + mark + query if text.isprintable() and is_normalized("NFC", text) else item


class _Batch:
    """What a block has found: distribution -> items, or None once it has ended.

    sync_to_async() and asyncio.to_thread() take the block along to threads, which may go on when it
    ends. What they find then is sent at once, so that nothing is lost: hence the lock.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.found: dict[str, list[str]] | None = {}


_batch: ContextVar[_Batch | None] = ContextVar("cfsigned_invalidation", default=None)
