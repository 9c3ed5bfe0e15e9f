"""Replace trusted signers and an access identity with the commands of the page."""

from __future__ import annotations

from typing import Any

import pytest

from cfsigned_django.aws.account_reader import read_account
from cfsigned_django.aws.client import Clients
from cfsigned_django.aws.documents.behavior import (
    find_behavior,
    listed,
    trusted_key_groups,
    trusted_signers,
)
from cfsigned_django.aws.documents.distribution import access_control_of, access_identity_of
from cfsigned_django.signing import PrivateKey
from tests.aws.provisioning.accounts import make_grown_account
from tests.pages import DOCS
from tests.setup import commands_of, run_shown

PAGE = DOCS / "moving" / "from-older-aws.md"


@pytest.mark.usefixtures("site_in_aws", "unmigrated")
def test_each_command_does_what_the_page_says(
    clients: Clients, bucket_name: str, settings: Any, rsa_key: PrivateKey
) -> None:
    """Add a key group beside the signers, with the same key; then drop them; then the identity."""
    distribution_id = make_grown_account(clients, bucket_name)
    found = clients.cloudfront.get_distribution_config(Id=distribution_id)
    config = found["DistributionConfig"]
    identity = "origin-access-identity/cloudfront/EH1HDMB1FH2TC"
    config["Origins"]["Items"][1]["S3OriginConfig"] = {"OriginAccessIdentity": identity}
    clients.cloudfront.update_distribution(
        Id=distribution_id, IfMatch=found["ETag"], DistributionConfig=config
    )
    settings.AWS_CLOUDFRONT_DISTRIBUTION_ID = distribution_id
    settings.AWS_CLOUDFRONT_KEY = rsa_key.to_pem()
    settings.AWS_CLOUDFRONT_KEY_ID = "APKAIOSFODNN7EXAMPLE"

    def state() -> tuple[bool, bool, bool, bool]:
        account = read_account(clients, bucket=bucket_name, distribution_id=distribution_id)
        assert account.distribution is not None
        now = account.distribution.config
        behavior, origin = find_behavior(now, "media/*") or {}, listed(now["Origins"])[1]
        return (
            bool(trusted_signers(behavior)),
            bool(trusted_key_groups(behavior)),
            bool(access_identity_of(origin)),
            bool(access_control_of(origin)),
        )

    plan, add, drop, switch = commands_of(PAGE)
    states, printed = [], []
    for line in (plan, add, drop, switch):
        text, code = run_shown(line, bucket=bucket_name, distribution_id=distribution_id)
        printed.append(text)
        states.append((*state(), code))

    assert states == [
        (True, False, True, False, 0),
        (True, True, True, False, 1),
        (False, True, True, False, 0),
        (False, True, False, True, 0),
    ]
    key = read_account(clients, bucket=bucket_name).public_key(rsa_key.public_key.to_pem())
    assert key is not None
    assert key.key_pair_id in printed[1]
