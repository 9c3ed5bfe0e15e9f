"""Install AWS's signer for JavaScript again only where the one that is there does not load."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/javascript_signer.sh"

pytestmark = [
    pytest.mark.js,
    pytest.mark.skipif(shutil.which("node") is None, reason="needs node"),
]


def installs(folder: Path) -> bool:
    """Run the script in a copy of the project, and tell whether it calls npm."""
    programs, called = folder / "bin", folder / "npm was called"
    programs.mkdir()
    (programs / "npm").write_text(f'#!/bin/sh\ntouch "{called}"\n')
    (programs / "npm").chmod(0o755)
    script = shutil.copy(SCRIPT, folder / "scripts")
    path = os.pathsep.join([str(programs), os.environ["PATH"]])
    subprocess.run([script], env={**os.environ, "PATH": path}, check=True)
    return called.exists()


@pytest.mark.parametrize(
    ("version", "module", "expected"),
    [
        ("wanted", "export const getSignedUrl = 1;", False),
        ("wanted", 'import "@smithy/is-missing";', True),
        ("0.0.1", "export const getSignedUrl = 1;", True),
        (None, "", True),
    ],
    ids=["whole", "interrupted", "another version", "none"],
)
def test_install(version: str | None, module: str, expected: bool, tmp_path: Path) -> None:
    """Trust an install of the wanted version whose dependencies are there, and no other one."""
    (wanted,) = re.findall(r"^version=(\S+)$", SCRIPT.read_text(), re.MULTILINE)
    (tmp_path / "scripts").mkdir()
    package = tmp_path / "tests/js/node_modules/@aws-sdk/cloudfront-signer"
    if version is None:
        (tmp_path / "tests/js").mkdir(parents=True)
    else:
        package.mkdir(parents=True)
        fields = {"version": wanted if version == "wanted" else version, "main": "index.mjs"}
        (package / "package.json").write_text(json.dumps(fields, indent=2))
        (package / "index.mjs").write_text(module)

    assert installs(tmp_path) is expected
