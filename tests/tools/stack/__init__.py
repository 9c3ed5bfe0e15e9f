"""Deploy the template on the emulator's CloudFormation, and know values of its parameters."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from cfsigned_django.tools.stack.template import read_template

BUCKET = "media-stack"
KEY_GROUP = "1a2b3c4d-0000-4000-8000-1a2b3c4d5e6f"
CERTIFICATE = "arn:aws:acm:us-east-1:111122223333:certificate/0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"
KMS_KEY = "arn:aws:kms:us-east-1:111122223333:key/0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"
WEB_ACL = (
    "arn:aws:wafv2:us-east-1:111122223333:global/webacl/media/0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"
)
#: The parameters that every stack needs.
LEAST = {"BucketName": BUCKET, "KeyGroupId": KEY_GROUP}
#: Everything that goes together.
EVERYTHING = {
    **LEAST,
    "Domain": "media.example.com",
    "CertificateArn": CERTIFICATE,
    "CorsOrigins": "https://www.example.com,http://localhost:8000",
    "UploadOrigins": "https://www.example.com,https://app.example.com",
    "UploadPrefix": "media/tmp/uploads/",
    "KmsKeyArn": KMS_KEY,
    "PublicPath": "static/*",
    "Csp": "sandbox",
    "WebAclArn": WEB_ACL,
    "LogBucket": "logs-stack",
}


def as_list(parameters: Mapping[str, str]) -> list[dict[str, str]]:
    """Return parameters as CloudFormation takes them."""
    return [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()]


def deploy(cloudformation: Any, stack_name: str = "media", /, **parameters: str) -> dict[str, str]:
    """Deploy the template as people do who have their own tools; return the outputs."""
    given = {"StackName": stack_name, "ChangeSetName": f"by-hand-{uuid.uuid4()}"}
    cloudformation.create_change_set(
        **given,
        ChangeSetType="CREATE",
        TemplateBody=read_template(),
        Parameters=as_list(parameters),
    )
    cloudformation.execute_change_set(**given)
    while True:
        [stack] = cloudformation.describe_stacks(StackName=stack_name)["Stacks"]
        if not stack["StackStatus"].endswith("IN_PROGRESS"):
            break
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
