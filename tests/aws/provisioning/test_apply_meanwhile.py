"""Set up while others change things, and while CloudFront takes its time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cfsigned_django.aws.client import Clients
from cfsigned_django.aws.errors import AwsError
from cfsigned_django.aws.provisioning.desired_state import DesiredState
from tests.aws.provisioning.accounts import provisioner, reader, states
from tests.aws.provisioning.strict import strict
from tests.simulation.answers import refusal


def test_waits_for_every_edge(clients: Clients, desired: DesiredState) -> None:
    """Look until the status is Deployed, and tell how long it has been."""
    waited: list[int] = []
    clock = iter(range(0, 10_000, 15))

    after = provisioner(
        strict(clients, looks=6),
        desired,
        on_wait=waited.append,
        monotonic=lambda: float(next(clock)),
    ).apply()

    assert states(after)["deployed"] == "done"
    assert len(waited) > 1
    assert waited == sorted(waited)


def test_waits_no_longer_than_that(clients: Clients, desired: DesiredState) -> None:
    """Give up after 45 minutes, with an error that a second run may get over."""
    clock = iter(range(0, 10_000_000, 1000))

    with pytest.raises(AwsError) as caught:
        provisioner(
            strict(clients, looks=10_000), desired, monotonic=lambda: float(next(clock))
        ).apply()

    assert (caught.value.code, caught.value.is_temporary) == ("NotDeployed", True)


def test_change_of_somebody_else(clients: Clients, grown: DesiredState) -> None:
    """Look anew if the distribution was changed between the look and the call."""
    cloudfront, read = clients.cloudfront, reader(clients, grown)
    looks = 0

    def read_and_be_late() -> Any:
        nonlocal looks
        account = read()
        looks += 1
        if looks < 8:
            answer = cloudfront.get_distribution_config(Id=grown.distribution_id)
            config = {**answer["DistributionConfig"], "Comment": f"change {looks}"}
            cloudfront.update_distribution(
                Id=grown.distribution_id, IfMatch=answer["ETag"], DistributionConfig=config
            )
        return account

    after = provisioner(clients, grown, read=read_and_be_late).apply()

    config = cloudfront.get_distribution_config(Id=grown.distribution_id)
    assert states(after)["behavior"] == "done"
    assert config["DistributionConfig"]["Comment"] == "change 7"


def test_something_undoes_it(clients: Clients, desired: DesiredState) -> None:
    """Give up on a step that never shows any effect."""
    stuck = reader(clients, desired)()

    with pytest.raises(AwsError) as caught:
        provisioner(clients, desired, read=lambda: stuck).apply()

    assert caught.value.code == "NoEffect"


def test_refused_in_the_middle(clients: Clients, desired: DesiredState) -> None:
    """Name the permission that AWS asks for; the next run goes on from there."""

    def refuse(**event: Any) -> None:
        raise refusal("AccessDenied", "PutBucketPolicy")

    events = clients.s3.meta.events
    events.register("provide-client-params.s3.PutBucketPolicy", refuse)
    with pytest.raises(AwsError) as caught:
        provisioner(clients, desired).apply()
    events.unregister("provide-client-params.s3.PutBucketPolicy", refuse)

    assert (caught.value.code, caught.value.permission) == ("AccessDenied", "s3:PutBucketPolicy")
    assert set(states(provisioner(clients, desired).apply()).values()) == {"done"}


def test_made_by_somebody_else(clients: Clients, desired: DesiredState) -> None:
    """Take over what another run has made in the same second."""
    read = reader(clients, desired)
    stale: list[Any] = [read()] * 2

    provisioner(clients, desired, read=lambda: stale.pop() if stale else read()).apply()

    assert len(clients.cloudfront.list_key_groups()["KeyGroupList"]["Items"]) == 1


def test_bucket_that_was_taken_meanwhile(
    clients: Clients, desired: DesiredState, ministack: Any
) -> None:
    """Raise if the name of the bucket is somebody else's by now."""
    read = reader(clients, desired)
    missing = read().bucket
    ministack.client("s3", account="999999999998").create_bucket(Bucket=desired.bucket)

    with pytest.raises(AwsError) as caught:
        provisioner(clients, desired, read=lambda: replace(read(), bucket=missing)).apply()

    assert caught.value.code == "BucketAlreadyExists"
