"""What is installed: the wheel, a start of a site that has the app, and its migrations.

Modules: apps.py, models.py
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest
from django.core.management import call_command

from scripts.addresses import PYPROJECT, REPOSITORY, fill

ROOT = Path(__file__).parent.parent
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
#: The build backend is pinned, as scripts/release.sh has it.
PINNED = ("--dependency-constraints-txt", "constraints/tools.txt")
DIST_INFO = f"cfsigned_django-{VERSION}.dist-info"
UV = Path(sys.executable).with_name("uv")

START = """
import importlib, pkgutil, sys
import django
from django.conf import settings

apps = ["admin", "auth", "contenttypes", "messages", "sessions"]
settings.configure(
    INSTALLED_APPS=[*(f"django.contrib.{app}" for app in apps), "cfsigned_django"],
    ROOT_URLCONF="cfsigned_django",
)
django.setup()
print(sorted({"boto3", "botocore", "cryptography", "storages"} & {*sys.modules}))
"""
IMPORT_IN_SETTINGS = """
import importlib, os, sys
from django.conf import settings

os.environ.pop("DJANGO_SETTINGS_MODULE", None)
for module in sys.argv[1:]:
    for name in [each for each in sys.modules if each.startswith("cfsigned_django")]:
        del sys.modules[name]  # Each is the first to be imported.
    importlib.import_module(f"cfsigned_django.{module}")
    print(module, settings.configured)
"""
PUBLIC = (
    "storage cookies core.keyring middleware shortcuts signing testing urls views views.permissions"
)
IMPORT_EVERYTHING = """
import cfsigned_django

print(cfsigned_django.__file__)
for module in pkgutil.walk_packages(cfsigned_django.__path__, "cfsigned_django."):
    importlib.import_module(module.name)
"""


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    """Run a command and give its output, or fail the test with it."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_start_waits_for_no_other_library() -> None:
    """Import boto3, cryptography and django-storages when needed; the admin starts without them."""
    assert run(sys.executable, "-c", START).strip() == "[]"


def test_an_import_needs_no_settings() -> None:
    """A settings file may import what it uses, such as its own storages."""
    printed = run(sys.executable, "-c", IMPORT_IN_SETTINGS, *PUBLIC.split())
    assert printed.splitlines() == [f"{module} False" for module in PUBLIC.split()]


@pytest.mark.django_db
def test_migrations_are_up_to_date() -> None:
    """No change of a model waits for its migration."""
    call_command("makemigrations", "cfsigned_django", check=True, dry_run=True, verbosity=0)
    assert call_command("migrate", check_unapplied=True, verbosity=0) is None


def test_addresses_follow_from_one() -> None:
    """Give the addresses that follow from that of the repository, and none without it."""
    pyproject = PYPROJECT.read_text()
    address = "https://git.example.com/media/cfsigned_django"
    filled = fill(pyproject, address)
    project = tomllib.loads(filled)["project"]

    assert fill(pyproject, REPOSITORY) == pyproject
    assert fill(filled, REPOSITORY) == pyproject
    assert [*project["urls"]] == ["Changelog", "Documentation", "Issues", "Repository"]
    links = re.findall(r"\]\((.*?)\)", project["readme"]["text"])
    assert links == [*project["urls"].values()]
    assert all(link.startswith(address) for link in links)
    assert "urls" not in tomllib.loads(fill(pyproject, ""))["project"]


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with the wheel and the sdist: those of scripts/release.sh, or new ones."""
    if folder := os.environ.get("CFSIGNED_TEST_DIST"):
        return Path(folder)
    new = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", *PINNED, "--installer", "uv", "--outdir", new)
    return new


@pytest.mark.package
def test_wheel(dist: Path) -> None:
    """The wheel holds the package, no more and no less.

    Its description links to nothing that a package index does not have.
    """
    [wheel] = dist.glob("*.whl")
    with ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
        metadata = archive.read(f"{DIST_INFO}/METADATA").decode()
    files = set(run("git", "ls-files", "cfsigned_django").split("\n")) - {""}

    assert "cfsigned_django/py.typed" in files
    assert files <= names
    assert {name.split("/")[0] for name in names} == {"cfsigned_django", DIST_INFO}
    assert f"{DIST_INFO}/licenses/LICENSE" in names
    description = metadata.partition("\n\n")[2]
    assert "CloudFrontS3Storage" in description
    assert re.findall(r"\]\((?!https://)[^)]*\)|src=", description) == []


@pytest.mark.package
def test_sdist(dist: Path, tmp_path: Path) -> None:
    """The sdist has tests and pages, and installs, file by file, what the wheel does."""
    [sdist], [wheel] = dist.glob("*.tar.gz"), dist.glob("*.whl")
    with tarfile.open(sdist) as archive:
        names = {each.name.partition("/")[2] for each in archive if each.isfile()}
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate")
    of_tools = {each for each in listed.split() if each.startswith(".") and "/" not in each}
    assert names ^ {*listed.split()} == of_tools | {"PKG-INFO", "pyproject.toml.orig"}
    options = ("-p", sys.executable, "--build-constraints", "constraints/tools.txt", "--no-deps")
    run(UV, "pip", "install", "-q", *options, "--target", tmp_path, sdist)
    with ZipFile(wheel) as archive:
        for name in archive.namelist():
            # The installer adds its files to this list.
            if not name.endswith(("/", "/RECORD")):
                assert (tmp_path / name).read_bytes() == archive.read(name)


@pytest.mark.package
def test_clean_environment(dist: Path, tmp_path: Path) -> None:
    """The wheel brings all that the package needs."""
    [wheel] = dist.glob("*.whl")
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=False)
    python = environment / "bin" / "python"
    constraints = ROOT / "constraints" / "default.txt"
    run(UV, "pip", "install", "-q", "-p", python, "-c", constraints, wheel, cwd=tmp_path)
    run(UV, "pip", "check", "-p", python)
    output = run(python, "-I", "-W", "error", "-c", START + IMPORT_EVERYTHING, cwd=tmp_path)
    _, path = output.splitlines()
    assert path.startswith(str(environment))
