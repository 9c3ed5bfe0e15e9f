"""Measure saving and deleting files with and without invalidation: requests, and time.

S3 and CloudFront are in memory, so that the time is that of the process: a request to AWS takes as
long as the network does besides.
"""

from __future__ import annotations

import logging
import statistics
import time
import tracemalloc
from typing import Any

from django.core.files.base import ContentFile
from django.test import override_settings

from benchmarks.sites import RSA, ours
from cfsigned_django.invalidation import invalidate, invalidation_batch
from tests.invalidations import DISTRIBUTION, Aws, aws_in_memory

WITHOUT = "without"
EVENTS = {WITHOUT: (), "delete": ("delete",), "overwrite and delete": ("overwrite", "delete")}
STEPS = ("a new name", "overwritten", "deleted")


def measure(*, rounds: int) -> dict[str, dict[str, tuple[int, float]]]:
    """Return the requests and milliseconds of each step: events -> step -> both."""
    found: dict[str, dict[str, tuple[int, float]]] = {}
    access = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
    with override_settings(**access), aws_in_memory() as aws:
        for title, events in EVENTS.items():
            storage = ours(RSA, invalidate_on=events, distribution_id=DISTRIBUTION)
            _steps(storage, aws)  # the clients are made
            all_rounds = [_steps(storage, aws) for _ in range(rounds)]
            found[title] = {
                step: (each[0][0], statistics.median(spent for _, spent in each))
                for step, each in zip(STEPS, zip(*all_rounds, strict=True), strict=True)
            }
    return found


def _steps(storage: Any, aws: Aws) -> list[tuple[int, float]]:
    """Save a file, overwrite and delete it; return the requests and milliseconds of each."""
    done = []
    for step in STEPS:
        aws.requests.clear()
        began = time.process_time()
        if step == "deleted":
            storage.delete("a.jpg")
        else:
            storage.save("a.jpg", ContentFile(b"x"))
        done.append((len(aws.requests), (time.process_time() - began) * 1000))
        aws.cloudfront.accepted.clear()
    return done


def measure_batch(*, files: int) -> dict[str, float]:
    """Delete many files in one batch; return seconds, calls, what was accepted, and megabytes."""
    access = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
    with override_settings(**access), aws_in_memory() as aws:
        storage: Any = ours(RSA, invalidate_on=["delete"], distribution_id=DISTRIBUTION)
        storage.delete("first.jpg")
        aws.cloudfront.accepted.clear()
        logging.getLogger("cfsigned_django.invalidation").disabled = True  # 7,000 lines
        tracemalloc.start()
        batch = invalidation_batch()
        batch.__enter__()
        for number in range(files):
            invalidate(f"albums/2026/사진-{number}.jpg", storage=storage)
        began = time.process_time()
        batch.__exit__(None, None, None)
        spent, (_, peak) = time.process_time() - began, tracemalloc.get_traced_memory()
        tracemalloc.stop()
        logging.getLogger("cfsigned_django.invalidation").disabled = False
        calls, accepted = len(aws.cloudfront.answers) - 1, len(aws.cloudfront.items)
    return {"seconds": spent, "calls": calls, "accepted": accepted, "MB": peak / 1e6}
