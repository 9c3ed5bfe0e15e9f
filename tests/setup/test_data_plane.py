"""See in the emulator's data plane that an access control opens a file, and nothing else does."""

from __future__ import annotations

import json

from cfsigned_django.aws.client import Clients
from cfsigned_django.aws.provisioning.desired_state import DesiredState
from cfsigned_django.signing import PrivateKey
from tests.aws.provisioning.accounts import planned, provisioner, reader, site_key, states
from tests.setup.viewers import data_plane


def test_file_is_served_through_its_own_access_control_only(
    data_plane_clients: Clients, bucket_name: str, ec_key: PrivateKey
) -> None:
    """Serve a file with statement and access control of this distribution, not with one alone."""
    clients = data_plane_clients
    desired = DesiredState(bucket=bucket_name, creates_distribution=True, key=site_key(ec_key))
    provisioner(clients, desired).apply()
    clients.s3.put_object(Bucket=bucket_name, Key="a.txt", Body=b"private")
    account = reader(clients, desired)()
    assert account.distribution is not None
    viewer = data_plane(clients, account)

    opened = viewer.get("/a.txt")
    policy = json.loads(clients.s3.get_bucket_policy(Bucket=bucket_name)["Policy"])
    policy["Statement"][0]["Condition"]["StringEquals"]["AWS:SourceArn"] += "X"
    clients.s3.put_bucket_policy(Bucket=bucket_name, Policy=json.dumps(policy))
    of_another_distribution = viewer.get("/a.txt")
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

    assert opened == opened_again == (200, b"private")
    assert {of_another_distribution[0], without_statement[0], without_control[0]} == {403}
    assert states(planned(clients, desired))["origin"] == "todo"
