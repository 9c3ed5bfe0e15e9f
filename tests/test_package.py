from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

pytestmark = pytest.mark.package

ROOT = Path(__file__).parent.parent

# Import every module the way a site does that has the app installed.
IMPORT_EVERYTHING = """
import importlib, pkgutil
import django
from django.conf import settings

settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "cfsigned_django"],
    ROOT_URLCONF="cfsigned_django",
)
django.setup()
import cfsigned_django

for module in pkgutil.walk_packages(cfsigned_django.__path__, "cfsigned_django."):
    importlib.import_module(module.name)
print(cfsigned_django.__file__)
"""


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command and give its output, or fail the test with it."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the source distribution and, from it, the wheel."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", folder, cwd=ROOT)
    return folder


@pytest.fixture(scope="module")
def wheel(distributions: Path) -> Path:
    """Find the one wheel that was built."""
    [path] = distributions.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def wheel_names(wheel: Path) -> set[str]:
    """List the files in the wheel."""
    with ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if not name.endswith("/")}


def package_files() -> set[str]:
    """List the files of the package as git has them."""
    return set(run("git", "ls-files", "cfsigned_django", cwd=ROOT).split("\n")) - {""}


def test_wheel_holds_every_file_of_the_package(wheel_names: set[str]) -> None:
    """Templates, translations, migrations and py.typed are in the wheel, like all the code."""
    assert "cfsigned_django/py.typed" in package_files()
    assert package_files() <= wheel_names


def test_wheel_holds_nothing_else(wheel_names: set[str]) -> None:
    """The demo, the tests and the tools stay out of the wheel."""
    top_level = {name.split("/")[0] for name in wheel_names}

    assert top_level == {"cfsigned_django", "cfsigned_django-0.1.0.dist-info"}


def test_wheel_holds_the_licence(wheel_names: set[str]) -> None:
    """The licence travels with the code."""
    assert "cfsigned_django-0.1.0.dist-info/licenses/LICENSE" in wheel_names


def test_wheel_works_in_a_clean_environment(wheel: Path, tmp_path: Path) -> None:
    """Every module imports where only the wheel and its declared dependencies are installed."""
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=False)
    python = environment / "bin" / "python"
    uv = Path(sys.executable).with_name("uv")
    constraints = ROOT / "constraints" / "default.txt"
    run(uv, "pip", "install", "-q", "-p", python, "-c", constraints, wheel, cwd=tmp_path)

    output = run(python, "-I", "-W", "error", "-c", IMPORT_EVERYTHING, cwd=tmp_path)

    assert output.startswith(str(environment))
