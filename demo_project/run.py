"""Start the demo: `python -m demo_project.run`, or `make demo`.

Three servers on 127.0.0.1: an AWS emulator (S3 and CloudFront's API), the local CloudFront edge
and the site. Everything that must outlive them is in one folder, `.demo/` by default.
"""

from __future__ import annotations

import argparse
import fcntl
import math
import re
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event
from types import FrameType
from typing import NoReturn
from urllib.parse import unquote

from demo_project.local_aws import (
    TUTORIAL_PROFILE,
    aws_command,
    prepare_users,
    tutorial_config,
)
from demo_project.servers import (
    Child,
    Command,
    DemoFailed,
    HeldPorts,
    Reaper,
    environment,
    manage_command,
    run,
)
from demo_project.stack import deploy
from demo_project.state import (
    ADMIN_NAME,
    BASE_FOLDER,
    FOLDER_VARIABLE,
    HOST,
    DemoState,
    Pace,
    demo_folder,
)

KEYS_PATH = "/admin/cfsigned_django/keypair/"

# A time of day, then an error status, or a change of the distribution or its key group. A rotation
# probes with a file that does not exist: 404 is a success, as is 403 without a signature.
_WORTH_TELLING = re.compile(
    r"[0-9:]+ ((?!(404 from the origin|403 MissingKey) /\.cfsigned-probe)[45][0-9]{2} |The )"
)
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """The demo was asked to stop, by Ctrl-C or by a signal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """A running demo: its state, and its servers in the order of their start."""

    state: DemoState
    servers: list[Child] = field(default_factory=list)

    def raise_if_ended(self) -> None:
        """Raise DemoFailed, with the end of its log, if a server has ended."""
        for server in self.servers:
            if server.ended:
                raise server.failure()


@contextmanager
def running_demo(folder: Path, *, quiet: bool = False) -> Iterator[Demo]:
    """Start everything, and stop everything at the end of the `with` block.

    Unless `quiet`, print what the edge refuses and what it learns about its key group.
    """
    with ExitStack() as stack:
        stack.enter_context(_lock(folder))
        state = DemoState.open(folder)
        ports = stack.enter_context(HeldPorts(state.ports))
        state = _move(state, ports.ports)
        servers: list[Child] = []
        reaper = Reaper()
        stack.callback(reaper.close)
        all_is_up = Event()

        def echo(text: str) -> None:
            if all_is_up.is_set() and not quiet and _WORTH_TELLING.match(text):
                say(f"edge | {_readable(text)}")

        def start(name: str, command: Command, echo: Callable[[str], None] | None = None) -> Child:
            ports.give(name)
            child = Child(command, reaper, echo)
            stack.callback(child.stop)
            servers.append(child)
            return child

        with _step(f"S3, private, and CloudFront's API at {state.address('s3')}"):
            start("s3", aws_command(state)).wait_until_ready()
            state = prepare_users(state)
        with _step("Key group, and bucket and distribution by CloudFormation"):
            state = deploy(state, _detail)
        with _step("Database, pictures and documents"):
            run(manage_command(state, "prepare", "demo_prepare"), _detail)
        with _step(f"Edge at {state.address('edge')}, site at {state.address('site')}"):
            started = [
                start("edge", _edge_command(state), echo),
                start("site", _site_command(state)),
            ]
            for server in started:
                server.wait_until_ready()
        with _step("Examination of everything by cfsigned_doctor"):
            _examine(state)
        all_is_up.set()
        yield Demo(state=state, servers=servers)


def say(text: str) -> None:
    """Print a line in one write: the servers print at the same time."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _detail(text: str) -> None:
    say(f"     {text}")


@contextmanager
def _step(what: str) -> Iterator[None]:
    """Print that a step begins, and then how long it took."""
    began = time.monotonic()
    say(f"  .. {what}")
    yield
    say(f"  ok {what}  {time.monotonic() - began:.1f} s")


def _move(state: DemoState, ports: Mapping[str, int]) -> DemoState:
    """Return the state with the ports that are free now, and print which changed."""
    for name, port in state.ports.items():
        if ports[name] != port:
            _detail(f"Port {port} is taken: {name} moves to {ports[name]}.")
    moved = replace(state, ports=ports)
    moved.save()
    return moved


def _readable(line: str) -> str:
    """Return a line of the edge's log with names as people write them."""
    decoded = unquote(line)
    # A viewer chose the name: it must not send control characters to the terminal.
    return decoded if decoded.isprintable() else line


def _site_command(state: DemoState) -> Command:
    place = f"{HOST}:{state.ports['site']}"
    url = state.address("site") + "/"
    # Insecure is to let Django serve the style sheets without DEBUG.
    arguments = ("runserver", "--noreload", "--insecure", place)
    return manage_command(state, "site", *arguments, ready_url=url)


def _edge_command(state: DemoState) -> Command:
    return Command(
        name="edge",
        arguments=[
            *(sys.executable, "-m", "demo_project.edge", state.distribution_id),
            *("--port", str(state.ports["edge"]), "--domain", state.cdn_domain),
            *("--propagation", str(Pace.from_environment().edge)),
        ],
        environment=environment(**{FOLDER_VARIABLE: str(state.folder)}),
        log=state.logs / "edge.log",
        ready_url=state.address("edge"),
    )


def _doctor_arguments(state: DemoState) -> tuple[str, ...]:
    """Return the arguments of manage.py that examine the whole demo."""
    return ("cfsigned_doctor", "--object", "pictures/dunes.webp", *state.cors_options)


def _examine(state: DemoState) -> None:
    """Run the doctor on the running demo; print faults, then its summary.

    A fault does not stop the demo: a person may be looking for it.
    """
    command = manage_command(state, "doctor", *_doctor_arguments(state))
    *found, summary = run(command, codes=(0, 1)).splitlines()
    for line in found:
        if line.startswith(("ERROR", "warning")):
            _detail(line)
    _detail(summary)


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Lock the folder, so that two demos do not write to one bucket."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SystemExit(
                f"A demo is already running with {folder}. Stop it first, or choose another "
                "folder with --folder."
            ) from None
        yield


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    # From here on the servers are being stopped: a second Ctrl-C must not interrupt that.
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise Stopped(number)


def _welcome(state: DemoState) -> str:
    """Return the addresses of the demo, and what to try."""
    site, pace = state.address("site"), Pace.from_environment()
    seconds = pace.edge + pace.propagation + pace.link + 2 * pace.keyring + pace.clock_skew
    path = Path(sys.executable)
    python = path.relative_to(BASE_FOLDER) if path.is_relative_to(BASE_FOLDER) else path
    login = f"log in as {ADMIN_NAME}, password {state.admin_password}"
    return f"""
The demo is running.

  {site}/             the gallery: each picture is served by the edge
  {site}/documents/   files with download names
  {site}/upload/      a file goes from the browser to S3
  {site}/thumbnails/  1,000 pictures by one signature
  {site}/video/       a film in HLS, by signed cookies and by a signed playlist
  {site}/how/         how it works, and three places to use it
  {site}/api/         the same links for an app, as JSON
  {site}{KEYS_PATH}
                               the signing keys: {login}

  Try
    - Open the last page: import the key from the settings, then rotate from RSA to ECDSA. The
      links of the gallery become shorter, and old ones work until they expire.
      Waits are short here: a rotation takes about {math.ceil(seconds / 60)} minutes.
    - Open a picture's page and ask the edge for it without a signature, with a changed one,
      and with one that has expired. The page says why it is refused; so does the log, below.
    - Visit the page of the 1,000 pictures twice: the second visit asks the edge for nothing.
    - Watch the film at {state.app_address}/video/, and log out while it plays.
    - Drop one of your pictures on the gallery.
    - In another terminal, run the doctor, or make a link:
        {python} manage.py {" ".join(_doctor_arguments(state))}
        {python} manage.py shell -c \\
          "from demo_project.gallery.models import Picture as P; print(P.objects.first().image.url)"
    - Follow part 2 of the tutorial without an AWS account (docs/tutorial/on-the-emulator.md):
        export AWS_CONFIG_FILE={shlex.quote(str(tutorial_config(state)))}
        export AWS_PROFILE={TUTORIAL_PROFILE}

  Logs are in {state.logs}. Ctrl-C stops everything; files and keys stay
  in {state.folder} for the next start.
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the demo until it is stopped; return 0, or 1 if something went wrong."""
    parser = argparse.ArgumentParser(prog="python -m demo_project.run", description=__doc__)
    parser.add_argument(
        "--folder", type=Path, default=demo_folder(), help="keep everything in this folder"
    )
    options = parser.parse_args(arguments)
    for number in _SIGNALS:
        signal.signal(number, _stop)
    say("\nStarting the cfsigned_django demo")
    try:
        with running_demo(options.folder) as demo:
            say(_welcome(demo.state))
            while True:
                demo.raise_if_ended()
                time.sleep(0.3)
    except Stopped:
        say("Stopped.")
        return 0
    except DemoFailed as error:
        print(f"\nThe demo stopped. {error}", file=sys.stderr, flush=True)
        return 1


if __name__ == "__main__":
    sys.exit(main())
