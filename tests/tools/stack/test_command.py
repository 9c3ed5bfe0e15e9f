"""Deploy the stack of a site whose key goes into a file: first and later runs, losses, refusals.

Modules: management/commands/cfsigned_setup.py, tools/setup/proof.py, tools/setup/stack_report.py,
tools/setup/site_stack.py, tools/stack/change_set.py,
tools/stack/existing.py, tools/stack/losses.py, tools/stack/template.py
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from django.db.models import FileField

from cfsigned_django.checks import check_storages
from cfsigned_django.core.viewer import Answer
from cfsigned_django.management.commands import cfsigned_setup
from cfsigned_django.signing import PrivateKey
from cfsigned_django.storage import CloudFrontS3Storage
from cfsigned_django.tools.account.documents.bucket import PUBLIC_ACCESS_BLOCK
from cfsigned_django.tools.setup.key_provider import SettingsKey
from cfsigned_django.tools.stack.existing import Stack
from cfsigned_django.tools.stack.template import read_template
from tests.background import wait_until
from tests.checks.conftest import fields as fields
from tests.core.aws.failing import Failing
from tests.management import run_as_program
from tests.pages import DOCS, snippets
from tests.simulation.answers import refusal
from tests.storage_cases import S3_BACKEND, without_sha1
from tests.tools.setup.viewers import nobody_answers
from tests.tools.stack import BUCKET, CERTIFICATE, KMS_KEY, WEB_ACL
from tests.tools.stack.conftest import Aws
from tests.tools.stack.running import APPLY, errors, report, run

pytestmark = pytest.mark.usefixtures("unmigrated")

_ACCOUNT = "000000000000"
_CERTIFICATE = CERTIFICATE.replace("111122223333", _ACCOUNT)
#: Options, and the parameters that they become.
OPTIONS: dict[tuple[str, ...], dict[str, str]] = {
    ("--domain", "m.example.com", "--certificate", _CERTIFICATE): {
        "Domain": "m.example.com",
        "CertificateArn": _CERTIFICATE,
    },
    ("--cors-origin", "https://a.example.com", "--cors-origin", "https://b.example.com"): {
        "CorsOrigins": "https://a.example.com,https://b.example.com"
    },
    ("--upload-origin", "https://a.example.com"): {
        "UploadOrigins": "https://a.example.com",
        "UploadPrefix": "media/tmp/uploads/",
    },
    ("--public-path", "static/*"): {"PublicPath": "static/*"},
    ("--csp", "sandbox"): {"Csp": "sandbox"},
    ("--web-acl", WEB_ACL.replace("111122223333", _ACCOUNT)): {
        "WebAclArn": WEB_ACL.replace("111122223333", _ACCOUNT)
    },
    ("--log-bucket", "logs"): {"LogBucket": "logs"},
}


def parameters(aws: Aws) -> dict[str, str]:
    """Return the parameters of the stack."""
    [stack] = aws.cloudformation.describe_stacks(StackName="media")["Stacks"]
    return {each["ParameterKey"]: each["ParameterValue"] for each in stack["Parameters"]}


def counts(aws: Aws) -> tuple[int, int, int]:
    """Return how many public keys, key groups and distributions there are."""
    cloudfront = aws.clients.cloudfront
    return (
        len(cloudfront.list_public_keys()["PublicKeyList"].get("Items", [])),
        len(cloudfront.list_key_groups()["KeyGroupList"].get("Items", [])),
        len(cloudfront.list_distributions()["DistributionList"].get("Items", [])),
    )


def delete_stack(aws: Aws) -> None:
    """Delete the stack by hand."""
    aws.cloudformation.update_termination_protection(
        StackName="media", EnableTerminationProtection=False
    )
    aws.cloudformation.delete_stack(StackName="media")
    wait_until(lambda: not aws.cloudformation.describe_stacks()["Stacks"], "no stack")


def distribution(aws: Aws, **fields: Any) -> Any:
    """Return the configuration of the only distribution, after a change by hand."""
    cloudfront = aws.clients.cloudfront
    [found] = cloudfront.list_distributions()["DistributionList"]["Items"]
    answer = cloudfront.get_distribution_config(Id=found["Id"])
    config = {**answer["DistributionConfig"], **fields}
    if fields:
        cloudfront.update_distribution(
            Id=found["Id"], IfMatch=answer["ETag"], DistributionConfig=config
        )
    return config


def test_first_run_and_second(aws: Aws, tmp_path: Path) -> None:
    """Plan and make nothing; then make it all, prove it, protect it, and find nothing to do."""
    planned = report("--check", code=3)
    left = aws.cloudformation.describe_stacks()["Stacks"], counts(aws), list(tmp_path.iterdir())
    applied = report(*APPLY)
    again = report("--check")
    twice = report(*APPLY)
    [stack] = aws.cloudformation.describe_stacks(StackName="media")["Stacks"]

    assert left == ([], (0, 0, 0), [])
    assert {each["action"] for each in planned["changes"]} == {"add"}
    assert (errors(applied), errors(twice)) == ([], [])
    assert (again["changes"], twice["changes"]) == ([], [])
    assert applied["settings"] == twice["settings"]
    assert applied["settings"]["AWS_STORAGE_BUCKET_NAME"] == BUCKET
    assert applied["settings"]["AWS_CLOUDFRONT_KEY_GROUP_ID"] == again["key_group"]["id"]
    assert counts(aws) == (1, 1, 1)
    assert stack["EnableTerminationProtection"]
    assert "PRIVATE" not in json.dumps([planned, applied, again])


def test_what_a_person_reads(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Show a plan, ask, show the events and the settings; change nothing without a yes.

    The page of the stack has the plan.
    """
    [page] = [each.code for each in snippets(DOCS / "aws" / "stack.md") if each.role == "plan"]
    plan = run()
    monkeypatch.setattr("sys.stdin", StringIO("no\n"))
    refused = run("--apply")
    nothing = counts(aws), aws.cloudformation.describe_stacks()["Stacks"]
    monkeypatch.setattr("sys.stdin", StringIO("yes\n"))
    applied = run("--apply")

    assert plan.startswith(page)
    assert "Nothing was changed" in plan
    assert "Nothing was changed" in refused
    assert nothing == ((0, 0, 0), [])
    assert "made     the distribution" in applied
    assert f'AWS_STORAGE_BUCKET_NAME = "{BUCKET}"' in applied
    assert run().startswith("There is nothing to do for the stack media")


def test_an_edge_on_this_machine(aws: Aws, settings: Any) -> None:
    """Keep the domain of a local edge: it stands in for CloudFront, and the proof asks it."""
    settings.AWS_S3_CUSTOM_DOMAIN = "127.0.0.1:8011"
    settings.AWS_S3_URL_PROTOCOL = "http:"

    applied = report(*APPLY)

    assert "unsigned-refused" in {each["id"] for each in applied["proof"]}
    assert errors(applied) == []
    assert applied["settings"]["AWS_S3_CUSTOM_DOMAIN"] == "127.0.0.1:8011"


def test_an_edge_that_does_not_run_yet(
    aws: Aws, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """End a first run on an emulator with the edge to start, and without an error."""
    settings.AWS_S3_CUSTOM_DOMAIN = "127.0.0.1:8011"
    settings.AWS_S3_URL_PROTOCOL = "http:"
    monkeypatch.setattr(cfsigned_setup.Command, "fetch", staticmethod(nobody_answers))

    applied = report(*APPLY, code=75)

    [edge] = [each for each in applied["proof"] if each["id"] == "no-answer"]
    assert "error" not in {each["level"] for each in applied["proof"]}
    assert edge["level"] == "warning"
    assert "Start the edge" in edge["fix"]


def test_a_distribution_that_does_not_answer(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Call it an error that the domain of a real distribution does not answer."""
    monkeypatch.setattr(cfsigned_setup.Command, "fetch", staticmethod(nobody_answers))

    proof = report(*APPLY, code=75)["proof"]

    assert [each["level"] for each in proof if each["id"] == "no-answer"] == ["error"]


def test_a_field_in_the_public_path(aws: Aws, settings: Any, fields: Any) -> None:
    """Call it an error that a file field saves where the stack is told to be open."""
    settings.STORAGES = {"default": {"BACKEND": S3_BACKEND, "OPTIONS": {"bucket_name": BUCKET}}}
    settings.AWS_S3_CUSTOM_DOMAIN = "127.0.0.1:8011"
    fields(image=FileField(upload_to="albums"))

    applied = report(*APPLY, "--public-path", "albums/*", code=1)

    assert "behavior-open" in errors(applied)


def test_each_option(aws: Aws, settings: Any) -> None:
    """Carry out each option, and keep its value in later runs that leave it out.

    A run is refused for what was changed by hand: no false loss is found, whatever was deployed.
    """
    settings.AWS_LOCATION = "media"
    run(*APPLY)
    expected = {"BucketName": BUCKET, "MakeBucket": "true", "Csp": "scripts"}
    for options, wanted in OPTIONS.items():
        expected |= wanted
        applied = report(*APPLY, *options)
        assert parameters(aws).items() >= expected.items()
        # The emulator carries no lifecycle rule out.
        assert {*errors(applied)} <= {"uploads-kept"}

    assert counts(aws) == (1, 1, 1)
    others = "--public-path", "covers/*", "--csp", "off", "--upload-origin", "https://c.example.com"
    settings.AWS_LOCATION = "elsewhere"
    planned = report(*others)
    assert planned["losses"] == []
    assert not any("media/tmp/uploads/" in each for each in planned["parameters"])
    assert "The DNS record of m.example.com must point to" in run(*APPLY)


class TenantStorage(CloudFrontS3Storage):
    """A storage whose names mean other paths for another tenant."""

    location = property(lambda self: "tenant")


def test_public_folder(aws: Aws, settings: Any) -> None:
    """Open the public folder of the storages in the bucket by default, and refuse another path.

    Of several, open none, and name them for a person.
    """

    def storage(public: list[str], **options: str) -> dict[str, Any]:
        return {"BACKEND": S3_BACKEND, "OPTIONS": {"public": public, **options}}

    others = {
        "elsewhere": storage(["elsewhere/"], bucket_name="elsewhere"),
        "tenants": {**storage(["tenants/"]), "BACKEND": f"{__name__}.TenantStorage"},
    }
    settings.AWS_LOCATION = "media"
    settings.STORAGES = {"default": storage(["covers/"]), **others}
    refused = [run(*APPLY, "--public-path", path, code=1) for path in ("static/*", "")]
    applied = report(*APPLY)
    opened = parameters(aws)["PublicPath"]
    settings.STORAGES = {"default": storage(["covers/", "logos/"]), **others}
    several = run()

    assert all("media/covers/*" in each and "--public-path" in each for each in refused)
    assert opened == "media/covers/*"
    assert "open-folder" not in {each["id"] for each in applied["proof"]}
    assert "public: media/covers/*, media/logos/*. " in several


def test_tags(aws: Aws) -> None:
    """Tag the stack, and keep the tags that a run does not name."""

    def tags(*arguments: str) -> tuple[Any, Any]:
        changed = report(*APPLY, *arguments)["parameters"] if arguments else []
        [stack] = aws.cloudformation.describe_stacks(StackName="media")["Stacks"]
        return changed, {each["Key"]: each["Value"] for each in stack["Tags"]}

    made = tags("--tag", "team=photos", "--tag", "url=https://a.example.com/?b=c")
    planned = run("--tag", "team=media")
    changed, added = tags("--tag", "team=media"), tags("--tag", "cost=42")
    later = tags("--cors-origin", "https://a.example.com")

    url = {"url": "https://a.example.com/?b=c"}
    assert made[1] == {"team": "photos", **url}
    assert changed == (["tag team: media, was photos"], {"team": "media", **url})
    assert re.search("^change .*the distribution: tag team: media, was photos$", planned, re.M)
    assert added[1] == later[1] == {"team": "media", "cost": "42", **url}
    assert report("--check", "--tag", "cost=42")["changes"] == []


def test_removals(aws: Aws) -> None:
    """Name what an option takes away, and take it away only with --allow-removal."""
    origins = "--cors-origin", "https://a.example.com", "--cors-origin", "https://b.example.com"
    run(*APPLY, "--public-path", "static/*", "--csp", "sandbox", *origins)
    without = "--public-path", "", "--csp", "off", "--cors-origin", "https://b.example.com"

    planned = report(*without)
    read = run(*without)
    refused = run(*APPLY, *without, code=1)
    kept = parameters(aws)["PublicPath"]
    run(*APPLY, *without, "--allow-removal")

    assert len(planned["removals"]) == 3
    assert "what stops scripts in files: off, was sandbox" in read
    assert "add --apply --allow-removal to" in read
    assert all(each in refused for each in ("static/*", "sandbox", "https://a.example.com"))
    assert kept == "static/*"
    assert parameters(aws)["PublicPath"] == ""
    assert parameters(aws)["CorsOrigins"] == "https://b.example.com"


#: What policies that AWS manages take away from a stack that has the default options.
LOST = ["scripts (--csp)", "X-Frame-Options", "with cookies", "download=, inline=, versionId"]


def policies(aws: Aws) -> tuple[list[str], int]:
    """Return the policies of the distribution's behavior, and how many the account has made."""
    cloudfront, behavior = aws.clients.cloudfront, distribution(aws)["DefaultCacheBehavior"]
    listed = (
        cloudfront.list_cache_policies(Type="custom")["CachePolicyList"],
        cloudfront.list_response_headers_policies(Type="custom")["ResponseHeadersPolicyList"],
    )
    used = [behavior["CachePolicyId"], behavior["ResponseHeadersPolicyId"]]
    return used, sum(len(each.get("Items", [])) for each in listed)


def test_new_stack_with_managed_policies(aws: Aws) -> None:
    """Say what such a stack lacks, make no policy, and find nothing to do afterwards."""
    planned = run("--managed-policies")
    applied = report(*APPLY, "--managed-policies")
    later = report("--check"), report(*APPLY, "--public-path", "static/*")

    assert [
        each for each in LOST if not re.search(f"^lacks .*{re.escape(each)}", planned, re.M)
    ] == []
    assert "add --apply to" in planned
    assert {each["resource"] for each in applied["changes"]} & {*_POLICIES} == set()
    assert policies(aws) == ([*_POLICIES.values()], 0)
    assert (later[0]["changes"], later[1]["removals"]) == ([], [])
    assert "lacks" not in run("--domain", "m.example.com", "--certificate", _CERTIFICATE)


#: What would be made, and the policy of AWS in its place.
_POLICIES = {
    "CachePolicy": "658327ea-f89d-4fab-a63d-7e88639e58f6",
    "ResponseHeadersPolicy": "e61eb60c-9c35-4d20-a928-2b84e02af89c",
}


def test_managed_policies_come_and_go(aws: Aws) -> None:
    """Name all that is lost in both directions, and change it only with --allow-removal."""
    origin = "--cors-origin", "https://a.example.com"
    run(*APPLY, "--csp", "sandbox", *origin)
    planned = report("--managed-policies")
    refused = run(*APPLY, "--managed-policies", code=1)
    kept = policies(aws)
    run(*APPLY, "--managed-policies", "--allow-removal")
    managed, checked = policies(aws), report("--check")["changes"]
    useless = [run(*each, code=1) for each in (origin, ("--csp", "scripts"))]
    back = "--managed-policies", "off", *origin
    refused_back = run(*APPLY, *back, code=1)
    run(*APPLY, *back, "--allow-removal")

    assert [each["action"] for each in planned["changes"]].count("remove") == 2
    lost = ["https://a.example.com", "sandbox (--csp)", *LOST[1:]]
    assert [each for each in lost if each not in refused] == []
    assert len(planned["removals"]) == len(lost)
    assert kept[1] == 2
    assert (managed, checked) == (([*_POLICIES.values()], 0), [])
    assert ["--cors-origin has no effect" in useless[0], "--csp has no" in useless[1]] == [True] * 2
    assert "policies that AWS manages: on" in refused_back
    assert policies(aws)[1] == 2
    # What counted as off is as it was.
    assert parameters(aws).items() >= {"Csp": "sandbox", "ManagedPolicies": "off"}.items()


def test_changes_by_hand(aws: Aws) -> None:
    """Name each thing that an update would undo, and undo it only with --revert-drift."""
    run(*APPLY)
    behavior = {**distribution(aws)["DefaultCacheBehavior"], "PathPattern": "thumbs/*"}
    added = {"Quantity": 1, "Items": [behavior]}
    distribution(aws, DefaultRootObject="index.html", CacheBehaviors=added)
    rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["https://x.example.com"]}
    aws.clients.s3.put_bucket_cors(Bucket=BUCKET, CORSConfiguration={"CORSRules": [rule]})

    elsewhere = report(*APPLY, "--cors-origin", "https://a.example.com")
    planned = report("--public-path", "static/*")
    [of_bucket] = report("--upload-origin", "https://a.example.com")["losses"]
    read = [run("--public-path", "static/*", *each) for each in ((), ("--revert-drift",))]
    refused = run(*APPLY, "--public-path", "static/*", code=1)
    kept = distribution(aws)
    run(*APPLY, "--public-path", "static/*", "--revert-drift")
    then = distribution(aws)

    assert elsewhere["losses"] == []
    assert len(planned["losses"]) == 2
    assert ["add --apply --revert-drift to" in each for each in read] == [True, False]
    assert "https://x.example.com" in of_bucket
    assert "index.html" in refused
    assert "thumbs/*" in refused
    assert kept["DefaultRootObject"] == "index.html"
    assert not then.get("DefaultRootObject")
    assert [each["PathPattern"] for each in then["CacheBehaviors"]["Items"]] == ["static/*"]


def test_web_acl_of_a_plan(aws: Aws) -> None:
    """Keep the web ACL that somebody gave the distribution; only an empty option takes it off."""
    first, second = (f"{WEB_ACL[:-1]}{each}" for each in "12")
    run(*APPLY)
    distribution(aws, WebACLId=first)
    checked = report("--check", code=3)
    run(*APPLY, "--public-path", "static/*")
    settled = report("--check"), distribution(aws)["WebACLId"], parameters(aws)["WebAclArn"]
    distribution(aws, WebACLId=second)
    replaced = report(*APPLY)
    refused = run(*APPLY, "--web-acl", "", code=1)
    kept = distribution(aws)["WebACLId"]
    run(*APPLY, "--web-acl", "", "--allow-removal")
    then = distribution(aws).get("WebACLId")
    distribution(aws, WebACLId="0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f")
    [of_classic] = report("--public-path", "covers/*", "--allow-removal")["losses"]

    assert (checked["losses"], checked["parameters"]) == ([], [f"web ACL: {first}, was none"])
    assert (settled[0]["changes"], *settled[1:]) == ([], first, first)
    assert replaced["parameters"] == [f"web ACL: {second}, was {first}"]
    assert all(each in refused for each in (second, "--allow-removal"))
    assert (kept, then or "") == (second, "")
    assert "WebACLId was added: 0a1b2c3d" in of_classic


def test_update_that_a_plan_refuses(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Say what a flat-rate plan asks for, behind CloudFront's own words."""
    handlers = import_module("ministack.services.cloudformation.provisioners")._RESOURCE_HANDLERS
    words = "Distributions with a pricing plan subscription must have a web ACL resource."

    def refuse(*arguments: object) -> None:
        raise ValueError(words)

    run(*APPLY)
    monkeypatch.setitem(handlers["AWS::CloudFront::Distribution"], "update", refuse)
    said = run(*APPLY, "--public-path", "static/*", code=1)

    assert words in said
    assert "--web-acl" in said


def test_fix_of_the_proof(aws: Aws) -> None:
    """Name the command that repairs what was changed by hand: the stack is this one's own."""
    run(*APPLY)
    groups = {"Enabled": False, "Quantity": 0}
    opened = {**distribution(aws)["DefaultCacheBehavior"], "TrustedKeyGroups": groups}
    distribution(aws, DefaultCacheBehavior=opened)

    proof = report(*APPLY, code=1)["proof"]

    [fix] = [each["fix"] for each in proof if each["id"] == "behavior-open"]
    assert "cfsigned_setup --stack media --revert-drift" in fix


def test_template_that_somebody_owns(aws: Aws) -> None:
    """Name what a template that was changed has, and this one has not; it needs --allow-removal."""
    run(*APPLY)
    price, topic = "        PriceClass: ", "Resources:\n  Topic: {Type: AWS::SNS::Topic}\n"
    template = read_template().replace(price, f"        DefaultRootObject: a.html\n{price}")
    aws.cloudformation.update_stack(
        StackName="media",
        TemplateBody=template.replace("Resources:\n", topic),
        Parameters=[{"ParameterKey": each, "UsePreviousValue": True} for each in parameters(aws)],
    )
    stacks = aws.cloudformation.describe_stacks
    wait_until(
        lambda: stacks()["Stacks"][0]["StackStatus"] == "UPDATE_COMPLETE", "the new template"
    )

    refused = run(*APPLY, code=1)

    assert "DefaultRootObject was removed: a.html" in refused
    assert "Topic" in refused
    assert "--allow-removal" in refused


def test_another_bucket_or_key_group(aws: Aws, settings: Any) -> None:
    """Refuse both for a stack that exists, and change nothing."""
    run(*APPLY)
    before = parameters(aws)

    other_bucket = run("--bucket", "other", code=1)
    other_group = run(*APPLY, "--key-group", "1a2b3c4d-0000-4000-8000-1a2b3c4d5e6f", code=1)
    settings.AWS_STORAGE_BUCKET_NAME = "of-the-settings"
    by_setting = run("--check", code=1)
    del settings.AWS_STORAGE_BUCKET_NAME
    without = report("--check")

    assert "--bucket" in other_bucket
    assert "--key-group" in other_group
    assert "AWS_STORAGE_BUCKET_NAME" in by_setting
    assert parameters(aws) == before
    assert without["changes"] == []


def test_bucket_that_exists(aws: Aws) -> None:
    """Leave it and its policy alone, print the statement, end with 75; then it is proved."""
    s3 = aws.clients.s3
    s3.create_bucket(Bucket=BUCKET)
    block = dict(PUBLIC_ACCESS_BLOCK)
    s3.put_public_access_block(Bucket=BUCKET, PublicAccessBlockConfiguration=block)

    planned = run()
    first, read = report(*APPLY, code=75), run(*APPLY, code=75)
    with pytest.raises(ClientError, match="NoSuchBucketPolicy"):
        s3.get_bucket_policy(Bucket=BUCKET)
    [statement] = first["statements"].values()
    policy = {"Version": "2012-10-17", "Statement": [json.loads(statement)]}
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))
    then = report(*APPLY)

    assert re.search(f"^keep .*{BUCKET}", planned, re.MULTILINE)
    words = statement, "control,", "--finding bucket-policy", "cfsigned_setup --stack media --apply"
    assert [each for each in words if each not in read] == []
    assert parameters(aws)["MakeBucket"] == "false"
    assert "bucket-policy" in errors(first)
    assert then["changes"] == []
    assert "bucket-policy" not in errors(then)


def test_reserved_name(aws: Aws) -> None:
    """Take a bucket whose name S3 reserves, if somebody has made it."""
    aws.clients.s3.create_bucket(Bucket="media-an")

    assert re.search("^keep .*media-an", run("--bucket", "media-an"), re.MULTILINE)


#: Options or settings, and a word of the reason.
REFUSED: list[tuple[tuple[str, ...], dict[str, str], str]] = [
    (("--domain", "m.example.com"), {}, "certificate"),
    (("--public-path", "*"), {}, "first"),
    (("--upload-prefix", "media/"), {}, "tmp/uploads/"),
    (("--certificate", CERTIFICATE, "--domain", "m.example.com"), {}, "111122223333"),
    (("--kms-key", KMS_KEY.replace(":key/", ":alias/")), {}, "alias"),
    (("--bucket", "Media"), {}, "3 to 63"),
    (("--bucket", "media-an"), {}, "reserves names that end in -an"),
    (("--tag", "team"), {}, "KEY=VALUE"),
    (("--tag", "=photos"), {}, "KEY=VALUE"),
    ((), {"AWS_STORAGE_BUCKET_NAME": ""}, "--bucket NAME"),
    (("--check", "--apply"), {}, "--check"),
    (("--managed-policies", "--cors-origin", "https://a.example.com"), {}, "never with cookies"),
    (("--managed-policies", "--csp", "sandbox"), {}, "Content-Security-Policy"),
    # What the proof could not use.
    *(
        ((), {setting: value}, setting)
        for setting, value in (
            ("AWS_CLOUDFRONT_HASH_ALGORITHM", "sha256"),
            ("AWS_QUERYSTRING_EXPIRE", "3600"),
            ("AWS_S3_URL_PROTOCOL", "https"),
        )
    ),
]


@pytest.mark.parametrize(("options", "wrong", "word"), REFUSED)
def test_refusals(
    options: tuple[str, ...], wrong: dict[str, str], word: str, aws: Aws, settings: Any
) -> None:
    """Refuse what makes no sense, with the reason, before anything is made."""
    for setting, value in wrong.items():
        setattr(settings, setting, value)

    assert word in run(*APPLY, *options, code=1)
    assert (counts(aws), aws.cloudformation.describe_stacks()["Stacks"]) == ((0, 0, 0), [])


def test_region_of_a_bucket(aws: Aws, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the stack where the bucket is, and refuse another region that is named."""
    settings.AWS_S3_REGION_NAME, regions = None, list[str]()

    def make_clients(region_name: str) -> Any:
        regions.append(region_name)
        return aws.clients

    monkeypatch.setattr(cfsigned_setup, "find_region", lambda s3, name: "eu-west-1")
    monkeypatch.setattr(cfsigned_setup, "make_clients", make_clients)

    run()
    refused = run("--region", "eu-west-2", code=1)

    assert regions == ["eu-west-1"]
    assert "is in eu-west-1, not in eu-west-2" in refused


def test_stack_of_another_template(aws: Aws) -> None:
    """Refuse a stack that another template has made."""
    template = {"Resources": {"Queue": {"Type": "AWS::SNS::Topic"}}}
    aws.cloudformation.create_stack(StackName="media", TemplateBody=json.dumps(template))

    assert "another template" in run(code=1)


def test_creation_that_fails(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Say why, leave nothing of the stack, and succeed when the cause is gone."""
    handlers = import_module("ministack.services.cloudformation.provisioners")._RESOURCE_HANDLERS

    def full(*arguments: object) -> None:
        raise ValueError("You have reached the maximum number of distributions.")

    with monkeypatch.context() as patch:
        patch.setitem(handlers["AWS::CloudFront::Distribution"], "create", full)
        said = run(*APPLY, code=1)
    stacks = aws.cloudformation.describe_stacks()["Stacks"]
    again = report(*APPLY)

    assert "CloudFormation failed: the distribution: " in said
    assert "the maximum number of distributions" in said
    assert stacks == []
    assert errors(again) == []
    assert counts(aws) == (1, 1, 1)
    assert parameters(aws)["MakeBucket"] == "true"


def test_bucket_that_somebody_takes(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Say what CloudFormation finds before it begins, which is in no event of the stack."""
    monkeypatch.setattr(cfsigned_setup, "find_region", lambda s3, name: None)
    aws.clients.s3.create_bucket(Bucket=BUCKET)

    said = run(*APPLY, code=1)

    assert "the bucket: " in said
    assert "already exists" in said
    assert aws.cloudformation.describe_stacks()["Stacks"] == []


@pytest.mark.usefixtures("aws")
def test_stack_that_takes_no_change(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name the command that helps before anything is planned."""
    status: dict[str, Any] = {"status": "UPDATE_FAILED", "parameters": {}, "outputs": {}}
    broken = Stack(name="media", id="x", region="us-east-1", **status)
    monkeypatch.setattr(cfsigned_setup, "read_stack", lambda client, name: broken)

    assert "rollback-stack --stack-name media --region us-east-1" in run(*APPLY, code=1)


def test_deletion(aws: Aws) -> None:
    """Keep the bucket and its files, the key and its group when the stack is deleted."""
    run(*APPLY)
    aws.clients.s3.put_object(Bucket=BUCKET, Key="a.txt", Body=b"private")
    delete_stack(aws)
    kept = aws.clients.s3.get_object(Bucket=BUCKET, Key="a.txt")["Body"].read()

    assert (kept, counts(aws)) == (b"private", (1, 1, 0))


def answer_late(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Give open answers at first, as an edge does that does not know the change yet."""
    viewer, early = cfsigned_setup.Command.fetch, iter(range(times))

    def fetch(url: str, headers: Mapping[str, str]) -> Answer:
        if "cloudfront" in url and "Signature=" not in url and next(early, None) is not None:
            return Answer(status=200, headers={"server": "CloudFront"}, body=b"x")
        return viewer(url, headers)

    monkeypatch.setattr(cfsigned_setup.Command, "fetch", staticmethod(fetch))


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(("times", "code"), [(3, 0), (99, 1)])
def test_proof_waits(times: int, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask again for an open answer right after a change; still open is an error."""
    waited: list[float] = []
    answer_late(monkeypatch, times)
    monkeypatch.setattr(cfsigned_setup.Command, "sleep", staticmethod(waited.append))

    found = report(*APPLY, code=code)

    assert ("unsigned-served" in errors(found)) == (code == 1)
    assert sum(waited) <= 70


def test_proof_of_cors(aws: Aws) -> None:
    """Prove with a file of the bucket that pages of each given origin may read it."""
    origins = "--cors-origin", "https://a.example.com", "--cors-origin", "https://b.example.com"
    run(*APPLY)
    aws.clients.s3.put_object(Bucket=BUCKET, Key="a.txt", Body=b"private")

    proof = report(*APPLY, *origins)["proof"]

    assert [each["level"] for each in proof if each["id"] == "cors"] == ["ok"]


@pytest.mark.usefixtures("aws")
def test_key_that_no_edge_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    """End with 75 while the key is new, and with 1 in a later run."""
    viewer, body = cfsigned_setup.Command.fetch, b"<Error><Code>InvalidKey</Code></Error>"

    def fetch(url: str, headers: Mapping[str, str]) -> Answer:
        if "Signature=" in url:
            return Answer(status=403, headers={"server": "CloudFront"}, body=body)
        return viewer(url, headers)

    monkeypatch.setattr(cfsigned_setup.Command, "fetch", staticmethod(fetch))

    found = report(*APPLY, code=75), report(*APPLY, code=1)

    assert all("signed-unknown-key" in errors(each) for each in found)


@pytest.mark.parametrize(
    ("service", "call", "error", "code", "named"),
    [
        ("cloudfront", "list_key_groups", "AccessDenied", 1, "cloudfront:ListKeyGroups"),
        ("cloudfront", "create_key_group", "AccessDenied", 1, "cloudfront:CreateKeyGroup"),
        ("s3", "list_objects_v2", "AccessDenied", 0, "s3:ListBucket"),
        ("cloudfront", "list_public_keys", "Throttling", 75, ""),
    ],
)
def test_refused_by_aws(
    service: str, call: str, error: str, code: int, named: str, aws: Aws, monkeypatch: Any
) -> None:
    """Name the permission that is missing; say that files cannot be listed, not that none are."""
    client = getattr(aws.clients, service)
    broken = Failing(client, lambda name: refusal(error, name, "refused"), call)
    clients = replace(aws.clients, **{service: broken})  # type: ignore[arg-type]
    monkeypatch.setattr(cfsigned_setup, "make_clients", lambda **given: clients)

    assert named in run(*APPLY, code=code)


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(("name", "code"), [("SHA256", 0), (None, 1)])
def test_hash_of_the_settings(
    name: str | None, code: int, settings: Any, rsa_key: PrivateKey
) -> None:
    """Sign the proof with the hash of the setting, and name it if OpenSSL refuses it."""
    settings.AWS_CLOUDFRONT_KEY = rsa_key.to_pem().decode()
    settings.AWS_CLOUDFRONT_HASH_ALGORITHM = name

    with without_sha1():
        said = run(*APPLY, code=code)

    assert ("AWS_CLOUDFRONT_HASH_ALGORITHM" in said) == bool(code)
    assert ('AWS_CLOUDFRONT_KEY_ID = "K' in said) == (not code)


@pytest.mark.usefixtures("aws")
def test_failing_system_check(settings: Any, ec_key: PrivateKey) -> None:
    """Go on without the ids that a setup is about to give."""
    settings.STORAGES = {"default": {"BACKEND": S3_BACKEND}}
    settings.AWS_CLOUDFRONT_KEY = ec_key.to_pem()
    assert "cfsigned.E002" in {each.id for each in check_storages()}

    planned, _, code = run_as_program("cfsigned_setup", "--stack", "media", "--json")

    assert code == 0
    assert json.loads(planned)["key"] == SettingsKey.place
    assert report("--key-file", "keys/a.pem")["key"].endswith("/keys/a.pem")
