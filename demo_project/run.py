"""Start the demo: `python -m demo_project.run`, or `make demo`.

Three servers on 127.0.0.1: an AWS emulator (S3, and CloudFront's API), the local CloudFront edge
and the site. Everything that must outlive them lies in one folder, `.demo/` unless told otherwise.
"""

from __future__ import annotations

import argparse
import fcntl
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event
from types import FrameType, MappingProxyType
from typing import NoReturn
from urllib.parse import unquote

from demo_project.aws_setup import set_up_aws
from demo_project.check import check_links
from demo_project.console import Console
from demo_project.diagnosis import examine
from demo_project.local_aws import EDGE_PROFILE, aws_command, edge_profile, prepare_users
from demo_project.pace import Pace
from demo_project.ports import HOST, HeldPorts
from demo_project.processes import Child, Command, DemoFailed, Reaper, environment
from demo_project.state import BASE_FOLDER, FOLDER_VARIABLE, DemoState, demo_folder
from demo_project.welcome import welcome

# The time of day, and a status that is not a success, or what became of the distribution and its
# key group. A probe of a rotation asks for a file that is not there: that went well.
_WORTH_TELLING = re.compile(
    r"[0-9:]+ ((?!404 from the origin /\.cfsigned-probe)[45][0-9]{2} |The )"
)
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """Somebody asked the demo to stop, by Ctrl-C or by a signal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """A running demo: what it keeps, and its servers in the order of their start."""

    state: DemoState
    servers: list[Child] = field(default_factory=list)

    def raise_if_ended(self) -> None:
        """Raise DemoFailed, with the end of its log, when a server has ended."""
        for server in self.servers:
            if server.ended:
                raise server.failure()


@contextmanager
def running_demo(folder: Path, console: Console, *, quiet: bool = False) -> Iterator[Demo]:
    """Start everything, and stop everything at the end of the `with` block.

    What the edge refuses, and what it learns of its key group, is printed as well, unless `quiet`.
    """
    with ExitStack() as stack:
        stack.enter_context(_lock(folder))
        state = DemoState.open(folder)
        ports = stack.enter_context(HeldPorts(state.ports))
        state = _move(state, ports.ports, console)
        demo = Demo(state=state)
        reaper = Reaper()
        stack.callback(reaper.close)

        all_is_up = Event()

        def echo(text: str) -> None:
            if all_is_up.is_set() and not quiet and _WORTH_TELLING.match(text):
                console.line(f"edge | {_readable(text)}")

        def start(name: str, command: Command, echo: Callable[[str], None] | None = None) -> Child:
            ports.give(name)
            child = Child(command, reaper, echo)
            stack.callback(child.stop)
            demo.servers.append(child)
            return child

        with console.step(f"S3, private, and CloudFront's API at {state.address('s3')}"):
            start("s3", aws_command(state)).wait_until_ready()
            prepared = prepare_users(state)
        with console.step("Key group, bucket and distribution, by cfsigned_setup --apply"):
            prepared = set_up_aws(prepared, console.detail)
            demo = Demo(state=prepared, servers=demo.servers)
        with console.step("Database, pictures and documents"):
            _prepare(demo.state, reaper, console)
        with console.step(f"Edge at {state.address('edge')}, site at {state.address('site')}"):
            started = [
                start("edge", _edge_command(demo.state), echo),
                start("site", _site_command(demo.state)),
            ]
            for server in started:
                server.wait_until_ready()
        with console.step("All of it examined by cfsigned_doctor"):
            examine(demo.state, console.detail)
        all_is_up.set()
        yield demo


def _move(state: DemoState, ports: Mapping[str, int], console: Console) -> DemoState:
    """Return the state with the ports that can be had now, and say which changed."""
    for name, port in state.ports.items():
        if ports[name] != port:
            console.detail(f"Port {port} is taken: {name} moves to {ports[name]}.")
    moved = replace(state, ports=ports)
    moved.save()
    return moved


def _readable(line: str) -> str:
    """Return a line of the edge's log with names as people write them."""
    decoded = unquote(line)
    # A viewer chose the name: it must not steer the terminal.
    return decoded if decoded.isprintable() else line


def _prepare(state: DemoState, reaper: Reaper, console: Console) -> None:
    """Migrate the database and upload what is missing."""
    step = Child(_manage(state, "prepare", "demo_prepare"), reaper, console.detail)
    try:
        step.wait_until_done()
    finally:
        step.stop()


def _manage(
    state: DemoState,
    name: str,
    *arguments: str,
    ready_url: str = "",
    variables: Mapping[str, str] = MappingProxyType({}),
) -> Command:
    return Command(
        name=name,
        arguments=[sys.executable, str(BASE_FOLDER / "manage.py"), *arguments],
        environment=environment(
            DJANGO_SETTINGS_MODULE="demo_project.settings",
            **{FOLDER_VARIABLE: str(state.folder)},
            **variables,
        ),
        log=state.logs / f"{name}.log",
        ready_url=ready_url,
    )


def _site_command(state: DemoState) -> Command:
    place = f"{HOST}:{state.ports['site']}"
    url = state.address("site") + "/"
    return _manage(state, "site", "runserver", "--noreload", place, ready_url=url)


def _edge_command(state: DemoState) -> Command:
    arguments = (
        *("cfsigned_edge", "--port", str(state.ports["edge"]), "--profile", EDGE_PROFILE),
        *("--distribution", state.distribution_id),
        *("--propagation", str(Pace.from_environment().edge)),
    )
    variables = edge_profile(state)
    return _manage(state, "edge", *arguments, ready_url=state.address("edge"), variables=variables)


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Hold the folder, so that two demos do not write to one bucket."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SystemExit(
                f"A demo is running with {folder} already. Stop it first, or give this one a "
                "folder of its own with --folder."
            ) from None
        yield


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    # From here on the servers are being stopped: a second Ctrl-C must not interrupt that.
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise Stopped(number)


def main(arguments: list[str] | None = None) -> int:
    """Run the demo until it is stopped; return 0, or 1 when something went wrong."""
    parser = argparse.ArgumentParser(prog="python -m demo_project.run", description=__doc__)
    parser.add_argument(
        "--folder", type=Path, default=demo_folder(), help="keep everything in this folder"
    )
    parser.add_argument(
        "--check", action="store_true", help="start, try every link, stop; exit 1 if one is wrong"
    )
    options = parser.parse_args(arguments)
    for number in _SIGNALS:
        signal.signal(number, _stop)
    console = Console()
    console.title("Starting the cfsigned_django demo")
    try:
        with running_demo(options.folder, console, quiet=options.check) as demo:
            if options.check:
                return check_links(demo.state, console)
            welcome(demo.state, console)
            while True:
                demo.raise_if_ended()
                time.sleep(0.3)
    except Stopped:
        console.line("Stopped.")
        return 0
    except DemoFailed as error:
        console.error(str(error))
        return 1


if __name__ == "__main__":
    sys.exit(main())
