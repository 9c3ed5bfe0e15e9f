"""Compare exports with the plan, value by value, and let other parsers and a person read them.

The other parsers are slow to start: what needs one is run by make package.

Modules: tools/account/export/cloudformation.py, tools/account/export/documents.py,
tools/account/export/terraform.py
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cfsigned_django.signing import PrivateKey
from cfsigned_django.tools.account.account import Account, Bucket, BucketState
from cfsigned_django.tools.account.export.cloudformation import cloudformation
from cfsigned_django.tools.account.export.documents import export_documents
from cfsigned_django.tools.account.export.terraform import Expression, quoted, resource, terraform
from cfsigned_django.tools.account.state.plan import plan
from cfsigned_django.tools.account.state.steps import NOT_YET
from cfsigned_django.tools.account.state.wanted import OriginAccess, SiteKey, Wanted
from tests.golden import assert_golden

CERTIFICATE = "arn:aws:acm:us-east-1:111122223333:certificate/0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"
KEY = "arn:aws:kms:ap-northeast-2:111122223333:key/0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"
DESIRED_STATES: dict[str, dict[str, Any]] = {
    "plain": {},
    "everything": {
        "path_pattern": "media/*",
        "cors_origins": ("https://a.example.com",),
        "upload_origins": ("https://a.example.com",),
        "upload_prefix": "tmp/s3file/",
        "downloads": True,
        "region": "ap-northeast-2",
        "kms_key": KEY,
    },
    "origins": {"cors_origins": ("https://a.example.com", "https://b.example.com")},
    "cookies": {
        "cors_origins": ("https://a.example.com", "https://b.example.com"),
        "cookies": True,
    },
    "domain": {"domain": "media.example.com", "certificate": CERTIFICATE},
    "identity": {"origin_access": OriginAccess.OAI},
    "pattern": {"path_pattern": "@KeyGroup/@*"},
}


def wish(state: str, **fields: Any) -> Wanted:
    """Return the desired state of that name."""
    fields |= DESIRED_STATES[state]
    return Wanted(bucket="media-bucket", creates_distribution=True, **fields)


@pytest.fixture(params=list(DESIRED_STATES))
def desired(request: pytest.FixtureRequest, ec_key: PrivateKey) -> Wanted:
    """Return a desired state."""
    return wish(request.param, key=SiteKey.from_public_key(ec_key.public_key))


def values(document: Any, *, skip: frozenset[str] = frozenset()) -> Iterator[Any]:
    """Yield each value in a document but empty ones, and what only the API's spelling needs."""
    if isinstance(document, dict):
        # {"Enabled": ..., "Quantity": ...} is a list that may be empty.
        needless = skip | ({"Enabled", "Quantity"} if "Quantity" in document else set())
        for name, each in document.items():
            if name not in needless:
                yield from values(each, skip=skip)
    elif isinstance(document, list):
        for each in document:
            yield from values(each, skip=skip)
    elif document not in ("", None):
        yield document if isinstance(document, bool) else str(document)


def of_the_plan(desired: Wanted) -> Counter[Any]:
    """Return how often each value is in what the plan for an empty account would send."""
    bucket = Bucket(name=desired.bucket, state=BucketState.MISSING)
    steps = plan(Account(account_id="111122223333", bucket=bucket), desired)
    sent = {each.name: each.after for each in steps if each.after}
    # The bucket is one resource in a template, and its name and region are elsewhere.
    sent["bucket"] = sent["bucket"]["ObjectOwnership"]
    found = Counter(values(sent, skip=frozenset({"CallerReference", "Sid"})))
    for text in [each for each in found if str(each).endswith(NOT_YET)]:
        found[NOT_YET] += found.pop(text) if text != NOT_YET else 0
    return found


def test_cloudformation_is_the_plan(desired: Wanted) -> None:
    """The template has, value by value, what the plan for an empty account would send."""
    template = json.loads(cloudformation(export_documents(desired)))
    pem = template["Parameters"]["PublicKeyPem"]["Default"]

    def plain(value: Any) -> Any:
        if isinstance(value, list):
            return [plain(each) for each in value]
        if not isinstance(value, dict):
            return value
        if value == {"Ref": "PublicKeyPem"}:
            return pem
        if len(value) == 1 and set(value) <= {"Ref", "Fn::GetAtt", "Fn::Sub"}:
            return NOT_YET
        return {name: plain(each) for name, each in value.items()}

    found = {name: plain(each["Properties"]) for name, each in template["Resources"].items()}
    assert found["Bucket"].pop("BucketName") == desired.bucket
    assert found["BucketPolicy"].pop("Bucket") == NOT_YET
    assert Counter(values(found, skip=frozenset({"CallerReference", "Sid"}))) == of_the_plan(
        desired
    )


def read_hcl(text: str) -> dict[str, Any]:
    """Return what another parser reads."""
    import hcl2  # slow to import, and most runs of pytest need none of it

    found: dict[str, Any] = hcl2.loads(text)
    return found


def resources(text: str) -> dict[str, Any]:
    """Return the body of each resource; what is not made yet reads as in a plan."""

    def plain(value: Any) -> Any:
        if isinstance(value, list):
            return [plain(each) for each in value]
        if isinstance(value, dict):
            return {k.strip('"'): plain(v) for k, v in value.items() if k != "__is_block__"}
        if not isinstance(value, str):
            return value
        if value.startswith('"'):
            return json.loads(value)
        expression = value.removeprefix("${").removesuffix("}")
        if expression.startswith("jsonencode("):
            inner = expression.removeprefix("jsonencode(").removesuffix(")")
            return plain(read_hcl(f"x = {inner}\n")["x"])
        return value if expression == value else NOT_YET

    return {
        kind.strip('"').removeprefix("aws_"): plain(next(iter(labels.values())))
        for each in read_hcl(text)["resource"]
        for kind, labels in each.items()
    }


@pytest.mark.package
def test_terraform_is_the_plan(desired: Wanted) -> None:
    """The Terraform code has, value by value, what the plan for an empty account would send."""
    found = resources(terraform(export_documents(desired)))
    expected = of_the_plan(desired)

    # A rotation changes the group: no later apply may put the first key back.
    assert found["cloudfront_key_group"].pop("lifecycle") == [{"ignore_changes": ["items"]}]
    assert found["s3_bucket"].pop("bucket") == desired.bucket
    distribution = found["cloudfront_distribution"]
    assert distribution.pop("restrictions") == [{"geo_restriction": [{"restriction_type": "none"}]}]
    if not desired.certificate:
        (certificate,) = distribution.pop("viewer_certificate")
        assert certificate == {"cloudfront_default_certificate": True}
    in_bucket = [
        each.pop("bucket") for name, each in found.items() if name.startswith("s3_bucket_")
    ]
    assert set(in_bucket) == {NOT_YET}
    if desired.origin_access is OriginAccess.OAI:
        assert "cloudfront_origin_access_control" not in found
    assert Counter(values(found, skip=frozenset({"Sid"}))) == expected


@pytest.mark.parametrize("state", ["everything", "identity"])
def test_transcripts(state: str) -> None:
    """Show a person both exports, with a key and before there is one."""
    documents = export_documents(wish(state))
    if state == "everything":
        documents = replace(documents, public_key_name="cfsigned-1", public_key_pem="PEM\n")

    assert_golden(f"aws-export-{state}-cloudformation", cloudformation(documents))
    assert_golden(f"aws-export-{state}-terraform", terraform(documents))


@pytest.fixture(scope="module")
def findings() -> Callable[[str], set[str]]:
    """Return what tells the rules of AWS's own linter that a template breaks; it has hundreds."""
    from cfnlint.api import lint
    from cfnlint.core import get_rules

    rules = get_rules([], [], [])
    regions = ["us-east-1", "ap-northeast-2"]
    return lambda text: {match.rule.id for match in lint(text, rules, regions)}


@pytest.mark.package
@pytest.mark.parametrize("desired", ["everything", "domain", "identity", "pattern"], indirect=True)
def test_cfn_lint_finds_nothing(desired: Wanted, findings: Callable[[str], set[str]]) -> None:
    """Pass AWS's own linter."""
    assert findings(cloudformation(export_documents(desired))) == set()


@pytest.mark.package
def test_cfn_lint_without_a_key(findings: Callable[[str], set[str]]) -> None:
    """Pass before there is a key pair; with a mistake, fail, so that passing means something."""
    text = cloudformation(export_documents(wish("plain")))

    assert findings(text) == set()
    assert findings(text.replace('"PriceClass_All"', '"Cheap"')) == {"E3030"}


@pytest.mark.package
@pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not on PATH")
def test_terraform_validates(desired: Wanted, tmp_path: Path) -> None:
    """Pass terraform validate."""
    (tmp_path / "main.tf").write_text(terraform(export_documents(desired)), encoding="utf-8")
    subprocess.run(["terraform", "init", "-backend=false"], cwd=tmp_path, check=True)
    subprocess.run(["terraform", "validate"], cwd=tmp_path, check=True)


EVERY_KIND = {"s": "${x} %{y}", "n": 1, "e": Expression("a.b"), "m": {"a:b": True}}


@pytest.mark.package
def test_hcl_is_read() -> None:
    """Write every kind of value so that another parser reads it."""
    assert read_hcl(resource("kind", EVERY_KIND))["resource"]


def test_hcl() -> None:
    """Interpolate nothing that is a string, and write every kind of value."""
    text = resource("kind", EVERY_KIND)

    assert quoted("${x}") == '"$${x}"'
    assert 's = "$${x} %%{y}"' in text
    assert '"a:b" = true' in text
