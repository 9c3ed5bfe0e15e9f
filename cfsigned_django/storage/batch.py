"""Batches of what CloudFront must forget, and the calls that tell it.

Limits and rules are those of the Developer Guide, "Invalidate files to remove content".
"""

from __future__ import annotations

import logging
import os
import re
import shlex
import uuid
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from contextlib import ExitStack
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from django.utils.module_loading import import_string

from cfsigned_django.core import conf
from cfsigned_django.core.aws.client import call, make_client
from cfsigned_django.core.aws.errors import AwsError

logger: Final = logging.getLogger("cfsigned_django.invalidation")

#: How many items, and how many of them with a wildcard, a distribution may have in progress
#: ("Concurrent invalidation request maximum").
MAX_ITEMS: Final = 3000
MAX_WILDCARDS: Final = 15
#: More wildcards than these, for the variants of files in one folder, become one.
_MAX_VARIANTS: Final = 10


@dataclass(slots=True, kw_only=True)
class _Batch:
    """What a block has found, and what is around it."""

    outer: _Batch | None
    #: Distribution -> items.
    found: dict[str, list[str]] = field(default_factory=dict)
    is_ended: bool = False


_batch: ContextVar[_Batch | None] = ContextVar("cfsigned_batch", default=None)


class InvalidationError(Exception):
    """CloudFront did not take the items ``left``. If ``is_temporary``, it may take them later."""

    def __init__(self, why: str, left: Iterable[str] = (), is_temporary: bool = False) -> None:
        super().__init__(why)
        self.left: list[str] = list(left)
        self.is_temporary: bool = is_temporary


class invalidation_batch:
    """Let CloudFront forget all that the block deletes, overwrites or names in one call at its end.

    The call is made even if the block raises: what S3 has deleted stays deleted. A block within a
    block, in another thread or another task is a separate batch. There is one call for each
    distribution. What CloudFront does not take at once is logged.

    Do not keep a block open across a ``yield``, unless it is that of a context manager: what the
    caller's code deletes meanwhile would wait for the end of the block, too.
    """

    _own: _Batch

    def __enter__(self) -> None:
        self._own = _Batch(outer=_batch.get())
        _batch.set(self._own)

    def __exit__(self, *error: object) -> None:
        # No reset(): the block of a context manager may end in another context.
        _batch.set(self._own.outer)
        self._own.is_ended = True
        with ExitStack() as each_even_if_one_raises:
            for each in self._own.found.copy().items():
                each_even_if_one_raises.callback(_deliver, *each)


def is_in_batch() -> bool:
    """Return whether a block surrounds the call that has not ended."""
    return (batch := _batch.get()) is not None and not batch.is_ended


def add(distribution_id: str, items: list[str]) -> None:
    """Give items to the batch that surrounds the call, or to CloudFront. Raise nothing."""
    if (batch := _batch.get()) is not None:
        batch.found.setdefault(distribution_id, []).extend(items)
    # sync_to_async() and asyncio.to_thread() take the block along to threads, which may go on when
    # it ends: in this order, nothing is lost, though something may be sent twice.
    if batch is None or batch.is_ended:
        _deliver(distribution_id, items)


def send(distribution_id: str, items: Iterable[str]) -> None:
    """Send items to CloudFront now: encoded paths, and tags such as ``#album:42``.

    Call this from the function of AWS_CLOUDFRONT_INVALIDATE_WITH. More than CloudFront takes at
    once are several calls.

    Raise :exc:`InvalidationError`, with the items that are left, if CloudFront does not take them.
    It refuses a call with a wrong item as a whole: a path begins with ``/``, has ``*`` at its end
    only, and is encoded; a tag begins with ``#``, and is visible ASCII without a comma.
    """
    # Paths first: wildcards have a separate limit, and must not hold up the others.
    left, most = sorted(dict.fromkeys(items), key=_is_wildcard), MAX_ITEMS
    while left:
        portion = left[: min(most, bisect_left(left, True, key=_is_wildcard) + MAX_WILDCARDS)]
        try:
            create(distribution_id, portion, str(uuid.uuid4()))
        except AwsError as error:
            if error.code != "TooManyInvalidationsInProgress" or len(portion) == 1:
                raise InvalidationError(str(error), left, error.is_temporary) from None
            most = len(portion) // 2  # There may be room for some.
        else:
            left = left[len(portion) :]


def create(distribution_id: str, items: list[str], reference: str) -> None:
    """Create an invalidation. The same reference stands for the same one, however often used."""
    logger.info("Invalidating %d of %s: %s", len(items), distribution_id, " ".join(items[:3]))
    batch = {"Paths": {"Quantity": len(items), "Items": items}, "CallerReference": reference}
    answer = call(
        _client(conf.generation, os.getpid()).create_invalidation,
        f"create an invalidation of {distribution_id}",
        "cloudfront:CreateInvalidation",
        DistributionId=distribution_id,
        InvalidationBatch=batch,
    )
    logger.info("CloudFront accepted invalidation %s", answer["Invalidation"]["Id"])


@lru_cache(maxsize=1)
def _client(generation: object, process_id: int) -> Any:
    """Return the client of this process: to make one takes 0.1 s, for each file of a loop.

    A fork inherits the client of its parent, with an open connection, and makes its own instead.
    """
    return make_client("cloudfront", **conf.aws_access())


def spellings(url: str) -> Iterable[str]:
    """Return the path as url() sends it, and as AWS's rule writes it. Which counts is not known."""
    path = urlsplit(url).path
    # AWS encodes only what is not ASCII, or unsafe by RFC 1738, which includes the tilde.
    by_rule = re.sub("%(24|26|2B|2C|3A|3B|3D|40)", lambda it: unquote(it[0]), path, flags=re.I)
    return dict.fromkeys((path, by_rule.replace("~", "%7E")))


def _is_wildcard(item: str) -> bool:
    return item.endswith("*") and item.startswith("/")


def condensed(items: Iterable[str]) -> list[str]:
    """Return each item once, with one wildcard for a folder instead of many for variants in it.

    "/" is left out: its wildcard would clear the whole distribution.
    """
    by_folder: dict[str, dict[str, None]] = defaultdict(dict)
    for each in items:
        by_folder[each[: each.rfind("/") + 1]][each] = None
    for folder, found in by_folder.items():
        if folder != "/" and sum(each.endswith("?*") for each in found) > _MAX_VARIANTS:
            logger.warning("The folder %s is invalidated instead of variants in it", folder)
            by_folder[folder] = {f"{folder}*": None}
    return [each for found in by_folder.values() for each in found]


def _deliver(distribution_id: str, items: list[str]) -> None:
    """Send the items, or hand them over; log what CloudFront does not get. Raise nothing."""
    if not (left := condensed(items)):
        return  # of files on this machine
    try:
        path = conf.Site.INVALIDATE_WITH.read()
        (import_string(path) if path else send)(distribution_id, left)
    except InvalidationError as error:
        logger.error("%s", unsent(distribution_id, error.left, str(error)))
    except BaseException as error:
        # What ends a worker has frames of boto3, which hold the session token.
        is_ended, why = not isinstance(error, Exception), f"{type(error).__name__} was raised."
        logger.error("%s", unsent(distribution_id, left, why), exc_info=not is_ended)
        if is_ended:
            raise  # Such as that of a server that ends a worker which takes too long.


def unsent(distribution_id: str, items: list[str], why: str) -> str:
    """Return what CloudFront may still serve, why, and the command and lines that change that."""
    return (
        f"CloudFront may still serve {len(items)} deleted or overwritten item(s) of "
        f"{distribution_id}. {why} Run manage.py cfsigned_invalidate --distribution "
        f"{shlex.quote(distribution_id)} --stdin with these lines:\n"
    ) + "\n".join(items)
