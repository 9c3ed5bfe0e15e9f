"""Use the pure layers without any framework."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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
for name in UNWANTED:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        continue
    raise AssertionError(f"{name} was imported")
for name in ("cfsigned_django.signing", "cfsigned_django.edge"):
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)

from cfsigned_django.signing import PrivateKey, Signer, Verifier
key = PrivateKey.generate()
url = Signer(key_pair_id="K1", private_key=key).sign_url("https://h/a", date_less_than=100)
print(Verifier({"K1": key.public_key}).verify(url, now=99).resource)
"""


def test_use_without_frameworks() -> None:
    """Import every module of both layers, sign and verify, with nothing but cryptography."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("https://h/a\n", "")
