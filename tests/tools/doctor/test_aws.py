"""Judge each seeded site once, as a value: find its fault and nothing else, and what repairs it.

Modules: tools/account/state/judge.py, tools/account/state/keys.py,
tools/account/state/bucket.py, tools/account/state/distribution.py,
tools/account/state/other_behaviors.py, tools/account/state/policies.py,
tools/account/state/site_in_aws.py,
tools/account/documents/distribution_config.py, tools/doctor/aws.py
"""

from __future__ import annotations

import copy
import json
import re
import shlex
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import InMemoryStorage
from django.core.validators import FileExtensionValidator
from django.db.models import FileField, ImageField

from cfsigned_django.core.aws.errors import AwsError, explain
from cfsigned_django.management.commands.cfsigned_setup import Command
from cfsigned_django.tools.account.account import KeyGroup
from cfsigned_django.tools.account.documents.distribution_config import trusted_key_groups
from cfsigned_django.tools.account.state.site_in_aws import SiteInAws
from cfsigned_django.tools.catalog import CATALOG, Finding, Level
from cfsigned_django.tools.doctor.aws import DEPENDS_ON_PERMISSION, FindStack, check_aws
from cfsigned_django.tools.model.resource_policy import statements
from cfsigned_django.tools.stack.change_set import NOUNS
from cfsigned_django.tools.stack.existing import StackResources
from tests.core.aws.failing import denied
from tests.simulation.answers import refusal
from tests.storage_cases import S3_BACKEND
from tests.tools import list_of
from tests.tools.doctor import faults, ids
from tests.tools.doctor.sites import (
    ABOUT_OTHERS,
    CUSTOM_ORIGIN,
    HEALTHY,
    MANAGED,
    NARROW,
    OPENED,
    ROOT_RESTRICTED,
    SITES,
    STATIC_STORAGE,
    STATIC_URL,
    TRUSTS_BOTH,
    UNRESTRICTED,
    another_key_group,
    public,
    twin,
)
from tests.tools.doctor.world import (
    BUCKET,
    KEY_GROUP,
    KEY_PAIR_ID,
    NO_BLOCK,
    NOW,
    OTHER_KEY_PAIR_ID,
    PUBLIC,
    Change,
    World,
    behavior,
    both,
    open_like,
    settings_with,
)

PARSER = Command().create_parser("manage.py", "cfsigned_setup")
TIME = datetime.fromtimestamp(NOW, UTC)
#: The stack of the template with all that it can have.
STACK = StackResources(name="media", resources=frozenset(NOUNS))


def judged(
    world: World, find_stack: FindStack = lambda region, distribution_id: None
) -> list[Finding]:
    """Return what the doctor says of the account of a site."""
    wanted = world.examination().wanted()
    return list(check_aws(world.account, wanted, now=TIME, find_stack=find_stack))


def added(found: Finding) -> dict[str, Any]:
    """Return what a person does with the value in a finding; empty if it has none.

    JSON is for an editor of JSON, as the console has it for policies and CORS rules. Elsewhere the
    console has a form, whose field and value are named.
    """
    if text := found.fix.partition(" Paste: ")[2]:
        return {"json": json.loads(text)}
    if text := found.fix.partition(" In the AWS console: ")[2]:
        field, value = re.findall(r"([A-Z][a-z ]+): [^:(]*\((\S+)\)\.$", text)[0]
        return {"field": field, "value": value}
    return {}


@pytest.mark.parametrize(
    ("expected", "change"), SITES, ids=[f"{at} {ids}" for at, (ids, _) in enumerate(SITES)]
)
def test_site(expected: str, change: Change, world: World) -> None:
    """Find the fault of a site and nothing else, with a reason, and what repairs it."""
    change(world)

    found = judged(world)

    wrong = [f"{each.id}{'!' * bool(added(each))}" for each in found]
    assert [each for each in wrong if each not in HEALTHY] == expected.partition("|")[0].split()
    for each in found:
        assert each.what.endswith((".", ")"))
        assert ".." not in each.what
        assert "statement a statement" not in each.what
        assert each.level is Level.OK or (each.why and each.fix and each.subject)
        if value := added(each):
            repaired = replace(world)
            add(repaired, each.id, **value)
            assert each.id not in ids(judged(repaired))
    assert_repaired_by_a_stack(world, found)


def add(site: World, fault: str, *, value: str = "", **given: Any) -> None:
    """Put what a finding shows where it belongs, beside what is there."""
    account, bucket = copy.deepcopy(site.account), site.account.bucket
    assert bucket is not None
    match given:
        case {"field": "Add key groups"}:
            private = SiteInAws(account=account, wanted=site.examination().wanted()).behavior
            assert private is not None
            trusted = list_of([*trusted_key_groups(private), value])
            private["TrustedKeyGroups"] = {"Enabled": True, **trusted}
            site.account = account
        case {"field": "Origin access control"}:
            site.change("origin", {"OriginAccessControlId": value})
        case {"json": rule} if fault in ("upload-cors", "cors-rule-missing"):
            site.change("bucket", {"cors_rules": (rule, *bucket.cors_rules)})
        case {"json": statement} if fault == "kms-key-policy":
            assert account.kms_key is not None
            policy = {"Statement": [*statements(account.kms_key.policy), statement]}
            site.change("account", {"kms_key": replace(account.kms_key, policy=policy)})
        case {"json": {"Version": _} as policy}:
            assert bucket.policy is None  # an empty editor needs a whole one
            site.change("bucket", {"policy": policy})
        case {"json": statement}:
            assert bucket.policy is not None
            site.change(
                "bucket", {"policy": {"Statement": [*statements(bucket.policy), statement]}}
            )


def assert_repaired_by_a_stack(world: World, by_hand: list[Finding]) -> None:
    """Name the setup command if a stack made what is wrong, and a remedy by hand for the rest."""
    by_stack = judged(world, lambda region, distribution_id: STACK)
    for one, other in zip(by_hand, by_stack, strict=True):
        kind = CATALOG.get(one.id)
        if kind is None or not kind.resource or world.account.distribution is None:
            assert one == other
            continue
        command = other.fix.partition("Run ")[2].partition(": ")[0]
        _, name, *arguments = shlex.split(command)
        options = PARSER.parse_args(arguments)
        assert (name, options.stack, options.apply) == ("cfsigned_setup", "media", False)
        assert (other.id, added(other)) == (one.id, {})


@pytest.mark.parametrize(("change", "expected"), OPENED)
def test_other_behaviors(change: Change, expected: dict[str, str], world: World) -> None:
    """Report for each other behavior what it serves of the storage, and what it takes."""
    change(world)

    found = [(each.subject, each.id) for each in judged(world) if each.id in ABOUT_OTHERS]

    assert found == [
        (f"the behavior {pattern}", fact_id)
        for pattern, ids_of_facts in expected.items()
        for fact_id in ids_of_facts.split()
    ]


def test_key_under_another_id(world: World) -> None:
    """Name the id under which CloudFront has the key that signs."""
    settings_with(AWS_CLOUDFRONT_KEY_ID=OTHER_KEY_PAIR_ID)(world)

    [told] = [each.what for each in judged(world) if each.id == "key-mismatch"]

    assert KEY_PAIR_ID in told


@pytest.mark.parametrize(("block", "level"), [(both(), "warning"), (UNRESTRICTED, "error")])
def test_public_statement(block: Change, level: str, world: World) -> None:
    """Call a public statement an error only if S3 obeys it."""
    both(PUBLIC, block)(world)

    [found] = [each for each in judged(world) if each.id == "bucket-public"]

    assert found.level == level


#: upload_to of a file field -> what is said of media/albums/*, which is open, and whether of it.
SAVED: list[tuple[Any, str, bool]] = [
    *((each, "behavior-open", True) for each in ("albums", "albums/", "albums/%Y/%m", "alb%Y")),
    *((each, "behavior-open", True) for each in ("albums/private", Path("albums"))),
    *(
        (each, "open-folder", False)
        for each in ("invoices", "album", "albums-%Y", "/albums", "../albums")
    ),
    *((each, "open-folder", True) for each in ("", "%Y/albums", lambda instance, name: name)),
]


@pytest.mark.parametrize(("upload_to", "expected", "is_named"), SAVED)
def test_open_folder_of_a_field(
    upload_to: Any, expected: str, is_named: bool, world: World, fields: Any
) -> None:
    """Report a file field of the storage that saves in an open folder, or may."""
    open_like("media/albums/*")(world)
    elsewhere = FileField(upload_to="albums", storage=InMemoryStorage())
    scan = FileField(upload_to=lambda instance, name: name)
    fields(image=ImageField(upload_to=upload_to), other=elsewhere, scan=scan)

    [found] = [each for each in judged(world) if each.id in ABOUT_OTHERS]

    assert (found.id, "Report.image" in found.what) == (expected, is_named)
    assert found.level == {"behavior-open": "error", "open-folder": "warning"}[expected]
    assert "Report.other" not in found.what


def test_field_in_a_public_folder(world: World, fields: Any) -> None:
    """Find nothing wrong with a field that saves where the storage declares all public."""
    both(open_like("media/public/*"), public("public/"))(world)
    fields(image=FileField(upload_to="public/logos"))

    assert faults(judged(world)) == []


GUARDED: dict[str, Any] = {
    "content_type_from_name": True,
    "object_parameters": {"ContentDisposition": "attachment"},
}


@pytest.mark.parametrize(
    ("options", "is_lost"),
    [({}, True), ({**GUARDED, "content_type_from_name": False}, True), (GUARDED, False)],
)
def test_uploads_with_managed_policies(
    options: dict[str, Any], is_lost: bool, world: World, fields: Any
) -> None:
    """Name each field that takes any file, until S3 keeps the type and the disposition.

    What downloads lose is said by one note.
    """
    entry = {"BACKEND": S3_BACKEND, "OPTIONS": options}
    both(MANAGED, settings_with(STORAGES={"default": entry}))(world)
    fields(
        file=FileField(),
        image=ImageField(),
        paper=FileField(validators=[FileExtensionValidator(["pdf"])]),
        page=FileField(validators=[FileExtensionValidator(["pdf", "html"])]),
        any=FileField(validators=[FileExtensionValidator()]),
        other=FileField(storage=InMemoryStorage()),
    )

    found = judged(world)

    notes = {*ids(found)} & {"managed-policies", "managed-policies-loss", "downloads-note"}
    assert notes == {"managed-policies"} | ({"managed-policies-loss"} if is_lost else set())
    named = [re.findall(r"Report\.(\w+)", each.what) for each in found]
    assert [each for each in named if each] == ([["file", "page", "any"]] if is_lost else [])


@pytest.mark.parametrize("declared", [STATIC_URL, STATIC_STORAGE], ids=["url", "storage"])
def test_field_in_a_static_folder(declared: Change, world: World, fields: Any) -> None:
    """Report a field that saves among static files: that those are public declares no upload."""
    both(ROOT_RESTRICTED, open_like("static/*"), declared)(world)
    fields(image=FileField(upload_to="static/photos"), other=FileField(upload_to="photos"))

    [found] = [each for each in judged(world) if each.id in ABOUT_OTHERS]

    assert found.id == "behavior-open"
    assert "Report.image leads there" in found.what


@pytest.mark.parametrize(("pattern", "level"), [("favicon.ico", "ok"), ("icons/*", "warning")])
def test_one_open_file(pattern: str, level: str, world: World, fields: Any) -> None:
    """Note that one file is open, and warn of a folder."""
    open_like(f"media/{pattern}")(world)
    fields(image=FileField(upload_to="photos"), other=FileField(upload_to=lambda _, name: name))

    [found] = [each for each in judged(world) if each.id == "open-folder"]

    assert found.level == level
    assert "Report.other" in found.what


def test_bucket_as_a_custom_origin(world: World) -> None:
    """Do not say that the bucket is another one if CloudFront only reads it unsigned."""
    CUSTOM_ORIGIN(world)

    [found] = [each for each in judged(world) if each.id == "origin-not-bucket"]

    assert f"not the bucket {BUCKET}" not in found.what
    assert "custom origin" in found.what
    assert "S3 origin" in found.fix


def test_another_host_as_origin(world: World) -> None:
    """Name the host that the behavior reads, and that it is not the bucket."""
    behavior(TargetOriginId="pages")(world)

    [found] = [each for each in judged(world) if each.id == "origin-not-bucket"]

    assert "app.example.com, not the bucket" in found.what


def test_group_that_has_the_key(world: World) -> None:
    """Name the group that has the key, and no other that the behavior trusts."""
    both(another_key_group, TRUSTS_BOTH)(world)
    third = KeyGroup(id="third-id", name="third", key_pair_ids=())
    world.change("account", {"key_groups": (*(world.account.key_groups or ()), third)})
    world.settings.AWS_CLOUDFRONT_KEY_GROUP_ID = third.id

    [found] = [each for each in judged(world) if each.id == "key-group-not-trusted"]

    assert f"trusts site ({KEY_GROUP}), which has" in found.what


def test_stack_without_the_bucket(world: World) -> None:
    """Leave the bucket to a person if the stack has only made what reads it."""
    made = STACK.resources - {"Bucket", "BucketPolicy"}
    NO_BLOCK(world)

    found = judged(world, lambda *_: StackResources(name="media", resources=made))

    [told] = [each for each in found if each.id == "bucket-not-blocked"]
    assert told.fix == CATALOG["bucket-not-blocked"].fix


def test_healthy_site_asks_for_no_stack(world: World) -> None:
    """Ask CloudFormation nothing if nothing is wrong: few may."""
    find: Any = None

    assert faults(judged(world, find)) == []


#: What could not be read, for want of which permission, and what is then not said of the site.
UNREAD: list[tuple[str, str, str]] = [
    ("distribution", "cloudfront:GetDistribution", "downloads-note stale-window"),
    ("key_groups", "cloudfront:ListKeyGroups", ""),
    ("access_controls", "cloudfront:ListOriginAccessControls", ""),
    ("cache_policies", "cloudfront:ListCachePolicies", "downloads-note stale-window"),
    ("origin_request_policies", "cloudfront:ListOriginRequestPolicies", "downloads-note"),
    ("response_headers_policies", "cloudfront:GetResponseHeadersPolicy", ""),
]


@pytest.mark.parametrize(("part", "permission", "unsaid"), UNREAD)
def test_one_permission_is_missing(part: str, permission: str, unsaid: str, world: World) -> None:
    """Name the permission that is missing and what depends on it, and judge all else."""
    error = explain(denied(permission), what="read it", permission=permission)
    world.change("account", {part: None, "problems": (error,)})

    found = judged(world)

    [problem] = [each for each in found if each.level is Level.ERROR]
    assert (problem.id, problem.subject) == ("aws-unreadable", permission)
    assert permission in problem.what
    assert permission in problem.fix
    assert DEPENDS_ON_PERMISSION[permission] in problem.why
    assert {*ids(found)} ^ {"downloads-note", "stale-window"} == {
        "aws-unreadable",
        *unsaid.split(),
    }


def refused(permission: str, code: str = "AccessDenied", says: str = "") -> AwsError:
    """Return the error of a read, which needs a permission; ``says`` is AWS's own text."""
    return explain(refusal(code, "x", says), what=f"read by {permission}", permission=permission)


def not_authorized(action: str, who: str = "arn:aws:iam::111111111111:user/kim") -> str:
    """Return AWS's text of a refusal."""
    return f"User: {who} is not authorized to perform: {action} on resource: *"


KEYS, GROUPS = "cloudfront:ListPublicKeys", "cloudfront:ListKeyGroups"
#: What could not be read -> the subjects of the findings about it.
REFUSED: list[tuple[list[AwsError], list[str]]] = [
    ([refused(KEYS), refused(GROUPS)], [f"{KEYS}, {GROUPS}"]),
    ([refused(each, says=not_authorized(each)) for each in (KEYS, GROUPS)], [f"{KEYS}, {GROUPS}"]),
    ([refused(KEYS), refused(KEYS)], [KEYS]),
    # Other credentials; nothing that IAM refuses; no permission.
    (
        [
            refused(KEYS, says=not_authorized(KEYS)),
            refused(GROUPS, says=not_authorized(GROUPS, "arn:aws:iam::111111111111:user/lee")),
        ],
        [KEYS, GROUPS],
    ),
    ([refused(KEYS, "Throttling"), refused(GROUPS, "Throttling")], [KEYS, GROUPS]),
    ([AwsError(what="x", reason="x", next_step="x", code="AccessDenied")], ["AWS"]),
]


@pytest.mark.parametrize(("problems", "expected"), REFUSED)
def test_refusals_of_the_same_credentials(
    problems: list[AwsError], expected: list[str], world: World
) -> None:
    """Say once what IAM refuses somebody: all actions, what depends on them, and what to allow."""
    world.change("account", {"problems": tuple(problems)})

    found = [each for each in judged(world) if each.id == "aws-unreadable"]

    assert [each.subject for each in found] == expected
    for each in found:
        for permission in filter(DEPENDS_ON_PERMISSION.get, each.subject.split(", ")):
            assert permission in each.what
            assert DEPENDS_ON_PERMISSION[permission] in each.why
            assert permission in each.fix or "again" in each.fix


def test_refusal_of_another_action(world: World) -> None:
    """Ask to allow only what AWS has refused, if that is not what was called."""
    role = not_authorized("sts:AssumeRole")
    world.change(
        "account", {"problems": tuple(refused(each, says=role) for each in (KEYS, GROUPS))}
    )

    [found] = [each for each in judged(world) if each.id == "aws-unreadable"]

    assert "sts:AssumeRole" in found.fix
    assert KEYS not in found.fix
    assert found.subject == f"{KEYS}, {GROUPS}"


#: An open behavior that comes first, one with an origin path, and one behind the restricted one.
WAYS = {
    "media/*.css": open_like("media/*.css"),
    "*.css": twin("*.css", OriginPath="/media"),
    "*.pdf": both(NARROW, open_like("*.pdf", last=True)),
}


def test_ways_of_an_open_behavior(world: World) -> None:
    """Tell apart in which way an open behavior serves private files."""
    said = set()
    for pattern, change in WAYS.items():
        changed = replace(world)
        change(changed)
        [found] = [each for each in judged(changed) if each.id == "behavior-open"]
        assert pattern in found.what
        said.add(found.what.partition(" requires no signature")[2])

    assert len(said) == len(WAYS)
