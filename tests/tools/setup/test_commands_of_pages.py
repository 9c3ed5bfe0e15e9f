"""Move a site that is running, or was set up in older ways, with the commands of the pages.

Modules: management/commands/cfsigned_setup.py
"""

from __future__ import annotations

import json
import re
import shlex
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import storages
from django.core.management import call_command

from cfsigned_django.aws.client import Clients
from cfsigned_django.management.commands import cfsigned_setup
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.signing import PrivateKey
from cfsigned_django.tools.account.documents.behavior import (
    find_behavior,
    listed,
    trusted_key_groups,
    trusted_signers,
)
from cfsigned_django.tools.account.documents.distribution_config import (
    access_control_of,
    access_identity_of,
    new_behavior,
    new_distribution_config,
    new_origin,
)
from cfsigned_django.tools.account.reader import read_account
from tests.pages import DOCS, read_commands, table
from tests.storage_cases import S3_BACKEND
from tests.tools.account.state.accounts import make_grown_account

OLDER_AWS = DOCS / "moving" / "from-older-aws.md"
RUNNING_SITE = DOCS / "aws" / "running-site.md"
#: What the table of the page calls an answer.
ANSWERS = {
    "opens": (200, ""),
    "MissingKey": (403, "MissingKey"),
    "Access Denied": (403, "AccessDenied"),
}


def commands_of(page: Path) -> list[str]:
    """Return the arguments of each call of the command that a page shows, in their order."""
    return re.findall(
        r"^ *\$ python manage\.py cfsigned_setup (.*)$", read_commands(page), re.MULTILINE
    )


def run_shown(line: str, *, bucket: str, distribution_id: str) -> tuple[str, int]:
    """Run a command of a page in this account; return what a person sees, and the exit code."""
    shown = line.replace("media-example", bucket).replace("E1A2B3C4D5E6F7", distribution_id)
    output, code = StringIO(), 0
    arguments = [*shlex.split(shown), "--yes"]
    try:
        call_command("cfsigned_setup", *arguments, stdout=output, stderr=output)
    except SystemExit as end:
        code = int(end.code or 0)
    return output.getvalue(), code


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

    plan, add, drop, switch = commands_of(OLDER_AWS)
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
    assert all(each in printed[1] for each in (key.key_pair_id, "--drop-trusted-signers"))


def make_public_site(clients: Clients, bucket: str) -> tuple[str, str]:
    """Make a public bucket behind an open distribution; return its ID and its domain name."""
    statement = {
        "Sid": "PublicRead",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    clients.s3.create_bucket(Bucket=bucket)
    clients.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    clients.s3.put_object(Bucket=bucket, Key="media/albums/42/001.jpg", Body=b"a picture")
    config: Any = new_distribution_config(
        bucket, new_origin(bucket, "us-east-1", origin_id="bucket"), new_behavior("bucket")
    )
    found = clients.cloudfront.create_distribution(DistributionConfig=config)["Distribution"]
    return found["Id"], found["DomainName"]


def commands_for(location: str) -> list[str]:
    """Return the commands of the page, as it says for files in a location; "" is the whole site."""
    shown = commands_of(RUNNING_SITE)
    if location:
        return shown
    return [
        each.replace("media/.cfsigned", ".cfsigned").replace("--path-pattern 'media/*'", "")
        for each in shown
    ]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("site_in_aws")
@pytest.mark.parametrize("location", ["media", ""])
def test_no_step_breaks_a_page(
    location: str, clients: Clients, bucket_name: str, settings: Any
) -> None:
    """After each step of the page, viewers see what its table says."""
    distribution_id, host = make_public_site(clients, bucket_name)
    settings.AWS_CLOUDFRONT_DISTRIBUTION_ID = distribution_id
    ids = {"bucket": bucket_name, "distribution_id": distribution_id}
    try_it, sign, restrict, close = commands_for(location)
    path = "media/albums/42/001.jpg"
    unsigned = f"https://{host}/{path}"
    of_s3 = f"{clients.s3.meta.endpoint_url}/{bucket_name}/{path}"

    def seen(*urls: str) -> list[tuple[int, str]]:
        answers = [cfsigned_setup.Command.fetch(url, {}) for url in urls]
        return [(each.status, each.code) for each in answers]

    printed, _ = run_shown(try_it, **ids)
    after = [seen(unsigned, of_s3)]
    KeyPair.objects.update(verified_since=datetime(2026, 1, 1, tzinfo=UTC))
    run_shown(sign, **ids)
    after.append(seen(unsigned, of_s3))
    settings.AWS_CLOUDFRONT_KEY_GROUP_ID = KeyPair.objects.get().key_group_id
    settings.AWS_S3_CUSTOM_DOMAIN, settings.AWS_LOCATION = host, location
    settings.STORAGES = {"default": {"BACKEND": S3_BACKEND}}
    signed = storages["default"].url(path.removeprefix(f"{location}/"))
    after.append(seen(unsigned, signed, of_s3))
    for step in (restrict, close):
        run_shown(step, **ids)
        after.append(seen(unsigned, signed, of_s3))

    assert "PublicRead" in printed
    assert after == [
        [ANSWERS[each] for each in row[1:] if each in ANSWERS]
        for row in table(RUNNING_SITE, "Step")
    ]
