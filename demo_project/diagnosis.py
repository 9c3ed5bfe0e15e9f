"""Let `manage.py cfsigned_doctor` look at the demo, and pass on what it found."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from urllib.parse import unquote, urlsplit

from demo_project.gallery.edge_client import ask
from demo_project.processes import DemoFailed, environment
from demo_project.state import BASE_FOLDER, FOLDER_VARIABLE, DemoState


def examine(state: DemoState, tell: Callable[[str], object]) -> None:
    """Run the doctor against the demo that runs; `tell` gets its summary, and faults before it.

    A fault does not stop the demo: somebody may be looking for it. Raise DemoFailed where the
    doctor itself failed.
    """
    log = state.logs / "doctor.log"
    with log.open("w") as output:
        done = subprocess.run(
            [sys.executable, str(BASE_FOLDER / "manage.py"), *doctor_arguments(state)],
            cwd=BASE_FOLDER,
            env=environment(
                DJANGO_SETTINGS_MODULE="demo_project.settings",
                NO_COLOR="1",
                **{FOLDER_VARIABLE: str(state.folder)},
            ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    lines = log.read_text("utf-8").splitlines()
    if not lines or not lines[-1].endswith(" in order."):
        raise DemoFailed(f"The doctor ended with exit code {done.returncode}.", log)
    *found, summary = lines
    for line in found:
        if line.startswith(("ERROR", "warning")):
            tell(line)
    tell(summary)


def doctor_arguments(state: DemoState) -> tuple[str, ...]:
    """Return the command that looks at the whole demo, as one types it behind manage.py."""
    options = ("--object", _some_file(state), "--cors-origin", state.address("site"))
    return ("cfsigned_doctor", *options, "--downloads")


def _some_file(state: DemoState) -> str:
    """Return the name of a file in the storage."""
    listed = ask(f"{state.address('site')}/api/files/", whole=True)
    return unquote(urlsplit(json.loads(listed.text)["files"][0]["url"]).path).removeprefix("/")
