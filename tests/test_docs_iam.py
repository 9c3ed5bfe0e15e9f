"""The IAM policies of the docs: each suffices for its job on the emulator, and allows no more.

The emulator refuses what no policy of a user allows, but makes the resources of a stack itself:
what CloudFormation needs for them is AWS's own list, which cfn-lint brings along. The policy of a
rotation is what its commands call: test_docs_rotation.py.
"""

from __future__ import annotations

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
from botocore.client import BaseClient
from botocore.exceptions import ClientError, ReadTimeoutError
from cfnlint.data import AdditionalSpecs
from django.core.files.base import ContentFile, File
from django.core.management import call_command

from cfsigned_django.aws import s3_object
from cfsigned_django.aws.client import make_client
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
    # Only after a failure, and for a key group that exists.
    rare = {"cloudformation:DescribeEvents", "cloudfront:UpdateKeyGroup"}
    assert allowed("setup", "Stack", "Keys") - called == rare


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
    storage: Any = CloudFrontS3Storage()

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
