"""Use the pure layers without any framework."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import importlib
import pkgutil
import sys

# With None for a module, Python refuses to import it.
sys.modules.update(dict.fromkeys(("boto3", "botocore", "django", "storages")))
for name in ("cfsigned_django.signing", "cfsigned_django.tools.edge"):
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
