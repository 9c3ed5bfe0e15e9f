"""Start the whole demo, with S3, edge and site, and ask it for everything it has."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.request import urlopen

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from demo_project.check import find
from demo_project.console import Console
from demo_project.diagnosis import examine
from demo_project.gallery.edge_client import Reply, ask
from demo_project.ports import HOST
from demo_project.processes import DemoFailed
from demo_project.run import Demo, running_demo
from demo_project.state import BASE_FOLDER, PREFERRED_PORTS, DemoState
from tests.edge_command import free_port

pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("ministack", "PIL")),
    reason="needs the demo extra: ministack and Pillow",
)

PICTURES, DOCUMENTS, COUNT = 15, 3, 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstStart:
    """What the first start in a new folder left behind."""

    folder: Path
    state: DemoState
    files: list[dict[str, Any]]


def listing(state: DemoState) -> list[dict[str, Any]]:
    """Return what the site's JSON view lists."""
    answer = ask(f"{state.address('site')}/api/files/", whole=True)
    files: list[dict[str, Any]] = json.loads(answer.text)["files"]
    return files


def page(state: DemoState, path: str) -> Reply:
    """Return a page of the site, in full."""
    return ask(state.address("site") + path, whole=True)


def is_open(port: int) -> bool:
    """Tell whether anything listens on the port."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


@pytest.fixture(scope="module")
def first_start(tmp_path_factory: pytest.TempPathFactory) -> FirstStart:
    """Start the demo in a new folder, note what it serves, and stop it."""
    folder = tmp_path_factory.mktemp("demo") / "data"
    # Not the ports that every demo of this machine would like to have.
    ports = {name: free_port() for name in PREFERRED_PORTS}
    with (
        mock.patch("demo_project.state.PREFERRED_PORTS", ports),
        running_demo(folder, Console(), quiet=True) as demo,
    ):
        return FirstStart(folder=folder, state=demo.state, files=listing(demo.state))


@pytest.fixture(scope="module")
def demo(first_start: FirstStart) -> Iterator[Demo]:
    """Run the demo a second time in the folder of the first."""
    with running_demo(first_start.folder, Console(), quiet=True) as demo:
        yield demo


@pytest.fixture
def copied_folder(first_start: FirstStart, tmp_path: Path) -> Path:
    """Return a folder for a demo beside the running one, filled already."""
    return Path(shutil.copytree(first_start.folder, tmp_path / "copy"))


def test_every_link_is_answered_as_cloudfront_would(demo: Demo) -> None:
    """Serve each file with its signature and refuse it unsigned, changed, expired or direct."""
    findings = {finding.what: finding for finding in find(demo.state)}
    assert {what: set(finding.answers) for what, finding in findings.items()} == {
        "signed": {"200"},
        "unsigned": {"403 MissingKey"},
        "a day added to Expires": {"403 AccessDenied"},
        "straight from S3": {"403 AccessDenied"},
        "expired": {"403 AccessDenied"},
    }
    assert {len(finding.answers) for finding in findings.values()} == {PICTURES + DOCUMENTS}


def test_the_doctor_finds_nothing(demo: Demo) -> None:
    """Be green in every part: settings, AWS, and live answers, with CORS and downloads."""
    told: list[str] = []
    examine(demo.state, told.append)
    report = (demo.state.logs / "doctor.log").read_text("utf-8")
    assert [line.partition(",")[0] for line in told] == ["0 errors"]
    assert "0 warnings" in told[0]
    for kind in ("distribution", "behavior", "keys", "bucket", "delivery", "signed-served", "cors"):
        assert f"[{kind}]" in report


def test_each_file_arrives_with_its_type_and_size(demo: Demo) -> None:
    """Serve the content type that the upload was checked for, and every byte."""
    for file in listing(demo.state):
        headers = dict(ask(file["url"]).headers)
        assert headers["Content-Type"] == file["content_type"]
        assert headers["Content-Length"] == str(file["size"])


def test_korean_text_comes_back_as_it_was_written(demo: Demo) -> None:
    """Serve the minutes as UTF-8 text under their Korean name."""
    minutes = next(file for file in listing(demo.state) if file["name"] == "회의록 2026.txt")
    answer = ask(minutes["download_url"])
    assert answer.text.startswith("회의록 2026\n")
    assert "filename" in minutes["download_url"]


def test_second_start_keeps_the_data(demo: Demo, first_start: FirstStart) -> None:
    """Serve the same files from the same ports after a restart, without a new upload."""
    kept = [(file["name"], file["size"]) for file in listing(demo.state)]
    assert kept == [(file["name"], file["size"]) for file in first_start.files]
    assert demo.state == first_start.state


def test_thumbnails_come_by_one_signature_and_may_be_kept(demo: Demo) -> None:
    """Upload a thousand once, and serve them with a Cache-Control that lets browsers keep them."""
    assert "thumbnails:" not in (demo.state.logs / "prepare.log").read_text("utf-8")
    links = [
        unescape(link)
        for link in re.findall(r'src="(http[^"]+)"', page(demo.state, "/thumbnails/").text)
    ]
    assert len(links) == len(set(links)) == COUNT
    assert len({link.partition("?")[2] for link in links}) == 1
    for link in (links[0], links[-1]):
        with urlopen(link) as answer:
            assert answer.headers["Cache-Control"] == "private, max-age=604800, immutable"
            assert answer.headers["Content-Type"] == "image/jpeg"


def test_pages_show_every_file(demo: Demo) -> None:
    """Give each picture and document a place on its page, and explain the rest."""
    assert page(demo.state, "/").text.count('class="caption"') == PICTURES
    assert page(demo.state, "/documents/").text.count('class="paper-text"') == DOCUMENTS
    assert page(demo.state, "/how/").status == 200


def test_secrets_are_readable_by_their_owner_only(first_start: FirstStart) -> None:
    """Keep the signing key, passwords and access keys at mode 0600 in a folder of mode 0700."""
    secrets = [first_start.folder / "state.json", *(first_start.folder / "keys").iterdir()]
    assert {stat.S_IMODE(secret.stat().st_mode) for secret in secrets} == {0o600}
    assert stat.S_IMODE(first_start.folder.stat().st_mode) == 0o700
    assert len(secrets) == 3


def test_the_edge_may_read_and_nothing_else(demo: Demo) -> None:
    """Refuse the edge's own access key when it writes or lists."""
    user = demo.state.users["edge"]
    client = boto3.client(
        "s3",
        endpoint_url=demo.state.address("s3"),
        region_name="us-east-1",
        aws_access_key_id=user.access_key_id,
        aws_secret_access_key=user.secret_access_key,
        config=Config(s3={"addressing_style": "path"}, proxies={}),
    )
    with pytest.raises(ClientError, match="AccessDenied"):
        client.put_object(Bucket=demo.state.bucket, Key="x", Body=b"x")
    with pytest.raises(ClientError, match="AccessDenied"):
        client.list_objects_v2(Bucket=demo.state.bucket)


def test_one_folder_takes_one_demo(demo: Demo) -> None:
    """Refuse to start where a demo runs already, and say what to do."""
    with pytest.raises(SystemExit, match="--folder"), running_demo(demo.state.folder, Console()):
        pass


def test_a_server_that_dies_is_named(copied_folder: Path) -> None:
    """Say which server ended and where its log is, and stop the others."""
    with running_demo(copied_folder, Console(), quiet=True) as demo:
        demo.raise_if_ended()
        edge = next(server for server in demo.servers if server.command.name == "edge")
        os.kill(edge.pid, signal.SIGKILL)
        edge.wait_until_ended()
        with pytest.raises(DemoFailed, match=r"edge ended by SIGKILL(?s:.*)edge\.log"):
            demo.raise_if_ended()
    assert [port for port in demo.state.ports.values() if is_open(port)] == []


def test_sigterm_stops_every_server(copied_folder: Path) -> None:
    """Run from the command line, and leave nothing running after SIGTERM."""
    command = [sys.executable, "-m", "demo_project.run", "--folder", str(copied_folder)]
    with subprocess.Popen(
        command, cwd=BASE_FOLDER, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        printed = ""
        for line in process.stdout:
            printed += line
            if "Ctrl-C stops everything" in line:
                break
        state = DemoState.open(copied_folder)
        assert state.address("site") in printed
        assert [port for port in state.ports.values() if not is_open(port)] == []
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read().rstrip().endswith("Stopped.")
    assert process.returncode == 0
    assert [port for port in state.ports.values() if is_open(port)] == []


def test_check_tries_every_link_and_stops(copied_folder: Path) -> None:
    """Exit 0 after a check in which every link was answered as it should be."""
    done = subprocess.run(
        [sys.executable, "-m", "demo_project.run", "--check", "--folder", str(copied_folder)],
        cwd=BASE_FOLDER,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"ok expired: 403 AccessDenied, {PICTURES + DOCUMENTS} times" in done.stdout


def test_a_failing_step_shows_its_log(copied_folder: Path) -> None:
    """Exit 1 and print the end of the step's log when the database cannot be used."""
    (copied_folder / "db.sqlite3").write_bytes(b"this is no database" * 100)
    done = subprocess.run(
        [sys.executable, "-m", "demo_project.run", "--check", "--folder", str(copied_folder)],
        cwd=BASE_FOLDER,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    # Its ports are the running demo's, so this one is set up anew, which asks for its key first.
    assert "manage.py cfsigned_setup" in done.stderr
    assert "The database failed (DatabaseError)" in done.stderr
    assert str(copied_folder / "logs" / "setup.log") in done.stderr
