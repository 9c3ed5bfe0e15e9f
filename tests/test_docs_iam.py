"""The IAM policies of the docs: each suffices for its job on the emulator, and allows no more.

The emulator refuses what no policy of a user allows, but makes the resources of a stack itself:
what CloudFormation needs for them is AWS's own list, which cfn-lint brings along.
"""

from __future__ import annotations

import io
import json
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import resources
from io import BytesIO
from typing import Any
from unittest import mock

import pytest
import yaml
from botocore.client import BaseClient
from botocore.exceptions import ClientError, ReadTimeoutError
from cfnlint.data import AdditionalSpecs
from django.core.files.base import ContentFile, File
from django.core.management import call_command

from cfsigned_django.aws.client import make_client
from cfsigned_django.aws.key_groups import KeyGroups
from cfsigned_django.management.commands import cfsigned_doctor
from cfsigned_django.signing import PrivateKey
from cfsigned_django.storage import CloudFrontS3Storage
from cfsigned_django.tools.stack.template import read_template
from tests.ministack_server import REGION, Ministack, run_ministack
from tests.pages import ROOT
from tests.plugins_aws import hide_aws_configuration
from tests.storage_cases import S3_BACKEND, settings_for
from tests.tools.setup.viewers import nobody_answers
from tests.tools.stack import deploy

POLICIES = ROOT / "docs" / "reference" / "iam"
JOBS = ("setup", "doctor", "rotation", "site")
ACCOUNT = "111122223333"
#: What the policies name: a stack, a bucket, a distribution and a KMS key.
BUCKET, DISTRIBUTION = "media-example", "E1A2B3C4D5E6F7"

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
    "s3:UploadPart": "s3:PutObject",
}
#: "No permissions are required to perform this operation" (API reference of STS).
FREE = {"sts:GetCallerIdentity"}
#: What CloudFormation calls for a property of the bucket.
OF_A_PROPERTY = {
    "BucketEncryption": "s3:PutEncryptionConfiguration",
    "BucketName": "s3:CreateBucket",
    "CorsConfiguration": "s3:PutBucketCORS",
    "LifecycleConfiguration": "s3:PutLifecycleConfiguration",
    "OwnershipControls": "s3:PutBucketOwnershipControls",
    "PublicAccessBlockConfiguration": "s3:PutBucketPublicAccessBlock",
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
    with pytest.MonkeyPatch.context() as patch:
        hide_aws_configuration(patch)
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
def credentials(aws: Ministack, kms_key: str) -> Callable[..., dict[str, str]]:
    """Return what makes a user who has the policy of one job, as make_client() takes users."""

    def make(job: str, distribution: str = DISTRIBUTION) -> dict[str, str]:
        iam, name = aws.client("iam", account=ACCOUNT), f"{job}-{uuid.uuid4()}"
        text = json.dumps(policy(job)).replace(DISTRIBUTION, distribution)
        text = re.sub(r"arn:aws:kms:[^\"]+", kms_key, text)
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName=job, PolicyDocument=text)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return {"access_key": key["AccessKeyId"], "secret_key": key["SecretAccessKey"]}

    return make


@pytest.fixture
def become(
    aws: Ministack, credentials: Callable[..., dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., None]:
    """Return what makes boto3 act as a user who has the policy of one job."""
    hide_aws_configuration(monkeypatch)

    def become(job: str, distribution: str = DISTRIBUTION) -> None:
        found = credentials(job, distribution)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", found["access_key"])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", found["secret_key"])
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint_url)
        monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)

    return become


@pytest.fixture(scope="module")
def stack(
    aws: Ministack,
    credentials: Callable[..., dict[str, str]],
    kms_key: str,
    ec_key: PrivateKey,
) -> tuple[dict[str, str], set[str]]:
    """Deploy a stack with the policy for that; return its outputs, and what was called."""
    user = credentials("setup")
    cloudfront, cloudformation = (
        make_client(name, endpoint_url=aws.endpoint_url, region_name=REGION, **user)
        for name in ("cloudfront", "cloudformation")
    )
    groups, name, pem = KeyGroups(cloudfront), "media", ec_key.public_key.to_pem()
    with recorded() as called:
        key = groups.ensure_public_key(caller_reference=name, name=name, public_key_pem=pem)
        made = cloudfront.create_key_group(KeyGroupConfig={"Name": name, "Items": [key]})
        group = made["KeyGroup"]["Id"]
        parameters = {"BucketName": BUCKET, "KeyGroupId": group, "KmsKeyArn": kms_key}
        outputs = deploy(cloudformation, **parameters)
    with pytest.raises(ClientError, match="not authorized"):
        cloudformation.describe_stacks(StackName="other")
    return {**outputs, "KeyId": key}, called


@pytest.mark.package
def test_setup(stack: tuple[dict[str, str], set[str]]) -> None:
    """Deploy a stack of this name and no other, and the keys beside it."""
    outputs, called = stack

    assert outputs["BucketName"] == BUCKET
    assert called <= allowed("setup", "Stack", "Keys")


@pytest.mark.package
def test_setup_of_the_resources() -> None:
    """Allow what CloudFormation needs to make, change and remove what the template has."""
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

    text = re.sub(r"![A-Z]\w+(::\w+)*", "", read_template())
    made = {each["Type"]: each["Properties"] for each in yaml.safe_load(text)["Resources"].values()}
    needed: set[str] = set()
    for kind in made:
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, kind).schema
        handlers = {name: each["permissions"] for name, each in schema["handlers"].items()}
        needed |= {each for name in ("create", "update", "delete") for each in handlers[name]}
    kinds = [each.rpartition(":")[2] for each in made if each.startswith("AWS::CloudFront")]
    verbs = ("Create", "Update", "Delete", "Get")
    least = {f"cloudfront:{verb}{kind}" for verb in verbs for kind in kinds}
    least |= {OF_A_PROPERTY[each] for each in made["AWS::S3::Bucket"]}
    least |= {"s3:DeleteBucket", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"}

    assert least <= allowed("setup", "Distribution", "Bucket") <= needed


@pytest.mark.package
def test_doctor(
    aws: Ministack,
    stack: tuple[dict[str, str], set[str]],
    kms_key: str,
    become: Callable[..., None],
    settings: Any,
    ec_key: PrivateKey,
    db: None,
) -> None:
    """Let the doctor read all that it judges, and nothing else."""
    outputs, _ = stack
    managed = grown(aws, outputs["DistributionId"])
    encrypt(aws, kms_key)
    for name, value in settings_for(ec_key, AWS_STORAGE_BUCKET_NAME=BUCKET).items():
        setattr(settings, name, value)
    settings.STORAGES = {"default": {"BACKEND": S3_BACKEND}}
    settings.AWS_CLOUDFRONT_KEY_ID = outputs["KeyId"]
    settings.AWS_CLOUDFRONT_KEY_GROUP_ID = outputs["KeyGroupId"]
    settings.AWS_S3_CUSTOM_DOMAIN = outputs["Domain"]
    become("doctor")

    with recorded() as called, mock.patch.object(cfsigned_doctor, "fetch", nobody_answers):
        found = [
            *doctor("--upload-origin", "https://www.example.com"),  # finds the distribution
            *doctor("--explain", f"https://{outputs['Domain']}/a?Expires=1&Key-Pair-Id=K1"),
        ]
        for distribution in (outputs["DistributionId"], managed):
            settings.AWS_CLOUDFRONT_DISTRIBUTION_ID = distribution
            found += doctor()

    assert [each for each in found if each["id"] == "aws-unreadable"] == []
    assert called == allowed("doctor")


def doctor(*arguments: str) -> list[dict[str, str]]:
    """Return what the doctor finds."""
    output = io.StringIO()
    with suppress(SystemExit):
        call_command("cfsigned_doctor", *arguments, "--json", stdout=output)
    found: list[dict[str, str]] = json.loads(output.getvalue())
    return found


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
    return cloudfront.create_distribution(DistributionConfig=config)["Distribution"]["Id"]


@pytest.mark.package
def test_rotation(stack: tuple[dict[str, str], set[str]], become: Callable[..., None]) -> None:
    """Bring one key in, and take one out."""
    outputs, _ = stack
    become("rotation")
    group, first = outputs["KeyGroupId"], outputs["KeyId"]
    groups, pem = KeyGroups(make_client("cloudfront")), PrivateKey.generate().public_key.to_pem()

    with recorded() as called:
        added = groups.ensure_public_key(caller_reference="b", name="b", public_key_pem=pem)
        groups.add(group, added)
        assert added in groups.members(group)
        groups.remove(group, first)
        groups.delete_public_key(first)

    assert called == allowed("rotation")


class Torn(BytesIO):
    """A file of which the second part cannot be read any more."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Return the first part, and fail then."""
        if self.tell():
            raise OSError("the disk is gone")
        return super().read(size)


@pytest.mark.package
def test_site(
    stack: tuple[dict[str, str], set[str]],
    become: Callable[..., None],
    settings: Any,
    ec_key: PrivateKey,
) -> None:
    """Keep files, clean up half of one, and let CloudFront forget them; sign without a call."""
    outputs, _ = stack
    become("site", outputs["DistributionId"])
    for name, value in settings_for(ec_key, AWS_STORAGE_BUCKET_NAME=BUCKET).items():
        setattr(settings, name, value)
    settings.AWS_CLOUDFRONT_DISTRIBUTION_ID = outputs["DistributionId"]
    settings.AWS_CLOUDFRONT_INVALIDATE_ON = {"delete"}
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

    assert called == allowed("site") - allowed("site", "KmsKey")


@pytest.mark.parametrize("job", JOBS)
def test_iam_knows_it(job: str) -> None:
    """Each action exists; a resource is one that IAM takes for it, and a key group is none."""
    table = json.loads((resources.files(AdditionalSpecs) / "Policies.json").read_text("utf-8"))

    for statement in policy(job)["Statement"]:
        for action in statement["Action"]:
            service, _, name = action.partition(":")
            takes = table[service]["Actions"][name.lower()].get("Resources", ())
            if statement["Resource"] != "*":
                kinds = [table[service]["Resources"][each] for each in takes]
                forms = [form for kind in kinds for form in kind["ARNFormats"]]
                patterns = [re.sub(r"\$\{\w+\}", "[^/]*", form) for form in forms]
                assert any(re.fullmatch(each, statement["Resource"]) for each in patterns), action
            if statement["Sid"] == "Keys":
                assert not takes, action
