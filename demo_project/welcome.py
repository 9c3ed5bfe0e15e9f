"""Tell the person who started the demo what there is to see."""

from __future__ import annotations

import math
import sys
from pathlib import Path

from demo_project.console import Console
from demo_project.diagnosis import doctor_arguments
from demo_project.pace import Pace
from demo_project.state import (
    ADMIN_NAME,
    BASE_FOLDER,
    DemoState,
)

KEYS_PATH = "/admin/cfsigned_django/keypair/"


def welcome(state: DemoState, console: Console) -> None:
    """Print where the demo is, and what to try."""
    site, password = state.address("site"), state.admin_password
    console.title("The demo is running.")
    console.line(f"""
  {site}/             the gallery: each picture comes through the edge
  {site}/documents/   files with download names
  {site}/how/         what happens, and the three lines that do it
  {site}/api/files/   the same links as JSON
  {site}{KEYS_PATH}
                               the signing keys: log in as {ADMIN_NAME}, password {password}

  Try
    - Open the last page: import the key of the settings, then rotate from RSA to ECDSA. The
      links of the gallery shrink, and none that was issued stops working before its time.
      Waits are short here: a rotation takes about {_rotation_minutes()} minutes.
    - Open a picture's page and ask the edge for it without a signature, with a changed one,
      and with one that has expired. The edge's log, below, says why it refused.
    - Drop a picture of your own on the gallery.
    - In another terminal, let the doctor look, or make a link:
        {_python()} manage.py {" ".join(doctor_arguments(state))}
        {_python()} manage.py shell -c \\
          "from demo_project.gallery.models import Picture as P; print(P.objects.first().image.url)"

  Logs are in {state.logs}. Ctrl-C stops everything; files and keys stay
  in {state.folder} for the next start.
""")


def _rotation_minutes() -> int:
    pace = Pace.from_environment()
    seconds = pace.edge + pace.propagation + pace.link + 2 * pace.keyring + pace.clock_skew
    return math.ceil(seconds / 60)


def _python() -> str:
    """Return the interpreter as somebody in the checkout would call it."""
    path = Path(sys.executable)
    return str(path.relative_to(BASE_FOLDER) if path.is_relative_to(BASE_FOLDER) else path)
