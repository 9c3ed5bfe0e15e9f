"""Compare what is called with the policies that --iam prints: nothing less, nothing more.

Modules: tools/account/documents/iam.py
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from io import BytesIO, StringIO
from typing import Any
from unittest import mock

import pytest
from botocore.client import BaseClient
from django.core.files.base import ContentFile, File
from django.core.management import CommandError, call_command

from cfsigned_django.aws.client import Clients
from cfsigned_django.aws.key_groups import KeyGroups
from cfsigned_django.management.commands import cfsigned_doctor
from cfsigned_django.signing import PrivateKey
from cfsigned_django.storage import CloudFrontS3Storage
from cfsigned_django.tools.account.state.wanted import OriginAccess, SiteKey, Wanted
from demo_project.rules import DistributionReader
from tests.storage_cases import S3_BACKEND, settings_for
from tests.tools.account.state.accounts import make_grown_account, make_key_group, planned
from tests.tools.account.state.strict import strict
from tests.tools.setup import APPLY, PAGE, failing_report, run
from tests.tools.setup.viewers import nobody_answers

# The edge that would be asked reads the API, too.
pytestmark = pytest.mark.usefixtures("unmigrated", "unanswered")

#: Operations of S3 whose IAM action has another name (Service Authorization Reference).
ACTIONS = {
    "s3:HeadBucket": "s3:ListBucket",
    "s3:ListObjects": "s3:ListBucket",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:GetBucketCors": "s3:GetBucketCORS",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3:PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
    "s3:PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:PutBucketCors": "s3:PutBucketCORS",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3:CreateMultipartUpload": "s3:PutObject",
    "s3:UploadPart": "s3:PutObject",
}


@contextmanager
def recorded() -> Iterator[set[str]]:
    """Record the IAM action of every call of boto3."""
    called: set[str] = set()
    original: Callable[..., Any] = BaseClient._make_api_call  # type: ignore[attr-defined]

    def note(client: Any, name: str, arguments: Any) -> Any:
        operation = f"{client.meta.service_model.signing_name}:{name}"
        called.add(ACTIONS.get(operation, operation))
        return original(client, name, arguments)

    with mock.patch.object(BaseClient, "_make_api_call", note):
        yield called


def allowed(job: str) -> set[str]:
    """Return what the policy of a job allows."""
    statements = json.loads(run("--iam"))[job]["Statement"]
    return {action for each in statements for action in each["Action"]}


def identity_calls(clients: Clients, desired: Wanted) -> set[str]:
    """Return what a plan with an access identity calls: the emulator has none."""
    steps = planned(strict(clients), replace(desired, origin_access=OriginAccess.OAI))
    return {each.call.permission for each in steps if each.call}


def test_setup(clients: Clients, bucket_name: str, settings: Any, ec_key: PrivateKey) -> None:
    """Allow a setup exactly what it calls, for a new account and for a grown one."""
    with recorded() as called:
        run(*APPLY, "--downloads", "--cors-origin", PAGE)
    settings.AWS_STORAGE_BUCKET_NAME = grown = f"grown-{bucket_name}"
    distribution_id = make_grown_account(clients, grown)
    settings.AWS_CLOUDFRONT_KEY_GROUP_ID, _ = make_key_group(clients, f"of-{bucket_name}")
    desired = Wanted(
        bucket=f"new-{bucket_name}",
        creates_distribution=True,
        key=SiteKey.from_public_key(ec_key.public_key),
    )
    with recorded() as of_the_grown_one:
        options = ("--distribution", distribution_id, "--path-pattern", "media/*")
        failing_report(*options, "--cors-origin", PAGE, "--apply", "--yes")
        with suppress(CommandError):
            run(*options, "--origin-access", "oai")
    called |= of_the_grown_one | identity_calls(clients, desired)

    # CreateBucket needs this one as well (API reference).
    assert called | {"s3:PutBucketOwnershipControls"} == allowed("setup")


def test_setup_with_uploads_and_a_key(clients: Clients) -> None:
    """Allow what uploads from the browser and a KMS key need only if they are asked for.

    For the key, allow it for that key alone.
    """
    key = clients.kms("us-east-1").create_key()["KeyMetadata"]["Arn"]
    uploads, of_key = ("--upload-origin", PAGE, "--upload-prefix", "tmp"), ("--kms-key", key)
    with recorded() as called:
        run(*APPLY, *uploads, *of_key)

    for_uploads, for_key = json.loads(run("--iam", *uploads)), json.loads(run("--iam", *of_key))
    by_uploads, by_key = (
        {
            job: {action for each in policy["Statement"] for action in each["Action"]}
            - allowed(job)
            for job, policy in jobs.items()
        }
        for jobs in (for_uploads, for_key)
    )
    assert by_uploads["setup"] | by_key["setup"] == called - allowed("setup")
    assert by_uploads == {
        "setup": {"s3:GetLifecycleConfiguration", "s3:PutLifecycleConfiguration"},
        "look": {"s3:GetLifecycleConfiguration"},
        "rotation": set(),
        "site": set(),
    }
    on_key = {
        job: set(each["Action"])
        for job, policy in for_key.items()
        for each in policy["Statement"]
        if each["Resource"] == key
    }
    assert by_key["setup"] - on_key["setup"] == {"s3:PutEncryptionConfiguration"}
    assert on_key == {
        "setup": {each for each in called if each.startswith("kms:")},
        "look": on_key["setup"] - {"kms:PutKeyPolicy"},
        "site": {"kms:Decrypt", "kms:GenerateDataKey"},
    }


def test_look(clients: Clients, bucket_name: str, set_up_site: Any, db: None) -> None:
    """Allow the plan, the doctor and the local edge exactly what they call."""
    # The grown account has managed policies: each is read by itself.
    grown = make_grown_account(clients, bucket_name)
    set_up_site.STORAGES = {"default": {"BACKEND": S3_BACKEND}}

    with recorded() as called, mock.patch.object(cfsigned_doctor, "fetch", nobody_answers):
        run("--create", "--cors-origin", PAGE)
        run("--bucket", bucket_name, "--distribution", grown, "--path-pattern", "media/*")
        with suppress(CommandError):
            run("--create", "--origin-access", "oai")
        for arguments in ([], ["--explain", "https://media.example.com/a?Expires=1"]):
            with pytest.raises(SystemExit):
                call_command("cfsigned_doctor", *arguments, stdout=StringIO())
        DistributionReader(clients.cloudfront, set_up_site.AWS_CLOUDFRONT_DISTRIBUTION_ID).read()
        del set_up_site.AWS_CLOUDFRONT_DISTRIBUTION_ID
        with pytest.raises(SystemExit):
            call_command("cfsigned_doctor", stdout=StringIO())

    assert called == allowed("look")


def test_rotation(clients: Clients, bucket_name: str) -> None:
    """Allow a rotation exactly what it calls to bring one key in, and to take one out."""
    group, first = make_key_group(clients, bucket_name)
    api, name = KeyGroups(clients.cloudfront), f"next {bucket_name}"
    pem = PrivateKey.generate().public_key.to_pem()

    with recorded() as called:
        added = api.ensure_public_key(caller_reference=name, name=name, public_key_pem=pem)
        api.add(group, added)
        assert added in api.members(group)
        api.remove(group, first)
        api.delete_public_key(first)

    assert called == allowed("rotation")


class Torn(BytesIO):
    """A file of which the second part cannot be read any more."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Return the first part, and fail then."""
        if self.tell():
            raise OSError("the disk is gone")
        return super().read(size)


def test_site(clients: Clients, bucket_name: str, settings: Any, ec_key: PrivateKey) -> None:
    """Allow the site exactly what its storage calls to keep files, and to clean up half of one."""
    for name, value in settings_for(ec_key, AWS_STORAGE_BUCKET_NAME=bucket_name).items():
        setattr(settings, name, value)
    clients.s3.create_bucket(Bucket=bucket_name)
    storage: Any = CloudFrontS3Storage()

    with recorded() as called:
        name = storage.save("a.txt", ContentFile(b"private"))
        assert storage.exists(name)
        assert storage.size(name) == 7
        with storage.open(name) as file:
            assert file.read() == b"private"
        assert storage.listdir("")[1] == [name]
        storage.url(name)
        storage.delete(name)
        with pytest.raises(OSError, match="the disk is gone"):
            storage.save("b.bin", File(Torn(bytes(9 * 2**20))))

    assert called == allowed("site")
