"""Kill a run at each of its calls, and clean up after it.

``python -m tests.acceptance.kills ENDPOINT FOLDER`` prints, for each kill, what was in the account
afterwards. The processes are forks of one: to import everything takes longest.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest.mock import patch

from botocore.client import BaseClient

from acceptance.cleanup import CleanUp
from acceptance.guard import guarding
from acceptance.ledger import Ledger
from acceptance.run import bucket_of
from cfsigned_django.aws.client import Clients
from cfsigned_django.aws.documents.distribution_config import (
    access_control_config,
    name_for,
    new_behavior,
    new_distribution_config,
    new_origin,
)
from cfsigned_django.aws.documents.policies import (
    cache_policy_config,
    response_headers_policy_config,
)
from cfsigned_django.signing import PrivateKey
from tests.ministack_server import Ministack

ACCOUNT = "222222222222"
KILLED = 9
PEM = PrivateKey.generate().public_key.to_pem()


def make_everything(clients: Clients, run: str, mark: str = "") -> None:
    """Make one of each kind, change it, and remove some of it again, as a run does.

    ``mark`` is added to each name, for what is not of the run.
    """
    cloudfront, s3 = clients.cloudfront, clients.s3
    bucket = f"{bucket_of(run)}{mark}"
    name = f"{name_for(bucket_of(run))}{mark}"
    keys = []
    for _ in range(2):
        reference = str(uuid.uuid4())
        config = {"CallerReference": reference, "Name": f"cfsigned-{reference}", "EncodedKey": PEM}
        answer = cloudfront.create_public_key(PublicKeyConfig=config)
        keys.append((answer["PublicKey"]["Id"], answer["ETag"]))
    group = cloudfront.create_key_group(KeyGroupConfig={"Name": name, "Items": [keys[0][0]]})
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="첨부/a.jpg", Body=b"a")
    s3.put_object(Bucket=bucket, Key="b.jpg", Body=b"b")
    control = cloudfront.create_origin_access_control(
        OriginAccessControlConfig={**access_control_config(bucket), "Name": name}
    )
    cloudfront.create_cache_policy(CachePolicyConfig=cache_policy_config(name))
    cloudfront.create_response_headers_policy(
        ResponseHeadersPolicyConfig=response_headers_policy_config(name)
    )
    function = cloudfront.create_function(
        Name=f"acceptance-{run}{mark}"[:64],
        FunctionConfig={"Comment": f"{run}{mark}", "Runtime": "cloudfront-js-2.0"},
        FunctionCode=b"function handler(event) { return event.request; }",
    )
    cloudfront.publish_function(Name=f"acceptance-{run}{mark}"[:64], IfMatch=function["ETag"])
    origin = new_origin(bucket, "us-east-1")
    origin["OriginAccessControlId"] = control["OriginAccessControl"]["Id"]
    made = cloudfront.create_distribution(
        DistributionConfig=new_distribution_config(bucket, origin, new_behavior(origin["Id"]))
    )
    s3.put_bucket_policy(Bucket=bucket, Policy='{"Version": "2012-10-17", "Statement": []}')
    cloudfront.update_key_group(
        Id=group["KeyGroup"]["Id"],
        IfMatch=group["ETag"],
        KeyGroupConfig={"Name": name, "Items": [keys[1][0]]},
    )
    cloudfront.delete_public_key(Id=keys[0][0], IfMatch=keys[0][1])
    cloudfront.create_invalidation(
        DistributionId=made["Distribution"]["Id"],
        InvalidationBatch={"CallerReference": run, "Paths": {"Quantity": 1, "Items": ["/a"]}},
    )


def dying(at: int, *, after: bool) -> Any:
    """Return a patch that ends the process at its n-th change, before or after it is made."""
    send: Callable[..., Any] = BaseClient._make_api_call  # type: ignore[attr-defined]
    count = 0

    def make_api_call(client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        nonlocal count
        is_change = not operation.startswith(("Get", "List", "Head", "Describe"))
        count += is_change
        is_last = is_change and count == at
        if is_last and not after:
            os._exit(KILLED)
        answer = send(client, operation, arguments)
        if is_last:
            os._exit(KILLED)
        return answer

    return patch.object(BaseClient, "_make_api_call", make_api_call)


def in_a_fork(do: Callable[[], object]) -> int:
    """Do something in a separate process; return the exit code."""
    child = os.fork()
    if not child:
        try:
            do()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def inventory(clients: Clients) -> list[str]:
    """Return everything in the account that a run could have made, by its name."""
    cloudfront, s3 = clients.cloudfront, clients.s3
    found = [f"bucket {each['Name']}" for each in s3.list_buckets()["Buckets"]]
    for bucket in s3.list_buckets()["Buckets"]:
        listed = s3.list_objects_v2(Bucket=bucket["Name"]).get("Contents", ())
        found += [f"object {bucket['Name']} {each['Key']}" for each in listed]
    for method, block, wrapped in (
        ("distributions", "DistributionList", ""),
        ("functions", "FunctionList", ""),
        ("key_groups", "KeyGroupList", "KeyGroup"),
        ("public_keys", "PublicKeyList", ""),
        ("origin_access_controls", "OriginAccessControlList", ""),
        ("cache_policies", "CachePolicyList", "CachePolicy"),
        ("response_headers_policies", "ResponseHeadersPolicyList", "ResponseHeadersPolicy"),
    ):
        given = {"Type": "custom"} if wrapped.endswith("Policy") else {}
        for item in getattr(cloudfront, f"list_{method}")(**given)[block].get("Items") or ():
            one = item.get(wrapped, item)
            found.append(f"{method} {one.get('Id') or one['Name']}")
    return sorted(found)


def make_strangers(clients: Clients, folder: Path, run: str) -> None:
    """Make what another run, and somebody with similar names, has in the account."""
    other = uuid.uuid4().hex
    ledger = Ledger.begin(folder / other / "ledger", run=other, account=ACCOUNT, endpoint="")
    with closing(ledger), guarding(ledger):
        make_everything(clients, other)
    make_everything(clients, run, mark="-theirs")
    # The same name, by another hand: only the caller reference tells them apart.
    bucket = bucket_of(run)
    origin = new_origin(bucket, "us-east-1")
    config = new_distribution_config(bucket, origin, new_behavior(origin["Id"]))
    config["CallerReference"] = "theirs"
    clients.cloudfront.create_distribution(DistributionConfig=config)


class Kills:
    """The account, and the run that is made in it again and again: it leaves nothing behind."""

    def __init__(self, endpoint_url: str, folder: Path) -> None:
        server = Ministack(endpoint_url=endpoint_url)
        self.folder, self.run = folder, uuid.uuid4().hex
        # A fork must not go on with a connection of its parent: those of the forks are not used
        # here.
        self.clients, self.watching = server.clients(ACCOUNT), server.clients(ACCOUNT)
        in_a_fork(lambda: make_strangers(self.clients, folder, self.run))
        self.theirs = inventory(self.watching)

    def at(self, call: int, *, after: bool, clean_at: int = 0) -> dict[str, Any]:
        """Kill a run at a change, and clean up; return what became of it.

        With ``clean_at``, each clean-up is killed after that many changes.
        """
        path = self.folder / f"{call}-{after}-{clean_at}" / "ledger"
        run = in_a_fork(lambda: self._run(path, call, after=after))
        codes = [in_a_fork(lambda: self._clean(path, clean_at))]
        while codes[-1] == KILLED and len(codes) < 2 * call:
            codes.append(in_a_fork(lambda: self._clean(path, clean_at)))
        now = inventory(self.watching)
        return {
            "call": call,
            "run": run,
            "clean": codes,
            "more": sorted({*now} - {*self.theirs}),
            "gone": sorted({*self.theirs} - {*now}),
            "theirs": len(self.theirs),
        }

    def _run(self, path: Path, call: int, *, after: bool) -> None:
        ledger = Ledger.begin(path, run=self.run, account=ACCOUNT, endpoint="")
        with dying(call, after=after), guarding(ledger):
            make_everything(self.clients, self.run)

    def _clean(self, path: Path, at: int) -> None:
        with dying(at, after=True), closing(Ledger.open(path)) as ledger, guarding(ledger):
            left = CleanUp(
                ledger=ledger, clients=self.clients, tell=lambda line: None, look_again=0.01
            ).run()
        if left:
            raise AssertionError(left)


def main(endpoint_url: str, folder: Path) -> None:
    """Print, as JSON, one row for each kill."""
    kills = Kills(endpoint_url, folder)
    rows = []
    for after in (False, True):
        rows.append(kills.at(1, after=after))
        while rows[-1]["run"] == KILLED:
            rows.append(kills.at(rows[-1]["call"] + 1, after=after))
    # Of the last run everything is left, and each clean-up does one thing.
    rows.append(kills.at(rows[-1]["call"], after=True, clean_at=1))
    print(json.dumps(rows))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
