"""The demo's AWS side: set up once, found again, and made anew where the emulator lost it."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from cfsigned_django.aws.client import AwsError, make_client
from cfsigned_django.aws.edge_rules import DistributionReader
from cfsigned_django.aws.key_groups import KeyGroups
from cfsigned_django.signing import KeyAlgorithm, PrivateKey, PublicKey
from demo_project.aws_setup import set_up_aws
from demo_project.local_aws import aws_command, prepare_users
from demo_project.processes import Child, DemoFailed, Reaper
from demo_project.state import Credentials, DemoState
from tests.edge_command import free_port

pytestmark = pytest.mark.skipif(
    find_spec("ministack") is None, reason="needs the demo extra: ministack"
)


@pytest.fixture
def state(tmp_path: Path) -> DemoState:
    """Return the state of a folder in which no demo has run yet, on a port of its own."""
    made = DemoState.open(tmp_path / "demo")
    return replace(made, ports={**made.ports, "s3": free_port()})


@pytest.fixture
def start(state: DemoState) -> Iterator[Callable[[], Child]]:
    """Return how to start the emulator; whatever runs in the end is stopped."""
    reaper = Reaper()
    started: list[Child] = []

    def start() -> Child:
        started.append(Child(aws_command(state), reaper))
        return started[-1].wait_until_ready()

    yield start
    for each in started:
        each.stop()
    reaper.close()


def kill(emulator: Child) -> None:
    """End the emulator as a machine does that loses its power."""
    os.kill(emulator.pid, signal.SIGKILL)
    emulator.wait_until_ended()


def client(state: DemoState, user: Credentials) -> Any:
    """Return a client of CloudFront's API with the rights of a user."""
    return make_client(
        "cloudfront",
        endpoint_url=state.address("s3"),
        access_key=user.access_key_id,
        secret_key=user.secret_access_key,
    )


def set_up(state: DemoState) -> tuple[DemoState, list[str]]:
    """Prepare users and AWS; return the state, and what was told."""
    told: list[str] = []
    return set_up_aws(prepare_users(state), told.append), told


def trusted(state: DemoState, user: Credentials) -> dict[str, PublicKey]:
    """Return the keys that the distribution's one behavior trusts."""
    reader = DistributionReader(client(state, user), state.distribution_id, bucket=state.bucket)
    (behavior,) = (found := reader.read()).behaviors
    assert behavior.foreign_origin == ""
    assert behavior.key_group_ids == (state.key_group_id,)
    return dict(found.keys[state.key_group_id])


def test_first_start_sets_all_up(state: DemoState, start: Callable[[], Child]) -> None:
    """Let a distribution trust the settings' key, an RSA key, show the plan, and keep the ids."""
    start()
    prepared, told = set_up(state)
    key = PrivateKey.load(state.private_key_path)
    assert key.algorithm is KeyAlgorithm.RSA_2048
    assert trusted(prepared, prepared.root) == {prepared.key_pair_id: key.public_key}
    assert DemoState.open(state.folder) == prepared
    assert told[0] == (
        f"$ manage.py cfsigned_setup --create --cors-origin {state.address('site')} --downloads"
    )
    assert told[1].startswith("done      key-pair: ")
    assert any(line.startswith("to do     distribution: ") for line in told)
    assert told[-4].split() == ["s3:PutPublicAccessBlock"]
    assert max(map(len, told[:-2])) <= 95
    plan = Path(told[-2]).read_text(encoding="utf-8")
    assert '+  "CallerReference": "cfsigned-demo-media",' in plan
    assert "Nothing was changed. The same command with --apply does it." in plan
    assert told[-1] == (
        f"applied: distribution {prepared.distribution_id}, key group {prepared.key_group_id}"
    )


def test_second_start_finds_it(state: DemoState, start: Callable[[], Child]) -> None:
    """Keep what is there, and also where a start died before it noted it."""
    start()
    prepared, _ = set_up(state)
    again, told = set_up(prepared)
    assert again == prepared
    assert told == [
        f"as it was left: distribution {prepared.distribution_id}, "
        f"key group {prepared.key_group_id}"
    ]
    assert set_up(replace(state, users=prepared.users))[0] == prepared


def test_a_group_that_was_rotated_is_left_alone(
    state: DemoState, start: Callable[[], Child]
) -> None:
    """Do not bring the settings' key back into a group that it was retired from."""
    start()
    prepared, _ = set_up(state)
    key_groups = KeyGroups(client(state, state.root))
    pem = PrivateKey.generate().public_key.to_pem()
    newer = key_groups.ensure_public_key(caller_reference="n", name="n", public_key_pem=pem)
    key_groups.add(prepared.key_group_id, newer)
    key_groups.remove(prepared.key_group_id, prepared.key_pair_id)
    key_groups.delete_public_key(prepared.key_pair_id)
    assert set_up(prepared)[0] == prepared
    assert key_groups.members(prepared.key_group_id) == (newer,)


def test_a_killed_emulator_forgets_nothing(state: DemoState, start: Callable[[], Child]) -> None:
    """Find users, keys and distribution again after SIGKILL, with what was changed last."""
    emulator = start()
    prepared, _ = set_up(state)
    key_groups = KeyGroups(client(state, prepared.users["site"]))
    pem = PrivateKey.generate().public_key.to_pem()
    newer = key_groups.ensure_public_key(caller_reference="n", name="n", public_key_pem=pem)
    key_groups.add(prepared.key_group_id, newer)
    kill(emulator)
    start()
    assert set_up(prepared)[0] == prepared
    assert key_groups.members(prepared.key_group_id) == (prepared.key_pair_id, newer)


def test_an_emptied_emulator_is_set_up_anew(state: DemoState, start: Callable[[], Child]) -> None:
    """Trust the settings' key in a new distribution where the emulator knows nothing any more."""
    emulator = start()
    prepared, _ = set_up(state)
    kill(emulator)
    shutil.rmtree(state.folder / "s3")
    start()
    repaired, _ = set_up(prepared)
    assert repaired.key_group_id != prepared.key_group_id
    assert repaired.distribution_id != prepared.distribution_id
    key = PrivateKey.load(state.private_key_path).public_key
    assert trusted(repaired, repaired.root) == {repaired.key_pair_id: key}
    assert DemoState.open(state.folder) == repaired


def test_a_site_that_moved_gets_its_cors_rule(state: DemoState, start: Callable[[], Child]) -> None:
    """Let the bucket answer the site at its new port, and change nothing else."""
    start()
    prepared, _ = set_up(state)
    moved = replace(prepared, ports={**prepared.ports, "site": free_port()})
    assert set_up(moved)[0] == replace(moved, cors_origin=moved.address("site"))
    s3 = make_client(
        "s3",
        endpoint_url=state.address("s3"),
        access_key=state.root.access_key_id,
        secret_key=state.root.secret_access_key,
    )
    rules = s3.get_bucket_cors(Bucket=state.bucket)["CORSRules"]
    origins = {origin for rule in rules for origin in rule["AllowedOrigins"]}
    assert origins == {prepared.address("site"), moved.address("site")}


def test_the_edge_may_only_read(state: DemoState, start: Callable[[], Child]) -> None:
    """Let the edge's own user see whom to trust, and refuse it every change."""
    start()
    prepared, _ = set_up(state)
    assert list(trusted(prepared, prepared.users["edge"])) == [prepared.key_pair_id]
    with pytest.raises(AwsError, match="cloudfront:UpdateKeyGroup"):
        KeyGroups(client(state, prepared.users["edge"])).add(
            prepared.key_group_id, "KANOTHERKEY000"
        )


def test_a_failed_setup_is_told(state: DemoState, start: Callable[[], Child]) -> None:
    """Stop with the command, and with what it said, where AWS refuses."""
    start()
    prepared = prepare_users(state)
    broken = replace(prepared, users={**prepared.users, "setup": prepared.users["edge"]})
    with pytest.raises(DemoFailed, match=r"cfsigned_setup --create.* failed(?s:.*)setup\.log"):
        set_up_aws(broken, print)


def test_an_api_that_does_not_answer_is_named(state: DemoState) -> None:
    """Stop with what was tried and where the log is when nothing listens."""
    with pytest.raises(DemoFailed, match=r"users could not be prepared(?s:.*)aws\.log"):
        prepare_users(state)
    looked_for = replace(state, key_group_id="g1", distribution_id="E1")
    with pytest.raises(DemoFailed, match=r"API could not be asked(?s:.*)aws\.log"):
        set_up_aws(looked_for, print)
