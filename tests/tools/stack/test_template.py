"""The template: what it makes on the emulator, what it refuses, and what AWS's own linter says."""

from __future__ import annotations

import json
import re
from io import StringIO

import pytest
from botocore.exceptions import ClientError
from django.core.management import call_command

from cfsigned_django.tools.stack.template import read_template
from tests.tools.stack import (
    BUCKET,
    CERTIFICATE,
    EVERYTHING,
    KEY_GROUP,
    KMS_KEY,
    LEAST,
    WEB_ACL,
    deploy,
)
from tests.tools.stack.conftest import Aws
from tests.tools.stack.evaluated import Template

#: What each parameter takes, and what it refuses.
VALUES: dict[str, tuple[list[str], list[str]]] = {
    "BucketName": (
        ["media", "a.b-1", "m" * 63],
        ["", "Media", "ab", "m" * 64, "a..b", "-media", "media-", "a_b", "s3://media"],
    ),
    "KeyGroupId": ([KEY_GROUP], ["", f"{KEY_GROUP} ", "media group"]),
    "Domain": (
        ["", "media.example.com", "a.b.c.example.co.kr", "xn--3e0b707e.example.com"],
        ["https://media.example.com", "media.example.com:8000", "media", "Media.example.com"],
    ),
    "CertificateArn": (
        ["", CERTIFICATE],
        [CERTIFICATE.replace("us-east-1", "ap-northeast-2"), "0a1b2c3d", KMS_KEY],
    ),
    "CorsOrigins": (
        ["", "https://www.example.com", "http://localhost:8000,https://b.example.com"],
        ["*", "https://*", "https://a.example.com/", "https://a.example.com, https://b.com", "a.b"],
    ),
    "UploadOrigins": (["", "https://www.example.com"], ["*", "https://*.example.com"]),
    "UploadPrefix": (
        ["", "tmp/uploads/", "media/tmp/uploads/", "사진/tmp/uploads/"],
        ["media/", "tmp/", "/a/tmp/uploads/", "tmp/uploads", "xtmp/uploads/", "a//tmp/uploads/"],
    ),
    "KmsKeyArn": (["", KMS_KEY], ["alias/media", KMS_KEY.replace(":key/", ":alias/"), "1234"]),
    "PublicPath": (
        ["", "static/*", "/static/*", "a/b/*.jpg", "favicon.ico", ".well-known/*"],
        ["*", "/*", "?", "/?", "*.jpg", "/*.jpg", "//*", "//x", "s?/*", "static*", "*/static/*"],
    ),
    "WebAclArn": (["", WEB_ACL], [WEB_ACL.replace("global", "regional"), "media"]),
    "LogBucket": (["", "logs"], ["logs.s3.amazonaws.com/", "s3://logs"]),
}
#: Combinations in which each condition is met, and is not.
COMBINATIONS = (
    LEAST,
    EVERYTHING,
    {**LEAST, "MakeBucket": "false"},
    {**EVERYTHING, "MakeBucket": "false", "UploadOrigins": "", "UploadPrefix": ""},
    {**LEAST, "UploadPrefix": "tmp/uploads/"},
    {**LEAST, "Csp": "off"},
    {**LEAST, "ManagedPolicies": "on"},
    {**EVERYTHING, "CorsOrigins": "", "ManagedPolicies": "on"},
)
#: Parameters that contradict each other, and a word of the reason.
CONTRADICTIONS = {
    "certificate": {**LEAST, "Domain": "media.example.com"},
    "domain": {**LEAST, "CertificateArn": CERTIFICATE},
    "UploadPrefix": {**LEAST, "UploadOrigins": "https://a.b"},
    "existing bucket": {**LEAST, "MakeBucket": "false", "UploadPrefix": "tmp/uploads/"},
    "LogBucket": {**LEAST, "LogBucket": BUCKET},
    "CorsOrigins": {**LEAST, "ManagedPolicies": "on", "CorsOrigins": "https://a.b"},
}


def test_parameters() -> None:
    """Each has a sentence and takes what it should; what would open or delete files is refused."""
    declared = Template(**LEAST).read["Parameters"]

    wrong: dict[str, list[str]] = {}
    for name, (good, bad) in VALUES.items():
        pattern = re.compile(declared[name]["AllowedPattern"])
        wrong[name] = [each for each in good if not pattern.fullmatch(each)]
        wrong[name] += [each for each in bad if pattern.fullmatch(each)]
    assert not any(wrong.values()), wrong
    listing = {"MakeBucket", "Csp", "ManagedPolicies"}  # which list their values
    assert declared.keys() - VALUES.keys() == listing
    assert all(
        each["Description"].endswith((".", "https://app.example.com")) for each in declared.values()
    )
    assert {name for name, each in declared.items() if "Default" not in each} == {*LEAST}


def test_printed() -> None:
    """The command prints the template to the byte, which fits into a request: 51,200 bytes."""
    output = StringIO()
    call_command("cfsigned_setup", "--template", stdout=output)

    assert output.getvalue() == read_template()
    assert len(read_template().encode()) < 51_200


def test_contradictions(aws: Aws) -> None:
    """Refuse parameters that contradict each other, with the reason, before anything is made."""
    said = {}
    for word, parameters in CONTRADICTIONS.items():
        with pytest.raises(ClientError) as caught:
            deploy(aws.cloudformation, **parameters)
        said[word] = word in str(caught.value)

    assert said == dict.fromkeys(CONTRADICTIONS, True)


def test_everything() -> None:
    """Carry out what neither the local edge plays nor the proof of a setup asks for."""
    template = Template(**EVERYTHING)

    resources, outputs = template.resources(), template.outputs()
    config = resources["Distribution"]["DistributionConfig"]
    headers = resources["ResponseHeadersPolicy"]["ResponseHeadersPolicyConfig"]
    csp = headers["SecurityHeadersConfig"]["ContentSecurityPolicy"]["ContentSecurityPolicy"]
    [statement] = [json.loads(each) for name, each in outputs.items() if "KMS" in name]
    assert (config["WebACLId"], csp) == (WEB_ACL, "sandbox")
    assert config["Logging"]["Bucket"] == "logs-stack.s3.amazonaws.com"
    assert (statement["Action"], KMS_KEY in str(resources["Bucket"])) == ("kms:Decrypt", True)
    assert outputs["AWS_S3_CUSTOM_DOMAIN"] == "media.example.com"
    [rule] = resources["Bucket"]["CorsConfiguration"]["CorsRules"]
    assert rule["AllowedOrigins"] == ["https://www.example.com", "https://app.example.com"]
    # The least stack leaves nothing to a person.
    assert all(each.startswith("AWS_") for each in Template(**LEAST).outputs())


def test_managed_policies() -> None:
    """Name AWS's policies in every behavior and make none: no plan or quota is in the way."""
    managed = {**EVERYTHING, "CorsOrigins": "", "ManagedPolicies": "on"}
    resources = Template(**managed).resources()
    config = resources["Distribution"]["DistributionConfig"]

    assert not {"CachePolicy", "ResponseHeadersPolicy"} & resources.keys()
    for each in (config["DefaultCacheBehavior"], *config["CacheBehaviors"]):
        assert each["CachePolicyId"] == "658327ea-f89d-4fab-a63d-7e88639e58f6"
        assert each["ResponseHeadersPolicyId"] == "e61eb60c-9c35-4d20-a928-2b84e02af89c"


def test_what_expires() -> None:
    """Of what is uploaded, only objects below tmp/uploads/ expire; parts end after 7 days."""
    least, everything = (
        Template(**each).resources()["Bucket"]["LifecycleConfiguration"]["Rules"]
        for each in (LEAST, EVERYTHING)
    )
    [parts, expires] = everything

    assert least == [parts]
    assert parts["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    assert not {"Prefix", "ExpirationInDays"} & parts.keys()
    assert (expires["Prefix"], expires["ExpirationInDays"]) == ("media/tmp/uploads/", 7)


@pytest.mark.package
def test_cfn_lint_finds_nothing() -> None:
    """Pass AWS's own linter, with nothing and everything that makes sense; a mistake is found."""
    broken = read_template().replace("PriceClass_All", "Cheap")

    assert lint(read_template(), *COMBINATIONS) == []
    assert lint(broken, LEAST) == ["E3030"]


def lint(text: str, *parameters: dict[str, str]) -> list[str]:
    """Return the rules of AWS's linter that a template breaks with any of these parameters."""
    from cfnlint.api import lint  # slow to import
    from cfnlint.config import ManualArgs

    given = ManualArgs(regions=["us-east-1", "ap-northeast-2"], parameters=[*parameters])
    return [match.rule.id for match in lint(text, config=given)]
