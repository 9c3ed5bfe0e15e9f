"""Check how much a site's own type checker knows about the package, and the code on the pages.

Run by `make types`. The first part counts the names that a checker without mypy's plugin for Django
can be sure of. The second runs mypy with django-stubs over the Python of each page of the
documentation, as in a project of its own.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.pages import NOT_RUN, PAGES, name_of, snippets  # noqa: E402 - found by the line above

#: The share of names with a known type must not fall below this. The rest are forms, migrations,
#: attributes that Django itself leaves open, and the base class of CloudFrontS3Storage.
FLOOR = 0.98

PROGRAMS = Path(sysconfig.get_path("scripts"))

#: What mypy may say of the pages.
ALLOWED = re.compile(
    "|".join(
        [
            # Which class an alias has, STORAGES says when the site runs: docs/reference/python.md.
            r'of "Storage"|"Storage" has no attribute',
            # An example in a table of arguments.
            r'reference_url_md.*Name "(JsonResponse|photos)" is not defined',
            # django-tenants adds it to the connection, and has no types.
            r'several_storages_md.*"schema_name"',
            # One setting or the other.
            r"keys_from_a_store_md.*Incompatible types in assignment",
        ]
    )
)

SETTINGS = """
SECRET_KEY = "page"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "cfsigned_django"]
"""
#: What every project has above the lines that a page shows.
BEFORE = """
from pathlib import Path
from typing import Any
BASE_DIR: Path
INSTALLED_APPS: list[str]
MIDDLEWARE: list[str]
TEMPLATES: list[dict[str, Any]]
"""
CONFIGURATION = """
[mypy]
plugins = mypy_django_plugin.main
check_untyped_defs = true
disable_error_code = import-not-found, import-untyped, no-redef
[mypy.plugins.django-stubs]
django_settings_module = site_settings
"""


def run(program: str, *arguments: str, cwd: Path, **variables: str) -> str:
    """Return what a program of the environment prints."""
    done = subprocess.run(
        [str(PROGRAMS / program), *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, **variables},
    )
    return done.stdout + done.stderr


def judge_names() -> bool:
    """Print the share of names whose type is known; if it is too low, the other names."""
    # It asks the first Python on PATH where packages lie.
    path = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"
    options = ("--outputjson", "--ignoreexternal", "--verifytypes", "cfsigned_django")
    found: dict[str, Any] = json.loads(run("basedpyright", *options, cwd=ROOT, PATH=path))
    found = found["typeCompleteness"]
    score = found["completenessScore"]
    print(f"{score:.1%} of the names have a known type; the floor is {FLOOR:.0%}")
    if score >= FLOOR:
        return True
    for each in found["symbols"]:
        if each["isExported"] and (each["isTypeAmbiguous"] or not each["isTypeKnown"]):
            print(each["name"], *(why["message"] for why in each["diagnostics"]), sep="\n  ")
    return False


def judge_pages() -> bool:
    """Print what mypy finds in the Python of the pages."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "mypy.ini").write_text(CONFIGURATION)
        (folder / "site_settings.py").write_text(SETTINGS)
        for page in PAGES:
            code = [
                each.code
                for each in snippets(page)
                if each.language == "python" and each.role not in NOT_RUN
            ]
            if code:
                module = re.sub(r"\W", "_", name_of(page)) + ".py"
                (folder / module).write_text("\n".join([BEFORE, *code]))
        said = run("mypy", "--no-error-summary", ".", cwd=folder, PYTHONPATH=".")
    found = [
        line for line in said.splitlines() if ": note: " not in line and not ALLOWED.search(line)
    ]
    for line in found:
        print(line)
    return not found


if __name__ == "__main__":
    sys.exit(not all([judge_names(), judge_pages()]))
