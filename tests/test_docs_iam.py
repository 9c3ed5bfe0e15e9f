"""The IAM policies of the docs: each suffices for its job on the emulator, and allows no more.

The emulator refuses what no policy of a user allows, but makes the resources of a stack itself:
what CloudFormation needs for them are the permissions of the handlers in AWS's own schemas, which
cfn-lint brings along (1.58.0: those of November 2026). What a newer schema adds, and this module
neither needs nor leaves out, fails here. The policy of a rotation is what its commands call:
test_docs_rotation.py.
"""

from __future__ import annotations

import functools
import io
import json
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from importlib import resources
from io import BytesIO
from typing import Any, TypeAlias
from unittest import mock

import pytest
import yaml
from boto3.s3.transfer import TransferConfig
from botocore.client import BaseClient
from botocore.exceptions import ClientError, ReadTimeoutError
from cfnlint.data import AdditionalSpecs
from django.core.files.base import ContentFile, File
from django.core.management import call_command

from cfsigned_django.core.aws import s3_object
from cfsigned_django.core.aws.client import make_client
from cfsigned_django.management.commands import cfsigned_doctor, cfsigned_setup
from cfsigned_django.signing import PrivateKey
from cfsigned_django.storage import CloudFrontS3Storage, Upload
from cfsigned_django.tools.stack.template import read_template
from tests.background import send_to
from tests.ministack_server import REGION, Ministack, run_ministack
from tests.pages import ROOT
from tests.plugins_aws import sign_in
from tests.storage_cases import S3_BACKEND, settings_for
from tests.tools.setup.viewers import nobody_answers

POLICIES = ROOT / "docs" / "reference" / "iam"
JOBS = ("setup", "doctor", "rotation", "site")
ACCOUNT = "111122223333"
#: What the policies name: a stack, a bucket, a distribution and a KMS key.
BUCKET, DISTRIBUTION = "media-example", "E1A2B3C4D5E6F7"

#: Lets boto3 act, for a block, as a new user who has the policies of some jobs.
Become: TypeAlias = Callable[..., AbstractContextManager[None]]

#: Operations of S3 whose IAM action has another name (Service Authorization Reference).
ACTIONS = {
    "s3:HeadBucket": "s3:ListBucket",
    "s3:ListObjects": "s3:ListBucket",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:GetBucketCors": "s3:GetBucketCORS",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:CreateMultipartUpload": "s3:PutObject",
    "s3:CompleteMultipartUpload": "s3:PutObject",
    "s3:CopyObject": "s3:PutObject",
    "s3:ListParts": "s3:ListMultipartUploadParts",
    "s3:UploadPart": "s3:PutObject",
}
#: "No permissions are required to perform this operation" (API reference of STS).
FREE = {"sts:GetCallerIdentity"}
#: What CloudFormation does with a resource. "list" is for imports, which nobody makes here.
HANDLERS = ("create", "read", "update", "delete")
#: What AWS's lists name by the operation, and IAM has under another name, which they have as well.
NO_ACTION = {
    "cloudfront:CreateDistributionWithTags",
    "s3:DeleteBucketCors",
    "s3:DeleteBucketEncryption",
    "s3:DeleteBucketLifecycle",
    "s3:DeleteBucketTagging",
}
#: CloudFormation touches no file.
NO_OBJECT = {"s3:DeleteObject", "s3:PutObjectAcl"}
#: Property that the template has nowhere -> what AWS's lists have for it alone.
UNUSED = {
    "AbacStatus": {"s3:PutBucketAbac"},
    "AccelerateConfiguration": {"s3:PutAccelerateConfiguration"},
    "AccessControl": {"s3:GetBucketAcl", "s3:PutBucketAcl"},
    "AnalyticsConfigurations": {
        "s3:DeleteBucketAnalyticsConfiguration",
        "s3:PutAnalyticsConfiguration",
    },
    "ConnectionMode": {"cloudfront:CreateConnectionGroup", "cloudfront:GetConnectionGroup"},
    "IntelligentTieringConfigurations": {"s3:PutIntelligentTieringConfiguration"},
    "InventoryConfigurations": {"s3:PutInventoryConfiguration"},
    "LoggingConfiguration": {"s3:PutBucketLogging"},
    "MetadataTableConfiguration": {
        "s3:CreateBucketMetadataTableConfiguration",
        "s3:DeleteBucketMetadataTableConfiguration",
        "s3:GetBucketMetadataTableConfiguration",
        "s3:UpdateBucketMetadataAnnotationTableConfiguration",
        "s3:UpdateBucketMetadataInventoryTableConfiguration",
        "s3:UpdateBucketMetadataJournalTableConfiguration",
        "s3tables:CreateNamespace",
        "s3tables:CreateTable",
        "s3tables:CreateTableBucket",
        "s3tables:GetTable",
        "s3tables:GetTableMetadataLocation",
        "s3tables:PutTableBucketPolicy",
        "s3tables:PutTableEncryption",
        "s3tables:PutTablePolicy",
        "s3tables:UpdateTableMetadataLocation",
    },
    "MetricsConfigurations": {
        "s3:DeleteBucketMetricsConfiguration",
        "s3:PutMetricsConfiguration",
    },
    "NotificationConfiguration": {"s3:PutBucketNotification"},
    "ObjectLockConfiguration": {
        "s3:PutBucketObjectLockConfiguration",
        "s3:PutObjectLockConfiguration",
    },
    "ReplicationConfiguration": {
        "iam:PassRole",
        "s3:DeleteBucketReplication",
        "s3:PutBucketReplication",
        "s3:PutReplicationConfiguration",
    },
    "Staging": {"cloudfront:UpdateDistributionWithStagingConfig"},
    "VersioningConfiguration": {"s3:PutBucketVersioning"},
    "VpcOriginConfig": {"cloudfront:GetVpcOrigin"},
    "WebsiteConfiguration": {"s3:DeleteBucketWebsite", "s3:PutBucketWebsite"},
}


def policy(job: str) -> Any:
    """Return the policy of a job, as the page shows it."""
    return json.loads((POLICIES / f"{job}.json").read_text("utf-8"))


def allowed(job: str, *sids: str) -> set[str]:
    """Return the actions that the policy of a job allows, or some of its statements."""
    statements = policy(job)["Statement"]
    return {
        action
        for each in statements
        if not sids or each["Sid"] in sids
        for action in each["Action"]
    }


@contextmanager
def recorded() -> Iterator[set[str]]:
    """Record the IAM action of every call of boto3 that needs a permission."""
    called: set[str] = set()
    original: Callable[..., Any] = BaseClient._make_api_call  # type: ignore[attr-defined]

    def note(client: Any, name: str, arguments: Any) -> Any:
        operation = f"{client.meta.service_model.signing_name}:{name}"
        called.update({ACTIONS.get(operation, operation)} - FREE)
        return original(client, name, arguments)

    with mock.patch.object(BaseClient, "_make_api_call", note):
        yield called


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ministack]:
    """Run an emulator that evaluates IAM policies."""
    root = {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "not checked"}
    with run_ministack(tmp_path_factory.mktemp("iam"), AUTH="true", **root) as aws:
        while True:
            # It imports CloudFormation at the first call, which may take longer than a call.
            with suppress(ReadTimeoutError):
                aws.client("cloudformation", account=ACCOUNT).describe_stacks()
                break
        yield aws


@pytest.fixture(scope="module")
def kms_key(aws: Ministack) -> str:
    """Return the ARN of a KMS key."""
    arn: str = aws.client("kms", account=ACCOUNT).create_key()["KeyMetadata"]["Arn"]
    return arn


@pytest.fixture(scope="module")
def become(aws: Ministack, kms_key: str) -> Become:
    """Return what lets boto3 act, for a block, as a new user who has the policies of some jobs."""

    @contextmanager
    def become(*jobs: str, distribution: str = DISTRIBUTION) -> Iterator[None]:
        iam, name = aws.client("iam", account=ACCOUNT), str(uuid.uuid4())
        iam.create_user(UserName=name)
        for job in jobs:
            text = json.dumps(policy(job)).replace(DISTRIBUTION, distribution)
            text = re.sub(r"arn:aws:kms:[^\"]+", kms_key, text)
            iam.put_user_policy(UserName=name, PolicyName=job, PolicyDocument=text)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        with pytest.MonkeyPatch.context() as patch:
            sign_in(patch, aws, key["AccessKeyId"], key["SecretAccessKey"])
            patch.setenv("AWS_DEFAULT_REGION", REGION)
            yield

    return become


@pytest.fixture(scope="module")
def stack(
    become: Become,
    kms_key: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[dict[str, str], set[str]]:
    """Plan a stack, deploy it and change it; return its settings, and what was called."""
    key = str(tmp_path_factory.mktemp("key") / "key.pem")
    parts = ("--stack", "media", "--bucket", BUCKET, "--kms-key", kms_key, "--key-file", key)
    changed = (*parts, "--cors-origin", "https://www.example.com")
    with (
        become("setup", "doctor"),
        mock.patch.object(cfsigned_setup.Command, "fetch", staticmethod(nobody_answers)),
        recorded() as called,
    ):
        report("cfsigned_setup", *parts)
        settings = report("cfsigned_setup", *parts, "--apply", "--yes")["settings"]
        # The emulator does not tell what was deployed.
        report("cfsigned_setup", *changed, "--apply", "--yes", "--revert-drift")
        with pytest.raises(ClientError, match="not authorized"):
            make_client("cloudformation").describe_stacks(StackName="other")
    return settings, called


def report(command: str, *arguments: str) -> Any:
    """Return the JSON that a command prints."""
    output = io.StringIO()
    with suppress(SystemExit):
        call_command(command, *arguments, "--json", stdout=output, stderr=io.StringIO())
    return json.loads(output.getvalue())


@pytest.mark.package
def test_setup(stack: tuple[dict[str, str], set[str]]) -> None:
    """Let the command deploy a stack of this name and no other, and the keys beside it."""
    _, called = stack
    may = allowed("setup")

    assert called <= may | allowed("doctor")
    # Only after a failure, and for a key group that exists. IAM has an action for the tags of a
    # stack, and the API has none.
    rare = {
        "cloudformation:DescribeEvents",
        "cloudformation:TagResource",
        "cloudfront:UpdateKeyGroup",
    }
    assert allowed("setup", "Stack", "Keys") - called == rare


@functools.cache
def template() -> str:
    """Return the template without CloudFormation's functions, which YAML does not know."""
    return re.sub(r"![A-Z]\w+(::\w+)*", "", read_template())


def kinds() -> set[str]:
    """Return the types of the template's resources."""
    return {each["Type"] for each in yaml.safe_load(template())["Resources"].values()}


def schema_of(kind: str) -> Any:
    """Return AWS's schema of a type of resource."""
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

    return PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, kind).schema


def needed(kind: str, handler: str) -> set[str]:
    """Return what CloudFormation calls for resources of a type that are like the template's."""
    schema = schema_of(kind)
    called = {*schema["handlers"][handler]["permissions"]}
    if handler == "read":  # of what is not there, too
        return called
    # The stack's own tags, and those of a company that demands some.
    tags = {*schema.get("tagging", {}).get("permissions", ())} if handler != "delete" else set()
    return (called | tags) - NO_ACTION - NO_OBJECT - set().union(*UNUSED.values())


@pytest.mark.package
@pytest.mark.parametrize("handler", HANDLERS)
@pytest.mark.parametrize("kind", sorted(kinds()))
def test_setup_of_a_resource(kind: str, handler: str) -> None:
    """Allow what CloudFormation calls to make, read, change or remove each kind of resource."""
    sids = ("Distribution", "Tags", "Bucket", *(("Drift",) if handler == "read" else ()))

    assert needed(kind, handler) - allowed("setup", *sids) == set()


@pytest.mark.package
def test_setup_of_the_resources() -> None:
    """Allow CloudFormation nothing that no handler calls; only a revert reads all of a bucket."""
    may = {sid: allowed("setup", sid) for sid in ("Distribution", "Tags", "Bucket", "Drift")}
    called = {each for kind in kinds() for name in HANDLERS for each in needed(kind, name)}

    assert set().union(*may.values()) == called
    assert may["Drift"] == needed("AWS::S3::Bucket", "read") - may["Bucket"]


@pytest.mark.package
def test_what_no_resource_needs() -> None:
    """Leave out of AWS's lists what they have, and only for what the template has not."""
    listed = {
        each
        for kind in kinds()
        for part in (*schema_of(kind)["handlers"].values(), schema_of(kind).get("tagging", {}))
        for each in part.get("permissions", ())
    }

    assert [each for each in UNUSED if re.search(rf"\b{each}\b", template())] == []
    assert set().union(*UNUSED.values()) <= listed
    assert listed >= NO_ACTION | NO_OBJECT
    assert {each for each in NO_ACTION if iam_knows(each)} == set()


@pytest.mark.package
def test_doctor(
    aws: Ministack,
    stack: tuple[dict[str, str], set[str]],
    kms_key: str,
    become: Become,
    settings: Any,
    ec_key: PrivateKey,
    db: None,
) -> None:
    """Let the doctor read all that it judges, and nothing else."""
    found, _ = stack
    managed = grown(aws, found["AWS_CLOUDFRONT_DISTRIBUTION_ID"])
    encrypt(aws, kms_key)
    for name, value in {**settings_for(ec_key), **found}.items():
        setattr(settings, name, value)
    settings.STORAGES = {"default": {"BACKEND": S3_BACKEND}}
    del settings.AWS_CLOUDFRONT_DISTRIBUTION_ID
    url = f"https://{found['AWS_S3_CUSTOM_DOMAIN']}/a?Expires=1&Key-Pair-Id=K1"

    with (
        become("doctor"),
        mock.patch.object(cfsigned_doctor, "fetch", nobody_answers),
        recorded() as called,
    ):
        findings = [
            *report("cfsigned_doctor", "--upload-origin", "https://www.example.com"),
            *report("cfsigned_doctor", "--explain", url),
        ]
        for distribution in (found["AWS_CLOUDFRONT_DISTRIBUTION_ID"], managed):
            settings.AWS_CLOUDFRONT_DISTRIBUTION_ID = distribution
            findings += report("cfsigned_doctor")

    assert [each for each in findings if each["id"] == "aws-unreadable"] == []
    assert called == allowed("doctor")


def encrypt(aws: Ministack, kms_key: str) -> None:
    """Encrypt the bucket with a KMS key, which the emulator's CloudFormation does not."""
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": kms_key}
    rules = [{"ApplyServerSideEncryptionByDefault": default}]
    s3 = aws.client("s3", account=ACCOUNT)
    s3.put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration={"Rules": rules})


def grown(aws: Ministack, like: str) -> str:
    """Make a distribution whose behavior has policies that AWS manages; return its ID."""
    cloudfront = aws.client("cloudfront", account=ACCOUNT)
    config: Any = cloudfront.get_distribution_config(Id=like)["DistributionConfig"]
    config["CallerReference"] = "managed"
    config["DefaultCacheBehavior"] |= {
        "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6",
        "OriginRequestPolicyId": "88a5eaf4-2fd4-4709-b370-b4c650ea3fcf",
        "ResponseHeadersPolicyId": "67f7725c-6f97-4210-82d7-5512b31e9d03",
    }
    return str(cloudfront.create_distribution(DistributionConfig=config)["Distribution"]["Id"])


class Torn(BytesIO):
    """A file of which the second part cannot be read any more."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Return the first part, and fail then."""
        if self.tell():
            raise OSError("the disk is gone")
        return super().read(size)


def send(upload: Upload, content: bytes) -> None:
    """Send a file to S3 as a browser does, as a form or in parts."""
    if upload.url:
        fields: dict[str, Any] = {**upload.fields, "file": ("a.txt", content)}
        assert send_to("POST", upload.url, fields=fields).status == 204
    for part in upload.parts:
        body, content = content[: part.size], content[part.size :]
        assert send_to("PUT", part.url, body=body).status == 200


@pytest.mark.package
def test_site(
    stack: tuple[dict[str, str], set[str]],
    become: Become,
    settings: Any,
    ec_key: PrivateKey,
    db: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Keep files, clean up half of one, and let CloudFront forget them; sign without a call."""
    found, _ = stack
    for name, value in {**found, **settings_for(ec_key, AWS_STORAGE_BUCKET_NAME=BUCKET)}.items():
        setattr(settings, name, value)
    settings.AWS_CLOUDFRONT_INVALIDATE_ON = {"delete"}
    for limit in ("MAX_PIECE", "MIN_PART"):
        monkeypatch.setattr(s3_object, limit, 5 * 2**20)
    # With threads, a file may tear before S3 knows of its upload, which nothing ends then.
    one_by_one = TransferConfig(use_threads=False)
    storage: Any = CloudFrontS3Storage(transfer_config=one_by_one)

    distribution = found["AWS_CLOUDFRONT_DISTRIBUTION_ID"]
    with become("site", distribution=distribution), recorded() as called:
        name = storage.save("a.txt", ContentFile(b"private"))
        assert storage.exists(name)
        assert storage.size(name) == 7
        with storage.open(name) as file:
            assert file.read() == b"private"
        assert storage.listdir("")[1] == [name]
        storage.url(name)
        storage.delete(name)
        for size in (7, 6 * 2**20):
            upload = storage.sign_upload("a.txt", size=size)
            send(upload, bytes(size))
            assert storage.size(storage.finish_upload(upload.token)) == size
        with pytest.raises(OSError, match="the disk is gone"):
            storage.save("b.bin", File(Torn(bytes(9 * 2**20))))

    assert called == allowed("site") - allowed("site", "KmsKey")


@functools.cache
def iam() -> Any:
    """Return the services of IAM with their actions and resources, which cfn-lint brings along."""
    return json.loads((resources.files(AdditionalSpecs) / "Policies.json").read_text("utf-8"))


def iam_knows(action: str) -> Any:
    """Return what IAM says of an action; None if there is none."""
    service, _, name = action.partition(":")
    return iam()[service]["Actions"].get(name.lower())


@pytest.mark.parametrize("job", JOBS)
def test_iam_knows_it(job: str) -> None:
    """Each action exists; a resource is one that IAM takes for it, and a key group is none."""
    for statement in policy(job)["Statement"]:
        for action in statement["Action"]:
            takes = iam_knows(action).get("Resources", ())
            if statement["Resource"] != "*":
                known = iam()[action.partition(":")[0]]["Resources"]
                forms = [form for each in takes for form in known[each]["ARNFormats"]]
                patterns = [re.sub(r"\$\{\w+\}", "[^/]*", form) for form in forms]
                assert any(re.fullmatch(each, statement["Resource"]) for each in patterns), action
            if statement["Sid"] == "Keys":
                assert not takes, action
