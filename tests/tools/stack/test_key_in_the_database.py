"""Deploy the stack of a site that keeps its key in the database, or in its settings.

Modules: management/commands/cfsigned_setup.py, tools/setup/site_stack.py
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.signing import PrivateKey
from tests.tools.stack.conftest import Aws
from tests.tools.stack.running import APPLY, errors, report, run
from tests.tools.stack.test_command import counts, parameters

pytestmark = pytest.mark.django_db(transaction=True)


def test_waits_for_its_turn(aws: Aws, settings: Any, tmp_path: Path) -> None:
    """Leave the key TRUSTED until CloudFront has known it for long enough, then let it sign."""
    planned = report()
    nothing = KeyPair.objects.count()
    done = report(*APPLY, code=75)
    row = KeyPair.objects.get()
    again = report("--check")
    settings.AWS_CLOUDFRONT_KEY_GROUP_ID = row.key_group_id
    KeyPair.objects.update(verified_since=datetime(2026, 1, 1, tzinfo=UTC))
    signing = report(*APPLY)

    assert nothing == 0
    assert planned["key_group"] == {"id": None, "has_key": False}
    assert (row.status, errors(done)) == (KeyStatus.TRUSTED, [])
    assert row.key_group_id == parameters(aws)["KeyGroupId"]
    assert not {"AWS_CLOUDFRONT_KEY", "AWS_CLOUDFRONT_KEY_ID"} & set(done["settings"])
    assert again["changes"] == []
    assert errors(signing) == []
    assert KeyPair.objects.get().status == KeyStatus.ACTIVE
    assert counts(aws) == (1, 1, 1)
    assert list(tmp_path.iterdir()) == []


def test_key_of_the_settings(aws: Aws, settings: Any, ec_key: PrivateKey) -> None:
    """Take the key of the settings, and make no other."""
    settings.AWS_CLOUDFRONT_KEY = ec_key.to_pem().decode()

    done = report(*APPLY)

    assert KeyPair.objects.count() == 0
    assert done["settings"]["AWS_CLOUDFRONT_KEY_ID"].startswith("K")
    assert errors(done) == []


def test_full_key_group(aws: Aws, settings: Any) -> None:
    """Say that the key group is full before anything is planned, as a rotation does."""
    cloudfront = aws.clients.cloudfront
    ids = []
    for number in range(5):
        pem = PrivateKey.generate().public_key.to_pem()
        config = {"CallerReference": f"n{number}", "Name": f"n{number}", "EncodedKey": pem}
        ids.append(cloudfront.create_public_key(PublicKeyConfig=config)["PublicKey"]["Id"])
    group = cloudfront.create_key_group(KeyGroupConfig={"Name": "full", "Items": ids})
    group_id = group["KeyGroup"]["Id"]

    said = run("--key-group", group_id, *APPLY, code=1)

    assert "as many as its quota allows" in said
    assert KeyPair.objects.count() == 0
    assert aws.cloudformation.describe_stacks()["Stacks"] == []


def test_named_key_group(aws: Aws) -> None:
    """Add the key to the group that is named, beside the keys of others."""
    cloudfront = aws.clients.cloudfront
    pem = PrivateKey.generate().public_key.to_pem()
    config = {"CallerReference": "other", "Name": "other", "EncodedKey": pem}
    other = cloudfront.create_public_key(PublicKeyConfig=config)["PublicKey"]["Id"]
    group = cloudfront.create_key_group(KeyGroupConfig={"Name": "shared", "Items": [other]})
    group_id = group["KeyGroup"]["Id"]

    report("--key-group", group_id, *APPLY, code=75)

    items = cloudfront.get_key_group(Id=group_id)["KeyGroup"]["KeyGroupConfig"]["Items"]
    assert items[0] == other
    assert len(items) == 2
    assert parameters(aws)["KeyGroupId"] == group_id
