"""Run a tiny project in a separate process, as a site uses the package.

``python -m tests.projects`` has imported what every project uses, and nothing of a project: each
process is a fork of it. To import Django and boto3 takes longest.
"""

from __future__ import annotations

import atexit
import functools
import importlib
import json
import multiprocessing
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cfsigned_django.signing import PrivateKey
from tests.storage_cases import DOMAIN, KEY_ID

ROOT = Path(__file__).parent.parent

_SETTINGS = f"""
import os
SECRET_KEY = "only for tests"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}}}
AWS_CLOUDFRONT_KEY = os.environ["CLOUDFRONT_PRIVATE_KEY"]
AWS_CLOUDFRONT_KEY_ID = "{KEY_ID}"
AWS_S3_CUSTOM_DOMAIN = "{DOMAIN}"
AWS_STORAGE_BUCKET_NAME = "media"
INSTALLED_APPS = []
STATIC_URL = "/static/"
MEDIA_ROOT = os.path.join(os.path.dirname(__file__), "media")
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """Hold a folder with a settings module, which further lines may change."""

    folder: Path
    key: PrivateKey

    def write(self, path: str, text: str) -> Path:
        """Write a file of the project."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        return target

    def settings(self, *lines: str) -> None:
        """Write the settings: those of a site that signs, and these lines."""
        self.write("project_settings.py", "\n".join((_SETTINGS, *lines, "")))

    def run(self, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python code in the project after django.setup()."""
        return self._start(f"import django; django.setup()\n{code}", "-c", *arguments)

    def manage(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a management command in the project, with its variables, or with these instead."""
        return self._start(_MANAGE, "django", *arguments, **variables)

    def _start(
        self, code: str, *arguments: str, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        own = {
            "DJANGO_SETTINGS_MODULE": "project_settings",
            "CLOUDFRONT_PRIVATE_KEY": self.key.to_pem().decode(),
        }
        out, err = self.folder / ".out", self.folder / ".err"
        told = {
            "code": code,
            "arguments": arguments,
            "folder": str(self.folder),
            "printed": [str(out), str(err)],
            "environment": kept | (variables or own),
        }
        code_of_exit = int(_ask(json.dumps(told)))
        return subprocess.CompletedProcess(
            arguments, code_of_exit, out.read_text("utf-8"), err.read_text("utf-8")
        )


_MANAGE = (
    "import sys\nfrom django.core.management import execute_from_command_line as run\nrun(sys.argv)"
)


@functools.cache
def _parent() -> subprocess.Popen[str]:
    """Return the process that forks, which ends with this one."""
    parent = subprocess.Popen(
        [sys.executable, "-m", __name__],
        cwd=ROOT,
        env=os.environ | {"PYTHONWARNINGS": "error"},
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    atexit.register(parent.communicate)
    return parent


def _ask(told: str) -> str:
    """Run what is told in a fork; return its exit code."""
    parent = _parent()
    assert parent.stdin is not None
    assert parent.stdout is not None
    print(told, file=parent.stdin, flush=True)
    return parent.stdout.readline()


def main() -> None:
    """Fork for each line; print the exit codes."""
    for name in _IMPORTED:
        importlib.import_module(name)
    # A fork of multiprocessing ends at once. To take apart what was imported took most of its time.
    context = multiprocessing.get_context("fork")
    while line := sys.stdin.readline():
        child = context.Process(target=_be, args=[json.loads(line)])
        child.start()
        child.join()
        print(child.exitcode, flush=True)


#: What a project imports in any case, or its commands.
_IMPORTED = (
    "storages.backends.s3",
    "cfsigned_django.storage",
    "django.db.backends.sqlite3.base",
    *("django.utils.log", "django.views.debug"),
    *(f"django.core.management.commands.{each}" for each in ("check", "makemigrations", "migrate")),
)


def _be(told: dict[str, Any]) -> None:
    """Be the process of a project: it ends as this code ends, but runs nothing of atexit."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, path in enumerate(told["printed"], 1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    os.chdir(told["folder"])
    os.environ.clear()
    os.environ.update(told["environment"])
    sys.argv, sys.path[0] = told["arguments"], told["folder"]
    sys.path.insert(1, str(ROOT))
    exec(told["code"], {"__name__": "__main__"})  # noqa: S102 - of a test


if __name__ == "__main__":
    main()
