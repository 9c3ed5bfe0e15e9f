"""Give each test a site whose boto3 is configured for the emulator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from cfsigned_django.aws.client import Clients, make_clients
from cfsigned_django.management.commands import cfsigned_setup
from cfsigned_django.signing import PrivateKey
from cfsigned_django.tools.account.account import Account, Bucket, BucketState
from cfsigned_django.tools.account.state.wanted import SiteKey, Wanted
from cfsigned_django.tools.setup.site_setup import SiteSetup
from tests.ministack_server import MinistackHere
from tests.plugins_aws import (
    aws_account as aws_account,
    bucket_name as bucket_name,
    hide_aws_configuration,
    ministack as ministack,
    no_aws_configuration as no_aws_configuration,
)
from tests.tools.account.state.accounts import provisioner, reader
from tests.tools.setup import PAGE
from tests.tools.setup.viewers import ACCOUNT, configure, nobody_answers


@pytest.fixture(scope="session")
def shared_clients(emulator: MinistackHere) -> Clients:
    """Return the clients of one account, for all tests: they are slow to make."""
    with pytest.MonkeyPatch.context() as patch:
        hide_aws_configuration(patch)
        return emulator.remembering(ACCOUNT)


@pytest.fixture
def clients(ministack: MinistackHere, shared_clients: Clients) -> Clients:
    """Return the clients of the account whose files the data plane serves; it is empty."""
    return shared_clients


@pytest.fixture
def nothing_shared(site_in_aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command make clients from boto3's configuration."""
    monkeypatch.setattr(cfsigned_setup, "make_clients", make_clients)


@pytest.fixture
def site_in_aws(
    ministack: MinistackHere,
    clients: Clients,
    bucket_name: str,
    settings: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    no_aws_configuration: None,
) -> None:
    """Configure boto3 for the emulator, and send the requests of the proof to the edge."""
    configure(ministack, clients, settings, monkeypatch)
    monkeypatch.setattr(cfsigned_setup, "make_clients", lambda **given: clients)
    monkeypatch.chdir(tmp_path)
    settings.AWS_STORAGE_BUCKET_NAME = bucket_name


@pytest.fixture(scope="session")
def prepared_site(
    emulator: MinistackHere, shared_clients: Clients, rsa_key: PrivateKey
) -> tuple[bytes, dict[str, str]]:
    """Set up a site whose key is in the settings; return the state of AWS, and these settings."""
    emulator.empty()
    desired = Wanted(
        bucket="media-set-up",
        creates_distribution=True,
        cors_origins=(PAGE,),
        key=SiteKey.from_public_key(rsa_key.public_key),
    )
    provisioner(shared_clients, desired).apply()
    account = reader(shared_clients, desired)()
    assert account.distribution is not None
    [(group, (key_pair_id,))] = [
        (each.id, each.key_pair_ids)
        for each in account.key_groups or ()
        if each.name.endswith(desired.bucket)
    ]
    return emulator.state(), {
        "AWS_STORAGE_BUCKET_NAME": desired.bucket,
        "AWS_S3_CUSTOM_DOMAIN": account.distribution.domain_name,
        "AWS_CLOUDFRONT_DISTRIBUTION_ID": account.distribution.id,
        "AWS_CLOUDFRONT_KEY": rsa_key.to_pem().decode(),
        "AWS_CLOUDFRONT_KEY_ID": key_pair_id,
        "AWS_CLOUDFRONT_KEY_GROUP_ID": group,
    }


@pytest.fixture
def set_up_site(
    prepared_site: tuple[bytes, dict[str, str]],
    ministack: MinistackHere,
    site_in_aws: None,
    settings: Any,
) -> Any:
    """Return the settings of a site that is set up, and whose RSA key is in the settings."""
    state, own = prepared_site
    ministack.restore(state)
    for name, value in own.items():
        setattr(settings, name, value)
    return settings


@pytest.fixture
def key_of_nobody(set_up_site: Any) -> str:
    """Take the key from the settings of a site that is set up; return its id in the key group."""
    key_pair_id: str = set_up_site.AWS_CLOUDFRONT_KEY_ID
    for name in ("AWS_CLOUDFRONT_KEY", "AWS_CLOUDFRONT_KEY_ID", "AWS_CLOUDFRONT_KEY_GROUP_ID"):
        delattr(set_up_site, name)
    return key_pair_id


@pytest.fixture
def unanswered(site_in_aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the requests of the proof without an answer."""
    monkeypatch.setattr(cfsigned_setup.Command, "fetch", staticmethod(nobody_answers))


@pytest.fixture
def unmigrated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the table of key pairs in the database."""
    monkeypatch.setattr(connection.introspection, "table_names", list)


@pytest.fixture
def empty_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the account empty, without a call."""

    def read(setup: SiteSetup) -> Account:
        bucket = Bucket(name=setup.desired.bucket, state=BucketState.MISSING)
        return Account(account_id=ACCOUNT, bucket=bucket)

    monkeypatch.setattr(SiteSetup, "read", read)
