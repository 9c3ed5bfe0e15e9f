"""The template: what it makes on the emulator, what it refuses, and what AWS's own linter says."""

from __future__ import annotations

import json
import re
from io import StringIO
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError
from django.core.management import call_command

from cfsigned_django.aws.client import Clients
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
)
#: Parameters that contradict each other, and a word of the reason.
CONTRADICTIONS = {
    "certificate": {**LEAST, "Domain": "media.example.com"},
    "domain": {**LEAST, "CertificateArn": CERTIFICATE},
    "UploadPrefix": {**LEAST, "UploadOrigins": "https://a.b"},
    "existing bucket": {**LEAST, "MakeBucket": "false", "UploadPrefix": "tmp/uploads/"},
    "LogBucket": {**LEAST, "LogBucket": BUCKET},
}


class Loader(yaml.SafeLoader):
    """Read a template as YAML; the functions of CloudFormation count as their arguments."""


def argument(loader: Loader, suffix: str, node: yaml.Node) -> Any:
    """Return the argument of a function such as !Sub."""
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node)  # type: ignore[arg-type]


Loader.add_multi_constructor("!", argument)


def test_parameters() -> None:
    """Each has a sentence and takes what it should; what would open or delete files is refused."""
    declared = yaml.load(read_template(), Loader)["Parameters"]  # noqa: S506 - a SafeLoader

    wrong: dict[str, list[str]] = {}
    for name, (good, bad) in VALUES.items():
        pattern = re.compile(declared[name]["AllowedPattern"])
        wrong[name] = [each for each in good if not pattern.fullmatch(each)]
        wrong[name] += [each for each in bad if pattern.fullmatch(each)]
    assert not any(wrong.values()), wrong
    assert declared.keys() - VALUES.keys() == {"MakeBucket", "Csp"}  # which list their values
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


def test_contradictions(cloudformation: Any) -> None:
    """Refuse parameters that contradict each other, with the reason, before anything is made."""
    said = {}
    for word, parameters in CONTRADICTIONS.items():
        with pytest.raises(ClientError) as caught:
            deploy(cloudformation, **parameters)
        said[word] = word in str(caught.value)

    assert said == dict.fromkeys(CONTRADICTIONS, True)


def test_everything(cloudformation: Any, clients: Clients) -> None:
    """Carry out every parameter; the public path is the only behavior that needs no signature."""
    outputs = deploy(cloudformation, **EVERYTHING)

    found = clients.cloudfront.get_distribution_config(Id=outputs["DistributionId"])
    config = found["DistributionConfig"]
    [public] = config["CacheBehaviors"]["Items"]
    assert public["PathPattern"] == "static/*"
    assert not (public.get("TrustedKeyGroups") or {}).get("Enabled")
    assert config["Aliases"]["Items"] == ["media.example.com"]
    assert config["ViewerCertificate"]["ACMCertificateArn"] == CERTIFICATE
    assert config["WebACLId"] == WEB_ACL
    assert config["Logging"]["Bucket"] == "logs-stack.s3.amazonaws.com"
    [rule] = clients.s3.get_bucket_cors(Bucket=BUCKET)["CORSRules"]
    assert rule["AllowedOrigins"] == ["https://www.example.com", "https://app.example.com"]
    assert json.loads(outputs["KmsKeyPolicyStatement"])["Action"] == "kms:Decrypt"
    assert outputs["Domain"] == "media.example.com"
    assert outputs["DistributionDomain"].endswith(".cloudfront.net")
    policy = clients.cloudfront.get_response_headers_policy(Id=public["ResponseHeadersPolicyId"])
    headers = policy["ResponseHeadersPolicy"]["ResponseHeadersPolicyConfig"]
    csp = headers["SecurityHeadersConfig"]["ContentSecurityPolicy"]["ContentSecurityPolicy"]
    assert csp == "sandbox"


def test_what_expires() -> None:
    """Of what is uploaded, only objects below tmp/uploads/ expire; parts end after 7 days."""
    resources = yaml.load(read_template(), Loader)["Resources"]  # noqa: S506 - a SafeLoader
    bucket = resources["Bucket"]["Properties"]
    parts, (condition, expires, _) = bucket["LifecycleConfiguration"]["Rules"]

    assert parts["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    assert not {"Prefix", "ExpirationInDays"} & parts.keys()
    assert condition == "HasUploadPrefix"
    assert (expires["Prefix"], expires["ExpirationInDays"]) == ("UploadPrefix", 7)


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
