"""Make one run, and clean up what a kill would leave before and after each of its calls.

``python -m tests.processes.kills FOLDER`` prints, for each kill, what was in the account
afterwards. The emulator is in the same process: so its state can be kept at each call, and be put
back when the run is over. One run is enough for all kills.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys
import threading
import uuid
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch
from wsgiref.types import StartResponse, WSGIEnvironment

from botocore.client import BaseClient

from acceptance import __main__ as program
from acceptance.cleanup import CleanUp
from acceptance.clients import Clients
from acceptance.guard import guarding
from acceptance.record import Record
from acceptance.site import Pace
from cfsigned_django.signing import PrivateKey
from tests.botocore_models import sharing_models
from tests.ministack_server import REGION, Ministack, MinistackHere, ministack_here
from tests.tools.stack import deploy

#: The emulator's data plane looks for buckets in this account.
ACCOUNT = "000000000000"
PACE = Pace(expire=2, propagation=0, clock_skew=0, keyring=0, look=0.01, glance=0.01, patience=30)
#: How often CloudFront and CloudFormation are asked until a change is done.
LOOKS = 3


def clients_of(aws: Ministack) -> Clients:
    """Return the clients of the account."""
    names = ("cloudformation", "cloudfront", "s3", "sts")
    return Clients(**{name: aws.client(name, account=ACCOUNT) for name in names})


def record_of(run: str) -> Record:
    """Return the record of a run."""
    return Record(run=run, account=ACCOUNT, region=REGION, endpoint="")


def make_everything(clients: Clients, record: Record) -> None:
    """Make one of each kind, as somebody else has it: the names begin with those of the run."""
    cloudfront = clients.cloudfront
    stack, bucket = f"{record.stack}-t", f"{record.bucket}-theirs"
    reference = str(uuid.uuid4())
    pem = PrivateKey.generate().public_key.to_pem()
    config: dict[str, Any]
    config = {"CallerReference": reference, "Name": f"cfsigned-{reference}", "EncodedKey": pem}
    key = cloudfront.create_public_key(PublicKeyConfig=config)["PublicKey"]["Id"]
    config = {"Name": f"{stack}-{REGION}", "Items": [key]}
    group = cloudfront.create_key_group(KeyGroupConfig=config)["KeyGroup"]["Id"]
    deploy(clients.cloudformation, stack, BucketName=bucket, KeyGroupId=group)
    clients.s3.put_object(Bucket=bucket, Key="첨부/a.jpg", Body=b"a")


def inventory(clients: Clients) -> list[str]:
    """Return everything in the account that a run could have made, by its name."""
    cloudfront, s3 = clients.cloudfront, clients.s3
    found = [f"bucket {each['Name']}" for each in s3.list_buckets()["Buckets"]]
    for bucket in s3.list_buckets()["Buckets"]:
        listed = s3.list_objects_v2(Bucket=bucket["Name"]).get("Contents", ())
        found += [f"object {bucket['Name']} {each['Key']}" for each in listed]
    stacks = clients.cloudformation.describe_stacks()["Stacks"]
    found += [f"stack {each['StackName']}" for each in stacks]
    for method, block, wrapped in (
        ("distributions", "DistributionList", ""),
        ("key_groups", "KeyGroupList", "KeyGroup"),
        ("public_keys", "PublicKeyList", ""),
        ("origin_access_controls", "OriginAccessControlList", ""),
        ("cache_policies", "CachePolicyList", "CachePolicy"),
        ("origin_request_policies", "OriginRequestPolicyList", "OriginRequestPolicy"),
        ("response_headers_policies", "ResponseHeadersPolicyList", "ResponseHeadersPolicy"),
    ):
        given = {"Type": "custom"} if wrapped.endswith("Policy") else {}
        for item in getattr(cloudfront, f"list_{method}")(**given)[block].get("Items") or ():
            one = item.get(wrapped, item)
            found.append(f"{method} {one.get('Id') or one['Name']}")
    return sorted(found)


class Killed(BaseException):
    """The process ends here: nothing cleans up after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A call, before or after it was made, and what a kill would leave then."""

    call: str
    is_after: bool
    state: bytes


class Aws:
    """Send calls to the emulator, as slowly as AWS deploys, and note or end at changes."""

    def __init__(self, at_change: Callable[[str, bool], object]) -> None:
        self._looks = {"GetDistribution": 0, "DescribeStacks": 0}
        self._at_change = at_change

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Stand below the guard: what it refuses does not come here."""
        send: Callable[..., Any] = BaseClient._make_api_call  # type: ignore[attr-defined]

        def make_api_call(client: Any, operation: str, arguments: dict[str, Any]) -> Any:
            is_run = threading.current_thread() is threading.main_thread()
            if operation.startswith(("Get", "List", "Head", "Describe")):
                answer = send(client, operation, arguments)
                if is_run and self._looks.get(operation):
                    self._looks[operation] -= 1
                    _slow_down(answer)
                return answer
            self._at_change(operation, False)
            answer = send(client, operation, arguments)
            if operation == "UpdateDistribution":
                self._looks["GetDistribution"] = LOOKS
            if operation in ("ExecuteChangeSet", "DeleteStack"):
                self._looks["DescribeStacks"] = LOOKS
            self._at_change(operation, True)
            return answer

        with patch.object(BaseClient, "_make_api_call", make_api_call):
            yield


def _slow_down(answer: Any) -> None:
    """Say that a change is still under way."""
    if "Distribution" in answer:
        answer["Distribution"]["Status"] = "InProgress"
    for stack in answer.get("Stacks", ()):
        verb = stack["StackStatus"].partition("_")[0]
        if verb != "REVIEW":
            stack["StackStatus"] = f"{verb}_IN_PROGRESS"


class Kills:
    """An account with what others have there, and a run in it that is killed at each call."""

    def __init__(self, folder: Path, aws: MinistackHere) -> None:
        self.folder, self.record, self.aws = folder, record_of(uuid.uuid4().hex), aws
        self.clients = clients_of(aws)
        make_everything(self.clients, record_of(uuid.uuid4().hex))
        make_everything(self.clients, self.record)
        self.theirs = inventory(self.clients)
        self.moments: list[Moment] = []

    def ask(self) -> int:
        """Make a whole run, as the program does; return its exit code."""
        from acceptance import site

        configure, edge = site.configure, ExitStack()

        def configure_and_serve(*given: Any) -> None:
            configure(*given)
            # Not earlier: it needs Django's settings.
            from cfsigned_django.tools.edge import EdgeServer
            from tests.cloudfront_server import run_cloudfront

            found = run_cloudfront(self.aws, ACCOUNT, self.folder)
            os.environ.update(edge.enter_context(found))
            # What does not ask by boto3 finds S3 by a proxy.
            s3 = edge.enter_context(EdgeServer(self._s3).running())
            os.environ["HTTP_PROXY"] = f"http://127.0.0.1:{s3.port}"

        os.chdir(self.folder)
        with (
            edge,
            patch.object(site, "configure", configure_and_serve),
            patch.object(program, "new_run", lambda: self.record.run),
            patch("sys.stdin", io.StringIO(f"{ACCOUNT}\n")),
            Aws(self._keep).sending(),
        ):
            options = Namespace(account=ACCOUNT, role="", kms_key="")
            return program.ask(options, PACE)

    def _s3(self, environ: WSGIEnvironment, respond: StartResponse) -> list[bytes]:
        target = environ["RAW_URI"].removeprefix(self.aws.endpoint_url)
        status, body = self.aws.get(target, {})
        respond(f"{status} -", [("Content-Length", str(len(body)))])
        return [body]

    def _keep(self, call: str, is_after: bool) -> None:
        # What CloudFormation has begun, it ends also if the run is dead.
        self._end_tasks()
        self.moments.append(Moment(call=call, is_after=is_after, state=self.aws.state()))

    def _end_tasks(self) -> None:
        loop = self.aws.loop
        with self.aws.lock:
            if tasks := asyncio.all_tasks(loop):
                loop.run_until_complete(asyncio.wait(tasks))

    def clean(self, moment: Moment, *, dies: bool = False) -> dict[str, Any]:
        """Put back what a kill left, and clean up.

        If ``dies``, each clean-up is killed after its first change.
        """
        self._end_tasks()
        self.aws.restore(moment.state)
        deaths = 0
        while dies and self._clean(dies=True) is None:
            deaths += 1
        left = self._clean()
        now = inventory(self.clients)
        return {
            "call": f"{'after' if moment.is_after else 'before'} {moment.call}",
            "deaths": deaths,
            "left": left,
            "more": sorted({*now} - {*self.theirs}),
            "gone": sorted({*self.theirs} - {*now}),
        }

    def _clean(self, *, dies: bool = False) -> list[str] | None:
        """Clean up once; return what is left, or None if it was killed."""

        def die(call: str, is_after: bool) -> None:
            if dies and is_after:
                raise Killed

        with Aws(die).sending(), guarding(self.record) as guard:
            try:
                return CleanUp(
                    record=self.record,
                    clients=self.clients,
                    guard=guard,
                    tell=lambda line: None,
                    look_again=PACE.look,
                ).run()
            except Killed:
                return None


def _distinct(moments: list[Moment]) -> list[Moment]:
    """Leave out what is between the first and the last object: a kill there leaves one more."""
    calls = [(each.call, each.is_after) for each in moments]
    return [
        each
        for place, each in enumerate(moments)
        if not each.call.endswith("Object")
        or calls[place] not in calls[:place]
        or calls[place] not in calls[place + 1 :]
    ]


@sharing_models()
def main(folder: Path) -> None:
    """Print, as JSON, what became of the run, and one row for each kill."""
    os.environ |= {
        "AUTH": "true",  # the emulator refuses what is not signed
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "not checked",
        "AWS_DEFAULT_REGION": REGION,
    }
    output = io.StringIO()
    with ministack_here() as aws:
        os.environ["AWS_ENDPOINT_URL"] = aws.endpoint_url
        module = import_module("ministack.services.cloudformation")
        names = ("_stacks", "_stack_events", "_exports", "_change_sets")
        aws.stores.extend(getattr(module, name) for name in names)
        kills = Kills(folder, aws)
        with redirect_stdout(output):
            code = kills.ask()
        whole = inventory(kills.clients)
        rows = [kills.clean(each) for each in _distinct(kills.moments)]
        # As the removal began, the most was there: each clean-up does one thing.
        call = "UpdateTerminationProtection"
        [began] = [each for each in kills.moments if each.call == call and not each.is_after][-1:]
        rows.append(kills.clean(began, dies=True))
    found = {"code": code, "output": output.getvalue(), "is_empty": whole == kills.theirs}
    print(json.dumps({**found, "theirs": len(kills.theirs), "rows": rows}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
