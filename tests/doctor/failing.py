"""Let calls to AWS fail that the doctor makes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from cfsigned_django.aws.client import Clients
from cfsigned_django.doctor.findings import Finding
from tests.doctor import ids
from tests.doctor.world import World
from tests.simulation.answers import refusal

LIVE = {"unsigned-refused", "signed-served", "tampered-refused", "expired-refused", "s3-private"}


class Failing:
    """A boto3 client of which some calls, or all, fail."""

    def __init__(self, client: Any, error: Callable[[str], Exception], *calls: str) -> None:
        self._client = client
        self._error = error
        self._calls = calls

    def __getattr__(self, name: str) -> Any:
        if self._calls and name not in self._calls:
            return getattr(self._client, name)

        def fail(**arguments: Any) -> None:
            raise self._error(name)

        return fail


def denied(name: str) -> ClientError:
    """Return the refusal of a call that the credentials do not allow."""
    return refusal("AccessDenied", name, "not authorized to perform this")


def fail(world: World, error: Callable[[str], Exception]) -> None:
    """Let every call to AWS fail; CloudFront and S3 still answer viewers."""
    broken = replace(
        world.clients,
        cloudfront=Failing(world.clients.cloudfront, error),
        s3=Failing(world.clients.s3, error),
        sts=Failing(world.clients.sts, error),
    )
    examine_with(world, broken)


def examine_with(world: World, clients: Clients) -> None:
    """Let the doctor, and not the edge, have these clients."""
    world.doctor_clients = clients


def check_rest(found: list[Finding]) -> None:
    """See that the other parts were looked at."""
    assert {"settings", "signing-key", "clock", *LIVE} <= {*ids(found)}
