"""The Terraform example: it says what the template says, in words that AWS's provider knows.

Modules: tools/stack/template.py
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.pages import ROOT, table
from tests.tools.stack import BUCKET, CERTIFICATE, KEY_GROUP, KMS_KEY, LEAST, WEB_ACL
from tests.tools.stack.evaluated import Template

# What reads HCL is slow to start.
pytestmark = pytest.mark.package

FOLDER = ROOT / "docs" / "aws" / "terraform"
#: Resource -> what it takes: an attribute is null, a block has its own, and "!" ends the
#: name of what is required. scripts/provider_schema.py writes it.
SCHEMA = json.loads(Path(__file__).with_name("provider_schema.json").read_text("utf-8"))
#: What Terraform itself reads in every resource.
OF_TERRAFORM = {"count", "dynamic", "lifecycle"}

REGION = "us-east-1"
VARIABLES = {"name": "media", "bucket": BUCKET, "first_key_id": "K2JCJMDEHXQW5F"}
ORIGINS = ["https://www.example.com", "https://app.example.com"]
#: Variables of the example, and the parameters of the template that are to say the same.
CASES: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "least": ({}, {}),
    "everything": (
        {
            "domain": "media.example.com",
            "certificate_arn": CERTIFICATE,
            "cors_origins": ORIGINS,
            "upload_origins": ORIGINS[:1],
            "upload_prefix": "media/tmp/uploads/",
            "kms_key_arn": KMS_KEY,
            "web_acl_arn": WEB_ACL,
        },
        {
            "Domain": "media.example.com",
            "CertificateArn": CERTIFICATE,
            "CorsOrigins": ",".join(ORIGINS),
            "UploadOrigins": ORIGINS[0],
            "UploadPrefix": "media/tmp/uploads/",
            "KmsKeyArn": KMS_KEY,
            "WebAclArn": WEB_ACL,
        },
    ),
    "managed": ({"managed_policies": True}, {"ManagedPolicies": "on"}),
}
#: Parameters that the example has no variable for: they have their defaults.
LEFT_OUT = {"MakeBucket", "PublicPath", "Csp", "LogBucket"}

#: What stands for an attribute of a resource that is not made yet.
IDS = {
    "aws_s3_bucket.files.id": BUCKET,
    "aws_s3_bucket.files.arn": f"arn:aws:s3:::{BUCKET}",
    "aws_s3_bucket.files.bucket_regional_domain_name": f"{BUCKET}.s3.{REGION}.amazonaws.com",
    "aws_cloudfront_key_group.site.id": KEY_GROUP,
    "aws_cloudfront_origin_access_control.files.id": "OriginAccessControl.Id",
    "aws_cloudfront_cache_policy.files[0].id": "CachePolicy",
    "aws_cloudfront_response_headers_policy.files[0].id": "ResponseHeadersPolicy",
    "aws_cloudfront_distribution.files.id": "Distribution",
    "aws_cloudfront_distribution.files.domain_name": "Distribution.DomainName",
    "aws_cloudfront_distribution.files.arn": "arn:aws:cloudfront::111122223333:distribution/"
    "Distribution",
    "data.aws_region.here.region": REGION,
}


class Example:
    """The example with values for its variables, evaluated as Terraform would."""

    def __init__(self, **variables: Any) -> None:
        self._read = read_hcl((FOLDER / "main.tf").read_text("utf-8"))
        declared = self.blocks("variable")
        assert variables.keys() <= declared.keys()
        self.names: dict[str, Any] = dict(IDS)
        for name, body in declared.items():
            value = variables[name] if name in variables else self.value(body["default"])
            self.names[f"var.{name}"] = value
        for name, body in self.blocks("locals").items():
            self.names[f"local.{name}"] = self.value(body)

    def blocks(self, kind: str) -> dict[str, Any]:
        """Return the blocks of a kind by their first label; the example has each once."""
        return {name: body for each in self._read[kind] for name, body in each.items()}

    def resources(self) -> dict[str, Any]:
        """Return each resource that would be made, by its type."""
        return {
            kind: self.value(body)
            for kind, labels in self.blocks("resource").items()
            for body in labels.values()
            if self.value(body.get("count", 1))
        }

    def outputs(self) -> dict[str, Any]:
        """Return the outputs."""
        return {name: self.value(body["value"]) for name, body in self.blocks("output").items()}

    def value(self, value: Any) -> Any:
        """Return what a value of HCL is; what is null is not there."""
        if isinstance(value, list):
            return [self.value(each) for each in value]
        if isinstance(value, dict):
            found = {
                name: self.value(each)
                for name, each in value.items()
                if name not in ("count", "dynamic", "lifecycle")
            }
            for each in value.get("dynamic", ()):
                for name, block in each.items():
                    blocks = [*found.get(name, ()), *self._blocks(name, block)]
                    found[name] = blocks or None
            return {name: each for name, each in found.items() if each is not None}
        if not isinstance(value, str):
            return value
        if value.startswith('"'):
            return re.sub(r"\$\{(.+?)\}", lambda m: self._expression(m[1]), json.loads(value))
        return self._expression(value.removeprefix("${").removesuffix("}"))

    def _blocks(self, name: str, block: Any) -> Iterator[Any]:
        for each in self.value(block["for_each"]):
            self.names[f"{name}.value"] = each
            yield from self.value(block["content"])

    def _expression(self, text: str) -> Any:
        """Evaluate the few kinds of expressions that the example has."""
        if found := re.fullmatch(r"(.+?) == (\S+) \? (.+?) : (.+)", text, re.DOTALL):
            left, right, if_equal, otherwise = map(self._expression, found.groups())
            return if_equal if left == right else otherwise
        if found := re.fullmatch(r"(\S+) \? (.+?) : (.+)", text, re.DOTALL):
            condition, if_true, otherwise = map(self._expression, found.groups())
            return if_true if condition else otherwise
        if found := re.fullmatch(r"(length|coalesce|jsonencode)\((.+)\)", text, re.DOTALL):
            if found[1] == "jsonencode":
                return self._expression(found[2])
            arguments = [self._expression(each) for each in found[2].split(", ")]
            return len(*arguments) if found[1] == "length" else next(filter(None, arguments))
        if text in self.names:
            return self.names[text]
        literal = read_hcl(f"x = {text}\n")["x"]
        assert literal != f"${{{text}}}", f"nobody knows {text}"
        return self.value(literal)


def read_hcl(text: str) -> Any:
    """Return what another parser of HCL reads, with plain names."""
    import hcl2

    def plain(value: Any) -> Any:
        if isinstance(value, list):
            return [plain(each) for each in value]
        if isinstance(value, dict):
            names = [name for name in value if not name.startswith("__")]  # notes of the parser
            return {name.strip('"'): plain(value[name]) for name in names}
        return value

    return plain(hcl2.loads(text))


#: Words of Terraform that CloudFormation has another for.
NAMES = {
    "isipv6enabled": "ipv6enabled",
    "maxageseconds": "maxage",
    "exposeheaders": "exposedheaders",
    "applyserversideencryptionbydefault": "serversideencryptionbydefault",
    "originid": "id",
}


def same(value: Any) -> Any:
    """Return a value in words that both have.

    Names are in lower case, each block is in a list, and a block that only covers a list is left
    out.
    """
    if isinstance(value, list):
        found = [same(each) for each in value]
        return found[0] if len(found) == 1 and isinstance(found[0], list) else found
    if not isinstance(value, Mapping):
        return value
    words = {name: name.replace("_", "").lower() for name in value}
    body = {
        NAMES.get(words[name], words[name]): same([each] if isinstance(each, Mapping) else each)
        for name, each in value.items()
    }
    return body["items"] if [*body] == ["items"] else body


def of_template(resources: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a template makes, each part of the bucket by itself, by Terraform's types."""
    bucket = dict(resources["Bucket"])
    [encryption] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    config = dict(resources["Distribution"]["DistributionConfig"])
    [origin] = config.pop("Origins")
    # CloudFormation alone demands it.
    assert origin.pop("S3OriginConfig") == {"OriginAccessIdentity": ""}
    control = resources["OriginAccessControl"]["OriginAccessControlConfig"]
    cors = bucket.get("CorsConfiguration", {}).get("CorsRules", [])
    lifecycle = bucket["LifecycleConfiguration"]["Rules"]
    found = {
        "aws_s3_bucket": {"bucket": bucket["BucketName"]},
        "aws_s3_bucket_ownership_controls": {"rule": bucket["OwnershipControls"]["Rules"]},
        "aws_s3_bucket_public_access_block": bucket["PublicAccessBlockConfiguration"],
        "aws_s3_bucket_server_side_encryption_configuration": {"rule": encryption},
        "aws_s3_bucket_cors_configuration": {"cors_rule": cors},
        "aws_s3_bucket_lifecycle_configuration": {"rule": lifecycle},
        "aws_s3_bucket_policy": {"policy": resources["BucketPolicy"]["PolicyDocument"]},
        "aws_cloudfront_origin_access_control": control,
        "aws_cloudfront_distribution": {**config, "origin": origin},
    }
    policies = {"cache_policy": "CachePolicy", "response_headers_policy": "ResponseHeadersPolicy"}
    for name, each in policies.items():
        if each in resources:  # not with policies that AWS manages
            found[f"aws_cloudfront_{name}"] = resources[each][f"{each}Config"]
    return {name: same(each) for name, each in found.items()}


def of_example(resources: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the example makes but its key group, with the words of the template."""
    found = {"aws_s3_bucket_cors_configuration": {"cors_rule": []}, **resources}
    del found["aws_cloudfront_key_group"]
    distribution = found["aws_cloudfront_distribution"]
    # Terraform alone demands it.
    assert distribution.pop("restrictions") == [{"geo_restriction": [{"restriction_type": "none"}]}]
    if not distribution["aliases"]:
        del distribution["aliases"]
    for rule in found["aws_s3_bucket_lifecycle_configuration"]["rule"]:
        [where] = rule.pop("filter")
        rule |= where
        if "expiration" in rule:
            rule["expiration_in_days"] = rule.pop("expiration")[0]["days"]
    for name, each in found.items():
        if name != "aws_s3_bucket" and "bucket" in each:
            assert each.pop("bucket") == BUCKET
    return {name: same(each) for name, each in found.items()}


@pytest.mark.parametrize("case", CASES)
def test_says_what_the_template_says(case: str) -> None:
    """Every attribute of every resource, and every output, is that of the template."""
    variables, parameters = CASES[case]
    example = Example(**VARIABLES, **variables)
    template = Template(**LEAST, **parameters)
    outputs, expected = example.outputs(), template.outputs()

    assert of_example(example.resources()) == of_template(template.resources())
    settings = {name: each for name, each in expected.items() if name.startswith("AWS_")}
    [statement] = [json.loads(each) for name, each in expected.items() if "KMS" in name] or [None]
    assert outputs["settings"] == settings
    assert outputs["distribution_domain"] == "Distribution.DomainName"
    assert outputs["kms_key_policy_statement"] == statement


def test_key_group() -> None:
    """No later apply puts back the first key: the members of the group are the site's."""
    group = Example(**VARIABLES).blocks("resource")["aws_cloudfront_key_group"]["site"]

    assert group["lifecycle"] == [{"ignore_changes": ["items"]}]


def test_variables() -> None:
    """Each parameter of the template has a variable, or is one that the page says is left out."""
    compared = {name for _, parameters in CASES.values() for name in parameters}
    page = (ROOT / "docs" / "aws" / "terraform.md").read_text("utf-8")

    assert compared | LEAST.keys() | LEFT_OUT == Template(**LEAST).read["Parameters"].keys()
    assert {name for name in LEFT_OUT if f"`{name}`" not in page} == set()


def test_reserved_name() -> None:
    """Refuse a name of S3's account regional namespace, as the command does: it is made here."""
    [rule] = Example(**VARIABLES).blocks("variable")["bucket"]["validation"]

    assert rule["condition"] == '${!endswith(var.bucket, "-an")}'


def test_upload_prefix() -> None:
    """Refuse every folder but tmp/uploads/, as the template does: what is in it is deleted."""
    [rule] = Example(**VARIABLES).blocks("variable")["upload_prefix"]["validation"]

    pattern = Template(**LEAST).read["Parameters"]["UploadPrefix"]["AllowedPattern"]
    assert rule["condition"] == f'${{can(regex("{pattern}", var.upload_prefix))}}'


def wrong(name: str, body: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the provider would refuse in a block."""
    known = {each.removesuffix("!"): inner for each, inner in schema.items()}
    blocks = {**body}
    for each in body.get("dynamic", ()):
        for label, block in each.items():
            blocks[label] = [*blocks.get(label, ()), *block["content"]]
    missing = {each[:-1] for each in schema if each.endswith("!")} - blocks.keys()
    yield from (f"{name} needs {each}" for each in missing)
    for each, inner in blocks.items():
        if each in OF_TERRAFORM:
            continue
        if each not in known:
            yield f"{name} has no {each}"
        elif known[each] is not None:
            for block in inner:
                yield from wrong(f"{name}.{each}", block, known[each])


def test_the_provider_knows_every_word() -> None:
    """Each attribute and block is one that the provider has, and none that it needs is missing."""
    for kind, labels in Example(**VARIABLES).blocks("resource").items():
        for body in labels.values():
            assert [*wrong(kind, body, SCHEMA[kind])] == []


def test_attributes_of_an_existing_distribution() -> None:
    """The page about one that exists names attributes and resources that the provider has."""
    rows = table(ROOT / "docs" / "aws" / "existing-distribution.md", "What must be so")
    distribution = SCHEMA["aws_cloudfront_distribution"]
    behavior, origin = distribution["default_cache_behavior!"], distribution["origin!"]
    known = {each.removesuffix("!") for each in (*SCHEMA, *distribution, *behavior, *origin)}

    named = [each for row in rows for each in re.findall(r"`(\w+)`", row[3])]
    assert len(named) >= len(rows) == 5
    assert [each for each in named if each not in known] == []


@pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not on PATH")
def test_terraform_validates(tmp_path: Path) -> None:
    """Pass terraform's own check of the format and of the words."""
    shutil.copy(FOLDER / "main.tf", tmp_path)
    for arguments in (["fmt", "-check"], ["init", "-backend=false"], ["validate"]):
        subprocess.run(["terraform", *arguments], cwd=tmp_path, check=True)
