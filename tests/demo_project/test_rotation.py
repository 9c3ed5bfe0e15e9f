"""Rotate in a running demo by the command, with everything killed in the middle."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from unittest import mock

import pytest

from demo_project.console import Console
from demo_project.gallery.anatomy import dissect
from demo_project.gallery.edge_client import ask
from demo_project.pace import LINK_VARIABLE
from demo_project.ports import HOST
from demo_project.run import running_demo
from demo_project.state import BASE_FOLDER, FOLDER_VARIABLE, PREFERRED_PORTS, DemoState
from tests.edge_command import free_port

pytestmark = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("ministack", "PIL")),
    reason="needs the demo extra: ministack and Pillow",
)

LINK_SECONDS = 15
NOT_YET = 75


@pytest.fixture(autouse=True)
def _short_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let links of these demos live as briefly as they may."""
    monkeypatch.setenv(LINK_VARIABLE, str(LINK_SECONDS))


@pytest.fixture(scope="module")
def filled_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a demo that has run once, on ports of its own, and stopped."""
    folder = tmp_path_factory.mktemp("demo") / "filled"
    ports = {name: free_port() for name in PREFERRED_PORTS}
    with (
        mock.patch("demo_project.state.PREFERRED_PORTS", ports),
        running_demo(folder, Console(), quiet=True),
    ):
        return folder


@pytest.fixture
def folder(filled_folder: Path, tmp_path: Path) -> Path:
    """Return a folder whose demo has everything but key pairs in its database."""
    return Path(shutil.copytree(filled_folder, tmp_path / "demo"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """What one run of the command printed as JSON, and its exit code."""

    exit_code: int
    did: str | None
    statuses: dict[str, str]


def rotate(folder: Path, *arguments: str) -> Rotated:
    """Run manage.py cfsigned_rotate as somebody in another terminal does."""
    done = subprocess.run(
        [sys.executable, "manage.py", "cfsigned_rotate", "--json", *arguments],
        cwd=BASE_FOLDER,
        env=os.environ
        | {FOLDER_VARIABLE: str(folder), "DJANGO_SETTINGS_MODULE": "demo_project.settings"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout, done.stderr
    answer = json.loads(done.stdout)
    return Rotated(
        exit_code=done.returncode,
        did=answer["did"],
        statuses={key["algorithm"]: key["status"] for key in answer["keys"]},
    )


def a_link(state: DemoState) -> str:
    """Return a link that the site signs now."""
    listed = ask(f"{state.address('site')}/api/files/", whole=True)
    url: str = json.loads(listed.text)["files"][0]["url"]
    return url


def check_opens(url: str) -> None:
    """Fail where a link is refused before its time is up."""
    reply = ask(url)
    if time.time() < dissect(url).policy.date_less_than:
        assert reply.status == 200, reply


@contextmanager
def killed_demo(folder: Path) -> Iterator[DemoState]:
    """Run a demo as a program of its own, and kill it with all its servers at the end."""
    command = [sys.executable, "-m", "demo_project.run", "--folder", str(folder)]
    with subprocess.Popen(command, cwd=BASE_FOLDER, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if "Ctrl-C stops everything" in line:
                    break
            yield DemoState.open(folder)
        finally:
            for pid in [*_children(process.pid), process.pid]:
                os.kill(pid, signal.SIGKILL)
            # Who is killed ends a moment later: the next demo wants the same ports.
            wait_until_closed(DemoState.open(folder).ports.values())


def wait_until_closed(ports: Collection[int]) -> None:
    """Return when nothing listens on any of the ports."""
    deadline = time.monotonic() + 20
    while any(map(is_open, ports)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_open(port: int) -> bool:
    """Tell whether anything listens on the port."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def _children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc to find processes")
def test_a_killed_demo_finishes_its_rotation(folder: Path) -> None:
    """Go on where a rotation stood when every process was killed, and break no link meanwhile."""
    with killed_demo(folder) as state:
        assert rotate(folder, "--import").statuses == {"RSA_2048": "active"}
        rotate(folder, "--start")
        assert rotate(folder).statuses == {"RSA_2048": "active", "ECDSA_P256": "trusted"}
        before = a_link(state)
    with running_demo(folder, Console(), quiet=True) as demo:
        assert demo.state == state
        check_opens(before)
        while (step := rotate(folder)).statuses["RSA_2048"] != "retiring":
            assert step.exit_code in (0, NOT_YET)
            last = a_link(demo.state)  # signed by whichever key signs at this moment
            time.sleep(0.5)
        check_opens(last)
        done = rotate(folder, "--wait")
        assert (done.exit_code, done.statuses) == (
            0,
            {"RSA_2048": "retired", "ECDSA_P256": "active"},
        )
        assert dissect(a_link(demo.state)).algorithm == "ECDSA P-256"
        assert len(a_link(demo.state)) < len(last) - 200
        assert ask(a_link(demo.state)).status == 200


def test_a_demo_whose_emulator_was_emptied_begins_anew(folder: Path) -> None:
    """Drop key pairs that CloudFront's API no longer knows, sign with the settings' key again."""
    with running_demo(folder, Console(), quiet=True):
        assert rotate(folder, "--import").did
    shutil.rmtree(folder / "s3" / "state")
    with running_demo(folder, Console(), quiet=True) as demo:
        assert rotate(folder, "--dry-run").statuses == {}
        url = a_link(demo.state)
        assert ask(url).status == 200
        assert dissect(url).key_pair_id == demo.state.key_pair_id
        assert rotate(folder, "--import").statuses == {"RSA_2048": "active"}
