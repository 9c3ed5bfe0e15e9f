"""Set up while others change things, and while CloudFront takes its time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from cfsigned_django.aws.client import Clients
from cfsigned_django.aws.errors import AwsError
from cfsigned_django.aws.provisioning.desired_state import DesiredState
from tests.aws.provisioning.accounts import (
    provisioner,
    reader,
    states,
)
from tests.aws.provisioning.strict import strict
from tests.simulation.answers import refusal


class TestMeanwhile:
    """Others change things, and CloudFront takes its time."""

    def test_waits_for_every_edge(self, clients: Clients, desired: DesiredState) -> None:
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

    def test_waits_no_longer_than_that(self, clients: Clients, desired: DesiredState) -> None:
        """Give up after 45 minutes, and say that a second run goes on."""
        clock = iter(range(0, 10_000_000, 1000))

        with pytest.raises(AwsError, match="run this again") as caught:
            provisioner(
                strict(clients, looks=10_000), desired, monotonic=lambda: float(next(clock))
            ).apply()

        assert caught.value.code == "NotDeployed"
        assert caught.value.is_temporary

    def test_change_of_somebody_else(self, clients: Clients, grown: DesiredState) -> None:
        """Look anew where the distribution was changed between the look and the call."""
        cloudfront = clients.cloudfront
        read = reader(clients, grown)
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

    def test_something_undoes_it(self, clients: Clients, desired: DesiredState) -> None:
        """Give up on a step that never shows any effect."""
        stuck = reader(clients, desired)()

        with pytest.raises(AwsError, match="shows no change"):
            provisioner(clients, desired, read=lambda: stuck).apply()

    @pytest.mark.parametrize(
        ("code", "said"),
        [
            ("AccessDenied", "do not allow s3:PutBucketPolicy"),
            ("Throttling", "fewer calls per second"),
            ("AuthorizationHeaderMalformed", "AWS_S3_REGION_NAME"),
        ],
    )
    def test_refused_in_the_middle(
        self, clients: Clients, desired: DesiredState, code: str, said: str
    ) -> None:
        """Say in one sentence what AWS refused; the next run goes on from there."""

        def refuse(**event: Any) -> None:
            raise refusal(code, "PutBucketPolicy")

        events = clients.s3.meta.events
        events.register("provide-client-params.s3.PutBucketPolicy", refuse)
        with pytest.raises(AwsError, match=said):
            provisioner(clients, desired).apply()
        events.unregister("provide-client-params.s3.PutBucketPolicy", refuse)

        assert set(states(provisioner(clients, desired).apply()).values()) == {"done"}

    def test_made_by_somebody_else(self, clients: Clients, desired: DesiredState) -> None:
        """Take over what another run has made in the same second."""
        read = reader(clients, desired)
        stale: list[Any] = [read()] * 2

        def read_late() -> Any:
            return stale.pop() if stale else read()

        provisioner(clients, desired, read=read_late).apply()

        listed = clients.cloudfront.list_key_groups()["KeyGroupList"]["Items"]
        assert len(listed) == 1

    def test_bucket_that_was_taken_meanwhile(
        self, clients: Clients, desired: DesiredState, ministack: Any
    ) -> None:
        """Say that the name is somebody else's."""
        read = reader(clients, desired)
        taken: Callable[..., Any] = ministack.client("s3", account="999999999998").create_bucket

        def read_before() -> Any:
            return replace(read(), bucket=missing)

        missing = read().bucket
        taken(Bucket=desired.bucket)

        with pytest.raises(AwsError, match="another AWS account has a bucket of that name"):
            provisioner(clients, desired, read=read_before).apply()
