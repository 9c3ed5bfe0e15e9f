"""One demo: all that it serves, that no kill and no restart loses anything, and its page."""

from __future__ import annotations

import json
import os
import re
import socket
import stat
import subprocess
import sys
from contextlib import ExitStack, closing
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from demo_project import edge
from demo_project.gallery.attempts import ask
from demo_project.run import running_demo
from demo_project.state import (
    BASE_FOLDER,
    FOLDER_VARIABLE,
    HOST,
    LINK_VARIABLE,
    DemoState,
)
from tests.background import plain_environment
from tests.demo_project.running import (
    ARGUMENTS,
    LINK_SECONDS,
    NEEDED,
    RunningDemo,
    made_by,
    open_ports,
)
from tests.pages import DOCS, snippets
from tests.reader import Reader, Terminal, commands

pytestmark = [*NEEDED, pytest.mark.package]

PICTURES, DOCUMENTS, COUNT = 12, 3, 1000
NOT_YET = 75


@pytest.fixture
def state(demo: RunningDemo) -> DemoState:
    """Return the state of the demo, which runs: it is started by the first test that asks."""
    return demo.start()


def listing(state: DemoState, **query: int) -> list[dict[str, Any]]:
    """Return what the site's JSON view lists."""
    question = "&".join(f"{name}={value}" for name, value in query.items())
    answer = ask(f"{state.address('site')}/api/files/?{question}", whole=True)
    files: list[dict[str, Any]] = json.loads(answer.text)["files"]
    return files


def page(state: DemoState, path: str) -> str:
    """Return a page of the site, in full."""
    reply = ask(state.address("site") + path, whole=True)
    assert reply.status == 200
    return reply.text


def client(state: DemoState, service: str, user: str = "root") -> Any:
    """Return a client of the emulator with the rights of one of the demo's users."""
    known = state.root if user == "root" else state.users[user]
    return boto3.client(
        service,  # type: ignore[call-overload]
        endpoint_url=state.address("s3"),
        region_name="us-east-1",
        aws_access_key_id=known.access_key_id,
        aws_secret_access_key=known.secret_access_key,
        config=Config(s3={"addressing_style": "path"}, proxies={}),
    )


def trusted(state: DemoState, user: str = "root") -> list[str]:
    """Return the public key IDs in the key group, as one of the demo's users sees it."""
    group = client(state, "cloudfront", user).get_key_group(Id=state.key_group_id)
    ids: list[str] = group["KeyGroup"]["KeyGroupConfig"]["Items"]
    return ids


def statuses(urls: list[str]) -> set[str]:
    """Return what the URLs are answered, with the code of an error."""
    assert len(urls) == PICTURES + DOCUMENTS
    return {f"{reply.status} {reply.code}".strip() for reply in map(ask, urls)}


def test_pages_and_files_arrive_whole(demo: RunningDemo, state: DemoState) -> None:
    """Serve each page and each file as it is, thumbnails to keep, and please the doctor."""
    for file in listing(state):
        headers = dict(ask(file["url"]).headers)
        assert headers["Content-Type"] == file["content_type"]
        assert headers["Content-Length"] == str(file["size"])
    minutes = next(file for file in listing(state) if file["name"] == "회의록 2026.txt")
    assert ask(minutes["download_url"]).text.startswith("회의록 2026\n")
    assert page(state, "/").count('class="caption"') == PICTURES
    assert page(state, "/documents/").count('class="paper-text"') == DOCUMENTS
    assert page(state, "/how/")
    links = re.findall(r'src="(http[^"]+)"', page(state, "/thumbnails/"))
    assert len(set(links)) == COUNT
    assert len({link.partition("?")[2] for link in links}) == 1
    with urlopen(unescape(links[0])) as answer:
        assert answer.headers["Cache-Control"] == "private, max-age=604800, immutable"
        assert answer.headers["Content-Type"] == "image/jpeg"
    assert "\n     0 errors, 0 warnings, " in demo.printed


def test_secrets_are_readable_by_their_owner_only(state: DemoState) -> None:
    """Keep the signing key, passwords and access keys at mode 0600 in a folder of mode 0700."""
    secrets = [state.folder / "state.json", *(state.folder / "keys").iterdir()]
    assert {stat.S_IMODE(secret.stat().st_mode) for secret in secrets} == {0o600}
    assert stat.S_IMODE(state.folder.stat().st_mode) == 0o700
    assert len(secrets) == 3
    assert state.secret_key not in repr(state)
    assert state.root.secret_access_key not in repr(state)


def test_the_edge_may_read_and_nothing_else(state: DemoState) -> None:
    """Allow the edge's own user to see whom to trust, and refuse it what it does not need."""
    assert trusted(state, "edge") == trusted(state)
    s3 = client(state, "s3", "edge")
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_object(Bucket=state.bucket, Key="x", Body=b"x")
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.list_objects_v2(Bucket=state.bucket)


def test_an_edge_that_cannot_start(
    state: DemoState,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Name a distribution, or a demo, that is not there, or what to do if the port is in use."""
    for folder, distribution_id, named in (
        (state.folder, "EMISSING", ["EMISSING"]),
        (state.folder, state.distribution_id, ["--port"]),
        (tmp_path, state.distribution_id, [str(tmp_path), "make demo"]),
    ):
        monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
        assert edge.main([distribution_id, "--port", str(state.ports["site"])]) == 1
        said = capsys.readouterr().err
        assert all(each in said for each in named)


def test_one_folder_takes_one_demo(state: DemoState) -> None:
    """Refuse to start if a demo runs in that folder, and say what to do."""
    with pytest.raises(SystemExit, match="--folder"), running_demo(state.folder):
        pass


def test_a_failing_step_shows_its_log(tmp_path: Path) -> None:
    """Exit 1, name the step, its log and the reason, and stop the rest if a command fails."""
    demo = RunningDemo(tmp_path / "broken")
    assert demo.fail_to_start(link_seconds=1) == 1
    step, reason = demo.printed.split(str(demo.folder / "logs" / "prepare.log"))
    assert "manage.py demo_prepare" in step
    assert f"{LINK_VARIABLE} is '1'" in reason
    assert open_ports(demo.state) == []


def rotate(state: DemoState, *arguments: str) -> dict[str, str]:
    """Run manage.py cfsigned_rotate as in another terminal; return the statuses."""
    done = subprocess.run(
        [sys.executable, "manage.py", "cfsigned_rotate", "--json", *arguments],
        cwd=BASE_FOLDER,
        env={
            **os.environ,
            FOLDER_VARIABLE: str(state.folder),
            LINK_VARIABLE: str(LINK_SECONDS),
            "DJANGO_SETTINGS_MODULE": "demo_project.settings",
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode in (0, NOT_YET), done.stderr
    return {key["algorithm"]: key["status"] for key in json.loads(done.stdout)["keys"]}


def test_a_killed_demo_goes_on_with_its_rotation(demo: RunningDemo) -> None:
    """Set all up; go on where a rotation stood when every process was killed."""
    first = demo.start()
    assert trusted(first) == [first.key_pair_id]
    assert "made     the distribution" in demo.printed
    assert f"distribution {first.distribution_id}" in demo.printed
    files = {(file["name"], file["size"]) for file in listing(first)}
    assert rotate(first, "--import") == {"RSA_2048": "active"}
    rotate(first, "--start")
    assert rotate(first) == {"RSA_2048": "active", "ECDSA_P256": "trusted"}
    both = trusted(first)
    assert len(both) == 2
    demo.kill()

    with closing(socket.create_server((HOST, first.ports["site"]))):
        second = demo.start()
    ports = {**first.ports, "site": second.ports["site"]}
    assert second == replace(first, ports=ports, cors_origin=",".join(second.origins))
    assert "changed  the bucket" in demo.printed
    assert trusted(second) == both
    assert {(file["name"], file["size"]) for file in listing(second)} == files
    assert statuses([file["url"] for file in listing(second)]) == {"200"}
    assert rotate(second) == {"RSA_2048": "active", "ECDSA_P256": "trusted"}


def test_every_command_of_the_page_of_the_demo_works(demo: RunningDemo, state: DemoState) -> None:
    """Rotate, break, diagnose and repair as the page says, and see what it shows.

    The probes of a rotation are not listed as refusals. If the demo was killed during a
    rotation, this one goes on: ECDSA signs in the end.
    """
    page = DOCS / "tutorial" / "demo.md"
    start, *rest = (each for each in snippets(page) if each.language == "console")
    [(make, _)] = commands(start.code)
    assert made_by(make) == ARGUMENTS
    with ExitStack() as stack:
        environment = {
            **plain_environment(),
            FOLDER_VARIABLE: str(demo.folder),
            LINK_VARIABLE: str(LINK_SECONDS),
        }
        terminal = Terminal(BASE_FOLDER, environment)
        stack.callback(terminal.close)
        reader = Reader(
            folder=BASE_FOLDER,
            environment=environment,
            replaced={
                ".venv/bin/python": sys.executable,
                ":8001/": f":{state.ports['edge']}/",
                ".demo/": f"{demo.folder}/",
            },
            terminal=terminal,
            servers=stack,
        )
        for snippet in rest:
            reader.do(snippet)
    urls = [file["url"] for file in listing(state)]
    assert min(map(len, urls)) < 250  # Those of the RSA key are longer than 400.
    assert statuses(urls) == {"200"}
    assert "MissingKey /.cfsigned-probe" not in demo.printed


def test_sigterm_stops_every_server(demo: RunningDemo, state: DemoState) -> None:
    """Exit 0 and leave nothing running after SIGTERM."""
    assert open_ports(state) == [*state.ports.values()]
    assert demo.stop() == 0
    assert open_ports(state) == []
