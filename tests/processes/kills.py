"""Stop one run; make another one, and clean up what a kill at each of its calls would leave.

``python -m tests.processes.kills FOLDER`` prints, for each kill, what was in the account
afterwards. The emulator is in the same process: so its state can be kept at each call, and be put
back when the run is over. One run is enough for all kills.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch
from wsgiref.types import StartResponse, WSGIEnvironment

from botocore.client import BaseClient
from django.conf import settings
from django.core.management import call_command

from acceptance import __main__ as program, site
from acceptance.cleanup import CleanUp
from acceptance.clients import Clients
from acceptance.guard import guarding
from acceptance.record import Record
from acceptance.site import Pace
from tests.botocore_models import sharing_models
from tests.core.aws import Account
from tests.ministack_server import REGION, MinistackHere, ministack_here
from tests.simulation.faults import Killed
from tests.tools.stack import deploy

#: The emulator's data plane looks for buckets in this account.
ACCOUNT = "000000000000"
PACE = Pace(expire=2, propagation=0, clock_skew=0, keyring=0, look=0.01, glance=0.01, patience=30)


def record_of(run: str) -> Record:
    """Return the record of a run."""
    return Record(run=run, account=ACCOUNT, region=REGION, endpoint="")


def make_everything(clients: Clients, record: Record) -> None:
    """Make one of each kind, as somebody else has it: the names begin with those of the run."""
    account = Account(api=clients.cloudfront)
    stack, bucket = f"{record.stack}-t", f"{record.bucket}-theirs"
    key = account.upload(f"cfsigned-{uuid.uuid4()}")
    group = account.make_group(key, name=f"{stack}-{REGION}")
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


class Moment(NamedTuple):
    """A call, before or after it was made, and what a kill would leave then."""

    call: str
    is_after: bool
    state: bytes


@contextmanager
def noting(at_change: Callable[[str, bool], object]) -> Iterator[None]:
    """Note or end at each call that changes something: before and after it is sent.

    What the guard of a run refuses does not come here.
    """
    send: Callable[..., Any] = BaseClient._make_api_call  # type: ignore[attr-defined]

    def make_api_call(client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        if operation.startswith(("Get", "List", "Head", "Describe")):
            return send(client, operation, arguments)
        at_change(operation, False)
        answer = send(client, operation, arguments)
        at_change(operation, True)
        return answer

    with patch.object(BaseClient, "_make_api_call", make_api_call):
        yield


class Kills:
    """An account with what others have there, and a run in it that is killed at each call."""

    def __init__(self, folder: Path, aws: MinistackHere) -> None:
        self.folder, self.record, self.aws = folder, record_of(uuid.uuid4().hex), aws
        names = ("cloudformation", "cloudfront", "s3", "sts")
        self.clients = Clients(**{name: aws.client(name, account=ACCOUNT) for name in names})
        make_everything(self.clients, record_of(uuid.uuid4().hex))
        make_everything(self.clients, self.record)
        self.theirs = inventory(self.clients)
        self.moments: list[Moment] = []

    def ask(self, run: str, at_change: Callable[[str, bool], object]) -> int:
        """Make a whole run, as the program does; return its exit code."""
        with (
            patch.object(program, "new_run", lambda: run),
            patch("sys.stdin", io.StringIO(f"{ACCOUNT}\n")),
            noting(at_change),
        ):
            return program.main(["--account", ACCOUNT])

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Serve CloudFront and S3 to a run, once it has configured Django, in the folder."""
        configure, edge = site.configure, ExitStack()

        def configure_and_serve(bucket: str, pace: Pace) -> None:
            if settings.configured:
                site.deploy({"AWS_STORAGE_BUCKET_NAME": bucket})
                call_command("flush", interactive=False)
                return
            configure(bucket, pace)
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
            patch.object(program, "Pace", lambda: PACE),
        ):
            yield

    def _s3(self, environ: WSGIEnvironment, respond: StartResponse) -> list[bytes]:
        target = environ["RAW_URI"].removeprefix(self.aws.endpoint_url)
        status, body = self.aws.get(target, {})
        respond(f"{status} -", [("Content-Length", str(len(body)))])
        return [body]

    def keep(self, call: str, is_after: bool) -> None:
        """Keep what a kill would leave now."""
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

        with noting(die), guarding(self.record) as guard:
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


def interrupt(call: str, is_after: bool) -> None:
    """Stop the run as the end of a job does, once the stack is there."""
    if (call, is_after) == ("ExecuteChangeSet", True):
        signal.raise_signal(signal.SIGTERM)


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
        with redirect_stdout(output), kills.serving():
            stopped = kills.ask(uuid.uuid4().hex, interrupt), inventory(kills.clients)
            whole = kills.ask(kills.record.run, kills.keep), inventory(kills.clients)
        rows = [kills.clean(each) for each in _distinct(kills.moments)]
        # As the removal began, the most was there: each clean-up does one thing.
        call = "UpdateTerminationProtection"
        [began] = [each for each in kills.moments if each.call == call and not each.is_after][-1:]
        rows.append(kills.clean(began, dies=True))
    ended = [[code, left == kills.theirs] for code, left in (stopped, whole)]
    found = {"ended": ended, "output": output.getvalue(), "theirs": len(kills.theirs)}
    print(json.dumps({**found, "rows": rows}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
