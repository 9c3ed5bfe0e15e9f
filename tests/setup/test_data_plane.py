"""See in the emulator's data plane that an access control opens a file, and nothing else does."""

from __future__ import annotations

import json

import pytest

from cfsigned_django.aws.client import Clients
from cfsigned_django.aws.provisioning.desired_state import DesiredState
from cfsigned_django.signing import PrivateKey
from tests.aws.provisioning.accounts import (
    clients_of,
    planned,
    provisioner,
    reader,
    site_key,
    states,
)
from tests.ministack_server import Ministack
from tests.setup.viewers import data_plane

#: The data plane looks for buckets in this account.
ACCOUNT = "000000000000"


@pytest.fixture
def clients(ministack: Ministack) -> Clients:
    """Return the clients of the account whose files the data plane serves."""
    return clients_of(ministack, ACCOUNT)


def test_access_control_opens_and_its_removal_closes(
    clients: Clients, bucket_name: str, ec_key: PrivateKey
) -> None:
    """Serve the file with statement and access control together, and with neither alone."""
    desired = DesiredState(bucket=bucket_name, creates_distribution=True, key=site_key(ec_key))
    provisioner(clients, desired).apply()
    clients.s3.put_object(Bucket=bucket_name, Key="a.txt", Body=b"private")
    account = reader(clients, desired)()
    assert account.distribution is not None
    viewer = data_plane(clients, account)

    opened = viewer.get("/a.txt")
    clients.s3.delete_bucket_policy(Bucket=bucket_name)
    without_statement = viewer.get("/a.txt")
    provisioner(clients, desired).apply()
    opened_again = viewer.get("/a.txt")
    config = account.distribution.config
    config["Origins"]["Items"][0]["OriginAccessControlId"] = ""
    clients.cloudfront.update_distribution(
        Id=account.distribution.id, IfMatch=account.distribution.etag, DistributionConfig=config
    )
    without_control = viewer.get("/a.txt")
    planned_then = states(planned(clients, desired))

    assert opened == opened_again == (200, b"private")
    assert without_statement[0] == without_control[0] == 403
    assert planned_then["origin"] == "todo"


def test_statement_of_another_distribution_opens_nothing(
    clients: Clients, bucket_name: str, ec_key: PrivateKey
) -> None:
    """Let one distribution read, and no other one of the account."""
    desired = DesiredState(bucket=bucket_name, creates_distribution=True, key=site_key(ec_key))
    provisioner(clients, desired).apply()
    clients.s3.put_object(Bucket=bucket_name, Key="a.txt", Body=b"private")
    policy = json.loads(clients.s3.get_bucket_policy(Bucket=bucket_name)["Policy"])
    policy["Statement"][0]["Condition"]["StringEquals"]["AWS:SourceArn"] += "X"
    clients.s3.put_bucket_policy(Bucket=bucket_name, Policy=json.dumps(policy))

    status, _ = data_plane(clients, reader(clients, desired)()).get("/a.txt")

    assert status == 403
