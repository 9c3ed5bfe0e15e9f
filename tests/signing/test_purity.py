"""Import the pure layers where no framework is installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import importlib
import pkgutil
import sys

UNWANTED = {"boto3", "botocore", "django", "storages"}


class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in UNWANTED:
            raise ModuleNotFoundError(f"{name} is not to be imported")


sys.meta_path.insert(0, Refuse())
package = importlib.import_module(sys.argv[1])
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    importlib.import_module(module.name)
    print(module.name)
"""
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("package", ["cfsigned_django.signing", "cfsigned_django.edge"])
def test_import_without_frameworks(package: str) -> None:
    """Import every module of the layer with Django, boto3 and storages unimportable."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, package],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    folder = ROOT / package.replace(".", "/")
    expected = {
        f"{package}.{'.'.join(path.relative_to(folder).with_suffix('').parts)}"
        for path in folder.rglob("*.py")
        if path.stem != "__init__"
    }
    assert set(done.stdout.split()) == expected
    assert len(expected) > 3


@pytest.mark.parametrize("name", ["boto3", "botocore", "django", "storages"])
def test_the_refusal_works(name: str) -> None:
    """Fail to import what is made unimportable, so that the test above means something."""
    program = PROGRAM.replace("sys.argv[1]", repr(name))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert f"{name} is not to be imported" in done.stderr


def test_use_without_frameworks() -> None:
    """Sign and verify with nothing but the standard library and cryptography loaded."""
    program = """
import sys
from cfsigned_django.signing import PrivateKey, Signer, Verifier
key = PrivateKey.generate()
url = Signer(key_pair_id="K1", private_key=key).sign_url("https://h/a", date_less_than=100)
print(Verifier({"K1": key.public_key}).verify(url, now=99).resource)
print(sorted({"boto3", "botocore", "django", "storages"} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=True, text=True
    )
    assert done.stdout == "https://h/a\n[]\n"
