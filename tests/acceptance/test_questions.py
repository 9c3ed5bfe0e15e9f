"""The questions, before AWS is asked: what depends on each, what they see, and the report."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from email.utils import formatdate
from functools import partial
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock, patch

import pytest
from botocore.exceptions import ClientError
from django.core.files.base import ContentFile

from acceptance import questions
from acceptance.cleanup import CleanUp
from acceptance.clients import Clients
from acceptance.guard import Guard
from acceptance.questions import (
    FILE,
    NOT_EMULATED,
    QUESTIONS,
    Question,
    Seen,
    anybody_from_the_distribution,
    change_by_hand,
    decrypting_alone,
    denied_by_a_statement,
    failed_creation,
    invalidation_with_dots,
    invalidation_with_two_slashes,
    managed_headers,
    managed_policies,
    managed_queries,
    place_of,
    policies_of_an_update,
    printed_policies,
    reverted_drift,
    rows_of_the_vectors,
    stack_of_a_distribution,
    star_in_string_equals,
    very_second,
)
from acceptance.report import Report
from acceptance.site import Pace
from acceptance.world import World, encode
from cfsigned_django.core.viewer import Answer, NoAnswer
from cfsigned_django.signing import KeyAlgorithm, PrivateKey
from cfsigned_django.testing import InMemorySignedStorage
from cfsigned_django.tools.edge import Behavior, Distribution
from cfsigned_django.tools.edge.client import EdgeClient
from cfsigned_django.tools.edge.s3_object import S3Response
from cfsigned_django.tools.storage_origin import StorageOrigin, distribution_for
from tests.acceptance.conftest import RECORD
from tests.pages import ROOT, read
from tests.tools import as_answer


@pytest.mark.parametrize("each", QUESTIONS, ids=lambda each: each.ask.__name__)
def test_names_what_depends_on_it(each: Question) -> None:
    """Name pages that exist, or what the package defines, by file and line."""
    assert each.depends
    for depends in each.depends:
        path, _, rest = place_of(depends).partition(":")
        line = read(ROOT / path).splitlines()[int(rest.split()[0]) - 1 if rest else 0]
        assert depends.rpartition(":")[2].rpartition(".")[2] in line or not rest


def test_facts_are_on_the_page() -> None:
    """Number each question by a fact of the page, and ask about each fact of the page."""
    page = read(ROOT / "docs/explanation/checked-on-aws.md")
    facts = re.findall(r"^\| (\d+(?:\.\d+)?) \|", page, re.M)

    assert len(facts) == len({*facts})
    assert {*facts} == {each.fact for each in QUESTIONS}


@pytest.mark.parametrize(
    ("answer", "shown", "is_expected"),
    [
        ("yes", "yes", True),
        ("no", "no", False),
        (("3 s", True), "3 s", True),
        (NoAnswer("Connection refused"), "could not ask: NoAnswer", False),
        (
            ClientError({"Error": {"Code": "AccessDenied"}}, "x"),
            "could not ask: AccessDenied",
            False,
        ),
    ],
)
def test_compares_what_was_seen(answer: Any, shown: str, is_expected: bool) -> None:
    """Return the answer and whether it is expected; a failure is an answer that is not."""

    def ask(world: Any) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    asked = replace(QUESTIONS[0], ask=ask, expected="yes", is_emulated=False)
    aws, emulator = (SimpleNamespace(is_emulator=each) for each in (False, True))
    seen: Any = asked.seen(aws)  # type: ignore[arg-type]

    assert (seen.answer, seen.is_expected) == (shown, is_expected)
    assert asked.seen(emulator).answer == NOT_EMULATED  # type: ignore[arg-type]


def site(code: int = 0, *, tags: str = "", **report: Any) -> dict[str, Any]:
    """Return a world whose commands report this, and whose distribution has this header."""
    config = {"DistributionConfig": {"CacheTagConfig": {"HeaderName": tags}}}
    cloudfront = SimpleNamespace(get_distribution_config=lambda **given: config)
    return {
        "command": lambda *arguments, job="": (code, report.get("findings", report)),
        "clients": SimpleNamespace(cloudfront=cloudfront),
        "distribution_id": "D1",
    }


@contextmanager
def limited(job: str, *, more: bool = False, stack: str = "s") -> Iterator[None]:
    """Let clients act as a role that the policies of the docs limit, or that may do more."""

    def list_invalidations(**given: str) -> None:
        if not more:
            raise ClientError({"Error": {"Code": "AccessDenied"}}, "ListInvalidations")

    client = SimpleNamespace(
        list_invalidations=list_invalidations,
        describe_stack_resources=lambda **given: {"StackResources": [{"StackName": stack}]},
    )
    with patch.object(questions, "make_client", lambda service, **given: client):
        yield


def under(limited: Any, denied: str = "", **more: Any) -> dict[str, Any]:
    """Return a world with a role, whose setup lacked a permission."""
    stack = SimpleNamespace(meta=SimpleNamespace(region_name="eu-central-1"))
    return {
        **site(**more),
        "limited": limited,
        "denied": [denied] if denied else [],
        "stack": "s",
        "clients": SimpleNamespace(cloudformation=stack),
    }


UNREADABLE = [{"id": "aws-unreadable"}]
NO_ROLE = ("not asked: no role was named (ROLE)", True)
BY_HAND = "the distribution: DistributionConfig.CacheTagConfig was added: {1}"


@pytest.mark.parametrize(
    ("ask", "world", "answer"),
    [
        (printed_policies, {"limited": None}, NO_ROLE),
        (printed_policies, under(limited, findings=[]), None),
        (printed_policies, under(limited, "a:B", findings=[]), "the setup lacks a:B"),
        (printed_policies, under(limited, findings=UNREADABLE), "the doctor cannot read all"),
        (
            printed_policies,
            under(partial(limited, more=True)),
            ("could not ask: the role may do more than the policies of the docs", False),
        ),
        (policies_of_an_update, {"limited": None}, NO_ROLE),
        (policies_of_an_update, under(limited), None),
        (policies_of_an_update, under(limited, "a:B"), "the setup lacks a:B"),
        (stack_of_a_distribution, {"limited": None}, NO_ROLE),
        (stack_of_a_distribution, under(limited), None),
        (stack_of_a_distribution, under(partial(limited, stack="t")), "another stack"),
        (decrypting_alone, {"kms_key": ""}, ("not asked: no key was named (KMS_KEY)", True)),
        (change_by_hand, site(losses=[BY_HAND]), None),
        (change_by_hand, site(losses=[]), "nothing"),
        (reverted_drift, site(), None),
        (reverted_drift, site(1, tags="x"), "exit code 1, the change by hand is left"),
    ],
)
def test_what_a_command_says(ask: Any, world: dict[str, Any], answer: Any) -> None:
    """Tell the expected answer, which is None here, from others; ask with what a person names."""
    [expected] = [each.expected for each in QUESTIONS if each.ask is ask]
    assert ask(SimpleNamespace(**world)) == (answer or expected)


@pytest.mark.parametrize(
    ("code", "kinds", "answer"),
    [
        (0, ["AWS::CloudFront::Distribution", "AWS::S3::BucketPolicy"], None),
        (0, ["AWS::CloudFront::CachePolicy"], "exit code 0, its own policies are left"),
        (1, [], "exit code 1, its own policies are gone, the setup lacks a:B"),
    ],
)
def test_sees_policies_of_a_stack(code: int, kinds: list[str], answer: str | None) -> None:
    """Tell from the resources of the stack whether its own policies are gone."""
    found = [{"ResourceType": each, "ResourceStatus": "UPDATE_COMPLETE"} for each in kinds]
    world = under(None, "a:B" if code else "", code=code)
    world["clients"].cloudformation.describe_stack_resources = lambda **_: {"StackResources": found}
    [expected] = [each.expected for each in QUESTIONS if each.ask is managed_policies]

    assert managed_policies(SimpleNamespace(**world)) == (answer or expected)  # type: ignore[arg-type]


@pytest.mark.parametrize("managed", [True, False])
def test_sees_managed_policies(managed: bool) -> None:
    """Tell an edge that has AWS's policies from one that has the stack's own."""
    storage = InMemorySignedStorage(base_url="/")
    storage.save(FILE[1:], ContentFile(b"text"))
    edge = EdgeClient(distribution_for(storage, StorageOrigin(storage), managed_policies=managed))

    def get(url: str, **headers: str) -> Answer:
        return as_answer(edge.get(url, now=int(time.time()), headers=headers), 0)

    def link(path: str) -> str:
        parameters = {"ResponseContentDisposition": "attachment"} if "?" in path else None
        return storage.url(FILE[1:], parameters)

    world: Any = SimpleNamespace(get=get, link=link)

    assert (managed_headers(world) == "as documented") is managed
    assert managed_queries(world) == ("no" if managed else "yes")


def look_twice(is_so: Callable[[], bool], **given: float) -> float | None:
    """Return at once, also if it is not so, as a run does after a long time."""
    return 0.0 if is_so() or is_so() else None


def edge(forgets: str = "", *, keeps: bool = True) -> Any:
    """Return a world whose edge keeps a copy of a file until an invalidation has the right item."""
    kept = {"file": b"acceptance"}

    def get(url: str) -> Answer:
        headers = {"x-cache": "Hit" if "copy" in kept else "Miss"}
        body = kept.get("copy", kept["file"])
        if keeps:
            kept["copy"] = body
        return Answer(status=200, headers=headers, body=body)

    def invalidate(*, InvalidationBatch: Any, **given: str) -> Any:
        if forgets in InvalidationBatch["Paths"]["Items"]:
            kept.pop("copy", None)
        return {"Invalidation": {"Id": "I1"}}

    world = Mock(distribution_id="D1", pace=Pace(look=0), in_vain=set())
    world.get.side_effect, world.seconds_until.side_effect = get, look_twice
    world.write.side_effect = lambda name, body: kept.update(file=body)
    world.clients.cloudfront.create_invalidation.side_effect = invalidate
    done = {"Invalidation": {"Status": "Completed"}}
    world.clients.cloudfront.get_invalidation.return_value = done
    return world


@pytest.mark.parametrize(
    ("world", "answers", "looks"),
    [
        (edge("//double.txt"), ["forgotten", "kept"], 7),
        (edge("/double.txt"), ["kept", "kept"], 7),
        (edge(keeps=False), ["never kept", "never kept"], 2),
    ],
)
def test_sees_what_an_edge_forgets(world: Any, answers: list[str], looks: int) -> None:
    """Tell the copy from the file by its bytes; wait once for an edge that keeps nothing."""
    assert [invalidation_with_two_slashes(world), invalidation_with_dots(world)] == answers
    assert world.get.call_count == looks


def bucket(
    policies: list[str], *, fails: bool = False, refuses: str = "Deny", heeds: int = -1
) -> Any:
    """Return a world whose S3 refuses by a word in a policy, and takes a star for any text.

    It heeds the last policy, or always the first.
    """

    def said(url: str) -> str:
        if fails and policies[-1] != policies[0]:
            raise ConnectionResetError
        found = re.search(refuses, policies[heeds])
        return "403 AccessDenied of S3" if found else "served"

    world = Mock(bucket="b")
    world.link.side_effect = str
    world.said.side_effect, world.seconds_until.side_effect = said, look_twice
    s3 = world.clients.s3
    s3.get_bucket_policy.side_effect = lambda **given: {"Policy": policies[-1]}
    s3.put_bucket_policy.side_effect = lambda **given: policies.append(given["Policy"])
    return world


def test_asks_under_another_policy() -> None:
    """Say what S3 answers by a URL that no edge has; put the policy back, whatever goes wrong."""
    condition = {"StringEquals": {"AWS:SourceArn": "arn:distribution/E1"}}
    first = json.dumps({"Statement": [{"Effect": "Allow", "Condition": condition}]})
    policies, others = [first], [first]
    world = bucket(policies)
    answers = [denied_by_a_statement(world), star_in_string_equals(world)]
    with pytest.raises(ConnectionResetError):
        denied_by_a_statement(bucket(others, fails=True))

    assert answers == ["403 AccessDenied of S3", "served"]
    asked = [call.args for call in world.said.call_args_list]
    assert len({*asked}) == len(asked)
    assert [len(policies), policies[-1], others[-1]] == [5, first, first]


@pytest.mark.parametrize(
    ("more", "answer"),
    [
        ({}, "served"),
        ({"refuses": r'Deny|"Principal": "\*"'}, "403 AccessDenied of S3"),
        # What was served would be served by the policy before.
        ({"heeds": 0}, "could not ask: served in spite of a Deny"),
    ],
)
def test_asks_what_another_policy_serves(more: Any, answer: str) -> None:
    """Close the bucket before it is asked what another policy opens; put the first one back."""
    condition = {"StringEquals": {"AWS:SourceArn": "arn:distribution/E1"}}
    first = json.dumps({"Statement": [{"Effect": "Allow", "Condition": condition}]})
    policies = [first]

    assert anybody_from_the_distribution(bucket(policies, **more)) == answer
    assert policies[-1] == first


@pytest.mark.parametrize(
    ("skew", "served", "answer"),
    [
        (0.0, True, "served"),
        (0.0, False, "403 AccessDenied"),
        # The answer of another second is none; the next is asked for by the clock that is seen.
        (7.0, False, "403 AccessDenied"),
        (-7.0, False, "403 AccessDenied"),
    ],
)
def test_very_second(
    monkeypatch: pytest.MonkeyPatch, skew: float, served: bool, answer: str
) -> None:
    """Take only an answer whose Date is the second in which the URL ends."""
    clock = [1_800_000_000.4]
    asked: list[float] = []

    def get(until: int) -> Answer:
        edge = int(clock[0] + skew)
        asked.append(edge - until)
        headers = {"date": formatdate(edge, usegmt=True), "server": "CloudFront"}
        body = b"<Error><Code>AccessDenied</Code></Error>"
        is_open = served if edge == until else edge < until
        return Answer(status=200 if is_open else 403, headers=headers, body=body)

    monkeypatch.setattr("time.time", lambda: clock[0])
    monkeypatch.setattr("time.sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds))
    world: Any = SimpleNamespace(link=lambda path, until: until, get=get)

    assert very_second(world) == answer
    assert asked[-1] == 0


def test_failed_creation(clients: Clients, guard: Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a stack that fails, read why, and leave nothing that a clean-up would not remove."""
    handlers = import_module("ministack.services.cloudformation.provisioners")._RESOURCE_HANDLERS

    def refuse(*arguments: object) -> None:
        raise ValueError("The key group does not exist.")

    monkeypatch.setitem(handlers["AWS::CloudFront::Distribution"], "create", refuse)
    world: Any = SimpleNamespace(stack=RECORD.stack, bucket=RECORD.bucket, clients=clients)
    said = failed_creation(world)

    assert said in {each.expected for each in QUESTIONS if each.ask is failed_creation}
    assert CleanUp(record=RECORD, clients=clients, guard=guard).found() == []


def test_rows() -> None:
    """Ask the rows with a domain and keys of one's own, and name those with another answer."""
    keys = {
        "P-256": ("K1EC", PrivateKey.generate()),
        "RSA": ("K2RSA", PrivateKey.generate(KeyAlgorithm.RSA_2048)),
    }
    client = EdgeClient(
        Distribution(
            domain_names=("d1.example",),
            behaviors=(Behavior(trusted_key_groups=("group",)),),
            key_groups={"group": {name: key.public_key for name, key in keys.values()}},
            origin=S3Response(status="403 Forbidden"),
        )
    )

    def said(url: str, **headers: str) -> str:
        answer = client.get(url, headers=headers)
        return f"403 {answer.error_code}" if answer.error_code else "403 AccessDenied of S3"

    world: Any = SimpleNamespace(domain="d1.example", keys=keys, rows={}, said=said)
    world.sign = lambda text, key, digest: encode(keys[key][1].sign(text.encode(), digest))
    answer = rows_of_the_vectors(world)
    report = Report(endpoint="", day=date(2026, 12, 1), is_whole=True, seen=[], rows=world.rows)
    world.said = lambda url, **headers: "served"

    assert answer == "none"
    assert len(world.rows) > 100
    seen = {"by": "AWS", "when": "2026-12-01", "answer": "MissingKey"}
    assert {"id": "unsigned", "observed": seen} in json.loads(report.as_json())["rows"]
    assert "unsigned (documented): served, " in rows_of_the_vectors(world)


def test_cookies_by_path() -> None:
    """Send the sets whose Path the path begins with, the longest first, as browsers do."""
    world: Any = type("World", (World,), {"said": lambda self, url, Cookie: Cookie, "domain": "x"})
    sets = {"/a/": "1", "/a/b/": "2", "/c/": "3"}

    assert world.with_cookies(world.__new__(world), "/a/b/c.txt", sets) == "2; 1"


def test_report(tmp_path: Path) -> None:
    """Write what differs first, with what would have to change, and none of the given words."""
    asked = replace(
        QUESTIONS[0], fact="1.4", asks="Is | it so?", expected="yes", depends=("core.conf:OPTIONS",)
    )
    differs = Seen(replace(asked, asks="Is it?"), "no: 111122223333", is_expected=False)
    good = Seen(asked, "yes", is_expected=True)
    report = Report(endpoint="", day=date(2026, 12, 1), is_whole=True, seen=[good, differs])

    page, data = (path.read_text() for path in report.write(tmp_path, without=["111122223333"]))
    broken = replace(report, endpoint="x", is_whole=False, seen=[good]).as_markdown()

    shown = "**1.4 Is it?** no: …. Expected: yes. To change: cfsigned_django/core/conf.py:"
    assert page.index(shown) < page.index("| 1.4 | Is \\| it so? | yes | yes |  |")
    assert "| 1.4 | Is it? | no: … | yes | differs |" in page
    assert "111122223333" not in page + data
    found = json.loads(data)
    assert (found["asked"], found["day"]) == ("AWS", "2026-12-01")
    assert [each["mark"] for each in found["answers"]] == ["", "differs"]
    assert [("broke off" in each, "emulator" in each) for each in (page, broken)] == [
        (False, False),
        (True, True),
    ]
    assert "Nothing so far." in broken
