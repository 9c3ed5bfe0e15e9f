"""What continuous integration runs, and what a release may do."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
#: The workflow and the job that can speak for the repository to a package index.
PUBLISHING = ("release", "publish")

each_workflow = pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)


def jobs_of(file: Path) -> dict[str, Any]:
    """Return the jobs of a workflow."""
    return dict(yaml.safe_load(file.read_text())["jobs"])


def steps_of(file: Path) -> list[dict[str, Any]]:
    """Return the steps of all jobs of a workflow."""
    return [step for job in jobs_of(file).values() for step in job["steps"]]


def stages() -> set[str]:
    """Return the targets of make that .ci/run makes."""
    script = (ROOT / ".ci" / "run").read_text().replace("\\\n", " ")
    found = re.findall(r"^(?:stage|side_by_side) ([a-z -]+)", script, re.MULTILINE)
    return {*" ".join(found).split()}


def test_workflow_runs_what_ci_run_runs() -> None:
    """Each stage of .ci/run has a job, and each environment of tox; coverage runs make test."""
    [job] = jobs_of(ROOT / ".github" / "workflows" / "ci.yml").values()
    words = " ".join(each["targets"] for each in job["strategy"]["matrix"]["include"]).split()
    tox = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["tox"]

    assert stages() - {*words} == {"install", "libraries", "test"}
    assert {"coverage", "matrix"} <= {*words}
    # Debian's Python is 3.13: coverage runs there what this one would.
    environments = {word.removeprefix("ENVIRONMENT=") for word in words}
    assert {*tox["env_list"], *tox["env"]} - environments == {"py313-django61"}


@pytest.mark.skipif(shutil.which("flock") is None, reason="needs flock, which macOS lacks")
@pytest.mark.parametrize("fails", ["", "install", "test", "style", "test processes mariadb"])
def test_stages_that_fail(fails: str, tmp_path: Path) -> None:
    """Begin every stage, whichever fails, but none after install; name the failed ones at last."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci")
    (tmp_path / "Makefile").write_text(
        f"%:\n\t@case ' {fails} ' in *' $@ '*) exit 2; esac; echo made $@\n"
    )

    done = subprocess.run([tmp_path / ".ci" / "run"], capture_output=True, text=True)

    failed = {*fails.split()}
    made = stages() - failed if fails != "install" else set()
    report = done.stdout.partition("== seconds of each stage")[2]
    assert {*re.findall("^made (.*)", done.stdout, re.MULTILINE)} == made
    assert {*re.findall(r"^([a-z-]+) +\d+ +\d+$", report, re.MULTILINE)} == made | failed
    assert {*report.partition("failed:")[2].split()} == failed
    assert (done.returncode != 0) is bool(fails)


def test_missing_programs_are_named(tmp_path: Path) -> None:
    """Before make check begins, one line says what to install; nothing is installed unasked."""
    browsers = ("chromium", "firefox", "WebKitWebDriver", "xvfb-run")
    for name in ("git", "node", "npm", "openssl", *browsers):
        (tmp_path / name).touch(mode=0o755)
    command: list[str | Path] = ["/bin/bash", ROOT / "scripts" / "packages.sh"]

    done = subprocess.run(command, env={"PATH": str(tmp_path)}, capture_output=True, text=True)

    assert done.returncode == 1
    [line] = re.findall(r"apt-get install (.*)", done.stderr)
    servers = {"postgresql", "mariadb-server-core", "mariadb-client-core"}  # maybe outside of PATH
    assert {*line.split()} - servers == {"gettext"}


def test_oldest_versions_are_tested() -> None:
    """What one environment installs is the oldest boto3 and cryptography of pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    allowed = dict(each.split(">=") for each in project["dependencies"] if "," not in each)
    del allowed["django"]  # py311-django52 runs the tests on the oldest.
    pins = (ROOT / "constraints" / "oldest.txt").read_text().splitlines()[1:]

    assert dict(each.split("==") for each in pins) == {**allowed, "botocore": allowed["boto3"]}


def test_each_dependency_is_pinned() -> None:
    """Each library of a dependency group has a pin: make constraints was run after it was added."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    named = [each for group in groups.values() for each in group if isinstance(each, str)]
    lines = [
        line
        for file in (ROOT / "constraints").glob("*.txt")
        for line in file.read_text().splitlines()
        if "==" in line
    ]
    asked, pinned = ({re.split(r"[^\w.-]", each)[0] for each in which} for which in (named, lines))
    assert asked - pinned == set()


@each_workflow
def test_jobs_may_only_read(file: Path) -> None:
    """A job may read the repository, and no more; nothing of a cache reaches another run."""
    assert yaml.safe_load(file.read_text())["permissions"] == {}
    assert "cache" not in {word for step in steps_of(file) for word in re.split(r"\W", str(step))}
    for name, job in jobs_of(file).items():
        assert (file.stem, name) == PUBLISHING or job["permissions"] == {"contents": "read"}


def test_only_a_tag_publishes() -> None:
    """What publishes runs on a tag, after the build and a review, and no code of the repository."""
    file = ROOT / ".github" / "workflows" / f"{PUBLISHING[0]}.yml"
    job = jobs_of(file)[PUBLISHING[1]]

    assert yaml.safe_load(file.read_text())[True] == {"push": {"tags": ["v*"]}}  # the key "on"
    assert job["permissions"] == {"id-token": "write"}
    assert (job["needs"], job["environment"]) == ("build", "release")
    assert [step["uses"].partition("@")[0] for step in job["steps"]] == [
        "actions/download-artifact",
        "pypa/gh-action-pypi-publish",
    ]


def test_name_of_a_tag_reaches_no_shell() -> None:
    """A tag may be named after a command: make does not run it."""
    tag = "v0.1.0;touch$${IFS}a"
    printed = subprocess.run(
        ["make", "--just-print", "release"],
        cwd=ROOT,
        env={**os.environ, "TAG": tag},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "release.sh" in printed
    assert "touch" not in printed.partition("release.sh")[2]


@pytest.mark.parametrize(
    ("mark", "script"),
    [("e2e", "scripts/browser.sh"), ("js", "scripts/javascript.sh"), ("package", "Makefile")],
)
def test_marked_tests_run(mark: str, script: str) -> None:
    """What reads a part of the tests only, since that is faster, misses none that has the mark."""
    [paths] = re.findall(rf"-m {mark} (tests/[^\"\n]*)", (ROOT / script).read_text())
    found = [each for path in paths.split() for each in ROOT.glob(path)]
    marked = {
        each
        for each in (ROOT / "tests").rglob("*.py")
        if re.search(rf"\bmark\.{mark}\b", each.read_text())
    }
    # Those of libraries run with other settings: make libraries. Pictures are taken by hand.
    others = {each for each in marked if not {"libraries", "take_screenshots.py"} & {*each.parts}}

    assert others
    assert [each for each in others if not {each, *each.parents} & {*found}] == []
