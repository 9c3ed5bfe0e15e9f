"""The demo's key group: made once, found again, and made anew where the emulator lost it."""

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
from cfsigned_django.aws.key_groups import KeyGroups
from cfsigned_django.aws.trusted_keys import KeyGroupReader
from cfsigned_django.signing import KeyAlgorithm, PrivateKey
from demo_project.key_group import prepare_key_group
from demo_project.local_aws import aws_command, prepare_bucket
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


def test_first_start_makes_the_group(state: DemoState, start: Callable[[], Child]) -> None:
    """Put the settings' key, an RSA key, into a new key group, and keep both ids."""
    start()
    prepared = prepare_key_group(state)
    key = PrivateKey.load(state.private_key_path)
    assert key.algorithm is KeyAlgorithm.RSA_2048
    reader = KeyGroupReader(client(state, state.root), prepared.key_group_id)
    assert reader.read() == {prepared.key_pair_id: key.public_key}
    assert DemoState.open(state.folder) == prepared


def test_second_start_finds_the_group(state: DemoState, start: Callable[[], Child]) -> None:
    """Keep group and key where they are there, and also where a start died before it noted them."""
    start()
    prepared = prepare_key_group(state)
    assert prepare_key_group(prepared) == prepared
    assert prepare_key_group(state) == prepared


def test_a_group_that_was_rotated_is_left_alone(
    state: DemoState, start: Callable[[], Child]
) -> None:
    """Do not bring the settings' key back into a group that it was retired from."""
    start()
    prepared = prepare_key_group(state)
    api = client(state, state.root)
    pem = PrivateKey.generate().public_key.to_pem()
    key_groups = KeyGroups(api)
    newer = key_groups.ensure_public_key(caller_reference="n", name="n", public_key_pem=pem)
    key_groups.add(prepared.key_group_id, newer)
    key_groups.remove(prepared.key_group_id, prepared.key_pair_id)
    key_groups.delete_public_key(prepared.key_pair_id)
    assert prepare_key_group(prepared) == prepared
    assert key_groups.members(prepared.key_group_id) == (newer,)


def test_a_killed_emulator_forgets_nothing(state: DemoState, start: Callable[[], Child]) -> None:
    """Find users, keys and group again after SIGKILL, with what was changed last."""
    emulator = start()
    prepared = prepare_key_group(prepare_bucket(state))
    key_groups = KeyGroups(client(state, prepared.users["site"]))
    pem = PrivateKey.generate().public_key.to_pem()
    newer = key_groups.ensure_public_key(caller_reference="n", name="n", public_key_pem=pem)
    key_groups.add(prepared.key_group_id, newer)
    kill(emulator)
    start()
    assert prepare_key_group(prepare_bucket(prepared)) == prepared
    assert key_groups.members(prepared.key_group_id) == (prepared.key_pair_id, newer)


def test_an_emptied_emulator_gets_a_new_group(state: DemoState, start: Callable[[], Child]) -> None:
    """Put the settings' key into a new group where the emulator knows nothing any more."""
    emulator = start()
    prepared = prepare_key_group(state)
    kill(emulator)
    shutil.rmtree(state.folder / "s3")
    start()
    repaired = prepare_key_group(prepared)
    assert repaired.key_group_id != prepared.key_group_id
    reader = KeyGroupReader(client(state, state.root), repaired.key_group_id)
    key = PrivateKey.load(state.private_key_path).public_key
    assert reader.read() == {repaired.key_pair_id: key}
    assert DemoState.open(state.folder) == repaired


def test_the_edge_may_read_the_group_only(state: DemoState, start: Callable[[], Child]) -> None:
    """Let the edge's own user see whom to trust, and refuse it every change."""
    start()
    prepared = prepare_key_group(prepare_bucket(state))
    api = client(state, prepared.users["edge"])
    reader = KeyGroupReader(api, prepared.key_group_id)
    assert list(reader.read()) == [prepared.key_pair_id]
    with pytest.raises(AwsError, match="cloudfront:UpdateKeyGroup"):
        KeyGroups(api).add(prepared.key_group_id, "KANOTHERKEY000")


def test_an_api_that_does_not_answer_is_named(state: DemoState) -> None:
    """Stop with what was tried and where the log is when nothing listens."""
    with pytest.raises(DemoFailed, match=r"key group could not be prepared(?s:.*)aws\.log"):
        prepare_key_group(state)
